//! What the stack's first slot learns of a request, and what all its layers share.

use std::fmt;
use std::sync::Arc;

use http::Extensions;

use super::ledger::LedgerBits;
use super::{ClientIp, Clock, EventSink, RejectionRenderer, RequestId, RequestScheme, SystemClock};

/// What slot 1 attaches to a request: one extension, one `Arc`.
#[derive(Clone, Debug)]
pub(crate) struct RequestContext(Arc<Context>);

#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) request_id: Option<RequestId>,
    pub(crate) client_ip: Option<ClientIp>,
    pub(crate) scheme: Option<RequestScheme>,
    /// The peer is a proxy of one's own: the request is somebody else's.
    pub(crate) is_proxied: bool,
    pub(crate) ledger: LedgerBits,
    pub(crate) shared: Shared,
    /// The context of a stack further outside.
    pub(crate) outer: Option<RequestContext>,
}

impl RequestContext {
    pub(crate) fn new(context: Context) -> Self {
        Self(Arc::new(context))
    }

    #[inline]
    pub(crate) fn from_extensions(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    pub(crate) fn request_id(&self) -> Option<&RequestId> {
        self.0.request_id.as_ref()
    }

    #[inline]
    pub(crate) fn client_ip(&self) -> Option<ClientIp> {
        self.0.client_ip
    }

    pub(crate) fn scheme(&self) -> Option<RequestScheme> {
        self.0.scheme
    }

    pub(crate) fn is_proxied(&self) -> bool {
        self.0.is_proxied
    }

    pub(crate) fn ledger(&self) -> &LedgerBits {
        // One request has one ledger: the outer stack's tripwire reads what is decided inside.
        match &self.0.outer {
            Some(outer) => outer.ledger(),
            None => &self.0.ledger,
        }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.0.shared
    }
}

/// What the layers of one stack share: where events go, how refusals look, what time it is.
///
/// A layer looks it up only when an event or a refusal is due; what was set on the layer itself wins.
#[derive(Clone)]
pub struct Shared(Arc<Services>);

struct Services {
    sink: Option<Arc<dyn EventSink>>,
    renderer: Option<Arc<dyn RejectionRenderer>>,
    clock: Option<Arc<dyn Clock>>,
}

impl Shared {
    pub(crate) fn new(
        sink: Option<Arc<dyn EventSink>>,
        renderer: Option<Arc<dyn RejectionRenderer>>,
        clock: Option<Arc<dyn Clock>>,
    ) -> Self {
        Self(Arc::new(Services {
            sink,
            renderer,
            clock,
        }))
    }

    /// Returns what the stack that these extensions passed through shares.
    #[must_use]
    pub fn from_extensions(extensions: &Extensions) -> Option<&Self> {
        RequestContext::from_extensions(extensions).map(RequestContext::shared)
    }

    /// Returns the stack's event sink.
    #[must_use]
    pub fn sink(&self) -> Option<&dyn EventSink> {
        self.0.sink.as_deref()
    }

    /// Returns the stack's rendering of refusals.
    #[must_use]
    pub fn renderer(&self) -> Option<&dyn RejectionRenderer> {
        self.0.renderer.as_deref()
    }

    /// Returns the stack's clock.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        self.own_clock().unwrap_or(&SystemClock)
    }

    pub(crate) fn own_clock(&self) -> Option<&dyn Clock> {
        self.0.clock.as_deref()
    }

    /// These services, and for those that were not set the outer stack's.
    pub(crate) fn within(&self, outer: &Self) -> Self {
        let (own, outer) = (&self.0, &outer.0);
        Self::new(
            own.sink.as_ref().or(outer.sink.as_ref()).cloned(),
            own.renderer.as_ref().or(outer.renderer.as_ref()).cloned(),
            own.clock.as_ref().or(outer.clock.as_ref()).cloned(),
        )
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("sink", &self.0.sink.is_some())
            .field("renderer", &self.0.renderer.is_some())
            .finish_non_exhaustive()
    }
}
