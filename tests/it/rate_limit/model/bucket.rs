//! The oracle: a leaky bucket in whole numbers that cannot overflow, written from the definition alone.
//!
//! A bucket holds `burst` units, and one unit leaks out per interval. A charge passes iff it fits on top of what has not leaked out
//! yet. Levels are fractions of a unit with the interval as their denominator, so all of it is exact; nothing here knows of arrival
//! times, of words or of saturation.

use std::time::Duration;

/// How far a level may stand above a full bucket before it is cut: by a lowered quota, or by a clock that went back.
const CUT_ABOVE: i128 = 1_000_000_000;

/// How fast a bucket leaks, and how much it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flow {
    pub(super) interval: i128,
    pub(super) burst: i128,
    /// How many windows a key may owe: two where costs are known only afterwards.
    pub(super) windows: i128,
}

impl Flow {
    /// `limit` units per period, never faster: the interval is rounded up.
    pub(super) fn new(limit: u32, period: Duration, burst: u32) -> Self {
        let period = i128::try_from(period.as_nanos()).expect("a period of this world");
        let limit = i128::from(limit);
        Self {
            interval: (period + limit - 1) / limit,
            burst: i128::from(burst),
            windows: 1,
        }
    }

    pub(super) fn window(self) -> i128 {
        self.interval * self.burst
    }
}

/// What a policy says of a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) is_allowed: bool,
    pub(super) remaining: i128,
    pub(super) reset: i128,
    /// `None`: never.
    pub(super) wait: Option<i128>,
}

/// What was booked: how much, and how full the bucket was right after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Booked {
    poured: i128,
    level: i128,
    at: i128,
}

/// One bucket: how full it was when somebody last poured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bucket {
    level: i128,
    at: i128,
}

impl Bucket {
    /// How full it is. A clock that went back finds it fuller.
    pub(super) fn level(self, now: i128) -> i128 {
        (self.level - (now - self.at)).max(0)
    }

    /// The definition, of which the rest is made.
    pub(super) fn fits(self, flow: Flow, now: i128, cost: i128) -> bool {
        self.level(now) + cost * flow.interval <= flow.window()
    }

    /// Without what cannot be: a quota was lowered, or a clock went far back.
    pub(super) fn cut(self, now: i128, most: i128) -> Self {
        if self.level(now) > most + CUT_ABOVE {
            Self {
                level: most,
                at: now,
            }
        } else {
            self
        }
    }

    /// What a charge would meet, without pouring.
    pub(super) fn look(self, flow: Flow, now: i128, cost: i128) -> Verdict {
        let is_allowed = cost == 0 || self.fits(flow, now, cost);
        let wait = if is_allowed {
            Some(0)
        } else if cost > flow.burst {
            None
        } else {
            Some(self.level(now) + cost * flow.interval - flow.window())
        };
        let (remaining, reset) = self.rest(flow, now);
        Verdict {
            is_allowed,
            remaining,
            reset,
            wait,
        }
    }

    /// The largest cost that passes now, and how long until a larger one does; 0 when there is none.
    pub(super) fn rest(self, flow: Flow, now: i128) -> (i128, i128) {
        let free = flow.window() - self.level(now);
        let remaining = free.max(0) / flow.interval;
        let reset = if remaining == flow.burst {
            0
        } else {
            (remaining + 1) * flow.interval - free
        };
        (remaining, reset)
    }

    /// Pours a cost, as far as it stays below `most`.
    pub(super) fn pour(&mut self, flow: Flow, now: i128, cost: i128, most: i128) -> Booked {
        let before = self.level(now);
        let level = (before + cost * flow.interval).min(most).max(before);
        *self = Self { level, at: now };
        Booked {
            poured: level - before,
            level,
            at: now,
        }
    }

    /// Takes back what has not leaked out since.
    pub(super) fn take_back(&mut self, now: i128, booked: Booked) {
        let left = (booked.level - (now - booked.at)).max(0);
        self.level -= booked.poured.min(left);
    }
}

/// The closed forms say what the definition says.
#[test]
fn the_oracle_is_what_it_is_defined_to_be() {
    for (limit, period, burst) in [(1, 1_000, 1), (3, 10_000, 3), (7, 20_000, 2), (2, 5_000, 9)] {
        let flow = Flow::new(limit, Duration::from_nanos(period), burst);
        let mut bucket = Bucket::default();
        let mut now = 0;
        for step in 0..200_i128 {
            now += (step * 7_919) % (flow.interval * 2 + 3);
            let cost = step % (flow.burst + 2);
            let verdict = bucket.look(flow, now, cost);

            let passes = |at: i128, cost: i128| bucket.fits(flow, at, cost);
            let largest = |at: i128| (0..=flow.burst).rev().find(|&cost| passes(at, cost));
            assert_eq!(Some(verdict.remaining), largest(now));
            assert_eq!(verdict.is_allowed, passes(now, cost));
            match verdict.wait {
                None => assert!(!passes(now + 2 * flow.window(), cost)),
                Some(0) => assert!(passes(now, cost)),
                Some(wait) => {
                    assert!(passes(now + wait, cost));
                    assert!(!passes(now + wait - 1, cost));
                }
            }
            if verdict.reset == 0 {
                assert_eq!(verdict.remaining, flow.burst);
            } else {
                assert_eq!(largest(now + verdict.reset - 1), largest(now));
                assert_eq!(largest(now + verdict.reset), Some(verdict.remaining + 1));
            }
            if verdict.is_allowed {
                bucket.pour(flow, now, cost, flow.window());
            }
        }
    }
}

/// A period that the limit does not divide is never run faster than asked, and slower by less than one nanosecond per unit.
#[test]
fn the_oracle_rounds_against_the_caller() {
    let interval = |limit, period| Flow::new(limit, Duration::from_nanos(period), 1).interval;
    assert_eq!(interval(3, 1_000_000_000), 333_333_334);
    assert_eq!(interval(7, 60_000_000_000), 8_571_428_572);
    assert_eq!(interval(4, 1_000_000_000), 250_000_000);
}
