//! `RedisStore`: counters that several nodes share.
#![expect(
    clippy::disallowed_types,
    reason = "the list of policies, locked when a limiter is built"
)]

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use ::redis::aio::ConnectionLike;
use ::redis::cmd;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::ask::{Ask, Refund, Told};
use super::breaker::Breaker;
use super::call::{self, Failure, Server};
use super::config::{RedisStoreBuilder, Settings};
use super::flight::{Answer, Flight, Waiter, is_joint, serve, serve_alone};
use super::name::{self, HashTag};
use super::slots::{Held, Slots};
use super::units::{Level, Units};
use crate::core::{StoreError, StoreErrorKind};
use crate::rate_limit::key::{KeyHash, KeyHasher, KeySeed};
use crate::rate_limit::{Acquire, Charge, CounterSpec, Nanos, Receipt, Standing, Store};

/// Keys that this node remembers to be denied.
const KNOWN: usize = 1 << 16;

/// Sets of keys for which this node has calls or leases under way.
const FLIGHTS: usize = 1 << 13;

/// A denial is remembered so long at most: another node may have given units back.
const MEMORY: Duration = Duration::from_secs(10);

/// The same, for policies of which this node has given units back itself.
const SHORT_MEMORY: Duration = Duration::from_secs(1);

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
/// let connection = redis::Client::open("redis://127.0.0.1/")?
///     .get_connection_manager_with_config(quickly)
///     .await?;
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

/// What a store is made of.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) server: Server,
    pub(super) settings: Settings,
    seed: KeySeed,
    pub(super) breaker: Breaker,
    pub(super) known: Slots<Known>,
    pub(super) flights: Slots<Flight>,
    pub(super) is_closing: AtomicBool,
    counters: Mutex<Vec<Weak<RedisCounter>>>,
    runtime: OnceLock<Handle>,
}

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

/// What a node remembers of a counter. Times are in its own nanoseconds.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// When the bucket is full again, or the ladder allows the next charge: at this time, or later.
    reached: u64,
    /// When it is forgotten.
    until: u64,
    /// Tokens that this node holds in advance.
    pub(super) reserved: u64,
}

impl Held for Known {
    fn worth(&self) -> Option<u64> {
        (self.reserved == 0).then_some(self.until)
    }
}

/// The answer of a server that is still to come. Dropped, the charge stays.
#[derive(Debug)]
pub struct RedisAnswer(oneshot::Receiver<Answer>);

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
        Self(Arc::new(Owner(Arc::new(Inner {
            server: Server::new(connection),
            seed: KeySeed::fleet(*settings.secret.expose()),
            settings,
            breaker: Breaker::default(),
            known: Slots::new(KNOWN),
            flights: Slots::new(FLIGHTS),
            is_closing: AtomicBool::new(false),
            counters: Mutex::default(),
            runtime: OnceLock::new(),
        }))))
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

    fn expected_nodes(&self) -> Option<u32> {
        self.inner().settings.expected_nodes
    }
}

impl RedisCounter {
    fn key(&self, key: KeyHash) -> KeyHash {
        if self.is_single {
            KeyHash::new(0, 0)
        } else {
            key
        }
    }

    fn local(&self, key: KeyHash) -> u128 {
        name::number(self.key(key)) ^ self.salt
    }

    fn name(&self, tag: HashTag, key: KeyHash) -> String {
        name::counter(tag, &self.head, self.key(key))
    }
}

impl Inner {
    fn counter(&self, spec: &CounterSpec<'_>) -> Arc<RedisCounter> {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        counters.retain(|counter| counter.strong_count() > 0);
        let is_it = |counter: &Arc<RedisCounter>| {
            &*counter.policy == spec.name && counter.is_single == spec.is_single
        };
        if let Some(counter) = counters.iter().filter_map(Weak::upgrade).find(is_it) {
            return counter;
        }
        let mut salt = KeyHasher::new(&self.seed);
        salt.str(spec.name);
        let counter = Arc::new(RedisCounter {
            policy: spec.name.into(),
            is_single: spec.is_single,
            head: name::head(self.settings.hash_tag, &self.settings.prefix, spec.name),
            salt: name::number(salt.key()),
            is_refunded: AtomicBool::new(false),
        });
        counters.push(Arc::downgrade(&counter));
        counter
    }

    /// Whether this node knows without asking that a charge does not fit. Then all standings are set.
    fn is_known_denied(&self, now: u64, charges: &mut [Charge<'_, RedisCounter>]) -> bool {
        let mut is_denied = false;
        for charge in charges.iter_mut() {
            let level = self.level(now, charge);
            // What is not known to be denied may pass as far as this node knows.
            let units = Units::of(charge.rule);
            charge.standing = units.charged(level, charge.cost, charge.overdraw);
            is_denied |= !charge.standing.is_allowed;
        }
        if is_denied {
            for charge in charges
                .iter_mut()
                .filter(|charge| charge.standing.is_allowed)
            {
                charge.standing = Units::of(charge.rule).seen(self.level(now, charge));
            }
        }
        is_denied
    }

    /// How a counter stands at least, as far as this node knows.
    fn level(&self, now: u64, charge: &Charge<'_, RedisCounter>) -> Level {
        let known = self.known.find(charge.counter.local(charge.key), |known| {
            (now < known.until).then(|| known.reached.saturating_sub(now))
        });
        Level {
            debt: known.flatten().unwrap_or_default(),
            ..Level::default()
        }
    }

    /// Tells sets of charges apart.
    fn set(&self, charges: &[Charge<'_, RedisCounter>]) -> u128 {
        let mut set = KeyHasher::new(&self.seed);
        for charge in charges {
            let local = charge.counter.local(charge.key);
            set.bytes(&local.to_le_bytes());
            set.u64(u64::from(charge.cost));
            if let Units::Bucket(bucket) = Units::of(charge.rule) {
                set.u64(bucket.interval);
                set.u64(bucket.window);
            }
        }
        name::number(set.key())
    }

    /// Has the server asked, in a task.
    fn begin(
        self: &Arc<Self>,
        now: u64,
        charges: &[Charge<'_, RedisCounter>],
        set: Option<u128>,
    ) -> Result<RedisAnswer, StoreError> {
        if self.settings.hash_tag == HashTag::PerKey {
            let mut keys = charges.iter().map(|charge| charge.counter.key(charge.key));
            let first = keys.next();
            if keys.any(|key| Some(key) != first) {
                return Err(unavailable(
                    "HashTag::PerKey with two keys in one call, write HashTag::PerLimiter",
                ));
            }
        }
        let since = self.settings.clock.monotonic();
        if !self.breaker.admits(since) {
            return Err(unavailable(
                "not asked: the server has failed five times in a row",
            ));
        }
        let Some(runtime) = self.runtime() else {
            return Err(unavailable("no Tokio runtime to wait for the server on"));
        };
        let (answer, receiver) = oneshot::channel();
        let mut waiter = Some(Waiter { now, answer });
        let join =
            |flight: &mut Flight| waiter.take().and_then(|waiter| flight.join(waiter, since));
        let joined = set.and_then(|set| Some((set, self.flights.enter(set, join)?)));
        match joined {
            Some((_, None)) => {}
            Some((set, Some(wake))) => {
                let asks = self.asks(charges);
                runtime.spawn(serve(Arc::clone(self), set, asks, wake));
            }
            None => {
                if let Some(waiter) = waiter {
                    let asks = self.asks(charges);
                    runtime.spawn(serve_alone(Arc::clone(self), asks, waiter));
                }
            }
        }
        Ok(RedisAnswer(receiver))
    }

    fn asks(&self, charges: &[Charge<'_, RedisCounter>]) -> Arc<[Ask]> {
        let asks = charges.iter().map(|charge| Ask {
            name: charge.counter.name(self.settings.hash_tag, charge.key),
            local: charge.counter.local(charge.key),
            key: charge.key,
            units: Units::of(charge.rule),
            cost: charge.cost,
            overdraw: charge.overdraw,
            is_refunded: charge.counter.is_refunded.load(Ordering::Relaxed),
        });
        asks.collect()
    }

    /// Asks the server for `need` to `want` times the charges.
    pub(super) async fn ask(
        &self,
        asks: &[Ask],
        need: u32,
        want: u32,
        limit: Duration,
    ) -> Result<Told, StoreError> {
        let names: Vec<String> = asks.iter().map(|ask| ask.name.clone()).collect();
        let write = |command: &mut ::redis::Cmd| {
            command.arg(need).arg(want);
            for ask in asks {
                ask.write(command);
            }
        };
        let answer = self
            .server
            .evaluate(&call::ACQUIRE, &names, write, limit)
            .await;
        let told = answer.and_then(call::numbers).and_then(|numbers| {
            Told::read(&numbers, asks.len())
                .ok_or_else(|| call::unreadable("an answer of another shape than the script's"))
        });
        self.note(&told);
        told.map_err(|failure| failure.error)
    }

    /// Takes charges back. What cannot be taken back stays charged.
    pub(super) async fn take_back(&self, (names, refunds): (Vec<String>, Vec<Refund>)) {
        if names.is_empty() || self.breaker.is_open() {
            return;
        }
        let write = |command: &mut ::redis::Cmd| {
            for refund in &refunds {
                refund.write(command);
            }
        };
        let limit = self.settings.timeout;
        let answer = self
            .server
            .evaluate(&call::REFUND, &names, write, limit)
            .await;
        self.note(&answer);
    }

    /// Tells the breaker what came of a call.
    pub(super) fn note<T>(&self, answer: &Result<T, Failure>) {
        match answer {
            Err(failure) if failure.is_outage => {
                self.breaker.failed(self.settings.clock.monotonic());
            }
            _ => self.breaker.succeeded(),
        }
    }

    /// Remembers what would be denied if it were asked for again. Counted from the sending, that is never longer than the server
    /// denies it.
    pub(super) fn remember(&self, asks: &[Ask], told: &Told, sent: u64) {
        for (ask, level) in told.levels(asks, told.granted) {
            let fits = |cost| ask.units.charged(level, cost, false).is_allowed;
            if fits(1) && fits(ask.cost) {
                self.forget(ask.local);
                continue;
            }
            let memory = if ask.is_refunded {
                SHORT_MEMORY
            } else {
                MEMORY
            };
            let memory = u64::try_from(memory.as_nanos()).unwrap_or_default();
            self.known.enter(ask.local, |known| {
                known.reached = sent.saturating_add(level.debt);
                known.until = sent.saturating_add(memory);
            });
        }
    }

    fn forget(&self, local: u128) {
        self.known.find(local, |known| known.until = 0);
    }

    /// The runtime of the caller, or the one that was used before: a guard may be dropped anywhere.
    pub(super) fn runtime(&self) -> Option<Handle> {
        match Handle::try_current() {
            Ok(current) => {
                self.runtime.get_or_init(|| current.clone());
                Some(current)
            }
            Err(_) => self.runtime.get().cloned(),
        }
    }

    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        // Without a runtime nothing is given back, which is the stricter side.
        if let Some(runtime) = self.runtime() {
            drop(runtime.spawn(task));
        }
    }
}

pub(super) fn unavailable(text: &str) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, text)
}
