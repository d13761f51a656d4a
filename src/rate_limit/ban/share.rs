//! What a fleet of nodes tells each other about bans.

use std::fmt;
use std::sync::Weak;
use std::time::Duration;

use super::table::{BanTable, Core};
use crate::rate_limit::key::{KeyHash, KeySeed};

/// Hears of the bans of one node, to tell the other nodes of a fleet. Given to [`BanTableBuilder::share`](super::BanTableBuilder::share).
///
/// What other nodes report comes back by [`BanTable::absorb`](super::BanTable::absorb) and
/// [`BanTable::release`](super::BanTable::release), which tell nobody: a ban does not echo.
///
/// `started` and `lifted` are called inside a request, with no lock held: they must not block. Hand the news to a queue.
pub trait BanShare: Send + Sync + 'static {
    /// Returns with what keys are hashed: the same on every node.
    fn key_seed(&self) -> KeySeed;

    /// A ban of `key` was started or prolonged here, and lasts for `rest`.
    fn started(&self, key: KeyHash, rest: Duration);

    /// The ban of `key` was lifted here before its end.
    fn lifted(&self, key: KeyHash);
}

/// A [`BanTable`] for a task that brings it the news of other nodes, and has to end with it: it keeps the table from nothing.
#[derive(Clone)]
pub struct WeakBanTable(Weak<Core>);

impl BanTable {
    /// Returns a handle that does not keep the table.
    #[must_use]
    pub fn downgrade(&self) -> WeakBanTable {
        WeakBanTable(std::sync::Arc::downgrade(&self.core))
    }
}

impl WeakBanTable {
    /// Returns the table, as long as anybody else holds it.
    #[must_use]
    pub fn upgrade(&self) -> Option<BanTable> {
        self.0.upgrade().map(|core| BanTable { core })
    }
}

impl fmt::Debug for WeakBanTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WeakBanTable(..)")
    }
}
