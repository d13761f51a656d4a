//! Tokens that nobody has issued, or not any more.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tower_security::core::Principal;
use tower_security::token::jws::{Algorithm, SigningKey};
use tower_security::token::{Grant, KeyRing, TokenIssuer};

use super::super::shop::{AUDIENCE, CLIENT, Fault, ISSUER};
use super::trial::{Refusal, Trial, refusal};
use super::{Answer, Ask, Client, GRACE, Target, Verdict, db};

/// RFC 6750 section 3.1.
const INVALID: Refusal =
    refusal(401, "token_invalid").with("www-authenticate", "error=\"invalid_token\"");
const EXPIRED: Refusal =
    refusal(401, "token_expired").with("www-authenticate", "error=\"invalid_token\"");

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

/// Signs claims with the key of the service itself: a token that is good, but for what an attacker changes of it.
fn signed(target: &Target, claims: &Value) -> Result<String, Fault> {
    let key = SigningKey::from_pem(target.secrets.signing.expose(), Algorithm::EdDsa)?;
    let ring = KeyRing::new(key);
    let kid = TokenIssuer::builder()
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .signing(ring)
        .build()?
        .jwks();
    let kid: Value = serde_json::from_slice(kid.bytes())?;
    let head = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": kid["keys"][0]["kid"] });
    let signed = format!("{}.{}", part(&head), part(claims));
    let lines = target.secrets.signing.expose().lines();
    let pem: String = lines.filter(|line| !line.starts_with('-')).collect();
    let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&STANDARD.decode(pem)?)
        .map_err(|error| format!("no key: {error}"))?;
    let tag = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
    Ok(format!("{signed}.{tag}"))
}

async fn list(client: &mut Client, token: String) -> Result<(Answer, bool), Fault> {
    client.token = Some(token);
    let answer = client.send(Ask::get("/admin/users")).await?;
    let is_list = answer.is_success() && answer.body.contains("\"bob\"");
    Ok((answer, is_list))
}

/// Whether the tokens let somebody read the list of all users. The good one, which is like them, has to.
async fn try_all(
    target: &Target,
    sent: &str,
    wanted: Refusal,
    tokens: Vec<String>,
    good: String,
) -> Result<Verdict, Fault> {
    let mut trial = Trial::of(sent);
    for token in tokens {
        let (answer, is_list) = list(&mut target.stranger(), token).await?;
        trial.refused(&answer, wanted);
        trial.gain(is_list, "200 all users");
    }
    let (answer, is_list) = list(&mut target.stranger(), good).await?;
    trial.control_if("a good token", is_list, answer.short());
    Ok(trial.verdict())
}

pub async fn none(target: &Target) -> Result<Verdict, Fault> {
    let good = signed(target, &claims()?)?;
    let claims = part(&claims()?);
    let tokens = ["none", "None", "NONE"].map(|alg| {
        format!(
            "{}.{claims}.",
            part(&json!({ "alg": alg, "typ": "at+jwt" }))
        )
    });
    try_all(target, "alg none, None, NONE", INVALID, tokens.into(), good).await
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
    let unsigned = format!("{head}.{}", part(&claims()?));
    let secrets: [&[u8]; 3] = [&raw, x.as_bytes(), document.body.as_bytes()];
    let tokens = secrets.map(|secret| {
        let tag = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, secret),
            unsigned.as_bytes(),
        );
        format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(tag))
    });
    let good = signed(target, &claims()?)?;
    try_all(
        target,
        "HS256 with the public key",
        INVALID,
        tokens.into(),
        good,
    )
    .await
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
    // Under his name, by our key: of each the other half is right.
    let mut other = claims()?;
    other["iss"] = json!("https://evil.example");
    tokens.push(signed(target, &other)?);
    let good = signed(target, &claims()?)?;
    try_all(target, "EdDSA of evil.example", INVALID, tokens, good).await
}

/// For another service: who has it there would like to come in here.
pub async fn foreign_audience(target: &Target) -> Result<Verdict, Fault> {
    let mut other = claims()?;
    other["aud"] = json!("https://blog.example");
    let (bad, good) = (signed(target, &other)?, signed(target, &claims()?)?);
    try_all(target, "aud blog.example", INVALID, vec![bad], good).await
}

/// Alice's own, in which she has written that she is the administrator; and a good one whose signature is left off.
pub async fn changed_claims(target: &Target) -> Result<Verdict, Fault> {
    let alice = target.alice().await?;
    let own = alice.token.ok_or("alice has no token")?;
    let [head, _, tag] = own.split('.').collect::<Vec<_>>()[..] else {
        return Err("her token is no JWS".into());
    };
    let changed = format!("{head}.{}.{tag}", part(&claims()?));
    let good = signed(target, &claims()?)?;
    let unsigned = good.rsplit_once('.').map_or("", |(signed, _)| signed);
    let tokens = vec![changed, format!("{unsigned}.")];
    try_all(target, "alice's, role admin", INVALID, tokens, good).await
}

/// One that was good an hour ago, such as out of an old log.
pub async fn expired(target: &Target) -> Result<Verdict, Fault> {
    let mut old = claims()?;
    for (name, before) in [("iat", 4_200), ("exp", 3_600)] {
        let now = claims()?["iat"].as_u64().unwrap_or(0);
        old[name] = json!(now - before);
    }
    let (bad, good) = (signed(target, &old)?, signed(target, &claims()?)?);
    try_all(
        target,
        "a real one of an hour ago",
        EXPIRED,
        vec![bad],
        good,
    )
    .await
}

/// Somebody has copied alice's cookies. She goes on, then he comes.
pub async fn stolen_refresh_token(target: &Target) -> Result<Verdict, Fault> {
    const USED: Refusal = refusal(400, "invalid_grant");
    let mut alice = target.alice().await?;
    let mut trial = Trial::of("her cookie, after she used it");
    let mut thief = target.stranger();
    thief.cookies.clone_from(&alice.cookies);
    let renew = || Ask::new("POST", "/token").by_page();
    let renewed = alice.send(renew()).await?;
    trial.control("alice, before", &renewed);
    // Within the grace it might be a lost answer.
    tokio::time::sleep(GRACE + Duration::from_millis(300)).await;
    let answer = thief.send(renew()).await?;
    trial.refused(&answer, USED);
    let is_in = answer.json()["access_token"].is_string();
    trial.gain(is_in, "a new token");
    // Nobody knows which of the two the thief is: the family has ended, and its access tokens with it.
    let after = alice.send(renew()).await?;
    trial.refused(&after, USED);
    trial.gain(after.is_success(), "its family lives on");
    alice.token = renewed.json()["access_token"].as_str().map(str::to_owned);
    let me = alice.send(Ask::get("/me")).await?;
    trial.refused(&me, refusal(401, "token_invalid"));
    alice.token = None;
    let again = alice.log_in(db::ALICE.name, db::ALICE.password).await?;
    trial.control("alice logs in anew", &again);
    Ok(trial.verdict())
}
