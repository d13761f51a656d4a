//! Tokens: what they say, and whether it may be believed.

#[cfg(feature = "_jwt")]
mod error;
#[cfg(feature = "_jwt")]
#[doc = include_str!("identity_provider.md")]
pub mod identity_provider {}
#[cfg(feature = "_jwt")]
mod jwks;
#[cfg(feature = "_jwt")]
pub mod jws;
mod revocation;
#[cfg(feature = "_jwt")]
mod source;
#[cfg(feature = "_jwt")]
mod verifier;

#[cfg(feature = "_jwt")]
pub use error::{TokenError, TokenErrorKind};
#[cfg(feature = "jwks")]
pub use jwks::HttpsJwksFetch;
#[cfg(feature = "_jwt")]
pub use jwks::{
    FetchError, FetchErrorKind, JwksCache, JwksCacheBuilder, JwksConfigError, JwksFetch, JwksReply,
    JwksUrlProblem,
};
pub use revocation::{Revocation, RevocationStore, TokenRef};
#[cfg(feature = "_jwt")]
pub use source::{KeySnapshot, KeySource, KeySourceError, KeyState};
#[cfg(feature = "_jwt")]
pub use verifier::JwtVerifier;
