//! The future: read, decide, call.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::body::{Collector, GuardedBody, Read, Verdict};
use super::content_type::BodyClass;
use super::decide::Handed;
use super::layer::Core;
use super::rule_set::RuleSet;
use crate::core::{RejectionBody, ResponseFuture};

pin_project! {
    /// The future of [`SanitizeService`](super::SanitizeService).
    ///
    /// # Cancel safety
    ///
    /// Dropped while it reads, it drops what it has read: the inner service was not called.
    #[must_use = "futures do nothing unless polled"]
    pub struct SanitizeFuture<S: Service<Request<GuardedBody<B>>>, B> {
        #[pin]
        state: State<S, B, S::Future, S::Response>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B, F, R> {
        Decided { #[pin] future: ResponseFuture<F, R> },
        Reading { #[pin] body: Collector<B>, reading: Option<Reading<S>>, core: Arc<Core> },
        Watching { #[pin] future: F, watch: Option<Box<Watch>> },
    }
}

/// A request whose body is being read.
pub(super) struct Reading<S> {
    pub(super) inner: S,
    pub(super) head: Parts,
    pub(super) class: BodyClass,
    /// What its head broke.
    pub(super) reported: RuleSet,
}

/// A request whose body is checked while the handler reads it.
pub(super) struct Watch {
    pub(super) verdict: Arc<Verdict>,
    /// A copy: the handler has the other.
    pub(super) head: Parts,
    pub(super) core: Arc<Core>,
}

impl Watch {
    /// The answer of the handler, or the refusal that takes its place.
    fn finish<RB: RejectionBody, E>(
        self,
        output: Result<Response<RB>, E>,
    ) -> Result<Response<RB>, E> {
        match self.verdict.get() {
            Some(Err(violation)) => Ok(self.core.refused(self.head, violation.clone())),
            Some(Ok(reported)) => {
                if !reported.is_empty() {
                    self.core.tell_of(&self.head, *reported, None);
                }
                output
            }
            // It was not read to its end.
            None => output,
        }
    }
}

impl<S: Service<Request<GuardedBody<B>>>, B> SanitizeFuture<S, B> {
    #[inline]
    pub(super) const fn watching(future: S::Future, watch: Box<Watch>) -> Self {
        Self {
            state: State::Watching {
                future,
                watch: Some(watch),
            },
        }
    }

    #[inline]
    pub(super) const fn decided(future: ResponseFuture<S::Future, S::Response>) -> Self {
        Self {
            state: State::Decided { future },
        }
    }

    #[inline]
    pub(super) const fn reading(body: Collector<B>, reading: Reading<S>, core: Arc<Core>) -> Self {
        Self {
            state: State::Reading {
                body,
                reading: Some(reading),
                core,
            },
        }
    }
}

impl<S, B, RB> Future for SanitizeFuture<S, B>
where
    S: Service<Request<GuardedBody<B>>, Response = Response<RB>>,
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    RB: RejectionBody,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::Decided { future } => return future.poll(cx),
                StateProjection::Reading {
                    mut body,
                    reading,
                    core,
                } => {
                    let read = ready!(body.as_mut().poll_read(cx, core.body.limit));
                    // It is there until this state is left.
                    let Some(reading) = reading.take() else {
                        return Poll::Pending;
                    };
                    reading.finish(core, body, read)
                }
                StateProjection::Watching { future, watch } => {
                    let output = ready!(future.poll(cx));
                    return Poll::Ready(match watch.take() {
                        Some(watch) => watch.finish(output),
                        None => output,
                    });
                }
            };
            state.set(State::Decided { future: next });
        }
    }
}

impl<S> Reading<S> {
    /// Decides over what was read, and calls the inner service or refuses.
    fn finish<B, RB>(
        self,
        core: &Core,
        mut body: Pin<&mut Collector<B>>,
        read: Read,
    ) -> ResponseFuture<S::Future, S::Response>
    where
        S: Service<Request<GuardedBody<B>>, Response = Response<RB>>,
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
        RB: RejectionBody,
    {
        let Self {
            mut inner,
            mut head,
            class,
            reported,
        } = self;
        let (front, trailers) = body.as_mut().take_store().finish();
        let body = match read {
            Read::Whole => match core.decide(&mut head, &class, front, trailers, reported) {
                Ok(Handed { body, trailers }) => GuardedBody::replay(body, trailers),
                Err(violation) => return ResponseFuture::refused(core.refused(head, violation)),
            },
            Read::TooLong => match body.take_rest() {
                Some(rest) => {
                    core.note_too_long(&mut head, reported);
                    GuardedBody::chain(front, rest)
                }
                None => return ResponseFuture::refused(core.refused_too_long(head)),
            },
            Read::Failed(error) => match core.settle_failure(&mut head, &*error, reported) {
                Ok(()) => GuardedBody::broken(front, error),
                Err(status) => {
                    return ResponseFuture::refused(core.refused_unreadable(head, status));
                }
            },
        };
        ResponseFuture::inner(inner.call(Request::from_parts(head, body)))
    }
}

impl<S: Service<Request<GuardedBody<B>>>, B> fmt::Debug for SanitizeFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SanitizeFuture").finish_non_exhaustive()
    }
}
