//! A tie that comes to its end while two threads read the time.

use loom::sync::Arc;
use loom::thread;

use super::sync::{AtomicU64, Ordering};
use super::tie::{BELIEVED, Clocks, Tied};

/// A nanosecond a count.
const SCALE: u64 = 1 << 32;

/// A counter that threads move on, and a system's clock that says something else.
struct Drifting {
    count: AtomicU64,
    per_cent: u64,
}

impl Drifting {
    fn pass(&self, nanos: u64) {
        self.count.fetch_add(nanos, Ordering::AcqRel);
    }
}

impl Clocks for Drifting {
    fn count(&self) -> u64 {
        // A counter is never read as it was.
        self.count.fetch_add(0, Ordering::AcqRel)
    }

    fn system(&self) -> u64 {
        self.count() * self.per_cent / 100
    }
}

/// How much of the time for which a tie holds passes before each look of one thread, in percent; another thread looks once.
const JUST_BEFORE_AND_BEHIND_THE_END: [u64; 2] = [97, 6];
const LONG_AFTER_THE_END: [u64; 2] = [120, 0];

fn never_goes_back(per_cent: u64, passes: [u64; 2]) {
    let mut model = loom::model::Builder::new();
    // The clocks are atomics too, so that there are more places to interrupt than in a set.
    model.preemption_bound = Some(3);
    model.check(move || {
        let clocks = Drifting {
            count: AtomicU64::new(1_000),
            per_cent,
        };
        let tied = Arc::new(Tied::new(clocks, SCALE).unwrap());
        let newest = Arc::new(AtomicU64::new(0));
        let look = |tied: &Tied<Drifting>, newest: &AtomicU64| {
            let before = newest.fetch_add(0, Ordering::AcqRel);
            let now = tied.now();
            assert!(now >= before, "{now} after {before}");
            newest.fetch_max(now, Ordering::AcqRel);
        };
        let other = {
            let (tied, newest) = (Arc::clone(&tied), Arc::clone(&newest));
            thread::spawn(move || look(&tied, &newest))
        };
        for percent in passes {
            tied.clocks.pass(BELIEVED / 100 * percent);
            look(&tied, &newest);
        }
        other.join().unwrap();
    });
}

#[test]
fn the_time_of_a_counter_that_is_right_never_goes_back() {
    never_goes_back(100, JUST_BEFORE_AND_BEHIND_THE_END);
    never_goes_back(100, LONG_AFTER_THE_END);
}

#[test]
fn the_time_of_a_counter_that_is_ahead_never_goes_back() {
    never_goes_back(90, JUST_BEFORE_AND_BEHIND_THE_END);
    never_goes_back(90, LONG_AFTER_THE_END);
}

#[test]
fn the_time_of_a_counter_that_is_behind_never_goes_back() {
    never_goes_back(110, JUST_BEFORE_AND_BEHIND_THE_END);
    never_goes_back(110, LONG_AFTER_THE_END);
}
