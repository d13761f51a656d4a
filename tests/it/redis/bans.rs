//! Bans of a fleet.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use redis::aio::{ConnectionLike, ConnectionManager};
use redis::{Cmd, Pipeline, RedisFuture, Value, cmd};
use tokio::sync::Semaphore;
use tower_security::core::ClientIp;
use tower_security::rate_limit::BanTable;
use tower_security::rate_limit::key::KeyHash;
use tower_security::redis::{RedisBans, RedisStore};

use super::Server;
use super::node::SECRET;
use super::store::wait_until;

const HOUR: Duration = Duration::from_secs(3_600);

async fn node(server: &Server) -> (BanTable, RedisBans) {
    let (table, fleet) = deaf(server.manager().await);
    fleet.follow(&table).unwrap();
    (table, fleet)
}

/// A node that neither hears nor tells until it follows its table.
fn deaf<C>(connection: C) -> (BanTable, RedisBans)
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    let store = RedisStore::builder(connection)
        .prefix("t")
        .secret(SECRET)
        .build()
        .unwrap();
    let fleet = RedisBans::new(&store);
    let table = BanTable::builder().share(fleet.clone()).build().unwrap();
    (table, fleet)
}

fn client(table: &BanTable, address: &str) -> KeyHash {
    table.client_key(ClientIp::resolved_by_caller(address.parse().unwrap()))
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn who_is_banned_on_one_node_is_banned_on_all_and_pardoned_on_all() {
    let server = Server::start().await;
    let (one, _) = node(&server).await;
    let (two, _) = node(&server).await;
    let (guesser, neighbour) = (client(&one, "192.0.2.7"), client(&one, "192.0.2.8"));
    assert_eq!(guesser, client(&two, "192.0.2.7"));

    let start = Instant::now();
    assert!(one.ban(guesser, HOUR));
    wait_until(async || two.is_banned(guesser).is_some()).await;
    // A second, and what a busy machine takes.
    assert!(start.elapsed() < Duration::from_millis(2_500));
    let rest = two.is_banned(guesser).unwrap();
    assert!(
        rest <= HOUR && rest > HOUR - Duration::from_secs(5),
        "{rest:?}"
    );
    assert_eq!(two.is_banned(neighbour), None);
    // It does not echo: what was heard is not told again.
    assert_eq!(two.stats().started, 0);

    // A node that starts later hears of it too.
    let (three, _) = node(&server).await;
    wait_until(async || three.is_banned(guesser).is_some()).await;

    assert!(three.unban(guesser));
    wait_until(async || one.is_banned(guesser).is_none() && two.is_banned(guesser).is_none()).await;
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn the_longer_of_two_bans_holds_and_a_ban_that_ends_is_gone() {
    let server = Server::start().await;
    let (one, _) = node(&server).await;
    let (two, _) = node(&server).await;
    let (long, short) = (client(&one, "192.0.2.7"), client(&one, "192.0.2.8"));
    assert!(one.ban(long, HOUR));
    wait_until(async || two.is_banned(long).is_some()).await;
    assert!(two.ban(long, HOUR / 2) || two.is_banned(long).unwrap() > HOUR / 2);
    assert!(one.ban(short, Duration::from_millis(1_200)));
    wait_until(async || two.is_banned(short).is_some()).await;
    wait_until(async || two.is_banned(short).is_none()).await;
    assert!(one.is_banned(long).unwrap() > HOUR / 2);
    assert!(two.is_banned(long).unwrap() > HOUR / 2);
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn an_outage_keeps_the_last_list_and_the_news_of_it_are_told_after() {
    let mut server = Server::start().await;
    let (one, fleet) = node(&server).await;
    let (two, _) = node(&server).await;
    let (before, during) = (client(&one, "192.0.2.7"), client(&one, "192.0.2.8"));
    assert!(one.ban(before, HOUR));
    wait_until(async || two.is_banned(before).is_some()).await;

    server.kill();
    assert!(one.ban(during, HOUR));
    assert!(two.is_banned(before).is_some());
    server.restart().await;
    // The server has forgotten all it knew, and its version begins above the old one.
    wait_until(async || two.is_banned(during).is_some()).await;
    assert!(two.is_banned(before).is_some());
    assert_eq!(fleet.untold(), 0);
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_ban_that_ended_untold_pardons_nobody() {
    let server = Server::start().await;
    let (away, fleet) = deaf(server.manager().await);
    let (other, _) = node(&server).await;
    let (guesser, last) = (client(&away, "192.0.2.7"), client(&away, "192.0.2.8"));
    assert!(other.ban(guesser, HOUR));
    assert!(away.ban(guesser, Duration::from_millis(20)));
    wait_until(async || away.is_banned(guesser).is_none()).await;
    // Told after the other one's, which is longer.
    let (third, _) = node(&server).await;
    wait_until(async || third.is_banned(guesser).is_some()).await;
    fleet.follow(&away).unwrap();
    wait_until(async || away.is_banned(guesser).is_some()).await;
    assert!(third.ban(last, HOUR));
    wait_until(async || other.is_banned(last).is_some()).await;
    assert!(other.is_banned(guesser).is_some());
    // A pardon is one.
    assert!(away.unban(guesser));
    wait_until(async || other.is_banned(guesser).is_none()).await;
}

/// Sends what it is asked to once the gate is open.
#[derive(Clone)]
struct Gated {
    connection: ConnectionManager,
    gate: Arc<Semaphore>,
    asked: Arc<AtomicBool>,
}

impl ConnectionLike for Gated {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            self.asked.store(true, Ordering::Relaxed);
            drop(self.gate.acquire().await.unwrap());
            self.connection.req_packed_command(command).await
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        self.connection.req_packed_commands(pipeline, offset, count)
    }

    fn get_db(&self) -> i64 {
        0
    }
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_pardon_that_arrives_before_a_newer_ban_is_told_does_not_lift_it() {
    let server = Server::start().await;
    let (other, _) = node(&server).await;
    let (third, _) = node(&server).await;
    let (guesser, marker) = (client(&other, "192.0.2.7"), client(&other, "192.0.2.8"));
    assert!(other.ban(guesser, HOUR) && other.unban(guesser));
    assert!(other.ban(marker, HOUR));
    wait_until(async || third.is_banned(marker).is_some()).await;

    let gated = Gated {
        connection: server.manager().await,
        gate: Arc::new(Semaphore::new(0)),
        asked: Arc::default(),
    };
    let (slow, fleet) = deaf(gated.clone());
    fleet.follow(&slow).unwrap();
    wait_until(async || gated.asked.load(Ordering::Relaxed)).await;
    assert!(slow.ban(guesser, HOUR));
    gated.gate.add_permits(1);
    wait_until(async || third.is_banned(guesser).is_some()).await;
    assert!(slow.is_banned(guesser).is_some());
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_ban_for_ever_does_not_silence_the_fleet() {
    let server = Server::start().await;
    let (one, _) = node(&server).await;
    let (two, _) = node(&server).await;
    let (for_ever, later) = (client(&one, "192.0.2.7"), client(&one, "192.0.2.8"));
    assert!(one.ban(for_ever, Duration::MAX));
    wait_until(async || two.is_banned(for_ever).is_some()).await;
    assert!(two.is_banned(for_ever).unwrap() > 1_000 * 365 * 24 * HOUR);
    assert!(two.ban(later, HOUR));
    wait_until(async || one.is_banned(later).is_some()).await;
}

/// The script alone: of the three keys the smallest is evicted.
#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_version_that_is_lost_alone_is_found_in_the_changes() {
    let server = Server::start().await;
    let mut look = server.look().await;
    let script = |known: i64, bans: &[&str]| {
        let mut tell = cmd("EVAL");
        tell.arg(include_str!("../../../src/redis/bans.lua"))
            .arg(3)
            .arg(&["b", "c", "v"]);
        tell.arg(known).arg(10).arg(2);
        for ban in bans {
            tell.arg(ban).arg(60_000);
        }
        tell
    };
    let version = |answer: &Value| match answer {
        Value::Array(items) => match items[..] {
            [Value::Int(version), Value::Int(more), ..] => (version, more),
            _ => panic!("{answer:?}"),
        },
        _ => panic!("{answer:?}"),
    };
    let told: Value = script(0, &["m1", "m2", "m3", "m4"])
        .query_async(&mut look)
        .await
        .unwrap();
    let (middle, more) = version(&told);
    assert_eq!(more, 1);
    let _: () = cmd("DEL").arg("v").query_async(&mut look).await.unwrap();
    let rest: Value = script(middle, &[]).query_async(&mut look).await.unwrap();
    assert_eq!(version(&rest), (middle + 2, 1));
    let end: Value = script(middle + 2, &[])
        .query_async(&mut look)
        .await
        .unwrap();
    assert_eq!(version(&end), (middle + 2, 0));
    let more: Value = script(middle + 2, &["m5"])
        .query_async(&mut look)
        .await
        .unwrap();
    assert_eq!(version(&more), (middle + 3, 0));
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn the_task_ends_with_the_table() {
    let server = Server::start().await;
    let (one, fleet) = node(&server).await;
    assert!(fleet.follow(&one).is_err(), "it follows a table already");
    wait_until(async || server.calls("evalsha").await >= 2).await;
    let weak = one.downgrade();
    drop((one, fleet));
    wait_until(async || weak.upgrade().is_none()).await;
    let connections = async || -> usize {
        let list: String = cmd("CLIENT")
            .arg("LIST")
            .query_async(&mut server.look().await)
            .await
            .unwrap();
        list.lines().count()
    };
    // The one that looks, and no longer that of the task.
    wait_until(async || connections().await == 1).await;
}

#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn a_thousand_bans_reach_the_others_in_portions() {
    let server = Server::start().await;
    let (one, fleet) = node(&server).await;
    let (two, _) = node(&server).await;
    let clients: Vec<_> = (0..1_300)
        .map(|n| client(&one, &format!("198.18.{}.{}", n / 256, n % 256)))
        .collect();
    for client in &clients {
        assert!(one.ban(*client, HOUR));
    }
    wait_until(async || {
        clients
            .iter()
            .all(|client| two.is_banned(*client).is_some())
    })
    .await;
    assert_eq!(fleet.untold(), 0);
    let (three, _) = node(&server).await;
    wait_until(async || {
        clients
            .iter()
            .all(|client| three.is_banned(*client).is_some())
    })
    .await;
}

/// The script alone.
#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn of_two_bans_of_one_client_the_server_keeps_the_longer() {
    let server = Server::start().await;
    let mut look = server.look().await;
    for (told, least, most) in [
        (600_000, 590_000, 600_000),
        (60_000, 500_000, 600_000),
        (0, 0, 0),
    ] {
        let mut tell = cmd("EVAL");
        tell.arg(include_str!("../../../src/redis/bans.lua"))
            .arg(3)
            .arg(&["b", "c", "v"]);
        tell.arg(0).arg(10).arg(500).arg("m").arg(told);
        let heard: (i64, i64, String, i64) = tell.query_async(&mut look).await.unwrap();
        assert!((least..=most).contains(&heard.3), "{told}: {heard:?}");
    }
}

/// The script alone, with a bound of 10.
#[tokio::test]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn of_too_many_bans_those_that_end_first_are_dropped() {
    let server = Server::start().await;
    let mut look = server.look().await;
    let mut tell = cmd("EVAL");
    tell.arg(include_str!("../../../src/redis/bans.lua"))
        .arg(3)
        .arg(&["b", "c", "v"]);
    tell.arg(0).arg(10).arg(500);
    for n in 1..=15 {
        tell.arg(format!("m{n:02}")).arg(n * 60_000);
    }
    let _: Value = tell.query_async(&mut look).await.unwrap();
    let left: Vec<String> = cmd("ZRANGE")
        .arg("b")
        .arg(0)
        .arg(-1)
        .query_async(&mut look)
        .await
        .unwrap();
    let expected: Vec<_> = (6..=15).map(|n| format!("m{n:02}")).collect();
    assert_eq!(left, expected);
    let changes: usize = cmd("ZCARD").arg("c").query_async(&mut look).await.unwrap();
    assert_eq!(changes, 10);
}
