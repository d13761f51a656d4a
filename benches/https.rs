//! HTTPS: to come.

fn main() {}
