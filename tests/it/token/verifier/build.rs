use std::time::Duration;

use tower_security::core::{ConfigErrors, ErrorClass, ManualClock, Secret};
use tower_security::token::jws::{Algorithm, Jwk, JwkSet};
use tower_security::token::{
    DpopPolicy, JwtVerifier, JwtVerifierBuilder, JwtVerifiers, Profile, TokenCache,
};

use super::super::issuer::SECRET;
use super::{builder, verifier};

fn secret() -> JwkSet {
    JwkSet::from_keys([
        Jwk::hmac(Secret::from(SECRET), Algorithm::Hs256).expect("it is long enough")
    ])
}

fn codes(errors: &ConfigErrors) -> Vec<(&str, &str)> {
    errors
        .iter()
        .map(|error| (error.path(), error.code()))
        .collect()
}

#[track_caller]
fn refused(name: &str, builder: JwtVerifierBuilder, expected: &[(&str, &str)]) {
    let errors = builder.build().expect_err(name);
    assert_eq!(codes(&errors), expected, "{name}");
    for error in errors.iter() {
        let word = error.class().as_str();
        assert!(error.message().starts_with(word), "{error}");
    }
}

fn usual() -> JwtVerifierBuilder {
    builder(ManualClock::new())
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let errors = JwtVerifier::builder()
        .leeway(Duration::from_secs(301))
        .max_token_age(Duration::ZERO)
        .build()
        .expect_err("nothing is configured");
    assert_eq!(
        codes(&errors),
        [
            ("token.issuer", "issuer_invalid"),
            ("token.audience", "audience_invalid"),
            ("token.keys", "no_keys"),
            ("token.leeway", "leeway_too_long"),
            ("token.max_token_age", "age_invalid"),
        ]
    );
    let classes: Vec<_> = errors.iter().map(|error| error.class()).collect();
    assert_eq!(
        classes,
        [
            ErrorClass::Invalid,
            ErrorClass::Invalid,
            ErrorClass::Invalid,
            ErrorClass::Refused,
            ErrorClass::Refused
        ]
    );
}

#[test]
fn an_issuer_is_named() {
    for issuer in [
        "",
        "*",
        "http://id.example.com/",
        "HTTP://id.example.com/",
        "https://id.example.com/\n",
        "https://id.example.com/ ",
    ] {
        refused(
            issuer,
            usual().issuer(issuer),
            &[("token.issuer", "issuer_invalid")],
        );
    }
    for issuer in ["", "*", "a b"] {
        let builder = usual().dangerous_http_issuer(issuer);
        refused(issuer, builder, &[("token.issuer", "issuer_invalid")]);
    }
    for issuer in [
        "https://id.example.com/",
        "accounts.example.com",
        "https",
        "urn:example:id",
    ] {
        let verifier = usual().issuer(issuer).build().expect(issuer);
        assert_eq!(verifier.issuer(), issuer);
        assert!(verifier.dangerous().iter().all(|(_, is_used)| !is_used));
    }
    let plain = usual().dangerous_http_issuer("http://localhost:9000/");
    let plain = plain.build().expect("it is meant");
    assert!(plain.dangerous().contains(&("dangerous_http_issuer", true)));
}

#[test]
fn audiences_are_named() {
    for audience in ["", "*", "a b", "a\n"] {
        let expected = [("token.audience[1]", "audience_invalid")];
        refused(audience, usual().audience(audience), &expected);
    }
    assert!(usual().audience("orders").build().is_ok());
}

#[test]
fn algorithms_fit_the_keys() {
    assert_eq!(
        verifier().algorithms(),
        [Algorithm::Es256, Algorithm::Rs256]
    );
    let es = usual()
        .algorithms([Algorithm::Es256])
        .build()
        .expect("it fits");
    assert_eq!(es.algorithms(), [Algorithm::Es256]);
    let path = "token.algorithms";
    refused(
        "none",
        usual().algorithms([]),
        &[(path, "algorithm_refused")],
    );
    let other = usual().algorithms([Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa]);
    let twice = [(path, "algorithm_refused"), (path, "algorithm_refused")];
    refused("not of these keys", other, &twice);
    let secrets = usual().algorithms([Algorithm::Hs256]);
    refused(
        "secrets of public keys",
        secrets,
        &[(path, "algorithm_refused")],
    );
    assert_eq!(
        usual()
            .keys(secret())
            .build()
            .expect("a secret")
            .algorithms(),
        [Algorithm::Hs256]
    );
}

#[test]
fn keys_are_there_and_of_one_family() {
    let nothing = JwkSet::from_keys([]);
    refused(
        "nothing",
        usual().keys(nothing),
        &[("token.keys", "no_keys")],
    );
    let weak = br#"{"keys":[{"kty":"oct","kid":"a","k":"c2VjcmV0"}]}"#;
    let weak = JwkSet::from_json(weak).expect("it is a set");
    let errors = usual().keys(weak).build().expect_err("no key is left");
    let message = errors.to_string();
    assert!(
        message.contains(r#"; key 0 "a": refused key of 48 bits"#),
        "{message}"
    );
    let mixed = JwkSet::from_keys(secret().keys().iter().chain(super::keys().keys()).cloned());
    refused(
        "both",
        usual().keys(mixed),
        &[("token.keys", "mixed_key_families")],
    );
}

#[test]
fn claims_have_one_meaning() {
    let roles = [("token.roles_claim", "claim_invalid")];
    for path in ["", "/", "sub", "/exp", "/cnf/jkt", "scope", "/scp", "/a/~2"] {
        refused(path, usual().roles_claim(path), &roles);
    }
    let tenant = [("token.tenant_claim", "claim_invalid")];
    for path in ["iss", "/aud", "", "scope", "/roles", "/roles/a"] {
        refused(path, usual().tenant_claim(path), &tenant);
    }
    for name in ["", "exp", "sub"] {
        refused(
            name,
            usual().scope_claim(name),
            &[("token.scope_claim", "claim_invalid")],
        );
    }
    let taken = usual()
        .scope_claim("permissions")
        .roles_claim("/permissions");
    refused("scopes as roles", taken, &roles);
    assert!(
        usual()
            .scope_claim("permissions")
            .roles_claim("/scope")
            .build()
            .is_ok()
    );
    refused(
        "nothing",
        usual().require([""]),
        &[("token.require[0]", "claim_invalid")],
    );
    let names = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>();
    refused(
        "33",
        usual().require(names(33)),
        &[("token.require", "required_too_many")],
    );
    assert!(usual().require(names(32)).build().is_ok());
}

#[test]
fn types_are_no_others() {
    for typ in ["", "JWT", "at+jwt", "dpop+jwt", "application/job+jwt"] {
        let builder = usual().profile(Profile::custom(typ));
        refused(typ, builder, &[("token.profile", "typ_refused")]);
    }
    assert!(usual().profile(Profile::custom("job+jwt")).build().is_ok());
}

#[test]
fn times_have_limits() {
    let path = [("token.leeway", "leeway_too_long")];
    refused("301 s", usual().leeway(Duration::from_secs(301)), &path);
    refused("long", usual().leeway(Duration::MAX), &path);
    for leeway in [0, 300] {
        assert!(usual().leeway(Duration::from_secs(leeway)).build().is_ok());
    }
    let path = [("token.max_token_age", "age_invalid")];
    for age in [Duration::ZERO, Duration::from_millis(999)] {
        refused("no time", usual().max_token_age(age), &path);
    }
    for age in [Duration::from_secs(1), Duration::MAX] {
        assert!(usual().max_token_age(age).build().is_ok());
    }
}

#[test]
fn a_cache_is_of_use() {
    let path = [("token.token_cache", "token_cache_refused")];
    let of = |entries| TokenCache::default().entries(entries);
    for entries in [0, 1_000_001, usize::MAX] {
        refused("size", usual().token_cache(of(entries)), &path);
    }
    for entries in [1, 1_000_000] {
        assert!(usual().token_cache(of(entries)).build().is_ok());
    }
    let hmac = usual().keys(secret()).token_cache(TokenCache::default());
    refused("HMAC", hmac, &path);
}

#[test]
fn a_policy_of_proofs_can_work() {
    let good = || DpopPolicy::new("https://api.example.com");
    let refused = |name: &str, policy, path: &str| {
        let expected = [(path, "dpop_invalid")];
        refused(name, usual().dpop(policy), &expected);
    };
    for url in [
        "",
        "api.example.com",
        "http://api.example.com",
        "https://a@api.example.com",
        "*",
    ] {
        refused(url, DpopPolicy::new(url), "token.dpop.base_url");
    }
    for age in [
        Duration::ZERO,
        Duration::from_millis(999),
        Duration::from_secs(301),
    ] {
        refused("age", good().proof_age(age), "token.dpop.proof_age");
    }
    for entries in [0, 10_000_001] {
        refused(
            "entries",
            good().replay_entries(entries),
            "token.dpop.replay_entries",
        );
    }
    for key in [vec![], vec![7; 32], (0..31).collect()] {
        refused(
            "key",
            good().nonce_key(Secret::new(key)),
            "token.dpop.nonce_key",
        );
    }
    let key = Secret::new((0..32).collect());
    let policy = good()
        .proof_age(Duration::from_secs(300))
        .replay_entries(1)
        .nonce_key(key);
    assert!(usual().dpop(policy).build().is_ok());
    assert!(usual().dpop(good().nonces()).build().is_ok());
}

#[test]
fn verifiers_are_of_different_issuers() {
    let of = |issuer: &str| usual().issuer(issuer).build().expect("it is sound");
    let codes_of = |verifiers: Vec<JwtVerifier>| {
        let errors = JwtVerifiers::new(verifiers).expect_err("it is refused");
        codes(&errors)
            .into_iter()
            .map(|(_, code)| code.to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(codes_of(vec![]), ["verifier_count"]);
    assert_eq!(codes_of(vec![of("a"), of("b"), of("a")]), ["duplicate"]);
    let many = |count: usize| (0..count).map(|n| of(&format!("i{n}"))).collect::<Vec<_>>();
    assert_eq!(codes_of(many(65)), ["verifier_count"]);
    let most = JwtVerifiers::new(many(64)).expect("64 are allowed");
    assert_eq!(most.verifiers().len(), 64);
    assert!(JwtVerifiers::new([of("a"), of("A")]).is_ok());
    assert_eq!(JwtVerifiers::from(of("a")).verifiers().len(), 1);
}

#[test]
fn nothing_shows_keys() {
    let verifier = usual().keys(secret()).build().expect("it is sound");
    let shown = format!(
        "{:?} {:?} {verifier:?} {:?}",
        usual().keys(secret()),
        DpopPolicy::new("https://a.example").nonce_key(Secret::from(SECRET)),
        JwtVerifiers::from(verifier.clone())
    );
    assert!(!shown.contains("random"), "{shown}");
    assert!(shown.contains("https://id.example.com/"), "{shown}");
}

#[test]
fn keys_that_nothing_tells_apart_are_refused() {
    const OTHER: &[u8; 32] = b"another secret of 32 bytes, 0123";
    let key = |kid: Option<&str>, secret: &[u8]| {
        let key = Jwk::hmac(secret, Algorithm::Hs256).expect("it is long enough");
        match kid {
            Some(kid) => key.with_kid(kid).expect("it is short"),
            None => key,
        }
    };
    let set = |one, other| JwkSet::from_keys([key(one, SECRET.as_ref()), key(other, OTHER)]);
    refused(
        "two without an id",
        usual().keys(set(None, None)),
        &[("token.keys", "keys_ambiguous")],
    );
    for (one, other) in [(Some("a"), Some("b")), (Some("a"), None)] {
        assert!(usual().keys(set(one, other)).build().is_ok());
    }
    // Of two algorithms each token says which it is.
    let long = Jwk::hmac([7_u8, 9].repeat(32), Algorithm::Hs512).expect("it is long enough");
    let two = JwkSet::from_keys([key(None, SECRET.as_ref()), long]);
    assert!(usual().keys(two).build().is_ok());
}

#[test]
fn one_key_is_enough() {
    let key = Jwk::hmac(SECRET, Algorithm::Hs256).expect("it is long enough");
    assert!(usual().keys(key.clone()).build().is_ok());
    assert!(usual().keys(JwkSet::from_keys([key])).build().is_ok());
}
