//! The service: what happens to a request.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Extensions, HeaderMap, Method, Request, Response};
use tower_service::Service;

use super::future::{CspAmendment, CspFuture};
use super::layer::Core;
use super::nonce::{self, CspNonce, Drawn};
use crate::core::{Mode, RequestScheme, Shared, is_grpc};

/// The service of [`CspLayer`](super::CspLayer). The [module](crate::csp) has the rules and an example.
#[derive(Clone, Debug)]
pub struct CspService<S> {
    inner: S,
    core: Arc<Core>,
}

impl<S> CspService<S> {
    pub(super) const fn new(inner: S, core: Arc<Core>) -> Self {
        Self { inner, core }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for CspService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = CspFuture<S::Future, CspAmendment>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let core = &*self.core;
        let amendment = if core.mode == Mode::Off {
            core.keep_pages_going(request.extensions_mut());
            CspAmendment::new(&self.core, None, false)
        } else {
            let drawn = core
                .draws(&request)
                .then(|| core.draw(request.extensions_mut()));
            let is_plain = core.is_plain(request.headers(), request.extensions());
            CspAmendment::new(&self.core, drawn, is_plain)
        };
        CspFuture::new(self.inner.call(request), Some(amendment))
    }
}

/// Whether the answer will be no page, so that no nonce is drawn for it. A request that lies gets the twin.
pub(super) fn asks_for_grpc<B>(request: &Request<B>) -> bool {
    request.method() == Method::POST && is_grpc(request.headers())
}

impl Core {
    /// Whether the request gets a nonce: for a policy of this layer, or in place of another, which may be that of a request that was
    /// copied.
    fn draws<B>(&self, request: &Request<B>) -> bool {
        (self.has_slot || CspNonce::from_extensions(request.extensions()).is_some())
            && !asks_for_grpc(request)
    }

    fn draw(&self, extensions: &mut Extensions) -> Drawn {
        if self.shared.get().is_none()
            && let Some(shared) = Shared::from_extensions(extensions)
        {
            // Another request that was quicker has the same to say.
            let _ = self.shared.set(shared.clone());
        }
        nonce::attach(extensions, &self.events)
    }

    /// A page that cannot do without a nonce must not fail because somebody turned the policy off. The nonce of a layer outside, which
    /// may be on, stays.
    fn keep_pages_going(&self, extensions: &mut Extensions) {
        if self.has_slot && CspNonce::from_extensions(extensions).is_none() {
            nonce::attach(extensions, &self.events);
        }
    }

    /// Whether the request is known to have come without TLS. An upgrade that is missing over TLS would let mixed content in; one too
    /// many over plain HTTP breaks a page of a server without TLS. So who does not know upgrades.
    fn is_plain(&self, headers: &HeaderMap, extensions: &Extensions) -> bool {
        let known = RequestScheme::from_extensions(extensions);
        let scheme = known.or_else(|| {
            let source = self.scheme.as_ref()?;
            source.resolve_from(headers, extensions).ok()
        });
        scheme == Some(RequestScheme::Http)
    }
}
