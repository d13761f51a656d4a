//! An axum API that one web application may call, no other page may forge requests to, and nobody may flood.
//!
//! ```sh
//! cargo run --example quickstart --features axum
//! ```
//!
//! Then, in another terminal:
//!
//! ```sh
//! # An allowed preflight: 204, with access-control-allow-origin and access-control-allow-methods: DELETE
//! curl -i -X OPTIONS http://127.0.0.1:3000/orders -H 'Origin: https://app.example.com' -H 'Access-Control-Request-Method: DELETE'
//!
//! # A refused preflight: 403, without a word about the policy
//! curl -i -X OPTIONS http://127.0.0.1:3000/orders -H 'Origin: https://evil.example' -H 'Access-Control-Request-Method: DELETE'
//!
//! # A cross-site POST: 403, with code csrf_refused, and the handler is not called
//! curl -i -X POST http://127.0.0.1:3000/orders -H 'Origin: https://evil.example' -H 'Sec-Fetch-Site: cross-site'
//!
//! # A POST of the allowed application: 201, with access-control-allow-origin
//! curl -i -X POST http://127.0.0.1:3000/orders -H 'Origin: https://app.example.com' -H 'Sec-Fetch-Site: cross-site'
//!
//! # A POST of no browser at all: 201, with content-security-policy, cache-control: no-store, max-age=0 and x-content-type-options: nosniff
//! curl -i -X POST http://127.0.0.1:3000/orders
//!
//! # A plain OPTIONS, which is no preflight: 200, with allow: GET, POST, DELETE from the handler
//! curl -i -X OPTIONS http://127.0.0.1:3000/orders
//!
//! # What is not there: 404, as problem+json
//! curl -i http://127.0.0.1:3000/nothing
//!
//! # A flood of one client: 429 at its end, with code rate_limited and retry-after: 1
//! curl -i 'http://127.0.0.1:3000/orders?[1-90]'
//! ```

use std::error::Error;
use std::net::SocketAddr;

use axum::Router;
use axum::http::{Method, StatusCode, header};
use axum::routing::get;
use tower_security::core::TrustedProxies;
use tower_security::rate_limit::Quota;
use tower_security::{CorsLayer, CsrfLayer, RateLimitLayer, SecurityStack};

pub fn app() -> Result<Router, Box<dyn Error>> {
    let cors = CorsLayer::builder()
        .origins(["https://app.example.com"])
        .credentials(true)
        .methods([Method::DELETE])
        .build()?;
    let stack = SecurityStack::api()
        .client_ip(TrustedProxies::direct())
        .rate_limit(RateLimitLayer::api(Quota::per_minute(60))?)
        .cors(cors)
        .csrf(CsrfLayer::new())
        .trust_cors_origins()?;

    let orders = get(async || "[]")
        .post(async || StatusCode::CREATED)
        .delete(async || StatusCode::NO_CONTENT)
        .options(async || [(header::ALLOW, "GET, POST, DELETE")]);
    Ok(Router::new().route("/orders", orders).layer(stack))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}", listener.local_addr()?);
    let service = app()?.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).await?;
    Ok(())
}
