//! Five charges are free, then 1 s, 2 s, 4 s up to 15 minutes; a quarter of an hour of quiet forgives one.

use super::super::rule::Ladder;
use super::super::word::{Left, Step, Undo, WordRule};

const SECOND: u64 = 1_000_000_000;
const QUARTER: u64 = 900 * SECOND;
const NOW: u64 = SECOND;

fn ladder() -> Ladder {
    Ladder::new(5, SECOND, QUARTER, QUARTER)
}

/// A word with so many charges, of which the next may pass at `opening`.
fn word(opening: u64, rung: u64) -> u64 {
    (opening / 1000) << 8 | rung
}

fn charged(word: u64, now: u64) -> (u64, Left) {
    match ladder().charge(word, now, 1) {
        Step::Pass { next, by, left } => {
            assert_eq!(by, word);
            (next, left)
        }
        step => panic!("{step:?}"),
    }
}

#[test]
fn delays_double_up_to_the_longest() {
    let mut now = NOW;
    let mut word = 0;
    for delay in [
        0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900,
    ] {
        let (next, left) = charged(word, now);
        assert!(next > word);
        word = next;
        if delay > 0 {
            let expected = Left {
                remaining: 0,
                reset: delay * SECOND,
            };
            assert_eq!(left, expected);
            let left = expected;
            assert_eq!(
                ladder().charge(word, now, 1),
                Step::Deny {
                    wait: delay * SECOND,
                    left
                }
            );
            let early = Left {
                remaining: 0,
                reset: 1,
            };
            assert_eq!(
                ladder().charge(word, now + delay * SECOND - 1, 1),
                Step::Deny {
                    wait: 1,
                    left: early
                }
            );
        }
        now += delay * SECOND;
    }
}

#[test]
fn what_is_left() {
    for (name, rung, quiet, remaining, reset) in [
        ("nothing was charged", 0, 0, 5, 0),
        ("one", 1, 0, 4, QUARTER),
        ("one, a second ago", 1, SECOND, 4, QUARTER - SECOND),
        ("one, forgiven", 1, QUARTER, 5, 0),
        ("three", 3, 0, 2, QUARTER),
        ("the last free one", 4, 0, 1, QUARTER),
        ("none is free", 5, 0, 1, 2 * QUARTER),
        ("far up", 9, 0, 1, 6 * QUARTER),
        (
            "far up, two forgiven",
            9,
            2 * QUARTER + 1,
            1,
            4 * QUARTER - 1,
        ),
    ] {
        let word = word(NOW, rung);
        let left = Left { remaining, reset };
        let step = ladder().charge(word, NOW + quiet, 0);
        assert_eq!(
            step,
            Step::Pass {
                next: word,
                by: word,
                left
            },
            "{name}"
        );
    }
}

#[test]
fn quiet_takes_one_rung_at_a_time() {
    let tenth = word(NOW, 10);
    for (quiet, rung) in [
        (0, 11),
        (QUARTER - 1, 11),
        (QUARTER, 10),
        (2 * QUARTER, 9),
        (9 * QUARTER, 2),
        (10 * QUARTER, 1),
        (1000 * QUARTER, 1),
    ] {
        assert_eq!(charged(tenth, NOW + quiet).0 & 0xff, rung, "{quiet}");
    }
    assert_eq!(ladder().expiry(tenth), NOW + 10 * QUARTER);
    assert!(!ladder().is_expired(tenth, NOW + 10 * QUARTER - 1));
    assert!(ladder().is_expired(tenth, NOW + 10 * QUARTER));
    assert!(ladder().is_expired(0, 0));
}

#[test]
fn a_free_charge_is_not_late_for_its_own_microsecond() {
    let now = NOW + 999;
    let (word, _) = charged(0, now);
    assert_eq!(word, 1_000_000 << 8 | 1);
    charged(word, now);
    // A delay is not cut short by the same.
    let (word, left) = charged(4, now);
    assert_eq!(word, 2_000_001 << 8 | 5);
    assert_eq!(left.reset, SECOND + 1);
}

#[test]
fn refunds() {
    let before = word(NOW, 4);
    let (after, _) = charged(before, NOW + SECOND);
    let undo = Undo { by: before, after };
    assert_eq!(Ladder::refund(after, NOW + SECOND, undo), before);
    // Another was charged since: it keeps its delay and loses the rung.
    let (later, _) = charged(after, NOW + 2 * SECOND);
    assert_eq!(later, word(NOW + 4 * SECOND, 6));
    assert_eq!(
        Ladder::refund(later, NOW + 2 * SECOND, undo),
        word(NOW + 4 * SECOND, 5)
    );
    // Cleared in the meantime.
    assert_eq!(Ladder::refund(0, NOW, undo), 0);
}

#[test]
fn extremes() {
    // The first charge passes whatever is free.
    let strict = Ladder::new(0, SECOND, QUARTER, QUARTER);
    let Step::Pass { next, .. } = strict.charge(0, NOW, 1) else {
        panic!("denied");
    };
    assert_eq!(next, word(NOW + SECOND, 1));

    // The hard bound of a login: a hundred, then a day.
    let day = 86_400 * SECOND;
    let bound = Ladder::new(100, day, day, day);
    let Step::Pass { next, .. } = bound.charge(word(NOW, 99), NOW, 1) else {
        panic!("denied");
    };
    assert_eq!(next, word(NOW + day, 100));
    assert_eq!(
        bound.charge(next, NOW + day - 1, 1),
        Step::Deny {
            wait: 1,
            left: Left {
                remaining: 0,
                reset: 1
            }
        }
    );

    // Rungs end at 255, times where the word does; neither is the mark of a locked slot.
    let endless = Ladder::new(255, u64::MAX, u64::MAX, 0);
    for word in [0, 255, word(NOW, 254)] {
        let Step::Pass { next, .. } = endless.charge(word, NOW, u32::MAX) else {
            panic!("denied");
        };
        assert!(next > word && next < u64::MAX);
        assert_eq!(next & 0xff, 255);
    }
    for now in [0, NOW, u64::MAX] {
        for cost in [0, 1, u32::MAX] {
            endless.charge(u64::MAX - 1, now, cost);
            endless.expiry(u64::MAX - 1);
        }
    }
}
