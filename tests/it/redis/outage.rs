//! Servers that do not answer.

use std::time::{Duration, Instant};

use redis::cmd;
use tower_security::core::StoreErrorKind;
use tower_security::rate_limit::{
    Acquire, Charge, OnStoreError, Policy, Quota, RateLimiter, Store, key,
};
use tower_security::redis::RedisStore;

use super::node::{SECRET, key as key_of, now};
use super::store::wait_until;
use super::{Node, Server};

const TIMEOUT: Duration = Duration::from_millis(25);

/// Longer than the timeout by what a busy machine takes to notice.
const PATIENCE: Duration = Duration::from_millis(400);

/// A node that waits as long as one does by default.
async fn hasty(server: &Server, quota: Quota) -> Node {
    Node::with(server.manager().await, quota, |b| b.timeout(TIMEOUT))
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_server_that_stands_still_is_asked_five_times_and_then_once_a_second() {
    let server = Server::start().await;
    let node = hasty(&server, Quota::per_hour(1_000)).await;
    wait_until(async || node.take(key_of("a"), 1).await.is_ok()).await;
    let spent = async || node.take(key_of("spent"), 1_000).await;
    wait_until(async || spent().await.is_ok_and(|standing| !standing.is_allowed)).await;

    server.freeze();
    for _ in 0..5 {
        assert!(node.store.is_available());
        let start = Instant::now();
        let error = node.take(key_of("a"), 1).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Timeout);
        assert!(start.elapsed() >= TIMEOUT && start.elapsed() < PATIENCE);
    }
    assert!(!node.store.is_available());
    // Now nobody waits.
    let mut charges = [Charge::new(&*node.counter, key_of("a"), node.rule, 1)];
    let answer = node.store.acquire(now(), &mut charges);
    assert!(
        matches!(&answer, Acquire::Failed(error) if error.kind() == StoreErrorKind::Unavailable)
    );
    // What is known to be denied stays denied.
    assert!(!node.passes(key_of("spent")).await);

    server.thaw();
    wait_until(async || node.take(key_of("a"), 1).await.is_ok()).await;
    assert!(node.store.is_available());
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_limiter_counts_its_share_alone_while_the_server_is_away_or_refuses() {
    let server = Server::start().await;
    let store = RedisStore::builder(server.manager().await)
        .secret(SECRET)
        .timeout(Duration::from_millis(250))
        .expected_nodes(2)
        .build()
        .unwrap();
    let quota = Quota::per_hour(10);
    let limiter = RateLimiter::builder()
        .store(store.clone())
        .policy(Policy::new("local", quota).key(key::client_ip()))
        .policy(
            Policy::new("deny", quota)
                .key(key::client_ip())
                .on_store_error(OnStoreError::Deny),
        )
        .build()
        .unwrap();
    let passed = async |policy: &str, client: &str| {
        let mut passed = 0;
        for _ in 0..20 {
            let found = limiter.acquire(policy, |key| key.str(client), 1).await;
            passed += u32::from(found.is_ok());
        }
        passed
    };
    assert_eq!(passed("local", "a").await, 10);
    assert_eq!(passed("deny", "a").await, 10);

    server.freeze();
    // Half of the quota: two nodes share it. Those of before the outage are still known to be denied.
    assert_eq!(passed("local", "b").await, 5);
    assert!(!store.is_available());
    assert_eq!(passed("local", "a").await, 0);
    let start = Instant::now();
    assert_eq!(passed("deny", "b").await, 0);
    assert!(start.elapsed() < Duration::from_secs(2), "nobody waits");

    server.thaw();
    wait_until(async || limiter.peek("deny", |key| key.str("b")).await.is_ok()).await;
    assert_eq!(passed("deny", "b").await, 10);
    assert_eq!(passed("local", "c").await, 10);
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_pause_of_the_server_is_a_timeout() {
    let server = Server::start().await;
    let node = Node::with(server.manager().await, Quota::per_hour(10), |b| {
        b.timeout(Duration::from_millis(50))
    });
    assert!(node.passes(key_of("a")).await);
    let mut look = server.look().await;
    let _: () = cmd("CLIENT")
        .arg("PAUSE")
        .arg(300)
        .arg("ALL")
        .query_async(&mut look)
        .await
        .unwrap();
    let start = Instant::now();
    let error = node.take(key_of("a"), 1).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Timeout);
    assert!(start.elapsed() >= Duration::from_millis(50) && start.elapsed() < PATIENCE);
    wait_until(async || node.take(key_of("a"), 1).await.is_ok()).await;
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn all_who_share_a_call_fail_with_it_within_the_timeout() {
    let server = Server::start().await;
    let node = hasty(&server, Quota::per_hour(10)).await;
    wait_until(async || node.take(key_of("a"), 1).await.is_ok()).await;
    server.freeze();
    let start = Instant::now();
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let node = node.clone();
            tokio::spawn(async move { node.take(key_of("a"), 1).await.unwrap_err().kind() })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), StoreErrorKind::Timeout);
    }
    assert!(start.elapsed() < PATIENCE);
    assert!(node.store.is_available(), "one call is one failure");
    server.thaw();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_server_that_dies_under_load_and_comes_back_is_used_again() {
    let mut server = Server::start().await;
    let node = Node::with(server.manager().await, Quota::per_second(1_000), |b| {
        b.expected_nodes(1).timeout(TIMEOUT)
    });
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let tasks: Vec<_> = (0..8)
        .map(|client| {
            let (node, stopped) = (node.clone(), stopped.clone());
            tokio::spawn(async move {
                let mut slowest = Duration::ZERO;
                while !*stopped.borrow() {
                    let was_open = !node.store.is_available();
                    let start = Instant::now();
                    let _ = node
                        .take(key_of(&format!("client {}", client % 3)), 1)
                        .await;
                    if was_open {
                        slowest = slowest.max(start.elapsed());
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                slowest
            })
        })
        .collect();
    assert!(node.passes(key_of("before")).await);
    server.kill();
    wait_until(async || !node.store.is_available()).await;
    server.restart().await;
    wait_until(async || node.take(key_of("after"), 1).await.is_ok()).await;
    assert!(node.store.is_available());
    stop.send(true).unwrap();
    for task in tasks {
        // Only a probe waits while the server is away, and no longer than the timeout.
        assert!(task.await.unwrap() < PATIENCE);
    }
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn outside_of_a_runtime_the_store_fails_and_panics_at_nobody() {
    let server = Server::start().await;
    let node = Node::new(server.manager().await, Quota::per_hour(10));
    let outside = std::thread::spawn(move || {
        let mut charges = [Charge::new(&*node.counter, key_of("a"), node.rule, 1)];
        let answer = node.store.acquire(now(), &mut charges);
        assert!(
            matches!(&answer, Acquire::Failed(error) if error.kind() == StoreErrorKind::Unavailable)
        );
    });
    outside.join().unwrap();
}
