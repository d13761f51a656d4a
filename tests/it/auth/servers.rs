//! On real servers: axum and plain hyper with HTTP/1 and HTTP/2, tonic and its client.

use axum::Router;
use axum::routing::{any, get};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::Full;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::Layer;
use tower_security::axum::Auth;
use tower_security::core::{ChallengeScheme, Principal};

use super::answers::{Row, TABLE, layer, lines};
use super::ways::{ByHeader, Seen, builder, get as ask};
use crate::support::wire::Server;

fn request(method: &Method, test: &'static str) -> Request<Full<Bytes>> {
    let mut request = ask(&[("x-test", test), ("host", "app.example")]);
    *request.method_mut() = method.clone();
    request
}

fn assert_refused(row: &Row, answer: &Response<Bytes>, is_head: bool) {
    assert_eq!(answer.status().as_u16(), row.status, "{}", row.code);
    assert_eq!(lines(answer), row.lines, "{}", row.code);
    let retry_after = row.retry_after.map(HeaderValue::from_static);
    assert_eq!(answer.headers().get(RETRY_AFTER), retry_after.as_ref());
    assert_eq!(answer.headers()[CONTENT_TYPE], "application/problem+json");
    let body = format!(
        r#"{{"title":"{}","status":{},"code":"{}"}}"#,
        row.message, row.status, row.code
    );
    let expected = if is_head { "" } else { &body };
    assert_eq!(answer.body(), expected, "{}", row.code);
}

/// Each failure over both versions of HTTP, to a HEAD too: HTTP/2 would reset the stream of a body.
async fn check(server: &Server, row: &Row) {
    for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
        let is_head = method == Method::HEAD;
        let first = server.http1(request(&method, row.code)).await;
        assert_refused(row, &first, is_head);
        let second = server.http2(request(&method, row.code)).await;
        assert_refused(row, &second.expect("no reset"), is_head);
    }
    for test in ["good", "slow"] {
        let first = server.http1(request(&Method::GET, test)).await;
        assert_eq!(first.status(), 200, "{test}");
        let second = server.http2(request(&Method::GET, test)).await.unwrap();
        assert_eq!(second.status(), 200, "{test}");
    }
}

#[tokio::test]
async fn axum_refuses_by_the_table() {
    for row in TABLE {
        let router = Router::new()
            .route("/orders", any(async |_: Auth| "orders"))
            .layer(layer(row.method));
        check(&Server::axum(router).await, row).await;
    }
}

#[tokio::test]
async fn plain_hyper_refuses_by_the_table() {
    for row in TABLE {
        let seen = Seen::default();
        check(
            &Server::hyper(layer(row.method).layer(seen.clone())).await,
            row,
        )
        .await;
        let alice = || Some("alice".to_owned());
        assert_eq!(seen.take(), [alice(), alice(), alice(), alice()]);
    }
}

/// HTTP/1 hands lines on one by one, HTTP/2 splits a `Cookie` into crumbs: what counts is the same.
#[tokio::test]
async fn two_lines_of_authorization_are_seen_on_the_wire() {
    let seen = Seen::default();
    let server = Server::hyper(builder().build().unwrap().layer(seen.clone())).await;
    let raw = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx-test: good\r\n\
        authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n";
    let answer = server.raw(raw).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("credentials_ambiguous"), "{answer}");
    let mut twice = request(&Method::GET, "good");
    for value in ["Bearer a", "Bearer b"] {
        let value = HeaderValue::from_static(value);
        twice.headers_mut().append("authorization", value);
    }
    assert_eq!(server.http2(twice).await.unwrap().status(), 400);
    assert_eq!(seen.take(), []);

    let once = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx-test: good\r\n\
        authorization: Bearer a\r\n\r\n";
    let answer = server.raw(once).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn routes_of_one_layer_authenticate_alike() {
    let router = Router::new()
        .route(
            "/orders",
            get(async |Auth(who): Auth| who.subject().to_owned()),
        )
        .route("/public", get(async || "public"))
        .route_layer(builder().build().unwrap());
    let server = Server::axum(router).await;
    let to = |path: &'static str, test| {
        let mut request = request(&Method::GET, test);
        *request.uri_mut() = http::Uri::from_static(path);
        request
    };
    assert_eq!(server.http1(to("/orders", "good")).await.body(), "alice");
    assert_eq!(server.http1(to("/public", "good")).await.body(), "public");
    assert_eq!(server.http1(to("/public", "bad")).await.status(), 401);
    // `route_layer` leaves what has no route to axum.
    assert_eq!(server.http1(to("/nowhere", "bad")).await.status(), 404);
}

async fn health(row: Option<&Row>) -> (Server, HealthClient<Channel>) {
    let (_, health) = tonic_health::server::health_reporter();
    let layer = match row {
        Some(row) => layer(row.method),
        None => {
            let way = ByHeader::new("x-test").scheme(ChallengeScheme::bearer());
            tower_security::auth::AuthLayer::builder()
                .authenticator(way)
                .optional()
                .build()
                .unwrap()
        }
    };
    let server = Server::tonic(layer, tonic::service::Routes::new(health)).await;
    let endpoint = format!("http://{}", server.addr)
        .parse::<Endpoint>()
        .unwrap();
    let client = HealthClient::new(endpoint.connect().await.unwrap());
    (server, client)
}

fn call(test: &'static str) -> tonic::Request<HealthCheckRequest> {
    let mut request = tonic::Request::new(HealthCheckRequest::default());
    let value = tonic::metadata::MetadataValue::from_static(test);
    request.metadata_mut().insert("x-test", value);
    request
}

fn assert_status(row: &Row, status: &Status) {
    let code = Code::from_i32(row.grpc.parse().unwrap());
    assert_eq!(status.code(), code, "{}", row.code);
    assert_eq!(status.message(), row.message, "{}", row.code);
    let lines: Vec<_> = status
        .metadata()
        .get_all("www-authenticate")
        .iter()
        .map(|line| line.to_str().unwrap().to_owned())
        .collect();
    assert_eq!(lines, row.lines, "{}", row.code);
}

/// Unary calls, streams of the server, and gRPC-web over HTTP/1.
#[tokio::test]
async fn tonic_refuses_by_the_table() {
    for row in TABLE {
        let (server, mut client) = health(Some(row)).await;
        assert_status(row, &client.check(call(row.code)).await.unwrap_err());
        assert_status(row, &client.watch(call(row.code)).await.unwrap_err());
        for test in ["good", "slow"] {
            assert_eq!(client.check(call(test)).await.unwrap().get_ref().status, 1);
            let mut stream = client.watch(call(test)).await.unwrap().into_inner();
            let first = stream.message().await.unwrap().unwrap();
            assert_eq!(first.status, 1);
        }

        let mut web = request(&Method::POST, row.code);
        *web.uri_mut() = http::Uri::from_static("/grpc.health.v1.Health/Check");
        let content_type = HeaderValue::from_static("application/grpc-web+proto");
        web.headers_mut().insert(CONTENT_TYPE, content_type);
        let answer = server.http1(web).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()[CONTENT_TYPE], "application/grpc-web+proto");
        assert_eq!(answer.headers()["grpc-status"], row.grpc, "{}", row.code);
        assert_eq!(lines(&answer), row.lines, "{}", row.code);
    }
}

#[tokio::test]
async fn tonic_serves_anonymous_clients_in_optional_mode() {
    let (_server, mut client) = health(None).await;
    let anonymous = tonic::Request::new(HealthCheckRequest::default());
    assert_eq!(client.check(anonymous).await.unwrap().get_ref().status, 1);
    let status = client.check(call("bad")).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    let line = status.metadata().get("www-authenticate").unwrap();
    assert_eq!(
        line,
        r#"Bearer realm="api", error="invalid_token", error_description="The access token is invalid""#
    );
}

/// tonic hands the extensions of a request on to its interceptors and handlers.
#[tokio::test]
async fn a_tonic_interceptor_knows_the_principal() {
    let interceptor =
        |request: tonic::Request<()>| match Principal::from_extensions(request.extensions()) {
            Some(who) if who.subject() == "alice" => Ok(request),
            Some(_) | None => Err(Status::internal("nobody")),
        };
    let (_, health) = tonic_health::server::health_reporter();
    let intercepted = tonic::service::interceptor::InterceptedService::new(health, interceptor);
    let routes = tonic::service::Routes::new(intercepted);
    let server = Server::tonic(builder().optional().build().unwrap(), routes).await;
    let endpoint = format!("http://{}", server.addr)
        .parse::<Endpoint>()
        .unwrap();
    let mut client = HealthClient::new(endpoint.connect().await.unwrap());
    assert_eq!(
        client.check(call("good")).await.unwrap().get_ref().status,
        1
    );
    let anonymous = tonic::Request::new(HealthCheckRequest::default());
    let status = client.check(anonymous).await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::Internal, "nobody")
    );
}

/// A refusal names the scheme once over the wire, whatever the version of HTTP.
#[tokio::test]
async fn lines_stay_lines() {
    let server = Server::hyper(layer(None).layer(Seen::default())).await;
    let answer = server
        .raw(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
    let name = format!("{WWW_AUTHENTICATE}: ");
    let lines: Vec<_> = answer
        .lines()
        .filter_map(|line| line.strip_prefix(name.as_str()))
        .collect();
    assert_eq!(
        lines,
        [
            r#"Bearer realm="api""#,
            r#"DPoP realm="api""#,
            r#"ApiKey realm="api", header="x-api-key""#,
            r#"Session realm="api""#
        ]
    );
}
