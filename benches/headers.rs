//! Security headers: to come.

fn main() {}
