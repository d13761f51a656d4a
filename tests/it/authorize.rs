//! Requirements behind `AuthLayer` on real servers: HTTP/1, HTTP/2, tonic and gRPC-web.

use std::time::Duration;

use axum::Router;
use axum::routing::any;
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use tonic::Code;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::layer::util::Stack;
use tower_security::auth::AuthLayer;
use tower_security::authorize::{
    RequireLayer, Requirement, acr, authenticated, max_age, mfa, role, scope,
};

use crate::auth::ways::{builder, get};
use crate::support::wire::Server;

const BEARER: &str = r#"Bearer realm="api""#;

struct Row {
    requirement: fn() -> Requirement,
    /// What `x-test` says: `good` is alice, who has the scope `orders:read` and nothing else.
    test: Option<&'static str>,
    status: u16,
    code: &'static str,
    title: &'static str,
    line: Option<&'static str>,
    grpc: Code,
}

const TABLE: [Row; 6] = [
    Row {
        requirement: authenticated,
        test: None,
        status: 401,
        code: "authentication_required",
        title: "Authentication is required",
        line: Some(BEARER),
        grpc: Code::Unauthenticated,
    },
    Row {
        requirement: || scope("orders:write"),
        test: Some("good"),
        status: 403,
        code: "insufficient_scope",
        title: "The access token lacks a required scope",
        line: Some(
            r#"Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a required scope", scope="orders:write""#,
        ),
        grpc: Code::PermissionDenied,
    },
    Row {
        requirement: || role("admin"),
        test: Some("good"),
        status: 403,
        code: "forbidden",
        title: "This is not allowed",
        line: None,
        grpc: Code::PermissionDenied,
    },
    Row {
        requirement: || acr("aal2"),
        test: Some("good"),
        status: 401,
        code: "stronger_authentication",
        title: "A stronger authentication is required",
        line: Some(
            r#"Bearer realm="api", error="insufficient_user_authentication", error_description="A stronger authentication is required", acr_values="aal2""#,
        ),
        grpc: Code::Unauthenticated,
    },
    Row {
        requirement: mfa,
        test: Some("good"),
        status: 401,
        code: "stronger_authentication",
        title: "A stronger authentication is required",
        line: Some(
            r#"Bearer realm="api", error="insufficient_user_authentication", error_description="A stronger authentication is required""#,
        ),
        grpc: Code::Unauthenticated,
    },
    Row {
        requirement: || max_age(Duration::from_secs(300)),
        test: Some("good"),
        status: 401,
        code: "recent_authentication",
        title: "A more recent authentication is required",
        line: Some(
            r#"Bearer realm="api", error="insufficient_user_authentication", error_description="A more recent authentication is required", max_age="300""#,
        ),
        grpc: Code::Unauthenticated,
    },
];

/// Authentication outside, the requirement inside.
fn layers(requirement: Requirement) -> Stack<RequireLayer, AuthLayer> {
    let require = RequireLayer::new(requirement).build().unwrap();
    Stack::new(require, builder().optional().build().unwrap())
}

fn request(test: Option<&'static str>) -> Request<Full<bytes::Bytes>> {
    let mut request = get(&[("host", "app.example")]);
    if let Some(test) = test {
        let value = HeaderValue::from_static(test);
        request.headers_mut().insert("x-test", value);
    }
    request
}

#[tokio::test]
async fn both_versions_of_http_refuse_by_the_table() {
    for row in TABLE {
        let router = Router::new().route("/orders", any(async || "orders"));
        let server = Server::axum(router.layer(layers((row.requirement)()))).await;
        let first = server.http1(request(row.test)).await;
        let second = server.http2(request(row.test)).await.expect("no reset");
        for answer in [first, second] {
            assert_eq!(answer.status(), row.status, "{}", row.code);
            let lines: Vec<_> = answer.headers().get_all(WWW_AUTHENTICATE).iter().collect();
            assert_eq!(lines, row.line.as_slice(), "{}", row.code);
            let body = format!(
                r#"{{"title":"{}","status":{},"code":"{}"}}"#,
                row.title, row.status, row.code
            );
            assert_eq!(answer.body(), &body);
        }
    }
    let router = Router::new().route("/orders", any(async || "orders"));
    let server = Server::axum(router.layer(layers(scope("orders:read")))).await;
    assert_eq!(server.http1(request(Some("good"))).await.status(), 200);
    let second = server.http2(request(Some("good"))).await.expect("no reset");
    assert_eq!(second.body(), "orders");
}

fn call(test: Option<&'static str>) -> tonic::Request<HealthCheckRequest> {
    let mut call = tonic::Request::new(HealthCheckRequest::default());
    if let Some(test) = test {
        let value = tonic::metadata::MetadataValue::from_static(test);
        call.metadata_mut().insert("x-test", value);
    }
    call
}

/// Unary calls, streams of the server, and gRPC-web over HTTP/1.
#[tokio::test]
async fn tonic_refuses_by_the_table() {
    let serve = async |requirement| {
        let (_, health) = tonic_health::server::health_reporter();
        let routes = tonic::service::Routes::new(health);
        let server = Server::tonic(layers(requirement), routes).await;
        let endpoint = format!("http://{}", server.addr)
            .parse::<Endpoint>()
            .unwrap();
        let client = HealthClient::new(endpoint.connect().await.unwrap());
        (server, client)
    };
    for row in TABLE {
        let (server, mut client) = serve((row.requirement)()).await;
        let unary = client.check(call(row.test)).await.unwrap_err();
        let stream = client.watch(call(row.test)).await.unwrap_err();
        for status in [unary, stream] {
            assert_eq!(status.code(), row.grpc, "{}", row.code);
            assert_eq!(status.message(), row.title);
            let lines = status.metadata().get_all("www-authenticate");
            let lines: Vec<_> = lines.iter().map(|line| line.to_str().unwrap()).collect();
            assert_eq!(lines, row.line.as_slice(), "{}", row.code);
        }
        let mut web = request(row.test);
        *web.method_mut() = Method::POST;
        *web.uri_mut() = Uri::from_static("/grpc.health.v1.Health/Check");
        let content_type = HeaderValue::from_static("application/grpc-web+proto");
        web.headers_mut().insert(CONTENT_TYPE, content_type);
        let answer = server.http1(web).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()[CONTENT_TYPE], "application/grpc-web+proto");
        let code = (row.grpc as i32).to_string();
        assert_eq!(answer.headers()["grpc-status"], code, "{}", row.code);
    }
    let (_server, mut client) = serve(scope("orders:read")).await;
    let answer = client.check(call(Some("good"))).await.unwrap();
    assert_eq!(answer.get_ref().status, 1);
}
