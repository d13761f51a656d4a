use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tower_security::core::{ConfigErrors, Lookup, ManualClock, Secret};
use tower_security::token::jws::{Algorithm, Jwk, JwkSet};
use tower_security::token::{
    JwtVerifier, JwtVerifiers, KeySnapshot, KeySource, KeySourceError, KeyState, TokenErrorKind,
};

use super::super::issuer::{
    AUDIENCE, ED25519_X, ES256_X, ES256_Y, ISSUER, OTHER_X, OTHER_Y, SECRET, Signer, claims,
    ec_jwk, encode, header, key_set, with_claims, with_header,
};
use super::{On, accepted, answer, assert_refused, backends, base, row, set};

#[test]
fn rows_37_to_43() {
    let mut rows = Vec::new();
    let unknown = [
        (37, "../../dev/null"),
        (37, "/etc/passwd"),
        (37, "https://evil.example/key"),
        (38, "' OR '1'='1"),
        (38, "es'; DROP TABLE keys; --"),
        (38, "es\\\""),
        (39, "es\\u202e"),
        (42, "ES"),
        (42, "Es"),
        (42, "es "),
        (42, " es"),
        (42, "e"),
    ];
    for (number, kid) in unknown {
        let token = with_header(&[("kid", &format!("\"{kid}\""))]);
        rows.push(row(number, kid, token, "kid_unknown"));
    }
    for kid in ["es\\u0000", "es\\r\\n", "es\\u0085", "\\u007f"] {
        let token = with_header(&[("kid", &format!("\"{kid}\""))]);
        rows.push(row(39, kid, token, "kid"));
    }
    for (length, reason) in [(257, "kid"), (10 * 1024, "too_long")] {
        let token = with_header(&[("kid", &format!("\"{}\"", "k".repeat(length)))]);
        rows.push(row(40, format!("{length} bytes"), token, reason));
    }
    let long = with_header(&[("kid", &format!("\"{}\"", "k".repeat(256)))]);
    rows.push(row(40, "256 bytes", long, "kid_unknown"));
    for kid in ["1", "null", r#"["es"]"#, r#"{"es":1}"#, r#""""#, "true"] {
        rows.push(row(41, kid, with_header(&[("kid", kid)]), "kid"));
    }
    let nameless = with_header(&[("kid", "")]);
    rows.push(row(43, "two keys fit", nameless.clone(), "key_mismatch").on(On::TwoKeys));
    rows.push(row(43, "two keys, one named", with_header(&[]), "kid_unknown").on(On::TwoKeys));
    accepted(On::EsRs, "one key fits", &nameless);
    assert_refused(rows, 37..=43);
}

#[test]
fn a_sole_key_without_an_id_takes_any_id() {
    let sole = set(&format!(r#"{{"keys":[{}]}}"#, ec_jwk(ES256_X, ES256_Y, "")));
    for keys in backends(sole) {
        let verifier = base(keys).build().expect("it is sound");
        for kid in [r#""es""#, r#""2026-11""#, ""] {
            assert!(
                answer(&verifier, &with_header(&[("kid", kid)])).is_ok(),
                "{kid}"
            );
        }
    }
    let named = ec_jwk(ES256_X, ES256_Y, r#","kid":"a""#);
    let verifier = base(set(&format!(r#"{{"keys":[{named}]}}"#)))
        .build()
        .expect("it is sound");
    let error = answer(&verifier, &with_header(&[])).expect_err("the key has an id");
    assert_eq!(error.reason(), "kid_unknown");
}

#[test]
fn row_44_of_keys_with_the_same_id_none_is_taken() {
    let twice = format!(
        r#"{{"keys":[{},{},{}]}}"#,
        ec_jwk(ES256_X, ES256_Y, r#","kid":"es""#),
        ec_jwk(OTHER_X, OTHER_Y, r#","kid":"es""#),
        ec_jwk(OTHER_X, OTHER_Y, r#","kid":"b""#),
    );
    let keys = JwkSet::from_json(twice.as_bytes()).expect("it is a set");
    let verifier = base(keys).build().expect("one key is left");
    let error = answer(&verifier, &with_header(&[])).expect_err("its key is ambiguous");
    assert_eq!(error.reason(), "kid_unknown");
    let other = Signer::Other256.token(header(&[("kid", r#""b""#)]), claims(&[]));
    assert!(answer(&verifier, &other).is_ok());
}

#[test]
fn row_45_keys_of_one_issuer_do_not_serve_another() {
    let verifier = |issuer: &str, key: String| {
        JwtVerifier::builder()
            .issuer(issuer)
            .audience(AUDIENCE)
            .keys(set(&format!(r#"{{"keys":[{key}]}}"#)))
            .clock(ManualClock::new())
            .build()
            .expect("it is sound")
    };
    let ours = verifier(ISSUER, ec_jwk(ES256_X, ES256_Y, r#","kid":"es""#));
    let evil = verifier(
        "https://evil.example/",
        ec_jwk(OTHER_X, OTHER_Y, r#","kid":"evil""#),
    );
    let both = JwtVerifiers::new([ours, evil]).expect("two issuers");
    let reason = |token: &str| {
        match both.verify(token) {
            Lookup::Ready(answer) => answer.map(|who| who.issuer().map(str::to_owned)),
            Lookup::Pending(_) => panic!("nothing is to be waited for"),
        }
        .map_err(|error| error.reason())
    };
    assert_eq!(reason(&with_claims(&[])), Ok(Some(ISSUER.to_owned())));
    let in_our_name = Signer::Other256.token(header(&[("kid", r#""evil""#)]), claims(&[]));
    assert_eq!(reason(&in_our_name), Err("kid_unknown"));
    let evil_claims = [("iss", r#""https://evil.example/""#)];
    let own = Signer::Other256.token(header(&[("kid", r#""evil""#)]), claims(&evil_claims));
    assert_eq!(reason(&own), Ok(Some("https://evil.example/".to_owned())));
    assert_eq!(reason(&with_claims(&evil_claims)), Err("kid_unknown"));
    let nobody = with_claims(&[("iss", r#""https://nobody.example/""#)]);
    assert_eq!(reason(&nobody), Err("issuer"));
    assert_eq!(reason(&with_claims(&[("iss", "")])), Err("claim_iss"));
    assert_eq!(
        reason(&with_claims(&[(
            "iss",
            r#""https://evil.example/","iss":1"#
        )])),
        Err("json_duplicate")
    );
    assert_eq!(reason("a.b"), Err("structure"));
    assert_eq!(reason(&"a".repeat(8193)), Err("too_long"));
}

/// A source whose keys are none that anybody asks for.
#[derive(Clone)]
struct Fixed {
    keys: JwkSet,
    asked: Arc<AtomicUsize>,
    answer: KeySourceError,
}

impl KeySource for Fixed {
    fn state(&self) -> KeyState {
        KeyState::Ready(KeySnapshot::new(self.keys.clone(), 1))
    }

    fn refresh(&self, kid: Option<&str>) -> Lookup<Result<KeySnapshot, KeySourceError>> {
        assert_eq!(kid, Some("new"));
        self.asked.fetch_add(1, Ordering::Relaxed);
        Lookup::Ready(Err(self.answer))
    }
}

#[test]
fn row_46_an_unknown_id_asks_the_source_once_and_only_for_plausible_claims() {
    let rows = [
        (
            KeySourceError::NotFound,
            TokenErrorKind::Invalid,
            "kid_unknown",
        ),
        (
            KeySourceError::Unavailable,
            TokenErrorKind::Unavailable,
            "keys",
        ),
    ];
    for (from_source, kind, reason) in rows {
        let source = Fixed {
            keys: set(&key_set()),
            asked: Arc::default(),
            answer: from_source,
        };
        let verifier = JwtVerifier::builder()
            .issuer(ISSUER)
            .audience(AUDIENCE)
            .keys(source.clone())
            .clock(ManualClock::new())
            .build()
            .expect("it is sound");
        assert!(answer(&verifier, &with_claims(&[])).is_ok());
        let new = header(&[("kid", r#""new""#)]);
        for implausible in [
            claims(&[("exp", "1")]),
            claims(&[("iss", r#""https://evil.example/""#)]),
            claims(&[("aud", r#""other""#)]),
            claims(&[("jti", "")]),
        ] {
            assert!(answer(&verifier, &Signer::Es256.token(&new, implausible)).is_err());
        }
        assert_eq!(source.asked.load(Ordering::Relaxed), 0);
        let token = Signer::Es256.token(&new, claims(&[]));
        let error = answer(&verifier, &token).expect_err("no key has the id");
        assert_eq!((error.kind(), error.reason()), (kind, reason));
        assert_eq!(error.detail(), Some("alg=ES256 kid=new"));
        assert_eq!(source.asked.load(Ordering::Relaxed), 1);
    }
}

/// Why no verifier is made of these keys.
#[track_caller]
fn refused_keys(keys: JwkSet) -> (String, String) {
    let errors: ConfigErrors = base(keys).build().expect_err("no key is sound");
    let error = errors.iter().next().expect("there is one");
    (error.code().to_owned(), error.message())
}

#[test]
fn rows_47_to_55() {
    let (other_curve, zero_padded) = (encode([7; 31]), encode([&[0], &[7; 32][..]].concat()));
    let rsa = |n: usize, e: &str| {
        format!(
            r#"{{"kty":"RSA","n":"{}","e":"{e}"}}"#,
            encode(vec![0xff; n])
        )
    };
    let okp = |x: usize| {
        format!(
            r#"{{"kty":"OKP","crv":"Ed25519","x":"{}"}}"#,
            encode(vec![9; x])
        )
    };
    let oct = |k: u8, more: &str| {
        let secret: Vec<u8> = (0..k).collect();
        format!(r#"{{"kty":"oct","k":"{}"{more}}}"#, encode(secret))
    };
    let rows = [
        (
            47,
            ec_jwk(ES256_X, ES256_Y, r#","use":"enc""#),
            "it is not meant for verifying",
        ),
        (
            47,
            ec_jwk(ES256_X, ES256_Y, r#","key_ops":["sign"]"#),
            "it is not meant for verifying",
        ),
        (49, rsa(128, "AQAB"), "1024 bits"),
        (49, rsa(256, "AQ"), "exponent"),
        (49, rsa(256, "Ag"), "exponent"),
        (50, oct(0, ""), "key of 0 bits"),
        (50, oct(1, ""), "8 bits"),
        (50, oct(31, ""), "248 bits"),
        (51, oct(32, r#","alg":"A256GCM""#), "A256GCM"),
        (52, ec_jwk(ES256_X, OTHER_Y, ""), "not on the curve"),
        (52, ec_jwk(&other_curve, ES256_Y, ""), "`x`"),
        (52, ec_jwk(&zero_padded, ES256_Y, ""), "`x`"),
        (53, okp(31), "`x`"),
        (53, okp(33), "`x`"),
        (53, okp(57), "`x`"),
        (
            55,
            ec_jwk(ES256_X, ES256_Y, &format!(r#","d":"{ES256_X}""#)),
            "private",
        ),
    ];
    for (number, key, message) in rows {
        let json = format!(r#"{{"keys":[{key}]}}"#);
        let keys = JwkSet::from_json(json.as_bytes()).expect("it is a set");
        let (code, told) = refused_keys(keys);
        assert_eq!(code, "no_keys", "row {number}: {key}");
        assert!(told.contains(message), "row {number}: {told}");
    }
    for key in [
        ec_jwk(ES256_X, ES256_Y, r#","use":"sig","key_ops":["verify"]"#),
        oct(32, r#","alg":"HS256""#),
        format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{ED25519_X}"}}"#),
    ] {
        assert!(
            base(set(&format!(r#"{{"keys":[{key}]}}"#))).build().is_ok(),
            "{key}"
        );
    }
}

#[test]
fn row_54_secrets_and_public_keys_are_not_mixed() {
    let secret = Jwk::hmac(Secret::from(SECRET), Algorithm::Hs256).expect("it is long enough");
    let public = Jwk::from_json(ec_jwk(ES256_X, ES256_Y, "").as_bytes()).expect("it is a key");
    let (code, _) = refused_keys(JwkSet::from_keys([secret, public]));
    assert_eq!(code, "mixed_key_families");
}
