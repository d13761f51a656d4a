//! Allocations of a requirement: none for who meets it.

use std::time::{Duration, SystemTime};

use super::*;
use tower_security::authorize::{RequireLayer, any_scope, max_age, mfa, role};

fn request() -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    let alice = Principal::builder("alice")
        .scopes(["orders:read", "orders:write"])
        .roles(["support", "admin"])
        .amr(["pwd", "otp"])
        .auth_time(SystemTime::now())
        .build();
    alice.dangerous_attach(request.extensions_mut());
    request
}

#[test]
fn who_meets_a_requirement_costs_none() {
    let many = RequireLayer::new(any_scope(["orders:write"]))
        .and(role("owner").or(role("admin")))
        .and(mfa())
        .and(max_age(Duration::from_secs(300)))
        .build()
        .expect("a layer");
    let logged_in = RequireLayer::authenticated().build().expect("a layer");
    for layer in [logged_in, many] {
        let mut service = layer.layer(Bare);
        let request = request();
        let (response, count) = counted(|| go(&mut service, request));
        assert_eq!(response.status(), 200);
        assert_eq!(count, 0, "{layer:?}");
    }
}

#[test]
fn a_refusal_costs_few() {
    let layer = RequireLayer::role("owner").build().expect("a layer");
    let mut service = layer.layer(Bare);
    // The body is written once.
    go(&mut service, request());
    let request = request();
    let (response, count) = counted(|| go(&mut service, request));
    assert_eq!(response.status(), 403);
    // Two extensions, and the two tables of the headers; the map of the extensions was the request's.
    assert_eq!(count, 4);
}
