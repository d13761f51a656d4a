//! `RedisBans`: who is banned on one node is banned on all.
#![expect(
    clippy::disallowed_methods,
    reason = "a task that pulls once a second sleeps in between"
)]
#![expect(
    clippy::disallowed_types,
    reason = "the queue is taken out of its cell once, when the task starts"
)]

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::redis::Value;
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::call::{self, Failure};
use super::inner::{Inner, unavailable};
use super::name;
use super::store::RedisStore;
use crate::core::StoreError;
use crate::rate_limit::key::{KeyHash, KeySeed};
use crate::rate_limit::{BanShare, BanTable, WeakBanTable};

/// How often a node asks for the bans of the others.
const PULL: Duration = Duration::from_secs(1);

/// Nobody waits for it, so that it may take longer than a request may.
const LIMIT: Duration = Duration::from_millis(250);

/// News that wait to be told, in the queue and again in the task.
const QUEUE: usize = 4_096;

/// Bans on the server.
const MOST: usize = 100_000;

/// Milliseconds, 2,283 years: as long as a table can ban.
const LONGEST: u64 = (1 << 56) / 1_000;

/// Bans told and heard of in one call: while its script runs, the server answers nobody else.
const BATCH: usize = 500;

/// Tells the other nodes of a fleet of bans, and brings theirs.
///
/// Give a clone to [`BanTableBuilder::share`](crate::rate_limit::BanTableBuilder::share), then [`follow`](Self::follow) the table.
/// A ban that starts here is told at once; each node asks once a second, and hears of it within that second and the time that the
/// call takes. The server keeps the 100,000 bans that end last. While it is away the bans that a node knows last on, and those that
/// it starts are told when the server is back: at most 8,192 of them, then the newest are not told, and [`untold`](Self::untold)
/// counts them. An event `sys_monitor_disabled` with the code `ban_share_unavailable` tells of it, at most once a minute.
///
/// The tables of all nodes have to be built alike: a client is a key, and with another prefix it is another key.
///
/// # Example
///
/// ```no_run
/// use tower_security::rate_limit::BanTable;
/// use tower_security::redis::{RedisBans, RedisStore};
///
/// # fn share(store: RedisStore) -> Result<BanTable, Box<dyn std::error::Error>> {
/// let fleet = RedisBans::new(&store);
/// let bans = BanTable::builder().share(fleet.clone()).build()?;
/// fleet.follow(&bans)?;
/// # Ok(bans)
/// # }
/// ```
#[derive(Clone)]
pub struct RedisBans(Arc<Shared>);

struct Shared {
    inner: Arc<Inner>,
    seed: KeySeed,
    news: Sender<News>,
    queue: Mutex<Option<Receiver<News>>>,
    untold: AtomicU64,
}

/// A ban that was started or lifted here.
#[derive(Clone, Copy, Debug)]
struct News {
    key: KeyHash,
    /// By the clock of the store; `None` if it was lifted.
    ends: Option<Duration>,
}

impl RedisBans {
    /// Shares bans through the server of `store`, under its prefix and secret.
    #[must_use]
    pub fn new(store: &RedisStore) -> Self {
        let (news, queue) = mpsc::channel(QUEUE);
        let inner = Arc::clone(store.inner());
        Self(Arc::new(Shared {
            seed: KeySeed::fleet(*inner.settings.secret.expose()),
            inner,
            news,
            queue: Mutex::new(Some(queue)),
            untold: AtomicU64::new(0),
        }))
    }

    /// Brings `table` the bans of the other nodes, until it is dropped, and tells them of its own.
    ///
    /// # Errors
    ///
    /// It follows one table, and needs a Tokio runtime to do so.
    pub fn follow(&self, table: &BanTable) -> Result<(), StoreError> {
        let runtime = self.0.inner.runtime();
        let runtime = runtime
            .ok_or_else(|| unavailable("no Tokio runtime to follow the bans of others on"))?;
        drop(runtime.spawn(self.follower(table)?.run()));
        Ok(())
    }

    fn follower(&self, table: &BanTable) -> Result<Follower, StoreError> {
        let mut cell = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = cell
            .take()
            .ok_or_else(|| unavailable("it follows another table already"))?;
        Ok(Follower {
            inner: Arc::clone(&self.0.inner),
            table: table.downgrade(),
            names: names(&self.0.inner.settings.prefix),
            queue,
            pending: HashMap::new(),
            version: 0,
        })
    }

    /// Returns how many bans and pardons no other node has heard of, since too many were waiting.
    #[must_use]
    pub fn untold(&self) -> u64 {
        self.0.untold.load(Ordering::Relaxed)
    }

    fn tell(&self, news: News) {
        if self.0.news.try_send(news).is_err() {
            self.0.untold.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl BanShare for RedisBans {
    fn key_seed(&self) -> KeySeed {
        self.0.seed
    }

    fn started(&self, key: KeyHash, rest: Duration) {
        let ends = self.0.inner.settings.clock.monotonic().saturating_add(rest);
        self.tell(News {
            key,
            ends: Some(ends),
        });
    }

    fn lifted(&self, key: KeyHash) {
        self.tell(News { key, ends: None });
    }
}

impl fmt::Debug for RedisBans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBans")
            .field("prefix", &self.0.inner.settings.prefix)
            .field("untold", &self.untold())
            .finish_non_exhaustive()
    }
}

/// All three live on one node of a cluster.
fn names(prefix: &str) -> [String; 3] {
    ["ends", "changes", "version"].map(|part| format!("{prefix}:{{{prefix}:bans}}:{part}"))
}

struct Follower {
    inner: Arc<Inner>,
    table: WeakBanTable,
    names: [String; 3],
    queue: Receiver<News>,
    /// What is still to be told: the latest of each key.
    pending: HashMap<KeyHash, Option<Duration>>,
    version: i64,
}

/// What the server said.
#[derive(Debug, PartialEq, Eq)]
struct Heard {
    version: i64,
    has_more: bool,
    bans: Vec<(KeyHash, Duration)>,
}

impl Follower {
    async fn run(mut self) {
        while let Some(table) = self.table.upgrade() {
            let has_failed = match self.exchange(&table).await {
                Ok(true) => continue,
                Ok(false) => false,
                // The list that is known lasts on; the news are kept for the next time.
                Err(failure) => {
                    table.share_failed(&failure.error);
                    true
                }
            };
            drop(table);
            if has_failed {
                tokio::time::sleep(PULL).await;
            } else if let Ok(news) = tokio::time::timeout(PULL, self.queue.recv()).await {
                let Some(news) = news else {
                    return;
                };
                self.pending.insert(news.key, news.ends);
            }
        }
    }

    fn take_news(&mut self) {
        while self.pending.len() < QUEUE
            && let Ok(news) = self.queue.try_recv()
        {
            self.pending.insert(news.key, news.ends);
        }
    }

    /// Tells and hears. Whether there is more of either.
    async fn exchange(&mut self, table: &BanTable) -> Result<bool, Failure> {
        self.take_news();
        let now = self.inner.settings.clock.monotonic();
        // Told as 0, one that is over would lift the ban that another node has started since.
        self.pending
            .retain(|_, ends| ends.is_none_or(|ends| ends > now));
        let told: HashMap<KeyHash, u64> = self
            .pending
            .iter()
            .take(BATCH)
            .map(|(key, ends)| (*key, rest(*ends, now)))
            .collect();
        let write = |command: &mut ::redis::Cmd| {
            command.arg(self.version).arg(MOST).arg(BATCH);
            for (key, rest) in &told {
                let mut member = String::new();
                name::digits(*key, &mut member);
                command.arg(member).arg(*rest);
            }
        };
        let answer = self
            .inner
            .server
            .evaluate(&call::BANS, &self.names, write, LIMIT)
            .await?;
        let heard = Heard::read(answer)?;
        for key in told.keys() {
            self.pending.remove(key);
        }
        self.version = heard.version;
        self.take_news();
        for (key, rest) in heard.bans {
            if rest.is_zero() {
                // Lifted here as well, or over; but not the ban of which the server hears by the next call.
                if !matches!(self.pending.get(&key), Some(Some(_))) {
                    table.release(key);
                }
            } else if told
                .get(&key)
                .is_none_or(|own| Duration::from_millis(*own) < rest)
            {
                table.absorb(key, rest);
            }
        }
        Ok(heard.has_more || !self.pending.is_empty())
    }
}

/// Milliseconds that are left of a ban; 0 if it was lifted. One for ever ends when the server can still count: its script fails over
/// a longer one, for all nodes and as long as it is there.
fn rest(ends: Option<Duration>, now: Duration) -> u64 {
    ends.map_or(0, |ends| {
        let rest = ends.saturating_sub(now).as_nanos().div_ceil(1_000_000);
        u64::try_from(rest).unwrap_or(u64::MAX).min(LONGEST)
    })
}

impl Heard {
    fn read(answer: Value) -> Result<Self, Failure> {
        let unreadable = || call::unreadable("an answer of another shape than the script's");
        let Value::Array(items) = answer else {
            return Err(unreadable());
        };
        let [Value::Int(version), Value::Int(more), rows @ ..] = &items[..] else {
            return Err(unreadable());
        };
        let (pairs, []) = rows.as_chunks::<2>() else {
            return Err(unreadable());
        };
        let ban = |pair: &[Value; 2]| match pair {
            [Value::BulkString(member), Value::Int(rest)] => {
                let rest = u64::try_from(*rest).ok()?;
                Some((name::parse(member)?, Duration::from_millis(rest)))
            }
            // Nothing that the script says.
            _ => None,
        };
        Ok(Self {
            version: *version,
            has_more: *more != 0,
            bans: pairs
                .iter()
                .map(ban)
                .collect::<Option<_>>()
                .ok_or_else(unreadable)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use ::redis::aio::ConnectionLike;
    use ::redis::{Cmd, Pipeline, RedisFuture};

    use super::*;
    use crate::core::StoreErrorKind;

    const MEMBER: &[u8] = b"aaaqeayeaudaocajbifqydiob4";

    #[test]
    fn an_answer_is_read_whole_or_not_at_all() {
        let member = || Value::BulkString(MEMBER.to_vec());
        let right = Value::Array(vec![
            Value::Int(7),
            Value::Int(1),
            member(),
            Value::Int(1_500),
        ]);
        let heard = Heard::read(right).unwrap();
        assert_eq!((heard.version, heard.has_more), (7, true));
        assert_eq!(
            heard.bans,
            [(name::parse(MEMBER).unwrap(), Duration::from_millis(1_500))]
        );

        for wrong in [
            Value::Okay,
            Value::Array(vec![]),
            Value::Array(vec![Value::Int(7)]),
            Value::Array(vec![Value::Int(7), Value::Int(0), member()]),
            Value::Array(vec![Value::Int(7), Value::Int(0), member(), Value::Int(-1)]),
            Value::Array(vec![
                Value::Int(7),
                Value::Int(0),
                Value::Int(1),
                Value::Int(1),
            ]),
            Value::Array(vec![
                Value::Int(7),
                Value::Int(0),
                Value::BulkString(b"x".to_vec()),
                Value::Int(1),
            ]),
        ] {
            let failure = Heard::read(wrong.clone()).unwrap_err();
            assert_eq!(failure.error.kind(), StoreErrorKind::Corrupt, "{wrong:?}");
        }
    }

    const HOUR: Duration = Duration::from_secs(3_600);

    /// Answers that the ban of `key` is over. Meanwhile it starts here once more.
    #[derive(Clone)]
    struct Server {
        table: Arc<OnceLock<BanTable>>,
        key: Arc<OnceLock<KeyHash>>,
    }

    impl ConnectionLike for Server {
        fn req_packed_command<'a>(&'a mut self, _: &'a Cmd) -> RedisFuture<'a, Value> {
            Box::pin(async move {
                let (table, key) = (self.table.get().unwrap(), *self.key.get().unwrap());
                assert!(table.ban(key, HOUR));
                let mut member = String::new();
                name::digits(key, &mut member);
                Ok(Value::Array(vec![
                    Value::Int(7),
                    Value::Int(0),
                    Value::BulkString(member.into_bytes()),
                    Value::Int(0),
                ]))
            })
        }

        fn req_packed_commands<'a>(
            &'a mut self,
            _: &'a Pipeline,
            _: usize,
            _: usize,
        ) -> RedisFuture<'a, Vec<Value>> {
            panic!("one command at a time")
        }

        fn get_db(&self) -> i64 {
            0
        }
    }

    #[tokio::test]
    async fn a_pardon_lifts_no_ban_that_has_started_since() {
        for is_own in [true, false] {
            let server = Server {
                table: Arc::default(),
                key: Arc::default(),
            };
            let store = RedisStore::builder(server.clone()).secret(*b"0123456789abcdef");
            let fleet = RedisBans::new(&store.build().unwrap());
            let table = BanTable::builder().share(fleet.clone()).build().unwrap();
            let key = table.key(|key| key.str("alice"));
            assert!(server.table.set(table.clone()).is_ok() && server.key.set(key).is_ok());
            if is_own {
                assert!(table.ban(key, HOUR) && table.unban(key));
            }
            let mut follower = fleet.follower(&table).unwrap();
            follower
                .exchange(&table)
                .await
                .map_err(|f| f.error)
                .unwrap();
            assert!(table.is_banned(key).is_some(), "{is_own}");
        }
    }

    #[test]
    fn the_rest_of_a_ban_shrinks_while_the_server_is_away() {
        let second = Duration::from_secs;
        assert_eq!(rest(Some(second(60)), second(10)), 50_000);
        assert_eq!(rest(Some(second(60)), second(61)), 0);
        assert_eq!(rest(Some(Duration::from_micros(1)), Duration::ZERO), 1);
        assert_eq!(rest(None, second(10)), 0);
        assert_eq!(rest(Some(Duration::MAX), second(10)), LONGEST);
    }
}
