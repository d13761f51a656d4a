//! What is issued is verified: under each profile, with each algorithm and backend, and by another library.

use std::time::SystemTime;

use jsonwebtoken::DecodingKey;
use proptest::prelude::*;
use tower_security::core::{AuthMethod, Confirmation, ManualClock, Principal};
use tower_security::token::jws::JwkSet;
use tower_security::token::{DpopPolicy, Profile, TokenErrorKind};

use super::*;

fn full() -> Principal {
    Principal::builder("alice \u{1f511}")
        .client_id("web")
        .tenant("acme")
        .scopes(["orders:read", "orders:write"])
        .roles(["admin", "\"cook\""])
        .acr("aal2")
        .amr(["pwd", "otp"])
        .auth_time(SystemTime::UNIX_EPOCH + Duration::from_secs(1_735_689_593))
        .session_id("s-1")
        .build()
}

fn lists(who: &Principal) -> [Vec<&str>; 3] {
    [
        who.scopes().collect(),
        who.roles().collect(),
        who.amr().collect(),
    ]
}

#[track_caller]
fn assert_same(verified: &Principal, granted: &Principal) {
    assert_eq!(verified.subject(), granted.subject());
    assert_eq!(verified.issuer(), Some(ISSUER));
    assert_eq!(verified.client_id(), granted.client_id());
    assert_eq!(verified.tenant(), granted.tenant());
    assert_eq!(verified.acr(), granted.acr());
    assert_eq!(verified.auth_time(), granted.auth_time());
    assert_eq!(verified.session_id(), granted.session_id());
    assert_eq!(verified.confirmation(), granted.confirmation());
    assert_eq!(lists(verified), lists(granted));
    assert_eq!(verified.method(), AuthMethod::Bearer);
}

#[test]
fn each_profile_is_verified_as_it_is_and_as_no_other() {
    let clock = ManualClock::new();
    let profiles = [
        Profile::AccessToken,
        Profile::Plain,
        Profile::custom("example-job+jwt"),
    ];
    for issued in &profiles {
        let issuer = builder(clock.clone())
            .profile(issued.clone())
            .build()
            .unwrap();
        let token = issuer
            .issue(&Grant::new(full()).claim("plan", "gold"))
            .unwrap();
        for wanted in &profiles {
            let keys = JwkSet::strict(issuer.jwks().bytes()).unwrap();
            let verifier = verifying(clock.clone(), keys)
                .profile(wanted.clone())
                .build()
                .unwrap();
            // A plain verifier takes the type of access tokens too.
            let fits =
                issued == wanted || (issued, wanted) == (&Profile::AccessToken, &Profile::Plain);
            match verify(&verifier, &token) {
                Ok(verified) => {
                    assert!(fits, "{issued:?} as {wanted:?}");
                    assert_same(&verified, &full());
                    assert_eq!(verified.token_id(), Some(token.token_id()));
                    assert_eq!(
                        verified.expires_at(),
                        Some(token.expires_at() + 30 * SECOND)
                    );
                    #[derive(serde::Deserialize)]
                    struct Plan<'a> {
                        plan: &'a str,
                    }
                    assert_eq!(verified.claims::<Plan<'_>>().unwrap().plan, "gold");
                }
                Err(error) => {
                    assert!(!fits, "{issued:?} as {wanted:?}");
                    assert_eq!(error.reason(), "typ");
                }
            }
        }
    }
}

#[test]
fn a_token_counts_until_its_end_and_for_its_audience() {
    let clock = ManualClock::new();
    let issuer = builder(clock.clone()).access_ttl(MINUTE).build().unwrap();
    let token = token(&issuer);
    let verifier = verifying(clock.clone(), issuer.verifying_keys())
        .build()
        .unwrap();
    clock.advance(89 * SECOND);
    assert!(verify(&verifier, &token).is_ok());
    clock.advance(SECOND);
    let error = verify(&verifier, &token).unwrap_err();
    assert_eq!(error.kind(), TokenErrorKind::Expired);

    let elsewhere = JwtVerifier::builder()
        .issuer(ISSUER)
        .audience("https://elsewhere.example.com")
        .keys(issuer.verifying_keys())
        .clock(ManualClock::new())
        .build()
        .unwrap();
    assert_eq!(verify(&elsewhere, &token).unwrap_err().reason(), "audience");
}

#[test]
fn a_token_that_is_bound_to_a_key_is_of_no_use_without_it() {
    let who = full()
        .to_builder()
        .confirmation(Confirmation::JwkSha256([7; 32]))
        .build();
    let issuer = issuer();
    let bound = issuer.issue(&Grant::new(who)).unwrap();
    let verifier = verifying(ManualClock::new(), issuer.verifying_keys());
    let verifier = verifier
        .dpop(DpopPolicy::new("https://api.example.com"))
        .build()
        .unwrap();
    let error = verify(&verifier, &bound).unwrap_err();
    assert_eq!(error.kind(), TokenErrorKind::Invalid, "{error:?}");
    let unbound = issuer.issue(&Grant::new(full())).unwrap();
    assert!(verify(&verifier, &unbound).is_ok());
}

/// What `openssl genpkey` makes for each algorithm.
fn keys() -> Vec<SigningKey> {
    let mut keys: Vec<_> = [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Es384]
        .map(|algorithm| SigningKey::generate(algorithm).unwrap())
        .into();
    #[cfg(feature = "jwt")]
    keys.extend(
        [
            Algorithm::Ps256,
            Algorithm::Ps384,
            Algorithm::Ps512,
            Algorithm::Rs256,
            Algorithm::Rs384,
            Algorithm::Rs512,
        ]
        .map(|algorithm| SigningKey::from_pem(super::super::issuer::RSA, algorithm).unwrap()),
    );
    let secret: [u8; 64] = std::array::from_fn(|at| u8::try_from(at).unwrap());
    keys.extend(
        [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512]
            .map(|algorithm| SigningKey::hmac(secret, algorithm).unwrap()),
    );
    keys
}

#[test]
fn each_algorithm_is_verified_with_each_backend() {
    for key in keys() {
        let algorithm = key.algorithm();
        let issuer = builder(ManualClock::new())
            .signing(KeyRing::new(key))
            .build()
            .unwrap();
        let token = token(&issuer);
        let sets = [
            issuer.verifying_keys(),
            #[cfg(feature = "jwt-rust-crypto")]
            issuer.verifying_keys().on_rust_crypto(),
        ];
        for set in sets {
            let verifier = verifying(ManualClock::new(), set).build().unwrap();
            assert!(verify(&verifier, &token).is_ok(), "{algorithm}");
        }
        let [header, _] = said(&token);
        assert!(
            header.starts_with(&format!(r#"{{"alg":"{algorithm}","#)),
            "{header}"
        );
    }
}

#[cfg(feature = "jwt-rust-crypto")]
#[test]
fn tokens_that_are_signed_in_rust_alone_are_verified_with_each_backend() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Es384] {
        let pem = SigningKey::generate_pem(algorithm).unwrap();
        let key = SigningKey::on_rust_crypto(pem.expose(), algorithm).unwrap();
        let issuer = builder(ManualClock::new())
            .signing(KeyRing::new(key))
            .build()
            .unwrap();
        let token = issuer.issue(&Grant::new(full())).unwrap();
        let published = JwkSet::strict(issuer.jwks().bytes()).unwrap();
        for set in [published.clone(), published.on_rust_crypto()] {
            let verifier = verifying(ManualClock::new(), set).build().unwrap();
            assert_same(&verify(&verifier, &token).unwrap(), &full());
        }
    }
}

#[test]
fn another_library_reads_the_keys_and_verifies_the_tokens() {
    #[cfg(feature = "jwt")]
    let provider = &jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
    #[cfg(not(feature = "jwt"))]
    let provider = &jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
    for key in keys().into_iter().filter(|key| !key.algorithm().is_hmac()) {
        let issuer = builder(ManualClock::new())
            .signing(KeyRing::new(key))
            .build()
            .unwrap();
        let token = token(&issuer).into_token();
        let set: jsonwebtoken::jwk::JwkSet = serde_json::from_slice(issuer.jwks().bytes()).unwrap();
        let header = jsonwebtoken::decode_header(token.expose()).unwrap();
        assert_eq!(header.typ.as_deref(), Some("at+jwt"));
        let key = set.find(header.kid.as_deref().unwrap()).unwrap();
        assert!(key.is_supported());
        let key = DecodingKey::from_jwk(key).unwrap();
        let (input, signature) = token.expose().rsplit_once('.').unwrap();
        let verifier = (provider.verifier_factory)(&header.alg, &key).unwrap();
        let verified = verifier.verify(input.as_bytes(), &decode(signature));
        assert!(verified.is_ok(), "{:?}", header.alg);
    }
}

/// A text of a user's choice: what JSON escapes, what looks like claims, nothing at all.
fn odd() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z]{1,8}",
        1 => Just(String::new()),
        2 => any::<String>(),
        2 => "[\\x00-\\x20\"\\\\/{}:,\u{7f}\u{2028}\u{feff}]{0,6}",
        1 => Just(r#"a","sub":"root"#.to_owned()),
        1 => Just(r"a\u0022,\u0022scope\u0022:\u0022admin".to_owned()),
    ]
}

fn odd_list() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(odd(), 0..4)
}

proptest! {
    /// What is issued at all is verified as it was granted.
    #[test]
    fn no_text_changes_what_a_token_says(
        one in (odd(), odd(), proptest::option::of(odd()), proptest::option::of(odd()), proptest::option::of(odd())),
        lists in (odd_list(), odd_list(), odd_list()),
        claims in proptest::collection::vec((odd(), odd()), 0..3),
    ) {
        let clock = ManualClock::new();
        let key = SigningKey::hmac(super::super::issuer::SECRET, Algorithm::Hs256).unwrap();
        let issuer = builder(clock.clone()).signing(KeyRing::new(key)).build().unwrap();
        let verifier = verifying(clock, issuer.verifying_keys()).build().unwrap();
        let (subject, client, tenant, acr, session) = one;
        let mut who = Principal::builder(&subject).client_id(&client);
        who = who.scopes(&lists.0).roles(&lists.1).amr(&lists.2);
        if let Some(tenant) = &tenant { who = who.tenant(tenant); }
        if let Some(acr) = &acr { who = who.acr(acr); }
        if let Some(session) = &session { who = who.session_id(session); }
        let who = who.build();
        let mut grant = Grant::new(who.clone());
        for (name, value) in &claims {
            grant = grant.claim(name, value);
        }
        if let Ok(token) = issuer.issue(&grant) {
            let verified = verify(&verifier, &token).unwrap();
            assert_same(&verified, &who);
            let read: serde_json::Map<String, serde_json::Value> = verified.claims().unwrap();
            for (name, value) in &claims {
                prop_assert_eq!(read[name].as_str(), Some(value.as_str()));
            }
        } else {
            let all = [&lists.0, &lists.1, &lists.2].into_iter().flatten();
            let texts = [&subject, &client].into_iter().chain(&tenant).chain(&acr).chain(&session);
            let is_usual = |text: &String| text.bytes().all(|byte| byte.is_ascii_lowercase()) && !text.is_empty();
            prop_assert!(!claims.is_empty() || !all.chain(texts).all(is_usual));
        }
    }
}
