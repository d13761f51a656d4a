//! What is told of refusals.

use std::time::Duration;

use http::request::Parts;

use super::failure::AuthFailure;
use crate::core::sampler::Sampler;
#[cfg(feature = "opaque-tokens")]
use crate::core::{EventContext, Level};
use crate::core::{EventName, Events, Outcome, SecurityEvent, Shared};

const LAYER: &str = "auth";
const MINUTE: Duration = Duration::from_secs(60);

/// Where events go, and how many of them.
#[derive(Debug)]
pub(super) struct Teller {
    events: Events,
    refusals: Sampler,
    faults: Sampler,
}

impl Teller {
    pub(super) const fn new(events: Events) -> Self {
        Self {
            events,
            refusals: Sampler::of_refusals(),
            faults: Sampler::new(MINUTE),
        }
    }

    /// Tells of a request that is refused. Of a store that is away once a minute: every request hits upon it.
    pub(super) fn refused(&self, head: &Parts, failure: &AuthFailure) {
        let Some((name, level)) = failure.kind().event() else {
            return;
        };
        let shared = Shared::from_extensions(&head.extensions);
        if !self.events.wants(shared, name, level) {
            return;
        }
        let (sampler, outcome) = if name == EventName::SysMonitorDisabled {
            (&self.faults, Outcome::Fault)
        } else {
            (&self.refusals, Outcome::Refused)
        };
        let Some(suppressed) = sampler.admit(self.events.monotonic(shared)) else {
            return;
        };
        self.events.emit(shared, name, level, || {
            let event = SecurityEvent::new(name, LAYER, failure.code())
                .request(head)
                .outcome(outcome)
                .rule(failure.reason());
            detailed(event, failure, suppressed)
        });
    }
}

/// How many events handlers make of what fails them: one a minute, since each of them hits upon a store that is away.
#[cfg(feature = "opaque-tokens")]
#[derive(Debug)]
pub(super) struct Faults(Sampler);

#[cfg(feature = "opaque-tokens")]
impl Faults {
    pub(super) const fn new() -> Self {
        Self(Sampler::new(MINUTE))
    }

    /// Tells of a store, a clock or a system that failed a handler.
    pub(super) fn tell(
        &self,
        request: &EventContext,
        events: &Events,
        (name, failure): (EventName, &AuthFailure),
    ) {
        const LEVEL: Level = Level::Error;
        let shared = request.shared();
        if !events.wants(shared, name, LEVEL) {
            return;
        }
        let Some(suppressed) = self.0.admit(events.monotonic(shared)) else {
            return;
        };
        events.emit(shared, name, LEVEL, || {
            let event = request.event((name, LAYER, failure.code()));
            let event = event.outcome(Outcome::Fault).rule(failure.reason());
            detailed(event, failure, suppressed)
        });
    }
}

/// What is known besides the reason, and how many events were left out before this one.
fn detailed<'a>(
    event: SecurityEvent<'a>,
    failure: &AuthFailure,
    suppressed: u64,
) -> SecurityEvent<'a> {
    match (suppressed, failure.detail()) {
        (0, None) => event,
        (0, Some(detail)) => event.clean_detail(detail.clone()),
        (_, detail) => {
            let detail = detail.map_or("", |detail| detail);
            event.own_detail(format!("suppressed={suppressed} {detail}").trim_end())
        }
    }
}
