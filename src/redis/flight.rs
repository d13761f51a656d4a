//! Calls that several requests share, and units that a call brings home for the next ones.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use super::inner::Inner;
use super::slots::Held;
use super::units::{Level, Units, nanos};
use super::wire::{Ask, Refund, Told};
use crate::core::StoreError;
use crate::rate_limit::{Charge, Standing};

/// Units that nobody spends for so long are given back. A set of keys that is asked for again within it is hot.
const IDLE: Duration = Duration::from_millis(100);

/// What a pending request is told.
pub(super) type Answer = Result<Vec<Standing>, StoreError>;

/// A request that waits for the server.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) now: u64,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// What a node has under way for one set of charges: the same counters, keys, rules and costs.
#[derive(Debug, Default)]
pub(super) struct Flight {
    /// Wakes the task that serves the set, while there is one.
    task: Option<Arc<Notify>>,
    waiting: Vec<Waiter>,
    /// When the first of those who wait came.
    since: Duration,
    lease: Option<Lease>,
    /// Whether the lease was spent from since the task last looked.
    is_in_use: bool,
    /// When the server was last asked for the set.
    asked: u64,
    is_hot: bool,
}

/// Units that are booked on the server and not spent yet.
#[derive(Debug)]
pub(super) struct Lease {
    asks: Arc<[Ask]>,
    units: u32,
    /// What the units count in the books of this node, spent or not.
    reserved: u32,
    /// The time of this node when they were asked for, in nanoseconds, and of the server when it granted them, in microseconds.
    sent: u64,
    granted: u64,
    /// What each counter owes after the last unit that was spent, in microseconds.
    debts: Box<[u64]>,
}

/// Those whom the next call is for.
struct Batch {
    waiters: Vec<Waiter>,
    since: Duration,
    is_hot: bool,
}

impl Held for Flight {
    fn worth(&self) -> Option<u64> {
        self.task.is_none().then_some(self.asked)
    }
}

impl Flight {
    /// Answers from the lease, if there is a unit left.
    pub(super) fn spend<C>(&mut self, now: u64, charges: &mut [Charge<'_, C>]) -> bool {
        let Some(lease) = self.lease.as_mut().filter(|lease| lease.units > 0) else {
            return false;
        };
        lease.units = lease.units.saturating_sub(1);
        self.is_in_use = true;
        for ((charge, ask), debt) in charges.iter_mut().zip(&*lease.asks).zip(&mut lease.debts) {
            let amount = ask.units.charge(ask.cost);
            *debt = debt.saturating_add(amount);
            let rest = lease.sent.saturating_add(nanos(*debt)).saturating_sub(now);
            charge.standing = ask.units.seen(Level {
                debt: rest,
                ..Level::default()
            });
            if amount > 0 {
                let reached = lease.granted.saturating_add(*debt);
                charge.standing.receipt = Refund::Bucket { reached, amount }.receipt(ask.key);
            }
        }
        true
    }

    /// Lets a request wait for the next call. `Some`: there is no task to make it, and this is what wakes the one to be started.
    pub(super) fn join(&mut self, waiter: Waiter, since: Duration) -> Option<Arc<Notify>> {
        if self.waiting.is_empty() {
            self.since = since;
        }
        let pause = waiter.now.saturating_sub(self.asked);
        self.is_hot = self.asked != 0 && pause < crate::core::nanos(IDLE);
        self.asked = waiter.now;
        self.waiting.push(waiter);
        if let Some(task) = &self.task {
            task.notify_one();
            return None;
        }
        let task = Arc::new(Notify::new());
        self.task = Some(Arc::clone(&task));
        Some(task)
    }

    /// Wakes the task to give the lease back.
    pub(super) fn wake(&self) {
        if let Some(task) = &self.task {
            task.notify_one();
        }
    }

    /// Takes the lease to give it back.
    pub(super) fn take_lease(&mut self) -> Option<Lease> {
        self.lease.take()
    }

    fn take_batch(&mut self) -> Option<Batch> {
        if self.waiting.is_empty() {
            return None;
        }
        let waiters = std::mem::take(&mut self.waiting);
        Some(Batch {
            is_hot: self.is_hot || waiters.len() > 1,
            waiters,
            since: self.since,
        })
    }

    /// Ends the task, unless somebody waits or there is a lease to watch.
    fn end(&mut self) -> bool {
        let ends = self.waiting.is_empty() && self.lease.is_none();
        if ends {
            self.task = None;
        }
        ends
    }
}

/// Serves one set until nobody waits and no unit is left unspent. It has a task of its own, so that a client that goes away stays
/// charged and the others are answered.
pub(super) async fn serve(inner: Arc<Inner>, set: u128, asks: Arc<[Ask]>, wake: Arc<Notify>) {
    let _serving = Serving {
        inner: &inner,
        set,
        wake: &wake,
    };
    loop {
        let batch = inner.flights.find(set, Flight::take_batch).flatten();
        if let Some(batch) = batch {
            inner.fly(set, &asks, batch).await;
            continue;
        }
        if inner.flights.find(set, Flight::end).unwrap_or(true) {
            return;
        }
        let is_idle = tokio::time::timeout(IDLE, wake.notified()).await.is_err();
        let is_closing = inner.is_closing.load(Ordering::Relaxed);
        if is_idle || is_closing {
            let unused = inner.flights.find(set, |flight| {
                let is_in_use = std::mem::take(&mut flight.is_in_use);
                if is_in_use && !is_closing {
                    None
                } else {
                    flight.lease.take()
                }
            });
            if let Some(lease) = unused.flatten() {
                inner.give_back(lease).await;
            }
        }
    }
}

/// Asks once for one request that shares its call with nobody.
pub(super) async fn serve_alone(inner: Arc<Inner>, asks: Arc<[Ask]>, waiter: Waiter) {
    let told = inner.ask(&asks, 1, 1, inner.settings.timeout).await;
    let answer = told.map(|told| {
        inner.remember(&asks, &told, waiter.now);
        told.standings(&asks, 0)
    });
    // Whoever has gone away stays charged.
    let _ = waiter.answer.send(answer);
}

/// Leaves nobody waiting for a task that was dropped with its runtime.
struct Serving<'a> {
    inner: &'a Inner,
    set: u128,
    wake: &'a Arc<Notify>,
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        let unended = self.inner.flights.find(self.set, |flight| {
            // After an orderly end another task may serve the set already.
            let is_mine = |task: &Arc<Notify>| Arc::ptr_eq(task, self.wake);
            flight
                .task
                .as_ref()
                .is_some_and(is_mine)
                .then(|| std::mem::take(flight))
        });
        if let Some(lease) = unended.flatten().and_then(|flight| flight.lease) {
            self.inner.release(&lease.asks, lease.reserved);
        }
    }
}

/// Units in the books of this node that no lease holds yet. Dropped, they are struck.
struct Reserved<'a> {
    inner: &'a Inner,
    asks: &'a [Ask],
    units: u32,
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        self.inner.release(self.asks, self.units);
    }
}

impl Inner {
    async fn fly(&self, set: u128, asks: &Arc<[Ask]>, batch: Batch) {
        let Batch {
            waiters,
            since,
            is_hot,
        } = batch;
        let old = self.flights.find(set, |flight| {
            // A lease with units left came between the last answer and this call: it stays, and nothing is added to it.
            let is_spent = flight.lease.as_ref().is_none_or(|lease| lease.units == 0);
            if is_spent {
                Ok(flight.lease.take())
            } else {
                Err(())
            }
        });
        let can_lease = !matches!(old, Some(Err(())));
        if let Some(Ok(Some(old))) = old {
            self.release(&old.asks, old.reserved);
        }
        let extra = if is_hot && can_lease {
            self.reserve(asks)
        } else {
            0
        };
        let mut reserved = Reserved {
            inner: self,
            asks,
            units: extra,
        };
        let sent = waiters
            .iter()
            .map(|waiter| waiter.now)
            .max()
            .unwrap_or_default();
        let count = u32::try_from(waiters.len()).unwrap_or(u32::MAX);
        let waited = self.settings.clock.monotonic().saturating_sub(since);
        let limit = self.settings.timeout.saturating_sub(waited);
        match self.ask(asks, 1, count.saturating_add(extra), limit).await {
            Ok(told) => {
                let unspent = told.granted.saturating_sub(count);
                if unspent > 0 {
                    // From here on they are the lease's.
                    reserved.units = extra.saturating_sub(unspent);
                    let lease = Lease::of(asks, &told, count, unspent, sent);
                    self.flights.find(set, |flight| flight.lease = Some(lease));
                } else {
                    self.remember(asks, &told, sent);
                }
                for (nth, waiter) in (0_u32..).zip(waiters) {
                    // Whoever has gone away stays charged.
                    let _ = waiter.answer.send(Ok(told.standings(asks, nth)));
                }
            }
            Err(error) => {
                let late = self
                    .flights
                    .find(set, |flight| std::mem::take(&mut flight.waiting));
                for waiter in waiters.into_iter().chain(late.unwrap_or_default()) {
                    let _ = waiter.answer.send(Err(error.clone()));
                }
            }
        }
    }

    /// Books as many units of the set as this node may hold in advance, and returns how many.
    fn reserve(&self, asks: &[Ask]) -> u32 {
        let Some(nodes) = self
            .settings
            .expected_nodes
            .filter(|_| self.settings.leases)
        else {
            return 0;
        };
        if self.is_closing.load(Ordering::Relaxed) {
            return 0;
        }
        let mut units = u32::MAX;
        for (at, ask) in asks.iter().enumerate().filter(|(_, ask)| ask.cost > 0) {
            let most = ask.units.advance(nodes);
            let cost = u64::from(ask.cost);
            let taken = self.known.enter(ask.local, |known| {
                // One in advance is none: the quota is counted exactly.
                let free = if most > 1 {
                    most.saturating_sub(known.reserved) / cost.max(1)
                } else {
                    0
                };
                let taken = u32::try_from(free).unwrap_or(u32::MAX).min(units);
                known.reserved = known
                    .reserved
                    .saturating_add(cost.saturating_mul(u64::from(taken)));
                taken
            });
            let taken = taken.unwrap_or(0);
            let earlier = asks.get(..at).unwrap_or_default();
            if units != u32::MAX {
                self.release(earlier, units.saturating_sub(taken));
            }
            units = taken;
            if units == 0 {
                return 0;
            }
        }
        if units == u32::MAX { 0 } else { units }
    }

    /// Strikes units from the books of this node.
    fn release(&self, asks: &[Ask], units: u32) {
        for ask in asks.iter().filter(|ask| ask.cost > 0 && units > 0) {
            let tokens = u64::from(ask.cost).saturating_mul(u64::from(units));
            self.known.find(ask.local, |known| {
                known.reserved = known.reserved.saturating_sub(tokens);
            });
        }
    }

    /// Gives the units of a lease back that nobody has spent.
    pub(super) async fn give_back(&self, lease: Lease) {
        self.release(&lease.asks, lease.reserved);
        if lease.units == 0 || self.breaker.is_open() {
            return;
        }
        let booked = lease
            .asks
            .iter()
            .zip(&lease.debts)
            .filter(|(ask, _)| ask.cost > 0);
        let refunds = booked.map(|(ask, debt)| {
            let amount = ask
                .units
                .charge(ask.cost)
                .saturating_mul(u64::from(lease.units));
            let reached = lease.granted.saturating_add(*debt).saturating_add(amount);
            (ask.name.clone(), Refund::Bucket { reached, amount })
        });
        self.take_back(refunds.unzip()).await;
    }
}

impl Lease {
    /// `units` more than the `count` that waited for them.
    fn of(asks: &Arc<[Ask]>, told: &Told, count: u32, units: u32, sent: u64) -> Self {
        Self {
            asks: Arc::clone(asks),
            units,
            reserved: units,
            sent,
            granted: told.now,
            debts: told
                .levels(asks, count)
                .map(|(_, level)| level.debt / 1_000)
                .collect(),
        }
    }
}

/// Whether requests for these charges may share a call: buckets alone, and something to book.
pub(super) fn is_joint(asks: impl Iterator<Item = (Units, u32, bool)>) -> bool {
    let mut books = false;
    for (units, cost, overdraw) in asks {
        if overdraw || matches!(units, Units::Steps(_)) {
            return false;
        }
        books |= cost > 0;
    }
    books
}
