//! A server that writes down what arrives, whatever becomes of it, and the pages that it serves.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{Html, Redirect, Response};
use axum::routing::{any, get};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::support::browser::{Browser, DEADLINE};
use crate::support::wire::Server;

/// What is expected to become of a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verdict {
    /// The handler was called once, and its answer was sent.
    Reached,
    /// A 403 was sent, and the handler was not called.
    Refused,
}

/// A request as it arrived, and what became of it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    method: String,
    path: String,
    pub(super) site: Option<String>,
    mode: Option<String>,
    dest: Option<String>,
    pub(super) origin: Option<String>,
    pub(super) cookie: Option<String>,
    reached: usize,
    status: u16,
}

impl Seen {
    fn of(request: &Request) -> Self {
        let text = |name: &str| {
            let lines = request.headers().get_all(name).iter();
            let lines: Vec<_> = lines.map(|line| line.to_str().unwrap()).collect();
            (!lines.is_empty()).then(|| lines.join(" | "))
        };
        Self {
            method: request.method().to_string(),
            path: request.uri().to_string(),
            site: text("sec-fetch-site"),
            mode: text("sec-fetch-mode"),
            dest: text("sec-fetch-dest"),
            origin: text("origin"),
            cookie: text("cookie"),
            reached: 0,
            status: 0,
        }
    }

    /// Asserts what became of a request that the browser labelled so.
    #[track_caller]
    pub(super) fn assert(&self, verdict: Verdict, site: &str) {
        assert_eq!(self.site.as_deref(), Some(site), "{self}");
        match verdict {
            Verdict::Reached => assert_eq!((self.status, self.reached), (200, 1), "{self}"),
            Verdict::Refused => assert_eq!((self.status, self.reached), (403, 0), "{self}"),
        }
    }

    /// Returns the method, the status and how often the handler was called.
    pub(super) fn outcome(&self) -> (&str, u16, usize) {
        (&self.method, self.status, self.reached)
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |value: &Option<String>| value.as_deref().unwrap_or("-").to_owned();
        write!(
            f,
            "{:<7} {:<28} site={:<11} mode={:<9} dest={:<9} origin={:<32} cookie={:<9} -> {} reached={}",
            self.method,
            self.path,
            text(&self.site),
            text(&self.mode),
            text(&self.dest),
            text(&self.origin),
            text(&self.cookie),
            self.status,
            self.reached,
        )
    }
}

#[derive(Debug, Default)]
struct Log {
    seen: Mutex<Vec<Seen>>,
    more: Notify,
}

/// A server of pages, protected or not.
pub(super) struct Site {
    server: Server,
    log: Arc<Log>,
}

impl Site {
    /// Serves the pages inside of what `protect` puts around them.
    pub(super) async fn start(protect: impl FnOnce(Router) -> Router) -> Self {
        let log = Arc::new(Log::default());
        let counted = pages().layer(from_fn(count));
        let recorded = protect(counted).layer(from_fn_with_state(Arc::clone(&log), record));
        Self {
            server: Server::axum(recorded).await,
            log,
        }
    }

    /// Serves the pages as they are.
    pub(super) async fn unprotected() -> Self {
        Self::start(|pages| pages).await
    }

    /// Returns the origin of this server under a name.
    pub(super) fn origin(&self, host: &str) -> String {
        format!("http://{host}:{}", self.server.addr.port())
    }

    /// Opens an empty page of this server under a name, logged in.
    pub(super) async fn open(&self, browser: &Browser, host: &str) {
        browser.open(&format!("{}/page", self.origin(host))).await;
        self.arrived("/page").await;
    }

    /// Waits for the next request with this path and query, shows it and forgets it.
    pub(super) async fn seen(&self, path: &str) -> Seen {
        let seen = self.arrived(path).await;
        println!("{seen}");
        seen
    }

    async fn arrived(&self, path: &str) -> Seen {
        let arrived = timeout(DEADLINE, async {
            loop {
                let more = self.log.more.notified();
                if let Some(seen) = self.take(path) {
                    return seen;
                }
                more.await;
            }
        });
        arrived
            .await
            .unwrap_or_else(|_| panic!("no request to {path}"))
    }

    /// Returns the requests with this path and query that have arrived, shows them and forgets them.
    pub(super) fn all_seen(&self, path: &str) -> Vec<Seen> {
        let seen: Vec<_> = std::iter::from_fn(|| self.take(path)).collect();
        for seen in &seen {
            println!("{seen}");
        }
        seen
    }

    fn take(&self, path: &str) -> Option<Seen> {
        let mut log = self.log.seen.lock().unwrap();
        let at = log.iter().position(|seen| seen.path == path)?;
        Some(log.remove(at))
    }
}

/// Stands outside of everything: what it writes down is what the browser sent and what it got.
async fn record(State(log): State<Arc<Log>>, mut request: Request, next: Next) -> Response {
    let reached = Reached::default();
    request.extensions_mut().insert(reached.clone());
    let mut seen = Seen::of(&request);
    let answer = next.run(request).await;
    seen.reached = reached.0.load(Ordering::SeqCst);
    seen.status = answer.status().as_u16();
    log.seen.lock().unwrap().push(seen);
    log.more.notify_waiters();
    answer
}

#[derive(Clone, Debug, Default)]
struct Reached(Arc<AtomicUsize>);

/// Stands inside of everything: what comes here was let through.
async fn count(request: Request, next: Next) -> Response {
    let reached = request
        .extensions()
        .get::<Reached>()
        .expect("`record` stands outside");
    reached.0.fetch_add(1, Ordering::SeqCst);
    next.run(request).await
}

fn pages() -> Router {
    // Sent along by the browser wherever the request comes from: what forgery needs.
    let session = (
        header::SET_COOKIE,
        "session=1; SameSite=None; Secure; Path=/",
    );
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1\" height=\"1\"/>";
    Router::new()
        .route(
            "/page",
            get(async move || ([session], Html("<!doctype html><title>page</title><body>"))),
        )
        .route(
            "/quiet",
            get(async || {
                (
                    [(header::REFERRER_POLICY, "no-referrer")],
                    Html("<!doctype html><body>"),
                )
            }),
        )
        .route("/transfer", any(async || "done"))
        .route(
            "/status/{code}",
            any(async |Path(code): Path<u16>| StatusCode::from_u16(code).unwrap()),
        )
        .route(
            "/headers",
            get(async || ([("x-request-id", "7"), ("x-internal", "8")], "secret")),
        )
        .route(
            "/cookies",
            get(async |headers: HeaderMap| cookies(&headers)),
        )
        .route(
            "/image.svg",
            get(async move || ([(header::CONTENT_TYPE, "image/svg+xml")], svg)),
        )
        .route(
            "/script.js",
            get(async || {
                (
                    [(header::CONTENT_TYPE, "text/javascript")],
                    "window.included = true;",
                )
            }),
        )
        .route(
            "/style.css",
            get(async || ([(header::CONTENT_TYPE, "text/css")], "")),
        )
        .route(
            "/bounce",
            any(async |RawQuery(to): RawQuery| Redirect::temporary(&to.unwrap())),
        )
        .route(
            "/socket",
            any(async |socket: WebSocketUpgrade| socket.on_upgrade(echo)),
        )
}

fn cookies(headers: &HeaderMap) -> String {
    let cookie = headers
        .get(header::COOKIE)
        .map_or("none", |cookie| cookie.to_str().unwrap());
    cookie.to_owned()
}

async fn echo(mut socket: WebSocket) {
    // A client that hangs up is not the server's failure.
    while let Some(Ok(message)) = socket.recv().await {
        let _ = socket.send(message).await;
    }
}
