//! Authentication.

mod answers;
#[cfg(feature = "opaque-tokens")]
mod api_key;
#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
mod bearer;
mod caching;
mod config;
#[cfg(feature = "opaque-tokens")]
pub(crate) mod contracts;
mod events;
#[cfg(feature = "axum")]
mod extractors;
#[cfg(feature = "opaque-tokens")]
mod mixed;
mod pending;
#[cfg(all(feature = "axum", feature = "tonic"))]
mod servers;
#[cfg(feature = "opaque-tokens")]
mod session;
mod stack;
#[cfg(feature = "opaque-tokens")]
mod stores;
mod transports;
pub(crate) mod ways;
