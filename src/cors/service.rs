//! Carrying out the decision.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, Entry, HeaderMap, HeaderName,
    HeaderValue, ORIGIN, VARY,
};
use http::request::Parts;
use http::{Extensions, Method, Request, Response, StatusCode};
use tower_service::Service;

use super::check::{self, Answer, CorsRefusal, Permission, Preflight, Reason, Standing};
use super::layer::Source;
use super::{CorsPolicy, Refuse};
use crate::core::field;
use crate::core::{
    Amend, CleanText, EventName, Level, Outcome, RefusalContext, Rejection, RejectionBody,
    ResponseFuture, SecurityEvent, Shared,
};

const ALLOW_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-allow-private-network");
const ANY: HeaderValue = HeaderValue::from_static("*");
const TRUE: HeaderValue = HeaderValue::from_static("true");
const LAYER: &str = "cors";

/// The service of [`CorsLayer`](super::CorsLayer).
///
/// The [module](crate::cors) has the decision procedure.
#[derive(Clone, Debug)]
pub struct CorsService<S> {
    source: Arc<Source>,
    inner: S,
}

impl<S> CorsService<S> {
    pub(super) const fn new(source: Arc<Source>, inner: S) -> Self {
        Self { source, inner }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for CorsService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: RejectionBody,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, S::Response, CorsAmendment>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        if self.source.is_passthrough() {
            return ResponseFuture::maybe_amending(self.inner.call(request), None);
        }
        let policy = self.source.policy.load_full();
        if request.method() == Method::OPTIONS {
            return self.with_head(policy, request);
        }
        let grant = match check::origin(request.headers()) {
            _ if policy.any_origin => Grant::Any,
            None => Grant::Nobody,
            Some(origin) => match check::listed(&policy, origin) {
                Standing::Exact(answer) | Standing::Matched(answer) => {
                    Grant::Origin(answer.clone())
                }
                Standing::Refused(_) if needs_no_head(&policy, request.extensions()) => {
                    Grant::Nobody
                }
                _ => return self.with_head(policy, request),
            },
        };
        let amendment = CorsAmendment::new(policy, grant, request.method(), request.extensions());
        ResponseFuture::amending(self.inner.call(request), amendment)
    }
}

impl<S> CorsService<S> {
    /// The whole procedure, for what needs the whole head: preflights, predicates, events, refusals. Apart from `call`, because to
    /// take a request apart and put it together again costs as much as a look-up.
    #[inline(never)]
    fn with_head<ReqBody, ResBody>(
        &mut self,
        policy: Arc<CorsPolicy>,
        request: Request<ReqBody>,
    ) -> ResponseFuture<S::Future, S::Response, CorsAmendment>
    where
        S: Service<Request<ReqBody>, Response = Response<ResBody>>,
        ResBody: RejectionBody,
    {
        let (head, body) = request.into_parts();
        if let Some(answer) = preflight(&policy, &head) {
            return ResponseFuture::refused(answered(&policy, answer, head.headers));
        }
        let grant = match check::decided(&policy, &head) {
            _ if policy.any_origin => Ok(Grant::Any),
            None | Some(Standing::Any) => Ok(Grant::Nobody),
            Some(Standing::Exact(answer) | Standing::Matched(answer)) => {
                Ok(Grant::Origin(answer.clone()))
            }
            Some(Standing::Refused(reason)) => refuse(&policy, &head, reason),
        };
        match grant {
            Ok(grant) => {
                let amendment = CorsAmendment::new(policy, grant, &head.method, &head.extensions);
                let request = Request::from_parts(head, body);
                ResponseFuture::amending(self.inner.call(request), amendment)
            }
            Err(refusal) => ResponseFuture::refused(refused(&policy, refusal, head)),
        }
    }
}

/// Whether nothing but a look at the list was due for an origin that it does not have.
fn needs_no_head(policy: &CorsPolicy, extensions: &Extensions) -> bool {
    policy.predicate.is_none()
        && policy.refuse == Refuse::Preflight
        && !policy.events.wants(
            Shared::from_extensions(extensions),
            EventName::MaliciousCors,
            Level::Info,
        )
}

/// What becomes of an actual request of an origin that is not allowed.
fn refuse(policy: &CorsPolicy, head: &Parts, reason: Reason<'_>) -> Result<Grant, CorsRefusal> {
    if check::refuses(policy, head, reason) {
        tell(policy, head, Level::Warn, Outcome::Refused, reason);
        return Err(reason.refusal());
    }
    // Every form that the server's own pages post has an origin, too.
    if !check::is_own(policy, head, reason) {
        tell(policy, head, Level::Info, Outcome::Success, reason);
    }
    Ok(Grant::Nobody)
}

/// Decides a preflight, and tells of it if it is refused; `None` for any other `OPTIONS`.
fn preflight<'a>(
    policy: &'a CorsPolicy,
    head: &Parts,
) -> Option<(StatusCode, Option<Permission<'a>>)> {
    let asked = Preflight::of(&head.method, &head.headers)?;
    let failure = match check::preflight(policy, head, asked) {
        Ok(permission) => return Some((policy.preflight_success_status, Some(permission))),
        Err(failure) => failure,
    };
    // What an allowed origin asks for in vain is a mistake rather than an attack.
    let level = if failure.reason.is_of_origin() {
        Level::Warn
    } else {
        Level::Info
    };
    tell(policy, head, level, Outcome::Refused, failure.reason);
    Some(match failure.explained {
        Some(permission) => (policy.preflight_success_status, Some(permission)),
        None => (StatusCode::FORBIDDEN, None),
    })
}

/// Answers a preflight. A refusal tells nothing of the policy: not the origins, not the methods, not the headers. With
/// `vary_on_preflight` it tells that there is one.
fn answered<B: RejectionBody>(
    policy: &CorsPolicy,
    (status, permission): (StatusCode, Option<Permission<'_>>),
    asked: HeaderMap,
) -> Response<B> {
    let mut headers = match permission {
        Some(permission) => granted(policy, &permission, asked),
        None => HeaderMap::new(),
    };
    if let Some(vary) = &policy.vary.on_preflight {
        field::set(&mut headers, VARY, vary.clone());
    }
    Rejection::protocol_answer(status, headers)
}

/// The headers of an answer that is no refusal, in the request's map: a preflight has more lines than its answer.
fn granted(policy: &CorsPolicy, permission: &Permission<'_>, mut headers: HeaderMap) -> HeaderMap {
    let origin = permission.origin.value(&mut headers, ORIGIN);
    let method = permission
        .method
        .value(&mut headers, ACCESS_CONTROL_REQUEST_METHOD);
    let names = permission
        .headers
        .value(&mut headers, ACCESS_CONTROL_REQUEST_HEADERS);
    let more = match permission.headers {
        Answer::EchoLines => further_lines(&mut headers, &ACCESS_CONTROL_REQUEST_HEADERS),
        Answer::None | Answer::Value(_) | Answer::Echo => Vec::new(),
    };
    headers.clear();
    if let Some(origin) = origin {
        field::set(&mut headers, ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    if policy.credentials {
        field::set(&mut headers, ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
    }
    if let Some(method) = method {
        field::set(&mut headers, ACCESS_CONTROL_ALLOW_METHODS, method);
    }
    if let Some(names) = names {
        field::set(&mut headers, ACCESS_CONTROL_ALLOW_HEADERS, names);
    }
    for names in more {
        field::add(&mut headers, ACCESS_CONTROL_ALLOW_HEADERS, names);
    }
    if permission.is_whole
        && let Some(max_age) = &policy.max_age
    {
        field::set(&mut headers, ACCESS_CONTROL_MAX_AGE, max_age.clone());
    }
    if permission.private_network {
        field::set(&mut headers, ALLOW_PRIVATE_NETWORK, TRUE);
    }
    headers
}

impl Answer<'_> {
    /// The value of the answer's header. What was asked for is moved out of the request: the first clone of a value allocates.
    #[inline]
    fn value(&self, asked: &mut HeaderMap, name: HeaderName) -> Option<HeaderValue> {
        match self {
            Self::None => None,
            Self::Value(value) => Some((*value).clone()),
            Self::Echo | Self::EchoLines => asked.get_mut(name).map(taken),
        }
    }
}

/// The lines behind the first one.
fn further_lines(asked: &mut HeaderMap, name: &HeaderName) -> Vec<HeaderValue> {
    match asked.try_entry(name) {
        Ok(Entry::Occupied(mut lines)) => lines.iter_mut().skip(1).map(taken).collect(),
        Ok(Entry::Vacant(_)) | Err(_) => Vec::new(),
    }
}

/// The value; its place is emptied with the whole map.
fn taken(value: &mut HeaderValue) -> HeaderValue {
    std::mem::replace(value, HeaderValue::from_static(""))
}

/// The 403 of [`Refuse::PreflightAndActual`].
fn refused<B: RejectionBody>(policy: &CorsPolicy, reason: CorsRefusal, head: Parts) -> Response<B> {
    let context = RefusalContext::new(&head);
    let rejection = Rejection::new(
        StatusCode::FORBIDDEN,
        reason.code(),
        "This origin is not allowed",
    )
    .reuse(head)
    .reason(reason);
    match &policy.vary.line {
        Some(vary) => rejection.header(VARY, vary.clone()),
        None => rejection,
    }
    .into_response(&context)
}

/// What is still to be done to the response of the inner service. Opaque.
#[derive(Debug)]
pub struct CorsAmendment {
    /// The snapshot that the request began with.
    policy: Arc<CorsPolicy>,
    grant: Grant,
    vary: bool,
    /// For the one event that a response can cause.
    shared: Option<Shared>,
}

impl CorsAmendment {
    #[inline]
    fn new(
        policy: Arc<CorsPolicy>,
        grant: Grant,
        method: &Method,
        extensions: &Extensions,
    ) -> Self {
        // Looked up only while there may be something to tell.
        let shared = if policy.inner_headers_told.is_told() {
            None
        } else {
            Shared::from_extensions(extensions).cloned()
        };
        Self {
            policy,
            grant,
            vary: *method != Method::OPTIONS,
            shared,
        }
    }
}

/// Who may read the response.
#[derive(Debug)]
enum Grant {
    Any,
    Origin(HeaderValue),
    Nobody,
}

impl Amend for CorsAmendment {
    #[inline]
    fn amend<B>(self, response: &mut Response<B>) {
        let policy = &*self.policy;
        let headers = response.headers_mut();
        let inner = Inner::of(headers);
        let is_overruled = match self.grant {
            _ if inner.origin && policy.keep_inner => false,
            Grant::Nobody if !inner.origin => false,
            Grant::Nobody => headers.remove(ACCESS_CONTROL_ALLOW_ORIGIN).is_some(),
            Grant::Any => allow(policy, ANY, inner, headers),
            Grant::Origin(origin) => allow(policy, origin, inner, headers),
        };
        if is_overruled {
            tell_of_inner(policy, self.shared.as_ref());
        }
        if !self.vary {
            return;
        }
        if inner.vary {
            add_vary(policy, headers);
        } else if let Some(line) = &policy.vary.line {
            field::set(headers, VARY, line.clone());
        }
    }
}

/// Lets this origin read the response. Returns whether the inner service has said something else.
fn allow(policy: &CorsPolicy, origin: HeaderValue, inner: Inner, headers: &mut HeaderMap) -> bool {
    field::set(headers, ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    if policy.credentials {
        field::set(headers, ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
    } else if inner.credentials {
        headers.remove(ACCESS_CONTROL_ALLOW_CREDENTIALS);
    }
    if let Some(exposed) = &policy.exposed {
        field::set(headers, ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
    }
    inner.origin || inner.credentials || (inner.exposed && policy.exposed.is_some())
}

/// A second CORS layer, or a handler that thinks it has to do this by itself. Told once for each policy.
fn tell_of_inner(policy: &CorsPolicy, shared: Option<&Shared>) {
    const NAME: EventName = EventName::SysMonitorDisabled;
    if policy.inner_headers_told.is_told() || !policy.inner_headers_told.tell() {
        return;
    }
    policy.events.emit(shared, NAME, Level::Info, || {
        SecurityEvent::new(NAME, LAYER, "inner_cors_headers").outcome(Outcome::Success)
    });
}

/// Which headers the inner service has set. One pass: a response has few, and each look-up by name costs as much as a dozen
/// comparisons.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a header that is there or is not"
)]
struct Inner {
    origin: bool,
    credentials: bool,
    exposed: bool,
    vary: bool,
}

impl Inner {
    #[inline]
    fn of(headers: &HeaderMap) -> Self {
        let mut inner = Self::default();
        for name in headers.keys() {
            inner.origin |= name == ACCESS_CONTROL_ALLOW_ORIGIN;
            inner.credentials |= name == ACCESS_CONTROL_ALLOW_CREDENTIALS;
            inner.exposed |= name == ACCESS_CONTROL_EXPOSE_HEADERS;
            inner.vary |= name == VARY;
        }
        inner
    }
}

/// Adds what the inner service does not vary by yet; its own lines stay.
fn add_vary(policy: &CorsPolicy, headers: &mut HeaderMap) {
    for name in &policy.vary.names {
        if !field::varies_by(headers, name.as_bytes()) {
            field::add(headers, VARY, name.clone());
        }
    }
}

/// Records what was asked for in vain. The finer reason is looked for only when the event is wanted.
fn tell(policy: &CorsPolicy, head: &Parts, level: Level, outcome: Outcome, reason: Reason<'_>) {
    const NAME: EventName = EventName::MaliciousCors;
    let shared = Shared::from_extensions(&head.extensions);
    policy.events.emit(shared, NAME, level, || {
        let refusal = reason.refusal();
        SecurityEvent::new(NAME, LAYER, refusal.code())
            .outcome(outcome)
            .request(head)
            .rule(refusal.rule())
            .clean_detail(detail(head))
    });
}

/// The origin as it was sent, cleaned.
fn detail(head: &Parts) -> CleanText<'static> {
    const NAME: &[u8] = b"origin=";
    /// The longest origin.
    const LONGEST: usize = 326;
    let origin = head
        .headers
        .get(ORIGIN)
        .map_or(&b""[..], HeaderValue::as_bytes);
    // One more, so that the cut is seen.
    let start = origin.get(..=LONGEST).unwrap_or(origin);
    CleanText::from_bytes(&[NAME, start].concat(), NAME.len() + LONGEST).into_owned()
}
