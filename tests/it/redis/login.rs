//! Attempts to log in that two nodes count together.

use std::net::IpAddr;
use std::time::Duration;

use tower_security::core::ClientIp;
use tower_security::rate_limit::login::{LoginAttempt, LoginThrottle};
use tower_security::redis::RedisStore;

use super::Server;
use super::node::SECRET;
use super::store::wait_until;

async fn node(server: &Server) -> LoginThrottle<RedisStore> {
    // A busy machine answers late, and what is counted by a node alone is not meant here.
    let store = RedisStore::builder(server.manager().await)
        .secret(SECRET)
        .timeout(Duration::from_millis(250))
        .build()
        .unwrap();
    LoginThrottle::builder(&SECRET[..])
        .store(store)
        .build()
        .unwrap()
}

fn nth_client(number: u32) -> ClientIp {
    ClientIp::resolved_by_caller(IpAddr::from((0x0a00_0000 + number).to_be_bytes()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn of_100_guesses_at_two_nodes_5_are_verified_and_the_owner_s_device_is_let_in() {
    let server = Server::start().await;
    let [one, two] = [node(&server).await, node(&server).await];
    let guard = one.begin(LoginAttempt::new("alice").ip(nth_client(1_000)));
    let line = guard.await.unwrap().success().unwrap();
    let line = line.to_str().unwrap();
    let cookie = line.split(['=', ';']).nth(1).unwrap();
    // What it was charged is taken back by a task.
    let counters = async |name: &str| {
        let keys = server.keys().await;
        keys.iter().filter(|key| key.contains(name)).count()
    };
    wait_until(async || counters("login.").await == 0).await;

    let guesses = (0..100).map(|number| {
        let node = if number % 2 == 0 { &one } else { &two }.clone();
        tokio::spawn(async move {
            let attempt = LoginAttempt::new("alice").ip(nth_client(number));
            node.begin(attempt).await.is_ok()
        })
    });
    let guesses: Vec<_> = guesses.collect();
    let mut verified = 0;
    for guess in guesses {
        verified += u32::from(guess.await.unwrap());
    }
    assert_eq!(verified, 5);

    // Its own count is one for both nodes, and then it is a stranger.
    let mut trusted = 0;
    for node in [&one, &two].into_iter().cycle().take(40) {
        let attempt = LoginAttempt::new("alice").device(cookie);
        let guard = node.begin(attempt.ip(nth_client(1_000))).await;
        trusted += u32::from(guard.is_ok_and(|guard| guard.is_trusted()));
    }
    assert_eq!(trusted, 10);
    assert_eq!(counters("login.device").await, 1);
}
