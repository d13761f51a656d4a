//! Sessions in a cookie.

mod config;
mod handlers;
mod memory;
mod requests;

use std::time::{Duration, SystemTime};

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use tower::Layer;
use tower_security::auth::session::{MemorySessionStore, SessionAuth, SessionAuthBuilder};
use tower_security::auth::{AuthFailure, AuthLayer};
use tower_security::core::{ManualClock, NoopSink, Principal, Refused};

use super::stores::{Odd, OddSessions, at};
use super::ways::Seen;
use crate::support::service::go;

const NAME: &str = "__Host-session";

/// What a request came to: whose it was, or the status, code and reason of the refusal.
type Came = Result<Option<String>, (u16, &'static str, &'static str)>;

/// A service with sessions, a clock that stands still, and what stores were asked.
struct Desk {
    sessions: SessionAuth,
    store: OddSessions,
    clock: ManualClock,
}

impl Desk {
    fn new() -> Self {
        Self::with(Odd::new(MemorySessionStore::new()), |builder| builder)
    }

    /// One whose store is behind a network.
    fn late() -> Self {
        Self::with(Odd::late(MemorySessionStore::new()), |builder| builder)
    }

    fn with(
        store: OddSessions,
        set: impl FnOnce(SessionAuthBuilder) -> SessionAuthBuilder,
    ) -> Self {
        let clock = ManualClock::new();
        clock.set_now(at(0));
        let builder = SessionAuth::builder(store.clone())
            .clock(clock.clone())
            .events(NoopSink::new());
        Self {
            sessions: set(builder).build().unwrap(),
            store,
            clock,
        }
    }

    /// Another service on the same store and clock.
    fn beside(&self, set: impl FnOnce(SessionAuthBuilder) -> SessionAuthBuilder) -> Self {
        let builder = SessionAuth::builder(self.store.clone())
            .clock(self.clock.clone())
            .events(NoopSink::new());
        Self {
            sessions: set(builder).build().unwrap(),
            store: self.store.clone(),
            clock: self.clock.clone(),
        }
    }

    fn set_now(&self, now: SystemTime) {
        self.clock.set_now(now);
    }

    fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Logs in without a cookie from before, and returns the value of the new one.
    async fn login(&self, subject: &str) -> String {
        let who = Principal::builder(subject).build();
        let line = self.sessions.login(&HeaderMap::new(), &who).await.unwrap();
        value(&line)
    }

    async fn send(&self, lines: &[&str]) -> (Came, Response<Full<bytes::Bytes>>) {
        let layer = AuthLayer::builder()
            .session(self.sessions.clone())
            .events(NoopSink::new());
        asked(layer.build().unwrap(), lines).await
    }

    async fn came(&self, lines: &[&str]) -> Came {
        self.send(lines).await.0
    }

    /// Whether the value of a cookie is a session of somebody.
    async fn knows(&self, value: &str) -> bool {
        self.came(&[&cookie(value)]).await.is_ok()
    }
}

async fn asked(layer: AuthLayer, lines: &[&str]) -> (Came, Response<Full<bytes::Bytes>>) {
    let seen = Seen::default();
    let mut request = Request::new(Full::<bytes::Bytes>::default());
    *request.headers_mut() = head(lines);
    let response = go(layer.layer(seen.clone()), request).await;
    let mut reached = seen.take();
    let came = match response.extensions().get::<Refused>() {
        None => {
            assert_eq!(response.status(), StatusCode::OK);
            Ok(reached.pop().unwrap())
        }
        Some(refused) => {
            let failure = response.extensions().get::<AuthFailure>().unwrap();
            Err((refused.status().as_u16(), refused.code(), failure.reason()))
        }
    };
    assert!(reached.is_empty());
    (came, response)
}

fn alice() -> Came {
    Ok(Some("alice".to_owned()))
}

const fn invalid(reason: &'static str) -> Came {
    Err((401, "session_invalid", reason))
}

fn cookie(value: &str) -> String {
    format!("{NAME}={value}")
}

fn head(lines: &[&str]) -> HeaderMap {
    lines
        .iter()
        .map(|line| (COOKIE, HeaderValue::from_str(line).unwrap()))
        .collect()
}

/// The headers of a request with the cookie.
fn with(value: &str) -> HeaderMap {
    head(&[&cookie(value)])
}

/// The value in a line of `Set-Cookie`.
fn value(line: &HeaderValue) -> String {
    let (pair, _) = line.to_str().unwrap().split_once(';').unwrap();
    let (_, value) = pair.split_once('=').unwrap();
    value.to_owned()
}

fn set_cookies<B>(response: &Response<B>) -> Vec<&str> {
    let lines = response.headers().get_all(SET_COOKIE).iter();
    lines.map(|line| line.to_str().unwrap()).collect()
}
