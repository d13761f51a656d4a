//! The layer.

use std::fmt;
use std::time::Duration;

use tower_layer::Layer;

use super::config::RateLimiterBuilder;
use super::key;
use super::limiter::RateLimiter;
use super::memory::MemoryStore;
use super::policy::Policy;
use super::quota::Quota;
use super::service::RateLimit;
use super::store::Store;
use crate::core::ConfigErrors;

/// Refuses requests that are too many. The [module](crate::rate_limit) has the rules and an example.
#[doc(alias = "GovernorLayer")]
#[must_use = "a layer does nothing until it is added to a service"]
pub struct RateLimitLayer<St: Store = MemoryStore> {
    limiter: RateLimiter<St>,
}

impl RateLimitLayer {
    /// Starts a layer with a limiter of its own, which counts in the memory of this process.
    pub fn builder() -> RateLimiterBuilder<MemoryStore, Self> {
        RateLimiterBuilder::new(MemoryStore::default())
    }

    /// Gives each client `quota`, and all of them together fifty times as much.
    ///
    /// The policies are called `client`, which counts an IPv4 address or an IPv6 /64, and `global`. No proxy is trusted: behind one,
    /// take the [`builder`](Self::builder) and [`client_ip`](RateLimiterBuilder::client_ip).
    ///
    /// # Errors
    ///
    /// Fails if the quota is none: see [`Quota`].
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::RateLimitLayer;
    /// use tower_security::rate_limit::Quota;
    ///
    /// let layer = RateLimitLayer::api(Quota::per_minute(100))?;
    /// # let _ = layer;
    /// # Ok::<(), tower_security::core::ConfigErrors>(())
    /// ```
    pub fn api(quota: Quota) -> Result<Self, ConfigErrors> {
        let client = Policy::new("client", quota).key(key::client_ip());
        let global = Policy::new("global", for_all(quota)).key(key::global());
        let builder = Self::builder().policy(client);
        // Fifty times what is no quota is none either, and is not to be told twice.
        match quota.compile() {
            Ok(_) => builder.policy(global).build(),
            Err(_) => builder.build(),
        }
    }
}

impl<St: Store> RateLimitLayer<St> {
    /// Makes a layer that asks `limiter`.
    pub const fn new(limiter: RateLimiter<St>) -> Self {
        Self { limiter }
    }

    /// Returns the limiter, for what is to be asked or changed at run time.
    #[must_use]
    pub const fn limiter(&self) -> &RateLimiter<St> {
        &self.limiter
    }
}

/// Fifty times a quota, or as much of it as a quota can hold.
fn for_all(quota: Quota) -> Quota {
    const TIMES: u32 = 50;
    /// What a microsecond for each unit leaves of a period.
    const MICROSECOND: u128 = Duration::from_micros(1).as_nanos();
    let finest = quota.period().as_nanos() / MICROSECOND;
    let most = u32::try_from(finest).unwrap_or(u32::MAX);
    let limit = quota
        .limit()
        .saturating_mul(TIMES)
        .min(most.max(quota.limit()));
    Quota::new(limit, quota.period()).burst(quota.burst_size().saturating_mul(TIMES))
}

impl<St: Store, S> Layer<S> for RateLimitLayer<St> {
    type Service = RateLimit<S, St>;

    fn layer(&self, inner: S) -> RateLimit<S, St> {
        RateLimit::new(inner, self.limiter.clone())
    }
}

impl<St: Store> Clone for RateLimitLayer<St> {
    fn clone(&self) -> Self {
        Self::new(self.limiter.clone())
    }
}

impl<St: Store> fmt::Debug for RateLimitLayer<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitLayer")
            .field("limiter", &self.limiter)
            .finish()
    }
}
