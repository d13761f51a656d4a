//! Rate limits: what the layer costs above a bare service, beside `tower_governor`. See `harness` for the commands.
//!
//! Their layer reads the clock of the crate `quanta`; ours does so with the feature of this name, which `--all-features` brings. What
//! it costs to ask the system is in a row of its own.

#[path = "rate_limit/bans.rs"]
mod bans;
mod harness;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::routing::get;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, COOKIE, HOST, HeaderName, USER_AGENT,
};
use http::{HeaderValue, Request, Response};
use tower::Layer;
use tower_governor::GovernorLayer;
use tower_governor::governor::GovernorConfigBuilder;
use tower_governor::key_extractor::SmartIpKeyExtractor;

use tower_security::RateLimitLayer;
use tower_security::core::{ClientIp, Clock, TrustedProxies};
use tower_security::rate_limit::{Emit, HeaderStyle, Policy, Quota, key};

use harness::{Group, bare, go, go_axum};

const OURS: &str = "tower-security";
const OURS_BY_THE_SYSTEM: &str = "tower-security, Instant";
const RIVAL: &str = "tower_governor";
const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");

/// A million at once, and as many in each second: nobody is refused.
const PLENTY: Quota = Quota::per_second(1_000_000);
/// One, and then none for a day.
const SCARCE: Quota = Quota::per_day(1);

/// The clock that ours has without the feature `quanta`.
#[derive(Clone, Debug)]
struct System(Instant);

impl Clock for System {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    #[inline]
    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

fn main() -> std::process::ExitCode {
    let groups: Vec<_> = groups().into_iter().chain(bans::groups()).collect();
    harness::main("rate_limit", &groups)
}

fn groups() -> Vec<Group> {
    vec![
        Group::new("allowed", RIVAL)
            .row("bare", || (request, go(axum_bodied())))
            .row(RIVAL, || (request, go(governor().layer(axum_bodied()))))
            .row(OURS, || {
                (request, go(ours([client()]).layer(axum_bodied())))
            })
            .row(OURS_BY_THE_SYSTEM, || {
                let layer = RateLimitLayer::builder()
                    .clock(System(Instant::now()))
                    .policy(client());
                let layer = layer.build().expect("it builds");
                (request, go(layer.layer(axum_bodied())))
            }),
        Group::new("allowed, with fields", RIVAL)
            .row("bare", || (request, go(axum_bodied())))
            .row(RIVAL, || {
                (request, go(governor_with_headers().layer(axum_bodied())))
            })
            .row(OURS, || (request, go(telling().layer(axum_bodied())))),
        Group::new("refused", RIVAL)
            .row("bare", || (request, go(axum_bodied())))
            .row(RIVAL, || {
                (request, spent(go(strict_governor().layer(axum_bodied()))))
            })
            .row(OURS, || {
                let layer = ours([Policy::new("ip", SCARCE).key(key::client_ip())]);
                (request, spent(go(layer.layer(axum_bodied()))))
            }),
        Group::new("allowed, three policies", RIVAL)
            .row("bare", || (request, go(axum_bodied())))
            .row(RIVAL, || {
                let service = governor().layer(governor().layer(governor().layer(axum_bodied())));
                (request, go(service))
            })
            .row(OURS, || {
                let policies = ["second", "minute", "hour"]
                    .map(|name| Policy::new(name, PLENTY).key(key::client_ip()));
                (request, go(ours(policies).layer(axum_bodied())))
            }),
        Group::new("allowed, behind proxies", RIVAL)
            .row("bare", || (forwarded, go(axum_bodied())))
            .row(RIVAL, || {
                (forwarded, go(smart_governor().layer(axum_bodied())))
            })
            .row(OURS, || {
                let layer = RateLimitLayer::builder().client_ip(proxies());
                let layer = layer.policy(client()).build().expect("it builds");
                (forwarded, go(layer.layer(axum_bodied())))
            }),
        // Their layer counts each address by itself: the memory of one subscriber's /64 is without bound.
        Group::new("one /64, a fresh address each time", RIVAL)
            .row("bare", || (rotating(), go(axum_bodied())))
            .row(RIVAL, || (rotating(), go(governor().layer(axum_bodied()))))
            .row(OURS, || {
                (rotating(), go(ours([client()]).layer(axum_bodied())))
            }),
        Group::new("axum: allowed", RIVAL)
            .row("bare", || (request, go_axum(router())))
            .row(RIVAL, || (request, go_axum(router().layer(governor()))))
            .row(OURS, || {
                (request, go_axum(router().layer(ours([client()]))))
            }),
        Group::new("axum: refused", RIVAL)
            .row("bare", || (request, go_axum(router())))
            .row(RIVAL, || {
                (request, spent(go_axum(router().layer(strict_governor()))))
            })
            .row(OURS, || {
                let layer = ours([Policy::new("ip", SCARCE).key(key::client_ip())]);
                (request, spent(go_axum(router().layer(layer))))
            }),
    ]
}

/// The floor with axum's body, which is what their layer can refuse with.
#[derive(Clone, Copy, Debug)]
struct AxumBodied<S>(S);

fn axum_bodied() -> AxumBodied<harness::Bare> {
    AxumBodied(bare())
}

impl<S, B, R> tower::Service<Request<B>> for AxumBodied<S>
where
    S: tower::Service<
            Request<B>,
            Response = Response<R>,
            Error = Infallible,
            Future = std::future::Ready<Result<Response<R>, Infallible>>,
        >,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        std::future::ready(
            self.0
                .call(request)
                .into_inner()
                .map(|answer| answer.map(|_| Body::empty())),
        )
    }
}

/// Uses up what there is.
fn spent<R>(
    mut call: impl FnMut(Request<Body>) -> Response<R>,
) -> impl FnMut(Request<Body>) -> Response<R> {
    call(request());
    assert_eq!(call(request()).status(), 429);
    call
}

fn from_peer(peer: SocketAddr) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = http::Uri::from_static("/orders/1");
    let headers = request.headers_mut();
    headers.reserve(12);
    for (name, value) in [
        (HOST, "app.example.com"),
        (USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0"),
        (ACCEPT, "application/json"),
        (ACCEPT_LANGUAGE, "en-GB,en;q=0.9"),
        (ACCEPT_ENCODING, "gzip, deflate, br, zstd"),
        (COOKIE, "__Host-session=0123456789abcdef0123456789abcdef"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

fn request() -> Request<Body> {
    from_peer(SocketAddr::from(([203, 0, 113, 9], 4711)))
}

fn forwarded() -> Request<Body> {
    let mut request = from_peer(SocketAddr::from(([10, 0, 0, 1], 4711)));
    let chain = HeaderValue::from_static("192.0.2.7, 10.0.0.3, 10.0.0.2");
    request.headers_mut().insert(FORWARDED, chain);
    request
}

fn rotating() -> impl FnMut() -> Request<Body> {
    let mut host = 0_u16;
    move || {
        host = host.wrapping_add(1);
        from_peer(SocketAddr::from((
            [0x2001, 0xdb8, 1, 2, 3, 4, 5, host],
            4711,
        )))
    }
}

fn router() -> Router {
    Router::new().route("/orders/{id}", get(async || "{}"))
}

fn client() -> Policy {
    Policy::new("ip", PLENTY).key(key::client_ip())
}

fn ours(policies: impl IntoIterator<Item = Policy>) -> RateLimitLayer {
    let builder = RateLimitLayer::builder();
    let builder = policies
        .into_iter()
        .fold(builder, |builder, policy| builder.policy(policy));
    builder.build().expect("the policies are legal")
}

fn telling() -> RateLimitLayer {
    RateLimitLayer::builder()
        .policy(client())
        .headers(HeaderStyle::default(), Emit::Always)
        .build()
        .expect("the policy is legal")
}

fn proxies() -> TrustedProxies {
    ClientIp::trusted_proxies(["10.0.0.0/8".parse().expect("a network")]).expect("a legal network")
}

type Governed<K, M> = GovernorLayer<K, M, Body>;
type Plain = governor::middleware::NoOpMiddleware;
type Telling = governor::middleware::StateInformationMiddleware;

fn governor() -> Governed<tower_governor::key_extractor::PeerIpKeyExtractor, Plain> {
    let mut builder = GovernorConfigBuilder::default();
    builder.per_nanosecond(1_000).burst_size(1_000_000);
    GovernorLayer::new(builder.finish().expect("a legal quota"))
}

fn governor_with_headers() -> Governed<tower_governor::key_extractor::PeerIpKeyExtractor, Telling> {
    let mut builder = GovernorConfigBuilder::default();
    builder.per_nanosecond(1_000).burst_size(1_000_000);
    let mut builder = builder.use_headers();
    GovernorLayer::new(builder.finish().expect("a legal quota"))
}

fn strict_governor() -> Governed<tower_governor::key_extractor::PeerIpKeyExtractor, Telling> {
    let mut builder = GovernorConfigBuilder::default();
    builder.per_second(86_400).burst_size(1);
    let mut builder = builder.use_headers();
    GovernorLayer::new(builder.finish().expect("a legal quota"))
}

fn smart_governor() -> Governed<SmartIpKeyExtractor, Plain> {
    let mut builder = GovernorConfigBuilder::default().key_extractor(SmartIpKeyExtractor);
    builder.per_nanosecond(1_000).burst_size(1_000_000);
    GovernorLayer::new(builder.finish().expect("a legal quota"))
}
