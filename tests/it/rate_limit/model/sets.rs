//! Keys of one set: what is given up for whom.
//!
//! Which keys fall together is a secret of the store. Keys of one set are found by what they do to each other.

use std::collections::BTreeMap;
use std::time::Duration;

use tower_security::rate_limit::Overflow;

use super::{Both, Choices, Model, Part, SECOND, START, Subject, assert_same};

/// What one set holds.
const WAYS: usize = 8;

/// The smallest store there is.
const CAPACITY: usize = 1 << 10;

/// When nothing is left of the search for keys of one set.
pub(in crate::rate_limit) const AFTERWARDS: u64 = START + 10 * SECOND;

/// Returns `count` keys that share a set.
///
/// The whole store is full of keys that owe much. One of them, who owes little, is the next to suffer in its set: what a new key
/// does to it shows whether they are neighbours.
pub(in crate::rate_limit) fn keys_of_one_set(
    subject: &Subject,
    overflow: Overflow,
    count: usize,
) -> Vec<u64> {
    let quota = Both::new(1_000, Duration::from_secs(1), 1_000);
    let charge = |key, cost| subject.one(START, key, quota, cost);
    for key in 0..20_000 {
        charge(key, 500);
    }
    let mut together = Vec::new();
    let mut key = 20_000;
    while together.len() < count {
        subject.reset(START, 0, 0);
        if overflow != Overflow::Deny {
            assert_eq!(charge(0, 100).remaining, 900);
        }
        loop {
            key += 1;
            assert!(key < 200_000, "one key in 128 is a neighbour");
            let is_allowed = charge(key, 400).is_allowed;
            match overflow {
                Overflow::Deny if is_allowed => {
                    subject.reset(START, 0, key);
                    break;
                }
                Overflow::Deny => {}
                _ if charge(0, 0).remaining != 900 => break,
                _ => {}
            }
        }
        together.push(key);
    }
    together
}

/// Whose counters a set holds, and what they owe until when.
struct Set {
    overflow: Overflow,
    until: BTreeMap<u64, i128>,
    model: Model,
}

impl Set {
    /// Returns whose bucket `key` uses; `None` if it is refused.
    fn host(&mut self, key: u64, now: i128) -> Option<u64> {
        if self.until.contains_key(&key) {
            return Some(key);
        }
        self.until.retain(|_, until| *until > now);
        if self.until.len() < WAYS {
            return Some(key);
        }
        let (&least, _) = self.until.iter().min_by_key(|(_, until)| **until)?;
        match self.overflow {
            Overflow::Share => Some(least),
            Overflow::Deny => None,
            _ => {
                self.until.remove(&least);
                self.model.buckets.remove(&(0, least));
                Some(key)
            }
        }
    }
}

/// 16 keys in 8 slots: each answer is that of the model.
fn one_set_agrees(overflow: Overflow, costs: u64) {
    let quota = Both::new(4, Duration::from_secs(40), 4);
    let subject = Subject::new(1, CAPACITY, overflow);
    let keys = keys_of_one_set(&subject, overflow, 2 * WAYS);
    let mut set = Set {
        overflow,
        until: BTreeMap::new(),
        model: Model::default(),
    };
    let mut choices = Choices(42);
    let mut now = AFTERWARDS;
    let mut refused = 0;
    for nth in 0..20_000 {
        // Never twice the same time, so that no two keys owe the same.
        now += 1 + choices.below(3 * SECOND);
        let key = keys[choices.below(keys.len() as u64) as usize];
        let cost = choices.below(costs) as u32 + 1;
        let standing = subject.one(now, key, quota, cost);
        if cost > 4 {
            // What never fits takes no room from anybody.
            assert!(!standing.is_allowed, "step {nth}");
            continue;
        }
        let Some(host) = set.host(key, now.into()) else {
            assert!(!standing.is_allowed, "step {nth}");
            refused += 1;
            continue;
        };
        let part = Part::new(0, host, quota, cost);
        let (verdict, _) = set.model.acquire(now.into(), &[part])[0];
        assert_same(&standing, &verdict, (nth, key, host, cost));
        if verdict.is_allowed {
            let level = set.model.bucket(part).level(now.into());
            set.until.insert(host, i128::from(now) + level);
        }
    }
    assert_eq!(refused > 0, overflow == Overflow::Deny, "{refused} refused");
}

#[test]
fn the_key_that_owes_least_is_forgotten() {
    one_set_agrees(Overflow::Evict, 5);
}

#[test]
fn the_key_that_owes_least_shares() {
    one_set_agrees(Overflow::Share, 5);
}

#[test]
fn a_new_key_is_refused() {
    one_set_agrees(Overflow::Deny, 5);
}

/// Who owes nothing any more makes room before anybody who owes, however long he has been there.
#[test]
fn who_owes_goes_after_who_does_not() {
    let quota = Both::new(10, Duration::from_secs(10), 10);
    for overflow in [Overflow::Evict, Overflow::Share, Overflow::Deny] {
        let subject = Subject::new(1, CAPACITY, overflow);
        let keys = keys_of_one_set(&subject, overflow, WAYS + 2);
        let now = AFTERWARDS;
        for (nth, &key) in keys[..WAYS].iter().enumerate() {
            assert!(subject.one(now, key, quota, 10 - nth as u32).is_allowed);
        }
        // The eighth owes 3 s and the seventh 4 s.
        let remaining = |now, nth: usize| subject.one(now, keys[nth], quota, 0).remaining;
        let later = now + 3 * SECOND;
        assert!(subject.one(later, keys[8], quota, 7).is_allowed);
        assert_eq!([6, 8].map(|nth| remaining(later, nth)), [9, 3]);
        let ninth = subject.one(later, keys[9], quota, 8);
        match overflow {
            Overflow::Evict => {
                assert!(ninth.is_allowed);
                assert_eq!([6, 8, 9].map(|nth| remaining(later, nth)), [10, 3, 2]);
            }
            Overflow::Share => {
                assert_eq!((ninth.is_allowed, ninth.remaining), (true, 1));
                assert_eq!([6, 8].map(|nth| remaining(later, nth)), [1, 3]);
            }
            _ => {
                assert!(!ninth.is_allowed);
                assert_eq!([6, 8].map(|nth| remaining(later, nth)), [9, 3]);
            }
        }
    }
}

/// A receipt is of a charge to a key. What another key owes in the same place is not touched by it.
#[test]
fn a_refund_after_the_slot_went_to_another_key_does_nothing() {
    let quota = Both::new(10, Duration::from_secs(10), 10);
    let subject = Subject::new(1, CAPACITY, Overflow::Evict);
    let keys = keys_of_one_set(&subject, Overflow::Evict, 2 * WAYS);
    let (first, second) = keys.split_at(WAYS);
    let receipts = first
        .iter()
        .map(|&key| subject.one(AFTERWARDS, key, quota, 5).receipt)
        .collect::<Vec<_>>();
    // They owe more than all of the first, so that none of them takes the place of another.
    for &key in second {
        assert!(subject.one(AFTERWARDS, key, quota, 6).is_allowed);
    }
    for receipt in receipts {
        subject.refund(AFTERWARDS, 0, receipt);
    }
    for &key in second {
        assert_eq!(subject.one(AFTERWARDS, key, quota, 0).remaining, 4);
    }
    // Nor is a key credited that was forgotten and has come back, maybe to the same place.
    let receipts = second
        .iter()
        .map(|&key| subject.one(AFTERWARDS, key, quota, 1).receipt);
    let receipts = receipts.collect::<Vec<_>>();
    for &key in first {
        assert!(subject.one(AFTERWARDS, key, quota, 8).is_allowed);
    }
    for &key in second {
        assert!(subject.one(AFTERWARDS, key, quota, 9).is_allowed);
    }
    for receipt in receipts {
        subject.refund(AFTERWARDS, 0, receipt);
    }
    for &key in second {
        assert_eq!(subject.one(AFTERWARDS, key, quota, 0).remaining, 1);
    }
}

/// Whoever finds keys that fall together in one policy has found nothing for another, nor for another store.
#[test]
fn each_table_has_a_secret_of_its_own() {
    let quota = Both::new(10, Duration::from_secs(10), 10);
    let subject = Subject::new(2, CAPACITY, Overflow::Deny);
    let keys = keys_of_one_set(&subject, Overflow::Deny, 2 * WAYS);
    let passed = |subject: &Subject, policy| {
        let passes = |&key: &u64| {
            let part = Part::new(policy, key, quota, 1);
            subject.acquire(AFTERWARDS, &[part])[0].is_allowed
        };
        keys.iter().filter(|&key| passes(key)).count()
    };
    assert_eq!(passed(&subject, 0), WAYS);
    assert_eq!(passed(&subject, 1), 2 * WAYS);
    assert_eq!(
        passed(&Subject::new(1, CAPACITY, Overflow::Deny), 0),
        2 * WAYS
    );
}

/// A clock that goes back does not give a key that was forgotten in the meantime what it had used.
#[test]
fn a_key_that_is_new_when_the_clock_went_back_counts_from_the_latest_time() {
    let quota = Both::new(10, Duration::from_secs(10), 10);
    let subject = Subject::new(1, CAPACITY, Overflow::Evict);
    let keys = keys_of_one_set(&subject, Overflow::Evict, 2 * WAYS);
    let (first, second) = keys.split_at(WAYS);
    for &key in first {
        assert!(subject.one(AFTERWARDS, key, quota, 10).is_allowed);
    }
    // They owe nothing any more, and their places are taken.
    let later = AFTERWARDS + 10 * SECOND;
    for &key in second {
        assert!(subject.one(later, key, quota, 1).is_allowed);
    }
    // Back to when they owed 9 s, after the others have left: nobody gets more than one burst from 10 s later on.
    for &key in second {
        subject.reset(AFTERWARDS + SECOND, 0, key);
    }
    for &key in first {
        assert!(subject.one(AFTERWARDS + SECOND, key, quota, 10).is_allowed);
        let again = subject.one(later, key, quota, 1);
        assert_eq!((again.is_allowed, again.wait), (false, SECOND));
    }
}
/// A look cannot know that there is no room for a new key: what was booked before is taken back.
#[test]
fn a_refusal_for_want_of_room_takes_back_what_the_other_policies_booked() {
    let quota = Both::new(10, Duration::from_secs(10), 10);
    let subject = Subject::new(4, CAPACITY, Overflow::Deny);
    let keys = keys_of_one_set(&subject, Overflow::Deny, WAYS + 1);
    let (last, others) = keys.split_last().expect("nine keys");
    for &key in others {
        assert!(subject.one(AFTERWARDS, key, quota, 5).is_allowed);
    }
    for place in 0..4 {
        // The policy without room comes first, last or between.
        let mut order = [1, 2, 3, 0];
        order.rotate_right(place);
        let parts = order.map(|policy| Part::new(policy, *last, quota, 1 + policy as u32));
        let standings = subject.acquire(AFTERWARDS, &parts);
        for (policy, standing) in order.into_iter().zip(standings) {
            let said = (standing.is_allowed, standing.remaining);
            assert_eq!(said, (policy != 0, if policy == 0 { 0 } else { 10 }));
        }
    }
    for policy in 1..4 {
        let all = subject.acquire(AFTERWARDS, &[Part::new(policy, *last, quota, 10)])[0];
        assert!(all.is_allowed, "policy {policy}");
    }
}
