//! Events in memory.
#![expect(
    clippy::disallowed_types,
    reason = "for tests; the thread of the queue holds it to add a batch"
)]

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::{AuditConfig, Exporter, OwnedEvent};

/// Keeps events in memory, without a limit: for tests. Clones share them.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use tower_security::audit::{MemoryExporter, QueueSink};
/// use tower_security::core::{EventName, EventSink, SecurityEvent};
///
/// let log = MemoryExporter::new();
/// let (sink, guard) = QueueSink::builder(log.clone()).build()?;
/// sink.record(&SecurityEvent::new(EventName::UserDeleted, "accounts", "account_closed"));
///
/// assert!(guard.flush(Duration::from_secs(5)));
/// assert_eq!(log.events()[0].code(), "account_closed");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryExporter(Arc<Mutex<Vec<OwnedEvent>>>);

impl MemoryExporter {
    /// Starts without an event.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the events that were written so far, in their order.
    #[must_use]
    pub fn events(&self) -> Vec<OwnedEvent> {
        let events = self.0.lock();
        events.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Exporter for MemoryExporter {
    fn write(&mut self, batch: &[OwnedEvent], _: &AuditConfig) -> io::Result<()> {
        let events = self.0.lock();
        let mut events = events.unwrap_or_else(PoisonError::into_inner);
        events.extend_from_slice(batch);
        Ok(())
    }
}
