//! The events of clients that could not be found.

use std::time::Duration;

use http::request::Parts;

use super::TrustedProxies;
use crate::core::sampler::Sampler;
use crate::core::{EventName, Events, Level, Outcome, SecurityEvent, Shared};

/// At most one event in this time: anyone can send a header that cannot be read.
const INTERVAL: Duration = Duration::from_secs(60);

/// Tells of clients that were not found, for whoever looks for them.
#[derive(Debug)]
pub(crate) struct ClientEvents {
    degraded: Sampler,
    missing: Sampler,
}

impl Default for ClientEvents {
    fn default() -> Self {
        Self::new()
    }
}

impl ClientEvents {
    pub(crate) const fn new() -> Self {
        Self {
            degraded: Sampler::new(INTERVAL),
            missing: Sampler::new(INTERVAL),
        }
    }

    /// Records that the header which `proxies` name could not be read up to the client of `head`.
    pub(crate) fn report_degraded(
        &self,
        proxies: &TrustedProxies,
        head: &Parts,
        events: &Events,
        shared: Option<&Shared>,
    ) {
        let Some(suppressed) = self.degraded.admit(events.monotonic(shared)) else {
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

    /// Records that the server attached no peer address, so that every client looks the same.
    pub(crate) fn report_missing(&self, head: &Parts, events: &Events, shared: Option<&Shared>) {
        const NAME: EventName = EventName::SysMonitorDisabled;
        let Some(suppressed) = self.missing.admit(events.monotonic(shared)) else {
            return;
        };
        let detail = format!(
            "suppressed={suppressed} remedy=axum: into_make_service_with_connect_info::<SocketAddr>(), hyper: WithPeerAddr"
        );
        events.emit(shared, NAME, Level::Error, || {
            SecurityEvent::new(NAME, "client_ip", "peer_address_missing")
                .outcome(Outcome::Fault)
                .request(head)
                .detail(&detail)
        });
    }
}
