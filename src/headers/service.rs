//! The service: looks at the request, and leaves the rest to the future.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::apply::Plan;
use super::check::Notes;
use super::future::ResponseFuture;
use crate::core::Mode;

/// The service of [`SecurityHeadersLayer`](super::SecurityHeadersLayer). The [module](crate::headers) has the rules and an example.
#[derive(Clone, Debug)]
pub struct SecurityHeaders<S> {
    inner: S,
    plan: Arc<Plan>,
}

impl<S> SecurityHeaders<S> {
    pub(super) const fn new(inner: S, plan: Arc<Plan>) -> Self {
        Self { inner, plan }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for SecurityHeaders<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let settings = &self.plan.settings;
        if settings.mode == Mode::Off {
            return ResponseFuture::untouched(self.inner.call(request));
        }
        let notes = Notes::of(
            settings,
            request.method(),
            request.uri().path(),
            request.headers(),
            request.extensions(),
        );
        ResponseFuture::new(self.inner.call(request), Arc::clone(&self.plan), notes)
    }
}
