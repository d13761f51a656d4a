//! Several processes over one server.

use std::process::{Command, Stdio};
use std::time::Duration;

use tower_security::rate_limit::Quota;

use super::server::manager;
use super::{Node, Server, key};

const URL: &str = "TOWER_SECURITY_TEST_REDIS_URL";

/// What a node of the fleet below does, when it is started by that test. By itself it looks after nothing: the variable is not set.
#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn node_of_a_fleet() {
    let own = Server::start().await;
    let url = std::env::var(URL).unwrap_or_else(|_| own.url());
    let node = Node::with(manager(&url).await, Quota::per_hour(500), |b| {
        b.expected_nodes(2)
    });
    let passed = node.count(key("a"), 600).await;
    assert!(passed <= 500);
    println!("\npassed={passed}");
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn two_processes_admit_one_quota_together() {
    let server = Server::start().await;
    let program = std::env::current_exe().unwrap();
    let start = || {
        Command::new(&program)
            .args([
                "--exact",
                "redis::processes::node_of_a_fleet",
                "--ignored",
                "--nocapture",
            ])
            .env(URL, server.url())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let nodes = [start(), start()];
    let mut passed = Vec::new();
    for node in nodes {
        let output = tokio::task::spawn_blocking(|| node.wait_with_output())
            .await
            .unwrap()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let count = text.lines().find_map(|line| line.strip_prefix("passed="));
        passed.push(
            count
                .unwrap_or_else(|| panic!("{text}"))
                .parse::<u32>()
                .unwrap(),
        );
    }
    // An hour gives 500, so that a unit may come back every 7.2 s.
    let sum: u32 = passed.iter().sum();
    assert!((500..=505).contains(&sum), "{passed:?}");
    let rest = Node::new(server.manager().await, Quota::per_hour(500));
    let standing = rest.take(key("a"), 10).await.unwrap();
    assert!(!standing.is_allowed && Duration::from_nanos(standing.wait) > Duration::from_secs(10));
}
