//! The stack of `examples/hyper_service.rs` on tonic, and a client that shows what is refused.
//!
//! ```sh
//! cargo run --example tonic_grpc --features limits,opaque-tokens,sanitize,tonic
//! ```
//!
//! It starts a server on a free port of this machine, calls it over a socket with a client of tonic, prints what came back and ends. It
//! exits with an error if anything else came back than this:
//!
//! ```text
//! no key                          UNAUTHENTICATED     Authentication is required
//! a key that nobody has issued    UNAUTHENTICATED     The API key is invalid
//! Check of a reader               OK                  serving
//! Check of another's order        NOT_FOUND           Not found
//! Check, there is no such order   NOT_FOUND           Not found
//! Check, it was shipped already   FAILED_PRECONDITION shipped already
//! Check, the database is down     INTERNAL            internal error
//! Check, the handler panics       INTERNAL            internal error
//! Watch of a reader               PERMISSION_DENIED   This is not allowed
//! Watch of an operator            OK                  serving
//! one call too many               RESOURCE_EXHAUSTED  Too many requests
//! ```
//!
//! The service is that of gRPC's health checks, since client and server of it are generated already: the name of a service stands for
//! an order here. With a service of your own nothing changes but its name.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tonic::codegen::tokio_stream::{Once, once};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tower_security::auth::api_key::{ApiKeyAuth, MemoryApiKeyStore};
use tower_security::authorize::{role, scope};
use tower_security::core::{Principal, TrustedProxies};
use tower_security::ownership::{AccessRequest, Action, Authz, Decision};
use tower_security::rate_limit::Quota;
use tower_security::{
    AccessTable, AuthLayer, LimitsLayer, RateLimitLayer, RequireAuthorization, SanitizeLayer,
    SecurityStack,
};

/// Whose an order is. In earnest a query of the database.
fn owner(request: &AccessRequest) -> Decision {
    let owner = match request.id() {
        "6" | "7" | "bug" | "outage" => "alice",
        "8" => "bob",
        _ => return Decision::NotFound,
    };
    if request.principal().subject() == owner {
        Decision::Allow
    } else {
        Decision::Deny
    }
}

struct Orders;

#[tonic::async_trait]
impl Health for Orders {
    async fn check(
        &self,
        call: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let order = call.get_ref().service.as_str();
        let authz = Authz::of(call.extensions());
        authz.check(&owner, Action::Read, order).await?;
        match order {
            "6" => Err(Status::failed_precondition("shipped already")),
            "outage" => Err(Status::internal("orders.total: no route to 10.0.0.7:5432")),
            "bug" => panic!("index out of bounds"),
            _ => Ok(Response::new(HealthCheckResponse { status: 1 })),
        }
    }

    type WatchStream = Once<Result<HealthCheckResponse, Status>>;

    async fn watch(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        Ok(Response::new(once(Ok(HealthCheckResponse { status: 1 }))))
    }
}

/// Serves on a free port for as long as the process lives.
async fn serve(keys: ApiKeyAuth) -> Result<SocketAddr, Box<dyn Error>> {
    let access = AccessTable::builder()
        .rpc("/grpc.health.v1.Health/Check", scope("orders:read"))
        .rpc("/grpc.health.v1.Health/Watch", role("operator"))
        .build()?;
    let stack = SecurityStack::grpc()
        .client_ip(TrustedProxies::direct())
        .rate_limit(RateLimitLayer::api(Quota::per_hour(60))?)
        .limits(LimitsLayer::new())
        .auth(AuthLayer::builder().api_key(keys).build()?)
        .require_authorization(RequireAuthorization::new())
        .access(access)
        .sanitize(SanitizeLayer::grpc());

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = Server::builder()
        .layer(stack)
        .add_service(HealthServer::new(Orders));
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    Ok(address)
}

/// A call, and how it ended: the status, and its message or what was answered.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended {
    pub call: &'static str,
    pub code: Code,
    pub message: String,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `PermissionDenied` as gRPC writes it.
        let mut code = String::new();
        for letter in format!("{:?}", self.code).chars() {
            if letter.is_uppercase() && !code.is_empty() {
                code.push('_');
            }
            code.push(letter.to_ascii_uppercase());
        }
        write!(f, "{:<32}{code:<20}{}", self.call, self.message)
    }
}

/// What the header of this file promises.
const EXPECTED: [(&str, Code, &str); 11] = [
    (
        "no key",
        Code::Unauthenticated,
        "Authentication is required",
    ),
    (
        "a key that nobody has issued",
        Code::Unauthenticated,
        "The API key is invalid",
    ),
    ("Check of a reader", Code::Ok, "serving"),
    ("Check of another's order", Code::NotFound, "Not found"),
    ("Check, there is no such order", Code::NotFound, "Not found"),
    (
        "Check, it was shipped already",
        Code::FailedPrecondition,
        "shipped already",
    ),
    (
        "Check, the database is down",
        Code::Internal,
        "internal error",
    ),
    (
        "Check, the handler panics",
        Code::Internal,
        "internal error",
    ),
    (
        "Watch of a reader",
        Code::PermissionDenied,
        "This is not allowed",
    ),
    ("Watch of an operator", Code::Ok, "serving"),
    (
        "one call too many",
        Code::ResourceExhausted,
        "Too many requests",
    ),
];

struct Client(HealthClient<Channel>);

impl Client {
    fn request(
        key: Option<&str>,
        order: &str,
    ) -> Result<Request<HealthCheckRequest>, Box<dyn Error>> {
        let service = order.to_owned();
        let mut request = Request::new(HealthCheckRequest { service });
        if let Some(key) = key {
            request.metadata_mut().insert("x-api-key", key.parse()?);
        }
        Ok(request)
    }

    async fn check(
        &mut self,
        call: &'static str,
        key: Option<&str>,
        order: &str,
    ) -> Result<Ended, Box<dyn Error>> {
        let answer = self.0.check(Self::request(key, order)?).await;
        Ok(ended(call, answer.map(Response::into_inner)))
    }

    async fn watch(&mut self, call: &'static str, key: &str) -> Result<Ended, Box<dyn Error>> {
        let answer = match self.0.watch(Self::request(Some(key), "7")?).await {
            Ok(stream) => stream.into_inner().message().await,
            Err(status) => Err(status),
        };
        let answer = answer.and_then(|first| first.ok_or_else(|| Status::unknown("no message")));
        Ok(ended(call, answer))
    }
}

fn ended(call: &'static str, answer: Result<HealthCheckResponse, Status>) -> Ended {
    let (code, message) = match answer {
        Ok(answer) if answer.status == 1 => (Code::Ok, "serving".to_owned()),
        Ok(answer) => (Code::Ok, format!("status {}", answer.status)),
        Err(status) => (status.code(), status.message().to_owned()),
    };
    Ended {
        call,
        code,
        message,
    }
}

/// Serves, and makes the calls of the table in the header.
pub async fn calls() -> Result<Vec<Ended>, Box<dyn Error>> {
    let keys = ApiKeyAuth::builder(MemoryApiKeyStore::new(), "shop").build()?;
    let reader = Principal::builder("alice").scopes(["orders:read"]).build();
    let reader = keys.issue(&reader, None).await?;
    let reader = reader.key().expose().as_str();
    let operator = Principal::builder("olga").roles(["operator"]).build();
    let operator = keys.issue(&operator, None).await?;
    let forged = format!("shop_{}", "0".repeat(reader.len() - "shop_".len()));

    let server = serve(keys.clone()).await?;
    let endpoint: Endpoint = format!("http://{server}").parse()?;
    let mut client = Client(HealthClient::new(endpoint.connect().await?));
    let calls = EXPECTED.map(|(call, ..)| call);
    let mut ended = vec![
        client.check(calls[0], None, "7").await?,
        client.check(calls[1], Some(&forged), "7").await?,
    ];
    for (call, order) in calls[2..].iter().zip(["7", "8", "9", "6", "outage", "bug"]) {
        ended.push(client.check(call, Some(reader), order).await?);
    }
    ended.push(client.watch(calls[8], reader).await?);
    ended.push(client.watch(calls[9], operator.key().expose()).await?);
    for _ in 0..60 {
        client.check(calls[10], Some(reader), "7").await?;
    }
    ended.push(client.check(calls[10], Some(reader), "7").await?);
    Ok(ended)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let ended = calls().await?;
    for ended in &ended {
        println!("{ended}");
    }
    let is_expected = EXPECTED
        .iter()
        .zip(&ended)
        .all(|((_, code, message), ended)| ended.code == *code && ended.message == *message);
    if !is_expected || ended.len() != EXPECTED.len() {
        return Err("something else came back than expected".into());
    }
    Ok(())
}
