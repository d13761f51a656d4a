//! CSP: to come.

fn main() {}
