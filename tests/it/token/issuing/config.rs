//! What an issuer is not built with.

use tower_security::core::{ConfigErrors, ManualClock};
use tower_security::token::jws::{Jwk, JwkSet};
use tower_security::token::{IssuerConfigError, Profile};

use super::*;

fn errors(builder: TokenIssuerBuilder) -> Vec<(String, &'static str)> {
    let found: ConfigErrors = builder.build().expect_err("it is refused");
    let found = found.iter();
    found
        .map(|error| (error.path().to_owned(), error.code()))
        .collect()
}

fn one(path: &str, code: &'static str) -> Vec<(String, &'static str)> {
    vec![(path.to_owned(), code)]
}

#[test]
fn all_mistakes_are_told_together() {
    let builder = TokenIssuer::builder()
        .profile(Profile::custom("JWT"))
        .tenant_claim("sub")
        .access_ttl(Duration::ZERO)
        .jwks_max_age(SECOND);
    let errors = errors(builder);
    let errors: Vec<_> = errors
        .iter()
        .map(|(path, code)| (path.as_str(), *code))
        .collect();
    assert_eq!(
        errors,
        [
            ("issuer.issuer", "issuer_invalid"),
            ("issuer.audience", "audience_invalid"),
            ("issuer.profile", "typ_refused"),
            ("issuer.tenant_claim", "claim_invalid"),
            ("issuer.access_ttl", "ttl_refused"),
            ("issuer.jwks_max_age", "ttl_refused"),
            ("issuer.signing", "no_keys"),
        ]
    );
}

#[test]
fn names_are_those_that_a_verifier_takes() {
    let base = || builder(ManualClock::new());
    for issuer in [
        "",
        "*",
        "https://id example.com",
        "http://id.example.com",
        "HTTP://id.example.com",
    ] {
        assert_eq!(
            errors(base().issuer(issuer)),
            one("issuer.issuer", "issuer_invalid"),
            "{issuer:?}"
        );
    }
    for issuer in ["https://id.example.com", "accounts.example.com"] {
        assert!(base().issuer(issuer).build().is_ok(), "{issuer:?}");
    }
    assert!(
        base()
            .dangerous_http_issuer("http://127.0.0.1:3000")
            .build()
            .is_ok()
    );
    for (builder, is_on) in [
        (base(), false),
        (base().dangerous_http_issuer("http://127.0.0.1"), true),
    ] {
        let issuer = builder.build().unwrap();
        assert_eq!(issuer.dangerous(), [("dangerous_http_issuer", is_on)]);
    }
    let both = base()
        .dangerous_http_issuer("http://127.0.0.1")
        .issuer("http://127.0.0.1");
    assert_eq!(
        errors(both),
        one("issuer.issuer", "issuer_invalid"),
        "the last one counts"
    );
    for audience in ["", "*", "a b"] {
        assert_eq!(
            errors(base().audience(audience)),
            one("issuer.audience[1]", "audience_invalid"),
            "{audience:?}"
        );
    }
    for claim in ["", "sub", "scope", "scp", "roles", "at_hash"] {
        assert_eq!(
            errors(base().tenant_claim(claim)),
            one("issuer.tenant_claim", "claim_invalid"),
            "{claim:?}"
        );
    }
    assert!(base().tenant_claim("tid").build().is_ok());
}

#[test]
fn tokens_and_sets_live_for_neither_too_short_nor_too_long() {
    let base = || builder(ManualClock::new());
    let nano = Duration::from_nanos(1);
    for (ttl, is_taken) in [
        (Duration::ZERO, false),
        (SECOND - nano, false),
        (SECOND, true),
        (MINUTE * 60, true),
        (MINUTE * 60 + nano, false),
    ] {
        assert_eq!(base().access_ttl(ttl).build().is_ok(), is_taken, "{ttl:?}");
    }
    for (age, is_taken) in [
        (MINUTE - nano, false),
        (MINUTE, true),
        (MINUTE * 60 * 24, true),
        (MINUTE * 60 * 24 + nano, false),
    ] {
        assert_eq!(
            base().jwks_max_age(age).build().is_ok(),
            is_taken,
            "{age:?}"
        );
    }
    let error = base().access_ttl(MINUTE * 61).build().unwrap_err();
    assert_eq!(
        error.to_string(),
        "issuer.access_ttl: refused access_ttl of 3660 s: write 1 s to an hour, such as 15 minutes, and let clients refresh"
    );
}

#[test]
fn a_key_stands_at_one_place_of_the_ring() {
    let base = |ring| builder(ManualClock::new()).signing(ring);
    let (key, other) = (new_key(), new_key());
    let twice = one("issuer.signing", "duplicate_key");
    let ring = || KeyRing::new(key.clone());
    assert_eq!(errors(base(ring().next(key.clone()))), twice);
    assert_eq!(
        errors(base(ring().add_previous(key.verifying_key().clone()))),
        twice
    );
    let both = ring()
        .next(other.clone())
        .add_previous(other.verifying_key().clone());
    assert_eq!(errors(base(both)), twice);
    let apart = ring()
        .next(other)
        .add_previous(new_key().verifying_key().clone());
    assert!(base(apart).build().is_ok());

    let secret =
        || SigningKey::hmac(b"an example: take 32 random bytes", Algorithm::Hs256).unwrap();
    let mixed = one("issuer.signing", "mixed_key_families");
    assert_eq!(errors(base(ring().next(secret()))), mixed);
    assert_eq!(
        errors(base(
            KeyRing::new(secret()).add_previous(key.verifying_key().clone())
        )),
        mixed
    );
    assert!(base(KeyRing::new(secret())).build().is_ok());
    let error = base(ring().next(key.clone())).build().unwrap_err();
    let error = error.iter().next().unwrap().downcast::<IssuerConfigError>();
    assert!(matches!(error, Some(IssuerConfigError::DuplicateKey { kid, .. }) if kid == key.kid()));
}

#[test]
fn a_previous_key_keeps_its_id_or_gets_its_thumbprint() {
    // RFC 8037, appendix A.3.
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const KID: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
    for (member, expected) in [("", KID), (r#","kid":"2024""#, "2024")] {
        let json = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}"{member}}}"#);
        let ring = KeyRing::new(new_key()).add_previous(Jwk::from_json(json.as_bytes()).unwrap());
        let issuer = builder(ManualClock::new()).signing(ring).build().unwrap();
        let set = JwkSet::strict(issuer.jwks().bytes()).unwrap();
        assert_eq!(set.keys()[1].kid(), Some(expected));
    }
}
