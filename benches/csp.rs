//! CSP: what the layer costs above a bare service, beside the nonce path of http-security-headers at the same policy. See `harness`
//! for the commands.

mod harness;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::response::Html;
use axum::routing::get;
use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_TYPE, COOKIE, ETAG, HOST,
    HeaderName, USER_AGENT,
};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::Full;
use http_security_headers::{ContentSecurityPolicy, SecurityHeaders, SecurityHeadersLayer};
use tower::{Layer, Service};

use tower_security::core::PeerAddr;
use tower_security::csp::{Csp, CspLayer, CspOverride};

use harness::{Group, go, go_axum};

const OURS: &str = "tower-security";
const RIVAL: &str = "http-security-headers";

const HTML: (HeaderName, &str) = (CONTENT_TYPE, "text/html; charset=utf-8");
const JSON: (HeaderName, &str) = (CONTENT_TYPE, "application/json");
const GRPC: (HeaderName, &str) = (CONTENT_TYPE, "application/grpc+proto");

fn main() -> ExitCode {
    harness::main("csp", &groups())
}

fn groups() -> Vec<Group> {
    let usual = || {
        vec![
            HTML,
            (CACHE_CONTROL, "private, no-cache"),
            (ETAG, "\"0123456789abcdef\""),
        ]
    };
    let many = || {
        let mut lines = vec![HTML];
        lines.resize_with(100, || {
            (HeaderName::from_static("link"), "</a.css>; rel=preload")
        });
        lines
    };
    vec![
        group("HTML with a nonce", usual),
        group("HTML with a nonce, nothing said of caches", || vec![HTML]),
        group("JSON: the static twin", || vec![JSON]),
        group("HTML, 100 header lines", many),
        group("100 lines of Content-Type", || vec![JSON; 100]),
        group("8 KiB of Content-Type", || {
            vec![(CONTENT_TYPE, leaked("text/x-", "a", 8 * 1024))]
        }),
        group("HTML, 8 KiB of Cache-Control", || {
            vec![HTML, (CACHE_CONTROL, leaked("no-cache", ",a", 4 * 1024))]
        }),
        Group::new("gRPC", RIVAL)
            .row("bare", || (call, go(Page::of(vec![GRPC]))))
            .row(RIVAL, || {
                (call, go(rival(true).layer(Page::of(vec![GRPC]))))
            })
            .row(OURS, || {
                (call, go(CspLayer::strict().layer(Page::of(vec![GRPC]))))
            }),
        Group::new("HTML, a static policy", RIVAL)
            .row("bare", move || (request, go(Page::of(usual()))))
            .row(RIVAL, move || {
                (request, go(rival(false).layer(Page::of(usual()))))
            })
            .row(OURS, move || {
                let layer = CspLayer::owasp_2026();
                (request, go(layer.layer(Page::of(usual()))))
            }),
        Group::new("HTML with a nonce, the policy of a route", RIVAL)
            .row("bare", move || (request, go(Page::of(usual()))))
            .row(RIVAL, move || {
                (request, go(rival(true).layer(Page::of(usual()))))
            })
            .row(OURS, move || {
                let strict = Csp::strict().build().expect("it is sound");
                let route = CspOverride::replace(strict).layer(Page::of(usual()));
                (request, go(CspLayer::strict().layer(route)))
            }),
        Group::new("axum: HTML with a nonce", RIVAL)
            .row("bare", || (request_on_axum, go_axum(router())))
            .row(RIVAL, || {
                (request_on_axum, go_axum(router().layer(rival(true))))
            })
            .row(OURS, || {
                let layer = CspLayer::strict();
                (request_on_axum, go_axum(router().layer(layer)))
            }),
    ]
}

fn group(
    name: &'static str,
    lines: impl Fn() -> Vec<(HeaderName, &'static str)> + Copy + 'static,
) -> Group {
    Group::new(name, RIVAL)
        .row("bare", move || (request, go(Page::of(lines()))))
        .row(RIVAL, move || {
            (request, go(rival(true).layer(Page::of(lines()))))
        })
        .row(OURS, move || {
            let layer = CspLayer::strict();
            (request, go(layer.layer(Page::of(lines()))))
        })
}

/// Answers with these headers, in a map with room for those of a layer.
#[derive(Clone, Debug)]
struct Page(Vec<(HeaderName, HeaderValue)>);

impl Page {
    fn of(lines: Vec<(HeaderName, &'static str)>) -> Self {
        let value = |(name, text)| (name, HeaderValue::from_static(text));
        Self(lines.into_iter().map(value).collect())
    }
}

impl<B> Service<Request<B>> for Page {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        let mut response = Response::new(Full::new(Bytes::from_static(b"<!doctype html>")));
        let headers = response.headers_mut();
        // A map that grows gives its first table back to the allocator or not, as the heap lies: the rows would differ by that.
        headers.reserve(12);
        for (name, value) in &self.0 {
            headers.append(name, value.clone());
        }
        ready(Ok(response))
    }
}

/// With the extension that a server attaches.
fn request() -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    *request.uri_mut() = http::Uri::from_static("/orders/1");
    let peer = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9);
    request.extensions_mut().insert(PeerAddr::from(peer));
    let headers = request.headers_mut();
    headers.reserve(12);
    for (name, value) in [
        (HOST, "app.example.com"),
        (USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0"),
        (ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8"),
        (ACCEPT_LANGUAGE, "en-GB,en;q=0.9"),
        (ACCEPT_ENCODING, "gzip, deflate, br, zstd"),
        (COOKIE, "__Host-session=0123456789abcdef0123456789abcdef"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    request
}

fn call() -> Request<Full<Bytes>> {
    let mut request = request();
    *request.method_mut() = Method::POST;
    let (name, value) = GRPC;
    let value = HeaderValue::from_static(value);
    request.headers_mut().insert(name, value);
    request
}

fn request_on_axum() -> Request<Body> {
    request().map(|_| Body::empty())
}

fn router() -> Router {
    Router::new().route("/orders/{id}", get(async || Html("<!doctype html>")))
}

/// The policy of [`CspLayer::strict`], and with `false` that of [`CspLayer::owasp_2026`].
fn rival(is_strict: bool) -> SecurityHeadersLayer {
    let policy = if is_strict {
        ContentSecurityPolicy::new()
            .default_src(["'none'"])
            .base_uri(["'none'"])
            .connect_src(["'self'"])
            .font_src(["'self'"])
            .form_action(["'self'"])
            .frame_ancestors(["'none'"])
            .img_src(["'self'", "data:"])
            .directive("manifest-src", ["'self'"])
            .object_src(["'none'"])
            .script_src(["'strict-dynamic'", "'report-sample'"])
            .style_src(["'self'"])
            .upgrade_insecure_requests()
            .with_nonce()
    } else {
        ContentSecurityPolicy::new()
            .default_src(["'self'"])
            .form_action(["'self'"])
            .base_uri(["'self'"])
            .object_src(["'none'"])
            .frame_ancestors(["'none'"])
            .upgrade_insecure_requests()
    };
    let headers = SecurityHeaders::builder()
        .content_security_policy(policy)
        .build()
        .expect("it is sound");
    // As ours does: what the handler has set is kept.
    SecurityHeadersLayer::new(headers).if_not_present()
}

fn leaked(start: &str, part: &str, times: usize) -> &'static str {
    format!("{start}{}", part.repeat(times)).leak()
}
