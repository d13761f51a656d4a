//! Login, refresh, logout, and the second factor.

use std::time::SystemTime;

use axum::Json;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tower_security::axum::{Auth, Public};
use tower_security::core::{Principal, Rejection, Secret};
use tower_security::mfa::MfaError;
use tower_security::rate_limit::login::LoginAttempt;
use tower_security::sanitize::PlainLine;
use tower_security::token::{Grant, RefreshContext, RefreshError, TokenPair};

use super::shop::{CLIENT, Shop, broken};
use super::{accounts, cookies};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    account: PlainLine<64>,
    password: Secret<String>,
    /// Of the app on the phone, for who has enrolled one.
    #[serde(default)]
    code: String,
}

/// `tower_security::manual::login` says why it is in this order.
pub async fn log_in(
    State(shop): State<Shop>,
    head: Parts,
    Json(form): Json<Credentials>,
) -> Result<Response, Rejection> {
    // Charged before anything is looked at; dropped, the guard counts a failure.
    let account = form.account.as_str();
    let guard = shop
        .throttle
        .begin(LoginAttempt::new(account).head(&head))
        .await?;

    // For one who is not there the same is done, and takes as long.
    let user = accounts::find(&shop.db, account).await?;
    let stored = user.as_ref().map(|user| user.password.as_str());
    let hasher = shop.hasher.for_request(&head.extensions);
    let verified = hasher.verify(&form.password, stored).await?;
    // Nobody gets here without a row.
    let user = user.ok_or_else(Rejection::internal)?;
    if let Some(better) = verified.rehash {
        accounts::upgrade(&shop.db, &user, &better).await?;
    }

    let id = user.id.to_string();
    let mut factors = vec!["pwd"];
    if user.has_totp {
        let totp = shop.totp.for_request(&head.extensions);
        let verified = totp
            .verify(&id, &form.code)
            .await
            .map_err(|error| match error {
                // Only who has the password gets as far as to try too many codes: to say so would tell that it was right.
                MfaError::Throttled { .. } => MfaError::Invalid,
                error => error,
            })?;
        factors.extend(verified.amr());
    }
    // The cookie by which the device is known next time.
    let device = guard.success();

    let principal = Principal::builder(id)
        .client_id(CLIENT)
        .roles([user.role])
        .amr(factors)
        .auth_time(SystemTime::now());
    let tokens = shop.tokens.for_request(&head.extensions);
    let pair = tokens
        .login(&Grant::new(principal.build()), &RefreshContext::new())
        .await?;
    answer(&pair, device)
}

/// The refresh token is good once: the cookie gets the next.
pub async fn refresh(State(shop): State<Shop>, head: Parts) -> Result<Response, Rejection> {
    let token = cookies::find(&head.headers, cookies::REFRESH).ok_or(RefreshError::Unknown)?;
    let tokens = shop.tokens.for_request(&head.extensions);
    let client = RefreshContext::new().client_id(CLIENT);
    let pair = tokens.refresh(token, &client).await?;
    answer(&pair, None)
}

/// Ends the family, its access tokens with it.
pub async fn log_out(State(shop): State<Shop>, head: Parts) -> Result<Response, Rejection> {
    if let Some(token) = cookies::find(&head.headers, cookies::REFRESH) {
        let tokens = shop.tokens.for_request(&head.extensions);
        let client = RefreshContext::new().client_id(CLIENT);
        tokens.revoke_token(token, &client).await?;
    }
    let mut answer = StatusCode::NO_CONTENT.into_response();
    for line in cookies::of_nobody()? {
        answer.headers_mut().append(header::SET_COOKIE, line);
    }
    Ok(answer)
}

/// RFC 6749 section 5.1, and the cookies. No cache keeps it: the stack says so of all answers.
fn answer(pair: &TokenPair, device: Option<HeaderValue>) -> Result<Response, Rejection> {
    let access = &pair.access_token;
    let body = json!({
        "access_token": access.token().expose(),
        "token_type": "Bearer",
        "expires_in": access.lifetime().as_secs(),
    });
    let mut answer = Json(body).into_response();
    for line in cookies::of_pair(pair)?.into_iter().chain(device) {
        answer.headers_mut().append(header::SET_COOKIE, line);
    }
    Ok(answer)
}

/// Begins the enrolment of an app: the link is shown as a QR code, once.
pub async fn enrol(
    State(shop): State<Shop>,
    Auth(who): Auth,
    head: Parts,
) -> Result<Json<Value>, Rejection> {
    let totp = shop.totp.for_request(&head.extensions);
    let name: String = sqlx::query_scalar("SELECT name FROM users WHERE id = ?")
        .bind(accounts::id_of(&who))
        .fetch_one(&shop.db)
        .await
        .map_err(broken)?;
    let enrolment = totp.enrol(who.subject(), &name).await?;
    Ok(Json(json!({ "uri": enrolment.uri().expose() })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    code: String,
}

/// From here on a login needs a code. Whoever else is logged in to the account is not any more (ASVS 7.4.3).
pub async fn confirm(
    State(shop): State<Shop>,
    Auth(who): Auth,
    head: Parts,
    Json(form): Json<Code>,
) -> Result<StatusCode, Rejection> {
    let totp = shop.totp.for_request(&head.extensions);
    totp.confirm(who.subject(), &form.code).await?;
    let query = sqlx::query("UPDATE users SET has_totp = 1 WHERE id = ?");
    let query = query.bind(accounts::id_of(&who));
    query.execute(&shop.db).await.map_err(broken)?;
    if let Some(session) = who.session_id() {
        let tokens = shop.tokens.for_request(&head.extensions);
        tokens.revoke_others(who.subject(), session).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The public keys, for other services that verify these tokens.
pub async fn keys(State(shop): State<Shop>, _: Public) -> Response {
    let document = shop.issuer.jwks();
    (document.headers(), document.bytes().clone()).into_response()
}
