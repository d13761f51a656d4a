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
use super::service::{CarriedOut, Question};
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

    /// As [`decided`](Self::decided), held back until the floor is reached where the answer could tell what it must not.
    #[inline]
    pub(super) fn concluded(
        carried_out: CarriedOut<S::Future, S::Response>,
        floor: Option<Timer>,
    ) -> Self {
        Self {
            state: State::of(carried_out, floor),
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
    fn of(carried_out: CarriedOut<F, R>, floor: Option<Timer>) -> Self {
        let CarriedOut { future, hides } = carried_out;
        match floor.filter(|_| hides) {
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
                    let answer = ready!(waiting.poll_decision(cx));
                    // Both are there until this state is left.
                    let Some((mut inner, request)) = waiting.call.take() else {
                        return Poll::Pending;
                    };
                    let Some(rule) = waiting.core.rules.at(waiting.rule) else {
                        return Poll::Pending;
                    };
                    let question = Question {
                        rule,
                        asked: &waiting.asked,
                    };
                    let carried_out = waiting
                        .core
                        .conclude(&mut inner, request, &question, answer);
                    State::of(carried_out, waiting.floor.take())
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
