//! What a fleet of nodes tells each other about bans.

use std::time::Duration;

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
