//! The verifier of JSON Web Tokens.

mod builder;
mod compile;
mod error;
mod several;
mod steps;
#[cfg(test)]
mod tests;
mod verify;

pub use builder::{JwtVerifierBuilder, VerifyingKeys};
pub(super) use compile::{is_name, is_plain_http};
pub use error::JwtConfigError;
pub use several::JwtVerifiers;
pub use verify::JwtVerifier;
pub(crate) use verify::Presented;
