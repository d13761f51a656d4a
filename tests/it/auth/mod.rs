//! Authentication.

mod answers;
#[cfg(feature = "opaque-tokens")]
mod api_key;
#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
mod bearer;
#[cfg(feature = "opaque-tokens")]
mod broken;
mod caching;
mod config;
mod events;
#[cfg(feature = "axum")]
mod extractors;
#[cfg(feature = "opaque-tokens")]
mod faults;
#[cfg(all(feature = "axum", feature = "opaque-tokens"))]
mod for_request;
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
