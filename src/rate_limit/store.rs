//! What a limiter asks of the place where its counters live.

use std::fmt;
use std::sync::Arc;

use super::key::{KeyHash, KeySeed};
use super::rule::Rule;
use crate::core::{ConfigErrors, StoreError};

/// A point in time as counters know it: nanoseconds on the limiter's clock, plus one second, so that 0 can mean "no counter".
///
/// It comes from [`Clock::monotonic`](crate::core::Clock::monotonic), never from the wall clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(u64);

impl Nanos {
    /// Takes nanoseconds.
    #[must_use]
    pub const fn new(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Returns the nanoseconds.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// Counts: decides whether charges fit, and books them all or none.
///
/// [`MemoryStore`](super::MemoryStore) counts for one process. Implement it for a backend of your own.
///
/// A store never fails open: what it cannot decide is [`Acquire::Failed`], and each policy says what happens then.
pub trait Store: Send + Sync + 'static {
    /// The counters of one policy.
    type Counter: fmt::Debug + Send + Sync + 'static;

    /// The answer of a store that has to ask somebody else. It comes in time by itself: a request waits for as long as it takes.
    ///
    /// The charge is on its way before the first poll, and dropping this does not undo it: nobody waits for the answer to a charge
    /// with `overdraw`.
    type Pending: Future<Output = Result<Vec<Standing>, StoreError>> + Send + 'static;

    /// Returns with what keys are hashed: per process, or the same on every node that shares the counters.
    fn key_seed(&self) -> KeySeed;

    /// Opens the counters of a policy. The same name gives the same counters, also to another limiter and after a reload.
    fn open(&self, spec: &CounterSpec<'_>) -> Arc<Self::Counter>;

    /// Charges all of `charges`, or none if one does not fit.
    ///
    /// On [`Acquire::Ready`] each charge holds its [`Standing`]. A denial writes nothing; a charge of cost 0 looks and writes nothing.
    fn acquire(
        &self,
        now: Nanos,
        charges: &mut [Charge<'_, Self::Counter>],
    ) -> Acquire<Self::Pending>;

    /// Charges all of `charges` if it can say at once that they pass, and nobody wants to know where the keys stand then: no [`Standing`]
    /// is set, and no [`Receipt`] made.
    ///
    /// `false` has charged nothing and decided nothing: it is [`acquire`](Self::acquire) that says why. Most requests pass, so a
    /// limiter asks here first where nobody asks for more. A store that has no shorter way keeps the default, which is `false`.
    fn pass(&self, now: Nanos, charges: &mut [Charge<'_, Self::Counter>]) -> bool {
        let _ = (now, charges);
        false
    }

    /// Takes back one charge. Nothing happens if its counter has been given to another key since.
    fn refund(&self, now: Nanos, counter: &Self::Counter, receipt: Receipt);

    /// Forgets what a key has used.
    fn reset(&self, now: Nanos, counter: &Self::Counter, key: KeyHash);

    /// Whether so many keys of a policy were forgotten since this was true before, while they still owed something, that there is too
    /// little room. A limiter asks when it refuses, and records an event.
    fn is_newly_crowded(&self, counter: &Self::Counter) -> bool {
        let _ = counter;
        false
    }

    /// What is wrong with the configuration of the store, for the limiter's `build()` to report with the rest.
    fn config_errors(&self) -> Option<ConfigErrors> {
        None
    }

    /// Whether several processes count together.
    fn is_shared(&self) -> bool {
        false
    }

    /// Whether all charges of one call have to name the same key, since counters of different keys live in different places.
    fn takes_one_key(&self) -> bool {
        false
    }

    /// How many processes count together, if the store was told: one over it is what each of them may spend alone while the store is
    /// away.
    fn expected_nodes(&self) -> Option<u32> {
        None
    }
}

/// What a store needs to know of a policy before it counts for it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CounterSpec<'a> {
    /// The name of the policy.
    pub name: &'a str,
    /// What to do for a new key when there is no room.
    pub overflow: Overflow,
    /// Whether all its charges go to one key, as with `key::global()`: it needs one counter and no table.
    pub is_single: bool,
}

impl<'a> CounterSpec<'a> {
    /// Describes the policy `name`.
    #[must_use]
    pub const fn new(name: &'a str, overflow: Overflow) -> Self {
        Self {
            name,
            overflow,
            is_single: false,
        }
    }

    /// Says that all charges go to one key, whatever key they name.
    #[must_use]
    pub const fn single(self) -> Self {
        Self {
            is_single: true,
            ..self
        }
    }
}

/// What a store of fixed size does for a new key when every counter that could hold it is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Overflow {
    /// Refuses the new key.
    Deny,
    /// Forgets the key that owes least (default).
    #[default]
    Evict,
    /// Lets the new key use the counter of the key that owes least: nobody is forgotten, and the two are counted together.
    Share,
}

/// One charge to one counter.
#[derive(Debug)]
#[non_exhaustive]
pub struct Charge<'a, C> {
    /// The counters of the policy.
    pub counter: &'a C,
    /// Whose counter.
    pub key: KeyHash,
    /// By what rule.
    pub rule: Rule,
    /// How many units. 0 only looks.
    pub cost: u32,
    /// Book it even if it does not fit, up to twice the window: for costs that are known only afterwards.
    pub overdraw: bool,
    /// What came of it. A store that is [`Acquire::Ready`] sets it.
    pub standing: Standing,
}

impl<'a, C> Charge<'a, C> {
    /// Charges `cost` units to the counter of `key`.
    #[must_use]
    #[inline]
    pub const fn new(counter: &'a C, key: KeyHash, rule: Rule, cost: u32) -> Self {
        Self {
            counter,
            key,
            rule,
            cost,
            overdraw: false,
            standing: Standing::UNKNOWN,
        }
    }
}

/// Where a key stands with one policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// Whether this policy lets the charge pass. It was booked only if all policies do.
    pub is_allowed: bool,
    /// Units left.
    pub remaining: u64,
    /// Nanoseconds until one more unit is there; 0 when none is missing.
    pub reset: u64,
    /// Nanoseconds until the same charge fits; 0 when it does, [`NEVER`](Self::NEVER) when it cannot.
    pub wait: u64,
    /// What [`Store::refund`] needs.
    pub receipt: Receipt,
}

impl Standing {
    /// The `wait` of a charge that exceeds what the policy allows at once.
    pub const NEVER: u64 = u64::MAX;

    /// Before a store has answered: denied.
    pub const UNKNOWN: Self = Self {
        is_allowed: false,
        remaining: 0,
        reset: 0,
        wait: Self::NEVER,
        receipt: Receipt::NONE,
    };

    /// Lets the charge pass.
    #[must_use]
    #[inline]
    pub const fn allowed(remaining: u64, reset: u64, receipt: Receipt) -> Self {
        Self {
            is_allowed: true,
            remaining,
            reset,
            wait: 0,
            receipt,
        }
    }

    /// Denies the charge.
    #[must_use]
    #[inline]
    pub const fn denied(remaining: u64, reset: u64, wait: u64) -> Self {
        Self {
            is_allowed: false,
            remaining,
            reset,
            wait,
            receipt: Receipt::NONE,
        }
    }
}

/// Four words in which a store notes what it booked, and where. Only the store that made it can read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipt([u64; 4]);

impl Receipt {
    /// Nothing was booked.
    pub const NONE: Self = Self([0; 4]);

    /// Notes four words.
    #[must_use]
    #[inline]
    pub const fn new(words: [u64; 4]) -> Self {
        Self(words)
    }

    /// Returns the four words.
    #[must_use]
    #[inline]
    pub const fn words(self) -> [u64; 4] {
        self.0
    }
}

/// How a store answers.
#[derive(Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "who calls a store has to handle all three"
)]
pub enum Acquire<P> {
    /// Decided: see the charges.
    Ready,
    /// Somebody else has to be asked. The standings come in the order of the charges.
    Pending(P),
    /// Nothing was decided, and as far as the store knows nothing booked.
    Failed(StoreError),
}
