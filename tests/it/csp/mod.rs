//! The content security policy.

mod runtime;
#[cfg(feature = "axum")]
mod runtime_axum;
mod runtime_override;
