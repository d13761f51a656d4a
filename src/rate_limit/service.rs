//! The service: carries the decision out.

use std::fmt;
use std::mem::replace;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::after::After;
use super::answer::Speaks;
use super::check::{Kept, Step};
use super::future::RateLimitFuture;
use super::lend;
use super::limiter::{Core, RateLimiter};
use super::memory::MemoryStore;
use super::notices::Notices;
use super::refusal::Refusal;
use super::set::PolicySet;
use super::store::{Nanos, Store};
use super::verdict::RateLimitInfo;
use crate::core::{Mode, RefusalContext, RejectionBody};

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

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let core = &self.limiter.core;
        if core.settings.mode == Mode::Off {
            return RateLimitFuture::inner(self.inner.call(request));
        }
        let set = core.sets.load();
        let mut notices = Notices::default();
        let step = core.examine(&set, &mut request, &mut notices);
        let now = notices.now;
        if !notices.is_empty() {
            core.tell(&set, &mut request, notices);
        }
        match step {
            Step::Pass => RateLimitFuture::inner(self.inner.call(request)),
            Step::Allowed(kept) => {
                let after = core.after(set.to_arc(), kept, &mut request);
                RateLimitFuture::amending(self.inner.call(request), after)
            }
            Step::Refused(refusal) => {
                RateLimitFuture::refused(core.refuse(&set, request, refusal, now))
            }
            Step::Waiting(waiting, pending) => {
                let set = set.to_arc();
                // The inner service that is ready goes with the request; its clone has to become ready for the next one.
                let clone = self.inner.clone();
                let ready = replace(&mut self.inner, clone);
                RateLimitFuture::waiting(
                    Arc::clone(core),
                    set,
                    request,
                    ready,
                    waiting,
                    pending,
                    now,
                )
            }
        }
    }
}

impl<St: Store> Core<St> {
    /// Tells a handler where its request stands, and keeps what is to be done with the answer.
    pub(super) fn after<B>(
        self: &Arc<Self>,
        set: Arc<PolicySet<St::Counter>>,
        mut kept: Kept,
        request: &mut Request<B>,
    ) -> Option<Box<After<St>>> {
        if self.settings.expose_info {
            let info = RateLimitInfo::of(&set.labels, &kept.charged);
            request.extensions_mut().insert(info);
            kept.charged.retain(|one| {
                let active = set.active.get(one.item.index);
                active.is_some_and(|active| active.needs_answer())
            });
        }
        let is_needed = kept.binding.is_some() || !kept.charged.is_empty();
        is_needed.then(|| {
            Box::new(After {
                core: Arc::clone(self),
                set,
                kept,
            })
        })
    }

    #[cold]
    #[inline(never)]
    pub(super) fn tell<B>(
        &self,
        set: &PolicySet<St::Counter>,
        request: &mut Request<B>,
        notices: Notices,
    ) {
        lend::with_parts(request, |parts| {
            self.teller
                .tell(Some(parts), notices, &set.labels, &self.proxies);
        });
    }

    #[inline(never)]
    pub(super) fn refuse<ReqBody, ResBody: RejectionBody>(
        &self,
        set: &PolicySet<St::Counter>,
        request: Request<ReqBody>,
        refusal: Refusal,
        now: Nanos,
    ) -> Response<ResBody> {
        let (head, _) = request.into_parts();
        self.teller.refused(Some(&head), &refusal, &set.labels, now);
        let context = RefusalContext::new(&head);
        let speaks = if context.is_grpc() {
            Speaks::Grpc
        } else {
            Speaks::Http
        };
        let (limited, rejection) = self.rejection(set, refusal, Some(head), now, speaks);
        rejection.reason(limited).into_response(&context)
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
