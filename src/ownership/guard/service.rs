//! The service: carries the decision out.

use std::fmt;
use std::mem::replace;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::ask::{Ask, Grant, Policies};
use super::examine::{Examined, Refused};
use super::future::OwnershipFuture;
use super::layer::Core;
use super::rules::Rule;
use super::timer::Timer;
use crate::core::{
    AuthzLedger, LedgerEntry, Mode, RefusalContext, RejectionBody, ResponseFuture, head,
};
use crate::ownership::{AccessRequest, Action, Case, Decision, OwnershipRefusal, Scene};

/// The service of [`OwnershipGuard`](crate::ownership::OwnershipGuard) and of the guard that loads. The [module](crate::ownership) has the rules and an example.
pub struct OwnershipService<S, T = Policies> {
    inner: S,
    core: Arc<Core<T>>,
}

impl<S, T> OwnershipService<S, T> {
    pub(crate) const fn new(inner: S, core: Arc<Core<T>>) -> Self {
        Self { inner, core }
    }
}

impl<S: Clone, T> Clone for OwnershipService<S, T> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            core: Arc::clone(&self.core),
        }
    }
}

impl<S: fmt::Debug, T> fmt::Debug for OwnershipService<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnershipService")
            .field("inner", &self.inner)
            .field("rules", &self.core.rules)
            .finish_non_exhaustive()
    }
}

impl<S, T, ReqBody, ResBody> Service<Request<ReqBody>> for OwnershipService<S, T>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    T: Ask,
    ResBody: RejectionBody,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = OwnershipFuture<S, ReqBody, T>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let core = &*self.core;
        if core.mode == Mode::Off {
            return OwnershipFuture::decided(ResponseFuture::inner(self.inner.call(request)));
        }
        let (rule, asked) = match core.examine(&mut request) {
            Examined::Ask(rule, asked) => (rule, asked),
            Examined::Pass => {
                return OwnershipFuture::decided(ResponseFuture::inner(self.inner.call(request)));
            }
            Examined::Refused(refused) => {
                let carried_out = core.refuse(&mut self.inner, request, &refused);
                return OwnershipFuture::decided(carried_out);
            }
        };
        let floor = core.floor.map(Timer::start);
        match rule.target.ask(&asked) {
            Ok((decision, grant)) => {
                let question = Question {
                    rule,
                    asked: &asked,
                };
                match core.settle(&mut request, &question, decision, Some(grant)) {
                    Ok(()) => {
                        OwnershipFuture::decided(ResponseFuture::inner(self.inner.call(request)))
                    }
                    Err(reason) => {
                        let refused =
                            core.refuse_object(&mut self.inner, request, &question, reason);
                        OwnershipFuture::held(refused, floor.filter(|_| core.holds(reason)))
                    }
                }
            }
            Err(pending) => {
                // The inner service that is ready goes along; what stays behind is asked to be ready again.
                let clone = self.inner.clone();
                let ready = replace(&mut self.inner, clone);
                let call = (ready, request);
                OwnershipFuture::waiting(pending, rule.at, asked, call, &self.core, floor)
            }
        }
    }
}

/// What somebody was asked.
pub(super) struct Question<'a, T> {
    pub(super) rule: &'a Rule<T>,
    pub(super) asked: &'a AccessRequest,
}

impl<T: Ask> Core<T> {
    /// Notes and tells what was decided, and hands over what the handler gets; or why the request is refused.
    #[inline]
    pub(super) fn settle<B>(
        &self,
        request: &mut Request<B>,
        question: &Question<'_, T>,
        decision: Decision,
        grant: Option<T::Grant>,
    ) -> Result<(), OwnershipRefusal> {
        let rule = question.rule;
        if let Some(reason) = OwnershipRefusal::of(decision, rule.manner.reveals) {
            return Err(reason);
        }
        AuthzLedger::note(request.extensions_mut(), LedgerEntry::Allow);
        if let Some(grant) = grant {
            grant.present(request.extensions_mut());
        }
        if decision == Decision::AllowAsAdmin || rule.manner.records_grants {
            head::with_parts(request, |head| {
                self.case(&question.about(), Scene::Head(head))
                    .tell_grant(decision);
            });
        }
        Ok(())
    }

    /// Whether the answer is held back until the floor is reached.
    pub(super) fn holds(&self, reason: OwnershipRefusal) -> bool {
        self.mode == Mode::Enforce && reason.hides()
    }

    /// Refuses what somebody was asked about.
    #[cold]
    pub(super) fn refuse_object<S, B, RB>(
        &self,
        inner: &mut S,
        request: Request<B>,
        question: &Question<'_, T>,
        reason: OwnershipRefusal,
    ) -> ResponseFuture<S::Future, S::Response>
    where
        S: Service<Request<B>, Response = Response<RB>>,
        RB: RejectionBody,
    {
        self.turn_away(inner, request, &question.about(), reason)
    }

    /// Refuses before anybody was asked.
    #[cold]
    fn refuse<S, B, RB>(
        &self,
        inner: &mut S,
        request: Request<B>,
        refused: &Refused<'_, T>,
    ) -> ResponseFuture<S::Future, S::Response>
    where
        S: Service<Request<B>, Response = Response<RB>>,
        RB: RejectionBody,
    {
        let rule = refused.rule;
        let about = About {
            rule,
            action: rule.and_then(|rule| rule.actions.of(request.method())),
            id: refused.id.as_deref(),
            cause: refused.cause.as_deref(),
        };
        self.turn_away(inner, request, &about, refused.reason)
    }

    /// Answers with the refusal, or lets the request pass where the layer only reports.
    #[cold]
    fn turn_away<S, B, RB>(
        &self,
        inner: &mut S,
        mut request: Request<B>,
        about: &About<'_, T>,
        reason: OwnershipRefusal,
    ) -> ResponseFuture<S::Future, S::Response>
    where
        S: Service<Request<B>, Response = Response<RB>>,
        RB: RejectionBody,
    {
        if self.mode == Mode::ReportOnly {
            head::with_parts(&mut request, |head| {
                self.case(about, Scene::Head(head))
                    .report(reason, about.cause);
            });
            // Without a rule of its own it would have passed this layer undecided, too.
            if about.rule.is_some() && reason != OwnershipRefusal::Nested {
                AuthzLedger::note(request.extensions_mut(), LedgerEntry::Exempt);
            }
            return ResponseFuture::inner(inner.call(request));
        }
        let (head, _) = request.into_parts();
        let ledger = AuthzLedger::from_extensions(&head.extensions);
        let case = self.case(about, Scene::Head(&head));
        case.note(reason, about.cause, ledger.as_ref());
        let mut rejection = case.rejection(reason);
        let context = RefusalContext::new(&head);
        rejection.take_over(head);
        rejection.set_reason(reason);
        ResponseFuture::refused(rejection.into_response(&context))
    }

    fn case<'a>(&'a self, about: &About<'a, T>, scene: Scene<'a>) -> Case<'a> {
        Case {
            scene,
            events: &self.events,
            rule: about.rule.and_then(Rule::label),
            action: about.action,
            id: about.id,
            manner: about.rule.map(|rule| rule.manner).unwrap_or_default(),
        }
    }
}

/// What events tell of.
struct About<'a, T> {
    rule: Option<&'a Rule<T>>,
    action: Option<Action>,
    id: Option<&'a str>,
    cause: Option<&'a str>,
}

impl<'a, T> Question<'a, T> {
    fn about(&self) -> About<'a, T> {
        About {
            rule: Some(self.rule),
            action: Some(self.asked.action()),
            id: Some(self.asked.id()),
            cause: None,
        }
    }
}
