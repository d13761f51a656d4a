//! The counter of a policy that has one key.

use super::set::Verdict;
use super::striped::Booked;
use super::sync::{AtomicU64, Ordering};
use super::word::{LOCK, Step, Undo, WordRule};

/// One word that is never given to another key: nothing to look for, no lock, and what falls may fall at once.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Single(AtomicU64);

impl Single {
    #[inline]
    pub(crate) fn charge<R: WordRule>(&self, rule: R, now: u64, cost: u32) -> Verdict<Booked> {
        let mut word = self.0.load(Ordering::Relaxed);
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

    pub(crate) fn word(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn clear(&self) {
        self.0.store(0, Ordering::Relaxed);
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
            .compare_exchange_weak(word, next, Ordering::Relaxed, Ordering::Relaxed)
            .map(drop)
    }
}
