//! The event of a client whose address could not be followed.

use std::time::Duration;

use http::request::Parts;

use super::TrustedProxies;
use crate::core::sampler::Sampler;
use crate::core::{Clock, EventName, Events, Level, Outcome, SecurityEvent, Shared};

/// At most one event in this time: anyone can send a header that cannot be read.
const INTERVAL: Duration = Duration::from_secs(60);

/// Reports degraded addresses, for whoever resolves clients.
#[derive(Debug)]
pub(crate) struct DegradedAddress {
    sampler: Sampler,
}

impl DegradedAddress {
    pub(crate) const fn new() -> Self {
        Self {
            sampler: Sampler::new(INTERVAL),
        }
    }

    /// Records that the header which `proxies` name could not be read up to the client of `head`.
    pub(crate) fn report(
        &self,
        proxies: &TrustedProxies,
        head: &Parts,
        events: &Events,
        shared: Option<&Shared>,
        clock: &dyn Clock,
    ) {
        let Some(suppressed) = self.sampler.admit(clock.monotonic()) else {
            return;
        };
        let detail = format!("suppressed={suppressed}");
        events.emit(shared, EventName::InputValidationFail, Level::Warn, || {
            let event = SecurityEvent::new(
                EventName::InputValidationFail,
                "client_ip",
                "client_ip_degraded",
            )
            .outcome(Outcome::Success)
            .request(head)
            .detail(&detail);
            match proxies.header() {
                Some(header) => event.rule(header.as_str()),
                None => event,
            }
        });
    }
}
