//! How refusals are answered.

use std::borrow::Cow;

use http::StatusCode;

use super::limited::RateLimitReason;
use super::marks::Marks;
use super::refusal::{Refusal, Why};
use super::set::Label;
use crate::core::{AbuseKind, PreparedBody, Rejection};

/// Problem types whose registration draft-ietf-httpapi-ratelimit-headers-10, section 8, requests.
pub(super) const QUOTA_EXCEEDED: &str =
    "https://iana.org/assignments/http-problem-types#quota-exceeded";
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

/// The bodies of refusals that are always the same, so that one who is over his limit costs little.
#[derive(Debug)]
pub(super) struct Bodies {
    /// One for each policy, for requests that it alone denies.
    exceeded: Box<[PreparedBody]>,
    unavailable: PreparedBody,
    missing: PreparedBody,
}

impl Bodies {
    pub(super) fn new(labels: &[Label], types: &ProblemTypes) -> Self {
        let exceeded = labels.iter().map(|label| {
            let names = [String::from(&*label.name)];
            prepared(&of_exceeded(types).member(VIOLATED, names))
        });
        Self {
            exceeded: exceeded.collect(),
            unavailable: prepared(&of_unavailable(types)),
            missing: prepared(&of_missing()),
        }
    }
}

/// Its first clone would allocate.
fn prepared(rejection: &Rejection) -> PreparedBody {
    let body = rejection.prepare();
    drop(body.clone());
    body
}

/// The member of a problem that names policies (draft-ietf-httpapi-ratelimit-headers-10, section 8.2.1).
const VIOLATED: &str = "violated-policies";

/// The answer without what depends on the request and on how long to wait.
pub(super) fn rejection(
    refusal: Refusal,
    labels: &[Label],
    types: &ProblemTypes,
    bodies: &Bodies,
) -> Rejection {
    match refusal.why {
        Why::Exceeded => {
            let mut denied = refusal.denied.iter();
            let rejection = of_exceeded(types);
            match (denied.next(), denied.next()) {
                (Some(index), None) => match bodies.exceeded.get(index) {
                    Some(body) => rejection.prepared(body.clone()),
                    None => rejection,
                },
                _ => rejection.member(VIOLATED, names(refusal.denied, labels)),
            }
        }
        Why::CostExceedsQuota => Rejection::new(
            StatusCode::TOO_MANY_REQUESTS,
            RateLimitReason::CostExceedsQuota.code(),
            "This request costs more than is ever allowed at once",
        )
        .problem_type(types.exceeded.clone())
        .member(VIOLATED, names(refusal.denied, labels))
        .abuse(AbuseKind::RateLimited),
        Why::KeyMissing => of_missing().prepared(bodies.missing.clone()),
        Why::KeyRefused(refusal) => refusal.into_rejection(),
        Why::StoreUnavailable => of_unavailable(types).prepared(bodies.unavailable.clone()),
        Why::UnknownPolicy => Rejection::internal(),
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
