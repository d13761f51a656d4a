//! What counters in memory say of a charge, and what they note to take it back.

use super::key::KeyHash;
use super::memory::{MemoryCounter, Shape};
use super::rule::{Gcra, Ladder};
use super::store::{Nanos, Receipt, Standing};
use super::table::{Booked, Left, Slot, Undo, Verdict, WordRule};

/// Set in the first word of every receipt of ours.
const BOOKED: u64 = 1 << 63;
/// Set there if a [`Ladder`] was charged.
pub(super) const BY_LADDER: u64 = 1 << 62;

#[inline]
pub(super) const fn standing(verdict: Verdict<Booked>, kind: u64) -> Standing {
    match verdict {
        Verdict::Denied(left, wait) => Standing::denied(left.remaining, left.reset, wait),
        Verdict::Passed(left, booked) => allowed(left, receipt(booked, kind)),
    }
}

#[inline]
pub(super) const fn seen(verdict: Verdict<()>) -> Standing {
    match verdict {
        Verdict::Denied(left, wait) => Standing::denied(left.remaining, left.reset, wait),
        Verdict::Passed(left, ()) => allowed(left, Receipt::NONE),
    }
}

#[inline]
pub(super) const fn allowed(left: Left, receipt: Receipt) -> Standing {
    Standing::allowed(left.remaining, left.reset, receipt)
}

#[inline]
pub(super) const fn receipt(booked: Booked, kind: u64) -> Receipt {
    let Booked { place, mark, undo } = booked;
    if undo.after == 0 {
        // It cost nothing, and changed nothing.
        return Receipt::NONE;
    }
    Receipt::new([place | kind | BOOKED, mark, undo.by, undo.after])
}

impl MemoryCounter {
    /// The slot of a key that is there.
    #[inline(always)]
    pub(super) fn slot(&self, key: KeyHash) -> Option<Slot<'_>> {
        match &self.shape {
            Shape::Keyed(table) => table.slot(key),
            Shape::Single(word) => Some(word.slot()),
        }
    }

    pub(super) fn charge<R: WordRule>(
        &self,
        rule: R,
        now: u64,
        key: KeyHash,
        cost: u32,
        kind: u64,
    ) -> Standing {
        let verdict = match &self.shape {
            Shape::Keyed(table) => table.charge(rule, key, now, cost),
            Shape::Single(word) => word.charge(rule, now, cost),
        };
        standing(verdict, kind)
    }

    pub(super) fn look<R: WordRule>(
        &self,
        rule: R,
        now: Nanos,
        key: KeyHash,
        cost: u32,
    ) -> Standing {
        let verdict = match &self.shape {
            Shape::Keyed(table) => table.peek(rule, key, now.get(), cost),
            Shape::Single(word) => word.peek(rule, now.get(), cost),
        };
        seen(verdict)
    }

    /// Takes one charge back.
    pub(super) fn refund(&self, now: Nanos, receipt: Receipt) {
        let [place, mark, by, after] = receipt.words();
        if place & BOOKED == 0 {
            return;
        }
        let booked = Booked {
            place: place & !(BOOKED | BY_LADDER),
            mark,
            undo: Undo { by, after },
        };
        if place & BY_LADDER == 0 {
            self.take_back::<Gcra>(now.get(), booked);
        } else {
            self.take_back::<Ladder>(now.get(), booked);
        }
    }

    pub(super) fn take_back<R: WordRule>(&self, now: u64, booked: Booked) {
        match &self.shape {
            Shape::Keyed(table) => table.refund::<R>(now, booked),
            Shape::Single(word) => word.refund::<R>(now, booked.undo),
        }
    }
}
