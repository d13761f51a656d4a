use super::*;
use crate::rate_limit::rule::{Gcra, Rule};
use crate::rate_limit::store::Overflow;

const NOW: Nanos = Nanos::new(1_000_000_000);
const UNIT: u64 = 1_000_000;
const KEY: KeyHash = KeyHash::new(0x1234_5678_9abc_def0, 0);
const OTHER: KeyHash = KeyHash::new(0xfedc_ba98_7654_3210, 0);

fn quota(burst: u64) -> Rule {
    Rule::Gcra(Gcra::new(UNIT, burst * UNIT))
}

fn ladder() -> Rule {
    Rule::Ladder(Ladder::new(2, 1_000 * UNIT, 8_000 * UNIT, 60_000 * UNIT))
}

fn open(store: &MemoryStore, name: &str) -> Arc<MemoryCounter> {
    store.open(&CounterSpec::new(name, Overflow::Evict))
}

fn single(store: &MemoryStore, name: &str) -> Arc<MemoryCounter> {
    store.open(&CounterSpec::new(name, Overflow::Evict).single())
}

/// One charge; what came of it.
fn charge(store: &MemoryStore, counter: &MemoryCounter, rule: Rule, cost: u32) -> Standing {
    let mut charges = [Charge::new(counter, KEY, rule, cost)];
    assert!(matches!(store.acquire(NOW, &mut charges), Acquire::Ready));
    charges[0].standing
}

/// What is left of 5 units.
fn remaining(store: &MemoryStore, counter: &MemoryCounter) -> u64 {
    charge(store, counter, quota(5), 0).remaining
}

#[test]
fn a_capacity_is_checked_and_rounded_up() {
    for (asked, capacity, is_legal) in [
        (0, 1024, false),
        (1023, 1024, false),
        (1024, 1024, true),
        (1025, 2048, true),
        (1_000_000, 1 << 20, true),
        ((1 << 28) - 1, 1 << 28, true),
        (1 << 28, 1 << 28, true),
        ((1 << 28) + 1, 1 << 28, false),
        (usize::MAX, 1 << 28, false),
    ] {
        let store = MemoryStore::with_capacity(asked);
        assert_eq!(store.capacity(), capacity, "{asked}");
        let errors = store.config_errors();
        assert_eq!(errors.is_none(), is_legal, "{asked}");
        let Some(errors) = errors else { continue };
        let error = errors.iter().next().unwrap();
        assert_eq!(errors.len(), 1);
        assert_eq!(error.path(), "rate_limit.store.capacity");
        assert_eq!(error.code(), "capacity");
        assert_eq!(error.class(), ErrorClass::Invalid);
        assert!(
            error
                .message()
                .starts_with(&format!("invalid capacity {asked}: write "))
        );
        assert!(error.message().contains("3.3 times"));
        let expected = MemoryConfigError::Capacity { capacity: asked };
        assert_eq!(error.downcast::<MemoryConfigError>(), Some(&expected));
    }
    assert_eq!(MemoryStore::default().capacity(), 262_144);
    assert!(MemoryStore::default().config_errors().is_none());
}

#[test]
fn a_name_is_one_table_while_somebody_holds_it() {
    let store = MemoryStore::with_capacity(1024);
    let first = open(&store, "a");
    charge(&store, &first, quota(5), 3);
    // A clone of the store is the same store.
    let twin = store.clone();
    let second = open(&twin, "a");
    assert_eq!(remaining(&store, &second), 2);
    assert_eq!(remaining(&store, &open(&store, "b")), 5);
    // With the same name, a policy of one key counts by itself.
    assert_eq!(remaining(&store, &single(&store, "a")), 5);
    assert_eq!(
        remaining(&MemoryStore::default(), &open(&MemoryStore::default(), "a")),
        5
    );
    drop((first, second));
    assert_eq!(remaining(&store, &open(&store, "a")), 5);
}

#[test]
fn opening_again_changes_the_overflow() {
    let store = MemoryStore::with_capacity(1024);
    let flood = |counter: &MemoryCounter| {
        (0..20_000)
            .filter(|key| {
                let key = KeyHash::new(mixed(*key), 0);
                let mut charges = [Charge::new(counter, key, quota(5), 1)];
                store.acquire(NOW, &mut charges);
                !charges[0].standing.is_allowed
            })
            .count()
    };
    let counter = store.open(&CounterSpec::new("a", Overflow::Evict));
    assert_eq!(flood(&counter), 0);
    let again = store.open(&CounterSpec::new("a", Overflow::Deny));
    assert!(Arc::ptr_eq(&counter, &again));
    assert!(flood(&counter) > 18_000);
    store.open(&CounterSpec::new("a", Overflow::Share));
    flood(&counter);

    let stats = store.stats(NOW);
    let [stats] = &stats[..] else {
        panic!("{stats:?}");
    };
    assert_eq!(
        (stats.policy.as_str(), stats.capacity, stats.live),
        ("a", 1024, 1024)
    );
    assert_eq!(stats.evicted_live, 20_000 - 1024);
    assert!(stats.shared > 18_000);
}

fn mixed(key: u64) -> u64 {
    (key + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[test]
fn one_charge() {
    let store = MemoryStore::with_capacity(1024);
    for counter in [open(&store, "keyed"), single(&store, "single")] {
        let first = charge(&store, &counter, quota(5), 1);
        assert!(first.is_allowed);
        assert_eq!((first.remaining, first.reset, first.wait), (4, UNIT, 0));
        assert_ne!(first.receipt, Receipt::NONE);
        let second = charge(&store, &counter, quota(5), 5);
        assert_eq!(second, Standing::denied(4, UNIT, UNIT));
        let never = charge(&store, &counter, quota(5), 6);
        assert_eq!(never, Standing::denied(4, UNIT, Standing::NEVER));
        let look = charge(&store, &counter, quota(5), 0);
        assert_eq!(look, Standing::allowed(4, UNIT, Receipt::NONE));

        store.refund(NOW, &counter, first.receipt);
        assert_eq!(remaining(&store, &counter), 5);
        charge(&store, &counter, quota(5), 5);
        assert_eq!(remaining(&store, &counter), 0);
        store.refund(NOW, &counter, Receipt::NONE);
        store.refund(NOW, &counter, Receipt::new([u64::MAX; 4]));
        assert_eq!(remaining(&store, &counter), 0);
        store.reset(NOW, &counter, KEY);
        assert_eq!(remaining(&store, &counter), 5);
    }
}

#[test]
fn keys_are_told_apart_but_not_by_a_single_counter() {
    let store = MemoryStore::with_capacity(1024);
    for (counter, left) in [(open(&store, "keyed"), 4), (single(&store, "single"), 3)] {
        charge(&store, &counter, quota(5), 1);
        let mut charges = [Charge::new(&*counter, OTHER, quota(5), 1)];
        store.acquire(NOW, &mut charges);
        assert_eq!(charges[0].standing.remaining, left);
    }
}

#[test]
fn debts_are_overdrawn_and_healed() {
    let store = MemoryStore::with_capacity(1024);
    for counter in [open(&store, "keyed"), single(&store, "single")] {
        let mut charges = [Charge::new(&*counter, KEY, quota(5), 100)];
        charges[0].overdraw = true;
        store.acquire(NOW, &mut charges);
        assert_eq!(charges[0].standing.wait, 0);
        assert!(charges[0].standing.is_allowed);
        assert_eq!(charge(&store, &counter, quota(5), 1).wait, 6 * UNIT);

        // A quota of 5,000 units, then one of 5: the debt of 5,000 falls to 5 and is waited for.
        store.reset(NOW, &counter, KEY);
        charge(&store, &counter, quota(5_000), 5_000);
        assert_eq!(charge(&store, &counter, quota(5), 1).wait, UNIT);
        assert_eq!(charge(&store, &counter, quota(10), 1).remaining, 4);
    }
}

#[test]
fn ladders() {
    let store = MemoryStore::with_capacity(1024);
    for counter in [open(&store, "keyed"), single(&store, "single")] {
        let waits = |_| charge(&store, &counter, ladder(), 1).wait;
        assert_eq!([0; 3].map(waits), [0, 0, 1_000 * UNIT]);
        assert_eq!(
            store
                .stats(NOW)
                .iter()
                .map(|stats| stats.live)
                .sum::<usize>(),
            1
        );
        // Two rungs, each forgotten after a minute of quiet that begins in a second.
        let later = |seconds: u64| Nanos::new(NOW.get() + seconds * 1_000 * UNIT);
        for (seconds, live) in [(120, 1), (121, 0)] {
            let stats = store.stats(later(seconds));
            assert_eq!(
                stats.iter().map(|stats| stats.live).sum::<usize>(),
                live,
                "{seconds}"
            );
        }
        store.reset(NOW, &counter, KEY);
        charge(&store, &counter, ladder(), 1);
        let receipt = charge(&store, &counter, ladder(), 1).receipt;
        store.refund(NOW, &counter, receipt);
        assert_eq!([0; 2].map(waits), [0, 1_000 * UNIT]);
        store.reset(NOW, &counter, KEY);
    }
}

#[test]
fn all_or_none() {
    let store = MemoryStore::with_capacity(1024);
    let counters = ["a", "b", "c"].map(|name| open(&store, name));
    let left = || [0, 1, 2].map(|index| remaining(&store, &counters[index]));
    let acquire = |costs: [u32; 3]| {
        let mut index = 0;
        let mut charges = costs.map(|cost| {
            index += 1;
            Charge::new(&*counters[index - 1], KEY, quota(5), cost)
        });
        assert!(matches!(store.acquire(NOW, &mut charges), Acquire::Ready));
        charges.map(|charge| charge.standing)
    };
    assert!(
        acquire([1, 2, 3])
            .iter()
            .all(|standing| standing.is_allowed)
    );
    assert_eq!(left(), [4, 3, 2]);
    // Each of the three denies once; what would have passed says what is left, which nothing was taken from.
    for (costs, denied) in [
        ([5, 1, 1], 0),
        ([1, 4, 1], 1),
        ([1, 1, 3], 2),
        ([1, 1, 9], 2),
    ] {
        let standings = acquire(costs);
        for (index, standing) in standings.iter().enumerate() {
            assert_eq!(standing.is_allowed, index != denied, "{costs:?}");
            assert_eq!(standing.receipt, Receipt::NONE);
            assert_eq!(standing.remaining, [4, 3, 2][index], "{costs:?}");
            assert_eq!(standing.wait == 0, index != denied);
        }
        assert_eq!(left(), [4, 3, 2], "{costs:?}");
    }
    // A look among them books nothing, and what fits exactly does.
    let standings = acquire([4, 0, 2]);
    assert_eq!(standings.map(|standing| standing.is_allowed), [true; 3]);
    assert_eq!(standings[1].receipt, Receipt::NONE);
    assert_eq!(left(), [0, 3, 0]);
    store.acquire(NOW, &mut []);
}

#[test]
fn what_fits_alone_and_not_together_is_taken_back() {
    // Both charges are to one counter: the look at each finds room for it.
    let store = MemoryStore::with_capacity(1024);
    for (counter, rule) in [
        (open(&store, "a"), quota(5)),
        (single(&store, "b"), quota(5)),
    ] {
        let aside = open(&store, "aside");
        let mut charges = [
            Charge::new(&*aside, KEY, quota(5), 2),
            Charge::new(&*counter, KEY, rule, 3),
            Charge::new(&*counter, KEY, rule, 3),
        ];
        store.acquire(NOW, &mut charges);
        let standings = charges.map(|charge| charge.standing);
        assert_eq!(
            standings.map(|standing| standing.is_allowed),
            [true, true, false]
        );
        assert!(
            standings
                .iter()
                .all(|standing| standing.receipt == Receipt::NONE)
        );
        assert_eq!(remaining(&store, &counter), 5);
        assert_eq!(remaining(&store, &aside), 5);
        let mut charges = [
            Charge::new(&*counter, KEY, rule, 3),
            Charge::new(&*counter, KEY, rule, 2),
        ];
        store.acquire(NOW, &mut charges);
        assert_eq!(charges.map(|charge| charge.standing.is_allowed), [true; 2]);
        assert_eq!(remaining(&store, &counter), 0);
    }
}

#[test]
fn stats_are_those_of_the_policies_that_are_held() {
    let store = MemoryStore::with_capacity(1024);
    let (b, a) = (open(&store, "b"), single(&store, "a"));
    charge(&store, &b, quota(5), 2);
    let names = |stats: Vec<MemoryStats>| {
        let rows = stats
            .into_iter()
            .map(|stats| (stats.policy, stats.capacity, stats.live));
        rows.collect::<Vec<_>>()
    };
    assert_eq!(
        names(store.stats(NOW)),
        [("a".to_owned(), 1, 0), ("b".to_owned(), 1024, 1)]
    );
    // Paid after two units of time.
    let paid = Nanos::new(NOW.get() + 2 * UNIT);
    assert_eq!(
        names(store.stats(paid)),
        [("a".to_owned(), 1, 0), ("b".to_owned(), 1024, 0)]
    );
    drop(b);
    assert_eq!(names(store.stats(NOW)), [("a".to_owned(), 1, 0)]);
    drop(a);
    assert_eq!(store.stats(NOW), []);
}

#[test]
fn debug_shows_no_counters() {
    let store = MemoryStore::with_capacity(1024);
    assert_eq!(format!("{store:?}"), "MemoryStore { capacity: 1024, .. }");
    assert_eq!(format!("{:?}", open(&store, "a")), "MemoryCounter { .. }");
}
