//! Wall and monotonic time, behind a trait so that tests turn the hands themselves.
#![expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the clocks of the system; everybody else asks a `Clock`"
)]
#![expect(
    clippy::disallowed_types,
    reason = "`ManualClock` moves two hands together, in tests"
)]
#![cfg_attr(
    not(test),
    warn(clippy::arithmetic_side_effects, clippy::cast_possible_truncation)
)]

use std::fmt;
#[cfg(feature = "quanta")]
use std::sync::OnceLock;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

#[cfg(feature = "quanta")]
use super::tie::{Clocks, Tied};

/// Tells the time to every layer and service.
///
/// Dates (the expiry of a token, the time of an event) are read from [`now`](Clock::now); everything that measures how long
/// something took or may still take (windows, limits, timeouts) from [`monotonic`](Clock::monotonic), so that an operator who sets
/// the wall clock neither empties nor fills a rate limit.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use tower_security::core::{Clock, ManualClock};
///
/// let clock = ManualClock::new();
/// let start = clock.monotonic();
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.monotonic() - start, Duration::from_secs(60));
/// ```
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Returns the wall-clock time. It can jump in both directions.
    fn now(&self) -> SystemTime;

    /// Returns the time since any fixed start. It never goes backwards.
    fn monotonic(&self) -> Duration;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> SystemTime {
        (**self).now()
    }

    fn monotonic(&self) -> Duration {
        (**self).monotonic()
    }
}

/// The clocks of the operating system. The default everywhere.
///
/// All values share one start for [`monotonic`](Clock::monotonic), so that two layers with a `SystemClock` each agree.
///
/// With the feature `quanta`, and once a rate limiter was built, [`monotonic`](Clock::monotonic) is read from the time-stamp counter
/// of the processor: a request that passes costs a limiter 41 ns instead of 61 (`cargo bench --all-features --bench rate_limit --
/// allowed`, the rows `tower-security` and `tower-security, Instant`). The counter is tied to the system's clock twenty times a
/// second. Whatever becomes of it when the machine is suspended or moved to other hardware, 50 milliseconds later by its own account
/// the system is asked again; if the time was ahead until then, it stands still rather than go back. Two things are trusted: that the
/// counter counts at all and never back, and that those of two cores are alike. Two threads may see the time apart by as much as these
/// are, less than a microsecond. Where the processor has no counter that can be used, and without the feature, the system is asked each
/// time.
///
/// # Example
///
/// ```
/// use tower_security::core::{Clock, SystemClock};
///
/// let before = SystemClock.monotonic();
/// assert!(SystemClock.monotonic() >= before);
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a unit value that users write as `SystemClock`; the system's clocks need no settings"
)]
pub struct SystemClock;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// `None` if the processor has no counter that can be used.
#[cfg(feature = "quanta")]
static COUNTER: OnceLock<Option<Tied<Counter>>> = OnceLock::new();

impl SystemClock {
    /// Makes ready what tells the time faster. It measures the counter of the processor for some milliseconds, which no request shall
    /// wait for: whoever reads the time on each request calls this when it is configured.
    pub(crate) fn prepare() {
        #[cfg(feature = "quanta")]
        COUNTER.get_or_init(Counter::tied);
    }

    /// Nanoseconds of [`monotonic`](Clock::monotonic), for those that read it on every request: without a detour through 128 bits.
    #[inline]
    pub(crate) fn monotonic_nanos() -> u64 {
        #[cfg(feature = "quanta")]
        if let Some(Some(tied)) = COUNTER.get() {
            return tied.now();
        }
        nanos(since_start())
    }
}

#[inline]
fn since_start() -> Duration {
    // The start first: the other way round its first use would lie behind the instant and give 0 twice.
    let start = *START;
    Instant::now().saturating_duration_since(start)
}

/// The counter of the processor.
#[cfg(feature = "quanta")]
#[derive(Debug)]
struct Counter(quanta::Clock);

#[cfg(feature = "quanta")]
impl Counter {
    fn tied() -> Option<Tied<Self>> {
        /// Counts, for a scale that is exact to a millionth of a millionth.
        const MANY: u64 = 1 << 40;
        let clock = quanta::Clock::new();
        let nanos = clock.delta_as_nanos(0, MANY);
        // Without a counter it asks the system, in nanoseconds, and so can we.
        let is_counter = nanos != MANY;
        is_counter.then(|| Tied::new(Self(clock), nanos >> 8))?
    }
}

#[cfg(feature = "quanta")]
impl Clocks for Counter {
    #[inline]
    fn count(&self) -> u64 {
        self.0.raw()
    }

    fn system(&self) -> u64 {
        nanos(since_start())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    #[inline]
    fn monotonic(&self) -> Duration {
        if cfg!(feature = "quanta") {
            Duration::from_nanos(Self::monotonic_nanos())
        } else {
            since_start()
        }
    }
}

/// The nanoseconds of a duration, at most `u64::MAX`: 584 years.
#[inline]
pub(crate) const fn nanos(duration: Duration) -> u64 {
    const PER_SECOND: u64 = 1_000_000_000;
    duration
        .as_secs()
        .saturating_mul(PER_SECOND)
        .saturating_add(duration.subsec_nanos() as u64)
}

/// What `Retry-After` says of a wait: whole seconds, rounded up and at least 1, so that nobody is told to come too early.
pub(crate) const fn retry_seconds(wait: Duration) -> u64 {
    let begun = if wait.subsec_nanos() > 0 { 1 } else { 0 };
    match wait.as_secs().saturating_add(begun) {
        0 => 1,
        seconds => seconds,
    }
}

/// A clock that stands still until it is told otherwise. For tests.
///
/// Clones share their hands: give one to the layer, keep the other.
///
/// # Example
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use tower_security::core::{Clock, ManualClock};
///
/// let clock = ManualClock::new();
/// let of_the_layer = clock.clone();
/// clock.set_now(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000));
/// assert_eq!(of_the_layer.now(), clock.now());
/// assert_eq!(of_the_layer.monotonic(), Duration::ZERO, "setting the date is no passing of time");
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Mutex<Hands>>);

#[derive(Clone, Copy, Debug)]
struct Hands {
    now: SystemTime,
    monotonic: Duration,
}

impl ManualClock {
    /// Makes a clock that shows 2025-01-01T00:00:00Z and has run for no time.
    #[must_use]
    pub fn new() -> Self {
        const NEW_YEAR_2025: Duration = Duration::from_secs(1_735_689_600);
        let now = SystemTime::UNIX_EPOCH
            .checked_add(NEW_YEAR_2025)
            .unwrap_or(SystemTime::UNIX_EPOCH);
        Self(Arc::new(Mutex::new(Hands {
            now,
            monotonic: Duration::ZERO,
        })))
    }

    /// Lets `time` pass on both hands. A hand that would overflow stays at its end.
    pub fn advance(&self, time: Duration) {
        let mut hands = self.hands();
        hands.now = hands.now.checked_add(time).unwrap_or(hands.now);
        hands.monotonic = hands.monotonic.saturating_add(time);
    }

    /// Sets the date alone, as an operator or a time server does.
    pub fn set_now(&self, now: SystemTime) {
        self.hands().now = now;
    }

    /// Sets the monotonic hand alone.
    ///
    /// A smaller value than before breaks the promise of [`Clock::monotonic`]; it is accepted to see what code does then.
    pub fn set_monotonic(&self, monotonic: Duration) {
        self.hands().monotonic = monotonic;
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        // Two plain values are whole after any panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        self.hands().now
    }

    fn monotonic(&self) -> Duration {
        self.hands().monotonic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hands_of_a_manual_clock_are_set_apart_and_advance_together() {
        let clock = ManualClock::new();
        assert_eq!(
            clock.now().duration_since(SystemTime::UNIX_EPOCH).unwrap(),
            Duration::from_secs(1_735_689_600)
        );
        assert_eq!(clock.monotonic(), Duration::ZERO);

        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        clock.advance(Duration::from_millis(1_500));
        assert_eq!(shared.monotonic(), Duration::from_millis(1_500));
        assert_eq!(
            shared.now().duration_since(SystemTime::UNIX_EPOCH).unwrap(),
            Duration::from_millis(1_735_689_601_500)
        );

        clock.set_now(SystemTime::UNIX_EPOCH);
        assert_eq!(shared.now(), SystemTime::UNIX_EPOCH);
        assert_eq!(shared.monotonic(), Duration::from_millis(1_500));

        clock.set_monotonic(Duration::from_secs(7));
        assert_eq!(shared.monotonic(), Duration::from_secs(7));
        assert_eq!(shared.now(), SystemTime::UNIX_EPOCH);
    }

    #[test]
    fn a_wait_is_told_in_whole_seconds_and_never_too_short() {
        for (wait, seconds) in [
            (Duration::ZERO, 1),
            (Duration::from_nanos(1), 1),
            (Duration::from_secs(1), 1),
            (Duration::new(1, 1), 2),
            (Duration::MAX, u64::MAX),
        ] {
            assert_eq!(retry_seconds(wait), seconds, "{wait:?}");
        }
    }

    #[test]
    fn a_hand_at_its_end_stays_there() {
        let clock = ManualClock::new();
        let before = clock.now();
        clock.advance(Duration::MAX);
        assert_eq!(clock.monotonic(), Duration::MAX);
        assert_eq!(clock.now(), before);
    }

    #[test]
    fn the_system_clock_agrees_with_the_system() {
        // With the feature `quanta` the counter of this machine.
        SystemClock::prepare();
        let mut last = SystemClock::monotonic_nanos();
        let begin = Instant::now();
        let first = SystemClock.monotonic();
        while begin.elapsed() < Duration::from_millis(120) {
            let now = SystemClock::monotonic_nanos();
            assert!(now >= last, "{now} after {last}");
            last = now;
        }
        let (passed, real) = (SystemClock.monotonic() - first, begin.elapsed());
        // Never more than one tie is wrong by; less only as far as this thread was held up in between.
        assert!(
            passed <= real + Duration::from_millis(1),
            "{passed:?} {real:?}"
        );
        assert!(passed >= Duration::from_millis(119), "{passed:?} {real:?}");
    }

    #[test]
    fn the_system_clock_runs() {
        let start = SystemClock.monotonic();
        let moved = (0..10_000_000).any(|_| SystemClock.monotonic() > start);
        assert!(moved, "the monotonic hand stood still");
        assert!(SystemClock.now() > SystemTime::UNIX_EPOCH + Duration::from_secs(1_735_689_600));
    }
}
