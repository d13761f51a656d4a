//! The memory store and the Redis store decide alike.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Arg, Cmd, Pipeline, RedisFuture, Script, Value, cmd};
use tower_security::rate_limit::{
    Charge, CounterSpec, Ladder, MemoryStore, Nanos, Overflow, Quota, Receipt, Rule, Standing,
    Store,
};
use tower_security::redis::RedisStore;

use super::node::{SECRET, all};
use super::{Node, Server, key};

const ACQUIRE: &str = include_str!("../../../src/redis/acquire.lua");
const REFUND: &str = include_str!("../../../src/redis/refund.lua");

/// Runs the scripts at a time of its own: their last argument instead of the server's clock.
#[derive(Clone)]
struct Frozen {
    connection: MultiplexedConnection,
    micros: Arc<AtomicU64>,
    done: Arc<AtomicU64>,
}

impl Frozen {
    fn at(&self, command: &Cmd) -> Cmd {
        let words: Vec<&[u8]> = command
            .args_iter()
            .map(|arg| match arg {
                Arg::Simple(word) => word,
                _ => panic!("a cursor"),
            })
            .collect();
        let [b"EVALSHA", hash, rest @ ..] = &words[..] else {
            return command.clone();
        };
        let script = [ACQUIRE, REFUND]
            .into_iter()
            .find(|script| Script::new(script).get_hash().as_bytes() == *hash)
            .unwrap();
        let clock = "local time = redis.call('TIME')\nlocal now = time[1] * 1000000 + time[2]\n";
        assert!(script.contains(clock));
        let mut eval = cmd("EVAL");
        eval.arg(script.replace(clock, "local now = tonumber(ARGV[#ARGV])\n"))
            .arg(rest)
            .arg(self.micros.load(Ordering::Relaxed));
        eval
    }
}

impl ConnectionLike for Frozen {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let command = self.at(command);
            let answer = self.connection.req_packed_command(&command).await;
            self.done.fetch_add(1, Ordering::Relaxed);
            answer
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        self.connection.req_packed_commands(pipeline, offset, count)
    }

    fn get_db(&self) -> i64 {
        0
    }
}

/// The same numbers in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn rules() -> [Rule; 4] {
    let second = 1_000_000_000;
    let Rule::Gcra(bytes) = Quota::new(5, Duration::from_secs(600))
        .burst(3)
        .rule()
        .unwrap()
    else {
        panic!("a quota is a bucket");
    };
    [
        Quota::per_hour(60).rule().unwrap(),
        Rule::Gcra(bytes.with_overdraft()),
        Quota::per_second(10).burst(36_000).rule().unwrap(),
        Rule::Ladder(Ladder::new(
            3,
            2_000 * second,
            100_000 * second,
            50_000 * second,
        )),
    ]
}

struct Side<S: Store> {
    store: S,
    counters: Vec<Arc<S::Counter>>,
    receipts: Vec<(usize, Receipt)>,
}

impl<S: Store> Side<S> {
    fn new(store: S) -> Self {
        let names = ["a", "b", "c", "ladder"];
        let open = |name| store.open(&CounterSpec::new(name, Overflow::Evict));
        Self {
            counters: names.map(open).into(),
            store,
            receipts: Vec::new(),
        }
    }

    /// Charges the policies in `mask`, each with its own cost.
    async fn take(
        &mut self,
        now: Nanos,
        client: &str,
        mask: u64,
        costs: [u32; 4],
        overdraw: bool,
    ) -> Vec<Standing> {
        let chosen: Vec<usize> = (0..4).filter(|policy| mask >> policy & 1 == 1).collect();
        let mut charges: Vec<_> = chosen
            .iter()
            .map(|policy| {
                let counter = &*self.counters[*policy];
                let mut charge =
                    Charge::new(counter, key(client), rules()[*policy], costs[*policy]);
                // As for a policy whose cost is known only afterwards: its rule says so.
                charge.overdraw = overdraw && *policy == 1;
                charge
            })
            .collect();
        let standings = all(&self.store, now, &mut charges).await.unwrap();
        if standings.iter().all(|standing| standing.is_allowed) {
            let booked = chosen.into_iter().zip(&standings);
            let booked = booked.filter(|(policy, _)| costs[*policy] > 0);
            self.receipts
                .extend(booked.map(|(policy, standing)| (policy, standing.receipt)));
        }
        standings
    }
}

/// Whether the charge passes, which both have to say; and whether they agree in every number.
fn compare(expected: &[Standing], found: &[Standing], told: &str) -> (bool, bool) {
    let passes = |standings: &[Standing]| standings.iter().all(|standing| standing.is_allowed);
    let facts = |standings: &[Standing]| -> Vec<_> {
        let fact = |s: &Standing| (s.is_allowed, s.remaining, s.reset, s.wait);
        standings.iter().map(fact).collect()
    };
    let is_allowed = passes(expected);
    assert_eq!(passes(found), is_allowed, "{told}: {found:?} {expected:?}");
    if is_allowed {
        assert_eq!(facts(found), facts(expected), "{told}");
    }
    // A node that knows of one denial by itself does not ask whether there are others.
    for (found, expected) in found.iter().zip(expected) {
        let is_denied_by_both = !found.is_allowed && !expected.is_allowed;
        assert!(
            !is_denied_by_both || found.wait == expected.wait,
            "{told}: {found:?} {expected:?}"
        );
    }
    (is_allowed, facts(found) == facts(expected))
}

/// Waits until the connection has carried another command.
async fn carried(done: &AtomicU64, before: u64) {
    while done.load(Ordering::Relaxed) == before {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn what_came_back_by_itself_is_not_given_back_once_more() {
    let server = Server::start().await;
    let connection = Frozen {
        connection: server.look().await,
        micros: Arc::new(AtomicU64::new(2_500_000_000_000_000)),
        done: Arc::default(),
    };
    let (micros, done) = (Arc::clone(&connection.micros), Arc::clone(&connection.done));
    let node = Node::with(connection, Quota::per_hour(60), |builder| {
        builder.timeout(Duration::from_millis(250))
    });
    let now = || Nanos::new(micros.load(Ordering::Relaxed) * 1_000);
    // 60 units, of which time brings 20 back; then those 20 are spent as well.
    let first = node.take_at(now(), key("a"), 60).await.unwrap();
    micros.fetch_add(20 * 60_000_000, Ordering::Relaxed);
    assert!(node.take_at(now(), key("a"), 20).await.unwrap().is_allowed);
    let before = done.load(Ordering::Relaxed);
    node.store.refund(now(), &node.counter, first.receipt);
    carried(&done, before).await;
    assert_eq!(
        node.take_at(now(), key("a"), 0).await.unwrap().remaining,
        40
    );
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn memory_and_redis_decide_alike() {
    let server = Server::start().await;
    // Long after 1970, and so far from the real time that a look at the server's clock would show.
    let micros = Arc::new(AtomicU64::new(2_500_000_000_000_000));
    let connection = Frozen {
        connection: server.look().await,
        micros: Arc::clone(&micros),
        done: Arc::default(),
    };
    let done = Arc::clone(&connection.done);
    let redis = RedisStore::builder(connection)
        .secret(SECRET)
        .timeout(Duration::from_millis(250))
        .build()
        .unwrap();
    let mut redis = Side::new(redis);
    let mut memory = Side::new(MemoryStore::default());
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut tally = [0_u32; 4];
    let mut exact_denials = 0;
    for step in 0..6_000 {
        let spans = [0, 1, 999_999, 60_000_000, 600_000_000, 40_000_000_000];
        let pick = usize::try_from(dice.below(60)).unwrap();
        micros.fetch_add(
            spans.get(pick).copied().unwrap_or(7_000_000),
            Ordering::Relaxed,
        );
        let now = Nanos::new(micros.load(Ordering::Relaxed) * 1_000);
        let client = ["x", "y"][usize::from(dice.below(4) == 0)];
        match dice.below(20) {
            0 if !memory.receipts.is_empty() => {
                let at = usize::try_from(dice.below(u64::try_from(memory.receipts.len()).unwrap()))
                    .unwrap();
                let (policy, receipt) = memory.receipts.swap_remove(at);
                memory.store.refund(now, &memory.counters[policy], receipt);
                let (policy, receipt) = redis.receipts.swap_remove(at);
                let before = done.load(Ordering::Relaxed);
                redis.store.refund(now, &redis.counters[policy], receipt);
                carried(&done, before).await;
                tally[2] += 1;
            }
            1 if dice.below(4) == 0 => {
                let policy = usize::try_from(dice.below(4)).unwrap();
                memory
                    .store
                    .reset(now, &memory.counters[policy], key(client));
                let before = done.load(Ordering::Relaxed);
                redis.store.reset(now, &redis.counters[policy], key(client));
                carried(&done, before).await;
                tally[3] += 1;
            }
            kind => {
                let mask = if dice.below(2) == 0 {
                    1 << dice.below(4)
                } else {
                    1 + dice.below(15)
                };
                let cost = |dice: &mut Dice, most: u64| u32::try_from(dice.below(most)).unwrap();
                let costs = [
                    cost(&mut dice, 9),
                    cost(&mut dice, 4),
                    cost(&mut dice, 9_000),
                    cost(&mut dice, 3),
                ];
                let overdraw = kind == 19;
                let expected = memory.take(now, client, mask, costs, overdraw).await;
                let found = redis.take(now, client, mask, costs, overdraw).await;
                let told = format!("step {step}, {mask:b} {costs:?} {overdraw}");
                let (is_allowed, is_exact) = compare(&expected, &found, &told);
                exact_denials += u32::from(!is_allowed && is_exact);
                tally[usize::from(is_allowed)] += 1;
            }
        }
    }
    assert!(tally.iter().all(|count| *count > 30), "{tally:?}");
    assert!(
        exact_denials * 2 > tally[0],
        "{exact_denials} of {}",
        tally[0]
    );
}
