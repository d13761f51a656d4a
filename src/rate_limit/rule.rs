//! The rules by which a counter is charged, compiled.

/// By what rule a counter is charged. Made by [`Quota`](super::Quota) and by the login throttle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// The generic cell rate algorithm: a bucket that refills steadily.
    Gcra(Gcra),
    /// Each charge makes the next one wait longer.
    Ladder(Ladder),
}

/// A quota, compiled: what one unit takes to come back, and how long a full bucket does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gcra {
    interval: u64,
    window: u64,
    is_strict: bool,
    /// How far ahead of now a debt may reach: the window, two with [`with_overdraft`](Self::with_overdraft), or what another quota of
    /// the same policy lets a key owe.
    debt: u64,
    /// 2^64 over the interval, so that no request divides.
    reciprocal: u64,
}

impl Gcra {
    /// `interval` is at least 1 and `window` at most 2^62: `Quota` has seen to it.
    pub(super) const fn new(interval: u64, window: u64) -> Self {
        Self {
            interval,
            window,
            is_strict: false,
            debt: window,
            reciprocal: match u64::MAX.checked_div(interval) {
                Some(reciprocal) => reciprocal,
                None => u64::MAX,
            },
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

    /// For a policy that also makes charges with `overdraw`: its keys may owe up to two windows, and keep owing them.
    #[must_use]
    pub const fn with_overdraft(self) -> Self {
        Self {
            debt: self.window.saturating_mul(2),
            ..self
        }
    }

    /// For one of several quotas that charge the same counters: what a key owes under another one is not too much under this one.
    pub(super) const fn owing_up_to(self, nanos: u64) -> Self {
        Self {
            debt: if nanos > self.debt { nanos } else { self.debt },
            ..self
        }
    }

    /// Returns the nanoseconds in which one unit comes back.
    #[must_use]
    #[inline]
    pub const fn interval(self) -> u64 {
        self.interval
    }

    /// Returns the nanoseconds in which an empty bucket fills: the interval times the burst.
    #[must_use]
    #[inline]
    pub const fn window(self) -> u64 {
        self.window
    }

    /// How many units a full bucket holds.
    pub(crate) const fn burst(self) -> u64 {
        match self.window.checked_div(self.interval) {
            Some(burst) => burst,
            None => 1,
        }
    }

    /// Returns how many nanoseconds a key may owe: the window, or two for a policy that also makes charges with `overdraw`; with plans
    /// the most that any of them allows. A store cuts what is more than that, and nothing less.
    #[must_use]
    #[inline]
    pub const fn debt(self) -> u64 {
        self.debt
    }

    /// How many units `nanos` are worth, and what is over.
    #[inline]
    pub(super) const fn units(self, nanos: u64) -> (u64, u64) {
        let units = ((nanos as u128).wrapping_mul(self.reciprocal as u128) >> 64) as u64;
        let rest = nanos.wrapping_sub(units.wrapping_mul(self.interval));
        // The reciprocal is rounded down, which costs less than one unit.
        if rest >= self.interval {
            (units.wrapping_add(1), rest.wrapping_sub(self.interval))
        } else {
            (units, rest)
        }
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
