//! What the protocol is made of. `tests/loom` has a module of this name over the atomics of a model checker.
#![expect(
    clippy::disallowed_types,
    reason = "held by who inserts, refunds or heals, for one set of slots; a charge to a key that is there takes no lock"
)]

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(super) use std::sync::atomic::{AtomicU64, Ordering};

/// Slots of a cache line: four marks, four words.
pub(super) const WAYS: usize = 4;
/// Cache lines of a set. With 20,000 offenders in 65,536 slots, a flood of ten million fresh keys frees 0.22 % of them with eight
/// slots to a set and 3.7 % with four.
pub(super) const LINES: usize = 2;

/// A mutex with a cache line of its own, for work that is whole at every step.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct Lock<T>(Mutex<T>);

impl<T> Lock<T> {
    /// Takes the mutex, also after a panic with it: that left at worst a locked slot behind, and such a slot is free.
    pub(super) fn hold(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a thread may be held up for longer than it takes others to pass: the tests of races hold it there.
#[cfg(not(test))]
#[inline(always)]
pub(super) const fn pause() {}

#[cfg(test)]
pub(super) use super::races::pause;
