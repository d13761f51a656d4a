//! What the tests of several rooms use.

#[cfg(feature = "axum")]
pub(crate) mod browser;
#[cfg(feature = "axum")]
pub(crate) mod curl;
pub(crate) mod fetch_oracle;
pub(crate) mod posture;
pub(crate) mod service;
#[cfg(feature = "axum")]
pub(crate) mod tls;
pub(crate) mod tree;
#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto", feature = "sanitize"))]
pub(crate) mod vectors;
#[cfg(feature = "axum")]
pub(crate) mod wire;
