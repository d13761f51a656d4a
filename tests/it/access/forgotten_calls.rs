//! Calls: the table by the path of a method, checks within handlers, and those that are forgotten. A real client of tonic.

use std::pin::Pin;

use axum::routing::get;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use tonic::codegen::tokio_stream::{self, Stream};
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tower::ServiceBuilder;
use tower_security::SecurityStack;
use tower_security::authorize::RequireAuthorization;
use tower_security::ownership::{Action, Authz};

use super::*;
use crate::ownership::{Login as StackLogin, Orders};
use crate::support::wire::Server;

const CHECK: &str = "/grpc.health.v1.Health/Check";
/// A call whose handler forgets, as it stands on the wire.
const FORGOTTEN: &[u8] = b"\0\0\0\0\x0b\x0a\x09forgotten";
const WATCH: &str = "/grpc.health.v1.Health/Watch";

/// Does what the name of the service in the message says.
#[derive(Clone)]
struct Shop(Orders);

impl Shop {
    async fn decide(&self, request: &tonic::Request<HealthCheckRequest>) -> Result<(), Status> {
        let authz = Authz::of(request.extensions());
        match &*request.get_ref().service {
            "forgotten" | "late" => {}
            "public" => authz.exempt(),
            "scoped" => authz.scoped(),
            "ignored" => drop(authz.check(&self.0, Action::Update, "2").await),
            "failed" => return Err(Status::internal("the password of the data base")),
            id => authz.check(&self.0, Action::Read, id).await?,
        }
        Ok(())
    }
}

fn served() -> HealthCheckResponse {
    HealthCheckResponse { status: 1 }
}

#[tonic::async_trait]
impl Health for Shop {
    async fn check(
        &self,
        request: tonic::Request<HealthCheckRequest>,
    ) -> Result<tonic::Response<HealthCheckResponse>, Status> {
        self.decide(&request).await?;
        let mut response = tonic::Response::new(served());
        let secret = "secret".parse().unwrap();
        response.metadata_mut().insert("x-secret", secret);
        Ok(response)
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn watch(
        &self,
        request: tonic::Request<HealthCheckRequest>,
    ) -> Result<tonic::Response<Self::WatchStream>, Status> {
        self.decide(&request).await?;
        let messages = [Ok(served()), Ok(served())];
        Ok(tonic::Response::new(Box::pin(tokio_stream::iter(messages))))
    }
}

async fn client(server: &Server) -> HealthClient<Channel> {
    let endpoint: Endpoint = format!("http://{}", server.addr).parse().unwrap();
    HealthClient::new(endpoint.connect().await.unwrap())
}

fn call(who: &str, service: &str) -> tonic::Request<HealthCheckRequest> {
    let mut call = tonic::Request::new(HealthCheckRequest {
        service: service.to_owned(),
    });
    if who != "-" {
        call.metadata_mut().insert("x-test", who.parse().unwrap());
    }
    call
}

fn shop() -> Routes {
    Routes::new(HealthServer::new(Shop(Orders::new())))
}

/// G8 to G10, unary and streaming.
#[tokio::test]
async fn calls_are_decided_by_their_handler_or_not_answered() {
    const UNAUTHORIZED: (Code, &str) = (Code::Internal, "This request was not authorized");
    let told = Told::default();
    let tripwire = RequireAuthorization::new().events(told.clone());
    let layer = ServiceBuilder::new()
        .layer(StackLogin)
        .layer(tripwire)
        .into_inner();
    let server = Server::tonic(layer, shop()).await;
    let mut client = client(&server).await;
    for (who, service, expected, code) in [
        ("alice", "1", None, None),
        ("alice", "public", None, None),
        ("-", "public", None, None),
        ("alice", "scoped", None, None),
        (
            "alice",
            "forgotten",
            Some(UNAUTHORIZED),
            Some("authorization_missing"),
        ),
        (
            "-",
            "forgotten",
            Some(UNAUTHORIZED),
            Some("authorization_missing"),
        ),
        (
            "alice",
            "ignored",
            Some(UNAUTHORIZED),
            Some("denial_ignored"),
        ),
        // Denied and absent are one answer.
        ("alice", "2", Some((Code::NotFound, "Not found")), None),
        ("alice", "9", Some((Code::NotFound, "Not found")), None),
        (
            "-",
            "1",
            Some((Code::Unauthenticated, "Authentication is required")),
            None,
        ),
        (
            "alice",
            "failed",
            Some((Code::Internal, "internal error")),
            None,
        ),
    ] {
        let row = format!("{who} {service}");
        let answer = client.check(call(who, service)).await;
        let status = answer
            .as_ref()
            .err()
            .map(|status| (status.code(), status.message()));
        assert_eq!(status, expected, "{row}");
        if let Err(status) = &answer {
            assert!(status.metadata().get("x-secret").is_none(), "{row}");
            let login = status.metadata().get("www-authenticate");
            assert_eq!(
                login.is_some(),
                status.code() == Code::Unauthenticated,
                "{row}"
            );
        }
        assert_eq!(told.codes(), code.as_slice(), "{row}");

        // G9: not one message.
        let answer = client.watch(call(who, service)).await;
        let status = answer
            .as_ref()
            .err()
            .map(|status| (status.code(), status.message()));
        assert_eq!(status, expected, "{row}");
        if let Ok(answer) = answer {
            let mut stream = answer.into_inner();
            let mut messages = 0;
            while stream.message().await.unwrap().is_some() {
                messages += 1;
            }
            assert_eq!(messages, 2, "{row}");
        }
        assert_eq!(told.codes(), code.as_slice(), "{row}");
    }
}

/// G6: a method that no rule is for.
#[tokio::test]
async fn a_table_decides_by_the_path_of_the_method() {
    let told = Told::default();
    let table = AccessTable::builder()
        .rpc(CHECK, authenticated().decides())
        .rpc("/shop.Admin/*", role("admin"))
        .events(told.clone())
        .build()
        .unwrap();
    let stack = SecurityStack::new()
        .auth(StackLogin)
        .access(table)
        .require_authorization(RequireAuthorization::new().events(told.clone()));
    let server = Server::tonic(stack, shop()).await;
    let mut client = client(&server).await;
    for (who, expected, code) in [
        ("alice", None, None),
        (
            "-",
            Some(Code::Unauthenticated),
            Some("authentication_required"),
        ),
    ] {
        let status = client.check(call(who, "forgotten")).await;
        assert_eq!(status.err().map(|it| it.code()), expected, "{who}");
        assert_eq!(told.codes(), code.as_slice(), "{who}");
    }
    for (who, expected) in [
        ("alice", Code::PermissionDenied),
        ("-", Code::Unauthenticated),
    ] {
        let status = client.watch(call(who, "1")).await.unwrap_err();
        assert_eq!(status.code(), expected, "{who}");
        assert_eq!(told.codes(), ["no_rule"], "{who}");
    }
    // G7.
    for path in [
        "/grpc.health.v1.Health/check",
        "//grpc.health.v1.Health/Check",
        "/grpc.health.v1.Health/Check/",
        "/grpc.health.v1.Health/%43heck",
        "/grpc.health.v1.Health/Check/../Watch",
        WATCH,
    ] {
        let answer = server.http2(plain("alice", path)).await.expect("no reset");
        let status = answer.headers()["grpc-status"].to_str().unwrap();
        assert!(matches!(status, "5" | "7"), "{path}: {status}");
        assert!(answer.body().is_empty(), "{path}");
    }
}

fn plain(who: &str, path: &str) -> Request<Full<Bytes>> {
    let mut asked = crate::ownership::request(who, "POST", path);
    let content_type = HeaderValue::from_static("application/grpc");
    asked.headers_mut().insert(CONTENT_TYPE, content_type);
    asked
}

/// G12.
#[tokio::test]
async fn refusals_keep_the_content_type_of_the_call() {
    let table = AccessTable::builder()
        .rpc(CHECK, authenticated())
        .events(Told::default());
    let stack = SecurityStack::new()
        .auth(StackLogin)
        .access(table.build().unwrap())
        .require_authorization(RequireAuthorization::new().events(Told::default()));
    let server = Server::tonic(stack, shop()).await;
    for (who, path, status) in [
        ("alice", CHECK, "13"),
        ("-", CHECK, "16"),
        ("alice", WATCH, "7"),
    ] {
        for kind in [
            "application/grpc",
            "application/grpc-web+proto",
            "application/grpc-web-text",
        ] {
            let mut asked = plain(who, path);
            asked
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            *asked.body_mut() = Full::from(FORGOTTEN);
            let answer = server.http1(asked).await;
            assert_eq!(answer.status(), 200, "{who} {path} {kind}");
            assert_eq!(answer.headers()[CONTENT_TYPE], kind, "{who} {path}");
            assert_eq!(
                answer.headers()["grpc-status"],
                status,
                "{who} {path} {kind}"
            );
        }
    }
    // tonic answers calls that do not say they are some: they are refused as what they say they are.
    let mut asked = plain("alice", CHECK);
    asked
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *asked.body_mut() = Full::from(FORGOTTEN);
    let answer = server.http2(asked).await.expect("no reset");
    assert_eq!(answer.headers()[CONTENT_TYPE], "application/problem+json");
    assert_eq!((answer.status().as_u16(), text(&answer)), (500, UNDECIDED));
}

/// G13.
#[tokio::test]
async fn calls_and_requests_on_one_port_are_refused_each_in_its_form() {
    let table = AccessTable::builder()
        .rpc(CHECK, role("admin"))
        .get("/orders", role("admin"))
        .get("/forgotten", authenticated())
        .events(Told::default());
    let stack = SecurityStack::new()
        .auth(StackLogin)
        .access(table.build().unwrap())
        .require_authorization(RequireAuthorization::new().events(Told::default()));
    let router = shop()
        .into_axum_router()
        .route("/orders", get(async || "orders"))
        .route("/forgotten", get(async || "secret"))
        .layer(stack);
    let server = Server::axum(router).await;
    let mut client = client(&server).await;
    for (who, call_status, status, forgotten) in [
        ("root", None, 200, 500),
        ("alice", Some(Code::PermissionDenied), 403, 500),
        ("-", Some(Code::Unauthenticated), 401, 401),
    ] {
        let answer = client.check(call(who, "1")).await;
        assert_eq!(answer.err().map(|it| it.code()), call_status, "{who}");
        for (target, status) in [("/orders", status), ("/forgotten", forgotten)] {
            let request = crate::ownership::request(who, "GET", target);
            let answer = server.http1(request).await;
            assert_eq!(answer.status(), status, "{who} {target}");
            if status != 200 {
                assert_eq!(answer.headers()[CONTENT_TYPE], "application/problem+json");
            }
        }
        // A request that calls itself a call gets no other rule.
        let answer = server.http2(plain_get(who)).await.expect("no reset");
        assert_eq!(answer.status(), status, "{who}");
    }
}

fn plain_get(who: &str) -> Request<Full<Bytes>> {
    let mut asked = crate::ownership::request(who, "GET", "/orders");
    let content_type = HeaderValue::from_static("application/grpc");
    asked.headers_mut().insert(CONTENT_TYPE, content_type);
    asked
}
