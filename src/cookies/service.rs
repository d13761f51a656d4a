//! The service: puts the names of a request back, and has the answer amended.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Extensions, HeaderMap, Request, Response};
use tower_service::Service;

use super::check::{CookiePolicy, Transport};
use super::future::CookieAmendment;
use super::layer::Core;
use super::rename::Planted;
use crate::core::text::cap;
use crate::core::{
    CleanText, ClientIp, EventName, Level, Mode, Outcome, RequestId, RequestScheme, ResponseFuture,
    SecurityEvent, Shared,
};

/// The code of events about a cookie that was left out.
pub(super) const REJECTED: &str = "cookie_rejected";
pub(super) const EVENT: EventName = EventName::InputValidationFail;

/// The service of [`CookieLayer`](super::CookieLayer). The [module](crate::cookies) has the rules and an example.
#[derive(Clone, Debug)]
pub struct CookieService<S> {
    inner: S,
    core: Arc<Core>,
}

impl<S> CookieService<S> {
    pub(super) const fn new(inner: S, core: Arc<Core>) -> Self {
        Self { inner, core }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for CookieService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, S::Response, CookieAmendment>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let core = &self.core;
        let mode = core.policy.config.mode;
        let mut amendment = None;
        if mode != Mode::Off {
            let transport = core
                .policy
                .transport(request.headers(), request.extensions());
            if mode == Mode::Enforce && transport == Transport::Secured {
                core.restore(&mut request);
            }
            amendment = Some(CookieAmendment::new(
                Arc::clone(core),
                request.extensions(),
                transport,
            ));
        }
        ResponseFuture::maybe_amending(self.inner.call(request), amendment)
    }
}

impl CookiePolicy {
    fn transport(&self, headers: &HeaderMap, extensions: &Extensions) -> Transport {
        let Some(source) = &self.plain_http else {
            return Transport::Secured;
        };
        let scheme = RequestScheme::from_extensions(extensions)
            .or_else(|| source.resolve_from(headers, extensions).ok());
        match scheme {
            Some(RequestScheme::Http) => Transport::Exposed,
            // Nobody can tell: a cookie too strict is lost, one too weak is stolen.
            Some(RequestScheme::Https) | None => Transport::Secured,
        }
    }
}

impl Core {
    fn restore<B>(&self, request: &mut Request<B>) {
        let policy = &self.policy;
        if let Some(scan) = policy.scan(request.headers()) {
            for (index, worst, count) in scan.planted() {
                if let Some(name) = policy.renamed.get(index) {
                    self.tell(request, name, worst, count);
                }
            }
            policy.rewrite(&scan, request.headers_mut());
        }
    }

    /// Nothing of what the client wrote stands in the event: the name of a planted cookie may be the value of another.
    #[cold]
    fn tell<B>(&self, request: &Request<B>, name: &str, worst: Planted, count: usize) {
        let extensions = request.extensions();
        let level = match worst {
            // Also what is left from the time before renaming.
            Planted::Bare => Level::Info,
            Planted::LookAlike | Planted::Duplicate => Level::Warn,
        };
        let detail = format!("removed={count}");
        let shared = Shared::from_extensions(extensions);
        self.events.emit(shared, EVENT, level, || {
            let mut event = SecurityEvent::new(EVENT, "cookies", REJECTED)
                .outcome(Outcome::Refused)
                .rule(worst.as_str())
                .target(name)
                .detail(&detail);
            event.method = Some(CleanText::new(request.method().as_str(), cap::METHOD));
            event.path = Some(CleanText::new(request.uri().path(), cap::PATH));
            event.request_id = RequestId::from_extensions(extensions);
            event.client_ip = ClientIp::from_extensions(extensions).map(|client| client.ip());
            event
        });
    }
}
