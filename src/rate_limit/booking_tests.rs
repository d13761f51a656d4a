//! The short ways beside the long one: what they decide is the same.

use std::sync::Arc;

use super::super::key::KeyHash;
use super::super::memory::MemoryStore;
use super::super::rule::Ladder;
use super::super::store::{CounterSpec, Overflow, Receipt, Store};
use super::*;

const START: u64 = 1_000_000_000;
const UNIT: u64 = 1_000;

/// A store with three policies, of which the last has one key.
struct Side {
    store: MemoryStore,
    counters: [Arc<MemoryCounter>; 3],
}

impl Side {
    fn new() -> Self {
        let store = MemoryStore::with_capacity(1024);
        let keyed = |name| store.open(&CounterSpec::new(name, Overflow::Evict));
        let single = CounterSpec::new("c", Overflow::Evict).single();
        Self {
            counters: [keyed("a"), keyed("b"), store.open(&single)],
            store,
        }
    }

    fn charges(&self, asks: &[Ask]) -> Vec<Charge<'_, MemoryCounter>> {
        let charges = asks.iter().map(|ask| {
            let key = KeyHash::new(ask.key.wrapping_mul(0x9e37_79b9_7f4a_7c15), 0);
            let mut charge = Charge::new(&*self.counters[ask.policy], key, ask.rule, ask.cost);
            charge.overdraw = ask.overdraw;
            charge
        });
        charges.collect()
    }
}

#[derive(Clone, Copy, Debug)]
struct Ask {
    policy: usize,
    key: u64,
    rule: Rule,
    cost: u32,
    overdraw: bool,
}

/// One to four charges of three policies and four keys: mostly one unit of five, some none, some too many, some that are booked anyway,
/// and some twice to one counter.
fn asks(random: &mut u64) -> Vec<Ask> {
    let mut draw = |bound: u64| {
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        (*random >> 20) % bound
    };
    let (first, step) = (draw(3), draw(3));
    let asks = (0..1 + draw(4)).map(|nth| Ask {
        policy: ((first + nth * step) % 3) as usize,
        key: 1 + draw(4),
        rule: Rule::Gcra(Gcra::new(UNIT, (3 + draw(4)) * UNIT).with_overdraft()),
        cost: [1, 1, 1, 1, 2, 4, 0, 9][draw(8) as usize],
        overdraw: draw(16) == 0,
    });
    asks.collect()
}

fn told(charges: &[Charge<'_, MemoryCounter>]) -> Vec<Standing> {
    let standings = charges.iter().map(|charge| Standing {
        // It names a place, which is another one in each store.
        receipt: match charge.standing.receipt {
            Receipt::NONE => Receipt::NONE,
            _ => Receipt::new([1; 4]),
        },
        ..charge.standing
    });
    standings.collect()
}

/// Lets both stores answer the same, and returns how often `short` did.
fn compare(
    mut short: impl FnMut(Nanos, &mut [Charge<'_, MemoryCounter>]) -> Option<bool>,
) -> [u32; 3] {
    let (one, other) = (Side::new(), Side::new());
    let (mut random, mut now) = (0x1234_5678_9abc_def1, START);
    let mut answers = [0; 3];
    for round in 0..40_000 {
        let asks = asks(&mut random);
        now += random % 3 * UNIT / 2;
        let nanos = Nanos::new(now);
        let (mut ones, mut others) = (one.charges(&asks), other.charges(&asks));
        acquire_slowly(nanos, &mut others);
        let answer = short(nanos, &mut ones);
        answers[answer.map_or(2, usize::from)] += 1;
        let passed = others.iter().all(|charge| charge.standing.is_allowed);
        assert!(
            answer.is_none_or(|answer| answer == passed),
            "{round}: {asks:?}"
        );
        if answer.is_none() {
            acquire_slowly(nanos, &mut ones);
        }
        if ones
            .iter()
            .any(|charge| charge.standing != Standing::UNKNOWN)
        {
            assert_eq!(told(&ones), told(&others), "{round}: {asks:?}");
            if passed && round % 3 == 0 {
                for (side, charges) in [(&one, &ones), (&other, &others)] {
                    for charge in charges {
                        let receipt = charge.standing.receipt;
                        side.store.refund(nanos, charge.counter, receipt);
                    }
                }
            }
        }
    }
    answers
}

#[test]
fn together_and_one_after_the_other_are_the_same() {
    let [denied, passed, undecided] = compare(decide::<true>);
    assert!(denied > 1_000 && passed > 1_000 && undecided > 1_000);
}

#[test]
fn with_and_without_standings_is_the_same() {
    let passes = |now, charges: &mut [Charge<'_, MemoryCounter>]| match pass(now, charges) {
        true => Some(true),
        // Nothing is decided, and nothing booked.
        false => None,
    };
    let [_, passed, undecided] = compare(passes);
    assert!(passed > 1_000 && undecided > 1_000);
}

#[test]
fn several_at_once_are_what_one_call_says() {
    let acquires = |now, charges: &mut [Charge<'_, MemoryCounter>]| {
        acquire(now, charges);
        Some(charges.iter().all(|charge| charge.standing.is_allowed))
    };
    let [denied, passed, _] = compare(acquires);
    assert!(denied > 1_000 && passed > 1_000);
}

#[test]
fn what_passes_at_once() {
    let rule = Rule::Gcra(Gcra::new(UNIT, 2 * UNIT));
    let ladder = Rule::Ladder(Ladder::new(5, UNIT, UNIT, UNIT));
    // One unit is booked before where `first` is 1; then it is asked three times.
    for (name, policy, rule, overdraw, first, cost, expected) in [
        ("a new key", 0, rule, false, 0, 1, [false; 3]),
        (
            "a key that is there",
            0,
            rule,
            false,
            1,
            1,
            [true, false, false],
        ),
        ("the only key", 2, rule, false, 0, 1, [true, true, false]),
        ("a look", 2, rule, false, 0, 0, [false; 3]),
        ("in any case", 2, rule, true, 0, 1, [false; 3]),
        ("by a ladder", 2, ladder, false, 0, 1, [false; 3]),
    ] {
        let side = Side::new();
        let now = Nanos::new(START);
        let ask = |cost| Ask {
            policy,
            key: 7,
            rule,
            cost,
            overdraw,
        };
        acquire(now, &mut side.charges(&[ask(first)]));
        let passed = [(); 3].map(|()| pass(now, &mut side.charges(&[ask(cost)])));
        assert_eq!(passed, expected, "{name}");
    }
}
