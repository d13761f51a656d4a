//! One limit: how much, for whom, of which requests.

use std::borrow::Cow;
use std::sync::Arc;

use http::Method;
use http::request::Parts;

use super::key::Key;
use super::outcome::Outcome;
use super::quota::Quota;
use super::store::Overflow;
use crate::core::Mode;

/// Most policies of one limiter.
pub(super) const MAX_POLICIES: usize = 8;

/// One limit of a [`RateLimiter`](super::RateLimiter): a quota, whom it counts, and which requests.
#[derive(Clone)]
pub struct Policy {
    pub(super) name: Cow<'static, str>,
    pub(super) quota: Quota,
    pub(super) key: Option<Key>,
    pub(super) methods: Option<Vec<Method>>,
    pub(super) when: Option<Arc<dyn Fn(&Parts) -> bool + Send + Sync>>,
    pub(super) cost: Cost,
    pub(super) plans: Option<Plans>,
    pub(super) count_when: Option<Arc<dyn Fn(&Outcome<'_>) -> bool + Send + Sync>>,
    pub(super) charge_after: Option<Arc<dyn Fn(&Outcome<'_>) -> u32 + Send + Sync>>,
    pub(super) mode: Mode,
    /// `None`: all keys.
    pub(super) enforce_percent: Option<u8>,
    pub(super) on_missing: OnMissing,
    pub(super) on_store_error: OnStoreError,
    pub(super) overflow: Overflow,
}

/// What a request costs.
#[derive(Clone)]
pub(super) enum Cost {
    Fixed(u32),
    By(Arc<dyn Fn(&Parts) -> u32 + Send + Sync>),
}

/// Quotas by name, and which of them a request has.
#[derive(Clone)]
pub(super) struct Plans {
    pub(super) quotas: Vec<(Cow<'static, str>, Quota)>,
    /// An index out of range means the policy's own quota.
    pub(super) choose: Arc<dyn Fn(&Parts) -> usize + Send + Sync>,
}

/// What becomes of a request that has no key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnMissing {
    /// 403 `rate_key_missing`.
    Refuse,
    /// All requests without a key are counted together (default).
    #[default]
    SharedBucket,
    /// It is not limited. Only [`Policy::dangerous_skip_missing`] makes this one.
    #[doc(hidden)]
    Skip,
}

/// What becomes of a request when the store cannot answer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum OnStoreError {
    /// Counts in this process alone, with this fraction of the quota; `None` is one over the store's expected number of nodes (default).
    Local {
        /// More than 0, at most 1.
        fraction: Option<f32>,
    },
    /// 503 `rate_store_unavailable`.
    #[default]
    Deny,
}
