//! Tokens.

#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
mod dpop;
#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
pub(crate) mod issuer;
#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
mod refusals;
#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
mod verifier;
