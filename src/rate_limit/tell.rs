//! Events: who was refused, what is missing, whether the store answers.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use http::request::Parts;

use super::notices::{Notices, WouldRefuse};
use super::refusal::{RateLimitReason, Refusal, Why};
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

/// Records events, and counts what is seldom enough to be counted.
#[derive(Debug)]
pub(super) struct Teller {
    events: Events,
    clients: ClientEvents,
    budget: Budget,
    missing: Sampler,
    failing: Sampler,
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
            budget: Budget::new(),
            missing: Sampler::new(Duration::from_secs(60)),
            failing: Sampler::new(Duration::from_secs(1)),
            is_store_away: AtomicBool::new(false),
            counts: Counts {
                refused: AtomicU64::new(0),
                would_refuse: AtomicU64::new(0),
                missing_keys: AtomicU64::new(0),
                store_failures: AtomicU64::new(0),
            },
        }
    }

    /// The store has answered: a notice if that is news.
    #[inline]
    pub(super) fn answered(&self, notices: &mut Notices) {
        if self.is_store_away.load(Ordering::Relaxed)
            && self.is_store_away.swap(false, Ordering::Relaxed)
        {
            notices.store_is_back();
        }
    }

    /// Records a refusal.
    pub(super) fn refused(
        &self,
        head: Option<&Parts>,
        refusal: &Refusal,
        labels: &[Label],
        now: Nanos,
    ) {
        count(&self.counts.refused);
        let (name, detail) = match &refusal.why {
            Why::Exceeded | Why::CostExceedsQuota => (EventName::ExcessRateLimitExceeded, None),
            Why::KeyRefused(key) if key.is_rate_limit() => {
                (EventName::ExcessRateLimitExceeded, key.event_detail())
            }
            Why::KeyRefused(key) => (EventName::InputValidationFail, key.event_detail()),
            // A notice tells of them, at most once a minute.
            Why::KeyMissing | Why::StoreUnavailable => return,
            Why::UnknownPolicy => (EventName::SysCrash, None),
        };
        let said = Said {
            name,
            outcome: Outcome::Refused,
            code: refusal.why.code(),
            policy: labels.get(refusal.binding),
            wait: refusal.wait,
            detail,
        };
        self.say(head, &said, now);
    }

    /// Records what came up besides.
    #[cold]
    pub(super) fn tell(
        &self,
        head: Option<&Parts>,
        notices: Notices,
        labels: &[Label],
        proxies: &TrustedProxies,
    ) {
        let now = notices.now;
        let shared = head.and_then(|head| Shared::from_extensions(&head.extensions));
        if let (true, Some(head)) = (notices.is_degraded, head) {
            self.clients
                .report_degraded(proxies, head, &self.events, shared);
        }
        if let Some(index) = notices.missing {
            count(&self.counts.missing_keys);
            self.key_missing(head, labels.get(index), now);
        }
        if let Some(would) = notices.would_refuse {
            count(&self.counts.would_refuse);
            self.would_refuse(head, would, labels, now);
        }
        if notices.is_store_back {
            self.store(head, "rate_store_available", None);
        }
        if let Some(error) = notices.store_error {
            count(&self.counts.store_failures);
            let is_due = self
                .failing
                .admit(Duration::from_nanos(now.get()))
                .is_some();
            if is_due && !self.is_store_away.swap(true, Ordering::Relaxed) {
                self.store(head, RateLimitReason::StoreUnavailable.code(), Some(&error));
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
            self.say(head, &said, now);
        }
    }

    /// Records a refusal, real or not, as long as there are not too many.
    fn say(&self, head: Option<&Parts>, said: &Said<'_>, now: Nanos) {
        let shared = head.and_then(|head| Shared::from_extensions(&head.extensions));
        let level = said.name.default_level();
        if !self.events.wants(shared, said.name, level) {
            return;
        }
        let Some(suppressed) = self.budget.admit(now) else {
            return;
        };
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

/// Lets a hundred events pass in each second, and counts the others.
#[derive(Debug)]
struct Budget {
    /// When the last one is paid off, in nanoseconds.
    owed_until: AtomicU64,
    suppressed: AtomicU64,
}

impl Budget {
    /// A hundred in a second.
    const INTERVAL: u64 = 10_000_000;
    const WINDOW: u64 = 1_000_000_000;

    const fn new() -> Self {
        Self {
            owed_until: AtomicU64::new(0),
            suppressed: AtomicU64::new(0),
        }
    }

    /// How many were held back since the last one that was let through, if this one is.
    fn admit(&self, now: Nanos) -> Option<u64> {
        let now = now.get();
        // Relaxed: the words guard nothing but themselves.
        let booked = self
            .owed_until
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |until| {
                let next = until.max(now).saturating_add(Self::INTERVAL);
                (next <= now.saturating_add(Self::WINDOW)).then_some(next)
            });
        match booked {
            Ok(_) => Some(self.suppressed.swap(0, Ordering::Relaxed)),
            Err(_) => {
                self.suppressed.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_events_pass_in_a_second_and_the_next_counts_the_others() {
        let budget = Budget::new();
        let start = Nanos::new(1_000_000_000);
        let admitted: Vec<_> = (0..250).filter_map(|_| budget.admit(start)).collect();
        assert_eq!(admitted, vec![0; 100]);
        // A hundredth of a second later there is room for one.
        let next = Nanos::new(1_010_000_000);
        assert_eq!(budget.admit(next), Some(150));
        assert_eq!(budget.admit(next), None);
        let after = Nanos::new(9_000_000_000);
        let admitted: Vec<_> = (0..250).filter_map(|_| budget.admit(after)).collect();
        assert_eq!(admitted.len(), 100);
        assert_eq!(admitted.first(), Some(&1));
    }
}
