//! gRPC: ids in the metadata, before tonic; and beside plain HTTP on one port.

use axum::Router;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use tonic::Code;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::ServiceBuilder;
use tower_security::ownership::MetadataId;

use super::*;
use crate::support::wire::Server;

const CHECK: &str = "/grpc.health.v1.Health/Check";
const WATCH: &str = "/grpc.health.v1.Health/Watch";

fn guard(orders: &Orders) -> OwnershipGuardBuilder {
    OwnershipGuard::builder()
        .rpc(
            CHECK,
            Action::Read,
            MetadataId::new("x-order-id"),
            orders.clone(),
        )
        .shape(IdShape::U64)
        .rpc(
            WATCH,
            Action::Read,
            MetadataId::new("x-order-id"),
            orders.clone(),
        )
        .reveal()
}

async fn serve(guard: OwnershipGuardBuilder) -> (Server, HealthClient<Channel>) {
    let (_, health) = tonic_health::server::health_reporter();
    let routes = tonic::service::Routes::new(health);
    let layer = ServiceBuilder::new()
        .layer(Login)
        .layer(guard.build().unwrap())
        .into_inner();
    let server = Server::tonic(layer, routes).await;
    let endpoint: Endpoint = format!("http://{}", server.addr).parse().unwrap();
    let client = HealthClient::new(endpoint.connect().await.unwrap());
    (server, client)
}

fn call(who: &str, ids: &[&'static str]) -> tonic::Request<HealthCheckRequest> {
    let mut call = tonic::Request::new(HealthCheckRequest::default());
    let metadata = call.metadata_mut();
    if who != "-" {
        metadata.insert("x-test", who.parse().unwrap());
    }
    for id in ids {
        metadata.append("x-order-id", id.parse().unwrap());
    }
    call
}

/// G1 to G5.
#[tokio::test]
async fn calls_are_decided_by_their_metadata() {
    let (orders, told) = (Orders::new(), Told::default());
    let (_server, mut client) = serve(guard(&orders).events(told.clone())).await;
    for (who, ids, expected, code) in [
        ("alice", &["1"][..], None, None),
        ("root", &["1"], None, Some("admin_override")),
        (
            "alice",
            &["2"],
            Some((Code::NotFound, "Not found")),
            Some("object_denied"),
        ),
        (
            "alice",
            &["9"],
            Some((Code::NotFound, "Not found")),
            Some("object_absent"),
        ),
        (
            "alice",
            &["01"],
            Some((Code::NotFound, "Not found")),
            Some("reference_malformed"),
        ),
        (
            "alice",
            &["1", "2"],
            Some((Code::NotFound, "Not found")),
            Some("reference_ambiguous"),
        ),
        (
            "alice",
            &["1,2"],
            Some((Code::NotFound, "Not found")),
            Some("reference_ambiguous"),
        ),
        (
            "alice",
            &[],
            Some((Code::NotFound, "Not found")),
            Some("reference_missing"),
        ),
        (
            "-",
            &["1"],
            Some((Code::Unauthenticated, "Authentication is required")),
            Some("authentication_required"),
        ),
    ] {
        let answer = client.check(call(who, ids)).await;
        let status = answer
            .as_ref()
            .err()
            .map(|status| (status.code(), status.message()));
        assert_eq!(status, expected, "{who} {ids:?}");
        assert_eq!(told.codes(), code.as_slice(), "{who} {ids:?}");
    }
    let revealed = client.watch(call("alice", &["2"])).await.unwrap_err();
    assert_eq!(revealed.code(), Code::PermissionDenied);
    let mut own = client
        .watch(call("alice", &["1"]))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(own.message().await.unwrap().unwrap().status, 1);
}

/// G11.
#[tokio::test]
async fn an_outage_is_unavailable() {
    let policy = |_: &AccessRequest| Decision::Unavailable;
    let guard =
        OwnershipGuard::builder().rpc(CHECK, Action::Read, MetadataId::new("x-order-id"), policy);
    let (_server, mut client) = serve(guard).await;
    let status = client.check(call("alice", &["1"])).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
}

fn plain(who: &str, path: &'static str, id: &'static str) -> Request<Full<Bytes>> {
    let mut asked = request(who, "POST", path);
    asked
        .headers_mut()
        .insert("x-order-id", HeaderValue::from_static(id));
    asked
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    asked
}

/// G7: a path that is not exactly the method's reaches nothing, and neither does a call that does not say it is one.
#[tokio::test]
async fn other_spellings_of_a_method_get_nowhere() {
    let orders = Orders::new();
    let (server, _client) = serve(guard(&orders).deny_unmatched()).await;
    for path in [
        "/grpc.health.v1.Health/check",
        "//grpc.health.v1.Health/Check",
        "/grpc.health.v1.Health/Check/",
        "/grpc.health.v1.Health/%43heck",
        "/grpc.health.v1.Health/List",
    ] {
        let answer = server
            .http2(plain("alice", path, "1"))
            .await
            .expect("no reset");
        assert_eq!(answer.headers()["grpc-status"], "5", "{path}");
    }
    // tonic does not look at the content type.
    for content_type in ["application/json", "text/plain"] {
        let mut asked = plain("alice", CHECK, "2");
        asked
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        let answer = server.http2(asked).await.expect("no reset");
        assert_eq!(
            (answer.status().as_u16(), &**answer.body()),
            (404, NOT_FOUND.as_bytes())
        );
    }
    assert_eq!(orders.asked(), 2);
}

/// G2 and G12: headers only, in the content type of the request.
#[tokio::test]
async fn a_refusal_is_headers_only_and_keeps_the_content_type() {
    let orders = Orders::new();
    let (server, _client) = serve(guard(&orders)).await;
    for content_type in ["application/grpc", "application/grpc-web+proto"] {
        let mut asked = plain("alice", CHECK, "2");
        asked
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        let answer = server.http2(asked).await.expect("no reset");
        assert_eq!((answer.status().as_u16(), answer.body().len()), (200, 0));
        assert_eq!(answer.headers()["grpc-status"], "5");
        assert_eq!(answer.headers()[CONTENT_TYPE], content_type);
    }
}

/// G13: each in its own form.
#[tokio::test]
async fn calls_and_plain_requests_share_a_port() {
    let orders = Orders::new();
    let (_, health) = tonic_health::server::health_reporter();
    let guard = guard(&orders)
        .resource("/orders/{id}", orders.clone())
        .build()
        .unwrap();
    let router: Router = tonic::service::Routes::new(health)
        .into_axum_router()
        .route("/orders/{id}", get(async || "an order"))
        .layer(ServiceBuilder::new().layer(Login).layer(guard));
    let server = Server::axum(router).await;
    let rest = server
        .http2(request("alice", "GET", "/orders/2"))
        .await
        .expect("no reset");
    assert_eq!(
        (rest.status().as_u16(), &**rest.body()),
        (404, NOT_FOUND.as_bytes())
    );
    let own = server
        .http2(request("alice", "GET", "/orders/1"))
        .await
        .expect("no reset");
    assert_eq!(own.body(), "an order");
    let call = server
        .http2(plain("alice", CHECK, "2"))
        .await
        .expect("no reset");
    assert_eq!(call.headers()["grpc-status"], "5");
    let endpoint: Endpoint = format!("http://{}", server.addr).parse().unwrap();
    let mut client = HealthClient::new(endpoint.connect().await.unwrap());
    client.check(self::call("alice", &["1"])).await.unwrap();
    // A GET that calls itself gRPC is none, and is refused in plain words.
    let mut odd = plain("alice", "/orders/2", "2");
    *odd.method_mut() = Method::GET;
    let odd = server.http2(odd).await.expect("no reset");
    assert_eq!(odd.status(), 404);
}
