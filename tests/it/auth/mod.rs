//! Authentication.

mod answers;
#[cfg(feature = "opaque-tokens")]
mod api_key;
mod caching;
mod config;
#[cfg(feature = "opaque-tokens")]
pub(crate) mod contracts;
mod events;
#[cfg(feature = "axum")]
mod extractors;
mod pending;
#[cfg(all(feature = "axum", feature = "tonic"))]
mod servers;
#[cfg(feature = "opaque-tokens")]
mod session;
#[cfg(feature = "opaque-tokens")]
mod stores;
mod transports;
mod ways;
