//! Stops asking a server that does not answer.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::core::nanos;

/// So many failures in a row, and nobody asks any more.
const FAILURES: u32 = 5;

/// After this one caller tries again.
const PAUSE: Duration = Duration::from_secs(1);

/// Counts failures in a row. Times are those of a [`Clock`](crate::core::Clock).
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: AtomicU32,
    /// Nanoseconds plus one until which nobody asks; 0 while all do.
    open_until: AtomicU64,
}

impl Breaker {
    /// Whether a caller may ask at `now`. After the pause one may, and the others wait for what becomes of it.
    pub(super) fn admits(&self, now: Duration) -> bool {
        // Relaxed throughout: the words protect no other memory, and a caller that sees an old one asks once too often.
        let until = self.open_until.load(Ordering::Relaxed);
        if until == 0 {
            return true;
        }
        nanos(now) >= until
            && self
                .open_until
                .compare_exchange(
                    until,
                    end_of_pause(now),
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                )
                .is_ok()
    }

    /// Whether nobody is to ask, but for the one that tries again.
    pub(super) fn is_open(&self) -> bool {
        self.open_until.load(Ordering::Relaxed) != 0
    }

    /// The server has answered.
    pub(super) fn succeeded(&self) {
        // Read first: the words are shared by all threads and hardly ever change.
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
        if self.is_open() {
            self.open_until.store(0, Ordering::Relaxed);
        }
    }

    /// The server has not answered, or has refused to serve.
    pub(super) fn failed(&self, now: Duration) {
        let failures = self
            .failures
            .fetch_add(1, Ordering::Relaxed)
            .saturating_add(1);
        if failures >= FAILURES || self.is_open() {
            self.failures.store(FAILURES, Ordering::Relaxed);
            self.open_until
                .fetch_max(end_of_pause(now), Ordering::Relaxed);
        }
    }
}

fn end_of_pause(now: Duration) -> u64 {
    nanos(now.saturating_add(PAUSE)).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{Clock, ManualClock};

    fn failing(times: u32, clock: &ManualClock) -> Breaker {
        let breaker = Breaker::default();
        for _ in 0..times {
            assert!(breaker.admits(clock.monotonic()));
            breaker.failed(clock.monotonic());
        }
        breaker
    }

    #[test]
    fn four_failures_in_a_row_close_nothing_and_five_do() {
        let clock = ManualClock::new();
        let breaker = failing(4, &clock);
        assert!(breaker.admits(clock.monotonic()));
        assert!(!breaker.is_open());

        breaker.failed(clock.monotonic());
        assert!(!breaker.admits(clock.monotonic()));
        assert!(breaker.is_open());
    }

    #[test]
    fn a_success_between_failures_starts_the_count_anew() {
        let clock = ManualClock::new();
        let breaker = failing(4, &clock);
        breaker.succeeded();
        breaker.failed(clock.monotonic());
        assert!(breaker.admits(clock.monotonic()));
    }

    #[test]
    fn one_caller_tries_after_a_second_and_its_success_lets_all_ask() {
        let clock = ManualClock::new();
        let breaker = failing(5, &clock);
        clock.advance(Duration::from_millis(1_000));
        assert!(!breaker.admits(clock.monotonic()));
        clock.advance(Duration::from_nanos(1));
        assert!(breaker.admits(clock.monotonic()), "the probe");
        assert!(!breaker.admits(clock.monotonic()), "nobody else");
        breaker.succeeded();
        assert!(breaker.admits(clock.monotonic()));
        assert!(breaker.admits(clock.monotonic()));
    }

    #[test]
    fn a_probe_that_fails_begins_another_second_and_so_does_one_that_is_lost() {
        let clock = ManualClock::new();
        let breaker = failing(5, &clock);
        clock.advance(Duration::from_secs(2));
        assert!(breaker.admits(clock.monotonic()));
        clock.advance(Duration::from_millis(25));
        breaker.failed(clock.monotonic());
        clock.advance(Duration::from_millis(999));
        assert!(!breaker.admits(clock.monotonic()));
        clock.advance(Duration::from_millis(2));
        assert!(breaker.admits(clock.monotonic()), "the second probe");

        clock.advance(Duration::from_millis(999));
        assert!(!breaker.admits(clock.monotonic()));
        clock.advance(Duration::from_millis(2));
        assert!(
            breaker.admits(clock.monotonic()),
            "nobody has heard of the second probe"
        );
    }
}
