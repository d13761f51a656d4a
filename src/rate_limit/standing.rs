//! Where a key stands, for those who ask.

use std::sync::Arc;
use std::time::Duration;

use super::items::Charged;
use super::set::Label;

/// Where a key stands with one policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyStanding {
    name: Arc<str>,
    limit: u32,
    remaining: u64,
    reset: Duration,
}

impl PolicyStanding {
    fn of(labels: &[Label], one: &Charged) -> Option<Self> {
        let label = labels.get(one.item.index)?;
        Some(Self {
            name: Arc::clone(&label.name),
            limit: label.quota(one.item.plan)?.burst_size(),
            remaining: one.standing.remaining,
            reset: Duration::from_nanos(one.standing.reset),
        })
    }

    pub(super) fn all(labels: &[Label], charged: &[Charged]) -> Vec<Self> {
        let enforced = charged.iter().filter(|one| !one.item.reported);
        enforced.filter_map(|one| Self::of(labels, one)).collect()
    }

    /// Returns the name of the policy.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns how many units a quiet key has: the burst of its quota.
    #[must_use]
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// Returns how many units are left.
    #[must_use]
    pub const fn remaining(&self) -> u64 {
        self.remaining
    }

    /// Returns the time until one more unit is there; zero when none is missing.
    #[must_use]
    pub const fn reset(&self) -> Duration {
        self.reset
    }
}

/// Where a request stands with the policies that let it pass: a request extension for handlers.
///
/// The layer inserts it if [`expose_info`](super::RateLimiterBuilder::expose_info) is set. Policies that are only reported are not
/// in it.
///
/// # Example
///
/// ```
/// use http::Request;
/// use tower_security::rate_limit::RateLimitInfo;
///
/// fn is_nearly_over<B>(request: &Request<B>) -> bool {
///     let info = request.extensions().get::<RateLimitInfo>();
///     info.is_some_and(|info| info.standings().iter().any(|one| one.remaining() < 3))
/// }
/// # assert!(!is_nearly_over(&Request::new(())));
/// ```
#[derive(Clone, Debug)]
pub struct RateLimitInfo(Arc<[PolicyStanding]>);

impl RateLimitInfo {
    pub(super) fn of(labels: &[Label], charged: &[Charged]) -> Self {
        Self(PolicyStanding::all(labels, charged).into())
    }

    /// Returns the standings, in the order in which the policies were configured.
    #[must_use]
    pub fn standings(&self) -> &[PolicyStanding] {
        &self.0
    }
}
