//! What the layer does with requests, on a clock that stands still.

use std::convert::Infallible;
use std::future::Ready;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::header::{LOCATION, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tokio::sync::oneshot;
use tower::{Layer, Service, service_fn};
use tower_security::RateLimitLayer;
use tower_security::core::{
    AbuseKind, AbuseSignal, Accepts, ClientIp, IpSet, ManualClock, Mode, PeerAddr, RefusalContext,
    Refused, Rejection, RejectionRenderer, SecurityEvent, StoreError, StoreErrorKind,
};
use tower_security::rate_limit::key::{KeyOutcome, KeyRefusal, KeySeed};
use tower_security::rate_limit::{
    Acquire, Charge, CounterSpec, Emit, HeaderStyle, IetfDraft, MemoryCounter, MemoryStore, Nanos,
    OnMissing, OnStoreError, Outcome, Overflow, Policy, Quota, RateLimit, RateLimitInfo,
    RateLimitReason, RateLimited, RateLimiter, Receipt, Standing, Store, key,
};

use crate::support::service::{Spy, go};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const MINUTE: Duration = Duration::from_secs(60);

type Req = Request<Full<Bytes>>;
type Answer = Response<Full<Bytes>>;

/// One unit a minute from each address.
fn by_address(burst: u32) -> Policy {
    Policy::new("ip", Quota::new(1, MINUTE).burst(burst)).key(key::client_ip())
}

fn everybody(name: &'static str, burst: u32) -> Policy {
    Policy::new(name, Quota::new(1, MINUTE).burst(burst)).key(key::global())
}

type Events = Arc<Mutex<Vec<String>>>;

/// A layer on a clock of its own, whose events are written down.
struct Bench {
    clock: ManualClock,
    events: Events,
}

impl Bench {
    fn new() -> Self {
        Self {
            clock: ManualClock::new(),
            events: Events::default(),
        }
    }

    fn limiter<St: Store>(
        &self,
        store: St,
        policies: impl IntoIterator<Item = Policy>,
    ) -> RateLimiter<St> {
        let seen = Arc::clone(&self.events);
        let builder = RateLimiter::builder()
            .store(store)
            .clock(self.clock.clone())
            .events(move |event: &SecurityEvent<'_>| seen.lock().unwrap().push(told(event)));
        let builder = policies
            .into_iter()
            .fold(builder, |all, one| all.policy(one));
        builder.build().unwrap()
    }

    fn layer(&self, policies: impl IntoIterator<Item = Policy>) -> RateLimitLayer {
        RateLimitLayer::new(self.limiter(MemoryStore::default(), policies))
    }

    fn take_events(&self) -> Vec<String> {
        std::mem::take(&mut *self.events.lock().unwrap())
    }
}

fn told(event: &SecurityEvent<'_>) -> String {
    let text = |text: &Option<tower_security::core::CleanText<'_>>| {
        text.as_deref().unwrap_or("-").to_owned()
    };
    format!(
        "{} {} {} {} rule={} {}",
        event.name.as_str(),
        event.level.as_str(),
        event.outcome.as_str(),
        event.code,
        text(&event.rule),
        text(&event.detail),
    )
}

fn from(ip: &str) -> Req {
    let ip: IpAddr = ip.parse().unwrap();
    Request::builder()
        .uri("/orders")
        .extension(PeerAddr::from(std::net::SocketAddr::from((ip, 4711))))
        .body(Full::default())
        .unwrap()
}

fn one() -> Req {
    from("203.0.113.9")
}

/// The statuses of as many requests as there are.
async fn statuses<S>(service: &S, requests: impl IntoIterator<Item = Req>) -> Vec<u16>
where
    S: Service<Req, Response = Answer, Error = Infallible> + Clone,
{
    let mut seen = Vec::new();
    for request in requests {
        seen.push(go(service.clone(), request).await.status().as_u16());
    }
    seen
}

async fn text(answer: Answer) -> String {
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

fn lines(answer: &Answer, name: &HeaderName) -> Vec<String> {
    let lines = answer.headers().get_all(name).iter();
    lines
        .map(|line| line.to_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn one_a_minute_then_429_and_another_address_is_not_concerned() {
    let bench = Bench::new();
    let spy = Spy::new();
    let service = bench.layer([by_address(1)]).layer(spy.clone());
    assert_eq!(statuses(&service, [one(), one()]).await, [200, 429]);
    assert_eq!(spy.calls(), 1);
    assert_eq!(statuses(&service, [from("203.0.113.10")]).await, [200]);

    bench.clock.advance(MINUTE - Duration::from_nanos(1));
    assert_eq!(statuses(&service, [one()]).await, [429]);
    bench.clock.advance(Duration::from_nanos(1));
    assert_eq!(statuses(&service, [one()]).await, [200]);
}

#[tokio::test]
async fn a_refusal_says_why_and_how_long_to_wait() {
    let bench = Bench::new();
    let service = bench.layer([by_address(1)]).layer(Spy::new());
    statuses(&service, [one()]).await;
    bench.clock.advance(Duration::from_millis(17_999));
    let answer = go(service, one()).await;

    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    let expected = [
        ("retry-after", "43"),
        ("ratelimit-policy", "\"ip\";q=1;w=60"),
        ("ratelimit", "\"ip\";r=0;t=43"),
        ("cache-control", "no-store"),
        ("content-type", "application/problem+json"),
    ];
    for (name, value) in expected {
        assert_eq!(answer.headers()[name], value);
    }
    let limited = answer.extensions().get::<RateLimited>().unwrap();
    assert_eq!(limited.reason(), RateLimitReason::Exceeded);
    assert_eq!(limited.policies().collect::<Vec<_>>(), ["ip"]);
    assert_eq!(limited.policy(), Some("ip"));
    assert_eq!(limited.wait(), Some(Duration::from_millis(42_001)));
    let refused = answer.extensions().get::<Refused>().unwrap();
    assert_eq!(refused.code(), "rate_limited");
    assert_eq!(
        AbuseSignal::of(answer.extensions()),
        Some(AbuseKind::RateLimited)
    );
    assert_eq!(
        text(answer).await,
        "{\"type\":\"https://iana.org/assignments/http-problem-types#quota-exceeded\",\"title\":\"Too many requests\",\
         \"status\":429,\"code\":\"rate_limited\",\"violated-policies\":[\"ip\"]}"
    );
    assert_eq!(
        bench.take_events(),
        ["excess_rate_limit_exceeded warn refused rate_limited rule=ip wait_ms=42001 suppressed=0"]
    );
}

#[tokio::test]
async fn waiting_as_long_as_retry_after_says_is_enough() {
    // Tenths of a second, so that seconds are rounded: 0.001 s, 0.999 s, 1 s and 1.001 s make 1, 1, 1 and 2.
    let rows = [(1, "1"), (999, "1"), (1_000, "1"), (1_001, "2")];
    for (millis, expected) in rows {
        let bench = Bench::new();
        let quota = Quota::new(1, Duration::from_millis(millis));
        let policy = Policy::new("ip", quota).key(key::client_ip());
        let service = bench.layer([policy]).layer(Spy::new());
        statuses(&service, [one()]).await;
        let refused = go(service.clone(), one()).await;
        assert_eq!(refused.headers()[RETRY_AFTER], expected, "{millis}");
        let seconds: u64 = expected.parse().unwrap();
        bench.clock.advance(Duration::from_secs(seconds));
        assert_eq!(statuses(&service, [one()]).await, [200], "{millis}");
    }
}

#[tokio::test]
async fn policies_are_charged_all_or_none() {
    let bench = Bench::new();
    let service = bench
        .layer([everybody("wide", 3), by_address(1)])
        .layer(Spy::new());
    assert_eq!(
        statuses(&service, [one(), one(), one()]).await,
        [200, 429, 429]
    );
    // The denials have taken nothing of the three.
    let others = [
        from("203.0.113.10"),
        from("203.0.113.11"),
        from("203.0.113.12"),
    ];
    assert_eq!(statuses(&service, others).await, [200, 200, 429]);
}

#[tokio::test]
async fn all_that_deny_are_named_and_the_longest_wait_is_told() {
    let bench = Bench::new();
    let hour = Policy::new("hour", Quota::per_hour(1)).key(key::global());
    let service = bench
        .layer([everybody("minute", 1), hour, everybody("wide", 9)])
        .layer(Spy::new());
    statuses(&service, [one()]).await;
    let answer = go(service, one()).await;
    assert_eq!(answer.headers()[RETRY_AFTER], "3600");
    assert_eq!(answer.headers()[LIMIT], "\"hour\";r=0;t=3600");
    assert_eq!(
        answer.headers()[POLICY],
        "\"minute\";q=1;w=60, \"hour\";q=1;w=3600, \"wide\";q=9;w=540"
    );
    let limited = answer.extensions().get::<RateLimited>().unwrap();
    assert_eq!(limited.policies().collect::<Vec<_>>(), ["minute", "hour"]);
    assert_eq!(limited.policy(), Some("hour"));
    let body = text(answer).await;
    assert!(
        body.ends_with("\"violated-policies\":[\"minute\",\"hour\"]}"),
        "{body}"
    );
}

#[tokio::test]
async fn methods_and_conditions_say_which_requests_are_concerned() {
    let bench = Bench::new();
    let post = || {
        let mut request = one();
        *request.method_mut() = Method::POST;
        request
    };
    let service = bench
        .layer([by_address(1).methods([Method::POST])])
        .layer(Spy::new());
    assert_eq!(
        statuses(&service, [one(), one(), post(), post(), one()]).await,
        [200, 200, 200, 429, 200]
    );

    let search = || {
        let mut request = one();
        *request.uri_mut() = http::Uri::from_static("/search");
        request
    };
    let service = bench
        .layer([by_address(1).when(|parts| parts.uri.path() == "/search")])
        .layer(Spy::new());
    assert_eq!(
        statuses(&service, [one(), one(), search(), search(), one()]).await,
        [200, 200, 200, 429, 200]
    );
}

#[tokio::test]
async fn costs_are_fixed_or_a_function_and_0_only_looks() {
    let costing = |cost: &'static str| {
        let mut request = one();
        request
            .headers_mut()
            .insert("x-cost", HeaderValue::from_static(cost));
        request
    };
    let bench = Bench::new();
    let service = bench.layer([by_address(5).cost(2)]).layer(Spy::new());
    assert_eq!(
        statuses(&service, [one(), one(), one()]).await,
        [200, 200, 429]
    );

    let by = |parts: &http::request::Parts| {
        let cost = parts.headers.get("x-cost");
        cost.and_then(|cost| cost.to_str().ok()?.parse().ok())
            .unwrap_or(1)
    };
    let service = bench.layer([by_address(5).cost_by(by)]).layer(Spy::new());
    let requests = [
        costing("0"),
        costing("4"),
        costing("2"),
        one(),
        costing("0"),
    ];
    assert_eq!(
        statuses(&service, requests).await,
        [200, 200, 429, 200, 200]
    );
}

#[tokio::test]
async fn what_costs_more_than_the_burst_is_refused_for_good() {
    let bench = Bench::new();
    let service = bench
        .layer([by_address(2).cost_by(|_| 3)])
        .layer(Spy::new());
    let answer = go(service, one()).await;
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(!answer.headers().contains_key(RETRY_AFTER));
    let limited = answer.extensions().get::<RateLimited>().unwrap();
    assert_eq!(limited.reason(), RateLimitReason::CostExceedsQuota);
    assert_eq!(limited.wait(), None);
    let body = text(answer).await;
    assert!(body.contains("\"code\":\"cost_exceeds_quota\""), "{body}");
}

#[tokio::test]
async fn a_plan_is_the_quota_of_those_who_have_it() {
    let bench = Bench::new();
    let policy = by_address(1).plans([("pro", Quota::per_minute(3))], |parts| {
        if parts.headers.contains_key("x-pro") {
            0
        } else {
            usize::MAX
        }
    });
    let service = bench.layer([policy]).layer(Spy::new());
    let pro = || {
        let mut request = from("203.0.113.10");
        request
            .headers_mut()
            .insert("x-pro", HeaderValue::from_static("1"));
        request
    };
    assert_eq!(statuses(&service, [one(), one()]).await, [200, 429]);
    assert_eq!(
        statuses(&service, [pro(), pro(), pro()]).await,
        [200, 200, 200]
    );
    let answer = go(service, pro()).await;
    assert_eq!(answer.headers()[POLICY], "\"ip\";q=3;w=60");
    assert_eq!(answer.headers()[RETRY_AFTER], "20");
}

#[tokio::test]
async fn a_request_by_a_plan_of_a_shorter_window_forgives_no_debt() {
    let bench = Bench::new();
    let policy = by_address(1).plans([("bulk", Quota::per_day(3))], |parts| {
        if parts.headers.contains_key("x-bulk") {
            0
        } else {
            usize::MAX
        }
    });
    let service = bench.layer([policy]).layer(Spy::new());
    let bulk = || {
        let mut request = from("203.0.113.10");
        request
            .headers_mut()
            .insert("x-bulk", HeaderValue::from_static("1"));
        request
    };
    assert_eq!(
        statuses(&service, [bulk(), bulk(), bulk(), bulk()]).await,
        [200, 200, 200, 429]
    );
    assert_eq!(statuses(&service, [from("203.0.113.10")]).await, [429]);
    assert_eq!(statuses(&service, [bulk()]).await, [429]);
}

#[tokio::test]
async fn a_trial_leaves_the_answers_byte_identical() {
    async fn bytes<S>(service: S) -> String
    where
        S: Service<Req, Response = Answer, Error = Infallible>,
    {
        let (head, body) = go(service, one()).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        assert_eq!(head.extensions.len(), 0);
        format!("{:?} {:?} {body:?}", head.status, head.headers)
    }
    let bench = Bench::new();
    let spy = Spy::new().header(HeaderName::from_static("x-own"), "1");
    let plain = bytes(spy.clone()).await;
    for policy in [
        by_address(1).mode(Mode::ReportOnly),
        by_address(1).enforce_percent(0),
        by_address(1).cost_by(|_| 9).mode(Mode::ReportOnly),
        by_address(1)
            .mode(Mode::ReportOnly)
            .on_missing(OnMissing::Refuse)
            .key(key::principal_only()),
        by_address(1)
            .mode(Mode::ReportOnly)
            .key(key::custom(|_, _| {
                KeyOutcome::Refuse(KeyRefusal::new(StatusCode::UNAUTHORIZED))
            })),
    ] {
        let limiter = RateLimiter::builder()
            .policy(policy)
            .headers(HeaderStyle::Both(IetfDraft::Draft10), Emit::Always)
            .clock(bench.clock.clone())
            .events(tower_security::core::NoopSink::new())
            .build()
            .unwrap();
        let service = RateLimitLayer::new(limiter).layer(spy.clone());
        for _ in 0..3 {
            assert_eq!(bytes(service.clone()).await, plain);
        }
    }
}

#[tokio::test]
async fn a_trial_is_told_and_charged_only_if_the_real_ones_pass() {
    let bench = Bench::new();
    let trial = everybody("trial", 2).mode(Mode::ReportOnly);
    let service = bench.layer([by_address(1), trial]).layer(Spy::new());
    // The second one is refused and does not count for the trial.
    assert_eq!(statuses(&service, [one(), one()]).await, [200, 429]);
    bench.take_events();
    assert_eq!(statuses(&service, [from("203.0.113.10")]).await, [200]);
    assert_eq!(bench.take_events(), [""; 0]);
    assert_eq!(statuses(&service, [from("203.0.113.11")]).await, [200]);
    assert_eq!(
        bench.take_events(),
        [
            "excess_rate_limit_exceeded warn would_refuse rate_limited rule=trial wait_ms=60000 suppressed=0"
        ]
    );
}

#[tokio::test]
async fn a_share_of_the_keys_is_always_the_same_one() {
    let bench = Bench::new();
    let policy = by_address(1).enforce_percent(30);
    let service = bench.layer([policy]).layer(Spy::new());
    let mut refused = [0, 0];
    for round in &mut refused {
        for host in 0..200 {
            let ip = format!("203.0.113.{host}");
            statuses(&service, [from(&ip)]).await;
            *round += usize::from(statuses(&service, [from(&ip)]).await == [429]);
        }
    }
    assert_eq!(refused[0], refused[1]);
    // Six standard deviations on each side of 60.
    assert!((22..=98).contains(&refused[0]), "{refused:?}");
}

#[tokio::test]
async fn a_policy_that_is_enforced_for_nobody_refuses_nobody() {
    let refusing = |percent| {
        let refuse =
            |_: &_, _: &mut _| KeyOutcome::Refuse(KeyRefusal::new(StatusCode::UNAUTHORIZED));
        Policy::new("ip", Quota::per_minute(1))
            .key(key::custom(refuse))
            .enforce_percent(percent)
    };
    let missing = |percent| {
        by_address(1)
            .on_missing(OnMissing::Refuse)
            .enforce_percent(percent)
    };
    let rows = [
        (by_address(1).enforce_percent(0), [200, 200]),
        (by_address(1).enforce_percent(100), [200, 429]),
        (missing(0), [200, 200]),
        (missing(100), [403, 403]),
        (refusing(0), [200, 200]),
        (refusing(100), [401, 401]),
    ];
    for (index, (policy, expected)) in rows.into_iter().enumerate() {
        let service = Bench::new().layer([policy]).layer(Spy::new());
        let nobody = || Request::new(Full::default());
        let requests = if index < 2 {
            [one(), one()]
        } else {
            [nobody(), nobody()]
        };
        assert_eq!(statuses(&service, requests).await, expected, "row {index}");
    }
}

#[tokio::test]
async fn modes_of_the_whole_limiter() {
    let rows = [
        (Mode::Enforce, vec![200, 429], 1),
        (Mode::ReportOnly, vec![200, 200], 1),
        (Mode::Off, vec![200, 200], 0),
    ];
    for (mode, expected, told) in rows {
        let events = Events::default();
        let seen = Arc::clone(&events);
        let layer = RateLimitLayer::builder()
            .policy(by_address(1))
            .mode(mode)
            .clock(ManualClock::new())
            .events(move |event: &SecurityEvent<'_>| {
                seen.lock().unwrap().push(event.code.to_owned());
            })
            .build()
            .unwrap();
        assert_eq!(layer.limiter().mode(), mode);
        let service = layer.layer(Spy::new());
        assert_eq!(
            statuses(&service, [one(), one()]).await,
            expected,
            "{mode:?}"
        );
        assert_eq!(events.lock().unwrap().len(), told, "{mode:?}");
    }
    let bench = Bench::new();
    let service = bench
        .layer([by_address(1).mode(Mode::Off)])
        .layer(Spy::new());
    assert_eq!(statuses(&service, [one(), one()]).await, [200, 200]);
}

#[tokio::test]
async fn a_missing_key_is_shared_refused_or_passed_and_told_once_a_minute() {
    let nobody = || Request::new(Full::default());
    let rows = [
        (by_address(1), vec![200, 429, 429]),
        (
            by_address(1).on_missing(OnMissing::Refuse),
            vec![403, 403, 403],
        ),
        (by_address(1).dangerous_skip_missing(), vec![200, 200, 200]),
    ];
    for (policy, expected) in rows {
        let bench = Bench::new();
        let is_skipped = expected == [200, 200, 200];
        let service = bench.layer([policy]).layer(Spy::new());
        let requests = [nobody(), nobody(), nobody()];
        assert_eq!(statuses(&service, requests).await, expected);
        assert_eq!(statuses(&service, [one()]).await, [200]);
        let told = bench.take_events();
        let told = told
            .iter()
            .filter(|told| told.contains("sys_monitor_disabled"));
        assert_eq!(
            told.collect::<Vec<_>>(),
            if is_skipped {
                vec![]
            } else {
                vec![
                    "sys_monitor_disabled error fault rate_key_missing rule=ip suppressed=0 remedy=axum: \
                     into_make_service_with_connect_info::<SocketAddr>(), hyper: WithPeerAddr",
                ]
            }
        );
    }
    let bench = Bench::new();
    let layer = bench.layer([by_address(9).on_missing(OnMissing::Refuse)]);
    let answer = go(layer.layer(Spy::new()), nobody()).await;
    let limited = answer.extensions().get::<RateLimited>().unwrap();
    assert_eq!(limited.reason(), RateLimitReason::KeyMissing);
    assert!(!answer.headers().contains_key(RETRY_AFTER));
    assert_eq!(AbuseSignal::of(answer.extensions()), None);
    assert_eq!(
        text(answer).await,
        "{\"title\":\"The request does not say for whom it counts\",\"status\":403,\"code\":\"rate_key_missing\"}"
    );
    assert_eq!(layer.limiter().stats().missing_keys, 1);
}

#[tokio::test]
async fn an_extractor_that_refuses_is_obeyed_and_charges_nothing() {
    let bench = Bench::new();
    let session = key::custom(|parts, hasher| match parts.headers.get("x-session") {
        Some(id) => {
            hasher.bytes(id.as_bytes());
            KeyOutcome::Set
        }
        None => KeyOutcome::Refuse(
            KeyRefusal::new(StatusCode::UNAUTHORIZED)
                .challenge(HeaderValue::from_static("Bearer"))
                .detail("no session"),
        ),
    });
    let policy = Policy::new("session", Quota::per_minute(9)).key(session);
    let spy = Spy::new();
    let service = bench
        .layer([everybody("all", 1), policy])
        .layer(spy.clone());
    let answer = go(service.clone(), one()).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(answer.headers()["www-authenticate"], "Bearer");
    let limited = answer.extensions().get::<RateLimited>().unwrap();
    assert_eq!(limited.reason(), RateLimitReason::KeyRefused);
    assert_eq!(
        bench.take_events(),
        [
            "input_validation_fail warn refused rate_key_refused rule=session suppressed=0 no session"
        ]
    );
    assert_eq!(spy.calls(), 0);
    let mut known = one();
    known
        .headers_mut()
        .insert("x-session", HeaderValue::from_static("1"));
    assert_eq!(statuses(&service, [known]).await, [200]);
}

#[tokio::test]
async fn exempt_networks_are_not_concerned_unless_the_address_is_that_of_a_proxy() {
    let nets = IpSet::new(["10.0.0.0/8".parse().unwrap()]);
    let proxies = ClientIp::trusted_proxies(["10.0.0.0/8".parse().unwrap()]).unwrap();
    let layer = RateLimitLayer::builder()
        .policy(by_address(1))
        .exempt(nets)
        .client_ip(proxies)
        .events(tower_security::core::NoopSink::new())
        .build()
        .unwrap();
    let service = layer.layer(Spy::new());
    let health = || from("10.0.0.1");
    assert_eq!(
        statuses(&service, [health(), health(), health()]).await,
        [200; 3]
    );
    let forwarded = |chain: &'static str| {
        let mut request = health();
        request
            .headers_mut()
            .insert("x-forwarded-for", HeaderValue::from_static(chain));
        request
    };
    let client = || forwarded("192.0.2.7");
    assert_eq!(statuses(&service, [client(), client()]).await, [200, 429]);
    // Junk left the address at the proxy: it counts, and apart from the proxy's own requests.
    let junk = || forwarded("junk");
    assert_eq!(
        statuses(&service, [junk(), junk(), health()]).await,
        [200, 429, 200]
    );
}

#[tokio::test]
async fn an_address_that_a_layer_has_found_is_taken_as_it_is() {
    let bench = Bench::new();
    let service = bench.layer([by_address(1)]).layer(Spy::new());
    let behind = |ip: &str| {
        let mut request = one();
        let client = ClientIp::resolved_by_caller(ip.parse().unwrap());
        request.extensions_mut().insert(client);
        request
    };
    let requests = [
        behind("192.0.2.1"),
        behind("192.0.2.2"),
        behind("192.0.2.1"),
        one(),
    ];
    assert_eq!(statuses(&service, requests).await, [200, 200, 429, 200]);
}

#[tokio::test]
async fn a_degraded_address_is_told() {
    let bench = Bench::new();
    let proxies = ClientIp::trusted_proxies(["10.0.0.0/8".parse().unwrap()]).unwrap();
    let seen = Arc::clone(&bench.events);
    let layer = RateLimitLayer::builder()
        .policy(by_address(9))
        .client_ip(proxies)
        .events(move |event: &SecurityEvent<'_>| seen.lock().unwrap().push(event.code.to_owned()))
        .build()
        .unwrap();
    let mut request = from("10.0.0.1");
    request
        .headers_mut()
        .insert("x-forwarded-for", HeaderValue::from_static("junk"));
    statuses(&layer.layer(Spy::new()), [request]).await;
    assert_eq!(bench.take_events(), ["client_ip_degraded"]);
}

#[tokio::test]
async fn what_does_not_count_is_given_back_when_the_answer_is_there() {
    let bench = Bench::new();
    let policy = || by_address(1).count_when(Outcome::is_failure);
    let good = bench.layer([policy()]).layer(Spy::new());
    assert_eq!(statuses(&good, [one(), one(), one()]).await, [200; 3]);
    let bad = bench
        .layer([policy()])
        .layer(Spy::new().status(StatusCode::NOT_FOUND));
    assert_eq!(statuses(&bad, [one(), one()]).await, [404, 429]);

    // Taken before the service is called: of two at the same time one passes.
    let (answers, waiting) = oneshot::channel::<()>();
    let waiting = Arc::new(Mutex::new(Some(waiting)));
    let slow = bench.layer([policy()]).layer(service_fn(move |_: Req| {
        let waiting = waiting.lock().unwrap().take();
        async move {
            if let Some(waiting) = waiting {
                waiting.await.unwrap();
            }
            Ok::<_, Infallible>(Response::new(Full::default()))
        }
    }));
    let mut first = pin!(go(slow.clone(), one()));
    assert!(poll_once(first.as_mut()).is_pending());
    assert_eq!(statuses(&slow, [one()]).await, [429]);
    answers.send(()).unwrap();
    assert_eq!(first.await.status(), 200);
    assert_eq!(statuses(&slow, [one()]).await, [200]);
}

#[tokio::test]
async fn an_error_and_a_dropped_request_count() {
    let bench = Bench::new();
    let layer = bench.layer([by_address(1).count_when(Outcome::is_failure)]);
    let failing = layer.layer(service_fn(|_: Req| async { Err::<Answer, _>("broken") }));
    let answer = tower::ServiceExt::<Req>::oneshot(failing, one()).await;
    assert_eq!(answer.unwrap_err(), "broken");
    assert_eq!(statuses(&layer.layer(Spy::new()), [one()]).await, [429]);

    let layer = bench.layer([by_address(1).count_when(Outcome::is_failure)]);
    let mut never = layer.layer(service_fn(|_: Req| {
        std::future::pending::<Result<Answer, Infallible>>()
    }));
    let mut call = Box::pin(never.call(one()));
    assert!(poll_once(call.as_mut()).is_pending());
    drop(call);
    assert_eq!(statuses(&layer.layer(Spy::new()), [one()]).await, [429]);
}

#[tokio::test]
async fn a_late_refund_credits_nothing_that_time_has_given_back() {
    let bench = Bench::new();
    let limiter = bench.limiter(MemoryStore::default(), [by_address(2)]);
    let (parts, _) = one().into_parts();
    let early = limiter.check(&parts).await.unwrap();
    bench.clock.advance(MINUTE * 5);
    let _late = limiter.check(&parts).await.unwrap();
    limiter.refund(early);
    // One of two is left, as without it.
    assert!(limiter.check(&parts).await.is_ok());
    assert!(limiter.check(&parts).await.is_err());
}

#[tokio::test]
async fn a_cost_that_is_known_later_may_overdraw() {
    let bench = Bench::new();
    let policy = by_address(2).charge_after(|outcome| match outcome.status {
        StatusCode::OK => 2,
        _ => 0,
    });
    let service = bench.layer([policy]).layer(Spy::new());
    // One before and two after: of two units three are spent.
    assert_eq!(statuses(&service, [one(), one()]).await, [200, 429]);
    bench.clock.advance(MINUTE * 2 - Duration::from_nanos(1));
    assert_eq!(statuses(&service, [one()]).await, [429]);
    bench.clock.advance(Duration::from_nanos(1));
    assert_eq!(statuses(&service, [one()]).await, [200]);
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

mod evasion;
mod options;
mod refusals;
mod reload;
mod shortcut;
mod stores;
