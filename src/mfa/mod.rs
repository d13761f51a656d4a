//! A second factor.
