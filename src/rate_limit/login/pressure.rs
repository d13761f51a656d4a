//! How many logins fail at the moment, over all accounts and addresses.

use std::sync::atomic::{AtomicU64, Ordering};

use http::Extensions;

use super::super::store::Nanos;

/// Whether so many logins fail that the caller should ask for more than a password.
///
/// [`LoginThrottleLayer`](super::LoginThrottleLayer) puts it into the extensions of a request while it is high.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Pressure {
    /// As on any day.
    #[default]
    Normal,
    /// In this second or the one before, as many failed as the threshold says: ask for a captcha, or a second factor.
    High,
}

impl Pressure {
    /// Reads what the layer attached to a request.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get().copied().unwrap_or_default()
    }
}

/// Failures of the last seconds: in each slot the second in the upper half, their number in the lower.
#[derive(Debug)]
pub(super) struct Gauge {
    threshold: u32,
    slots: [AtomicU64; 4],
}

/// As many as there are. More than two, so that a thread that is late does not write over the second that is read.
const SLOTS: u64 = 4;
const COUNT: u64 = u32::MAX as u64;

impl Gauge {
    pub(super) fn new(threshold: u32) -> Self {
        Self {
            threshold,
            slots: Default::default(),
        }
    }

    pub(super) const fn threshold(&self) -> u32 {
        self.threshold
    }

    pub(super) fn record(&self, now: Nanos) {
        let second = second(now);
        let Some(slot) = self.slot(second) else {
            return;
        };
        // Relaxed: the word protects no other memory.
        let _ = slot.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |word| {
            if word & !COUNT == second << 32 {
                (word & COUNT < COUNT).then_some(word.wrapping_add(1))
            } else {
                Some(second << 32 | 1)
            }
        });
    }

    pub(super) fn read(&self, now: Nanos) -> Pressure {
        let this = second(now);
        let failed = [this, this.wrapping_sub(1)].map(|second| {
            let word = self.slot(second)?.load(Ordering::Relaxed);
            (word & !COUNT == second << 32).then_some(word & COUNT)
        });
        let is_high = |failed: u64| failed >= u64::from(self.threshold);
        if failed.into_iter().flatten().any(is_high) {
            Pressure::High
        } else {
            Pressure::Normal
        }
    }

    fn slot(&self, second: u64) -> Option<&AtomicU64> {
        let slot = usize::try_from(second % SLOTS).unwrap_or_default();
        self.slots.get(slot)
    }
}

const fn second(now: Nanos) -> u64 {
    // The upper half of a slot holds 136 years of seconds, and then begins again.
    (now.get() / 1_000_000_000) & COUNT
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn at(nanos: u64) -> Nanos {
        Nanos::new(nanos)
    }

    #[test]
    fn the_threshold_counts_failures_of_one_second_and_is_told_until_the_end_of_the_next() {
        let gauge = Gauge::new(3);
        let start = 100 * SECOND;
        assert_eq!(gauge.read(at(start)), Pressure::Normal);
        gauge.record(at(start));
        gauge.record(at(start + SECOND - 1));
        assert_eq!(gauge.read(at(start + SECOND - 1)), Pressure::Normal);
        gauge.record(at(start + SECOND / 2));
        for (nanos, pressure) in [
            (start, Pressure::High),
            (start + 2 * SECOND - 1, Pressure::High),
            (start + 2 * SECOND, Pressure::Normal),
            // The slot is that of the second, the number is not.
            (start + 4 * SECOND, Pressure::Normal),
        ] {
            assert_eq!(gauge.read(at(nanos)), pressure, "{nanos}");
        }
    }

    #[test]
    fn failures_of_two_seconds_are_not_added_up() {
        let gauge = Gauge::new(3);
        for nanos in [SECOND, SECOND, 2 * SECOND, 2 * SECOND] {
            gauge.record(at(nanos));
        }
        assert_eq!(gauge.read(at(2 * SECOND)), Pressure::Normal);
        gauge.record(at(2 * SECOND));
        assert_eq!(gauge.read(at(2 * SECOND)), Pressure::High);
    }

    #[test]
    fn of_many_threads_no_failure_is_lost() {
        let gauge = Gauge::new(1_000);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..250).for_each(|_| gauge.record(at(SECOND))));
            }
        });
        assert_eq!(gauge.read(at(SECOND)), Pressure::High);
        let gauge = Gauge::new(1_001);
        (0..1_000).for_each(|_| gauge.record(at(SECOND)));
        assert_eq!(gauge.read(at(SECOND)), Pressure::Normal);
    }

    #[test]
    fn a_request_without_a_word_of_it_is_under_none() {
        let mut extensions = Extensions::new();
        assert_eq!(Pressure::of(&extensions), Pressure::Normal);
        extensions.insert(Pressure::High);
        assert_eq!(Pressure::of(&extensions), Pressure::High);
    }
}
