//! Who writes a log, and how a line of it looks.

mod cef;
mod ecs;
mod json;
mod lines;
mod memory;
mod ocsf;
mod owasp;
#[cfg(test)]
mod tests;
mod timestamp;

use std::io;

pub use cef::{CefLines, write_cef};
pub use json::{JsonLines, Schema};
pub use memory::MemoryExporter;

use super::{AuditConfig, OwnedEvent};

/// Writes events where they are kept. A [`QueueSink`](super::QueueSink) calls it on a thread of its own, so that it may block.
///
/// What it is given is redacted and cleaned: no text has a control or bidirectional character. A panic in it costs the batch, and
/// is counted.
///
/// # Example
///
/// Counts by event, outcome and layer, which is little enough for the labels of a metric. Users, addresses and routes are not:
///
/// ```
/// use std::collections::BTreeMap;
/// use std::io;
/// use tower_security::audit::{AuditConfig, Exporter, OwnedEvent};
///
/// #[derive(Default)]
/// struct Counters(BTreeMap<[&'static str; 3], u64>);
///
/// impl Exporter for Counters {
///     fn write(&mut self, batch: &[OwnedEvent], _: &AuditConfig) -> io::Result<()> {
///         for event in batch {
///             let labels = [event.name().as_str(), event.outcome().as_str(), event.layer()];
///             *self.0.entry(labels).or_default() += 1;
///         }
///         Ok(())
///     }
/// }
/// ```
pub trait Exporter: Send + 'static {
    /// Writes these events, in this order.
    ///
    /// # Errors
    ///
    /// What was not written is lost, unless it can be made good: the same batch is handed over again after 100 milliseconds, then
    /// after twice as long each time, up to 30 seconds. Meanwhile the queue fills.
    fn write(&mut self, batch: &[OwnedEvent], config: &AuditConfig) -> io::Result<()>;

    /// Hands on what is still buffered. Called whenever the queue is empty, and when somebody waits for it.
    ///
    /// # Errors
    ///
    /// As of [`write`](Self::write).
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
