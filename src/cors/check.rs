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
use crate::core::field;
use crate::core::origin::{Match, OriginRef};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const REQUEST_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-request-private-network");
static ANY: HeaderValue = HeaderValue::from_static("*");
static ANY_AND_AUTHORIZATION: HeaderValue = HeaderValue::from_static("*,authorization");
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

/// The lines of a header that is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines<'a> {
    pub(super) first: &'a HeaderValue,
    are_many: bool,
}

impl<'a> Lines<'a> {
    #[inline]
    fn of(headers: &'a HeaderMap, name: &HeaderName) -> Option<Self> {
        match field::Lines::of(headers, name) {
            field::Lines::Absent => None,
            field::Lines::One(first) => Some(Self {
                first,
                are_many: false,
            }),
            field::Lines::Several(first) => Some(Self {
                first,
                are_many: true,
            }),
        }
    }
}

/// The two headers that make an `OPTIONS` a preflight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Preflight<'a> {
    origin: Lines<'a>,
    method: Lines<'a>,
}

impl<'a> Preflight<'a> {
    /// `None` for every other request, other `OPTIONS` included: they belong to the service.
    #[inline]
    pub(super) fn of(method: &Method, headers: &'a HeaderMap) -> Option<Self> {
        if *method != Method::OPTIONS {
            return None;
        }
        Some(Self {
            method: Lines::of(headers, &ACCESS_CONTROL_REQUEST_METHOD)?,
            origin: Lines::of(headers, &ORIGIN)?,
        })
    }
}

/// Where an origin stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Standing<'p, 'a> {
    /// Every origin is allowed.
    Any,
    /// It is in the list; this is its answer.
    Exact(&'p HeaderValue),
    /// A pattern or the predicate allows it; this is the request's own value.
    Matched(&'a HeaderValue),
    /// It is in no list.
    Refused(Reason<'a>),
}

/// A refusal whose finer reason was not looked for yet.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reason<'a> {
    Known(CorsRefusal),
    Unlisted(&'a HeaderValue),
}

impl Reason<'_> {
    pub(super) fn refusal(self) -> CorsRefusal {
        match self {
            Self::Known(refusal) => refusal,
            Self::Unlisted(origin) if origin == "null" => CorsRefusal::Origin(OriginProblem::Null),
            Self::Unlisted(origin) if OriginRef::parse(origin.as_bytes()).is_none() => {
                CorsRefusal::Origin(OriginProblem::Malformed)
            }
            Self::Unlisted(_) => CorsRefusal::Origin(OriginProblem::NotAllowed),
        }
    }

    /// Whether the origin is at fault, and not what an allowed one asks for.
    pub(super) const fn is_of_origin(self) -> bool {
        matches!(self, Self::Unlisted(_) | Self::Known(DUPLICATE_ORIGIN))
    }
}

const DUPLICATE_ORIGIN: CorsRefusal = CorsRefusal::Duplicate(DuplicateHeader::Origin);

/// The origin of a request.
#[inline]
pub(super) fn origin(headers: &HeaderMap) -> Option<Lines<'_>> {
    Lines::of(headers, &ORIGIN)
}

/// What the lists say of an origin. The predicate is asked afterwards: it wants to see the whole request.
#[inline]
pub(super) fn listed<'p, 'a>(policy: &'p CorsPolicy, origin: Lines<'a>) -> Standing<'p, 'a> {
    if policy.any_origin {
        return Standing::Any;
    }
    if origin.are_many {
        return Standing::Refused(Reason::Known(DUPLICATE_ORIGIN));
    }
    match policy.trusted.matches(origin.first.as_bytes()) {
        Some(Match::Exact(answer)) => Standing::Exact(answer),
        Some(Match::Pattern) => Standing::Matched(origin.first),
        None => Standing::Refused(Reason::Unlisted(origin.first)),
    }
}

/// What becomes of an origin that the lists refuse.
fn predicate<'p, 'a>(policy: &CorsPolicy, head: &Parts, reason: Reason<'a>) -> Standing<'p, 'a> {
    if let Reason::Unlisted(value) = reason
        && let Some(predicate) = &policy.predicate
        && let Some(origin) = OriginRef::parse(value.as_bytes())
        && predicate.allows(&origin, head)
    {
        return Standing::Matched(value);
    }
    Standing::Refused(reason)
}

pub(super) fn verdict(policy: &CorsPolicy, head: &Parts) -> CorsVerdict {
    if let Some(asked) = Preflight::of(&head.method, &head.headers) {
        return match preflight(policy, head, asked) {
            Ok(_) => CorsVerdict::PreflightAllowed,
            Err(failure) if failure.explained.is_some() => {
                CorsVerdict::PreflightExplained(failure.reason.refusal())
            }
            Err(failure) => CorsVerdict::PreflightRefused(failure.reason.refusal()),
        };
    }
    match decided(policy, head) {
        None => CorsVerdict::NoOrigin,
        Some(Standing::Any | Standing::Exact(_) | Standing::Matched(_)) => CorsVerdict::Allowed,
        Some(Standing::Refused(reason)) if refuses(policy, head, reason) => {
            CorsVerdict::Refused(reason.refusal())
        }
        Some(Standing::Refused(reason)) => CorsVerdict::NotAllowed(reason.refusal()),
    }
}

/// What the lists say of the origin of an actual request, and then the predicate; `None` without an origin.
pub(super) fn decided<'p, 'a>(policy: &'p CorsPolicy, head: &'a Parts) -> Option<Standing<'p, 'a>> {
    Some(match listed(policy, origin(&head.headers)?) {
        Standing::Refused(reason) => predicate(policy, head, reason),
        allowed => allowed,
    })
}

/// Whether an actual request of an origin that is not allowed is answered with 403.
pub(super) fn refuses(policy: &CorsPolicy, head: &Parts, reason: Reason<'_>) -> bool {
    policy.refuse == Refuse::PreflightAndActual && !is_own(policy, head, reason)
}

/// Whether the server's own page sent it: browsers send `Origin` with its forms and scripts too, unless they only read.
pub(super) fn is_own(policy: &CorsPolicy, head: &Parts, reason: Reason<'_>) -> bool {
    let Reason::Unlisted(origin) = reason else {
        return false;
    };
    is_same_origin(&head.headers)
        || OriginRef::parse(origin.as_bytes())
            .is_some_and(|origin| policy.self_origin.is_self(head, &origin))
}

/// Whether the browser says that the page is the server's own. No page can set this header.
fn is_same_origin(headers: &HeaderMap) -> bool {
    Lines::of(headers, &SEC_FETCH_SITE)
        .is_some_and(|site| site.first == "same-origin" && !site.are_many)
}

/// A header of the answer to a preflight.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Answer<'p> {
    #[default]
    None,
    Value(&'p HeaderValue),
    /// What was asked for, in one line.
    Echo,
    /// What was asked for, in several lines.
    EchoLines,
}

/// The headers of the answer to a preflight.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Permission<'p> {
    pub(super) origin: Answer<'p>,
    pub(super) method: Answer<'p>,
    pub(super) headers: Answer<'p>,
    /// Whether it succeeds, and not only explains.
    pub(super) is_whole: bool,
    pub(super) private_network: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Failure<'p, 'a> {
    pub(super) reason: Reason<'a>,
    pub(super) explained: Option<Permission<'p>>,
}

impl Failure<'_, '_> {
    const fn of(refusal: CorsRefusal) -> Self {
        Self {
            reason: Reason::Known(refusal),
            explained: None,
        }
    }
}

/// Decides a preflight, in the order in which a browser checks the answer.
#[inline]
pub(super) fn preflight<'p, 'a>(
    policy: &'p CorsPolicy,
    head: &'a Parts,
    asked: Preflight<'a>,
) -> Result<Permission<'p>, Failure<'p, 'a>> {
    if !policy.explain_failures && policy.refuses_preflights() {
        return Err(Failure::of(CorsRefusal::Unsupported));
    }
    let standing = match listed(policy, asked.origin) {
        Standing::Refused(reason) => predicate(policy, head, reason),
        allowed => allowed,
    };
    let origin = match standing {
        Standing::Any if asked.origin.are_many => return Err(Failure::of(DUPLICATE_ORIGIN)),
        Standing::Any => Answer::Value(&ANY),
        Standing::Exact(answer) => Answer::Value(answer),
        Standing::Matched(_) => Answer::Echo,
        Standing::Refused(reason) => {
            return Err(Failure {
                reason,
                explained: None,
            });
        }
    };
    let mut permission = Permission {
        origin,
        ..Permission::default()
    };
    let explained = |refusal, permission| Failure {
        explained: policy.explain_failures.then_some(permission),
        ..Failure::of(refusal)
    };
    permission.method = match requested_method(policy, asked.method) {
        Ok(method) => method,
        Err(refusal) => return Err(explained(refusal, permission)),
    };
    let Some(headers) = requested_headers(policy, &head.headers) else {
        permission.headers = missing_names(policy, &head.headers);
        return Err(explained(CorsRefusal::Header, permission));
    };
    permission.headers = headers;
    permission.is_whole = true;
    permission.private_network = policy.private_network
        && matches!(
            field::Lines::of(&head.headers, &REQUEST_PRIVATE_NETWORK),
            field::Lines::One(asked) if asked == "true"
        );
    Ok(permission)
}

fn requested_method<'p>(
    policy: &'p CorsPolicy,
    method: Lines<'_>,
) -> Result<Answer<'p>, CorsRefusal> {
    if method.are_many {
        return Err(CorsRefusal::Duplicate(DuplicateHeader::RequestMethod));
    }
    let asked = method.first.as_bytes();
    match &policy.methods {
        _ if fetch::is_safelisted_method(asked) => Ok(Answer::None),
        Methods::Any if !policy.credentials => Ok(Answer::Value(&ANY)),
        Methods::Any if asked.len() <= MAX_ECHOED_METHOD && field::is_token(asked) => {
            Ok(Answer::Echo)
        }
        Methods::Any => Err(CorsRefusal::Method),
        Methods::Listed(methods) => methods
            .binary_search_by(|listed| listed.as_bytes().cmp(asked))
            .ok()
            .and_then(|at| methods.get(at))
            .map(Answer::Value)
            .ok_or(CorsRefusal::Method),
    }
}

/// The names that are allowed, for a browser that asked for another one. It goes on if all that it asked for are among them: where
/// only the form of the list is refused, they are not sent.
fn missing_names<'p>(policy: &'p CorsPolicy, headers: &HeaderMap) -> Answer<'p> {
    let lines = headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter();
    match &policy.request_headers {
        RequestHeaders::Listed {
            names,
            all: Some(all),
        } if policy.explain_failures && names.lack_one(lines.map(HeaderValue::as_bytes)) => {
            Answer::Value(all)
        }
        _ => Answer::None,
    }
}

fn requested_headers<'p>(policy: &'p CorsPolicy, headers: &HeaderMap) -> Option<Answer<'p>> {
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
                &ANY_AND_AUTHORIZATION
            } else {
                &ANY
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
