//! Units taken in advance, and calls that requests share.

use std::time::Duration;

use tower_security::rate_limit::{Acquire, Charge, CounterSpec, Overflow, Quota, Store};

use super::node::{all, now};
use super::store::wait_until;
use super::{Node, Server, key};

/// 2,000 per second and a burst of 400: with one node 100 units may be held in advance.
fn hot() -> Quota {
    Quota::per_second(2_000).burst(400)
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn ten_hot_requests_that_pass_need_at_most_one_round_trip() {
    let server = Server::start().await;
    let node = Node::with(server.manager().await, hot(), |b| b.expected_nodes(1));
    let passed = node.count(key("a"), 300).await;
    assert_eq!(passed, 300);
    let calls = server.calls("evalsha").await;
    assert!(calls * 10 <= 300, "{calls} calls for 300 requests");
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn without_a_lease_each_request_that_passes_asks() {
    let server = Server::start().await;
    for (what, node) in [
        (
            "lease(false)",
            Node::with(server.manager().await, hot(), |b| {
                b.expected_nodes(1).lease(false)
            }),
        ),
        ("nodes unknown", Node::new(server.manager().await, hot())),
        (
            "too many nodes",
            Node::with(server.manager().await, hot(), |b| b.expected_nodes(100)),
        ),
        (
            "a strict quota",
            Node::with(
                server.manager().await,
                Quota::strict(2_000, Duration::from_secs(1)),
                |b| b.expected_nodes(1),
            ),
        ),
    ] {
        assert!(node.passes(key("the script is loaded")).await);
        let before = server.calls("evalsha").await;
        assert_eq!(node.count(key(what), 50).await, 50, "{what}");
        assert_eq!(server.calls("evalsha").await - before, 50, "{what}");
    }
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_key_that_is_asked_for_now_and_then_takes_nothing_in_advance() {
    let server = Server::start().await;
    let node = Node::with(server.manager().await, hot(), |b| b.expected_nodes(1));
    assert!(node.passes(key("the script is loaded")).await);
    let before = server.calls("evalsha").await;
    let mut time = now().get();
    for _ in 0..3 {
        time += 200_000_000;
        let at = tower_security::rate_limit::Nanos::new(time);
        let standing = node.take_at(at, key("a"), 1).await.unwrap();
        assert!(standing.is_allowed);
    }
    assert_eq!(server.calls("evalsha").await - before, 3);
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_node_holds_no_more_than_its_share_and_gives_it_back_when_idle() {
    let server = Server::start().await;
    // One unit in 10 s, so that nothing comes back during the test; but 50 ms of the rate is less than a unit.
    let slow = Quota::new(1, Duration::from_secs(10)).burst(400);
    let exact = Node::with(server.manager().await, slow, |b| b.expected_nodes(1));
    assert_eq!(exact.count(key("slow"), 20).await, 20);
    assert_eq!(exact.take(key("slow"), 0).await.unwrap().remaining, 380);

    let node = Node::with(server.manager().await, hot(), |b| b.expected_nodes(1));
    let look = Node::with(server.manager().await, hot(), |b| b.lease(false));
    assert!(node.passes(key("a")).await);
    assert!(node.passes(key("a")).await);
    // Two spent and at most 100 in advance, of which time gives some back.
    let left = look.take(key("a"), 0).await.unwrap().remaining;
    assert!((298..400).contains(&left), "{left}");
    // 100 ms refill 200 units; the 98 that were not spent come at once.
    wait_until(async || look.take(key("a"), 0).await.unwrap().remaining == 400).await;
    wait_until(async || server.calls("evalsha").await >= 4).await;
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn what_was_not_spent_is_given_back_at_the_end() {
    let server = Server::start().await;
    // A unit in 1 ms; the bucket is full again in 2,000 s, so that what is missing was taken and not given back.
    let quota = Quota::per_second(1_000).burst(2_000_000);
    let look = Node::with(server.manager().await, quota, |b| b.lease(false));
    let level = async || {
        let standing = look.take(key("a"), 1_900_000).await.unwrap();
        look.store.refund(now(), &look.counter, standing.receipt);
        standing
    };
    assert!(level().await.is_allowed);

    let node = Node::with(server.manager().await, quota, |b| b.expected_nodes(1));
    assert_eq!(node.count(key("b"), 10).await, 10);
    let refunds = server.calls("evalsha").await;
    node.store.shutdown().await;
    assert_eq!(
        server.calls("evalsha").await,
        refunds + 1,
        "shutdown has waited"
    );
    assert_eq!(node.count(key("b"), 5).await, 5);
    assert_eq!(
        server.calls("evalsha").await,
        refunds + 6,
        "nothing in advance any more"
    );

    let dropped = Node::with(server.manager().await, quota, |b| b.expected_nodes(1));
    assert_eq!(dropped.count(key("c"), 10).await, 10);
    let before = server.calls("evalsha").await;
    drop(dropped);
    wait_until(async || server.calls("evalsha").await == before + 1).await;
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_hundred_requests_at_once_share_a_call() {
    let server = Server::start().await;
    let node = Node::new(server.manager().await, Quota::per_hour(60));
    let mut tasks = Vec::new();
    for _ in 0..100 {
        let node = node.clone();
        tasks.push(async move { node.passes(key("a")).await });
    }
    let tasks: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    let mut passed = Vec::new();
    for task in tasks {
        passed.push(task.await.unwrap());
    }
    assert_eq!(passed.iter().filter(|passed| **passed).count(), 60);
    // In the order in which they came.
    assert!(passed[..60].iter().all(|passed| *passed));
    assert_eq!(server.calls("evalsha").await, 2, "NOSCRIPT and one call");
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_client_that_goes_away_stays_charged_and_the_others_are_answered() {
    let server = Server::start().await;
    let node = Node::new(server.manager().await, Quota::per_hour(3));
    let ask = || {
        let mut charges = [Charge::new(&*node.counter, key("a"), node.rule, 1)];
        match node.store.acquire(now(), &mut charges) {
            Acquire::Pending(answer) => answer,
            other => panic!("{other:?}"),
        }
    };
    let (gone, stays) = (ask(), ask());
    drop(gone);
    let standing = stays.await.unwrap()[0];
    assert_eq!((standing.is_allowed, standing.remaining), (true, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn what_nodes_hold_in_advance_stays_within_the_bound() {
    let server = Server::start().await;
    // One node of three may hold 3,000 x 50 ms / 3 = 50 units, and no more than 600 / 12 = 50.
    let quota = Quota::per_second(3_000).burst(600);
    let start = std::time::Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..3 {
        let node = Node::with(server.manager().await, quota, |b| b.expected_nodes(3));
        tasks.push(tokio::spawn(async move {
            let (mut passed, mut tried) = (0_u64, 0_u64);
            while start.elapsed() < Duration::from_millis(400) {
                passed += u64::from(node.passes(key("a")).await);
                tried += 1;
                tokio::task::yield_now().await;
            }
            (passed, tried)
        }));
    }
    let (mut passed, mut tried) = (0, 0);
    for task in tasks {
        let (of_passed, of_tried) = task.await.unwrap();
        passed += of_passed;
        tried += of_tried;
    }
    let micros = u64::try_from(start.elapsed().as_micros()).unwrap();
    let earned = micros * 3 / 1_000;
    assert!(passed <= 600 + earned + 3 * 50, "{passed} in {micros} us");
    // Less than what is due, as far as it was asked for, by no more than what is held.
    let due = tried.min(600 + 1_200);
    assert!(passed + 3 * 50 + 30 >= due, "{passed} of {tried}");
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn sets_that_share_a_key_hold_its_share_together() {
    let server = Server::start().await;
    let node = Node::with(server.manager().await, hot(), |b| b.expected_nodes(1));
    let shared = node.store.open(&CounterSpec::new("all", Overflow::Evict));
    // 4 of it may be held in advance, by all clients together.
    let tight = Quota::per_second(80).burst(10_000).rule().unwrap();
    let before = async || {
        let mut charges = [Charge::new(&*shared, key("all"), tight, 0)];
        all(&node.store, now(), &mut charges).await.unwrap()[0].remaining
    };
    let full = before().await;
    let start = std::time::Instant::now();
    for client in 0..20 {
        for _ in 0..2 {
            let client = key(&format!("client {client}"));
            let mut charges = [
                Charge::new(&*node.counter, client, node.rule, 1),
                Charge::new(&*shared, key("all"), tight, 1),
            ];
            let standings = all(&node.store, now(), &mut charges).await.unwrap();
            assert!(standings.iter().all(|standing| standing.is_allowed));
        }
    }
    let left = before().await;
    let earned = u64::try_from(start.elapsed().as_millis()).unwrap() * 80 / 1_000 + 1;
    assert!(
        left + 40 + 4 >= full && left <= full - 40 + earned,
        "{left} of {full}"
    );
}
