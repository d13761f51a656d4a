//! Security headers: what the layer costs above a bare service, beside a hand-written middleware, `tower-helmet` and
//! `http-security-headers`. See `harness` for the commands.

mod harness;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::process::ExitCode;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::Request as AxumRequest;
use axum::middleware::{Next, from_fn};
use axum::routing::get;
use bytes::Bytes;
use http::header::{AUTHORIZATION, COOKIE, HOST, InvalidHeaderValue, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::Full;
use tower::{Layer, Service};
use tower_helmet::{HelmetLayer, IntoHeader};
use tower_security::headers::{CachePolicy, Preset, SecurityHeadersLayer};

use harness::{Group, bare, go, go_axum};

const OURS: &str = "tower-security";
const HAND: &str = "hand-written";
const HELMET: &str = "tower-helmet";
const HSH: &str = "http-security-headers";

const PERMISSIONS: &str = "accelerometer=(), autoplay=(), camera=(), cross-origin-isolated=(), \
     display-capture=(), encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), \
     keyboard-map=(), magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(), \
     publickey-credentials-get=(), screen-wake-lock=(), sync-xhr=(self), usb=(), web-share=(), \
     xr-spatial-tracking=(), clipboard-read=(), clipboard-write=(), gamepad=(), hid=(), \
     idle-detection=(), interest-cohort=(), serial=(), unload=()";

/// What `owasp_2026` writes.
const TEN: [(&str, &str); 10] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "deny"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("permissions-policy", PERMISSIONS),
    ("x-dns-prefetch-control", "off"),
    ("x-permitted-cross-domain-policies", "none"),
    ("cache-control", "no-store, max-age=0"),
];

fn main() -> ExitCode {
    harness::main("headers", &groups())
}

fn groups() -> Vec<Group> {
    vec![
        Group::new("ten headers", HAND)
            .row("bare", || (browser, go(bare())))
            .row(HAND, || (browser, go(HandWritten(bare()))))
            .row("hand-written, unboxed", || {
                (
                    browser,
                    go(tower::util::MapResponse::new(bare(), write_ten)),
                )
            })
            .row(OURS, || (browser, go(ten().layer(bare())))),
        Group::new("ten headers beside tower-helmet", HELMET)
            .row("bare", || (browser, go(bare())))
            .row(HELMET, || (browser, go(helmet().layer(bare()))))
            .row(OURS, || (browser, go(ten().layer(bare())))),
        Group::new("seven headers beside http-security-headers", HSH)
            .row("bare", || (browser, go(bare())))
            .row(HSH, || (browser, go(seven_of_rival().layer(bare()))))
            .row(OURS, || (browser, go(seven().layer(bare())))),
        sensitive("web, nobody signed in", browser),
        sensitive("web, a session cookie", || {
            with(COOKIE, "a=1; __Host-session=0123456789abcdef")
        }),
        sensitive("web, a bearer token", || {
            with(AUTHORIZATION, "Bearer 0123456789abcdef")
        }),
        sensitive("web, 16 KiB of cookies", || {
            with(COOKIE, &"a=1; ".repeat(3277))
        }),
        many("a handler with 4 headers", 4, &[]),
        many("a handler with 12 headers", 12, &[]),
        many("a handler with 60 headers", 60, &[]),
        many(
            "a handler with 60 headers and three banners",
            57,
            &["server", "x-powered-by", "x-runtime"],
        ),
        Group::new("axum: ten headers", HAND)
            .row("bare", || (on_axum, go_axum(router())))
            .row(HAND, || {
                (on_axum, go_axum(router().layer(from_fn(hand_written))))
            })
            .row(HELMET, || (on_axum, go_axum(router().layer(helmet()))))
            .row(OURS, || (on_axum, go_axum(router().layer(ten())))),
        Group::new("axum: seven headers", HSH)
            .row("bare", || (on_axum, go_axum(router())))
            .row(HSH, || (on_axum, go_axum(router().layer(seven_of_rival()))))
            .row(OURS, || (on_axum, go_axum(router().layer(seven())))),
    ]
}

fn sensitive(name: &'static str, request: fn() -> Request<Full<Bytes>>) -> Group {
    Group::new(name, OURS)
        .row("bare", move || (request, go(bare())))
        .row(OURS, move || {
            (request, go(SecurityHeadersLayer::web().layer(bare())))
        })
        .row("cache untouched", move || {
            let layer = SecurityHeadersLayer::builder()
                .preset(Preset::Web)
                .cache(CachePolicy::Untouched);
            (
                request,
                go(layer.build().expect("it is sound").layer(bare())),
            )
        })
}

fn many(name: &'static str, count: usize, banners: &'static [&'static str]) -> Group {
    Group::new(name, HAND)
        .row("bare", move || (browser, go(Many::new(count, banners))))
        .row(HAND, move || {
            (browser, go(HandWritten(Many::new(count, banners))))
        })
        .row(HELMET, move || {
            (browser, go(helmet().layer(Many::new(count, banners))))
        })
        .row(OURS, move || {
            (browser, go(ten().layer(Many::new(count, banners))))
        })
}

fn browser() -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::from_static("app.example.com"));
    headers.insert(USER_AGENT, HeaderValue::from_static("Mozilla/5.0"));
    request
}

fn with(name: HeaderName, value: &str) -> Request<Full<Bytes>> {
    let mut request = browser();
    let value = HeaderValue::from_str(value).expect("visible ASCII");
    request.headers_mut().insert(name, value);
    request
}

fn on_axum() -> Request<Body> {
    browser().map(|_| Body::empty())
}

fn router() -> Router {
    Router::new().route("/", get(async || "{}"))
}

fn ten() -> SecurityHeadersLayer {
    SecurityHeadersLayer::owasp_2026()
}

/// What both know, so that both write as many.
fn seven() -> SecurityHeadersLayer {
    SecurityHeadersLayer::builder()
        .preset(Preset::Owasp2026)
        .without("x-dns-prefetch-control")
        .without("x-permitted-cross-domain-policies")
        .cache(CachePolicy::Untouched)
        .build()
        .expect("it is sound")
}

fn seven_of_rival() -> http_security_headers::SecurityHeadersLayer {
    use http_security_headers as rival;
    let permissions = ["camera", "microphone", "geolocation"]
        .into_iter()
        .fold(rival::PermissionsPolicy::new(), |policy, feature| {
            policy.deny(feature)
        });
    let headers = rival::SecurityHeaders::builder()
        .x_content_type_options_nosniff()
        .x_frame_options_deny()
        .referrer_policy_no_referrer()
        .cross_origin_opener_policy(rival::CrossOriginOpenerPolicy::SameOrigin)
        .cross_origin_resource_policy(rival::CrossOriginResourcePolicy::SameOrigin)
        .cross_origin_embedder_policy(rival::CrossOriginEmbedderPolicy::RequireCorp)
        .permissions_policy(permissions)
        .build()
        .expect("it is sound");
    rival::SecurityHeadersLayer::new(headers)
}

struct Line(&'static str, &'static str);

impl IntoHeader for Line {
    fn header_name(&self) -> HeaderName {
        HeaderName::from_static(self.0)
    }

    fn header_value(&self) -> Result<HeaderValue, InvalidHeaderValue> {
        HeaderValue::from_str(self.1)
    }
}

fn helmet() -> HelmetLayer {
    let mut layer = HelmetLayer::blank();
    for (name, value) in TEN {
        layer.enable(Line(name, value));
    }
    layer
}

/// As applications write it.
fn write_ten<B>(mut response: Response<B>) -> Response<B> {
    for (name, value) in TEN {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn hand_written(request: AxumRequest, next: Next) -> Response<Body> {
    write_ten(next.run(request).await)
}

/// The same without axum: a boxed future, as a middleware that is an async function has.
#[derive(Clone, Copy, Debug)]
struct HandWritten<S>(S);

impl<S, B, R> Service<Request<B>> for HandWritten<S>
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let answer = self.0.call(request);
        Box::pin(async move { Ok(write_ten(answer.await?)) })
    }
}

/// A handler whose answer has many headers.
#[derive(Clone, Debug)]
struct Many(HeaderMap);

impl Many {
    fn new(count: usize, banners: &[&'static str]) -> Self {
        let names = (0..count).map(|n| format!("x-own-{n}"));
        let names = names.chain(banners.iter().map(|&name| name.to_owned()));
        Self(
            names
                .map(|name| HeaderName::try_from(name).expect("a name"))
                .map(|name| (name, HeaderValue::from_static("1")))
                .collect(),
        )
    }
}

impl<B> Service<Request<B>> for Many {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        let mut response = Response::new(Full::default());
        *response.headers_mut() = self.0.clone();
        ready(Ok(response))
    }
}
