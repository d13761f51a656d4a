//! The decision: what the policy says of a request. Pure; the service carries it out.

use std::fmt;
use std::iter;

use http::Method;
use http::header::{
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName,
    HeaderValue, ORIGIN,
};
use http::request::Parts;

use super::acrh::{self, Asked};
use super::policy::{Methods, RequestHeaders};
use super::{CorsPolicy, Refuse, fetch};
use crate::core::origin::{Match, OriginRef};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const REQUEST_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-request-private-network");
const ANY: HeaderValue = HeaderValue::from_static("*");
const ANY_AND_AUTHORIZATION: HeaderValue = HeaderValue::from_static("*,authorization");
/// Longer than any method in use.
const MAX_ECHOED_METHOD: usize = 64;

/// Why a request is not allowed what it asks for.
///
/// [`rule`](Self::rule) is the `rule` of the event. Where the layer answers with a problem ([`Refuse::PreflightAndActual`]) it is
/// also one of the response's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CorsRefusal {
    /// A header that has one line in every browser has several.
    Duplicate(DuplicateHeader),
    /// `Access-Control-Request-Headers` names one that is not allowed, or is nothing that a browser sends.
    Header,
    /// `Access-Control-Request-Method` names one that is not allowed.
    Method,
    /// The origin is not allowed.
    Origin(OriginProblem),
    /// The policy allows nothing that a preflight could ask for.
    Unsupported,
}

/// A header with several lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DuplicateHeader {
    /// `Origin`.
    Origin,
    /// `Access-Control-Request-Method`.
    RequestMethod,
}

/// What is wrong with an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OriginProblem {
    /// It is nothing that a browser sends.
    Malformed,
    /// It is well-formed, and nobody allowed it.
    NotAllowed,
    /// It is `null`: a sandboxed frame, a `data:` URL, or a redirect across origins.
    Null,
}

impl CorsRefusal {
    /// Returns the stable code: `header_refused`, `method_refused`, `origin_refused` or `preflight_unsupported`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Duplicate(DuplicateHeader::Origin) | Self::Origin(_) => "origin_refused",
            Self::Duplicate(DuplicateHeader::RequestMethod) | Self::Method => "method_refused",
            Self::Header => "header_refused",
            Self::Unsupported => "preflight_unsupported",
        }
    }

    /// Returns the finer reason in snake case.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Duplicate(DuplicateHeader::Origin) => "origin_duplicate",
            Self::Duplicate(DuplicateHeader::RequestMethod) => "method_duplicate",
            Self::Header => "header_not_allowed",
            Self::Method => "method_not_allowed",
            Self::Origin(OriginProblem::Malformed) => "origin_malformed",
            Self::Origin(OriginProblem::NotAllowed) => "origin_not_allowed",
            Self::Origin(OriginProblem::Null) => "origin_null",
            Self::Unsupported => "nothing_to_ask_for",
        }
    }

    /// Whether the origin is at fault, and not what an allowed one asks for.
    pub(super) const fn is_of_origin(self) -> bool {
        matches!(
            self,
            Self::Origin(_) | Self::Duplicate(DuplicateHeader::Origin)
        )
    }
}

impl fmt::Display for CorsRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rule())
    }
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CorsVerdict {
    /// A request of an allowed origin: it is served, and the page may read the answer.
    Allowed,
    /// A request without `Origin`: it is served.
    NoOrigin,
    /// A request of an origin that is not allowed: it is served, and the browser keeps the answer from the page.
    NotAllowed(CorsRefusal),
    /// A preflight that succeeds.
    PreflightAllowed,
    /// A preflight of an allowed origin that fails, answered so that the browser's console names the reason
    /// ([`explain_failures`](super::CorsBuilder::explain_failures)).
    PreflightExplained(CorsRefusal),
    /// A preflight that is answered with a bare 403.
    PreflightRefused(CorsRefusal),
    /// A request that is answered with 403 ([`Refuse::PreflightAndActual`]).
    Refused(CorsRefusal),
}

pub(super) fn verdict(policy: &CorsPolicy, head: &Parts) -> CorsVerdict {
    if is_preflight(&head.method, &head.headers) {
        return match preflight(policy, head) {
            Ok(_) => CorsVerdict::PreflightAllowed,
            Err(failure) if failure.explained.is_some() => {
                CorsVerdict::PreflightExplained(failure.refusal)
            }
            Err(failure) => CorsVerdict::PreflightRefused(failure.refusal),
        };
    }
    match standing(policy, head) {
        Standing::Absent => CorsVerdict::NoOrigin,
        Standing::Any | Standing::Exact(_) | Standing::Matched(_) => CorsVerdict::Allowed,
        Standing::Refused(origin) if refuses(policy, head, origin) => {
            CorsVerdict::Refused(refusal(origin))
        }
        Standing::Refused(origin) => CorsVerdict::NotAllowed(refusal(origin)),
    }
}

/// Where the origin of a request stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Standing<'a> {
    /// There is none.
    Absent,
    /// Every origin is allowed.
    Any,
    /// It is in the list; this is its answer.
    Exact(&'a HeaderValue),
    /// A pattern or the predicate allows it; this is the request's own value.
    Matched(&'a HeaderValue),
    /// It is not allowed; `None` stands for several lines.
    Refused(Option<&'a HeaderValue>),
}

#[inline]
pub(super) fn standing<'a>(policy: &'a CorsPolicy, head: &'a Parts) -> Standing<'a> {
    let mut lines = head.headers.get_all(ORIGIN).iter();
    let Some(origin) = lines.next() else {
        return Standing::Absent;
    };
    if policy.any_origin {
        return Standing::Any;
    }
    if lines.next().is_some() {
        return Standing::Refused(None);
    }
    match policy.trusted.matches(origin.as_bytes()) {
        Some(Match::Exact(answer)) => Standing::Exact(answer),
        Some(Match::Pattern) => Standing::Matched(origin),
        None if predicate_allows(policy, head, origin) => Standing::Matched(origin),
        None => Standing::Refused(Some(origin)),
    }
}

fn predicate_allows(policy: &CorsPolicy, head: &Parts, origin: &HeaderValue) -> bool {
    policy.predicate.as_ref().is_some_and(|predicate| {
        OriginRef::parse(origin.as_bytes()).is_some_and(|origin| predicate.allows(&origin, head))
    })
}

/// The reason of a [`Standing::Refused`].
pub(super) fn refusal(origin: Option<&HeaderValue>) -> CorsRefusal {
    let Some(origin) = origin else {
        return CorsRefusal::Duplicate(DuplicateHeader::Origin);
    };
    CorsRefusal::Origin(if origin == "null" {
        OriginProblem::Null
    } else if OriginRef::parse(origin.as_bytes()).is_none() {
        OriginProblem::Malformed
    } else {
        OriginProblem::NotAllowed
    })
}

/// Whether an actual request of an origin that is not allowed is answered with 403.
pub(super) fn refuses(policy: &CorsPolicy, head: &Parts, origin: Option<&HeaderValue>) -> bool {
    policy.refuse == Refuse::PreflightAndActual
        && !origin.is_some_and(|origin| is_own(policy, head, origin))
}

/// Whether the server's own page sent it: browsers send `Origin` with its forms and scripts too, unless they read.
fn is_own(policy: &CorsPolicy, head: &Parts, origin: &HeaderValue) -> bool {
    is_same_origin(&head.headers)
        || OriginRef::parse(origin.as_bytes())
            .is_some_and(|origin| policy.self_origin.is_self(head, &origin))
}

/// Whether the browser says that the page is the server's own. No page can set this header.
pub(super) fn is_same_origin(headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all(SEC_FETCH_SITE).iter();
    sites.next().is_some_and(|site| site == "same-origin") && sites.next().is_none()
}

/// Whether the request is a preflight: any other `OPTIONS` belongs to the service.
#[inline]
pub(super) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
        && headers.contains_key(ORIGIN)
}

/// A header of the answer to a preflight.
#[derive(Debug, Default)]
pub(super) enum Answer {
    #[default]
    None,
    Value(HeaderValue),
    /// What was asked for, in one line.
    Echo,
    /// What was asked for, in several lines.
    EchoLines,
}

/// The headers of the answer to a preflight.
#[derive(Debug, Default)]
pub(super) struct Permission {
    pub(super) origin: Answer,
    pub(super) method: Answer,
    pub(super) headers: Answer,
    /// Whether it succeeds, and not only explains.
    pub(super) is_whole: bool,
    pub(super) private_network: bool,
}

#[derive(Debug)]
pub(super) struct Failure {
    pub(super) refusal: CorsRefusal,
    pub(super) explained: Option<Permission>,
}

/// Decides a preflight, in the order in which a browser checks the answer.
#[inline]
pub(super) fn preflight(policy: &CorsPolicy, head: &Parts) -> Result<Permission, Failure> {
    let refused = |refusal| Failure {
        refusal,
        explained: None,
    };
    if !policy.explain_failures && policy.refuses_preflights() {
        return Err(refused(CorsRefusal::Unsupported));
    }
    let origin = match standing(policy, head) {
        Standing::Any if has_many(&head.headers, &ORIGIN) => return Err(refused(refusal(None))),
        Standing::Any => Answer::Value(ANY),
        Standing::Exact(answer) => Answer::Value(answer.clone()),
        Standing::Matched(_) => Answer::Echo,
        Standing::Refused(origin) => return Err(refused(refusal(origin))),
        // `is_preflight` has seen one.
        Standing::Absent => return Err(refused(CorsRefusal::Origin(OriginProblem::Malformed))),
    };
    let mut permission = Permission {
        origin,
        ..Permission::default()
    };
    let explained = |refusal, permission| Failure {
        refusal,
        explained: policy.explain_failures.then_some(permission),
    };
    permission.method = match requested_method(policy, &head.headers) {
        Ok(method) => method,
        Err(refusal) => return Err(explained(refusal, permission)),
    };
    let Some(headers) = requested_headers(policy, &head.headers) else {
        if let RequestHeaders::Listed { all: Some(all), .. } = &policy.request_headers {
            permission.headers = Answer::Value(all.clone());
        }
        return Err(explained(CorsRefusal::Header, permission));
    };
    permission.headers = headers;
    permission.is_whole = true;
    permission.private_network = policy.private_network
        && head
            .headers
            .get(REQUEST_PRIVATE_NETWORK)
            .is_some_and(|asked| asked == "true");
    Ok(permission)
}

fn has_many(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers.get_all(name).iter().nth(1).is_some()
}

fn requested_method(policy: &CorsPolicy, headers: &HeaderMap) -> Result<Answer, CorsRefusal> {
    let mut lines = headers.get_all(ACCESS_CONTROL_REQUEST_METHOD).iter();
    let (Some(method), None) = (lines.next(), lines.next()) else {
        return Err(CorsRefusal::Duplicate(DuplicateHeader::RequestMethod));
    };
    let asked = method.as_bytes();
    match &policy.methods {
        _ if fetch::is_safelisted_method(asked) => Ok(Answer::None),
        Methods::Any if !policy.credentials => Ok(Answer::Value(ANY)),
        Methods::Any if asked.len() <= MAX_ECHOED_METHOD && fetch::is_token(asked) => {
            Ok(Answer::Echo)
        }
        Methods::Any => Err(CorsRefusal::Method),
        Methods::Listed(methods) => methods
            .binary_search_by(|listed| listed.as_bytes().cmp(asked))
            .ok()
            .and_then(|at| methods.get(at))
            .map(|method| Answer::Value(method.clone()))
            .ok_or(CorsRefusal::Method),
    }
}

fn requested_headers(policy: &CorsPolicy, headers: &HeaderMap) -> Option<Answer> {
    let mut lines = headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter();
    let Some(first) = lines.next() else {
        return Some(Answer::None);
    };
    let second = lines.next();
    let echo = if second.is_none() {
        Answer::Echo
    } else {
        Answer::EchoLines
    };
    let lines = iter::once(first)
        .chain(second)
        .chain(lines)
        .map(HeaderValue::as_bytes);
    let asked = match &policy.request_headers {
        RequestHeaders::Any { authorization } if !policy.credentials => {
            return Some(Answer::Value(if *authorization {
                ANY_AND_AUTHORIZATION
            } else {
                ANY
            }));
        }
        RequestHeaders::Any { .. } => acrh::allow_any(lines)?,
        RequestHeaders::Listed { names, .. } => names.allow(lines)?,
    };
    Some(match asked {
        Asked::Names => echo,
        Asked::Nothing => Answer::None,
    })
}
