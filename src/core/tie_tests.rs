//! Two clocks whose hands are set, and that of several threads.

use std::sync::Arc;
use std::thread;

use super::sync::{AtomicU64, Ordering};
use super::tie::{Clocks, Tied};

/// Two counts a nanosecond.
const SCALE: u64 = 1 << 31;
const MILLIS: u64 = 1_000_000;

#[derive(Clone, Debug, Default)]
struct Hands(Arc<[AtomicU64; 3]>);

impl Hands {
    /// Sets the counter and the system's clock, in nanoseconds.
    fn set(&self, counter: u64, system: u64) {
        self.0[0].store(counter * 2, Ordering::Relaxed);
        self.0[1].store(system, Ordering::Relaxed);
    }

    /// For how many counts the system's clock is read.
    fn delay(&self, counts: u64) {
        self.0[2].store(counts, Ordering::Relaxed);
    }
}

impl Clocks for Hands {
    fn count(&self) -> u64 {
        self.0[0].load(Ordering::Relaxed)
    }

    fn system(&self) -> u64 {
        let delay = self.0[2].load(Ordering::Relaxed);
        self.0[0].fetch_add(delay, Ordering::Relaxed);
        self.0[1].load(Ordering::Relaxed)
    }
}

/// Tied when the counter was at one second, and the system's clock at three.
fn tied() -> (Tied<Hands>, Hands) {
    let hands = Hands::default();
    hands.set(1_000 * MILLIS, 3_000 * MILLIS);
    (Tied::new(hands.clone(), SCALE).unwrap(), hands)
}

#[test]
fn the_counter_is_believed_for_fifty_milliseconds() {
    let (tied, hands) = tied();
    assert_eq!(tied.now(), 3_000 * MILLIS);
    // The system's clock says something else, and is not asked.
    hands.set(1_000 * MILLIS + 7, 9_000 * MILLIS);
    assert_eq!(tied.now(), 3_000 * MILLIS + 7);
    hands.set(1_050 * MILLIS - 1, 9_000 * MILLIS);
    assert_eq!(tied.now(), 3_050 * MILLIS - 1);
    hands.set(1_050 * MILLIS, 9_000 * MILLIS);
    assert_eq!(tied.now(), 9_000 * MILLIS);
    hands.set(1_060 * MILLIS, 0);
    assert_eq!(tied.now(), 9_010 * MILLIS);
}

#[test]
fn a_counter_that_is_ahead_stands_still_until_the_system_has_caught_up() {
    let (tied, hands) = tied();
    hands.set(1_049 * MILLIS, 3_010 * MILLIS);
    assert_eq!(tied.now(), 3_049 * MILLIS);
    for (counter, system) in [(1_051, 3_011), (1_300, 3_012), (1_301, 3_050)] {
        hands.set(counter * MILLIS, system * MILLIS);
        assert_eq!(tied.now(), 3_050 * MILLIS, "{counter} {system}");
    }
    // Tied by the last of them.
    hands.set(1_302 * MILLIS, 0);
    assert_eq!(tied.now(), 3_051 * MILLIS);
}

#[test]
fn a_counter_that_went_back_is_not_believed() {
    let (tied, hands) = tied();
    hands.set(20 * MILLIS, 3_070 * MILLIS);
    assert_eq!(tied.now(), 3_070 * MILLIS);
    hands.set(21 * MILLIS, 0);
    assert_eq!(tied.now(), 3_071 * MILLIS);
    // What may have been told before holds.
    hands.set(0, 3_080 * MILLIS);
    assert_eq!(tied.now(), 3_120 * MILLIS);
}

#[test]
fn a_core_that_is_behind_a_little_is_told_the_time_of_the_tie() {
    let (tied, hands) = tied();
    hands.set(1_000 * MILLIS - 9_999, 3_200 * MILLIS);
    assert_eq!(tied.now(), 3_000 * MILLIS);
    hands.set(1_000 * MILLIS - 10_000, 3_200 * MILLIS);
    assert_eq!(tied.now(), 3_200 * MILLIS);
}

#[test]
fn who_was_interrupted_ties_nothing() {
    let (tied, hands) = tied();
    hands.set(1_100 * MILLIS, 3_100 * MILLIS);
    hands.delay(2 * 10_001);
    assert_eq!(tied.now(), 3_100 * MILLIS);
    hands.set(1_101 * MILLIS, 3_160 * MILLIS);
    assert_eq!(tied.now(), 3_160 * MILLIS);
    hands.set(1_102 * MILLIS, 3_170 * MILLIS);
    hands.delay(2 * 10_000);
    assert_eq!(tied.now(), 3_170 * MILLIS);
    hands.set(1_103 * MILLIS, 0);
    assert_eq!(tied.now(), 3_171 * MILLIS);
}

#[test]
fn a_counter_that_does_not_count_is_none() {
    assert!(Tied::new(Hands::default(), 0).is_none());
}

#[test]
fn a_system_s_clock_that_is_slow_to_read_is_not_tied() {
    for (counts, is_tied) in [(2 * 10_000, true), (2 * 10_001, false)] {
        let hands = Hands::default();
        hands.delay(counts);
        assert_eq!(Tied::new(hands, SCALE).is_some(), is_tied, "{counts}");
    }
}

/// Interrupts for 20 milliseconds who is about to read the system's clock for the first time.
#[derive(Debug, Default)]
struct Interrupting(AtomicU64, AtomicU64);

impl Clocks for Interrupting {
    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed) * 2
    }

    fn system(&self) -> u64 {
        if self.1.fetch_add(1, Ordering::Relaxed) == 0 {
            self.0.fetch_add(20 * MILLIS, Ordering::Relaxed);
        }
        self.0.load(Ordering::Relaxed)
    }
}

#[test]
fn the_first_tie_is_as_exact_as_the_others() {
    let tied = Tied::new(Interrupting::default(), SCALE).unwrap();
    assert_eq!(tied.now(), 20 * MILLIS);
}

/// A counter that each look moves on, and a system's clock that goes a thousandth slower or faster.
#[derive(Debug)]
struct Drifting {
    count: AtomicU64,
    per_mille: u64,
}

impl Clocks for Drifting {
    fn count(&self) -> u64 {
        self.count.fetch_add(6_000, Ordering::SeqCst)
    }

    fn system(&self) -> u64 {
        self.count.load(Ordering::SeqCst) / 2 * self.per_mille / 1_000
    }
}

#[test]
fn it_never_goes_back_for_any_of_several_threads() {
    for per_mille in [999, 1_000, 1_001] {
        let clocks = Drifting {
            count: AtomicU64::new(0),
            per_mille,
        };
        let tied = Tied::new(clocks, SCALE).unwrap();
        let newest = AtomicU64::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..100_000 {
                        let before = newest.load(Ordering::SeqCst);
                        let now = tied.now();
                        assert!(now >= before, "{now} after {before}, {per_mille}");
                        newest.fetch_max(now, Ordering::SeqCst);
                    }
                });
            }
        });
        // More than a second has passed, in which a counter that nobody ties would be wrong by one millisecond.
        let system = tied.clocks.system();
        let off = tied.now().abs_diff(system);
        assert!(off <= 200_000, "{off} {per_mille}");
    }
}
