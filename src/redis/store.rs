//! `RedisStore`: counters that several nodes share.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use ::redis::aio::ConnectionLike;
use ::redis::cmd;
use tokio::sync::oneshot;

use super::call::Server;
use super::config::{RedisStoreBuilder, Settings};
use super::flight::{Answer, is_joint};
use super::inner::{Inner, unavailable};
use super::name::{self, HashTag};
use super::units::Units;
use super::wire::Refund;
use crate::core::StoreError;
use crate::rate_limit::key::{KeyHash, KeySeed};
use crate::rate_limit::{Acquire, Charge, CounterSpec, Nanos, Receipt, Standing, Store};

/// Counters that several nodes share through a Redis server. Cloning shares the store. See [`mod@crate::redis`].
///
/// Answers that this node knows already, denials above all, are [`Acquire::Ready`]; the others come from a task on the runtime that
/// the request runs on. Outside of a Tokio runtime the store fails. Dropped, its last clone gives back what this node holds in
/// advance, and [`shutdown`](Self::shutdown) waits for that.
///
/// # Example
///
/// ```no_run
/// use std::time::Duration;
/// use redis::aio::ConnectionManagerConfig;
/// use tower_security::redis::RedisStore;
///
/// # async fn open(secret: [u8; 16]) -> Result<RedisStore, Box<dyn std::error::Error>> {
/// let quickly = ConnectionManagerConfig::new()
///     .set_connection_timeout(Some(Duration::from_millis(250)))
///     .set_response_timeout(Some(Duration::from_millis(25)));
/// let client = redis::Client::open("redis://127.0.0.1/")?;
/// let connection = redis::aio::ConnectionManager::new_lazy_with_config(client, quickly)?;
/// let store = RedisStore::builder(connection)
///     .prefix("shop")
///     .secret(secret)
///     .expected_nodes(3)
///     .build()?;
/// # Ok(store)
/// # }
/// ```
#[derive(Clone)]
pub struct RedisStore(Arc<Owner>);

/// What the tasks do not hold, so that they notice that nobody else uses the store.
struct Owner(Arc<Inner>);

/// The counters of one policy in Redis.
#[derive(Debug)]
pub struct RedisCounter {
    policy: Box<str>,
    /// Whether all charges go to one key, whatever key they name.
    is_single: bool,
    /// What stands before the hash in their names.
    head: Box<str>,
    /// Tells them apart from those of other policies in the tables of this node.
    salt: u128,
    is_refunded: AtomicBool,
}

/// The answer of a server that is still to come. Dropped, the charge stays.
#[derive(Debug)]
pub struct RedisAnswer(oneshot::Receiver<Answer>);

impl RedisAnswer {
    pub(super) const fn new(receiver: oneshot::Receiver<Answer>) -> Self {
        Self(receiver)
    }
}

impl Future for RedisAnswer {
    type Output = Result<Vec<Standing>, StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = std::task::ready!(Pin::new(&mut self.0).poll(cx));
        let lost = |_| {
            Err(unavailable(
                "the task that waited for the server was dropped",
            ))
        };
        Poll::Ready(answer.unwrap_or_else(lost))
    }
}

impl RedisStore {
    /// Starts from the defaults. `connection` is whatever the application uses: a
    /// [`ConnectionManager`](::redis::aio::ConnectionManager), or the connection to a cluster.
    pub fn builder<C: ConnectionLike + Clone + Send + Sync + 'static>(
        connection: C,
    ) -> RedisStoreBuilder<C> {
        RedisStoreBuilder::new(connection)
    }

    pub(super) fn open(
        connection: impl ConnectionLike + Clone + Send + Sync + 'static,
        settings: Settings,
    ) -> Self {
        let inner = Inner::new(Server::new(connection), settings);
        Self(Arc::new(Owner(Arc::new(inner))))
    }

    /// Whether the server answered lately. `false` from the fifth failure in a row to the first success.
    #[must_use]
    pub fn is_available(&self) -> bool {
        !self.inner().breaker.is_open()
    }

    /// Gives back all units that this node holds in advance, and takes no more. For the end of a program.
    ///
    /// # Cancel safety
    ///
    /// Units that were not given back yet when the future is dropped stay charged.
    pub async fn shutdown(&self) {
        let inner = self.inner();
        inner.is_closing.store(true, Ordering::Relaxed);
        let mut leases = Vec::new();
        inner.flights.each(|_, flight| {
            leases.extend(flight.take_lease());
            flight.wake();
        });
        for lease in leases {
            inner.give_back(lease).await;
        }
    }

    pub(super) fn inner(&self) -> &Arc<Inner> {
        &self.0.0
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.is_closing.store(true, Ordering::Relaxed);
        self.0.flights.each(|_, flight| flight.wake());
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.inner().settings;
        f.debug_struct("RedisStore")
            .field("prefix", &settings.prefix)
            .field("expected_nodes", &settings.expected_nodes)
            .field("timeout", &settings.timeout)
            .field("lease", &settings.leases)
            .field("hash_tag", &settings.hash_tag)
            .finish_non_exhaustive()
    }
}

impl Store for RedisStore {
    type Counter = RedisCounter;
    type Pending = RedisAnswer;

    fn key_seed(&self) -> KeySeed {
        self.inner().seed
    }

    fn open(&self, spec: &CounterSpec<'_>) -> Arc<RedisCounter> {
        self.inner().counter(spec)
    }

    fn acquire(
        &self,
        now: Nanos,
        charges: &mut [Charge<'_, RedisCounter>],
    ) -> Acquire<RedisAnswer> {
        let inner = self.inner();
        let now = now.get();
        if inner.is_known_denied(now, charges) {
            return Acquire::Ready;
        }
        let terms = |charge: &Charge<'_, _>| (Units::of(charge.rule), charge.cost, charge.overdraw);
        let set = is_joint(charges.iter().map(terms)).then(|| inner.set(charges));
        if let Some(set) = set
            && inner.flights.find(set, |flight| flight.spend(now, charges)) == Some(true)
        {
            return Acquire::Ready;
        }
        match inner.begin(now, charges, set) {
            Ok(answer) => Acquire::Pending(answer),
            Err(error) => Acquire::Failed(error),
        }
    }

    fn refund(&self, _: Nanos, counter: &RedisCounter, receipt: Receipt) {
        let Some((key, refund)) = Refund::of(receipt) else {
            return;
        };
        counter.is_refunded.store(true, Ordering::Relaxed);
        let inner = self.inner();
        inner.forget(counter.local(key));
        let name = counter.name(inner.settings.hash_tag, key);
        let (task, local) = (Arc::clone(inner), counter.local(key));
        inner.spawn(async move {
            task.take_back((vec![name], vec![refund])).await;
            // An answer from before may have come meanwhile.
            task.forget(local);
        });
    }

    fn reset(&self, _: Nanos, counter: &RedisCounter, key: KeyHash) {
        let inner = self.inner();
        let local = counter.local(key);
        inner.forget(local);
        let mut delete = cmd("DEL");
        delete.arg(counter.name(inner.settings.hash_tag, key));
        let task = Arc::clone(inner);
        inner.spawn(async move {
            let answer = task.server.command(delete, task.settings.timeout).await;
            task.note(&answer);
            task.forget(local);
        });
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn takes_one_key(&self) -> bool {
        self.inner().settings.hash_tag == HashTag::PerKey
    }

    fn expected_nodes(&self) -> Option<u32> {
        self.inner().settings.expected_nodes
    }
}

impl RedisCounter {
    pub(super) fn new(spec: &CounterSpec<'_>, head: Box<str>, salt: u128) -> Self {
        Self {
            policy: spec.name.into(),
            is_single: spec.is_single,
            head,
            salt,
            is_refunded: AtomicBool::new(false),
        }
    }

    /// Whether it counts for this policy.
    pub(super) fn is(&self, spec: &CounterSpec<'_>) -> bool {
        &*self.policy == spec.name && self.is_single == spec.is_single
    }

    /// Whether this node has given units of it back.
    pub(super) fn is_refunded(&self) -> bool {
        self.is_refunded.load(Ordering::Relaxed)
    }

    pub(super) fn key(&self, key: KeyHash) -> KeyHash {
        if self.is_single {
            KeyHash::new(0, 0)
        } else {
            key
        }
    }

    pub(super) fn local(&self, key: KeyHash) -> u128 {
        self.key(key).bits() ^ self.salt
    }

    pub(super) fn name(&self, tag: HashTag, key: KeyHash) -> String {
        name::counter(tag, &self.head, self.key(key))
    }
}
