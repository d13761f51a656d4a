//! Tokens.

#[cfg(all(
    feature = "axum",
    feature = "jwks",
    any(feature = "jwt", feature = "jwt-rust-crypto")
))]
mod jwks;
