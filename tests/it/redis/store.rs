//! What is counted, and by how many commands.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use redis::cmd;
use tower::Layer;
use tower_security::RateLimitLayer;
use tower_security::core::StoreErrorKind;
use tower_security::rate_limit::{
    Charge, CounterSpec, Ladder, Nanos, Overflow, Policy, Quota, RateLimiter, Rule, Standing,
    Store, key as keys,
};
use tower_security::redis::{HashTag, RedisStore};

use super::node::{SECRET, all, now};
use super::{Node, Server, key};
use crate::support::service::{Spy, go};

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_burst_passes_and_no_more_and_other_keys_are_not_affected() {
    let server = Server::start().await;
    let node = Node::new(server.manager().await, Quota::per_hour(5));
    for left in [4, 3, 2, 1, 0] {
        let standing = node.take(key("a"), 1).await.unwrap();
        assert_eq!((standing.is_allowed, standing.remaining), (true, left));
    }
    let denied = node.take(key("a"), 1).await.unwrap();
    assert!(!denied.is_allowed);
    let wait = Duration::from_nanos(denied.wait);
    let hour_fifth = Duration::from_secs(720);
    assert!(
        wait <= hour_fifth && wait > hour_fifth - Duration::from_secs(5),
        "{wait:?}"
    );
    assert!(node.passes(key("b")).await);
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn two_nodes_admit_one_quota_together() {
    let server = Server::start().await;
    let one = Node::new(server.manager().await, Quota::per_hour(20));
    let two = Node::new(server.manager().await, Quota::per_hour(20));
    let mut passed = 0;
    for _ in 0..30 {
        passed += u32::from(one.passes(key("a")).await);
        passed += u32::from(two.passes(key("a")).await);
    }
    assert_eq!(passed, 20);
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_request_by_a_plan_of_a_shorter_window_forgives_no_debt() {
    let server = Server::start().await;
    let status = async |plan: usize| {
        // A node of its own for each request remembers nothing.
        let store = RedisStore::builder(server.manager().await).secret(SECRET);
        let plans = [("bulk", Quota::per_day(3))];
        let policy = Policy::new("p", Quota::per_minute(1))
            .key(keys::global())
            .plans(plans, move |_| plan);
        let layer = RateLimitLayer::builder()
            .store(store.build().unwrap())
            .policy(policy)
            .build()
            .unwrap();
        let request = Request::new(Full::<Bytes>::default());
        go(layer.layer(Spy::new()), request).await.status().as_u16()
    };
    for (plan, expected) in [(0, 200), (0, 200), (0, 200), (0, 429), (9, 429), (0, 429)] {
        assert_eq!(status(plan).await, expected);
    }
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_request_under_a_shorter_plan_forgives_nothing() {
    let server = Server::start().await;
    // None of them knows what another one was told.
    let limiter = async || {
        let node = Node::new(server.manager().await, Quota::per_second(5));
        let policy = Policy::new("p", Quota::per_second(5))
            .key(keys::global())
            .charge_after(|_| 0)
            .plans([("pro", Quota::per_hour(100))], |parts| {
                usize::from(!parts.headers.contains_key("x-pro"))
            });
        let builder = RateLimiter::builder().store(node.store).policy(policy);
        builder.build().unwrap()
    };
    let (plain, ()) = Request::new(()).into_parts();
    let pro = Request::builder().header("x-pro", "1").body(());
    let (pro, ()) = pro.unwrap().into_parts();
    let first = limiter().await;
    for _ in 0..100 {
        assert!(first.check(&pro).await.is_ok());
    }
    assert!(first.check(&pro).await.is_err());
    assert!(limiter().await.check(&plain).await.is_err());
    assert!(limiter().await.check(&pro).await.is_err());
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_denied_key_costs_no_command() {
    let server = Server::start().await;
    let node = Node::new(server.manager().await, Quota::per_hour(3));
    assert_eq!(node.count(key("a"), 3).await, 3);
    let before = server.calls("evalsha").await;
    assert_eq!(node.count(key("a"), 1_000).await, 0);
    assert_eq!(server.calls("evalsha").await, before);
    // Nor after a look, which costs one.
    assert_eq!(node.take(key("a"), 0).await.unwrap().remaining, 0);
    assert_eq!(node.count(key("a"), 10).await, 0);
    assert_eq!(server.calls("evalsha").await, before + 1);
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_charge_that_can_never_fit_costs_no_command() {
    let server = Server::start().await;
    let node = Node::new(server.manager().await, Quota::per_hour(3));
    let never = node.take(key("a"), 4).await.unwrap();
    assert_eq!((never.is_allowed, never.wait), (false, Standing::NEVER));
    assert_eq!(server.calls("evalsha").await, 0);
    assert!(node.take(key("a"), 3).await.unwrap().is_allowed);
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_counter_has_a_time_to_live_from_the_first_charge_and_is_gone_when_it_is_fresh() {
    let server = Server::start().await;
    // 20 in 200 ms: one unit comes back in 10 ms.
    let node = Node::new(
        server.manager().await,
        Quota::new(20, Duration::from_millis(200)),
    );
    assert!(node.take(key("a"), 20).await.unwrap().is_allowed);
    let names = server.keys().await;
    let [name] = &names[..] else {
        panic!("{names:?}");
    };
    assert!(name.starts_with("{t}:p:"), "{name}");
    assert_eq!(name.len(), "{t}:p:".len() + 26, "{name}");
    let rest: i64 = cmd("PTTL")
        .arg(name)
        .query_async(&mut server.look().await)
        .await
        .unwrap();
    assert!((1..=200).contains(&rest), "{rest}");
    wait_until(async || server.keys().await.is_empty()).await;
    assert!(node.take(key("a"), 20).await.unwrap().is_allowed);
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_period_below_a_millisecond_counts() {
    let server = Server::start().await;
    // 10 us per unit: the time to live of one charge rounds to 0 ms.
    let node = Node::new(
        server.manager().await,
        Quota::new(1, Duration::from_micros(10)),
    );
    for _ in 0..20 {
        let standing = node.take(key("a"), 1).await.unwrap();
        assert!(
            standing.is_allowed || standing.wait <= 10_000,
            "{standing:?}"
        );
    }
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn policies_are_charged_all_or_none() {
    let server = Server::start().await;
    let node = Node::new(server.manager().await, Quota::per_hour(2));
    let wide = node.store.open(&CounterSpec::new("wide", Overflow::Evict));
    let hundred = Quota::per_hour(100).rule().unwrap();
    let charge = async |narrow: &str, broad: &str| {
        let mut charges = [
            Charge::new(&*wide, key(broad), hundred, 1),
            Charge::new(&*node.counter, key(narrow), node.rule, 1),
        ];
        all(&node.store, now(), &mut charges).await.unwrap()
    };
    for left in [99, 98] {
        let standings = charge("a", "all").await;
        assert_eq!(standings[0].remaining, left);
        assert!(standings.iter().all(|standing| standing.is_allowed));
    }
    let denied = charge("a", "all").await;
    assert!(!denied[1].is_allowed);
    assert_eq!(denied[1].wait.div_ceil(1_000_000_000), 1_800);
    // The denial charged the wide policy nothing.
    let standings = charge("b", "all").await;
    assert_eq!(standings[0].remaining, 97);
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_look_charges_nothing() {
    let server = Server::start().await;
    let node = Node::new(server.manager().await, Quota::per_hour(2));
    for _ in 0..3 {
        let standing = node.take(key("a"), 0).await.unwrap();
        assert_eq!(
            (standing.is_allowed, standing.remaining, standing.reset),
            (true, 2, 0)
        );
    }
    assert_eq!(server.keys().await, [""; 0]);
    assert_eq!(node.count(key("a"), 3).await, 2);
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn an_overdraw_is_booked_up_to_two_windows() {
    let server = Server::start().await;
    let node = Node::new(server.manager().await, Quota::per_hour(60));
    let mut charges = [Charge::new(&*node.counter, key("a"), node.rule, 1_000)];
    charges[0].overdraw = true;
    let standings = all(&node.store, now(), &mut charges).await.unwrap();
    assert!(standings[0].is_allowed);
    let denied = node.take(key("a"), 1).await.unwrap();
    // Two hours are owed, and one more unit fits when one hour less a minute is.
    let wait = denied.wait.div_ceil(1_000_000_000);
    assert!((3_655..=3_660).contains(&wait), "{wait}");
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn who_owes_more_than_a_lowered_quota_allows_is_told_a_wait_that_suffices() {
    let server = Server::start().await;
    let before = Node::new(server.manager().await, Quota::per_day(10));
    assert!(before.take(key("a"), 10).await.unwrap().is_allowed);
    // A day is owed, and from now on a tenth of a second may be.
    let after = Node::new(
        server.manager().await,
        Quota::new(10, Duration::from_millis(100)),
    );
    let denied = after.take(key("a"), 1).await.unwrap();
    assert!(
        !denied.is_allowed && denied.wait <= 10_000_000,
        "{denied:?}"
    );
    wait_until(async || after.passes(key("a")).await).await;
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_refund_gives_the_charge_back() {
    let server = Server::start().await;
    let node = Node::new(server.manager().await, Quota::per_hour(3));
    let first = node.take(key("a"), 1).await.unwrap();
    let second = node.take(key("a"), 2).await.unwrap();
    assert!(!node.passes(key("a")).await);
    node.store.refund(now(), &node.counter, second.receipt);
    wait_until(async || node.take(key("a"), 0).await.unwrap().remaining == 2).await;
    node.store.refund(now(), &node.counter, first.receipt);
    wait_until(async || server.keys().await.is_empty()).await;
    assert_eq!(node.count(key("a"), 4).await, 3);
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_denial_is_remembered_for_ten_seconds_and_for_one_where_units_are_given_back() {
    for (gives_back, memory) in [(false, 10), (true, 1)] {
        let server = Server::start().await;
        let node = Node::new(server.manager().await, Quota::per_hour(2));
        let other = Node::new(server.manager().await, Quota::per_hour(2));
        if gives_back {
            let spent = node.take(key("b"), 1).await.unwrap();
            node.store.refund(now(), &node.counter, spent.receipt);
        }
        let start = now().get();
        let at = |millis: u64| Nanos::new(start + millis * 1_000_000);
        assert!(node.take_at(at(0), key("a"), 2).await.unwrap().is_allowed);
        wait_until(async || server.keys().await.len() == 1).await;
        other.store.reset(now(), &other.counter, key("a"));
        wait_until(async || server.keys().await.is_empty()).await;
        let early = at(memory * 1_000 - 1);
        assert!(!node.take_at(early, key("a"), 1).await.unwrap().is_allowed);
        let late = at(memory * 1_000);
        assert!(node.take_at(late, key("a"), 1).await.unwrap().is_allowed);
    }
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_reset_forgets_a_key() {
    let server = Server::start().await;
    let node = Node::new(server.manager().await, Quota::per_hour(2));
    assert_eq!(node.count(key("a"), 3).await, 2);
    node.store.reset(now(), &node.counter, key("a"));
    wait_until(async || server.keys().await.is_empty()).await;
    assert_eq!(node.count(key("a"), 3).await, 2);
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn scripts_that_were_flushed_are_loaded_again() {
    let server = Server::start().await;
    let node = Node::new(server.manager().await, Quota::per_hour(4));
    assert_eq!(node.count(key("a"), 2).await, 2);
    let mut look = server.look().await;
    let _: () = cmd("SCRIPT")
        .arg("FLUSH")
        .query_async(&mut look)
        .await
        .unwrap();
    assert_eq!(node.count(key("a"), 4).await, 2);
    assert_eq!(server.calls("script|load").await, 2);
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_counter_that_cannot_be_read_is_a_failure_and_no_fresh_bucket() {
    let server = Server::start().await;
    let node = Node::new(server.manager().await, Quota::per_hour(4));
    let mut look = server.look().await;
    for (name, garbage) in [
        ("text", &["SET", "x"][..]),
        ("empty", &["SET", ""]),
        ("negative", &["SET", "-1"]),
        ("fraction", &["SET", "1.5"]),
        ("exponent", &["SET", "1e300"]),
        ("hexadecimal", &["SET", "0x10"]),
        ("ladder", &["SET", "1:1"]),
        ("long", &["SET", "11111111111111111"]),
        ("list", &["LPUSH", "1"]),
        ("hash", &["HSET", "f", "1"]),
    ] {
        assert!(node.passes(key(name)).await);
        let names = server.keys().await;
        let [counter] = &names[..] else {
            panic!("{names:?}");
        };
        let _: () = cmd("DEL")
            .arg(counter)
            .query_async(&mut look)
            .await
            .unwrap();
        let mut write = cmd(garbage[0]);
        write.arg(counter).arg(&garbage[1..]);
        let _: redis::Value = write.query_async(&mut look).await.unwrap();
        for _ in 0..6 {
            let error = node.take(key(name), 1).await.unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{name}");
        }
        // One counter is no outage.
        assert!(node.passes(key("healthy")).await, "{name}");
        let _: () = cmd("FLUSHALL").query_async(&mut look).await.unwrap();
        node.store.reset(now(), &node.counter, key("healthy"));
        assert!(node.passes(key(name)).await, "{name}");
        let _: () = cmd("FLUSHALL").query_async(&mut look).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_ladder_lets_the_free_charges_pass_and_then_doubles() {
    let server = Server::start().await;
    let node = Node::new(server.manager().await, Quota::per_hour(1));
    let counter = node
        .store
        .open(&CounterSpec::new("ladder", Overflow::Share));
    let second = 1_000_000_000;
    let rule = Rule::Ladder(Ladder::new(2, 100 * second, 300 * second, 900 * second));
    let take = async |cost: u32| {
        let mut charges = [Charge::new(&*counter, key("a"), rule, cost)];
        all(&node.store, now(), &mut charges).await.unwrap()[0]
    };
    assert!(take(1).await.is_allowed);
    let last_free = take(1).await;
    assert!(last_free.is_allowed);
    let denied = take(1).await;
    assert_eq!(
        (denied.is_allowed, denied.wait.div_ceil(second)),
        (false, 100)
    );
    assert_eq!(take(0).await.remaining, 0);

    node.store.refund(now(), &counter, last_free.receipt);
    wait_until(async || take(0).await.remaining == 1).await;
    assert!(take(1).await.is_allowed);
    assert!(!take(1).await.is_allowed);
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn all_counters_of_a_call_share_a_slot_of_a_cluster() {
    let server = Server::start().await;
    for (tag, keys) in [
        (HashTag::PerLimiter, ["a", "b"]),
        (HashTag::PerKey, ["a", "a"]),
    ] {
        let node = Node::with(server.manager().await, Quota::per_hour(9), |b| {
            b.hash_tag(tag)
        });
        let other = node.store.open(&CounterSpec::new("other", Overflow::Evict));
        let mut charges = [
            Charge::new(&*node.counter, key(keys[0]), node.rule, 1),
            Charge::new(&*other, key(keys[1]), node.rule, 1),
        ];
        all(&node.store, now(), &mut charges).await.unwrap();
        let names = server.keys().await;
        assert_eq!(names.len(), 2, "{names:?}");
        assert_eq!(slot(&names[0]), slot(&names[1]), "{names:?}");
        let mut look = server.look().await;
        let _: () = cmd("FLUSHALL").query_async(&mut look).await.unwrap();
    }
    assert_eq!(slot("123456789"), 12_739, "the specification's own example");
    assert_eq!(slot("{t}:a:b"), slot("{t}:c:d"));
    assert_ne!(slot("t:a:{b}"), slot("t:a:{c}"));
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_tag_per_key_takes_one_key_per_call() {
    let server = Server::start().await;
    let node = Node::with(server.manager().await, Quota::per_hour(9), |b| {
        b.hash_tag(HashTag::PerKey)
    });
    let other = node.store.open(&CounterSpec::new("other", Overflow::Evict));
    let call = async |second: &str| {
        let mut charges = [
            Charge::new(&*node.counter, key("a"), node.rule, 1),
            Charge::new(&*other, key(second), node.rule, 1),
        ];
        all(&node.store, now(), &mut charges).await
    };
    assert_eq!(
        call("b").await.unwrap_err().kind(),
        StoreErrorKind::Unavailable
    );
    assert!(call("a").await.is_ok());
}

/// Waits until it is so, at most 10 s.
pub(crate) async fn wait_until(is_so: impl AsyncFn() -> bool) {
    let start = std::time::Instant::now();
    while !is_so().await {
        assert!(start.elapsed() < Duration::from_secs(10), "it never is");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The slot of a name, as Redis Cluster's specification computes it: CRC16 (XMODEM) of what stands in the first braces, modulo 16384.
fn slot(name: &str) -> u16 {
    let tag = name
        .split_once('{')
        .and_then(|(_, rest)| rest.split_once('}'))
        .map(|(tag, _)| tag)
        .filter(|tag| !tag.is_empty())
        .unwrap_or(name);
    let crc = tag.bytes().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(byte) << 8, |crc, _| {
            if crc & 0x8000 == 0 {
                crc << 1
            } else {
                crc << 1 ^ 0x1021
            }
        })
    });
    crc % 16_384
}
