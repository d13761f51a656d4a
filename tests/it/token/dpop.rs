//! Proofs of possession (RFC 9449): a token that is bound to a key, and the proofs that do not show it.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::Full;
use sha2::{Digest, Sha256};
use tower::Layer;
use tower_security::auth::AuthLayer;
use tower_security::core::{
    AbuseKind, AuthMethod, Confirmation, Lookup, ManualClock, Principal, Refused, Secret,
};
use tower_security::token::jws::{Jwk, JwkSet};
use tower_security::token::{DpopPolicy, JwtVerifier, TokenCache, TokenError, TokenErrorKind};

use crate::support::service::{Spy, go};

use super::issuer::{
    AUDIENCE, ED25519_X, ES256_X, ISSUER, OTHER_X, OTHER_Y, Signer, ec_jwk, encode, key_set,
    object, with_claims,
};

const THUMBPRINT_OF_OTHER: [u8; 32] = [0; 32];

fn client_jwk() -> String {
    ec_jwk(OTHER_X, OTHER_Y, "")
}

/// RFC 7638, by hand.
fn thumbprint(canonical: &str) -> [u8; 32] {
    Sha256::digest(canonical).into()
}

fn client_thumbprint() -> [u8; 32] {
    thumbprint(&format!(
        r#"{{"crv":"P-256","kty":"EC","x":"{OTHER_X}","y":"{OTHER_Y}"}}"#
    ))
}

/// A token that is bound to the key of the client.
fn bound() -> String {
    bound_to(client_thumbprint())
}

fn bound_to(jkt: [u8; 32]) -> String {
    with_claims(&[("cnf", &format!(r#"{{"jkt":"{}"}}"#, encode(jkt)))])
}

fn proof_header(changes: &[(&str, &str)]) -> String {
    let jwk = client_jwk();
    let usual = [
        ("typ", r#""dpop+jwt""#),
        ("alg", r#""ES256""#),
        ("jwk", jwk.as_str()),
    ];
    object(&usual, changes)
}

fn proof_claims(token: &str, changes: &[(&str, &str)]) -> String {
    let ath = format!("\"{}\"", encode(Sha256::digest(token)));
    let usual = [
        ("jti", r#""p-1""#),
        ("htm", r#""GET""#),
        ("htu", r#""https://api.example.com/orders""#),
        ("iat", "1735689600"),
        ("ath", ath.as_str()),
    ];
    object(&usual, changes)
}

fn proof(token: &str, changes: &[(&str, &str)]) -> String {
    Signer::Other256.token(proof_header(&[]), proof_claims(token, changes))
}

fn request(proofs: &[&str]) -> Parts {
    let mut request = Request::get("/orders?page=2");
    for proof in proofs {
        request = request.header("dpop", *proof);
    }
    request.body(()).expect("it is a request").into_parts().0
}

fn policy() -> DpopPolicy {
    DpopPolicy::new("https://api.example.com")
}

fn of_policy(policy: DpopPolicy, clock: &ManualClock, cache: bool) -> JwtVerifier {
    let keys = JwkSet::strict(key_set().as_bytes()).expect("all keys are sound");
    let builder = JwtVerifier::builder()
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .keys(keys)
        .dpop(policy)
        .clock(clock.clone());
    let builder = if cache {
        builder.token_cache(TokenCache::default())
    } else {
        builder
    };
    builder.build().expect("it is sound")
}

fn verifier() -> JwtVerifier {
    of_policy(policy(), &ManualClock::new(), false)
}

#[track_caller]
fn ready(answer: Lookup<Result<Principal, TokenError>>) -> Result<Principal, TokenError> {
    match answer {
        Lookup::Ready(answer) => answer,
        Lookup::Pending(_) => panic!("nothing is to be waited for"),
    }
}

#[track_caller]
fn reason_of(verifier: &JwtVerifier, token: &str, proofs: &[&str]) -> &'static str {
    let answer = ready(verifier.verify_dpop(token, &request(proofs)));
    answer.expect_err("it is refused").reason()
}

/// What the layer answers to a request for `/orders` with a bound token.
fn send(
    verifier: &JwtVerifier,
    (token, proofs): (&str, &[&str]),
    is_grpc: bool,
) -> (Response<Full<Bytes>>, usize) {
    let spy = Spy::new();
    let layer = AuthLayer::builder().bearer(verifier.clone()).build();
    let service = layer.expect("it is sound").layer(spy.clone());
    let mut request = Request::from_parts(request(proofs), ());
    if is_grpc {
        *request.method_mut() = Method::POST;
        let grpc = HeaderValue::from_static("application/grpc");
        request.headers_mut().insert(CONTENT_TYPE, grpc);
    }
    let value = HeaderValue::try_from(format!("DPoP {token}")).expect("it is ASCII");
    request.headers_mut().insert(AUTHORIZATION, value);
    let mut context = Context::from_waker(Waker::noop());
    match pin!(go(service, request)).poll(&mut context) {
        Poll::Ready(answer) => (answer, spy.calls()),
        Poll::Pending => panic!("nothing is to be waited for"),
    }
}

/// Status, code and challenges of a proof that is wrong, over HTTP and gRPC. It is not used up by that.
#[track_caller]
fn assert_told(verifier: &JwtVerifier, token: &str, proofs: &[&str], name: &str) {
    const LINES: [&str; 2] = [
        r#"Bearer realm="api""#,
        r#"DPoP realm="api", error="invalid_dpop_proof", error_description="The DPoP proof is invalid", algs="ES256 EdDSA""#,
    ];
    for is_grpc in [false, true] {
        let (answer, calls) = send(verifier, (token, proofs), is_grpc);
        let lines: Vec<_> = answer.headers().get_all(WWW_AUTHENTICATE).iter().collect();
        assert_eq!(calls, 0, "{name}");
        assert_eq!(lines, LINES, "{name}");
        let refused = answer.extensions().get::<Refused>();
        let refused = refused.map(|refused| (refused.code(), refused.abuse()));
        let expected = ("proof_invalid", Some(AbuseKind::AuthFailed));
        assert_eq!(refused, Some(expected), "{name}");
        if is_grpc {
            assert_eq!(answer.status(), StatusCode::OK, "{name}");
            assert_eq!(answer.headers()["grpc-status"], "16", "{name}");
        } else {
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{name}");
        }
    }
}

#[test]
fn a_bound_token_with_its_proof_is_accepted() {
    let token = bound();
    let who = ready(verifier().verify_dpop(&token, &request(&[&proof(&token, &[])])));
    let who = who.expect("it is good");
    assert_eq!(who.method(), AuthMethod::DPoP);
    let key = Confirmation::JwkSha256(client_thumbprint());
    assert_eq!(who.confirmation(), Some(key));
    let jwk = Jwk::from_json(client_jwk().as_bytes()).expect("it is a key");
    assert_eq!(jwk.thumbprint(), client_thumbprint());
}

#[test]
fn a_proof_by_ed25519_is_accepted() {
    let jwk = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{ED25519_X}"}}"#);
    let token = bound_to(thumbprint(&format!(
        r#"{{"crv":"Ed25519","kty":"OKP","x":"{ED25519_X}"}}"#
    )));
    for alg in [r#""EdDSA""#, r#""Ed25519""#] {
        let header = proof_header(&[("alg", alg), ("jwk", &jwk)]);
        let proof = Signer::Ed25519.token(header, proof_claims(&token, &[]));
        assert!(ready(verifier().verify_dpop(&token, &request(&[&proof]))).is_ok());
    }
}

#[test]
fn a_bound_token_is_no_bearer_token_and_the_other_way_round() {
    let verifier = verifier();
    let token = bound();
    let error = ready(verifier.verify(&token)).expect_err("it is bound");
    assert_eq!(
        (error.kind(), error.reason()),
        (TokenErrorKind::Invalid, "proof_required")
    );
    let free = with_claims(&[]);
    assert!(ready(verifier.verify(&free)).is_ok());
    assert_eq!(
        reason_of(&verifier, &free, &[&proof(&free, &[])]),
        "not_bound"
    );

    let required = of_policy(policy().required(), &ManualClock::new(), false);
    let error = ready(required.verify(&free)).expect_err("proofs are demanded");
    assert_eq!(error.reason(), "proof_required");
    assert!(ready(required.verify_dpop(&token, &request(&[&proof(&token, &[])]))).is_ok());

    let without = JwtVerifier::builder()
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .keys(JwkSet::strict(key_set().as_bytes()).expect("all keys are sound"))
        .clock(ManualClock::new())
        .build()
        .expect("it is sound");
    assert_eq!(
        reason_of(&without, &token, &[&proof(&token, &[])]),
        "proofs_not_accepted"
    );
}

#[test]
fn row_90_a_proof_of_something_else_is_refused() {
    let token = bound();
    let good = proof(&token, &[]);
    let verifier = verifier();
    let invalid = |name: &str, proofs: &[&str], expected: &str| {
        let answer = ready(verifier.verify_dpop(&token, &request(proofs)));
        let error = answer.expect_err(name);
        assert_eq!(
            (error.kind(), error.reason()),
            (TokenErrorKind::ProofInvalid, expected),
            "{name}"
        );
        assert_told(&verifier, &token, proofs, name);
    };
    invalid("none", &[], "proof_missing");
    invalid("two", &[&good, &good], "proof_twice");
    invalid("empty", &[""], "proof_structure");
    invalid("no JWS", &["abc"], "proof_structure");
    invalid("list", &[&format!("{good}, {good}")], "proof_structure");
    invalid("long", &[&"a".repeat(8193)], "proof_structure");
    for (claim, value, expected) in [
        ("htm", r#""PUT""#, "proof_htm"),
        ("htm", r#""get""#, "proof_htm"),
        ("htm", "", "proof_claims"),
        ("htm", "1", "proof_claims"),
        ("htu", r#""https://api.example.com/""#, "proof_htu"),
        ("htu", r#""https://api.example.com/orders/""#, "proof_htu"),
        ("htu", r#""https://api.example.com/Orders""#, "proof_htu"),
        ("htu", r#""http://api.example.com/orders""#, "proof_htu"),
        (
            "htu",
            r#""https://api.example.com:8443/orders""#,
            "proof_htu",
        ),
        ("htu", r#""https://evil.example/orders""#, "proof_htu"),
        (
            "htu",
            r#""https://api.example.com.evil.test/orders""#,
            "proof_htu",
        ),
        (
            "htu",
            r#""https://api.example.com@evil.example/orders""#,
            "proof_htu",
        ),
        ("htu", r#""/orders""#, "proof_htu"),
        ("htu", r#""""#, "proof_claims"),
        ("htu", "", "proof_claims"),
        ("ath", "", "proof_claims"),
        (
            "ath",
            r#""47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU""#,
            "proof_ath",
        ),
        ("jti", "", "proof_claims"),
        ("jti", r#""""#, "proof_claims"),
        ("iat", "", "proof_claims"),
        ("iat", r#""1735689600""#, "proof_claims"),
    ] {
        let other = proof(&token, &[(claim, value)]);
        invalid(&format!("{claim} {value}"), &[&other], expected);
    }
    let long = format!("\"{}\"", "j".repeat(129));
    invalid(
        "129 bytes of jti",
        &[&proof(&token, &[("jti", &long)])],
        "proof_claims",
    );
    let of_other_token = proof(&with_claims(&[]), &[]);
    invalid("of another token", &[&of_other_token], "proof_ath");
    let (answer, calls) = send(&verifier, (&token, &[&good]), false);
    assert_eq!((answer.status(), calls), (StatusCode::OK, 1));
}

#[test]
fn other_spellings_of_the_url_are_the_same() {
    let token = bound();
    let longest = format!("\"{}\"", "j".repeat(128));
    for (claim, value) in [
        ("htu", r#""HTTPS://API.example.COM:443/orders""#),
        ("htu", r#""https://api.example.com/orders?a=b#c""#),
        ("htu", r#""https://api.example.com/%6Frders""#),
        ("jti", longest.as_str()),
        ("own", "1"),
    ] {
        let proof = proof(&token, &[(claim, value)]);
        assert!(
            ready(verifier().verify_dpop(&token, &request(&[&proof]))).is_ok(),
            "{value}"
        );
    }
}

#[test]
fn a_proof_has_the_right_header() {
    let token = bound();
    let verifier = verifier();
    let private = client_jwk().replace('}', &format!(r#","d":"{ES256_X}"}}"#));
    let secret = format!(r#"{{"kty":"oct","k":"{ES256_X}"}}"#);
    let rows = [
        (("typ", ""), "proof_typ"),
        (("typ", r#""JWT""#), "proof_typ"),
        (("typ", r#""at+jwt""#), "proof_typ"),
        (("alg", r#""none""#), "proof_header"),
        (("alg", r#""HS256""#), "proof_algorithm"),
        (("alg", r#""RS256""#), "proof_algorithm"),
        (("alg", r#""ES384""#), "proof_algorithm"),
        (("alg", r#""EdDSA""#), "proof_algorithm"),
        (("jwk", ""), "proof_jwk"),
        (("jwk", "null"), "proof_jwk"),
        (("jwk", r#""a""#), "proof_jwk"),
        (("jwk", "{}"), "proof_jwk"),
        (("jwk", &private), "proof_jwk"),
        (("jwk", &secret), "proof_jwk"),
        (("crit", r#"["exp"]"#), "proof_header"),
        (("b64", "false"), "proof_header"),
    ];
    for (change, expected) in rows {
        let proof = Signer::Other256.token(proof_header(&[change]), proof_claims(&token, &[]));
        assert_eq!(
            reason_of(&verifier, &token, &[&proof]),
            expected,
            "{change:?}"
        );
        assert_told(&verifier, &token, &[&proof], expected);
    }
    // The key that the token is not bound to.
    let own = ec_jwk(ES256_X, super::issuer::ES256_Y, "");
    let header = proof_header(&[("jwk", &own)]);
    let thief = Signer::Es256.token(header, proof_claims(&token, &[]));
    assert_eq!(reason_of(&verifier, &token, &[&thief]), "proof_key");
    // The right key, and a signature by another.
    let forged = Signer::Es256.token(proof_header(&[]), proof_claims(&token, &[]));
    assert_eq!(reason_of(&verifier, &token, &[&forged]), "proof_signature");
    let elsewhere = bound_to(THUMBPRINT_OF_OTHER);
    let proof_of_it = proof(&elsewhere, &[]);
    assert_eq!(
        reason_of(&verifier, &elsewhere, &[&proof_of_it]),
        "proof_key"
    );
}

#[test]
fn row_91_a_proof_is_fresh_and_used_once() {
    let token = bound();
    let verifier = verifier();
    for (iat, expected) in [
        ("1735689569", Some("proof_iat")),
        ("1735689570", None),
        ("1735689630", None),
        ("1735689631", Some("proof_iat")),
        ("253402300799", Some("proof_iat")),
        ("0", Some("proof_iat")),
    ] {
        let jti = format!("\"{iat}\"");
        let proof = proof(&token, &[("iat", iat), ("jti", &jti)]);
        let answer = ready(verifier.verify_dpop(&token, &request(&[&proof])));
        assert_eq!(answer.err().map(|error| error.reason()), expected, "{iat}");
        if expected.is_some() {
            assert_told(&verifier, &token, &[&proof], iat);
        }
    }
    let first = proof(&token, &[]);
    let (answer, calls) = send(&verifier, (&token, &[&first]), false);
    assert_eq!((answer.status(), calls), (StatusCode::OK, 1));
    assert_eq!(reason_of(&verifier, &token, &[&first]), "proof_replayed");
    assert_told(&verifier, &token, &[&first], "replayed");
    // The same id in another proof for the same, spelt otherwise.
    let respelt = proof(
        &token,
        &[("htu", r#""https://API.example.com:443/orders?x""#)],
    );
    assert_eq!(reason_of(&verifier, &token, &[&respelt]), "proof_replayed");
    let second = proof(&token, &[("jti", r#""p-2""#)]);
    assert!(ready(verifier.verify_dpop(&token, &request(&[&second]))).is_ok());
    let elsewhere = proof(&token, &[("htu", r#""https://api.example.com/a""#)]);
    let mut head = request(&[&elsewhere]);
    head.uri = Uri::from_static("/a");
    assert!(ready(verifier.verify_dpop(&token, &head)).is_ok());
}

#[test]
fn a_proof_that_is_refused_is_not_used_up() {
    let token = bound();
    let verifier = verifier();
    let forged = Signer::Es256.token(proof_header(&[]), proof_claims(&token, &[]));
    assert_eq!(reason_of(&verifier, &token, &[&forged]), "proof_signature");
    let good = proof(&token, &[]);
    assert!(ready(verifier.verify_dpop(&token, &request(&[&good]))).is_ok());
}

#[test]
fn what_cannot_be_remembered_is_busy() {
    let clock = ManualClock::new();
    let verifier = of_policy(policy().replay_entries(2), &clock, false);
    let token = bound();
    let answer = |jti: &str, iat: &str| {
        let jti = format!("\"{jti}\"");
        let proof = proof(&token, &[("jti", &jti), ("iat", iat)]);
        let answer = ready(verifier.verify_dpop(&token, &request(&[&proof])));
        answer.err().map(|error| (error.kind(), error.reason()))
    };
    assert_eq!(answer("a", "1735689600"), None);
    assert_eq!(answer("b", "1735689600"), None);
    assert_eq!(
        answer("c", "1735689600"),
        Some((TokenErrorKind::Busy, "proofs_full"))
    );
    let third = proof(&token, &[("jti", r#""c""#)]);
    let (busy, calls) = send(&verifier, (&token, &[&third]), false);
    assert_eq!((busy.status(), calls), (StatusCode::SERVICE_UNAVAILABLE, 0));
    assert_eq!(busy.headers()["retry-after"], "1");
    assert!(!busy.headers().contains_key(WWW_AUTHENTICATE));
    clock.advance(Duration::from_secs(31));
    assert_eq!(answer("c", "1735689631"), None);
}

#[test]
fn the_age_of_a_proof_is_configured() {
    let token = bound();
    let verifier = of_policy(
        policy().proof_age(Duration::from_secs(2)),
        &ManualClock::new(),
        false,
    );
    for (iat, expected) in [("1735689597", Some("proof_iat")), ("1735689598", None)] {
        let proof = proof(&token, &[("iat", iat)]);
        let answer = ready(verifier.verify_dpop(&token, &request(&[&proof])));
        assert_eq!(answer.err().map(|error| error.reason()), expected, "{iat}");
    }
}

#[test]
fn each_use_of_a_cached_token_needs_a_proof_of_its_own() {
    let token = bound();
    let verifier = of_policy(policy(), &ManualClock::new(), true);
    let first = proof(&token, &[]);
    assert!(ready(verifier.verify_dpop(&token, &request(&[&first]))).is_ok());
    assert_eq!(reason_of(&verifier, &token, &[&first]), "proof_replayed");
    assert_eq!(reason_of(&verifier, &token, &[]), "proof_missing");
    let error = ready(verifier.verify(&token)).expect_err("it is bound");
    assert_eq!(error.reason(), "proof_required");
    let second = proof(&token, &[("jti", r#""p-2""#)]);
    let who = ready(verifier.verify_dpop(&token, &request(&[&second]))).expect("it is good");
    assert_eq!(who.method(), AuthMethod::DPoP);
}

#[test]
fn a_nonce_is_demanded_and_told() {
    let token = bound();
    let clock = ManualClock::new();
    let key = || Secret::new((0..32).collect::<Vec<u8>>());
    let verifier = of_policy(policy().nonce_key(key()), &clock, false);
    let answer = |verifier: &JwtVerifier, jti: &str, nonce: &str| {
        let iat = "1735689600";
        let jti = format!("\"{jti}\"");
        let proof = proof(&token, &[("jti", &jti), ("nonce", nonce), ("iat", iat)]);
        ready(verifier.verify_dpop(&token, &request(&[&proof])))
    };
    let error = answer(&verifier, "a", "").expect_err("there is no nonce");
    assert_eq!(error.kind(), TokenErrorKind::ProofNonce);
    let nonce = error
        .nonce()
        .expect("it is told")
        .to_str()
        .expect("it is ASCII")
        .to_owned();
    let (told, calls) = send(&verifier, (&token, &[&proof(&token, &[])]), false);
    assert_eq!((told.status(), calls), (StatusCode::UNAUTHORIZED, 0));
    assert_eq!(told.headers()["dpop-nonce"], nonce);
    let quoted = format!("\"{nonce}\"");
    assert!(answer(&verifier, "a", &quoted).is_ok());
    assert!(answer(&verifier, "a", &quoted).is_err_and(|error| error.nonce().is_none()));
    for wrong in [r#""a""#, r#""AAAAAAAAAAAAAAAAAAAAAA""#] {
        let error = answer(&verifier, "b", wrong).expect_err("it is none of ours");
        assert_eq!(error.kind(), TokenErrorKind::ProofNonce, "{wrong}");
    }
    // Another node with the same key.
    let other = of_policy(policy().nonce_key(key()), &clock, false);
    assert!(answer(&other, "a", &quoted).is_ok());
    let stranger = of_policy(policy().nonces(), &clock, false);
    let error = answer(&stranger, "a", &quoted).expect_err("it is of another key");
    let own = format!(
        "\"{}\"",
        error
            .nonce()
            .and_then(|nonce| nonce.to_str().ok())
            .expect("it is told")
    );
    assert!(answer(&stranger, "a", &own).is_ok());
}

#[test]
fn a_base_with_a_path_is_put_in_front() {
    let token = bound();
    let of = DpopPolicy::new("https://api.example.com/v1/");
    let verifier = of_policy(of, &ManualClock::new(), false);
    assert_eq!(
        reason_of(&verifier, &token, &[&proof(&token, &[])]),
        "proof_htu"
    );
    let right = proof(&token, &[("htu", r#""https://api.example.com/v1/orders""#)]);
    assert!(ready(verifier.verify_dpop(&token, &request(&[&right]))).is_ok());
}
