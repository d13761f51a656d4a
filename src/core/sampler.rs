//! One event now and then for what may happen on every request.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

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

const fn nanos(duration: Duration) -> u64 {
    let nanos = duration.as_nanos();
    // 584 years after the start of the clock.
    if nanos > u64::MAX as u128 {
        u64::MAX
    } else {
        nanos as u64
    }
}
