//! Authentication in its slot.

use std::time::Duration;

use http::header::ACCESS_CONTROL_ALLOW_ORIGIN;
use http::{Request, StatusCode};
use tower::Layer;
use tower_security::authorize::RequireLayer;
use tower_security::core::{AbuseKind, ManualClock, PeerAddr};
use tower_security::cors::CorsLayer;
use tower_security::rate_limit::{BanLayer, Policy, Quota, RateLimitLayer, key};
use tower_security::stack::{Posture, PostureEntry, PostureState, Protection, SecurityStack};

use super::ways::{Seen, builder, get};
use crate::support::posture::warnings;
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
    assert_eq!(warnings(&posture), ["auth: no rate limit by principal"]);

    let optional = builder().optional().build().unwrap();
    let limited = SecurityStack::new()
        .auth(optional)
        .rate_limit_by_principal(by_principal(10))
        .posture();
    let settings: Vec<_> = limited.entries()[0].settings().collect();
    assert_eq!(settings, [("by", "own"), ("anonymous", "pass")]);
    assert_eq!(
        warnings(&limited),
        ["auth: anonymous requests pass, and no layer of the stack asks for more"]
    );
    // Nobody is authenticated, so that nobody has to be limited by it.
    assert_eq!(warnings(&SecurityStack::new().posture()), [""; 0]);
}

/// A protection of somebody else in a slot.
#[derive(Clone)]
struct Own(&'static str, PostureState);

impl Protection for Own {
    fn describe(&self, posture: &mut Posture) {
        posture.add(PostureEntry::new(self.0, self.1));
    }
}

#[test]
fn the_posture_misses_what_asks_more_than_an_optional_layer() {
    const WARNING: &str = "auth: anonymous requests pass, and no layer of the stack asks for more";
    let warns = |posture: Posture| posture.warnings().iter().any(|each| each == WARNING);
    let optional = || SecurityStack::new().auth(builder().optional().build().unwrap());
    let required = || SecurityStack::new().auth(builder().build().unwrap());
    let role = || RequireLayer::role("admin").build().unwrap();
    assert!(warns(optional().posture()));
    assert!(!warns(required().posture()));
    assert!(!warns(optional().access(role()).posture()));
    assert!(!warns(optional().access((role(), role())).posture()));
    let own = |name| Own(name, PostureState::On);
    assert!(!warns(optional().ownership(own("ownership")).posture()));
    let tripwire = own("require_authorization");
    assert!(!warns(optional().require_authorization(tripwire).posture()));
    assert!(warns(optional().sanitize(own("sanitize")).posture()));
}

#[cfg(feature = "opaque-tokens")]
#[test]
fn the_posture_misses_csrf_beside_sessions() {
    use tower_security::auth::AuthLayer;
    use tower_security::auth::api_key::{ApiKeyAuth, MemoryApiKeyStore};
    use tower_security::auth::session::{MemorySessionStore, SessionAuth};
    use tower_security::core::Mode;
    use tower_security::csrf::CsrfLayer;

    const WARNING: &str = "auth: sessions in a cookie without csrf";
    let warns = |posture: Posture| posture.warnings().iter().any(|each| each == WARNING);
    let keys = ApiKeyAuth::builder(MemoryApiKeyStore::new(), "shop")
        .build()
        .unwrap();
    let sessions = SessionAuth::builder(MemorySessionStore::new())
        .build()
        .unwrap();
    let of_keys = AuthLayer::builder().api_key(keys.clone()).build().unwrap();
    let of_both = AuthLayer::builder().api_key(keys).session(sessions);
    let of_both = of_both.build().unwrap();
    let stack = || SecurityStack::new().auth(of_both.clone());
    assert!(warns(stack().posture()));
    assert!(!warns(SecurityStack::new().auth(of_keys.clone()).posture()));
    let pair = (of_keys, of_both.clone());
    assert!(warns(SecurityStack::new().auth(pair).posture()));

    let csrf = |mode| CsrfLayer::builder().mode(mode).build().unwrap();
    assert!(!warns(stack().csrf(csrf(Mode::Enforce)).posture()));
    assert!(warns(stack().csrf(csrf(Mode::Off)).posture()));
    let pair = (csrf(Mode::Off), csrf(Mode::Enforce));
    assert!(!warns(stack().csrf(pair).posture()));
    // That it only reports is a warning of its own.
    let reporting = stack().csrf(csrf(Mode::ReportOnly)).posture();
    assert!(!warns(reporting.clone()));
    let own = "csrf: report-only";
    assert!(reporting.warnings().iter().any(|each| each == own));
}

#[cfg(feature = "opaque-tokens")]
#[test]
fn the_posture_misses_a_session_whose_cookie_is_renamed() {
    use tower_security::auth::AuthLayer;
    use tower_security::auth::session::{MemorySessionStore, SessionAuth};
    use tower_security::cookies::CookieLayer;
    use tower_security::core::Mode;

    let auth = |name: Option<&str>| {
        let sessions = SessionAuth::builder(MemorySessionStore::new());
        let sessions = match name {
            Some(name) => sessions.cookie(name),
            None => sessions,
        };
        let layer = AuthLayer::builder().session(sessions.build().unwrap());
        layer.build().unwrap()
    };
    let cookies = |name: &str, mode| {
        let layer = CookieLayer::builder().host_prefix([name]).mode(mode);
        layer.build().unwrap()
    };
    let warned = |cookies: CookieLayer, auth: AuthLayer| {
        let posture = SecurityStack::new().cookies(cookies).auth(auth).posture();
        let warnings = posture.warnings().iter();
        let mut own = warnings.filter(|each| each.contains("host_prefix"));
        own.next().map(ToString::to_string)
    };
    assert_eq!(
        warned(cookies("session", Mode::Enforce), auth(None)).as_deref(),
        Some(
            "auth: cookies.host_prefix hands the session inwards as \"session\", which it is not looked for: \
             call `cookie(\"session\")` on its builder"
        )
    );
    let pair = (
        cookies("theme", Mode::Enforce),
        cookies("session", Mode::Enforce),
    );
    let posture = SecurityStack::new()
        .cookies(pair)
        .auth(auth(None))
        .posture();
    assert!(
        posture
            .warnings()
            .iter()
            .any(|each| each.contains("host_prefix"))
    );
    for (cookies, auth) in [
        (cookies("session", Mode::Enforce), auth(Some("session"))),
        (cookies("session", Mode::ReportOnly), auth(None)),
        (cookies("theme", Mode::Enforce), auth(None)),
        (CookieLayer::strict(), auth(None)),
    ] {
        assert_eq!(warned(cookies, auth), None);
    }
    let posture = SecurityStack::new().auth(auth(Some("staff"))).posture();
    let mut settings = posture.entries()[0].settings();
    assert!(settings.any(|setting| setting == ("session_cookie", "staff")));
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
