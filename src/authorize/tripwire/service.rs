//! The service: watches what becomes of a request.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::future::{TripwireFuture, Watch};
use super::layer::Core;
use super::scene::Scene;
use crate::core::{AuthzLedger, Mode, RefusalContext, RejectionBody};

/// The service of [`RequireAuthorization`](crate::authorize::RequireAuthorization). The [module](crate::authorize) has the rules.
#[derive(Clone, Debug)]
pub struct Tripwire<S> {
    inner: S,
    core: Arc<Core>,
}

impl<S> Tripwire<S> {
    pub(super) const fn new(inner: S, core: Arc<Core>) -> Self {
        Self { inner, core }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Tripwire<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: RejectionBody,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = TripwireFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let watch = (self.core.mode != Mode::Off).then(|| Watch {
            core: Arc::clone(&self.core),
            ledger: AuthzLedger::of(request.extensions_mut()),
            context: RefusalContext::of(request.method(), request.headers(), request.extensions()),
            scene: Scene::of(&request),
        });
        TripwireFuture::new(self.inner.call(request), watch)
    }
}
