//! Reads the body of a report, within its limit.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Buf;
use http::Response;
use http::request::Parts;
use http_body::Body;
use pin_project_lite::pin_project;

use super::layer::Core;
use super::parse::Format;
use super::refusal::CspReportRefusal;
use super::service::MOST_BYTES;
use crate::core::{RejectionBody, ResponseFuture};

pin_project! {
    /// The future of [`CspReports`](super::CspReports) and [`CspReportService`](super::CspReportService): passes a request through, or
    /// reads the body of a report.
    ///
    /// `F` is the inner service's future, `B` the request's body, `R` the response. Dropping it drops what was read; nothing is told
    /// then.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct CspReportFuture<F, B, R> {
        #[pin]
        state: State<F, B, R>,
    }
}

pin_project! {
    #[project = StateProjection]
    #[derive(Debug)]
    enum State<F, B, R> {
        Decided { #[pin] future: ResponseFuture<F, R> },
        Reading { #[pin] body: B, report: Option<Box<Reading>> },
    }
}

/// A report whose body is still coming. In a box of its own, so that a request that passes through is not the larger for it.
#[derive(Debug)]
struct Reading {
    core: Arc<Core>,
    head: Parts,
    format: Format,
    bytes: Vec<u8>,
}

impl<F, B, R> CspReportFuture<F, B, R> {
    pub(super) fn inner(future: F) -> Self {
        Self {
            state: State::Decided {
                future: ResponseFuture::inner(future),
            },
        }
    }

    pub(super) fn answered(response: R) -> Self {
        Self {
            state: State::Decided {
                future: ResponseFuture::refused(response),
            },
        }
    }

    pub(super) fn reading(core: Arc<Core>, head: Parts, format: Format, body: B) -> Self {
        let report = Some(Box::new(Reading {
            core,
            head,
            format,
            bytes: Vec::new(),
        }));
        Self {
            state: State::Reading { body, report },
        }
    }
}

impl<F, B, RB, E> Future for CspReportFuture<F, B, Response<RB>>
where
    F: Future<Output = Result<Response<RB>, E>>,
    B: Body,
    RB: RejectionBody,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        match self.project().state.project() {
            StateProjection::Decided { future } => future.poll(cx),
            StateProjection::Reading { body, report } => {
                // Polled again after it was ready: pending for ever, as a fused future would be.
                let Some(mut reading) = report.take() else {
                    return Poll::Pending;
                };
                match reading.poll(body, cx) {
                    Poll::Pending => {
                        *report = Some(reading);
                        Poll::Pending
                    }
                    Poll::Ready(read) => Poll::Ready(Ok(reading.answer(read))),
                }
            }
        }
    }
}

impl Reading {
    fn poll<B: Body>(
        &mut self,
        mut body: Pin<&mut B>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), CspReportRefusal>> {
        /// Frames of one poll. A sender of empty ones does not keep the thread to itself.
        const MOST_FRAMES: usize = 64;
        for _ in 0..MOST_FRAMES {
            let frame = match body.as_mut().poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Ready(Some(Err(_))) => return Poll::Ready(Err(CspReportRefusal::Body)),
                Poll::Ready(Some(Ok(frame))) => frame,
            };
            // Trailers say nothing.
            if let Ok(data) = frame.into_data()
                && !self.push(data)
            {
                return Poll::Ready(Err(CspReportRefusal::TooLarge));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Whether the data still fits.
    fn push(&mut self, mut data: impl Buf) -> bool {
        let room = MOST_BYTES.saturating_sub(self.bytes.len());
        if data.remaining() > room {
            return false;
        }
        while data.has_remaining() {
            let chunk = data.chunk();
            let taken = chunk.len();
            self.bytes.extend_from_slice(chunk);
            data.advance(taken);
        }
        true
    }

    fn answer<RB: RejectionBody>(self, read: Result<(), CspReportRefusal>) -> Response<RB> {
        let Self {
            core,
            head,
            format,
            bytes,
        } = self;
        match read {
            Ok(()) => core.answer(head, format, &bytes),
            Err(refusal) => core.refuse(head, refusal),
        }
    }
}
