//! No more events than somebody can read, of what may happen on every request.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::clock::nanos;

/// Lets so many callers through at once and one more per interval, and counts the others, without a lock.
#[derive(Debug)]
pub(crate) struct Sampler {
    interval: u64,
    /// What all that pass at once take to come back.
    window: u64,
    /// When those that were let through have come back.
    until: AtomicU64,
    suppressed: AtomicU64,
}

impl Sampler {
    /// One per interval.
    pub(crate) const fn new(interval: Duration) -> Self {
        Self::of(nanos(interval), 1)
    }

    /// A hundred at once and a hundred a second: a flood of refusals is not to become a flood of events.
    pub(crate) const fn of_refusals() -> Self {
        Self::of(10_000_000, 100)
    }

    const fn of(interval: u64, at_once: u64) -> Self {
        Self {
            interval,
            window: interval.saturating_mul(at_once),
            until: AtomicU64::new(0),
            suppressed: AtomicU64::new(0),
        }
    }

    /// How many callers were held back since the last one that was let through, if this one is; `now` is monotonic.
    pub(crate) fn admit(&self, now: Duration) -> Option<u64> {
        self.admit_at(nanos(now))
    }

    /// As [`admit`](Self::admit), in nanoseconds.
    pub(crate) fn admit_at(&self, now: u64) -> Option<u64> {
        let limit = now.saturating_add(self.window);
        let latest = limit.saturating_add(self.window);
        // Relaxed: the two words protect no other memory, and a count that lands in the next interval is still told.
        let admitted = self
            .until
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |until| {
                // Far beyond the limit it was set by a clock that went back since; a little, by a thread that read the clock later.
                let base = if until > latest { now } else { until.max(now) };
                let next = base.saturating_add(self.interval);
                (next <= limit).then_some(next)
            });
        if admitted.is_ok() {
            Some(self.suppressed.swap(0, Ordering::Relaxed))
        } else {
            self.suppressed.fetch_add(1, Ordering::Relaxed);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const NANO: Duration = Duration::from_nanos(1);

    #[test]
    fn one_caller_an_interval_hears_how_many_were_held_back() {
        let sampler = Sampler::new(MINUTE);
        let start = Duration::from_secs(5);
        assert_eq!(sampler.admit(start), Some(0));
        assert_eq!(sampler.admit(start), None);
        assert_eq!(sampler.admit(start + MINUTE - NANO), None);
        assert_eq!(sampler.admit(start + MINUTE), Some(2));
        assert_eq!(sampler.admit(start + MINUTE * 2 - NANO), None);
        assert_eq!(sampler.admit(start + MINUTE * 9), Some(1));
    }

    #[test]
    fn the_first_caller_is_admitted_at_any_time() {
        for start in [Duration::ZERO, NANO, Duration::MAX] {
            assert_eq!(Sampler::new(MINUTE).admit(start), Some(0));
        }
    }

    #[test]
    fn of_many_threads_one_is_admitted_and_none_lost() {
        let sampler = Sampler::new(MINUTE);
        let admitted: usize = std::thread::scope(|scope| {
            let callers: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..250).filter_map(|_| sampler.admit(NANO)).count()))
                .collect();
            callers
                .into_iter()
                .map(|caller| caller.join().unwrap())
                .sum()
        });
        assert_eq!(admitted, 1);
        assert_eq!(sampler.admit(MINUTE + NANO), Some(999));
    }

    #[test]
    fn a_hundred_refusals_pass_at_once_then_one_each_ten_milliseconds() {
        let cap = Sampler::of_refusals();
        let start = 1_000_000_000;
        let at = |nanos| cap.admit_at(nanos);
        assert!((0..100).all(|_| at(start) == Some(0)));
        assert_eq!((at(start), at(start + 9_999_999)), (None, None));
        assert_eq!(at(start + 10_000_000), Some(2));
        assert_eq!(at(start + 10_000_000), None);
        assert_eq!(at(start + 20_000_000), Some(1));
    }

    #[test]
    fn a_thread_that_read_the_clock_earlier_opens_nothing() {
        let cap = Sampler::of_refusals();
        let start = 5_000_000_000;
        assert!((0..100).all(|_| cap.admit_at(start).is_some()));
        for late in [1, 1_000, 1_000_000_000] {
            assert_eq!(cap.admit_at(start - late), None, "{late}");
        }
        assert_eq!(cap.admit_at(start - 1_000_000_001), Some(3));
    }

    #[test]
    fn a_clock_that_goes_far_back_does_not_silence_it() {
        let sampler = Sampler::new(MINUTE);
        assert_eq!(sampler.admit(MINUTE * 60), Some(0));
        assert_eq!(sampler.admit(MINUTE * 59), None);
        assert_eq!(sampler.admit(MINUTE), Some(1));
        assert_eq!(sampler.admit(MINUTE), None);
    }

    #[test]
    fn a_clock_at_either_end_of_time_does_no_harm() {
        let cap = Sampler::of_refusals();
        assert_eq!(cap.admit_at(u64::MAX), Some(0));
        assert!((0..100).all(|_| cap.admit_at(0) == Some(0)));
        assert_eq!(cap.admit_at(0), None);
    }
}
