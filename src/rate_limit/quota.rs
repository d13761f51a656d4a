//! How many in what time.

use std::time::Duration;

use super::error::RateLimitConfigError;
use super::rule::{Gcra, Rule};
use crate::core::{ConfigError, ConfigErrors};

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

    /// Compiles the quota for a [`Store`](super::Store): for counting without a limiter.
    ///
    /// # Errors
    ///
    /// All that `build()` would refuse of it.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::rate_limit::{Quota, Rule};
    ///
    /// assert!(matches!(Quota::per_minute(100).rule(), Ok(Rule::Gcra(_))));
    /// assert!(Quota::per_minute(0).rule().is_err());
    /// ```
    pub fn rule(self) -> Result<Rule, ConfigErrors> {
        match self.compile() {
            Ok(gcra) => Ok(Rule::Gcra(gcra)),
            Err(mistake) => Err(ConfigError::new("rate_limit.quota", mistake).into()),
        }
    }

    /// Computes what counters are charged by.
    ///
    /// The interval is rounded up: never above the configured rate, and below it by at most 1 ns per unit.
    pub(super) fn compile(self) -> Result<Gcra, RateLimitConfigError> {
        if self.limit == 0 || self.burst == 0 || self.period.is_zero() {
            return Err(RateLimitConfigError::EmptyQuota { quota: self });
        }
        let (period, limit) = (self.period.as_nanos(), u128::from(self.limit));
        if period < limit.saturating_mul(MIN_INTERVAL) {
            return Err(RateLimitConfigError::QuotaTooFine {
                limit: self.limit,
                period: self.period,
            });
        }
        let interval = period.div_ceil(limit);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ConfigErrorKind;

    const NANO: Duration = Duration::from_nanos(1);
    const SECOND: Duration = Duration::from_secs(1);

    /// Interval and window, or the code of what is wrong.
    fn compiled(quota: Quota) -> Result<(u64, u64), &'static str> {
        match quota.compile() {
            Ok(gcra) => Ok((gcra.interval(), gcra.window())),
            Err(mistake) => Err(mistake.code()),
        }
    }

    #[test]
    fn quotas_are_compiled_or_refused() {
        #[rustfmt::skip]
        let rows: &[(&str, Quota, Result<(u64, u64), &str>)] = &[
            ("one a second", Quota::per_second(1), Ok((1_000_000_000, 1_000_000_000))),
            ("100 a minute", Quota::per_minute(100), Ok((600_000_000, 60_000_000_000))),
            ("an hour", Quota::per_hour(1), Ok((3_600_000_000_000, 3_600_000_000_000))),
            ("a day", Quota::per_day(24), Ok((3_600_000_000_000, 86_400_000_000_000))),
            ("a burst below the limit", Quota::per_minute(60).burst(10), Ok((1_000_000_000, 10_000_000_000))),
            ("a burst above the limit", Quota::per_minute(60).burst(120), Ok((1_000_000_000, 120_000_000_000))),
            ("rounded up", Quota::per_second(3), Ok((333_333_334, 1_000_000_002))),
            ("rounded up by all but one", Quota::new(7, Duration::from_nanos(7_001)), Ok((1_001, 7_007))),
            ("no limit", Quota::per_second(0), Err("empty_quota")),
            ("a limit of 1", Quota::per_second(1), Ok((1_000_000_000, 1_000_000_000))),
            ("no burst", Quota::per_second(1).burst(0), Err("empty_quota")),
            ("no period", Quota::new(1, Duration::ZERO), Err("empty_quota")),
            ("a limit of 0 and a burst", Quota::per_second(0).burst(1), Err("empty_quota")),
            ("a nanosecond below a microsecond", Quota::new(1, Duration::from_nanos(999)), Err("quota_too_fine")),
            ("a microsecond", Quota::new(1, Duration::from_micros(1)), Ok((1_000, 1_000))),
            ("a million a second", Quota::per_second(1_000_000), Ok((1_000, 1_000_000_000))),
            ("1,000,001 a second", Quota::per_second(1_000_001), Err("quota_too_fine")),
            ("u32::MAX a second", Quota::per_second(u32::MAX), Err("quota_too_fine")),
            ("u32::MAX a day", Quota::per_day(u32::MAX), Ok((20_117, 86_401_857_073_515))),
            ("2^62 ns", Quota::new(1, Duration::from_nanos(1 << 62)), Ok((1 << 62, 1 << 62))),
            ("2^62 + 1 ns", Quota::new(1, Duration::from_nanos((1 << 62) + 1)), Err("quota_overflow")),
            ("2^62 ns by its burst", Quota::new(1, Duration::from_nanos(1 << 61)).burst(2), Ok((1 << 61, 1 << 62))),
            ("2^61 * 3 ns", Quota::new(1, Duration::from_nanos(1 << 61)).burst(3), Err("quota_overflow")),
            // 60 s * 307,445,736 wraps around 2^64 ns to almost nothing.
            ("a product that wraps", Quota::new(1, Duration::from_secs(60)).burst(307_445_736), Err("quota_overflow")),
            ("longest of all", Quota::new(1, Duration::MAX).burst(u32::MAX), Err("quota_overflow")),
        ];
        for (name, quota, expected) in rows {
            assert_eq!(compiled(*quota), *expected, "{name}");
        }
    }

    #[test]
    fn a_strict_quota_has_half_its_burst() {
        // b = ceil(n / 2), T = window / (n - b + 1)
        #[rustfmt::skip]
        let rows: &[(u32, u64, u32)] = &[
            (1, 60_000_000_000, 1),
            (2, 30_000_000_000, 1),
            (3, 30_000_000_000, 2),
            (10, 10_000_000_000, 5),
            (100, 1_176_470_589, 50),
        ];
        for (limit, interval, burst) in rows {
            let quota = Quota::strict(*limit, Duration::from_secs(60));
            let gcra = quota.compile().unwrap();
            assert_eq!(
                (gcra.interval(), quota.burst_size()),
                (*interval, *burst),
                "{limit}"
            );
            assert!(gcra.is_strict());
        }
        assert_eq!(compiled(Quota::strict(0, SECOND)), Err("empty_quota"));
        assert_eq!(
            compiled(Quota::strict(1, Duration::ZERO)),
            Err("empty_quota")
        );
        assert_eq!(
            compiled(Quota::strict(u32::MAX, NANO)),
            Err("quota_too_fine")
        );
    }

    /// Greedy is the worst case: every request is made at the first moment at which it passes.
    #[test]
    fn no_half_open_window_of_a_strict_quota_holds_more_than_its_limit() {
        for limit in 1..=40_u32 {
            let window = 1_000_003_u64;
            let gcra = Quota::strict(limit, Duration::from_nanos(window * 1_000))
                .compile()
                .unwrap();
            let (mut tat, mut now, mut times) = (0_u64, 0_u64, Vec::new());
            while times.len() < 200 {
                let next = tat.max(now) + gcra.interval();
                if next > now + gcra.window() {
                    now = next - gcra.window();
                }
                tat = next;
                times.push(now);
            }
            for (at, start) in times.iter().enumerate() {
                let inside = times[at..]
                    .iter()
                    .filter(|time| **time < start + window * 1_000)
                    .count();
                assert!(inside <= limit as usize, "{limit}: {inside}");
            }
        }
    }

    #[test]
    fn a_larger_burst_is_not_strict() {
        let strict = Quota::strict(10, SECOND);
        assert!(strict.is_strict());
        assert!(strict.burst(5).is_strict());
        assert!(strict.burst(4).is_strict());
        assert!(!strict.burst(6).is_strict());
        assert!(!Quota::per_second(10).is_strict());
    }

    #[test]
    fn the_ladder_slows_down() {
        let rungs = Quota::backoff_ladder();
        let seen: Vec<_> = rungs
            .iter()
            .map(|quota| (quota.limit(), quota.period().as_secs()))
            .collect();
        assert_eq!(
            seen,
            [(20, 8), (40, 64), (60, 512), (80, 4_096), (100, 32_768)]
        );
        assert!(rungs.iter().all(|quota| quota.compile().is_ok()));
    }
}
