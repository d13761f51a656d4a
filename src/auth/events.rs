//! What is told of refusals.

use std::time::Duration;

use http::request::Parts;

use super::failure::AuthFailure;
use crate::core::sampler::Sampler;
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
            match (suppressed, failure.detail()) {
                (0, None) => event,
                (0, Some(detail)) => event.clean_detail(detail.clone()),
                (_, detail) => {
                    let detail = detail.map_or("", |detail| detail);
                    event.own_detail(format!("suppressed={suppressed} {detail}").trim_end())
                }
            }
        });
    }
}
