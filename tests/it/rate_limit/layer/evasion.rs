//! Ways to get past a limit, and that they lead nowhere.

use super::stores::Away;
use super::*;

/// Five a second; those who say so, which here is all it takes, have a hundred an hour.
fn two_plans(key: key::Key) -> Policy {
    Policy::new("api", Quota::per_second(5))
        .key(key)
        .plans([("pro", Quota::per_hour(100))], |parts| {
            usize::from(!parts.headers.contains_key("x-pro"))
        })
}

fn pro() -> Req {
    let mut request = one();
    let yes = HeaderValue::from_static("1");
    request.headers_mut().insert("x-pro", yes);
    request
}

async fn passed<S>(service: &S, requests: impl IntoIterator<Item = Req>) -> usize
where
    S: Service<Req, Response = Answer, Error = Infallible> + Clone,
{
    let seen = statuses(service, requests).await;
    seen.iter().filter(|status| **status == 200).count()
}

#[tokio::test]
async fn a_request_under_a_shorter_plan_forgives_nothing() {
    for key in [key::client_ip(), key::global()] {
        for overdrawn in [false, true] {
            let bench = Bench::new();
            let policy = two_plans(key.clone());
            let policy = if overdrawn {
                policy.charge_after(|_| 1)
            } else {
                policy
            };
            let most = if overdrawn { 50 } else { 100 };
            let service = bench.layer([policy]).layer(Spy::new());
            assert_eq!(passed(&service, (0..200).map(|_| pro())).await, most);
            // An hour is owed. The other plan knows of a second only.
            for _ in 0..20 {
                statuses(&service, [one()]).await;
                bench.clock.advance(Duration::from_secs(1));
                assert_eq!(statuses(&service, [pro()]).await, [429], "{key:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_key_that_is_charged_by_hand_keeps_what_it_owes_under_a_plan() {
    let bench = Bench::new();
    let limiter = bench.limiter(MemoryStore::default(), [two_plans(key::global())]);
    let service = RateLimitLayer::new(limiter.clone()).layer(Spy::new());
    assert_eq!(passed(&service, (0..101).map(|_| pro())).await, 100);
    assert!(limiter.acquire("api", |_| (), 1).await.is_err());
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(statuses(&service, [pro()]).await, [429]);
    // Who was given a better plan is let off by hand.
    assert!(limiter.reset("api", |_| ()));
    assert_eq!(statuses(&service, [pro()]).await, [200]);
}

#[tokio::test]
async fn while_the_store_is_away_a_shorter_plan_forgives_nothing() {
    let bench = Bench::new();
    let store = Away::new();
    let limiter = bench.limiter(store.clone(), [two_plans(key::client_ip())]);
    let service = RateLimitLayer::new(limiter).layer(Spy::new());
    store.away(true);
    assert_eq!(passed(&service, (0..101).map(|_| pro())).await, 100);
    statuses(&service, [one()]).await;
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(statuses(&service, [pro()]).await, [429]);
}

#[tokio::test]
async fn while_the_store_is_away_nothing_above_the_burst_passes() {
    for fraction in [None, Some(0.5)] {
        let bench = Bench::new();
        let store = Away::new();
        let spy = Spy::new();
        let policy = by_address(4)
            .on_store_error(OnStoreError::Local { fraction })
            .cost_by(|parts| parts.headers.len().try_into().unwrap())
            .plans([("large", Quota::new(1, MINUTE).burst(9))], |parts| {
                usize::from(!parts.headers.contains_key("x-large"))
            });
        let limiter = bench.limiter(store.clone(), [policy]);
        let service = RateLimitLayer::new(limiter).layer(spy.clone());
        let of = |cost: usize, is_large: bool| {
            let mut request = one();
            let names = ["x-a", "x-b", "x-c", "x-d", "x-e"].into_iter();
            let names = names.chain(["x-f", "x-g", "x-h", "x-i", "x-j"]);
            let large = is_large.then_some("x-large");
            for name in large.into_iter().chain(names).take(cost) {
                let value = HeaderValue::from_static("1");
                request.headers_mut().insert(name, value);
            }
            request
        };
        store.away(true);
        for request in [of(5, false), of(10, true)] {
            let answer = go(service.clone(), request).await;
            assert_eq!(
                answer.status(),
                StatusCode::TOO_MANY_REQUESTS,
                "{fraction:?}"
            );
            let limited = answer.extensions().get::<RateLimited>().unwrap();
            assert_eq!(limited.reason(), RateLimitReason::CostExceedsQuota);
        }
        assert_eq!(spy.calls(), 0);
        assert_eq!(
            statuses(&service, [of(4, false)]).await,
            [200],
            "{fraction:?}"
        );
    }
}

#[tokio::test]
async fn while_the_store_is_away_what_was_overdrawn_stays_owed() {
    let bench = Bench::new();
    let store = Away::new();
    let limiter = bench.limiter(store.clone(), [by_address(4).charge_after(|_| 4)]);
    let service = RateLimitLayer::new(limiter).layer(Spy::new());
    store.away(true);
    // One before and four after: five minutes, and four is the window.
    assert_eq!(statuses(&service, [one(), one()]).await, [200, 429]);
    bench.clock.advance(2 * MINUTE - Duration::from_nanos(1));
    assert_eq!(statuses(&service, [one()]).await, [429]);
    bench.clock.advance(Duration::from_nanos(1));
    assert_eq!(statuses(&service, [one()]).await, [200]);
}

#[tokio::test]
async fn policies_of_one_key_each_say_what_becomes_of_a_request_without_it() {
    let nobody = || Request::new(Full::default());
    let shared = || everybody("all", 9).key(key::client_ip());
    let rows = [
        ("refuse", by_address(9).on_missing(OnMissing::Refuse), 403),
        ("skip", by_address(1).dangerous_skip_missing(), 200),
        ("share", by_address(1), 429),
    ];
    for (name, policy, expected) in rows {
        for policies in [[shared(), policy.clone()], [policy, shared()]] {
            let bench = Bench::new();
            let service = bench.layer(policies).layer(Spy::new());
            statuses(&service, [nobody()]).await;
            assert_eq!(statuses(&service, [nobody()]).await, [expected], "{name}");
        }
    }
}

#[tokio::test]
async fn a_policy_that_is_enforced_for_no_key_refuses_nobody() {
    let refusing = key::custom(|_, _| KeyOutcome::Refuse(KeyRefusal::new(StatusCode::FORBIDDEN)));
    for (percent, expected) in [(0, 200), (100, 403)] {
        let policies = [
            by_address(1).on_missing(OnMissing::Refuse),
            everybody("x", 1).key(refusing.clone()),
        ];
        for policy in policies {
            let bench = Bench::new();
            let layer = bench.layer([policy.enforce_percent(percent)]);
            let service = layer.layer(Spy::new());
            let request = Request::new(Full::default());
            assert_eq!(statuses(&service, [request]).await, [expected], "{percent}");
        }
    }
}

#[test]
fn what_hashes_keys_does_not_show_its_seed() {
    let seed = KeySeed::fleet(*b"0123456789abcdef");
    let hasher = key::KeyHasher::new(&seed);
    assert_eq!(
        format!("{hasher:?} {hasher:#?}"),
        "KeyHasher(..) KeyHasher(..)"
    );
}

/// The worst that late refunds can do: the kept requests all stand at the end of the queue, since those before them were given back
/// at once, and each is still worth a whole unit when time has given back all of them but one.
#[tokio::test]
async fn late_refunds_are_worth_less_than_another_burst() {
    const BURST: u32 = 20;
    let bench = Bench::new();
    let policy = by_address(BURST).count_when(Outcome::is_failure);
    let limiter = bench.limiter(MemoryStore::default(), [policy]);
    let (parts, _) = one().into_parts();
    let take = async || limiter.check(&parts).await;

    let mut kept = Vec::new();
    for _ in 0..BURST {
        let mut others = Vec::new();
        while let Ok(permit) = take().await {
            others.push(permit);
        }
        kept.extend(others.pop());
        others.into_iter().for_each(|permit| limiter.refund(permit));
    }
    bench.clock.advance(MINUTE * (BURST - 1));
    let mut counted = 0;
    while take().await.is_ok() {
        counted += 1;
    }
    kept.into_iter().for_each(|permit| limiter.refund(permit));
    while take().await.is_ok() {
        counted += 1;
    }
    assert_eq!(counted, 2 * BURST - 1);
    // It was saved up: another unit comes when one would have come anyway.
    bench.clock.advance(MINUTE - Duration::from_nanos(1));
    assert!(take().await.is_err());
    bench.clock.advance(Duration::from_nanos(1));
    assert!(take().await.is_ok());
    assert!(take().await.is_err());
}
