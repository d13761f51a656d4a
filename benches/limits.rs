//! Limits: what the layer costs above a bare service, beside `tower_http`'s layers of limits, timeouts and sensitive headers. See
//! `harness` for the commands.

mod harness;

use std::convert::Infallible;
use std::process::ExitCode;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use bytes::Bytes;
use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, PROXY_AUTHORIZATION,
    SET_COOKIE, USER_AGENT,
};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tokio::runtime::{EnterGuard, Runtime};
use tower::{Layer, Service, ServiceBuilder, service_fn};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::sensitive_headers::SetSensitiveHeadersLayer;
use tower_http::timeout::{RequestBodyTimeoutLayer, ResponseBodyTimeoutLayer, TimeoutLayer};
use tower_security::LimitsLayer;
use tower_security::limits::RouteLimits;

use harness::{Group, bare, go, go_axum};

const OURS: &str = "tower-security";
const RIVAL: &str = "tower-http";
const LIMIT: usize = 2 << 20;
const TIME: Duration = Duration::from_secs(30);

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().build().expect("a runtime")
});

fn main() -> ExitCode {
    let _timers: EnterGuard<'_> = RUNTIME.enter();
    harness::main("limits", &groups())
}

/// The same as ours on plain Tower, but for the number of requests, the time of a body as a whole, and the events: nobody else has them
/// in one place with refusals that can be told apart. The timeout stands innermost, since it makes its answer of `Default`, which the bodies
/// of the others are not.
macro_rules! rival {
    ($service:expr) => {
        ServiceBuilder::new()
            .layer(SetSensitiveHeadersLayer::new([
                AUTHORIZATION,
                COOKIE,
                PROXY_AUTHORIZATION,
                SET_COOKIE,
            ]))
            .layer(ResponseBodyTimeoutLayer::new(TIME))
            .layer(RequestBodyLimitLayer::new(LIMIT))
            .layer(RequestBodyTimeoutLayer::new(TIME))
            .layer(TimeoutLayer::with_status_code(
                StatusCode::GATEWAY_TIMEOUT,
                TIME,
            ))
            .service($service)
    };
}

fn groups() -> Vec<Group> {
    vec![
        Group::new("GET", RIVAL)
            .row("bare", || (plain, go(bare())))
            .row("tower-http", || (plain, go(rival!(bare()))))
            .row(OURS, || (plain, go(LimitsLayer::new().layer(bare()))))
            .row("256 routes", || (plain, go(routes().layer(bare())))),
        Group::new("POST of 1 KiB, read", RIVAL)
            .row("bare", || (posted, go(reader())))
            .row("tower-http", || (posted, go(rival!(reader()))))
            .row(OURS, || (posted, go(LimitsLayer::new().layer(reader())))),
        Group::new("POST of 4 MiB, refused by its length", RIVAL)
            .row("bare", || (large, go(bare())))
            .row("tower-http", || (large, go(rival!(bare()))))
            .row(OURS, || (large, go(LimitsLayer::new().layer(bare())))),
        Group::new("axum: GET", RIVAL)
            .row("bare", || (plain_on_axum, go_axum(router())))
            .row("tower-http", || {
                (plain_on_axum, go_axum(rival_router(router())))
            })
            .row(OURS, || {
                (plain_on_axum, go_axum(router().layer(LimitsLayer::new())))
            }),
        Group::new("axum: POST of 1 KiB, read", RIVAL)
            .row("bare", || (posted_on_axum, go_axum(router())))
            .row("tower-http", || {
                (posted_on_axum, go_axum(rival_router(router())))
            })
            .row(OURS, || {
                (posted_on_axum, go_axum(router().layer(LimitsLayer::new())))
            }),
    ]
}

fn rival_router(router: Router) -> Router {
    router.layer(
        ServiceBuilder::new()
            .layer(SetSensitiveHeadersLayer::new([
                AUTHORIZATION,
                COOKIE,
                PROXY_AUTHORIZATION,
                SET_COOKIE,
            ]))
            .layer(ResponseBodyTimeoutLayer::new(TIME))
            .layer(RequestBodyLimitLayer::new(LIMIT))
            .layer(RequestBodyTimeoutLayer::new(TIME))
            .layer(TimeoutLayer::with_status_code(
                StatusCode::GATEWAY_TIMEOUT,
                TIME,
            )),
    )
}

fn router() -> Router {
    let read = async |body: Bytes| body.len().to_string();
    Router::new()
        .route("/orders/{id}", get(async || "{}"))
        .route("/orders", post(read))
}

fn routes() -> LimitsLayer {
    let routes = (0..256).map(|number| RouteLimits::new(format!("/route{number}/{{*rest}}")));
    let builder = routes.fold(LimitsLayer::builder(), |builder, route| {
        builder.route(route)
    });
    builder.build().expect("the patterns are sound")
}

fn plain() -> Request<Full<Bytes>> {
    request("/orders/1", Full::default())
}

fn posted() -> Request<Full<Bytes>> {
    static BODY: [u8; 1024] = [b'a'; 1024];
    let mut request = request("/orders", Full::from(&BODY[..]));
    *request.method_mut() = http::Method::POST;
    request
}

fn large() -> Request<Full<Bytes>> {
    static BODY: [u8; 4 << 20] = [b'a'; 4 << 20];
    let mut request = posted().map(|_| Full::from(&BODY[..]));
    let length = HeaderValue::from_static("4194304");
    request.headers_mut().insert(CONTENT_LENGTH, length);
    request
}

fn plain_on_axum() -> Request<Body> {
    plain().map(|_| Body::empty())
}

fn posted_on_axum() -> Request<Body> {
    posted().map(Body::new)
}

fn request(path: &'static str, body: Full<Bytes>) -> Request<Full<Bytes>> {
    let mut request = Request::new(body);
    *request.uri_mut() = http::Uri::from_static(path);
    let headers = request.headers_mut();
    headers.reserve(12);
    for (name, value) in [
        (HOST, "app.example.com"),
        (USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0"),
        (ACCEPT, "application/json"),
        (CONTENT_TYPE, "application/json"),
        (AUTHORIZATION, "Bearer 0123456789abcdef"),
        (COOKIE, "__Host-session=0123456789abcdef0123456789abcdef"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    request
}

/// Reads a body that is there to its end.
fn reader<B>() -> impl Service<
    Request<B>,
    Response = Response<Full<Bytes>>,
    Error = Infallible,
    Future = std::future::Ready<Result<Response<Full<Bytes>>, Infallible>>,
> + Clone
where
    B: http_body::Body<Data = Bytes>,
{
    service_fn(|request: Request<B>| {
        let collected = std::pin::pin!(request.into_body().collect());
        let mut context = Context::from_waker(Waker::noop());
        let length = match collected.poll(&mut context) {
            Poll::Ready(Ok(read)) => read.to_bytes().len(),
            Poll::Ready(Err(_)) | Poll::Pending => panic!("the body is there"),
        };
        let mut response = Response::new(Full::new(Bytes::from_static(b"{}")));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        assert_eq!(length, 1024);
        std::future::ready(Ok(response))
    })
}
