//! Why a request was refused, for whoever reads the answer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::marks::Marks;
use super::refusal::Refusal;
use super::set::Label;

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
    /// What an extractor has said by [`KeyRefusal`](super::key::KeyRefusal).
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
