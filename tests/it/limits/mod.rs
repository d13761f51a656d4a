//! `LimitsLayer`.

mod answers;
mod concurrency;
mod config;
mod grpc;
mod modes;
mod routes;
mod sensitive;
#[cfg(all(feature = "axum", feature = "sanitize", feature = "tonic"))]
mod servers;
mod sizes;
mod stack;
mod times;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use tokio::time::{Sleep, sleep};
use tower::{Layer, Service};
use tower_security::core::{EventSink, Outcome, Refused, SecurityEvent};
use tower_security::limits::{AnswerBody, LimitedBody, LimitsBuilder, LimitsLayer, LimitsRefusal};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// What a body does next.
#[derive(Clone, Debug)]
enum Step {
    Data(Bytes),
    Wait(Duration),
    Trailers,
    Fail,
}

fn data(bytes: usize) -> Step {
    Step::Data(Bytes::from(vec![b'a'; bytes]))
}

fn wait(time: Duration) -> Step {
    Step::Wait(time)
}

/// A body that comes as it was told.
#[derive(Default)]
struct Script {
    steps: VecDeque<Step>,
    sleep: Option<Pin<Box<Sleep>>>,
    says: Option<u64>,
}

impl Script {
    fn of(steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Says how long it is.
    fn says(mut self, length: u64) -> Self {
        self.says = Some(length);
        self
    }
}

#[derive(Debug)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken")
    }
}

impl Error for Broken {}

impl Body for Script {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        loop {
            if let Some(sleep) = &mut self.sleep {
                std::task::ready!(sleep.as_mut().poll(cx));
                self.sleep = None;
            }
            return Poll::Ready(match self.steps.pop_front() {
                None => None,
                Some(Step::Data(bytes)) => Some(Ok(Frame::data(bytes))),
                Some(Step::Trailers) => Some(Ok(Frame::trailers(HeaderMap::new()))),
                Some(Step::Fail) => Some(Err(Broken)),
                Some(Step::Wait(time)) => {
                    self.sleep = Some(Box::pin(sleep(time)));
                    continue;
                }
            });
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty() && self.sleep.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.says.map(SizeHint::with_exact).unwrap_or_default()
    }
}

/// What was told: code, outcome, detail.
#[derive(Clone, Debug, Default)]
struct Told(Arc<Mutex<Vec<(&'static str, Outcome, String)>>>);

impl Told {
    fn take(&self) -> Vec<(&'static str, Outcome, String)> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    fn codes(&self) -> Vec<&'static str> {
        self.take().into_iter().map(|(code, ..)| code).collect()
    }
}

impl EventSink for Told {
    fn record(&self, event: &SecurityEvent<'_>) {
        let detail = event.detail.as_deref().unwrap_or_default().to_owned();
        let told = (event.code, event.outcome, detail);
        self.0.lock().unwrap().push(told);
    }
}

fn build(builder: LimitsBuilder) -> (LimitsLayer, Told) {
    let told = Told::default();
    let layer = builder.events(told.clone()).build().unwrap();
    (layer, told)
}

/// A handler that thinks, reads its body to the end, thinks again, and answers how long it was; 400 if it could not read it.
#[derive(Clone, Debug, Default)]
struct Reader {
    before: Duration,
    after: Duration,
    /// How many bodies ended with an error, as its chain of sources says it.
    failed: Arc<Mutex<Vec<String>>>,
}

impl<B> Service<Request<LimitedBody<B>>> for Reader
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<LimitedBody<B>>) -> Self::Future {
        let reader = self.clone();
        Box::pin(async move {
            sleep(reader.before).await;
            let answer = match request.into_body().collect().await {
                Ok(body) => Response::new(Full::from(body.to_bytes().len().to_string())),
                Err(error) => {
                    let chain = chain(&*error);
                    reader.failed.lock().unwrap().push(chain);
                    let mut answer = Response::new(Full::from("cannot read"));
                    *answer.status_mut() = StatusCode::BAD_REQUEST;
                    answer
                }
            };
            sleep(reader.after).await;
            Ok(answer)
        })
    }
}

fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}

/// What became of a request: status, code, and the bytes of the answer.
#[derive(Debug, PartialEq)]
struct Came {
    status: u16,
    code: Option<&'static str>,
    refusal: Option<LimitsRefusal>,
    body: String,
}

impl Came {
    /// It was served, and its body was read: so many bytes.
    fn served(length: usize) -> Self {
        Self {
            status: 200,
            code: None,
            refusal: None,
            body: length.to_string(),
        }
    }
}

async fn ask<S, B, RB>(service: S, request: Request<B>) -> Came
where
    S: Service<Request<B>, Response = Response<AnswerBody<RB>>, Error = Infallible>,
    RB: Body<Data = Bytes>,
    RB::Error: Into<Box<dyn Error + Send + Sync>>,
{
    came(crate::support::service::go(service, request).await).await
}

async fn came<B>(answer: Response<B>) -> Came
where
    B: Body<Data = Bytes>,
    B::Error: fmt::Debug,
{
    let (head, body) = answer.into_parts();
    let refused: Option<&Refused> = head.extensions.get();
    let code = refused.map(Refused::code);
    let body = body.collect().await.unwrap().to_bytes();
    Came {
        status: head.status.as_u16(),
        code,
        refusal: head.extensions.get().copied(),
        // The text of a refusal is that of every layer.
        body: match code {
            Some(_) => String::new(),
            None => String::from_utf8(body.to_vec()).unwrap(),
        },
    }
}

fn refused(status: u16, refusal: LimitsRefusal) -> Came {
    Came {
        status,
        code: Some(refusal.code()),
        refusal: Some(refusal),
        body: String::new(),
    }
}

fn post<B>(body: B) -> Request<B> {
    Request::post("/orders").body(body).unwrap()
}

/// Sends a body to a handler that reads it.
async fn read(layer: &LimitsLayer, body: Script) -> Came {
    ask(layer.layer(Reader::default()), post(body)).await
}
