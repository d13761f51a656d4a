//! The events of clients that could not be found.

use std::time::Duration;

use http::Request;
use http::request::Parts;

use super::proxies::Resolution;
use super::{ClientIp, TrustedProxies};
use crate::core::head;
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

    /// Finds the client of a request that no layer outside has found. Tells when that is nobody, or not for certain.
    #[inline]
    pub(crate) fn find<B>(
        &self,
        proxies: &TrustedProxies,
        request: &mut Request<B>,
        events: &Events,
    ) -> Option<ClientIp> {
        let found = proxies.resolution(request.headers(), request.extensions());
        if found.degraded || found.client.is_none() {
            self.report(proxies, &found, request, events);
        }
        found.client
    }

    #[cold]
    #[inline(never)]
    fn report<B>(
        &self,
        proxies: &TrustedProxies,
        found: &Resolution,
        request: &mut Request<B>,
        events: &Events,
    ) {
        head::with_parts(request, |head| {
            let shared = Shared::from_extensions(&head.extensions);
            if !found.degraded {
                self.report_missing(head, events, shared);
                return;
            }
            self.degraded(proxies, events, shared, |event| {
                let event = event.request(head);
                match found.client {
                    Some(client) => event.client_ip(client.ip()),
                    None => event,
                }
            });
        });
    }

    /// Records that the header which `proxies` name could not be read up to the client of `head`.
    pub(crate) fn report_degraded(
        &self,
        proxies: &TrustedProxies,
        head: &Parts,
        events: &Events,
        shared: Option<&Shared>,
    ) {
        self.degraded(proxies, events, shared, |event| event.request(head));
    }

    fn degraded<'a>(
        &self,
        proxies: &TrustedProxies,
        events: &Events,
        shared: Option<&Shared>,
        of_request: impl FnOnce(SecurityEvent<'a>) -> SecurityEvent<'a>,
    ) {
        let Some(suppressed) = self.degraded.admit(events.monotonic(shared)) else {
            return;
        };
        let detail = format!("suppressed={suppressed}");
        events.emit(shared, EventName::InputValidationFail, Level::Warn, || {
            let event = of_request(SecurityEvent::new(
                EventName::InputValidationFail,
                "client_ip",
                "client_ip_degraded",
            ))
            .outcome(Outcome::Success)
            .own_detail(&detail);
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
