//! Shapes of traffic, each answered by the store, by the model, and by `governor` where its arithmetic is exact too.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::RateLimiter;
use governor::clock::FakeRelativeClock;
use governor::middleware::StateInformationMiddleware;

use super::{Both, Choices, Model, Part, SECOND, START, Subject, assert_same};

/// How long after the start, and how much.
type Shape = Vec<(u64, u32)>;

/// Limit, period in seconds, burst. The period over the limit divides in the first five.
const QUOTAS: [(u32, u64, u32); 7] = [
    (10, 1, 10),
    (1, 1, 1),
    (100, 50, 20),
    (4, 1, 9),
    (1_000, 1, 50),
    (3, 1, 3),
    (7, 60, 2),
];

/// Both limiters beside the model.
struct Trio {
    subject: Subject,
    model: Model,
    clock: FakeRelativeClock,
    rival: Option<
        RateLimiter<
            governor::state::NotKeyed,
            governor::state::InMemoryState,
            FakeRelativeClock,
            StateInformationMiddleware,
        >,
    >,
    passed: u64,
    quota: Both,
}

impl Trio {
    fn new((limit, seconds, burst): (u32, u64, u32)) -> Self {
        let period = Duration::from_secs(seconds);
        let clock = FakeRelativeClock::default();
        let divides = (seconds * SECOND).is_multiple_of(u64::from(limit));
        let rival = divides.then(|| {
            let quota = governor::Quota::with_period(period / limit)
                .expect("not zero")
                .allow_burst(NonZeroU32::new(burst).expect("not zero"));
            RateLimiter::direct_with_clock(quota, clock.clone())
                .with_middleware::<StateInformationMiddleware>()
        });
        Self {
            subject: Subject::small(1),
            model: Model::default(),
            clock,
            rival,
            passed: 0,
            quota: Both::new(limit, period, burst),
        }
    }

    /// Charges, and returns the wait; 0 when it was allowed.
    fn charge(&mut self, after: u64, cost: u32) -> u64 {
        let now = START + after;
        let part = Part::new(0, 1, self.quota, cost);
        let standing = self.subject.acquire(now, &[part])[0];
        let (verdict, _) = self.model.acquire(now.into(), &[part])[0];
        assert_same(&standing, &verdict, (after, cost));

        if let Some(rival) = &self.rival {
            self.clock
                .advance(Duration::from_nanos(after - self.passed));
            self.passed = after;
            let cost = NonZeroU32::new(cost).expect("the rival cannot only look");
            match rival.check_n(cost) {
                Err(_) => assert_eq!(standing.wait, u64::MAX),
                Ok(Err(until)) => {
                    let wait = until.wait_time_from((after).into());
                    assert!(!standing.is_allowed);
                    assert_eq!(u128::from(standing.wait), wait.as_nanos());
                }
                Ok(Ok(state)) => {
                    assert!(standing.is_allowed);
                    let remaining = u64::from(state.remaining_burst_capacity());
                    assert_eq!(standing.remaining, remaining);
                }
            }
        }
        standing.wait
    }

    /// Returns how many of the charges were allowed.
    fn run(&mut self, shape: &Shape) -> usize {
        let allowed = shape
            .iter()
            .filter(|(after, cost)| self.charge(*after, *cost) == 0);
        allowed.count()
    }

    fn interval(&self) -> u64 {
        self.quota.interval()
    }

    fn window(&self) -> u64 {
        self.quota.window()
    }
}

/// One unit every `gap(n)` nanoseconds.
fn steady(count: u64, mut gap: impl FnMut(u64) -> u64) -> Shape {
    let mut after = 0;
    (0..count)
        .map(|nth| {
            let now = after;
            after += gap(nth);
            (now, 1)
        })
        .collect()
}

#[test]
fn a_steady_rate_just_below_at_and_just_above_the_limit() {
    for (quota, above) in [
        // Burst and what comes back until the last one comes, 2019 * 100 / 101 = 1999 intervals later.
        ((10, 1, 10), 2_009),
        ((100, 50, 20), 2_019),
        ((1_000, 1, 50), 2_020),
        // With a burst of 1 nothing is saved up: every other one comes too early.
        ((1, 1, 1), 1_010),
    ] {
        for (percent, allowed) in [(99, 2_020), (100, 2_020), (101, above)] {
            let mut trio = Trio::new(quota);
            let interval = trio.interval();
            let shape = (0..2_020).map(|nth| (nth * interval * 100 / percent, 1));
            let shape = shape.collect::<Shape>();
            assert_eq!(trio.run(&shape), allowed, "{quota:?} at {percent} %");
        }
    }
}

#[test]
fn a_burst_at_either_side_of_the_edge_of_a_window() {
    let mut trio = Trio::new((10, 1, 10));
    let burst = |after: u64| vec![(after, 1); 10];
    assert_eq!(trio.run(&burst(0)), 10);
    assert_eq!(trio.run(&burst(SECOND - 1)), 9);
    assert_eq!(trio.run(&burst(SECOND)), 1);
    assert_eq!(trio.run(&burst(2 * SECOND)), 10);
    assert_eq!(trio.run(&burst(2 * SECOND)), 0);
}

#[test]
fn a_clock_that_stands_still_lets_one_burst_pass() {
    for quota in QUOTAS {
        let burst = quota.2 as usize;
        let mut trio = Trio::new(quota);
        assert_eq!(trio.run(&vec![(0, 1); 1_000]), burst, "{quota:?}");
    }
}

#[test]
fn a_saw_tooth() {
    for quota in QUOTAS {
        let mut trio = Trio::new(quota);
        let interval = trio.interval();
        let shape = steady(3_000, |nth| interval * (nth % 20) / 10);
        // On average one per 0.95 intervals: some pass, some do not.
        let allowed = trio.run(&shape);
        assert!((1_000..3_000).contains(&allowed), "{quota:?}: {allowed}");
    }
}

#[test]
fn arrivals_at_random() {
    for quota in QUOTAS {
        for load in [50, 95, 100, 200] {
            let mut trio = Trio::new(quota);
            let interval = trio.interval();
            let mut choices = Choices(load + 7);
            let shape = steady(3_000, |_| {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_precision_loss,
                    clippy::cast_sign_loss,
                    reason = "any gap will do, as long as they are spread like this"
                )]
                let gap = |even: u64| (-((even + 1) as f64 / 1e9).ln() * interval as f64) as u64;
                gap(choices.below(1_000_000_000 - 1)) * 100 / load
            });
            let allowed = trio.run(&shape);
            assert!(
                (900..=3_000).contains(&allowed),
                "{quota:?} at {load} %: {allowed}"
            );
        }
    }
}

#[test]
fn on_and_off() {
    for quota in QUOTAS {
        let mut trio = Trio::new(quota);
        let (interval, window) = (trio.interval(), trio.window());
        let mut shape = Shape::new();
        for cycle in 0..20 {
            let start = cycle * 5 * window;
            let on = (0..u64::from(quota.2) * 15).map(|nth| (start + nth * interval / 5, 1));
            shape.extend(on);
        }
        // A full bucket and what comes back in three windows: 15 charges per unit of the burst, five per interval.
        let each = 4 * quota.2 as usize - 1;
        assert_eq!(trio.run(&shape), 20 * each, "{quota:?}");
    }
}

#[test]
fn a_herd_that_comes_back_when_it_was_told_to() {
    for quota in QUOTAS {
        let mut trio = Trio::new(quota);
        let mut after = 0;
        let mut herd = 3 * quota.2 + 1;
        let mut passed_at_first = 0;
        for round in 0..=2 * quota.2 + 1 {
            let waits = (0..herd).map(|_| trio.charge(after, 1)).collect::<Vec<_>>();
            let passed = waits.iter().filter(|&&wait| wait == 0).count() as u32;
            if round == 0 {
                passed_at_first = passed;
            } else {
                // All were told the same time, at which one unit is back.
                assert_eq!(passed, 1, "{quota:?}, round {round}");
            }
            herd -= passed;
            let Some(wait) = waits.into_iter().max().filter(|&wait| wait > 0) else {
                break;
            };
            after += wait;
        }
        assert_eq!((passed_at_first, herd), (quota.2, 0), "{quota:?}");
    }
}

#[test]
fn a_mix_of_costs() {
    for quota in QUOTAS {
        let mut trio = Trio::new(quota);
        let interval = trio.interval();
        let mut choices = Choices(11);
        let most = u64::from(quota.2) + 2;
        for nth in 0..3_000 {
            let cost = u32::try_from(choices.below(most) + 1).expect("small");
            trio.charge(nth * interval * 3 / 2, cost);
        }
    }
}

#[test]
fn a_clock_that_jumps_both_ways() {
    for quota in QUOTAS {
        for far in [
            1,
            SECOND / 2,
            SECOND,
            3 * SECOND,
            3_600 * SECOND,
            86_400 * SECOND,
        ] {
            let mut trio = Trio::new(quota);
            trio.rival = None;
            let base = 40 * 86_400 * SECOND;
            let mut choices = Choices(far + 1);
            trio.charge(base, 1);
            let mut allowed = 0;
            for nth in 0..400_u64 {
                let jump = match nth % 8 {
                    3 => base - far,
                    6 => base + far,
                    _ => base,
                };
                let after = jump + nth * trio.interval() / 4;
                allowed += u64::from(trio.charge(after, 1) == 0);
                if choices.below(10) == 0 {
                    trio.charge(after, 2);
                }
            }
            // However the clock jumps, somebody who keeps asking is not shut out for good.
            assert!(allowed > 0, "{quota:?}, {far} ns");
        }
    }
}

#[test]
fn a_quota_that_changes_in_mid_stream() {
    for before in QUOTAS {
        for after in QUOTAS {
            let mut trio = Trio::new(before);
            trio.rival = None;
            let gap = trio.interval() / 2;
            let mut shape = Shape::new();
            shape.extend((0..200).map(|nth| (nth * gap, 1)));
            trio.run(&shape);
            trio.quota = Trio::new(after).quota;
            let slower = trio.interval().max(gap);
            shape.clear();
            shape.extend((0..200).map(|nth| (200 * gap + nth * slower, 1)));
            assert!(trio.run(&shape) > 0, "{before:?} to {after:?}");
            trio.quota = Trio::new(before).quota;
            let later = 200 * gap + 200 * slower;
            shape.clear();
            shape.extend((0..200).map(|nth| (later + nth * gap, 1)));
            assert!(trio.run(&shape) > 0, "{before:?} to {after:?} and back");
        }
    }
}
