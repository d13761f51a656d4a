//! The error mask: what reaches the client, and what reaches the log.

mod answers;
#[cfg(all(feature = "axum", feature = "tonic"))]
mod grpc;
mod panics;
mod secrets;
#[cfg(feature = "axum")]
mod sockets;
mod stack;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use tower::{Layer, Service, service_fn};
use tower_security::ErrorMaskLayer;
use tower_security::core::{EventName, EventSink, Level, Outcome, SecurityEvent};
use tower_security::error_mask::{ErrorMaskBuilder, MaskedBody};

use crate::support::service::go;

/// One event, as a log would have it.
#[derive(Clone, Debug)]
struct Line {
    name: EventName,
    level: Level,
    outcome: Outcome,
    code: &'static str,
    id: Option<String>,
    client: Option<IpAddr>,
    method: Option<String>,
    path: Option<String>,
    route: Option<String>,
    detail: String,
}

/// A sink that keeps what it is told.
#[derive(Clone, Debug, Default)]
struct Log {
    lines: Arc<Mutex<Vec<Line>>>,
    statuses: Arc<Mutex<Vec<(Option<IpAddr>, StatusCode)>>>,
}

impl EventSink for Log {
    fn record(&self, event: &SecurityEvent<'_>) {
        assert_eq!(event.layer, "error_mask");
        let text = |text: &tower_security::core::CleanText<'_>| text.to_string();
        self.lines.lock().unwrap().push(Line {
            name: event.name,
            level: event.level,
            outcome: event.outcome,
            code: event.code,
            id: event.request_id.map(|id| id.as_str().to_owned()),
            client: event.client_ip,
            method: event.method.as_ref().map(text),
            path: event.path.as_ref().map(text),
            route: event.route.as_ref().map(text),
            detail: event.detail.as_ref().map(text).unwrap_or_default(),
        });
    }

    fn status(&self, ip: Option<IpAddr>, status: StatusCode) {
        self.statuses.lock().unwrap().push((ip, status));
    }
}

impl Log {
    fn lines(&self) -> Vec<Line> {
        self.lines.lock().unwrap().clone()
    }

    /// The only line there is.
    #[track_caller]
    fn line(&self) -> Line {
        let lines = self.lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines[0].clone()
    }

    /// The codes of the lines, in order.
    fn codes(&self) -> Vec<&'static str> {
        self.lines().iter().map(|line| line.code).collect()
    }
}

fn mask(log: &Log) -> ErrorMaskBuilder {
    ErrorMaskLayer::builder().events(log.clone())
}

fn get(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).body(Full::default()).expect("a path")
}

fn grpc_call() -> Request<Full<Bytes>> {
    Request::post("/pkg.Service/Call")
        .header("content-type", "application/grpc")
        .body(Full::default())
        .expect("a path")
}

fn answer(
    status: u16,
    headers: &[(&'static str, &'static str)],
    body: &'static str,
) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
    for (name, value) in headers {
        let name = HeaderName::from_static(name);
        answer
            .headers_mut()
            .append(name, HeaderValue::from_static(value));
    }
    answer
}

/// What becomes of an answer of a handler behind the mask.
async fn masked<B>(
    builder: ErrorMaskBuilder,
    request: Request<Full<Bytes>>,
    answer: Response<B>,
) -> Response<MaskedBody<B>>
where
    B: Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    let mut answer = Some(answer);
    let layer = builder.build().expect("it is sound");
    let handler = service_fn(move |_: Request<Full<Bytes>>| {
        let answer = answer.take().expect("it is called once");
        async { Ok::<_, Infallible>(answer) }
    });
    go(layer.layer(handler), request).await
}

async fn text<B>(answer: Response<B>) -> String
where
    B: Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    let body = answer
        .into_body()
        .collect()
        .await
        .expect("it ends")
        .to_bytes();
    String::from_utf8(body.to_vec()).expect("it is UTF-8")
}

/// The headers as sorted lines.
fn lines(headers: &HeaderMap) -> Vec<String> {
    let line = |(name, value): (&HeaderName, &HeaderValue)| {
        format!("{name}: {}", value.to_str().expect("ASCII"))
    };
    let mut lines: Vec<_> = headers.iter().map(line).collect();
    lines.sort();
    lines
}

/// What a scripted body does next.
#[derive(Clone, Debug)]
enum Step {
    Data(&'static str),
    Trailers(&'static [(&'static str, &'static str)]),
    Fail(&'static str),
    Panic(&'static str),
    /// Not ready, and woken at once.
    Wait,
}

/// A body that follows a script.
#[derive(Debug, Default)]
struct Script {
    steps: VecDeque<Step>,
    length: Option<u64>,
    panics_when_asked: bool,
    panics_when_dropped: bool,
    /// How often it was polled after it had panicked or failed.
    polled_after: Option<Arc<Mutex<usize>>>,
    is_broken: bool,
}

impl Script {
    fn of(steps: impl IntoIterator<Item = Step>) -> Self {
        let mut script = Self::default();
        script.steps.extend(steps);
        script
    }

    fn panicking_when_asked(mut self) -> Self {
        self.panics_when_asked = true;
        self
    }

    fn panicking_when_dropped(mut self) -> Self {
        self.panics_when_dropped = true;
        self
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.is_broken
            && let Some(count) = &self.polled_after
        {
            *count.lock().unwrap() += 1;
        }
        let Some(step) = self.steps.pop_front() else {
            return Poll::Ready(None);
        };
        match step {
            Step::Data(text) => {
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(text.as_bytes())))))
            }
            Step::Trailers(lines) => {
                let trailers = lines.iter().map(|(name, value)| {
                    (
                        HeaderName::from_static(name),
                        HeaderValue::from_static(value),
                    )
                });
                Poll::Ready(Some(Ok(Frame::trailers(trailers.collect()))))
            }
            Step::Fail(text) => {
                self.is_broken = true;
                Poll::Ready(Some(Err(std::io::Error::other(text))))
            }
            Step::Panic(text) => {
                self.is_broken = true;
                panic!("{text}")
            }
            Step::Wait => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        assert!(!self.panics_when_asked, "asked for its end");
        false
    }

    fn size_hint(&self) -> SizeHint {
        assert!(!self.panics_when_asked, "asked for its length");
        self.length
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        assert!(!self.panics_when_dropped, "dropped");
    }
}

/// A service of one closure, which may panic when it is called.
#[derive(Clone)]
struct Calls<F>(F);

impl<F, Fut, B, E> Service<Request<Full<Bytes>>> for Calls<F>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Response<B>, E>>,
{
    type Response = Response<B>;
    type Error = E;
    type Future = Fut;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), E>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Full<Bytes>>) -> Fut {
        (self.0)()
    }
}
