//! How many events reports may cause: one of a kind a minute, and so many in all.
#![expect(
    clippy::disallowed_types,
    reason = "a table of fixed size in 256 parts; each lock is held for four comparisons"
)]

use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const SETS: usize = 256;
const WAYS: usize = 4;
/// For how long a report that was told is not told again.
const QUIET: Duration = Duration::from_secs(60);

/// What was told in the last minute, as keyed hashes: 1,024 reports, whatever is sent.
///
/// When a set is full its oldest entry makes way: the report it stands for is told once too often, never forgotten.
pub(super) struct Recent {
    sets: Box<[Mutex<[Told; WAYS]>]>,
    hasher: RandomState,
}

#[derive(Clone, Copy, Default)]
struct Told {
    hash: u64,
    until: Duration,
    repeated: u32,
}

impl Recent {
    pub(super) fn new() -> Self {
        Self {
            sets: (0..SETS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }

    /// Whether a report is to be told now. What finds no room is not remembered as told: it is told when it comes again.
    pub(super) fn admit(
        &self,
        identity: impl Hash,
        now: Duration,
        has_room: impl FnOnce() -> bool,
    ) -> Admission {
        let hash = self.hasher.hash_one(identity);
        let set = usize::try_from(hash % 256).unwrap_or_default();
        // There are 256 sets. Without one the report would be told.
        let Some(set) = self.sets.get(set) else {
            return Admission::Told(0);
        };
        // Plain numbers are whole after any panic.
        let mut set = set.lock().unwrap_or_else(PoisonError::into_inner);
        let known = set.iter().position(|told| told.hash == hash);
        let oldest = || {
            let ages = set.iter().enumerate();
            ages.min_by_key(|(_, told)| told.until).map(|(at, _)| at)
        };
        let Some(told) = known.or_else(oldest).and_then(|at| set.get_mut(at)) else {
            return Admission::Told(0);
        };
        if known.is_some() && now < told.until {
            told.repeated = told.repeated.saturating_add(1);
            return Admission::Repeated;
        }
        if !has_room() {
            return Admission::OverBudget;
        }
        let repeated = if known.is_some() { told.repeated } else { 0 };
        *told = Told {
            hash,
            until: now.saturating_add(QUIET),
            repeated: 0,
        };
        Admission::Told(repeated)
    }
}

/// What becomes of one report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    OverBudget,
    Repeated,
    /// It is told, after so many that were held back as repetitions.
    Told(u32),
}

impl fmt::Debug for Recent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recent").finish_non_exhaustive()
    }
}

/// So many events in each minute of the clock.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// The minute in the upper half, the events told in it in the lower.
    minute_and_told: AtomicU64,
}

impl Budget {
    pub(super) const PER_MINUTE: u64 = 600;

    /// Whether there is room for one more.
    pub(super) fn take(&self, now: Duration) -> bool {
        let minute = (now.as_secs() / 60) << 32;
        // Relaxed: the word protects no other memory.
        self.minute_and_told
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |word| {
                let told = word & u64::from(u32::MAX);
                if word & !u64::from(u32::MAX) != minute {
                    return Some(minute | 1);
                }
                (told < Self::PER_MINUTE).then_some(word.saturating_add(1))
            })
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Admission::{OverBudget, Repeated, Told};
    use super::*;

    const NANO: Duration = Duration::from_nanos(1);

    fn room() -> bool {
        true
    }

    #[test]
    fn one_of_a_kind_is_told_a_minute_and_hears_how_many_were_not() {
        let recent = Recent::new();
        let start = Duration::from_secs(7);
        assert_eq!(recent.admit(("a", "b"), start, room), Told(0));
        assert_eq!(
            recent.admit(("a", "c"), start, room),
            Told(0),
            "another one"
        );
        assert_eq!(recent.admit(("a", "b"), start, room), Repeated);
        assert_eq!(
            recent.admit(("a", "b"), start + QUIET - NANO, room),
            Repeated
        );
        assert_eq!(recent.admit(("a", "b"), start + QUIET, room), Told(2));
        assert_eq!(recent.admit(("a", "b"), start + QUIET, room), Repeated);
        assert_eq!(recent.admit(("a", "c"), start + QUIET, room), Told(0));
    }

    #[test]
    fn what_finds_no_room_is_told_when_it_comes_again() {
        let recent = Recent::new();
        let start = Duration::from_secs(7);
        assert_eq!(recent.admit("a", start, || false), OverBudget);
        assert_eq!(recent.admit("a", start + NANO, room), Told(0));
        assert_eq!(recent.admit("a", start + NANO, || false), Repeated);
        assert_eq!(
            recent.admit("a", start + QUIET + NANO, || false),
            OverBudget
        );
        assert_eq!(recent.admit("a", start + QUIET + NANO, room), Told(1));
    }

    #[test]
    fn a_million_keys_take_no_more_room_and_all_are_told() {
        let recent = Recent::new();
        for key in 0..1_000_000_u32 {
            assert_eq!(recent.admit(key, NANO, room), Told(0), "{key}");
        }
        let entries = recent.sets.iter().map(|set| set.lock().unwrap().len());
        assert_eq!(entries.sum::<usize>(), 1_024);
    }

    #[test]
    fn what_was_told_first_makes_way_first() {
        let recent = Recent::new();
        // One set: of five keys in it the first is forgotten, the others are not.
        let of_set = |key: &u32| recent.hasher.hash_one(key) % 256 == 9;
        let keys: Vec<u32> = (0..).filter(of_set).take(5).collect();
        for (second, key) in (1..).zip(&keys) {
            assert_eq!(
                recent.admit(key, Duration::from_secs(second), room),
                Told(0)
            );
        }
        let now = Duration::from_secs(6);
        for key in &keys[1..] {
            assert_eq!(recent.admit(key, now, room), Repeated);
        }
        assert_eq!(recent.admit(keys[0], now, room), Told(0));
    }

    #[test]
    fn a_minute_has_room_for_600() {
        let budget = Budget::default();
        let minute = Duration::from_secs(60);
        for start in [Duration::ZERO, minute, minute * 1_000_000] {
            assert!((0..600).all(|_| budget.take(start)));
            assert!(!budget.take(start));
            assert!(!budget.take(start + minute - NANO));
        }
    }

    #[test]
    fn threads_share_the_budget() {
        let budget = Budget::default();
        let taken: usize = std::thread::scope(|scope| {
            let takers: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..400).filter(|_| budget.take(NANO)).count()))
                .collect();
            takers.into_iter().map(|taker| taker.join().unwrap()).sum()
        });
        assert_eq!(taken, 600);
    }
}
