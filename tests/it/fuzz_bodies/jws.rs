//! Tokens, headers and key sets of strangers: each is refused or has one meaning, and none panics.

use tower_security::core::Secret;
use tower_security::token::jws::{Algorithm, Jwk, JwkSet, JwsError, verify_compact};

const ALL: &[Algorithm] = &[
    Algorithm::EdDsa,
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::Hs256,
    Algorithm::Hs384,
    Algorithm::Hs512,
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
];

/// RFC 7515, A.2.1 and A.3.1; RFC 8037, A.2.
const PUBLIC: &[u8] = br#"{"keys":[
    {"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"},
    {"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
    {"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
]}"#;

/// What is signed for is spelt in one way, so that what remembers tokens by their spelling misses none.
pub fn jws_compact(data: &[u8]) {
    let public = JwkSet::strict(PUBLIC).expect("the keys are good");
    let secret = Jwk::hmac(
        Secret::from(b"an example: take 32 random bytes"),
        Algorithm::Hs256,
    );
    for keys in [public, JwkSet::from_keys(secret)] {
        let Ok(jws) = verify_compact(data, &keys, ALL) else {
            continue;
        };
        let signed = [encode(jws.header()), encode(jws.payload())].join(".");
        assert!(data.starts_with(signed.as_bytes()));
        assert!(jws.key().algorithms().contains(&jws.algorithm()));
        assert_eq!(
            verify_compact(data, &keys, &[]).err(),
            Some(JwsError::AlgorithmRefused)
        );
    }
}

/// A header whose signature is looked at is one that says `HS256` and is no longer than allowed.
pub fn jose_header(data: &[u8]) {
    let secret = Jwk::hmac(
        Secret::from(b"an example: take 32 random bytes"),
        Algorithm::Hs256,
    );
    let keys = JwkSet::from_keys(secret);
    let token = format!("{}.e30.{}", encode(data), "A".repeat(43));
    let error = verify_compact(token.as_bytes(), &keys, ALL).expect_err("nobody has signed it");
    match error {
        JwsError::Signature | JwsError::KeyMismatch | JwsError::AlgorithmRefused => {
            assert!(data.len() <= 1536);
            let text = std::str::from_utf8(data).expect("it is JSON");
            let text = text.trim_matches([' ', '\t', '\n', '\r']);
            assert!(text.starts_with('{') && text.ends_with('}'));
        }
        JwsError::Header(word) => assert!(!word.is_empty()),
        JwsError::Structure => assert!(data.is_empty() || data.len() > 1536),
        other => panic!("{other}"),
    }
}

/// Every key of a set is one that can be used, or is left out and said so.
pub fn jwk_set(data: &[u8]) {
    let strict = JwkSet::strict(data);
    let Ok(set) = JwkSet::from_json(data) else {
        assert!(strict.is_err());
        return;
    };
    assert_eq!(strict.is_ok(), set.rejected().is_empty());
    assert!(set.keys().len() + set.rejected().len() <= 256);
    for (at, key) in set.keys().iter().enumerate() {
        assert!(!key.algorithms().is_empty());
        assert_eq!(key.thumbprint(), key.thumbprint());
        let others = set.keys().iter().skip(at + 1);
        assert!(key.kid().is_none() || others.clone().all(|other| other.kid() != key.kid()));
    }
    for key in set.rejected() {
        assert!(key.error().to_string().len() < 500);
        assert!(key.kid().is_none_or(|kid| !kid.contains(char::is_control)));
    }
}

/// Base64url without padding, written apart from the one that is tested.
fn encode(raw: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits = |at: usize| {
        raw.get(at / 8)
            .is_some_and(|byte| byte >> (7 - at % 8) & 1 == 1)
    };
    (0..raw.len() * 8)
        .step_by(6)
        .map(|start| {
            let letter =
                (start..start + 6).fold(0, |letter, at| letter << 1 | usize::from(bits(at)));
            char::from(ALPHABET[letter])
        })
        .collect()
}
