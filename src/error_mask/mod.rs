//! `ErrorMaskLayer`.

mod body;
mod check;
mod config;
mod error;
mod grpc;
mod layer;
mod service;
#[cfg(test)]
mod tests;
mod watch;
mod web;

pub use body::{MaskedBody, MaskedBodyError};
pub use config::ErrorMaskBuilder;
pub use error::ErrorMaskConfigError;
pub use layer::ErrorMaskLayer;
pub use service::{ErrorMask, ResponseFuture};
