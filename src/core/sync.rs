//! What [`tie`](super::tie) is made of. `tests/loom` has a module of this name over the atomics of a model checker.
#![expect(
    clippy::disallowed_types,
    reason = "held by who ties two clocks anew, some twenty times a second; whoever reads them in between takes no lock"
)]

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(super) use std::sync::atomic::{AtomicU64, Ordering};

/// A mutex for work that is whole at every step.
#[derive(Debug, Default)]
pub(super) struct Lock<T>(Mutex<T>);

impl<T> Lock<T> {
    pub(super) const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    pub(super) fn hold(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
