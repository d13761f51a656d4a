//! The security log: an event a line, as JSON.

use std::io::Write;

use tower_security::audit::{AuditConfig, JsonLines, QueueGuard, QueueSink, Schema};
use tower_security::core::ConfigErrors;

/// Writes it to `out`, by a queue and its thread: no request waits for a disk. Keep the guard to the end.
pub fn to(out: impl Write + Send + 'static) -> Result<(QueueSink, QueueGuard), ConfigErrors> {
    QueueSink::builder(JsonLines::new(out, Schema::Owasp))
        .config(AuditConfig::builder("shop").build()?)
        .build()
}
