//! An identity provider on loopback, as good or as bad as it is told to be.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION};
use http::{HeaderName, Request, Response, StatusCode};
use http_body_util::channel::Channel;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tokio::sync::watch;
use tower::service_fn;

use crate::support::wire::Server;

type Body = BoxBody<Bytes, Infallible>;

/// What a provider answers.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    headers: Vec<(HeaderName, String)>,
    body: String,
    /// Nothing is sent, or a beginning and then nothing, until the provider is told otherwise.
    hangs: Option<Hang>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hang {
    BeforeHead,
    InBody,
}

impl Answer {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<String>) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap(),
            headers: vec![(CONTENT_TYPE, content_type.to_owned())],
            body: body.into(),
            hangs: None,
        }
    }

    /// A set of keys under these ids.
    pub(crate) fn keys(kids: &[&str]) -> Self {
        Self::json(super::set_of(kids))
    }

    pub(crate) fn json(body: impl Into<String>) -> Self {
        Self::new(200, "application/json", body)
    }

    pub(crate) fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn max_age(self, seconds: u64) -> Self {
        self.header(CACHE_CONTROL, format!("max-age={seconds}"))
    }

    pub(crate) fn etag(self, etag: &str) -> Self {
        self.header(ETAG, etag)
    }

    pub(crate) fn redirect(self, to: String) -> Self {
        self.header(LOCATION, to)
    }

    pub(crate) fn hang(mut self, hang: Hang) -> Self {
        self.hangs = Some(hang);
        self
    }
}

/// A request as it came: path with query, and its headers.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) target: String,
    pub(crate) headers: http::HeaderMap,
}

struct State {
    answer: watch::Sender<Answer>,
    hits: watch::Sender<usize>,
    asked: Mutex<Vec<Asked>>,
}

/// A provider that ends with the test.
pub(crate) struct Provider {
    state: Arc<State>,
    server: Server,
}

impl Provider {
    pub(crate) async fn start(answer: Answer) -> Self {
        let state = Arc::new(State {
            answer: watch::Sender::new(answer),
            hits: watch::Sender::new(0),
            asked: Mutex::default(),
        });
        let served = Arc::clone(&state);
        let service = service_fn(move |request: Request<Incoming>| {
            let state = Arc::clone(&served);
            async move { Ok::<_, Infallible>(state.serve(&request).await) }
        });
        let server = Server::hyper(service).await;
        Self { state, server }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/jwks?tenant=7", self.server.addr)
    }

    /// Answers this from now on, also to who is waiting.
    pub(crate) fn answer(&self, answer: Answer) {
        self.state.answer.send_replace(answer);
    }

    /// How often it was asked.
    pub(crate) fn hits(&self) -> usize {
        *self.state.hits.borrow()
    }

    /// Waits until it was asked so often.
    pub(crate) async fn hit(&self, times: usize) {
        let mut hits = self.state.hits.subscribe();
        hits.wait_for(|hits| *hits >= times).await.unwrap();
    }

    /// What it was asked since the last look.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.state.asked.lock().unwrap())
    }
}

impl State {
    async fn serve(&self, request: &Request<Incoming>) -> Response<Body> {
        self.asked.lock().unwrap().push(Asked {
            target: request.uri().to_string(),
            headers: request.headers().clone(),
        });
        let mut answers = self.answer.subscribe();
        self.hits.send_modify(|hits| *hits += 1);
        let answer = answers
            .wait_for(|answer| answer.hangs != Some(Hang::BeforeHead))
            .await
            .unwrap()
            .clone();
        let etag = answer.headers.iter().find(|(name, _)| name == ETAG);
        let is_known = etag.is_some_and(|(_, etag)| {
            let asked = request.headers().get(IF_NONE_MATCH);
            asked.is_some_and(|asked| asked == etag.as_str())
        });
        let mut response = Response::new(if answer.hangs == Some(Hang::InBody) {
            dripping(answer.body)
        } else if is_known {
            Full::default().boxed()
        } else {
            Full::from(answer.body).boxed()
        });
        *response.status_mut() = if is_known {
            StatusCode::NOT_MODIFIED
        } else {
            answer.status
        };
        for (name, value) in answer.headers {
            response.headers_mut().append(name, value.parse().unwrap());
        }
        response
    }
}

/// A body whose end never comes.
fn dripping(beginning: String) -> Body {
    let (mut sender, body) = Channel::<Bytes>::new(1);
    tokio::spawn(async move {
        if sender.send_data(Bytes::from(beginning)).await.is_ok() {
            std::future::pending::<()>().await;
        }
        drop(sender);
    });
    body.boxed()
}
