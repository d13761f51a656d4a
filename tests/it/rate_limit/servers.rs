//! On real servers: axum, plain hyper with HTTP/1 and HTTP/2, tonic and its client.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use tonic::Code;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;
use tower::Layer;
use tower_security::RateLimitLayer;
use tower_security::core::{ClientIp, ManualClock};
use tower_security::cors::CorsLayer;
use tower_security::rate_limit::{Emit, HeaderStyle, OnMissing, Policy, Quota, key};

use crate::support::service::Spy;
use crate::support::wire::Server;

/// Two in an hour from each address, and a server without addresses refuses.
fn layer() -> RateLimitLayer {
    let quota = Quota::new(1, Duration::from_secs(1_800)).burst(2);
    let policy = Policy::new("ip", quota)
        .key(key::client_ip())
        .on_missing(OnMissing::Refuse);
    RateLimitLayer::builder()
        .policy(policy)
        .headers(HeaderStyle::default(), Emit::Always)
        .client_ip(ClientIp::trusted_proxies(["127.0.0.0/8".parse().unwrap()]).unwrap())
        .clock(ManualClock::new())
        .build()
        .unwrap()
}

fn request(method: &str) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri("/orders")
        .header("host", "app.example")
        .body(Full::default())
        .unwrap()
}

fn forwarded(client: &'static str) -> Request<Full<Bytes>> {
    let mut request = request("GET");
    let client = HeaderValue::from_static(client);
    request.headers_mut().insert("x-forwarded-for", client);
    request
}

fn assert_refused(answer: &Response<Bytes>) {
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers()[RETRY_AFTER], "1800");
    assert_eq!(answer.headers()["ratelimit"], "\"ip\";r=0;t=1800");
    assert_eq!(answer.headers()["ratelimit-policy"], "\"ip\";q=2;w=3600");
    assert_eq!(answer.headers()[CONTENT_TYPE], "application/problem+json");
}

/// Two pass and a third does not, whatever the versions of HTTP; HEAD is answered by a head; another client has its own two.
async fn check(server: &Server) {
    let first = server.http1(request("GET")).await;
    assert_eq!(first.status(), 200);
    assert_eq!(first.headers()["ratelimit"], "\"ip\";r=1;t=1800");
    let second = server.http2(request("GET")).await.unwrap();
    assert_eq!(second.status(), 200);
    assert_eq!(second.headers()["ratelimit"], "\"ip\";r=0;t=1800");

    let over_1 = server.http1(request("GET")).await;
    assert_refused(&over_1);
    assert!(over_1.body().ends_with(b"\"violated-policies\":[\"ip\"]}"));
    let over_2 = server.http2(request("GET")).await.unwrap();
    assert_refused(&over_2);
    assert_eq!(over_2.body(), over_1.body());
    for head in [
        server.http1(request("HEAD")).await,
        server.http2(request("HEAD")).await.unwrap(),
    ] {
        assert_refused(&head);
        assert!(head.body().is_empty());
    }
    let other = server.http1(forwarded("192.0.2.7")).await;
    assert_eq!(other.status(), 200);
    let spoofed = server.http1(forwarded("192.0.2.7, 127.0.0.1")).await;
    assert_eq!(spoofed.headers()["ratelimit"], "\"ip\";r=0;t=1800");
}

#[tokio::test]
async fn axum_with_connect_info() {
    let router = Router::new()
        .route("/orders", get(async || "orders"))
        .layer(layer());
    check(&Server::axum(router).await).await;
}

#[tokio::test]
async fn plain_hyper() {
    let spy = Spy::new();
    check(&Server::hyper(layer().layer(spy.clone())).await).await;
    // Two, one of another client, and one of it behind two proxies.
    assert_eq!(spy.calls(), 4);
}

#[tokio::test]
async fn axum_routes_share_the_counters_of_a_layer() {
    let router = Router::new()
        .route("/orders", get(async || "orders"))
        .route("/users", get(async || "users"))
        .layer(layer());
    let server = Server::axum(router).await;
    let mut users = request("GET");
    *users.uri_mut() = http::Uri::from_static("/users");
    assert_eq!(server.http1(request("GET")).await.status(), 200);
    assert_eq!(server.http1(users).await.status(), 200);
    assert_eq!(server.http1(request("GET")).await.status(), 429);
}

#[tokio::test]
async fn a_page_of_another_origin_can_read_a_refusal() {
    let cors = CorsLayer::builder()
        .origins(["https://app.example.com"])
        .expose_headers(["ratelimit", "retry-after"])
        .build()
        .unwrap();
    let server = Server::hyper(cors.layer(layer().layer(Spy::new()))).await;
    let from_page = || {
        let mut request = request("GET");
        let origin = HeaderValue::from_static("https://app.example.com");
        request.headers_mut().insert("origin", origin);
        request
    };
    for _ in 0..2 {
        assert_eq!(server.http1(from_page()).await.status(), 200);
    }
    let answer = server.http1(from_page()).await;
    assert_refused(&answer);
    assert_eq!(
        answer.headers()["access-control-allow-origin"],
        "https://app.example.com"
    );
}

async fn client(server: &Server) -> HealthClient<tonic::transport::Channel> {
    let endpoint: Endpoint = format!("http://{}", server.addr).parse().unwrap();
    HealthClient::new(endpoint.connect().await.unwrap())
}

fn routes() -> tonic::service::Routes {
    let (_, health) = tonic_health::server::health_reporter();
    tonic::service::Routes::new(health)
}

#[tokio::test]
async fn a_tonic_client_reads_why_and_when_to_come_back() {
    let server = Server::tonic(layer(), routes()).await;
    let mut client = client(&server).await;
    for left in ["\"ip\";r=1;t=1800", "\"ip\";r=0;t=1800"] {
        let answer = client.check(HealthCheckRequest::default()).await.unwrap();
        assert_eq!(answer.metadata().get("ratelimit").unwrap(), left);
    }
    let status = client
        .check(HealthCheckRequest::default())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(status.message(), "Too many requests");
    let pushback = status.metadata().get("grpc-retry-pushback-ms").unwrap();
    assert_eq!(pushback, "1800000");
    let details = status.get_error_details();
    let retry = details.retry_info().unwrap().retry_delay;
    assert_eq!(retry, Some(Duration::from_secs(1_800)));
    let violations = &details.quota_failure().unwrap().violations;
    let subjects: Vec<_> = violations.iter().map(|one| one.subject.as_str()).collect();
    assert_eq!(subjects, ["ip"]);

    // A stream is refused in the same way.
    let status = client
        .watch(HealthCheckRequest::default())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn a_tonic_client_reads_that_waiting_does_not_help() {
    let policy = Policy::new("work", Quota::per_minute(2))
        .key(key::global())
        .cost_by(|_| 3);
    let layer = RateLimitLayer::builder().policy(policy).build().unwrap();
    let server = Server::tonic(layer, routes()).await;
    let answer = client(&server)
        .await
        .check(HealthCheckRequest::default())
        .await;
    let status = answer.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(
        status.metadata().get("grpc-retry-pushback-ms").unwrap(),
        "-1"
    );
    let details = status.get_error_details();
    assert!(details.retry_info().is_none());
    assert_eq!(
        details.quota_failure().unwrap().violations[0].subject,
        "work"
    );
}
