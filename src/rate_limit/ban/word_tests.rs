//! Words, second by second.

use super::*;

const SECOND: u64 = 1_000_000_000;
const HOUR: u64 = 3_600 * SECOND;
const FAR: u64 = u64::MAX;

fn micros(nanos: u64) -> Micros {
    Micros(nanos / 1_000)
}

/// The word that a rule writes at `now`, after healing if it must.
fn next(rule: impl WordRule, word: u64, now: u64) -> Option<u64> {
    match rule.charge(word, now, 1) {
        Step::Pass { next, .. } => Some(next),
        Step::Deny { .. } => None,
        Step::Heal(healed) => match rule.charge(healed, now, 1) {
            Step::Pass { next, .. } => Some(next),
            Step::Deny { .. } => Some(healed),
            Step::Heal(_) => panic!("healed twice at {now}"),
        },
    }
}

fn count(limit: u8, window: u64) -> Count {
    Count {
        limit,
        window: micros(window),
    }
}

fn remaining(rule: Count, word: u64, now: u64) -> u64 {
    match rule.charge(word, now, 0) {
        Step::Pass { left, .. } => left.remaining,
        step => panic!("{step:?}"),
    }
}

#[test]
fn a_window_begins_with_the_first_and_no_later_one_moves_it() {
    let rule = count(3, 10 * SECOND);
    let one = next(rule, 0, SECOND).unwrap();
    assert_eq!(one, 11_000_000 << 8 | 1);
    let two = next(rule, one, 11 * SECOND - 1_000).unwrap();
    assert_eq!(two, 11_000_000 << 8 | 2);
    assert_eq!(remaining(rule, two, 11 * SECOND - 1_000), 1);
    assert_eq!(next(rule, two, 11 * SECOND), Some(21_000_000 << 8 | 1));
    let three = next(rule, two, 11 * SECOND - 1).unwrap();
    assert_eq!(remaining(rule, three, 11 * SECOND - 1), 0);
    assert_eq!(rule.expiry(three), 11 * SECOND);
}

#[test]
fn a_count_stays_at_its_highest() {
    let rule = count(255, 10 * SECOND);
    let word = (0..300).fold(0, |word, _| next(rule, word, SECOND).unwrap());
    assert_eq!(word, 11_000_000 << 8 | 255);
}

#[test]
fn a_count_survives_a_clock_that_goes_back_for_one_window() {
    let rule = count(9, 10 * SECOND);
    let word = next(rule, 0, HOUR).unwrap();
    assert_eq!(next(rule, word, SECOND), Some(11_000_000 << 8 | 2));
}

fn sentence(multiplier: u32, longest: u64) -> Sentence {
    Sentence {
        first: micros(60 * SECOND),
        quiet: micros(600 * SECOND),
        multiplier,
        longest: micros(longest),
    }
}

/// How long the bans are that start as soon as the last has ended.
fn lengths(rule: Sentence) -> Vec<u64> {
    let (mut word, mut now, mut lengths) = (0, SECOND, Vec::new());
    for _ in 0..6 {
        word = next(rule, word, now).unwrap();
        let rest = Ban::rest(word, Micros::of(Nanos::new(now))).unwrap();
        lengths.push(rest.0 / 1_000_000);
        now += rest.nanos();
    }
    lengths
}

#[test]
fn each_ban_is_longer_up_to_the_longest() {
    assert_eq!(
        lengths(sentence(2, 1_000 * SECOND)),
        [60, 120, 240, 480, 960, 1_000]
    );
    assert_eq!(
        lengths(sentence(3, HOUR)),
        [60, 180, 540, 1_620, 3_600, 3_600]
    );
    assert_eq!(lengths(sentence(1, HOUR)), [60; 6]);
    assert_eq!(
        lengths(sentence(u32::MAX, HOUR)),
        [60, 3_600, 3_600, 3_600, 3_600, 3_600]
    );
}

#[test]
fn one_ban_is_forgotten_in_each_quiet_period() {
    let rule = sentence(2, 24 * HOUR);
    let at = 5_000_000;
    let third = pack(Micros(at), 3);
    let length_after = |quiet: u64| {
        let now = Micros(at + quiet);
        let word = next(rule, third, now.nanos()).unwrap();
        (Ban::rest(word, now).unwrap().0 / 1_000_000, Ban::rung(word))
    };
    const QUIET: u64 = 600_000_000;
    assert_eq!(length_after(0), (480, 4));
    assert_eq!(length_after(QUIET - 1), (480, 4));
    assert_eq!(length_after(QUIET), (240, 3));
    assert_eq!(length_after(2 * QUIET), (120, 2));
    assert_eq!(length_after(3 * QUIET - 1), (120, 2));
    assert_eq!(length_after(3 * QUIET), (60, 1));
    assert_eq!(length_after(1_000 * QUIET), (60, 1));
    assert_eq!(
        Ban::forgotten_at(third, rule.quiet),
        (at + 3 * QUIET) * 1_000
    );
}

#[test]
fn a_ban_in_force_is_not_started_again() {
    let rule = sentence(2, HOUR);
    let word = next(rule, 0, SECOND).unwrap();
    assert_eq!(next(rule, word, SECOND), None);
    assert_eq!(next(rule, word, 61 * SECOND - 1), None);
    assert!(next(rule, word, 61 * SECOND).is_some());
    // Nor by a clock that goes back.
    assert_eq!(next(rule, word, 0), None);
}

fn at_least(length: Micros) -> AtLeast {
    AtLeast {
        length,
        quiet: micros(600 * SECOND),
    }
}

#[test]
fn a_ban_is_prolonged_and_never_shortened() {
    let minute = at_least(micros(60 * SECOND));
    let word = next(minute, 0, SECOND).unwrap();
    assert_eq!(word, 61_000_000 << 8 | 1);
    assert_eq!(next(minute, word, SECOND), None);
    assert_eq!(next(minute, word, 11 * SECOND), Some(71_000_000 << 8 | 1));
    assert_eq!(next(at_least(micros(SECOND)), word, SECOND), None);
    assert_eq!(next(minute, word, 61 * SECOND), Some(121_000_000 << 8 | 2));
    assert_eq!(next(at_least(Micros(0)), 0, SECOND), None);
}

#[test]
fn a_lifted_ban_is_over_and_remembered() {
    let word = next(sentence(2, HOUR), 0, SECOND).unwrap();
    let lifted = next(Lift, word, 2 * SECOND).unwrap();
    assert_eq!(lifted, 2_000_000 << 8 | 1);
    assert_eq!(Ban::rest(lifted, micros(2 * SECOND)), None);
    assert_eq!(next(Lift, lifted, 2 * SECOND), None);
    assert_eq!(next(Lift, 0, SECOND), None);
}

#[test]
fn the_ends_of_time_do_no_harm() {
    let forever = at_least(Micros::from_duration(Duration::MAX));
    let longest = Sentence {
        first: Micros::from_duration(Duration::MAX),
        quiet: Micros::MAX,
        multiplier: u32::MAX,
        longest: Micros::MAX,
    };
    let slow = Count {
        limit: 1,
        window: Micros::MAX,
    };
    for now in [0, 1, SECOND, FAR] {
        for word in [0, 1 << 8 | 1, FAR - 1, FAR >> 1] {
            for result in [
                next(forever, word, now),
                next(longest, word, now),
                next(slow, word, now),
                next(Lift, word, now),
            ] {
                // All bits set is the table's own mark.
                assert_ne!(result, Some(u64::MAX));
            }
        }
    }
    let word = next(forever, 0, SECOND).unwrap();
    assert!(Ban::rest(word, micros(FAR)).is_some());
}
