//! Hashes of inline scripts and styles.

mod builder;
mod collect;
mod error;
mod page;

pub use builder::{CspHashes, CspHashesBuilder};
pub use error::CspHashesError;
