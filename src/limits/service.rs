//! The service and its future.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{Method, Request, Response, Version};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::answer::AnswerBody;
use super::body::{BodyKind, LimitedBody};
use super::layer::Core;
use super::timer::{Timer, after, now};
use super::watch::{Handle, LimitsRefusal, Tie, Watch};
use crate::core::{GRPC_STATUS, Mode, head, is_grpc_type};

/// The service of [`LimitsLayer`](super::LimitsLayer). The [module](crate::limits) has the rules and an example.
#[derive(Clone, Debug)]
pub struct Limits<S> {
    inner: S,
    core: Arc<Core>,
}

impl<S> Limits<S> {
    pub(super) const fn new(inner: S, core: Arc<Core>) -> Self {
        Self { inner, core }
    }
}

// Its answers have another body than those of the service: it has to see them out.
impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Limits<S>
where
    S: Service<Request<LimitedBody<ReqBody>>, Response = Response<ResBody>>,
    ReqBody: Body<Data = Bytes>,
    ReqBody::Error: Into<Box<dyn Error + Send + Sync>>,
    ResBody: Body<Data = Bytes>,
{
    type Response = Response<AnswerBody<ResBody>>;
    type Error = S::Error;
    type Future = LimitsFuture<S::Future, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let core = &self.core;
        if core.mode == Mode::Off {
            return LimitsFuture::of(self.inner.call(request.map(LimitedBody::unlimited)), None);
        }
        let route = core.route(request.uri(), request.extensions());
        let settings = core.settings(route);
        let has_body = !request.body().is_end_stream();
        let mut kind = BodyKind::Whole;
        if has_body && settings.grpc && is_message_stream(&request) {
            kind = BodyKind::Messages;
        } else if has_body && declared_length(&request) > settings.body_limit {
            if core.mode == Mode::Enforce {
                let refused = core.refuse(request, LimitsRefusal::BodyTooLarge, route);
                return LimitsFuture::refused(refused);
            }
            core.report(&mut request, LimitsRefusal::BodyTooLarge, route);
            kind = BodyKind::Any;
        }
        if core.counts() && !core.enter() {
            if core.mode == Mode::Enforce {
                core.leave();
                let refused = core.refuse(request, LimitsRefusal::Overloaded, route);
                return LimitsFuture::refused(refused);
            }
            core.report(&mut request, LimitsRefusal::Overloaded, route);
        }
        core.mark_request(request.headers_mut());
        let watch = Watch::of(core, &request, route);
        if !has_body {
            let handle = Handle::new(watch, None, core.counts());
            let request = request.map(LimitedBody::unlimited);
            return LimitsFuture::of(self.inner.call(request), Some(handle));
        }
        let tie = Tie::of(&watch);
        let handle = Handle::new(watch, Some(Arc::clone(&tie)), core.counts());
        let request = request.map(|body| LimitedBody::limited(body, tie, kind));
        LimitsFuture::of(self.inner.call(request), Some(handle))
    }
}

impl Core {
    #[cold]
    fn report<B>(&self, request: &mut Request<B>, refusal: LimitsRefusal, route: usize) {
        head::with_parts(request, |parts| self.tell(parts, refusal, route));
    }
}

/// How long the client says that the body is, at least.
fn declared_length<B: Body>(request: &Request<B>) -> u64 {
    let hint = request.body().size_hint();
    if let Some(exact) = hint.exact() {
        return exact;
    }
    // A layer outside may have put a body in between that does not know its length. What is no number is somebody else's to refuse.
    let lines = request.headers().get_all(CONTENT_LENGTH);
    let said = lines
        .iter()
        .filter_map(|line| line.to_str().ok()?.parse().ok());
    said.fold(hint.lower(), u64::max)
}

/// Whether the body of a request is a stream of messages of gRPC. gRPC-Web knows none.
fn is_message_stream<B>(request: &Request<B>) -> bool {
    const PREFIX: usize = b"application/grpc".len();
    let line = request.headers().get(CONTENT_TYPE);
    request.method() == Method::POST
        && request.version() == Version::HTTP_2
        && line.is_some_and(|line| {
            let line = line.as_bytes();
            is_grpc_type(line) && matches!(line.get(PREFIX), None | Some(b'+' | b';'))
        })
}

pin_project! {
    /// The future of [`Limits`]: the handler, its timer, and what may be said in its place. Nothing is boxed.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it drops the handler; the request is counted no longer.
    #[must_use = "futures do nothing unless polled"]
    pub struct LimitsFuture<F, B> {
        #[pin]
        state: State<F, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F, B> {
        Refused { response: Option<Response<AnswerBody<B>>> },
        Inner {
            #[pin]
            future: F,
            #[pin]
            timer: Timer,
            // How much time the handler was given besides its own.
            granted: Duration,
            // `None`: in `Mode::Off`, or it is over.
            handle: Option<Handle>,
            is_told: bool,
        },
    }
}

impl<F, B> LimitsFuture<F, B> {
    #[inline]
    fn of(future: F, handle: Option<Handle>) -> Self {
        Self {
            state: State::Inner {
                future,
                timer: Timer::default(),
                granted: Duration::ZERO,
                handle,
                is_told: false,
            },
        }
    }

    const fn refused(response: Response<AnswerBody<B>>) -> Self {
        Self {
            state: State::Refused {
                response: Some(response),
            },
        }
    }
}

impl<F, B, E> Future for LimitsFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body<Data = Bytes>,
{
    type Output = Result<Response<AnswerBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        let refused = match state.as_mut().project() {
            // Polled again after it was ready: pending for ever, as a fused future would be.
            StateProjection::Refused { response } => {
                return response
                    .take()
                    .map_or(Poll::Pending, |response| Poll::Ready(Ok(response)));
            }
            StateProjection::Inner {
                future,
                timer,
                granted,
                handle,
                is_told,
            } => match (future.poll(cx), handle.as_ref()) {
                (Poll::Ready(output), _) => {
                    return Poll::Ready(match handle.take() {
                        Some(handle) => handle.finish(output),
                        None => {
                            output.map(|response| response.map(|body| AnswerBody::of(body, None)))
                        }
                    });
                }
                (Poll::Pending, None) => return Poll::Pending,
                (Poll::Pending, Some(handle)) => {
                    if *is_told || !handle.is_out_of_time(timer, granted, cx) {
                        return Poll::Pending;
                    }
                    let watch = handle.watch();
                    // A handler that goes on without its body is not to blame alone.
                    let refusal = handle.met().unwrap_or(LimitsRefusal::ResponseTimeout);
                    if refusal == LimitsRefusal::ResponseTimeout {
                        watch.tell(refusal);
                    }
                    if !watch.is_enforced() {
                        *is_told = true;
                        return Poll::Pending;
                    }
                    watch.refuse(refusal)
                }
            },
        };
        // The handler is dropped.
        state.set(State::Refused { response: None });
        Poll::Ready(Ok(refused))
    }
}

impl Handle {
    /// Whether the handler has had its time, to which that does not belong in which it waits for the client.
    fn is_out_of_time(
        &self,
        mut timer: Pin<&mut Timer>,
        granted: &mut Duration,
        cx: &mut Context<'_>,
    ) -> bool {
        /// While the client is waited for nobody looks more often than this.
        const PAUSE: Duration = Duration::from_millis(100);
        let limit = self.watch().settings().response_time;
        if limit == Duration::MAX {
            return false;
        }
        if timer.deadline().is_none() {
            timer.as_mut().set(after(now(), limit));
        }
        while timer.as_mut().poll(cx).is_ready() {
            let (waited, is_waiting) = self.waited();
            let more = waited.saturating_sub(*granted);
            if more.is_zero() && !is_waiting {
                return true;
            }
            *granted = waited;
            let pause = if is_waiting { more.max(PAUSE) } else { more };
            let Some(deadline) = timer.deadline() else {
                return true;
            };
            timer.as_mut().set(after(deadline, pause));
        }
        false
    }

    /// The answer of the handler, or the refusal that takes its place.
    fn finish<B: Body<Data = Bytes>, E>(
        mut self,
        output: Result<Response<B>, E>,
    ) -> Result<Response<AnswerBody<B>>, E> {
        if let Some(refusal) = self.met() {
            self.tell_met();
            if self.watch().is_enforced() && is_failure(&output) {
                return Ok(self.watch().refuse(refusal));
            }
        }
        output.map(|mut response| {
            self.watch().core().mark_answer(response.headers_mut());
            self.see_out(response)
        })
    }
}

/// Whether the handler has answered with an error, or not at all.
fn is_failure<B, E>(output: &Result<Response<B>, E>) -> bool {
    output.as_ref().map_or(true, |response| {
        let status = response.headers().get(GRPC_STATUS);
        response.status().as_u16() >= 400 || status.is_some_and(|status| status != "0")
    })
}

impl<F, B> fmt::Debug for LimitsFuture<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimitsFuture").finish_non_exhaustive()
    }
}
