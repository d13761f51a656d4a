//! Everything that an API in the open needs, as one layer on axum.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::routing::get;
use http::header::{ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, ORIGIN};
use http::{Method, StatusCode};
use tower_security::core::NoopSink;
use tower_security::rate_limit::{Policy, Quota, key};
use tower_security::{AuthLayer, LimitsLayer, RateLimitLayer};

use super::auth::hmac;
use super::*;

const APP: &str = "https://app.example.com";

fn request(method: Method, token: &str) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = http::Uri::from_static("/orders/7");
    let peer = SocketAddr::from(([203, 0, 113, 9], 4711));
    request.extensions_mut().insert(ConnectInfo(peer));
    let headers = request.headers_mut();
    headers.reserve(12);
    headers.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
    headers.insert(ORIGIN, HeaderValue::from_static(APP));
    if method == Method::OPTIONS {
        let put = HeaderValue::from_static("PUT");
        headers.insert(ACCESS_CONTROL_REQUEST_METHOD, put);
    } else {
        let token = HeaderValue::try_from(format!("Bearer {token}")).expect("it is ASCII");
        headers.insert(AUTHORIZATION, token);
    }
    *request.method_mut() = method;
    request
}

/// Returns the status, and what it makes beyond the same router with a layer that does nothing.
fn above(quota: Quota, method: &Method) -> (StatusCode, usize) {
    let (verifier, token) = hmac();
    let made = |router: Router| {
        let mut router = router.with_state(());
        go(&mut router, request(method.clone(), &token));
        let ask = request(method.clone(), &token);
        let (answer, made) = counted(|| go(&mut router, ask));
        (answer.status(), made)
    };
    let router = || Router::new().route("/orders/{id}", get(async || "{}").post(async || "{}"));
    let cors = CorsLayer::builder().origins([APP]).methods([Method::PUT]);
    let limit = Policy::new("ip", quota).key(key::client_ip());
    let limit = RateLimitLayer::builder().policy(limit).build();
    let auth = AuthLayer::builder().bearer(verifier).build();
    let stack = SecurityStack::api()
        .client_ip(TrustedProxies::direct())
        .events(NoopSink::new())
        .cors(cors.build().expect("a legal origin"))
        .rate_limit(limit.expect("a legal quota"))
        .limits(LimitsLayer::new())
        .csrf(CsrfLayer::new())
        .auth(auth.expect("it is well configured"));
    let (_, bare) = made(router().layer(tower::layer::util::Identity::new()));
    let (status, whole) = made(router().layer(stack));
    (status, whole - bare)
}

/// The context, the token and its principal, and axum's box of the mask's body.
#[test]
fn an_authenticated_request_makes_few() {
    let plenty = Quota::per_second(1_000_000);
    for method in [Method::GET, Method::POST] {
        let (status, made) = above(plenty, &method);
        assert_eq!((status, made), (StatusCode::OK, 11), "{method}");
    }
}

#[test]
fn what_the_stack_answers_makes_less() {
    let plenty = Quota::per_second(1_000_000);
    assert_eq!(above(plenty, &Method::OPTIONS), (StatusCode::NO_CONTENT, 1));
    assert_eq!(
        above(Quota::per_day(1), &Method::GET),
        (StatusCode::TOO_MANY_REQUESTS, 8)
    );
}
