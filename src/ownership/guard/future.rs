//! The future of the service.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::ask::{Ask, Policies};
use super::layer::Core;
use super::service::Question;
use super::timer::Timer;
use crate::core::{RejectionBody, ResponseFuture};
use crate::ownership::{AccessRequest, Decision};

pin_project! {
    /// The future of [`OwnershipService`](super::OwnershipService): refused, waiting for the inner service, or for who decides.
    ///
    /// # Cancel safety
    ///
    /// Dropped while somebody decides, it drops that question and the request: the inner service was not called, and nothing is noted.
    #[must_use = "futures do nothing unless polled"]
    pub struct OwnershipFuture<S: Service<Request<B>>, B, T: Ask = Policies> {
        #[pin]
        state: State<S, B, T, S::Future, S::Response>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B, T: Ask, F, R> {
        Decided { #[pin] future: ResponseFuture<F, R> },
        // Each in a box of its own, so that a request that is decided at once is not the larger for it.
        Waiting { waiting: Box<Waiting<S, B, T>> },
        Held { #[pin] future: ResponseFuture<F, R>, floor: Timer },
    }
}

/// A request that somebody decides about. Its body is not polled.
struct Waiting<S, B, T: Ask> {
    pending: T::Pending,
    timeout: Option<Timer>,
    floor: Option<Timer>,
    /// The place of the rule.
    rule: usize,
    asked: AccessRequest,
    call: Option<(S, Request<B>)>,
    core: Arc<Core<T>>,
}

impl<S, B, RB, T> OwnershipFuture<S, B, T>
where
    S: Service<Request<B>, Response = Response<RB>>,
    RB: RejectionBody,
    T: Ask,
{
    #[inline]
    pub(super) fn decided(future: ResponseFuture<S::Future, S::Response>) -> Self {
        Self {
            state: State::Decided { future },
        }
    }

    /// As [`decided`](Self::decided), not before the floor is reached.
    #[inline]
    pub(super) fn held(
        future: ResponseFuture<S::Future, S::Response>,
        floor: Option<Timer>,
    ) -> Self {
        Self {
            state: State::held(future, floor),
        }
    }

    #[cold]
    pub(super) fn waiting(
        pending: T::Pending,
        rule: usize,
        asked: AccessRequest,
        call: (S, Request<B>),
        core: &Arc<Core<T>>,
        floor: Option<Timer>,
    ) -> Self {
        let waiting = Box::new(Waiting {
            pending,
            timeout: core.timeout.map(Timer::start),
            floor,
            rule,
            asked,
            call: Some(call),
            core: Arc::clone(core),
        });
        Self {
            state: State::Waiting { waiting },
        }
    }
}

impl<S, B, T: Ask, F, R> State<S, B, T, F, R> {
    fn held(future: ResponseFuture<F, R>, floor: Option<Timer>) -> Self {
        match floor {
            Some(floor) => Self::Held { future, floor },
            None => Self::Decided { future },
        }
    }
}

impl<S, B, T: Ask> Waiting<S, B, T> {
    /// The decision. Out of time, nobody can tell.
    fn poll_decision(&mut self, cx: &mut Context<'_>) -> Poll<(Decision, Option<T::Grant>)> {
        if let Poll::Ready((decision, grant)) = Pin::new(&mut self.pending).poll(cx) {
            return Poll::Ready((decision, Some(grant)));
        }
        match &mut self.timeout {
            Some(timeout) => timeout.poll(cx).map(|()| (Decision::Unavailable, None)),
            None => Poll::Pending,
        }
    }
}

impl<S, B, RB, T> Future for OwnershipFuture<S, B, T>
where
    S: Service<Request<B>, Response = Response<RB>>,
    RB: RejectionBody,
    T: Ask,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::Decided { future } => return future.poll(cx),
                StateProjection::Held { future, floor } => {
                    ready!(floor.poll(cx));
                    return future.poll(cx);
                }
                StateProjection::Waiting { waiting } => {
                    let (decision, grant) = ready!(waiting.poll_decision(cx));
                    // Both are there until this state is left.
                    let Some((mut inner, mut request)) = waiting.call.take() else {
                        return Poll::Pending;
                    };
                    let core = &*waiting.core;
                    let Some(rule) = core.rules.at(waiting.rule) else {
                        return Poll::Pending;
                    };
                    let question = Question {
                        rule,
                        asked: &waiting.asked,
                    };
                    match core.settle(&mut request, &question, decision, grant) {
                        Ok(()) => State::Decided {
                            future: ResponseFuture::inner(inner.call(request)),
                        },
                        Err(reason) => {
                            let refused =
                                core.refuse_object(&mut inner, request, &question, reason);
                            State::held(
                                refused,
                                waiting.floor.take().filter(|_| core.holds(reason)),
                            )
                        }
                    }
                }
            };
            state.set(next);
        }
    }
}

impl<S: Service<Request<B>>, B, T: Ask> fmt::Debug for OwnershipFuture<S, B, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnershipFuture").finish_non_exhaustive()
    }
}
