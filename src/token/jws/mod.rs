//! JSON Web Signatures in their compact form (RFC 7515), verified strictly.

mod algorithm;
mod compact;
mod error;
mod header;
mod json;
mod jwk;
mod provider;
mod set;

pub use algorithm::Algorithm;
pub use compact::{VerifiedJws, verify_compact};
pub use error::JwsError;
pub use jwk::{Jwk, JwkError};
pub use set::{JwkSet, JwkSetError};
