//! Cookies: what the layer costs above a bare service, beside a middleware written by hand with the `cookie` crate. See
//! `harness` for the commands.

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
use axum::response::{AppendHeaders, Response as AxumResponse};
use axum::routing::get;
use bytes::Bytes;
use cookie::{Cookie, SameSite};
use http::header::{CONTENT_TYPE, COOKIE, HOST, SET_COOKIE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::Full;
use tower::{Layer, Service};

use tower_security::cookies::CookieLayer;

use harness::{Group, bare, go, go_axum};

const OURS: &str = "tower-security";
const RIVAL: &str = "by hand";

const CONFORMING: &str =
    "id=0123456789abcdef0123456789abcdef; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax";
const CHANGED: &str = "id=0123456789abcdef0123456789abcdef; Path=/; Max-Age=3600";
const SESSION: &str = "session=0123456789abcdef0123456789abcdef; Path=/; Max-Age=3600";

type Lines = &'static [&'static str];

fn main() -> ExitCode {
    harness::main("cookies", &groups())
}

fn groups() -> Vec<Group> {
    let semicolons: &'static str = format!("a={}", ";x".repeat(2_000)).leak();
    let adversarial: Lines = vec![semicolons].leak();
    let long: &'static str = format!("a={}; __Host-session=v", "x".repeat(64 * 1024)).leak();
    let many: &'static str = format!("{}__Host-session=v", "a=1; ".repeat(1_000)).leak();
    let spaces: &'static str = format!("{}; __Host-session=v", "%20".repeat(5 * 1024)).leak();
    vec![
        Group::new("no cookie", RIVAL)
            .row("bare", || (|| browser("theme=dark"), go(bare())))
            .row(RIVAL, || (|| browser("theme=dark"), go(ByHand(bare()))))
            .row(OURS, || {
                (
                    || browser("theme=dark"),
                    go(CookieLayer::strict().layer(bare())),
                )
            }),
        group("one conforming", &[CONFORMING]),
        group("one changed", &[CHANGED]),
        group("three changed", &[CHANGED, CHANGED, CHANGED]),
        renaming("renaming, cookies of others", "theme=dark; lang=en", &[]),
        renaming(
            "renaming, session in",
            "theme=dark; __Host-session=0123456789abcdef0123456789abcdef; lang=en",
            &[],
        ),
        renaming("renaming, session out", "theme=dark", &[SESSION]),
        group("4 KiB of semicolons", adversarial),
        renaming("renaming, 64 KiB of one cookie", long, &[]),
        renaming("renaming, 1,000 cookies", many, &[]),
        renaming("renaming, 15 KiB of escapes", spaces, &[]),
        Group::new("axum: one changed", RIVAL)
            .row("bare", || (axum_request, go_axum(router())))
            .row(RIVAL, || {
                (axum_request, go_axum(router().layer(from_fn(by_hand))))
            })
            .row(OURS, || {
                (axum_request, go_axum(router().layer(CookieLayer::strict())))
            }),
    ]
}

fn group(name: &'static str, lines: Lines) -> Group {
    Group::new(name, RIVAL)
        .row("bare", move || (|| browser("theme=dark"), go(Sets(lines))))
        .row(RIVAL, move || {
            (|| browser("theme=dark"), go(ByHand(Sets(lines))))
        })
        .row(OURS, move || {
            (
                || browser("theme=dark"),
                go(CookieLayer::strict().layer(Sets(lines))),
            )
        })
}

fn renaming(name: &'static str, cookies: &'static str, lines: Lines) -> Group {
    Group::new(name, RIVAL)
        .row("bare", move || (move || browser(cookies), go(Sets(lines))))
        .row(RIVAL, move || {
            (
                move || browser(cookies),
                go(RenamingByHand(ByHand(Sets(lines)))),
            )
        })
        .row(OURS, move || {
            let layer = CookieLayer::builder().host_prefix(["session"]).build();
            let layer = layer.expect("the name is a token");
            (move || browser(cookies), go(layer.layer(Sets(lines))))
        })
}

fn browser(cookies: &'static str) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    let headers = request.headers_mut();
    headers.reserve(12);
    for (name, value) in [
        (HOST, "app.example.com"),
        (USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0"),
        (COOKIE, cookies),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    request
}

fn axum_request() -> Request<Body> {
    browser("theme=dark").map(|_| Body::empty())
}

fn router() -> Router {
    let handler = async || (AppendHeaders([(SET_COOKIE, CHANGED)]), "{}");
    Router::new().route("/", get(handler))
}

/// A handler that sets cookies.
#[derive(Clone, Copy, Debug)]
struct Sets(Lines);

impl<B> Service<Request<B>> for Sets {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        let mut response = Response::new(Full::new(Bytes::from_static(b"{}")));
        let headers = response.headers_mut();
        headers.reserve(12);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for line in self.0 {
            headers.append(SET_COOKIE, HeaderValue::from_static(line));
        }
        ready(Ok(response))
    }
}

/// What people write: each line is parsed, completed and encoded again.
fn complete(headers: &mut HeaderMap, rename: bool) {
    if !headers.contains_key(SET_COOKIE) {
        return;
    }
    let lines: Vec<HeaderValue> = headers
        .get_all(SET_COOKIE)
        .iter()
        .filter_map(|line| {
            let mut cookie = Cookie::parse(line.to_str().ok()?).ok()?;
            if rename && cookie.name() == "session" {
                cookie.set_name("__Host-session");
                cookie.set_path("/");
                cookie.unset_domain();
            }
            cookie.set_secure(true);
            cookie.set_http_only(true);
            if cookie.same_site().is_none() {
                cookie.set_same_site(SameSite::Lax);
            }
            HeaderValue::try_from(cookie.to_string()).ok()
        })
        .collect();
    headers.remove(SET_COOKIE);
    for line in lines {
        headers.append(SET_COOKIE, line);
    }
}

async fn by_hand(request: AxumRequest, next: Next) -> AxumResponse {
    let mut response = next.run(request).await;
    complete(response.headers_mut(), false);
    response
}

/// The same without axum, and without the box that `from_fn` makes.
#[derive(Clone, Copy, Debug)]
struct ByHand<S>(S);

impl<S, B, R> Service<Request<B>> for ByHand<S>
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible, Future: Unpin>,
{
    type Response = Response<R>;
    type Error = Infallible;
    type Future = Completing<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        Completing {
            inner: self.0.call(request),
            rename: false,
        }
    }
}

/// Renames as well: the cookies of the request are split and joined again.
#[derive(Clone, Copy, Debug)]
struct RenamingByHand<S>(ByHand<S>);

impl<S, B, R> Service<Request<B>> for RenamingByHand<S>
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible, Future: Unpin>,
{
    type Response = Response<R>;
    type Error = Infallible;
    type Future = Completing<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let cookies = request.headers().get(COOKIE);
        if let Some(cookies) = cookies.and_then(|line| line.to_str().ok()) {
            let kept: Vec<String> = Cookie::split_parse(cookies)
                .flatten()
                .filter(|cookie| cookie.name() != "session")
                .map(|cookie| match cookie.name().strip_prefix("__Host-") {
                    Some(name) => format!("{name}={}", cookie.value()),
                    None => cookie.to_string(),
                })
                .collect();
            if let Ok(line) = HeaderValue::try_from(kept.join("; ")) {
                request.headers_mut().insert(COOKIE, line);
            }
        }
        let mut future = self.0.call(request);
        future.rename = true;
        future
    }
}

#[derive(Debug)]
struct Completing<F> {
    inner: F,
    rename: bool,
}

impl<F, R> Future for Completing<F>
where
    F: Future<Output = Result<Response<R>, Infallible>> + Unpin,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let mut output = Pin::new(&mut self.inner).poll(context);
        if let Poll::Ready(Ok(response)) = &mut output {
            complete(response.headers_mut(), self.rename);
        }
        output
    }
}
