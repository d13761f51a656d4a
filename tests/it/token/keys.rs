//! Which keys are taken, and which key a token is verified with. The numbers are those of the table of refused tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tower_security::core::Secret;
use tower_security::token::jws::{
    Algorithm, Jwk, JwkError, JwkSet, JwkSetError, JwsError, RejectedKey, VerifiedJws,
};

use super::jws::{SECRET, encode, hs256};
use super::rfc_vectors::{
    EDDSA_KEY, EDDSA_TOKEN, ES256_KEY, ES256_TOKEN, HS256_KEY, RS256_KEY, RS256_TOKEN, set, verify,
};

const ES384_KEY: &str = r#"{"kty":"EC","crv":"P-384","x":"uycGgvg6JQ3jDFC2PK1TOAc067Ql20s4-sEjQ_MpyT3s_ghUYZnZqkd8UzDWY2t8","y":"_geqFV3vuEnn8en4RT4PY0ES381icLZFy6uU-P7uI4nY4pVA-WAYkm4e7gQLeYJc"}"#;
const ES384_TOKEN: &str = "eyJhbGciOiJFUzM4NCJ9.aGVsbG8.DR0jcKxumxyNEwcfeBGi4Z69F2d4Nwc6-9lsLhh7oaQNASrgZkGcc4ucErWwLZdRliAEpig-FVz30pGKXgBl_HH_e4yNwI5vw8k4bDcsCVip0qY83i0IVSNm5nMTfpM2";

const RSA_PEM: &str = "\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofgWCuLjybRlzo0tZWJj
NiuSfb4p4fAkd/wWJcyQoTbji9k0l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEz
P1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo
9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTB
EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxX
FvUK+DWNmoudF8NAco9/h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp
oQIDAQAB
-----END PUBLIC KEY-----
";
const RSA_PKCS1_PEM: &str = "\
-----BEGIN RSA PUBLIC KEY-----
MIIBCgKCAQEAofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd/wWJcyQoTbji9k0l8W2
6mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMs
D1W/YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5
z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxv
b3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxXFvUK+DWNmoudF8NAco9/h9iaGNj8q2et
hFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQIDAQAB
-----END RSA PUBLIC KEY-----
";
const EC_PEM: &str = "\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7
6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==
-----END PUBLIC KEY-----
";
const EC_COMPRESSED_PEM: &str = "\
-----BEGIN PUBLIC KEY-----
MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADf83OJ3D2xF1Bg8vub9tLe1gHMzV7
6e8Tus9uPHvRVEU=
-----END PUBLIC KEY-----
";
const ED_PEM: &str = "\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----
";
const P384_PEM: &str = "\
-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEuycGgvg6JQ3jDFC2PK1TOAc067Ql20s4
+sEjQ/MpyT3s/ghUYZnZqkd8UzDWY2t8/geqFV3vuEnn8en4RT4PY0ES381icLZF
y6uU+P7uI4nY4pVA+WAYkm4e7gQLeYJc
-----END PUBLIC KEY-----
";

/// A key with one member changed or added; `null` takes it away.
fn changed(key: &str, member: &str, value: impl Into<serde_json::Value>) -> String {
    let mut key: serde_json::Value = serde_json::from_str(key).unwrap();
    match value.into() {
        serde_json::Value::Null => {
            key.as_object_mut().unwrap().remove(member);
        }
        value => key[member] = value,
    }
    key.to_string()
}

fn with_kid(key: &str, kid: &str) -> String {
    changed(key, "kid", kid)
}

fn keys(keys: &[String]) -> JwkSet {
    JwkSet::strict(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes()).unwrap()
}

fn load(key: &str) -> Result<Jwk, JwkError> {
    Jwk::from_json(key.as_bytes())
}

#[track_caller]
fn assert_refused(key: &str, code: &str) {
    let error = load(key).expect_err(key);
    assert_eq!(error.code(), code, "{key}");
    // A set loses the key and keeps the others.
    let set = format!(r#"{{"keys":[{EDDSA_KEY},{key},{ES256_KEY}]}}"#);
    let set = JwkSet::from_json(set.as_bytes()).unwrap();
    assert_eq!(set.keys().len(), 2, "{key}");
    let [rejected] = set.rejected() else {
        panic!("one is left out");
    };
    assert_eq!((rejected.index(), rejected.error()), (1, &error));
    assert!(verify(ES256_TOKEN, &set).is_ok());
}

#[test]
fn every_kind_of_key_is_taken_and_bound_to_its_algorithms() {
    use Algorithm::*;
    let rsa = [Rs256, Rs384, Rs512, Ps256, Ps384, Ps512];
    let oct = |bytes: usize| format!(r#"{{"kty":"oct","k":"{}"}}"#, encode(ramp(bytes)));
    let rows: &[(String, &[Algorithm])] = &[
        (RS256_KEY.to_owned(), &rsa),
        (changed(RS256_KEY, "alg", "PS512"), &[Ps512]),
        (ES256_KEY.to_owned(), &[Es256]),
        (changed(ES256_KEY, "alg", "ES256"), &[Es256]),
        (ES384_KEY.to_owned(), &[Es384]),
        (EDDSA_KEY.to_owned(), &[EdDsa]),
        (changed(EDDSA_KEY, "alg", "EdDSA"), &[EdDsa]),
        (changed(EDDSA_KEY, "alg", "Ed25519"), &[EdDsa]),
        (oct(32), &[Hs256]),
        (oct(47), &[Hs256]),
        (oct(48), &[Hs256, Hs384]),
        (oct(64), &[Hs256, Hs384, Hs512]),
        (changed(&oct(64), "alg", "HS256"), &[Hs256]),
        (changed(ES256_KEY, "use", "sig"), &[Es256]),
        (
            changed(ES256_KEY, "key_ops", vec!["sign", "verify"]),
            &[Es256],
        ),
        (changed(ES256_KEY, "x5c", vec!["MIIB"]), &[Es256]),
    ];
    for (key, algorithms) in rows {
        let loaded = load(key).unwrap_or_else(|error| panic!("{key}: {error}"));
        assert_eq!(loaded.algorithms(), *algorithms, "{key}");
        assert_eq!(loaded.kid(), None);
    }
    assert!(verify(ES384_TOKEN, &set(ES384_KEY)).is_ok());
    assert_eq!(
        verify(ES384_TOKEN, &set(ES256_KEY)),
        Err(JwsError::KeyMismatch)
    );
}

#[test]
fn a_key_of_another_kind_or_use_is_refused() {
    for (key, code) in [
        (changed(ES256_KEY, "kty", "DSA"), "type_refused"),
        (changed(ES256_KEY, "kty", "ec"), "type_refused"),
        (changed(ES256_KEY, "kty", 1), "type_refused"),
        (
            changed(ES256_KEY, "kty", serde_json::Value::Null),
            "type_refused",
        ),
        (changed(ES256_KEY, "crv", "secp256k1"), "curve_refused"),
        (changed(EDDSA_KEY, "crv", "Ed448"), "curve_refused"),
        (changed(EDDSA_KEY, "crv", "X25519"), "curve_refused"),
        (
            changed(EDDSA_KEY, "crv", serde_json::Value::Null),
            "curve_refused",
        ),
        (changed(ES256_KEY, "alg", "ES384"), "key_mismatch"),
        (changed(ES256_KEY, "alg", "HS256"), "key_mismatch"),
        (changed(EDDSA_KEY, "alg", "ES256"), "key_mismatch"),
        (changed(RS256_KEY, "alg", "ES256"), "key_mismatch"),
        (changed(RS256_KEY, "alg", "HS256"), "key_mismatch"),
        (changed(RS256_KEY, "alg", "RSA-OAEP"), "algorithm_refused"),
        (changed(RS256_KEY, "alg", "none"), "algorithm_refused"),
        (changed(RS256_KEY, "alg", "rs256"), "algorithm_refused"),
        (changed(RS256_KEY, "alg", 256), "algorithm_refused"),
        // 47.
        (changed(ES256_KEY, "use", "enc"), "not_for_verifying"),
        (changed(ES256_KEY, "use", "SIG"), "not_for_verifying"),
        (changed(ES256_KEY, "use", vec!["sig"]), "not_for_verifying"),
        (
            changed(ES256_KEY, "key_ops", vec!["sign"]),
            "not_for_verifying",
        ),
        (
            changed(ES256_KEY, "key_ops", Vec::<String>::new()),
            "not_for_verifying",
        ),
        (changed(ES256_KEY, "key_ops", "verify"), "not_for_verifying"),
        (
            changed(ES256_KEY, "key_ops", serde_json::json!(["verify", 1])),
            "not_for_verifying",
        ),
        // 51.
        (changed(HS256_KEY, "alg", "A256GCM"), "algorithm_refused"),
        (changed(HS256_KEY, "alg", "RS256"), "key_mismatch"),
        // 55.
        (
            changed(
                ES256_KEY,
                "d",
                "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
            ),
            "private_key",
        ),
        (changed(RS256_KEY, "qi", 1), "private_key"),
        (
            changed(RS256_KEY, "oth", Vec::<String>::new()),
            "private_key",
        ),
        // 39 to 41.
        (with_kid(ES256_KEY, ""), "kid_invalid"),
        (with_kid(ES256_KEY, "a\nb"), "kid_invalid"),
        (with_kid(ES256_KEY, &"k".repeat(257)), "kid_invalid"),
        (changed(ES256_KEY, "kid", 1), "kid_invalid"),
        (ES256_KEY.replacen('{', r#"{"kty":"EC","#, 1), "not_json"),
        ("[]".to_owned(), "not_json"),
        ("null".to_owned(), "not_json"),
    ] {
        if key == "[]" || key == "null" {
            assert_eq!(load(&key).unwrap_err().code(), code);
        } else {
            assert_refused(&key, code);
        }
    }
}

#[test]
fn points_are_on_their_curve_and_written_in_full() {
    // 52.
    let y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
    let raw = URL_SAFE_NO_PAD.decode(y).unwrap();
    let mut other = raw.clone();
    other[31] ^= 1;
    for (value, code) in [
        (encode(other), "point_refused"),
        (encode([0; 32]), "point_refused"),
        (encode([0xff; 32]), "point_refused"),
        (encode(&raw[1..]), "component_invalid"),
        (encode([&[0], &raw[..]].concat()), "component_invalid"),
        (String::new(), "component_invalid"),
        (format!("{y}="), "component_invalid"),
        (y.replace('_', "/"), "component_invalid"),
    ] {
        assert_refused(&changed(ES256_KEY, "y", value), code);
    }
    assert_refused(&changed(ES256_KEY, "y", 1), "component_invalid");
    assert_refused(
        &changed(ES256_KEY, "y", serde_json::Value::Null),
        "component_invalid",
    );
    assert_refused(&changed(ES384_KEY, "crv", "P-256"), "component_invalid");
    // 53 and 62.
    for length in [0, 31, 33, 57] {
        assert_refused(
            &changed(EDDSA_KEY, "x", encode(vec![7; length])),
            "component_invalid",
        );
    }
    for key in [[0; 32], [0xff; 32]] {
        assert_refused(&changed(EDDSA_KEY, "x", encode(key)), "point_refused");
    }
}

#[test]
fn weak_keys_are_refused() {
    let rsa = |n: &[u8], e: &[u8]| {
        let key = changed(RS256_KEY, "n", encode(n));
        changed(&key, "e", encode(e))
    };
    let modulus = |bytes: usize, first: u8| {
        let mut n = vec![0xff; bytes];
        n[0] = first;
        n
    };
    let f4 = [1, 0, 1];
    for (n, e) in [
        (modulus(256, 0x80), &f4[..]),
        (modulus(512, 0xff), &[3]),
        (modulus(256, 0xff), &[0xff; 4]),
    ] {
        assert!(load(&rsa(&n, e)).is_ok());
    }
    // 49.
    for (n, e, code) in [
        (modulus(128, 0xff), &f4[..], "key_too_weak"),
        (modulus(256, 0x7f), &f4, "key_too_weak"),
        (modulus(1, 1), &f4, "key_too_weak"),
        (modulus(1025, 1), &f4, "key_too_long"),
        (modulus(2000, 1), &f4, "key_too_long"),
        (modulus(256, 0xff), &[1], "exponent_refused"),
        (modulus(256, 0xff), &[2], "exponent_refused"),
        (modulus(256, 0xff), &[1, 0, 0], "exponent_refused"),
        (modulus(256, 0xff), &[1, 0, 0, 0, 1], "exponent_refused"),
        (modulus(256, 0xff), &[], "component_invalid"),
        (modulus(256, 0xff), &[0, 1, 0, 1], "component_invalid"),
        (modulus(257, 0), &f4, "component_invalid"),
    ] {
        assert_refused(&rsa(&n, e), code);
    }
    let mut even = modulus(256, 0xff);
    even[255] = 0xfe;
    assert_refused(&rsa(&even, &f4), "exponent_refused");
    let error = load(&rsa(&modulus(128, 0xff), &f4)).unwrap_err();
    assert_eq!(
        error,
        JwkError::KeyTooWeak {
            bits: 1024,
            least: 2048
        }
    );
}

#[test]
fn a_secret_of_one_byte_over_and_over_is_refused() {
    for (algorithm, least) in [
        (Algorithm::Hs256, 32),
        (Algorithm::Hs384, 48),
        (Algorithm::Hs512, 64),
    ] {
        for byte in [0, 7, b'x', 0xff] {
            for length in [least, least + 1, 4 * least] {
                let mut secret = vec![byte; length];
                let oct = |secret: &[u8]| {
                    let name = algorithm.as_str();
                    format!(r#"{{"kty":"oct","alg":"{name}","k":"{}"}}"#, encode(secret))
                };
                let weak = JwkError::KeyTooWeak {
                    bits: if byte == 0 { 0 } else { 8 },
                    least: least * 8,
                };
                let error = Jwk::hmac(Secret::new(secret.clone()), algorithm).unwrap_err();
                assert_eq!(error, weak, "{algorithm} {byte} {length}");
                assert_eq!(load(&oct(&secret)).unwrap_err(), weak);

                secret[length - 1] ^= 1;
                assert!(load(&oct(&secret)).is_ok());
                assert!(Jwk::hmac(Secret::new(secret), algorithm).is_ok());
            }
        }
    }
}

#[test]
fn short_secrets_are_refused() {
    // 21 and 50.
    for length in [0, 1, 31] {
        let key = format!(r#"{{"kty":"oct","k":"{}"}}"#, encode(ramp(length)));
        assert_refused(&key, "key_too_weak");
    }
    for (algorithm, least) in [
        (Algorithm::Hs256, 32),
        (Algorithm::Hs384, 48),
        (Algorithm::Hs512, 64),
    ] {
        let secret = |length: usize| Secret::new(ramp(length));
        assert!(Jwk::hmac(secret(least), algorithm).is_ok());
        let error = Jwk::hmac(secret(least - 1), algorithm).unwrap_err();
        let (bits, least) = ((least - 1) * 8, least * 8);
        assert_eq!(error, JwkError::KeyTooWeak { bits, least });
        assert_eq!(
            error.to_string(),
            format!(
                "refused key of {bits} bits: take {least} at least; for a new key, ES256 or EdDSA"
            )
        );
    }
    let error = Jwk::hmac(Secret::from(SECRET), Algorithm::Es256).unwrap_err();
    assert_eq!(error.code(), "key_mismatch");
    // 19: the mistake that makes the attack, on our side.
    for text in [
        RSA_PEM,
        EC_PEM,
        "  ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUcYr",
    ] {
        let error = Jwk::hmac(Secret::from(text.as_bytes()), Algorithm::Hs256).unwrap_err();
        assert_eq!(error, JwkError::PublicKeyAsSecret);
    }
}

/// Bytes that are all different.
fn ramp(length: usize) -> Vec<u8> {
    (1..=length).map(|at| at as u8).collect()
}

/// To HMAC (RFC 2104 section 2) a key is the same with zeros behind it: 32 of them are the empty key.
#[test]
fn secrets_that_are_long_and_can_be_guessed_are_refused() {
    let hmac = |secret: &[u8]| Jwk::hmac(Secret::from(secret), Algorithm::Hs256);
    let padded = |length: usize| {
        let mut secret = ramp(length);
        secret.resize(32, 0);
        secret
    };
    for (secret, bits) in [
        (padded(0), 0),
        (vec![7; 32], 8),
        (vec![b'a'; 64], 8),
        (padded(6), 48),
        (padded(11), 88),
    ] {
        let error = hmac(&secret).unwrap_err();
        assert_eq!(error, JwkError::KeyTooWeak { bits, least: 256 });
        let key = format!(r#"{{"kty":"oct","k":"{}"}}"#, encode(&secret));
        assert_refused(&key, "key_too_weak");
        let set = format!(r#"{{"keys":[{key}]}}"#);
        let vectors = JwkSet::dangerous_guessable_secrets(set.as_bytes()).unwrap();
        assert_eq!(vectors.keys().len(), 1);
    }
    // One random secret of 256 ends with a zero.
    for length in [12, 31] {
        assert!(hmac(&padded(length)).is_ok(), "{length}");
    }
}

#[test]
fn pem_is_read() {
    for (pem, algorithm, key, token) in [
        (RSA_PEM, Algorithm::Rs256, RS256_KEY, RS256_TOKEN),
        (RSA_PKCS1_PEM, Algorithm::Rs256, RS256_KEY, RS256_TOKEN),
        (EC_PEM, Algorithm::Es256, ES256_KEY, ES256_TOKEN),
        (ED_PEM, Algorithm::EdDsa, EDDSA_KEY, EDDSA_TOKEN),
        (P384_PEM, Algorithm::Es384, ES384_KEY, ES384_TOKEN),
    ] {
        let read = Jwk::from_pem(pem.as_bytes(), algorithm).unwrap();
        assert_eq!(read.algorithms(), [algorithm]);
        assert_eq!(read.thumbprint(), load(key).unwrap().thumbprint());
        assert!(verify(token, &JwkSet::from_keys([read])).is_ok());
    }
    let read = Jwk::from_pem(RSA_PEM.as_bytes(), Algorithm::Ps256).unwrap();
    assert_eq!(
        verify(RS256_TOKEN, &JwkSet::from_keys([read])),
        Err(JwsError::KeyMismatch)
    );
}

#[test]
fn a_pem_of_something_else_is_refused() {
    for (pem, algorithm, code) in [
        (RSA_PEM, Algorithm::Es256, "key_mismatch"),
        (RSA_PEM, Algorithm::EdDsa, "key_mismatch"),
        (EC_PEM, Algorithm::Rs256, "key_mismatch"),
        (EC_PEM, Algorithm::Es384, "key_mismatch"),
        (P384_PEM, Algorithm::Es256, "key_mismatch"),
        (EC_COMPRESSED_PEM, Algorithm::Es256, "point_refused"),
        (RSA_PKCS1_PEM, Algorithm::Es256, "pem_invalid"),
        (RSA_PEM, Algorithm::Hs256, "public_key_as_secret"),
        ("", Algorithm::Rs256, "pem_invalid"),
        (
            "-----BEGIN PUBLIC KEY-----",
            Algorithm::Rs256,
            "pem_invalid",
        ),
        (RS256_KEY, Algorithm::Rs256, "pem_invalid"),
    ] {
        let error = Jwk::from_pem(pem.as_bytes(), algorithm).unwrap_err();
        assert_eq!(error.code(), code, "{algorithm}: {pem}");
    }
    for (label, code) in [
        ("PRIVATE KEY", "private_key"),
        ("RSA PRIVATE KEY", "private_key"),
        ("EC PRIVATE KEY", "private_key"),
        ("ENCRYPTED PRIVATE KEY", "private_key"),
        ("CERTIFICATE", "pem_invalid"),
    ] {
        let pem = RSA_PEM.replace("PUBLIC KEY", label);
        let error = Jwk::from_pem(pem.as_bytes(), Algorithm::Rs256).unwrap_err();
        assert_eq!(error.code(), code, "{label}");
    }
}

#[test]
fn a_key_is_found_by_the_id_of_the_token() {
    let token = |kid: &str| {
        let header = serde_json::json!({"alg": "HS256", "kid": kid}).to_string();
        hs256(&format!("{}.e30", encode(header)), SECRET)
    };
    let own = format!(r#"{{"kty":"oct","k":"{}"}}"#, encode(SECRET));
    let two = keys(&[with_kid(HS256_KEY, "a"), with_kid(&own, "b")]);
    assert!(verify(&token("b"), &two).is_ok());
    assert_eq!(verify(&token("a"), &two), Err(JwsError::Signature));
    // 37, 38, 42, 45 and 46.
    for kid in [
        "../../dev/null",
        "/etc/passwd",
        "https://evil.test/b",
        "b' OR '1'='1",
        "B",
        "b ",
        "\u{202e}b",
        "c",
    ] {
        assert_eq!(
            verify(&token(kid), &two),
            Err(JwsError::KeyUnknown),
            "{kid}"
        );
    }
    // 43: no id, and two keys fit.
    let none = hs256(&format!("{}.e30", encode(r#"{"alg":"HS256"}"#)), SECRET);
    assert_eq!(verify(&none, &two), Err(JwsError::KeyMismatch));
    assert!(verify(&none, &keys(&[with_kid(&own, "b")])).is_ok());

    // A sole key without an id takes any; with an id, or beside another, it does not.
    assert!(verify(&token("any"), &set(&own)).is_ok());
    assert_eq!(
        verify(&token("any"), &keys(&[with_kid(&own, "b")])),
        Err(JwsError::KeyUnknown)
    );
    let beside = keys(&[own, with_kid(HS256_KEY, "a")]);
    assert_eq!(verify(&token("any"), &beside), Err(JwsError::KeyUnknown));
    assert_eq!(
        verify(&none, &JwkSet::from_keys([])),
        Err(JwsError::KeyMismatch)
    );
    assert_eq!(
        verify(&token("a"), &JwkSet::from_keys([])),
        Err(JwsError::KeyUnknown)
    );
}

#[test]
fn a_token_is_verified_with_a_key_of_its_algorithm_alone() {
    let named = |alg: &str| {
        let header = format!(r#"{{"alg":"{alg}","kid":"ec"}}"#);
        RS256_TOKEN.replacen("eyJhbGciOiJSUzI1NiJ9", &encode(header), 1)
    };
    let public = keys(&[with_kid(ES256_KEY, "ec"), with_kid(RS256_KEY, "rsa")]);
    // 22 and 24.
    for alg in ["RS256", "ES384", "EdDSA", "HS256"] {
        assert_eq!(
            verify(&named(alg), &public),
            Err(JwsError::KeyMismatch),
            "{alg}"
        );
    }
    assert!(verify(RS256_TOKEN, &public).is_ok() && verify(ES256_TOKEN, &public).is_ok());
    // 23.
    let bound = set(&changed(RS256_KEY, "alg", "RS256"));
    assert!(verify(RS256_TOKEN, &bound).is_ok());
    for alg in ["PS256", "RS512"] {
        let token = RS256_TOKEN.replacen(
            "eyJhbGciOiJSUzI1NiJ9",
            &encode(format!(r#"{{"alg":"{alg}"}}"#)),
            1,
        );
        assert_eq!(verify(&token, &bound), Err(JwsError::KeyMismatch), "{alg}");
        assert_eq!(
            verify(&token, &set(RS256_KEY)),
            Err(JwsError::Signature),
            "{alg}"
        );
    }
    let other = set(&changed(RS256_KEY, "alg", "PS256"));
    assert_eq!(verify(RS256_TOKEN, &other), Err(JwsError::KeyMismatch));
}

#[test]
fn of_keys_with_the_same_id_none_is_taken() {
    // 44.
    let json = format!(
        r#"{{"keys":[{},{},{},{}]}}"#,
        with_kid(ES256_KEY, "a"),
        with_kid(ES384_KEY, "b"),
        with_kid(RS256_KEY, "a"),
        EDDSA_KEY,
    );
    let set = JwkSet::from_json(json.as_bytes()).unwrap();
    assert_eq!(
        set.keys().iter().map(Jwk::kid).collect::<Vec<_>>(),
        [Some("b"), None]
    );
    let rejected = set
        .rejected()
        .iter()
        .map(|key| (key.index(), key.kid(), key.error().code()));
    assert_eq!(
        rejected.collect::<Vec<_>>(),
        [(0, Some("a"), "kid_twice"), (2, Some("a"), "kid_twice")]
    );
    assert_eq!(
        JwkSet::strict(json.as_bytes()).unwrap_err(),
        JwkSetError::Key(0, JwkError::KidTwice)
    );

    let named = |kid: &str| load(ES256_KEY).unwrap().with_kid(kid).unwrap();
    assert_eq!(
        JwkSet::from_keys([named("a"), named("b"), named("a")])
            .keys()
            .len(),
        1
    );
    assert!(load(ES256_KEY).unwrap().with_kid("").is_err());
    // Without ids nothing stands twice.
    assert_eq!(
        JwkSet::from_keys([load(ES256_KEY).unwrap(), load(RS256_KEY).unwrap()])
            .keys()
            .len(),
        2
    );
}

#[test]
fn a_set_is_one_strict_object_with_an_array_of_keys() {
    for (json, code) in [
        ("", "not_json"),
        ("<html></html>", "not_json"),
        ("[]", "not_json"),
        (r#"{"keys":[]} {}"#, "not_json"),
        (r#"{"keys":[],"keys":[]}"#, "not_json"),
        (r#"{"keys":[],"x":"\ud800"}"#, "not_json"),
        ("{}", "keys_missing"),
        (r#"{"Keys":[]}"#, "keys_missing"),
        (r#"{"keys":{}}"#, "keys_missing"),
        (r#"{"keys":null}"#, "keys_missing"),
    ] {
        assert_eq!(
            JwkSet::from_json(json.as_bytes()).unwrap_err().code(),
            code,
            "{json}"
        );
    }
    let many = |count: usize| format!(r#"{{"keys":[{}]}}"#, vec!["{}"; count].join(","));
    assert_eq!(
        JwkSet::from_json(many(0).as_bytes()).unwrap().keys().len(),
        0
    );
    assert_eq!(
        JwkSet::from_json(many(256).as_bytes())
            .unwrap()
            .rejected()
            .len(),
        256
    );
    assert_eq!(
        JwkSet::from_json(many(257).as_bytes()).unwrap_err(),
        JwkSetError::TooManyKeys
    );
    let long = |length: usize| format!(r#"{{"keys":[]}}{}"#, " ".repeat(length - 11));
    assert!(JwkSet::from_json(long(262_144).as_bytes()).is_ok());
    assert_eq!(
        JwkSet::from_json(long(262_145).as_bytes()).unwrap_err(),
        JwkSetError::TooLong(262_145)
    );
}

#[test]
fn a_broken_key_loses_itself_alone() {
    let good = [
        with_kid(ES256_KEY, "1"),
        with_kid(RS256_KEY, "2"),
        with_kid(EDDSA_KEY, "3"),
        with_kid(ES384_KEY, "5"),
    ];
    for broken in [
        "null",
        "1",
        r#""key""#,
        "[]",
        "{}",
        r#"{"kty":"EC","kty":"EC"}"#,
        r#"{"kid":"4\u0000\u202e","kty":"AKP","alg":"ML-DSA-44"}"#,
        r#"{"kid":"4","kty":"oct","k":"c2VjcmV0"}"#,
        r#"{"kid":["4"]}"#,
    ] {
        let json = format!(
            r#"{{"keys":[{},{},{},{broken},{}]}}"#,
            good[0], good[1], good[2], good[3]
        );
        let set = JwkSet::from_json(json.as_bytes()).unwrap();
        assert_eq!(set.keys().len(), 4, "{broken}");
        assert_eq!(set.rejected()[0].index(), 3);
        let kid = set.rejected()[0].kid().unwrap_or("4");
        assert!(
            kid.starts_with('4') && kid.bytes().all(|byte| byte.is_ascii_graphic()),
            "{kid}"
        );
        assert!(matches!(
            JwkSet::strict(json.as_bytes()),
            Err(JwkSetError::Key(3, _))
        ));
    }
}

#[test]
fn messages_quote_no_secret_and_cut_what_is_long() {
    let long = "x\u{1b}".repeat(1000);
    for key in [
        changed(ES256_KEY, "kty", long.as_str()),
        changed(ES256_KEY, "crv", long.as_str()),
        changed(ES256_KEY, "alg", long.as_str()),
    ] {
        let message = load(&key).unwrap_err().to_string();
        assert!(
            message.len() < 500 && !message.contains('\u{1b}'),
            "{message}"
        );
        assert!(message.starts_with("refused "), "{message}");
    }
    let secret = "c2VjcmV0";
    let key = format!(r#"{{"kty":"oct","k":"{secret}","kid":"a"}}"#);
    let error = load(&key).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(secret));
    let key = Jwk::hmac(Secret::from(SECRET), Algorithm::Hs256)
        .unwrap()
        .with_kid("a")
        .unwrap();
    assert_eq!(
        format!("{key:?}"),
        r#"Jwk { kid: Some("a"), algorithms: [Hs256], .. }"#
    );
}

#[test]
fn every_type_crosses_threads() {
    fn shared<T: Clone + std::fmt::Debug + Send + Sync + Unpin + 'static>() {}
    fn borrowed<T: std::fmt::Debug + Send + Sync + Unpin>() {}
    shared::<Algorithm>();
    shared::<Jwk>();
    shared::<JwkSet>();
    shared::<RejectedKey>();
    shared::<JwkError>();
    shared::<JwkSetError>();
    shared::<JwsError>();
    borrowed::<VerifiedJws<'_>>();
}
