//! The stack of `examples/tonic_grpc.rs` on plain hyper, HTTP/1 and HTTP/2 on one port.
//!
//! ```sh
//! cargo run --example hyper_service --features limits,opaque-tokens,sanitize
//! ```
//!
//! It prints a key of alice's. In another terminal, with that line pasted:
//!
//! ```sh
//! # Her order, over HTTP/1: 200, hello alice at 127.0.0.1
//! curl -i --http1.1 http://127.0.0.1:3001/orders/7 -H "x-api-key: $KEY"
//!
//! # And over HTTP/2: 200, hello alice at 127.0.0.1
//! curl -i --http2-prior-knowledge http://127.0.0.1:3001/orders/7 -H "x-api-key: $KEY"
//!
//! # The order of somebody else: 404, with code not_found
//! curl -i --http1.1 http://127.0.0.1:3001/orders/8 -H "x-api-key: $KEY"
//!
//! # One that is not there, which looks the same: 404, with code not_found
//! curl -i --http2-prior-knowledge http://127.0.0.1:3001/orders/9 -H "x-api-key: $KEY"
//!
//! # Nobody, over HTTP/1: 401, with code authentication_required
//! curl -i --http1.1 http://127.0.0.1:3001/orders/7
//!
//! # A refused HEAD over HTTP/2: 401, the head alone
//! curl -i --http2-prior-knowledge -I http://127.0.0.1:3001/orders/7
//!
//! # What the table of access has no row for: 403, with code forbidden
//! curl -i -X DELETE http://127.0.0.1:3001/orders/7 -H "x-api-key: $KEY"
//!
//! # One request too many: 429, with code rate_limited and retry-after
//! curl -i --http1.1 'http://127.0.0.1:3001/orders/7?[1-60]' -H "x-api-key: $KEY"
//! ```

use std::convert::Infallible;
use std::error::Error;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tower::{Layer, Service, service_fn};
use tower_security::auth::api_key::{ApiKeyAuth, MemoryApiKeyStore};
use tower_security::authorize::scope;
use tower_security::core::{ClientIp, Principal, RefusalContext, TrustedProxies, WithPeerAddr};
use tower_security::limits::LimitedBody;
use tower_security::ownership::{AccessRequest, Action, Authz, Decision};
use tower_security::rate_limit::Quota;
use tower_security::sanitize::GuardedBody;
use tower_security::{
    AccessTable, AuthLayer, LimitsLayer, RateLimitLayer, RequireAuthorization, SanitizeLayer,
    SecurityStack,
};

/// What `limits` and `sanitize` make of the body of a request.
type Guarded = GuardedBody<LimitedBody<Incoming>>;

/// Whose an order is. In earnest a query of the database.
fn owner(request: &AccessRequest) -> Decision {
    match (request.id(), request.principal().subject()) {
        ("7", "alice") | ("8", "bob") => Decision::Allow,
        ("7" | "8", _) => Decision::Deny,
        _ => Decision::NotFound,
    }
}

/// The handler behind the stack; each connection gets a clone.
pub fn service(
    keys: ApiKeyAuth,
) -> Result<
    impl Service<
        Request<Incoming>,
        Response = Response<impl Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static>,
        Error = Infallible,
        Future: Send,
    > + Clone
    + Send
    + 'static,
    Box<dyn Error>,
> {
    let access = AccessTable::builder()
        .get("/orders/{id}", scope("orders:read"))
        .build()?;
    let stack = SecurityStack::api()
        .client_ip(TrustedProxies::direct())
        .rate_limit(RateLimitLayer::api(Quota::per_hour(60))?)
        .limits(LimitsLayer::new())
        .auth(AuthLayer::builder().api_key(keys).build()?)
        .require_authorization(RequireAuthorization::new())
        .access(access)
        .sanitize(SanitizeLayer::strict());
    Ok(stack.layer(service_fn(order)))
}

type BoxError = Box<dyn Error + Send + Sync>;

async fn order(request: Request<Guarded>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (mut head, _) = request.into_parts();
    let context = RefusalContext::new(&head);
    let id = head.uri.path().rsplit('/').next().unwrap_or_default();
    let id = id.to_owned();
    let authz = Authz::of_head(&mut head);
    if let Err(refusal) = authz.check(&owner, Action::Read, id.as_str()).await {
        return Ok(context.refuse(refusal));
    }
    let who = authz.principal().map_or("nobody", Principal::subject);
    let client = ClientIp::from_extensions(&head.extensions);
    let client = client.map_or_else(|| "nowhere".to_owned(), |client| client.ip().to_string());
    Ok(Response::new(Full::from(format!(
        "hello {who} at {client}\n"
    ))))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let keys = ApiKeyAuth::builder(MemoryApiKeyStore::new(), "shop").build()?;
    let alice = Principal::builder("alice").scopes(["orders:read"]).build();
    let issued = keys.issue(&alice, None).await?;
    println!("KEY={}", issued.key().expose());
    let service = service(keys)?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3001").await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        let service = WithPeerAddr::new(service.clone(), peer.into());
        tokio::spawn(async move {
            let server = auto::Builder::new(TokioExecutor::new());
            let connection =
                server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
            if let Err(error) = connection.await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}
