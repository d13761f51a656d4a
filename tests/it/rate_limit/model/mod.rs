//! The store beside an exact model of what it should say.

mod bucket;
mod invariants;
mod sequences;
mod sets;
mod shapes;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tower_security::rate_limit::key::KeyHash;
use tower_security::rate_limit::{
    Acquire, Charge, CounterSpec, MemoryStore, Nanos, Overflow, Quota, Receipt, Rule, Standing,
    Store,
};

use bucket::{Booked, Bucket, Flow, Verdict};
pub(super) use sets::{AFTERWARDS, keys_of_one_set};

type Counter = <MemoryStore as Store>::Counter;

const SECOND: u64 = 1_000_000_000;

/// Where the tests begin to count: late enough for every clock that goes back.
const START: u64 = 1 << 61;

/// One quota, as the store and as the oracle read it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Both {
    rule: Rule,
    flow: Flow,
}

impl Both {
    pub(super) fn new(limit: u32, period: Duration, burst: u32) -> Self {
        let rule = Quota::new(limit, period).burst(burst).rule();
        Self {
            rule: rule.expect("a legal quota"),
            flow: Flow::new(limit, period, burst),
        }
    }

    /// Whose keys may owe two windows.
    fn with_overdraft(self) -> Self {
        let Rule::Gcra(gcra) = self.rule else {
            panic!("a quota compiles to a bucket");
        };
        Self {
            rule: Rule::Gcra(gcra.with_overdraft()),
            flow: Flow {
                windows: 2,
                ..self.flow
            },
        }
    }

    fn interval(self) -> u64 {
        u64::try_from(self.flow.interval).expect("a short time")
    }

    fn window(self) -> u64 {
        u64::try_from(self.flow.window()).expect("a short time")
    }
}

/// One charge of a request: to which policy, whose, under which quota, how much.
#[derive(Clone, Copy, Debug)]
struct Part {
    policy: usize,
    key: u64,
    quota: Both,
    cost: u32,
    overdraw: bool,
}

impl Part {
    fn new(policy: usize, key: u64, quota: Both, cost: u32) -> Self {
        Self {
            policy,
            key,
            quota,
            cost,
            overdraw: false,
        }
    }

    /// Whether there is a level at which it passes.
    fn can_pass(self) -> bool {
        self.cost > 0 && (self.overdraw || i128::from(self.cost) <= self.quota.flow.burst)
    }

    /// How full its bucket may be, in nanoseconds.
    fn most(self) -> i128 {
        let flow = self.quota.flow;
        let windows = if self.overdraw && self.cost > 0 {
            2
        } else {
            flow.windows
        };
        windows * flow.window()
    }
}

/// What the model knows: a bucket for each key of each policy.
#[derive(Clone, Debug, Default)]
struct Model {
    buckets: HashMap<(usize, u64), Bucket>,
}

impl Model {
    fn bucket(&self, part: Part) -> Bucket {
        let at = (part.policy, part.key);
        self.buckets.get(&at).copied().unwrap_or_default()
    }

    /// All or none: looks at every charge, and pours only if each of them fits.
    fn acquire(&mut self, now: i128, parts: &[Part]) -> Vec<(Verdict, Option<Booked>)> {
        let looked = parts.iter().map(|part| {
            let bucket = self.bucket(*part).cut(now, part.most());
            if part.can_pass() && bucket != self.bucket(*part) {
                self.buckets.insert((part.policy, part.key), bucket);
            }
            let mut verdict = bucket.look(part.quota.flow, now, part.cost.into());
            if part.overdraw {
                verdict.is_allowed = true;
                verdict.wait = Some(0);
            }
            (verdict, None)
        });
        let mut verdicts = looked.collect::<Vec<_>>();
        if verdicts.iter().any(|(verdict, _)| !verdict.is_allowed) {
            return verdicts;
        }
        for (part, (verdict, booked)) in parts.iter().zip(&mut verdicts) {
            if part.cost == 0 {
                continue;
            }
            let flow = part.quota.flow;
            let bucket = self.buckets.entry((part.policy, part.key)).or_default();
            *booked = Some(bucket.pour(flow, now, i128::from(part.cost), part.most()));
            (verdict.remaining, verdict.reset) = bucket.rest(flow, now);
        }
        verdicts
    }

    fn refund(&mut self, now: i128, part: Part, booked: Booked) {
        if let Some(bucket) = self.buckets.get_mut(&(part.policy, part.key)) {
            bucket.take_back(now, booked);
        }
    }
}

/// A store with a few policies.
pub(super) struct Subject {
    store: MemoryStore,
    counters: Vec<Arc<Counter>>,
}

impl Subject {
    pub(super) fn new(policies: usize, capacity: usize, overflow: Overflow) -> Self {
        let store = MemoryStore::with_capacity(capacity);
        let names = (0..policies).map(|policy| format!("policy{policy}"));
        let counters = names
            .map(|name| store.open(&CounterSpec::new(&name, overflow)))
            .collect();
        Self { store, counters }
    }

    /// Lets all keys of a policy, which is its last one, be one.
    fn with_single(mut self) -> Self {
        self.counters.pop();
        let name = format!("policy{}", self.counters.len());
        let spec = CounterSpec::new(&name, Overflow::Evict).single();
        self.counters.push(self.store.open(&spec));
        self
    }

    fn small(policies: usize) -> Self {
        Self::new(policies, 1 << 14, Overflow::Evict)
    }

    fn counter(&self, policy: usize) -> &Counter {
        &self.counters[policy]
    }

    fn charges(&self, parts: &[Part]) -> Vec<Charge<'_, Counter>> {
        parts
            .iter()
            .map(|part| {
                let counter = self.counter(part.policy);
                let key = spread(part.key);
                let mut charge = Charge::new(counter, key, part.quota.rule, part.cost);
                charge.overdraw = part.overdraw;
                charge
            })
            .collect()
    }

    /// As [`one`](Self::one), asked first whether it simply passes.
    pub(super) fn simply_or(&self, now: u64, key: u64, quota: Both, cost: u32) -> bool {
        self.pass(now, &[Part::new(0, key, quota, cost)])
            || self.one(now, key, quota, cost).is_allowed
    }

    /// Charges without being told where the keys stand; `false` has charged nothing.
    fn pass(&self, now: u64, parts: &[Part]) -> bool {
        self.store.pass(Nanos::new(now), &mut self.charges(parts))
    }

    fn acquire(&self, now: u64, parts: &[Part]) -> Vec<Standing> {
        let mut charges = self.charges(parts);
        let answer = self.store.acquire(Nanos::new(now), &mut charges);
        assert!(matches!(answer, Acquire::Ready), "memory answers at once");
        charges.iter().map(|charge| charge.standing).collect()
    }

    /// One charge to the first policy.
    pub(super) fn one(&self, now: u64, key: u64, quota: Both, cost: u32) -> Standing {
        self.acquire(now, &[Part::new(0, key, quota, cost)])[0]
    }

    fn refund(&self, now: u64, policy: usize, receipt: Receipt) {
        self.store
            .refund(Nanos::new(now), self.counter(policy), receipt);
    }

    fn reset(&self, now: u64, policy: usize, key: u64) {
        self.store
            .reset(Nanos::new(now), self.counter(policy), spread(key));
    }
}

/// A hash like those of real keys: all 64 bits depend on all of the number.
fn spread(key: u64) -> KeyHash {
    let mut word = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    KeyHash::new(word ^ (word >> 31), 0)
}

/// A small generator, so that long runs need no store of choices.
#[derive(Clone, Debug)]
struct Choices(u64);

impl Choices {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Below `bound`, as good as evenly.
    fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(bound);
        u64::try_from(wide >> 64).expect("below the bound")
    }
}

/// Panics unless the store said what the model says.
#[track_caller]
fn assert_same(standing: &Standing, verdict: &Verdict, what: impl std::fmt::Debug) {
    let wide = |word: u64| i128::from(word);
    let said = Verdict {
        is_allowed: standing.is_allowed,
        remaining: wide(standing.remaining),
        reset: wide(standing.reset),
        wait: (standing.wait != Standing::NEVER).then_some(wide(standing.wait)),
    };
    assert_eq!(said, *verdict, "{what:?}");
}
