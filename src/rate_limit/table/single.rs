//! The counter of a policy that has one key.

use super::fit::Booked;
use super::set::Verdict;
use super::slot::{Cell, Slot};
use super::sync::Ordering;
use super::word::{LOCK, Step, Undo, WordRule};

/// One word that is never given to another key: nothing to look for, no lock, and what falls may fall at once.
///
/// Its mark stays 0 for ever.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Single(Cell);

impl Default for Single {
    fn default() -> Self {
        Self(Cell::new())
    }
}

impl Single {
    /// Its slot, for a charge in two steps. What it cannot decide is for [`charge`](Self::charge).
    #[inline]
    pub(crate) fn slot(&self) -> Slot<'_> {
        Slot::read(0, &self.0)
    }

    #[inline]
    pub(crate) fn charge<R: WordRule>(&self, rule: R, now: u64, cost: u32) -> Verdict<Booked> {
        let mut word = self.word();
        loop {
            let (next, verdict) = match rule.charge(word, now, cost) {
                Step::Pass { next, by, left } => {
                    let after = next.min(LOCK.wrapping_sub(1));
                    let undo = if cost == 0 {
                        Undo::default()
                    } else {
                        Undo { by, after }
                    };
                    let booked = Booked {
                        undo,
                        ..Booked::default()
                    };
                    (after, Verdict::Passed(left, booked))
                }
                Step::Deny { wait, left } => return Verdict::Denied(left, wait),
                Step::Heal(healed) => {
                    word = self
                        .exchange(word, healed)
                        .map_or_else(|newer| newer, |()| healed);
                    continue;
                }
            };
            if cost == 0 {
                return verdict;
            }
            match self.exchange(word, next) {
                Ok(()) => return verdict,
                Err(newer) => word = newer,
            }
        }
    }

    /// What [`charge`](Self::charge) would say. A word that has to heal does so.
    pub(crate) fn peek<R: WordRule>(&self, rule: R, now: u64, cost: u32) -> Verdict<()> {
        let mut word = self.word();
        loop {
            let Step::Heal(healed) = rule.charge(word, now, cost) else {
                return rule.charge(word, now, cost).into();
            };
            word = self
                .exchange(word, healed)
                .map_or_else(|newer| newer, |()| healed);
        }
    }

    #[inline]
    pub(crate) fn word(&self) -> u64 {
        self.0.word.load(Ordering::Relaxed)
    }

    pub(crate) fn clear(&self) {
        self.0.word.store(0, Ordering::Relaxed);
    }

    pub(crate) fn refund<R: WordRule>(&self, now: u64, undo: Undo) {
        let mut word = self.word();
        while let Err(newer) = self.exchange(word, R::refund(word, now, undo)) {
            word = newer;
        }
    }

    #[inline]
    fn exchange(&self, word: u64, next: u64) -> Result<(), u64> {
        self.0
            .word
            .compare_exchange_weak(word, next, Ordering::Relaxed, Ordering::Relaxed)
            .map(drop)
    }
}
