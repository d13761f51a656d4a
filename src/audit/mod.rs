#![doc = include_str!("guide.md")]

mod anomaly;
mod config;
mod error;
mod export;
mod owned;
mod privacy;
mod queue;
#[cfg(test)]
mod tests;

pub use anomaly::{AnomalyDetector, AnomalyDetectorBuilder, Finding, Rule, RuleKey};
pub use config::{AuditConfig, AuditConfigBuilder};
pub use error::{AuditConfigError, CapacityProblem, RuleProblem};
pub use export::{CefLines, Exporter, JsonLines, MemoryExporter, Schema, write_cef};
pub use owned::OwnedEvent;
pub use privacy::{AuditClient, IpPrivacy, PrincipalPrivacy};
pub use queue::{Overflow, QueueGuard, QueueSink, QueueSinkBuilder, QueueStats};
