use std::sync::Arc;
use std::task::{Context, Poll};

use http::Request;
use tower_service::Service;

use super::told::ClientEvents;
use super::{ClientIp, TrustedProxies};
use crate::core::{Events, Shared};

/// The service of [`ClientIpLayer`](super::ClientIpLayer).
#[derive(Clone, Debug)]
pub struct ClientIpService<S> {
    inner: S,
    resolver: Arc<Resolver>,
}

/// What a layer and all its services share.
#[derive(Debug)]
pub(super) struct Resolver {
    pub(super) proxies: TrustedProxies,
    pub(super) events: Events,
    told: ClientEvents,
}

impl Resolver {
    pub(super) fn new(proxies: TrustedProxies, events: Events) -> Self {
        Self {
            proxies,
            events,
            told: ClientEvents::new(),
        }
    }

    fn attach<B>(&self, mut request: Request<B>) -> Request<B> {
        if ClientIp::from_extensions(request.extensions()).is_some() {
            return request;
        }
        let resolution = self
            .proxies
            .resolution(request.headers(), request.extensions());
        if let Some(client) = resolution.client {
            request.extensions_mut().insert(client);
        }
        if resolution.client.is_some() && !resolution.degraded {
            return request;
        }
        let (head, body) = request.into_parts();
        let shared = Shared::from_extensions(&head.extensions);
        if resolution.degraded {
            self.told
                .report_degraded(&self.proxies, &head, &self.events, shared);
        } else {
            self.told.report_missing(&head, &self.events, shared);
        }
        Request::from_parts(head, body)
    }
}

impl<S> ClientIpService<S> {
    pub(super) const fn new(inner: S, resolver: Arc<Resolver>) -> Self {
        Self { inner, resolver }
    }
}

impl<ReqBody, S> Service<Request<ReqBody>> for ClientIpService<S>
where
    S: Service<Request<ReqBody>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let request = self.resolver.attach(request);
        self.inner.call(request)
    }
}
