//! What rendering a refusal needs to know of the request.

use bytes::Bytes;
use http::header::ACCEPT;
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderValue, Method, Response};

use super::Rejection;
use super::grpc::GrpcContentType;
use crate::core::context::RequestContext;
use crate::core::field::Lines;
use crate::core::{ClientIp, RejectionBody, RequestId, Shared};

/// Which of two forms of a refusal a client would rather have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Accepts {
    /// A page: the request's `Accept` prefers `text/html` to JSON, as browsers' navigations do.
    Html,
    /// `application/problem+json`: everything else.
    Json,
}

/// What rendering a refusal needs of the request, captured before the request is handed on.
///
/// 16 bytes and one `Arc` clone. With feature `axum` it is an argument of handlers. By default it is that of a request of which nothing
/// is known, whose refusals are `application/problem+json`.
///
/// # Example
///
/// A handler that answers its errors as the layers around it answer theirs: in the rendering of the stack, with the id of the request, to
/// gRPC as a status.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response, StatusCode};
/// use http_body_util::Full;
/// use tower_security::core::{RefusalContext, Rejection};
///
/// fn order(request: &Request<()>) -> Result<Response<Full<Bytes>>, Rejection> {
///     match request.uri().path() {
///         "/orders/7" => Ok(Response::new(Full::from("seven apples"))),
///         _ => Err(Rejection::not_found()),
///     }
/// }
///
/// fn serve(request: Request<()>) -> Response<Full<Bytes>> {
///     let context = RefusalContext::of(request.method(), request.headers(), request.extensions());
///     order(&request).unwrap_or_else(|error| context.refuse(error))
/// }
/// assert_eq!(serve(Request::get("/orders/8").body(())?).status(), StatusCode::NOT_FOUND);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RefusalContext {
    request: Option<RequestContext>,
    head: bool,
    accepts: Accepts,
    grpc: Option<GrpcContentType>,
}

impl RefusalContext {
    /// Captures what is needed of a request.
    #[must_use]
    pub fn new(head: &Parts) -> Self {
        Self::of(&head.method, &head.headers, &head.extensions)
    }

    /// Captures what is needed of a request whose parts are at hand one by one.
    #[must_use]
    pub fn of(method: &Method, headers: &HeaderMap, extensions: &Extensions) -> Self {
        Self::of_rendered((method, headers, extensions), true)
    }

    /// The same without the form that the client prefers, unless somebody renders by it: to read that takes longer than a small layer
    /// does, and few refusals are rendered.
    #[inline]
    pub(crate) fn of_rendered(
        (method, headers, extensions): (&Method, &HeaderMap, &Extensions),
        has_renderer: bool,
    ) -> Self {
        let request = RequestContext::from_extensions(extensions).cloned();
        let shared = request.as_ref().map(RequestContext::shared);
        let is_rendered = has_renderer || shared.is_some_and(|shared| shared.renderer().is_some());
        Self {
            request,
            head: method == Method::HEAD,
            accepts: if is_rendered {
                accepts(headers)
            } else {
                Accepts::Json
            },
            grpc: (method == Method::POST)
                .then(|| GrpcContentType::of(headers))
                .flatten(),
        }
    }

    /// Makes the answer to the request: of a [`Rejection`], or of an error that has one, such as
    /// [`LoginRefusal`](crate::rate_limit::login::LoginRefusal).
    #[must_use]
    pub fn refuse<B: RejectionBody>(&self, error: impl Into<Rejection>) -> Response<B> {
        error.into().into_response(self)
    }

    /// Whether the request was a `HEAD`: the answer must be a head alone.
    #[must_use]
    pub const fn is_head(&self) -> bool {
        self.head
    }

    /// Whether the request was gRPC or gRPC-web: the answer must be a gRPC status.
    #[must_use]
    pub const fn is_grpc(&self) -> bool {
        self.grpc.is_some()
    }

    /// Returns the form that the client prefers.
    #[must_use]
    pub const fn accepts(&self) -> Accepts {
        self.accepts
    }

    /// Returns the id of the request, where the stack gave it one.
    #[must_use]
    pub fn request_id(&self) -> Option<&RequestId> {
        self.request.as_ref().and_then(RequestContext::request_id)
    }

    /// Returns what the stack shares.
    #[must_use]
    pub fn shared(&self) -> Option<&Shared> {
        self.request.as_ref().map(RequestContext::shared)
    }

    /// The client that the stack has found.
    pub(crate) fn client_ip(&self) -> Option<ClientIp> {
        self.request.as_ref().and_then(RequestContext::client_ip)
    }

    pub(super) const fn grpc(&self) -> Option<GrpcContentType> {
        self.grpc
    }
}

impl Default for RefusalContext {
    fn default() -> Self {
        Self {
            request: None,
            head: false,
            accepts: Accepts::Json,
            grpc: None,
        }
    }
}

/// The rendering of refusals for a whole stack, such as HTML error pages.
///
/// It writes the body and the content type of problem-shaped refusals and nothing else: the status, the headers, gRPC answers,
/// redirects and protocol answers stay as they are. One that panics renders nothing: the default takes its place.
///
/// # Example
///
/// A page for browsers, the default for everybody else:
///
/// ```
/// use bytes::Bytes;
/// use http::HeaderValue;
/// use tower_security::core::{Accepts, RefusalContext, Rejection, RejectionRenderer};
/// use tower_security::stack::SecurityStack;
///
/// struct Pages;
///
/// impl RejectionRenderer for Pages {
///     fn render(&self, refusal: &Rejection, context: &RefusalContext) -> Option<(HeaderValue, Bytes)> {
///         (context.accepts() == Accepts::Html).then(|| {
///             let page = format!("<h1>{}</h1><p>{}</p>", refusal.status(), refusal.title());
///             (HeaderValue::from_static("text/html; charset=utf-8"), Bytes::from(page))
///         })
///     }
/// }
///
/// let stack = SecurityStack::new().rejections(Pages);
/// # let _ = stack;
/// ```
pub trait RejectionRenderer: Send + Sync + 'static {
    /// Returns the content type and the body, or `None` for the default `application/problem+json`.
    fn render(
        &self,
        rejection: &Rejection,
        context: &RefusalContext,
    ) -> Option<(HeaderValue, Bytes)>;
}

/// Whether `text/html` is accepted with a higher weight than JSON (RFC 9110, section 12.5.1); wildcards prefer neither.
fn accepts(headers: &HeaderMap) -> Accepts {
    /// More than any real client sends.
    const MAX_RANGES: usize = 32;
    const MAX_BYTES: usize = 1_024;
    if !may_name_html(headers) {
        return Accepts::Json;
    }
    let (mut html, mut json) = (0, 0);
    let ranges = headers.get_all(ACCEPT).iter().flat_map(|line| {
        let line = line.as_bytes();
        line.get(..MAX_BYTES).unwrap_or(line).split(|b| *b == b',')
    });
    for range in ranges.take(MAX_RANGES) {
        let mut parts = range.split(|b| *b == b';').map(<[u8]>::trim_ascii);
        let name = parts.next().unwrap_or_default();
        let is = |media: &[u8]| name.eq_ignore_ascii_case(media);
        let weight = if is(b"text/html") || is(b"application/xhtml+xml") {
            &mut html
        } else if is(b"application/json") || is(b"application/problem+json") {
            &mut json
        } else {
            continue;
        };
        *weight = parts.find_map(quality).unwrap_or(1000).max(*weight);
    }
    if html > json {
        Accepts::Html
    } else {
        Accepts::Json
    }
}

/// Whether a line of `Accept` has the one letter that `text/html` and `application/xhtml+xml` have and JSON has not: most calls of an
/// interface are told from those of a browser by a glance.
fn may_name_html(headers: &HeaderMap) -> bool {
    let names_it = |line: &HeaderValue| line.as_bytes().iter().any(|byte| byte | 0x20 == b'h');
    match Lines::of(headers, &ACCEPT) {
        Lines::Absent => false,
        Lines::One(line) => names_it(line),
        Lines::Several(_) => true,
    }
}

/// `q=0.75` in thousandths; `None` for any other parameter, 0 for a weight that is malformed.
fn quality(parameter: &[u8]) -> Option<u16> {
    let [b'q' | b'Q', b'=', weight @ ..] = parameter else {
        return None;
    };
    Some(match weight {
        [b'1', ..] => 1000,
        [b'0', b'.', digits @ ..] if digits.len() <= 3 => digits
            .iter()
            .chain(b"000")
            .take(3)
            .try_fold(0_u16, |sum, digit| {
                let digit = digit.checked_sub(b'0').filter(|d| *d < 10)?;
                Some(sum.saturating_mul(10).saturating_add(u16::from(digit)))
            })
            .unwrap_or(0),
        // `q=0`, and what is no weight at all: not acceptable.
        _ => 0,
    })
}
