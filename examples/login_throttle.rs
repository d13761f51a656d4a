//! A login under attack: five guesses are looked at, and the owner of another account notices nothing.
//!
//! ```sh
//! cargo run --example login_throttle --features axum
//! ```
//!
//! Then, in another terminal, within a minute:
//!
//! ```sh
//! # A wrong password: 401
//! curl -i -X POST http://127.0.0.1:3004/login/alice -d 'guess-1'
//!
//! # Another one: 401
//! curl -i -X POST http://127.0.0.1:3004/login/alice -d 'guess-2'
//!
//! # The same account in other letters: 401
//! curl -i -X POST http://127.0.0.1:3004/login/ALICE -d 'guess-3'
//!
//! # And so on: 401
//! curl -i -X POST http://127.0.0.1:3004/login/alice -d 'guess-4'
//!
//! # The last that is looked at: 401
//! curl -i -X POST http://127.0.0.1:3004/login/alice -d 'guess-5'
//!
//! # Even the right password: 429, with retry-after and code login_throttled
//! curl -i -X POST http://127.0.0.1:3004/login/alice -d 'correct horse'
//!
//! # Another account: 200, with set-cookie
//! curl -i -X POST http://127.0.0.1:3004/login/bob -d 'battery staple'
//!
//! # An account that does not exist, counted like any other: 401
//! curl -i -X POST http://127.0.0.1:3004/login/nobody -d 'guess-1'
//! ```
//!
//! With `-- --attack` the program attacks itself over loopback and prints what came of it:
//!
//! ```text
//! 200 guesses at once at alice: 5 verified, 195 refused
//! one guess at each of 200 accounts: 17 verified, 183 refused
//! alice, on a device that she has used before: 200
//! alice, on a new device: 429
//! ```
//!
//! A spray is 20 accounts, counted in 64 bits: with another secret the 17 may be anything up to 25, where the address has used up its
//! 30 failures.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::post;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tower_security::core::{
    ClientIpLayer, Clock, ConfigErrors, RefusalContext, SystemClock, TrustedProxies,
};
use tower_security::rate_limit::login::{LoginAttempt, LoginThrottle};

/// In earnest 16 random bytes from where the service keeps its secrets.
const SECRET: &[u8] = b"\x5c\xe1\x09\x7f\xb2\x34\xd8\x60\xaf\x1d\x93\x46\xe7\x28\x8b\xf5";

/// In earnest a hash, which takes its time: also for accounts that do not exist.
fn is_right(account: &str, password: &str) -> bool {
    matches!(
        (account.to_lowercase().as_str(), password),
        ("alice", "correct horse") | ("bob", "battery staple")
    )
}

async fn log_in(
    State(throttle): State<Arc<LoginThrottle>>,
    Path(account): Path<String>,
    head: Parts,
    password: String,
) -> Response<Body> {
    let attempt = LoginAttempt::new(&account).head(&head);
    let guard = match throttle.begin(attempt).await {
        Ok(guard) => guard,
        Err(refusal) => {
            let context = RefusalContext::new(&head);
            return refusal.rejection().into_response(&context);
        }
    };
    if !is_right(&account, &password) {
        guard.failure();
        return (StatusCode::UNAUTHORIZED, "wrong account or password\n").into_response();
    }
    let mut answer = "welcome\n".into_response();
    if let Some(cookie) = guard.success() {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    answer
}

/// The service. Its first delay is a minute, so that there is time to type.
pub fn app(clock: impl Clock) -> Result<Router, ConfigErrors> {
    let quarter = Duration::from_secs(900);
    let throttle = LoginThrottle::builder(SECRET)
        .delays(Duration::from_secs(60), quarter, quarter)
        .clock(clock)
        .build()?;
    Ok(Router::new()
        .route("/login/{account}", post(log_in))
        .layer(ClientIpLayer::new(TrustedProxies::direct()))
        .with_state(Arc::new(throttle)))
}

/// What came of an attack.
#[derive(Debug, Default)]
pub struct Report {
    /// Guesses at one account: verified, refused.
    pub guesses: [usize; 2],
    /// Guesses at many accounts: verified, refused.
    pub spray: [usize; 2],
    /// The status that the owner gets on her own device, and on a new one.
    pub owner: [u16; 2],
}

/// Attacks the service at this address.
pub async fn attack(addr: SocketAddr) -> io::Result<Report> {
    let mut report = Report::default();
    let (_, device) = ask(addr, "alice".to_owned(), "correct horse", String::new()).await?;

    let mut guesses = JoinSet::new();
    for _ in 0..200 {
        guesses.spawn(ask(addr, "alice".to_owned(), "guess", String::new()));
    }
    while let Some(answer) = guesses.join_next().await {
        let (status, _) = answer??;
        report.guesses[usize::from(status == 429)] += 1;
    }
    for number in 0..200 {
        let (status, _) = ask(addr, format!("user{number}"), "password1", String::new()).await?;
        report.spray[usize::from(status == 429)] += 1;
    }
    for (status, cookie) in report.owner.iter_mut().zip([device, String::new()]) {
        (*status, _) = ask(addr, "alice".to_owned(), "correct horse", cookie).await?;
    }
    Ok(report)
}

/// Tries to log in. Returns the status and the device cookie.
async fn ask(
    addr: SocketAddr,
    account: String,
    password: &str,
    cookie: String,
) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(addr).await?;
    let length = password.len();
    let request = format!(
        "POST /login/{account} HTTP/1.1\r\nhost: {addr}\r\ncookie: {cookie}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{password}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::other("no status"))?;
    let cookie = answer
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next());
    Ok((status, cookie.unwrap_or_default().to_owned()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let is_attack = std::env::args().any(|argument| argument == "--attack");
    let port = if is_attack { 0 } else { 3004 };
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let addr = listener.local_addr()?;
    let service = app(SystemClock)?.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service);
    if !is_attack {
        println!("listening on http://{addr}");
        server.await?;
        return Ok(());
    }
    tokio::spawn(async move { server.await });
    let Report {
        guesses,
        spray,
        owner,
    } = attack(addr).await?;
    let [verified, refused] = guesses;
    println!("200 guesses at once at alice: {verified} verified, {refused} refused");
    let [verified, refused] = spray;
    println!("one guess at each of 200 accounts: {verified} verified, {refused} refused");
    println!("alice, on a device that she has used before: {}", owner[0]);
    println!("alice, on a new device: {}", owner[1]);
    Ok(())
}
