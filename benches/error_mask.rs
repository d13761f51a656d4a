//! The error mask: what it costs an answer that it leaves alone, beside tower-http's `CatchPanic`, and what one that it replaces. See
//! `harness` for the commands.

mod harness;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::process::ExitCode;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Layer, Service};
use tower_http::catch_panic::CatchPanicLayer;
use tower_security::core::NoopSink;
use tower_security::{ErrorMaskLayer, SecurityStack};

use harness::{Group, bare, go, go_axum};

const OURS: &str = "tower-security";
const RIVAL: &str = "tower-http";

fn main() -> ExitCode {
    harness::main("error_mask", &groups())
}

fn groups() -> Vec<Group> {
    vec![
        passing("200, a request without headers", || {
            Request::new(Full::default())
        }),
        passing("200, a request of a browser", browser),
        Group::new("200, in a stack with an id", "the stack without")
            .row("bare", || (browser, go(bare())))
            .row("the stack without", || (browser, go(stack().layer(bare()))))
            .row(OURS, || {
                (browser, go(stack().error_mask(mask()).layer(bare())))
            }),
        many("200, a handler with 12 headers", 12),
        many("200, a handler with 60 headers", 60),
        Group::new("500, replaced", RIVAL)
            .row("bare", || (browser, go(Failing)))
            .row(RIVAL, || {
                (browser, go(CatchPanicLayer::new().layer(Failing)))
            })
            .row(OURS, || (browser, go(mask().layer(Failing)))),
        Group::new("axum: 200", RIVAL)
            .row("bare", || (on_axum, go_axum(router())))
            .row(RIVAL, || {
                (on_axum, go_axum(router().layer(CatchPanicLayer::new())))
            })
            .row(OURS, || (on_axum, go_axum(router().layer(mask())))),
    ]
}

fn passing(name: &'static str, request: fn() -> Request<Full<Bytes>>) -> Group {
    Group::new(name, RIVAL)
        .row("bare", move || (request, go(bare())))
        .row(RIVAL, move || {
            (request, go(CatchPanicLayer::new().layer(bare())))
        })
        .row(OURS, move || (request, go(mask().layer(bare()))))
}

fn many(name: &'static str, count: usize) -> Group {
    Group::new(name, RIVAL)
        .row("bare", move || (browser, go(Many::new(count))))
        .row(RIVAL, move || {
            (browser, go(CatchPanicLayer::new().layer(Many::new(count))))
        })
        .row(OURS, move || (browser, go(mask().layer(Many::new(count)))))
}

fn mask() -> ErrorMaskLayer {
    ErrorMaskLayer::builder()
        .events(NoopSink::new())
        .build()
        .expect("it is sound")
}

/// With a request context, whose id is what an event names.
fn stack() -> SecurityStack {
    SecurityStack::new().events(NoopSink::new())
}

fn browser() -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::from_static("app.example.com"));
    headers.insert(USER_AGENT, HeaderValue::from_static("Mozilla/5.0"));
    let accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    request
}

fn on_axum() -> Request<Body> {
    browser().map(|_| Body::empty())
}

fn router() -> Router {
    Router::new().route("/", get(async || "{}"))
}

/// A handler that tells what it should not.
#[derive(Clone, Copy, Debug)]
struct Failing;

impl<B> Service<Request<B>> for Failing {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        let body = Bytes::from_static(b"no such table: users, at /srv/app/db.rs:42");
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        let text = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, text);
        ready(Ok(response))
    }
}

/// A handler that sets many headers.
#[derive(Clone, Debug)]
struct Many(HeaderMap);

impl Many {
    fn new(count: usize) -> Self {
        let name = |index| HeaderName::try_from(format!("x-own-{index}")).expect("a token");
        let value = HeaderValue::from_static("value");
        Self(
            (0..count)
                .map(|index| (name(index), value.clone()))
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
