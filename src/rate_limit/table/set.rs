//! One set of slots: who may write what, and when.
//!
//! A slot is a mark, which says whose it is, and a word, which says what that key owes.
//!
//! - Marks change under the stripe's mutex alone, and only while the slot's word is [`LOCK`]; the word becomes `LOCK` by a
//!   compare-and-swap, so that no charge that was booked before is lost, and whoever reads the new mark reads `LOCK` or a later word.
//! - A charge without the mutex reads the mark, then the word, then the mark again: the word is one of this key (else a denial
//!   would rest on what a stranger owes). It exchanges the word and reads the mark once more: if it still stands, the exchange hit
//!   this key's word, since whoever sees a later word sees the later mark. If not, the charge went to whoever has the slot now, or
//!   to nobody; it is made again under the mutex and does not take that back, because by then the slot may be a third one's. That
//!   is once too strict and never too lax.
//! - A mark carries a generation, so that a key that loses a slot and gets it back is not taken for one that kept it.
//! - Words fall under the mutex alone: refunds, healing and forgetting cannot meet a slot that changes hands.

use super::Overflow;
use super::slot::{Cell, Slot};
use super::sync::{LINES, Ordering, WAYS, pause};
use super::word::{LOCK, Left, Step, Undo, WordRule};

/// Slots of a set. This and both its factors are powers of two.
pub(crate) const SLOTS: usize = LINES * WAYS;

/// Slots for keys with the same last bits, in cache lines of `WAYS`. A key has one of the slots for its home: while a table is at
/// most half full, most of the keys are found there, and all but 4 % of them in its line.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Set {
    cells: [Cell; SLOTS],
}

/// What tells a key from the others of its set: the bits above `mask`, never 0 there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tag {
    id: u64,
    mask: u64,
}

/// A charge that is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demand<R> {
    pub(crate) rule: R,
    pub(crate) now: u64,
    pub(crate) cost: u32,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict<P> {
    /// It fits, and was booked there; nothing was booked if it cost nothing.
    Passed(Left, P),
    /// It does not fit for so many nanoseconds.
    Denied(Left, u64),
}

/// What would become of it. What has to heal first may pass.
impl From<Step> for Verdict<()> {
    #[inline]
    fn from(step: Step) -> Self {
        match step {
            Step::Pass { left, .. } => Self::Passed(left, ()),
            Step::Deny { wait, left } => Self::Denied(left, wait),
            Step::Heal(_) => Self::Passed(Left::default(), ()),
        }
    }
}

/// Where a charge was booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) slot: usize,
    pub(crate) mark: u64,
    pub(crate) undo: Undo,
}

/// What a look without the mutex finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Word(u64),
    Nothing,
    /// The slot of the key is changing hands.
    Busy,
}

/// What the mutex of a stripe guards, beside the right to change marks.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// The newest time at which a slot changed hands: what had expired by then was given away.
    pub(crate) latest: u64,
    /// How many keys were forgotten that still owed something.
    pub(crate) evicted: u64,
    /// How many charges went to the slot of another key.
    pub(crate) shared: u64,
}

impl Tag {
    /// Takes the part of `hash` that the set does not say. `mask` is one less than a power of two.
    #[inline]
    pub(crate) const fn new(hash: u64, mask: u64) -> Self {
        let id = hash & !mask;
        Self {
            id: if id == 0 { mask.wrapping_add(1) } else { id },
            mask,
        }
    }

    /// The slot in which the key is looked for first.
    #[inline]
    const fn home(self) -> usize {
        (self.id >> 61) as usize % SLOTS
    }

    /// Whether a slot with `mark` is this key's.
    #[inline]
    const fn owns(self, mark: u64) -> bool {
        mark & !self.mask == self.id
    }

    /// The mark of this key in a slot that had `mark`.
    const fn after(self, mark: u64) -> u64 {
        self.id | (mark.wrapping_add(1) & self.mask)
    }
}

impl Set {
    pub(crate) fn new() -> Self {
        Self {
            cells: std::array::from_fn(|_| Cell::new()),
        }
    }

    #[inline]
    fn slot(&self, at: usize) -> Option<Slot<'_>> {
        Some(Slot::read(at, self.cells.get(at)?))
    }

    /// All slots: the one at `home`, the others of its line, and those of the other line.
    fn slots(&self, home: usize) -> impl Iterator<Item = Slot<'_>> {
        (0..SLOTS).filter_map(move |nth| self.slot(home ^ nth))
    }

    /// The slot of a key that is there.
    #[inline(always)]
    pub(crate) fn find(&self, tag: Tag) -> Option<Slot<'_>> {
        let home = tag.home();
        let slot = self.slot(home)?;
        if tag.owns(slot.seen) {
            return Some(slot);
        }
        let slot = self.slot(self.find_away(tag, home)?)?;
        tag.owns(slot.seen).then_some(slot)
    }

    /// In which of the other slots it is cannot be foretold, so none of them is a branch: a wrong guess costs as much as half a
    /// charge. A function of its own, so that it takes no registers from the charges that are found at home.
    #[inline(never)]
    fn find_away(&self, tag: Tag, home: usize) -> Option<usize> {
        for side in 0..LINES {
            let first = (home ^ side.wrapping_mul(WAYS)) & !(WAYS - 1);
            let line = self.cells.get(first..first.wrapping_add(WAYS))?;
            let mut hits = 0_usize;
            for (nth, cell) in line.iter().enumerate() {
                hits |= usize::from(tag.owns(cell.mark.load(Ordering::Relaxed))) << nth;
            }
            if hits != 0 {
                return Some(first | hits.trailing_zeros() as usize);
            }
        }
        None
    }

    /// Charges a key that is there; `None` is for [`charge_held`](Self::charge_held) to decide.
    #[inline]
    pub(crate) fn charge<R: WordRule>(
        &self,
        tag: Tag,
        demand: Demand<R>,
    ) -> Option<Verdict<Place>> {
        let slot = self.find(tag)?;
        let (left, fit) = match slot.offer(demand)? {
            Verdict::Passed(left, _) if demand.cost == 0 => return Some(slot.passed(left, 0, 0)),
            Verdict::Passed(left, fit) => (left, fit),
            Verdict::Denied(left, wait) => return Some(Verdict::Denied(left, wait)),
        };
        match fit.exchange() {
            Ok(stands) => stands.then(|| Verdict::Passed(left, fit.place())),
            Err(newer) => Some(match fit.charge_again(newer, demand)? {
                Verdict::Passed(left, fit) => Verdict::Passed(left, fit.place()),
                Verdict::Denied(left, wait) => Verdict::Denied(left, wait),
            }),
        }
    }

    /// Looks at the word of a key.
    #[inline]
    pub(crate) fn look(&self, tag: Tag) -> Found {
        loop {
            let Some(slot) = self.find(tag) else {
                return Found::Nothing;
            };
            pause();
            let word = slot.word();
            if word == LOCK {
                return Found::Busy;
            }
            pause();
            if slot.stands() {
                return Found::Word(word);
            }
        }
    }

    /// Charges a key that may not be there. `ledger` is that of this set's stripe.
    pub(crate) fn charge_held<R: WordRule>(
        &self,
        ledger: &mut Ledger,
        tag: Tag,
        demand: Demand<R>,
        overflow: Overflow,
    ) -> Verdict<Place> {
        let own = self.find(tag);
        if let Some(verdict) = own.and_then(|slot| Self::book(slot, demand)) {
            return verdict;
        }
        // A slot that was free at `latest` may have been this key's: it starts where nothing is given twice.
        let now = demand.now.max(ledger.latest);
        let (next, by, left) = match demand.rule.charge(0, now, demand.cost) {
            Step::Pass { next, by, left } => (next.min(LOCK.wrapping_sub(1)), by, left),
            Step::Deny { wait, left } => return Verdict::Denied(left, wait),
            Step::Heal(_) => return Verdict::Denied(Left::default(), u64::MAX),
        };
        loop {
            let Some((slot, word)) = own
                .map(|slot| (slot, LOCK))
                .or_else(|| self.victim(tag, demand.rule, now))
            else {
                return Verdict::Denied(Left::default(), u64::MAX);
            };
            let is_live = word != LOCK && !demand.rule.is_expired(word, now);
            if is_live {
                match overflow {
                    Overflow::Deny if demand.cost > 0 => {
                        let wait = demand.rule.expiry(word).saturating_sub(demand.now);
                        let left = Left {
                            remaining: 0,
                            reset: wait,
                        };
                        return Verdict::Denied(left, wait);
                    }
                    Overflow::Share => {
                        let Some(verdict) = Self::book(slot, demand) else {
                            continue;
                        };
                        ledger.shared = ledger.shared.saturating_add(u64::from(demand.cost > 0));
                        return verdict;
                    }
                    Overflow::Evict | Overflow::Deny => {}
                }
            }
            if demand.cost == 0 {
                return slot.passed(left, 0, 0);
            }
            if let Some(slot) = Self::claim(ledger, slot, word, tag, now) {
                ledger.evicted = ledger.evicted.saturating_add(u64::from(is_live));
                pause();
                slot.cell.word.store(next, Ordering::Release);
                return slot.passed(left, by, next);
            }
        }
    }

    /// Says what would become of a charge, and heals the word for it; nothing is booked.
    pub(crate) fn look_held<R: WordRule>(
        &self,
        _: &mut Ledger,
        tag: Tag,
        demand: Demand<R>,
    ) -> Step {
        let ask = |word| demand.rule.charge(word, demand.now, demand.cost);
        let Some(slot) = self.find(tag) else {
            return ask(0);
        };
        let mut word = slot.word();
        loop {
            if word == LOCK {
                return ask(0);
            }
            let Step::Heal(healed) = ask(word) else {
                return ask(word);
            };
            pause();
            word = match slot.exchange(word, healed) {
                Ok(()) => healed,
                Err(newer) => newer,
            };
        }
    }

    /// Forgets what a key owes.
    pub(crate) fn clear_held(&self, _: &mut Ledger, tag: Tag) {
        if let Some(slot) = self.find(tag) {
            slot.cell.word.store(0, Ordering::Release);
        }
    }

    /// Takes a charge back if the slot has been this key's ever since.
    pub(crate) fn refund_held<R: WordRule>(&self, _: &mut Ledger, place: Place, now: u64) {
        let Some(slot) = self.slot(place.slot) else {
            return;
        };
        if slot.seen != place.mark {
            return;
        }
        pause();
        let mut word = slot.word();
        while word != LOCK {
            match slot.exchange(word, R::refund(word, now, place.undo)) {
                Ok(()) => return,
                Err(newer) => word = newer,
            }
        }
    }

    /// How many slots have a word of which `is_live` is true.
    pub(crate) fn count(&self, is_live: impl Fn(u64) -> bool) -> usize {
        self.slots(0)
            .filter(|slot| {
                let word = slot.cell.word.load(Ordering::Relaxed);
                slot.seen != 0 && (word == LOCK || is_live(word))
            })
            .count()
    }

    /// Charges a slot that cannot change hands, because the caller has the mutex. `None` if it is nobody's.
    fn book<R: WordRule>(slot: Slot<'_>, demand: Demand<R>) -> Option<Verdict<Place>> {
        let mut word = slot.word();
        loop {
            if word == LOCK {
                return None;
            }
            let (next, by, left) = match demand.rule.charge(word, demand.now, demand.cost) {
                Step::Pass { next, by, left } => (next.min(LOCK.wrapping_sub(1)), by, left),
                Step::Deny { wait, left } => return Some(Verdict::Denied(left, wait)),
                Step::Heal(healed) => {
                    pause();
                    word = match slot.exchange(word, healed) {
                        Ok(()) => healed,
                        Err(newer) => newer,
                    };
                    continue;
                }
            };
            if demand.cost == 0 {
                return Some(slot.passed(left, 0, 0));
            }
            pause();
            match slot.exchange(word, next) {
                Ok(()) => return Some(slot.passed(left, by, next)),
                Err(newer) => word = newer,
            }
        }
    }

    /// The slot of a key that owes nothing any more, or else of the one that owes least; never of the one that was away longest, or
    /// a flood of fresh keys would free every offender.
    fn victim<R: WordRule>(&self, tag: Tag, rule: R, now: u64) -> Option<(Slot<'_>, u64)> {
        let mut least: Option<(Slot<'_>, u64)> = None;
        for slot in self.slots(tag.home()) {
            let word = slot.word();
            if word == LOCK || rule.is_expired(word, now) {
                return Some((slot, word));
            }
            if least.is_none_or(|(_, smallest)| word < smallest) {
                least = Some((slot, word));
            }
        }
        least
    }

    /// Gives a slot to a key, and leaves it locked. `None` if it was charged in the meantime.
    fn claim<'a>(
        ledger: &mut Ledger,
        slot: Slot<'a>,
        word: u64,
        tag: Tag,
        now: u64,
    ) -> Option<Slot<'a>> {
        pause();
        if word != LOCK {
            slot.exchange(word, LOCK).ok()?;
        }
        pause();
        ledger.latest = now;
        let seen = tag.after(slot.seen);
        slot.cell.mark.store(seen, Ordering::Release);
        Some(slot.marked(seen))
    }
}
