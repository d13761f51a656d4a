//! How refusals are answered.

use std::borrow::Cow;

use http::StatusCode;

use super::limited::RateLimitReason;
use super::marks::Marks;
use super::refusal::{Refusal, Why};
use super::set::Label;
use crate::core::{AbuseKind, FixedRefusal, QUOTA_EXCEEDED, Rejection};

/// Problem types whose registration draft-ietf-httpapi-ratelimit-headers-10, section 8, requests.
pub(super) const REDUCED_CAPACITY: &str =
    "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity";
/// Of clients that were found to abuse a service.
pub(super) const ABNORMAL_USAGE: &str =
    "https://iana.org/assignments/http-problem-types#abnormal-usage-detected";

/// The problem types of refusals, as URIs.
#[derive(Clone, Debug)]
pub(super) struct ProblemTypes {
    pub(super) exceeded: Cow<'static, str>,
    pub(super) unavailable: Cow<'static, str>,
}

impl Default for ProblemTypes {
    fn default() -> Self {
        Self {
            exceeded: Cow::Borrowed(QUOTA_EXCEEDED),
            unavailable: Cow::Borrowed(REDUCED_CAPACITY),
        }
    }
}

/// The refusals that are always the same, so that one who is over his limit costs little.
#[derive(Debug)]
pub(super) struct Known {
    /// One for each policy, for requests that it alone denies.
    exceeded: Box<[FixedRefusal]>,
    unavailable: FixedRefusal,
    missing: FixedRefusal,
}

impl Known {
    pub(super) fn new(labels: &[Label], types: &ProblemTypes) -> Self {
        let exceeded = labels.iter().map(|label| {
            let names = [String::from(&*label.name)];
            FixedRefusal::new(&of_exceeded(types).member(VIOLATED, names))
        });
        Self {
            exceeded: exceeded.collect(),
            unavailable: FixedRefusal::new(&of_unavailable(types)),
            missing: FixedRefusal::new(&of_missing()),
        }
    }

    pub(super) fn find(&self, refusal: &Refusal) -> Option<&FixedRefusal> {
        match refusal.why {
            Why::Exceeded => self.exceeded.get(refusal.denied.only()?),
            Why::KeyMissing => Some(&self.missing),
            Why::StoreUnavailable => Some(&self.unavailable),
            Why::CostExceedsQuota | Why::KeyRefused(_) | Why::UnknownPolicy => None,
        }
    }
}

/// The member of a problem that names policies (draft-ietf-httpapi-ratelimit-headers-10, section 8.2.1).
const VIOLATED: &str = "violated-policies";

/// The answer without what depends on the request and on how long to wait.
pub(super) fn rejection(
    refusal: Refusal,
    labels: &[Label],
    types: &ProblemTypes,
    known: &Known,
) -> Rejection {
    let body = known.find(&refusal).map(FixedRefusal::body);
    let rejection = match refusal.why {
        Why::Exceeded if body.is_some() => of_exceeded(types),
        Why::Exceeded => of_exceeded(types).member(VIOLATED, names(refusal.denied, labels)),
        Why::CostExceedsQuota => Rejection::new(
            StatusCode::TOO_MANY_REQUESTS,
            RateLimitReason::CostExceedsQuota.code(),
            "This request costs more than is ever allowed at once",
        )
        .problem_type(types.exceeded.clone())
        .member(VIOLATED, names(refusal.denied, labels))
        .abuse(AbuseKind::RateLimited),
        Why::KeyMissing => of_missing(),
        Why::KeyRefused(refusal) => refusal.into_rejection(),
        Why::StoreUnavailable => of_unavailable(types),
        Why::UnknownPolicy => Rejection::internal(),
    };
    match body {
        Some(body) => rejection.prepared(body),
        None => rejection,
    }
}

/// After how many nanoseconds it is worth asking a store again that did not answer.
pub(super) const RETRY_STORE: u64 = 1_000_000_000;

fn names(denied: Marks, labels: &[Label]) -> impl Iterator<Item = String> {
    let labels = denied.iter().filter_map(|index| labels.get(index));
    labels.map(|label| String::from(&*label.name))
}

fn of_exceeded(types: &ProblemTypes) -> Rejection {
    Rejection::new(
        StatusCode::TOO_MANY_REQUESTS,
        RateLimitReason::Exceeded.code(),
        "Too many requests",
    )
    .problem_type(types.exceeded.clone())
    .abuse(AbuseKind::RateLimited)
}

fn of_unavailable(types: &ProblemTypes) -> Rejection {
    Rejection::new(
        StatusCode::SERVICE_UNAVAILABLE,
        RateLimitReason::StoreUnavailable.code(),
        "The limits cannot be looked up now",
    )
    .problem_type(types.unavailable.clone())
}

fn of_missing() -> Rejection {
    Rejection::new(
        StatusCode::FORBIDDEN,
        RateLimitReason::KeyMissing.code(),
        "The request does not say for whom it counts",
    )
}
