//! An axum API that one web application may call, nobody may flood, and where each user reaches what belongs to that user.
//!
//! ```sh
//! cargo run --example quickstart --features axum,limits,opaque-tokens,sanitize
//! ```
//!
//! It prints a key of alice's. In another terminal, with that line pasted:
//!
//! ```sh
//! # Alice's own order: 200, with access-control-allow-origin, cache-control: no-store, max-age=0 and x-content-type-options: nosniff
//! curl -i http://127.0.0.1:3000/orders/1 -H "x-api-key: $KEY" -H 'Origin: https://app.example.com'
//!
//! # The order of somebody else: 404, as problem+json with code not_found
//! curl -i http://127.0.0.1:3000/orders/2 -H "x-api-key: $KEY"
//!
//! # An order that is not there, which looks the same: 404, as problem+json with code not_found
//! curl -i http://127.0.0.1:3000/orders/3 -H "x-api-key: $KEY"
//!
//! # Nobody: 401, with code authentication_required
//! curl -i http://127.0.0.1:3000/orders/1
//!
//! # A page of another origin, which may not read the answer: 200
//! curl -i http://127.0.0.1:3000/orders/1 -H "x-api-key: $KEY" -H 'Origin: https://evil.example'
//!
//! # An allowed preflight: 204, with access-control-allow-origin
//! curl -i -X OPTIONS http://127.0.0.1:3000/orders/1 -H 'Origin: https://app.example.com' -H 'Access-Control-Request-Method: GET' -H 'Access-Control-Request-Headers: x-api-key'
//!
//! # A refused preflight: 403, without a word about the policy
//! curl -i -X OPTIONS http://127.0.0.1:3000/orders/1 -H 'Origin: https://evil.example' -H 'Access-Control-Request-Method: GET'
//!
//! # A path that climbs out for whoever decodes it: 400, with code path_dot_segment
//! curl -i --path-as-is http://127.0.0.1:3000/orders/%2e%2e -H "x-api-key: $KEY"
//!
//! # A flood of one client: 429 at its end, with code rate_limited and retry-after: 1
//! curl -i 'http://127.0.0.1:3000/orders/1?[1-90]' -H "x-api-key: $KEY"
//! ```

use std::error::Error;
use std::net::SocketAddr;

use axum::{Router, routing::get};
use tower_security::auth::api_key::{ApiKeyAuth, MemoryApiKeyStore};
use tower_security::core::{Principal, TrustedProxies};
use tower_security::ownership::{AccessRequest, Decision};
use tower_security::rate_limit::Quota;
use tower_security::{AuthLayer, CorsLayer, OwnershipGuard, RateLimitLayer, SecurityStack};
use tower_security::{LimitsLayer, SanitizeLayer};

/// A service asks its database here, with `async_policy`.
fn owner(order: &AccessRequest) -> Decision {
    match (order.id(), order.principal().subject()) {
        ("1", "alice") | ("2", "bob") => Decision::Allow,
        _ => Decision::Deny,
    }
}

pub fn app(keys: ApiKeyAuth) -> Result<Router, Box<dyn Error>> {
    let cors = CorsLayer::builder().origins(["https://app.example.com"]);
    let guard = OwnershipGuard::builder().resource("/orders/{id}", owner);
    let stack = SecurityStack::api()
        .client_ip(TrustedProxies::direct())
        .cors(cors.request_headers(["x-api-key"]).build()?)
        .rate_limit(RateLimitLayer::api(Quota::per_minute(60))?)
        .limits(LimitsLayer::new())
        .auth(AuthLayer::builder().api_key(keys).build()?)
        .sanitize(SanitizeLayer::strict())
        .ownership(guard.deny_unmatched().build()?);
    let order = get(async || "an order");
    Ok(Router::new().route("/orders/{id}", order).layer(stack))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let keys = ApiKeyAuth::builder(MemoryApiKeyStore::new(), "shop").build()?;
    let alice = Principal::builder("alice").build();
    let issued = keys.issue(&alice, None).await?;
    println!("KEY={}", issued.key().expose());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    let service = app(keys)?.into_make_service_with_connect_info::<SocketAddr>();
    Ok(axum::serve(listener, service).await?)
}
