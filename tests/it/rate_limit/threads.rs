//! Several threads at one store, and floods of new keys.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use tower_security::rate_limit::key::KeyHash;
use tower_security::rate_limit::{
    Acquire, Charge, CounterSpec, MemoryStore, Nanos, Overflow, Quota, Rule, Standing, Store,
};

type Counter = <MemoryStore as Store>::Counter;

const NOW: Nanos = Nanos::new(1 << 40);
const THREADS: usize = 4;

/// More than any round sums up to.
const PANICKED: u64 = 1 << 40;

/// In a debug build a tenth is enough: `benches/rate_store.rs` floods with all ten million.
const FLOOD: u64 = 1_000_000;

fn rule(limit: u32, seconds: u64) -> Rule {
    let quota = Quota::new(limit, Duration::from_secs(seconds));
    quota.rule().expect("a legal quota")
}

/// All 64 bits depend on all of the number, and no two numbers give the same.
fn key(number: u64) -> KeyHash {
    let mut word = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    KeyHash::new(word ^ (word >> 31), 0)
}

fn open(store: &MemoryStore, name: &str, overflow: Overflow) -> Arc<Counter> {
    store.open(&CounterSpec::new(name, overflow))
}

/// Charges one unit of each, together.
fn charge<const N: usize>(store: &MemoryStore, of: [(&Counter, u64, Rule); N]) -> [Standing; N] {
    let mut charges = of.map(|(counter, number, rule)| Charge::new(counter, key(number), rule, 1));
    let answer = store.acquire(NOW, &mut charges);
    assert!(matches!(answer, Acquire::Ready), "memory answers at once");
    charges.map(|charge| charge.standing)
}

fn passes(store: &MemoryStore, counter: &Counter, number: u64, rule: Rule) -> bool {
    charge(store, [(counter, number, rule)])[0].is_allowed
}

/// As a limiter asks: first whether they simply pass.
fn pass_or_charge<const N: usize>(store: &MemoryStore, of: [(&Counter, u64, Rule); N]) -> bool {
    let mut charges = of.map(|(counter, number, rule)| Charge::new(counter, key(number), rule, 1));
    store.pass(NOW, &mut charges) || charge(store, of).iter().all(|standing| standing.is_allowed)
}

fn remaining(store: &MemoryStore, counter: &Counter, number: u64, rule: Rule) -> u64 {
    let mut looks = [Charge::new(counter, key(number), rule, 0)];
    assert!(matches!(store.acquire(NOW, &mut looks), Acquire::Ready));
    looks[0].standing.remaining
}

/// Runs `work(thread, round)` on several threads, which begin each round together, and returns the sums of the rounds.
fn rounds(count: usize, work: impl Fn(usize, usize) -> u64 + Sync) -> Vec<u64> {
    let sums = (0..count).map(|_| AtomicU64::new(0)).collect::<Vec<_>>();
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (work, sums, barrier) = (&work, &sums, &barrier);
            scope.spawn(move || {
                for (round, sum) in sums.iter().enumerate() {
                    barrier.wait();
                    // The others would wait for a thread that is gone.
                    let done = catch_unwind(AssertUnwindSafe(|| work(thread, round)));
                    sum.fetch_add(done.unwrap_or(PANICKED), Ordering::Relaxed);
                }
            });
        }
    });
    let panicked = sums
        .iter()
        .any(|sum| sum.load(Ordering::Relaxed) >= PANICKED);
    assert!(!panicked, "a thread has panicked");
    sums.into_iter().map(AtomicU64::into_inner).collect()
}

#[test]
fn a_burst_of_fifty_is_fifty_for_all_threads_together() {
    let store = MemoryStore::with_capacity(1 << 14);
    let counter = open(&store, "ip", Overflow::Evict);
    let rule = rule(50, 60);
    let sums = rounds(200, |_, round| {
        let tries = (0..200).filter(|_| passes(&store, &counter, round as u64, rule));
        tries.count() as u64
    });
    assert_eq!(sums, [50; 200]);
}

#[test]
fn a_burst_of_fifty_is_fifty_where_all_keys_are_one() {
    let store = MemoryStore::with_capacity(1 << 14);
    let counters = (0..200)
        .map(|round| {
            store.open(&CounterSpec::new(&format!("all{round}"), Overflow::Evict).single())
        })
        .collect::<Vec<_>>();
    let rule = rule(50, 60);
    let sums = rounds(200, |thread, round| {
        let keys = (0..200).map(|nth| nth * thread as u64);
        keys.filter(|&key| passes(&store, &counters[round], key, rule))
            .count() as u64
    });
    assert_eq!(sums, [50; 200]);
}

/// Long enough for the threads to meet at every step of a charge, and repeated, since on a busy machine they may not.
#[test]
fn a_long_burst_is_counted_to_the_last_one() {
    let store = MemoryStore::with_capacity(1 << 14);
    let keyed = CounterSpec::new("keyed", Overflow::Evict);
    let single = CounterSpec::new("single", Overflow::Evict).single();
    let rule = rule(100_000, 3_600);
    for spec in [keyed, single] {
        for _ in 0..8 {
            let counter = store.open(&spec);
            let sums = rounds(1, |_, _| {
                let tries = (0..50_000).filter(|_| passes(&store, &counter, 1, rule));
                tries.count() as u64
            });
            assert_eq!(sums, [100_000], "{}", spec.name);
        }
    }
}

#[test]
fn of_several_first_charges_with_a_burst_of_one_exactly_one_passes() {
    let store = MemoryStore::with_capacity(1 << 16);
    let counter = open(&store, "ip", Overflow::Evict);
    let rule = rule(1, 60);
    // Each thread meets the new keys in another order, so that all find keys that are just being made.
    let sums = rounds(400, |thread, round| {
        let first = round as u64 * 16;
        let keys = (0..16).map(|nth| first + (nth + thread as u64 * 5) % 16);
        keys.filter(|&key| passes(&store, &counter, key, rule))
            .count() as u64
    });
    assert_eq!(sums, [16; 400]);
}

#[test]
fn the_short_way_and_the_long_one_share_a_burst() {
    let store = MemoryStore::with_capacity(1 << 14);
    let counter = open(&store, "ip", Overflow::Evict);
    let names = (0..200).map(|round| format!("all{round}"));
    let singles = names.map(|name| store.open(&CounterSpec::new(&name, Overflow::Evict).single()));
    let singles = singles.collect::<Vec<_>>();
    let rule = rule(50, 60);
    let sums = rounds(400, |thread, round| {
        let counter = if round < 200 {
            &counter
        } else {
            &singles[round - 200]
        };
        let tries = (0..200).filter(|nth| match (nth + thread) % 3 {
            0 => passes(&store, counter, round as u64, rule),
            _ => pass_or_charge(&store, [(&**counter, round as u64, rule)]),
        });
        tries.count() as u64
    });
    assert_eq!(sums, [50; 400]);
}

#[test]
fn three_policies_that_are_booked_where_they_were_looked_at_never_pass_more_than_the_smallest() {
    let store = MemoryStore::with_capacity(1 << 14);
    let [wide, narrow, other] =
        ["wide", "narrow", "other"].map(|name| open(&store, name, Overflow::Evict));
    let (many, few) = (rule(60, 60), rule(20, 60));
    let sums = rounds(100, |thread, round| {
        let round = round as u64;
        let [a, b, c] = [
            (&*wide, round, many),
            (&*narrow, round, few),
            (&*other, round, many),
        ];
        let tries = (0..50).filter(|nth| match (nth + thread) % 4 {
            0 => pass_or_charge(&store, [a, b, c]),
            1 => pass_or_charge(&store, [c, b, a]),
            2 => pass_or_charge(&store, [b, c, a]),
            _ => charge(&store, [b, a, c])
                .iter()
                .all(|standing| standing.is_allowed),
        });
        tries.count() as u64
    });
    for (round, &sum) in sums.iter().enumerate() {
        assert!((1..=20).contains(&sum), "round {round}: {sum}");
        let round = round as u64;
        assert_eq!(remaining(&store, &narrow, round, few), 20 - sum);
        for counter in [&wide, &other] {
            assert_eq!(remaining(&store, counter, round, many), 60 - sum);
        }
    }
}

#[test]
fn two_policies_together_never_pass_more_than_the_smaller_one() {
    let store = MemoryStore::with_capacity(1 << 14);
    let wide = open(&store, "wide", Overflow::Evict);
    let narrow = open(&store, "narrow", Overflow::Evict);
    let (many, few) = (rule(60, 60), rule(20, 60));
    let sums = rounds(100, |thread, round| {
        let round = round as u64;
        let tries = (0..50).filter(|nth| {
            // Half of the charges name the policies in the other order.
            let charges = [(&*wide, round, many), (&*narrow, round, few)];
            let standings = if (nth + thread) % 2 == 0 {
                charge(&store, charges)
            } else {
                charge(&store, [charges[1], charges[0]])
            };
            standings.iter().all(|standing| standing.is_allowed)
        });
        tries.count() as u64
    });
    for (round, &sum) in sums.iter().enumerate() {
        // Another thread's charge that is about to be taken back may deny one that would fit; it never lets one more pass.
        assert!((1..=20).contains(&sum), "round {round}: {sum}");
        let round = round as u64;
        assert_eq!(remaining(&store, &narrow, round, few), 20 - sum);
        // What was taken back is there again.
        assert_eq!(remaining(&store, &wide, round, many), 60 - sum);
    }
}

#[test]
fn refunds_beside_charges_give_back_what_was_charged() {
    let store = MemoryStore::with_capacity(1 << 14);
    let counter = open(&store, "ip", Overflow::Evict);
    let rule = rule(100, 60);
    let sums = rounds(100, |_, round| {
        let mut kept = 0;
        for nth in 0..100 {
            let [standing] = charge(&store, [(&counter, round as u64, rule)]);
            if standing.is_allowed && nth % 3 == 0 {
                store.refund(NOW, &counter, standing.receipt);
            } else if standing.is_allowed {
                kept += 1;
            }
        }
        kept
    });
    for (round, &sum) in sums.iter().enumerate() {
        assert!(sum <= 100, "round {round}: {sum}");
        let left = remaining(&store, &counter, round as u64, rule);
        assert_eq!(left, 100 - sum, "round {round}");
    }
}

/// The store is full, and every key evicts one of its set while others are about to be charged there.
#[test]
fn nobody_is_denied_for_what_the_key_before_him_owed() {
    let store = MemoryStore::with_capacity(1 << 10);
    let counter = open(&store, "ip", Overflow::Evict);
    let rule = rule(1, 60);
    let sums = rounds(20, |thread, round| {
        let first = (thread + round * THREADS) as u64 * 2_000;
        let keys = first..first + 2_000;
        keys.filter(|&key| passes(&store, &counter, key, rule))
            .count() as u64
    });
    assert_eq!(sums, [4 * 2_000; 20]);
}

/// Sixteen keys of one set of eight slots, on four threads: what eight keys may have is all that sixteen get.
#[test]
fn a_storm_in_one_set_passes_what_eight_keys_may_have() {
    use super::model::{AFTERWARDS, Both, Subject, keys_of_one_set};

    for overflow in [Overflow::Share, Overflow::Deny] {
        for burst in [1, 20] {
            let subject = Subject::new(1, 1 << 10, overflow);
            let keys = keys_of_one_set(&subject, overflow, 16);
            let quota = Both::new(burst, Duration::from_secs(60), burst);
            let sums = rounds(100, |thread, round| {
                let now = AFTERWARDS + round as u64 * 61_000_000_000;
                let tries = (0..16 * burst as usize).filter(|nth| {
                    let key = keys[(nth * 7 + thread * 3) % 16];
                    match nth % 2 {
                        0 => subject.simply_or(now, key, quota, 1),
                        _ => subject.one(now, key, quota, 1).is_allowed,
                    }
                });
                tries.count() as u64
            });
            assert_eq!(sums, [8 * u64::from(burst); 100], "{overflow:?}");
        }
    }
}

/// Seven offenders of one set, while new keys of the same set take the eighth slot from each other.
#[test]
fn a_storm_in_one_set_frees_no_offender() {
    use super::model::{AFTERWARDS, Both, Subject, keys_of_one_set};

    let subject = Subject::new(1, 1 << 10, Overflow::Evict);
    let keys = keys_of_one_set(&subject, Overflow::Evict, 7 + 40);
    let quota = Both::new(50, Duration::from_secs(50), 50);
    let (offenders, others) = keys.split_at(7);
    for &key in offenders {
        assert!(subject.one(AFTERWARDS, key, quota, 50).is_allowed);
    }
    let sums = rounds(50, |thread, round| {
        let now = AFTERWARDS + round as u64;
        if thread == 0 {
            let again =
                (0..700).filter(|nth| subject.one(now, offenders[nth % 7], quota, 1).is_allowed);
            return again.count() as u64;
        }
        for nth in 0..400 {
            let key = others[(nth * 3 + thread * 13) % others.len()];
            assert!(
                subject
                    .one(now, key, quota, 1 + (nth % 3) as u32)
                    .is_allowed
                    || nth > 20
            );
        }
        0
    });
    assert_eq!(sums, [0; 50]);
}

#[test]
fn a_million_keys_with_a_burst_of_one_all_pass_once() {
    const KEYS: u64 = 1_000_000;
    let store = MemoryStore::with_capacity(1 << 22);
    let counter = open(&store, "ip", Overflow::Evict);
    let rule = rule(1, 3_600);
    let share = KEYS / THREADS as u64;
    let sums = rounds(1, |thread, _| {
        let keys = thread as u64 * share..(thread as u64 + 1) * share;
        keys.filter(|&key| passes(&store, &counter, key, rule))
            .count() as u64
    });
    assert_eq!(sums, [KEYS]);
    // And hardly any of them was forgotten: 4 million slots hold a million keys.
    let again = (0..10_000).filter(|&key| passes(&store, &counter, key * 100, rule));
    assert!(again.count() <= 10);
}

/// Offenders in 65,536 slots, 20,000 of them: 30 % of what fits.
struct Flooded {
    store: MemoryStore,
    slow: Arc<Counter>,
    fast: Arc<Counter>,
}

const OFFENDERS: u64 = 20_000;
const SLOW: u32 = 5;

impl Flooded {
    fn new(overflow: Overflow) -> Self {
        let store = MemoryStore::with_capacity(1 << 16);
        let slow = open(&store, "slow", overflow);
        let fast = open(&store, "fast", overflow);
        let rule = rule(SLOW, 3_600);
        for number in 0..OFFENDERS {
            for _ in 0..SLOW {
                passes(&store, &slow, number, rule);
            }
        }
        Self { store, slow, fast }
    }

    /// One charge from each of many keys, to one policy or to both.
    fn flood(&self, with_fast: bool) -> u64 {
        let (slow, fast) = (rule(SLOW, 3_600), rule(1_000, 1));
        let sums = rounds(1, |thread, _| {
            let share = FLOOD / THREADS as u64;
            let first = 1_000_000 + thread as u64 * share;
            let keys = first..first + share;
            let passed = keys.filter(|&number| {
                if !with_fast {
                    return passes(&self.store, &self.slow, number, slow);
                }
                let both = [(&*self.slow, number, slow), (&*self.fast, number, fast)];
                charge(&self.store, both)
                    .iter()
                    .all(|standing| standing.is_allowed)
            });
            passed.count() as u64
        });
        sums[0]
    }

    fn freed(&self) -> u64 {
        let rule = rule(SLOW, 3_600);
        let all = 0..OFFENDERS;
        all.filter(|&number| remaining(&self.store, &self.slow, number, rule) > 0)
            .count() as u64
    }
}

#[test]
fn a_flood_of_new_keys_frees_half_a_percent_of_the_offenders_at_most() {
    for with_fast in [false, true] {
        let flooded = Flooded::new(Overflow::Evict);
        let before = flooded.freed();
        assert_eq!(flooded.flood(with_fast), FLOOD, "nobody is falsely limited");
        let after = flooded.freed();
        assert!(
            after <= OFFENDERS / 200,
            "{after} freed, of which {before} before the flood"
        );
    }
}

#[test]
fn where_counters_are_shared_no_offender_is_freed() {
    for with_fast in [false, true] {
        let flooded = Flooded::new(Overflow::Share);
        flooded.flood(with_fast);
        assert_eq!(flooded.freed(), 0);
        // Nor is one of those who share a counter from the beginning.
        let rule = rule(SLOW, 3_600);
        let mut all = 0..OFFENDERS;
        assert!(!all.any(|number| passes(&flooded.store, &flooded.slow, number, rule)));
    }
}

#[test]
fn where_new_keys_are_refused_no_offender_is_freed_and_the_rest_of_the_store_is_used() {
    let flooded = Flooded::new(Overflow::Deny);
    let passed = flooded.flood(false);
    // Some sets hold more offenders than on average, so some of the offenders did not find room, and were refused as well.
    assert!((45_000..=45_600).contains(&passed), "{passed}");
    assert!(flooded.freed() <= OFFENDERS / 200);
}
