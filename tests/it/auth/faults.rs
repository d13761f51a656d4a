//! What is told when the calls of handlers fail.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::COOKIE;
use tower_security::auth::api_key::{ApiKeyAuth, ApiKeyError, MemoryApiKeyStore};
use tower_security::auth::session::{MemorySessionStore, SessionAuth, SessionError};
use tower_security::core::{EventName, Level, ManualClock, Outcome, Principal};

use super::events::Log;
use super::stores::{Odd, at};

const DISABLED: EventName = EventName::SysMonitorDisabled;

/// What fails each method of a handler, once.
fn fails(log: &Log, rule: &str, detail: Option<&str>) {
    let [told] = log.take().try_into().unwrap();
    assert_eq!(
        (told.name, told.level, told.outcome),
        (DISABLED, Level::Error, Outcome::Fault)
    );
    assert_eq!(told.code, "authentication_unavailable");
    assert_eq!(
        (told.rule.as_deref(), told.detail.as_deref()),
        (Some(rule), detail)
    );
}

#[tokio::test]
async fn a_store_of_sessions_that_fails_a_handler_is_told_of() {
    let alice = Principal::builder("alice").build();
    for method in 0..8 {
        let (log, store) = (Log::default(), Odd::new(MemorySessionStore::new()));
        let builder = SessionAuth::builder(store.clone()).events(log.sink());
        let sessions = builder.build().unwrap();
        let line = sessions.login(&HeaderMap::new(), &alice).await.unwrap();
        let mut own = HeaderMap::new();
        own.insert(COOKIE, line);
        log.take();
        store.fail(true);
        let ask = async || match method {
            0 => sessions.login(&HeaderMap::new(), &alice).await.err(),
            1 => sessions.renew(&own, &alice).await.err(),
            2 => sessions.logout(&own).await.err(),
            3 => sessions.revoke("alice", "x").await.err(),
            4 => sessions.revoke_others(&own).await.err(),
            5 => sessions.revoke_subject("alice").await.err(),
            6 => sessions.list("alice").await.err(),
            _ => sessions.purge().await.err(),
        };
        assert!(matches!(ask().await, Some(SessionError::Store(_))));
        fails(&log, "store_timeout", Some("db-7.internal did not answer"));
        // Once a minute: each login hits upon it.
        assert!(ask().await.is_some());
        assert_eq!(log.take(), [], "{method}");
    }
}

#[tokio::test]
async fn a_store_of_keys_that_fails_a_handler_is_told_of() {
    let robot = Principal::builder("robot").build();
    for method in 0..6 {
        let (log, store) = (Log::default(), Odd::new(MemoryApiKeyStore::new()));
        let builder = ApiKeyAuth::builder(store.clone(), "sk").events(log.sink());
        let keys = builder.build().unwrap();
        let id = keys.issue(&robot, None).await.unwrap().id();
        log.take();
        store.fail(true);
        let ask = async || match method {
            0 => keys.issue(&robot, None).await.err(),
            1 => keys.rotate(id, Duration::ZERO).await.err(),
            2 => keys.revoke(id).await.err(),
            3 => keys.revoke_subject("robot").await.err(),
            4 => keys.list("robot").await.err(),
            _ => keys.purge().await.err(),
        };
        assert!(matches!(ask().await, Some(ApiKeyError::Store(_))));
        fails(&log, "store_timeout", Some("db-7.internal did not answer"));
        assert!(ask().await.is_some());
        assert_eq!(log.take(), [], "{method}");
    }
}

#[tokio::test]
async fn a_clock_that_fails_a_handler_is_told_of() {
    let (clock, log) = (ManualClock::new(), Log::default());
    let sessions = SessionAuth::builder(MemorySessionStore::new());
    let sessions = sessions.clock(clock.clone()).events(log.sink());
    let sessions = sessions.build().unwrap();
    let keys = ApiKeyAuth::builder(MemoryApiKeyStore::new(), "sk");
    let keys = keys.clock(clock.clone()).events(log.sink());
    let keys = keys.build().unwrap();
    clock.set_now(at(0));
    assert!(sessions.list("alice").await.unwrap().is_empty());
    assert!(keys.list("robot").await.unwrap().is_empty());
    assert_eq!(log.take(), []);
    clock.set_now(SystemTime::UNIX_EPOCH - Duration::from_secs(1));
    sessions.list("alice").await.unwrap_err();
    fails(&log, "clock", None);
    keys.list("robot").await.unwrap_err();
    fails(&log, "clock", None);
}

/// Which is the handler's own business, or the client's.
#[tokio::test]
async fn what_a_handler_is_refused_is_no_fault() {
    let log = Log::default();
    let sessions = SessionAuth::builder(MemorySessionStore::new()).events(log.sink());
    let keys = ApiKeyAuth::builder(MemoryApiKeyStore::new(), "sk").events(log.sink());
    let (sessions, keys) = (sessions.build().unwrap(), keys.build().unwrap());
    let (none, nobody) = (HeaderMap::new(), Principal::builder("").build());
    sessions.login(&none, &nobody).await.unwrap_err();
    sessions.renew(&none, &nobody).await.unwrap_err();
    keys.issue(&nobody, None).await.unwrap_err();
    assert_eq!(log.take(), []);
}
