//! The presets on real servers: a tonic client, and browsers' requests over HTTP/1 and HTTP/2.

use std::convert::Infallible;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, SET_COOKIE};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use tonic::Code;
use tonic::metadata::MetadataMap;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::{Layer, service_fn};
use tower_security::SecurityStack;
use tower_security::core::{RequestScheme, SchemeSource};
use tower_security::csp::CspNonce;
use tower_security::https::{HttpsLayer, OnInsecure};

use crate::support::wire::Server;

async fn client(server: &Server) -> HealthClient<tonic::transport::Channel> {
    let endpoint: Endpoint = format!("http://{}", server.addr)
        .parse()
        .expect("an address");
    HealthClient::new(endpoint.connect().await.expect("the server is there"))
}

fn routes() -> tonic::service::Routes {
    let (_, health) = tonic_health::server::health_reporter();
    tonic::service::Routes::new(health)
}

fn reject(scheme: RequestScheme) -> HttpsLayer {
    HttpsLayer::builder(SchemeSource::Listener(scheme))
        .on_insecure(OnInsecure::Reject)
        .build()
        .expect("it is well configured")
}

/// The names of what the layers have added.
fn added(metadata: &MetadataMap) -> Vec<String> {
    const GRPC: [&str; 4] = ["content-type", "date", "grpc-status", "grpc-message"];
    let headers: HeaderMap = metadata.clone().into_headers();
    let mut names: Vec<_> = headers
        .keys()
        .map(|name| name.as_str().to_owned())
        .filter(|name| !GRPC.contains(&name.as_str()))
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_tonic_client_gets_its_answers_through_every_preset() {
    async fn check(server: &Server, expected: &[&str]) {
        let mut client = client(server).await;
        let answer = client
            .check(HealthCheckRequest::default())
            .await
            .expect("an answer");
        assert_eq!(added(answer.metadata()), expected);
        assert_eq!(answer.into_inner().status, 1);
        // A stream: its trailers come after what the layers have written.
        let stream = client
            .watch(HealthCheckRequest::default())
            .await
            .expect("a stream");
        assert_eq!(added(stream.metadata()), expected);
        let first = stream.into_inner().message().await.expect("no status yet");
        assert_eq!(first.expect("a first message").status, 1);
    }
    let server = Server::tonic(SecurityStack::grpc(), routes()).await;
    check(&server, &["cache-control", "x-content-type-options"]).await;
    let server = Server::tonic(SecurityStack::api(), routes()).await;
    check(&server, &["cache-control", "x-content-type-options"]).await;
    let server = Server::tonic(SecurityStack::web(), routes()).await;
    check(&server, &["x-content-type-options"]).await;
    let stack = SecurityStack::grpc().https(reject(RequestScheme::Https));
    let server = Server::tonic(stack, routes()).await;
    // The host is an address, which HSTS is not for.
    check(
        &server,
        &["cache-control", "x-content-type-options", "x-request-id"],
    )
    .await;
}

#[tokio::test]
async fn a_tonic_client_reads_why_plain_http_is_refused() {
    let stack = SecurityStack::grpc().https(reject(RequestScheme::Http));
    let server = Server::tonic(stack, routes()).await;
    let mut client = client(&server).await;
    let status = client
        .check(HealthCheckRequest::default())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(status.message(), "HTTPS is required");
    assert_eq!(
        added(status.metadata()),
        ["cache-control", "x-content-type-options", "x-request-id"]
    );
}

fn to(path: &str) -> Request<Full<Bytes>> {
    Request::get(path)
        .header(HOST, "app.example")
        .body(Full::default())
        .expect("a path")
}

/// What a browser would read of a page, whatever has served it.
fn assert_page(answer: &Response<Bytes>) {
    assert_eq!(answer.status(), StatusCode::OK);
    let policy = answer.headers()[CONTENT_SECURITY_POLICY]
        .to_str()
        .expect("it is ASCII");
    let (_, rest) = policy.split_once("'nonce-").expect("a nonce");
    let (nonce, _) = rest.split_once('\'').expect("a nonce is quoted");
    assert_eq!(answer.body(), &format!("<script nonce={nonce}></script>"));
    assert_eq!(answer.headers()["x-frame-options"], "DENY");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(
        answer.headers()[SET_COOKIE],
        "session=1; Secure; HttpOnly; SameSite=Lax"
    );
    assert_eq!(
        answer.headers()["strict-transport-security"],
        "max-age=63072000; includeSubDomains"
    );
}

#[tokio::test]
async fn a_page_is_the_same_on_every_server_and_protocol() {
    let stack = SecurityStack::web().https(reject(RequestScheme::Https));
    let page = async |nonce: CspNonce| {
        let page = format!("<script nonce={nonce}></script>");
        ([(SET_COOKIE, "session=1")], Html(page))
    };
    let server = Server::axum(Router::new().route("/", get(page)).layer(stack)).await;
    assert_page(&server.http1(to("/")).await);
    let over_http2 = Request::get("http://app.example/")
        .body(Full::default())
        .expect("a target");
    assert_page(&server.http2(over_http2).await.expect("an answer"));

    let stack = SecurityStack::web().https(reject(RequestScheme::Https));
    let page = service_fn(|request: Request<Incoming>| async move {
        let nonce =
            CspNonce::from_extensions(request.extensions()).expect("the layer stands outside");
        let page = Full::new(Bytes::from(format!("<script nonce={nonce}></script>")));
        let mut answer = Response::new(page);
        let html = http::HeaderValue::from_static("text/html");
        answer.headers_mut().insert(CONTENT_TYPE, html);
        let cookie = http::HeaderValue::from_static("session=1");
        answer.headers_mut().insert(SET_COOKIE, cookie);
        Ok::<_, Infallible>(answer)
    });
    let server = Server::hyper(stack.layer(page)).await;
    assert_page(&server.http1(to("/")).await);
    let over_http2 = Request::get("http://app.example/")
        .body(Full::default())
        .expect("a target");
    assert_page(&server.http2(over_http2).await.expect("an answer"));
}
