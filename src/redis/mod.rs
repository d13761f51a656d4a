//! `RedisStore` and `RedisBans`: limits, attempts to log in and bans that several nodes share through a Redis server (6.2 or later).
//! With the feature `opaque-tokens` also `RedisSessions`, `RedisApiKeys` and `RedisRevocations`: who is logged in on one node is on
//! all, and who is logged out on one too. With the feature `mfa` also `RedisMfa`: a code that was used on one node was used
//! on all. With the feature `jwt` also `RedisRefreshTokens`: a token that was used on one node was used on all.
//!
//! Without them each node counts for itself, and a client that is spread over `n` nodes gets `n` times its quota
//! ([API4:2023], [CWE-770]); who is banned on one node goes on at the next.
//!
//! # Decision
//!
//! The first line that decides wins:
//!
//! 1. This node remembers that one of the charges does not fit yet: **denied**, without a command. It remembers what the server
//!    said, counted from when it asked, so that it never denies for longer than the server would; for 10 s at most, for 1 s where
//!    this node gives units back itself.
//! 2. It holds units that it took in advance: **allowed**, without a command.
//! 3. The last five calls failed: the store says so, and each policy's [`OnStoreError`] decides. After 1 s one request asks again.
//! 4. One script call charges all policies of the request, or none. Requests that ask for the same while it is under way share the
//!    next one, and are granted in the order in which they came.
//!
//! The server's clock counts, never a node's. A counter vanishes when it would be full again. What stands in it and is no number is
//! a failure, never a fresh bucket.
//!
//! # What is admitted
//!
//! - Where nothing is taken in advance, nodes together admit what one would: `burst + d / interval` in any time `d`.
//! - With [`expected_nodes`](RedisStoreBuilder::expected_nodes) a node that is asked for the same again within 100 ms takes units in
//!   advance: what the quota brings all nodes in 50 ms, divided by their number, and at most a quarter of the burst over all of
//!   them. Ten units or more make at most one round trip of ten requests. No unit is spent twice; but one may be spent later than it
//!   was booked, so that in any time up to a quarter of a burst more is admitted. Units that are not spent within 100 to 200 ms are
//!   given back. Quotas made by [`Quota::strict`], login attempts, and quotas that bring a node no two units in 50 ms are counted
//!   one by one.
//! - A client that goes away stays charged, and so does a call that came too late for its timeout: stricter, never laxer.
//!
//! # Defaults
//!
//! | what | default | why |
//! |---|---|---|
//! | timeout | 25 ms | many times what a call takes; more than 250 ms is refused |
//! | failures until nobody asks | 5 in a row | one slow answer is none |
//! | pause | 1 s, then one request tries | an outage costs one request a second 25 ms |
//! | expected nodes | unknown | then nothing is taken in advance, and the fallback counts the full quota |
//! | units in advance | on | [`lease(false)`](RedisStoreBuilder::lease) counts one by one |
//! | hash tag | [`HashTag::PerLimiter`] | all counters of a call live on one node of a cluster |
//! | memory of a node | 65,536 denied keys, 8,192 calls and leases | fixed; with more keys more requests ask |
//! | bans | pulled once a second, 100,000 at most | a small call a second and node; what the server holds is bounded |
//!
//! # What it does not stop
//!
//! - **An outage.** Requests of the first moment wait up to 25 ms, five of them at the least; then nobody waits. With
//!   [`OnStoreError::Local`] (default) each node counts 1 / nodes of each quota by itself, starting with a full one: at the
//!   change-over up to one burst more over the fleet. [`OnStoreError::Deny`] answers 503.
//! - **A server that loses its data**: a failover to a replica that lags, `FLUSHALL`, an eviction policy other than `noeviction`.
//!   Counters begin anew.
//! - **Whoever can write to the server.** Keys are hashed with the fleet's secret, so that reading it shows neither addresses nor
//!   accounts.
//! - A flood of requests that pass: each key that is asked for once costs a round trip.
//!
//! # Deployment
//!
//! - All nodes need the same secret, prefix and policies. A policy with another quota under the same name uses the same counters.
//! - Take a lazy [`ConnectionManager`](::redis::aio::ConnectionManager), as below: it connects again by itself, and the service starts
//!   also while the server is away; one that connects at once fails then. Set its connection timeout and its response timeout; the
//!   defaults are 1 s and 500 ms. TLS and a cluster are the application's choice of connection.
//! - In a cluster one limiter's counters live on one node. [`HashTag::PerKey`] spreads them, if all policies use the same key.
//! - Before the end of the program call [`RedisStore::shutdown`].
//!
//! # Example
//!
//! ```no_run
//! use std::time::Duration;
//! use ::redis::aio::{ConnectionManager, ConnectionManagerConfig};
//! use tower_security::RateLimitLayer;
//! use tower_security::rate_limit::{Policy, Quota, key};
//! use tower_security::redis::RedisStore;
//!
//! # async fn limits(secret: [u8; 16]) -> Result<(), Box<dyn std::error::Error>> {
//! let quickly = ConnectionManagerConfig::new()
//!     .set_connection_timeout(Some(Duration::from_millis(250)))
//!     .set_response_timeout(Some(Duration::from_millis(25)));
//! let client = ::redis::Client::open("redis://127.0.0.1/")?;
//! // Connects when it is asked first: the service starts also while the server is away.
//! let connection = ConnectionManager::new_lazy_with_config(client, quickly)?;
//! let store = RedisStore::builder(connection)
//!     .prefix("shop")
//!     .secret(secret)
//!     .expected_nodes(3)
//!     .build()?;
//! let limits = RateLimitLayer::builder()
//!     .store(store)
//!     .policy(Policy::new("address", Quota::per_minute(600)).key(key::client_ip()))
//!     .build()?;
//! # let _ = limits;
//! # Ok(())
//! # }
//! ```
//!
//! A configuration that weakens it does not build:
//!
//! ```
//! use std::time::Duration;
//! use tower_security::redis::RedisStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client = ::redis::Client::open("redis://127.0.0.1/")?;
//! let lazy = ::redis::aio::ConnectionManager::new_lazy_with_config(client, Default::default())?;
//! let errors = RedisStore::builder(lazy)
//!     .prefix("{shop}")
//!     .secret([0; 16])
//!     .timeout(Duration::from_secs(1))
//!     .build()
//!     .unwrap_err();
//! let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
//! assert_eq!(codes, ["prefix", "weak_secret", "timeout"]);
//! # Ok(())
//! # }
//! ```
//!
//! [API4:2023]: https://owasp.org/API-Security/editions/2023/en/0xa4-unrestricted-resource-consumption/
//! [CWE-770]: https://cwe.mitre.org/data/definitions/770.html
//! [`OnStoreError`]: crate::rate_limit::OnStoreError
//! [`OnStoreError::Deny`]: crate::rate_limit::OnStoreError::Deny
//! [`OnStoreError::Local`]: crate::rate_limit::OnStoreError::Local
//! [`Quota::strict`]: crate::rate_limit::Quota::strict

#[cfg(feature = "opaque-tokens")]
mod api_keys;
mod bans;
mod breaker;
mod call;
mod config;
mod flight;
mod inner;
#[cfg(feature = "mfa")]
mod mfa;
mod name;
#[cfg(feature = "opaque-tokens")]
mod records;
#[cfg(feature = "_jwt")]
mod refresh_tokens;
#[cfg(feature = "opaque-tokens")]
mod revocations;
#[cfg(feature = "opaque-tokens")]
mod sessions;
mod slots;
mod store;
mod units;
mod wire;

#[cfg(feature = "opaque-tokens")]
pub use api_keys::RedisApiKeys;
pub use bans::RedisBans;
pub use config::{RedisConfigError, RedisStoreBuilder};
#[cfg(feature = "mfa")]
pub use mfa::RedisMfa;
pub use name::HashTag;
#[cfg(feature = "_jwt")]
pub use refresh_tokens::RedisRefreshTokens;
#[cfg(feature = "opaque-tokens")]
pub use revocations::RedisRevocations;
#[cfg(feature = "opaque-tokens")]
pub use sessions::RedisSessions;
pub use store::{RedisAnswer, RedisCounter, RedisStore};
