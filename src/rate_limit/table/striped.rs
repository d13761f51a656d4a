//! The table: where the set of a key is.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::OnceLock;

use super::Overflow;
use super::fit::Booked;
use super::set::{Demand, Found, Ledger, Place, SLOTS, Set, Tag, Verdict};
use super::slot::Slot;
use super::sync::{AtomicU64, Lock, Ordering};
use super::word::{Left, Step, WordRule};
use crate::rate_limit::key::KeyHash;

/// Sets of a stripe: 64 KiB.
const STRIPE: u64 = 512;
const STRIPE_BITS: u32 = STRIPE.trailing_zeros();

/// Counters of the keys of one policy.
///
/// One table has one kind of rule: its words are compared with each other.
#[derive(Debug)]
pub(crate) struct Table {
    /// Secret, so that nobody who knows how keys are hashed knows which fall into one set of this table.
    salt: u64,
    /// Number of sets less one.
    mask: u64,
    /// Made when the first key of a stripe comes.
    stripes: Box<[OnceLock<Box<[Set]>>]>,
    /// Apart from the stripes: taking a mutex must not slow down who only looks for a set.
    locks: Box<[Lock<Ledger>]>,
    overflow: AtomicU64,
    /// Apart, too: it is written while others read what is above.
    losses: Box<Losses>,
}

/// How many keys were forgotten that still owed something.
#[derive(Debug)]
struct Losses {
    count: AtomicU64,
    /// With how many it is said next that there is no room.
    told_at: AtomicU64,
}

/// How full a table is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) capacity: usize,
    /// Slots that cannot be given away without forgetting something.
    pub(crate) live: usize,
    pub(crate) evicted_live: u64,
    pub(crate) shared: u64,
}

#[derive(Clone, Copy)]
struct Spot {
    set: u64,
    tag: Tag,
}

impl Spot {
    #[inline]
    const fn verdict(self, verdict: Verdict<Place>) -> Verdict<Booked> {
        match verdict {
            Verdict::Denied(left, wait) => Verdict::Denied(left, wait),
            Verdict::Passed(left, place) => Verdict::Passed(left, Booked::new(self.set, place)),
        }
    }
}

impl Table {
    /// Makes a table for `capacity` keys, which is rounded up to a power of two.
    pub(crate) fn new(capacity: usize, overflow: Overflow) -> Self {
        let sets = capacity
            .div_ceil(SLOTS)
            .checked_next_power_of_two()
            .unwrap_or(1);
        let sets = u64::try_from(sets).unwrap_or(1);
        let stripes = 0..sets.div_ceil(STRIPE);
        let table = Self {
            salt: RandomState::new().build_hasher().finish(),
            mask: sets.saturating_sub(1),
            stripes: stripes.clone().map(|_| OnceLock::new()).collect(),
            locks: stripes.map(|_| Lock::default()).collect(),
            overflow: AtomicU64::new(0),
            losses: Box::new(Losses {
                count: AtomicU64::new(0),
                told_at: AtomicU64::new(hundredth(sets)),
            }),
        };
        table.set_overflow(overflow);
        table
    }

    /// What to do for a new key when its set is full of keys that owe something.
    pub(crate) fn set_overflow(&self, overflow: Overflow) {
        let number = match overflow {
            Overflow::Deny => 0,
            Overflow::Evict => 1,
            Overflow::Share => 2,
        };
        self.overflow.store(number, Ordering::Relaxed);
    }

    fn overflow(&self) -> Overflow {
        match self.overflow.load(Ordering::Relaxed) {
            1 => Overflow::Evict,
            2 => Overflow::Share,
            _ => Overflow::Deny,
        }
    }

    /// Charges `cost` to `key`. A cost of 0 looks.
    pub(crate) fn charge<R: WordRule>(
        &self,
        rule: R,
        key: KeyHash,
        now: u64,
        cost: u32,
    ) -> Verdict<Booked> {
        self.charge_present(rule, key, now, cost)
            .unwrap_or_else(|| self.charge_absent(rule, key, now, cost))
    }

    /// Charges a key that is there, without a lock. `None` is for [`charge_absent`](Self::charge_absent) to decide.
    #[inline]
    pub(crate) fn charge_present<R: WordRule>(
        &self,
        rule: R,
        key: KeyHash,
        now: u64,
        cost: u32,
    ) -> Option<Verdict<Booked>> {
        let spot = self.spot(key);
        let verdict = self
            .set(spot)?
            .charge(spot.tag, Demand { rule, now, cost })?;
        Some(spot.verdict(verdict))
    }

    /// The slot of a key that is there, for a charge in two steps. What it cannot decide is for
    /// [`charge_absent`](Self::charge_absent).
    #[inline(always)]
    pub(crate) fn slot(&self, key: KeyHash) -> Option<Slot<'_>> {
        let spot = self.spot(key);
        let slot = self.set(spot)?.find(spot.tag)?;
        Some(slot.of_set(spot.set))
    }

    /// Charges a key that may not be there.
    pub(crate) fn charge_absent<R: WordRule>(
        &self,
        rule: R,
        key: KeyHash,
        now: u64,
        cost: u32,
    ) -> Verdict<Booked> {
        let spot = self.spot(key);
        let overflow = self.overflow();
        let demand = Demand { rule, now, cost };
        let verdict = self.held(spot.set, true, |set, ledger| {
            let before = ledger.evicted;
            let verdict = set.charge_held(ledger, spot.tag, demand, overflow);
            if ledger.evicted != before {
                self.losses.count.fetch_add(1, Ordering::Relaxed);
            }
            verdict
        });
        verdict.map_or_else(
            || Verdict::Denied(Left::default(), u64::MAX),
            |verdict| spot.verdict(verdict),
        )
    }

    /// What [`charge`](Self::charge) would say, as far as can be said without the mutex: what is not certain passes. A word that
    /// has to heal does so: it would deny all the same, and nothing else lets it fall.
    #[inline]
    pub(crate) fn peek<R: WordRule>(
        &self,
        rule: R,
        key: KeyHash,
        now: u64,
        cost: u32,
    ) -> Verdict<()> {
        let spot = self.spot(key);
        let word = match self.set(spot).map(|set| set.look(spot.tag)) {
            Some(Found::Word(word)) => word,
            Some(Found::Nothing | Found::Busy) | None => 0,
        };
        match rule.charge(word, now, cost) {
            Step::Heal(_) => self.look_slowly(spot, Demand { rule, now, cost }).into(),
            step => step.into(),
        }
    }

    #[cold]
    fn look_slowly<R: WordRule>(&self, spot: Spot, demand: Demand<R>) -> Step {
        let step = self.held(spot.set, false, |set, ledger| {
            set.look_held(ledger, spot.tag, demand)
        });
        step.unwrap_or_else(|| demand.rule.charge(0, demand.now, demand.cost))
    }

    /// The word of `key`; 0 if it has none.
    pub(crate) fn word(&self, key: KeyHash) -> u64 {
        let spot = self.spot(key);
        let Some(set) = self.set(spot) else {
            return 0;
        };
        match set.look(spot.tag) {
            Found::Word(word) => word,
            Found::Nothing => 0,
            Found::Busy => {
                // Under the mutex nothing changes hands.
                let found = self.held(spot.set, false, |set, _| set.look(spot.tag));
                match found {
                    Some(Found::Word(word)) => word,
                    Some(Found::Nothing | Found::Busy) | None => 0,
                }
            }
        }
    }

    /// Forgets what `key` owes.
    pub(crate) fn clear(&self, key: KeyHash) {
        let spot = self.spot(key);
        self.held(spot.set, false, |set, ledger| {
            set.clear_held(ledger, spot.tag);
        });
    }

    /// Takes a charge back, unless its slot has been given to another key since.
    pub(crate) fn refund<R: WordRule>(&self, now: u64, booked: Booked) {
        let place = Place {
            slot: usize::try_from(booked.place & 0xff).unwrap_or(usize::MAX),
            mark: booked.mark,
            undo: booked.undo,
        };
        self.held(booked.place >> 8, false, |set, ledger| {
            set.refund_held::<R>(ledger, place, now);
        });
    }

    /// Whether a hundredth of the capacity was forgotten since this was true before, of keys that still owed something.
    pub(crate) fn is_newly_crowded(&self) -> bool {
        // Relaxed: the words guard nothing but themselves.
        let count = self.losses.count.load(Ordering::Relaxed);
        let told_at = self.losses.told_at.load(Ordering::Relaxed);
        let next = count.saturating_add(hundredth(self.mask.saturating_add(1)));
        count >= told_at
            && self
                .losses
                .told_at
                .compare_exchange(told_at, next, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// Counts the slots with a word of which `is_live` is true. Walks through the whole table.
    pub(crate) fn usage(&self, is_live: impl Fn(u64) -> bool) -> Usage {
        let sets = usize::try_from(self.mask).map_or(usize::MAX, |mask| mask.saturating_add(1));
        let mut usage = Usage {
            capacity: sets.saturating_mul(SLOTS),
            ..Usage::default()
        };
        for (stripe, lock) in self.stripes.iter().zip(&self.locks) {
            for set in stripe.get().into_iter().flatten() {
                usage.live = usage.live.saturating_add(set.count(&is_live));
            }
            let ledger = lock.hold();
            usage.evicted_live = usage.evicted_live.saturating_add(ledger.evicted);
            usage.shared = usage.shared.saturating_add(ledger.shared);
        }
        usage
    }

    #[inline(always)]
    fn spot(&self, key: KeyHash) -> Spot {
        // One to one, so that no two keys become one; every bit of the hash reaches the bits that choose the set.
        let product = (key.low() ^ self.salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let hash = product ^ (product >> 32);
        Spot {
            set: hash & self.mask,
            tag: Tag::new(hash, self.mask),
        }
    }

    #[inline(always)]
    fn set(&self, spot: Spot) -> Option<&Set> {
        let sets = self
            .stripes
            .get((spot.set >> STRIPE_BITS) as usize)?
            .get()?;
        sets.get((spot.set & (STRIPE - 1)) as usize)
    }

    /// Works on a set with the mutex of its stripe; `make` says whether to make the stripe.
    fn held<T>(
        &self,
        set: u64,
        make: bool,
        work: impl FnOnce(&Set, &mut Ledger) -> T,
    ) -> Option<T> {
        let stripe = usize::try_from(set >> STRIPE_BITS).ok()?;
        let cell = self.stripes.get(stripe)?;
        let sets = if make {
            let count = self.mask.saturating_add(1).min(STRIPE);
            cell.get_or_init(|| (0..count).map(|_| Set::new()).collect())
        } else {
            cell.get()?
        };
        let set = sets.get(usize::try_from(set & (STRIPE - 1)).ok()?)?;
        let mut ledger = self.locks.get(stripe)?.hold();
        Some(work(set, &mut ledger))
    }
}

/// A hundredth of the slots of so many sets, at least one.
const fn hundredth(sets: u64) -> u64 {
    let hundredth = sets.saturating_mul(SLOTS as u64) / 100;
    if hundredth == 0 { 1 } else { hundredth }
}
