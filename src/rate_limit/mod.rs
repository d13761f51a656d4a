//! How much is too much: rate limits, bans, login attempts.
#![cfg_attr(
    not(test),
    warn(clippy::arithmetic_side_effects, clippy::cast_possible_truncation)
)]

mod after;
mod answer;
mod ban;
mod check;
mod config;
mod error;
mod fallback;
mod fields;
#[cfg(test)]
mod fields_tests;
mod future;
mod grpc;
pub mod key;
mod layer;
mod lend;
mod limiter;
mod line;
pub mod login;
mod marks;
mod memory;
mod mistakes;
#[cfg(test)]
mod mistakes_tests;
mod notices;
mod outcome;
mod policy;
mod quota;
mod refusal;
mod rule;
mod service;
mod set;
mod store;
mod table;
mod tell;
mod time;
mod verdict;

pub use ban::{
    Ban, BanAmendment, BanBuilder, BanConfigError, BanHandle, BanLayer, BanPolicyFault, BanRefusal,
    BanShare, BanStats, BanStatus, BanTable, BanTableBuilder,
};
pub use config::RateLimiterBuilder;
pub use error::RateLimitConfigError;
pub use fields::{Emit, HeaderStyle, IetfDraft};
pub use future::RateLimitFuture;
pub use layer::RateLimitLayer;
pub use limiter::{LimiterStats, RateLimiter};
pub use memory::{MemoryConfigError, MemoryCounter, MemoryStats, MemoryStore};
pub use outcome::Outcome;
pub use policy::{OnMissing, OnStoreError, Policy};
pub use quota::Quota;
pub use refusal::{RateLimitReason, RateLimited};
pub use rule::{Gcra, Ladder, Rule};
pub use service::RateLimit;
pub use store::{Acquire, Charge, CounterSpec, Nanos, Overflow, Receipt, Standing, Store};
pub use verdict::{Permit, PolicyStanding, RateLimitInfo, RateLimitRefusal};
