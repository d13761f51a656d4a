//! The time that counters are charged at.

use std::sync::Arc;

use super::store::Nanos;
use crate::core::{Clock, SystemClock, nanos};

/// Where counters have their time from: the clock they were given, else the system's.
///
/// Never the stack's: one limiter may serve requests of several stacks, and its counters know one time.
#[derive(Clone, Debug, Default)]
pub(super) struct Ticker(Option<Arc<dyn Clock>>);

impl Ticker {
    pub(super) fn new(clock: impl Clock) -> Self {
        Self(Some(Arc::new(clock)))
    }

    /// Makes the clock ready, before the first request waits for it.
    pub(super) fn prepare(&self) {
        if self.0.is_none() {
            SystemClock::prepare();
        }
    }

    /// Reads the clock.
    #[inline]
    pub(super) fn now(&self) -> Nanos {
        // Counters begin at one second, so that none of them is ever 0: an empty one.
        const BEGIN: u64 = 1_000_000_000;
        let elapsed = match &self.0 {
            None => SystemClock::monotonic_nanos(),
            Some(clock) => nanos(clock.monotonic()),
        };
        Nanos::new(elapsed.saturating_add(BEGIN))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::core::ManualClock;

    #[test]
    fn counters_begin_at_one_second() {
        let clock = ManualClock::new();
        let ticker = Ticker::new(clock.clone());
        assert_eq!(ticker.now(), Nanos::new(1_000_000_000));
        clock.advance(Duration::new(3, 7));
        assert_eq!(ticker.now(), Nanos::new(4_000_000_007));
        clock.set_monotonic(Duration::MAX);
        assert_eq!(ticker.now(), Nanos::new(u64::MAX));
    }

    #[test]
    fn without_a_clock_it_is_the_system_s() {
        let ticker = Ticker::default();
        let first = ticker.now();
        assert!(first.get() >= 1_000_000_000);
        assert!(ticker.now() >= first);
    }
}
