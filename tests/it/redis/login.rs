//! Attempts to log in that several nodes count together.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use redis::aio::ConnectionLike;
use tower_security::core::{ClientIp, SecurityEvent};
use tower_security::rate_limit::OnStoreError;
use tower_security::rate_limit::login::{
    LoginAttempt, LoginDimension, LoginGuard, LoginRefusal, LoginThrottle, LoginThrottleBuilder,
};
use tower_security::redis::RedisStore;

use super::Server;
use super::node::SECRET;
use super::store::wait_until;

type Throttle = LoginThrottle<RedisStore>;

fn over<C>(
    connection: C,
    change: impl FnOnce(LoginThrottleBuilder<RedisStore>) -> LoginThrottleBuilder<RedisStore>,
) -> Throttle
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    let builder = LoginThrottle::builder(&SECRET[..]).store(store(connection));
    change(builder).build().unwrap()
}

/// As patient as may be: what is shown here is no matter of time.
fn store<C>(connection: C) -> RedisStore
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    let builder = RedisStore::builder(connection).prefix("t").secret(SECRET);
    let builder = builder.timeout(Duration::from_millis(250));
    builder.build().unwrap()
}

/// One of several nodes, which refuses what the server does not answer.
async fn node(server: &Server) -> Throttle {
    over(server.look().await, |builder| {
        builder.on_store_error(OnStoreError::Deny)
    })
}

/// A client of its own for each number.
fn client(number: u32) -> ClientIp {
    ClientIp::resolved_by_caller((0x0a00_0000 + number).to_be_bytes().into())
}

async fn begin(
    throttle: &Throttle,
    account: &str,
    number: u32,
) -> Result<LoginGuard<RedisStore>, LoginRefusal> {
    let attempt = LoginAttempt::new(account).ip(client(number));
    throttle.begin(attempt).await
}

async fn fail(throttle: &Throttle, account: &str, number: u32) -> Result<(), LoginRefusal> {
    begin(throttle, account, number)
        .await
        .map(LoginGuard::failure)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn of_200_guesses_at_once_at_two_nodes_5_are_verified() {
    let server = Server::start().await;
    let nodes = [node(&server).await, node(&server).await];
    let guesses: Vec<_> = (0..200)
        .map(|number| {
            let node = nodes[usize::from(number % 2 == 1)].clone();
            tokio::spawn(async move { fail(&node, "alice", number).await })
        })
        .collect();
    let (mut verified, mut unanswered) = (0, 0);
    for guess in guesses {
        match guess.await.unwrap() {
            Ok(()) => verified += 1,
            Err(LoginRefusal::StoreUnavailable) => unanswered += 1,
            Err(refusal) => assert_eq!(refusal.dimension(), Some(LoginDimension::Account)),
        }
    }
    // A call whose answer came too late may have been charged.
    assert!(verified <= 5, "{verified}");
    assert!(verified + unanswered >= 5, "{verified} {unanswered}");
    for node in &nodes {
        let refusal = fail(node, "Alice ", 300).await.unwrap_err();
        assert_eq!(refusal.dimension(), Some(LoginDimension::Account));
        assert_eq!(refusal.retry_after(), 1);
        assert_eq!(fail(node, "bob", 301).await, Ok(()));
    }
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_success_on_one_node_takes_back_what_the_attempt_was_charged_everywhere() {
    let server = Server::start().await;
    let (one, two) = (node(&server).await, node(&server).await);
    let guard = begin(&one, "alice", 0).await.unwrap();
    // Wait of the account, failures in a row, address.
    assert_eq!(server.keys().await.len(), 3);
    assert!(guard.success().is_some());
    wait_until(async || server.keys().await.is_empty()).await;

    for number in 1..=4 {
        assert_eq!(fail(&one, "alice", number).await, Ok(()));
    }
    assert!(begin(&two, "alice", 5).await.unwrap().success().is_some());
    // Failures in a row are forgotten, and neither the wait of the account nor the addresses of those who failed.
    wait_until(async || server.keys().await.len() == 5).await;
    assert_eq!(fail(&two, "alice", 6).await, Ok(()), "the fifth");
    let refusal = fail(&one, "alice", 7).await.unwrap_err();
    assert_eq!(refusal.dimension(), Some(LoginDimension::Account));
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_device_that_one_node_trusts_is_trusted_by_all_and_lifts_the_lock() {
    let server = Server::start().await;
    let lock = |builder: LoginThrottleBuilder<RedisStore>| {
        builder.hard_bound(3).on_store_error(OnStoreError::Deny)
    };
    let one = over(server.look().await, lock);
    let two = over(server.look().await, lock);
    let line = begin(&one, "alice", 0).await.unwrap().success().unwrap();
    let line = line.to_str().unwrap();
    let cookie = line.split(['=', ';']).nth(1).unwrap();
    wait_until(async || server.keys().await.is_empty()).await;
    for number in 1..=3 {
        assert_eq!(fail(&one, "alice", number).await, Ok(()));
    }
    let refusal = fail(&one, "alice", 4).await.unwrap_err();
    assert_eq!(refusal.dimension(), Some(LoginDimension::AccountLock));
    assert_eq!(refusal.retry_after(), 24 * 3_600);

    let attempt = LoginAttempt::new("alice").ip(client(5)).device(cookie);
    let guard = two.begin(attempt).await.unwrap();
    assert!(guard.is_trusted());
    assert!(guard.success().is_some());
    // The node that has not seen the lock learns at once that it is gone.
    wait_until(async || fail(&two, "alice", 6).await.is_ok()).await;
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn an_account_that_is_unlocked_on_one_node_is_free_on_all() {
    let server = Server::start().await;
    let (one, two) = (node(&server).await, node(&server).await);
    for number in 0..5 {
        assert_eq!(fail(&one, "alice", number).await, Ok(()));
    }
    assert!(fail(&one, "alice", 5).await.is_err());
    one.unlock("ALICE");
    // Addresses keep what they have.
    wait_until(async || server.keys().await.len() == 5).await;
    for number in 6..=10 {
        assert_eq!(fail(&two, "alice", number).await, Ok(()), "{number}");
    }
    assert!(fail(&two, "alice", 11).await.is_err());
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn while_the_server_is_away_each_node_counts_by_itself_and_nobody_waits_for_long() {
    let server = Server::start().await;
    let codes = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&codes);
    let store = store(server.manager().await);
    let throttle = LoginThrottle::builder(&SECRET[..])
        .store(store.clone())
        .events(move |event: &SecurityEvent<'_>| {
            log.lock().unwrap().push(event.code);
        })
        .build()
        .unwrap();
    assert_eq!(fail(&throttle, "alice", 0).await, Ok(()));

    server.freeze();
    let start = Instant::now();
    let mut verified = 0;
    for number in 1..=50 {
        verified += u32::from(fail(&throttle, "alice", number).await.is_ok());
    }
    // The first of them wait for the server, and the others for nobody.
    assert!(start.elapsed() < Duration::from_secs(4));
    assert_eq!(verified, 5, "with counters of its own, and never uncounted");
    let outages = codes.lock().unwrap().clone();
    let outages = outages
        .into_iter()
        .filter(|code| *code == "rate_store_unavailable");
    assert_eq!(outages.count(), 1);

    assert!(!store.is_available());
    server.thaw();
    // It is asked again, whatever it says.
    wait_until(async || {
        let _ = fail(&throttle, "bob", 60).await;
        store.is_available()
    })
    .await;
}
