//! What else a service has: its health, files, a socket, and reports that are broken.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Json;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tower_security::axum::Public;
use tower_security::core::{ClientIp, IpNet, Rejection};
use tower_security::ownership::Granted;
use tower_security::sanitize::SafeFileName;

use super::orders::Order;
use super::shop::{Shop, broken};

pub async fn health(_: Public) -> &'static str {
    "up\n"
}

/// The addresses of the office. A client cannot choose the address that the stack has found.
pub async fn status(
    State(shop): State<Shop>,
    _: Public,
    head: Parts,
) -> Result<Json<Value>, Rejection> {
    let office = IpNet::new(IpAddr::from([10, 0, 0, 0]), 8).map_err(broken)?;
    let client = ClientIp::from_extensions(&head.extensions);
    if !client.is_some_and(|client| office.contains(client.ip())) {
        return Err(Rejection::not_found());
    }
    let orders: i64 = sqlx::query_scalar("SELECT count(*) FROM orders")
        .fetch_one(&shop.db)
        .await
        .map_err(broken)?;
    Ok(Json(json!({ "status": "up", "orders": orders })))
}

/// The type of the name has no way out of the folder.
pub async fn download(
    State(shop): State<Shop>,
    _: Public,
    Path(name): Path<SafeFileName>,
) -> Result<Response, Rejection> {
    let file = shop.downloads.join(name.as_str());
    match tokio::fs::read(file).await {
        Ok(content) => Ok((
            [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
            content,
        )
            .into_response()),
        Err(_) => Err(Rejection::not_found()),
    }
}

/// Tells of an order while it is on its way. The handshake is a GET with a cookie, which the CSRF layer looks at.
pub async fn live(order: Granted<Order>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(move |mut socket: WebSocket| async move {
        let order = &*order;
        let text = json!({ "order": order.id, "goods": order.goods, "status": order.status });
        let _ = socket.send(Message::text(text.to_string())).await;
        let _ = socket.send(Message::Close(None)).await;
    })
}

/// Written in a hurry: the column is called otherwise, and the error goes out as it is. The mask sees to that.
pub async fn monthly(State(shop): State<Shop>) -> Result<String, (StatusCode, String)> {
    let total = sqlx::query_scalar("SELECT sum(total_cents) FROM orders WHERE status = 'paid'");
    let total: Result<i64, _> = total.fetch_one(&shop.db).await;
    total
        .map(|total| format!("{total}\n"))
        .map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:?}")))
}

/// Written in a hurry too: there are not so many.
pub async fn top(Path(place): Path<usize>) -> &'static str {
    const BEST: [&str; 3] = ["lamp\n", "book\n", "chair\n"];
    BEST[place]
}

/// A folder with a file for everybody, and beside it one for nobody. It is gone when this is.
pub struct Folder(PathBuf);

/// Makes it, under the folder for temporary files.
pub fn folder() -> std::io::Result<Folder> {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let made = MADE.fetch_add(1, Ordering::Relaxed);
    let root = std::env::temp_dir().join(format!("orders-api-{}-{made}", std::process::id()));
    let folder = Folder(root);
    std::fs::create_dir_all(folder.path())?;
    std::fs::write(
        folder.path().join("prices.txt"),
        "lamp 39.00\nbook 15.00\nchair 120.00\n",
    )?;
    std::fs::write(folder.0.join("backup.txt"), "what no customer may read\n")?;
    Ok(folder)
}

impl Folder {
    pub fn path(&self) -> PathBuf {
        self.0.join("downloads")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
