//! Refusals. The only room that builds a response.

mod context;
mod fixed;
mod grpc;
mod login;
mod marker;
mod problem;
mod render;
#[cfg(test)]
mod tests;
mod uniform;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode};

pub use context::{Accepts, RefusalContext, RejectionRenderer};
pub(crate) use fixed::{FixedRefusal, Varying};
pub use grpc::GrpcCode;
pub(crate) use grpc::{is_grpc, is_grpc_type};
pub(crate) use login::QUOTA_EXCEEDED;
pub use marker::{AbuseKind, AbuseSignal, Refused};
pub use problem::Problem;
pub(crate) use render::{GRPC_DETAILS, GRPC_MESSAGE, GRPC_PUSHBACK, GRPC_STATUS};

use crate::core::line;

/// A refusal: what is answered instead of calling the service.
///
/// One value renders as RFC 9457 `application/problem+json`, as a gRPC status for a gRPC request, and as a head alone for `HEAD`.
/// The title and the code are fixed when the code is written, and nothing of an error or of the request gets into it by itself: what
/// is given to `member`, `problem_type` or `header` is the caller's word.
///
/// | status | gRPC status |
/// |---|---|
/// | 400 405 415 422 | 3 `INVALID_ARGUMENT` |
/// | 401 | 16 `UNAUTHENTICATED` |
/// | 403 | 7 `PERMISSION_DENIED` |
/// | 404 | 5 `NOT_FOUND` |
/// | 408 504 | 4 `DEADLINE_EXCEEDED` |
/// | 413 414 429 431 | 8 `RESOURCE_EXHAUSTED` |
/// | 503 | 14 `UNAVAILABLE` |
/// | any other | 13 `INTERNAL` |
///
/// # Example
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, StatusCode};
/// use http_body_util::Full;
/// use tower_security::core::{RefusalContext, Refused, Rejection};
///
/// let (head, ()) = Request::get("/wine").body(())?.into_parts();
/// let context = RefusalContext::new(&head);
/// let response = Rejection::new(StatusCode::FORBIDDEN, "too_young", "Adults only")
///     .into_response::<Full<Bytes>>(&context);
///
/// assert_eq!(response.status(), StatusCode::FORBIDDEN);
/// assert_eq!(response.headers()["content-type"], "application/problem+json");
/// assert_eq!(response.extensions().get::<Refused>().map(Refused::code), Some("too_young"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a refusal does nothing until it is made a response"]
pub struct Rejection {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    grpc: GrpcCode,
    headers: HeaderMap,
    extensions: Extensions,
    retry_after: Option<u64>,
    problem_type: Option<Cow<'static, str>>,
    members: Vec<(&'static str, Vec<Cow<'static, str>>)>,
    prepared: Option<Bytes>,
    grpc_details: Option<Bytes>,
    renderer: Option<Arc<dyn RejectionRenderer>>,
    pushback: Option<Pushback>,
    abuse: Option<AbuseKind>,
    shape: Shape,
}

/// What the answer looks like over HTTP.
#[derive(Clone, Debug)]
enum Shape {
    Problem,
    Empty,
    Redirect(HeaderValue),
    OAuth,
}

/// When a gRPC client may try again (gRFC A6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pushback {
    /// After this time; a fraction of a millisecond counts as a whole one.
    After(Duration),
    /// Not at all.
    Never,
}

impl Pushback {
    fn header_value(self) -> HeaderValue {
        match self {
            Self::After(wait) => {
                let milliseconds = wait.as_nanos().div_ceil(1_000_000);
                line::number(u64::try_from(milliseconds).unwrap_or(u64::MAX))
            }
            Self::Never => HeaderValue::from_static("-1"),
        }
    }
}

impl Rejection {
    /// Refuses with this status.
    ///
    /// `code` is the stable snake-case name that clients and events see; `title` the fixed sentence for people.
    pub fn new(status: StatusCode, code: &'static str, title: &'static str) -> Self {
        Self {
            status,
            code,
            title,
            grpc: GrpcCode::from_status(status),
            headers: HeaderMap::new(),
            extensions: Extensions::new(),
            retry_after: None,
            problem_type: None,
            members: Vec::new(),
            prepared: None,
            grpc_details: None,
            renderer: None,
            pushback: None,
            abuse: None,
            shape: Shape::Problem,
        }
    }

    /// 500 `internal_error`.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "internal error",
        )
    }

    /// 404 `not_found`: the same bytes for what is absent and for what the caller may not know of.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found")
    }

    /// 405 `method_not_allowed` with the methods that are allowed.
    pub fn method_not_allowed(allow: HeaderValue) -> Self {
        Self::wrong_method().header(ALLOW, allow)
    }

    /// 405 `method_not_allowed`, for an answer that has its line of `Allow` already.
    pub(crate) fn wrong_method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "Method not allowed",
        )
    }

    /// A redirect without a body, not to be stored. A gRPC request gets status 13 and no location.
    pub fn redirect(status: StatusCode, location: HeaderValue) -> Self {
        Self {
            shape: Shape::Redirect(location),
            ..Self::new(status, "redirect", "Redirect")
        }
    }

    /// An answer of the protocol itself, such as that to a CORS preflight: no body, no content type, no marker, no allocation.
    ///
    /// It is not rendered for gRPC, and a [`reason`](Self::reason) given to it is dropped.
    pub fn empty(status: StatusCode) -> Self {
        Self {
            shape: Shape::Empty,
            ..Self::new(status, "empty", "")
        }
    }

    /// An OAuth 2.0 error answer, `{"error": "<code>"}` (RFC 6749, section 5.2).
    pub fn oauth(status: StatusCode, code: &'static str, title: &'static str) -> Self {
        Self {
            shape: Shape::OAuth,
            ..Self::new(status, code, title)
        }
    }

    /// Takes over the request's head: its emptied maps become those of the response, which saves their allocations.
    ///
    /// What was in the maps is gone. Call it before `header` and `reason`; what they added earlier is kept.
    pub fn reuse(mut self, head: Parts) -> Self {
        self.take_over(head);
        self
    }

    /// As [`reuse`](Self::reuse), in place: a refusal is large, and each call that hands it on may move it.
    pub(crate) fn take_over(&mut self, head: Parts) {
        let mut headers = head.headers;
        headers.clear();
        if !self.headers.is_empty() {
            headers.extend(self.headers.drain());
        }
        self.headers = headers;
        let mut extensions = head.extensions;
        extensions.clear();
        if !self.extensions.is_empty() {
            extensions.extend(std::mem::take(&mut self.extensions));
        }
        self.extensions = extensions;
    }

    /// Makes these the maps of the answer: those of one that is replaced, with what it keeps of them.
    pub(crate) fn maps(mut self, headers: HeaderMap, extensions: Extensions) -> Self {
        self.headers = headers;
        self.extensions = extensions;
        self
    }

    /// Sets the gRPC status, where that of the table does not fit.
    pub fn grpc(mut self, code: GrpcCode) -> Self {
        self.grpc = code;
        self
    }

    /// Appends a header line.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        // Over the map's limit of 32,768 lines the line is left out rather than panicked over.
        let _ = self.headers.try_append(name, value);
        self
    }

    /// Appends one `WWW-Authenticate` line for each challenge.
    pub fn challenges(self, lines: impl IntoIterator<Item = HeaderValue>) -> Self {
        lines.into_iter().fold(self, |rejection, line| {
            rejection.header(WWW_AUTHENTICATE, line)
        })
    }

    /// Sends `Retry-After` with this many seconds. Not sent over gRPC; see [`pushback`](Self::pushback).
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Sets the problem type, an absolute URI. Without it the member is left out, which means `about:blank`.
    pub fn problem_type(mut self, uri: impl Into<Cow<'static, str>>) -> Self {
        self.problem_type = Some(uri.into());
        self
    }

    /// Adds an array of strings to the problem, such as `violated-policies`. A name that the problem has already is left out.
    pub fn member<I>(mut self, name: &'static str, values: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Cow<'static, str>>,
    {
        const WRITTEN: [&str; 5] = ["type", "title", "status", "code", "request_id"];
        if !WRITTEN.contains(&name) && self.members.iter().all(|(taken, _)| *taken != name) {
            let values = values.into_iter().map(Into::into).collect();
            self.members.push((name, values));
        }
        self
    }

    /// Sets `grpc-status-details-bin`: an encoded `google.rpc.Status`, such as one with `RetryInfo`.
    pub fn grpc_details(mut self, details: Bytes) -> Self {
        self.grpc_details = Some(details);
        self
    }

    /// Tells a gRPC client when to try again.
    pub fn pushback(mut self, pushback: Pushback) -> Self {
        self.pushback = Some(pushback);
        self
    }

    /// Marks the refusal as a sign of abuse, so that bans can count it.
    pub fn abuse(mut self, kind: AbuseKind) -> Self {
        self.abuse = Some(kind);
        self
    }

    /// Puts the typed reason into the response's extensions, for the layers outside and for tests.
    pub fn reason<T: Clone + Send + Sync + 'static>(mut self, reason: T) -> Self {
        self.extensions.insert(reason);
        self
    }

    /// Renders the body by this renderer instead of the stack's.
    pub fn renderer(mut self, renderer: Arc<dyn RejectionRenderer>) -> Self {
        self.renderer = Some(renderer);
        self
    }

    /// Takes the problem body from [`prepare`](Self::prepare) instead of writing it again; members and the problem type that are
    /// set on this refusal do not get into it.
    pub fn prepared(mut self, body: PreparedBody) -> Self {
        self.prepared = Some(body.0);
        self
    }

    /// Writes the problem body once, for a refusal that is always the same.
    pub fn prepare(&self) -> PreparedBody {
        let body = render::problem_body(self, None);
        // The first clone allocates, and is not to be that of a request.
        drop(body.clone());
        PreparedBody(body)
    }

    /// Returns the status over HTTP.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// Returns the sentence for people.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        self.title
    }

    /// Returns the gRPC status.
    #[must_use]
    pub const fn grpc_code(&self) -> GrpcCode {
        self.grpc
    }

    /// Returns the gRPC details that were set.
    #[must_use]
    pub const fn details(&self) -> Option<&Bytes> {
        self.grpc_details.as_ref()
    }

    pub(crate) fn pushback_value(&self) -> Option<HeaderValue> {
        self.pushback.map(Pushback::header_value)
    }

    /// As [`retry_after`](Self::retry_after), in place.
    pub(crate) const fn set_retry_after(&mut self, seconds: u64) {
        self.retry_after = Some(seconds);
    }

    /// As [`reason`](Self::reason), in place.
    pub(crate) fn set_reason<T: Clone + Send + Sync + 'static>(&mut self, reason: T) {
        self.extensions.insert(reason);
    }

    pub(crate) const fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }

    /// Returns the header lines that were added.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the sign of abuse.
    #[must_use]
    pub const fn abuse_kind(&self) -> Option<AbuseKind> {
        self.abuse
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejection")
            .field("status", &self.status)
            .field("code", &self.code)
            .field("grpc", &self.grpc)
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}

/// The body of a refusal that is always the same, written once. See [`Rejection::prepare`].
#[derive(Clone, Debug)]
pub struct PreparedBody(Bytes);
