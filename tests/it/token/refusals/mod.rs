//! Tokens that must not be believed, each for its own reason and each with every backend; and their nearest twins that are.

mod binding;
mod claims;
mod header;
mod keys;
mod signature;
mod structure;

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use tower::Layer;
use tower_security::auth::AuthLayer;
use tower_security::core::{Lookup, ManualClock, Principal, Refused, Secret};
use tower_security::token::jws::{Algorithm, Jwk, JwkSet};
use tower_security::token::{JwtVerifier, JwtVerifierBuilder, Profile, TokenError, TokenErrorKind};

use crate::support::service::{Spy, go};

use super::issuer::{
    AUDIENCE, ED25519_X, ES256_X, ES256_Y, ISSUER, OTHER_X, OTHER_Y, RSA_N, SECRET, ec_jwk,
    key_set, with_claims, with_header,
};

/// A token, why it is refused, and by which verifier.
struct Row {
    number: u8,
    name: String,
    token: String,
    on: On,
    kind: TokenErrorKind,
    reason: &'static str,
}

/// Which keys and profile a verifier has.
#[derive(Clone, Copy, Debug)]
enum On {
    /// `es` for ES256 and `rs` for RS256, for access tokens.
    EsRs,
    /// One key for Ed25519.
    Ed,
    /// A secret for HS256.
    Hs,
    /// As `EsRs`, where tokens may be an hour old.
    MaxAge,
    /// As `EsRs`, with the profile for issuers without RFC 9068.
    Plain,
    /// `ps` for PS256.
    Ps,
    /// Two keys for ES256 without ids.
    TwoKeys,
}

fn row(number: u8, name: impl Into<String>, token: impl Into<String>, reason: &'static str) -> Row {
    Row {
        number,
        name: name.into(),
        token: token.into(),
        on: On::EsRs,
        kind: TokenErrorKind::Invalid,
        reason,
    }
}

impl Row {
    fn on(mut self, on: On) -> Self {
        self.on = on;
        self
    }

    fn expired(mut self) -> Self {
        self.kind = TokenErrorKind::Expired;
        self
    }
}

fn set(json: &str) -> JwkSet {
    JwkSet::strict(json.as_bytes()).expect("all keys are sound")
}

/// The set with each backend of this build.
fn backends(set: JwkSet) -> Vec<JwkSet> {
    #[cfg(all(feature = "jwt", feature = "jwt-rust-crypto"))]
    return vec![set.on_rust_crypto(), set];
    #[cfg(not(all(feature = "jwt", feature = "jwt-rust-crypto")))]
    vec![set]
}

fn base(keys: JwkSet) -> JwtVerifierBuilder {
    JwtVerifier::builder()
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .keys(keys)
        .clock(ManualClock::new())
}

fn verifiers(on: On) -> Vec<JwtVerifier> {
    let keys = match on {
        On::EsRs | On::MaxAge | On::Plain => set(&key_set()),
        On::Ed => set(&format!(
            r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"ed","x":"{ED25519_X}"}}]}}"#
        )),
        On::Hs => {
            let secret = Secret::from(SECRET);
            JwkSet::from_keys([Jwk::hmac(secret, Algorithm::Hs256).expect("it is long enough")])
        }
        On::Ps => set(&format!(
            r#"{{"keys":[{{"kty":"RSA","kid":"ps","alg":"PS256","e":"AQAB","n":"{RSA_N}"}}]}}"#
        )),
        On::TwoKeys => set(&format!(
            r#"{{"keys":[{},{}]}}"#,
            ec_jwk(ES256_X, ES256_Y, ""),
            ec_jwk(OTHER_X, OTHER_Y, "")
        )),
    };
    let build = |keys| {
        let builder = base(keys);
        let builder = match on {
            On::MaxAge => builder.max_token_age(Duration::from_secs(3600)),
            On::Plain => builder.profile(Profile::Plain),
            On::EsRs | On::Ed | On::Hs | On::Ps | On::TwoKeys => builder,
        };
        builder.build().expect("it is sound")
    };
    backends(keys).into_iter().map(build).collect()
}

#[track_caller]
fn answer(verifier: &JwtVerifier, token: &str) -> Result<Principal, TokenError> {
    match verifier.verify(token) {
        Lookup::Ready(answer) => answer,
        Lookup::Pending(_) => panic!("nothing is to be waited for"),
    }
}

#[track_caller]
fn accepted(on: On, name: &str, token: &str) {
    for verifier in verifiers(on) {
        // The second time the header is known.
        for time in ["first", "second"] {
            if let Err(error) = answer(&verifier, token) {
                panic!("{name}, {on:?}, {time} time: {error}");
            }
        }
    }
}

const ALL: [On; 7] = [
    On::EsRs,
    On::Ed,
    On::Hs,
    On::MaxAge,
    On::Plain,
    On::Ps,
    On::TwoKeys,
];

#[track_caller]
fn assert_refused(rows: Vec<Row>, numbers: std::ops::RangeInclusive<u8>) {
    for number in numbers {
        assert!(rows.iter().any(|row| row.number == number), "row {number}");
    }
    for (at, on) in ALL.into_iter().enumerate() {
        for verifier in verifiers(on) {
            let service = Served::new(&verifier);
            for row in rows.iter().filter(|row| row.on as usize == at) {
                let told = format!("row {}, {}, {on:?}", row.number, row.name);
                match answer(&verifier, &row.token) {
                    Ok(_) => panic!("{told}: it was accepted"),
                    Err(error) => {
                        let found = (error.kind(), error.reason());
                        assert_eq!(found, (row.kind, row.reason), "{told}");
                    }
                }
                service.assert_refused(row, &told);
            }
        }
    }
}

/// The verifier behind its layer.
struct Served {
    spy: Spy,
    layer: AuthLayer,
}

impl Served {
    fn new(verifier: &JwtVerifier) -> Self {
        let layer = AuthLayer::builder().bearer(verifier.clone()).build();
        Self {
            spy: Spy::new(),
            layer: layer.expect("it is sound"),
        }
    }

    fn send(&self, value: HeaderValue, is_grpc: bool) -> Response<Full<Bytes>> {
        let mut request = Request::new(());
        if is_grpc {
            const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
            *request.method_mut() = Method::POST;
            request.headers_mut().insert(CONTENT_TYPE, GRPC);
        }
        request.headers_mut().insert(AUTHORIZATION, value);
        let mut context = Context::from_waker(Waker::noop());
        match pin!(go(self.layer.layer(self.spy.clone()), request)).poll(&mut context) {
            Poll::Ready(answer) => answer,
            Poll::Pending => panic!("nothing is to be waited for"),
        }
    }

    fn assert_refused(&self, row: &Row, told: &str) {
        let Ok(value) = HeaderValue::try_from(format!("Bearer {}", row.token)) else {
            // No server hands it on.
            return;
        };
        let answer = self.send(value.clone(), false);
        assert_eq!(self.spy.calls(), 0, "{told}");
        let is_b64token = !row.token.is_empty()
            && row
                .token
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte));
        if !is_b64token {
            // The grammar of the header is the layer's, and it may call such a value malformed.
            let status = answer.status();
            let refusals = [StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED];
            assert!(refusals.contains(&status), "{told}: {status}");
            return;
        }
        let (code, text) = match row.kind {
            TokenErrorKind::Expired => ("token_expired", "The access token expired"),
            _ => ("token_invalid", "The access token is invalid"),
        };
        let challenge =
            format!(r#"Bearer realm="api", error="invalid_token", error_description="{text}""#);
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{told}");
        let lines: Vec<_> = answer.headers().get_all(WWW_AUTHENTICATE).iter().collect();
        assert_eq!(lines, [&challenge], "{told}");
        let refused = answer.extensions().get::<Refused>();
        assert_eq!(refused.map(|refused| refused.code()), Some(code), "{told}");

        let answer = self.send(value, true);
        let lines: Vec<_> = answer.headers().get_all(WWW_AUTHENTICATE).iter().collect();
        assert_eq!((answer.status(), self.spy.calls()), (StatusCode::OK, 0));
        assert_eq!(answer.headers()["grpc-status"], "16", "{told}");
        assert_eq!(answer.headers()["grpc-message"], text, "{told}");
        assert_eq!(lines, [&challenge], "{told}");
    }
}

#[test]
fn the_twins_are_accepted() {
    accepted(On::EsRs, "the usual one", &with_claims(&[]));
    let header = [
        (
            "application/AT+JWT",
            [("typ", r#""application/AT+JWT""#)].as_slice(),
        ),
        ("unknown member", &[("own", r#"{"a":[1,null]}"#)]),
        ("escaped kid", &[("kid", r#""e\u0073""#)]),
        (
            "keys of others, which are not read",
            &[
                ("jku", r#""https://evil.example/""#),
                ("x5u", r#""https://evil.example/""#),
                ("x5t", r#""abc""#),
            ],
        ),
    ];
    for (name, changes) in header {
        accepted(On::EsRs, name, &with_header(changes));
    }
    let claims = [
        ("the last second", [("exp", "1735689571")].as_slice()),
        (
            "exp in an array of ours",
            &[("aud", r#"["https://b.example","https://api.example.com"]"#)],
        ),
        ("exp as a float", &[("exp", "1.9e9")]),
        ("exp with a fraction", &[("exp", "1735689900.75")]),
        ("the last date", &[("exp", "253402300799")]),
        ("nbf at the end of the leeway", &[("nbf", "1735689630")]),
        ("iat at the end of the leeway", &[("iat", "1735689630")]),
        ("nbf 0", &[("nbf", "0")]),
        (
            "escaped issuer",
            &[("iss", r#""https:\/\/id.example\u002ecom/""#)],
        ),
        ("unknown member", &[("own", r#"{"exp":1,"exp":2}"#)]),
        ("no scope", &[("scope", "")]),
        ("list of scopes", &[("scope", r#"["a","b"]"#)]),
    ];
    for (name, changes) in claims {
        accepted(On::EsRs, name, &with_claims(changes));
    }
}
