//! Keys of specifications and of OpenSSL 3.0, and what these have signed.

use super::*;
use crate::token::jws::JwkError;

fn text(signature: &[u8]) -> String {
    base64url::encode(signature)
}

fn code(outcome: Result<SigningKey, SigningKeyError>) -> &'static str {
    outcome.expect_err("it is refused").code()
}

/// What it signs is verified by its public half, and by no other one.
#[track_caller]
fn assert_signs(key: &SigningKey) {
    let signature = key.sign(b"message").unwrap();
    let verify = |message: &[u8], signature: &[u8]| {
        let verifying = key.verifying_key();
        verifying.verify(key.algorithm(), message, signature)
    };
    assert_eq!(verify(b"message", &signature), Ok(()));
    assert!(verify(b"massage", &signature).is_err());
    assert_eq!(key.verifying_key().kid(), Some(key.kid()));
    assert_eq!(text(&key.verifying_key().thumbprint()), key.kid());
}

/// RFC 8037, appendix A.1.
const ED25519_JWK: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
/// The same, from `printf 302e020100300506032b657004220420$D | xxd -r -p | openssl pkey -inform DER`.
const ED25519_PEM: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
";
/// RFC 7515, appendix A.3.1.
const P256_JWK: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;

#[test]
fn what_an_algorithm_without_chance_signs_is_that_of_its_specification() {
    // RFC 8037, appendices A.3 and A.4.
    let key = SigningKey::from_jwk(ED25519_JWK).unwrap();
    assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let input = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    assert_eq!(
        text(&key.sign(input).unwrap()),
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    );
    let pem = SigningKey::from_pem(ED25519_PEM, Algorithm::EdDsa).unwrap();
    assert_eq!(pem.kid(), key.kid());
    assert_eq!(pem.sign(input), key.sign(input));

    // RFC 7520, sections 3.5 and 4.4.
    let key = SigningKey::from_jwk(
        r#"{"kty":"oct","use":"sig","alg":"HS256","k":"hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"}"#,
    )
    .unwrap();
    let input = "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9.SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4";
    assert_eq!(
        text(&key.sign(input.as_bytes()).unwrap()),
        "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0"
    );
}

#[test]
fn each_form_of_a_key_is_the_same_key() {
    let key = SigningKey::from_jwk(P256_JWK).unwrap();
    assert_eq!(key.algorithm(), Algorithm::Es256);
    // `printf '{"crv":"P-256","kty":"EC","x":"f83O..","y":"x_FE.."}' | openssl dgst -sha256 -binary | basenc --base64url`.
    assert_eq!(key.kid(), "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
    assert_signs(&key);

    let sec1 = SigningKey::from_pem(P384_SEC1, Algorithm::Es384).unwrap();
    let pkcs8 = SigningKey::from_pem(P384, Algorithm::Es384).unwrap();
    assert_eq!(sec1.kid(), pkcs8.kid());
    assert_signs(&sec1);
    assert_signs(&pkcs8);
    let (_, der) = der::from_pem(P384.as_bytes()).unwrap();
    let der = SigningKey::from_pkcs8(der.expose(), Algorithm::Es384).unwrap();
    assert_eq!(der.kid(), pkcs8.kid());

    let other = SigningKey::from_pem(P384, Algorithm::Es256);
    assert_eq!(
        other.unwrap_err().to_string(),
        "invalid algorithm ES256 for a key on P-384: write one that fits the key"
    );
}

#[cfg(feature = "jwt")]
#[test]
fn an_rsa_key_signs_with_aws_lc() {
    const KID: &str = "oljO59KQwZZn5DHhtFS5caSMfH-xCOHxkK_8AJ_agWg";
    let jwk = SigningKey::from_jwk(RSA_JWK).unwrap();
    assert_eq!(jwk.algorithm(), Algorithm::Rs256);
    for pem in [RSA_PEM, RSA_PKCS1] {
        let key = SigningKey::from_pem(pem, Algorithm::Rs256).unwrap();
        assert_eq!((key.kid(), jwk.kid()), (KID, KID));
        assert_eq!(text(&key.sign(b"tower-security").unwrap()), RSA_SIGNATURE);
        assert_eq!(text(&jwk.sign(b"tower-security").unwrap()), RSA_SIGNATURE);
    }
    for algorithm in [
        Algorithm::Ps256,
        Algorithm::Ps384,
        Algorithm::Ps512,
        Algorithm::Rs256,
        Algorithm::Rs384,
        Algorithm::Rs512,
    ] {
        assert_signs(&SigningKey::from_pem(RSA_PEM, algorithm).unwrap());
    }
    assert_eq!(
        code(SigningKey::from_pem(RSA_WEAK, Algorithm::Rs256)),
        "key_too_weak"
    );
    let without_alg = RSA_JWK.replace(r#""alg":"RS256","#, "");
    assert_eq!(code(SigningKey::from_jwk(without_alg)), "algorithm_missing");
    let without_p = RSA_JWK.replace(r#""p":"#, r#""P":"#);
    assert_eq!(code(SigningKey::from_jwk(without_p)), "component_invalid");
    // The exponent of another modulus.
    let torn = RSA_JWK.replace(r#""d":"H"#, r#""d":"I"#);
    assert_eq!(code(SigningKey::from_jwk(torn)), "key_invalid");
}

#[cfg(feature = "jwt-rust-crypto")]
#[test]
fn no_rsa_key_signs_in_rust_alone() {
    let refused = SigningKey::on_rust_crypto(RSA_PEM, Algorithm::Rs256).unwrap_err();
    assert_eq!(refused, SigningKeyError::RsaSigningRefused);
    assert!(
        refused.to_string().contains("RUSTSEC-2023-0071"),
        "{refused}"
    );
    let refused = Private::from_jwk(RSA_JWK.as_bytes());
    let refused = SigningKey::on(Backend::RustCrypto, &refused.unwrap());
    assert_eq!(code(refused), "rsa_signing_refused");
    #[cfg(not(feature = "jwt"))]
    assert_eq!(
        code(SigningKey::from_pem(RSA_PEM, Algorithm::Rs256)),
        "rsa_signing_refused"
    );
}

#[cfg(feature = "jwt-rust-crypto")]
#[test]
fn the_other_backend_makes_the_same_of_a_key() {
    for (pem, algorithm) in [
        (ED25519_PEM, Algorithm::EdDsa),
        (P384, Algorithm::Es384),
        (P384_SEC1, Algorithm::Es384),
    ] {
        let key = SigningKey::from_pem(pem, algorithm).unwrap();
        let other = SigningKey::on_rust_crypto(pem, algorithm).unwrap();
        assert_eq!(other.kid(), key.kid());
        assert_signs(&other);
        // Each verifies what the other has signed.
        for (signs, verifies) in [(&key, &other), (&other, &key)] {
            let signature = signs.sign(b"message").unwrap();
            let verified = verifies
                .verifying_key()
                .verify(algorithm, b"message", &signature);
            assert_eq!(verified, Ok(()));
        }
    }
}

#[test]
fn what_is_no_key_that_signs_is_refused() {
    let jwk = |text: &str| code(SigningKey::from_jwk(text));
    let changed = |from: &str, to: &str| jwk(&ED25519_JWK.replace(from, to));
    assert_eq!(changed(r#""d":"nWGx"#, r#""e":"nWGx"#), "public_key");
    assert_eq!(changed(r#""d":"nWGx"#, r#""d":"nW"#), "component_invalid");
    assert_eq!(changed(r#""d":"nWGx"#, r#""d":"nW=x"#), "component_invalid");
    assert_eq!(changed(r#""d":"nWGx"#, r#""d":"nWHx"#), "pair_mismatch");
    assert_eq!(changed(r#""x":"11qY"#, r#""y":"11qY"#), "component_invalid");
    assert_eq!(changed("Ed25519", "Ed448"), "curve_refused");
    assert_eq!(
        changed(r#"{"kty""#, r#"{"use":"enc","kty""#),
        "not_for_signing"
    );
    assert_eq!(
        changed(r#"{"kty""#, r#"{"key_ops":["verify"],"kty""#),
        "not_for_signing"
    );
    assert_eq!(
        changed(r#"{"kty""#, r#"{"key_ops":"sign","kty""#),
        "not_for_signing"
    );
    assert_eq!(
        changed(r#"{"kty""#, r#"{"alg":"ES256","kty""#),
        "key_mismatch"
    );
    assert_eq!(changed(r#"{"kty""#, r#"{"d":"AA","kty""#), "not_json");
    assert_eq!(
        changed(r#"{"kty""#, r#"{"oth":[],"kty""#),
        "component_invalid"
    );
    assert_eq!(jwk("[]"), "not_json");
    assert_eq!(
        jwk(r#"{"kty":"oct","alg":"HS256","k":"c2VjcmV0"}"#),
        "key_too_weak"
    );
    for allowed in [
        r#"{"use":"sig","kty""#,
        r#"{"key_ops":["verify","sign"],"kty""#,
        r#"{"alg":"EdDSA","kid":"old","kty""#,
    ] {
        let key = SigningKey::from_jwk(ED25519_JWK.replace(r#"{"kty""#, allowed)).unwrap();
        assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    let pem = |pem: &str, algorithm| code(SigningKey::from_pem(pem, algorithm));
    let public = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----
";
    assert_eq!(pem(public, Algorithm::EdDsa), "public_key");
    assert_eq!(pem(ENCRYPTED, Algorithm::EdDsa), "pem_invalid");
    assert_eq!(pem("", Algorithm::EdDsa), "pem_invalid");
    assert_eq!(
        pem(&ED25519_PEM.replace("END", "FIN"), Algorithm::EdDsa),
        "pem_invalid"
    );
    assert_eq!(
        pem(&ED25519_PEM.replace("J1hs", "J1h!"), Algorithm::EdDsa),
        "pem_invalid"
    );
    assert_eq!(pem(&" ".repeat(20_000), Algorithm::EdDsa), "pem_invalid");
    assert_eq!(
        pem(&ED25519_PEM.replace("MC4C", "MC8C"), Algorithm::EdDsa),
        "key_invalid"
    );
    for algorithm in [Algorithm::Es256, Algorithm::Hs256, Algorithm::Rs256] {
        assert_eq!(pem(ED25519_PEM, algorithm), "key_mismatch");
    }
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Es384] {
        assert_eq!(pem(P521, algorithm), "key_mismatch");
        assert_eq!(pem(ED448, algorithm), "key_mismatch");
        assert_eq!(pem(RSA_PKCS1, algorithm), "key_mismatch");
    }
    assert_eq!(pem(P384_SEC1, Algorithm::EdDsa), "key_mismatch");
    // Another curve than the one it says itself.
    assert_eq!(pem(P384_SEC1, Algorithm::Es256), "key_invalid");
}

#[test]
fn a_public_part_of_another_key_is_refused() {
    // PKCS #8 of version 2 (RFC 8410 section 10.3), with a public key that belongs to the private one, and then to none.
    let seed = base64url::decode(b"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    let mut x = base64url::decode(b"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
    let der = |x: &[u8]| {
        let head = [
            0x30, 0x51, 2, 1, 1, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
        ];
        [&head[..], &seed, &[0x81, 0x21, 0], x].concat()
    };
    assert!(SigningKey::from_pkcs8(der(&x), Algorithm::EdDsa).is_ok());
    x[0] ^= 1;
    assert!(SigningKey::from_pkcs8(der(&x), Algorithm::EdDsa).is_err());
}

#[test]
fn a_secret_signs_for_those_who_share_it() {
    let secret: [u8; 64] = std::array::from_fn(|at| u8::try_from(at).unwrap());
    for algorithm in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
        assert_signs(&SigningKey::hmac(secret, algorithm).unwrap());
    }
    let short = SigningKey::hmac(&secret[..31], Algorithm::Hs256).unwrap_err();
    assert!(
        matches!(short, SigningKeyError::Jwk(JwkError::KeyTooWeak { .. })),
        "{short}"
    );
    assert!(SigningKey::hmac(&secret[..32], Algorithm::Hs256).is_ok());
    assert_eq!(
        code(SigningKey::hmac(&secret[..32], Algorithm::Hs384)),
        "key_too_weak"
    );
    assert_eq!(
        code(SigningKey::hmac([0; 64], Algorithm::Hs256)),
        "key_too_weak"
    );
    assert_eq!(
        code(SigningKey::hmac(secret, Algorithm::EdDsa)),
        "key_mismatch"
    );
    assert_eq!(
        code(SigningKey::hmac(ED25519_PEM.as_bytes(), Algorithm::Hs256)),
        "public_key_as_secret"
    );
}

#[test]
fn a_new_key_is_another_one_each_time_and_can_be_kept() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Es384] {
        let key = SigningKey::generate(algorithm).unwrap();
        assert_signs(&key);
        assert_ne!(SigningKey::generate(algorithm).unwrap().kid(), key.kid());
        let pem = SigningKey::generate_pem(algorithm).unwrap();
        assert!(pem.expose().lines().all(|line| line.len() <= 64));
        assert_signs(&SigningKey::from_pem(pem.expose(), algorithm).unwrap());
    }
    for algorithm in [Algorithm::Hs256, Algorithm::Rs256, Algorithm::Ps512] {
        assert_eq!(code(SigningKey::generate(algorithm)), "generate_refused");
        assert!(SigningKey::generate_pem(algorithm).is_err());
    }
}

#[test]
fn a_key_is_not_shown() {
    let key = SigningKey::from_jwk(ED25519_JWK).unwrap();
    assert_eq!(
        format!("{key:?}"),
        r#"SigningKey { kid: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", algorithm: EdDsa, .. }"#
    );
}

/// `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048`.
const RSA_PEM: &str = "-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCmeZorJIIevOvq
z6ov5SKhrEkCPL3k3g002eSkWOg34Ds/A1/T5kVEjGgNY0BNQ6OCum87IK5xAVMS
MUZK7A5IIEFhp5OCcf62bvvRpPA/M9iPpWh47DgTl0vO765zJ8F26KDJmHf0nzJ7
yDcMfV602NGWztVu1GGrlhN3ZeHrn9OklC+BDcyRq5gyAXlBuvgf3h21TgaAn2tP
QTZvxgnG+5jarIgHs1dtBiyi8wFJeHqUoqj0HCx7UPcNor6f9/HqrqQh/fNy4sKc
SSDeUj9kFuV26g8SPkiViiTOAdGvXueGknlfju9Bj6LGQWuhy0oCyt5dn3nuIO8j
be8ZrbdxAgMBAAECggEAHPs+AuU97t56XrxM1z43d3hgFG7hKzMaDvmg85iTwsh7
X/a1K9VieTLNWYlOFDVihZtxylQf8kXmAZyI7XmnadiNsVPEWxj/3CA5oC9r8MDU
ontMEwMipwx3ktzInL0O0eXhOf9cYL6HQiPiq3626lp1sGCtKPh50W6U0Hww5r06
BGXMlNPbhwn8i2UNTtgR99E+l8xWbXEv2uHd/PZwJgwua12hHaSxFRkHkmFD+0Oy
q5mYZPR3DdQ+fblW8sWVBMp6oKNhHFIxWijgGC5L4tfRC+GqmfoScBFMO+BByTGx
QNAz0fYL5PKVo8s4ux2mJnMIXOX6BGTTiumxibglDQKBgQDdTZU0Mk/4I4KwLC2v
za7q9sjcwjYLIkJQ7O/us/0q6svnYkO1o/nBhatCjB+jLTr42vBI3ctko2zFIuZK
+oMP2linxWdCRSXg5Y0UdsuOldbSKu6gFqjruNOyB0FPCeqnpVL4RbA2/BA/7KK8
wERFJglfAQuLmmBxy4erk7SobQKBgQDAk2RP1YQvNI5BsWni9NOkG8z0gKlp9uqo
Rj4fAcO9sQlO7ADELiLhuHrSrV2LJH++t1oGrp2+F9JTw+k9VqGlVTE9aYeRp4vr
EXC/JMrlFTpoG5WZbp5siZvHms1I/M4y42ADjTFYWuSEfi1aq2BL3t3UYWlF0jii
jSI/QDhwlQKBgBENe2PMRLFAOz/MB7E2TjY40f2A0Z1GBIor18kzAV0fPpsTzVff
zM0Guc2k8oMmZxbp9/4FaTjWBvmh2NEKQLMmBhLXeT94CJUt2xMqnEDedvE28bBQ
Tq/rTBS5zmSCxRwp9xy+cfeqsK3cVCXrQtd5ONujPvqA6NGb91ZXSWJ5AoGAF9Ym
pHsZUX5/3UHIiX8kczu9ssX6MlON2CZZqhzdza0MKeisb5wGVUowacNrwL1T0pd/
XTRf8hegwR2O0TjX6U8SOTfGwBCtEPunqQE03AY0pI5FhihbE7Q0xBA1OMOSAlqC
l+3yHa2ie4PiuUZdNQbxDkjAbxQGTpiJlKquUcECgYEAw6CLFcPc1J2I2XQld55V
i6CKjo7f2yKFG1v5s0hVN73gu+6UnUa8r720I2/gWwP2XhZKDkE4GRfb4d/huKj1
vh4a/ln5JKlw29vu7PqR+VCYbzNL6tsHmYn5RO114d1xm93HH4MQVc0qTZSv8Y7Z
0RGDqn2jUCQbIc7NfpWv3ko=
-----END PRIVATE KEY-----
";
/// The same, by `openssl rsa -traditional`.
#[cfg(feature = "jwt")]
const RSA_PKCS1: &str = "-----BEGIN RSA PRIVATE KEY-----
MIIEowIBAAKCAQEApnmaKySCHrzr6s+qL+UioaxJAjy95N4NNNnkpFjoN+A7PwNf
0+ZFRIxoDWNATUOjgrpvOyCucQFTEjFGSuwOSCBBYaeTgnH+tm770aTwPzPYj6Vo
eOw4E5dLzu+ucyfBduigyZh39J8ye8g3DH1etNjRls7VbtRhq5YTd2Xh65/TpJQv
gQ3MkauYMgF5Qbr4H94dtU4GgJ9rT0E2b8YJxvuY2qyIB7NXbQYsovMBSXh6lKKo
9Bwse1D3DaK+n/fx6q6kIf3zcuLCnEkg3lI/ZBblduoPEj5IlYokzgHRr17nhpJ5
X47vQY+ixkFroctKAsreXZ957iDvI23vGa23cQIDAQABAoIBABz7PgLlPe7eel68
TNc+N3d4YBRu4SszGg75oPOYk8LIe1/2tSvVYnkyzVmJThQ1YoWbccpUH/JF5gGc
iO15p2nYjbFTxFsY/9wgOaAva/DA1KJ7TBMDIqcMd5LcyJy9DtHl4Tn/XGC+h0Ij
4qt+tupadbBgrSj4edFulNB8MOa9OgRlzJTT24cJ/ItlDU7YEffRPpfMVm1xL9rh
3fz2cCYMLmtdoR2ksRUZB5JhQ/tDsquZmGT0dw3UPn25VvLFlQTKeqCjYRxSMVoo
4BguS+LX0Qvhqpn6EnARTDvgQckxsUDQM9H2C+TylaPLOLsdpiZzCFzl+gRk04rp
sYm4JQ0CgYEA3U2VNDJP+COCsCwtr82u6vbI3MI2CyJCUOzv7rP9KurL52JDtaP5
wYWrQowfoy06+NrwSN3LZKNsxSLmSvqDD9pYp8VnQkUl4OWNFHbLjpXW0iruoBao
67jTsgdBTwnqp6VS+EWwNvwQP+yivMBERSYJXwELi5pgccuHq5O0qG0CgYEAwJNk
T9WELzSOQbFp4vTTpBvM9ICpafbqqEY+HwHDvbEJTuwAxC4i4bh60q1diyR/vrda
Bq6dvhfSU8PpPVahpVUxPWmHkaeL6xFwvyTK5RU6aBuVmW6ebImbx5rNSPzOMuNg
A40xWFrkhH4tWqtgS97d1GFpRdI4oo0iP0A4cJUCgYARDXtjzESxQDs/zAexNk42
ONH9gNGdRgSKK9fJMwFdHz6bE81X38zNBrnNpPKDJmcW6ff+BWk41gb5odjRCkCz
JgYS13k/eAiVLdsTKpxA3nbxNvGwUE6v60wUuc5kgsUcKfccvnH3qrCt3FQl60LX
eTjboz76gOjRm/dWV0lieQKBgBfWJqR7GVF+f91ByIl/JHM7vbLF+jJTjdgmWaoc
3c2tDCnorG+cBlVKMGnDa8C9U9KXf100X/IXoMEdjtE41+lPEjk3xsAQrRD7p6kB
NNwGNKSORYYoWxO0NMQQNTjDkgJagpft8h2tonuD4rlGXTUG8Q5IwG8UBk6YiZSq
rlHBAoGBAMOgixXD3NSdiNl0JXeeVYugio6O39sihRtb+bNIVTe94LvulJ1GvK+9
tCNv4FsD9l4WSg5BOBkX2+Hf4bio9b4eGv5Z+SSpcNvb7uz6kflQmG8zS+rbB5mJ
+UTtdeHdcZvdxx+DEFXNKk2Ur/GO2dERg6p9o1AkGyHOzX6Vr95K
-----END RSA PRIVATE KEY-----
";
#[cfg(not(feature = "jwt"))]
const RSA_PKCS1: &str = "-----BEGIN RSA PRIVATE KEY-----\nMAA=\n-----END RSA PRIVATE KEY-----\n";
/// The same, by the Python package `cryptography`.
const RSA_JWK: &str = r#"{"kty":"RSA","alg":"RS256","n":"pnmaKySCHrzr6s-qL-UioaxJAjy95N4NNNnkpFjoN-A7PwNf0-ZFRIxoDWNATUOjgrpvOyCucQFTEjFGSuwOSCBBYaeTgnH-tm770aTwPzPYj6VoeOw4E5dLzu-ucyfBduigyZh39J8ye8g3DH1etNjRls7VbtRhq5YTd2Xh65_TpJQvgQ3MkauYMgF5Qbr4H94dtU4GgJ9rT0E2b8YJxvuY2qyIB7NXbQYsovMBSXh6lKKo9Bwse1D3DaK-n_fx6q6kIf3zcuLCnEkg3lI_ZBblduoPEj5IlYokzgHRr17nhpJ5X47vQY-ixkFroctKAsreXZ957iDvI23vGa23cQ","e":"AQAB","d":"HPs-AuU97t56XrxM1z43d3hgFG7hKzMaDvmg85iTwsh7X_a1K9VieTLNWYlOFDVihZtxylQf8kXmAZyI7XmnadiNsVPEWxj_3CA5oC9r8MDUontMEwMipwx3ktzInL0O0eXhOf9cYL6HQiPiq3626lp1sGCtKPh50W6U0Hww5r06BGXMlNPbhwn8i2UNTtgR99E-l8xWbXEv2uHd_PZwJgwua12hHaSxFRkHkmFD-0Oyq5mYZPR3DdQ-fblW8sWVBMp6oKNhHFIxWijgGC5L4tfRC-GqmfoScBFMO-BByTGxQNAz0fYL5PKVo8s4ux2mJnMIXOX6BGTTiumxibglDQ","p":"3U2VNDJP-COCsCwtr82u6vbI3MI2CyJCUOzv7rP9KurL52JDtaP5wYWrQowfoy06-NrwSN3LZKNsxSLmSvqDD9pYp8VnQkUl4OWNFHbLjpXW0iruoBao67jTsgdBTwnqp6VS-EWwNvwQP-yivMBERSYJXwELi5pgccuHq5O0qG0","q":"wJNkT9WELzSOQbFp4vTTpBvM9ICpafbqqEY-HwHDvbEJTuwAxC4i4bh60q1diyR_vrdaBq6dvhfSU8PpPVahpVUxPWmHkaeL6xFwvyTK5RU6aBuVmW6ebImbx5rNSPzOMuNgA40xWFrkhH4tWqtgS97d1GFpRdI4oo0iP0A4cJU","dp":"EQ17Y8xEsUA7P8wHsTZONjjR_YDRnUYEiivXyTMBXR8-mxPNV9_MzQa5zaTygyZnFun3_gVpONYG-aHY0QpAsyYGEtd5P3gIlS3bEyqcQN528TbxsFBOr-tMFLnOZILFHCn3HL5x96qwrdxUJetC13k426M--oDo0Zv3VldJYnk","dq":"F9YmpHsZUX5_3UHIiX8kczu9ssX6MlON2CZZqhzdza0MKeisb5wGVUowacNrwL1T0pd_XTRf8hegwR2O0TjX6U8SOTfGwBCtEPunqQE03AY0pI5FhihbE7Q0xBA1OMOSAlqCl-3yHa2ie4PiuUZdNQbxDkjAbxQGTpiJlKquUcE","qi":"w6CLFcPc1J2I2XQld55Vi6CKjo7f2yKFG1v5s0hVN73gu-6UnUa8r720I2_gWwP2XhZKDkE4GRfb4d_huKj1vh4a_ln5JKlw29vu7PqR-VCYbzNL6tsHmYn5RO114d1xm93HH4MQVc0qTZSv8Y7Z0RGDqn2jUCQbIc7NfpWv3ko"}"#;
/// `printf tower-security | openssl dgst -sha256 -sign`.
#[cfg(feature = "jwt")]
const RSA_SIGNATURE: &str = "XAHfToo5A43gEx1Q2lNaXcazKyRp34fr3iQWrFbdtc1M9D-ZSgqL_e-cLUeTg1lYAvbrzZsTLyns-XpLoE7wn2zqPbaDPhqw38sbdyN4AKT8PCdo91jDfUn7EDW9e63ySqd9ihmUsEJxlAj7GYkEy2YMGOAmx2vxu6PWF-1YkAQDkTCEGUWErBfw0MwHzCmESmr_b0D6dPfdc2TrIRgr1We-vIcoyWOrGzlhn127Fv6ZbYgiuW3t-whlXy4btLy8iG_FcR2i2wQqfRpHizg_ePipV9l7GWc2SViLZvPbIs1qjt16oYaE07BjkvMtjE-6tLMj5BHcq9scv2mhr7ME4g";
/// Of 1,024 bits.
#[cfg(feature = "jwt")]
const RSA_WEAK: &str = "-----BEGIN PRIVATE KEY-----
MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAJlo48pu4dJhaTtq
nw4sh7GRJ1WZE7yYTeNq3shVRZ84Taivar1DonbjGu0xQQJ7Sd2yaeNC35bcN/LX
fWy0bpmd2ZFRMkyqtPYhnC87Cqx3N8SrJPz1aszOEuKzO9yOMyhfwqY3PanLSuDp
SLHpV7Zly/9+1Xx2pd7YMp3rDadjAgMBAAECgYBzGZqHIKh34zREKxwJU2m/1Utw
0rhXMOKHdYCPSENDUcgafvqT5DH6By0Ft4WyKfRizODbbSo6kyG7Jujo7XtoxuM5
ocnbE4AmvHbmfiyP3CI2ex3iE0eeR+lfDhrENOMlw/uwIDCw2EIc4LXDh5oevmGo
H/MlqUcGk7FvErEM2QJBAMvJj53tCsSAUgIMfuA8sMpKm2yLObvPxijJ2quaOSWD
mBY2jgaPYIBEORWhPSgPleVJNgZ3hyW1ff0oYojpnf8CQQDAtw3PYyh0P51jaCBT
n/QvaCbruXp/QIraKZiEstVK4LU4YoV+BuB6zKa4AAEBlOXG/Jy9UXBoMSlOPtEo
fD6dAkAl9fX6xR0sXXrpRsqbmrKT/DHXlle61IllL7S8Io5inpDGEoOCVVL0kcDQ
dqidvcl+XJTjv4A9VgGSFuPD/UChAkBRHLrzTwj35M6ZyHnSuMBOM8gt7yNf7AqF
SHypXZvoqCueT9lf8gUJqpmBWH8T61fLKQfPpzdoo0h/ZnEiWSkBAkEAvhJ11Oy/
6WsHLBsV0lyd0FNp/iIokeXZwgDUGZoq7vY/xPd82BqjEa6/LfXKW8AQ974D/pm/
UNc6EdlufHq1tg==
-----END PRIVATE KEY-----
";
/// `openssl ecparam -name secp384r1 -genkey`.
const P384_SEC1: &str = "-----BEGIN EC PARAMETERS-----
BgUrgQQAIg==
-----END EC PARAMETERS-----
-----BEGIN EC PRIVATE KEY-----
MIGkAgEBBDBhqcZsXbY+yA6u4klcPe/sVxbQcIz822vzjs2DfyzKSeDOmb6C1yqF
OW2knlqWw52gBwYFK4EEACKhZANiAAT3MRAKCWbIZ1g1w8nOwnafGdkFDOKrp6J+
xeUSt02FhTZGp6tMkIobC2kgRo0U4IL7p+vZ4FiKZqEkEYcuDUMZuGnuo0Yh+c/y
G2Zr96S9CEvCN90AU/zf3VzrSvGpahE=
-----END EC PRIVATE KEY-----
";
/// The same, by `openssl pkcs8 -topk8 -nocrypt`.
const P384: &str = "-----BEGIN PRIVATE KEY-----
MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDBhqcZsXbY+yA6u4klc
Pe/sVxbQcIz822vzjs2DfyzKSeDOmb6C1yqFOW2knlqWw52hZANiAAT3MRAKCWbI
Z1g1w8nOwnafGdkFDOKrp6J+xeUSt02FhTZGp6tMkIobC2kgRo0U4IL7p+vZ4FiK
ZqEkEYcuDUMZuGnuo0Yh+c/yG2Zr96S9CEvCN90AU/zf3VzrSvGpahE=
-----END PRIVATE KEY-----
";
const P521: &str = "-----BEGIN PRIVATE KEY-----
MIHuAgEAMBAGByqGSM49AgEGBSuBBAAjBIHWMIHTAgEBBEIB55aupF3t6rm7kaBz
njHQAkh9HYRhABT3N6wERQoCz9wIlYhB2zqzEEH+jF3JKazoometJj9tBnONPZGp
LUBZv7WhgYkDgYYABAD++LJLk6jJmjEW0Kc0tqrTaia2BavIpcHkCAEdcIkzYSlT
BVU1SmZDY0n61C9xg9DxkqcP+Ig+/0DzP0jchWZy4AFsr9TpU5tNBjIKbATYbuNY
8qGsz/WstfJN5RZWfHtACGLv9t+ozFGF87yDylRrv4aCNW2WdboX3BJ2ptYzf3an
2A==
-----END PRIVATE KEY-----
";
const ED448: &str = "-----BEGIN PRIVATE KEY-----
MEcCAQAwBQYDK2VxBDsEOYefWH300S4Tq8V8CKwWj/RpVZ6m9QgFtbPgzAOMcHZI
NpA5x1MiMtI5TxQ6O2kC4VJeCdrCdMxv6w==
-----END PRIVATE KEY-----
";
/// `openssl genpkey -algorithm ed25519 -aes256`.
const ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgs03k57mRU1wICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEEP6KOkQ7WCLMmYFVDqGNGgEQJLH
+T+N2z8W6OYlZHwh3oIXH/7PloqgTFyloY68S8tUMrl+0jVIiiqjDfBJFV7hQNua
w688FCx57Qo/oFTMOd4=
-----END ENCRYPTED PRIVATE KEY-----
";
