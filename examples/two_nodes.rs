//! Two nodes of one service, which share limits, bans, sessions and refresh tokens through a Redis server.
//!
//! ```sh
//! cargo run --example two_nodes --features axum,jwt,limits,redis,sanitize
//! ```
//!
//! It starts a `redis-server` of its own (`apt-get install redis-server`) on a unix socket in a temporary folder; with
//! `-- --redis redis://127.0.0.1/` it uses that server. The nodes listen on the ports 3201 and 3202. In another terminal:
//!
//! ```sh
//! # Alice logs in on node 1: 200 welcome
//! curl -i -c jar -X POST http://127.0.0.1:3201/login -d 'alice&correct horse'
//!
//! # Node 2 knows her session: 200 alice by session
//! curl -i -b jar http://127.0.0.1:3202/me
//!
//! # A cookie that nobody was given: 401, code session_invalid
//! curl -i http://127.0.0.1:3202/me -H 'Cookie: __Host-session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
//!
//! # She logs out on node 2: 200 goodbye
//! curl -i -b jar -X POST http://127.0.0.1:3202/logout -H 'Sec-Fetch-Site: same-origin'
//!
//! # The cookie that was kept is of no use on node 1: 401, code session_invalid
//! curl -i -b jar http://127.0.0.1:3201/me
//!
//! # Her phone gets a refresh token on node 1, which it has to exchange for the next one whenever it uses it
//! FIRST=$(curl -s -X POST http://127.0.0.1:3201/phone -d 'alice&correct horse')
//!
//! # So it does, on node 1
//! SECOND=$(curl -s -X POST http://127.0.0.1:3201/refresh -d "$FIRST")
//!
//! # And once more
//! THIRD=$(curl -s -X POST http://127.0.0.1:3201/refresh -d "$SECOND")
//!
//! # Somebody has copied the first and comes to node 2, which knows that it was used: 400, code invalid_grant
//! curl -i -X POST http://127.0.0.1:3202/refresh -d "$FIRST"
//!
//! # One of the two is a thief, and nobody can tell which: it was the end for both, on node 1 too: 400, code invalid_grant
//! curl -i -X POST http://127.0.0.1:3201/refresh -d "$THIRD"
//!
//! # Ten orders an hour, on both nodes together: 200 orders
//! curl -i 'http://127.0.0.1:3201/orders?[1-6]'
//!
//! # Four are left on node 2: 200 orders
//! curl -i 'http://127.0.0.1:3202/orders?[1-4]'
//!
//! # And none: 429, code rate_limited
//! curl -i http://127.0.0.1:3202/orders
//!
//! # Nor on node 1: 429, code rate_limited
//! curl -i http://127.0.0.1:3201/orders
//!
//! # Whoever looks for secrets on node 1 is refused, and after three times banned: 403, code blocked
//! curl -i 'http://127.0.0.1:3201/.env?[1-3]'
//!
//! # Node 2 hears of it within a second: 403, code banned
//! sleep 1.1; curl -i http://127.0.0.1:3202/me
//! ```
//!
//! Ctrl-C (`kill -INT`) ends it, and its server with it. With `-- --attack` it floods both nodes at a time, looks for secrets on one of them,
//! prints what was admitted and ends.

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use redis::Client;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower_security::auth::session::SessionAuth;
use tower_security::axum::Auth;
use tower_security::core::{Principal, RefusalContext, Rejection, TrustedProxies};
use tower_security::rate_limit::login::{LoginAttempt, LoginThrottle};
use tower_security::rate_limit::{BanLayer, BanTable, Policy, Quota, key};
use tower_security::redis::{
    RedisBans, RedisRefreshTokens, RedisRevocations, RedisSessions, RedisStore,
};
use tower_security::token::jws::{Algorithm, SigningKey};
use tower_security::token::{
    Grant, KeyRing, RefreshContext, RefreshService, TokenIssuer, TokenPair,
};
use tower_security::{
    AuthLayer, CsrfLayer, LimitsLayer, RateLimitLayer, SanitizeLayer, SecurityStack,
};

const PORTS: [u16; 2] = [3201, 3202];

/// A real service reads these from where it keeps its secrets, random bytes that are the same on every node.
const SECRET: [u8; 16] = *b"not for your own";
const THROTTLE: &[u8; 16] = b"another of these";
const ROTATION: &[u8; 32] = b"the third of these has 32 bytes.";

/// What the handlers of one node need.
#[derive(Clone)]
struct Desk {
    sessions: SessionAuth,
    tokens: RefreshService,
    throttle: Arc<LoginThrottle<RedisStore>>,
}

/// The key that access tokens are signed with. In earnest `SigningKey::from_pem`, of one file on every node.
pub fn signing_key() -> Result<KeyRing, Box<dyn Error>> {
    Ok(KeyRing::new(SigningKey::generate(Algorithm::EdDsa)?))
}

/// One node: it knows the others by the server alone.
pub async fn node(redis: &str, keys: KeyRing) -> Result<Router, Box<dyn Error>> {
    let patience = Duration::from_millis(250);
    let quickly = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(patience))
        .set_response_timeout(Some(patience));
    let connection = ConnectionManager::new_lazy_with_config(Client::open(redis)?, quickly)?;
    let store = RedisStore::builder(connection)
        .prefix("two-nodes")
        .secret(SECRET)
        .expected_nodes(2)
        // A laptop that compiles beside it is slow, not away. In earnest the default, 25 ms.
        .timeout(patience)
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

    let orders = Policy::new("orders", Quota::per_hour(10))
        .key(key::client_ip())
        .when(|head| head.uri.path() == "/orders");
    let limits = RateLimitLayer::builder()
        .store(store.clone())
        .policy(orders)
        .build()?;

    let issuer = TokenIssuer::builder()
        .issuer("https://login.example.com")
        .audience("https://orders.example.com")
        .signing(keys)
        .build()?;
    let tokens = RefreshService::builder(RedisRefreshTokens::new(&store), issuer)
        .rotation_key("2027", ROTATION)
        .revocation(RedisRevocations::new(&store))
        .build()?;
    let desk = Desk {
        sessions: SessionAuth::builder(RedisSessions::new(&store)).build()?,
        tokens,
        throttle: Arc::new(LoginThrottle::builder(THROTTLE).store(store).build()?),
    };

    let stack = SecurityStack::api()
        .client_ip(TrustedProxies::direct())
        .bans(bans)
        .rate_limit(limits)
        .limits(LimitsLayer::new())
        .csrf(CsrfLayer::new())
        .sanitize(SanitizeLayer::strict());
    let auth = AuthLayer::builder().session(desk.sessions.clone());
    Ok(Router::new()
        // A layer of its own: whose session is over has to reach `/login` and `/logout`.
        .route("/me", get(me).layer(auth.build()?))
        .route("/login", post(log_in))
        .route("/logout", post(log_out))
        .route("/phone", post(give_token))
        .route("/refresh", post(refresh))
        .route("/orders", get(async || "orders\n"))
        .layer(stack)
        .with_state(desk))
}

async fn me(Auth(who): Auth) -> String {
    format!("{} by {}\n", who.subject(), who.method().as_str())
}

impl Desk {
    /// `account&password`. In earnest a hash and a second factor, as in `examples/login.rs`.
    async fn check(&self, head: &Parts, form: &str) -> Result<Principal, Rejection> {
        let (account, password) = form.split_once('&').unwrap_or((form, ""));
        // Charged to the account on all nodes before anything is looked at; dropped, the guard counts a failure.
        let attempt = self.throttle.begin(LoginAttempt::new(account).head(head));
        let guard = attempt.await.map_err(|refusal| refusal.rejection())?;
        if (account, password) != ("alice", "correct horse") {
            let status = StatusCode::UNAUTHORIZED;
            return Err(Rejection::new(
                status,
                "login_failed",
                "Wrong name or password",
            ));
        }
        // A cookie by which the device is known next time: a browser would get it.
        let _device = guard.success();
        Ok(Principal::builder(account).amr(["pwd"]).build())
    }
}

async fn log_in(
    State(desk): State<Desk>,
    context: RefusalContext,
    head: Parts,
    form: String,
) -> Result<Response, Response> {
    let alice = desk.check(&head, &form).await;
    let alice = alice.map_err(|error| context.refuse(error))?;
    let sessions = desk.sessions.for_request(&head.extensions);
    let line = sessions.login(&head.headers, &alice).await;
    let line = line.map_err(|error| context.refuse(error))?;
    Ok(([(header::SET_COOKIE, line)], "welcome\n").into_response())
}

async fn log_out(
    State(desk): State<Desk>,
    context: RefusalContext,
    head: Parts,
) -> Result<Response, Response> {
    let sessions = desk.sessions.for_request(&head.extensions);
    let line = sessions.logout(&head.headers).await;
    let line = line.map_err(|error| context.refuse(error))?;
    Ok(([(header::SET_COOKIE, line)], "goodbye\n").into_response())
}

/// A refresh token, which no cache may keep. In earnest it is JSON, beside the access token (RFC 6749 section 5.1).
type Token = ([(HeaderName, &'static str); 1], String);

fn shown(pair: TokenPair) -> Token {
    let token = format!("{}\n", pair.refresh_token.expose());
    ([(header::CACHE_CONTROL, "no-store")], token)
}

async fn give_token(
    State(desk): State<Desk>,
    context: RefusalContext,
    head: Parts,
    form: String,
) -> Result<Token, Response> {
    let alice = desk.check(&head, &form).await;
    let alice = alice.map_err(|error| context.refuse(error))?;
    let tokens = desk.tokens.for_request(&head.extensions);
    let grant = Grant::new(alice.to_builder().client_id("phone").build());
    let pair = tokens.login(&grant, &RefreshContext::new()).await;
    pair.map(shown).map_err(|error| context.refuse(error))
}

async fn refresh(
    State(desk): State<Desk>,
    context: RefusalContext,
    head: Parts,
    token: String,
) -> Result<Token, Response> {
    let tokens = desk.tokens.for_request(&head.extensions);
    let client = RefreshContext::new().client_id("phone");
    let pair = tokens.refresh(token.trim(), &client).await;
    pair.map(shown).map_err(|error| context.refuse(error))
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

    let keys = signing_key()?;
    let mut addresses = Vec::new();
    for port in PORTS {
        // An attack must not meet a service that runs already.
        let port = if is_attack { 0 } else { port };
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        addresses.push(listener.local_addr()?);
        let app = node(&url, keys.clone()).await?;
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
pub async fn attack([one, two]: [SocketAddr; 2]) -> Result<(), Box<dyn Error>> {
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
