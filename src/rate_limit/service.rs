//! The service: carries the decision out.

use std::fmt;
use std::mem::replace;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Extensions, HeaderMap, Method, Request, Response};
use tower_service::Service;

use super::after::{After, Settling};
use super::examine::Core;
use super::future::{Asking, RateLimitFuture};
use super::items::{Kept, Step};
use super::key::KeyHash;
use super::limiter::RateLimiter;
use super::memory::MemoryStore;
use super::notices::{Notices, Told};
use super::set::PolicySet;
use super::shortcut::Short;
use super::standing::RateLimitInfo;
use super::store::{Nanos, Store};
use crate::core::head;
use crate::core::{Loaded, Mode, RejectionBody};

/// The service of [`RateLimitLayer`](super::RateLimitLayer). The [module](crate::rate_limit) has the rules and an example.
pub struct RateLimit<S, St: Store = MemoryStore> {
    inner: S,
    limiter: RateLimiter<St>,
}

impl<S, St: Store> RateLimit<S, St> {
    pub(super) const fn new(inner: S, limiter: RateLimiter<St>) -> Self {
        Self { inner, limiter }
    }
}

impl<S, St, ReqBody, ResBody> Service<Request<ReqBody>> for RateLimit<S, St>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    St: Store,
    ResBody: RejectionBody,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = RateLimitFuture<S, Request<ReqBody>, St>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let core = &self.limiter.core;
        let (headers, extensions) = (request.headers(), request.extensions());
        // Nothing is left to drop when the inner service is called, or its future would be moved once more.
        match core.look(request.method(), headers, extensions) {
            Look::Passes => RateLimitFuture::inner(self.inner.call(request)),
            Look::Tells(after) => RateLimitFuture::amending(self.inner.call(request), Some(after)),
            Look::Begun(begun) => carry_out(&mut self.inner, core, request, begun),
        }
    }
}

/// What a look at a request has led to.
enum Look<'a, St: Store> {
    /// It passes, and that is all that is to be said.
    Passes,
    /// It passes, and the client is told where it stands.
    Tells(After<St>),
    Begun(Begun<'a, St>),
}

/// A decision that is not carried out yet, if it is taken.
struct Begun<'a, St: Store> {
    set: Loaded<'a, PolicySet<St::Counter>>,
    /// `None` if more of the request has to be looked at.
    step: Option<Step<St::Pending>>,
    notices: Notices,
}

/// What is more than to hand the request on.
#[inline(never)]
fn carry_out<S, St, ReqBody, ResBody>(
    inner: &mut S,
    core: &Arc<Core<St>>,
    mut request: Request<ReqBody>,
    begun: Begun<'_, St>,
) -> RateLimitFuture<S, Request<ReqBody>, St>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    St: Store,
    ResBody: RejectionBody,
{
    let Begun {
        set,
        step,
        mut notices,
    } = begun;
    let step = step.unwrap_or_else(|| core.examine_whole(&set, &mut request, &mut notices));
    let now = notices.now;
    if let Some(told) = notices.take() {
        core.tell(&set, &mut request, &told, now);
    }
    match step {
        Step::Pass => RateLimitFuture::inner(inner.call(request)),
        Step::Allowed(kept) => {
            let after = core.after(|| set.to_arc(), kept, &mut request);
            RateLimitFuture::amending(inner.call(request), after)
        }
        Step::Refused(refusal) => {
            RateLimitFuture::refused(core.refuse(&set, &mut request, refusal, now))
        }
        Step::Waiting(waiting, pending) => {
            // The inner service that is ready goes with the request; its clone has to become ready for the next one.
            let clone = inner.clone();
            RateLimitFuture::waiting(Asking {
                core: Arc::clone(core),
                set: set.to_arc(),
                request: Some(request),
                ready: Some(replace(inner, clone)),
                waiting: Some(waiting),
                pending,
                now,
            })
        }
    }
}

impl<St: Store> Core<St> {
    /// Decides about a request as far as a look at its head does.
    fn look(&self, method: &Method, headers: &HeaderMap, extensions: &Extensions) -> Look<'_, St> {
        if self.settings.mode == Mode::Off {
            return Look::Passes;
        }
        let set = self.sets.load();
        match self.shortly(&set, headers, extensions) {
            Short::Passed => Look::Passes,
            Short::Charge(key, now) => self.look_again(set, key, now),
            Short::Nowhere => self.look_closely(set, method, headers, extensions),
        }
    }

    #[inline(never)]
    fn look_again<'a>(
        &'a self,
        set: Loaded<'a, PolicySet<St::Counter>>,
        key: KeyHash,
        now: Nanos,
    ) -> Look<'a, St> {
        let mut notices = Notices::at(now);
        let check = self.check(&set, now);
        match check.charge_alike(key, &mut notices) {
            Step::Pass if notices.is_empty() => Look::Passes,
            Step::Allowed(Kept {
                binding: Some(shown),
                charged,
                ..
            }) if notices.is_empty() && charged.is_empty() => {
                Look::Tells(After::Tell(set.to_arc(), shown))
            }
            step => Look::Begun(Begun {
                set,
                step: Some(step),
                notices,
            }),
        }
    }

    #[inline(never)]
    fn look_closely<'a>(
        &'a self,
        set: Loaded<'a, PolicySet<St::Counter>>,
        method: &Method,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Look<'a, St> {
        let mut notices = Notices::default();
        let step = if set.needs.whole {
            None
        } else {
            match self.examine(&set, method, headers, extensions, &mut notices) {
                Step::Pass if notices.is_empty() => return Look::Passes,
                step => Some(step),
            }
        };
        Look::Begun(Begun { set, step, notices })
    }

    /// Tells a handler where its request stands, and keeps what is to be done with the answer.
    #[inline]
    pub(super) fn after<B>(
        self: &Arc<Self>,
        set: impl FnOnce() -> Arc<PolicySet<St::Counter>>,
        kept: Kept,
        request: &mut Request<B>,
    ) -> Option<After<St>> {
        match kept.binding {
            Some(shown) if kept.charged.is_empty() => Some(After::Tell(set(), shown)),
            _ => self.after_charges(set(), kept, request),
        }
    }

    #[inline(never)]
    fn after_charges<B>(
        self: &Arc<Self>,
        set: Arc<PolicySet<St::Counter>>,
        mut kept: Kept,
        request: &mut Request<B>,
    ) -> Option<After<St>> {
        if self.settings.expose_info {
            let info = RateLimitInfo::of(&set.labels, &kept.charged);
            request.extensions_mut().insert(info);
            kept.charged.retain(|one| {
                let active = set.active.get(one.item.index);
                active.is_some_and(|active| active.needs_answer())
            });
        }
        match kept.binding {
            Some(shown) if kept.charged.is_empty() => Some(After::Tell(set, shown)),
            None if kept.charged.is_empty() => None,
            _ => Some(After::Settle(Box::new(Settling {
                core: Arc::clone(self),
                set,
                kept,
            }))),
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn tell<B>(
        &self,
        set: &PolicySet<St::Counter>,
        request: &mut Request<B>,
        told: &Told,
        now: Nanos,
    ) {
        head::with_parts(request, |parts| {
            self.record(set, Some(parts), told, now);
        });
    }
}

impl<S: Clone, St: Store> Clone for RateLimit<S, St> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.limiter.clone())
    }
}

impl<S: fmt::Debug, St: Store> fmt::Debug for RateLimit<S, St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("inner", &self.inner)
            .field("limiter", &self.limiter)
            .finish()
    }
}
