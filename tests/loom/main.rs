//! The protocol of the table of counters, under a model checker.

fn main() {}
