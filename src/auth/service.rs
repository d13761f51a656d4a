//! The service: carries the decision out.

use std::mem::replace;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Method, Request, Response};
use tower_service::Service;

use super::check::{Admission, Verdict, check};
use super::failure::AuthFailure;
use super::future::{AuthAmendment, AuthFuture};
use super::layer::Core;
use crate::core::{Principal, RefusalContext, RejectionBody, ResponseFuture, head, is_grpc};

/// The service of [`AuthLayer`](super::AuthLayer). The [module](crate::auth) has the rules and an example.
#[derive(Clone, Debug)]
pub struct AuthService<S> {
    inner: S,
    core: Arc<Core>,
}

impl<S> AuthService<S> {
    pub(super) const fn new(inner: S, core: Arc<Core>) -> Self {
        Self { inner, core }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for AuthService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    ResBody: RejectionBody,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = AuthFuture<S, ReqBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        if self.core.is_absent() {
            return AuthFuture::passed(self.inner.call(request));
        }
        // What an outer layer has found out does not count here, not even in an event.
        Principal::remove(request.extensions_mut());
        let core = &*self.core;
        let verdict = head::with_parts(&mut request, |head| {
            check(&core.ways, core.is_optional, head)
        });
        match verdict {
            Verdict::Decided(decided) => {
                AuthFuture::decided(&mut self.inner, request, decided, &self.core)
            }
            Verdict::Pending(pending, chosen) => {
                // The inner service that is ready goes along; what stays behind is asked to be ready again.
                let clone = self.inner.clone();
                let ready = replace(&mut self.inner, clone);
                AuthFuture::waiting(pending, chosen, ready, request, Arc::clone(&self.core))
            }
        }
    }
}

/// Hands the request on, or refuses it.
pub(super) fn carry_out<S, ReqBody, ResBody>(
    inner: &mut S,
    mut request: Request<ReqBody>,
    decided: Result<Admission, AuthFailure>,
    core: &Arc<Core>,
) -> ResponseFuture<S::Future, S::Response, AuthAmendment>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: RejectionBody,
{
    let admission = match decided {
        Ok(admission) => admission,
        Err(failure) => return ResponseFuture::refused(core.refuse(request, failure)),
    };
    let is_ambient = admission.is_ambient;
    let extensions = request.extensions_mut();
    Principal::attach(admission.principal, core.challenges.clone(), extensions);
    // Caches keep answers of HTTP alone.
    let is_amended = (is_ambient || core.vary.is_needed())
        && !(request.method() == Method::POST && is_grpc(request.headers()));
    let amendment = is_amended.then(|| AuthAmendment::new(core, is_ambient));
    ResponseFuture::maybe_amending(inner.call(request), amendment)
}

impl Core {
    #[cold]
    fn refuse<ReqBody, ResBody: RejectionBody>(
        &self,
        request: Request<ReqBody>,
        failure: AuthFailure,
    ) -> Response<ResBody> {
        let (head, _) = request.into_parts();
        self.teller.refused(&head, &failure);
        let context = RefusalContext::new(&head);
        let mut rejection = failure.rejection(&self.challenges);
        rejection.take_over(head);
        rejection.reason(failure).into_response(&context)
    }
}
