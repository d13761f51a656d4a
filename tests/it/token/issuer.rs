//! Keys of tests, and tokens signed with them: what an issuer would do, and what an attacker does.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::EncodingKey;

/// The date of a new `ManualClock`.
pub(crate) const NOW: u64 = 1_735_689_600;

pub(crate) const ISSUER: &str = "https://id.example.com/";
pub(crate) const AUDIENCE: &str = "https://api.example.com";

/// The public keys that belong to the private ones below.
pub(crate) const ES256_X: &str = "mJYz84xxRZ1mEGA-TpT6cCookjVvBptQ4TXKHpAMWGs";
pub(crate) const ES256_Y: &str = "wHf5yZr7dasUHSIaYUv4XdHdJsIp1hDacxPLLge7Q7o";
pub(crate) const OTHER_X: &str = "xBx0o-QR6VPwyh1JBJca1Sc_xi08tNbAUeMhXMHV_KI";
pub(crate) const OTHER_Y: &str = "zu6AJLrbqNpOIfdHX2y5nueQ1gVE3Z_ghO_dPN9ywYM";
pub(crate) const ED25519_X: &str = "xuDMqbo6yF56j20uBZ2HUGtgmgh7nkiEkEgAZedWKqQ";
pub(crate) const RSA_N: &str = "7BX2EBdKzpIxaira82a6BEfBAxqI_quKPXTNBgRIYTRLdqKbeg3daBhHPbLd-J0nEjnNUGx1K6xeZ-EyjCdkUvBoke3nxcvkKk9_P_C2Kpnma2Y44ibpA96U57UYrBW9isVQk71VoJQoXC1Wyq8FfP0TLJqL6d1pLjNduUGeKF6xiIguHzEFFsuml5EpWLS9UULYXAIvXAsATAFMhx8pXqZVZvOhwXxqRe70an-55Kx8pfHE1-VP8A8U8TwxtSBbnRlBeA_FIiVAH6W2xvIjgRMdfrsgotQi3ZLUBP5MH-ixuM88UOXyOccHvd7NpUgcygBRkwBbz6FKTM1GBwUODQ";
pub(crate) const SECRET: &[u8; 32] = b"an example: take 32 random bytes";

/// Who signs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Signer<'a> {
    Ed25519,
    Es256,
    /// Another key on the same curve: an attacker's, or a client's.
    Other256,
    Hmac(&'a [u8]),
    Rs256,
}

impl Signer<'_> {
    fn key(self) -> (jsonwebtoken::Algorithm, EncodingKey) {
        use jsonwebtoken::Algorithm;
        let pem = "it is a key";
        match self {
            Self::Ed25519 => (
                Algorithm::EdDSA,
                EncodingKey::from_ed_pem(ED25519).expect(pem),
            ),
            Self::Es256 => (
                Algorithm::ES256,
                EncodingKey::from_ec_pem(ES256).expect(pem),
            ),
            Self::Other256 => (
                Algorithm::ES256,
                EncodingKey::from_ec_pem(OTHER).expect(pem),
            ),
            Self::Hmac(secret) => (Algorithm::HS256, EncodingKey::from_secret(secret)),
            Self::Rs256 => (Algorithm::RS256, EncodingKey::from_rsa_pem(RSA).expect(pem)),
        }
    }

    pub(crate) fn sign(self, input: &[u8]) -> Vec<u8> {
        #[cfg(feature = "jwt")]
        let provider = &jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
        #[cfg(not(feature = "jwt"))]
        let provider = &jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
        let (algorithm, key) = self.key();
        let signer = (provider.signer_factory)(&algorithm, &key).expect("the key fits");
        signer.try_sign(input).expect("it is signed")
    }

    /// A token of these texts, whatever they are.
    pub(crate) fn token(self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        self.segments(&encode(header), &encode(payload))
    }

    /// As [`token`](Self::token), of segments that are encoded already.
    pub(crate) fn segments(self, header: &str, payload: &str) -> String {
        let input = format!("{header}.{payload}");
        let signature = encode(self.sign(input.as_bytes()));
        format!("{input}.{signature}")
    }
}

pub(crate) fn encode(raw: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(raw)
}

pub(crate) fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("it is base64url")
}

/// A JSON object of these members, each with its value as it is written, changed: an empty value removes a member.
pub(crate) fn object(members: &[(&str, &str)], changes: &[(&str, &str)]) -> String {
    let mut members: Vec<(&str, &str)> = members.to_vec();
    for (name, value) in changes {
        match members.iter_mut().find(|(known, _)| known == name) {
            Some(member) => member.1 = value,
            None => members.push((name, value)),
        }
    }
    let members: Vec<_> = members
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// The header of an access token, changed.
pub(crate) fn header(changes: &[(&str, &str)]) -> String {
    let usual = [
        ("alg", r#""ES256""#),
        ("typ", r#""at+jwt""#),
        ("kid", r#""es""#),
    ];
    object(&usual, changes)
}

/// The claims of an access token that is good for five minutes, changed.
pub(crate) fn claims(changes: &[(&str, &str)]) -> String {
    let usual = [
        ("iss", r#""https://id.example.com/""#),
        ("aud", r#""https://api.example.com""#),
        ("exp", "1735689900"),
        ("iat", "1735689600"),
        ("sub", r#""alice""#),
        ("client_id", r#""web""#),
        ("jti", r#""t-1""#),
        ("scope", r#""orders:read orders:write""#),
    ];
    object(&usual, changes)
}

/// A good token but for these claims.
pub(crate) fn with_claims(changes: &[(&str, &str)]) -> String {
    Signer::Es256.token(header(&[]), claims(changes))
}

/// A good token but for these members of its header.
pub(crate) fn with_header(changes: &[(&str, &str)]) -> String {
    Signer::Es256.token(header(changes), claims(&[]))
}

/// A public key of P-256 as JSON, with further members.
pub(crate) fn ec_jwk(x: &str, y: &str, more: &str) -> String {
    format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"{more}}}"#)
}

/// The keys `es` and `rs`.
pub(crate) fn key_set() -> String {
    let es = ec_jwk(ES256_X, ES256_Y, r#","kid":"es""#);
    let rs = format!(r#"{{"kty":"RSA","kid":"rs","alg":"RS256","e":"AQAB","n":"{RSA_N}"}}"#);
    format!(r#"{{"keys":[{es},{rs}]}}"#)
}

const ES256: &[u8] = b"-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg9ijFQOhChmiqMjg5
lfwJy54Qhtpefp3PXRucpxvwcLuhRANCAASYljPzjHFFnWYQYD5OlPpwKiiSNW8G
m1DhNcoekAxYa8B3+cma+3WrFB0iGmFL+F3R3SbCKdYQ2nMTyy4Hu0O6
-----END PRIVATE KEY-----
";
const OTHER: &[u8] = b"-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgy+RbuvED0Wm6aZIL
L67+rWzI6KBbA8J+c/KD7Su462OhRANCAATEHHSj5BHpU/DKHUkElxrVJz/GLTy0
1sBR4yFcwdX8os7ugCS626jaTiH3R19suZ7nkNYFRN2f4ITv3TzfcsGD
-----END PRIVATE KEY-----
";
const ED25519: &[u8] = b"-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEICZ5PKN/U9jPu0+LXmCDajWYGR7AZOXKWFU9i/3yQ1M6
-----END PRIVATE KEY-----
";
pub(crate) const RSA: &[u8] = b"-----BEGIN PRIVATE KEY-----
MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQDsFfYQF0rOkjFq
KtrzZroER8EDGoj+q4o9dM0GBEhhNEt2opt6Dd1oGEc9st34nScSOc1QbHUrrF5n
4TKMJ2RS8GiR7efFy+QqT38/8LYqmeZrZjjiJukD3pTntRisFb2KxVCTvVWglChc
LVbKrwV8/RMsmovp3WkuM125QZ4oXrGIiC4fMQUWy6aXkSlYtL1RQthcAi9cCwBM
AUyHHyleplVm86HBfGpF7vRqf7nkrHyl8cTX5U/wDxTxPDG1IFudGUF4D8UiJUAf
pbbG8iOBEx1+uyCi1CLdktQE/kwf6LG4zzxQ5fI5xwe93s2lSBzKAFGTAFvPoUpM
zUYHBQ4NAgMBAAECggEABLm8m74+z66BCxuU5F6/0tdPPe1DC4eKR26i4YyMy/B/
1Jd7cZ1jbowsQntMRbsUWoejqQkMU1wQ5Uo03wKCCvla7nwKy2lbkmk8jJ5+o8QO
2g/ivzKBYx1w15TgmIxnp3M81XUEIltOb4Hma3CTaIwPdsrlI0CjGu48rjk2ndI1
kLU9UtJaCkUB7OZrtYCciyucv6oXmfldGB5pN2RfHymw41+sThFyNg+mNxJX7Nir
V8sJQcfUasMRshWhErcCOtyKVIwJUk+IcD4rzS0e8hJy4df3JqzAVqxSMlVGiTih
e0MZuuY+aRc1cgkpQiQ2OsFt2z2KaXIi/EkJt2vs9QKBgQD62hxeY7djoGVRms+A
IuZT1prOaSrZZmXyTuFPrlRL9SwS5qS2e9Tpii256fbBNsJJ1DUKS6mHUSa/oAZC
PJ0afA/MXcI0DzbtCSiogXgDKiJ7dPN95T3pCKEje62/G2A2ZUvD7xh1YubdnqCu
qg+N5MIDi3ON/v0a+uEB62HtCwKBgQDw7kYaHLla7jatSr/nIJbc5TfDrdPZZpr4
s35CNAI6CzeCB6xNo9gUhTe1soCAn792Xl4cANbaB6XucTrwiRWrATGpCPrjFkbk
8u4UNtsXyxhp7v7nWRpNTZ1A3Cl3ziubyAXLSFIrW1dCMe/YyOWp1TDCSY0HJzh+
eCEI4ybwRwKBgA7V/3+Fnj8CKXveEA+gAMdMlfNHPQWGjNj72U+BG/MyGN01TuCM
CleVmIa6U6Gxv2PmbQyi1O/v2L7UlAou04vRco2/rdCuZa03MXRl09c8ErYCgLQd
br/thro2glwfHl2ZOBXqeiPXKZhJ3W73F9xofyD+imMHhaim1c/rP+tpAoGAUGVi
VSJSo8oryqXP5aNVVD7U3eIqeDgp7GWQ8yyBtba6fhRrZbkPyMEvdt0qzkEAVdJl
mviYuUamEywLm+pSpa6PULWjapWrcIiz82DeuVDXQ7oxqydrhHIq0FLnL4hHuwMD
E/N9H+Sp+HfLbk6TfJmcXKjIe6OV0XXqqBmMi88CgYBHhKVSrLzjIebBpL8bHUMj
Ih2xxnSDomKDVMeOu3R2yCQL9ijv/qovmG+VJZX61xAXGNWCve6Dwq99heleodWP
bamo1gw1deloefTKZjgXIOSmRDM44e8aaNeYTH6fHjHp8eWo41e84mPBSaNbRrwY
isedoze73JvwFxaL/FV4jA==
-----END PRIVATE KEY-----
";
