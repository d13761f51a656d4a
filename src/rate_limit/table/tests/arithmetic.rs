//! Five units that come back one each 10 ms; the clock stands at one second.

use super::super::Overdraw;
use super::super::rule::Gcra;
use super::super::word::{Left, Step, Undo, WordRule};

const MS: u64 = 1_000_000;
const NOW: u64 = 1_000_000_000;
const NEVER: u64 = u64::MAX;

fn gcra() -> Gcra {
    Gcra::new(10 * MS, 50 * MS)
}

fn pass(next: u64, by: u64, remaining: u64, reset: u64) -> Step {
    let left = Left { remaining, reset };
    Step::Pass { next, by, left }
}

fn deny(wait: u64, remaining: u64, reset: u64) -> Step {
    let left = Left { remaining, reset };
    Step::Deny { wait, left }
}

#[test]
fn charges() {
    for (name, word, cost, expected) in [
        ("fresh", 0, 1, pass(NOW + 10 * MS, 10 * MS, 4, 10 * MS)),
        (
            "long paid",
            NOW - 1,
            1,
            pass(NOW + 10 * MS, 10 * MS, 4, 10 * MS),
        ),
        (
            "just paid",
            NOW,
            1,
            pass(NOW + 10 * MS, 10 * MS, 4, 10 * MS),
        ),
        (
            "all at once",
            0,
            5,
            pass(NOW + 50 * MS, 50 * MS, 0, 10 * MS),
        ),
        (
            "part of a unit",
            NOW + 34 * MS,
            1,
            pass(NOW + 44 * MS, 10 * MS, 0, 4 * MS),
        ),
        (
            "part of a unit, more left",
            NOW + 14 * MS,
            1,
            pass(NOW + 24 * MS, 10 * MS, 2, 4 * MS),
        ),
        (
            "the last unit",
            NOW + 40 * MS,
            1,
            pass(NOW + 50 * MS, 10 * MS, 0, 10 * MS),
        ),
        ("a nanosecond early", NOW + 40 * MS + 1, 1, deny(1, 0, 1)),
        ("nothing left", NOW + 50 * MS, 1, deny(10 * MS, 0, 10 * MS)),
        (
            "two left, three asked",
            NOW + 30 * MS,
            3,
            deny(10 * MS, 2, 10 * MS),
        ),
        (
            "two left, two asked",
            NOW + 30 * MS,
            2,
            pass(NOW + 50 * MS, 20 * MS, 0, 10 * MS),
        ),
        ("more than there ever is", 0, 6, deny(NEVER, 5, 0)),
        (
            "more than there ever is, of what is left",
            NOW + 35 * MS,
            6,
            deny(NEVER, 1, 5 * MS),
        ),
        ("the largest cost", 0, u32::MAX, deny(NEVER, 5, 0)),
    ] {
        assert_eq!(gcra().charge(word, NOW, cost), expected, "{name}");
    }
}

#[test]
fn looks() {
    for (name, word, remaining, reset) in [
        ("fresh", 0, 5, 0),
        ("paid", NOW, 5, 0),
        ("a nanosecond of debt", NOW + 1, 4, 1),
        ("a unit of debt", NOW + 10 * MS, 4, 10 * MS),
        ("all of it", NOW + 50 * MS, 0, 10 * MS),
        ("more than can be", NOW + 80 * MS, 0, 40 * MS),
    ] {
        let expected = pass(word, 0, remaining, reset);
        assert_eq!(gcra().charge(word, NOW, 0), expected, "{name}");
    }
}

#[test]
fn a_debt_that_cannot_be() {
    let second = 1000 * MS;
    let full = NOW + 50 * MS;
    for (name, word, cost, expected) in [
        (
            "half a second: as stored",
            full + second / 2,
            1,
            deny(510 * MS, 0, 510 * MS),
        ),
        (
            "a second: as stored",
            full + second,
            1,
            deny(1_010 * MS, 0, 1_010 * MS),
        ),
        ("a nanosecond more", full + second + 1, 1, Step::Heal(full)),
        ("the largest word", u64::MAX - 1, 5, Step::Heal(full)),
        (
            "what never fits heals nothing",
            u64::MAX - 1,
            6,
            deny(NEVER, 0, 10 * MS),
        ),
    ] {
        assert_eq!(gcra().charge(word, NOW, cost), expected, "{name}");
    }
    // Healed once, it is denied and not healed again.
    assert_eq!(gcra().charge(full, NOW, 1), deny(10 * MS, 0, 10 * MS));
}

#[test]
fn debts_of_two_windows() {
    let rule = gcra().with_overdraft();
    let most = NOW + 100 * MS;
    for (name, step, expected) in [
        (
            "booked",
            Overdraw(rule).charge(0, NOW, 3),
            pass(NOW + 30 * MS, 30 * MS, 2, 10 * MS),
        ),
        (
            "past the limit",
            Overdraw(rule).charge(0, NOW, 8),
            pass(NOW + 80 * MS, 80 * MS, 0, 40 * MS),
        ),
        (
            "to the end",
            Overdraw(rule).charge(0, NOW, 10),
            pass(most, 100 * MS, 0, 60 * MS),
        ),
        (
            "not past the end",
            Overdraw(rule).charge(0, NOW, 11),
            pass(most, 100 * MS, 0, 60 * MS),
        ),
        (
            "at the end",
            Overdraw(rule).charge(most, NOW, 1),
            pass(most, 0, 0, 60 * MS),
        ),
        (
            "beyond the end",
            Overdraw(rule).charge(most + MS, NOW, 1),
            pass(most + MS, 0, 0, 61 * MS),
        ),
        (
            "far beyond",
            Overdraw(rule).charge(most + 1001 * MS, NOW, 1),
            Step::Heal(most),
        ),
        (
            "a look",
            Overdraw(rule).charge(most, NOW, 0),
            pass(most, 0, 0, 60 * MS),
        ),
        (
            "and it is owed",
            rule.charge(most, NOW, 1),
            deny(60 * MS, 0, 60 * MS),
        ),
        (
            "up to a second more",
            rule.charge(most + 1000 * MS, NOW, 1),
            deny(1060 * MS, 0, 1060 * MS),
        ),
        (
            "then it heals to two windows",
            rule.charge(most + 1001 * MS, NOW, 1),
            Step::Heal(most),
        ),
    ] {
        assert_eq!(step, expected, "{name}");
    }
    // Without it, one window is all that is remembered.
    assert_eq!(
        gcra().charge(most + 1000 * MS, NOW, 1),
        Step::Heal(NOW + 50 * MS)
    );
}

#[test]
fn refunds() {
    for (name, word, now, by, after, expected) in [
        (
            "at once",
            NOW + 30 * MS,
            NOW,
            10 * MS,
            NOW + 30 * MS,
            NOW + 20 * MS,
        ),
        (
            "others were charged since",
            NOW + 50 * MS,
            NOW,
            10 * MS,
            NOW + 30 * MS,
            NOW + 40 * MS,
        ),
        (
            "time gave back all but 4 ms",
            NOW + 10 * MS,
            NOW + 6 * MS,
            10 * MS,
            NOW + 10 * MS,
            NOW + 6 * MS,
        ),
        (
            "time gave it back",
            NOW + 30 * MS,
            NOW + 10 * MS,
            10 * MS,
            NOW + 10 * MS,
            NOW + 30 * MS,
        ),
        (
            "long ago",
            NOW + 30 * MS,
            NOW + 3600 * MS,
            10 * MS,
            NOW + 10 * MS,
            NOW + 30 * MS,
        ),
        ("below zero", 5, 0, 10, 10, 0),
    ] {
        assert_eq!(
            Gcra::refund(word, now, Undo { by, after }),
            expected,
            "{name}"
        );
    }
}

/// Charges one unit at each time; what is denied is written with the wait.
fn run(rule: Gcra, times: &[u64]) -> Vec<Option<u64>> {
    let mut word = 0;
    times
        .iter()
        .map(|time| match rule.charge(word, *time, 1) {
            Step::Pass { next, .. } => {
                word = next;
                None
            }
            Step::Deny { wait, .. } => Some(wait),
            Step::Heal(_) => panic!("nothing to heal"),
        })
        .collect()
}

#[test]
fn shapes() {
    let steady =
        |every: u64, count: u64| -> Vec<u64> { (0..count).map(|n| NOW + n * every).collect() };
    let denied = |shape: &[u64]| run(gcra(), shape).iter().flatten().count();

    // A hundredth below the rate, at it, and above it: the burst lasts for 401 of the faster ones, then one in a hundred is denied.
    assert_eq!(denied(&steady(10_100_000, 2000)), 0);
    assert_eq!(denied(&steady(10_000_000, 2000)), 0);
    assert_eq!(denied(&steady(9_900_000, 401)), 0);
    assert_eq!(denied(&steady(9_900_000, 402)), 1);
    assert_eq!(denied(&steady(9_900_000, 501)), 1);
    assert_eq!(denied(&steady(9_900_000, 502)), 2);
    assert_eq!(denied(&steady(9_900_000, 2000)), 16);

    // A full burst at each end of a window: five, and what came back.
    let edge = [vec![NOW; 6], vec![NOW + 49 * MS; 6], vec![NOW + 50 * MS; 2]].concat();
    let wait = |ms: u64| Some(ms * MS);
    let none = None;
    assert_eq!(
        run(gcra(), &edge),
        [
            none,
            none,
            none,
            none,
            none,
            wait(10),
            none,
            none,
            none,
            none,
            wait(1),
            wait(1),
            none,
            wait(10),
        ]
    );

    // Who waits as long as was said is let in, and nobody before.
    let herd = [
        vec![NOW; 6],
        vec![NOW + 10 * MS - 1, NOW + 10 * MS, NOW + 10 * MS],
    ]
    .concat();
    assert_eq!(run(gcra(), &herd)[5..], [wait(10), Some(1), none, wait(10)]);

    // The clock stands still, goes back, and jumps ahead.
    let clock = [vec![NOW; 7], vec![NOW - 900 * MS, NOW + 3600 * MS]].concat();
    assert_eq!(
        run(gcra(), &clock)[5..],
        [wait(10), wait(10), wait(910), none]
    );
}

#[test]
fn a_quota_that_changes_applies_at_once() {
    let Step::Pass { next, .. } = gcra().charge(0, NOW, 5) else {
        panic!("denied");
    };
    // Twice as fast, with the same burst: the debt of 50 ms is ten units of 5 ms.
    let faster = Gcra::new(5 * MS, 25 * MS);
    assert_eq!(faster.charge(next, NOW, 1), deny(30 * MS, 0, 30 * MS));
    // A burst of ten: five are left.
    let longer = Gcra::new(10 * MS, 100 * MS);
    assert_eq!(
        longer.charge(next, NOW, 1),
        pass(NOW + 60 * MS, 10 * MS, 4, 10 * MS)
    );
}

#[test]
fn nothing_overflows() {
    let largest = 1 << 62;
    let rule = Gcra::new(largest, largest);
    for now in [0, 1, NOW, largest, u64::MAX - 1, u64::MAX] {
        for word in [0, 1, NOW, largest, u64::MAX - 1] {
            for cost in [0, 1, 2, u32::MAX] {
                for rule in [
                    rule,
                    rule.with_overdraft(),
                    Gcra::new(1, 1),
                    Gcra::new(0, 0),
                ] {
                    rule.charge(word, now, cost);
                    Overdraw(rule).charge(word, now, cost);
                }
            }
        }
    }
    assert_eq!(
        rule.charge(0, NOW, 1),
        pass(NOW + largest, largest, 0, largest)
    );
    assert_eq!(rule.charge(0, NOW, 2), deny(NEVER, 1, 0));
}

#[test]
fn units_are_those_of_a_division() {
    let prime = 1_000_000_007;
    for interval in [
        1,
        2,
        3,
        7,
        1000,
        1024,
        prime,
        1 << 40,
        (1 << 62) - 1,
        1 << 62,
    ] {
        let rule = Gcra::new(interval, interval);
        for nanos in [
            0,
            1,
            2,
            999,
            prime - 1,
            prime,
            1 << 40,
            1 << 61,
            (1 << 62) - 1,
            1 << 62,
            u64::MAX,
        ] {
            for nanos in [
                nanos,
                nanos - nanos % interval,
                (nanos - nanos % interval).saturating_sub(1),
            ] {
                assert_eq!(
                    rule.units(nanos),
                    (nanos / interval, nanos % interval),
                    "{nanos} / {interval}"
                );
            }
        }
    }
}
