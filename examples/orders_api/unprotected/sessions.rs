//! DO NOT COPY: login, tokens and accounts as they should not be.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use tower_security::core::Principal;
use tower_security::token::Grant;

use super::super::cookies;
use super::super::shop::CLIENT;
use super::Twin;

/// Refresh tokens, which are good for ever.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<String, (i64, String)>>);

/// Who somebody says that he is.
pub(super) struct Who {
    pub(super) id: i64,
    pub(super) is_admin: bool,
}

impl Sessions {
    /// MISTAKE: the claims are read, and nobody looks at the signature, the issuer or the end.
    pub(super) fn who(&self, headers: &HeaderMap) -> Option<Who> {
        let line = headers
            .get(header::AUTHORIZATION)
            .and_then(|line| line.to_str().ok());
        let bearer = line.and_then(|line| line.strip_prefix("Bearer "));
        let token = bearer.or_else(|| cookies::find(headers, "access"))?;
        let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
        let claims: Value = serde_json::from_slice(&payload).ok()?;
        Some(Who {
            id: claims["sub"].as_str()?.parse().ok()?,
            is_admin: claims["roles"][0] == "admin",
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, (i64, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) async fn log_in(State(twin): State<Twin>, body: String) -> Response {
    let form: Value = serde_json::from_str(&body).unwrap_or_default();
    let account = form["account"].as_str().unwrap_or_default();
    let hash = super::hash(form["password"].as_str().unwrap_or_default());
    // MISTAKE: what somebody typed stands in the log as it is, line ends too.
    twin.log.line(&format!("INFO login of {account}"));
    // MISTAKE: what somebody typed is part of the query. sqlx has to be told to believe it.
    let query =
        format!("SELECT id, role FROM users WHERE name = '{account}' AND password = '{hash}'");
    let found = sqlx::query_as::<_, (i64, String)>(AssertSqlSafe(query));
    match found.fetch_optional(&twin.db).await {
        Ok(Some((id, role))) => {
            let number = twin.sessions.lock().len();
            // MISTAKE: it can be guessed, and never changes.
            let refresh = format!("refresh-{id}-{number}");
            twin.sessions
                .lock()
                .insert(refresh.clone(), (id, role.clone()));
            answer(&twin, id, &role, &refresh)
        }
        Ok(None) => StatusCode::UNAUTHORIZED.into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn answer(twin: &Twin, id: i64, role: &str, refresh: &str) -> Response {
    let who = Principal::builder(id.to_string())
        .client_id(CLIENT)
        .roles([role]);
    let Ok(token) = twin.issuer.issue(&Grant::new(who.build())) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let token = token.token().expose();
    // MISTAKE: for scripts to read, over plain HTTP too, and for forms of any site to send along.
    let lines = [
        (header::SET_COOKIE, format!("access={token}; Path=/")),
        (header::SET_COOKIE, format!("refresh={refresh}; Path=/")),
    ];
    (AppendHeaders(lines), Json(json!({ "access_token": token }))).into_response()
}

/// MISTAKE: a token that somebody has copied is as good as that of its owner, for ever.
pub(super) async fn refresh(State(twin): State<Twin>, headers: HeaderMap) -> Response {
    let token = cookies::find(&headers, "refresh").unwrap_or_default();
    let known = twin.sessions.lock().get(token).cloned();
    match known {
        Some((id, role)) => answer(&twin, id, &role, token),
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}

/// It does end the refresh token, so that the walk of an ordinary user works.
pub(super) async fn log_out(State(twin): State<Twin>, headers: HeaderMap) -> StatusCode {
    if let Some(token) = cookies::find(&headers, "refresh") {
        twin.sessions.lock().remove(token);
    }
    StatusCode::NO_CONTENT
}

/// MISTAKE: the role is taken from whoever registers.
pub(super) async fn register(State(twin): State<Twin>, Json(form): Json<Value>) -> StatusCode {
    let text = |name: &str| form[name].as_str().map(str::to_owned);
    let query = sqlx::query("INSERT INTO users (name, password, role) VALUES (?, ?, ?)")
        .bind(text("account"))
        .bind(super::hash(&text("password").unwrap_or_default()))
        .bind(text("role").unwrap_or_else(|| "customer".to_owned()));
    match query.execute(&twin.db).await {
        Ok(_) => StatusCode::ACCEPTED,
        Err(_) => StatusCode::CONFLICT,
    }
}

pub(super) async fn me(State(twin): State<Twin>, headers: HeaderMap) -> Response {
    let Some(who) = twin.sessions.who(&headers) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let row = sqlx::query_as::<_, (String, Option<String>)>(
        "SELECT name, CAST(address AS TEXT) FROM users WHERE id = ?",
    );
    match row.bind(who.id).fetch_optional(&twin.db).await {
        Ok(Some((name, address))) => {
            Json(json!({ "name": name, "address": address })).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// MISTAKE: in the table as it is.
pub(super) async fn set_address(
    State(twin): State<Twin>,
    headers: HeaderMap,
    Json(form): Json<Value>,
) -> StatusCode {
    let Some(who) = twin.sessions.who(&headers) else {
        return StatusCode::UNAUTHORIZED;
    };
    let query = sqlx::query("UPDATE users SET address = ? WHERE id = ?");
    match query
        .bind(form["address"].as_str())
        .bind(who.id)
        .execute(&twin.db)
        .await
    {
        Ok(_) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

pub(super) async fn keys(State(twin): State<Twin>) -> Response {
    let document = twin.issuer.jwks();
    (document.headers(), document.bytes().clone()).into_response()
}
