//! Tests of the crate from outside, in one binary.

mod architecture;
mod corpus;
mod cors;
mod cors_config;
mod cors_oracle;
mod cors_reload;
mod cors_traps;
mod fuzz_bodies;
mod readme;
mod servers;
mod stack;
mod support;
