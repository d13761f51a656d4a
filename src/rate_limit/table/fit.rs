//! The second step of a charge: what was looked at is booked. [`set`](super::set) says why that is right.

use super::set::{Demand, Place, Verdict};
use super::slot::Slot;
use super::sync::pause;
use super::word::{Undo, WordRule};

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
    pub(super) slot: Slot<'a>,
    /// What the key owed.
    pub(super) word: u64,
    pub(super) undo: Undo,
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
