//! Second factors of a fleet.

use std::time::{Duration, SystemTime};

use redis::cmd;
use tower_security::core::{ManualClock, NoopSink, StoreErrorKind};
use tower_security::mfa::{
    Attempt, AttemptLimit, AttemptStore, EnrolmentId, MfaError, RecoveryCodes, RecoveryStore,
    TotpAlgorithm, TotpSecret, TotpService, TotpStore,
};
use tower_security::redis::RedisMfa;

use super::Server;
use super::sessions::patient;
use super::store::wait_until;
use crate::mfa::{Heard, clock, code, enrolled, peppers, recovery, totp};

async fn node(server: &Server) -> RedisMfa {
    RedisMfa::new(&patient(server.manager().await))
}

mod contract_of_totp {
    use super::*;

    tower_security::totp_store_contract!(
        async || {
            let server = Server::start().await;
            (node(&server).await, node(&server).await, server)
        },
        #[ignore = "needs redis-server: apt-get install redis-server"]
    );
}

mod contract_of_recovery {
    use super::*;

    tower_security::recovery_store_contract!(
        async || {
            let server = Server::start().await;
            (node(&server).await, node(&server).await, server)
        },
        #[ignore = "needs redis-server: apt-get install redis-server"]
    );
}

async fn service(server: &Server, clock: &ManualClock) -> TotpService {
    TotpService::builder(node(server).await, "Shop")
        .attempts(20, Duration::from_secs(1))
        .clock(clock.clone())
        .events(NoopSink::new())
        .build()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn of_50_calls_on_two_nodes_one_is_let_in() {
    let server = Server::start().await;
    let clock = clock();
    let nodes = [
        service(&server, &clock).await,
        service(&server, &clock).await,
    ];
    let app = enrolled(&nodes[0], &clock, "alice").await;
    let code = code(&app, 0);
    let calls: Vec<_> = (0..50)
        .map(|number| {
            let (totp, code) = (nodes[number % 2].clone(), code.clone());
            tokio::spawn(async move { totp.verify("alice", &code).await })
        })
        .collect();
    let mut let_in = 0;
    for call in calls {
        match call.await.unwrap() {
            Ok(_) => let_in += 1,
            Err(MfaError::Replayed | MfaError::Throttled { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(let_in, 1);
    // Who came behind the one that was let in may have used the attempts up.
    clock.advance(Duration::from_secs(1));
    let again = nodes[1].verify("alice", &code).await;
    assert!(matches!(again, Err(MfaError::Replayed)), "{again:?}");
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn attempts_count_over_all_nodes_and_both_services() {
    let server = Server::start().await;
    let (clock, heard) = (clock(), Heard::default());
    let one = totp(node(&server).await, &clock, &heard);
    let other = totp(node(&server).await, &clock, &heard);
    let codes: RecoveryCodes = recovery(node(&server).await, &clock, &heard);
    let app = enrolled(&one, &clock, "alice").await;
    let drawn = codes.generate("alice").await.unwrap();
    for service in [&one, &other, &one] {
        let outcome = service.verify("alice", "no code").await;
        assert!(matches!(outcome, Err(MfaError::Invalid)), "{outcome:?}");
    }
    for _ in 0..2 {
        let outcome = codes.redeem("alice", "no code").await;
        assert!(matches!(outcome, Err(MfaError::Invalid)), "{outcome:?}");
    }
    let outcome = other.verify("alice", &code(&app, 0)).await;
    let five_minutes = Duration::from_secs(300);
    assert!(
        matches!(outcome, Err(MfaError::Throttled { retry_after }) if retry_after == five_minutes),
        "{outcome:?}"
    );
    let outcome = codes.redeem("alice", drawn[0].expose()).await;
    assert!(
        matches!(outcome, Err(MfaError::Throttled { .. })),
        "{outcome:?}"
    );
    clock.advance(five_minutes);
    assert_eq!(
        codes
            .redeem("alice", drawn[0].expose())
            .await
            .unwrap()
            .remaining(),
        9
    );
    one.verify("alice", &code(&app, 300)).await.unwrap();
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_dump_of_the_server_holds_no_recovery_code() {
    let server = Server::start().await;
    let store = node(&server).await;
    let codes = RecoveryCodes::builder(store, peppers())
        .events(NoopSink::new())
        .build()
        .unwrap();
    let drawn = codes.generate("alice").await.unwrap();
    let mut look = server.look().await;
    let names = server.keys().await;
    let [name] = &names[..] else {
        panic!("{names:?}");
    };
    assert!(
        name.starts_with("t:{t:mfa}:record:") && name.ends_with(":codes"),
        "{name}"
    );
    let members: Vec<Vec<u8>> = cmd("SMEMBERS")
        .arg(name)
        .query_async(&mut look)
        .await
        .unwrap();
    assert!(members.len() == 10 && members.iter().all(|digest| digest.len() == 32));
    let dump = [members.concat(), name.clone().into_bytes()].concat();
    let contains = |text: &str| dump.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(contains("codes"), "the dump is one");
    for code in drawn {
        let code = code.expose();
        assert!(!contains(code) && !contains(&code.replace('-', "")));
        assert!(code.split('-').all(|group| !contains(group)) || dump.len() > 200);
    }
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn attempts_vanish_by_themselves_and_factors_stay() {
    let server = Server::start().await;
    let store = node(&server).await;
    let limit = |seconds| AttemptLimit::new(2, Duration::from_secs(seconds)).unwrap();
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let begin = async |seconds| {
        store
            .begin_attempt("alice", now, limit(seconds))
            .wait()
            .await
            .unwrap()
    };
    assert_eq!(begin(300).await, Attempt::Allowed { earlier: 0 });
    // A shorter window does not shorten what a longer one needs.
    assert_eq!(begin(1).await, Attempt::Allowed { earlier: 1 });
    let [name] = &server.keys().await[..] else {
        panic!("one key");
    };
    let mut look = server.look().await;
    let rest: i64 = cmd("PTTL").arg(name).query_async(&mut look).await.unwrap();
    assert!((290_000..=300_000).contains(&rest), "{rest}");
    let key = [9; 20].into();
    let id = EnrolmentId::from_bytes([7; 16]);
    let secret = TotpSecret::new(id, &key, TotpAlgorithm::Sha1, 6).unwrap();
    store.enrol("alice", &secret).wait().await.unwrap();
    store.reset_attempts("alice").wait().await.unwrap();
    let [name] = &server.keys().await[..] else {
        panic!("one key");
    };
    assert!(name.ends_with(":secrets"), "{name}");
    let rest: i64 = cmd("PTTL").arg(name).query_async(&mut look).await.unwrap();
    assert_eq!(rest, -1, "a factor has no end");
    assert!(store.delete("alice").wait().await.unwrap());
    assert_eq!(server.keys().await, [""; 0]);
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn what_it_has_not_written_is_an_error_and_no_missing_factor() {
    let server = Server::start().await;
    let clock = clock();
    let totp = service(&server, &clock).await;
    let store = node(&server).await;
    let app = enrolled(&totp, &clock, "alice").await;
    let name = server
        .keys()
        .await
        .into_iter()
        .find(|name| name.ends_with(":secrets"))
        .unwrap();
    let mut look = server.look().await;
    let (secret, step): (Vec<u8>, Vec<u8>) = cmd("HMGET")
        .arg(&name)
        .arg("c")
        .arg("l")
        .query_async(&mut look)
        .await
        .unwrap();
    for (field, good) in [("c", &secret), ("l", &step)] {
        for bad in [&b""[..], b"x", b"-1", &secret[1..]] {
            let _: i64 = cmd("HSET")
                .arg(&name)
                .arg(field)
                .arg(bad)
                .query_async(&mut look)
                .await
                .unwrap();
            let error = store.load("alice").wait().await.unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{field}");
            let outcome = totp.verify("alice", &code(&app, 0)).await;
            assert!(matches!(outcome, Err(MfaError::Store(_))), "{outcome:?}");
            store.reset_attempts("alice").wait().await.unwrap();
        }
        let _: i64 = cmd("HSET")
            .arg(&name)
            .arg(field)
            .arg(good)
            .query_async(&mut look)
            .await
            .unwrap();
        assert!(store.load("alice").wait().await.unwrap().is_some());
    }
    let _: i64 = cmd("HDEL")
        .arg(&name)
        .arg("l")
        .query_async(&mut look)
        .await
        .unwrap();
    let id = store.load("alice").wait().await.unwrap_err();
    assert_eq!(id.kind(), StoreErrorKind::Corrupt);
    // Of attempts and codes too.
    let names = [
        name.replace(":secrets", ":attempts"),
        name.replace(":secrets", ":codes"),
    ];
    for name in &names {
        let _: () = cmd("SET")
            .arg(name)
            .arg("x")
            .query_async(&mut look)
            .await
            .unwrap();
    }
    let limit = AttemptLimit::new(5, Duration::from_secs(60)).unwrap();
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    assert!(
        store
            .begin_attempt("alice", now, limit)
            .wait()
            .await
            .is_err()
    );
    assert!(store.remaining("alice").wait().await.is_err());
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn an_outage_lets_nobody_in_and_is_over_when_the_server_is_back() {
    let mut server = Server::start().await;
    let clock = clock();
    let totp = service(&server, &clock).await;
    let app = enrolled(&totp, &clock, "alice").await;
    server.kill();
    for _ in 0..6 {
        let outcome = totp.verify("alice", &code(&app, 0)).await;
        assert!(matches!(outcome, Err(MfaError::Store(_))), "{outcome:?}");
        assert!(
            totp.is_enrolled("alice").await.is_err(),
            "that is no \"no\""
        );
    }
    server.restart().await;
    wait_until(async || totp.is_enrolled("alice").await.is_ok()).await;
    // This server keeps nothing over a restart.
    let app = enrolled(&totp, &clock, "alice").await;
    totp.verify("alice", &code(&app, 0)).await.unwrap();
}
