//! Events: who was refused, what is missing, whether the store answers.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use http::Extensions;
use http::request::Parts;

use super::limited::RateLimitReason;
use super::notices::{Notices, Told, WouldRefuse};
use super::refusal::{Refusal, Why};
use super::set::Label;
use super::store::{Nanos, Standing};
use crate::core::sampler::Sampler;
use crate::core::{
    ClientEvents, EventName, Events, Level, Outcome, SecurityEvent, Shared, StoreError,
    TrustedProxies,
};

const LAYER: &str = "rate_limit";

/// What a server has to do for its requests to have a client address.
const REMEDY: &str =
    "remedy=axum: into_make_service_with_connect_info::<SocketAddr>(), hyper: WithPeerAddr";

const CROWDED: &str = "rate_store_crowded";

/// What a server has to do for a flood of keys not to free those who are over their limit.
const ROOM: &str = "keys over their limit were forgotten, remedy=a larger MemoryStore::with_capacity, see MemoryStore::stats";

/// Records events, and counts what is seldom enough to be counted.
#[derive(Debug)]
pub(super) struct Teller {
    events: Events,
    clients: ClientEvents,
    event_cap: Sampler,
    missing: Sampler,
    failing: Sampler,
    crowded: Sampler,
    is_store_away: AtomicBool,
    pub(super) counts: Counts,
}

/// Relaxed: they guard nothing.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) refused: AtomicU64,
    pub(super) would_refuse: AtomicU64,
    pub(super) missing_keys: AtomicU64,
    pub(super) store_failures: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Teller {
    pub(super) const fn new(events: Events) -> Self {
        Self {
            events,
            clients: ClientEvents::new(),
            event_cap: Sampler::of_refusals(),
            missing: Sampler::new(Duration::from_secs(60)),
            failing: Sampler::new(Duration::from_secs(1)),
            crowded: Sampler::new(Duration::from_secs(60)),
            is_store_away: AtomicBool::new(false),
            counts: Counts {
                refused: AtomicU64::new(0),
                would_refuse: AtomicU64::new(0),
                missing_keys: AtomicU64::new(0),
                store_failures: AtomicU64::new(0),
            },
        }
    }

    /// Whether the store did not answer when it was asked last.
    #[inline]
    pub(super) fn is_store_away(&self) -> bool {
        self.is_store_away.load(Ordering::Relaxed)
    }

    /// The store has answered: a notice if that is news.
    #[inline]
    pub(super) fn answered(&self, notices: &mut Notices) {
        if self.is_store_away() && self.is_store_away.swap(false, Ordering::Relaxed) {
            notices.store_is_back();
        }
    }

    /// Counts a failure that decides about no request; the next one that does is told.
    #[cold]
    pub(super) fn store_failed(&self) {
        count(&self.counts.store_failures);
    }

    /// Counts a refusal. If it is to be told, it says how many were not since the last one that was.
    pub(super) fn refused(
        &self,
        extensions: Option<&Extensions>,
        refusal: &Refusal,
        now: Nanos,
    ) -> Option<Suppressed> {
        count(&self.counts.refused);
        self.due(extensions, name_of(&refusal.why)?, now)
    }

    /// Records a refusal that is to be told.
    pub(super) fn tell_refused(
        &self,
        head: Option<&Parts>,
        refusal: &Refusal,
        labels: &[Label],
        suppressed: Suppressed,
    ) {
        let Some(name) = name_of(&refusal.why) else {
            return;
        };
        let said = Said {
            name,
            outcome: Outcome::Refused,
            code: refusal.why.code(),
            policy: labels.get(refusal.binding),
            wait: refusal.wait,
            detail: match &refusal.why {
                Why::KeyRefused(key) => key.event_detail(),
                _ => None,
            },
        };
        self.say(head, &said, suppressed);
    }

    /// Records what came up besides.
    #[cold]
    pub(super) fn tell(
        &self,
        head: Option<&Parts>,
        told: &Told,
        labels: &[Label],
        proxies: &TrustedProxies,
        now: Nanos,
    ) {
        let shared = head.and_then(|head| Shared::from_extensions(&head.extensions));
        if let (true, Some(head)) = (told.is_degraded, head) {
            self.clients
                .report_degraded(proxies, head, &self.events, shared);
        }
        if let Some(index) = told.missing {
            count(&self.counts.missing_keys);
            self.key_missing(head, labels.get(index), now);
        }
        if let Some(would) = told.would_refuse {
            count(&self.counts.would_refuse);
            self.would_refuse(head, would, labels, now);
        }
        if told.is_store_back {
            self.store(head, "rate_store_available", None);
        }
        if let Some(error) = &told.store_error {
            count(&self.counts.store_failures);
            let is_due = self
                .failing
                .admit(Duration::from_nanos(now.get()))
                .is_some();
            if is_due && !self.is_store_away.swap(true, Ordering::Relaxed) {
                self.store(head, RateLimitReason::StoreUnavailable.code(), Some(error));
            }
        }
    }

    fn would_refuse(&self, head: Option<&Parts>, would: WouldRefuse, labels: &[Label], now: Nanos) {
        for index in would.denied.iter() {
            let is_binding = index == would.binding;
            let reason = if would.wait == Standing::NEVER && is_binding {
                RateLimitReason::CostExceedsQuota
            } else {
                RateLimitReason::Exceeded
            };
            let said = Said {
                name: EventName::ExcessRateLimitExceeded,
                outcome: Outcome::WouldRefuse,
                code: reason.code(),
                policy: labels.get(index),
                wait: if is_binding { would.wait } else { 0 },
                detail: None,
            };
            if let Some(suppressed) = self.due(head.map(|head| &head.extensions), said.name, now) {
                self.say(head, &said, suppressed);
            }
        }
    }

    /// Whether a refusal, real or not, is to be told: somebody wants to hear of it, and there were not too many.
    fn due(
        &self,
        extensions: Option<&Extensions>,
        name: EventName,
        now: Nanos,
    ) -> Option<Suppressed> {
        let shared = extensions.and_then(Shared::from_extensions);
        if !self.events.wants(shared, name, name.default_level()) {
            return None;
        }
        self.event_cap.admit_at(now.get()).map(Suppressed)
    }

    /// Records a refusal, real or not.
    fn say(&self, head: Option<&Parts>, said: &Said<'_>, Suppressed(suppressed): Suppressed) {
        let shared = head.and_then(|head| Shared::from_extensions(&head.extensions));
        let level = said.name.default_level();
        let wait = match said.wait {
            0 | Standing::NEVER => String::new(),
            nanos => format!("wait_ms={} ", nanos.div_ceil(1_000_000)),
        };
        let more = said.detail.map(|detail| format!(" {detail}"));
        let detail = format!("{wait}suppressed={suppressed}{}", more.unwrap_or_default());
        self.events.emit(shared, said.name, level, || {
            let event = of(head, SecurityEvent::new(said.name, LAYER, said.code))
                .outcome(said.outcome)
                .detail(&detail);
            match said.policy {
                Some(label) => event.rule(&label.name),
                None => event,
            }
        });
    }

    fn key_missing(&self, head: Option<&Parts>, policy: Option<&Label>, now: Nanos) {
        const NAME: EventName = EventName::SysMonitorDisabled;
        let Some(suppressed) = self.missing.admit(Duration::from_nanos(now.get())) else {
            return;
        };
        let shared = head.and_then(|head| Shared::from_extensions(&head.extensions));
        let detail = format!("suppressed={suppressed} {REMEDY}");
        self.events.emit(shared, NAME, Level::Error, || {
            let code = RateLimitReason::KeyMissing.code();
            let event = of(head, SecurityEvent::new(NAME, LAYER, code))
                .outcome(Outcome::Fault)
                .detail(&detail);
            match policy {
                Some(label) => event.rule(&label.name),
                None => event,
            }
        });
    }

    /// Records that counters have too little room.
    #[cold]
    pub(super) fn crowded(&self, head: Option<&Parts>, policy: &Label, now: Nanos) {
        const NAME: EventName = EventName::SysMonitorDisabled;
        if self
            .crowded
            .admit(Duration::from_nanos(now.get()))
            .is_none()
        {
            return;
        }
        let shared = head.and_then(|head| Shared::from_extensions(&head.extensions));
        self.events.emit(shared, NAME, Level::Warn, || {
            of(head, SecurityEvent::new(NAME, LAYER, CROWDED))
                .outcome(Outcome::Fault)
                .rule(&policy.name)
                .detail(ROOM)
        });
    }

    /// Records that the store fails, or that it answers again.
    fn store(&self, head: Option<&Parts>, code: &'static str, error: Option<&StoreError>) {
        let shared = head.and_then(|head| Shared::from_extensions(&head.extensions));
        let (name, level) = match error {
            Some(_) => (EventName::SysMonitorDisabled, Level::Error),
            None => (EventName::SysMonitorEnabled, Level::Warn),
        };
        let detail = error.map(|error| format!("{error}: {}", error.text()));
        self.events.emit(shared, name, level, || {
            let event = of(head, SecurityEvent::new(name, LAYER, code));
            match &detail {
                Some(detail) => event.outcome(Outcome::Fault).detail(detail),
                None => event.outcome(Outcome::Success),
            }
        });
    }
}

/// How many events of refusals were held back before one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Suppressed(u64);

/// The event of a refusal, if it has one of its own.
fn name_of(why: &Why) -> Option<EventName> {
    match why {
        Why::Exceeded | Why::CostExceedsQuota => Some(EventName::ExcessRateLimitExceeded),
        Why::KeyRefused(key) if key.is_rate_limit() => Some(EventName::ExcessRateLimitExceeded),
        Why::KeyRefused(_) => Some(EventName::InputValidationFail),
        // A notice tells of them, at most once a minute.
        Why::KeyMissing | Why::StoreUnavailable => None,
        Why::UnknownPolicy => Some(EventName::SysCrash),
    }
}

/// An event of a refusal.
struct Said<'a> {
    name: EventName,
    outcome: Outcome,
    code: &'static str,
    policy: Option<&'a Label>,
    wait: u64,
    detail: Option<&'a str>,
}

fn of<'a>(head: Option<&'a Parts>, event: SecurityEvent<'a>) -> SecurityEvent<'a> {
    match head {
        Some(head) => event.request(head),
        None => event,
    }
}
