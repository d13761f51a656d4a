//! What prevents SQL injection, and what does not.
//!
//! Two services behind the strict layer, over one kind of table. One gives the database what users sent as parameters: every text is stored
//! and read back byte for byte, and nothing else happens. Its twin writes it into the statement, and is broken by the same texts that pass
//! through the same layer: it is no part of what the layer does to know SQL from text.

mod payloads;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::Request;
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{AssertSqlSafe, QueryBuilder, Row, Sqlite, SqlitePool};
use tower_security::sanitize::SanitizeLayer;

use crate::support::service::go;

type Answer<T> = Result<Json<T>, StatusCode>;

#[derive(Debug, Deserialize)]
struct NewUser {
    name: String,
    note: String,
}

#[derive(Debug, PartialEq, Serialize, sqlx::FromRow)]
struct User {
    id: i64,
    name: String,
    note: String,
}

/// What may be sorted by. A name of a column cannot be a parameter: it comes out of this list, never out of the request.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    Name,
    Newest,
}

impl Order {
    const fn sql(self) -> &'static str {
        match self {
            Self::Name => " ORDER BY name",
            Self::Newest => " ORDER BY id DESC",
        }
    }
}

#[derive(Debug, Deserialize)]
struct Search {
    part: String,
    order: Order,
}

fn fault<E>(_: E) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn add(State(pool): State<SqlitePool>, Json(user): Json<NewUser>) -> Answer<i64> {
    let added = sqlx::query("INSERT INTO users (name, note, secret) VALUES (?, ?, 'none')")
        .bind(&user.name)
        .bind(&user.note)
        .execute(&pool)
        .await
        .map_err(fault)?;
    Ok(Json(added.last_insert_rowid()))
}

async fn show(State(pool): State<SqlitePool>, Path(id): Path<i64>) -> Answer<User> {
    let user = sqlx::query_as("SELECT id, name, note FROM users WHERE id = ?")
        .bind(id)
        .fetch_one(&pool)
        .await
        .map_err(fault)?;
    Ok(Json(user))
}

/// `%` and `_` of the text are letters like others.
async fn search(State(pool): State<SqlitePool>, Query(search): Query<Search>) -> Answer<Vec<User>> {
    let part = search
        .part
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    let mut query =
        QueryBuilder::<Sqlite>::new("SELECT id, name, note FROM users WHERE name LIKE ");
    query.push_bind(format!("%{part}%")).push(" ESCAPE '\\'");
    query.push(search.order.sql());
    let found = query
        .build_query_as()
        .fetch_all(&pool)
        .await
        .map_err(fault)?;
    Ok(Json(found))
}

#[derive(Debug, Deserialize)]
struct Login {
    name: String,
    secret: String,
}

async fn login(State(pool): State<SqlitePool>, Json(login): Json<Login>) -> Answer<Vec<i64>> {
    let rows = sqlx::query("SELECT id FROM users WHERE name = ? AND secret = ?")
        .bind(&login.name)
        .bind(&login.secret)
        .fetch_all(&pool)
        .await
        .map_err(fault)?;
    Ok(Json(rows.iter().map(|row| row.get(0)).collect()))
}

/// The twin. `AssertSqlSafe` is what it takes to write it: `query` alone takes text that was there when the program was compiled.
async fn broken_login(
    State(pool): State<SqlitePool>,
    Json(login): Json<Login>,
) -> Answer<Vec<i64>> {
    let Login { name, secret } = login;
    let text = format!("SELECT id FROM users WHERE name = '{name}' AND secret = '{secret}'");
    let rows = sqlx::query(AssertSqlSafe(text))
        .fetch_all(&pool)
        .await
        .map_err(fault)?;
    let ids = rows.iter().map(|row| row.try_get(0).unwrap_or(-1));
    Ok(Json(ids.collect()))
}

async fn database() -> SqlitePool {
    // One connection: a database in memory is that of its connection.
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect("sqlite::memory:")
        .await
        .unwrap();
    sqlx::query("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, note TEXT NOT NULL, secret TEXT NOT NULL)")
        .execute(&pool)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO users (name, note, secret) VALUES ('admin', 'the first', 'swordfish')",
    )
    .execute(&pool)
    .await
    .unwrap();
    pool
}

fn app(pool: SqlitePool) -> Router {
    Router::new()
        .route("/users", post(add).get(search))
        .route("/users/{id}", get(show))
        .route("/login", post(login))
        .route("/broken/login", post(broken_login))
        .layer(SanitizeLayer::strict())
        .with_state(pool)
}

async fn send(app: &Router, request: Request<axum::body::Body>) -> (StatusCode, Value) {
    let answer = go(app.clone(), request).await;
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn post_json(app: &Router, path: &str, body: &Value) -> (StatusCode, Value) {
    let request = Request::post(path)
        .header("host", "app.example")
        .header("content-type", "application/json");
    send(app, request.body(body.to_string().into()).unwrap()).await
}

async fn get_json(app: &Router, path: &str) -> (StatusCode, Value) {
    let request = Request::get(path).header("host", "app.example");
    send(app, request.body(axum::body::Body::empty()).unwrap()).await
}

/// The one thing that the layer refuses of these texts: characters that no text has.
fn refused_for(text: &str) -> Option<&'static str> {
    if text.contains('\0') {
        return Some("json_nul");
    }
    let control = |character: char| {
        (character < ' ' && !['\t', '\n', '\r'].contains(&character)) || character == '\u{7f}'
    };
    text.contains(control).then_some("json_control")
}

#[tokio::test]
async fn what_is_bound_is_stored_and_read_back_byte_for_byte() {
    let pool = database().await;
    let app = app(pool.clone());
    let payloads = payloads::all();
    assert!(payloads.len() >= 300, "{}", payloads.len());
    let mut stored = 0;
    for text in &payloads {
        let name = text.chars().take(40).collect::<String>();
        let (status, answer) =
            post_json(&app, "/users", &json!({ "name": text, "note": text })).await;
        if let Some(code) = refused_for(text) {
            assert_eq!(
                (status, answer["code"].as_str()),
                (StatusCode::BAD_REQUEST, Some(code)),
                "{name:?}"
            );
            continue;
        }
        assert_eq!(status, StatusCode::OK, "{name:?}: {answer}");
        let id = answer.as_i64().unwrap();
        let kept: (String, String) = sqlx::query_as("SELECT name, note FROM users WHERE id = ?")
            .bind(id)
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!((&kept.0, &kept.1), (text, text), "{name:?}");
        let shown = get_json(&app, &format!("/users/{id}")).await;
        assert_eq!(
            shown,
            (
                StatusCode::OK,
                json!({ "id": id, "name": text, "note": text })
            ),
            "{name:?}"
        );
        stored += 1;
    }
    assert!(stored >= 300, "{stored}");
    // Nothing else happened.
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM users")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(count, stored + 1);
    let secret: String = sqlx::query_scalar("SELECT secret FROM users WHERE id = 1")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(secret, "swordfish");
    let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_master")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(tables, ["users"]);
}

#[tokio::test]
async fn nobody_logs_in_with_a_statement() {
    let app = app(database().await);
    let login = |name: &str, secret: &str| json!({ "name": name, "secret": secret });
    assert_eq!(
        post_json(&app, "/login", &login("admin", "swordfish")).await,
        (StatusCode::OK, json!([1]))
    );
    for text in payloads::all() {
        for body in [login(&text, "x"), login("admin", &text)] {
            let (status, answer) = post_json(&app, "/login", &body).await;
            match refused_for(&text) {
                Some(code) => assert_eq!(answer["code"], code, "{text:?}"),
                None => assert_eq!((status, answer), (StatusCode::OK, json!([])), "{text:?}"),
            }
        }
    }
}

/// The control: the same texts through the same layer. Each is sent to a database of its own.
#[tokio::test]
async fn the_twin_that_writes_statements_is_broken_by_the_same_texts() {
    let (mut inside, mut damaged, mut faults) = (0, 0, 0);
    for text in payloads::all() {
        let pool = database().await;
        let app = app(pool.clone());
        let body = json!({ "name": text, "secret": "x" });
        let (status, answer) = post_json(&app, "/broken/login", &body).await;
        inside += usize::from(answer.as_array().is_some_and(|ids| !ids.is_empty()));
        faults += usize::from(status == StatusCode::INTERNAL_SERVER_ERROR);
        let after: Result<Vec<(String, String)>, _> =
            sqlx::query_as("SELECT name, secret FROM users")
                .fetch_all(&pool)
                .await;
        let untouched =
            after.is_ok_and(|rows| rows == [("admin".to_owned(), "swordfish".to_owned())]);
        damaged += usize::from(!untouched);
    }
    println!(
        "the twin: {inside} texts log in, {damaged} damage the table, {faults} break the statement"
    );
    assert!(inside >= 20, "{inside}");
    assert!(damaged >= 5, "{damaged}");
    assert!(faults >= 50, "{faults}");
}

#[tokio::test]
async fn a_search_takes_every_sign_for_a_letter() {
    let app = app(database().await);
    for name in ["100%", "100x", "a_b", "axb", "c\\d", "O'Brien"] {
        let (status, _) = post_json(&app, "/users", &json!({ "name": name, "note": "" })).await;
        assert_eq!(status, StatusCode::OK);
    }
    for (query, names) in [
        ("part=0%25&order=name", &["100%"][..]),
        ("part=a_b&order=name", &["a_b"]),
        ("part=%5C&order=name", &["c\\d"]),
        ("part=%27&order=name", &["O'Brien"]),
        ("part=100&order=name", &["100%", "100x"]),
        ("part=100&order=newest", &["100x", "100%"]),
        ("part=%27%20OR%201%3D1%20--&order=name", &[]),
    ] {
        let (status, answer) = get_json(&app, &format!("/users?{query}")).await;
        assert_eq!(status, StatusCode::OK, "{query}: {answer}");
        let found: Vec<_> = answer
            .as_array()
            .unwrap()
            .iter()
            .map(|user| user["name"].as_str().unwrap())
            .collect();
        assert_eq!(found, names, "{query}");
    }
    for order in [
        "id",
        "name%20DESC",
        "name%3B%20DROP%20TABLE%20users",
        "(SELECT%20secret%20FROM%20users)",
        "",
    ] {
        let (status, _) = get_json(&app, &format!("/users?part=a&order={order}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{order}");
    }
}
