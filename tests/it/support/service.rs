//! A spy as the inner service, and a way to call services that names the request type.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Service, ServiceExt};

/// An inner service that answers with what it was told to and counts its calls. Clones share the count.
#[derive(Clone, Debug)]
pub(crate) struct Spy {
    calls: Arc<AtomicUsize>,
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Spy {
    /// Answers 200 without headers.
    pub(crate) fn new() -> Self {
        Self {
            calls: Arc::default(),
            status: StatusCode::OK,
            headers: Vec::new(),
        }
    }

    /// Answers with another status.
    pub(crate) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Appends a header to the answer.
    pub(crate) fn header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    /// Returns how often it was called. A refused request must leave this at 0.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl<B> Service<Request<B>> for Spy {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let mut response = Response::new(Full::default());
        *response.status_mut() = self.status;
        for (name, value) in &self.headers {
            response.headers_mut().append(name, value.clone());
        }
        ready(Ok(response))
    }
}

/// Calls an infallible service once.
pub(crate) async fn go<S, B, R>(service: S, request: Request<B>) -> Response<R>
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible>,
{
    match service.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

#[tokio::test]
async fn a_spy_answers_as_told_and_clones_share_the_count() {
    let spy = Spy::new()
        .status(StatusCode::NOT_FOUND)
        .header(http::header::VARY, "accept")
        .header(http::header::VARY, "origin");
    assert_eq!(spy.calls(), 0);

    let response = go(spy.clone(), Request::new(())).await;

    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    let vary = response.headers().get_all(http::header::VARY);
    assert_eq!(vary.iter().collect::<Vec<_>>(), ["accept", "origin"]);
    assert_eq!(spy.calls(), 1);
}
