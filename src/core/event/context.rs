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

    /// Tells of something that was done for the request; `complete` says what and to whom.
    pub(crate) fn tell<'a>(
        &'a self,
        events: &Events,
        (name, layer, code): (EventName, &'static str, &'static str),
        complete: impl FnOnce(SecurityEvent<'a>) -> SecurityEvent<'a>,
    ) {
        self.tell_at(name.default_level(), events, (name, layer, code), complete);
    }

    /// The same with another level than the name's own.
    pub(crate) fn tell_at<'a>(
        &'a self,
        level: Level,
        events: &Events,
        (name, layer, code): (EventName, &'static str, &'static str),
        complete: impl FnOnce(SecurityEvent<'a>) -> SecurityEvent<'a>,
    ) {
        events.emit(self.shared(), name, level, || {
            let mut event = SecurityEvent::new(name, layer, code).outcome(Outcome::Success);
            event.request_id = self.request.as_ref().and_then(RequestContext::request_id);
            event.client_ip = self.client;
            complete(event)
        });
    }
}
