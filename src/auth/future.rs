//! The future of the service, and what it does to answers.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::CACHE_CONTROL;
use http::{HeaderValue, Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::authenticator::PendingDecision;
use super::check::{Admission, Chosen};
use super::failure::AuthFailure;
use super::layer::Core;
use super::service::carry_out;
use crate::core::{Amend, RejectionBody, ResponseFuture, field};

pin_project! {
    /// The future of [`AuthService`](super::AuthService): refused, waiting for the inner service, or for somebody who is asked about
    /// the credential.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the question too, unless its answer is shared with other requests, such as the fetch of a key set.
    #[must_use = "futures do nothing unless polled"]
    pub struct AuthFuture<S: Service<Request<B>>, B> {
        #[pin]
        state: State<S, B, S::Future, S::Response>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B, F, R> {
        Decided { #[pin] future: ResponseFuture<F, R, AuthAmendment> },
        // In a box of its own, so that a request that is decided at once is not the larger for it.
        Waiting { waiting: Box<Waiting<S, B>> },
    }
}

/// A request whose credential somebody is asked about. Its body is not polled.
struct Waiting<S, B> {
    decision: PendingDecision,
    chosen: Chosen,
    call: Option<(S, Request<B>)>,
    core: Arc<Core>,
}

impl<S, B, RB> AuthFuture<S, B>
where
    S: Service<Request<B>, Response = Response<RB>>,
    RB: RejectionBody,
{
    pub(super) fn passed(future: S::Future) -> Self {
        Self {
            state: State::Decided {
                future: ResponseFuture::maybe_amending(future, None),
            },
        }
    }

    #[inline]
    pub(super) fn decided(
        inner: &mut S,
        request: Request<B>,
        decided: Result<Admission, AuthFailure>,
        core: &Arc<Core>,
    ) -> Self {
        Self {
            state: State::Decided {
                future: carry_out(inner, request, decided, core),
            },
        }
    }

    #[cold]
    pub(super) fn waiting(
        decision: PendingDecision,
        chosen: Chosen,
        inner: S,
        request: Request<B>,
        core: Arc<Core>,
    ) -> Self {
        let waiting = Box::new(Waiting {
            decision,
            chosen,
            call: Some((inner, request)),
            core,
        });
        Self {
            state: State::Waiting { waiting },
        }
    }
}

impl<S, B, RB> Future for AuthFuture<S, B>
where
    S: Service<Request<B>, Response = Response<RB>>,
    RB: RejectionBody,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let future = match state.as_mut().project() {
                StateProjection::Decided { future } => return future.poll(cx),
                StateProjection::Waiting { waiting } => {
                    let Poll::Ready(decided) = Pin::new(&mut waiting.decision).poll(cx) else {
                        return Poll::Pending;
                    };
                    // It is there until this state is left.
                    let Some((mut inner, request)) = waiting.call.take() else {
                        return Poll::Pending;
                    };
                    let decided = waiting.chosen.conclude(decided);
                    carry_out(&mut inner, request, decided, &waiting.core)
                }
            };
            state.set(State::Decided { future });
        }
    }
}

impl<S: Service<Request<B>>, B> fmt::Debug for AuthFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthFuture").finish_non_exhaustive()
    }
}

/// What caches are told of an answer.
pub(super) struct AuthAmendment {
    core: Arc<Core>,
    is_ambient: bool,
}

impl AuthAmendment {
    pub(super) fn new(core: &Arc<Core>, is_ambient: bool) -> Self {
        Self {
            core: Arc::clone(core),
            is_ambient,
        }
    }
}

impl Amend for AuthAmendment {
    fn amend<B>(self, response: &mut Response<B>) {
        const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
        let headers = response.headers_mut();
        self.core.vary.write(headers);
        // Caches know of `Authorization` that an answer is somebody's; of a cookie they do not.
        if self.is_ambient && !headers.contains_key(CACHE_CONTROL) {
            field::set(headers, CACHE_CONTROL, NO_STORE);
        }
    }
}
