//! Authentication in its slot.

use std::time::Duration;

use http::header::ACCESS_CONTROL_ALLOW_ORIGIN;
use http::{Request, StatusCode};
use tower::Layer;
use tower_security::core::{AbuseKind, ManualClock, PeerAddr};
use tower_security::cors::CorsLayer;
use tower_security::rate_limit::{BanLayer, Policy, Quota, RateLimitLayer, key};
use tower_security::stack::{PostureState, SecurityStack};

use super::ways::{Seen, builder, get};
use crate::support::service::go;

fn by_principal(limit: u32) -> RateLimitLayer {
    RateLimitLayer::builder()
        .policy(Policy::new("user", Quota::per_minute(limit)).key(key::principal()))
        .clock(ManualClock::new())
        .build()
        .unwrap()
}

#[test]
fn the_posture_says_how_and_misses_a_limit_by_principal() {
    let bare = SecurityStack::new().auth(builder().build().unwrap());
    let posture = bare.posture();
    let entry = &posture.entries()[0];
    assert_eq!(
        (entry.protection(), entry.state()),
        ("auth", PostureState::On)
    );
    let settings: Vec<_> = entry.settings().collect();
    assert_eq!(settings, [("by", "own"), ("anonymous", "refused")]);
    assert_eq!(posture.warnings(), ["auth: no rate limit by principal"]);

    let optional = builder().optional().build().unwrap();
    let limited = SecurityStack::new()
        .auth(optional)
        .rate_limit_by_principal(by_principal(10))
        .posture();
    let settings: Vec<_> = limited.entries()[0].settings().collect();
    assert_eq!(settings, [("by", "own"), ("anonymous", "pass")]);
    assert_eq!(limited.warnings(), [""; 0]);
    // Nobody is authenticated, so that nobody has to be limited by it.
    assert_eq!(SecurityStack::new().posture().warnings(), [""; 0]);
}

#[tokio::test]
async fn limits_inside_know_the_principal() {
    let seen = Seen::default();
    let service = SecurityStack::new()
        .auth(builder().build().unwrap())
        .rate_limit_by_principal(by_principal(2))
        .layer(seen.clone());
    let mut statuses = Vec::new();
    for test in ["good", "bad", "good", "good"] {
        let answer = go(service.clone(), get(&[("x-test", test)])).await;
        statuses.push(answer.status().as_u16());
    }
    assert_eq!(statuses, [200, 401, 200, 429]);
    assert_eq!(seen.take().len(), 2);
}

fn from(peer: &str, test: &'static str) -> Request<http_body_util::Full<bytes::Bytes>> {
    let peer: std::net::SocketAddr = format!("{peer}:40000").parse().unwrap();
    let mut request = get(&[("x-test", test)]);
    request.extensions_mut().insert(PeerAddr::from(peer));
    request
}

/// Who guesses is banned. A token that is over, and none at all, are what honest clients come with.
#[tokio::test]
async fn bans_outside_count_wrong_credentials() {
    let minute = Duration::from_secs(60);
    for (test, expected) in [
        ("token_invalid", StatusCode::FORBIDDEN),
        ("credentials_ambiguous", StatusCode::FORBIDDEN),
        ("api_key_invalid", StatusCode::FORBIDDEN),
        ("proof_invalid", StatusCode::FORBIDDEN),
        ("token_expired", StatusCode::OK),
        ("session_invalid", StatusCode::OK),
        ("authentication_required", StatusCode::OK),
        ("proof_nonce", StatusCode::OK),
        ("authentication_unavailable", StatusCode::OK),
    ] {
        let bans = BanLayer::builder()
            .on(AbuseKind::AuthFailed, 3, minute, minute)
            .clock(ManualClock::new())
            .build()
            .unwrap();
        let service = SecurityStack::new()
            .bans(bans)
            .auth(builder().build().unwrap())
            .layer(Seen::default());
        for _ in 0..3 {
            go(service.clone(), from("192.0.2.1", test)).await;
        }
        let again = go(service.clone(), from("192.0.2.1", "good")).await;
        assert_eq!(again.status(), expected, "{test}");
        let other = go(service, from("192.0.2.2", "good")).await;
        assert_eq!(other.status(), StatusCode::OK, "{test}");
    }
}

/// A page has to be able to read why: CORS stands outside, and answers preflights, which have no credential.
#[tokio::test]
async fn pages_read_refusals_and_preflights_are_answered_outside() {
    const PAGE: &str = "https://app.example.com";
    let seen = Seen::default();
    let cors = CorsLayer::builder()
        .origins([PAGE])
        .methods([http::Method::PUT])
        .build()
        .unwrap();
    let service = SecurityStack::new()
        .auth(builder().build().unwrap())
        .cors(cors)
        .layer(seen.clone());
    let refused = go(service.clone(), get(&[("origin", PAGE)])).await;
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], PAGE);

    let mut preflight = get(&[("origin", PAGE), ("access-control-request-method", "PUT")]);
    *preflight.method_mut() = http::Method::OPTIONS;
    let answer = go(service, preflight).await;
    assert_eq!(answer.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], PAGE);
    assert!(answer.status().is_success());
    assert_eq!(seen.take(), []);
}
