//! The content security policy.

#[cfg(feature = "csp-hashes")]
mod hashes;
#[cfg(feature = "csp-report")]
pub mod report;
mod source;

#[cfg(feature = "csp-hashes")]
pub use hashes::{CspHashes, CspHashesBuilder, CspHashesError};
pub use source::Source;
