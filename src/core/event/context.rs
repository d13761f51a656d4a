//! What the events of a service say of the request that it acts for.

use std::net::IpAddr;

use http::Extensions;

use super::{EventName, Events, Level, Outcome, SecurityEvent};
use crate::core::{ClientIp, RequestContext, Shared};

/// The request that a service acts for: the stack that it came through, its id and its client. By default none.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventContext {
    request: Option<RequestContext>,
    client: Option<IpAddr>,
}

impl EventContext {
    pub(crate) fn of(extensions: &Extensions) -> Self {
        Self {
            request: RequestContext::from_extensions(extensions).cloned(),
            client: ClientIp::from_extensions(extensions).map(|client| client.ip()),
        }
    }

    /// What the stack of the request shares.
    pub(crate) fn shared(&self) -> Option<&Shared> {
        self.request.as_ref().map(RequestContext::shared)
    }

    /// The address of the client, where it is known.
    #[cfg(feature = "_jwt")]
    pub(crate) const fn client_ip(&self) -> Option<IpAddr> {
        self.client
    }

    /// Begins an event that names the request and its client.
    pub(crate) fn event(
        &self,
        (name, layer, code): (EventName, &'static str, &'static str),
    ) -> SecurityEvent<'_> {
        let mut event = SecurityEvent::new(name, layer, code);
        event.request_id = self.request.as_ref().and_then(RequestContext::request_id);
        event.client_ip = self.client;
        event
    }

    /// Tells of something that was done for the request; `complete` says what and to whom.
    pub(crate) fn tell<'a>(
        &'a self,
        events: &Events,
        what: (EventName, &'static str, &'static str),
        complete: impl FnOnce(SecurityEvent<'a>) -> SecurityEvent<'a>,
    ) {
        self.tell_at(what.0.default_level(), events, what, complete);
    }

    /// The same with another level than the name's own.
    pub(crate) fn tell_at<'a>(
        &'a self,
        level: Level,
        events: &Events,
        what: (EventName, &'static str, &'static str),
        complete: impl FnOnce(SecurityEvent<'a>) -> SecurityEvent<'a>,
    ) {
        events.emit(self.shared(), what.0, level, || {
            complete(self.event(what).outcome(Outcome::Success))
        });
    }
}
