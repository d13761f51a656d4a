//! Tokens in `Authorization`, beside API keys and sessions.

use std::time::Duration;

use bytes::Bytes;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::Full;
use tower::Layer;
use tower_security::auth::api_key::{ApiKeyAuth, MemoryApiKeyStore};
use tower_security::auth::session::{MemorySessionStore, SessionAuth};
use tower_security::auth::{AuthBuilder, AuthConfigError, AuthFailure, AuthLayer};
use tower_security::core::{AuthMethod, ManualClock, Principal, Secret};
use tower_security::token::jws::{Algorithm, Jwk, JwkSet};
use tower_security::token::{DpopPolicy, JwtVerifier, JwtVerifierBuilder, JwtVerifiers};

use super::ways::Seen;
use crate::support::service::go;

/// `alice` with the scope `orders:read`, until five minutes after the date of a new `ManualClock`.
pub(super) const GOOD: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUuY29tLyIsImF1ZCI6Imh0dHBzOi8vYXBpLmV4YW1wbGUuY29tIiwiZXhwIjoxNzM1Njg5OTAwLCJpYXQiOjE3MzU2ODk2MDAsInN1YiI6ImFsaWNlIiwiY2xpZW50X2lkIjoid2ViIiwianRpIjoidC0xIiwic2NvcGUiOiJvcmRlcnM6cmVhZCIsInBsYW4iOiJnb2xkIn0.xs5llyEPImNZp3Jg72-owrTFNNklROoWJKV_lHHGSXI";
/// The same with another bit in its signature.
const FORGED: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUuY29tLyIsImF1ZCI6Imh0dHBzOi8vYXBpLmV4YW1wbGUuY29tIiwiZXhwIjoxNzM1Njg5OTAwLCJpYXQiOjE3MzU2ODk2MDAsInN1YiI6ImFsaWNlIiwiY2xpZW50X2lkIjoid2ViIiwianRpIjoidC0xIiwic2NvcGUiOiJvcmRlcnM6cmVhZCIsInBsYW4iOiJnb2xkIn0.x85llyEPImNZp3Jg72-owrTFNNklROoWJKV_lHHGSXI";
/// It ended thirty seconds before.
const EXPIRED: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUuY29tLyIsImF1ZCI6Imh0dHBzOi8vYXBpLmV4YW1wbGUuY29tIiwiZXhwIjoxNzM1Njg5NTcwLCJpYXQiOjE3MzU2ODk1MDAsInN1YiI6ImFsaWNlIiwiY2xpZW50X2lkIjoid2ViIiwianRpIjoidC0xIiwic2NvcGUiOiJvcmRlcnM6cmVhZCIsInBsYW4iOiJnb2xkIn0.BeCb4xteoKw4-X_gmCJ5r-wU6LaYEmrYkS4GnVJz4W0";
/// Bound to a key (`cnf.jkt`).
const BOUND: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUuY29tLyIsImF1ZCI6Imh0dHBzOi8vYXBpLmV4YW1wbGUuY29tIiwiZXhwIjoxNzM1Njg5OTAwLCJpYXQiOjE3MzU2ODk2MDAsInN1YiI6ImFsaWNlIiwiY2xpZW50X2lkIjoid2ViIiwianRpIjoidC0xIiwic2NvcGUiOiJvcmRlcnM6cmVhZCIsInBsYW4iOiJnb2xkIiwiY25mIjp7ImprdCI6IjBaY09DT1JaTll5LURXcHFxMzBqWnlKR0hUTjBkMkhnbEJWM3VpZ3VBNEkifX0.oygaOGjIvQ9rMuzJMlrLoHRpsrrzrIvXw1Wp20BsJv8";

const REALM: &str = r#"Bearer realm="api""#;
const INVALID: &str =
    r#"Bearer realm="api", error="invalid_token", error_description="The access token is invalid""#;
const OVER: &str =
    r#"Bearer realm="api", error="invalid_token", error_description="The access token expired""#;
const MALFORMED: &str = r#"Bearer realm="api", error="invalid_request", error_description="The Authorization header is malformed""#;
const TWO: &str = r#"Bearer realm="api", error="invalid_request", error_description="More than one credential was sent""#;

fn verifier() -> JwtVerifierBuilder {
    let key = Jwk::hmac(
        Secret::from(b"an example: take 32 random bytes"),
        Algorithm::Hs256,
    );
    JwtVerifier::builder()
        .issuer("https://id.example.com/")
        .audience("https://api.example.com")
        .keys(JwkSet::from_keys([key.unwrap()]))
        .clock(ManualClock::new())
}

pub(super) fn bearer() -> AuthBuilder {
    AuthLayer::builder().bearer(verifier().build().unwrap())
}

pub(super) fn to(uri: &str, lines: &[(&'static str, &str)]) -> Request<Full<Bytes>> {
    let mut request = Request::get(uri).body(Full::default()).unwrap();
    for (name, value) in lines {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        request.headers_mut().append(*name, value);
    }
    request
}

fn lines<B>(answer: &Response<B>) -> Vec<&HeaderValue> {
    answer.headers().get_all(WWW_AUTHENTICATE).iter().collect()
}

/// What came of a request: whose it was, or status, code and the first challenge.
async fn outcome(
    layer: &AuthLayer,
    request: Request<Full<Bytes>>,
) -> Result<Option<String>, (u16, &'static str, String)> {
    let seen = Seen::default();
    let answer = go(layer.layer(seen.clone()), request).await;
    match answer.extensions().get::<AuthFailure>() {
        None => {
            let [who] = seen.take().try_into().unwrap();
            Ok(who)
        }
        Some(failure) => {
            assert_eq!(seen.take(), []);
            let line = lines(&answer)[0].to_str().unwrap();
            Err((answer.status().as_u16(), failure.code(), line.to_owned()))
        }
    }
}

/// `Ok(true)`: alice; `Ok(false)`: an anonymous client.
type Expected = Result<bool, (u16, &'static str, &'static str)>;

#[tokio::test]
async fn what_stands_in_authorization() {
    let required: Expected = Err((401, "authentication_required", REALM));
    let malformed: Expected = Err((400, "credentials_malformed", MALFORMED));
    let invalid: Expected = Err((401, "token_invalid", INVALID));
    let two: Expected = Err((400, "credentials_ambiguous", TWO));
    let good = |before: &str, after: &str| format!("{before}{GOOD}{after}");
    let rows: Vec<(String, Expected)> = vec![
        (good("Bearer ", ""), Ok(true)),
        (good("bearer ", ""), Ok(true)),
        (good("bEARER ", ""), Ok(true)),
        (good("Bearer  ", ""), Ok(true)),
        (good(" Bearer ", " "), Ok(true)),
        (good("Bearer ", "\t"), Ok(true)),
        (format!("Bearer {FORGED}"), invalid),
        (
            format!("Bearer {EXPIRED}"),
            Err((401, "token_expired", OVER)),
        ),
        // Row 87: who stole it would send it so.
        (format!("Bearer {BOUND}"), invalid),
        // Rows 93 and 94.
        (good("Bearer a, Bearer ", ""), malformed),
        (good("Bearer ", " b"), malformed),
        ("Bearer".to_owned(), malformed),
        ("Bearer ".to_owned(), malformed),
        (good("Bearer\t", ""), malformed),
        (good("Bearer \t", ""), malformed),
        // Characters that no token has, and its size.
        (good("Bearer ", ","), invalid),
        (good("Bearer \"", "\""), invalid),
        (good("Bearer ", "\u{e9}"), invalid),
        (format!("Bearer {}", "a".repeat(8_193)), invalid),
        (format!("Bearer {}", "a b ".repeat(3_000)), invalid),
        (format!("Bearer {}", "a".repeat(1 << 20)), invalid),
        // Row 97, and a scheme that this verifier does not serve.
        ("Basic dDp0".to_owned(), required),
        (good("BearerX ", ""), required),
        (good("Token ", ""), required),
        (good("DPoP ", ""), required),
        (GOOD.to_owned(), required),
    ];
    let layers = [
        (bearer().build().unwrap(), required),
        (bearer().optional().build().unwrap(), Ok(false)),
    ];
    for (layer, nothing) in &layers {
        for (value, expected) in &rows {
            let request = to("/orders", &[("authorization", value)]);
            let name = value.get(..40).unwrap_or(value);
            assert_eq!(outcome(layer, request).await, told(*expected), "{name}");
        }
        // Row 92, and row 96: what stands in a query is not read.
        let twice = to(
            "/orders",
            &[("authorization", "Bearer a"), ("authorization", "Bearer a")],
        );
        assert_eq!(outcome(layer, twice).await, told(two));
        let query = to(&format!("/orders?access_token={GOOD}"), &[]);
        assert_eq!(outcome(layer, query).await, told(*nothing));
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let mut form = to("/orders", &form);
        *form.method_mut() = Method::POST;
        *form.body_mut() = Full::from(format!("access_token={GOOD}"));
        assert_eq!(outcome(layer, form).await, told(*nothing));
    }
}

fn told(expected: Expected) -> Result<Option<String>, (u16, &'static str, String)> {
    match expected {
        Ok(is_alice) => Ok(is_alice.then(|| "alice".to_owned())),
        Err((status, code, line)) => Err((status, code, line.to_owned())),
    }
}

/// Row 95.
#[tokio::test]
async fn a_second_token_in_the_query_is_refused() {
    let layer = bearer().build().unwrap();
    let token = format!("Bearer {GOOD}");
    let ambiguous: Expected = Err((400, "credentials_ambiguous", TWO));
    let rows = [
        ("/orders?access_token=t", ambiguous),
        ("/orders?access_token=", ambiguous),
        ("/orders?access_token", ambiguous),
        ("/orders?a=1&access_token=t&b=2", ambiguous),
        ("/orders?access%5Ftoken=t", ambiguous),
        ("/orders?%61ccess_token=t", ambiguous),
        ("/orders?access_token_hint=t", Ok(true)),
        ("/orders?my_access_token=t", Ok(true)),
        ("/orders?Access_Token=t", Ok(true)),
        ("/orders?a=access_token", Ok(true)),
        ("/orders?access%5token=t", Ok(true)),
        ("/orders?access_token%", Ok(true)),
        ("/orders?", Ok(true)),
        ("/orders/access_token=t", Ok(true)),
    ];
    for (uri, expected) in rows {
        let request = to(uri, &[("authorization", &token)]);
        assert_eq!(outcome(&layer, request).await, told(expected), "{uri}");
    }
}

const DPOP: &str = r#"DPoP realm="api""#;
const PROOF: &str = r#"DPoP realm="api", error="invalid_dpop_proof", error_description="The DPoP proof is invalid", algs="ES256 EdDSA""#;

#[tokio::test]
async fn tokens_that_are_bound_to_a_key_have_a_scheme_of_their_own() {
    let policy = || DpopPolicy::new("https://api.example.com");
    let layer = |policy| {
        let verifier = verifier().dpop(policy).build().unwrap();
        AuthLayer::builder().bearer(verifier).build().unwrap()
    };
    let either = layer(policy());
    let ask = async |layer: &AuthLayer, value: &str| {
        let request = to("/orders", &[("authorization", value)]);
        let answer = go(layer.layer(Seen::default()), request).await;
        let lines: Vec<_> = lines(&answer).into_iter().cloned().collect();
        (answer.status().as_u16(), lines)
    };
    let lines = |lines: &[&'static str]| -> Vec<HeaderValue> {
        let lines = lines.iter().copied();
        lines.map(HeaderValue::from_static).collect()
    };
    assert_eq!(ask(&either, &format!("Bearer {GOOD}")).await, (200, vec![]));
    let bound = ask(&either, &format!("Bearer {BOUND}")).await;
    assert_eq!(bound, (401, lines(&[INVALID, DPOP])));
    let unproved = ask(&either, &format!("DPoP {BOUND}")).await;
    assert_eq!(unproved, (401, lines(&[REALM, PROOF])));
    let malformed = ask(&either, "DPoP a b").await;
    let expected = r#"DPoP realm="api", error="invalid_request", error_description="The Authorization header is malformed""#;
    assert_eq!(malformed, (400, lines(&[REALM, expected])));
    assert_eq!(ask(&either, "Basic t").await, (401, lines(&[REALM, DPOP])));

    // Nobody is sent to try what is refused.
    let bound = layer(policy().required());
    assert_eq!(ask(&bound, "Basic t").await, (401, lines(&[DPOP])));
    let unbound = ask(&bound, &format!("Bearer {GOOD}")).await;
    assert_eq!(unbound.0, 401);
}

/// Rows 98 and 99, with what a shop has.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one table")]
async fn beside_keys_and_sessions() {
    let clock = ManualClock::new();
    let who = |name| Principal::builder(name).build();
    let keys = ApiKeyAuth::builder(MemoryApiKeyStore::new(), "sk")
        .in_bearer()
        .clock(clock.clone())
        .build()
        .unwrap();
    let sessions = SessionAuth::builder(MemorySessionStore::new())
        .clock(clock.clone())
        .build()
        .unwrap();
    let minute = Some(Duration::from_secs(60));
    let issued = keys.issue(&who("robot"), minute).await.unwrap();
    let key = issued.key().expose().clone();
    let line = sessions
        .login(&HeaderMap::new(), &who("carol"))
        .await
        .unwrap();
    let cookie = line.to_str().unwrap().split(';').next().unwrap().to_owned();
    let layer = bearer().api_key(keys).session(sessions).build().unwrap();
    assert_eq!(
        layer.methods().collect::<Vec<_>>(),
        [
            Some(AuthMethod::Bearer),
            Some(AuthMethod::ApiKey),
            Some(AuthMethod::Session)
        ]
    );

    let (good, forged) = (format!("Bearer {GOOD}"), format!("Bearer {FORGED}"));
    let key_in_bearer = format!("Bearer {key}");
    let bad_key_in_bearer = format!("{key_in_bearer}x");
    let two_keys = format!("{key_in_bearer} x");
    let invalid = Err((401, "token_invalid", INVALID.to_owned()));
    let ambiguous = Err((400, "credentials_ambiguous", TWO.to_owned()));
    let is = |name: &str| Ok(Some(name.to_owned()));
    type Lines<'a> = &'a [(&'static str, &'a str)];
    let rows: [(Lines<'_>, _); 12] = [
        (&[("authorization", &good)], is("alice")),
        (&[("x-api-key", &key)], is("robot")),
        (&[("authorization", &key_in_bearer)], is("robot")),
        (&[("cookie", &cookie)], is("carol")),
        (
            &[("authorization", &good), ("x-api-key", &key)],
            ambiguous.clone(),
        ),
        (
            &[("authorization", &good), ("cookie", &cookie)],
            is("alice"),
        ),
        (
            &[("authorization", &forged), ("cookie", &cookie)],
            invalid.clone(),
        ),
        (&[("x-api-key", &key), ("cookie", &cookie)], is("robot")),
        (
            &[("x-api-key", "sk_1"), ("cookie", &cookie)],
            Err((401, "api_key_invalid", REALM.to_owned())),
        ),
        (
            &[("authorization", &bad_key_in_bearer)],
            Err((401, "api_key_invalid", REALM.to_owned())),
        ),
        (
            &[("authorization", &two_keys), ("cookie", &cookie)],
            Err((400, "credentials_malformed", MALFORMED.to_owned())),
        ),
        (
            &[("cookie", "__Host-session=unknown")],
            Err((401, "session_invalid", REALM.to_owned())),
        ),
    ];
    for (lines, expected) in rows {
        let request = to("/orders", lines);
        assert_eq!(outcome(&layer, request).await, expected, "{lines:?}");
    }
    let nothing = go(layer.layer(Seen::default()), to("/orders", &[])).await;
    assert_eq!(
        lines(&nothing),
        [
            REALM,
            r#"ApiKey realm="api", header="x-api-key""#,
            r#"Session realm="api""#
        ]
    );
}

#[test]
fn one_kind_has_one_authenticator() {
    let one = || verifier().build().unwrap();
    let errors = AuthLayer::builder()
        .bearer(one())
        .bearer(one())
        .realm("\"")
        .build()
        .unwrap_err();
    let found: Vec<_> = errors
        .iter()
        .map(|error| (error.path(), error.code()))
        .collect();
    assert_eq!(
        found,
        [
            ("auth.bearer", "duplicate"),
            ("auth.realm", "challenge_invalid")
        ]
    );
    let duplicate = errors.iter().next().unwrap();
    assert_eq!(
        duplicate.downcast::<AuthConfigError>(),
        Some(&AuthConfigError::Duplicate {
            method: AuthMethod::Bearer
        })
    );
    for (method, text) in [
        (
            AuthMethod::Bearer,
            "invalid second Bearer: write `.bearer(..)` once; the tokens of several issuers go to one `JwtVerifiers`",
        ),
        (
            AuthMethod::ApiKey,
            "invalid second ApiKey: write `.api_key(..)` once",
        ),
        (
            AuthMethod::Session,
            "invalid second Session: write `.session(..)` once",
        ),
    ] {
        let duplicate = AuthConfigError::Duplicate { method };
        assert_eq!(duplicate.to_string(), text);
    }
    // Several issuers are one kind.
    let other = verifier().issuer("https://shop.example.com/").build();
    let both = JwtVerifiers::new([one(), other.unwrap()]).unwrap();
    assert!(AuthLayer::builder().bearer(both).build().is_ok());
}

#[test]
fn what_weakens_a_verifier_is_told() {
    let intranet = verifier().dangerous_http_issuer("http://id.intranet/");
    let both = JwtVerifiers::new([verifier().build().unwrap(), intranet.build().unwrap()]);
    let layer = AuthLayer::builder().bearer(both.unwrap()).build().unwrap();
    assert_eq!(
        layer.dangerous(),
        [
            ("dangerous_accept_when_revocation_fails", false),
            ("dangerous_http_issuer", true),
            ("dangerous_guessable_secrets", false),
        ]
    );
}
