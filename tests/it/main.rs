//! Tests of the crate from outside, in one binary.

mod architecture;
mod corpus;
mod csrf;
mod csrf_config;
mod csrf_model;
mod csrf_traps;
mod fuzz_bodies;
mod readme;
mod servers;
mod stack;
mod support;
