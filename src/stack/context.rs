//! Slot 1: what is learnt of a request once, and what all layers share.

use std::fmt;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::posture::{Posture, PostureEntry, PostureState};
use super::slot::Protection;
use crate::core::{
    Amend, ClientEvents, ClientIp, Clock, Context, EventName, EventSink, Events, LedgerBits, Level,
    Outcome, RejectionRenderer, RequestContext, RequestId, RequestScheme, ResponseFuture,
    SchemeSource, SecurityEvent, Shared, TrustedProxies, field,
};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The outermost layer of every stack.
///
/// Until something is set that it has to provide, it hands requests on untouched. A request that already has a context, given to
/// it by a stack further outside, keeps that one.
#[derive(Clone, Default)]
pub struct ContextLayer {
    settings: Option<Arc<ContextSettings>>,
}

#[derive(Clone)]
pub(super) struct ContextSettings {
    pub(super) sink: Option<Arc<dyn EventSink>>,
    pub(super) renderer: Option<Arc<dyn RejectionRenderer>>,
    pub(super) clock: Option<Arc<dyn Clock>>,
    pub(super) proxies: TrustedProxies,
    pub(super) scheme: Option<SchemeSource>,
    shared: Shared,
    told: Arc<ClientEvents>,
}

impl ContextLayer {
    pub(super) fn changed(self, change: impl FnOnce(&mut ContextSettings)) -> Self {
        let mut settings = match self.settings {
            Some(settings) => Arc::unwrap_or_clone(settings),
            None => ContextSettings {
                sink: None,
                renderer: None,
                clock: None,
                proxies: TrustedProxies::direct(),
                scheme: None,
                shared: Shared::new(None, None, None),
                told: Arc::new(ClientEvents::new()),
            },
        };
        change(&mut settings);
        settings.shared = Shared::new(
            settings.sink.clone(),
            settings.renderer.clone(),
            settings.clock.clone(),
        );
        Self {
            settings: Some(Arc::new(settings)),
        }
    }
}

impl Protection for ContextLayer {
    fn describe(&self, posture: &mut Posture) {
        if let Some(settings) = &self.settings {
            let clients = if settings.proxies.is_direct() {
                "peer"
            } else {
                "trusted proxies"
            };
            let scheme = if settings.scheme.is_some() { "known" } else { "unknown" };
            posture.add(
                PostureEntry::new("context", PostureState::On)
                    .setting("client_ip", clients)
                    .setting("scheme", scheme),
            );
            if settings.proxies.trusts_any_peer() {
                posture.warn("context: dangerous_hops_from_any_peer");
            }
        }
    }
}

impl ContextSettings {
    fn context(&self, headers: &HeaderMap, extensions: &Extensions) -> Context {
        let request_id = self
            .inbound_id(headers, extensions)
            .or_else(RequestId::random);
        if request_id.is_none() {
            Events::default().emit(
                Some(&self.shared),
                EventName::CryptEncryptFail,
                Level::Error,
                || {
                    SecurityEvent::new(
                        EventName::CryptEncryptFail,
                        "stack",
                        "randomness_unavailable",
                    )
                    .outcome(Outcome::Fault)
                },
            );
        }
        Context {
            request_id,
            // What a layer outside of the stack has found stays: it stands closer to the network.
            client_ip: ClientIp::from_extensions(extensions)
                .or_else(|| self.proxies.resolve_from(headers, extensions)),
            scheme: RequestScheme::from_extensions(extensions).or_else(|| {
                let source = self.scheme.as_ref()?;
                source.resolve_from(headers, extensions).ok()
            }),
            ledger: LedgerBits::default(),
            shared: self.shared.clone(),
        }
    }

    fn tell(&self, fault: ClientFault, head: &Parts) {
        let (events, shared) = (Events::default(), Some(&self.shared));
        let clock = self.shared.clock();
        match fault {
            ClientFault::Degraded => {
                self.told
                    .report_degraded(&self.proxies, head, &events, shared, clock);
            }
            ClientFault::Missing => self.told.report_missing(head, &events, shared, clock),
        }
    }

    /// What is worth telling of a client that this stack has looked for.
    fn fault(&self, client: Option<ClientIp>) -> Option<ClientFault> {
        match client {
            Some(client) => client.is_degraded().then_some(ClientFault::Degraded),
            // Where no proxy was named nobody may have asked for addresses at all.
            None => (!self.proxies.is_direct()).then_some(ClientFault::Missing),
        }
    }

    /// The id that a trusted proxy chose: one line of the legal alphabet. Anything else is replaced.
    fn inbound_id(&self, headers: &HeaderMap, extensions: &Extensions) -> Option<RequestId> {
        let mut lines = headers.get_all(X_REQUEST_ID).iter();
        let (Some(line), None) = (lines.next(), lines.next()) else {
            return None;
        };
        let peer = self.proxies.peer(extensions)?;
        self.proxies
            .trusts(peer)
            .then(|| RequestId::parse(line.as_bytes()))
            .flatten()
    }
}

enum ClientFault {
    Degraded,
    Missing,
}

/// A handler that reads the header finds the id in force, not one that anybody sent.
fn replace_request_id(headers: &mut HeaderMap, id: Option<&HeaderValue>) {
    if headers.contains_key(X_REQUEST_ID) {
        match id {
            Some(id) => field::set(headers, X_REQUEST_ID, id.clone()),
            None => drop(headers.remove(X_REQUEST_ID)),
        }
    }
}

impl fmt::Debug for ContextLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextLayer")
            .field("on", &self.settings.is_some())
            .finish()
    }
}

impl<S> Layer<S> for ContextLayer {
    type Service = ContextService<S>;

    fn layer(&self, inner: S) -> ContextService<S> {
        ContextService {
            inner,
            settings: self.settings.clone(),
        }
    }
}

/// The service of [`ContextLayer`].
#[derive(Clone)]
pub struct ContextService<S> {
    inner: S,
    settings: Option<Arc<ContextSettings>>,
}

impl<S: fmt::Debug> fmt::Debug for ContextService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for ContextService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, S::Response, ContextAmendment>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let mut amendment = ContextAmendment { request_id: None };
        if let Some(settings) = &self.settings
            && RequestContext::from_extensions(request.extensions()).is_none()
        {
            let is_told = ClientIp::from_extensions(request.extensions()).is_some();
            let context = settings.context(request.headers(), request.extensions());
            let fault = if is_told {
                None
            } else {
                settings.fault(context.client_ip)
            };
            amendment.request_id = context.request_id.and_then(|id| id.header_value());
            replace_request_id(request.headers_mut(), amendment.request_id.as_ref());
            request
                .extensions_mut()
                .insert(RequestContext::new(context));
            if let Some(fault) = fault {
                let (head, body) = request.into_parts();
                settings.tell(fault, &head);
                request = Request::from_parts(head, body);
            }
        }
        ResponseFuture::amending(self.inner.call(request), amendment)
    }
}

/// Sends the request id back. What [`ContextLayer`] does to a response.
#[derive(Debug)]
pub struct ContextAmendment {
    request_id: Option<HeaderValue>,
}

impl Amend for ContextAmendment {
    fn amend<B>(self, response: &mut Response<B>) {
        if let Some(id) = self.request_id {
            field::set(response.headers_mut(), X_REQUEST_ID, id);
        }
    }
}
