//! Under axum's nested routers, which take the prefix off the path.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use tower_security::https::HttpsBuilder;

use super::*;

fn app(layer: HttpsBuilder) -> Router {
    let inner = Router::new()
        .route("/orders", get(async || "orders"))
        .route("/healthz", get(async || "well"))
        .route("/.well-known/acme-challenge/{token}", get(async || "token"))
        .layer(built(layer));
    Router::new().nest("/api", inner)
}

async fn ask(router: Router, path: &str) -> String {
    let request = request("GET", path, &[("host", "app.example")]).map(|_| Body::empty());
    let answer = go(router, request).await;
    let location = answer.headers().get(LOCATION);
    let location = location.map_or("", |location| location.to_str().unwrap());
    format!("{} {location}", answer.status().as_u16())
}

#[tokio::test]
async fn a_redirect_inside_keeps_the_prefix() {
    let router = app(own(SchemeSource::Tls));
    let told = ask(router, "/api/orders?page=2").await;
    assert_eq!(told, "308 https://app.example/api/orders?page=2");
}

#[tokio::test]
async fn exemptions_inside_are_those_of_the_whole_path() {
    let layer = || own(SchemeSource::Tls).exempt_acme();
    let challenge = "/api/.well-known/acme-challenge/t";
    let told = ask(app(layer()), challenge).await;
    assert_eq!(told, format!("308 https://app.example{challenge}"));

    let without_prefix = app(layer().exempt_path("/healthz"));
    let told = ask(without_prefix, "/api/healthz").await;
    assert_eq!(told, "308 https://app.example/api/healthz");
    let with_prefix = app(layer().exempt_path("/api/healthz"));
    assert_eq!(ask(with_prefix, "/api/healthz").await, "200 ");
}

#[tokio::test]
async fn outside_of_the_router_nothing_changes() {
    let router = Router::new()
        .route("/orders", get(async || "orders"))
        .layer(built(own(SchemeSource::Tls)));
    assert_eq!(
        ask(router, "/orders").await,
        "308 https://app.example/orders"
    );
}
