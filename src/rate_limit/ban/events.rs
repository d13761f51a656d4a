//! What is told of bans by their table.

use std::time::Duration;

use crate::core::sampler::Sampler;
use crate::core::{AbuseKind, EventName, Events, Level, Outcome, SecurityEvent, StoreError};
use crate::rate_limit::Nanos;
use crate::rate_limit::key::KeyHash;

pub(super) const LAYER: &str = "bans";

/// A ban that was started just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Started {
    pub(super) length: Duration,
    /// How many bans this key has had that are not forgotten, this one included.
    pub(super) rung: u8,
}

impl Started {
    pub(super) const EVENT: EventName = EventName::ExcessRateLimitExceeded;
    pub(super) const LEVEL: Level = Level::Warn;

    pub(super) fn event<'a>(self, key: KeyHash) -> SecurityEvent<'a> {
        let detail = format!("duration={}s bans={}", self.length.as_secs(), self.rung);
        SecurityEvent::new(Self::EVENT, LAYER, "ban_started")
            .own_target(&key.to_string())
            .own_detail(&detail)
    }
}

/// The events of a table. What is wrong with it is told once a minute.
#[derive(Debug)]
pub(super) struct TableEvents {
    sink: Events,
    full: Sampler,
    share: Sampler,
}

impl TableEvents {
    pub(super) const fn new(sink: Events) -> Self {
        const FAULTS: Duration = Duration::from_secs(60);
        Self {
            sink,
            full: Sampler::new(FAULTS),
            share: Sampler::new(FAULTS),
        }
    }

    pub(super) fn started(&self, started: Started, key: KeyHash, rule: &'static str) {
        self.sink.emit(None, Started::EVENT, Started::LEVEL, || {
            started.event(key).rule(rule)
        });
    }

    /// A ban found no room.
    #[cold]
    pub(super) fn full(&self, capacity: usize, now: Nanos) {
        self.fault(&self.full, "ban_table_full", now, || {
            format!("capacity={capacity} remedy=a larger capacity")
        });
    }

    /// The other nodes neither hear nor tell.
    #[cold]
    pub(super) fn share_failed(&self, error: &StoreError, now: Nanos) {
        self.fault(&self.share, "ban_share_unavailable", now, || {
            format!("share={}", error.text())
        });
    }

    fn fault(
        &self,
        sampler: &Sampler,
        code: &'static str,
        now: Nanos,
        detail: impl FnOnce() -> String,
    ) {
        const NAME: EventName = EventName::SysMonitorDisabled;
        let Some(suppressed) = sampler.admit(Duration::from_nanos(now.get())) else {
            return;
        };
        self.sink.emit(None, NAME, Level::Error, || {
            SecurityEvent::new(NAME, LAYER, code)
                .outcome(Outcome::Fault)
                .own_detail(&format!("suppressed={suppressed} {}", detail()))
        });
    }
}

/// A kind of abuse as events name it.
pub(super) const fn kind_name(kind: AbuseKind) -> &'static str {
    match kind {
        AbuseKind::RateLimited => "rate_limited",
        AbuseKind::AuthFailed => "auth_failed",
        AbuseKind::CsrfRefused => "csrf_refused",
        AbuseKind::OwnershipRefused => "ownership_refused",
        AbuseKind::InputRefused => "input_refused",
        AbuseKind::Spray => "spray",
        AbuseKind::Custom(name) => name,
    }
}
