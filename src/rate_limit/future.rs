//! Its future.
