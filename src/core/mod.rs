//! The words that every layer speaks. This room knows no layer.

mod config;
pub mod origin;

pub use config::{ConfigError, ConfigErrorKind, ConfigErrors, ErrorClass, Mode};
