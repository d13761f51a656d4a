//! What a client is told of each failure, letter for letter.

use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Response};
use http_body_util::BodyExt;
use tower::Layer;
use tower_security::auth::{AuthFailure, AuthFailureKind, AuthLayer};
use tower_security::core::{
    AbuseKind, AuthMethod, ChallengeScheme, CleanText, Refused, StoreError, StoreErrorKind,
};

use super::ways::{ByHeader, KINDS, Line, builder, get, grpc};
use crate::support::service::{Spy, go};

const BEARER: &str = r#"Bearer realm="api""#;
const DPOP: &str = r#"DPoP realm="api""#;
const API_KEY: &str = r#"ApiKey realm="api", header="x-api-key""#;
const SESSION: &str = r#"Session realm="api""#;
const PLAIN: [&str; 4] = [BEARER, DPOP, API_KEY, SESSION];

pub(super) struct Row {
    pub(super) code: &'static str,
    /// The way that was tried.
    pub(super) method: Option<AuthMethod>,
    pub(super) status: u16,
    pub(super) grpc: &'static str,
    pub(super) message: &'static str,
    pub(super) lines: &'static [&'static str],
    pub(super) retry_after: Option<&'static str>,
    abuse: Option<AbuseKind>,
}

const fn row(code: &'static str, status: u16, message: &'static str) -> Row {
    Row {
        code,
        method: None,
        status,
        grpc: "16",
        message,
        lines: &PLAIN,
        retry_after: None,
        abuse: None,
    }
}

const ABUSE: Option<AbuseKind> = Some(AbuseKind::AuthFailed);

pub(super) const TABLE: &[Row] = &[
    row("authentication_required", 401, "Authentication is required"),
    Row {
        lines: &[
            r#"Bearer realm="api", error="invalid_request", error_description="More than one credential was sent""#,
            DPOP,
            API_KEY,
            SESSION,
        ],
        abuse: ABUSE,
        ..row(
            "credentials_ambiguous",
            400,
            "More than one credential was sent",
        )
    },
    Row {
        lines: &[
            r#"Bearer realm="api", error="invalid_request", error_description="The Authorization header is malformed""#,
            DPOP,
            API_KEY,
            SESSION,
        ],
        abuse: ABUSE,
        ..row(
            "credentials_malformed",
            400,
            "The Authorization header is malformed",
        )
    },
    Row {
        lines: &[
            r#"Bearer realm="api", error="invalid_token", error_description="The access token is invalid""#,
            DPOP,
            API_KEY,
            SESSION,
        ],
        method: Some(AuthMethod::Bearer),
        abuse: ABUSE,
        ..row("token_invalid", 401, "The access token is invalid")
    },
    Row {
        lines: &[
            r#"Bearer realm="api", error="invalid_token", error_description="The access token expired""#,
            DPOP,
            API_KEY,
            SESSION,
        ],
        method: Some(AuthMethod::Bearer),
        ..row("token_expired", 401, "The access token expired")
    },
    Row {
        lines: &[
            BEARER,
            r#"DPoP realm="api", error="invalid_token", error_description="The access token expired""#,
            API_KEY,
            SESSION,
        ],
        method: Some(AuthMethod::DPoP),
        ..row("token_expired", 401, "The access token expired")
    },
    Row {
        method: Some(AuthMethod::ApiKey),
        abuse: ABUSE,
        ..row("api_key_invalid", 401, "The API key is invalid")
    },
    Row {
        method: Some(AuthMethod::Session),
        ..row("session_invalid", 401, "The session is over")
    },
    Row {
        lines: &[
            BEARER,
            r#"DPoP realm="api", error="invalid_dpop_proof", error_description="The DPoP proof is invalid", algs="ES256 EdDSA""#,
            API_KEY,
            SESSION,
        ],
        method: Some(AuthMethod::DPoP),
        abuse: ABUSE,
        ..row("proof_invalid", 401, "The DPoP proof is invalid")
    },
    Row {
        lines: &[
            BEARER,
            r#"DPoP realm="api", error="use_dpop_nonce", error_description="A DPoP nonce is required", algs="ES256 EdDSA""#,
            API_KEY,
            SESSION,
        ],
        method: Some(AuthMethod::DPoP),
        ..row("proof_nonce", 401, "A DPoP nonce is required")
    },
    Row {
        grpc: "14",
        lines: &[],
        retry_after: Some("5"),
        ..row(
            "authentication_unavailable",
            503,
            "Authentication is unavailable",
        )
    },
    Row {
        grpc: "8",
        lines: &[],
        retry_after: Some("1"),
        ..row("busy", 503, "The server is busy")
    },
];

pub(super) fn layer(method: Option<AuthMethod>) -> AuthLayer {
    let way = ByHeader::new("x-test").scheme(ChallengeScheme::bearer());
    let way = match method {
        Some(method) => way.method(method),
        None => way,
    };
    let key = HeaderName::from_static("x-api-key");
    AuthLayer::builder()
        .authenticator(way)
        .authenticator(Line(ChallengeScheme::dpop(["ES256", "EdDSA"])))
        .authenticator(Line(ChallengeScheme::api_key(&key)))
        .authenticator(Line(ChallengeScheme::session()))
        .build()
        .unwrap()
}

pub(super) fn lines<B>(answer: &Response<B>) -> Vec<&HeaderValue> {
    answer.headers().get_all(WWW_AUTHENTICATE).iter().collect()
}

#[tokio::test]
async fn each_failure_over_http() {
    for row in TABLE {
        let (code, spy) = (row.code, Spy::new());
        let service = layer(row.method).layer(spy.clone());
        let answer = go(service, get(&[("x-test", code)])).await;
        assert_eq!(spy.calls(), 0, "{code}");
        assert_eq!(answer.status().as_u16(), row.status, "{code}");
        assert_eq!(lines(&answer), row.lines, "{code}");
        let retry_after = row.retry_after.map(HeaderValue::from_static);
        assert_eq!(
            answer.headers().get(RETRY_AFTER),
            retry_after.as_ref(),
            "{code}"
        );
        assert_eq!(answer.headers()[CACHE_CONTROL], "no-store", "{code}");
        assert_eq!(answer.headers()[CONTENT_TYPE], "application/problem+json");
        assert_eq!(answer.headers().get("dpop-nonce"), None);

        let marker = answer.extensions().get::<Refused>().unwrap();
        assert_eq!((marker.code(), marker.abuse()), (code, row.abuse));
        let failure = answer.extensions().get::<AuthFailure>().unwrap();
        assert_eq!((failure.code(), failure.method()), (code, row.method));

        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let expected = format!(
            r#"{{"title":"{}","status":{},"code":"{code}"}}"#,
            row.message, row.status
        );
        assert_eq!(body, expected.as_bytes(), "{code}");
    }
}

#[tokio::test]
async fn each_failure_to_a_head_request() {
    for row in TABLE {
        let mut request = get(&[("x-test", row.code)]);
        *request.method_mut() = http::Method::HEAD;
        let answer = go(layer(row.method).layer(Spy::new()), request).await;
        assert_eq!(answer.status().as_u16(), row.status);
        assert_eq!(lines(&answer), row.lines);
        let length = answer.headers()[CONTENT_LENGTH].clone();
        assert_ne!(length, "0", "{}", row.code);
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(body.is_empty());
    }
}

#[tokio::test]
async fn each_failure_over_grpc() {
    for (content_type, echoed) in [
        ("application/grpc", "application/grpc"),
        ("application/grpc+proto", "application/grpc+proto"),
        ("application/grpc-web", "application/grpc-web"),
        (
            "application/grpc-web-text+proto",
            "application/grpc-web-text+proto",
        ),
    ] {
        for row in TABLE {
            let (code, spy) = (row.code, Spy::new());
            let service = layer(row.method).layer(spy.clone());
            let answer = go(service, grpc(content_type, code)).await;
            assert_eq!((answer.status().as_u16(), spy.calls()), (200, 0), "{code}");
            let headers = answer.headers();
            assert_eq!(headers[CONTENT_TYPE], echoed);
            assert_eq!(headers["grpc-status"], row.grpc, "{code}");
            assert_eq!(headers["grpc-message"], row.message, "{code}");
            assert_eq!(lines(&answer), row.lines, "{code}");
            assert_eq!(headers.get(RETRY_AFTER), None, "{code}");
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            assert!(body.is_empty());
        }
    }
}

/// The table has all kinds, and what is decided later is told alike.
#[tokio::test]
async fn no_kind_is_left_out() {
    for kind in KINDS {
        assert!(TABLE.iter().any(|row| row.code == kind.code()), "{kind:?}");
    }
    let ready = go(layer(None).layer(Spy::new()), get(&[("x-test", "bad")])).await;
    let slow = go(
        layer(None).layer(Spy::new()),
        get(&[("x-test", "slow-bad")]),
    )
    .await;
    assert_eq!(ready.status(), 401);
    assert_eq!(slow.status(), 401);
    assert_eq!(slow.headers(), ready.headers());
}

#[tokio::test]
async fn realm_and_metadata_stand_in_their_lines() {
    let layer = builder()
        .authenticator(Line(ChallengeScheme::session()))
        .realm("orders")
        .resource_metadata("https://api.example.com/.well-known/oauth-protected-resource")
        .build()
        .unwrap();
    const METADATA: &str =
        r#", resource_metadata="https://api.example.com/.well-known/oauth-protected-resource""#;
    let nothing = go(layer.layer(Spy::new()), get(&[])).await;
    assert_eq!(
        lines(&nothing),
        [
            format!(r#"Bearer realm="orders"{METADATA}"#).as_str(),
            r#"Session realm="orders""#
        ]
    );
    let expired = go(layer.layer(Spy::new()), get(&[("x-test", "token_expired")])).await;
    assert_eq!(
        lines(&expired),
        [
            format!(
                r#"Bearer realm="orders", error="invalid_token", error_description="The access token expired"{METADATA}"#
            )
            .as_str(),
            r#"Session realm="orders""#
        ]
    );
}

/// A way that no header asks for has no line; then it is `Bearer`, since a 401 has to have one (RFC 9110, section 15.5.2).
#[tokio::test]
async fn a_401_always_has_a_challenge() {
    let layer = AuthLayer::builder()
        .authenticator(ByHeader::new("x-test"))
        .build()
        .unwrap();
    let answer = go(layer.layer(Spy::new()), get(&[])).await;
    assert_eq!(lines(&answer), [BEARER]);
}

#[derive(Debug)]
struct Nonce;

impl tower_security::auth::Authenticator for Nonce {
    fn presence(&self, _: &http::request::Parts) -> tower_security::auth::Presence {
        tower_security::auth::Presence::Explicit
    }

    fn authenticate(&self, _: &http::request::Parts) -> tower_security::auth::Decision {
        let failure = AuthFailure::new(AuthFailureKind::ProofNonce);
        let nonce = HeaderValue::from_static("eyJ7S_zG.eyJH0-Z.HX4w-7v");
        tower_security::auth::Decision::Denied(failure.with_nonce(nonce))
    }

    fn scheme(&self) -> ChallengeScheme {
        ChallengeScheme::dpop(["ES256"])
    }
}

#[tokio::test]
async fn a_nonce_is_handed_out() {
    let layer = AuthLayer::builder().authenticator(Nonce).build().unwrap();
    let answer = go(layer.layer(Spy::new()), get(&[])).await;
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.headers()["dpop-nonce"], "eyJ7S_zG.eyJH0-Z.HX4w-7v");
}

/// A client must not throw a good credential away because nobody could look it up.
#[test]
fn a_store_that_fails_is_no_wrong_credential() {
    let rows = [
        (
            StoreErrorKind::Corrupt,
            AuthFailureKind::Unavailable,
            "store_corrupt",
        ),
        (StoreErrorKind::Full, AuthFailureKind::Busy, "store_full"),
        (
            StoreErrorKind::Timeout,
            AuthFailureKind::Unavailable,
            "store_timeout",
        ),
        (
            StoreErrorKind::Unavailable,
            AuthFailureKind::Unavailable,
            "store_unavailable",
        ),
    ];
    for (error, kind, reason) in rows {
        let failure = AuthFailure::from(StoreError::new(error, "redis-2 is\ngone"));
        assert_eq!((failure.kind(), failure.reason()), (kind, reason));
        assert_eq!(
            failure.detail().map(|text| &**text),
            Some("redis-2 is\\u{a}gone")
        );
    }
}

#[test]
fn a_failure_shows_no_detail() {
    let failure = AuthFailure::new(AuthFailureKind::TokenInvalid)
        .with_reason("issuer")
        .with_method(AuthMethod::Bearer)
        .with_detail(CleanText::new("kid=k1", 64));
    assert_eq!(
        format!("{failure:?}"),
        r#"AuthFailure { kind: TokenInvalid, reason: "issuer", method: Some(Bearer), .. }"#
    );
    assert_eq!(
        failure.to_string(),
        "the request is not authenticated: issuer"
    );
    let plain = AuthFailure::new(AuthFailureKind::TokenExpired);
    assert_eq!(plain.reason(), "token_expired");
}
