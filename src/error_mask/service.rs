//! The service and its future.

use std::fmt;
use std::pin::Pin;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::body::{Form, MaskedBody};
use super::check::{Seen, Verdict, is_deliberate, remove_those_of_body, replacement, strip};
use super::grpc::{fault, keep_only, mask};
use super::layer::Core;
use super::watch::{BODY_PANIC, INTERNAL_ERROR, PANIC, SERVICE_ERROR, Watch, caught, discard};
use super::web::Frames;
use crate::core::text::cap;
use crate::core::{AbuseSignal, Mode, Rejection, RejectionBody};

/// The service of [`ErrorMaskLayer`](super::ErrorMaskLayer). The [module](crate::error_mask) has the rules and an example.
#[derive(Clone, Debug)]
pub struct ErrorMask<S> {
    inner: S,
    core: Arc<Core>,
}

impl<S> ErrorMask<S> {
    pub(super) const fn new(inner: S, core: Arc<Core>) -> Self {
        Self { inner, core }
    }
}

// The one layer whose answers have another body than those of the service: it has to see the body out.
impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for ErrorMask<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    S::Error: fmt::Debug,
    ResBody: Body<Data = Bytes>,
{
    type Response = Response<MaskedBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        if self.core.mode == Mode::Off {
            return ResponseFuture {
                future: Some(self.inner.call(request)),
                watch: None,
                details: None,
            };
        }
        let mut answer = ResponseFuture {
            future: None,
            watch: Some(Watch::of(&self.core, &request)),
            details: None,
        };
        let (inner, future) = (&mut self.inner, &mut answer.future);
        // Put in by reference: what a closure returns is moved once more.
        let called = caught(|| *future = Some(inner.call(request)));
        if let (Err(payload), Some(watch)) = (called, &answer.watch) {
            answer.details = watch.panicked(PANIC, payload);
        }
        answer
    }
}

pin_project! {
    /// The future of [`ErrorMask`]: the inner one, then what may be said of its answer. Nothing is boxed.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        // `None`: the call has panicked, or it is over.
        #[pin]
        future: Option<F>,
        // `None`: in `Mode::Off`, or it is over.
        watch: Option<Watch>,
        details: Option<Box<str>>,
    }

    impl<F> PinnedDrop for ResponseFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Some(watch) = this.watch
                && let Err(payload) = caught(|| this.future.set(None))
            {
                watch.panicked(PANIC, payload);
            }
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body<Data = Bytes>,
    E: fmt::Debug,
{
    type Output = Result<Response<MaskedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(watch) = &*this.watch else {
            // Polled again after it was ready: pending for ever, as a fused future would be.
            let Some(future) = this.future.as_pin_mut() else {
                return Poll::Pending;
            };
            let polled = future.poll(cx);
            return polled.map_ok(|response| response.map(MaskedBody::unwatched));
        };
        // Beside the closure and not in it: dropped in the unwinding of a future that panics in its drop, it would end the process if it
        // panics too.
        let mut output = None;
        let polled = caught(|| {
            if let Some(future) = this.future.as_mut().as_pin_mut() {
                let Poll::Ready(ready) = future.poll(cx) else {
                    return true;
                };
                output = Some(ready);
                this.future.set(None);
            }
            false
        });
        if matches!(polled, Ok(true)) {
            return Poll::Pending;
        }
        let passes = match (&polled, &output) {
            (Ok(_), Some(Ok(response))) => watch.passes(response),
            _ => false,
        };
        // Each of these is large: none is put into a tuple first.
        if passes && let Some(Ok(response)) = output {
            let watch = this.watch.take();
            let masked = response.map(|body| MaskedBody::new(body, watch, Form::Http));
            return Poll::Ready(Ok(masked));
        }
        let Some(watch) = this.watch.take() else {
            return Poll::Pending;
        };
        Poll::Ready(match polled {
            Ok(_) => watch.answer(output, this.details.take()),
            Err(payload) => {
                // Also of an answer whose future panics when it is dropped: what a guard was to undo or to finish was not.
                let details = watch.panicked(PANIC, payload);
                watch.let_go(PANIC, output);
                if let Err(payload) = caught(|| this.future.set(None)) {
                    watch.panicked(PANIC, payload);
                }
                Ok(watch.crash(details))
            }
        })
    }
}

impl Watch {
    /// The answer in place of one that the service did not give.
    #[cold]
    fn crash<B>(&self, details: Option<Box<str>>) -> Response<MaskedBody<B>> {
        let rejection = match details {
            Some(text) => Rejection::internal().member("details", [text.into_string()]),
            None => replacement(&self.core, StatusCode::INTERNAL_SERVER_ERROR),
        };
        self.core.rendered(rejection).into_response(&self.context)
    }

    /// Whether there is nothing to do about an answer but to look after its body: what most are.
    #[inline]
    fn passes<B>(&self, response: &Response<B>) -> bool {
        matches!(response.status().as_u16(), 200..400)
            && Seen::of(response.headers(), &self.core).is_plain_answer()
    }

    /// What takes the place of an outcome that does not simply pass. `None`: the call has panicked.
    #[inline(never)]
    fn answer<B: Body<Data = Bytes>, E: fmt::Debug>(
        self,
        output: Option<Result<Response<B>, E>>,
        details: Option<Box<str>>,
    ) -> Result<Response<MaskedBody<B>>, E> {
        match output {
            Some(Ok(response)) => Ok(self.amend(response)),
            Some(Err(error)) => {
                let details = self.failed(SERVICE_ERROR, &error);
                if self.core.mode == Mode::ReportOnly {
                    return Err(error);
                }
                self.let_go(PANIC, error);
                Ok(self.crash(details))
            }
            None => Ok(self.crash(details)),
        }
    }

    /// The answer of the service as clients may see it.
    fn amend<B: Body<Data = Bytes>>(self, mut response: Response<B>) -> Response<MaskedBody<B>> {
        let status = response.status();
        if status.is_informational() {
            return response.map(MaskedBody::unwatched);
        }
        let seen = Seen::of(response.headers(), &self.core);
        if seen.has_banner() && self.core.mode == Mode::Enforce {
            strip(response.headers_mut(), seen, &self.core);
        }
        if status.as_u16() >= 400 || seen.has_grpc_status() {
            return self.amend_failure(response, seen);
        }
        self.watched(response, seen)
    }

    #[inline(never)]
    fn amend_failure<B: Body<Data = Bytes>>(
        self,
        mut response: Response<B>,
        seen: Seen,
    ) -> Response<MaskedBody<B>> {
        let status = response.status();
        if status == StatusCode::NOT_FOUND {
            self.count(status);
        }
        let is_empty = caught(|| response.body().size_hint().exact() == Some(0));
        let is_empty = is_empty.map_err(discard).unwrap_or(false);
        let verdict = Verdict::of(&self.core, status, seen, response.extensions(), is_empty);
        match verdict {
            Verdict::MaskFault => self.replace_fault(response, seen),
            Verdict::MaskClientError => self.replace_client_error(response, seen, is_empty),
            Verdict::Keep => {
                if seen.has_grpc_status()
                    && !is_deliberate(response.extensions())
                    && let Some(fault) = fault(response.headers(), false)
                    && mask(response.headers_mut(), &self, fault)
                {
                    // A head with a status is the end of the call.
                    let (head, body) = response.into_parts();
                    self.let_go(BODY_PANIC, body);
                    return Response::from_parts(head, MaskedBody::empty());
                }
                self.watched(response, seen)
            }
        }
    }

    fn replace_fault<B: Body<Data = Bytes>>(
        self,
        response: Response<B>,
        seen: Seen,
    ) -> Response<MaskedBody<B>> {
        let status = response.status();
        if !self.core.replaces() {
            self.tell(INTERNAL_ERROR, || detail(status, b""));
            return self.watched(response, seen);
        }
        let (mut head, body) = response.into_parts();
        let text = self.last_words(body, seen);
        self.tell(INTERNAL_ERROR, || detail(status, &text));
        keep_only(&mut head.headers, self.core.kept.iter());
        let abuse = AbuseSignal::of(&head.extensions);
        head.extensions.clear();
        let mut rejection = replacement(&self.core, status).maps(head.headers, head.extensions);
        if let Some(kind) = abuse {
            rejection = rejection.abuse(kind);
        }
        self.core.rendered(rejection).into_response(&self.context)
    }

    fn replace_client_error<B: Body<Data = Bytes>>(
        self,
        response: Response<B>,
        seen: Seen,
        is_empty: bool,
    ) -> Response<MaskedBody<B>> {
        let status = response.status();
        if !self.core.replaces() {
            if !is_empty {
                self.tell_client_error(|| detail(status, b""));
            }
            return self.watched(response, seen);
        }
        let (mut head, body) = response.into_parts();
        let text = self.last_words(body, seen);
        if !text.is_empty() {
            self.tell_client_error(|| detail(status, &text));
        }
        remove_those_of_body(&mut head.headers);
        let abuse = AbuseSignal::of(&head.extensions);
        // Among them may be words of the service for the status line.
        head.extensions.clear();
        let mut rejection = replacement(&self.core, status).maps(head.headers, head.extensions);
        if let Some(kind) = abuse {
            rejection = rejection.abuse(kind);
        }
        self.core.rendered(rejection).into_response(&self.context)
    }

    /// What a body that is dropped has to say, as far as it says it at once.
    fn last_words<B: Body<Data = Bytes>>(&self, body: B, seen: Seen) -> Vec<u8> {
        if seen.is_encoded() || !self.is_heard() {
            self.let_go(BODY_PANIC, body);
            return Vec::new();
        }
        let words = || {
            let polled = pin!(body).poll_frame(&mut Context::from_waker(Waker::noop()));
            let Poll::Ready(Some(Ok(frame))) = polled else {
                return Vec::new();
            };
            let data = frame.into_data().unwrap_or_default();
            data.get(..cap::DETAIL).unwrap_or(&data).to_vec()
        };
        caught(words).unwrap_or_else(|payload| {
            self.panicked(BODY_PANIC, payload);
            Vec::new()
        })
    }

    /// Hands an answer on, and looks after its body.
    fn watched<B>(self, mut response: Response<B>, seen: Seen) -> Response<MaskedBody<B>> {
        let mut form = Form::Http;
        if seen.is_grpc() {
            form = Form::Grpc;
            let content_type = response.headers().get(CONTENT_TYPE);
            let content_type = content_type.map_or(&b""[..], HeaderValue::as_bytes);
            if !seen.is_encoded()
                && let Some(frames) = Frames::of(content_type)
            {
                form = Form::GrpcWeb(Box::new(frames));
                response.headers_mut().remove(CONTENT_LENGTH);
            }
        }
        response.map(|body| MaskedBody::new(body, Some(self), form))
    }
}

fn detail(status: StatusCode, text: &[u8]) -> Vec<u8> {
    let mut detail = b"status=".to_vec();
    detail.extend_from_slice(status.as_str().as_bytes());
    if !text.is_empty() {
        detail.extend_from_slice(b" body=");
        detail.extend_from_slice(text);
    }
    detail
}
