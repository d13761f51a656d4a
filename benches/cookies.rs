//! Cookies: to come.

fn main() {}
