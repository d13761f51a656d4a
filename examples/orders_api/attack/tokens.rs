//! Tokens that nobody has issued, or not any more.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tower_security::core::{ManualClock, Principal};
use tower_security::token::jws::{Algorithm, SigningKey};
use tower_security::token::{Grant, KeyRing, TokenIssuer};

use super::super::shop::{AUDIENCE, CLIENT, Fault, ISSUER};
use super::{Ask, GRACE, Target, Verdict};

/// What an attacker would like to be.
fn root() -> Principal {
    Principal::builder("3")
        .client_id(CLIENT)
        .roles(["admin"])
        .build()
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// The claims of the administrator, for the next minutes.
fn claims() -> Result<Value, Fault> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    Ok(json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "3", "client_id": CLIENT, "roles": ["admin"],
        "iat": now, "exp": now + 600, "jti": "forged",
    }))
}

/// Whether the tokens let somebody read the list of all users.
async fn try_all(target: &Target, sent: &str, tokens: Vec<String>) -> Result<Verdict, Fault> {
    let mut came = Vec::new();
    let mut is_in = false;
    for token in tokens {
        let mut thief = target.stranger();
        thief.token = Some(token);
        let answer = thief.send(Ask::get("/admin/users")).await?;
        let is_list = answer.is_success() && answer.body.contains("\"bob\"");
        is_in |= is_list;
        came.push(if is_list {
            format!("{} all users", answer.short())
        } else {
            answer.short()
        });
    }
    came.dedup();
    Ok(Verdict::new(is_in, sent, came.join(", ")))
}

pub async fn none(target: &Target) -> Result<Verdict, Fault> {
    let claims = part(&claims()?);
    let tokens = ["none", "None", "NONE"].map(|alg| {
        format!(
            "{}.{claims}.",
            part(&json!({ "alg": alg, "typ": "at+jwt" }))
        )
    });
    try_all(target, "alg none, None, NONE", tokens.into()).await
}

/// Takes the public key, which everybody has, for the secret of an HMAC.
pub async fn key_confusion(target: &Target) -> Result<Verdict, Fault> {
    let document = target
        .stranger()
        .send(Ask::get("/.well-known/jwks.json"))
        .await?;
    let key = &document.json()["keys"][0];
    let (Some(x), Some(kid)) = (key["x"].as_str(), key["kid"].as_str()) else {
        return Err("there is no public key".into());
    };
    let raw = URL_SAFE_NO_PAD.decode(x)?;
    let head = part(&json!({ "alg": "HS256", "typ": "at+jwt", "kid": kid }));
    let signed = format!("{head}.{}", part(&claims()?));
    let secrets: [&[u8]; 3] = [&raw, x.as_bytes(), document.body.as_bytes()];
    let tokens = secrets.map(|secret| {
        let tag = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, secret),
            signed.as_bytes(),
        );
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
    });
    try_all(target, "HS256 with the public key", tokens.into()).await
}

/// Signed well, by somebody else: under his own name and under ours.
pub async fn foreign_issuer(target: &Target) -> Result<Verdict, Fault> {
    let mut tokens = Vec::new();
    for name in ["https://evil.example", ISSUER] {
        let issuer = TokenIssuer::builder()
            .issuer(name)
            .audience(AUDIENCE)
            .signing(KeyRing::new(SigningKey::generate(Algorithm::EdDsa)?))
            .build()?;
        tokens.push(issuer.issue(&Grant::new(root()))?.token().expose().clone());
    }
    try_all(target, "EdDSA of evil.example", tokens).await
}

/// One that was good an hour ago, such as out of an old log.
pub async fn expired(target: &Target) -> Result<Verdict, Fault> {
    let clock = ManualClock::new();
    clock.set_now(SystemTime::now() - Duration::from_secs(3_600));
    let key = SigningKey::from_pem(target.secrets.signing.expose(), Algorithm::EdDsa)?;
    let issuer = TokenIssuer::builder()
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .signing(KeyRing::new(key))
        .clock(clock)
        .build()?;
    let token = issuer.issue(&Grant::new(root()))?.token().expose().clone();
    try_all(target, "a real one of an hour ago", vec![token]).await
}

/// Somebody has copied alice's cookies. She goes on, then he comes.
pub async fn stolen_refresh_token(target: &Target) -> Result<Verdict, Fault> {
    let mut alice = target.alice().await?;
    let mut thief = target.stranger();
    thief.cookies.clone_from(&alice.cookies);
    let renewed = alice.send(Ask::new("POST", "/token").by_page()).await?;
    if !renewed.is_success() {
        return Err(format!("alice gets no new token: {}", renewed.short()).into());
    }
    // Within the grace it might be a lost answer.
    tokio::time::sleep(GRACE + Duration::from_millis(300)).await;
    let answer = thief.send(Ask::new("POST", "/token").by_page()).await?;
    let is_in = answer.is_success() && answer.json()["access_token"].is_string();
    // Nobody knows which of the two the thief is: the family has ended.
    let after = alice.send(Ask::new("POST", "/token").by_page()).await?;
    let came = match is_in {
        true => "a new token".to_owned(),
        false => format!("{}, its family: {}", answer.short(), after.short()),
    };
    Ok(Verdict::new(
        is_in || after.is_success(),
        "her cookie, after she used it",
        came,
    ))
}
