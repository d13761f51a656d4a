//! Sessions of a fleet.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue, Request};
use redis::aio::ConnectionLike;
use redis::cmd;
use tower_security::auth::session::{
    SessionAuth, SessionError, SessionKey, SessionRecord, SessionStore,
};
use tower_security::auth::{Authenticator, Decision};
use tower_security::core::{
    Clock, Lookup, NoopSink, Principal, StoreError, StoreErrorKind, SystemClock,
};
use tower_security::redis::{RedisSessions, RedisStore};

use super::Server;
use super::node::SECRET;
use super::store::wait_until;

const MANY: NonZeroU32 = NonZeroU32::new(1_000).unwrap();

/// Waits as long as a store may: a busy machine is no server that is away.
pub(super) fn patient<C>(connection: C) -> RedisStore
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    RedisStore::builder(connection)
        .prefix("t")
        .secret(SECRET)
        .timeout(Duration::from_millis(250))
        .build()
        .unwrap()
}

async fn node(server: &Server) -> RedisSessions {
    RedisSessions::new(&patient(server.manager().await))
}

async fn service(server: &Server) -> SessionAuth {
    let builder = SessionAuth::builder(node(server).await);
    builder.events(NoopSink::new()).build().unwrap()
}

fn key(number: u8) -> SessionKey {
    SessionKey::from_bytes([number; 32])
}

/// For so many milliseconds from now on.
fn record(subject: &str, millis: u64) -> SessionRecord {
    let now = SystemClock.now();
    let end = now + Duration::from_millis(millis);
    let who = Principal::builder(subject).expires_at(end).build();
    SessionRecord::new(&who, now, end)
}

async fn login(sessions: &SessionAuth, subject: &str) -> HeaderMap {
    let who = Principal::builder(subject).build();
    let line = sessions.login(&HeaderMap::new(), &who).await.unwrap();
    let (pair, _) = line.to_str().unwrap().split_once(';').unwrap();
    [(COOKIE, HeaderValue::from_str(pair).unwrap())]
        .into_iter()
        .collect()
}

async fn subject(sessions: &SessionAuth, headers: &HeaderMap) -> Result<String, &'static str> {
    let mut request = Request::new(());
    *request.headers_mut() = headers.clone();
    match sessions.authenticate(&request.into_parts().0) {
        Decision::Pending(pending) => match pending.await {
            Ok(principal) => Ok(principal.subject().to_owned()),
            Err(failure) => Err(failure.reason()),
        },
        other => panic!("the server was not asked: {other:?}"),
    }
}

mod contract {
    use super::*;

    tower_security::session_store_contract!(
        async || {
            let server = Server::start().await;
            (node(&server).await, node(&server).await, server)
        },
        #[ignore = "needs redis-server: apt-get install redis-server"]
    );
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn who_logs_in_on_one_node_is_logged_in_and_out_on_all() {
    let server = Server::start().await;
    let (one, two) = (service(&server).await, service(&server).await);
    let own = login(&one, "alice").await;
    assert_eq!(subject(&two, &own).await.as_deref(), Ok("alice"));
    let neighbour = login(&two, "bob").await;
    let renewed = Principal::builder("alice").roles(["admin"]).build();
    let line = two.renew(&own, &renewed).await.unwrap();
    assert_eq!(subject(&one, &own).await, Err("unknown"));
    let (pair, _) = line.to_str().unwrap().split_once(';').unwrap();
    let own: HeaderMap = [(COOKIE, pair.parse().unwrap())].into_iter().collect();
    assert_eq!(subject(&one, &own).await.as_deref(), Ok("alice"));
    assert_eq!(one.list("alice").await.unwrap().len(), 1);
    one.logout(&own).await.unwrap();
    assert_eq!(subject(&two, &own).await, Err("unknown"));
    assert_eq!(subject(&one, &neighbour).await.as_deref(), Ok("bob"));
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_dump_of_the_server_holds_no_cookie() {
    let server = Server::start().await;
    let sessions = service(&server).await;
    let mut cookies = Vec::new();
    for user in ["alice", "bob"] {
        cookies.push(
            login(&sessions, user).await[COOKIE]
                .to_str()
                .unwrap()
                .to_owned(),
        );
    }
    let mut dump = Vec::new();
    let mut look = server.look().await;
    let names = server.keys().await;
    assert_eq!(names.len(), 4, "{names:?}");
    for name in names {
        assert!(name.starts_with("t:{t:sessions}:"), "{name}");
        dump.extend(name.clone().into_bytes());
        let kind: String = cmd("TYPE").arg(&name).query_async(&mut look).await.unwrap();
        let values: Vec<Vec<u8>> = match kind.as_str() {
            "hash" => cmd("HGETALL").arg(&name).query_async(&mut look).await,
            "zset" => {
                cmd("ZRANGE")
                    .arg(&name)
                    .arg(0)
                    .arg(-1)
                    .query_async(&mut look)
                    .await
            }
            other => panic!("{name}: {other}"),
        }
        .unwrap();
        dump.extend(values.concat());
        let rest: i64 = cmd("PTTL").arg(&name).query_async(&mut look).await.unwrap();
        assert!(rest > 0, "{name} would stay for ever");
    }
    let contains = |text: &[u8]| dump.windows(text.len()).any(|window| window == text);
    assert!(contains(b"alice"), "the dump is one");
    for cookie in cookies {
        let (_, secret) = cookie.split_once('=').unwrap();
        assert!(!contains(secret.as_bytes()));
        use base64::Engine;
        let raw = base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(secret)
            .unwrap();
        assert!(!contains(&raw), "nor the bytes of it");
    }
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn what_is_over_vanishes_by_itself() {
    let server = Server::start().await;
    let store = node(&server).await;
    let create = async |number, millis| {
        let made = record("alice", millis);
        store
            .create(&key(number), &made, MANY)
            .wait()
            .await
            .unwrap();
    };
    create(1, 100).await;
    create(2, 60_000).await;
    let load = async |number| store.load(&key(number)).wait().await.unwrap();
    wait_until(async || load(1).await.is_none()).await;
    let left = store.list("alice").wait().await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].0, key(2));
    // Used, it stays; the list of its subject outlives each of its sessions.
    let now = SystemClock.now();
    create(3, 300).await;
    let later = now + Duration::from_secs(60);
    let noted = store.touch(&key(3), now + Duration::from_secs(1), later);
    assert!(noted.wait().await.unwrap());
    let rest: i64 = cmd("PTTL")
        .arg(&server.keys().await[0])
        .query_async(&mut server.look().await)
        .await
        .unwrap();
    assert!(rest > 30_000, "{rest}");
    assert_eq!(store.purge(later).wait().await.unwrap(), 0);
}

/// The clock of the node that a session was made on was slow: by that of another it lasts longer than the server counts.
#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_session_that_is_used_is_not_forgotten_by_its_subject() {
    let server = Server::start().await;
    let store = node(&server).await;
    let made = record("alice", 300);
    store.create(&key(1), &made, MANY).wait().await.unwrap();
    let now = SystemClock.now();
    let later = now + Duration::from_secs(60);
    let noted = store.touch(&key(1), now + Duration::from_secs(1), later);
    assert!(noted.wait().await.unwrap());
    // A session of nobody else, whose end says that the first list would be gone.
    let bob = record("bob", 400);
    store.create(&key(2), &bob, MANY).wait().await.unwrap();
    wait_until(async || store.load(&key(2)).wait().await.unwrap().is_none()).await;
    assert!(store.load(&key(1)).wait().await.unwrap().is_some());
    let revoked = store.revoke_subject("alice", None).wait().await.unwrap();
    assert_eq!(revoked, 1);
    assert!(store.load(&key(1)).wait().await.unwrap().is_none());
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn what_it_has_not_written_is_an_error_and_no_unknown_session() {
    let server = Server::start().await;
    let store = node(&server).await;
    store
        .create(&key(1), &record("alice", 60_000), MANY)
        .wait()
        .await
        .unwrap();
    let mut look = server.look().await;
    let name = server
        .keys()
        .await
        .into_iter()
        .find(|name| name.contains("record"))
        .unwrap();
    let kind = async || store.load(&key(1)).wait().await.unwrap_err().kind();
    let set = async |look: &mut redis::aio::MultiplexedConnection, field: &str, value: &[u8]| {
        let set: redis::RedisResult<i64> = cmd("HSET")
            .arg(&name)
            .arg(field)
            .arg(value)
            .query_async(look)
            .await;
        set.unwrap();
    };
    let (record, seen): (Vec<u8>, Vec<u8>) = cmd("HMGET")
        .arg(&name)
        .arg("r")
        .arg("t")
        .query_async(&mut look)
        .await
        .unwrap();
    for (field, good) in [("r", &record), ("t", &seen)] {
        for bad in [&b""[..], b"x", b"-1", b"99999999999999999999", &record[1..]] {
            set(&mut look, field, bad).await;
            assert_eq!(kind().await, StoreErrorKind::Corrupt, "{field}");
        }
        set(&mut look, field, good).await;
        assert!(store.load(&key(1)).wait().await.unwrap().is_some());
    }
    let _: i64 = cmd("HDEL")
        .arg(&name)
        .arg("t")
        .query_async(&mut look)
        .await
        .unwrap();
    assert_eq!(kind().await, StoreErrorKind::Corrupt);
    let _: () = cmd("SET")
        .arg(&name)
        .arg("x")
        .query_async(&mut look)
        .await
        .unwrap();
    assert!(store.load(&key(1)).wait().await.is_err());
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn an_outage_is_told_and_is_over_when_the_server_is_back() {
    let mut server = Server::start().await;
    let sessions = service(&server).await;
    let own = login(&sessions, "alice").await;
    server.kill();
    let refused = subject(&sessions, &own).await.unwrap_err();
    assert!(
        ["store_unavailable", "store_timeout"].contains(&refused),
        "{refused}"
    );
    let error = sessions.logout(&own).await.unwrap_err();
    assert!(matches!(error, SessionError::Store(_)), "{error}");
    // After five failures nobody waits.
    for _ in 0..5 {
        assert!(subject(&sessions, &own).await.is_err());
    }
    let start = Instant::now();
    assert_eq!(subject(&sessions, &own).await, Err("store_unavailable"));
    assert!(start.elapsed() < Duration::from_millis(100));

    server.restart().await;
    let who = Principal::builder("alice").build();
    wait_until(async || sessions.login(&HeaderMap::new(), &who).await.is_ok()).await;
    // This server keeps nothing over a restart: then the session is unknown.
    assert_eq!(subject(&sessions, &own).await, Err("unknown"));
    let own = login(&sessions, "alice").await;
    assert_eq!(subject(&sessions, &own).await.as_deref(), Ok("alice"));
}

#[test]
fn without_a_runtime_it_fails_and_does_not_panic() {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let store = runtime.block_on(async {
        let client = redis::Client::open("redis://127.0.0.1:1/").unwrap();
        let lazy = redis::aio::ConnectionManager::new_lazy_with_config(client, Default::default());
        RedisSessions::new(&patient(lazy.unwrap()))
    });
    let asked: Lookup<Result<_, StoreError>> = store.load(&key(1));
    let Poll::Ready(Err(error)) = pin!(asked.wait()).poll(&mut Context::from_waker(Waker::noop()))
    else {
        panic!("nobody can wait for it");
    };
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
}
