//! One event now and then for what may happen on every request.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::clock::nanos;

/// Lets one caller through per interval and counts the others, without a lock.
#[derive(Debug)]
pub(crate) struct Sampler {
    interval: u64,
    /// Nanoseconds before which nobody is let through.
    next: AtomicU64,
    suppressed: AtomicU64,
}

impl Sampler {
    pub(crate) const fn new(interval: Duration) -> Self {
        Self {
            interval: nanos(interval),
            next: AtomicU64::new(0),
            suppressed: AtomicU64::new(0),
        }
    }

    /// How many callers were held back since the last one that was let through, if this one is; `now` is monotonic.
    pub(crate) fn admit(&self, now: Duration) -> Option<u64> {
        let now = nanos(now);
        let next = self.next.load(Ordering::Relaxed);
        // Relaxed: the two words protect no other memory, and a count that lands in the next interval is still told.
        let admitted = now >= next
            && self
                .next
                .compare_exchange(
                    next,
                    now.saturating_add(self.interval),
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                )
                .is_ok();
        if admitted {
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
}
