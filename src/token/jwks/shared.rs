//! The keys at hand, the one fetch that may be under way, and who waits for it.
#![expect(
    clippy::disallowed_types,
    reason = "the state of the one fetch; a request locks it only when no key at hand fits"
)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use super::config::Settings;
use super::error::FetchError;
use super::fetch::JwksReply;
use super::judge::{Held, judge};
use super::notices;
use super::refresh;
use super::seat::Seat;
use super::unknown::UnknownKids;
use crate::core::{nanos, random};
use crate::token::source::{KeySnapshot, KeySourceError};

/// Requests that wait for one fetch. Each is a connection kept open and a kibibyte.
const MAX_WAITERS: usize = 1_000;

const FIRST_BACKOFF: Duration = Duration::from_secs(5);
const LAST_BACKOFF: Duration = Duration::from_secs(300);

/// What the clones of a cache, its task and those who wait share.
pub(super) struct Shared {
    pub(super) settings: Settings,
    held: ArcSwapOption<Held>,
    /// Nanoseconds at which keys are fetched next; while they are, at which their fetch is looked after.
    due: AtomicU64,
    flight: Mutex<Flight>,
    pub(super) unknown: UnknownKids,
    /// What came of the last fetch.
    landed: watch::Sender<Result<(), FetchError>>,
    wake: Arc<Notify>,
}

#[derive(Default)]
struct Flight {
    is_underway: bool,
    begun: Option<u64>,
    /// In a row.
    failures: u32,
    waiters: usize,
    task: Option<AbortHandle>,
}

/// What a request that found no key is told.
pub(super) enum Boarding {
    Found(KeySnapshot),
    Refused(KeySourceError),
    Waiting(Seat),
}

/// What the task does next.
pub(super) enum Step {
    Fetch,
    Wait(Duration),
}

impl Shared {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            held: ArcSwapOption::empty(),
            due: AtomicU64::new(0),
            flight: Mutex::default(),
            unknown: UnknownKids::new(),
            landed: watch::Sender::new(Ok(())),
            wake: Arc::default(),
        }
    }

    pub(super) fn now(&self) -> u64 {
        nanos(self.settings.clock.monotonic())
    }

    /// The keys at hand that may be used.
    pub(super) fn live(&self, now: u64) -> Option<KeySnapshot> {
        let held = self.held.load();
        let live = held.as_ref().filter(|held| now < held.dies);
        live.map(|held| held.snapshot.clone())
    }

    pub(super) fn etag(&self) -> Option<Box<str>> {
        self.held.load().as_ref()?.etag.clone()
    }

    /// Sets off a fetch that is due. Asked for every token, so that a task that sleeps by another clock, or ended with its runtime,
    /// does not matter.
    pub(super) fn keep_fresh(self: &Arc<Self>, now: u64) {
        if now < self.due.load(Ordering::Relaxed) {
            return;
        }
        let mut flight = self.flight();
        if !flight.is_underway() && now >= self.due.load(Ordering::Relaxed) {
            self.depart(&mut flight, now);
        }
    }

    /// Lets a request wait for newer keys, because none at hand has the id `kid`.
    pub(super) fn board(self: &Arc<Self>, kid: Option<&str>, now: u64) -> Boarding {
        let fits = |snapshot: &KeySnapshot| kid.is_some_and(|kid| Held::may_hold(snapshot, kid));
        let live = self.live(now);
        let is_live = live.is_some();
        let refusal = if is_live {
            KeySourceError::NotFound
        } else {
            // A client must not throw away a token that may be good.
            KeySourceError::Unavailable
        };
        if let Some(found) = live.filter(fits) {
            return Boarding::Found(found);
        }
        let is_known = is_live && kid.is_none_or(|kid| self.unknown.contains(kid, now));
        // Nobody can wait outside of a runtime.
        if is_known || Handle::try_current().is_err() {
            return Boarding::Refused(refusal);
        }
        let mut flight = self.flight();
        if !flight.is_underway() {
            // It may have landed since.
            let fresh = self.live(now);
            if let Some(found) = fresh.filter(|fresh| !is_live || fits(fresh)) {
                return Boarding::Found(found);
            }
            if flight.is_too_soon(now, &self.settings) || !self.depart(&mut flight, now) {
                return Boarding::Refused(refusal);
            }
        }
        if flight.waiters >= MAX_WAITERS {
            return Boarding::Refused(refusal);
        }
        flight.waiters = flight.waiters.saturating_add(1);
        let landing = self.landed.subscribe();
        Boarding::Waiting(Seat::new(Arc::clone(self), landing, kid))
    }

    pub(super) fn leave(&self) {
        let mut flight = self.flight();
        flight.waiters = flight.waiters.saturating_sub(1);
    }

    /// Joins the fetch that is under way, or begins one. Without a runtime there is none.
    pub(super) fn join(
        self: &Arc<Self>,
        now: u64,
    ) -> Option<watch::Receiver<Result<(), FetchError>>> {
        let mut flight = self.flight();
        let is_underway = flight.is_underway() || self.depart(&mut flight, now);
        is_underway.then(|| self.landed.subscribe())
    }

    /// Tells the task, which is started if there is none, to fetch.
    fn depart(self: &Arc<Self>, flight: &mut Flight, now: u64) -> bool {
        if !flight.has_task() {
            let Ok(runtime) = Handle::try_current() else {
                return false;
            };
            let run = refresh::run(Arc::downgrade(self), Arc::clone(&self.wake));
            flight.task = Some(runtime.spawn(run).abort_handle());
        }
        self.begin(flight, now);
        self.wake.notify_one();
        true
    }

    fn begin(&self, flight: &mut Flight, now: u64) {
        flight.is_underway = true;
        flight.begun = Some(now);
        // A fetch takes half as long at most. What has not landed by then was left by a runtime that ended before it ran the task, and is
        // begun anew.
        let overdue = now.saturating_add(nanos(refresh::LIMIT.saturating_mul(2)));
        self.due.store(overdue, Ordering::Relaxed);
    }

    /// Asked by the task whenever it wakes.
    pub(super) fn step(&self) -> Step {
        let now = self.now();
        let mut flight = self.flight();
        let due = self.due.load(Ordering::Relaxed);
        if !flight.is_underway {
            if now < due {
                return Step::Wait(Duration::from_nanos(due.saturating_sub(now)));
            }
            self.begin(&mut flight, now);
        }
        Step::Fetch
    }

    /// Takes what the provider said, and lets go who waits for it.
    pub(super) fn land(&self, answer: Result<JwksReply, FetchError>) {
        let now = self.now();
        let (begun, failures) = {
            let flight = self.flight();
            (flight.begun.unwrap_or(now), flight.failures)
        };
        let had = self.held.load_full();
        let judged = answer
            .and_then(|reply| judge(reply, had.as_deref(), &self.settings, begun))
            .map(Arc::new);
        let next = match &judged {
            Ok(held) => {
                self.held.store(Some(Arc::clone(held)));
                // 80 % of the time that keys are fresh.
                let early = held.lifetime.saturating_mul(4).checked_div(5);
                begun.saturating_add(jittered(early.unwrap_or_default()))
            }
            Err(_) => now.saturating_add(jittered(backoff(failures))),
        };
        {
            let mut flight = self.flight();
            flight.failures = judged
                .as_ref()
                .map_or_else(|_| failures.saturating_add(1), |_| 0);
            flight.is_underway = false;
            self.due.store(next, Ordering::Relaxed);
        }
        // After the lock: who subscribed under it hears of this landing.
        let outcome = judged.as_ref().map(|_| ()).map_err(FetchError::clone);
        drop(self.landed.send_replace(outcome));
        match judged {
            Ok(held) => notices::fetched(&self.settings, &held, had.as_deref(), failures),
            Err(error) => notices::failed(&self.settings, &error, self.live(now).is_some()),
        }
    }

    fn flight(&self) -> MutexGuard<'_, Flight> {
        // Nothing that can panic runs under the lock.
        self.flight.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(task) = &self.flight().task {
            task.abort();
        }
    }
}

impl Flight {
    fn has_task(&self) -> bool {
        self.task.as_ref().is_some_and(|task| !task.is_finished())
    }

    /// One that ended with its runtime is not.
    fn is_underway(&self) -> bool {
        self.is_underway && self.has_task()
    }

    fn is_too_soon(&self, now: u64, settings: &Settings) -> bool {
        let interval = nanos(settings.min_interval);
        self.begun
            .is_some_and(|begun| now < begun.saturating_add(interval))
    }
}

/// 5 seconds, twice as long each time, at most 5 minutes.
fn backoff(failures: u32) -> Duration {
    let factor = 1_u32.checked_shl(failures).unwrap_or(u32::MAX);
    FIRST_BACKOFF.saturating_mul(factor).min(LAST_BACKOFF)
}

/// Nanoseconds, give or take 10 %: nodes that were started together do not ask together for ever.
fn jittered(duration: Duration) -> u64 {
    let random = random::bytes::<2>().map_or(100, u16::from_le_bytes) % 201;
    let permille = u64::from(random).saturating_add(900);
    (nanos(duration) / 1_000).saturating_mul(permille)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_further_and_further_apart_up_to_5_minutes() {
        let seconds: Vec<_> = (0..8).map(|failures| backoff(failures).as_secs()).collect();
        assert_eq!(seconds, [5, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(backoff(31), LAST_BACKOFF);
        assert_eq!(backoff(u32::MAX), LAST_BACKOFF);
    }

    #[test]
    fn nodes_drift_apart_by_a_tenth_at_most() {
        let drawn: Vec<_> = (0..1_000)
            .map(|_| jittered(Duration::from_secs(240)))
            .collect();
        let (least, most) = (drawn.iter().min().unwrap(), drawn.iter().max().unwrap());
        assert!(
            (216_000_000_000..228_000_000_000).contains(least),
            "{least}"
        );
        assert!((252_000_000_000..=264_000_000_000).contains(most), "{most}");
    }
}
