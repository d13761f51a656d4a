//! The configuration of a limiter and of its layer.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::error::RateLimitConfigError;
use super::events::Teller;
use super::fallback::{Fallback, can_be_away};
use super::fields::{Emit, HeaderStyle};
use super::layer::RateLimitLayer;
use super::limiter::{Ingredients, RateLimiter};
use super::mistakes::{check_jitter, check_over, check_percent};
use super::policy::Policy;
use super::problem::ProblemTypes;
use super::store::Store;
use super::time::Ticker;
use crate::core::{
    Clock, ConfigErrors, EventSink, Events, IpSet, Mistakes, Mode, RejectionRenderer,
    TrustedProxies,
};

/// What stays the same while policies are replaced.
#[derive(Clone, Default)]
pub(super) struct Settings {
    pub(super) mode: Mode,
    pub(super) style: HeaderStyle,
    pub(super) emit: Emit,
    /// In percent.
    pub(super) retry_jitter: u8,
    pub(super) types: ProblemTypes,
    pub(super) renderer: Option<Arc<dyn RejectionRenderer>>,
    pub(super) expose_info: bool,
}

/// Builds a [`RateLimiter`] or a [`RateLimitLayer`]: made by [`RateLimiter::builder`] and [`RateLimitLayer::builder`].
///
/// # Example
///
/// ```
/// use tower_security::RateLimitLayer;
/// use tower_security::core::ClientIp;
/// use tower_security::rate_limit::{Emit, HeaderStyle, Policy, Quota, key};
///
/// let proxies = ClientIp::trusted_proxies(["10.0.0.0/8".parse()?])?;
/// let layer = RateLimitLayer::builder()
///     .client_ip(proxies)
///     .policy(Policy::new("burst", Quota::per_second(20)).key(key::client_ip()))
///     .policy(Policy::new("day", Quota::per_day(10_000)).key(key::client_ip()))
///     .headers(HeaderStyle::default(), Emit::Always)
///     .build()?;
/// # let _ = layer;
///
/// let errors = RateLimitLayer::builder()
///     .policy(Policy::new("per address", Quota::per_minute(0)))
///     .retry_jitter(50)
///     .build()
///     .unwrap_err();
/// let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
/// assert_eq!(codes, ["policy_name", "empty_quota", "key_required", "jitter"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a builder does nothing until `build` is called"]
pub struct RateLimiterBuilder<St: Store, T> {
    store: St,
    policies: Vec<Policy>,
    proxies: TrustedProxies,
    exempt: IpSet,
    settings: Settings,
    ticker: Ticker,
    events: Events,
    built: PhantomData<fn() -> T>,
}

impl<St: Store> RateLimiterBuilder<St, RateLimiter<St>> {
    /// Sets where counters live. Default: [`MemoryStore::default`](super::MemoryStore::default).
    pub fn store<Other: Store>(
        self,
        store: Other,
    ) -> RateLimiterBuilder<Other, RateLimiter<Other>> {
        self.with(store)
    }

    /// Makes the limiter.
    ///
    /// # Errors
    ///
    /// Fails with every mistake at once: those of the policies, of the store and of this builder.
    pub fn build(self) -> Result<RateLimiter<St>, ConfigErrors> {
        self.limiter()
    }
}

impl<St: Store> RateLimiterBuilder<St, RateLimitLayer<St>> {
    /// Sets where counters live. Default: [`MemoryStore::default`](super::MemoryStore::default).
    pub fn store<Other: Store>(
        self,
        store: Other,
    ) -> RateLimiterBuilder<Other, RateLimitLayer<Other>> {
        self.with(store)
    }

    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// Fails with every mistake at once: those of the policies, of the store and of this builder.
    pub fn build(self) -> Result<RateLimitLayer<St>, ConfigErrors> {
        self.limiter().map(RateLimitLayer::new)
    }

    /// Looks for mistakes, and touches no counter yet.
    #[cfg(feature = "serde")]
    pub(crate) fn checked(self) -> Result<CheckedLayer<St>, ConfigErrors> {
        self.check()?;
        Ok(CheckedLayer(self))
    }
}

/// A layer without a mistake, whose counters are not open yet: to open those of a store that others count in may change them.
#[cfg(feature = "serde")]
pub(crate) struct CheckedLayer<St: Store>(RateLimiterBuilder<St, RateLimitLayer<St>>);

#[cfg(feature = "serde")]
impl<St: Store> CheckedLayer<St> {
    /// Opens the counters. What `running` counts by itself goes on: while its store is away, and of events.
    pub(crate) fn open(self, running: Option<&RateLimitLayer<St>>) -> RateLimitLayer<St> {
        RateLimitLayer::new(self.0.open(running.map(RateLimitLayer::limiter)))
    }
}

impl<St: Store, T> RateLimiterBuilder<St, T> {
    pub(super) fn new(store: St) -> Self {
        Self {
            store,
            policies: Vec::new(),
            proxies: TrustedProxies::direct(),
            exempt: IpSet::default(),
            settings: Settings::default(),
            ticker: Ticker::default(),
            events: Events::default(),
            built: PhantomData,
        }
    }

    /// Adds a policy. Repeatable, at most 8; a request passes if all of them let it.
    ///
    /// Put a policy that costs little to look at, or that denies most, first: it makes no difference to what passes.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policies.push(policy);
        self
    }

    /// Sets which proxies may say on whose behalf they call. Default: none, the peer of the connection is the client.
    ///
    /// A client address that a layer further outside has found is taken as it is; then this is not asked.
    pub fn client_ip(mut self, proxies: TrustedProxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// Sets the networks that no policy concerns, such as those of health checks. Default: none. A second call replaces the first.
    ///
    /// An address that a broken header has left at a trusted proxy is never exempt.
    ///
    /// Rejected: a quarter of all addresses or more, such as `0.0.0.0/0`, which is what [`Mode::Off`] is for. The posture warns of a range
    /// shorter than /8, in IPv6 /16.
    pub fn exempt(mut self, nets: IpSet) -> Self {
        self.exempt = nets;
        self
    }

    /// Sets in which fields clients are told their limits, and on which answers. Default: those of the IETF, on refusals.
    ///
    /// Rejected: [`Emit::Below`] with more than 100.
    pub fn headers(mut self, style: HeaderStyle, emit: Emit) -> Self {
        self.settings.style = style;
        self.settings.emit = emit;
        self
    }

    /// Makes `Retry-After` longer, by up to so many percent, so that those who were refused together do not come back together.
    /// Default: 0. Advised for a policy that counts everybody.
    ///
    /// Rejected: more than 10.
    pub fn retry_jitter(mut self, percent: u8) -> Self {
        self.settings.retry_jitter = percent;
        self
    }

    /// Sets the problem types of 429 and of 503, as absolute URIs.
    ///
    /// Default: `https://iana.org/assignments/http-problem-types#quota-exceeded` and `#temporary-reduced-capacity`, whose
    /// registration the IETF's draft requests.
    pub fn problem_types(
        mut self,
        exceeded: impl Into<Cow<'static, str>>,
        unavailable: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.settings.types = ProblemTypes {
            exceeded: exceeded.into(),
            unavailable: unavailable.into(),
        };
        self
    }

    /// Renders the bodies of refusals. Default: the stack's renderer, else `application/problem+json`.
    pub fn renderer(mut self, renderer: impl RejectionRenderer) -> Self {
        self.settings.renderer = Some(Arc::new(renderer));
        self
    }

    /// Sets the clock by which counters and events go. Default: the system's.
    ///
    /// It is not taken from a stack: a limiter may serve several.
    pub fn clock(mut self, clock: impl Clock + Clone) -> Self {
        self.ticker = Ticker::new(clock.clone());
        self.events = self.events.with_clock(clock);
        self
    }

    /// Sets where events go. Default: the stack's sink, else `tracing`.
    pub fn events(mut self, sink: impl EventSink) -> Self {
        self.events = self.events.with_sink(sink);
        self
    }

    /// Sets whether handlers find a [`RateLimitInfo`](super::RateLimitInfo) among the request extensions. Default: false, which
    /// saves allocations.
    pub fn expose_info(mut self, expose: bool) -> Self {
        self.settings.expose_info = expose;
        self
    }

    /// Sets the mode of the whole limiter. Default: [`Mode::Enforce`]. Each policy has a mode of its own beside it; the milder of
    /// the two holds.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.settings.mode = mode;
        self
    }

    fn with<Other: Store, U>(self, store: Other) -> RateLimiterBuilder<Other, U> {
        RateLimiterBuilder {
            store,
            policies: self.policies,
            proxies: self.proxies,
            exempt: self.exempt,
            settings: self.settings,
            ticker: self.ticker,
            events: self.events,
            built: PhantomData,
        }
    }

    fn limiter(self) -> Result<RateLimiter<St>, ConfigErrors> {
        self.check()?;
        Ok(self.open(None))
    }

    fn check(&self) -> Result<(), ConfigErrors> {
        let mut mistakes = Mistakes::default();
        check_over(&self.store, &self.policies, &mut mistakes);
        if let Some(errors) = self.store.config_errors() {
            mistakes.extend(errors);
        }
        if let Emit::Below(percent) = self.settings.emit {
            check_percent(percent, "rate_limit.headers", &mut mistakes);
        }
        if let Some(net) = self.exempt.everyone() {
            mistakes.push(
                "rate_limit.exempt",
                RateLimitConfigError::ExemptsEveryone { net },
            );
        }
        let jitter = self.settings.retry_jitter;
        check_jitter(jitter, "rate_limit.retry_jitter", &mut mistakes);
        mistakes.finish(())
    }

    /// Makes a limiter of what was checked.
    fn open(self, running: Option<&RateLimiter<St>>) -> RateLimiter<St> {
        let (fallback, teller) = match running {
            Some(running) => running.own_counts(),
            None => (
                can_be_away::<St>().then(Fallback::new),
                Arc::new(Teller::new(self.events)),
            ),
        };
        RateLimiter::of(Ingredients {
            fallback,
            store: self.store,
            policies: self.policies,
            settings: self.settings,
            proxies: self.proxies,
            exempt: self.exempt,
            ticker: self.ticker,
            teller,
        })
    }
}

impl<St: Store, T> fmt::Debug for RateLimiterBuilder<St, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiterBuilder")
            .field("policies", &self.policies)
            .field("settings", &self.settings)
            .field("client_ip", &self.proxies)
            .field("exempt", &self.exempt)
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("mode", &self.mode)
            .field("style", &self.style)
            .field("emit", &self.emit)
            .field("retry_jitter", &self.retry_jitter)
            .field("types", &self.types)
            .field(
                "renderer",
                &self.renderer.as_ref().map(|_| format_args!("<fn>")),
            )
            .field("expose_info", &self.expose_info)
            .finish()
    }
}
