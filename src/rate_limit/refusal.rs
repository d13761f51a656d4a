//! Refusals: why, and how they are answered.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::check::Charged;
use super::key::{KeyHash, KeyRefusal};
use super::marks::Marks;
use super::set::Label;
use super::store::Standing;
use crate::core::{AbuseKind, PreparedBody, Rejection};

/// Why a request was refused. It stands in the extensions of the answer.
///
/// # Example
///
/// ```
/// use http::Response;
/// use tower_security::rate_limit::{RateLimitReason, RateLimited};
///
/// fn is_over_limit<B>(answer: &Response<B>) -> bool {
///     let limited = answer.extensions().get::<RateLimited>();
///     limited.is_some_and(|limited| limited.reason() == RateLimitReason::Exceeded)
/// }
/// # assert!(!is_over_limit(&Response::new(())));
/// ```
#[derive(Clone)]
pub struct RateLimited {
    labels: Arc<[Label]>,
    reason: RateLimitReason,
    denied: Marks,
    binding: usize,
    wait: u64,
}

/// The kinds of refusal of a [`RateLimiter`](super::RateLimiter).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RateLimitReason {
    /// 429 `cost_exceeds_quota`: the request costs more than a policy ever allows at once, so that waiting does not help.
    CostExceedsQuota,
    /// 429 `rate_limited`: too much in too short a time.
    Exceeded,
    /// 403 `rate_key_missing`: a policy with [`OnMissing::Refuse`](super::OnMissing::Refuse) found nobody to count.
    KeyMissing,
    /// What an extractor has said by [`KeyRefusal`].
    KeyRefused,
    /// 503 `rate_store_unavailable`: the store of a policy with [`OnStoreError::Deny`](super::OnStoreError::Deny) did not answer.
    StoreUnavailable,
    /// 500 `internal_error`: the limiter has no policy of the name that was asked for.
    UnknownPolicy,
}

impl RateLimitReason {
    /// Returns the stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::CostExceedsQuota => "cost_exceeds_quota",
            Self::Exceeded => "rate_limited",
            Self::KeyMissing => "rate_key_missing",
            Self::KeyRefused => "rate_key_refused",
            Self::StoreUnavailable => "rate_store_unavailable",
            Self::UnknownPolicy => "internal_error",
        }
    }
}

impl RateLimited {
    pub(super) fn new(labels: &Arc<[Label]>, refusal: &Refusal) -> Self {
        Self {
            labels: Arc::clone(labels),
            reason: refusal.why.reason(),
            denied: refusal.denied,
            binding: refusal.binding,
            wait: refusal.wait,
        }
    }

    /// Returns the kind of the refusal.
    #[must_use]
    pub const fn reason(&self) -> RateLimitReason {
        self.reason
    }

    /// Returns the names of all policies that denied, in the order in which they were configured.
    pub fn policies(&self) -> impl Iterator<Item = &str> {
        let names = self
            .denied
            .iter()
            .filter_map(|index| self.labels.get(index));
        names.map(|label| &*label.name)
    }

    /// Returns the name of the policy that decides how long to wait.
    #[must_use]
    pub fn policy(&self) -> Option<&str> {
        self.labels.get(self.binding).map(|label| &*label.name)
    }

    /// Returns after what time the same request would pass; `None` if it never does, or if that is not known.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        let is_known = self.reason == RateLimitReason::Exceeded;
        is_known.then(|| Duration::from_nanos(self.wait))
    }
}

impl fmt::Debug for RateLimited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimited")
            .field("reason", &self.reason)
            .field("policies", &self.policies().collect::<Vec<_>>())
            .field("wait", &self.wait())
            .finish()
    }
}

/// What a decision says of a request that does not pass.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) why: Why,
    pub(super) denied: Marks,
    pub(super) binding: usize,
    pub(super) plan: usize,
    pub(super) key: KeyHash,
    pub(super) wait: u64,
    pub(super) remaining: u64,
    pub(super) reset: u64,
}

#[derive(Debug)]
pub(super) enum Why {
    CostExceedsQuota,
    Exceeded,
    KeyMissing,
    KeyRefused(KeyRefusal),
    StoreUnavailable,
    UnknownPolicy,
}

impl Why {
    pub(super) const fn reason(&self) -> RateLimitReason {
        match self {
            Self::CostExceedsQuota => RateLimitReason::CostExceedsQuota,
            Self::Exceeded => RateLimitReason::Exceeded,
            Self::KeyMissing => RateLimitReason::KeyMissing,
            Self::KeyRefused(_) => RateLimitReason::KeyRefused,
            Self::StoreUnavailable => RateLimitReason::StoreUnavailable,
            Self::UnknownPolicy => RateLimitReason::UnknownPolicy,
        }
    }

    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::KeyRefused(refusal) => refusal.code(),
            other => other.reason().code(),
        }
    }
}

impl Refusal {
    pub(super) const fn new(why: Why, denied: Marks, binding: usize) -> Self {
        Self {
            why,
            denied,
            binding,
            plan: 0,
            key: KeyHash::new(0, 0),
            wait: 0,
            remaining: 0,
            reset: 0,
        }
    }

    pub(super) const fn unknown() -> Self {
        Self::new(Why::UnknownPolicy, Marks::NONE, usize::MAX)
    }

    pub(super) fn of_key(index: usize, refusal: KeyRefusal) -> Self {
        Self::new(Why::KeyRefused(refusal), Marks::of(index), index)
    }

    /// The policy with the longest wait is told.
    pub(super) fn of_denial(charged: impl Iterator<Item = Charged>) -> Self {
        let mut refusal = Self::new(Why::Exceeded, Marks::NONE, 0);
        for Charged { item, standing } in charged.filter(|one| !one.standing.is_allowed) {
            let is_first = refusal.denied.is_empty();
            refusal.denied.insert(item.index);
            if is_first || standing.wait > refusal.wait {
                refusal.binding = item.index;
                refusal.plan = item.plan;
                refusal.key = item.key;
                refusal.wait = standing.wait;
                refusal.remaining = standing.remaining;
                refusal.reset = standing.reset;
            }
        }
        if refusal.wait == Standing::NEVER {
            refusal.why = Why::CostExceedsQuota;
        }
        refusal
    }
}

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
