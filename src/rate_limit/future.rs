//! The future of the service: the shared one, and before it the wait for a store that has to ask somebody else.
#![expect(
    clippy::disallowed_methods,
    reason = "the pending call of a store is boxed together with the request that waits for it"
)]

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::after::After;
use super::check::Check;
use super::examine::Core;
use super::items::{Step, Waiting};
use super::memory::MemoryStore;
use super::notices::Notices;
use super::set::PolicySet;
use super::store::{Nanos, Store};
use crate::core::{RejectionBody, ResponseFuture};

pin_project! {
    /// The future of [`RateLimit`](super::RateLimit).
    ///
    /// With a store that answers at once nothing is boxed. Dropping it drops the request and the inner future; what was charged stays
    /// charged.
    #[must_use = "futures do nothing unless polled"]
    pub struct RateLimitFuture<S, Req, St: Store = MemoryStore>
    where
        S: Service<Req>,
    {
        #[pin]
        state: State<S, Req, St>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, Req, St: Store>
    where
        S: Service<Req>,
    {
        Decided { #[pin] future: ResponseFuture<S::Future, S::Response, After<St>> },
        Asking { asking: Pin<Box<Asking<S, Req, St>>> },
    }
}

pin_project! {
    /// A request that waits for the store.
    pub(super) struct Asking<S, Req, St: Store> {
        pub(super) core: Arc<Core<St>>,
        pub(super) set: Arc<PolicySet<St::Counter>>,
        // Both are there until the inner service is called.
        pub(super) request: Option<Req>,
        pub(super) ready: Option<S>,
        pub(super) waiting: Option<Box<Waiting>>,
        #[pin]
        pub(super) pending: St::Pending,
        pub(super) now: Nanos,
    }
}

impl<S, Req, St> RateLimitFuture<S, Req, St>
where
    S: Service<Req>,
    St: Store,
{
    #[inline]
    pub(super) fn inner(future: S::Future) -> Self {
        Self::amending(future, None)
    }

    #[inline]
    pub(super) fn amending(future: S::Future, after: Option<After<St>>) -> Self {
        Self {
            state: State::Decided {
                future: ResponseFuture::maybe_amending(future, after),
            },
        }
    }

    #[inline]
    pub(super) fn refused(response: S::Response) -> Self {
        Self {
            state: State::Decided {
                future: ResponseFuture::refused(response),
            },
        }
    }

    pub(super) fn waiting(asking: Asking<S, Req, St>) -> Self {
        Self {
            state: State::Asking {
                asking: Box::pin(asking),
            },
        }
    }
}

impl<S, ReqBody, ResBody, St> Asking<S, Request<ReqBody>, St>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: RejectionBody,
    St: Store,
{
    /// Waits for the store and decides. The inner service is called at most once, and not before.
    fn poll_decision(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<ResponseFuture<S::Future, S::Response, After<St>>>> {
        loop {
            let mut this = self.as_mut().project();
            let answer = ready!(this.pending.as_mut().poll(cx));
            let (Some(waiting), Some(mut request)) = (this.waiting.take(), this.request.take())
            else {
                return Poll::Ready(None);
            };
            let core = &**this.core;
            let mut notices = Notices::at(*this.now);
            let check = Check {
                core,
                set: this.set,
                now: *this.now,
                keeps_all: core.settings.expose_info,
            };
            let step = check.resume(waiting, answer, &mut notices);
            if let Some(told) = notices.take() {
                core.tell(this.set, &mut request, &told, *this.now);
            }
            let after = match step {
                Step::Pass => None,
                Step::Allowed(kept) => this.core.after(|| Arc::clone(this.set), kept, &mut request),
                Step::Refused(refusal) => {
                    let response = core.refuse(this.set, &mut request, refusal, *this.now);
                    return Poll::Ready(Some(ResponseFuture::refused(response)));
                }
                Step::Waiting(waiting, pending) => {
                    *this.waiting = Some(waiting);
                    *this.request = Some(request);
                    this.pending.set(pending);
                    continue;
                }
            };
            let called = this
                .ready
                .take()
                .map(|mut ready| ResponseFuture::maybe_amending(ready.call(request), after));
            return Poll::Ready(called);
        }
    }
}

impl<S, ReqBody, ResBody, St> Future for RateLimitFuture<S, Request<ReqBody>, St>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: RejectionBody,
    St: Store,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let future = match state.as_mut().project() {
                StateProjection::Decided { future } => return future.poll(cx),
                StateProjection::Asking { asking } => ready!(asking.as_mut().poll_decision(cx)),
            };
            // It is there: the state is left as soon as the decision is taken.
            let Some(future) = future else {
                return Poll::Pending;
            };
            state.set(State::Decided { future });
        }
    }
}

impl<S, Req, St> fmt::Debug for RateLimitFuture<S, Req, St>
where
    S: Service<Req>,
    St: Store,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Decided { .. } => "RateLimitFuture(decided)",
            State::Asking { .. } => "RateLimitFuture(asking)",
        })
    }
}
