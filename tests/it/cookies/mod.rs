//! Hardening of every `Set-Cookie`, and renaming.

mod config;
mod harden;
mod layer;
mod properties;
mod rename;
#[cfg(feature = "axum")]
mod servers;
pub(crate) mod table;
