//! Tokens: what they say, and whether it may be believed.

#[cfg(feature = "_jwt")]
mod error;
#[cfg(feature = "_jwt")]
pub mod jws;
mod revocation;
#[cfg(feature = "_jwt")]
mod source;
#[cfg(feature = "_jwt")]
mod verifier;

#[cfg(feature = "_jwt")]
pub use error::{TokenError, TokenErrorKind};
pub use revocation::{Revocation, RevocationStore, TokenRef};
#[cfg(feature = "_jwt")]
pub use source::{KeySnapshot, KeySource, KeySourceError, KeyState};
#[cfg(feature = "_jwt")]
pub use verifier::JwtVerifier;
#[cfg(feature = "_jwt")]
pub(crate) use verifier::Presented;
