#![cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::JwtVerifier;
use crate::core::{Lookup, ManualClock, Secret};
use crate::token::Profile;
use crate::token::jws::{Algorithm, Jwk, JwkSet, base64url};

const SECRET: &[u8; 32] = b"an example: take 32 random bytes";
const HEADER: &str = r#"{"alg":"HS256"}"#;
const CLAIMS: &str = r#"{"iss":"a","aud":"b","sub":"c","exp":1735689900}"#;

fn token(header: &str, secret: &[u8]) -> String {
    let [header, claims] = [header, CLAIMS].map(|text| base64url::encode(text.as_bytes()));
    let input = format!("{header}.{claims}");
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(input.as_bytes());
    let tag = mac.finalize().into_bytes();
    format!("{input}.{}", base64url::encode(&tag))
}

fn verifier() -> JwtVerifier {
    let key = Jwk::hmac(Secret::from(SECRET), Algorithm::Hs256).unwrap();
    JwtVerifier::builder()
        .issuer("a")
        .audience("b")
        .keys(JwkSet::from_keys([key]))
        .profile(Profile::Plain)
        .clock(ManualClock::new())
        .build()
        .unwrap()
}

fn is_accepted(verifier: &JwtVerifier, token: &str) -> bool {
    matches!(verifier.verify(token), Lookup::Ready(Ok(_)))
}

#[test]
fn only_headers_of_good_tokens_are_learnt() {
    let verifier = verifier();
    let knows = |header: &str| {
        let header = base64url::encode(header.as_bytes());
        verifier.0.memo.get(header.as_bytes(), 0).is_some()
    };
    assert!(!is_accepted(&verifier, &token(HEADER, &[7; 32])));
    assert!(!knows(HEADER));
    assert!(is_accepted(&verifier, &token(HEADER, SECRET)));
    assert!(knows(HEADER));
    assert!(!knows(r#"{"alg":"HS256" }"#));
    assert!(!is_accepted(&verifier, &token(HEADER, &[7; 32])));
    assert!(is_accepted(&verifier, &token(HEADER, SECRET)));
}

#[test]
fn row_48_a_secret_of_a_remote_set_verifies_nothing() {
    let secret = base64url::encode(SECRET);
    let json = format!(r#"{{"keys":[{{"kty":"oct","k":"{secret}"}}]}}"#);
    let build = |keys: JwkSet| {
        let builder = JwtVerifier::builder().issuer("a").audience("b").keys(keys);
        builder
            .profile(Profile::Plain)
            .clock(ManualClock::new())
            .build()
    };
    let remote = build(JwkSet::from_remote(json.as_bytes()).unwrap());
    assert_eq!(remote.unwrap_err().iter().next().unwrap().code(), "no_keys");
    let own = build(JwkSet::from_json(json.as_bytes()).unwrap()).unwrap();
    assert!(is_accepted(&own, &token(HEADER, SECRET)));
}
