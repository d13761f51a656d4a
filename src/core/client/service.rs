use std::sync::Arc;
use std::task::{Context, Poll};

use http::Request;
use tower_service::Service;

use super::{ClientIp, TrustedProxies};

/// The service of [`ClientIpLayer`](super::ClientIpLayer).
#[derive(Clone, Debug)]
pub struct ClientIpService<S> {
    inner: S,
    proxies: Arc<TrustedProxies>,
}

impl<S> ClientIpService<S> {
    pub(super) const fn new(inner: S, proxies: Arc<TrustedProxies>) -> Self {
        Self { inner, proxies }
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

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        if ClientIp::from_extensions(request.extensions()).is_none() {
            let resolution = self
                .proxies
                .resolution(request.headers(), request.extensions());
            if let Some(client) = resolution.client {
                request.extensions_mut().insert(client);
            }
        }
        self.inner.call(request)
    }
}
