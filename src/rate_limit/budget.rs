//! How many refusals are told.

use std::sync::atomic::{AtomicU64, Ordering};

use super::store::Nanos;

/// Lets a hundred events pass in each second, and counts the others.
#[derive(Debug)]
pub(super) struct Budget {
    /// When the last one is paid off, in nanoseconds.
    owed_until: AtomicU64,
    suppressed: AtomicU64,
}

impl Budget {
    /// A hundred in a second.
    const INTERVAL: u64 = 10_000_000;
    const WINDOW: u64 = 1_000_000_000;

    pub(super) const fn new() -> Self {
        Self {
            owed_until: AtomicU64::new(0),
            suppressed: AtomicU64::new(0),
        }
    }

    /// How many were held back since the last one that was let through, if this one is.
    pub(super) fn admit(&self, now: Nanos) -> Option<u64> {
        let now = now.get();
        // Relaxed: the words guard nothing but themselves.
        let booked = self
            .owed_until
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |until| {
                let next = until.max(now).saturating_add(Self::INTERVAL);
                (next <= now.saturating_add(Self::WINDOW)).then_some(next)
            });
        match booked {
            Ok(_) => Some(self.suppressed.swap(0, Ordering::Relaxed)),
            Err(_) => {
                self.suppressed.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_events_pass_in_a_second_and_the_next_counts_the_others() {
        let budget = Budget::new();
        let start = Nanos::new(1_000_000_000);
        let admitted: Vec<_> = (0..250).filter_map(|_| budget.admit(start)).collect();
        assert_eq!(admitted, vec![0; 100]);
        // A hundredth of a second later there is room for one.
        let next = Nanos::new(1_010_000_000);
        assert_eq!(budget.admit(next), Some(150));
        assert_eq!(budget.admit(next), None);
        let after = Nanos::new(9_000_000_000);
        let admitted: Vec<_> = (0..250).filter_map(|_| budget.admit(after)).collect();
        assert_eq!(admitted.len(), 100);
        assert_eq!(admitted.first(), Some(&1));
    }
}
