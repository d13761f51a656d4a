//! What may happen to a set of two slots, on a clock that stands still.

use loom::sync::Arc;
use loom::thread;

use super::Overflow;
use super::fit::Fit;
use super::rule::Gcra;
use super::set::{Demand, Found, Ledger, Place, Set, Tag, Verdict};
use super::sync::Lock;
use super::word::{Left, Step, Undo, WordRule};

/// How often threads of a model of three are interrupted where they could have gone on. Models of two have no such bound.
const INTERRUPTIONS: usize = 3;

const NOW: u64 = 1_000_000_000;
const UNIT: u64 = 1_000;
/// Units that a key may owe.
const BURST: u64 = 4;
const MASK: u64 = 0x7f;

const KEY: u64 = 0x1_0000;
const FRESH: u64 = 0x2_0000;
const STRANGER: u64 = 0x3_0000;

/// `KEY`, and a stranger who owes two and a half units. Both slots are taken.
struct Model {
    set: Set,
    lock: Lock<Ledger>,
}

/// Gives a key this word, to begin with.
#[derive(Clone, Copy)]
struct Put(u64);

impl WordRule for Put {
    fn charge(self, word: u64, _: u64, _: u32) -> Step {
        Step::Pass {
            next: self.0,
            by: word,
            left: Left::default(),
        }
    }

    fn expiry(self, word: u64) -> u64 {
        word
    }

    fn refund(word: u64, _: u64, _: Undo) -> u64 {
        word
    }
}

const fn tag(key: u64) -> Tag {
    Tag::new(key, MASK)
}

const fn rule() -> Gcra {
    Gcra::new(UNIT, BURST * UNIT)
}

const fn demand(cost: u32) -> Demand<Gcra> {
    Demand {
        rule: rule(),
        now: NOW,
        cost,
    }
}

impl Model {
    /// Half units, so that nobody owes the same by accident.
    fn new(key_owes: u64) -> Self {
        let model = Self {
            set: Set::new(),
            lock: Lock::new(Ledger::default()),
        };
        for (key, owes) in [(STRANGER, 5), (KEY, key_owes)] {
            let word = NOW + owes * UNIT / 2;
            model.put(key, word);
        }
        model
    }

    fn put(&self, key: u64, word: u64) {
        let demand = Demand {
            rule: Put(word),
            now: NOW,
            cost: 1,
        };
        let ledger = &mut self.lock.hold();
        self.set
            .charge_held(ledger, tag(key), demand, Overflow::Evict);
    }

    /// As a table does it.
    fn charge(&self, key: u64, cost: u32) -> Option<Place> {
        let verdict = self.set.charge(tag(key), demand(cost)).unwrap_or_else(|| {
            let ledger = &mut self.lock.hold();
            self.set
                .charge_held(ledger, tag(key), demand(cost), Overflow::Evict)
        });
        match verdict {
            Verdict::Passed(_, place) => Some(place),
            Verdict::Denied(..) => None,
        }
    }

    fn refund(&self, place: Place) {
        self.set
            .refund_held::<Gcra>(&mut self.lock.hold(), place, NOW);
    }

    /// What a key owes, in half units.
    fn owes(&self, key: u64) -> Option<u64> {
        let Found::Word(word) = self.set.look(tag(key)) else {
            return None;
        };
        Some((word - NOW) * 2 / UNIT)
    }
}

/// Runs both sides in every order, and then `check` with what they gave.
fn both<A: 'static, B: Send + 'static>(
    make: fn() -> Model,
    one: fn(&Model) -> A,
    other: fn(&Model) -> B,
    check: fn(&Model, &A, &B),
) {
    loom::model(move || {
        let model = Arc::new(make());
        let shared = Arc::clone(&model);
        let thread = thread::spawn(move || other(&shared));
        let gave = one(&model);
        let other_gave = thread.join().unwrap();
        check(&model, &gave, &other_gave);
    });
}

/// The key that is charged owes least, two units. Charged first it owes three, and the stranger makes way; else it comes back.
fn assert_charge_was_booked(model: &Model, charged: Option<Place>) {
    assert!(charged.is_some(), "denied on a stranger's debt");
    let owes = model.owes(KEY);
    assert!(
        owes == Some(6) || owes == Some(2),
        "passed and owes {owes:?}"
    );
}

#[test]
fn a_charge_meets_a_slot_that_changes_hands() {
    both(
        || Model::new(4),
        |model| model.charge(KEY, 1),
        |model| model.charge(FRESH, 3),
        |model, charged, _| {
            assert_charge_was_booked(model, *charged);
            assert_eq!(model.owes(FRESH), Some(6), "charged for a stranger");
        },
    );
}

#[test]
fn two_charges_meet_a_slot_that_changes_hands() {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(INTERRUPTIONS);
    builder.check(|| {
        let model = Arc::new(Model::new(4));
        let threads = [(KEY, 1), (FRESH, 3)].map(|(key, cost)| {
            let model = Arc::clone(&model);
            thread::spawn(move || model.charge(key, cost))
        });
        let charged = model.charge(KEY, 1);
        for place in threads.map(|thread| thread.join().unwrap()) {
            assert!(place.is_some(), "denied on a stranger's debt");
        }
        assert!(charged.is_some(), "denied on a stranger's debt");
        assert_eq!(model.owes(FRESH), Some(6), "charged for a stranger");
        let owes = model.owes(KEY);
        assert!(
            owes == Some(8) || owes == Some(4),
            "passed twice and owes {owes:?}"
        );
    });
}

#[test]
fn a_charge_meets_a_slot_whose_new_key_may_not_be_charged() {
    both(
        || Model::new(4),
        |model| model.charge(KEY, 1),
        |model| model.charge(FRESH, 4),
        |model, charged, _| {
            assert_charge_was_booked(model, *charged);
            assert_eq!(model.owes(FRESH), Some(8), "charged for a stranger");
        },
    );
}

#[test]
fn a_charge_meets_a_slot_whose_new_word_is_the_old_one() {
    both(
        || Model::new(4),
        |model| model.charge(KEY, 1),
        |model| model.charge(FRESH, 2),
        |model, charged, _| assert_charge_was_booked(model, *charged),
    );
}

#[test]
fn a_look_meets_a_slot_that_changes_hands() {
    both(
        || Model::new(4),
        |model| model.set.look(tag(KEY)),
        |model| model.charge(FRESH, 3),
        |_, found, _| {
            let seen = [Found::Word(NOW + 2 * UNIT), Found::Nothing, Found::Busy];
            assert!(seen.contains(found), "looked at a stranger: {found:?}");
        },
    );
}

#[test]
fn a_refund_meets_a_slot_that_changes_hands() {
    both(
        || Model::new(2),
        |model| {
            let place = model.charge(KEY, 1);
            place.into_iter().for_each(|place| model.refund(place));
        },
        |model| model.charge(FRESH, 3),
        |model, (), _| {
            assert_eq!(model.owes(FRESH), Some(6), "credited for a stranger");
            // Where it was before, or forgotten, or forgotten and back and refunded.
            let owes = model.owes(KEY);
            assert!([None, Some(2), Some(0)].contains(&owes), "owes {owes:?}");
        },
    );
}

#[test]
fn a_refund_meets_a_slot_that_its_key_lost_and_got_back() {
    both(
        || Model::new(0),
        |model| {
            // Inserted anew if the other side was first.
            let place = model.charge(KEY, 1);
            place.into_iter().for_each(|place| model.refund(place));
        },
        |model| {
            // Takes the slot of whoever owes least, and loses it to the key again.
            let first = model.charge(FRESH, 1);
            let again = model.charge(KEY, 2);
            first.and(again)
        },
        |model, (), charged| {
            assert!(charged.is_some());
            // The two units were charged last or while the one was there; what was refunded is the one.
            assert_eq!(
                model.owes(KEY),
                Some(4),
                "a new debt was paid with an old receipt"
            );
        },
    );
}

#[test]
fn the_same_key_is_inserted_twice() {
    both(
        || Model::new(2),
        |model| model.charge(FRESH, 4),
        |model| model.charge(FRESH, 4),
        |model, one, other| {
            assert!(one.is_some() != other.is_some(), "{one:?} and {other:?}");
            assert_eq!(model.owes(FRESH), Some(8));
            assert_eq!(model.owes(STRANGER), Some(5), "one slot was enough");
        },
    );
}

#[test]
fn two_keys_are_inserted_at_once() {
    both(
        || Model::new(2),
        |model| model.charge(FRESH, 3),
        |model| model.charge(FRESH << 4, 4),
        |model, one, other| {
            assert!(one.is_some() && other.is_some());
            assert_eq!(model.owes(FRESH), Some(6));
            assert_eq!(model.owes(FRESH << 4), Some(8));
        },
    );
}

#[test]
fn two_charges_share_what_is_left() {
    both(
        || Model::new(4),
        |model| model.charge(KEY, 2),
        |model| model.charge(KEY, 1),
        |model, one, other| {
            let units = [one.map_or(0, |_| 2), other.map_or(0, |_| 1)];
            assert_eq!(units.iter().filter(|units| **units > 0).count(), 1);
            assert_eq!(model.owes(KEY), Some(4 + 2 * units.iter().sum::<u64>()));
        },
    );
}

/// A charge to two policies, of which the second denies once the first is booked.
#[test]
fn a_roll_back_meets_a_charge() {
    both(
        || Model::new(4),
        |model| {
            let place = model.charge(KEY, 1);
            place.into_iter().for_each(|place| model.refund(place));
        },
        |model| model.charge(KEY, 2),
        |model, (), charged| {
            // Denied while the other was booked: stricter for a moment.
            let owes = if charged.is_some() { 8 } else { 4 };
            assert_eq!(model.owes(KEY), Some(owes));
        },
    );
}

/// Two charges to the same two policies, each of which has room for one: never both, and what is denied leaves nothing behind.
#[test]
fn two_policies_are_charged_crosswise() {
    const OTHER: u64 = STRANGER;
    fn acquire(model: &Model, first: u64, second: u64) -> bool {
        let Some(place) = model.charge(first, 1) else {
            return false;
        };
        let passed = model.charge(second, 1).is_some();
        if !passed {
            model.refund(place);
        }
        passed
    }
    both(
        || {
            let model = Model::new(6);
            model.put(OTHER, NOW + 3 * UNIT);
            model
        },
        |model| acquire(model, KEY, OTHER),
        |model| acquire(model, OTHER, KEY),
        |model, one, other| {
            assert!(!(*one && *other), "each had room for one");
            let owes = if *one || *other { 8 } else { 6 };
            assert_eq!(model.owes(KEY), Some(owes));
            assert_eq!(model.owes(OTHER), Some(owes));
        },
    );
}

/// Looks at both charges, and books them where they were found if both fit. `None`: somebody else was faster, and nothing is booked.
fn acquire_looked_at(model: &Model, keys: [u64; 2]) -> Option<bool> {
    let [first, second] = keys.map(|key| model.set.find(tag(key))?.offer(demand(1)));
    let (Verdict::Passed(_, first), Verdict::Passed(_, second)) = (first?, second?) else {
        return Some(false);
    };
    let book = |fit: Fit<'_>| match fit.exchange() {
        Ok(stands) => stands.then(|| fit.place()),
        Err(newer) => match fit.charge_again(newer, demand(1))? {
            Verdict::Passed(_, fit) => Some(fit.place()),
            Verdict::Denied(..) => None,
        },
    };
    let place = book(first)?;
    if book(second).is_none() {
        model.refund(place);
        return None;
    }
    Some(true)
}

#[test]
fn two_policies_that_were_looked_at_are_charged_crosswise() {
    both(
        || {
            let model = Model::new(6);
            model.put(STRANGER, NOW + 3 * UNIT);
            model
        },
        |model| acquire_looked_at(model, [KEY, STRANGER]),
        |model| acquire_looked_at(model, [STRANGER, KEY]),
        |model, one, other| {
            let passed = [*one, *other]
                .iter()
                .filter(|is| **is == Some(true))
                .count();
            assert!(passed < 2, "each had room for one");
            let owes = if passed == 1 { 8 } else { 6 };
            assert_eq!(model.owes(KEY), Some(owes));
            assert_eq!(model.owes(STRANGER), Some(owes));
        },
    );
}

#[test]
fn two_policies_that_were_looked_at_meet_a_charge() {
    both(
        || Model::new(4),
        |model| acquire_looked_at(model, [STRANGER, KEY]),
        |model| model.charge(KEY, 2),
        |model, looked, charged| match (looked, charged) {
            // There is room for one of the two.
            (Some(true), None) => {
                assert_eq!((model.owes(KEY), model.owes(STRANGER)), (Some(6), Some(7)));
            }
            (Some(false) | None, Some(_)) => {
                assert_eq!((model.owes(KEY), model.owes(STRANGER)), (Some(8), Some(5)));
            }
            both => panic!("{both:?}"),
        },
    );
}

#[test]
fn two_policies_that_were_looked_at_meet_a_slot_that_changes_hands() {
    both(
        || Model::new(4),
        |model| acquire_looked_at(model, [KEY, STRANGER]),
        |model| model.charge(FRESH, 3),
        |model, looked, charged| {
            assert!(charged.is_some());
            assert_eq!(
                model.owes(FRESH),
                Some(6),
                "charged or credited for a stranger"
            );
            // One of the two made way for the fresh key, before or after.
            let owe = (model.owes(KEY), model.owes(STRANGER));
            let expected = match looked {
                Some(true) => [(None, Some(7)), (Some(6), None)],
                Some(false) => panic!("denied on a stranger's debt"),
                None => [(None, Some(5)), (Some(4), None)],
            };
            assert!(expected.contains(&owe), "{looked:?}: {owe:?}");
        },
    );
}

/// The key owes what no quota of today allows, as after one was lowered.
fn unhealthy() -> Model {
    let model = Model::new(4);
    let far = NOW + 3_000_000_000;
    model.put(KEY, far);
    model.put(STRANGER, far + UNIT);
    model
}

#[test]
fn healing_meets_a_slot_that_changes_hands() {
    both(
        unhealthy,
        |model| model.charge(KEY, 1),
        |model| model.charge(FRESH, 3),
        |model, charged, inserted| {
            assert!(inserted.is_some());
            let owe = (model.owes(KEY), model.owes(FRESH));
            match charged {
                // Forgotten before it was looked at, it took the slot of the fresh key, who owed least.
                Some(_) => assert_eq!(owe, (Some(2), None)),
                None => assert_eq!(owe, (None, Some(6)), "healed for a stranger"),
            }
        },
    );
}

#[test]
fn healing_meets_healing() {
    both(
        unhealthy,
        |model| model.charge(KEY, 1),
        |model| model.charge(KEY, 2),
        |model, one, other| {
            assert!(
                one.is_none() && other.is_none(),
                "a healed key owes all it may"
            );
            assert_eq!(model.owes(KEY), Some(8));
        },
    );
}
