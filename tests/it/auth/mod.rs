//! Authentication.

mod answers;
mod caching;
mod config;
mod events;
#[cfg(feature = "axum")]
mod extractors;
mod pending;
#[cfg(all(feature = "axum", feature = "tonic"))]
mod servers;
mod transports;
mod ways;
