//! Claims and proofs of strangers: what nobody has signed is refused, however well it is made, and nothing panics.

use http::header::HeaderName;
use http::request::Parts;
use http::{HeaderValue, Request};
use tower_security::core::{Lookup, ManualClock, Principal, Secret};
use tower_security::token::jws::{Algorithm, Jwk, JwkSet};
use tower_security::token::{DpopPolicy, JwtVerifier, JwtVerifierBuilder, Profile, TokenError};

/// The key of the issuer.
const KEYS: &[u8] = br#"{"keys":[{"kty":"EC","crv":"P-256","kid":"es","x":"mJYz84xxRZ1mEGA-TpT6cCookjVvBptQ4TXKHpAMWGs","y":"wHf5yZr7dasUHSIaYUv4XdHdJsIp1hDacxPLLge7Q7o"}]}"#;

/// A token that is bound to the key of a client, and that client's proof for it.
const TOKEN: &str = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6ImVzIn0.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUuY29tLyIsImF1ZCI6Imh0dHBzOi8vYXBpLmV4YW1wbGUuY29tIiwiZXhwIjoxNzM1Njg5OTAwLCJpYXQiOjE3MzU2ODk2MDAsInN1YiI6ImFsaWNlIiwiY2xpZW50X2lkIjoid2ViIiwianRpIjoidC0xIiwic2NvcGUiOiJvcmRlcnM6cmVhZCBvcmRlcnM6d3JpdGUiLCJjbmYiOnsiamt0IjoieDlGdXc4SVZRNi1acUUxM1E1OC1ENFJROHkwV19HUGtSbTJjcGVVcDgwUSJ9fQ.kVEdgG1gf8Comzyk3iiXtfcqUugVNO9yFdqQtKRQQGjBVY3yzxPeScy6ti9k9o9xC-V-opAZPfvZXwr7gYWeFA";
const PROOF: &[u8] = b"eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwiY3J2IjoiUC0yNTYiLCJ4IjoieEJ4MG8tUVI2VlB3eWgxSkJKY2ExU2NfeGkwOHROYkFVZU1oWE1IVl9LSSIsInkiOiJ6dTZBSkxyYnFOcE9JZmRIWDJ5NW51ZVExZ1ZFM1pfZ2hPX2RQTjl5d1lNIn19.eyJqdGkiOiJwLTEiLCJodG0iOiJHRVQiLCJodHUiOiJodHRwczovL2FwaS5leGFtcGxlLmNvbS9vcmRlcnMiLCJpYXQiOjE3MzU2ODk2MDAsImF0aCI6IkVTU0ZiTlFWRzJmaGJpWFVCWGdwZmF5ckxfek9YU3RoaTVGYWZyMHh4TGMifQ.QaAkZlphqD6wVHQOub3ARxGItYqgfuihL2aHckyYTmcO8DZK7s_WGb4idClLUSPmDaAYeDlurYXm_RXmaA4x0w";

/// Another one, in which the URL is spelt otherwise.
const RESPELT: &[u8] = b"eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwiY3J2IjoiUC0yNTYiLCJ4IjoieEJ4MG8tUVI2VlB3eWgxSkJKY2ExU2NfeGkwOHROYkFVZU1oWE1IVl9LSSIsInkiOiJ6dTZBSkxyYnFOcE9JZmRIWDJ5NW51ZVExZ1ZFM1pfZ2hPX2RQTjl5d1lNIn19.eyJqdGkiOiJwLTEiLCJodG0iOiJHRVQiLCJodHUiOiJIVFRQUzovL0FQSS5leGFtcGxlLmNvbTo0NDMvJTZmcmRlcnM_eCN5IiwiaWF0IjoxNzM1Njg5NjAwLCJhdGgiOiJFU1NGYk5RVkcyZmhiaVhVQlhncGZheXJMX3pPWFN0aGk1RmFmcjB4eExjIn0.WDB_KoMplzhnvjCKdoVVrGVrbv98bNC4t4-Qx_reFGVqmFGx9-6qH56J5z7FdCXL8Rcwod2P6CVKpmm7tnnuSw";

fn builder(keys: JwkSet) -> JwtVerifierBuilder {
    JwtVerifier::builder()
        .issuer("https://id.example.com/")
        .audience("https://api.example.com")
        .keys(keys)
        .clock(ManualClock::new())
}

fn ready(answer: Lookup<Result<Principal, TokenError>>) -> Result<Principal, TokenError> {
    match answer {
        Lookup::Ready(answer) => answer,
        Lookup::Pending(_) => panic!("the keys are at hand"),
    }
}

/// The text of `raw` in base64url.
fn encode(raw: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in raw.chunks(3) {
        let group = (0..3).fold(0_usize, |group, at| {
            group << 8 | chunk.get(at).copied().map_or(0, usize::from)
        });
        for place in 0..=chunk.len() {
            text.push(char::from(ALPHABET[group >> (18 - 6 * place) & 63]));
        }
    }
    text
}

/// Claims that nobody has signed. Those that come as far as the signature are an object to every other parser too.
pub fn claims(data: &[u8]) {
    let key = Jwk::hmac(
        Secret::from(b"an example: take 32 random bytes"),
        Algorithm::Hs256,
    );
    let keys = JwkSet::from_keys(key);
    let verifier = builder(keys)
        .profile(Profile::Plain)
        .roles_claim("/realm/roles")
        .tenant_claim("/realm/tenant")
        .build()
        .expect("it is sound");
    let token = format!(
        "{}.{}.{}",
        encode(br#"{"alg":"HS256"}"#),
        encode(data),
        encode(&[7; 32])
    );
    let error = ready(verifier.verify(&token)).expect_err("nobody has signed it");
    if error.reason() == "signature" {
        let claims: serde_json::Value = serde_json::from_slice(data).expect("it is JSON");
        assert_eq!(claims["iss"], "https://id.example.com/");
        assert!(
            claims["exp"]
                .as_f64()
                .is_some_and(|exp| exp >= 1_735_689_571.0)
        );
        assert!(claims["sub"].as_str().is_some_and(|sub| !sub.is_empty()));
    }
}

fn head(proof: HeaderValue) -> Parts {
    let mut request = Request::get("https://api.example.com/orders");
    if let Some(headers) = request.headers_mut() {
        headers.insert(HeaderName::from_static("dpop"), proof);
    }
    request.body(()).expect("it is a request").into_parts().0
}

/// A proof is good as it was signed, and no other spelling of it is.
pub fn dpop_proof(data: &[u8]) {
    let Ok(proof) = HeaderValue::from_bytes(data) else {
        return;
    };
    let keys = JwkSet::strict(KEYS).expect("the key is sound");
    let verifier = builder(keys)
        .dpop(DpopPolicy::new("https://api.example.com"))
        .build()
        .expect("it is sound");
    let head = head(proof);
    let answer = ready(verifier.verify_dpop(TOKEN, &head));
    if let Ok(who) = &answer {
        assert_eq!(who.subject(), "alice");
        let again = ready(verifier.verify_dpop(TOKEN, &head));
        assert_eq!(
            again.err().map(|error| error.reason()),
            Some("proof_replayed")
        );
    }
    assert_eq!(answer.is_ok(), data == PROOF || data == RESPELT);
}
