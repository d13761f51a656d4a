//! What a limiter is built of, and how much its quotas let pass.

use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{Method, Request, Response};
use tower_security::core::{ConfigErrors, ErrorClass, ManualClock};
use tower_security::rate_limit::key::{KeyHash, KeySeed};
use tower_security::rate_limit::{
    Acquire, Charge, CounterSpec, MemoryCounter, MemoryStore, Nanos, OnStoreError, Outcome, Policy,
    Quota, RateLimitConfigError, RateLimiter, Receipt, Store, key,
};

/// Counters that several nodes would share.
#[derive(Debug)]
struct Fleet(MemoryStore);

impl Store for Fleet {
    type Counter = MemoryCounter;
    type Pending = <MemoryStore as Store>::Pending;

    fn key_seed(&self) -> KeySeed {
        KeySeed::fleet(*b"0123456789abcdef")
    }

    fn open(&self, spec: &CounterSpec<'_>) -> Arc<MemoryCounter> {
        self.0.open(spec)
    }

    fn acquire(
        &self,
        now: Nanos,
        charges: &mut [Charge<'_, MemoryCounter>],
    ) -> Acquire<Self::Pending> {
        self.0.acquire(now, charges)
    }

    fn refund(&self, now: Nanos, counter: &MemoryCounter, receipt: Receipt) {
        self.0.refund(now, counter, receipt);
    }

    fn reset(&self, now: Nanos, counter: &MemoryCounter, key: KeyHash) {
        self.0.reset(now, counter, key);
    }

    fn is_shared(&self) -> bool {
        true
    }
}

fn policy(name: &'static str) -> Policy {
    Policy::new(name, Quota::per_minute(10)).key(key::client_ip())
}

fn built(policies: impl IntoIterator<Item = Policy>) -> Result<(), ConfigErrors> {
    let builder = policies
        .into_iter()
        .fold(RateLimiter::builder(), |builder, policy| {
            builder.policy(policy)
        });
    builder.build().map(|_| ())
}

fn codes(result: Result<(), ConfigErrors>) -> Vec<(ErrorClass, &'static str)> {
    let errors = result.err().into_iter().flatten();
    errors.map(|error| (error.class(), error.code())).collect()
}

#[test]
fn weak_limiters_are_not_built() {
    use ErrorClass::{Invalid, Refused};
    let of = |quota| Policy::new("p", quota).key(key::global());
    let second = Duration::from_secs(1);
    let nine = ["a", "b", "c", "d", "e", "f", "g", "h", "i"].map(policy);
    let local = |fraction| {
        policy("p").on_store_error(OnStoreError::Local {
            fraction: Some(fraction),
        })
    };
    #[rustfmt::skip]
    let rows: Vec<(Vec<Policy>, Vec<Policy>, ErrorClass, &str)> = vec![
        (vec![of(Quota::per_second(0))], vec![of(Quota::per_second(1))], Invalid, "empty_quota"),
        (vec![of(Quota::per_second(1).burst(0))], vec![of(Quota::per_second(1).burst(1))], Invalid, "empty_quota"),
        (vec![of(Quota::new(1, Duration::ZERO))], vec![of(Quota::new(1, second))], Invalid, "empty_quota"),
        (vec![policy("p").cost(11)], vec![policy("p").cost(10)], Invalid, "cost_exceeds_burst"),
        (vec![of(Quota::new(1, second * 60).burst(307_445_736))], vec![of(Quota::per_day(u32::MAX))], Invalid, "quota_overflow"),
        (vec![of(Quota::per_second(1_000_001))], vec![of(Quota::per_second(1_000_000))], Refused, "quota_too_fine"),
        (vec![policy("per address")], vec![policy("per-address")], Invalid, "policy_name"),
        (vec![policy("a"), policy("a")], vec![policy("a"), policy("b")], Invalid, "duplicate_policy"),
        (vec![], vec![policy("p")], Invalid, "no_policy"),
        (nine.to_vec(), nine[1..].to_vec(), Invalid, "too_many_policies"),
        (vec![Policy::new("p", Quota::per_second(1))], vec![policy("p")], Invalid, "key_required"),
        (vec![policy("p").key(key::client_prefix(7, 64))], vec![policy("p").key(key::client_prefix(8, 64))], Refused, "prefix_width"),
        (vec![policy("p").key(key::client_prefix(32, 128))], vec![policy("p").key(key::dangerous_full_v6())], Refused, "prefix_width"),
        (vec![policy("p").key(key::dangerous_header("x y"))], vec![policy("p").key(key::dangerous_header("x-y"))], Invalid, "header_name"),
        (vec![policy("p").methods([])], vec![policy("p").methods([Method::GET])], Invalid, "no_methods"),
        (vec![policy("p").enforce_percent(101)], vec![policy("p").enforce_percent(100)], Invalid, "percent"),
        (vec![local(1.1)], vec![local(1.0)], Invalid, "fraction"),
    ];
    for (refused, accepted, class, code) in rows {
        assert_eq!(codes(built(refused)), [(class, code)]);
        assert_eq!(codes(built(accepted)), [], "{code}");
    }
}

#[test]
fn the_jitter_has_a_limit() {
    let with = |percent| {
        let builder = RateLimiter::builder().policy(policy("p"));
        builder.retry_jitter(percent).build().map(|_| ())
    };
    assert_eq!(codes(with(11)), [(ErrorClass::Refused, "jitter")]);
    assert_eq!(codes(with(10)), []);
}

#[test]
fn nodes_that_share_a_store_name_the_bytes_of_a_key() {
    let with = |key: key::Key| {
        let store = Fleet(MemoryStore::default());
        let builder = RateLimiter::builder().policy(policy("p").key(key));
        builder.store(store).build().map(|_| ())
    };
    let refused = [(ErrorClass::Refused, "unstable_key")];
    assert_eq!(codes(with(key::extension::<u64>())), refused);
    assert_eq!(codes(with(key::principal())), []);
    #[cfg(feature = "tower-governor")]
    {
        use tower_governor::key_extractor::GlobalKeyExtractor;
        assert_eq!(codes(with(key::governor(GlobalKeyExtractor))), refused);
        let named = key::governor_with(GlobalKeyExtractor, |(), hasher| hasher.u64(0));
        assert_eq!(codes(with(named)), []);
    }
}

#[test]
fn all_mistakes_come_at_once_with_their_places() {
    let errors = RateLimiter::builder()
        .policy(Policy::new("per address", Quota::per_second(0)))
        .policy(policy("ok").cost(11))
        .retry_jitter(50)
        .build()
        .unwrap_err();
    let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
    assert_eq!(
        codes,
        [
            "policy_name",
            "empty_quota",
            "key_required",
            "cost_exceeds_burst",
            "jitter"
        ]
    );
    let fourth = errors.iter().nth(3).unwrap();
    assert!(fourth.path().ends_with("policies[1].quota"), "{fourth}");
    assert_eq!(
        fourth.downcast(),
        Some(&RateLimitConfigError::CostExceedsBurst {
            cost: 11,
            burst: 10
        })
    );
}

fn request(method: Method) -> Parts {
    let request = Request::builder().method(method).uri("/").body(()).unwrap();
    request.into_parts().0
}

/// How many of `tries` requests pass at this moment.
async fn passed(limiter: &RateLimiter, tries: u32) -> u32 {
    let mut passed = 0;
    for _ in 0..tries {
        passed += u32::from(limiter.check(&request(Method::GET)).await.is_ok());
    }
    passed
}

fn limiter(policy: Policy) -> (RateLimiter, ManualClock) {
    let clock = ManualClock::new();
    let limiter = RateLimiter::builder()
        .policy(policy)
        .clock(clock.clone())
        .build()
        .unwrap();
    (limiter, clock)
}

#[tokio::test]
async fn a_burst_passes_and_then_the_rate() {
    let minute = Duration::from_secs(60);
    // Quota, at once, then after a second, then after a minute.
    #[rustfmt::skip]
    let rows: &[(Quota, u32, u32, u32)] = &[
        (Quota::per_second(5), 5, 5, 5),
        (Quota::per_minute(60), 60, 1, 60),
        (Quota::per_minute(60).burst(10), 10, 1, 10),
        (Quota::per_minute(1).burst(3), 3, 0, 1),
        (Quota::per_hour(60), 60, 0, 1),
        (Quota::per_day(1), 1, 0, 0),
        (Quota::strict(10, minute), 5, 0, 5),
    ];
    for (quota, at_once, after_second, after_minute) in rows {
        let (limiter, clock) = limiter(Policy::new("p", *quota).key(key::global()));
        let seen = passed(&limiter, 200).await;
        clock.advance(Duration::from_secs(1));
        let second = passed(&limiter, 200).await;
        clock.advance(minute);
        let minute = passed(&limiter, 200).await;
        assert_eq!(
            (seen, second, minute),
            (*at_once, *after_second, *after_minute),
            "{quota:?}"
        );
    }
}

#[tokio::test]
async fn a_request_costs_what_it_is_said_to() {
    let ten = || Policy::new("p", Quota::per_hour(10)).key(key::global());
    #[rustfmt::skip]
    let rows: Vec<(Policy, u32)> = vec![
        (ten(), 10),
        (ten().cost(5), 2),
        (ten().cost(10), 1),
        (ten().cost(0), 50),
        (ten().cost_by(|parts| if parts.method == Method::GET { 2 } else { 20 }), 5),
        (ten().cost(5).cost_by(|_| 1), 10),
        (ten().cost_by(|_| 11), 0),
        (ten().methods([Method::GET]), 10),
        (ten().methods([Method::POST, Method::HEAD]), 50),
        (ten().when(|parts| parts.uri.path() == "/"), 10),
        (ten().when(|parts| parts.uri.path() == "/a"), 50),
        (ten().plans([("small", Quota::per_hour(3)), ("large", Quota::per_hour(30))], |_| 0), 3),
        (ten().plans([("small", Quota::per_hour(3)), ("large", Quota::per_hour(30))], |_| 1), 30),
        (ten().plans([("small", Quota::per_hour(3)), ("large", Quota::per_hour(30))], |_| 2), 10),
    ];
    for (policy, expected) in rows {
        let shown = format!("{policy:?}");
        let (limiter, _clock) = limiter(policy);
        assert_eq!(passed(&limiter, 50).await, expected, "{shown}");
    }
}

#[tokio::test]
async fn failures_alone_count_if_so_configured() {
    let counting = |counts: fn(&Outcome<'_>) -> bool| {
        limiter(
            Policy::new("p", Quota::per_hour(2))
                .key(key::global())
                .count_when(counts),
        )
    };
    // How many of ten answers with this status are let through.
    #[rustfmt::skip]
    let rows: &[(fn(&Outcome<'_>) -> bool, u16, u32)] = &[
        (Outcome::is_failure, 200, 10),
        (Outcome::is_failure, 404, 2),
        (Outcome::is_failure, 500, 2),
        (Outcome::is_client_error, 500, 10),
        (Outcome::is_client_error, 404, 2),
        (Outcome::is_denial, 404, 10),
        (Outcome::is_denial, 401, 2),
    ];
    for (counts, status, expected) in rows {
        let (limiter, _clock) = counting(*counts);
        let mut passed = 0;
        for _ in 0..10 {
            if let Ok(permit) = limiter.check(&request(Method::GET)).await {
                let answer = Response::builder().status(*status).body(()).unwrap();
                permit.settle(&Outcome::of(&answer));
                passed += 1;
            }
        }
        assert_eq!(passed, *expected, "{status}");
    }
}
