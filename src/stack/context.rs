//! Slot 1: what is learnt of a request once, and what all layers share.

use std::fmt;
use std::mem::discriminant;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use http::header::STRICT_TRANSPORT_SECURITY;
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Request, Response, Uri};
use tower_layer::Layer;
use tower_service::Service;

use super::posture::{Posture, PostureEntry, PostureState};
use super::slot::{Protection, Transport};
use crate::core::{
    Amend, ClientEvents, ClientIp, Clock, Context, EventName, EventSink, Events, LedgerBits, Level,
    Outcome, PeerAddressMissing, RejectionRenderer, RequestContext, RequestId, RequestScheme,
    ResponseFuture, SchemeSource, SecurityEvent, Shared, TrustedProxies, field,
};
use crate::https::HttpsLayer;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The outermost layer of every stack.
///
/// Until something is set that it has to provide, it hands requests on untouched. In a stack inside a stack, what was set on the
/// inner one holds inside; the rest, the id and the record of decisions are those of the outer one.
#[doc(alias = "PropagateRequestIdLayer")]
#[doc(alias = "SetRequestIdLayer")]
#[derive(Clone, Default)]
pub struct ContextLayer {
    settings: Option<Arc<ContextSettings>>,
}

#[derive(Clone, Default)]
pub(super) struct ContextSettings {
    pub(super) sink: Option<Arc<dyn EventSink>>,
    pub(super) renderer: Option<Arc<dyn RejectionRenderer>>,
    pub(super) clock: Option<Arc<dyn Clock>>,
    /// `None` if nobody said anything: the peer, and no event if there is none.
    pub(super) proxies: Option<TrustedProxies>,
    pub(super) scheme: Option<SchemeSource>,
    /// They know where the scheme is learnt, for a stack that was told nothing else, and HSTS, which belongs on every answer.
    https: Vec<HttpsLayer>,
    shared: Option<Shared>,
    told: Arc<ClientEvents>,
}

impl ContextLayer {
    pub(super) fn changed(self, change: impl FnOnce(&mut ContextSettings)) -> Self {
        let mut settings = self.settings.map(Arc::unwrap_or_clone).unwrap_or_default();
        change(&mut settings);
        settings.shared = Some(Shared::new(
            settings.sink.clone(),
            settings.renderer.clone(),
            settings.clock.clone(),
        ));
        Self {
            settings: Some(Arc::new(settings)),
        }
    }
}

impl Protection for ContextLayer {
    fn describe(&self, posture: &mut Posture) {
        if let Some(settings) = &self.settings {
            let clients = match &settings.proxies {
                Some(proxies) if !proxies.is_direct() => "trusted proxies",
                Some(_) | None => "peer",
            };
            let scheme = match settings.scheme_source() {
                Some(SchemeSource::AssumeHttps) => "assumed https",
                Some(_) => "known",
                None => "unknown",
            };
            posture.add(
                PostureEntry::new("context", PostureState::On)
                    .setting("client_ip", clients)
                    .setting("scheme", scheme),
            );
            if settings
                .proxies
                .as_ref()
                .is_some_and(TrustedProxies::trusts_any_peer)
            {
                posture.warn("context: dangerous_hops_from_any_peer");
            }
            if clients == "peer"
                && matches!(
                    settings.scheme_source(),
                    Some(SchemeSource::ForwardedProto(_))
                )
            {
                posture.warn("context: proxies tell the scheme, none is named to tell the client");
            }
            if settings.overrides_https() {
                posture.warn("context: https does not go by its own source of the scheme");
            }
        }
    }
}

/// What was found out about a request, and what is worth telling of it.
struct Found {
    context: Context,
    client: Option<ClientFault>,
}

enum ClientFault {
    Degraded,
    Missing,
}

impl ContextSettings {
    pub(super) fn transport(&mut self, transport: Transport) {
        self.https = transport.into_layers();
    }

    fn scheme_source(&self) -> Option<&SchemeSource> {
        let https = self.https.first().map(HttpsLayer::scheme_source);
        self.scheme.as_ref().or(https)
    }

    /// Whether a layer of the slot `https` would ask somebody else than the stack does.
    fn overrides_https(&self) -> bool {
        self.scheme_source().is_some_and(|scheme| {
            let kind = discriminant(scheme);
            let mut others = self.https.iter().map(HttpsLayer::scheme_source);
            others.any(|other| discriminant(other) != kind)
        })
    }

    /// The outermost layer that writes HSTS.
    fn hsts(
        &self,
        scheme: Option<RequestScheme>,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Option<&HttpsLayer> {
        let mut layers = self.https.iter();
        layers.find(|layer| layer.writes_hsts(scheme, uri, headers))
    }

    /// Whether the peer is a proxy that was named anywhere in the stack, so that the request is somebody else's.
    fn is_proxied(&self, extensions: &Extensions) -> bool {
        let scheme = self.scheme.as_ref();
        scheme.is_some_and(|source| source.is_proxied(extensions))
            || self.proxies.as_ref().is_some_and(|proxies| {
                !proxies.is_direct()
                    && proxies
                        .peer(extensions)
                        .is_some_and(|peer| proxies.trusts(peer))
            })
    }

    fn find(&self, headers: &HeaderMap, extensions: &Extensions) -> Found {
        let outer = RequestContext::from_extensions(extensions);
        let shared = self.shared(outer);
        let request_id = match outer.and_then(RequestContext::request_id) {
            Some(id) => Some(*id),
            None => self
                .inbound_id(headers, extensions)
                .or_else(|| random_id(&shared)),
        };
        let mut client = None;
        let client_ip = match self.known_client(outer, extensions) {
            Some(known) => Some(known),
            None => {
                let direct = TrustedProxies::direct();
                let proxies = self.proxies.as_ref().unwrap_or(&direct);
                let resolution = proxies.resolution(headers, extensions);
                client = match resolution.client {
                    _ if resolution.degraded => Some(ClientFault::Degraded),
                    // Where no proxy was named nobody may have asked for addresses at all.
                    None if !proxies.is_direct() => Some(ClientFault::Missing),
                    Some(_) | None => None,
                };
                resolution.client
            }
        };
        let scheme = match (self.scheme_source(), attached::<RequestScheme>(extensions)) {
            // What a layer outside of the stack has found stays: it stands closer to the network.
            (_, Some(known)) => Some(known),
            (None, None) => outer.and_then(RequestContext::scheme),
            (Some(source), None) => match source.resolve_from(headers, extensions) {
                Ok(scheme) => Some(scheme),
                Err(PeerAddressMissing { .. }) => {
                    client = Some(ClientFault::Missing);
                    None
                }
            },
        };
        let context = Context {
            request_id,
            client_ip,
            scheme,
            is_proxied: outer.is_some_and(RequestContext::is_proxied)
                || self.is_proxied(extensions),
            ledger: LedgerBits::default(),
            shared,
            outer: outer.cloned(),
        };
        Found { context, client }
    }

    /// The client that was found outside: by a layer of its own, or by an outer stack if this one was told nothing.
    fn known_client(
        &self,
        outer: Option<&RequestContext>,
        extensions: &Extensions,
    ) -> Option<ClientIp> {
        attached::<ClientIp>(extensions).or_else(|| match self.proxies {
            Some(_) => None,
            None => outer.and_then(RequestContext::client_ip),
        })
    }

    fn shared(&self, outer: Option<&RequestContext>) -> Shared {
        match (&self.shared, outer.map(RequestContext::shared)) {
            (Some(own), None) => own.clone(),
            (Some(own), Some(outer)) => own.within(outer),
            (None, Some(outer)) => outer.clone(),
            (None, None) => Shared::new(None, None, None),
        }
    }

    fn tell(&self, fault: &ClientFault, head: &Parts) {
        let events = Events::default();
        let shared = Shared::from_extensions(&head.extensions);
        match (fault, &self.proxies) {
            (ClientFault::Degraded, Some(proxies)) => {
                self.told.report_degraded(proxies, head, &events, shared);
            }
            (ClientFault::Degraded | ClientFault::Missing, _) => {
                self.told.report_missing(head, &events, shared);
            }
        }
    }

    /// The id that a trusted proxy chose: one line of the legal alphabet. Anything else is replaced.
    fn inbound_id(&self, headers: &HeaderMap, extensions: &Extensions) -> Option<RequestId> {
        let field::Lines::One(line) = field::Lines::of(headers, &X_REQUEST_ID) else {
            return None;
        };
        let proxies = self.proxies.as_ref()?;
        let peer = proxies.peer(extensions)?;
        let is_trusted = proxies.trusts(peer);
        is_trusted
            .then(|| RequestId::parse(line.as_bytes()))
            .flatten()
    }
}

/// What a layer outside of every stack has attached.
fn attached<T: Copy + Send + Sync + 'static>(extensions: &Extensions) -> Option<T> {
    extensions.get().copied()
}

fn random_id(shared: &Shared) -> Option<RequestId> {
    const NAME: EventName = EventName::CryptEncryptFail;
    let id = RequestId::random();
    if id.is_none() {
        Events::default().emit(Some(shared), NAME, Level::Error, || {
            SecurityEvent::new(NAME, "stack", "randomness_unavailable").outcome(Outcome::Fault)
        });
    }
    id
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
        let mut amendment = None;
        if let Some(settings) = &self.settings {
            let Found { context, client } = settings.find(request.headers(), request.extensions());
            let request_id = context.request_id.and_then(|id| id.header_value());
            replace_request_id(request.headers_mut(), request_id.as_ref());
            let hsts = settings.hsts(context.scheme, request.uri(), request.headers());
            amendment = Some(ContextAmendment {
                request_id,
                hsts: hsts.cloned(),
            });
            request
                .extensions_mut()
                .insert(RequestContext::new(context));
            if let Some(fault) = client {
                let (head, body) = request.into_parts();
                settings.tell(&fault, &head);
                request = Request::from_parts(head, body);
            }
        }
        ResponseFuture::maybe_amending(self.inner.call(request), amendment)
    }
}

/// Sends the request id back as `x-request-id`, in place of one that the handler has set, and `Strict-Transport-Security`. What
/// [`ContextLayer`] does to a response.
#[derive(Debug)]
pub struct ContextAmendment {
    request_id: Option<HeaderValue>,
    /// The layer and not the value: the future of every request holds this, whether there is something to write or not.
    hsts: Option<HttpsLayer>,
}

impl Amend for ContextAmendment {
    fn amend<B>(self, response: &mut Response<B>) {
        if let Some(id) = self.request_id {
            field::set(response.headers_mut(), X_REQUEST_ID, id);
        }
        if let Some(hsts) = self.hsts.as_ref().and_then(|https| https.policy().hsts())
            && !response.status().is_informational()
        {
            field::set(
                response.headers_mut(),
                STRICT_TRANSPORT_SECURITY,
                hsts.clone(),
            );
        }
    }
}
