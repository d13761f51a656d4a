//! Tests of the crate from outside, in one binary.

mod architecture;
mod corpus;
mod fuzz_bodies;
mod readme;
mod servers;
mod stack;
mod support;
