//! The layer that asks before the handler is called.

mod error;

pub use error::OwnershipConfigError;
