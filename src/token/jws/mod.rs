//! JSON Web Signatures in their compact form (RFC 7515), verified strictly.

mod algorithm;
pub(crate) mod base64url;
pub(crate) mod compact;
mod curve;
mod error;
mod fields;
pub(crate) mod header;
pub(crate) mod json;
mod jwk;
mod key;
mod provider;
mod set;

pub use algorithm::Algorithm;
pub use compact::{VerifiedJws, verify_compact};
pub use error::{JwkError, JwkSetError, JwsError};
pub use jwk::Jwk;
pub use set::{JwkSet, RejectedKey};
