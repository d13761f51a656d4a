//! The table of who may call what.

mod config;
mod error;
mod layer;
mod rules;
mod service;

pub use config::AccessTableBuilder;
pub use error::AccessConfigError;
pub use layer::AccessTable;
pub use service::Access;
