//! Authentication.

mod answers;
#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
mod bearer;
mod caching;
mod config;
mod events;
#[cfg(feature = "axum")]
mod extractors;
mod pending;
#[cfg(all(feature = "axum", feature = "tonic"))]
mod servers;
mod stack;
mod transports;
mod ways;
