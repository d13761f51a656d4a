//! What the clones of a store and its tasks hold together.
#![expect(
    clippy::disallowed_types,
    reason = "the list of policies, locked when a limiter is built"
)]

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::breaker::Breaker;
use super::call::{self, Failure, Server};
use super::config::Settings;
use super::flight::{Flight, Waiter, serve, serve_alone};
use super::name::{self, HashTag};
use super::slots::{Held, Slots};
use super::store::{RedisAnswer, RedisCounter};
use super::units::{Level, Units};
use super::wire::{Ask, Refund, Told};
use crate::core::{StoreError, StoreErrorKind, nanos};
use crate::rate_limit::key::{KeyHasher, KeySeed};
use crate::rate_limit::{Charge, CounterSpec};

/// Keys that this node remembers to be denied.
const KNOWN: usize = 1 << 16;

/// Sets of keys for which this node has calls or leases under way.
const FLIGHTS: usize = 1 << 13;

/// A denial is remembered so long at most: another node may have given units back.
const MEMORY: Duration = Duration::from_secs(10);

/// The same, for policies of which this node has given units back itself.
const SHORT_MEMORY: Duration = Duration::from_secs(1);

/// What a store is made of.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) server: Server,
    pub(super) settings: Settings,
    pub(super) seed: KeySeed,
    pub(super) breaker: Breaker,
    pub(super) known: Slots<Known>,
    pub(super) flights: Slots<Flight>,
    pub(super) is_closing: AtomicBool,
    counters: Mutex<Vec<Weak<RedisCounter>>>,
    runtime: OnceLock<Handle>,
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

impl Inner {
    pub(super) fn new(server: Server, settings: Settings) -> Self {
        Self {
            server,
            seed: KeySeed::fleet(*settings.secret.expose()),
            settings,
            breaker: Breaker::default(),
            known: Slots::new(KNOWN),
            flights: Slots::new(FLIGHTS),
            is_closing: AtomicBool::new(false),
            counters: Mutex::default(),
            runtime: OnceLock::new(),
        }
    }

    pub(super) fn counter(&self, spec: &CounterSpec<'_>) -> Arc<RedisCounter> {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        counters.retain(|counter| counter.strong_count() > 0);
        let open = counters.iter().filter_map(Weak::upgrade);
        if let Some(counter) = open.into_iter().find(|counter| counter.is(spec)) {
            return counter;
        }
        let head = name::head(self.settings.hash_tag, &self.settings.prefix, spec.name);
        let mut salt = KeyHasher::new(&self.seed);
        salt.str(spec.name);
        let counter = Arc::new(RedisCounter::new(spec, head, salt.key().bits()));
        counters.push(Arc::downgrade(&counter));
        counter
    }

    /// Whether this node knows without asking that a charge does not fit. Then all standings are set.
    pub(super) fn is_known_denied(
        &self,
        now: u64,
        charges: &mut [Charge<'_, RedisCounter>],
    ) -> bool {
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
    pub(super) fn set(&self, charges: &[Charge<'_, RedisCounter>]) -> u128 {
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
        set.key().bits()
    }

    /// Has the server asked, in a task.
    pub(super) fn begin(
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
        Ok(RedisAnswer::new(receiver))
    }

    fn asks(&self, charges: &[Charge<'_, RedisCounter>]) -> Arc<[Ask]> {
        let asks = charges.iter().map(|charge| Ask {
            name: charge.counter.name(self.settings.hash_tag, charge.key),
            local: charge.counter.local(charge.key),
            key: charge.key,
            units: Units::of(charge.rule),
            cost: charge.cost,
            overdraw: charge.overdraw,
            is_refunded: charge.counter.is_refunded(),
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
            self.known.enter(ask.local, |known| {
                known.reached = sent.saturating_add(level.debt);
                known.until = sent.saturating_add(nanos(memory));
            });
        }
    }

    pub(super) fn forget(&self, local: u128) {
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
