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
