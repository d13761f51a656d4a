//! Counters in the memory of this process.
#![expect(
    clippy::disallowed_types,
    reason = "the list of tables, locked when a policy is compiled and never while a request is counted"
)]

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use super::booking;
use super::key::{KeyHash, KeySeed};
use super::rule::Ladder;
use super::store::{Acquire, Charge, CounterSpec, Nanos, Receipt, Standing, Store};
use super::table::{Single, Table, Usage, WordRule};
use crate::core::{ConfigError, ConfigErrorKind, ConfigErrors, ErrorClass, StoreError};

const SMALLEST: usize = 1 << 10;
const LARGEST: usize = 1 << 28;
/// See [`MemoryStore::default`].
const DEFAULT: usize = 1 << 18;

/// Counts in the memory of this process, which is of fixed size.
///
/// Each policy has a table of its own. A key that is in it is charged without a lock; a new one takes the place of a key that owes
/// nothing any more. When there is none, [`Overflow`](super::Overflow) decides; the default is to forget the key that owes least.
/// So a flood of fresh keys costs no memory and does not free those who are over their limit: in a table that they fill to 30 %, ten
/// million fresh keys freed 0.2 % of them.
///
/// Nothing runs in the background, and nothing is allocated until keys come: then 64 KiB at a time, 16 bytes a key.
///
/// A clone is the same store. Two limiters with one store count the policies of one name together; give such policies the same quota,
/// since a request under the shorter of two cuts what is owed under the longer one. Processes do not: with `n` of
/// them behind a balancer, a client gets up to `n` times its quota.
///
/// # Example
///
/// ```
/// use tower_security::rate_limit::MemoryStore;
///
/// // Room for 300,000 clients that are over their limit at the same time.
/// let store = MemoryStore::with_capacity(1_000_000);
/// assert_eq!(store.capacity(), 1 << 20);
/// ```
#[derive(Clone)]
pub struct MemoryStore(Arc<Shared>);

struct Shared {
    seed: KeySeed,
    capacity: usize,
    mistake: Option<MemoryConfigError>,
    counters: Mutex<HashMap<Name, Weak<MemoryCounter>>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Name {
    policy: String,
    is_single: bool,
}

/// What can be wrong with a [`MemoryStore`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryConfigError {
    /// The capacity is too small to tell keys apart under a flood, or too large to be meant.
    #[error(
        "invalid capacity {capacity}: write a number of keys from 1024 to 268435456, at least 3.3 times as many as may be over \
         their limit at the same time, so that the table stays at most half full; it is rounded up to a power of two"
    )]
    Capacity {
        /// The capacity as given.
        capacity: usize,
    },
}

impl MemoryConfigError {
    /// What is wrong with a capacity.
    pub(super) fn of(capacity: usize) -> Option<Self> {
        let is_legal = (SMALLEST..=LARGEST).contains(&capacity);
        (!is_legal).then_some(Self::Capacity { capacity })
    }
}

impl ConfigErrorKind for MemoryConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Capacity { .. } => ErrorClass::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Capacity { .. } => "capacity",
        }
    }
}

/// How full the counters of one policy are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryStats {
    /// The name of the policy.
    pub policy: String,
    /// For how many keys there is room.
    pub capacity: usize,
    /// How many keys owe something.
    pub live: usize,
    /// How many keys were forgotten while they owed something. With 1 % of the capacity it is too small: the limiter records
    /// `rate_store_crowded` when it next refuses a request, and again with each further 1 %.
    pub evicted_live: u64,
    /// How many charges went to the counter of another key.
    pub shared: u64,
}

/// The counters of one policy in a [`MemoryStore`].
pub struct MemoryCounter {
    pub(super) shape: Shape,
    /// The ladder by which they were charged, if it is not a quota: it says how long a word is worth something.
    pub(super) ladder: OnceLock<Ladder>,
}

#[derive(Debug)]
pub(super) enum Shape {
    Keyed(Table),
    Single(Single),
}

impl MemoryStore {
    /// Makes a store with room for `capacity` keys in each policy, rounded up to a power of two.
    ///
    /// It takes 16 bytes a key, once keys come. Give at least 3.3 times as many as may be over their limit at the same time. Less
    /// than 1,024 or more than 2^28 (4 GiB) is a mistake that the limiter's `build()` reports.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::rate_limit::{MemoryStore, Store};
    ///
    /// assert!(MemoryStore::with_capacity(100_000).config_errors().is_none());
    /// assert!(MemoryStore::with_capacity(100).config_errors().is_some());
    /// ```
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Arc::new(Shared {
            seed: KeySeed::random(),
            capacity: capacity.clamp(SMALLEST, LARGEST).next_power_of_two(),
            mistake: MemoryConfigError::of(capacity),
            counters: Mutex::default(),
        }))
    }

    /// Returns for how many keys of each policy there is room.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.0.capacity
    }

    /// Counts what is in use at `now`, policy by policy in the order of their names. Policies that nobody holds any more are gone.
    ///
    /// It walks through all counters: ask once a minute, not once a request.
    #[must_use]
    pub fn stats(&self, now: Nanos) -> Vec<MemoryStats> {
        let held: Vec<_> = {
            let counters = self.counters();
            let held = counters.iter().filter_map(|(name, counter)| {
                let counter = counter.upgrade()?;
                Some((name.policy.clone(), counter))
            });
            held.collect()
        };
        let stats = held.into_iter().map(|(policy, counter)| {
            let usage = counter.usage(now.get());
            MemoryStats {
                policy,
                capacity: usage.capacity,
                live: usage.live,
                evicted_live: usage.evicted_live,
                shared: usage.shared,
            }
        });
        let mut stats: Vec<_> = stats.collect();
        stats.sort_by(|one, other| one.policy.cmp(&other.policy));
        stats
    }

    fn counters(&self) -> MutexGuard<'_, HashMap<Name, Weak<MemoryCounter>>> {
        // Whoever panicked left a list that was whole before and after each step.
        self.0
            .counters
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Room for 262,144 keys in each policy: 79,000 clients over their limit at the same time are told apart under a flood, and a policy
/// takes 4 MiB at most. An idle one takes 6 KiB.
impl Default for MemoryStore {
    fn default() -> Self {
        Self::with_capacity(DEFAULT)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("capacity", &self.0.capacity)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for MemoryCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCounter").finish_non_exhaustive()
    }
}

impl Store for MemoryStore {
    type Counter = MemoryCounter;
    /// Never made.
    type Pending = std::future::Ready<Result<Vec<Standing>, StoreError>>;

    fn key_seed(&self) -> KeySeed {
        self.0.seed
    }

    fn open(&self, spec: &CounterSpec<'_>) -> Arc<MemoryCounter> {
        let mut counters = self.counters();
        counters.retain(|_, counter| counter.strong_count() > 0);
        let name = Name {
            policy: spec.name.to_owned(),
            is_single: spec.is_single,
        };
        if let Some(counter) = counters.get(&name).and_then(Weak::upgrade) {
            if let Shape::Keyed(table) = &counter.shape {
                table.set_overflow(spec.overflow);
            }
            return counter;
        }
        let counter = Arc::new(MemoryCounter {
            shape: if spec.is_single {
                Shape::Single(Single::default())
            } else {
                Shape::Keyed(Table::new(self.0.capacity, spec.overflow))
            },
            ladder: OnceLock::new(),
        });
        counters.insert(name, Arc::downgrade(&counter));
        counter
    }

    #[inline(always)]
    fn acquire(
        &self,
        now: Nanos,
        charges: &mut [Charge<'_, MemoryCounter>],
    ) -> Acquire<Self::Pending> {
        booking::acquire(now, charges);
        Acquire::Ready
    }

    #[inline]
    fn pass(&self, now: Nanos, charges: &mut [Charge<'_, MemoryCounter>]) -> bool {
        booking::pass(now, charges)
    }

    fn refund(&self, now: Nanos, counter: &MemoryCounter, receipt: Receipt) {
        counter.refund(now, receipt);
    }

    fn reset(&self, _: Nanos, counter: &MemoryCounter, key: KeyHash) {
        match &counter.shape {
            Shape::Keyed(table) => table.clear(key),
            Shape::Single(word) => word.clear(),
        }
    }

    fn is_newly_crowded(&self, counter: &MemoryCounter) -> bool {
        match &counter.shape {
            Shape::Keyed(table) => table.is_newly_crowded(),
            Shape::Single(_) => false,
        }
    }

    fn config_errors(&self) -> Option<ConfigErrors> {
        let mistake = self.0.mistake.clone()?;
        Some(ConfigError::new("rate_limit.store.capacity", mistake).into())
    }
}

impl MemoryCounter {
    fn usage(&self, now: u64) -> Usage {
        let is_live = |word| match self.ladder.get() {
            Some(ladder) => !ladder.is_expired(word, now),
            None => word > now,
        };
        match &self.shape {
            Shape::Keyed(table) => table.usage(is_live),
            Shape::Single(word) => Usage {
                capacity: 1,
                live: usize::from(is_live(word.word())),
                ..Usage::default()
            },
        }
    }
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
