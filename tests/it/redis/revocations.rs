//! Revocations of a fleet.

use std::time::{Duration, SystemTime};

use redis::cmd;
use tower_security::core::{Clock, StoreErrorKind, SystemClock};
use tower_security::redis::RedisRevocations;
use tower_security::token::{Revocation, RevocationStore, TokenRef};

use super::Server;
use super::sessions::patient;
use super::store::wait_until;

async fn node(server: &Server) -> RedisRevocations {
    RedisRevocations::new(&patient(server.manager().await))
}

fn until(time: Duration) -> SystemTime {
    SystemClock.now() + time
}

fn of_session(session_id: &str) -> TokenRef<'_> {
    let mut token = TokenRef::new("alice");
    token.token_id = Some("t-1");
    token.session_id = Some(session_id);
    token
}

async fn is_revoked(store: &RedisRevocations, token: &TokenRef<'_>) -> bool {
    store.check(token).wait().await.unwrap() == Revocation::Revoked
}

mod contract {
    use super::*;

    tower_security::revocation_store_contract!(
        async || {
            let server = Server::start().await;
            (node(&server).await, node(&server).await, server)
        },
        #[ignore = "needs redis-server: apt-get install redis-server"]
    );
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_token_is_looked_up_in_one_round_trip() {
    let server = Server::start().await;
    let store = node(&server).await;
    let end = until(Duration::from_secs(60));
    store.revoke_session("s-1", end).wait().await.unwrap();
    let calls = async || [server.calls("mget").await, server.calls("get").await];
    let [asked, read] = calls().await;
    assert!(is_revoked(&store, &of_session("s-1")).await);
    assert!(!is_revoked(&store, &of_session("s-2")).await);
    assert_eq!(calls().await, [asked + 2, read]);
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_revocation_vanishes_when_it_need_not_be_kept_and_no_earlier() {
    let server = Server::start().await;
    let store = node(&server).await;
    let mut connection = server.manager().await;
    store
        .revoke_session("short", until(Duration::from_millis(200)))
        .wait()
        .await
        .unwrap();
    assert!(is_revoked(&store, &of_session("short")).await);
    wait_until(async || !is_revoked(&store, &of_session("short")).await).await;

    // A second one for a shorter time changes nothing.
    store
        .revoke_session("long", until(Duration::from_secs(1_000)))
        .wait()
        .await
        .unwrap();
    store
        .revoke_session("long", until(Duration::from_secs(10)))
        .wait()
        .await
        .unwrap();
    let names: Vec<String> = cmd("KEYS")
        .arg("*")
        .query_async(&mut connection)
        .await
        .unwrap();
    assert_eq!(names.len(), 1, "{names:?}");
    let mut connection = server.look().await;
    let rest: i64 = cmd("PTTL")
        .arg(&names[0])
        .query_async(&mut connection)
        .await
        .unwrap();
    assert!((900_000..=1_000_000).contains(&rest), "{rest}");
    // The server learns neither of the ids.
    assert!(!names[0].contains("long"), "{names:?}");
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn what_nobody_has_written_is_a_failure() {
    let server = Server::start().await;
    let store = node(&server).await;
    let mut connection = server.look().await;
    let end = until(Duration::from_secs(60));
    store
        .revoke_subject("alice", end, end)
        .wait()
        .await
        .unwrap();
    let names: Vec<String> = cmd("KEYS")
        .arg("*")
        .query_async(&mut connection)
        .await
        .unwrap();
    let mut kinds = Vec::new();
    for value in ["", "-1", "soon", "99999999999999999999"] {
        let _: () = cmd("SET")
            .arg(&names[0])
            .arg(value)
            .query_async(&mut connection)
            .await
            .unwrap();
        kinds.push(
            store
                .check(&TokenRef::new("alice"))
                .wait()
                .await
                .unwrap_err()
                .kind(),
        );
    }
    assert_eq!(kinds, [StoreErrorKind::Corrupt; 4]);
    assert!(!is_revoked(&store, &TokenRef::new("bob")).await);
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_server_that_is_away_is_not_taken_for_one_that_knows_nothing() {
    let server = Server::start().await;
    let store = node(&server).await;
    let end = until(Duration::from_secs(60));
    store.revoke_session("s-1", end).wait().await.unwrap();
    drop(server);
    assert!(store.check(&of_session("s-1")).wait().await.is_err());
    assert!(store.revoke_session("s-2", end).wait().await.is_err());
}
