//! What a compact JWS may not be. The numbers are those of the table of refused tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tower_security::core::Secret;
use tower_security::token::jws::{Algorithm, Jwk, JwkSet, JwsError, verify_compact};

use super::rfc_vectors::{
    ALL, EDDSA_KEY, EDDSA_TOKEN, ES256_KEY, ES256_TOKEN, HS256_KEY, HS256_TOKEN, RS256_KEY,
    RS256_TOKEN, SIGNED, backends, set, verify,
};

pub(super) const SECRET: &[u8; 32] = b"an example: take 32 random bytes";

pub(super) fn hmac_keys() -> JwkSet {
    JwkSet::from_keys([Jwk::hmac(Secret::from(SECRET), Algorithm::Hs256).expect("it is long")])
}

pub(super) fn encode(raw: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(raw)
}

/// Signs what already is encoded.
pub(super) fn hs256(signing_input: &str, secret: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("any length");
    mac.update(signing_input.as_bytes());
    format!("{signing_input}.{}", encode(mac.finalize().into_bytes()))
}

/// A token with this header, rightly signed.
pub(super) fn with_header(header: impl AsRef<[u8]>) -> String {
    hs256(&format!("{}.e30", encode(header)), SECRET)
}

#[track_caller]
fn assert_refused(token: &str, keys: &JwkSet, error: JwsError) {
    assert_eq!(verify(token, keys), Err(error), "{token}");
}

#[test]
fn a_token_that_is_not_three_segments_is_refused() {
    let keys = hmac_keys();
    let token = with_header(r#"{"alg":"HS256"}"#);
    assert_eq!(verify(&token, &keys), Ok(b"{}".to_vec()));
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!("three segments");
    };
    for token in [
        // 1, with the five segments of a JWE.
        String::new(),
        header.to_owned(),
        format!("{header}.{payload}"),
        format!("{token}.{signature}"),
        format!("{header}.{payload}.{payload}.{payload}.{signature}"),
        // 2. Without its payload it is a JWS, and this is not its signature.
        format!(".{payload}.{signature}"),
        format!("{header}.{payload}."),
        format!(".{token}"),
        format!("{token}."),
        "..".to_owned(),
        // 9 and 10.
        format!(r#"{{"payload":"{payload}","protected":"{header}","signature":"{signature}"}}"#),
        token.replace('.', "%2E"),
    ] {
        assert_refused(&token, &keys, JwsError::Structure);
    }
    assert_refused(
        &format!("{header}..{signature}"),
        &keys,
        JwsError::Signature,
    );
}

#[test]
fn an_empty_payload_that_is_signed_is_a_payload() {
    let token = hs256(&format!("{}.", encode(r#"{"alg":"HS256"}"#)), SECRET);
    assert_eq!(verify(&token, &hmac_keys()), Ok(Vec::new()));
}

#[test]
fn other_spellings_of_a_segment_are_refused() {
    let keys = hmac_keys();
    let token = with_header(r#"{"alg":"HS256" }"#);
    let segments = token.split('.').collect::<Vec<_>>();
    for at in 0..3 {
        // Each has bits to spare: 22, 3 and 43 characters.
        let segment = segments[at];
        let last = segment.chars().next_back().unwrap();
        let next = char::from(last as u8 + 1);
        let spellings = [
            // 3, 4, 5, 6 and 11.
            format!("{segment}="),
            format!("{segment}=="),
            format!("+{}", &segment[1..]),
            format!("/{}", &segment[1..]),
            format!("{}{next}", &segment[..segment.len() - 1]),
            format!("{} {}", &segment[..1], &segment[1..]),
            format!("{segment}\t"),
            format!("\n{segment}"),
            format!("{segment}\0"),
            format!("{segment}\u{e9}"),
            format!("{segment}A").repeat(if segment.len() % 4 == 0 { 1 } else { 2 }),
            "A".to_owned(),
        ];
        for spelling in spellings {
            let mut segments = segments.clone();
            segments[at] = &spelling;
            let error = verify(&segments.join("."), &keys).unwrap_err();
            let is_refused = matches!(
                error,
                JwsError::Encoding | JwsError::Header(_) | JwsError::Signature
            );
            assert!(is_refused, "{spelling}: {error}");
        }
    }
}

#[test]
fn length_has_limits() {
    let keys = hmac_keys();
    let header = encode(r#"{"alg":"HS256"}"#);
    // 7: 8,192 in all, of which 43 are the signature.
    let payload = "A".repeat(8192 - header.len() - 43 - 2);
    let token = hs256(&format!("{header}.{payload}"), SECRET);
    assert_eq!(token.len(), 8192);
    assert!(verify(&token, &keys).is_ok());
    let token = hs256(&format!("{header}.{payload}AAAA"), SECRET);
    assert_refused(&token, &keys, JwsError::Structure);
    for byte in ["A", ".", "A."] {
        assert_refused(&byte.repeat(1 << 19), &keys, JwsError::Structure);
    }

    // 8: a header of 1,536 bytes has 2,048 characters.
    let padded = |length: usize| format!("{:length$}", r#"{"alg":"HS256"}"#);
    assert!(verify(&with_header(padded(1536)), &keys).is_ok());
    assert_refused(&with_header(padded(1537)), &keys, JwsError::Structure);
}

#[test]
fn a_header_that_is_not_one_strict_object_is_refused() {
    let keys = hmac_keys();
    let rows: &[(&[u8], &str)] = &[
        // 12.
        (b"[\"alg\",\"HS256\"]", "json_syntax"),
        (b"\"HS256\"", "json_syntax"),
        (b"null", "json_syntax"),
        (b"256", "json_syntax"),
        // 13.
        (b"\xef\xbb\xbf{\"alg\":\"HS256\"}", "json_syntax"),
        (b"{\"alg\":\"HS256\"}{}", "json_syntax"),
        (b"{\"alg\":\"HS256\"}\0", "json_syntax"),
        (b"{\"alg\":\"HS256\",\"a\":\"\xff\"}", "json_syntax"),
        (b"{\"alg\":\"HS256\",\"a\":\"\\ud800\"}", "json_syntax"),
        // 14 and 15.
        (b"{\"alg\":\"none\",\"alg\":\"HS256\"}", "json_duplicate"),
        (
            b"{\"alg\":\"HS256\",\"\\u0061lg\":\"HS256\"}",
            "json_duplicate",
        ),
        (
            b"{\"alg\":\"HS256\",\"kid\":\"a\",\"kid\":\"a\"}",
            "json_duplicate",
        ),
        (b"{\"alg\":\"HS256\",\"x\":1,\"x\":1}", "json_duplicate"),
        // 16.
        (b"{}", "alg"),
        (b"{\"alg\":null}", "alg"),
        (b"{\"alg\":256}", "alg"),
        (b"{\"alg\":[\"HS256\"]}", "alg"),
        // 29.
        (b"{\"alg\":\"HS256\",\"typ\":1}", "typ"),
        (b"{\"alg\":\"HS256\",\"typ\":[\"at+jwt\"]}", "typ"),
        // 30 to 33.
        (b"{\"alg\":\"HS256\",\"cty\":\"JWT\"}", "cty"),
        (b"{\"alg\":\"HS256\",\"crit\":[]}", "crit"),
        (b"{\"alg\":\"HS256\",\"crit\":[\"exp\"],\"exp\":1}", "crit"),
        (b"{\"alg\":\"HS256\",\"crit\":[\"x\"]}", "crit"),
        (b"{\"alg\":\"HS256\",\"crit\":\"x\"}", "crit"),
        (b"{\"alg\":\"HS256\",\"crit\":null}", "crit"),
        (b"{\"alg\":\"HS256\",\"b64\":true}", "b64"),
        (b"{\"alg\":\"HS256\",\"b64\":null}", "b64"),
        (b"{\"alg\":\"HS256\",\"zip\":\"DEF\"}", "zip"),
        (b"{\"alg\":\"HS256\",\"enc\":\"A256GCM\"}", "enc"),
        // 39 and 41.
        (b"{\"alg\":\"HS256\",\"kid\":\"\\u0000\"}", "kid"),
        (b"{\"alg\":\"HS256\",\"kid\":\"a\\r\\nb: c\"}", "kid"),
        (b"{\"alg\":\"HS256\",\"kid\":\"\\u0085\"}", "kid"),
        (b"{\"alg\":\"HS256\",\"kid\":1}", "kid"),
        (b"{\"alg\":\"HS256\",\"kid\":null}", "kid"),
        (b"{\"alg\":\"HS256\",\"kid\":[\"a\"]}", "kid"),
        (b"{\"alg\":\"HS256\",\"kid\":\"\"}", "kid"),
    ];
    for (header, reason) in rows {
        let error = verify(&with_header(header), &keys).unwrap_err();
        assert_eq!(error, JwsError::Header(reason), "{}", header.escape_ascii());
        assert_eq!(error.reason(), *reason);
    }
    for header in [
        " {\t\"alg\"\r:\n\"HS256\" } ",
        r#"{"\u0061lg":"HS2\u00356"}"#,
        r#"{"alg":"HS256","ALG":"none","typ":"anything","x":{"alg":1},"x5c":[],"jku":1}"#,
    ] {
        assert!(verify(&with_header(header), &keys).is_ok(), "{header}");
    }
    // 40: 256 bytes, and one more.
    let kid = |length| {
        with_header(format!(
            r#"{{"alg":"HS256","kid":"{}"}}"#,
            "k".repeat(length)
        ))
    };
    assert!(verify(&kid(256), &keys).is_ok());
    assert_refused(&kid(257), &keys, JwsError::Header("kid"));
    let members = |count| {
        let others = (1..count).map(|at| format!(r#","m{at}":{at}"#));
        with_header(format!(
            r#"{{"alg":"HS256"{}}}"#,
            others.collect::<String>()
        ))
    };
    assert!(verify(&members(32), &keys).is_ok());
    assert_refused(&members(33), &keys, JwsError::Header("json_members"));
}

#[test]
fn an_algorithm_that_is_unknown_or_not_allowed_is_refused() {
    // 16 to 18, 25 and 26.
    for name in [
        "",
        "none",
        "None",
        "nOnE",
        "es256",
        "ES256 ",
        "hs256",
        "HS256\\u0000",
        "ES256K",
        "ES512",
        "HS1",
        "RS1",
        "ML-DSA-44",
        "Ed448",
        "RSA-OAEP",
        "dir",
        "A256KW",
    ] {
        let token = with_header(format!(r#"{{"alg":"{name}"}}"#));
        assert_refused(&token, &hmac_keys(), JwsError::AlgorithmRefused);
    }
    for allowed in [&[][..], &[Algorithm::Hs384, Algorithm::Es256]] {
        let error = verify_compact(HS256_TOKEN.as_bytes(), &set(HS256_KEY), allowed).unwrap_err();
        assert_eq!(error, JwsError::AlgorithmRefused);
    }
    let allowed = [Algorithm::Es256, Algorithm::Hs256];
    assert!(verify_compact(HS256_TOKEN.as_bytes(), &set(HS256_KEY), &allowed).is_ok());
}

#[test]
fn both_names_of_eddsa_mean_the_same() {
    // RFC 9864. The name is signed, hence the other signature: RFC 8037, A.1 with this header.
    let token = EDDSA_TOKEN.replacen(
        &encode(r#"{"alg":"EdDSA"}"#),
        &encode(r#"{"alg":"Ed25519"}"#),
        1,
    );
    assert_refused(&token, &set(EDDSA_KEY), JwsError::Signature);
    let named = EDDSA_KEY.replace("{", r#"{"alg":"Ed25519","#);
    assert!(verify(EDDSA_TOKEN, &set(&named)).is_ok());
}

#[test]
fn a_public_key_is_no_secret() {
    // 19 and 20: signed with what everybody may know of the key.
    let keys = set(RS256_KEY);
    let key: serde_json::Value = serde_json::from_str(RS256_KEY).unwrap();
    let modulus = URL_SAFE_NO_PAD.decode(key["n"].as_str().unwrap()).unwrap();
    let input = format!("{}.e30", encode(r#"{"alg":"HS256"}"#));
    for secret in [
        b"-----BEGIN PUBLIC KEY-----\n".as_slice(),
        RS256_KEY.as_bytes(),
        &modulus,
        // 21.
        b"",
    ] {
        assert_refused(&hs256(&input, secret), &keys, JwsError::KeyMismatch);
        assert_refused(
            &hs256(&input, secret),
            &set(ES256_KEY),
            JwsError::KeyMismatch,
        );
        assert_refused(&hs256(&input, secret), &hmac_keys(), JwsError::Signature);
    }
    let mixed = JwkSet::from_keys(
        [RS256_KEY, HS256_KEY].map(|key| Jwk::from_json(key.as_bytes()).unwrap()),
    );
    // 54.
    for token in [RS256_TOKEN, HS256_TOKEN] {
        assert_refused(token, &mixed, JwsError::MixedKeySet);
    }
    let public = JwkSet::from_keys(
        [RS256_KEY, ES256_KEY].map(|key| Jwk::from_json(key.as_bytes()).unwrap()),
    );
    assert!(verify(RS256_TOKEN, &public).is_ok());
}

#[test]
fn what_a_header_says_of_keys_is_not_followed() {
    // 34 to 36: the key in the header is the one that has signed, and is not ours.
    let own = r#"{"kty":"oct","k":"YW4gZXhhbXBsZTogdGFrZSAzMiByYW5kb20gYnl0ZXM"}"#;
    for member in [
        format!(r#""jwk":{own}"#),
        r#""jku":"https://evil.test/keys""#.to_owned(),
        r#""x5u":"https://evil.test/chain""#.to_owned(),
        r#""x5c":["MIIB"]"#.to_owned(),
    ] {
        let token = with_header(format!(r#"{{"alg":"HS256",{member}}}"#));
        assert_refused(&token, &set(HS256_KEY), JwsError::Signature);
        assert!(verify(&token, &hmac_keys()).is_ok());
    }
}

#[test]
fn a_signature_of_another_length_is_refused() {
    // 57 and 58.
    for (key, token) in SIGNED {
        let keys = set(key);
        let (input, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let half = signature.len() / 2;
        let der = [
            &[0x30, 0x44, 2, 0x20][..],
            &signature[..half],
            &[2, 0x20],
            &signature[half..],
        ];
        for other in [
            signature[1..].to_vec(),
            signature[..signature.len() - 1].to_vec(),
            [&signature[..], &[0]].concat(),
            [&[0], &signature[..]].concat(),
            signature[..half].to_vec(),
            signature[..1].to_vec(),
            der.concat(),
        ] {
            let token = format!("{input}.{}", encode(other));
            assert_refused(&token, &keys, JwsError::Signature);
        }
    }
}

#[test]
fn one_flipped_bit_anywhere_is_refused() {
    // 59, 60 and 61.
    for (key, token) in SIGNED {
        let keys = set(key);
        assert!(verify(token, &keys).is_ok());
        // All of the cheap ones; each step is prime to 8, so that each bit of a byte has its turn.
        let step = match token.len() {
            _ if key.contains("oct") => 1,
            ..400 => 5,
            _ => 29,
        };
        for bit in (0..token.len() * 8).step_by(step) {
            let mut token = token.as_bytes().to_vec();
            token[bit / 8] ^= 1 << (bit % 8);
            for keys in backends(&keys) {
                assert!(
                    verify_compact(&token, &keys, ALL).is_err(),
                    "{key}, bit {bit}"
                );
            }
        }
    }
}

#[test]
fn numbers_of_a_signature_that_are_out_of_range_are_refused() {
    // 56: 0 and the order of P-256 (NIST SP 800-186 section 3.2.1.3).
    let (input, signature) = ES256_TOKEN.rsplit_once('.').unwrap();
    let good = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let keys = set(ES256_KEY);
    for number in [[0; 32], order, [0xff; 32]] {
        for signature in [
            [&number[..], &good[32..]].concat(),
            [&good[..32], &number].concat(),
            [number, number].concat(),
        ] {
            assert_refused(
                &format!("{input}.{}", encode(signature)),
                &keys,
                JwsError::Signature,
            );
        }
    }
    // 61: the order of the base point of Ed25519 (RFC 8032 section 5.1) added to S.
    let order = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let (input, signature) = EDDSA_TOKEN.rsplit_once('.').unwrap();
    let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut carry = 0;
    for (digit, other) in signature[32..].iter_mut().zip(order) {
        let sum = u16::from(*digit) + other + carry;
        *digit = sum as u8;
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    assert_refused(
        &format!("{input}.{}", encode(signature)),
        &set(EDDSA_KEY),
        JwsError::Signature,
    );
}

#[test]
fn debug_shows_neither_payload_nor_signature() {
    let keys = set(HS256_KEY);
    let jws = verify_compact(HS256_TOKEN.as_bytes(), &keys, ALL).unwrap();
    let shown = format!("{jws:?} {keys:?}");
    for part in HS256_TOKEN.split('.').chain(["joe", "AyM1Sys"]) {
        assert!(!shown.contains(part), "{shown}");
    }
}
