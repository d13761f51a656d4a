//! The keys of a provider behind `AuthLayer`: what a client is told.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Request, Response};
use http_body_util::Full;
use rcgen::{KeyPair, PKCS_ED25519, SigningKey};
use serde_json::json;
use tower::Layer;
use tower_security::auth::{AuthLayer, AuthService};
use tower_security::token::{JwtVerifier, TokenCache};

use super::provider::Hang;
use super::*;
use crate::support::service::{Spy, go};

const ISSUER: &str = "https://login.example.com";
/// 2025-01-01, the start of a manual clock.
const START: u64 = 1_735_689_600;
const INVALID: &str = "Bearer realm=\"api\", error=\"invalid_token\", error_description=\"The access token is invalid\"";

/// A key of a provider.
struct Key {
    pair: KeyPair,
    kid: &'static str,
}

impl Key {
    fn new(kid: &'static str) -> Self {
        let pair = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        Self { pair, kid }
    }

    fn published(&self) -> String {
        let x = BASE64_URL_SAFE_NO_PAD.encode(self.pair.public_key_raw());
        json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": self.kid, "x": x }).to_string()
    }

    fn token(&self) -> String {
        self.token_of(ISSUER, START + 86_400, self.kid)
    }

    fn token_of(&self, issuer: &str, expires: u64, kid: &str) -> String {
        self.token_with(
            json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": kid }),
            issuer,
            expires,
        )
    }

    fn token_with(&self, header: serde_json::Value, issuer: &str, expires: u64) -> String {
        let claims = json!({
            "iss": issuer, "aud": "api", "sub": "alice", "client_id": "c", "jti": "1",
            "iat": START, "exp": expires,
        });
        let encode = |part: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
        let input = format!("{}.{}", encode(&header), encode(&claims));
        let signature = self.pair.sign(input.as_bytes()).unwrap();
        format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

fn publish(keys: &[&Key]) -> Answer {
    let keys: Vec<_> = keys.iter().map(|key| key.published()).collect();
    Answer::json(format!(r#"{{"keys":[{}]}}"#, keys.join(",")))
}

/// A service behind `AuthLayer` whose keys are those of the bed.
struct Api {
    service: AuthService<Spy>,
    spy: Spy,
}

impl Api {
    fn new(bed: &Bed) -> Self {
        let verifier = JwtVerifier::builder()
            .issuer(ISSUER)
            .audience("api")
            .keys(bed.cache.clone())
            .token_cache(TokenCache::default())
            .clock(bed.clock.clone())
            .build()
            .unwrap();
        let spy = Spy::new();
        let layer = AuthLayer::builder().bearer(verifier).build().unwrap();
        Self {
            service: layer.layer(spy.clone()),
            spy,
        }
    }

    async fn ask(&self, token: &str) -> Response<Full<Bytes>> {
        let request = Request::get("/")
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .body(())
            .unwrap();
        go(self.service.clone(), request).await
    }

    async fn status(&self, token: &str) -> u16 {
        self.ask(token).await.status().as_u16()
    }
}

#[tokio::test]
async fn a_token_of_an_unknown_key_is_invalid_and_of_a_new_one_accepted() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let bed = Bed::ready(publish(&[&old])).await;
    let api = Api::new(&bed);
    assert_eq!(api.status(&old.token()).await, 200);
    let refused = api.ask(&new.token()).await;
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.headers()[WWW_AUTHENTICATE], INVALID);
    assert_eq!((api.spy.calls(), bed.provider.hits()), (1, 1));

    bed.provider.answer(publish(&[&old, &new]));
    bed.clock.advance(30 * SECOND);
    assert_eq!(api.status(&new.token()).await, 200);
    assert_eq!(api.status(&old.token()).await, 200);
    assert_eq!(bed.provider.hits(), 2);
}

/// Also one that was verified already, and stands in the cache of verified tokens.
#[tokio::test]
async fn tokens_of_a_removed_key_are_refused_after_the_next_refresh() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let bed = Bed::ready(publish(&[&old, &new])).await;
    let api = Api::new(&bed);
    assert_eq!(api.status(&old.token()).await, 200);
    assert_eq!(api.status(&old.token()).await, 200);
    bed.provider.answer(publish(&[&new]));
    bed.renewed_after(5 * MINUTE, 2).await;
    assert_eq!(api.status(&old.token()).await, 401);
    assert_eq!(api.status(&new.token()).await, 200);
}

#[tokio::test]
async fn ten_thousand_requests_with_made_up_ids_cause_one_fetch_more() {
    let (key, other) = (Key::new("a"), Key::new("other"));
    let bed = Bed::ready(publish(&[&key])).await;
    let api = Api::new(&bed);
    bed.clock.advance(MINUTE);
    let good = key.token();
    let forged = other.token_of(ISSUER, START + 86_400, "________");
    let (header, rest) = forged.split_once('.').unwrap();
    let header = BASE64_URL_SAFE_NO_PAD.decode(header).unwrap();
    let header = String::from_utf8(header).unwrap();
    for number in 0..10_000_u32 {
        let header = header.replace("________", &format!("{number:08x}"));
        let token = format!("{}.{rest}", BASE64_URL_SAFE_NO_PAD.encode(header));
        assert_eq!(api.status(&token).await, 401);
        if number % 100 == 0 {
            assert_eq!(api.status(&good).await, 200);
        }
        bed.clock.advance(Duration::from_millis(1));
    }
    assert_eq!((bed.provider.hits(), api.spy.calls()), (2, 100));
}

#[tokio::test]
async fn tokens_that_are_refused_anyway_cause_no_fetch() {
    let key = Key::new("a");
    let bed = Bed::ready(publish(&[&key])).await;
    let api = Api::new(&bed);
    bed.clock.advance(MINUTE);
    for token in [
        key.token_of("https://evil.test", START + 86_400, "made up"),
        key.token_of(ISSUER, START, "made up"),
        key.token_of(ISSUER, START + 86_400, &"x".repeat(257)),
    ] {
        assert_eq!(api.status(&token).await, 401);
    }
    assert_eq!(bed.provider.hits(), 1);
    assert_eq!(
        api.status(&key.token_of(ISSUER, START + 86_400, "made up"))
            .await,
        401
    );
    assert_eq!(bed.provider.hits(), 2);
}

/// Rows 34 to 37: keys that a token brings along, or points to, are neither fetched nor used.
#[tokio::test]
async fn a_token_does_not_choose_where_keys_are_from() {
    let (own, forger) = (Key::new("a"), Key::new("a"));
    let bed = Bed::ready(publish(&[&own])).await;
    let api = Api::new(&bed);
    let evil = Provider::start(publish(&[&forger])).await;
    let url = evil.url();
    let jwk: serde_json::Value = serde_json::from_str(&forger.published()).unwrap();
    for (name, value) in [
        ("jku", json!(url)),
        ("x5u", json!(url)),
        ("x5c", json!(["MIIB"])),
        ("jwk", jwk),
        ("kid", json!(url)),
    ] {
        let mut header = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": "a" });
        header[name] = value;
        let token = forger.token_with(header.clone(), ISSUER, START + 86_400);
        let refused = api.ask(&token).await;
        assert_eq!(refused.status(), 401, "{name}");
        assert_eq!(refused.headers()[WWW_AUTHENTICATE], INVALID, "{name}");
        // The same header under the right signature is passed over.
        if name != "kid" {
            let token = own.token_with(header, ISSUER, START + 86_400);
            assert_eq!(api.status(&token).await, 200, "{name}");
        }
    }
    assert_eq!(
        (api.spy.calls(), evil.hits(), bed.provider.hits()),
        (4, 0, 1)
    );
}

#[tokio::test]
async fn an_outage_is_bridged_for_an_hour_then_503() {
    let key = Key::new("a");
    let bed = Bed::ready(publish(&[&key])).await;
    let api = Api::new(&bed);
    bed.provider.answer(Answer::new(500, "text/html", ""));
    for _ in 0..2 {
        bed.clock.advance(20 * MINUTE);
        assert_eq!(api.status(&key.token()).await, 200);
        pause().await;
        bed.fetched(bed.provider.hits()).await;
    }
    bed.clock.advance(20 * MINUTE);
    let answer = api.ask(&key.token()).await;
    assert_eq!(answer.status(), 503, "a token that is good");
    assert_eq!(answer.headers()[RETRY_AFTER], "5");
    assert!(!answer.headers().contains_key(WWW_AUTHENTICATE));

    bed.provider.answer(publish(&[&key]));
    bed.clock.advance(6 * MINUTE);
    assert_eq!(api.status(&key.token()).await, 200);
}

#[tokio::test]
async fn a_service_without_keys_says_so_until_it_has_them() {
    let key = Key::new("a");
    let bed = Bed::new(Answer::new(500, "text/html", "")).await;
    let api = Api::new(&bed);
    assert_eq!(api.status(&key.token()).await, 503);
    assert_eq!(api.status("no.token.").await, 401, "keys or not");
    bed.provider.answer(publish(&[&key]));
    bed.clock.advance(30 * SECOND);
    assert_eq!(api.status(&key.token()).await, 200);
    assert_eq!(bed.provider.hits(), 2);
}

#[tokio::test]
async fn a_provider_that_hangs_holds_up_unknown_keys_alone() {
    let (key, other) = (Key::new("a"), Key::new("other"));
    let bed = Bed::ready(publish(&[&key])).await;
    let api = Arc::new(Api::new(&bed));
    bed.provider.answer(Answer::json("").hang(Hang::BeforeHead));
    bed.clock.advance(MINUTE);
    let waiting = tokio::spawn({
        let (api, token) = (Arc::clone(&api), other.token());
        async move { api.status(&token).await }
    });
    bed.provider.hit(2).await;
    for _ in 0..1_000 {
        let token = key.token();
        let asking = api.ask(&token);
        let answer = at_once(asking).expect("a known key waits for nobody");
        assert_eq!(answer.status(), 200);
    }
    assert!(!waiting.is_finished());
    tokio::time::pause();
    assert_eq!(waiting.await.unwrap(), 401);
}

/// What a future says at its first poll.
fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => Some(value),
        std::task::Poll::Pending => None,
    }
}
