//! Refresh tokens of a fleet.

use std::time::Duration;

use redis::cmd;
use tokio::task::JoinSet;
use tower_security::core::{Clock, NoopSink, Principal, StoreErrorKind, SystemClock};
use tower_security::redis::{RedisRefreshTokens, RedisRevocations};
use tower_security::token::{
    FamilyId, FamilyRecord, JwtVerifier, RefreshError, RefreshService, RefreshStore, RevokeReason,
};

use super::Server;
use super::sessions::patient;
use super::store::wait_until;
use crate::token::issuer::{AUDIENCE, ISSUER};
use crate::token::refresh::{KEY, WEB, alice, holds, hundred, issuer};

async fn node(server: &Server) -> RedisRefreshTokens {
    RedisRefreshTokens::new(&patient(server.manager().await))
}

async fn service(server: &Server) -> RefreshService {
    RefreshService::builder(node(server).await, issuer(SystemClock))
        .rotation_key("one", KEY)
        .without_revocation()
        .events(NoopSink::new())
        .build()
        .unwrap()
}

/// For so many milliseconds from now on.
fn record(number: u8, subject: &str, millis: u64) -> FamilyRecord {
    let now = SystemClock.now();
    let end = now + Duration::from_millis(millis);
    let who = Principal::builder(subject).build();
    FamilyRecord::new(FamilyId::from_bytes([number; 16]), &who, now, end)
}

mod contract {
    use super::*;

    tower_security::refresh_store_contract!(
        async || {
            let server = Server::start().await;
            let (one, other) = (node(&server).await, node(&server).await);
            (one, other, server)
        },
        #[ignore = "needs redis-server: apt-get install redis-server"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn of_100_refreshes_at_once_on_two_nodes_there_is_one_successor() {
    let server = Server::start().await;
    let nodes = [service(&server).await, service(&server).await];
    let pair = nodes[0].login(&alice(), &WEB).await.unwrap();
    let mut token = pair.refresh_token.expose().clone();
    for generation in 1..=5 {
        let (tokens, access) = hundred(nodes.clone(), &token).await;
        assert_eq!((tokens.len(), access.len()), (1, 100));
        let rows = node(&server).await.list("alice").wait().await.unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(
            (rows[0].generation(), rows[0].revoked()),
            (generation, None)
        );
        token = tokens.into_iter().next().unwrap();
    }
    assert_eq!(nodes[1].sessions("alice").await.unwrap().len(), 1);
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn what_one_node_ends_is_ended_on_all() {
    let server = Server::start().await;
    let (one, two) = (service(&server).await, service(&server).await);
    let first = one.login(&alice(), &WEB).await.unwrap();
    let second = two
        .refresh(first.refresh_token.expose(), &WEB)
        .await
        .unwrap();
    let third = one
        .refresh(second.refresh_token.expose(), &WEB)
        .await
        .unwrap();
    // The token of before the last is an old one on any node.
    let answer = two.refresh(first.refresh_token.expose(), &WEB).await;
    assert!(matches!(answer, Err(RefreshError::Reused)), "{answer:?}");
    let answer = one.refresh(third.refresh_token.expose(), &WEB).await;
    assert!(matches!(answer, Err(RefreshError::Revoked)), "{answer:?}");
    let other = one.login(&alice(), &WEB).await.unwrap();
    assert!(
        two.revoke_token(other.refresh_token.expose(), &WEB)
            .await
            .unwrap()
    );
    let answer = one.refresh(other.refresh_token.expose(), &WEB).await;
    assert!(matches!(answer, Err(RefreshError::Revoked)), "{answer:?}");
}

/// Whoever refreshes or logs in while a user is put out has nothing that is good afterwards, on any node.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn who_is_put_out_in_the_middle_of_anything_is_out() {
    let server = Server::start().await;
    let mut nodes = Vec::new();
    for _ in 0..2 {
        let revoked = RedisRevocations::new(&patient(server.manager().await));
        let issuer = issuer(SystemClock);
        let verifier = JwtVerifier::builder()
            .issuer(ISSUER)
            .audience(AUDIENCE)
            .keys(issuer.verifying_keys())
            .revocation(RedisRevocations::new(&patient(server.manager().await)))
            .build()
            .unwrap();
        let service = RefreshService::builder(node(&server).await, issuer)
            .rotation_key("one", KEY)
            .revocation(revoked)
            .events(NoopSink::new())
            .build()
            .unwrap();
        nodes.push((service, verifier));
    }
    for round in 0..30 {
        let service = &nodes[0].0;
        let mut begun = Vec::new();
        for _ in 0..4 {
            begun.push(service.login(&alice(), &WEB).await.unwrap());
        }
        let mut tasks = JoinSet::new();
        for (number, pair) in begun.iter().enumerate() {
            for (service, _) in &nodes {
                let (service, mut last) = (service.clone(), pair.clone());
                tasks.spawn(async move {
                    let mut pairs = Vec::new();
                    for _ in 0..number + round % 5 {
                        match service.refresh(last.refresh_token.expose(), &WEB).await {
                            Ok(next) => last = next,
                            Err(error) => {
                                let is_over =
                                    matches!(error, RefreshError::Revoked | RefreshError::Reused);
                                assert!(is_over, "{error:?}");
                                break;
                            }
                        }
                        pairs.push(last.clone());
                    }
                    pairs
                });
            }
        }
        // Each takes a while, in which the others get on.
        for _ in 0..round % 10 {
            nodes[1].0.sessions("alice").await.unwrap();
        }
        nodes[1].0.revoke_subject("alice").await.unwrap();
        let mut pairs = tasks.join_all().await.concat();
        pairs.extend(begun);
        for pair in pairs {
            for (service, verifier) in &nodes {
                let access = pair.access_token.token().expose();
                assert!(verifier.verify(access).wait().await.is_err(), "{round}");
                let next = service.refresh(pair.refresh_token.expose(), &WEB).await;
                assert!(
                    matches!(next, Err(RefreshError::Revoked | RefreshError::Unknown)),
                    "{next:?}"
                );
            }
        }
        assert!(nodes[1].0.sessions("alice").await.unwrap().is_empty());
    }
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_dump_of_the_server_holds_no_token() {
    let server = Server::start().await;
    let service = service(&server).await;
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let mut pair = service.login(&alice(), &WEB.label("phone")).await.unwrap();
        for _ in 0..5 {
            let token = pair.refresh_token.expose().clone();
            pair = service.refresh(&token, &WEB).await.unwrap();
            tokens.push(token);
            tokens.push(pair.refresh_token.expose().clone());
        }
    }
    let mut dump = Vec::new();
    let mut look = server.look().await;
    let names = server.keys().await;
    assert_eq!(names.len(), 3, "{names:?}");
    for name in names {
        assert!(name.starts_with("t:{t:refresh}:"), "{name}");
        let rest: i64 = cmd("PTTL").arg(&name).query_async(&mut look).await.unwrap();
        assert!(rest > 0, "{name} would stay for ever");
        dump.extend(name.clone().into_bytes());
        let kind: String = cmd("TYPE").arg(&name).query_async(&mut look).await.unwrap();
        let ask = match kind.as_str() {
            "hash" => cmd("HGETALL").arg(&name).to_owned(),
            "zset" => cmd("ZRANGE").arg(&name).arg(0).arg(-1).to_owned(),
            other => panic!("{name}: {other}"),
        };
        let values: Vec<Vec<u8>> = ask.query_async(&mut look).await.unwrap();
        dump.extend(values.concat());
    }
    let contains = |text: &[u8]| dump.windows(text.len()).any(|part| part == text);
    assert!(contains(b"alice") && contains(b"phone"), "the dump is one");
    for token in tokens {
        assert!(!holds(&dump, &token));
    }
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn what_is_over_vanishes_by_itself_revoked_or_not() {
    let server = Server::start().await;
    let store = node(&server).await;
    let (short, revoked, long) = (
        record(1, "alice", 200),
        record(2, "alice", 200),
        record(3, "alice", 60_000),
    );
    for row in [&short, &revoked, &long] {
        let many = std::num::NonZeroU32::MAX;
        store.insert(row, many).wait().await.unwrap();
    }
    let ended = store.revoke(&revoked.id(), RevokeReason::Logout, SystemClock.now());
    assert!(ended.wait().await.unwrap());
    for row in [&short, &revoked] {
        wait_until(async || store.get(&row.id()).wait().await.unwrap().is_none()).await;
    }
    let left = store.list("alice").wait().await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].id(), long.id());
    assert_eq!(server.keys().await.len(), 2);
    assert_eq!(store.purge(long.ends_at()).wait().await.unwrap(), 0);
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn what_it_has_not_written_is_an_error_and_no_unknown_family() {
    let server = Server::start().await;
    let store = node(&server).await;
    let made = record(1, "alice", 60_000);
    let many = std::num::NonZeroU32::MAX;
    store.insert(&made, many).wait().await.unwrap();
    let names = server.keys().await;
    let name = names.into_iter().find(|name| name.contains("record"));
    let name = name.unwrap();
    let mut look = server.look().await;
    for (field, value) in [
        ("x", &b"later"[..]),
        ("x", b"17 theft"),
        ("x", b"x logout"),
        ("r", b"\x02"),
    ] {
        let before: Option<Vec<u8>> = cmd("HGET")
            .arg(&name)
            .arg(field)
            .query_async(&mut look)
            .await
            .unwrap();
        let mut set = cmd("HSET");
        let set = set.arg(&name).arg(field).arg(value);
        let _: i64 = set.query_async(&mut look).await.unwrap();
        let error = store.get(&made.id()).wait().await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{field}");
        let error = store.list("alice").wait().await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{field}");
        let mut undo = match &before {
            Some(_) => cmd("HSET"),
            None => cmd("HDEL"),
        };
        let undo = undo.arg(&name).arg(field).arg(before);
        let _: i64 = undo.query_async(&mut look).await.unwrap();
    }
    assert!(store.get(&made.id()).wait().await.unwrap().is_some());
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn while_the_server_is_away_nothing_is_unknown_and_afterwards_all_is_there() {
    let server = Server::start().await;
    let service = service(&server).await;
    let first = service.login(&alice(), &WEB).await.unwrap();
    server.freeze();
    let answer = service.refresh(first.refresh_token.expose(), &WEB).await;
    assert!(matches!(answer, Err(RefreshError::Store(_))), "{answer:?}");
    server.thaw();
    let again = async || service.refresh(first.refresh_token.expose(), &WEB).await;
    wait_until(async || again().await.is_ok()).await;
}
