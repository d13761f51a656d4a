//! One slot, and what would become of a charge to it. [`set`](super::set) says who may write what.

use super::fit::Fit;
use super::set::{Demand, Place, Verdict};
use super::sync::{AtomicU64, Ordering, pause};
use super::word::{LOCK, Left, Step, Undo, WordRule};

/// A slot.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) mark: AtomicU64,
    pub(super) word: AtomicU64,
}

impl Cell {
    pub(super) fn new() -> Self {
        Self {
            mark: AtomicU64::new(0),
            word: AtomicU64::new(0),
        }
    }
}

/// A slot that was somebody's when it was found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot<'a> {
    /// The number of its set; 0 where that is not asked for.
    pub(super) set: u64,
    pub(super) at: usize,
    /// The mark as it was when the slot was found.
    pub(super) seen: u64,
    pub(super) cell: &'a Cell,
}

impl<'a> Slot<'a> {
    #[inline]
    pub(super) fn read(at: usize, cell: &'a Cell) -> Self {
        let seen = cell.mark.load(Ordering::Acquire);
        Self {
            set: 0,
            at,
            seen,
            cell,
        }
    }

    #[inline(always)]
    pub(super) const fn of_set(self, set: u64) -> Self {
        Self { set, ..self }
    }

    /// The same slot, given to another key.
    pub(super) const fn marked(self, seen: u64) -> Self {
        Self { seen, ..self }
    }

    /// Whether the slot is still whose it was when it was found.
    #[inline]
    pub(super) fn stands(self) -> bool {
        self.cell.mark.load(Ordering::Relaxed) == self.seen
    }

    #[inline]
    pub(super) fn word(self) -> u64 {
        self.cell.word.load(Ordering::Acquire)
    }

    /// Exchanges the word if it is `word`, else says what it is.
    #[inline]
    pub(super) fn exchange(self, word: u64, next: u64) -> Result<(), u64> {
        self.cell
            .word
            .compare_exchange(word, next, Ordering::AcqRel, Ordering::Acquire)
            .map(drop)
    }

    /// Says what would become of a charge, and writes nothing. `None` if only who has the mutex can say.
    #[inline(always)]
    pub(crate) fn offer<R: WordRule>(self, demand: Demand<R>) -> Option<Verdict<Fit<'a>>> {
        pause();
        self.offer_of(self.word(), demand)
    }

    /// The same, given the word that was just read there.
    #[inline(always)]
    pub(super) fn offer_of<R: WordRule>(
        self,
        word: u64,
        demand: Demand<R>,
    ) -> Option<Verdict<Fit<'a>>> {
        if word == LOCK {
            return None;
        }
        pause();
        if !self.stands() {
            return None;
        }
        match demand.rule.charge(word, demand.now, demand.cost) {
            Step::Pass { next, by, left } => {
                let after = next.min(LOCK.wrapping_sub(1));
                let fit = Fit {
                    slot: self,
                    word,
                    undo: Undo { by, after },
                };
                Some(Verdict::Passed(left, fit))
            }
            Step::Deny { wait, left } => Some(Verdict::Denied(left, wait)),
            Step::Heal(_) => None,
        }
    }

    #[inline]
    pub(super) const fn passed(self, left: Left, by: u64, after: u64) -> Verdict<Place> {
        Verdict::Passed(
            left,
            Place {
                slot: self.at,
                mark: self.seen,
                undo: Undo { by, after },
            },
        )
    }
}
