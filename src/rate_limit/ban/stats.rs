//! What has happened in a table.

use std::sync::atomic::{AtomicU64, Ordering};

/// What has happened in a [`BanTable`](super::BanTable) since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BanStats {
    /// Bans that were started or prolonged here, by a rule or by [`BanTable::ban`](super::BanTable::ban).
    pub started: u64,
    /// Bans that were lifted here before their end.
    pub lifted: u64,
    /// Bans that found no room: with more than 0 the capacity is too small.
    pub dropped: u64,
}

/// Relaxed: they guard nothing.
#[derive(Debug, Default)]
pub(super) struct Counts {
    started: AtomicU64,
    lifted: AtomicU64,
    dropped: AtomicU64,
}

impl Counts {
    pub(super) fn started(&self) {
        self.started.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn lifted(&self) {
        self.lifted.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> BanStats {
        BanStats {
            started: self.started.load(Ordering::Relaxed),
            lifted: self.lifted.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }
}
