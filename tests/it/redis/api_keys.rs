//! API keys of a fleet.

use std::time::Duration;

use http::Request;
use redis::cmd;
use tower_security::auth::api_key::{ApiKeyAuth, ApiKeyStore};
use tower_security::auth::{Authenticator, Decision};
use tower_security::core::{NoopSink, Principal};
use tower_security::redis::RedisApiKeys;

use super::Server;
use super::sessions::patient;
use super::store::wait_until;

async fn node(server: &Server) -> RedisApiKeys {
    RedisApiKeys::new(&patient(server.manager().await))
}

async fn service(server: &Server) -> ApiKeyAuth {
    let builder = ApiKeyAuth::builder(node(server).await, "sk");
    builder.events(NoopSink::new()).build().unwrap()
}

async fn subject(keys: &ApiKeyAuth, key: &str) -> Result<String, &'static str> {
    let request = Request::get("/").header("x-api-key", key).body(()).unwrap();
    match keys.authenticate(&request.into_parts().0) {
        Decision::Pending(pending) => match pending.await {
            Ok(principal) => Ok(principal.subject().to_owned()),
            Err(failure) => Err(failure.reason()),
        },
        other => panic!("the server was not asked: {other:?}"),
    }
}

mod contract {
    use super::*;

    tower_security::api_key_store_contract!(
        async || {
            let server = Server::start().await;
            (node(&server).await, node(&server).await, server)
        },
        #[ignore = "needs redis-server: apt-get install redis-server"]
    );
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_key_is_issued_rotated_and_revoked_on_all_nodes() {
    let mut server = Server::start().await;
    let (one, two) = (service(&server).await, service(&server).await);
    let who = Principal::builder("robot").build();
    let issued = one.issue(&who, None).await.unwrap();
    let first = issued.key().expose();
    assert_eq!(subject(&two, first).await.as_deref(), Ok("robot"));
    let hour = Duration::from_secs(3_600);
    let second = two.rotate(issued.id(), hour).await.unwrap();
    let second = second.key().expose();
    assert_eq!(subject(&one, first).await.as_deref(), Ok("robot"));
    assert_eq!(subject(&one, second).await.as_deref(), Ok("robot"));
    let third = one.rotate(issued.id(), Duration::ZERO).await.unwrap();
    assert_eq!(subject(&two, first).await, Err("mismatch"));
    assert_eq!(subject(&two, second).await, Err("mismatch"));
    let third = third.key().expose();
    assert_eq!(subject(&two, third).await.as_deref(), Ok("robot"));

    // What stands there lets nobody in.
    let mut look = server.look().await;
    let mut dump = Vec::new();
    for name in server.keys().await {
        assert!(name.starts_with("t:{t:api_keys}:"), "{name}");
        if name.contains(":record:") {
            let values: Vec<Vec<u8>> = cmd("HGETALL")
                .arg(&name)
                .query_async(&mut look)
                .await
                .unwrap();
            dump.extend(values.concat());
        }
    }
    let contains = |text: &str| {
        let text = text.as_bytes();
        dump.windows(text.len()).any(|window| window == text)
    };
    assert!(contains("robot"), "the dump is one");
    for key in [first, second, third] {
        assert!(!contains(&key[16..48]));
    }

    assert!(two.revoke(issued.id()).await.unwrap());
    assert_eq!(subject(&one, third).await, Err("unknown"));
    assert!(server.keys().await.is_empty(), "nothing is left behind");

    server.kill();
    let refused = subject(&one, third).await.unwrap_err();
    assert!(
        ["store_unavailable", "store_timeout"].contains(&refused),
        "{refused}"
    );
    assert!(one.issue(&who, None).await.is_err());
    server.restart().await;
    wait_until(async || one.issue(&who, None).await.is_ok()).await;
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn an_expired_key_vanishes_by_itself_and_one_without_end_stays() {
    let server = Server::start().await;
    let keys = service(&server).await;
    let who = Principal::builder("robot").build();
    let short = keys
        .issue(&who, Some(Duration::from_millis(150)))
        .await
        .unwrap();
    let long = keys.issue(&who, None).await.unwrap();
    let store = node(&server).await;
    wait_until(async || store.find(&short.id()).wait().await.unwrap().is_none()).await;
    let left = store.list("robot").wait().await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].id(), long.id());
    for name in server.keys().await {
        let rest: i64 = cmd("PTTL")
            .arg(&name)
            .query_async(&mut server.look().await)
            .await
            .unwrap();
        assert_eq!(rest, -1, "{name}");
    }
}
