//! `SanitizeLayer`.

mod answers;
mod bodies;
mod catalogue;
#[cfg(feature = "sanitize-html")]
mod catalogue_html;
mod catalogue_rows;
mod config;
mod hyper_matrix;
mod json;
mod json_model;
mod json_suite;
mod multipart;
mod ordinary;
#[cfg(all(feature = "axum", feature = "sanitize-html"))]
mod readers;
#[cfg(all(feature = "axum", feature = "tonic"))]
mod servers;
mod streaming;
mod traversal;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tower::{Layer, Service};
use tower_security::core::Refused;
use tower_security::sanitize::{GuardedBody, Rule, SanitizeLayer, SanitizeReport, Violation};

use crate::support::service::go;

/// What a handler has got.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) headers: HeaderMap,
    /// `None` if reading it failed.
    pub(crate) body: Option<Bytes>,
    pub(crate) trailers: Option<HeaderMap>,
    pub(crate) report: Option<SanitizeReport>,
}

/// A handler that reads its body to the end. Clones share what they have seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Handler(Arc<Mutex<Vec<Seen>>>);

impl Handler {
    pub(crate) fn calls(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    pub(crate) fn last(&self) -> Seen {
        self.0.lock().unwrap().pop().unwrap()
    }
}

impl<B> Service<Request<GuardedBody<B>>> for Handler
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<GuardedBody<B>>) -> Self::Future {
        let seen = Arc::clone(&self.0);
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let read = body.collect().await.ok();
            seen.lock().unwrap().push(Seen {
                headers: head.headers,
                trailers: read.as_ref().and_then(|read| read.trailers().cloned()),
                body: read.map(http_body_util::Collected::to_bytes),
                report: head.extensions.get().cloned(),
            });
            Ok(Response::new(Full::from("served")))
        })
    }
}

/// One request.
#[derive(Clone)]
pub(crate) struct Case {
    method: &'static str,
    target: String,
    version: Version,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let start = |text: &[u8]| text.get(..200).unwrap_or(text).escape_ascii().to_string();
        write!(f, "{} {}", self.method, start(self.target.as_bytes()))?;
        for (name, value) in self.headers.iter().take(5) {
            write!(f, " {name}={}", start(value))?;
        }
        write!(f, " {} {}", self.body.len(), start(&self.body))
    }
}

impl Case {
    pub(crate) fn new(method: &'static str, target: impl Into<String>) -> Self {
        Self {
            method,
            target: target.into(),
            version: Version::HTTP_11,
            headers: vec![("host", b"app.example".to_vec())],
            body: Vec::new(),
        }
    }

    pub(crate) fn get(target: impl Into<String>) -> Self {
        Self::new("GET", target)
    }

    /// A post of a type.
    pub(crate) fn post(media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", "/")
            .header("content-type", media_type)
            .body(body)
    }

    pub(crate) fn json(body: impl Into<Vec<u8>>) -> Self {
        Self::post("application/json", body)
    }

    pub(crate) fn form(body: impl Into<Vec<u8>>) -> Self {
        Self::post("application/x-www-form-urlencoded", body)
    }

    /// Each part as it stands between the delimiters.
    pub(crate) fn multipart(parts: &[&str]) -> Self {
        let parts = parts.iter().map(|part| format!("--XX\r\n{part}\r\n"));
        let body = parts.collect::<String>() + "--XX--\r\n";
        Self::post("multipart/form-data; boundary=XX", body)
    }

    pub(crate) fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name, value.as_ref().to_vec()));
        self
    }

    /// As it is by now, but for the lines of this name.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::builder()
            .method(self.method)
            .uri(&self.target)
            .version(self.version)
            .body(Full::from(self.body.clone()))
            .unwrap_or_else(|error| panic!("{}: {error}", self.target));
        for (name, value) in &self.headers {
            let value = HeaderValue::from_bytes(value).unwrap();
            request
                .headers_mut()
                .append(HeaderName::from_static(name), value);
        }
        request
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Refused(Rule, StatusCode),
    Passed(Vec<Rule>),
}

/// Sends a request through a layer.
pub(crate) async fn judged(layer: &SanitizeLayer, request: Request<Full<Bytes>>) -> Outcome {
    let handler = Handler::default();
    let answer = go(layer.layer(handler.clone()), request).await;
    let Some(refused) = answer.extensions().get::<Refused>() else {
        assert_eq!(answer.status(), StatusCode::OK);
        let report = handler.last().report;
        let rules = report.map(|report| report.rules().iter().collect());
        return Outcome::Passed(rules.unwrap_or_default());
    };
    let violation: &Violation = answer.extensions().get().unwrap();
    assert_eq!(refused.code(), violation.rule().as_str());
    Outcome::Refused(violation.rule(), refused.status())
}
