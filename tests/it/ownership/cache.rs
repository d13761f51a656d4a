//! Decisions that are kept, and when they must not be.

use std::time::Duration;

use tower_security::core::ManualClock;
use tower_security::ownership::{CachedPolicy, async_policy};

use super::*;
use crate::support::service::go;

struct Fixture {
    orders: Orders,
    clock: ManualClock,
    cached: CachedPolicy<Orders>,
    inner: Inner,
}

impl Fixture {
    fn new() -> Self {
        let (orders, clock) = (Orders::new(), ManualClock::new());
        let cached = CachedPolicy::builder(orders.clone())
            .ttl(Duration::from_secs(5))
            .clock(clock.clone())
            .build()
            .unwrap();
        Self {
            orders,
            clock,
            cached,
            inner: Inner::default(),
        }
    }

    async fn status(&self, who: Principal, method: &str, target: &str) -> u16 {
        let guard = OwnershipGuard::builder()
            .resource("/orders/{id}", self.cached.clone())
            .resource("/copies/{id}", self.cached.clone())
            .build()
            .unwrap();
        let mut request = request("-", method, target);
        who.dangerous_attach(request.extensions_mut());
        go(guard.layer(self.inner.clone()), request)
            .await
            .status()
            .as_u16()
    }
}

/// Row 75, and row 74 without a cache.
#[tokio::test]
async fn what_was_taken_away_counts_until_it_is_invalidated_or_has_run_out() {
    let it = Fixture::new();
    let alice = || principal("alice");
    assert_eq!(it.status(alice(), "GET", "/orders/1").await, 200);
    it.orders.give("1", "bob");
    assert_eq!(it.status(alice(), "GET", "/orders/1").await, 200);
    assert_eq!(it.orders.asked(), 1);
    it.cached.invalidate("2");
    assert_eq!(it.status(alice(), "GET", "/orders/1").await, 200);
    it.cached.invalidate("1");
    assert_eq!(it.status(alice(), "GET", "/orders/1").await, 404);

    it.orders.give("1", "alice");
    assert_eq!(
        it.status(alice(), "GET", "/orders/1").await,
        404,
        "denials are kept too"
    );
    it.clock.advance(Duration::from_millis(4_999));
    assert_eq!(it.status(alice(), "GET", "/orders/1").await, 404);
    it.clock.advance(Duration::from_millis(1));
    assert_eq!(it.status(alice(), "GET", "/orders/1").await, 200);
    it.orders.give("1", "bob");
    it.cached.clear();
    assert_eq!(it.status(alice(), "GET", "/orders/1").await, 404);
}

#[tokio::test]
async fn without_a_cache_it_counts_at_once() {
    let (orders, inner) = (Orders::new(), Inner::default());
    let guard = rules(&orders).build().unwrap();
    let service = Login.layer(guard.layer(inner));
    let ask = || request("alice", "GET", "/orders/1");
    assert_eq!(go(service.clone(), ask()).await.status(), 200);
    orders.give("1", "bob");
    assert_eq!(go(service, ask()).await.status(), 404);
}

/// Row 76.
#[tokio::test]
async fn what_was_absent_is_there_as_soon_as_it_is_made() {
    let it = Fixture::new();
    assert_eq!(it.status(principal("alice"), "GET", "/orders/9").await, 404);
    it.orders.give("9", "alice");
    assert_eq!(it.status(principal("alice"), "GET", "/orders/9").await, 200);
}

/// A kept decision is that of one credential, with its rights, for one action, object and route.
#[tokio::test]
async fn whatever_a_policy_can_see_makes_another_question() {
    let it = Fixture::new();
    let root = || principal("root");
    let ask = [
        (root(), "GET", "/orders/1"),
        (
            root().to_builder().roles(["user"]).build(),
            "GET",
            "/orders/1",
        ),
        (
            root().to_builder().scopes(["orders"]).build(),
            "GET",
            "/orders/1",
        ),
        (root().to_builder().tenant("t2").build(), "GET", "/orders/1"),
        (
            root().to_builder().issuer("https://other.example").build(),
            "GET",
            "/orders/1",
        ),
        (root().to_builder().acr("aal2").build(), "GET", "/orders/1"),
        (
            root().to_builder().token_id("t").build(),
            "GET",
            "/orders/1",
        ),
        (principal("bob"), "GET", "/orders/1"),
        (root(), "DELETE", "/orders/1"),
        (root(), "HEAD", "/orders/1"),
        (root(), "GET", "/orders/2"),
        (root(), "GET", "/copies/1"),
    ];
    for (asked, (who, method, target)) in ask.iter().enumerate() {
        it.status(who.clone(), method, target).await;
        assert_eq!(it.orders.asked(), asked + 1, "{who:?} {method} {target}");
    }
    for (who, method, target) in ask {
        it.status(who, method, target).await;
    }
    assert_eq!(it.orders.asked(), 12);
}

/// Row 72: an outage is not kept. Neither is a step up.
#[tokio::test]
async fn outages_and_step_ups_are_asked_again() {
    for (decision, status) in [
        (Decision::Unavailable, 503),
        (
            Decision::StepUp(tower_security::ownership::StepUp::stronger()),
            401,
        ),
    ] {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let policy = move |_: &AccessRequest| {
            count.fetch_add(1, Ordering::SeqCst);
            decision
        };
        let cached = CachedPolicy::builder(policy).build().unwrap();
        let guard = OwnershipGuard::builder()
            .resource("/orders/{id}", cached)
            .build()
            .unwrap();
        let service = Login.layer(guard.layer(Inner::default()));
        for _ in 0..2 {
            let answer = go(service.clone(), request("alice", "GET", "/orders/1")).await;
            assert_eq!(answer.status(), status);
        }
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }
}

/// What the policy has seen before the owner changed must not be kept after it.
#[tokio::test]
async fn a_decision_that_was_under_way_is_not_kept() {
    let (open, gate) = tokio::sync::watch::channel(false);
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let policy = async_policy(move |_: &AccessRequest| {
        count.fetch_add(1, Ordering::SeqCst);
        let mut gate = gate.clone();
        async move {
            gate.wait_for(|is_open| *is_open).await.unwrap();
            Decision::Allow
        }
    });
    let cached = CachedPolicy::builder(policy).build().unwrap();
    let guard = OwnershipGuard::builder()
        .resource("/orders/{id}", cached.clone())
        .build()
        .unwrap();
    let service = Login.layer(guard.layer(Inner::default()));
    let ask = || go(service.clone(), request("alice", "GET", "/orders/1"));
    let mut waiting = std::pin::pin!(ask());
    assert!(futures_poll(waiting.as_mut()).is_pending());
    cached.invalidate("1");
    open.send(true).unwrap();
    assert_eq!(waiting.await.status(), 200);
    assert_eq!(ask().await.status(), 200);
    assert_eq!(asked.load(Ordering::SeqCst), 2, "the first was not kept");
    assert_eq!(ask().await.status(), 200);
    assert_eq!(asked.load(Ordering::SeqCst), 2, "the second was");
}

fn futures_poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(std::task::Waker::noop()))
}

#[tokio::test]
async fn a_full_table_keeps_no_more() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let policy = move |_: &AccessRequest| {
        count.fetch_add(1, Ordering::SeqCst);
        Decision::Allow
    };
    let clock = ManualClock::new();
    // One for each of the sixteen parts of the table.
    let cached = CachedPolicy::builder(policy)
        .capacity(16)
        .clock(clock.clone())
        .build()
        .unwrap();
    let guard = OwnershipGuard::builder()
        .resource("/orders/{id}", cached)
        .build()
        .unwrap();
    let service = Login.layer(guard.layer(Inner::default()));
    let walk = async || {
        for id in 0..1_000 {
            let target = format!("/orders/{id}");
            go(service.clone(), request("alice", "GET", &target)).await;
        }
    };
    walk().await;
    assert_eq!(asked.swap(0, Ordering::SeqCst), 1_000);
    walk().await;
    let kept = 1_000 - asked.swap(0, Ordering::SeqCst);
    assert!((1..=16).contains(&kept), "{kept}");
    clock.advance(Duration::from_secs(2));
    walk().await;
    assert_eq!(
        asked.load(Ordering::SeqCst),
        1_000,
        "what has run out makes room and does not count"
    );
}
