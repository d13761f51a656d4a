//! CSRF: what the layer costs above a bare service, beside `tower_http::csrf`. See `harness` for the commands.

mod harness;

use std::hint::black_box;
use std::process::ExitCode;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE, HOST, HeaderName, ORIGIN,
    REFERER, USER_AGENT,
};
use http::{HeaderValue, Method, Request};
use http_body_util::Full;
use tower::Layer;

use tower_security::csrf::CsrfLayer;

use harness::{Group, bare, go, go_axum};

const OWN: &str = "https://app.example.com";
const TRUSTED: &str = "https://partner.example.net";
const FOREIGN: &str = "https://evil.example";
const OURS: &str = "tower-security";
const RIVAL: &str = "tower-http";

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

fn main() -> ExitCode {
    harness::main("csrf", &groups())
}

fn groups() -> Vec<Group> {
    vec![
        group("GET, same-origin", || {
            browser(Method::GET, &[(SEC_FETCH_SITE, "same-origin")])
        }),
        group("GET without metadata", || browser(Method::GET, &[])),
        group("POST, same-origin", || {
            browser(
                Method::POST,
                &[(SEC_FETCH_SITE, "same-origin"), (ORIGIN, OWN)],
            )
        }),
        group("POST, Origin equals Host", || {
            browser(Method::POST, &[(ORIGIN, OWN)])
        }),
        group("POST, trusted origin", trusted),
        Group::new("POST, the last of 1,000 trusted origins", RIVAL)
            .row("bare", || (trusted, go(bare())))
            .row("tower-http", || {
                let others = (0..999).map(|n| format!("https://partner{n:03}.example.net"));
                (
                    trusted,
                    go(rival(others.chain([TRUSTED.to_owned()])).layer(bare())),
                )
            })
            .row(OURS, || {
                let others = (0..999).map(|n| format!("https://partner{n:03}.example.net"));
                (
                    trusted,
                    go(ours(others.chain([TRUSTED.to_owned()])).layer(bare())),
                )
            }),
        group("POST refused", refused),
        group("POST refused, 16 KiB of Referer", || {
            with(refused(), &REFERER, "a".repeat(16 * 1024))
        }),
        group("POST refused, 8 KiB of Origin", || {
            let origin = format!("https://{}", "a.".repeat(4 * 1024));
            with(browser(Method::POST, &[]), &ORIGIN, origin)
        }),
        group("POST, 100 lines of Sec-Fetch-Site", || {
            browser(Method::POST, &vec![(SEC_FETCH_SITE, "same-origin"); 100])
        }),
        Group::new("axum: POST, same-origin", RIVAL)
            .row("bare", || (same_origin_on_axum, go_axum(router())))
            .row("tower-http", || {
                (
                    same_origin_on_axum,
                    go_axum(router().layer(rival([TRUSTED.to_owned()]))),
                )
            })
            .row(OURS, || {
                (
                    same_origin_on_axum,
                    go_axum(router().layer(ours([TRUSTED.to_owned()]))),
                )
            }),
    ]
}

fn group(name: &'static str, request: fn() -> Request<Full<Bytes>>) -> Group {
    Group::new(name, RIVAL)
        .row("bare", move || (request, go(bare())))
        .row("tower-http", move || {
            (request, go(rival([TRUSTED.to_owned()]).layer(bare())))
        })
        .row(OURS, move || {
            (request, go(ours([TRUSTED.to_owned()]).layer(bare())))
        })
        .row("one look-up", move || (request, go(LookUp(bare()))))
}

/// What one look-up of `Sec-Fetch-Site` costs: no layer that reads it can do with less.
#[derive(Clone, Copy, Debug)]
struct LookUp<S>(S);

impl<S: tower::Service<Request<B>>, B> tower::Service<Request<B>> for LookUp<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        static NAME: HeaderName = SEC_FETCH_SITE;
        black_box(request.headers().get(&NAME));
        self.0.call(request)
    }
}

fn browser(method: Method, lines: &[(HeaderName, &'static str)]) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    *request.method_mut() = method;
    *request.uri_mut() = http::Uri::from_static("/orders/1");
    let headers = request.headers_mut();
    // A map that grows gives its first table back to the allocator or not, as the heap lies: the rows would differ by that.
    headers.reserve(12);
    for (name, value) in [
        (HOST, "app.example.com"),
        (USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0"),
        (ACCEPT, "application/json"),
        (ACCEPT_LANGUAGE, "en-GB,en;q=0.9"),
        (ACCEPT_ENCODING, "gzip, deflate, br, zstd"),
        (CONTENT_TYPE, "application/json"),
        (COOKIE, "__Host-session=0123456789abcdef0123456789abcdef"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    for (name, value) in lines {
        headers.append(name, HeaderValue::from_static(value));
    }
    request
}

fn with(
    mut request: Request<Full<Bytes>>,
    name: &HeaderName,
    value: String,
) -> Request<Full<Bytes>> {
    let value = HeaderValue::try_from(value).expect("visible ASCII");
    request.headers_mut().insert(name, value);
    request
}

fn trusted() -> Request<Full<Bytes>> {
    browser(
        Method::POST,
        &[(SEC_FETCH_SITE, "cross-site"), (ORIGIN, TRUSTED)],
    )
}

fn refused() -> Request<Full<Bytes>> {
    browser(
        Method::POST,
        &[(SEC_FETCH_SITE, "cross-site"), (ORIGIN, FOREIGN)],
    )
}

fn same_origin_on_axum() -> Request<Body> {
    browser(
        Method::POST,
        &[(SEC_FETCH_SITE, "same-origin"), (ORIGIN, OWN)],
    )
    .map(|_| Body::empty())
}

fn router() -> Router {
    Router::new().route("/orders/{id}", post(async || "{}"))
}

fn ours(trusted: impl IntoIterator<Item = String>) -> CsrfLayer {
    CsrfLayer::builder()
        .trusted_origins(trusted)
        .build()
        .expect("the origins are well-formed")
}

fn rival(trusted: impl IntoIterator<Item = String>) -> tower_http::csrf::CsrfLayer {
    trusted
        .into_iter()
        .try_fold(tower_http::csrf::CsrfLayer::new(), |layer, origin| {
            layer.add_trusted_origin(origin)
        })
        .expect("the origins are well-formed")
}
