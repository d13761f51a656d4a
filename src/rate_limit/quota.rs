//! How many in what time.

use std::time::Duration;

use super::error::RateLimitConfigError;
use super::rule::Gcra;

/// How many requests a key may make in what time.
///
/// A bucket holds a burst of requests and refills steadily, one unit every `period / limit` (the generic cell rate algorithm). So in
/// any interval of length `d` a key makes at most `burst + limit * d / period` requests: with the default burst, which is the limit,
/// up to twice the limit in one period. Where no window may ever hold more than the limit, take [`strict`](Self::strict).
///
/// A quota is checked when the limiter is built. Refused are a limit, burst or period of 0, more than a million requests per second,
/// and a bucket that takes more than 2^62 ns (146 years) to fill.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use tower_security::rate_limit::Quota;
///
/// // A steady 100 a minute, of which 20 at once.
/// let api = Quota::per_minute(100).burst(20);
/// assert_eq!(api.burst_size(), 20);
/// assert_eq!(Quota::new(100, Duration::from_secs(60)).burst(20), api);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    limit: u32,
    period: Duration,
    burst: u32,
    is_strict: bool,
}

/// The finest quota: a million requests per second.
const MIN_INTERVAL: u128 = 1_000;

/// The longest time that a bucket takes to fill. Twice that and a day still fit into 64 bits.
const MAX_WINDOW: u128 = 1 << 62;

impl Quota {
    /// `limit` requests in each `period`; a key that was quiet may make all of them at once.
    #[must_use]
    pub const fn new(limit: u32, period: Duration) -> Self {
        Self {
            limit,
            period,
            burst: limit,
            is_strict: false,
        }
    }

    /// `limit` requests per second, all at once if the key was quiet.
    #[must_use]
    pub const fn per_second(limit: u32) -> Self {
        Self::new(limit, Duration::from_secs(1))
    }

    /// `limit` requests per minute, all at once if the key was quiet.
    #[must_use]
    pub const fn per_minute(limit: u32) -> Self {
        Self::new(limit, Duration::from_secs(60))
    }

    /// `limit` requests per hour, all at once if the key was quiet.
    #[must_use]
    pub const fn per_hour(limit: u32) -> Self {
        Self::new(limit, Duration::from_secs(3_600))
    }

    /// `limit` requests per 24 hours, all at once if the key was quiet.
    #[must_use]
    pub const fn per_day(limit: u32) -> Self {
        Self::new(limit, Duration::from_secs(86_400))
    }

    /// No more than `limit` requests in any half-open interval of the length `window`, wherever it begins.
    ///
    /// The price: about half of them at once, and the other half spread over the window. The burst is `limit / 2`, rounded up, and
    /// a unit comes back every `window / (limit - burst + 1)`. Nodes that share a store take nothing of such a quota in advance.
    ///
    /// # Example
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_security::rate_limit::Quota;
    ///
    /// // 5 at once, then one every 10 s: never more than 10 in one minute.
    /// let strict = Quota::strict(10, Duration::from_secs(60));
    /// assert_eq!((strict.burst_size(), strict.limit()), (5, 6));
    /// ```
    #[must_use]
    pub const fn strict(limit: u32, window: Duration) -> Self {
        let burst = limit.div_ceil(2);
        Self {
            limit: limit.saturating_sub(burst).saturating_add(1),
            period: window,
            burst,
            is_strict: true,
        }
    }

    /// Lets a quiet key make `burst` requests at once instead of the limit.
    ///
    /// The rate stays the same. A [`strict`](Self::strict) quota with a larger burst than its own is strict no more.
    #[must_use]
    pub const fn burst(self, burst: u32) -> Self {
        Self {
            burst,
            is_strict: self.is_strict && burst <= self.burst,
            ..self
        }
    }

    /// Five quotas to apply together to one key: 20 in 8 s, 40 in 64 s, 60 in 512 s, 80 in 4,096 s, 100 in 32,768 s.
    ///
    /// The longer somebody keeps on, the less he gets, down to 100 requests in 9 hours, while a person who clicks quickly for a few
    /// seconds notices nothing.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::rate_limit::{Policy, Quota, key};
    ///
    /// let names = ["8s", "64s", "512s", "4096s", "32768s"];
    /// let policies: Vec<_> = names
    ///     .into_iter()
    ///     .zip(Quota::backoff_ladder())
    ///     .map(|(name, quota)| Policy::new(name, quota).key(key::client_ip()))
    ///     .collect();
    /// assert_eq!(policies.len(), 5);
    /// ```
    #[must_use]
    pub const fn backoff_ladder() -> [Self; 5] {
        [
            Self::new(20, Duration::from_secs(8)),
            Self::new(40, Duration::from_secs(64)),
            Self::new(60, Duration::from_secs(512)),
            Self::new(80, Duration::from_secs(4_096)),
            Self::new(100, Duration::from_secs(32_768)),
        ]
    }

    /// Returns how many requests come back in a period.
    #[must_use]
    pub const fn limit(self) -> u32 {
        self.limit
    }

    /// Returns the period.
    #[must_use]
    pub const fn period(self) -> Duration {
        self.period
    }

    /// Returns how many requests a quiet key may make at once.
    #[must_use]
    pub const fn burst_size(self) -> u32 {
        self.burst
    }

    /// Tells whether no window ever holds more than the limit it was made with: see [`strict`](Self::strict).
    #[must_use]
    pub const fn is_strict(self) -> bool {
        self.is_strict
    }

    /// Computes what counters are charged by.
    ///
    /// The interval is rounded up: never above the configured rate, and below it by at most 1 ns per unit.
    pub(super) fn compile(self) -> Result<Gcra, RateLimitConfigError> {
        if self.limit == 0 || self.burst == 0 || self.period.is_zero() {
            return Err(RateLimitConfigError::EmptyQuota { quota: self });
        }
        let interval = self.period.as_nanos().div_ceil(u128::from(self.limit));
        if interval < MIN_INTERVAL {
            return Err(RateLimitConfigError::QuotaTooFine {
                limit: self.limit,
                period: self.period,
            });
        }
        let window = interval.saturating_mul(u128::from(self.burst));
        match (u64::try_from(interval), u64::try_from(window)) {
            (Ok(interval), Ok(nanos)) if window <= MAX_WINDOW => {
                Ok(Gcra::new(interval, nanos).strict(self.is_strict))
            }
            // Too long, or too long for 64 bits even.
            _ => Err(RateLimitConfigError::QuotaOverflow { quota: self }),
        }
    }
}
