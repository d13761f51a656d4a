//! The body: watched until it has ended.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::check::{Seen, strip};
use super::grpc::{fault, mask};
use super::watch::{BODY_ERROR, BODY_PANIC, Watch, caught};
use super::web::Frames;
use crate::core::{Mode, RejectionBody};

pin_project! {
    /// The service's body, or the one that has taken its place. Made by [`ErrorMask`](super::ErrorMask).
    ///
    /// A panic of the service's body ends it with an error, so that nobody takes what has come for the whole; trailers of gRPC say
    /// nothing internal. Nothing is boxed but what is needed to read the frames of gRPC-Web.
    #[derive(Debug)]
    pub struct MaskedBody<B> {
        #[pin]
        state: State<B>,
        // `None`: nobody watches, and panics unwind.
        watch: Option<Watch>,
        form: Form,
    }

    impl<B> PinnedDrop for MaskedBody<B> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Some(watch) = this.watch {
                watch.end(this.state.as_mut(), State::Ended);
            }
        }
    }
}

pin_project! {
    #[project = StateProjection]
    #[derive(Debug)]
    enum State<B> {
        Inner { #[pin] body: B },
        Own { body: Option<Bytes> },
        Ended,
        Broken,
    }
}

/// Where the trailers of a body are.
#[derive(Debug)]
pub(super) enum Form {
    /// Not looked for, but trailers of gRPC are known by their names.
    Http,
    /// In its trailers, where a status has to be.
    Grpc,
    /// In its last frame.
    GrpcWeb(Box<Frames>),
}

impl<B> MaskedBody<B> {
    /// Without a watch everything is handed on.
    #[inline]
    pub(super) const fn new(body: B, watch: Option<Watch>, form: Form) -> Self {
        Self {
            state: State::Inner { body },
            watch,
            form,
        }
    }

    pub(super) const fn unwatched(body: B) -> Self {
        Self::new(body, None, Form::Http)
    }
}

impl<B> RejectionBody for MaskedBody<B> {
    fn from_bytes(bytes: Bytes) -> Self {
        let body = (!bytes.is_empty()).then_some(bytes);
        Self {
            state: State::Own { body },
            watch: None,
            form: Form::Http,
        }
    }
}

impl Watch {
    /// Drops the service's body where it lies; a panic in that is told.
    fn end<B>(&self, mut state: Pin<&mut State<B>>, with: State<B>) {
        if let Err(payload) = caught(|| state.set(with)) {
            self.panicked(BODY_PANIC, payload);
        }
    }

    /// Trailers as clients may see them.
    fn amend_trailers(&self, trailers: &mut HeaderMap, form: &Form) {
        if self.core.mode == Mode::Enforce {
            strip(trailers, Seen::of(trailers, &self.core), &self.core);
        }
        if let Some(fault) = fault(trailers, matches!(form, Form::Grpc)) {
            mask(trailers, self, fault);
        }
    }
}

impl<B> Body for MaskedBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: fmt::Debug,
{
    type Data = Bytes;
    type Error = MaskedBodyError<B::Error>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let mut this = self.project();
        loop {
            let body = match this.state.as_mut().project() {
                StateProjection::Inner { body } => body,
                StateProjection::Own { body } => {
                    return Poll::Ready(body.take().map(|bytes| Ok(Frame::data(bytes))));
                }
                StateProjection::Ended | StateProjection::Broken => return Poll::Ready(None),
            };
            let Some(watch) = &*this.watch else {
                let polled = body.poll_frame(cx);
                return polled.map_err(MaskedBodyError::Inner);
            };
            match caught(|| body.poll_frame(cx)) {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(Some(Ok(frame)))) => {
                    if let Some(frame) = pass(frame, watch, this.form) {
                        return Poll::Ready(Some(Ok(frame)));
                    }
                }
                Ok(Poll::Ready(None)) => {
                    watch.end(this.state.as_mut(), State::Ended);
                    let held = match this.form {
                        Form::GrpcWeb(frames) => frames.end(),
                        Form::Http | Form::Grpc => None,
                    };
                    return Poll::Ready(held.map(|bytes| Ok(Frame::data(bytes))));
                }
                Ok(Poll::Ready(Some(Err(error)))) => {
                    watch.failed(BODY_ERROR, &error);
                    watch.end(this.state.as_mut(), State::Broken);
                    return Poll::Ready(Some(Err(MaskedBodyError::Inner(error))));
                }
                Err(payload) => {
                    watch.panicked(BODY_PANIC, payload);
                    watch.end(this.state.as_mut(), State::Broken);
                    return Poll::Ready(Some(Err(MaskedBodyError::Panicked)));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.state {
            State::Inner { body } => match &self.watch {
                None => body.is_end_stream(),
                // One that cannot say is asked for its frames.
                Some(watch) => caught(|| body.is_end_stream()).unwrap_or_else(|payload| {
                    watch.panicked(BODY_PANIC, payload);
                    false
                }),
            },
            State::Own { body } => body.is_none(),
            State::Ended => true,
            State::Broken => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.state {
            // Its last frame may become shorter.
            State::Inner { .. } if matches!(self.form, Form::GrpcWeb(_)) => SizeHint::default(),
            State::Inner { body } => match &self.watch {
                None => body.size_hint(),
                Some(watch) => caught(|| body.size_hint()).unwrap_or_else(|payload| {
                    watch.panicked(BODY_PANIC, payload);
                    SizeHint::default()
                }),
            },
            State::Own { body } => {
                SizeHint::with_exact(body.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            State::Ended | State::Broken => SizeHint::default(),
        }
    }
}

/// A frame as clients may see it; `None` if there is nothing to send yet.
fn pass(mut frame: Frame<Bytes>, watch: &Watch, form: &mut Form) -> Option<Frame<Bytes>> {
    if let Some(trailers) = frame.trailers_mut() {
        watch.amend_trailers(trailers, form);
        return Some(frame);
    }
    let Form::GrpcWeb(frames) = form else {
        return Some(frame);
    };
    match frame.into_data() {
        Ok(data) => {
            let data = frames.pass(data, watch);
            (!data.is_empty()).then(|| Frame::data(data))
        }
        Err(other) => Some(other),
    }
}

/// What ends a body that could not be finished. Its text says nothing internal, and nothing stands behind it: what happened is in the
/// event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MaskedBodyError<E> {
    /// The service's body has ended with an error.
    Inner(E),
    /// The service's body has panicked.
    Panicked,
}

impl<E> fmt::Display for MaskedBodyError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body ended early")
    }
}

// No `source`: what turns errors into answers looks along the chain for words to send.
impl<E: fmt::Debug> Error for MaskedBodyError<E> {}
