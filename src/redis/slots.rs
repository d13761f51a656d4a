//! A table of fixed size for what one node knows by itself.
#![expect(
    clippy::disallowed_types,
    reason = "a store in memory: 64 stripes, each locked for a few instructions and never across an await"
)]

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The slots that a key may use.
const WAYS: usize = 8;

const STRIPES: usize = 64;

/// What stands in a slot.
pub(super) trait Held: Default {
    /// Who makes room for a new key: the smallest. `None` stays.
    fn worth(&self) -> Option<u64>;
}

/// At most `capacity` values by keys of 128 bits. The keys are keyed hashes: nobody can choose them to fall together.
pub(super) struct Slots<V> {
    stripes: Box<[Mutex<Vec<Slot<V>>>]>,
    sets: usize,
}

/// Free while `key` is 0; the hash that is 0 uses no slot.
struct Slot<V> {
    key: u128,
    value: V,
}

impl<V: Held> Slots<V> {
    /// `capacity` is a power of two, and at least 512. A stripe takes memory when its first key comes.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            stripes: (0..STRIPES).map(|_| Mutex::default()).collect(),
            sets: (capacity / STRIPES / WAYS).max(1),
        }
    }

    /// Shows the value of `key` to `look`, if there is one.
    pub(super) fn find<R>(&self, key: u128, look: impl FnOnce(&mut V) -> R) -> Option<R> {
        let mut stripe = self.stripe(key)?;
        let slot = self
            .set(&mut stripe, key)
            .iter_mut()
            .find(|slot| slot.key == key)?;
        Some(look(&mut slot.value))
    }

    /// Shows the value of `key` to `look`, and makes one first if there is none. `None`: all its slots hold what has to stay.
    pub(super) fn enter<R>(&self, key: u128, look: impl FnOnce(&mut V) -> R) -> Option<R> {
        let mut stripe = self.stripe(key).filter(|_| key != 0)?;
        if stripe.is_empty() {
            let free = || Slot {
                key: 0,
                value: V::default(),
            };
            stripe.resize_with(self.sets.saturating_mul(WAYS), free);
        }
        let set = self.set(&mut stripe, key);
        let at = match set.iter().position(|slot| slot.key == key) {
            Some(at) => at,
            None => {
                let worth = |slot: &Slot<V>| {
                    if slot.key == 0 {
                        Some(0)
                    } else {
                        slot.value.worth()
                    }
                };
                let (at, _) = set
                    .iter()
                    .enumerate()
                    .filter_map(|(at, slot)| Some((at, worth(slot)?)))
                    .min_by_key(|(_, worth)| *worth)?;
                *set.get_mut(at)? = Slot {
                    key,
                    value: V::default(),
                };
                at
            }
        };
        set.get_mut(at).map(|slot| look(&mut slot.value))
    }

    /// Shows every value.
    pub(super) fn each(&self, mut look: impl FnMut(u128, &mut V)) {
        for stripe in &self.stripes {
            let mut stripe = stripe.lock().unwrap_or_else(PoisonError::into_inner);
            for slot in stripe.iter_mut().filter(|slot| slot.key != 0) {
                look(slot.key, &mut slot.value);
            }
        }
    }

    fn stripe(&self, key: u128) -> Option<MutexGuard<'_, Vec<Slot<V>>>> {
        let stripe = self.stripes.get(index(key, STRIPES))?;
        // A panic under the lock is one of the allocator alone, and leaves each slot whole.
        Some(stripe.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn set<'a>(&self, stripe: &'a mut [Slot<V>], key: u128) -> &'a mut [Slot<V>] {
        let set = index(key >> 32, self.sets);
        stripe.chunks_exact_mut(WAYS).nth(set).unwrap_or_default()
    }
}

fn index(bits: u128, count: usize) -> usize {
    let bits = usize::try_from(bits & 0xffff_ffff).unwrap_or_default();
    bits.checked_rem(count).unwrap_or_default()
}

impl<V> fmt::Debug for Slots<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slots")
            .field(
                "capacity",
                &self.sets.saturating_mul(STRIPES).saturating_mul(WAYS),
            )
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Worth {
        worth: u64,
        stays: bool,
    }

    impl Held for Worth {
        fn worth(&self) -> Option<u64> {
            (!self.stays).then_some(self.worth)
        }
    }

    /// Keys of one set: they differ above the bits that choose it.
    fn key(n: u128) -> u128 {
        (n + 1) << 64 | 7 << 32 | 3
    }

    fn put(slots: &Slots<Worth>, n: u128, worth: u64, stays: bool) -> bool {
        let made = slots.enter(key(n), |held| *held = Worth { worth, stays });
        made.is_some()
    }

    #[test]
    fn a_ninth_key_takes_the_place_of_the_least_worth() {
        let slots = Slots::new(1 << 12);
        for n in 0..8 {
            assert!(put(&slots, n, 10 + u64::try_from(n).unwrap(), false));
        }
        assert!(put(&slots, 8, 5, false));
        assert_eq!(slots.find(key(0), |_| ()), None);
        assert_eq!(slots.find(key(1), |held| held.worth), Some(11));
        assert!(put(&slots, 9, 20, false));
        assert_eq!(slots.find(key(8), |_| ()), None, "worth 5");
    }

    #[test]
    fn what_has_to_stay_makes_no_room() {
        let slots = Slots::new(1 << 12);
        for n in 0..8 {
            assert!(put(&slots, n, 0, true));
        }
        assert!(!put(&slots, 8, 5, false));
        slots.find(key(3), |held| held.stays = false);
        assert!(put(&slots, 8, 5, false));
    }

    #[test]
    fn a_million_keys_take_the_memory_of_the_capacity() {
        let slots: Slots<Worth> = Slots::new(512);
        for n in 0..1_000_000_u128 {
            let spread = (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
            slots.enter(spread, |held| held.worth = 1);
        }
        let mut live = 0;
        slots.each(|_, _| live += 1);
        assert!(live <= 512, "{live}");
        let reserved: usize = slots
            .stripes
            .iter()
            .map(|s| s.lock().unwrap().capacity())
            .sum();
        assert_eq!(reserved, 512);
    }
}
