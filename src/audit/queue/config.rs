//! How a queue is set up.

use std::fmt;

use super::guard::QueueGuard;
use super::sink::QueueSink;
use super::{Overflow, worker};
use crate::audit::error::{AuditConfigError, CapacityProblem};
use crate::audit::{AuditConfig, Exporter};
use crate::core::{Clock, ConfigError, ConfigErrors, Events, Level, Mistakes};

const MAX_CAPACITY: usize = 1_000_000;

/// Makes a [`QueueSink`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct QueueSinkBuilder<E> {
    exporter: E,
    pub(super) config: AuditConfig,
    pub(super) capacity: usize,
    pub(super) overflow: Overflow,
    batch: Option<usize>,
    pub(super) at_least: Level,
    clock: Events,
}

impl<E: Exporter> QueueSinkBuilder<E> {
    pub(super) fn new(exporter: E) -> Self {
        Self {
            exporter,
            config: AuditConfig::default(),
            capacity: 8_192,
            overflow: Overflow::default(),
            batch: None,
            at_least: Level::Info,
            clock: Events::default(),
        }
    }

    /// Sets what the log says of its service, and how it treats personal data. By default [`AuditConfig::default`].
    pub fn config(mut self, config: AuditConfig) -> Self {
        self.config = config;
        self
    }

    /// Sets how many events wait at most. By default 8,192: an event takes some 400 bytes, 3,300 at most.
    ///
    /// Permitted: 1 to 1,000,000. Rejected: 0.
    pub fn capacity(mut self, events: usize) -> Self {
        self.capacity = events;
        self
    }

    /// Sets what becomes of events when the queue is full. By default [`Overflow::DropNewest`].
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// Sets how many events are written at once at most. By default 256.
    ///
    /// Permitted: 1 to the capacity, which bounds the default too. Rejected: 0, more than the capacity.
    pub fn batch(mut self, events: usize) -> Self {
        self.batch = Some(events);
        self
    }

    /// Takes events of this level and above alone. By default all. An event that nobody wants is never made.
    pub fn at_least(mut self, level: Level) -> Self {
        self.at_least = level;
        self
    }

    /// Stamps the records of the queue itself by this clock. By default by that of the system.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Events::default().with_clock(clock);
        self
    }

    /// Checks the settings and starts the thread that writes.
    ///
    /// Keep the guard for as long as events come, usually to the end of `main`: with it the queue ends.
    ///
    /// # Errors
    ///
    /// All mistakes together, each an [`AuditConfigError`]. [`AuditConfigError::Thread`]: the system starts none.
    pub fn build(self) -> Result<(QueueSink, QueueGuard), ConfigErrors> {
        const DEFAULT_BATCH: usize = 256;
        let mut mistakes = Mistakes::default();
        if !(1..=MAX_CAPACITY).contains(&self.capacity) {
            let capacity = self.capacity;
            let problem = CapacityProblem::Events { capacity };
            mistakes.push("audit.capacity", AuditConfigError::Capacity { problem });
        }
        let most = self.capacity.clamp(1, MAX_CAPACITY);
        let batch = self.batch.unwrap_or_else(|| DEFAULT_BATCH.min(most));
        if !(1..=most).contains(&batch) {
            let problem = CapacityProblem::Batch { batch, most };
            mistakes.push("audit.batch", AuditConfigError::Capacity { problem });
        }
        mistakes.finish(())?;
        let sink = QueueSink::new(&self, batch);
        match worker::start(sink.clone(), self.exporter, batch, self.clock) {
            Ok(thread) => Ok((sink.clone(), QueueGuard::new(sink, thread))),
            Err(error) => {
                let reason = error.to_string();
                Err(ConfigError::new("audit", AuditConfigError::Thread { reason }).into())
            }
        }
    }
}

impl<E> fmt::Debug for QueueSinkBuilder<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueSinkBuilder")
            .field("config", &self.config)
            .field("capacity", &self.capacity)
            .field("overflow", &self.overflow)
            .field("batch", &self.batch)
            .field("at_least", &self.at_least)
            .finish_non_exhaustive()
    }
}
