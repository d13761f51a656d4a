//! A bounded queue between requests and whoever writes the log.

mod buffer;
mod config;
mod guard;
mod sink;
#[cfg(test)]
mod tests;
mod worker;

pub use config::QueueSinkBuilder;
pub use guard::QueueGuard;
pub use sink::{QueueSink, QueueStats};

/// What becomes of events when the queue is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overflow {
    /// The one that comes is dropped. The default: the first events of an attack explain it.
    #[default]
    DropNewest,
    /// The one that has waited longest is dropped: for a log that is watched rather than kept.
    DropOldest,
}
