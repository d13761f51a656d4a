//! One slot, and a charge to it in two steps: it is looked at, and it is booked. [`set`](super::set) says why that is right.

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

/// Where a charge was booked, for a refund.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Booked {
    /// The set, and in the last bits the slot.
    pub(crate) place: u64,
    pub(crate) mark: u64,
    pub(crate) undo: Undo,
}

impl Booked {
    #[inline]
    pub(super) const fn new(set: u64, place: Place) -> Self {
        Self {
            place: set << 8 | place.slot as u64,
            mark: place.mark,
            undo: place.undo,
        }
    }
}

/// A charge that fits what its key owed when it was looked at. It is not booked yet, or was just then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fit<'a> {
    slot: Slot<'a>,
    /// What the key owed.
    word: u64,
    undo: Undo,
}

impl Fit<'_> {
    /// What the key owes without the charge.
    #[inline]
    pub(crate) const fn word(self) -> u64 {
        self.word
    }

    /// Where it was booked.
    #[inline]
    pub(crate) const fn place(self) -> Place {
        Place {
            slot: self.slot.at,
            mark: self.slot.seen,
            undo: self.undo,
        }
    }

    /// The same, with the set.
    #[inline]
    pub(crate) const fn booked(self) -> Booked {
        Booked::new(self.slot.set, self.place())
    }

    /// Books it, which has to cost something. Says whether the slot is still whose it was, without which it is for
    /// [`charge_held`](super::set::Set::charge_held) to decide; or the word, if it is not the one that was looked at.
    #[inline(always)]
    pub(crate) fn exchange(self) -> Result<bool, u64> {
        pause();
        self.slot.exchange(self.word, self.undo.after)?;
        pause();
        Ok(self.slot.stands())
    }

    /// Charges the same slot, whose word is `newer` since somebody else has charged it. A function of its own: it is rare.
    #[cold]
    #[inline(never)]
    pub(crate) fn charge_again<R: WordRule>(
        self,
        newer: u64,
        demand: Demand<R>,
    ) -> Option<Verdict<Self>> {
        let mut word = newer;
        loop {
            let (left, fit) = match self.slot.offer_of(word, demand)? {
                Verdict::Passed(left, fit) => (left, fit),
                Verdict::Denied(left, wait) => return Some(Verdict::Denied(left, wait)),
            };
            match fit.exchange() {
                Ok(stands) => return stands.then_some(Verdict::Passed(left, fit)),
                Err(newer) => word = newer,
            }
        }
    }
}

/// A slot that was somebody's when it was found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot<'a> {
    /// The number of its set; 0 where that is not asked for.
    set: u64,
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
    fn offer_of<R: WordRule>(self, word: u64, demand: Demand<R>) -> Option<Verdict<Fit<'a>>> {
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
