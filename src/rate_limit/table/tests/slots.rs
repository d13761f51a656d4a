//! Keys that are forced into one set, and what a table does with it.

use super::super::rule::Gcra;
use super::super::set::{Demand, Found, Ledger, Place, Set, Tag, Verdict};
use super::super::striped::Usage;
use super::super::word::{Left, Undo};
use super::super::{Overflow, Table};
use crate::rate_limit::key::KeyHash;

const NOW: u64 = 1_000_000_000;
const UNIT: u64 = 1_000;
const MASK: u64 = 0x7f;

/// Twenty units.
fn rule() -> Gcra {
    Gcra::new(UNIT, 20 * UNIT)
}

/// Keys of one set: half of them have either line for their home.
fn tag(key: u64) -> Tag {
    Tag::new((key << 63) | (key << 16), MASK)
}

fn charge(
    set: &Set,
    ledger: &mut Ledger,
    key: u64,
    now: u64,
    cost: u32,
    overflow: Overflow,
) -> Verdict<Place> {
    let demand = Demand {
        rule: rule(),
        now,
        cost,
    };
    let found = set.charge(tag(key), demand);
    found.unwrap_or_else(|| set.charge_held(ledger, tag(key), demand, overflow))
}

fn passed(verdict: Verdict<Place>) -> Place {
    match verdict {
        Verdict::Passed(_, place) => place,
        verdict @ Verdict::Denied(..) => panic!("{verdict:?}"),
    }
}

/// What a key owes, in units.
fn owes(set: &Set, key: u64) -> Option<u64> {
    match set.look(tag(key)) {
        Found::Word(word) => Some((word - NOW) / UNIT),
        _ => None,
    }
}

/// Eight keys, of which key `n` owes `n + 2` units.
fn full() -> (Set, Ledger) {
    let (set, mut ledger) = (Set::new(), Ledger::default());
    for key in 1..=8 {
        let cost = u32::try_from(key + 2).unwrap();
        passed(charge(&set, &mut ledger, key, NOW, cost, Overflow::Deny));
    }
    (set, ledger)
}

#[test]
fn eight_keys_have_room() {
    let (set, ledger) = full();
    for key in 1..=8 {
        assert_eq!(owes(&set, key), Some(key + 2));
    }
    assert_eq!(set.count(|word| word > NOW), 8);
    assert_eq!(set.count(|word| word > NOW + 5 * UNIT), 5);
    assert_eq!((ledger.evicted, ledger.shared), (0, 0));
}

#[test]
fn a_ninth_key_takes_the_place_of_who_owes_least() {
    let (set, mut ledger) = full();
    // The second key comes to owe less than the first.
    charge(&set, &mut ledger, 1, NOW, 9, Overflow::Evict);
    passed(charge(&set, &mut ledger, 9, NOW, 1, Overflow::Evict));
    assert_eq!(owes(&set, 2), None);
    assert_eq!(owes(&set, 9), Some(1));
    assert_eq!((ledger.evicted, ledger.shared), (1, 0));
    // And who was forgotten starts anew, in the place of the ninth.
    passed(charge(&set, &mut ledger, 2, NOW, 1, Overflow::Evict));
    assert_eq!((owes(&set, 2), owes(&set, 9)), (Some(1), None));
    assert_eq!(ledger.evicted, 2);
}

#[test]
fn who_owes_nothing_makes_way_first() {
    let (set, mut ledger) = full();
    // 5 units of time later three keys owe nothing: nobody is forgotten.
    let later = NOW + 5 * UNIT;
    for key in 11..=13 {
        passed(charge(&set, &mut ledger, key, later, 20, Overflow::Deny));
    }
    assert_eq!(ledger.evicted, 0);
    for key in (4..=8).chain(11..=13) {
        assert!(owes(&set, key).is_some(), "{key}");
    }
    let verdict = charge(&set, &mut ledger, 14, later, 1, Overflow::Deny);
    assert!(matches!(verdict, Verdict::Denied(..)), "{verdict:?}");
}

#[test]
fn deny_refuses_the_new_key_until_there_is_room() {
    let (set, mut ledger) = full();
    let wait = 3 * UNIT;
    let left = Left {
        remaining: 0,
        reset: wait,
    };
    let verdict = charge(&set, &mut ledger, 9, NOW, 1, Overflow::Deny);
    assert_eq!(verdict, Verdict::Denied(left, wait));
    let verdict = charge(&set, &mut ledger, 9, NOW + wait - 1, 1, Overflow::Deny);
    assert_eq!(
        verdict,
        Verdict::Denied(
            Left {
                remaining: 0,
                reset: 1
            },
            1
        )
    );
    passed(charge(&set, &mut ledger, 9, NOW + wait, 1, Overflow::Deny));
    assert_eq!((ledger.evicted, ledger.shared), (0, 0));
}

#[test]
fn share_charges_who_owes_least() {
    let (set, mut ledger) = full();
    let place = passed(charge(&set, &mut ledger, 9, NOW, 17, Overflow::Share));
    assert_eq!((owes(&set, 1), owes(&set, 9)), (Some(20), None));
    assert_eq!(ledger.shared, 1);
    // Now the second one is that.
    passed(charge(&set, &mut ledger, 9, NOW, 1, Overflow::Share));
    assert_eq!(owes(&set, 2), Some(5));
    assert_eq!((ledger.evicted, ledger.shared), (0, 2));
    // What was charged there can be taken back.
    set.refund_held::<Gcra>(&mut ledger, place, NOW);
    assert_eq!(owes(&set, 1), Some(3));

    // Where everybody owes all, so does the new one.
    for key in 1..=8 {
        let rest = u32::try_from(20 - owes(&set, key).unwrap()).unwrap();
        passed(charge(&set, &mut ledger, key, NOW, rest, Overflow::Share));
    }
    let verdict = charge(&set, &mut ledger, 9, NOW, 1, Overflow::Share);
    assert_eq!(
        verdict,
        Verdict::Denied(
            Left {
                remaining: 0,
                reset: UNIT
            },
            UNIT
        )
    );
    assert_eq!(set.count(|word| word > NOW), 8);
}

#[test]
fn what_never_fits_and_what_costs_nothing_take_no_slot() {
    for cost in [0, 21] {
        let (set, mut ledger) = full();
        let verdict = charge(&set, &mut ledger, 9, NOW, cost, Overflow::Evict);
        let whole = Left {
            remaining: 20,
            reset: 0,
        };
        match verdict {
            Verdict::Passed(left, place) => {
                assert_eq!((cost, left, place.undo), (0, whole, Undo::default()))
            }
            Verdict::Denied(left, wait) => assert_eq!((cost, left, wait), (21, whole, u64::MAX)),
        }
        assert_eq!(set.count(|word| word > NOW), 8);
        assert_eq!((owes(&set, 1), owes(&set, 9)), (Some(3), None));
        assert_eq!(ledger.evicted, 0);
    }
}

#[test]
fn a_new_key_starts_at_the_newest_time_that_gave_something_away() {
    let (set, mut ledger) = full();
    let later = NOW + 100 * UNIT;
    passed(charge(&set, &mut ledger, 9, later, 1, Overflow::Evict));
    // A thread whose clock was read before: the key may be one of those that were paid by `later`.
    passed(charge(&set, &mut ledger, 10, NOW, 1, Overflow::Evict));
    assert_eq!(owes(&set, 10), Some(101));
    assert_eq!(ledger.evicted, 0);
}

#[test]
fn a_receipt_is_good_for_its_own_generation() {
    let (set, mut ledger) = full();
    let receipt = passed(charge(&set, &mut ledger, 9, NOW, 1, Overflow::Evict));
    // Another key, and the same again: same slot, same key, later generation.
    passed(charge(&set, &mut ledger, 10, NOW, 2, Overflow::Evict));
    set.refund_held::<Gcra>(&mut ledger, receipt, NOW);
    assert_eq!(owes(&set, 10), Some(2));
    let again = passed(charge(&set, &mut ledger, 9, NOW, 2, Overflow::Evict));
    assert_eq!(again.slot, receipt.slot);
    set.refund_held::<Gcra>(&mut ledger, receipt, NOW);
    assert_eq!(owes(&set, 9), Some(2));
    set.refund_held::<Gcra>(&mut ledger, again, NOW);
    assert_eq!(owes(&set, 9), Some(0));
    // A slot that is not there.
    set.refund_held::<Gcra>(&mut ledger, Place { slot: 8, ..again }, NOW);
}

#[test]
fn generations_wrap_without_touching_the_key() {
    let (set, mut ledger) = full();
    let mut marks = Vec::new();
    for turn in 0..=256 {
        // Two keys chase each other through one slot.
        let key = 9 + turn % 2;
        let place = passed(charge(&set, &mut ledger, key, NOW, 1, Overflow::Evict));
        assert_eq!(owes(&set, key), Some(1));
        assert_eq!(set.count(|word| word > NOW), 8);
        marks.push(place.mark);
    }
    // 128 generations: the same key has the same mark after as many turns, and never before.
    assert_eq!(marks[0], marks[128]);
    assert_eq!(marks[0], marks[256]);
    assert!((1..128).all(|turn| marks[turn] != marks[0]));
    assert!(
        marks
            .iter()
            .step_by(2)
            .all(|mark| mark & !MASK == marks[0] & !MASK)
    );
}

#[test]
fn a_key_without_bits_of_its_own_is_not_an_empty_slot() {
    let set = Set::new();
    let mut ledger = Ledger::default();
    let demand = Demand {
        rule: rule(),
        now: NOW,
        cost: 1,
    };
    let nobody = Tag::new(0x2a, MASK);
    assert_eq!(set.look(nobody), Found::Nothing);
    assert_eq!(set.charge(nobody, demand), None);
    passed(set.charge_held(&mut ledger, nobody, demand, Overflow::Evict));
    assert_eq!(set.look(nobody), Found::Word(NOW + UNIT));
}

#[test]
fn the_last_word_there_is_locks_nothing() {
    let set = Set::new();
    let mut ledger = Ledger::default();
    let overflow = Overflow::Evict;
    for _ in 0..3 {
        passed(charge(&set, &mut ledger, 1, u64::MAX, 1, overflow));
        assert_eq!(set.look(tag(1)), Found::Word(u64::MAX - 1));
    }
}

#[test]
fn a_cleared_key_makes_way() {
    let (set, mut ledger) = full();
    // One that is not there takes nobody's place.
    set.clear_held(&mut ledger, tag(9));
    set.clear_held(&mut ledger, tag(2));
    assert_eq!(set.look(tag(2)), Found::Word(0));
    assert_eq!(set.count(|word| word > NOW), 7);
    passed(charge(&set, &mut ledger, 9, NOW, 20, Overflow::Deny));
    assert_eq!((set.look(tag(2)), ledger.evicted), (Found::Nothing, 0));
}

fn keys(range: std::ops::Range<u64>) -> impl Iterator<Item = KeyHash> {
    range.map(|key| KeyHash::new(key.wrapping_mul(0x2545_f491_4f6c_dd1d), 0))
}

#[test]
fn a_table_is_made_as_keys_come() {
    let table = Table::new(1 << 16, Overflow::Evict);
    assert_eq!(
        table.usage(|_| true),
        Usage {
            capacity: 1 << 16,
            ..Usage::default()
        }
    );
    for key in keys(0..1000) {
        assert_eq!(table.word(key), 0);
        table.clear(key);
        let fresh = Left {
            remaining: 20,
            reset: 0,
        };
        assert_eq!(table.peek(rule(), key, NOW, 0), Verdict::Passed(fresh, ()));
        assert!(matches!(
            table.peek(rule(), key, NOW, 21),
            Verdict::Denied(..)
        ));
    }
    assert_eq!(table.usage(|_| true).live, 0);

    for key in keys(0..1000) {
        assert!(matches!(
            table.charge(rule(), key, NOW, 19),
            Verdict::Passed(..)
        ));
    }
    assert_eq!(table.usage(|word| word == NOW + 19 * UNIT).live, 1000);
    for key in keys(0..1000) {
        assert_eq!(table.word(key), NOW + 19 * UNIT);
        assert!(matches!(
            table.peek(rule(), key, NOW, 2),
            Verdict::Denied(..)
        ));
        let Verdict::Passed(left, booked) = table.charge(rule(), key, NOW, 1) else {
            panic!("denied");
        };
        assert_eq!(
            left,
            Left {
                remaining: 0,
                reset: UNIT
            }
        );
        assert!(matches!(
            table.charge(rule(), key, NOW, 1),
            Verdict::Denied(..)
        ));
        table.refund::<Gcra>(NOW, booked);
        assert_eq!(table.word(key), NOW + 19 * UNIT);
    }
    for key in keys(0..500) {
        table.clear(key);
        assert_eq!(table.word(key), 0);
    }
    assert_eq!(table.usage(|word| word > NOW).live, 500);
}

#[test]
fn capacity_is_rounded_up() {
    for (asked, capacity) in [
        (1, 8),
        (8, 8),
        (9, 16),
        (1024, 1024),
        (1025, 2048),
        (5000, 8192),
    ] {
        assert_eq!(
            Table::new(asked, Overflow::Evict).usage(|_| true).capacity,
            capacity
        );
    }
}

#[test]
fn a_table_keeps_its_size_under_a_flood() {
    for (overflow, live, evicted, shared) in [
        (Overflow::Evict, 1024, 100_000 - 1024, 0),
        (Overflow::Share, 1024, 0, 1),
        (Overflow::Deny, 1024, 0, 0),
    ] {
        let table = Table::new(1024, overflow);
        let mut denied = 0;
        for key in keys(0..100_000) {
            denied += u64::from(matches!(
                table.charge(rule(), key, NOW, 1),
                Verdict::Denied(..)
            ));
        }
        let usage = table.usage(|word| word > NOW);
        assert_eq!((usage.capacity, usage.live), (1024, live), "{overflow:?}");
        assert_eq!(usage.evicted_live, evicted, "{overflow:?}");
        assert_eq!(usage.shared > 0, shared > 0, "{overflow:?}");
        assert_eq!(denied > 0, overflow != Overflow::Evict, "{overflow:?}");
    }
}

#[test]
fn two_tables_place_keys_differently() {
    // Both are full of the same keys; which of them were forgotten differs.
    let kept = || {
        let table = Table::new(1024, Overflow::Evict);
        for key in keys(0..2000) {
            table.charge(rule(), key, NOW, 1);
        }
        keys(0..2000)
            .filter(|key| table.word(*key) > 0)
            .collect::<Vec<_>>()
    };
    assert_ne!(kept(), kept());
}
