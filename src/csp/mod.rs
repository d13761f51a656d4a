//! The content security policy.

#[cfg(feature = "csp-report")]
pub mod report;
