//! Limits: none for what passes; what a body and its answer share is lent, and timers lie where they are waited for.

use std::pin::Pin;
use std::time::Duration;

use http::StatusCode;
use http_body::{Body, Frame};
use tower::service_fn;
use tower_security::LimitsLayer;
use tower_security::core::NoopSink;
use tower_security::limits::{LimitedBody, RouteLimits};

use super::*;

fn limits() -> LimitsLayer {
    let builder = LimitsLayer::builder().events(NoopSink::new());
    let route = |pattern: &str| RouteLimits::new(pattern).body_limit(1 << 20);
    let builder = builder.route(route("/uploads/{*path}"));
    builder
        .route(route("/files/{name}"))
        .build()
        .expect("it builds")
}

fn with_secrets<B>(body: B) -> Request<B> {
    let mut request = Request::new(body);
    *request.uri_mut() = http::Uri::from_static("/files/7?page=2");
    let headers = request.headers_mut();
    for (name, value) in [
        ("authorization", "Bearer a"),
        ("cookie", "a=b"),
        ("cookie", "c=d"),
        ("content-type", "application/json"),
    ] {
        headers.append(name, HeaderValue::from_static(value));
    }
    request
}

/// Reads an answer that waits for nothing.
fn read<B: Body<Data = Bytes>>(answer: Response<B>) -> StatusCode {
    let (head, body) = answer.into_parts();
    let mut body = pin!(body);
    let mut task = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(_)) = body.as_mut().poll_frame(&mut task) {}
    head.status
}

#[test]
fn a_request_without_a_body_makes_none() {
    let mut service = limits().layer(Typed);
    let request = with_secrets(Full::<Bytes>::default());
    let (status, made) = counted(|| read(go(&mut service, request)));
    assert_eq!((status, made), (StatusCode::OK, MAP));
    // Nor does a map without lines get room for those that are looked for.
    let mut service = limits().layer(Bare);
    let request = Request::new(Full::<Bytes>::default());
    let (status, made) = counted(|| read(go(&mut service, request)));
    assert_eq!((status, made), (StatusCode::OK, 0));
}

/// A handler that reads its body to the end.
fn reading()
-> impl Service<Request<LimitedBody<Full<Bytes>>>, Response = Response<Full<Bytes>>, Error = Infallible>
{
    service_fn(|request: Request<LimitedBody<Full<Bytes>>>| async {
        let mut body = pin!(request.into_body());
        let mut left = 1_000;
        while left > 0 {
            let frame = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await;
            let Some(Ok(frame)) = frame else { break };
            left -= frame.data_ref().map_or(0, Bytes::len);
        }
        assert_eq!(left, 0);
        Ok(Response::new(Full::default()))
    })
}

#[test]
fn a_body_that_is_read_makes_none() {
    let mut service = limits().layer(reading());
    let posted = || with_secrets(Full::from(vec![b'a'; 1_000]));
    // What both sides share is made once for a thread.
    let request = posted();
    assert_eq!(allocations(|| read(go(&mut service, request))), 2);
    for _ in 0..3 {
        let request = posted();
        let (status, made) = counted(|| read(go(&mut service, request)));
        assert_eq!((status, made), (StatusCode::OK, 0));
    }
}

/// Ready the second time.
struct Slow {
    frames: usize,
    is_ready: bool,
}

impl Body for Slow {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.is_ready = !self.is_ready;
        if self.is_ready {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.frames.checked_sub(1).map(|left| {
            self.frames = left;
            Ok(Frame::data(Bytes::from_static(b"a")))
        }))
    }
}

/// A handler, a body and an answer that are all waited for: three timers are set and set anew, and none is allocated.
#[test]
fn timers_make_none() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let _guard = runtime.enter();
    let handler = service_fn(|request: Request<LimitedBody<Slow>>| async {
        let mut body = pin!(request.into_body());
        while let Some(frame) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
            assert!(frame.is_ok());
        }
        let slow = Slow {
            frames: 3,
            is_ready: false,
        };
        Ok::<_, Infallible>(Response::new(slow))
    });
    let layer = LimitsLayer::builder()
        .body_idle(Duration::from_secs(30))
        .build()
        .expect("it builds");
    let mut service = layer.layer(handler);
    let mut wait = |request| {
        let mut task = Context::from_waker(Waker::noop());
        let mut answer = pin!(service.call(request));
        let answer = loop {
            if let Poll::Ready(answer) = answer.as_mut().poll(&mut task) {
                break answer.expect("it is infallible");
            }
        };
        let (head, body) = answer.into_parts();
        let mut body = pin!(body);
        let mut frames = 0;
        loop {
            match body.as_mut().poll_frame(&mut task) {
                Poll::Pending => {}
                Poll::Ready(Some(frame)) => frames += usize::from(frame.is_ok()),
                Poll::Ready(None) => return (head.status, frames),
            }
        }
    };
    let slow = || {
        with_secrets(Slow {
            frames: 3,
            is_ready: false,
        })
    };
    // The wheel of the runtime is made with its first timer.
    wait(slow());
    let request = slow();
    let (came, made) = counted(|| wait(request));
    assert_eq!((came, made), ((StatusCode::OK, 3), 0));
}

/// The extensions and what stands in them; the header map is that of the request.
#[test]
fn a_body_that_is_too_large_makes_what_every_refusal_makes() {
    let layer = LimitsLayer::builder()
        .body_limit(10)
        .events(NoopSink::new());
    let mut service = layer.build().expect("it builds").layer(Bare);
    let large = || with_secrets(Full::from(vec![b'a'; 11]));
    go(&mut service, large());
    let request = large();
    let (answer, made) = counted(|| go(&mut service, request));
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(made <= 8, "{made}");
}
