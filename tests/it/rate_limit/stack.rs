//! Bans and limits in their slots.

use std::net::SocketAddr;
use std::time::Duration;

use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, RETRY_AFTER};
use http::{Method, Request, StatusCode};
use tower::{Layer, Service};
use tower_security::core::{
    AbuseKind, ClientIp, IpSet, ManualClock, Mode, PeerAddr, Principal, Refused,
};
use tower_security::cors::CorsLayer;
use tower_security::csrf::CsrfLayer;
use tower_security::rate_limit::{BanLayer, Policy, Quota, RateLimitLayer, key};
use tower_security::stack::{PostureState, Protection, ProvidesPrincipal, SecurityStack};

use crate::support::posture::warnings;
use crate::support::service::{Spy, go};

const PAGE: &str = "https://app.example.com";

fn from(peer: &str) -> Request<()> {
    let peer: SocketAddr = format!("{peer}:40000").parse().unwrap();
    Request::builder()
        .extension(PeerAddr::from(peer))
        .body(())
        .unwrap()
}

fn with(mut request: Request<()>, name: &'static str, value: &'static str) -> Request<()> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

fn by_client(limit: u32) -> RateLimitLayer {
    RateLimitLayer::builder()
        .policy(Policy::new("client", Quota::per_minute(limit)).key(key::client_ip()))
        .clock(ManualClock::new())
        .build()
        .unwrap()
}

/// Says that everybody is who the header names.
#[derive(Clone, Debug)]
struct Named;

#[derive(Clone, Debug)]
struct NamedService<S>(S);

impl Protection for Named {}
impl ProvidesPrincipal for Named {}

impl<S> Layer<S> for Named {
    type Service = NamedService<S>;

    fn layer(&self, inner: S) -> NamedService<S> {
        NamedService(inner)
    }
}

impl<B, S: Service<Request<B>>> Service<Request<B>> for NamedService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        if let Some(name) = request.headers().get("x-name") {
            let principal = Principal::builder(name.to_str().unwrap()).build();
            principal.dangerous_attach(request.extensions_mut());
        }
        self.0.call(request)
    }
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_may_read_that_it_is_too_fast() {
    let cors = CorsLayer::builder()
        .origins([PAGE])
        .methods([Method::PUT])
        .expose_headers(["Retry-After"])
        .build()
        .unwrap();
    let spy = Spy::new();
    let service = SecurityStack::api()
        .cors(cors)
        .rate_limit(by_client(1))
        .layer(spy.clone());
    let ask = || with(from("192.0.2.1"), "origin", PAGE);

    assert_eq!(go(service.clone(), ask()).await.status(), StatusCode::OK);
    let refused = go(service.clone(), ask()).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], PAGE);
    assert_eq!(
        refused.headers()["access-control-expose-headers"],
        "retry-after"
    );
    assert_eq!(refused.headers()[RETRY_AFTER], "60");
    assert!(refused.headers().contains_key("content-security-policy"));
    assert_eq!(spy.calls(), 1);

    // A preflight is answered outside and costs nothing, also for who is over the limit.
    let mut preflight = with(ask(), "access-control-request-method", "PUT");
    *preflight.method_mut() = Method::OPTIONS;
    let answer = go(service.clone(), preflight).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    let stranger = with(from("192.0.2.1"), "origin", "https://evil.example");
    let refused = go(service, stranger).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(!refused.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
}

#[tokio::test]
async fn who_forges_requests_again_and_again_is_banned() {
    let minute = Duration::from_secs(60);
    let bans = BanLayer::builder()
        .on(AbuseKind::CsrfRefused, 3, minute, 10 * minute)
        .clock(ManualClock::new())
        .build()
        .unwrap();
    let spy = Spy::new();
    let service = SecurityStack::new()
        .csrf(CsrfLayer::new())
        .bans(bans)
        .layer(spy.clone());
    let forge = |peer| {
        // No browser says it twice.
        let mut request = with(from(peer), "sec-fetch-site", "cross-site");
        let again = request.headers()["sec-fetch-site"].clone();
        request.headers_mut().append("sec-fetch-site", again);
        *request.method_mut() = Method::POST;
        request
    };
    let code = |answer: &http::Response<_>| answer.extensions().get::<Refused>().map(Refused::code);

    for _ in 0..3 {
        let answer = go(service.clone(), forge("192.0.2.1")).await;
        assert_eq!(code(&answer), Some("csrf_refused"));
    }
    let banned = go(service.clone(), from("192.0.2.1")).await;
    assert_eq!(code(&banned), Some("banned"));
    assert_eq!(banned.status(), StatusCode::FORBIDDEN);
    assert_eq!(banned.headers()[RETRY_AFTER], "600");
    assert_eq!(spy.calls(), 0);
    assert_eq!(go(service, from("192.0.2.2")).await.status(), 200);
    assert_eq!(spy.calls(), 1);
}

#[tokio::test]
async fn who_stays_too_fast_is_banned_and_a_safe_address_is_neither() {
    let minute = Duration::from_secs(60);
    let clock = ManualClock::new();
    let safe: IpSet = ["198.51.100.0/24".parse().unwrap()].into_iter().collect();
    let bans = BanLayer::builder()
        .on(AbuseKind::RateLimited, 2, minute, minute)
        .safelist(safe.clone())
        .clock(clock.clone())
        .build()
        .unwrap();
    let limit = RateLimitLayer::builder()
        .policy(Policy::new("client", Quota::per_minute(1)).key(key::client_ip()))
        .exempt(safe)
        .clock(clock)
        .build()
        .unwrap();
    let service = SecurityStack::new()
        .rate_limit(limit)
        .bans(bans)
        .client_ip(ClientIp::trusted_proxies(["10.0.0.0/8".parse().unwrap()]).unwrap())
        .layer(Spy::new());
    let statuses = async |client: &'static str| {
        let mut seen = Vec::new();
        for _ in 0..4 {
            let request = with(from("10.0.0.1"), "x-forwarded-for", client);
            seen.push(go(service.clone(), request).await.status().as_u16());
        }
        seen
    };
    assert_eq!(statuses("192.0.2.1").await, [200, 429, 429, 403]);
    assert_eq!(statuses("198.51.100.7").await, [200; 4]);
    // The same address by another spelling has no second budget.
    assert_eq!(statuses("::ffff:192.0.2.1").await, [403; 4]);
}

#[tokio::test]
async fn the_inner_slot_counts_who_is_logged_in() {
    let by_principal = RateLimitLayer::builder()
        .policy(Policy::new("user", Quota::per_minute(2)).key(key::principal()))
        .clock(ManualClock::new())
        .build()
        .unwrap();
    let spy = Spy::new();
    let service = SecurityStack::new()
        .auth(Named)
        .rate_limit_by_principal(by_principal)
        .rate_limit(by_client(100))
        .layer(spy.clone());
    let mut seen = Vec::new();
    for (peer, name) in [
        ("192.0.2.1", "alice"),
        ("192.0.2.2", "alice"),
        ("192.0.2.3", "alice"),
        ("192.0.2.3", "bob"),
    ] {
        let answer = go(service.clone(), with(from(peer), "x-name", name)).await;
        seen.push(answer.status().as_u16());
    }
    assert_eq!(seen, [200, 200, 429, 200]);
    assert_eq!(spy.calls(), 3);
}

#[test]
fn the_posture_says_how_much_and_warns_of_what_is_weak() {
    let minute = Duration::from_secs(60);
    let bans = BanLayer::builder()
        .on(AbuseKind::AuthFailed, 10, minute, minute)
        .mode(Mode::ReportOnly)
        .build()
        .unwrap();
    let weak = RateLimitLayer::builder()
        .policy(
            Policy::new("key", Quota::per_second(5))
                .key(key::dangerous_header("x-api-key"))
                .mode(Mode::ReportOnly),
        )
        .build()
        .unwrap();
    let posture = SecurityStack::new()
        .bans(bans)
        .rate_limit((by_client(100), weak))
        .posture();
    let states: Vec<_> = posture
        .entries()
        .iter()
        .map(|entry| (entry.protection(), entry.state()))
        .collect();
    assert_eq!(
        states,
        [
            ("bans", PostureState::ReportOnly),
            ("rate_limit", PostureState::On),
            ("rate_limit", PostureState::On)
        ]
    );
    assert_eq!(
        warnings(&posture),
        [
            "bans: report-only",
            "rate_limit: key: report-only",
            "rate_limit: dangerous_header"
        ]
    );
    let text = posture.to_string();
    assert!(
        text.contains("counts_per=node policies=client:100/60s"),
        "{text}"
    );

    let strong = SecurityStack::new().rate_limit(by_client(100)).posture();
    assert_eq!(warnings(&strong), [""; 0]);
}

fn nets<const N: usize>(nets: [&str; N]) -> IpSet {
    nets.iter().map(|net| net.parse().unwrap()).collect()
}

#[test]
fn the_posture_says_who_and_what_has_no_limit() {
    let layer = RateLimitLayer::builder()
        .policy(
            Policy::new("write", Quota::per_minute(5))
                .key(key::client_ip())
                .methods([Method::POST, Method::PUT])
                .enforce_percent(20),
        )
        .policy(
            Policy::new("all", Quota::per_minute(50))
                .key(key::client_ip())
                .enforce_percent(100),
        )
        .exempt(nets(["10.0.0.0/8", "64.0.0.0/7", "2001::/16", "2400::/12"]))
        .build()
        .unwrap();
    let bans = BanLayer::builder()
        .safelist(nets(["0.0.0.0/0", "192.0.2.0/24", "::/0"]))
        .build()
        .unwrap();
    let posture = SecurityStack::new().bans(bans).rate_limit(layer).posture();
    assert_eq!(
        warnings(&posture),
        [
            "bans: safelist: 0.0.0.0/0 is a large part of the Internet",
            "bans: safelist: ::/0 is a large part of the Internet",
            "rate_limit: exempt: 64.0.0.0/7 is a large part of the Internet",
            "rate_limit: exempt: 2400::/12 is a large part of the Internet",
            "rate_limit: write: enforced for 20 % of the keys",
        ]
    );
    let text = posture.to_string();
    let settings = "policies=write:5/60s,all:50/60s methods=write:POST+PUT exempt=10.0.0.0/8,64.0.0.0/7,2001::/16,2400::/12";
    assert!(text.contains(settings), "{text}");
}

#[test]
fn everyone_is_not_exempt() {
    let build = |exempt: IpSet| {
        let policy = Policy::new("all", Quota::per_minute(5)).key(key::client_ip());
        let layer = RateLimitLayer::builder().policy(policy).exempt(exempt);
        let errors = layer.build().err();
        errors.map(|errors| errors.iter().map(|error| error.code()).collect::<Vec<_>>())
    };
    for everyone in [
        nets(["0.0.0.0/0"]),
        nets(["10.0.0.0/8", "::/0"]),
        nets(["0.0.0.0/1", "128.0.0.0/1"]),
        nets(["64.0.0.0/2"]),
    ] {
        assert_eq!(
            build(everyone.clone()),
            Some(vec!["exempts_everyone"]),
            "{everyone:?}"
        );
    }
    assert_eq!(build(nets(["64.0.0.0/3", "fc00::/7"])), None);
}
