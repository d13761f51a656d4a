//! The bans of a table, in memory of fixed size.

use std::sync::atomic::{AtomicBool, Ordering};

use super::word::Micros;
use crate::rate_limit::key::KeyHash;
use crate::rate_limit::table::{Step, Table, Undo, Verdict, WordRule};
use crate::rate_limit::{Nanos, Overflow};

/// Bans by key. One that is in force never gives way.
///
/// [`Overflow::Evict`] would let a flood of bans free those that end soonest; whoever has many addresses could end his own by it.
/// [`Overflow::Share`] is of no use: nobody could tell a client that shares the ban of another from one that is not banned.
#[derive(Debug)]
pub(super) struct Register {
    words: Table,
    /// Whether there may be a word. Relaxed: who has heard of a ban sees it, and others are as if they had come before.
    is_used: AtomicBool,
}

/// What came of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changed {
    /// The rule wrote nothing.
    No,
    /// The word is now this one.
    To(u64),
    /// All words that could give way are bans in force.
    NoRoom,
}

impl Register {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            words: Table::new(capacity, Overflow::Deny),
            is_used: AtomicBool::new(false),
        }
    }

    /// Whether nobody was ever banned, so that there is no word to look for.
    #[inline]
    pub(super) fn is_unused(&self) -> bool {
        !self.is_used.load(Ordering::Relaxed)
    }

    /// The word of a key; 0 if it was never banned.
    #[inline]
    pub(super) fn word(&self, key: KeyHash) -> u64 {
        self.words.word(key)
    }

    /// Changes the word of a key. Bans that have ended give way when there is no other room, those that all rules have forgotten
    /// after `quiet` at any time.
    pub(super) fn change<R: WordRule>(
        &self,
        key: KeyHash,
        now: Nanos,
        rule: R,
        quiet: Micros,
    ) -> Changed {
        match self.try_change(key, now, Remembering { rule, quiet }) {
            Changed::NoRoom => self.try_change(key, now, rule),
            changed => changed,
        }
    }

    fn try_change(&self, key: KeyHash, now: Nanos, rule: impl WordRule) -> Changed {
        // Read first: of many bans one writes it.
        if self.is_unused() {
            self.is_used.store(true, Ordering::Relaxed);
        }
        match self.words.charge(rule, key, now.get(), 1) {
            Verdict::Passed(_, booked) => Changed::To(booked.undo.after),
            // The rules over bans say so when they keep a word; a full table leaves nothing.
            Verdict::Denied(left, _) if left.remaining > 0 => Changed::No,
            Verdict::Denied(..) => Changed::NoRoom,
        }
    }

    pub(super) fn forget(&self, key: KeyHash) {
        self.words.clear(key);
    }
}

/// The rule, with words that live on after their ban until all bans are forgotten.
#[derive(Clone, Copy)]
struct Remembering<R> {
    rule: R,
    quiet: Micros,
}

impl<R: WordRule> WordRule for Remembering<R> {
    fn charge(self, word: u64, now: u64, cost: u32) -> Step {
        self.rule.charge(word, now, cost)
    }

    fn expiry(self, word: u64) -> u64 {
        super::word::Ban::forgotten_at(word, self.quiet)
    }

    fn refund(word: u64, now: u64, undo: Undo) -> u64 {
        R::refund(word, now, undo)
    }
}
