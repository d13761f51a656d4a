//! How much is too much: rate limits, bans, login attempts.
#![cfg_attr(
    not(test),
    warn(clippy::arithmetic_side_effects, clippy::cast_possible_truncation)
)]

mod ban;
mod config;
mod error;
mod fields;
mod future;
mod grpc;
pub mod key;
mod layer;
mod limiter;
mod login;
mod memory;
mod mistakes;
mod outcome;
mod policy;
mod quota;
mod rule;
mod service;
mod store;
mod table;

pub use ban::{BanShare, BanTable, BanTableBuilder};
pub use error::RateLimitConfigError;
pub use memory::{MemoryConfigError, MemoryCounter, MemoryStats, MemoryStore};
pub use outcome::Outcome;
pub use policy::{OnMissing, OnStoreError, Policy};
pub use quota::Quota;
pub use rule::{Gcra, Ladder, Rule};
pub use store::{Acquire, Charge, CounterSpec, Nanos, Overflow, Receipt, Standing, Store};
