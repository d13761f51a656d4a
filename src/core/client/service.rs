use std::sync::Arc;
use std::task::{Context, Poll};

use http::Request;
use tower_service::Service;

use super::told::ClientEvents;
use super::{ClientIp, TrustedProxies};
use crate::core::Events;

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
        let client = self.told.find(&self.proxies, &mut request, &self.events);
        if let Some(client) = client {
            request.extensions_mut().insert(client);
        }
        request
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
