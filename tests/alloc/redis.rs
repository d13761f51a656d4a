//! Answers that a node gives without asking the server.

use ::redis::aio::ConnectionLike;
use ::redis::{Arg, Cmd, Pipeline, RedisFuture, Value};
use tower_security::rate_limit::key::KeyHash;
use tower_security::rate_limit::{Acquire, Charge, CounterSpec, Nanos, Overflow, Quota, Store};
use tower_security::redis::RedisStore;

use super::allocations;

/// Grants all that is wanted, or nothing: then the bucket is full again in an hour.
#[derive(Clone)]
struct Server {
    grants: bool,
}

impl ConnectionLike for Server {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        // EVALSHA, hash, 1, key, need, want.
        let want = match command.args_iter().nth(5) {
            Some(Arg::Simple(want)) => std::str::from_utf8(want).unwrap().parse().unwrap(),
            _ => 0,
        };
        let (granted, debt) = if self.grants {
            (want, 0)
        } else {
            (0, 3_600_000_000)
        };
        let numbers = [granted, 1_800_000_000_000_000, debt, 0].map(Value::Int);
        Box::pin(async move { Ok(Value::Array(numbers.into())) })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        _: &'a Pipeline,
        _: usize,
        _: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        panic!("the store sends one command at a time")
    }

    fn get_db(&self) -> i64 {
        0
    }
}

/// Asks `asked` times, then counts the allocations of 20 answers that have to be at hand.
fn at_hand(grants: bool, quota: Quota, asked: u32) -> (bool, usize) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = RedisStore::builder(Server { grants })
            .secret(*b"0123456789abcdef")
            .expected_nodes(1)
            .build()
            .unwrap();
        let counter = store.open(&CounterSpec::new("p", Overflow::Evict));
        let rule = quota.rule().unwrap();
        let charge = || [Charge::new(&*counter, KeyHash::new(1, 2), rule, 1)];
        let now = Nanos::new(5_000_000_000);
        for _ in 0..asked {
            match store.acquire(now, &mut charge()) {
                Acquire::Pending(answer) => assert_eq!(answer.await.unwrap()[0].is_allowed, grants),
                other => panic!("{other:?}"),
            }
        }
        let mut charges = charge();
        let count = allocations(|| {
            for _ in 0..20 {
                assert!(matches!(store.acquire(now, &mut charges), Acquire::Ready));
            }
        });
        (charges[0].standing.is_allowed, count)
    })
}

#[test]
fn a_denial_that_is_remembered_allocates_nothing() {
    assert_eq!(at_hand(false, Quota::per_hour(10), 1), (false, 0));
}

#[test]
fn a_unit_that_was_taken_in_advance_allocates_nothing() {
    // 50 ms of 1,000 per second: 50 units, taken when the key is asked for the second time.
    assert_eq!(at_hand(true, Quota::per_second(1_000), 2), (true, 0));
}
