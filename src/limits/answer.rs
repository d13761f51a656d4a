//! The body of an answer: cut if the handler leaves it standing still.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::timer::{Timer, after, now};
use super::watch::{Handle, LimitsRefusal};
use crate::core::{RejectionBody, is_grpc_type};

type BoxError = Box<dyn Error + Send + Sync>;

pin_project! {
    /// The body of an answer of [`Limits`](super::Limits): that of the handler, or of a refusal. Nothing is boxed but its errors.
    ///
    /// One that stands still for longer than [`answer_idle`](super::LimitsBuilder::answer_idle) ends with the error
    /// [`LimitsRefusal::AnswerStalled`].
    pub struct AnswerBody<B> {
        #[pin]
        state: State<B>,
        #[pin]
        timer: Timer,
        // `None`: nobody looks after it, or not any more.
        handle: Option<Handle>,
        // It stands still for as long as it wants.
        is_stream: bool,
        waits: bool,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<B> {
        Inner { #[pin] body: B },
        Refusal { body: Option<Bytes> },
        Broken,
    }
}

impl<B> AnswerBody<B> {
    #[inline]
    pub(super) fn of(body: B, handle: Option<Handle>) -> Self {
        Self {
            state: State::Inner { body },
            timer: Timer::default(),
            handle,
            is_stream: false,
            waits: false,
        }
    }
}

impl<B> RejectionBody for AnswerBody<B> {
    fn from_bytes(bytes: Bytes) -> Self {
        let body = (!bytes.is_empty()).then_some(bytes);
        Self {
            state: State::Refusal { body },
            timer: Timer::default(),
            handle: None,
            is_stream: false,
            waits: false,
        }
    }
}

impl Handle {
    /// Looks after an answer, unless there is nothing to look after any more.
    #[inline]
    pub(super) fn see_out<B: Body>(mut self, response: Response<B>) -> Response<AnswerBody<B>> {
        let is_over =
            response.body().is_end_stream() || response.status() == StatusCode::SWITCHING_PROTOCOLS;
        let is_stream = !is_over && is_stream(&response);
        if is_stream {
            self.leave();
        }
        // Of a stream it is waited for what its request does meanwhile.
        let is_of_use = !is_over && (!is_stream || self.has_body());
        if is_of_use && !is_stream {
            self.answers();
        }
        let handle = is_of_use.then_some(self);
        response.map(|body| AnswerBody {
            is_stream,
            ..AnswerBody::of(body, handle)
        })
    }
}

/// Whether an answer is of a type that may stand still for as long as it wants.
fn is_stream<B>(response: &Response<B>) -> bool {
    let Some(line) = response.headers().get(CONTENT_TYPE) else {
        return false;
    };
    let line = line.as_bytes();
    let begins = |prefix: &[u8]| {
        let start = line.get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    begins(b"text/event-stream") || begins(b"multipart/x-mixed-replace") || is_grpc_type(line)
}

impl<B> Body for AnswerBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut this = self.project();
        let mut body = match this.state.as_mut().project() {
            StateProjection::Inner { body } => body,
            StateProjection::Refusal { body } => {
                return Poll::Ready(body.take().map(|bytes| Ok(Frame::data(bytes))));
            }
            StateProjection::Broken => return Poll::Ready(None),
        };
        let Some(handle) = this.handle.as_mut() else {
            let frame = ready!(body.poll_frame(cx));
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        };
        handle.is_read();
        match body.as_mut().poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                *this.waits = false;
                // Whoever sends it may wait for the client before it asks for the end, for as long as the client likes.
                if body.is_end_stream() {
                    *this.handle = None;
                }
                return Poll::Ready(Some(Ok(frame)));
            }
            Poll::Ready(last) => {
                *this.handle = None;
                return Poll::Ready(last.map(|frame| frame.map_err(Into::into)));
            }
            Poll::Pending => {}
        }
        let idle = handle.watch().settings().answer_idle;
        if idle == Duration::MAX || *this.is_stream {
            return Poll::Pending;
        }
        if !*this.waits {
            *this.waits = true;
            this.timer.as_mut().set(after(now(), idle));
        }
        ready!(this.timer.poll(cx));
        handle.watch().tell(LimitsRefusal::AnswerStalled);
        let is_cut = handle.watch().is_enforced();
        // In report-only mode it is told once, and nobody looks after it any more.
        *this.handle = None;
        if is_cut {
            this.state.set(State::Broken);
            return Poll::Ready(Some(Err(LimitsRefusal::AnswerStalled.into())));
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        match &self.state {
            State::Inner { body } => body.is_end_stream(),
            State::Refusal { body } => body.is_none(),
            State::Broken => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.state {
            State::Inner { body } => body.size_hint(),
            State::Refusal { body } => {
                let length = body.as_ref().map_or(0, Bytes::len);
                SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
            }
            State::Broken => SizeHint::default(),
        }
    }
}

impl<B> fmt::Debug for AnswerBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.state {
            State::Inner { .. } => "AnswerBody::Inner",
            State::Refusal { .. } => "AnswerBody::Refusal",
            State::Broken => "AnswerBody::Broken",
        })
    }
}
