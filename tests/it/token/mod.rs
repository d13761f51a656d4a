//! Tokens.

mod broken;
#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
mod dpop;
#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
pub(crate) mod issuer;
#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
mod issuing;
#[cfg(all(
    feature = "axum",
    feature = "jwks",
    any(feature = "jwt", feature = "jwt-rust-crypto")
))]
mod jwks;
#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
mod jws;
#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
mod jws_json;
#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
mod keys;
#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
pub(crate) mod refresh;
#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
mod refusals;
mod revocation;
#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
mod rfc_vectors;
#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
mod verifier;
#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
mod wycheproof;
