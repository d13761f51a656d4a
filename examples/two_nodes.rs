//! Two nodes of one service, which share limits and bans through a Redis server.
//!
//! ```sh
//! cargo run --example two_nodes --features axum,redis
//! ```
//!
//! It starts a `redis-server` of its own (`apt-get install redis-server`) on a unix socket in a temporary folder; with
//! `-- --redis redis://127.0.0.1/` it uses that server. In another terminal:
//!
//! ```sh
//! # Ten an hour, on both nodes together: 200 ten times, then 429
//! for port in 3201 3202 3201 3202 3201 3202 3201 3202 3201 3202 3201 3202; do
//!     curl -s -o /dev/null -w '%{http_code}\n' http://127.0.0.1:$port/orders
//! done
//!
//! # Whoever looks for secrets is refused: 403, and banned after three times
//! for n in 1 2 3; do curl -s -o /dev/null -w '%{http_code}\n' http://127.0.0.1:3201/.env; done
//!
//! # The other node has heard of it within a second: 403, with code banned and retry-after
//! sleep 1.1; curl -i http://127.0.0.1:3202/orders
//! ```
//!
//! Ctrl-C (`kill -INT`) ends it, and its server with it. With `-- --attack` it does that to itself, both nodes at a time, prints what was admitted and ends.

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use redis::Client;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower_security::RateLimitLayer;
use tower_security::rate_limit::{BanLayer, BanTable, Policy, Quota, key};
use tower_security::redis::{RedisBans, RedisStore};

const PORTS: [u16; 2] = [3201, 3202];

/// A real service reads 16 random bytes from where it keeps its secrets, the same on every node.
const SECRET: [u8; 16] = *b"not for your own";

/// One node: it knows the others by the server alone.
async fn node(redis: &str) -> Result<Router, Box<dyn Error>> {
    let quickly = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(Duration::from_millis(250)))
        .set_response_timeout(Some(Duration::from_millis(25)));
    let connection = ConnectionManager::new_lazy_with_config(Client::open(redis)?, quickly)?;
    let store = RedisStore::builder(connection)
        .prefix("two-nodes")
        .secret(SECRET)
        .expected_nodes(2)
        .build()?;

    let fleet = RedisBans::new(&store);
    let table = BanTable::builder().share(fleet.clone()).build()?;
    fleet.follow(&table)?;
    let minute = Duration::from_secs(60);
    let bans = BanLayer::builder()
        .table(table)
        .fail2ban(
            |head| head.uri.path().starts_with("/.env"),
            3,
            minute,
            minute,
        )
        .build()?;

    let limits = RateLimitLayer::builder()
        .store(store)
        .policy(Policy::new("orders", Quota::per_hour(10)).key(key::client_ip()))
        .build()?;
    Ok(Router::new()
        .route("/orders", get(async || "orders\n"))
        .layer(limits)
        .layer(bans))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let given = arguments.iter().position(|argument| argument == "--redis");
    let (_server, url) = match given {
        Some(at) => (
            None,
            arguments.get(at + 1).ok_or("--redis needs a URL")?.clone(),
        ),
        None => {
            let server = Server::start().await?;
            let url = server.url();
            (Some(server), url)
        }
    };
    let is_attack = arguments.iter().any(|argument| argument == "--attack");
    if !is_attack {
        // Events go to `tracing`.
        tracing_subscriber::fmt().init();
    }

    let mut addresses = Vec::new();
    for port in PORTS {
        // An attack must not meet a service that runs already.
        let port = if is_attack { 0 } else { port };
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        addresses.push(listener.local_addr()?);
        let app = node(&url).await?;
        let service = app.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
    }
    if is_attack {
        return attack([addresses[0], addresses[1]]).await;
    }
    println!(
        "listening on http://{} and http://{}",
        addresses[0], addresses[1]
    );
    tokio::signal::ctrl_c().await?;
    Ok(())
}

/// Floods both nodes, then looks for secrets on the first until the second has heard of it.
async fn attack([one, two]: [SocketAddr; 2]) -> Result<(), Box<dyn Error>> {
    let (first, second) = tokio::join!(flood(one), flood(two));
    let (first, second) = (first?, second?);
    println!(
        "node 1 admitted {first} of 100 requests, node 2 {second}: {} together",
        first + second
    );
    if first + second != 10 {
        return Err("the two nodes do not share a quota of 10".into());
    }

    for _ in 0..3 {
        println!("GET /.env on node 1: {}", status(one, "/.env").await?);
    }
    let start = Instant::now();
    while status(two, "/orders").await? != 403 {
        if start.elapsed() > Duration::from_secs(5) {
            return Err("node 2 has not heard of the ban".into());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    println!("banned on node 2 after {} ms", start.elapsed().as_millis());
    Ok(())
}

/// How many of 100 requests pass.
async fn flood(node: SocketAddr) -> std::io::Result<u32> {
    let mut passed = 0;
    for _ in 0..100 {
        passed += u32::from(status(node, "/orders").await? == 200);
    }
    Ok(passed)
}

async fn status(node: SocketAddr, path: &str) -> std::io::Result<u16> {
    let mut stream = TcpStream::connect(node).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {node}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    status.ok_or_else(|| std::io::Error::other("no HTTP"))
}

/// A Redis server in a folder of its own. Both are gone when it is dropped.
struct Server {
    child: Child,
    folder: PathBuf,
}

impl Server {
    async fn start() -> Result<Self, Box<dyn Error>> {
        let folder = std::env::temp_dir().join(format!("two-nodes-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no"])
            .arg("--unixsocket")
            .arg(folder.join("s"))
            .arg("--dir")
            .arg(&folder)
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| format!("redis-server: {error}; apt-get install redis-server"))?;
        let server = Self { child, folder };
        let client = Client::open(server.url())?;
        let start = Instant::now();
        while client.get_multiplexed_async_connection().await.is_err() {
            if start.elapsed() > Duration::from_secs(5) {
                return Err("redis-server does not answer".into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(server)
    }

    fn url(&self) -> String {
        format!("redis+unix://{}", self.folder.join("s").display())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
