//! The set of keys as verifiers get it.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue};
use tower_security::core::ManualClock;
use tower_security::token::jws::JwkSet;

use super::*;

fn asked(tag: &str) -> HeaderMap {
    let tag = HeaderValue::from_str(tag).unwrap();
    [(IF_NONE_MATCH, tag)].into_iter().collect()
}

#[test]
fn the_document_is_that_of_rfc_7517() {
    // RFC 8037, appendix A.1, and RFC 7515, appendix A.3.
    let ed25519 = SigningKey::from_jwk(
        r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
    )
    .unwrap();
    let p256 = SigningKey::from_jwk(
        r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#,
    )
    .unwrap();
    let ring = KeyRing::new(ed25519).next(p256);
    let issuer = builder(ManualClock::new()).signing(ring).build().unwrap();
    let keys = issuer.jwks();
    assert_eq!(
        keys.bytes(),
        concat!(
            r#"{"keys":[{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","use":"sig","alg":"EdDSA","#,
            r#""kid":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},"#,
            r#"{"crv":"P-256","kty":"EC","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","use":"sig","alg":"ES256","#,
            r#""kid":"oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"}]}"#
        )
    );
    assert_eq!(keys.cache_control(), "public, max-age=300");
    let headers: HeaderMap = keys.headers().into_iter().collect();
    assert_eq!(headers[CONTENT_TYPE], "application/jwk-set+json");
    assert_eq!(headers[CACHE_CONTROL], "public, max-age=300");
    assert_eq!(&headers[ETAG], keys.etag());
}

#[test]
fn who_has_the_document_need_not_fetch_it_again() {
    let issuer = issuer();
    let keys = issuer.jwks();
    let tag = keys.etag().to_str().unwrap().to_owned();
    assert!(
        tag.starts_with('"') && tag.ends_with('"') && tag.len() == 45,
        "{tag}"
    );
    for current in [
        tag.clone(),
        format!("W/{tag}"),
        format!("\"a\", {tag}"),
        "*".to_owned(),
    ] {
        assert!(keys.is_current(&asked(&current)), "{current}");
    }
    let other = super::issuer().jwks().etag().to_str().unwrap().to_owned();
    for old in [
        other,
        "\"\"".to_owned(),
        tag.trim_matches('"').to_owned(),
        String::new(),
    ] {
        assert!(!keys.is_current(&asked(&old)), "{old}");
    }
    assert!(!keys.is_current(&HeaderMap::new()));
    issuer.replace(KeyRing::new(new_key())).unwrap();
    assert!(!issuer.jwks().is_current(&asked(&tag)), "other keys");
    assert!(
        keys.is_current(&asked(&tag)),
        "an answer under way is whole"
    );
}

#[test]
fn a_secret_is_not_published() {
    let secret = SigningKey::hmac(b"an example: take 32 random bytes", Algorithm::Hs256).unwrap();
    let issuer = builder(ManualClock::new())
        .signing(KeyRing::new(secret))
        .build()
        .unwrap();
    assert_eq!(issuer.jwks().bytes(), r#"{"keys":[]}"#);
    assert!(
        JwkSet::strict(issuer.jwks().bytes())
            .unwrap()
            .keys()
            .is_empty()
    );
    // A verifier in the same process gets it.
    let verifier = verifying(ManualClock::new(), issuer.verifying_keys())
        .build()
        .unwrap();
    assert!(verify(&verifier, &token(&issuer)).is_ok());
    let follows = verifying(ManualClock::new(), issuer.clone());
    let follows = follows.algorithms([Algorithm::Hs256]).build().unwrap();
    assert!(verify(&follows, &token(&issuer)).is_ok());
}
