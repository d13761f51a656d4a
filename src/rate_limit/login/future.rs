//! The future of the service, and what it does to the answer.
#![expect(
    clippy::disallowed_methods,
    reason = "the one box of an attempt that a store is really pending on"
)]

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::SET_COOKIE;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::super::memory::MemoryStore;
use super::super::store::Store;
use super::begin::LoginBegin;
use super::guard::LoginGuard;
use super::layer::{Settings, Told};
use super::refusal::LoginRefusal;
use super::service::with_pressure;
use crate::core::{AbuseKind, AbuseSignal, Amend, Refused, RejectionBody, ResponseFuture, field};

pin_project! {
    /// The future of [`LoginService`](super::LoginService): refused, or waiting for the answer that says what came of the attempt.
    ///
    /// Dropping it makes the attempt a failure.
    #[must_use = "futures do nothing unless polled"]
    pub struct LoginFuture<S: Service<Request<B>>, B, St: Store = MemoryStore> {
        #[pin]
        state: State<S, B, St, S::Future, S::Response>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B, St: Store, F, R> {
        Decided { #[pin] future: ResponseFuture<F, R, LoginAmendment<St>> },
        // In a box of its own, so that an attempt that is decided at once is not the larger for it.
        Waiting { waiting: Pin<Box<Waiting<S, B, St>>> },
    }
}

pin_project! {
    /// An attempt that the store is being asked about.
    struct Waiting<S, B, St: Store> {
        #[pin]
        begin: LoginBegin<St>,
        call: Option<(S, Request<B>)>,
        core: Arc<Settings<St>>,
    }
}

/// Hears of the outcome of an attempt from the head of its answer.
pub(super) struct LoginAmendment<St: Store> {
    guard: LoginGuard<St>,
    core: Arc<Settings<St>>,
}

impl<St: Store> Amend for LoginAmendment<St> {
    fn amend<B>(self, response: &mut Response<B>) {
        let told = self.core.told(response);
        if told == Told::Success {
            if let Some(cookie) = self.guard.success() {
                field::add(response.headers_mut(), SET_COOKIE, cookie);
            }
            return;
        }
        let is_spray = self.guard.fail();
        let kind = match told {
            _ if is_spray => AbuseKind::Spray,
            Told::Failure => AbuseKind::AuthFailed,
            // A fault of the server is no abuse, even if it counts.
            Told::Success | Told::Unknown => return,
        };
        let extensions = response.extensions_mut();
        let is_signed = extensions.get::<AbuseSignal>().is_some()
            || extensions
                .get::<Refused>()
                .and_then(Refused::abuse)
                .is_some();
        if is_spray || !is_signed {
            extensions.insert(AbuseSignal(kind));
        }
    }
}

impl<S, B, RB, St> LoginFuture<S, B, St>
where
    S: Service<Request<B>, Response = Response<RB>>,
    RB: RejectionBody,
    St: Store,
{
    pub(super) fn decided(
        inner: &mut S,
        request: Request<B>,
        outcome: Result<LoginGuard<St>, LoginRefusal>,
        core: &Arc<Settings<St>>,
    ) -> Self {
        Self {
            state: State::Decided {
                future: carried_out(inner, request, outcome, core),
            },
        }
    }

    pub(super) fn waiting(
        begin: LoginBegin<St>,
        inner: S,
        request: Request<B>,
        core: Arc<Settings<St>>,
    ) -> Self {
        let waiting = Box::pin(Waiting {
            begin,
            call: Some((inner, request)),
            core,
        });
        Self {
            state: State::Waiting { waiting },
        }
    }
}

fn carried_out<S, B, RB, St>(
    inner: &mut S,
    request: Request<B>,
    outcome: Result<LoginGuard<St>, LoginRefusal>,
    core: &Arc<Settings<St>>,
) -> ResponseFuture<S::Future, S::Response, LoginAmendment<St>>
where
    S: Service<Request<B>, Response = Response<RB>>,
    RB: RejectionBody,
    St: Store,
{
    match outcome {
        Ok(guard) => {
            let request = with_pressure(request, guard.pressure());
            let core = Arc::clone(core);
            ResponseFuture::amending(inner.call(request), LoginAmendment { guard, core })
        }
        Err(refusal) => {
            let (head, _) = request.into_parts();
            let bodies = &core.throttle.core().bodies;
            ResponseFuture::refused(refusal.answer(head, bodies))
        }
    }
}

impl<S, B, RB, St> Future for LoginFuture<S, B, St>
where
    S: Service<Request<B>, Response = Response<RB>>,
    RB: RejectionBody,
    St: Store,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let future = match state.as_mut().project() {
                StateProjection::Decided { future } => return future.poll(cx),
                StateProjection::Waiting { waiting } => {
                    let waiting = waiting.as_mut().project();
                    let outcome = match waiting.begin.poll(cx) {
                        Poll::Ready(outcome) => outcome,
                        Poll::Pending => return Poll::Pending,
                    };
                    // It is there until this state is left.
                    let Some((mut inner, request)) = waiting.call.take() else {
                        return Poll::Pending;
                    };
                    carried_out(&mut inner, request, outcome, waiting.core)
                }
            };
            state.set(State::Decided { future });
        }
    }
}

impl<S: Service<Request<B>>, B, St: Store> fmt::Debug for LoginFuture<S, B, St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginFuture").finish_non_exhaustive()
    }
}
