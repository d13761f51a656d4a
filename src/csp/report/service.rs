//! The services: what becomes of a request before its body is read.

use std::convert::Infallible;
use std::future::Pending;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, CACHE_CONTROL, CONTENT_ENCODING,
    CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, ORIGIN,
};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;
use tower_service::Service;

use super::config::{Collect, CspReportBuilder};
use super::future::CspReportFuture;
use super::layer::{Core, CspReportStats};
use super::parse::{Format, parse};
use super::refusal::CspReportRefusal;
use crate::core::field::{self, Lines};
use crate::core::{RefusalContext, Rejection, RejectionBody};

/// The most bytes of a body.
pub(super) const MOST_BYTES: usize = 64 * 1024;

const ANY: HeaderValue = HeaderValue::from_static("*");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The service of [`CspReportLayer`](super::CspReportLayer). [The module](crate::csp::report) has the rules and an example.
#[derive(Clone, Debug)]
pub struct CspReports<S> {
    inner: S,
    core: Arc<Core>,
}

impl<S> CspReports<S> {
    pub(super) const fn new(inner: S, core: Arc<Core>) -> Self {
        Self { inner, core }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for CspReports<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ReqBody: Body,
    ResBody: RejectionBody,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = CspReportFuture<S::Future, ReqBody, S::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        if request.uri().path() == self.core.path {
            receive(&self.core, request)
        } else {
            CspReportFuture::inner(self.inner.call(request))
        }
    }
}

/// Takes every request for a report of a browser: a whole service, for a route of a router or a server of its own.
/// [The module](crate::csp::report) has the rules.
///
/// # Example
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, StatusCode};
/// use http_body_util::Full;
/// use tower::ServiceExt;
/// use tower_security::csp::report::CspReportService;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let endpoint = CspReportService::new();
/// let request = Request::post("/").header("content-type", "text/plain").body(Full::<Bytes>::default())?;
/// let answer = ServiceExt::<Request<Full<Bytes>>>::oneshot(endpoint.clone(), request).await?;
/// assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
/// assert_eq!(endpoint.stats().refused, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct CspReportService {
    core: Arc<Core>,
}

impl CspReportService {
    /// Makes the service with its defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().service()
    }

    /// Starts from the defaults.
    pub fn builder() -> CspReportBuilder {
        CspReportBuilder::default()
    }

    pub(super) const fn of(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Returns how many reports came so far, and what became of them.
    #[must_use]
    pub fn stats(&self) -> CspReportStats {
        self.core.stats()
    }
}

impl Default for CspReportService {
    fn default() -> Self {
        Self::new()
    }
}

impl<ReqBody: Body> Service<Request<ReqBody>> for CspReportService {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    // There is no inner service: its future is one that nobody ever makes.
    type Future =
        CspReportFuture<Pending<Result<Self::Response, Infallible>>, ReqBody, Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        receive(&self.core, request)
    }
}

fn receive<F, ReqBody: Body, ResBody: RejectionBody>(
    core: &Arc<Core>,
    request: Request<ReqBody>,
) -> CspReportFuture<F, ReqBody, Response<ResBody>> {
    let (head, body) = request.into_parts();
    match inspect(&head, body.size_hint().lower(), core.collect) {
        Ok(Step::Read(format)) => CspReportFuture::reading(Arc::clone(core), head, format, body),
        Ok(Step::Preflight) => CspReportFuture::answered(preflight(head)),
        Err(refusal) => CspReportFuture::answered(core.refuse(head, refusal)),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Read(Format),
    Preflight,
}

/// What a request asks for by its head; `at_least` is what the body says of its length.
fn inspect(head: &Parts, at_least: u64, collect: Collect) -> Result<Step, CspReportRefusal> {
    let headers = &head.headers;
    if head.method != Method::POST {
        // A preflight and no other OPTIONS (Fetch, section 4.8).
        let preflight = head.method == Method::OPTIONS
            && collect == Collect::AnyOrigin
            && headers.contains_key(ORIGIN)
            && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        return if preflight {
            Ok(Step::Preflight)
        } else {
            Err(CspReportRefusal::Method)
        };
    }
    let format = format(headers).ok_or(CspReportRefusal::Type)?;
    if is_encoded(headers) {
        return Err(CspReportRefusal::Encoding);
    }
    // What is announced as too large is not read at all. A wrong announcement is for the server to find.
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if at_least.max(announced.unwrap_or_default()) > MOST_BYTES as u64 {
        return Err(CspReportRefusal::TooLarge);
    }
    Ok(Step::Read(format))
}

/// The type without its parameters, which say nothing here: JSON is UTF-8 (RFC 8259, section 8.1).
fn format(headers: &HeaderMap) -> Option<Format> {
    let Lines::One(line) = Lines::of(headers, &CONTENT_TYPE) else {
        return None;
    };
    let essence = line.as_bytes().split(|byte| *byte == b';').next()?;
    let is = |media: &[u8]| essence.trim_ascii().eq_ignore_ascii_case(media);
    if is(b"application/csp-report") {
        Some(Format::Legacy)
    } else if is(b"application/reports+json") {
        Some(Format::Reports)
    } else if is(b"application/json") {
        Some(Format::Json)
    } else {
        None
    }
}

fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().any(|coding| {
        !coding
            .as_bytes()
            .trim_ascii()
            .eq_ignore_ascii_case(b"identity")
    })
}

fn preflight<ResBody: RejectionBody>(head: Parts) -> Response<ResBody> {
    let mut headers = head.headers;
    headers.clear();
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_ORIGIN, ANY),
        (
            ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("POST"),
        ),
        (
            ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("content-type"),
        ),
        (ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200")),
    ] {
        field::set(&mut headers, name, value);
    }
    Rejection::protocol_answer(StatusCode::NO_CONTENT, headers)
}

impl Core {
    /// Answers a request whose body was read.
    pub(super) fn answer<ResBody: RejectionBody>(
        &self,
        head: Parts,
        format: Format,
        bytes: &[u8],
    ) -> Response<ResBody> {
        let batch = match parse(format, bytes) {
            Ok(batch) => batch,
            Err(refusal) => return self.refuse(head, refusal),
        };
        self.accept(&head, &batch);
        let mut headers = head.headers;
        headers.clear();
        field::set(&mut headers, CACHE_CONTROL, NO_STORE);
        if self.collect == Collect::AnyOrigin {
            // Without it a browser takes the report for lost and sends it again.
            field::set(&mut headers, ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
        }
        Rejection::protocol_answer(StatusCode::NO_CONTENT, headers)
    }

    #[cold]
    pub(super) fn refuse<ResBody: RejectionBody>(
        &self,
        head: Parts,
        refusal: CspReportRefusal,
    ) -> Response<ResBody> {
        let rejection = refusal.rejection();
        self.refused(&head, refusal, rejection.code());
        let context = RefusalContext::new(&head);
        rejection.reuse(head).into_response(&context)
    }
}
