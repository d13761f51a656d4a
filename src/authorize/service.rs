//! The service: carries the decision out.

use std::sync::Arc;
use std::task::{Context, Poll};

#[cfg(feature = "axum")]
use http::request::Parts;
use http::{Extensions, Request, Response};
use tower_service::Service;

use super::expression::{Asked, Met, Unmet};
use super::layer::Core;
use super::params::Params;
use super::refusal::Denial;
use super::requirement::Requirement;
use super::roles::RoleTree;
use crate::core::{
    AuthzLedger, Events, Outcome, Principal, RefusalContext, RejectionBody, ResponseFuture, Shared,
};

/// The service of [`RequireLayer`](super::RequireLayer). The [module](crate::authorize) has the rules and an example.
#[derive(Clone, Debug)]
pub struct Require<S> {
    inner: S,
    core: Arc<Core>,
}

impl<S> Require<S> {
    pub(super) const fn new(inner: S, core: Arc<Core>) -> Self {
        Self { inner, core }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Require<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: RejectionBody,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, S::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        if self.core.compares_params {
            return self.call_by_params(request);
        }
        match self.core.check(request.extensions(), &Params::Unknown) {
            Ok(()) => ResponseFuture::inner(self.inner.call(request)),
            Err(denial) => ResponseFuture::refused(self.core.refuse(request, &denial)),
        }
    }
}

impl<S> Require<S> {
    /// As `call`. Apart from it, since the request is changed for a moment, and one that may be changed is moved once more.
    #[inline(never)]
    fn call_by_params<ReqBody, ResBody>(
        &mut self,
        mut request: Request<ReqBody>,
    ) -> ResponseFuture<S::Future, S::Response>
    where
        S: Service<Request<ReqBody>, Response = Response<ResBody>>,
        ResBody: RejectionBody,
    {
        let params = Params::of_router(&mut request);
        match self.core.check(request.extensions(), &params) {
            Ok(()) => ResponseFuture::inner(self.inner.call(request)),
            Err(denial) => ResponseFuture::refused(self.core.refuse(request, &denial)),
        }
    }
}

/// Who is asking, if that counts now.
pub(super) fn caller<'a>(extensions: &'a Extensions, events: &Events) -> Option<&'a Principal> {
    let now = || events.now(Shared::from_extensions(extensions));
    Principal::from_extensions(extensions)
        .filter(|who| who.expires_at().is_none() || !who.is_expired(now()))
}

/// Asks the principal of a request; `Err(None)`: nobody is logged in, or not any more.
pub(super) fn ask<'r>(
    requirement: &'r Requirement,
    extensions: &Extensions,
    params: &Params<'_>,
    roles: &RoleTree,
    events: &Events,
) -> Result<Met, Option<Unmet<'r>>> {
    let now = || events.now(Shared::from_extensions(extensions));
    let asked = caller(extensions, events).map(|principal| Asked {
        principal,
        now: &now,
        roles,
        params,
    });
    requirement.check(asked.as_ref())
}

impl Core {
    /// The answer to a request that does not meet the requirement, for who has its head alone. It compares no parameters.
    #[cfg(feature = "axum")]
    pub(super) fn refusal<B: RejectionBody>(&self, head: &Parts) -> Option<Response<B>> {
        let denial = self.check(&head.extensions, &Params::Unknown).err()?;
        denial.tell(&self.events, head, Outcome::Refused);
        let rejection = denial.rejection(&head.extensions).reason(denial.reason);
        Some(rejection.into_response(&RefusalContext::new(head)))
    }

    fn check(&self, extensions: &Extensions, params: &Params<'_>) -> Result<(), Denial<'_>> {
        let met = ask(
            &self.requirement,
            extensions,
            params,
            &self.roles,
            &self.events,
        );
        match met {
            Ok(met) => {
                if let Some(entry) = met.entry() {
                    AuthzLedger::note_in(extensions, entry);
                }
                Ok(())
            }
            Err(unmet) => {
                let denial = Denial::of(&self.requirement, unmet, extensions);
                denial.note(extensions);
                Err(denial)
            }
        }
    }

    #[cold]
    fn refuse<ReqBody, ResBody: RejectionBody>(
        &self,
        request: Request<ReqBody>,
        denial: &Denial<'_>,
    ) -> Response<ResBody> {
        let (head, _) = request.into_parts();
        let rejection = denial.rejection(&head.extensions);
        denial.tell(&self.events, &head, Outcome::Refused);
        let context = RefusalContext::new(&head);
        rejection
            .reuse(head)
            .reason(denial.reason)
            .into_response(&context)
    }
}
