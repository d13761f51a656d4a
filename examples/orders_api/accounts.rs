//! Accounts: registration, the stored password, the sealed address.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::SqlitePool;
use tower_security::axum::Auth;
use tower_security::core::{Principal, Rejection, Secret};
use tower_security::sanitize::{Identifier, PlainText};

use super::shop::{Shop, broken};

/// A row of the table. It is sent to nobody: answers are made field by field.
#[derive(sqlx::FromRow)]
pub struct User {
    pub id: i64,
    pub password: String,
    pub role: String,
    pub has_totp: bool,
}

/// The id of the row, which is what a token names. Nothing belongs to what is no id.
pub fn id_of(who: &Principal) -> i64 {
    who.subject().parse().unwrap_or(-1)
}

/// Names differ by more than their case.
pub fn spelt(name: &str) -> String {
    name.trim().to_lowercase()
}

pub async fn find(db: &SqlitePool, name: &str) -> Result<Option<User>, Rejection> {
    let query = "SELECT id, password, role, has_totp FROM users WHERE name = ?";
    let user = sqlx::query_as(query).bind(spelt(name));
    user.fetch_optional(db).await.map_err(broken)
}

/// Replaces a hash by a better one of the same password, if nobody has changed it meanwhile.
pub async fn upgrade(db: &SqlitePool, user: &User, better: &str) -> Result<(), Rejection> {
    let query = "UPDATE users SET password = ? WHERE id = ? AND password = ?";
    let query = sqlx::query(query)
        .bind(better)
        .bind(user.id)
        .bind(&user.password);
    query.execute(db).await.map(|_| ()).map_err(broken)
}

/// Nobody chooses a role, an id or an owner: a field that is not here is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    account: Identifier<32>,
    password: Secret<String>,
}

/// A name that is taken is answered like one that is free, after the same work: in earnest its owner gets a mail.
pub async fn register(
    State(shop): State<Shop>,
    head: Parts,
    Json(form): Json<Registration>,
) -> Result<(StatusCode, Json<Value>), Rejection> {
    let name = spelt(form.account.as_str());
    let policy = shop.policy.for_request(&head.extensions);
    policy.check(&form.password, &[&name]).await?;
    let hasher = shop.hasher.for_request(&head.extensions);
    let hash = hasher.hash(&form.password).await?;
    let query = "INSERT INTO users (name, password) VALUES (?, ?) ON CONFLICT (name) DO NOTHING";
    let query = sqlx::query(query).bind(&name).bind(hash);
    query.execute(&shop.db).await.map_err(broken)?;
    let text = "If the name was free, it is yours now";
    Ok((StatusCode::ACCEPTED, Json(json!({ "title": text }))))
}

pub async fn me(
    State(shop): State<Shop>,
    Auth(who): Auth,
    head: Parts,
) -> Result<Json<Value>, Rejection> {
    let id = id_of(&who);
    let query = "SELECT name, address FROM users WHERE id = ?";
    let row: Option<(String, Option<Vec<u8>>)> = sqlx::query_as(query)
        .bind(id)
        .fetch_optional(&shop.db)
        .await
        .map_err(broken)?;
    let (name, sealed) = row.ok_or_else(Rejection::not_found)?;
    let addresses = shop.addresses.for_request(&head.extensions);
    let address = match sealed {
        // It opens in this row alone.
        Some(sealed) => Some(
            addresses
                .unprotect(&sealed, &[id.to_be_bytes()])
                .map_err(broken)?,
        ),
        None => None,
    };
    let address = address.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let roles: Vec<_> = who.roles().collect();
    Ok(Json(
        json!({ "name": name, "roles": roles, "address": address }),
    ))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAddress {
    address: PlainText<300>,
}

pub async fn set_address(
    State(shop): State<Shop>,
    Auth(who): Auth,
    head: Parts,
    Json(form): Json<NewAddress>,
) -> Result<StatusCode, Rejection> {
    let id = id_of(&who);
    let addresses = shop.addresses.for_request(&head.extensions);
    let sealed = addresses.protect(form.address.as_str().as_bytes(), &[id.to_be_bytes()]);
    let query = sqlx::query("UPDATE users SET address = ? WHERE id = ?");
    let query = query.bind(sealed.map_err(broken)?).bind(id);
    query.execute(&shop.db).await.map_err(broken)?;
    Ok(StatusCode::NO_CONTENT)
}

/// For administrators, which the access table sees to.
pub async fn list(State(shop): State<Shop>) -> Result<Json<Value>, Rejection> {
    let users: Vec<(i64, String, String)> =
        sqlx::query_as("SELECT id, name, role FROM users ORDER BY id")
            .fetch_all(&shop.db)
            .await
            .map_err(broken)?;
    let users = users
        .into_iter()
        .map(|(id, name, role)| json!({ "id": id, "name": name, "role": role }));
    Ok(Json(users.collect()))
}

/// Gives a user another role, and ends his tokens: what they say of it is not true any more.
pub async fn set_role(
    State(shop): State<Shop>,
    Path(id): Path<u32>,
    head: Parts,
    Json(form): Json<NewRole>,
) -> Result<StatusCode, Rejection> {
    let role = match form.role {
        Role::Admin => "admin",
        Role::Customer => "customer",
    };
    let query = sqlx::query("UPDATE users SET role = ? WHERE id = ?")
        .bind(role)
        .bind(id);
    let changed = query.execute(&shop.db).await.map_err(broken)?;
    if changed.rows_affected() == 0 {
        return Err(Rejection::not_found());
    }
    let tokens = shop.tokens.for_request(&head.extensions);
    tokens.revoke_subject(&id.to_string()).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    role: Role,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    Admin,
    Customer,
}
