//! The future of the service.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Response;
use pin_project_lite::pin_project;

use super::answer::{Answer, stripped, with_signal};
use super::layer::{Core, UndecidedErrors};
use super::scene::Scene;
use crate::core::{
    AuthzFault, AuthzLedger, EventName, Level, Mode, Outcome, RefusalContext, Rejection,
    RejectionBody, SecurityEvent,
};

pin_project! {
    /// The future of [`Tripwire`](super::Tripwire).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it drops the inner service's future: there is no answer to judge.
    #[must_use = "futures do nothing unless polled"]
    pub struct TripwireFuture<F> {
        #[pin]
        future: F,
        watch: Option<Watch>,
    }
}

/// What is kept of a request until its answer is there.
pub(super) struct Watch {
    pub(super) core: Arc<Core>,
    pub(super) ledger: AuthzLedger,
    pub(super) context: RefusalContext,
    pub(super) scene: Scene,
}

impl<F> TripwireFuture<F> {
    #[inline]
    pub(super) const fn new(future: F, watch: Option<Watch>) -> Self {
        Self { future, watch }
    }
}

impl<F, B, E> Future for TripwireFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: RejectionBody,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        // Looked at in place: to move a response costs as much as a layer does.
        let mut output = this.future.poll(cx);
        if let Poll::Ready(Ok(response)) = &mut output
            && let Some(watch) = this.watch.take()
        {
            watch.judge(response);
        }
        output
    }
}

impl Watch {
    fn judge<B: RejectionBody>(&self, response: &mut Response<B>) {
        match Answer::of(response, &self.context) {
            Answer::Refusal => {}
            Answer::Success => {
                if let Some(fault) = self.ledger.fault() {
                    self.refuse(fault, response);
                }
            }
            Answer::Error(status) => {
                if self.strips() {
                    self.strip(response, Rejection::uniform(status));
                }
            }
            Answer::GrpcError(code) => {
                if self.strips() {
                    self.strip(response, Rejection::uniform_grpc(code));
                } else if self.is_unauthorized() && self.core.mode == Mode::Enforce {
                    // It has no messages, whatever a client would make of some.
                    *response.body_mut() = B::empty();
                }
            }
        }
    }

    /// Whether its text is about what nobody has allowed: nobody was asked, or somebody has said no.
    fn is_unauthorized(&self) -> bool {
        self.ledger.fault().is_some()
    }

    fn strips(&self) -> bool {
        self.is_unauthorized()
            && self.core.mode == Mode::Enforce
            && self.core.undecided_errors == UndecidedErrors::Strip
    }

    #[cold]
    fn refuse<B: RejectionBody>(&self, fault: AuthzFault, response: &mut Response<B>) {
        self.tell(fault);
        if self.core.mode == Mode::Enforce {
            let rejection = with_signal(response, fault.rejection());
            *response = rejection.into_response(&self.context);
        }
    }

    #[cold]
    fn strip<B: RejectionBody>(&self, response: &mut Response<B>, uniform: Rejection) {
        *response = stripped(response, uniform).into_response(&self.context);
    }

    fn tell(&self, fault: AuthzFault) {
        const NAME: EventName = EventName::AuthzFail;
        let outcome = match self.core.mode {
            Mode::Enforce => Outcome::Fault,
            Mode::ReportOnly | Mode::Off => Outcome::WouldRefuse,
        };
        let shared = self.context.shared();
        let events = &self.core.events;
        events.emit(shared, NAME, Level::Critical, || {
            let mut event = SecurityEvent::new(NAME, "authorize", fault.code()).outcome(outcome);
            event.request_id = self.context.request_id();
            self.scene.describe(event)
        });
    }
}

impl<F> fmt::Debug for TripwireFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TripwireFuture").finish_non_exhaustive()
    }
}
