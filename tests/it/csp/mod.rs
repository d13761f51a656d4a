//! The content security policy.

#[cfg(feature = "csp-hashes")]
mod evaluator;
#[cfg(feature = "csp-hashes")]
mod hashes;
mod policy_accepted;
mod policy_append;
mod policy_oracle;
mod policy_refused;
#[cfg(feature = "csp-report")]
mod report;
#[cfg(feature = "csp-report")]
mod report_bodies;
#[cfg(all(feature = "csp-report", feature = "axum"))]
mod report_servers;
mod runtime;
#[cfg(feature = "axum")]
mod runtime_axum;
mod runtime_override;
