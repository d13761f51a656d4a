//! The service: finds the rule and carries its decision out.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::layer::Core;
use super::rules::{Found, Rule, Spelling};
use crate::authorize::RequireRefusal;
use crate::authorize::expression::Met;
use crate::authorize::params::Params;
use crate::authorize::refusal::Denial;
use crate::authorize::requirement::Requirement;
use crate::authorize::service::{ask, caller};
use crate::core::{
    AuthzLedger, CanonicalPath, LedgerEntry, Mode, Outcome, RefusalContext, RejectionBody,
    ResponseFuture, head, route_template, whole_path,
};

/// The service of [`AccessTable`](crate::authorize::AccessTable). The [module](crate::authorize) has the rules and an example.
#[derive(Clone, Debug)]
pub struct Access<S> {
    inner: S,
    core: Arc<Core>,
}

impl<S> Access<S> {
    pub(super) const fn new(inner: S, core: Arc<Core>) -> Self {
        Self { inner, core }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Access<S>
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

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let core = &*self.core;
        if core.mode != Mode::Off {
            match core.decide(&mut request) {
                Ok(met) => {
                    if let Some(entry) = met.entry() {
                        AuthzLedger::note(request.extensions_mut(), entry);
                    }
                }
                Err(denial) if core.mode == Mode::ReportOnly => core.report(&mut request, &denial),
                Err(denial) => return ResponseFuture::refused(core.refuse(request, &denial)),
            }
        }
        ResponseFuture::inner(self.inner.call(request))
    }
}

impl Core {
    fn decide<B>(&self, request: &mut Request<B>) -> Result<Met, Denial<'_>> {
        match self.rules.find(request) {
            Found::Rule(rule, spelling) => self.by_rule(rule, spelling, request),
            Found::NotCanonical => {
                let reason = RequireRefusal::NotCanonical;
                Err(Denial::without_rule(reason, false))
            }
            Found::None => {
                let is_known = || caller(request.extensions(), &self.events).is_some();
                let reason = if self.hides_unmatched {
                    RequireRefusal::UnmatchedHidden
                } else if is_known() {
                    RequireRefusal::Unmatched
                } else {
                    RequireRefusal::Unauthenticated
                };
                Err(Denial::without_rule(reason, true))
            }
        }
    }

    fn by_rule<'r, B>(
        &self,
        rule: &'r Rule,
        spelling: Spelling,
        request: &mut Request<B>,
    ) -> Result<Met, Denial<'r>> {
        let requirement = &rule.requirement;
        let path;
        let mut params = Params::Unknown;
        if rule.compares_params {
            params = Params::of_router(request);
            // Behind a catch-all the router tells no parameters but those before it.
            let is_told = route_template(request.extensions()).is_some_and(|route| {
                !route.contains("{*") || requirement.params().any(|param| params.has(param))
            });
            if !is_told {
                path = CanonicalPath::parse(whole_path(request.uri(), request.extensions()));
                if let (Some(template), Some(path)) = (rule.template(), &path) {
                    params = Params::of_path(template, path);
                }
            }
        }
        let extensions = request.extensions();
        let denial = match ask(requirement, extensions, &params, &self.roles, &self.events) {
            Ok(met) if spelling == Spelling::Plain => return Ok(met),
            // What a rule is for is spelt plainly. Whoever escapes it may mean another route, which this rule must not open.
            Ok(_) => Denial {
                requirement: Some(requirement),
                ..Denial::without_rule(RequireRefusal::NotCanonical, false)
            },
            Err(unmet) => Denial::of(requirement, unmet, extensions),
        };
        Err(Denial {
            rule: Some(&rule.label),
            ..denial
        })
    }

    #[cold]
    fn report<B>(&self, request: &mut Request<B>, denial: &Denial<'_>) {
        head::with_parts(request, |head| {
            denial.tell(&self.events, head, Outcome::WouldRefuse);
        });
        // Who would have been allowed would have had no need of another decision, so who passes anyway has none either.
        if denial.requirement.is_some_and(Requirement::always_decides) {
            AuthzLedger::note(request.extensions_mut(), LedgerEntry::Exempt);
        }
    }

    #[cold]
    fn refuse<B, RB: RejectionBody>(
        &self,
        request: Request<B>,
        denial: &Denial<'_>,
    ) -> Response<RB> {
        let (head, _) = request.into_parts();
        denial.note(&head.extensions);
        denial.tell(&self.events, &head, Outcome::Refused);
        let mut rejection = denial.rejection(&head.extensions);
        let context = RefusalContext::new(&head);
        rejection.take_over(head);
        rejection.set_reason(denial.reason);
        rejection.into_response(&context)
    }
}
