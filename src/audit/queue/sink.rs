//! The end of the queue that requests see.
#![expect(
    clippy::disallowed_types,
    reason = "the lock is held to move one event, never while something is written"
)]

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::buffer::Buffer;
use super::config::QueueSinkBuilder;
use crate::audit::{AuditConfig, Exporter, OwnedEvent};
use crate::core::{EventName, EventSink, Level, SecurityEvent};

/// Keeps events in a bounded queue until a thread of its own has written them. Cloning shares the queue.
///
/// `record` copies the event and returns: a log that is slow, or dead, costs a request nothing but the copy. When the queue is full an
/// event is [dropped](super::Overflow), and counted; the log then says where how many are missing.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use tower_security::CsrfLayer;
/// use tower_security::audit::{AuditConfig, JsonLines, QueueSink, Schema};
///
/// let (sink, guard) = QueueSink::builder(JsonLines::new(std::io::stdout(), Schema::Owasp))
///     .config(AuditConfig::builder("shop").build()?)
///     .build()?;
/// let layer = CsrfLayer::builder().events(sink.clone()).build()?;
/// # let _ = layer;
///
/// // At the end of `main`. Dropped, the guard waits for two seconds.
/// assert!(guard.flush(Duration::from_secs(5)));
/// assert_eq!(sink.stats().dropped, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct QueueSink(pub(super) Arc<Shared>);

pub(super) struct Shared {
    state: Mutex<State>,
    /// What the thread waits on.
    pub(super) wake: Condvar,
    /// What waits for the thread.
    pub(super) progress: Condvar,
    pub(super) config: AuditConfig,
    at_least: Level,
    batch: usize,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) buffer: Buffer,
    pub(super) phase: Phase,
    pub(super) rest: Rest,
    /// How many of all that were offered have to be flushed for somebody who waits, and how many are.
    pub(super) flush_wanted: u64,
    pub(super) flushed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Running,
    /// What waits is still written, nothing more is taken.
    Closing,
    /// Nothing is written any more.
    Ended,
}

/// What the thread is doing, as far as it has to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    Busy,
    /// It waits for an event.
    Asleep,
    /// It waits for a batch to fill.
    Lingering,
}

/// What became of the events of a [`QueueSink`]: `offered = written + dropped + waiting`, at every moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueStats {
    /// Events that were recorded.
    pub offered: u64,
    /// Events that the exporter has taken.
    pub written: u64,
    /// Events that are in no log: there was no room, the exporter panicked over them, or the queue had ended.
    pub dropped: u64,
    /// Events that are still to be written.
    pub waiting: u64,
    /// Attempts to write or to flush that failed.
    pub failed: u64,
}

impl QueueStats {
    /// Returns how many events are written or will be, unless the log stays dead.
    #[must_use]
    pub const fn accepted(&self) -> u64 {
        self.offered.saturating_sub(self.dropped)
    }
}

impl QueueSink {
    /// Starts from the defaults, with what writes the log.
    pub fn builder<E: Exporter>(exporter: E) -> QueueSinkBuilder<E> {
        QueueSinkBuilder::new(exporter)
    }

    pub(super) fn new<E>(builder: &QueueSinkBuilder<E>, batch: usize) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::new(State {
                buffer: Buffer::new(builder.capacity, builder.overflow),
                phase: Phase::Running,
                rest: Rest::Busy,
                flush_wanted: 0,
                flushed: 0,
            }),
            wake: Condvar::new(),
            progress: Condvar::new(),
            config: builder.config.clone(),
            at_least: builder.at_least,
            batch,
        }))
    }

    /// Returns what became of the events so far.
    #[must_use]
    pub fn stats(&self) -> QueueStats {
        let state = self.0.lock();
        let counts = state.buffer.counts;
        QueueStats {
            offered: counts.offered,
            written: counts.written,
            dropped: counts.dropped,
            waiting: state.buffer.waiting(),
            failed: counts.failed,
        }
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing of a user's runs under the lock, so that no panic leaves half a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventSink for QueueSink {
    fn record(&self, event: &SecurityEvent<'_>) {
        let event = OwnedEvent::from(event);
        let mut state = self.0.lock();
        if state.phase != Phase::Running {
            state.buffer.turn_away();
            return;
        }
        let evicted = state.buffer.push(event);
        let is_due = match state.rest {
            Rest::Busy => false,
            Rest::Asleep => true,
            Rest::Lingering => state.buffer.len() >= self.0.batch,
        };
        if is_due {
            state.rest = Rest::Busy;
        }
        drop(state);
        if is_due {
            self.0.wake.notify_one();
        }
        // Its memory is given back outside of the lock.
        drop(evicted);
    }

    fn wants(&self, name: EventName, level: Level) -> bool {
        self.0.config.level_of(name, level) >= self.0.at_least
    }
}

impl fmt::Debug for QueueSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueSink")
            .field("config", &self.0.config)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
