//! Tokens.

#[path = "../it/token/issuer.rs"]
#[expect(dead_code, reason = "other tests sign with the other keys")]
mod issuer;

use tower_security::core::{Lookup, ManualClock, Principal, Secret};
use tower_security::token::jws::{Algorithm, Jwk, JwkSet};
use tower_security::token::{JwtVerifier, TokenCache, TokenError};

use super::counted;
use issuer::{AUDIENCE, ISSUER, SECRET, Signer, claims, header, key_set, with_claims};

fn ready(answer: Lookup<Result<Principal, TokenError>>) -> Result<Principal, TokenError> {
    match answer {
        Lookup::Ready(answer) => answer,
        Lookup::Pending(_) => panic!("nothing is to be waited for"),
    }
}

pub(super) fn hmac() -> (JwtVerifier, String) {
    let key = Jwk::hmac(Secret::from(SECRET), Algorithm::Hs256).expect("it is long enough");
    let verifier = JwtVerifier::builder()
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .keys(JwkSet::from_keys([key]))
        .clock(ManualClock::new())
        .build()
        .expect("it is sound");
    let head = header(&[("alg", r#""HS256""#), ("kid", "")]);
    (verifier, Signer::Hmac(SECRET).token(head, claims(&[])))
}

fn cached() -> JwtVerifier {
    JwtVerifier::builder()
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .keys(JwkSet::strict(key_set().as_bytes()).expect("all keys are sound"))
        .token_cache(TokenCache::default())
        .clock(ManualClock::new())
        .build()
        .expect("it is sound")
}

#[test]
fn a_token_of_hs256_makes_at_most_ten() {
    let (verifier, token) = hmac();
    // The first time its header is learnt.
    ready(verifier.verify(&token)).expect("it is good");
    let (who, made) = counted(|| ready(verifier.verify(&token)));
    assert_eq!(who.expect("it is good").subject(), "alice");
    assert!(made <= 10, "{made}");
}

#[test]
fn a_cached_token_makes_none() {
    let verifier = cached();
    let token = with_claims(&[]);
    ready(verifier.verify(&token)).expect("it is good");
    let (who, made) = counted(|| ready(verifier.verify(&token)));
    assert_eq!(who.expect("it is good").subject(), "alice");
    assert_eq!(made, 0);
}

#[test]
fn what_is_no_token_makes_none() {
    let verifier = cached();
    let token = with_claims(&[]);
    ready(verifier.verify(&token)).expect("it is good");
    let long = "a.".repeat(512 * 1024);
    for (name, token) in [
        ("1 MiB", &*long),
        ("nothing", ""),
        ("one segment", "abc"),
        ("no base64url", "a+b.c.d"),
        ("8 KiB of dots", &".".repeat(8192)),
        ("8 KiB of a segment", &"A".repeat(8192)),
        ("no JSON", "bm8.bm8.bm8"),
        ("unsigned", "eyJhbGciOiJub25lIn0.e30.AA"),
    ] {
        let (answer, made) = counted(|| ready(verifier.verify(token)));
        assert!(answer.is_err(), "{name}");
        assert!(made == 0, "{name}: {made}");
    }
}

#[test]
fn an_expired_or_foreign_token_makes_few() {
    let (verifier, token) = hmac();
    ready(verifier.verify(&token)).expect("it is good");
    let head = header(&[("alg", r#""HS256""#), ("kid", "")]);
    for change in [("exp", "1"), ("iss", r#""https://evil.example/""#)] {
        let token = Signer::Hmac(SECRET).token(&head, claims(&[change]));
        let (answer, made) = counted(|| ready(verifier.verify(&token)));
        assert!(answer.is_err(), "{change:?}");
        // The claims, and what is told of the key.
        assert!(made <= 5, "{change:?}: {made}");
    }
}
