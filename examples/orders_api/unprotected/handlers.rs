//! DO NOT COPY: handlers that believe what they are told.

use std::collections::HashMap;
use std::panic::catch_unwind;

use axum::Json;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use super::super::orders::Order;
use super::Twin;

/// Whatever went wrong, in the words of whoever noticed.
type Answer<T> = Result<T, (StatusCode, String)>;

fn told(error: sqlx::Error) -> (StatusCode, String) {
    // MISTAKE: the client learns tables, columns and the library.
    (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:?}"))
}

fn nobody() -> (StatusCode, String) {
    (StatusCode::UNAUTHORIZED, "log in".to_owned())
}

/// MISTAKE: what is searched for is part of the query.
async fn found(
    twin: &Twin,
    headers: &HeaderMap,
    query: &HashMap<String, String>,
) -> Answer<Vec<Order>> {
    let owner = twin.sessions.who(headers).ok_or_else(nobody)?.id;
    let q = query.get("q").map_or("", String::as_str);
    let query = format!(
        "SELECT * FROM orders WHERE owner = {owner} AND (goods LIKE '%{q}%' OR note LIKE '%{q}%')"
    );
    sqlx::query_as(AssertSqlSafe(query))
        .fetch_all(&twin.db)
        .await
        .map_err(told)
}

pub(super) async fn list(
    State(twin): State<Twin>,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Answer<Json<Vec<Order>>> {
    found(&twin, &headers, &query).await.map(Json)
}

/// MISTAKE: what was searched for is part of the page.
pub(super) async fn search(
    State(twin): State<Twin>,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Answer<Html<String>> {
    let count = found(&twin, &headers, &query).await?.len();
    let q = query.get("q").map_or("", String::as_str);
    Ok(Html(format!(
        "<!doctype html><title>Search</title><p>You asked for {q}: {count}"
    )))
}

/// The first number behind a name, as a filter in front of the service reads it.
fn first_number(body: &str, name: &str) -> i64 {
    let (_, rest) = body.split_once(&format!("\"{name}\":")).unwrap_or_default();
    let digits = rest
        .trim_start()
        .split(|character: char| !character.is_ascii_digit());
    digits
        .into_iter()
        .next()
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}

/// MISTAKE: every field that the table has is taken from the body. And the quantity that is checked is the first one, where the one that
/// counts is the last.
pub(super) async fn create(
    State(twin): State<Twin>,
    headers: HeaderMap,
    body: String,
) -> Answer<(StatusCode, Json<Order>)> {
    let who = twin.sessions.who(&headers).ok_or_else(nobody)?;
    let bad = |text: String| (StatusCode::BAD_REQUEST, text);
    let order: Value = serde_json::from_str(&body).map_err(|error| bad(error.to_string()))?;
    if !(1..=10).contains(&first_number(&body, "quantity")) {
        return Err(bad("from 1 to 10".to_owned()));
    }
    let text = |name: &str, other: &str| order[name].as_str().unwrap_or(other).to_owned();
    let query = "INSERT INTO orders (owner, goods, quantity, cents, note, options, status)
        VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING *";
    let query = sqlx::query_as(query)
        .bind(order["owner"].as_i64().unwrap_or(who.id))
        .bind(text("goods", "lamp"))
        .bind(order["quantity"].as_i64())
        .bind(order["cents"].as_i64().unwrap_or(3_900))
        .bind(text("note", ""))
        .bind(
            order
                .get("options")
                .map_or_else(|| "{}".to_owned(), Value::to_string),
        )
        .bind(text("status", "open"));
    let order = query.fetch_one(&twin.db).await.map_err(told)?;
    Ok((StatusCode::CREATED, Json(order)))
}

/// MISTAKE, here and in the four below: whose order it is nobody asks.
pub(super) async fn show(
    State(twin): State<Twin>,
    Path(id): Path<i64>,
    headers: HeaderMap,
) -> Answer<Json<Order>> {
    twin.sessions.who(&headers).ok_or_else(nobody)?;
    order(&twin, id).await.map(Json)
}

async fn order(twin: &Twin, id: i64) -> Answer<Order> {
    let query = sqlx::query_as("SELECT * FROM orders WHERE id = ?").bind(id);
    let order = query.fetch_optional(&twin.db).await.map_err(told)?;
    order.ok_or_else(|| (StatusCode::NOT_FOUND, "none".to_owned()))
}

pub(super) async fn change(
    State(twin): State<Twin>,
    Path(id): Path<i64>,
    headers: HeaderMap,
    Json(change): Json<Value>,
) -> Answer<Json<Order>> {
    twin.sessions.who(&headers).ok_or_else(nobody)?;
    let query = sqlx::query("UPDATE orders SET note = ? WHERE id = ?");
    let query = query.bind(change["note"].as_str()).bind(id);
    query.execute(&twin.db).await.map_err(told)?;
    order(&twin, id).await.map(Json)
}

pub(super) async fn pay(
    State(twin): State<Twin>,
    Path(id): Path<i64>,
    headers: HeaderMap,
) -> Answer<Json<Order>> {
    twin.sessions.who(&headers).ok_or_else(nobody)?;
    let query = sqlx::query("UPDATE orders SET status = 'paid' WHERE id = ?").bind(id);
    query.execute(&twin.db).await.map_err(told)?;
    order(&twin, id).await.map(Json)
}

pub(super) async fn cancel(
    State(twin): State<Twin>,
    Path(id): Path<i64>,
    headers: HeaderMap,
) -> Answer<StatusCode> {
    twin.sessions.who(&headers).ok_or_else(nobody)?;
    let query = sqlx::query("DELETE FROM orders WHERE id = ?").bind(id);
    query.execute(&twin.db).await.map_err(told)?;
    Ok(StatusCode::NO_CONTENT)
}

/// MISTAKE: what somebody has written is part of the page.
pub(super) async fn page(
    State(twin): State<Twin>,
    Path(id): Path<i64>,
    headers: HeaderMap,
) -> Answer<Html<String>> {
    twin.sessions.who(&headers).ok_or_else(nobody)?;
    let Order { goods, note, .. } = order(&twin, id).await?;
    Ok(Html(format!(
        "<!doctype html><title>Order {id}</title><h1>{goods}</h1><div>{note}</div>"
    )))
}

/// MISTAKE: the cookie is enough, whichever page has opened the socket.
pub(super) async fn live(
    State(twin): State<Twin>,
    Path(id): Path<i64>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Answer<Response> {
    twin.sessions.who(&headers).ok_or_else(nobody)?;
    let order = order(&twin, id).await?;
    Ok(upgrade.on_upgrade(async move |mut socket: WebSocket| {
        let text = json!({ "order": order.id, "goods": order.goods, "status": order.status });
        let _ = socket.send(Message::text(text.to_string())).await;
    }))
}

/// MISTAKE: the client says where it calls from.
pub(super) async fn status(State(twin): State<Twin>, headers: HeaderMap) -> Answer<Json<Value>> {
    let line = headers
        .get("x-forwarded-for")
        .and_then(|line| line.to_str().ok());
    if !line.is_some_and(|line| line.starts_with("10.")) {
        return Err((StatusCode::NOT_FOUND, "none".to_owned()));
    }
    let orders: i64 = sqlx::query_scalar("SELECT count(*) FROM orders")
        .fetch_one(&twin.db)
        .await
        .map_err(told)?;
    Ok(Json(json!({ "status": "up", "orders": orders })))
}

/// MISTAKE: the name may lead anywhere.
pub(super) async fn download(State(twin): State<Twin>, Path(name): Path<String>) -> Response {
    match tokio::fs::read(twin.downloads.join(name)).await {
        Ok(content) => content.into_response(),
        Err(error) => (StatusCode::NOT_FOUND, error.to_string()).into_response(),
    }
}

pub(super) async fn users(State(twin): State<Twin>) -> Answer<Json<Value>> {
    let users: Vec<(i64, String, String)> = sqlx::query_as("SELECT id, name, role FROM users")
        .fetch_all(&twin.db)
        .await
        .map_err(told)?;
    let users = users
        .into_iter()
        .map(|(id, name, role)| json!({ "id": id, "name": name, "role": role }));
    Ok(Json(users.collect()))
}

/// MISTAKE: the page with this button is for administrators, and so nobody else would call it.
pub(super) async fn set_role(
    State(twin): State<Twin>,
    Path(id): Path<i64>,
    headers: HeaderMap,
    Json(form): Json<Value>,
) -> Answer<StatusCode> {
    twin.sessions.who(&headers).ok_or_else(nobody)?;
    let query = sqlx::query("UPDATE users SET role = ? WHERE id = ?");
    let query = query.bind(form["role"].as_str()).bind(id);
    query.execute(&twin.db).await.map_err(told)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn monthly(State(twin): State<Twin>) -> Answer<String> {
    let total = sqlx::query_scalar("SELECT sum(total_cents) FROM orders WHERE status = 'paid'");
    let total: i64 = total.fetch_one(&twin.db).await.map_err(told)?;
    Ok(format!("{total}\n"))
}

/// MISTAKE: the message of the panic, for whoever caused it.
pub(super) async fn top(Path(place): Path<usize>) -> Response {
    const BEST: [&str; 3] = ["lamp\n", "book\n", "chair\n"];
    match catch_unwind(|| BEST[place]) {
        Ok(goods) => goods.into_response(),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map_or("", String::as_str);
            let text = format!("panicked at {}: {text}", file!());
            (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
        }
    }
}
