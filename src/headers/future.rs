//! The future. Not the shared one: this layer refuses nothing, and needs no room for a refusal.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Response;
use pin_project_lite::pin_project;

use super::apply::Plan;
use super::check::Notes;

pin_project! {
    /// The future of [`SecurityHeaders`](super::SecurityHeaders): the inner one, then the headers. Nothing is boxed.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        // `None` in `Mode::Off`.
        plan: Option<Arc<Plan>>,
        notes: Notes,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) const fn new(inner: F, plan: Arc<Plan>, notes: Notes) -> Self {
        Self {
            inner,
            plan: Some(plan),
            notes,
        }
    }

    pub(super) fn untouched(inner: F) -> Self {
        Self {
            inner,
            plan: None,
            notes: Notes::default(),
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut output = this.inner.poll(cx);
        // In place: to move a response costs as much as a small layer does.
        if let Poll::Ready(Ok(response)) = &mut output
            && let Some(plan) = this.plan
        {
            plan.amend(response, *this.notes);
        }
        output
    }
}
