//! What no single request shows: rules that count events by who or what they are about.

mod config;
mod detector;
mod finding;
mod key;
mod rule;
mod table;
#[cfg(test)]
mod tests;
mod window;

pub use config::AnomalyDetectorBuilder;
pub use detector::AnomalyDetector;
pub use finding::Finding;
pub use rule::{Rule, RuleKey};

/// The layer of findings.
pub(super) const LAYER: &str = "anomaly";
