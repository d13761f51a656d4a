//! Counters of one 64-bit word in a table of fixed size.
