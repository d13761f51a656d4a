//! No more events than somebody can read: a flood of refusals is not to become a flood of events.

use std::sync::atomic::{AtomicU64, Ordering};

use super::store::Nanos;

/// One in ten milliseconds, a hundred at once.
const INTERVAL: u64 = 10_000_000;
const WINDOW: u64 = 1_000_000_000;

/// Lets a hundred events a second through and counts the others, without a lock.
#[derive(Debug)]
pub(super) struct EventCap {
    /// When the events that were let through are used up.
    until: AtomicU64,
    suppressed: AtomicU64,
}

impl EventCap {
    pub(super) const fn new() -> Self {
        Self {
            until: AtomicU64::new(0),
            suppressed: AtomicU64::new(0),
        }
    }

    /// How many events were held back since the last one that was let through, if this one is.
    pub(super) fn admit(&self, now: Nanos) -> Option<u64> {
        let now = now.get();
        let limit = now.saturating_add(WINDOW);
        let latest = limit.saturating_add(WINDOW);
        // Relaxed: the words protect no other memory.
        let admitted = self
            .until
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |until| {
                // Far beyond the limit it was set by a clock that went back since; a little, by a thread that read the clock later.
                let base = if until > latest { now } else { until.max(now) };
                let next = base.saturating_add(INTERVAL);
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

    #[test]
    fn a_hundred_pass_at_once_then_one_each_ten_milliseconds() {
        let cap = EventCap::new();
        let start = 1_000_000_000;
        let at = |nanos| cap.admit(Nanos::new(nanos));
        assert!((0..100).all(|_| at(start) == Some(0)));
        assert_eq!((at(start), at(start + 9_999_999)), (None, None));
        assert_eq!(at(start + 10_000_000), Some(2));
        assert_eq!(at(start + 10_000_000), None);
        assert_eq!(at(start + 20_000_000), Some(1));
    }

    #[test]
    fn a_thread_that_read_the_clock_earlier_opens_nothing() {
        let cap = EventCap::new();
        let start = 5_000_000_000;
        assert!((0..100).all(|_| cap.admit(Nanos::new(start)).is_some()));
        for late in [1, 1_000, 1_000_000_000] {
            assert_eq!(cap.admit(Nanos::new(start - late)), None, "{late}");
        }
        assert_eq!(cap.admit(Nanos::new(start - 1_000_000_001)), Some(3));
    }

    #[test]
    fn a_clock_at_either_end_of_time_does_no_harm() {
        let cap = EventCap::new();
        assert_eq!(cap.admit(Nanos::new(u64::MAX)), Some(0));
        assert!((0..100).all(|_| cap.admit(Nanos::new(0)) == Some(0)));
        assert_eq!(cap.admit(Nanos::new(0)), None);
    }
}
