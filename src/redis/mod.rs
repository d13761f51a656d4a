//! Stores that several nodes share through a Redis server.

mod ask;
mod breaker;
mod call;
mod config;
mod flight;
mod name;
mod slots;
mod store;
mod units;

pub use config::{RedisConfigError, RedisStoreBuilder};
pub use name::HashTag;
pub use store::{RedisAnswer, RedisCounter, RedisStore};
