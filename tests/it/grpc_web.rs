//! gRPC-web: what a page sends to a tonic service over HTTP/1, and what the stack lets it read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use tonic_web::GrpcWebLayer;
use tower::ServiceBuilder;
use tower::util::MapRequestLayer;
use tower_security::cors::{CorsBuilder, CorsLayer};
use tower_security::csrf::CsrfLayer;
use tower_security::stack::{Innermost, SecurityStack};

use crate::support::wire::Server;

/// May read and write.
const APP: &str = "https://app.example.com";
/// May read.
const VIEWER: &str = "https://viewer.example.com";
const EVIL: &str = "https://evil.example";

/// Method and path of the health service's only call, and an empty message in a frame of its own.
const CHECK: &str = "/grpc.health.v1.Health/Check";
const EMPTY: &[u8] = b"\0\0\0\0\0";
/// `status: SERVING` in a frame, then the trailers in another.
const SERVING: &[u8] = b"\0\0\0\0\x02\x08\x01\x80\0\0\0\x0fgrpc-status:0\r\n";

/// The health service behind the stack, and how many requests have come through.
async fn server(cors: CorsBuilder) -> (Server, Arc<AtomicUsize>) {
    let reached = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&reached);
    let count = MapRequestLayer::new(move |request: Request<tonic::body::Body>| {
        counter.fetch_add(1, Ordering::SeqCst);
        request
    });
    let stack = SecurityStack::new()
        .cors(cors.build().unwrap())
        .csrf(CsrfLayer::builder().trusted_origins([APP]).build().unwrap())
        .extra(
            Innermost,
            ServiceBuilder::new()
                .layer(count)
                .layer(GrpcWebLayer::new())
                .into_inner(),
        );
    let (_, health) = tonic_health::server::health_reporter();
    let routes = tonic::service::Routes::new(health);
    (Server::tonic(stack, routes).await, reached)
}

fn cors() -> CorsBuilder {
    CorsLayer::builder()
        .origins([APP, VIEWER])
        .credentials(true)
}

/// What a browser sends before the call.
fn preflight(origin: &str) -> Request<Full<Bytes>> {
    Request::builder()
        .method(Method::OPTIONS)
        .uri(CHECK)
        .header("host", "api.example.com")
        .header("origin", origin)
        .header("sec-fetch-site", "cross-site")
        .header("sec-fetch-mode", "cors")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type,x-grpc-web")
        .body(Full::default())
        .unwrap()
}

fn call(origin: &str, content_type: &str, message: &'static [u8]) -> Request<Full<Bytes>> {
    Request::post(CHECK)
        .header("host", "api.example.com")
        .header("origin", origin)
        .header("sec-fetch-site", "cross-site")
        .header("sec-fetch-mode", "cors")
        .header("content-type", content_type)
        .header("x-grpc-web", "1")
        .header("cookie", "session=1")
        .body(Full::new(Bytes::from_static(message)))
        .unwrap()
}

fn header<'a>(answer: &'a Response<Bytes>, name: &str) -> Option<&'a str> {
    answer
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap())
}

fn cors_headers(answer: &Response<Bytes>) -> Vec<&str> {
    let mut names: Vec<_> = answer.headers().keys().map(|name| name.as_str()).collect();
    names.retain(|name| name.starts_with("access-control-"));
    names.sort_unstable();
    names
}

/// Asserts that a page of this origin may read the answer, and what gRPC says in its headers.
fn assert_readable(answer: &Response<Bytes>, origin: &str) {
    assert_eq!(header(answer, "access-control-allow-origin"), Some(origin));
    assert_eq!(
        header(answer, "access-control-allow-credentials"),
        Some("true")
    );
    let exposed = header(answer, "access-control-expose-headers").expect("some are exposed");
    let mut exposed: Vec<_> = exposed.split(',').map(str::trim).collect();
    exposed.sort_unstable();
    assert_eq!(
        exposed,
        ["grpc-message", "grpc-status", "grpc-status-details-bin"]
    );
}

#[tokio::test]
async fn a_preflight_is_allowed_for_a_server_that_speaks_grpc_web() {
    let (server, reached) = server(cors().grpc_web()).await;
    for origin in [APP, VIEWER] {
        let answer = server.http1(preflight(origin)).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        assert_eq!(header(&answer, "access-control-allow-origin"), Some(origin));
        assert_eq!(
            header(&answer, "access-control-allow-credentials"),
            Some("true")
        );
        assert_eq!(
            header(&answer, "access-control-allow-headers"),
            Some("content-type,x-grpc-web")
        );
    }
    let answer = server.http1(preflight(EVIL)).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(cors_headers(&answer), [""; 0]);
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_preflight_is_refused_for_a_server_that_does_not() {
    let (server, reached) = server(cors()).await;
    let answer = server.http1(preflight(APP)).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(cors_headers(&answer), [""; 0]);
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_call_of_a_trusted_origin_reaches_the_service_and_is_readable() {
    let (server, reached) = server(cors().grpc_web()).await;

    let answer = server
        .http1(call(APP, "application/grpc-web+proto", EMPTY))
        .await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(
        header(&answer, "content-type"),
        Some("application/grpc-web+proto")
    );
    assert_eq!(answer.body(), SERVING);
    assert_readable(&answer, APP);
    assert_eq!(reached.swap(0, Ordering::SeqCst), 1);

    // An unknown service: the status stands in the headers, where the page needs the grant to read it.
    let mut unknown = call(APP, "application/grpc-web+proto", EMPTY);
    *unknown.uri_mut() = "/unknown.Service/Call".parse().unwrap();
    let answer = server.http1(unknown).await;
    assert_eq!(header(&answer, "grpc-status"), Some("12"));
    assert_readable(&answer, APP);
    assert_eq!(reached.swap(0, Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_call_in_base64_is_a_call() {
    let (server, reached) = server(cors().grpc_web()).await;
    let text = |origin| {
        let mut request = call(origin, "application/grpc-web-text", b"AAAAAAA=");
        request
            .headers_mut()
            .insert("accept", "application/grpc-web-text".parse().unwrap());
        request
    };

    let answer = server.http1(text(APP)).await;
    assert_eq!(
        header(&answer, "content-type"),
        Some("application/grpc-web-text+proto")
    );
    // The two frames, each with a padding of its own.
    assert_eq!(answer.body(), "AAAAAAIIAQ==gAAAAA9ncnBjLXN0YXR1czowDQo=");
    assert_readable(&answer, APP);
    assert_eq!(reached.swap(0, Ordering::SeqCst), 1);

    let answer = server.http1(text(VIEWER)).await;
    assert_eq!(header(&answer, "grpc-status"), Some("7"));
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_call_of_an_origin_that_may_only_read_is_refused_readably() {
    let (server, reached) = server(cors().grpc_web()).await;
    let answer = server
        .http1(call(VIEWER, "application/grpc-web+proto", EMPTY))
        .await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(header(&answer, "grpc-status"), Some("7"));
    assert!(answer.body().is_empty());
    assert_readable(&answer, VIEWER);
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_call_of_another_origin_is_refused_and_unreadable() {
    let (server, reached) = server(cors().grpc_web()).await;
    let answer = server
        .http1(call(EVIL, "application/grpc-web+proto", EMPTY))
        .await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(header(&answer, "grpc-status"), Some("7"));
    assert!(answer.body().is_empty());
    assert_eq!(header(&answer, "access-control-allow-origin"), None);
    assert_eq!(header(&answer, "access-control-allow-credentials"), None);
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}
