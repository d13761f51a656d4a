//! The service: carries the decision out.

use std::fmt;
use std::mem::{ManuallyDrop, replace};
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::after::{After, Settling};
use super::examine::Core;
use super::future::{Asking, RateLimitFuture};
use super::items::{Kept, Step};
use super::limiter::RateLimiter;
use super::memory::MemoryStore;
use super::notices::{Notices, Told};
use super::set::PolicySet;
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
        if core.settings.mode == Mode::Off {
            return RateLimitFuture::inner(self.inner.call(request));
        }
        let set = core.sets.load();
        let mut notices = Notices::default();
        if set.needs.whole {
            return carry_out(&mut self.inner, core, &set, request, None, notices);
        }
        let (headers, extensions) = (request.headers(), request.extensions());
        let step = core.examine(&set, request.method(), headers, extensions, &mut notices);
        // A step that lets pass holds nothing; the look at what else would have to be dropped is spared.
        let step = ManuallyDrop::new(step);
        if matches!(*step, Step::Pass) && notices.is_empty() {
            return RateLimitFuture::inner(self.inner.call(request));
        }
        let step = Some(ManuallyDrop::into_inner(step));
        carry_out(&mut self.inner, core, &set, request, step, notices)
    }
}

/// What is more than to hand the request on.
#[inline(never)]
fn carry_out<S, St, ReqBody, ResBody>(
    inner: &mut S,
    core: &Arc<Core<St>>,
    set: &Loaded<'_, PolicySet<St::Counter>>,
    mut request: Request<ReqBody>,
    step: Option<Step<St::Pending>>,
    mut notices: Notices,
) -> RateLimitFuture<S, Request<ReqBody>, St>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    St: Store,
    ResBody: RejectionBody,
{
    let step = step.unwrap_or_else(|| core.examine_whole(set, &mut request, &mut notices));
    let now = notices.now;
    if let Some(told) = notices.take() {
        core.tell(set, &mut request, &told, now);
    }
    match step {
        Step::Pass => RateLimitFuture::inner(inner.call(request)),
        Step::Allowed(kept) => {
            let after = core.after(|| set.to_arc(), kept, &mut request);
            RateLimitFuture::amending(inner.call(request), after)
        }
        Step::Refused(refusal) => {
            RateLimitFuture::refused(core.refuse(set, &mut request, refusal, now))
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
