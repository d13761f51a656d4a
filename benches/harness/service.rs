//! Services as rows.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use axum::body::Body;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use tower::Service;

/// The floor: a handler whose answer has one header, as most have.
#[allow(
    dead_code,
    reason = "a bench whose handlers set other headers has a floor of its own"
)]
pub(crate) fn bare() -> Bare {
    Bare
}

/// See [`bare`].
#[allow(dead_code, reason = "as above")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bare;

impl<B> Service<Request<B>> for Bare {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        let mut response = Response::new(Full::new(Bytes::from_static(b"{}")));
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        ready(Ok(response))
    }
}

/// Calls a service as hyper does: readiness, call, and the future polled until it is done.
///
/// # Panics
///
/// If something is not ready at once: the rows wait for nothing, so they need no runtime.
#[allow(dead_code, reason = "a bench of stores has no services")]
pub(crate) fn go<S, B>(mut service: S) -> impl FnMut(Request<B>) -> Response<S::Body>
where
    S: Answers<B>,
{
    move |request| service.answer(request)
}

/// The same for an axum router, made ready to be called.
///
/// `with_state` runs `Layer::layer` of every layer now instead of on each request.
#[allow(dead_code, reason = "a bench of stores has no services")]
pub(crate) fn go_axum(router: axum::Router) -> impl FnMut(Request<Body>) -> Response<Body> {
    go(router.with_state::<()>(()))
}

/// An infallible HTTP service, as one bound.
#[allow(dead_code, reason = "a bench of stores has no services")]
pub(crate) trait Answers<B> {
    /// Body of the answer.
    type Body;

    /// Answers one request.
    fn answer(&mut self, request: Request<B>) -> Response<Self::Body>;
}

impl<S, B, R> Answers<B> for S
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible>,
{
    type Body = R;

    fn answer(&mut self, request: Request<B>) -> Response<R> {
        let mut context = Context::from_waker(Waker::noop());
        assert!(
            self.poll_ready(&mut context).is_ready(),
            "the service is not ready at once"
        );
        match pin!(self.call(request)).poll(&mut context) {
            Poll::Ready(Ok(response)) => response,
            Poll::Ready(Err(never)) => match never {},
            Poll::Pending => panic!("the answer is not ready at once"),
        }
    }
}
