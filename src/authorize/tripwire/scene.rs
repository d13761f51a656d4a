//! What of a request an event tells, kept until its answer is there.

use std::net::IpAddr;

use http::{Method, Request};

use crate::core::text::cap;
use crate::core::{CleanText, ClientIp, Principal, RouteTemplate, SecurityEvent};

/// Enough of a path to find its handler by.
const KEPT: usize = 96;

/// Nothing in it allocates: nearly every answer was authorized, and nobody hears of it.
#[derive(Debug)]
pub(super) struct Scene {
    method: Method,
    principal: Option<Principal>,
    client_ip: Option<IpAddr>,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Template(RouteTemplate),
    /// The start of the path, and how long it is.
    Path([u8; KEPT], usize),
}

impl Scene {
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        let extensions = request.extensions();
        Self {
            method: request.method().clone(),
            principal: Principal::from_extensions(extensions).cloned(),
            client_ip: ClientIp::from_extensions(extensions).map(|client| client.ip()),
            place: match RouteTemplate::of(extensions) {
                Some(template) => Place::Template(template),
                None => Place::start_of(request.uri().path()),
            },
        }
    }

    pub(super) fn describe<'a>(&'a self, mut event: SecurityEvent<'a>) -> SecurityEvent<'a> {
        event.method = Some(CleanText::new(self.method.as_str(), cap::METHOD));
        event.client_ip = self.client_ip;
        match &self.place {
            Place::Template(template) => {
                event.route = Some(CleanText::new(template.as_str(), cap::ROUTE));
            }
            Place::Path(bytes, length) => {
                let path = bytes.get(..*length).unwrap_or_default();
                event.path = Some(CleanText::from_bytes(path, cap::PATH));
            }
        }
        if let Some(who) = &self.principal {
            event.tenant = who
                .tenant()
                .map(|tenant| CleanText::new(tenant, cap::PRINCIPAL));
            event = event.principal(who.subject());
        }
        event
    }
}

impl Place {
    fn start_of(path: &str) -> Self {
        let start = cap::start_of(path, KEPT);
        let mut bytes = [0; KEPT];
        for (to, from) in bytes.iter_mut().zip(start.bytes()) {
            *to = from;
        }
        Self::Path(bytes, start.len())
    }
}
