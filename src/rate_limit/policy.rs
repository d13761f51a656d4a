//! One limit: how much, for whom, of which requests.

use std::borrow::Cow;
use std::fmt;
use std::iter::once;
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
///
/// Name, quota and key are needed; the rest has defaults: every request counts one unit, and one without a key shares a bucket with
/// all others of its kind. Mistakes are reported when the limiter is built, all together.
///
/// # Example
///
/// ```
/// use http::Method;
/// use tower_security::rate_limit::{Outcome, Policy, Quota, key};
///
/// // Everybody: 100 requests a minute from one address.
/// let address = Policy::new("ip", Quota::per_minute(100)).key(key::client_ip());
///
/// // Writes cost five units of what a user has in an hour.
/// let writes = Policy::new("writes", Quota::per_hour(1_000))
///     .key(key::principal())
///     .methods([Method::POST, Method::PUT, Method::DELETE])
///     .cost(5);
///
/// // Only failures count: 20 in an hour, then the address waits.
/// let failures = Policy::new("failures", Quota::per_hour(20))
///     .key(key::client_ip())
///     .count_when(Outcome::is_client_error);
/// # let _ = (address, writes, failures);
/// ```
#[derive(Clone)]
#[must_use]
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
    pub(super) on_missing: MissingKey,
    pub(super) on_store_error: StoreAway,
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
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum OnMissing {
    /// 403 `rate_key_missing`.
    Refuse,
    /// All requests without a key are counted together (default).
    #[default]
    SharedBucket,
}

/// What a policy really does with a request that has no key: the public choices, and the dangerous one that only a setter makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MissingKey {
    Refuse,
    SharedBucket,
    Skip,
}

/// What becomes of a request when the store cannot answer.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum OnStoreError {
    /// 503 `rate_store_unavailable`.
    Deny,
    /// Counts in this process alone, with a part of the quota (default, without a fraction of its own).
    Local {
        /// More than 0, at most 1. `None` is one over the number of nodes that the store expects, or the whole quota if it knows of
        /// none.
        fraction: Option<f32>,
    },
}

impl Default for OnStoreError {
    /// [`Local`](Self::Local): an outage of the store is no outage of the service, and no end of its limits either.
    fn default() -> Self {
        Self::Local { fraction: None }
    }
}

/// What a policy really does when the store cannot answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum StoreAway {
    Allow,
    Deny,
    Local { fraction: Option<f32> },
}

impl Policy {
    /// Names a quota. The name stands in response fields and events, and counters belong to it.
    ///
    /// Permitted: `ip`, `api.writes`, 1 to 64 of `A-Z a-z 0-9 _ . -`. Rejected: the empty name, `per address`, two policies of one
    /// name.
    pub fn new(name: impl Into<Cow<'static, str>>, quota: Quota) -> Self {
        Self {
            name: name.into(),
            quota,
            key: None,
            methods: None,
            when: None,
            cost: Cost::Fixed(1),
            plans: None,
            count_when: None,
            charge_after: None,
            mode: Mode::Enforce,
            enforce_percent: None,
            on_missing: MissingKey::SharedBucket,
            on_store_error: StoreAway::Local { fraction: None },
            overflow: Overflow::Evict,
        }
    }

    /// Says whom it counts, such as [`key::client_ip`](super::key::client_ip). There is no default.
    pub fn key(mut self, key: Key) -> Self {
        self.key = Some(key);
        self
    }

    /// Limits requests with these methods alone. Without it, all.
    ///
    /// A method that is left out is without a limit: most programs answer `HEAD` as they do `GET`. Rejected: the empty list.
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        self.methods = Some(methods.into_iter().collect());
        self
    }

    /// Limits requests of which `applies` is true alone.
    ///
    /// The path of a request can be spelt in many ways: compare it as the router does, or put the policy on the route.
    pub fn when(mut self, applies: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.when = Some(Arc::new(applies));
        self
    }

    /// Sets how many units a request takes; 1 without it. 0 looks at the counter, takes nothing, and passes whatever the key owes.
    ///
    /// Rejected: more than the burst, since no request would ever pass, and 0 with [`charge_after`](Self::charge_after), since none
    /// would be refused.
    pub fn cost(mut self, cost: u32) -> Self {
        self.cost = Cost::Fixed(cost);
        self
    }

    /// Lets the head of the request say how many units it takes. Replaces [`cost`](Self::cost).
    ///
    /// A request that takes more than the burst is refused for good: without `Retry-After`, code `cost_exceeds_quota`. One that takes
    /// 0 passes whatever its key owes.
    pub fn cost_by(mut self, cost: impl Fn(&Parts) -> u32 + Send + Sync + 'static) -> Self {
        self.cost = Cost::By(Arc::new(cost));
        self
    }

    /// Gives some keys another quota: `choose` returns the index of the plan, and any other number means the policy's own quota.
    ///
    /// A key has one bucket whatever its plan: a change of plan holds at once, and what was used up under the old one stays owed until
    /// then when it would have been there again. Whoever bought a better plan is let off by
    /// [`RateLimiter::reset`](super::RateLimiter::reset). Take the plan from something that the client cannot choose, such as the
    /// [`Principal`](crate::core::Principal).
    ///
    /// Rejected: no plans, two plans of one name, and what is rejected of a quota.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::core::Principal;
    /// use tower_security::rate_limit::{Policy, Quota, key};
    ///
    /// let policy = Policy::new("api", Quota::per_minute(60)).key(key::principal()).plans(
    ///     [("pro", Quota::per_minute(600)), ("internal", Quota::per_minute(6_000))],
    ///     |parts| match Principal::from_extensions(&parts.extensions) {
    ///         Some(user) if user.has_role("internal") => 1,
    ///         Some(user) if user.has_role("pro") => 0,
    ///         _ => usize::MAX,
    ///     },
    /// );
    /// # let _ = policy;
    /// ```
    pub fn plans<N: Into<Cow<'static, str>>>(
        mut self,
        quotas: impl IntoIterator<Item = (N, Quota)>,
        choose: impl Fn(&Parts) -> usize + Send + Sync + 'static,
    ) -> Self {
        let quotas = quotas
            .into_iter()
            .map(|(name, quota)| (name.into(), quota))
            .collect();
        self.plans = Some(Plans {
            quotas,
            choose: Arc::new(choose),
        });
        self
    }

    /// Counts the requests alone of whose answer `counts` is true, such as [`Outcome::is_failure`].
    ///
    /// The unit is taken before the service is called, or a burst of parallel requests would all pass, and given back when the
    /// answer does not count. An error of the service, a panic and a request that is dropped do count. Units that come back late may
    /// add up to another burst, though no faster than the quota refills: in the worst case a key makes twice the burst at once.
    pub fn count_when(
        mut self,
        counts: impl Fn(&Outcome<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.count_when = Some(Arc::new(counts));
        self
    }

    /// Takes more units once the answer is there, for a cost that is known only then.
    ///
    /// The bucket may be overdrawn by that, up to twice its size: the key then waits until it has paid off what it owes. A request
    /// without an answer, because the client went away or the service failed with an error, pays its [`cost`](Self::cost) alone: let
    /// that be what a request is worth that is given up early.
    ///
    /// Rejected: a cost of 0 beside it.
    pub fn charge_after(
        mut self,
        cost: impl Fn(&Outcome<'_>) -> u32 + Send + Sync + 'static,
    ) -> Self {
        self.charge_after = Some(Arc::new(cost));
        self
    }

    /// Sets whether requests over the limit are refused ([`Mode::Enforce`], default) or only reported, or whether nothing is
    /// counted.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Refuses for this share of the keys, and reports for the rest: for rolling a limit out.
    ///
    /// It is keys that are picked, not requests, and always the same ones. Rejected: more than 100.
    pub fn enforce_percent(mut self, percent: u8) -> Self {
        self.enforce_percent = Some(percent);
        self
    }

    /// Sets what becomes of a request that has no key.
    ///
    /// Default: [`OnMissing::SharedBucket`]. A server without addresses is then slow for all rather than down for all, and one that
    /// lets everybody pass is none of the choices.
    pub fn on_missing(mut self, on_missing: OnMissing) -> Self {
        self.on_missing = match on_missing {
            OnMissing::Refuse => MissingKey::Refuse,
            OnMissing::SharedBucket => MissingKey::SharedBucket,
        };
        self
    }

    /// Lets requests without a key pass uncounted.
    ///
    /// **Breaks**: who manages to have no key has no limit, and a server that was set up without client addresses has none at all.
    /// It is for a policy beside others, on what part of the requests alone have, such as a session.
    pub fn dangerous_skip_missing(mut self) -> Self {
        self.on_missing = MissingKey::Skip;
        self
    }

    /// Sets what becomes of a request when the store cannot answer; [`OnStoreError::Local`] without it.
    ///
    /// Rejected: a fraction of 0 or less, or above 1.
    pub fn on_store_error(mut self, on_store_error: OnStoreError) -> Self {
        self.on_store_error = match on_store_error {
            OnStoreError::Deny => StoreAway::Deny,
            OnStoreError::Local { fraction } => StoreAway::Local { fraction },
        };
        self
    }

    /// Lets requests pass while the store cannot answer.
    ///
    /// **Breaks**: who can make the store fail, by overloading it for instance, has no limit.
    pub fn dangerous_allow_on_store_error(mut self) -> Self {
        self.on_store_error = StoreAway::Allow;
        self
    }

    /// Sets what a store of fixed size does for a new key when it is full of keys in use; [`Overflow::Evict`] without it.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the quota of keys without a plan.
    #[must_use]
    pub const fn quota(&self) -> Quota {
        self.quota
    }

    /// Returns the mode of its own; that of the limiter may weaken it further.
    #[must_use]
    pub const fn own_mode(&self) -> Mode {
        self.mode
    }

    /// The methods that are limited, if not all.
    pub(crate) fn own_methods(&self) -> Option<&[Method]> {
        self.methods.as_deref()
    }

    /// For how many percent of the keys it is enforced, if that was said.
    pub(crate) const fn enforced_percent(&self) -> Option<u8> {
        self.enforce_percent
    }

    /// Its own quota, then those of its plans.
    pub(super) fn all_quotas(&self) -> impl Iterator<Item = Quota> {
        let plans = self.plans.iter().flat_map(|plans| &plans.quotas);
        once(self.quota).chain(plans.map(|(_, quota)| *quota))
    }

    /// Which of the calls that weaken a limit were made.
    pub(super) fn dangerous(&self) -> [(&'static str, bool); 4] {
        let key = self.key.as_ref();
        [
            (
                "dangerous_allow_on_store_error",
                self.on_store_error == StoreAway::Allow,
            ),
            ("dangerous_full_v6", key.is_some_and(Key::counts_each_v6)),
            ("dangerous_header", key.is_some_and(Key::trusts_header)),
            (
                "dangerous_skip_missing",
                self.on_missing == MissingKey::Skip,
            ),
        ]
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |is_set: bool| is_set.then_some(Closure);
        f.debug_struct("Policy")
            .field("name", &self.name)
            .field("quota", &self.quota)
            .field("key", &self.key)
            .field("methods", &self.methods)
            .field("when", &shown(self.when.is_some()))
            .field("cost", &self.cost)
            .field("plans", &self.plans.as_ref().map(|plans| &plans.quotas))
            .field("count_when", &shown(self.count_when.is_some()))
            .field("charge_after", &shown(self.charge_after.is_some()))
            .field("mode", &self.mode)
            .field("enforce_percent", &self.enforce_percent)
            .field("on_missing", &self.on_missing)
            .field("on_store_error", &self.on_store_error)
            .field("overflow", &self.overflow)
            .finish()
    }
}

impl fmt::Debug for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(cost) => write!(f, "{cost}"),
            Self::By(_) => Closure.fmt(f),
        }
    }
}

struct Closure;

impl fmt::Debug for Closure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<fn>")
    }
}
