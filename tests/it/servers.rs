//! One table of requests on every kind of server: the same decisions on axum, hyper with HTTP/1 and HTTP/2, and tonic.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_LENGTH, ETAG, VARY,
};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use tonic::Code;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::{Layer, Service, service_fn};
use tower_security::core::{ClientIp, TrustedProxies};
use tower_security::cors::CorsLayer;
use tower_security::csrf::{CsrfLayer, Isolation};
use tower_security::stack::{Innermost, SecurityStack};

use crate::support::wire::Server;

/// Counts the requests that reached the handler.
#[derive(Clone, Debug, Default)]
struct Reached(Arc<AtomicUsize>);

impl Reached {
    fn take(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}

#[derive(Clone, Debug)]
struct Counted<S>(S, Reached);

impl<S> Layer<S> for Reached {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted(inner, self.clone())
    }
}

impl<B, S: Service<Request<B>>> Service<Request<B>> for Counted<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        self.1.0.fetch_add(1, Ordering::SeqCst);
        self.0.call(request)
    }
}

/// The stack under test. A macro, since its type has two dozen parameters.
macro_rules! stack {
    ($reached:expr) => {
        SecurityStack::new()
            .client_ip(TrustedProxies::direct())
            .csrf(
                CsrfLayer::builder()
                    .trusted_origins(["https://app.example.com"])
                    .isolation(Isolation::new())
                    .build()
                    .unwrap(),
            )
            .cors(
                CorsLayer::builder()
                    .origins(["https://app.example.com"])
                    .credentials(true)
                    .methods([Method::PUT])
                    .request_headers(["x-tenant", "x-trace"])
                    .build()
                    .unwrap(),
            )
            .extra(Innermost, $reached.clone())
    };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    /// The handler was called.
    Reached,
    /// The handler was called, and the answer names the origin.
    Readable,
    /// A preflight was answered with these methods.
    Preflight(Option<&'static str>),
    /// A preflight was refused: an empty 403.
    NoPreflight,
    /// A refusal with this status over HTTP.
    Refused(u16),
    /// A refusal with this gRPC status.
    RefusedGrpc(&'static str),
}

struct Row {
    name: &'static str,
    method: &'static str,
    headers: &'static [(&'static str, &'static str)],
    decision: Decision,
}

const fn row(
    name: &'static str,
    method: &'static str,
    headers: &'static [(&'static str, &'static str)],
    decision: Decision,
) -> Row {
    Row {
        name,
        method,
        headers,
        decision,
    }
}

const APP: (&str, &str) = ("origin", "https://app.example.com");
const EVIL: (&str, &str) = ("origin", "https://evil.example");
const PUT: (&str, &str) = ("access-control-request-method", "PUT");
const CROSS: (&str, &str) = ("sec-fetch-site", "cross-site");
const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");
const GRPC: (&str, &str) = ("content-type", "application/grpc");

const TABLE: &[Row] = &[
    row("a plain GET", "GET", &[], Decision::Reached),
    row(
        "a GET of the application",
        "GET",
        &[APP, CROSS],
        Decision::Readable,
    ),
    row(
        "a GET of another origin, without metadata",
        "GET",
        &[EVIL],
        Decision::Reached,
    ),
    row(
        "a cross-site read",
        "GET",
        &[EVIL, CROSS],
        Decision::Refused(403),
    ),
    row(
        "a cross-site HEAD",
        "HEAD",
        &[EVIL, CROSS],
        Decision::Refused(403),
    ),
    row("an own HEAD", "HEAD", &[OWN], Decision::Reached),
    row(
        "a navigation",
        "GET",
        &[
            CROSS,
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ],
        Decision::Reached,
    ),
    row(
        "two Origin lines on a GET",
        "GET",
        &[APP, APP],
        Decision::Reached,
    ),
    row(
        "an allowed preflight",
        "OPTIONS",
        &[APP, PUT],
        Decision::Preflight(Some("PUT")),
    ),
    row(
        "a preflight for a simple method",
        "OPTIONS",
        &[APP, ("access-control-request-method", "GET")],
        Decision::Preflight(None),
    ),
    row(
        "a preflight whose header names came in two lines",
        "OPTIONS",
        &[
            APP,
            PUT,
            ("access-control-request-headers", "x-tenant"),
            ("access-control-request-headers", "x-trace"),
        ],
        Decision::Preflight(Some("PUT")),
    ),
    row(
        "a preflight of another origin",
        "OPTIONS",
        &[EVIL, PUT],
        Decision::NoPreflight,
    ),
    row(
        "a preflight of two origins",
        "OPTIONS",
        &[APP, EVIL, PUT],
        Decision::NoPreflight,
    ),
    row(
        "a preflight for a method that is not listed",
        "OPTIONS",
        &[APP, ("access-control-request-method", "DELETE")],
        Decision::NoPreflight,
    ),
    row(
        "a preflight for a header that is not listed",
        "OPTIONS",
        &[APP, PUT, ("access-control-request-headers", "x-secret")],
        Decision::NoPreflight,
    ),
    row("a plain OPTIONS", "OPTIONS", &[], Decision::Reached),
    row("an own POST", "POST", &[OWN], Decision::Reached),
    row("a POST of no browser", "POST", &[], Decision::Reached),
    row(
        "a POST of no browser with a cookie",
        "POST",
        &[("cookie", "session=1")],
        Decision::Refused(403),
    ),
    row(
        "a cross-site POST",
        "POST",
        &[EVIL, CROSS],
        Decision::Refused(403),
    ),
    row(
        "a cross-site POST of the application",
        "POST",
        &[APP, CROSS],
        Decision::Readable,
    ),
    row(
        "a POST with two metadata lines",
        "POST",
        &[OWN, OWN],
        Decision::Refused(403),
    ),
    row(
        "a POST of the null origin",
        "POST",
        &[("origin", "null")],
        Decision::Refused(403),
    ),
    row(
        "a WebSocket handshake of another site",
        "GET",
        &[EVIL, CROSS, ("upgrade", "websocket")],
        Decision::Refused(403),
    ),
    row(
        "a gRPC call of no browser",
        "POST",
        &[GRPC],
        Decision::Reached,
    ),
    row(
        "a cross-site gRPC-web call",
        "POST",
        &[("content-type", "application/grpc-web+proto"), EVIL, CROSS],
        Decision::RefusedGrpc("7"),
    ),
    row(
        "a cross-site gRPC call",
        "POST",
        &[GRPC, EVIL, CROSS],
        Decision::RefusedGrpc("7"),
    ),
];

fn request(row: &Row, http2: bool) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(row.method).uri("/orders");
    for (name, value) in row.headers {
        // HTTP/2 has no `Upgrade` (RFC 9113, section 8.2.2); its handshake is an extended CONNECT.
        if !(http2 && *name == "upgrade") {
            request = request.header(*name, *value);
        }
    }
    if !http2 {
        request = request.header("host", "api.example.com");
    }
    request.body(Full::default()).unwrap()
}

/// Reads the decision off the wire.
fn decision(row: &Row, answer: &Response<Bytes>, reached: usize) -> Decision {
    let header = |name: &str| {
        answer
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap())
    };
    if reached == 1 {
        return match header("access-control-allow-origin") {
            Some(origin) => {
                assert_eq!(origin, "https://app.example.com");
                assert_eq!(header("access-control-allow-credentials"), Some("true"));
                let varies = answer
                    .headers()
                    .get_all(VARY)
                    .iter()
                    .any(|line| line.to_str().unwrap().contains("Origin"));
                assert!(varies, "{}", row.name);
                Decision::Readable
            }
            None => Decision::Reached,
        };
    }
    assert_eq!(reached, 0, "{}", row.name);
    match (answer.status().as_u16(), header("grpc-status")) {
        (204, _) => {
            assert_eq!(
                answer.headers()[ACCESS_CONTROL_ALLOW_ORIGIN],
                "https://app.example.com"
            );
            assert_eq!(header("access-control-allow-credentials"), Some("true"));
            let asked = row
                .headers
                .iter()
                .filter(|(name, _)| *name == "access-control-request-headers")
                .map(|(_, value)| *value);
            let allowed = answer.headers().get_all("access-control-allow-headers");
            let allowed = allowed
                .iter()
                .flat_map(|line| line.to_str().unwrap().split(','))
                .map(str::trim);
            assert!(allowed.eq(asked), "{}", row.name);
            let methods = answer.headers().get(ACCESS_CONTROL_ALLOW_METHODS);
            Decision::Preflight(methods.map(|methods| match methods.as_bytes() {
                b"PUT" => "PUT",
                other => panic!("{other:?}"),
            }))
        }
        (200, Some("7")) => Decision::RefusedGrpc("7"),
        (403, None) if row.method == "OPTIONS" => {
            assert!(answer.body().is_empty());
            let cors = answer
                .headers()
                .keys()
                .filter(|name| name.as_str().starts_with("access-control-"));
            assert_eq!(cors.count(), 0, "a refused origin learns nothing");
            Decision::NoPreflight
        }
        (status, _) => {
            assert_eq!(header("content-type"), Some("application/problem+json"));
            let head = row.method == "HEAD";
            assert_eq!(answer.body().is_empty(), head, "{}", row.name);
            Decision::Refused(status)
        }
    }
}

async fn check_over_http1(server: &Server, reached: &Reached) {
    for row in TABLE {
        let answer = server.http1(request(row, false)).await;
        let found = decision(row, &answer, reached.take());
        assert_eq!(found, row.decision, "{}: {answer:?}", row.name);
    }
}

async fn check_over_http2(server: &Server, reached: &Reached) {
    for row in TABLE {
        let answer = server
            .http2(request(row, true))
            .await
            .unwrap_or_else(|error| panic!("{}: the stream was reset: {error:?}", row.name));
        let found = decision(row, &answer, reached.take());
        assert_eq!(found, row.decision, "{}: {answer:?}", row.name);
    }
}

/// On HTTP/2 content after a HEAD is the handler's own reset: it sends none.
async fn hello(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let is_head = request.method() == Method::HEAD;
    let body = if is_head { "" } else { "hello" };
    Ok(Response::new(Full::from(body)))
}

#[tokio::test]
async fn axum_decides_by_the_table() {
    let reached = Reached::default();
    let router = Router::new()
        .fallback(async || "hello")
        .layer(stack!(reached));
    let server = Server::axum(router).await;
    check_over_http1(&server, &reached).await;
    check_over_http2(&server, &reached).await;
}

#[tokio::test]
async fn hyper_decides_by_the_table() {
    let reached = Reached::default();
    let server = Server::hyper(stack!(reached).layer(service_fn(hello))).await;
    check_over_http1(&server, &reached).await;
    check_over_http2(&server, &reached).await;
}

async fn tonic_server(reached: &Reached) -> Server {
    let (_, health) = tonic_health::server::health_reporter();
    let routes = tonic::service::Routes::new(health);
    Server::tonic(stack!(reached), routes).await
}

#[tokio::test]
async fn tonic_decides_by_the_table() {
    let reached = Reached::default();
    let server = tonic_server(&reached).await;
    check_over_http1(&server, &reached).await;
    check_over_http2(&server, &reached).await;
}

#[tokio::test]
async fn a_tonic_client_reads_refusals_as_statuses() {
    let reached = Reached::default();
    let server = tonic_server(&reached).await;
    let endpoint = format!("http://{}", server.addr)
        .parse::<Endpoint>()
        .unwrap();
    let mut client = HealthClient::new(endpoint.connect().await.unwrap());

    let own = client.check(HealthCheckRequest::default()).await.unwrap();
    assert_eq!(own.into_inner().status, 1);
    assert_eq!(reached.take(), 1);

    let mut forged = tonic::Request::new(HealthCheckRequest::default());
    forged
        .metadata_mut()
        .insert("sec-fetch-site", "cross-site".parse().unwrap());
    let status = client.check(forged).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(reached.take(), 0);

    let mut forged = tonic::Request::new(HealthCheckRequest::default());
    forged
        .metadata_mut()
        .insert("origin", "https://evil.example".parse().unwrap());
    let status = client.watch(forged).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(reached.take(), 0);
}

#[tokio::test]
async fn a_refused_head_over_http2_is_the_head_with_the_length_of_the_get() {
    let server = Server::hyper(stack!(Reached::default()).layer(service_fn(hello))).await;
    let ask = async |method: &str| {
        let request = Request::builder()
            .method(method)
            .uri("/")
            .header("sec-fetch-site", "cross-site");
        server
            .http2(request.body(Full::default()).unwrap())
            .await
            .unwrap()
    };
    let (get, head) = (ask("GET").await, ask("HEAD").await);
    assert_eq!(head.status(), StatusCode::FORBIDDEN);
    assert!(head.body().is_empty());
    assert_eq!(head.headers()[CONTENT_LENGTH], get.body().len().to_string());
    assert_eq!(
        head.headers()["content-type"],
        get.headers()["content-type"]
    );
}

#[tokio::test]
async fn the_peer_of_the_socket_is_the_client_on_every_server() {
    let client = |extensions: &http::Extensions| match ClientIp::from_extensions(extensions) {
        Some(client) => client.ip().to_string(),
        None => "unknown".to_owned(),
    };
    let ask = || {
        Request::get("/")
            .header("host", "a")
            .body(Full::default())
            .unwrap()
    };

    let handler = async move |request: axum::extract::Request| client(request.extensions());
    let router = Router::new()
        .fallback(handler)
        .layer(stack!(Reached::default()));
    assert_eq!(
        Server::axum(router).await.http1(ask()).await.body(),
        "127.0.0.1"
    );

    let handler = service_fn(move |request: Request<Incoming>| {
        std::future::ready(Ok::<_, Infallible>(Response::new(Full::from(client(
            request.extensions(),
        )))))
    });
    let server = Server::hyper(stack!(Reached::default()).layer(handler)).await;
    assert_eq!(server.http1(ask()).await.body(), "127.0.0.1");

    let routes = tonic::service::Routes::default();
    let routes = tonic::service::Routes::from(
        routes
            .into_axum_router()
            .fallback(async move |request: axum::extract::Request| client(request.extensions())),
    );
    let server = Server::tonic(stack!(Reached::default()), routes).await;
    assert_eq!(server.http2(ask()).await.unwrap().body(), "127.0.0.1");
}

#[tokio::test]
async fn a_304_keeps_its_validators_and_says_what_it_varies_by() {
    let handler = service_fn(|_: Request<Incoming>| async {
        let mut answer = Response::new(Full::<Bytes>::default());
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        answer
            .headers_mut()
            .insert(ETAG, http::HeaderValue::from_static("\"1\""));
        answer
            .headers_mut()
            .insert(VARY, http::HeaderValue::from_static("accept-encoding"));
        Ok::<_, Infallible>(answer)
    });
    let server = Server::hyper(stack!(Reached::default()).layer(handler)).await;
    let request = Request::get("/")
        .header("origin", "https://app.example.com")
        .header("host", "a");
    let answer = server.http1(request.body(Full::default()).unwrap()).await;
    assert_eq!(answer.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(answer.headers()[ETAG], "\"1\"");
    let vary: Vec<_> = answer
        .headers()
        .get_all(VARY)
        .iter()
        .map(|v| v.to_str().unwrap().to_lowercase())
        .collect();
    let vary = vary.join(", ");
    for name in ["accept-encoding", "origin", "sec-fetch-site"] {
        assert_eq!(vary.matches(name).count(), 1, "{vary}");
    }
}

#[tokio::test]
async fn what_only_a_raw_socket_can_say() {
    let csrf = CsrfLayer::new();
    let reached = Reached::default();
    let service = SecurityStack::new()
        .csrf(csrf)
        .extra(Innermost, reached.clone())
        .layer(service_fn(hello));
    let server = Server::hyper(service).await;
    let rows: [(&str, &str, &str, usize); 7] = [
        (
            "the own origin",
            "POST / HTTP/1.1\r\nHost: a.example\r\nOrigin: https://a.example\r\n",
            "200",
            1,
        ),
        (
            "the default port and another case",
            "POST / HTTP/1.1\r\nHost: A.example:443\r\nOrigin: https://a.example\r\n",
            "200",
            1,
        ),
        (
            "the plain-text twin",
            "POST / HTTP/1.1\r\nHost: a.example\r\nOrigin: http://a.example\r\n",
            "403",
            0,
        ),
        (
            "two hosts",
            "POST / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\nOrigin: https://a.example\r\n",
            "403",
            0,
        ),
        (
            "the absolute form",
            "POST http://a.example/ HTTP/1.1\r\nHost: b.example\r\nOrigin: https://a.example\r\n",
            "200",
            1,
        ),
        (
            "the absolute form of another",
            "POST http://b.example/ HTTP/1.1\r\nHost: a.example\r\nOrigin: https://a.example\r\n",
            "403",
            0,
        ),
        (
            "a WebSocket handshake of another site",
            "GET /ws HTTP/1.1\r\nHost: a.example\r\nOrigin: https://evil.example\r\nUpgrade: websocket\r\nConnection: upgrade, close\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            "403",
            0,
        ),
    ];
    for (name, head, status, calls) in rows {
        let connection = if head.contains("Connection:") {
            ""
        } else {
            "Connection: close\r\n"
        };
        let length = if head.starts_with("POST") {
            "Content-Length: 0\r\n"
        } else {
            ""
        };
        let request = format!("{head}{connection}{length}\r\n");
        let answer = server.raw(request.as_bytes());
        let answer = tokio::time::timeout(std::time::Duration::from_secs(10), answer)
            .await
            .expect(name);
        assert_eq!(answer.get(9..12), Some(status), "{name}: {answer}");
        assert_eq!(reached.take(), calls, "{name}");
    }
}
