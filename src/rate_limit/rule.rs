//! The rules by which a counter is charged, compiled.

use super::error::RateLimitConfigError;
use super::quota::Quota;

/// By what rule a counter is charged. Made by [`Quota`](super::Quota) and by the login throttle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// The generic cell rate algorithm: a bucket that refills steadily.
    Gcra(Gcra),
    /// Each charge makes the next one wait longer.
    Ladder(Ladder),
}

/// As the limiter compiles it: for tests of a store of your own.
impl TryFrom<Quota> for Rule {
    type Error = RateLimitConfigError;

    fn try_from(quota: Quota) -> Result<Self, Self::Error> {
        quota.compile().map(Self::Gcra)
    }
}

/// A quota, compiled: what one unit takes to come back, and how long a full bucket does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gcra {
    interval: u64,
    window: u64,
    is_strict: bool,
}

impl Gcra {
    /// `interval` is at least 1 and `window` at most 2^62: `Quota` has seen to it.
    pub(super) const fn new(interval: u64, window: u64) -> Self {
        Self {
            interval,
            window,
            is_strict: false,
        }
    }

    pub(super) const fn strict(self, is_strict: bool) -> Self {
        Self { is_strict, ..self }
    }

    /// Returns whether the quota is a [`strict`](super::Quota::strict) one, of which a store hands out nothing in advance.
    #[must_use]
    pub const fn is_strict(self) -> bool {
        self.is_strict
    }

    /// Returns the nanoseconds in which one unit comes back.
    #[must_use]
    pub const fn interval(self) -> u64 {
        self.interval
    }

    /// Returns the nanoseconds in which an empty bucket fills: the interval times the burst.
    #[must_use]
    pub const fn window(self) -> u64 {
        self.window
    }
}

/// Delays that double: some charges are free, the next waits `first`, then twice as long each, up to `longest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ladder {
    pub(super) free: u8,
    pub(super) first: u64,
    pub(super) longest: u64,
    pub(super) decay: u64,
}

impl Ladder {
    /// `free` charges pass at once; the following wait `first` nanoseconds, then twice as long each up to `longest`; one rung is
    /// forgotten for each `decay` nanoseconds of quiet.
    #[must_use]
    pub const fn new(free: u8, first: u64, longest: u64, decay: u64) -> Self {
        Self {
            free,
            first,
            longest,
            decay,
        }
    }

    /// Returns how many charges pass without a delay.
    #[must_use]
    pub const fn free(self) -> u8 {
        self.free
    }

    /// Returns the first delay in nanoseconds.
    #[must_use]
    pub const fn first(self) -> u64 {
        self.first
    }

    /// Returns the longest delay in nanoseconds.
    #[must_use]
    pub const fn longest(self) -> u64 {
        self.longest
    }

    /// Returns after how many nanoseconds of quiet one rung is forgotten.
    #[must_use]
    pub const fn decay(self) -> u64 {
        self.decay
    }
}
