//! The layer, and what all its services share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use http::header::Entry;
use http::{Extensions, HeaderMap, HeaderName, Uri};
use tower_layer::Layer;

use super::compile::{Compiled, Settings};
use super::config::{Limit, LimitsBuilder, LimitsConfig};
use super::service::Limits;
use crate::core::sampler::Sampler;
use crate::core::{Events, Mode, whole_path};

/// Refuses bodies that are too large or too slow, handlers that take too long, and more requests than can be served. The
/// [module](crate::limits) has the rules and an example.
#[doc(alias = "ConcurrencyLimitLayer")]
#[doc(alias = "RequestBodyLimitLayer")]
#[doc(alias = "TimeoutLayer")]
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is added to a service"]
pub struct LimitsLayer {
    core: Arc<Core>,
}

/// Everything that the services of one layer share.
#[derive(Debug)]
pub(super) struct Core {
    compiled: Compiled,
    config: LimitsConfig,
    pub(super) mode: Mode,
    pub(super) events: Events,
    pub(super) load: Arc<Load>,
}

/// What is counted of requests. A layer that goes on where another one ends has it from there.
#[derive(Debug)]
pub(super) struct Load {
    /// How many are being served.
    serving: AtomicUsize,
    /// The events of those that are not.
    pub(super) shed: Sampler,
}

impl LimitsLayer {
    /// Makes the layer with its defaults, each of which the [module](crate::limits) gives the reason of.
    pub fn new() -> Self {
        Self::of(
            Compiled::default(),
            LimitsConfig::default(),
            Events::default(),
        )
    }

    /// Starts from the defaults.
    pub fn builder() -> LimitsBuilder {
        LimitsBuilder::default()
    }

    pub(super) fn of(compiled: Compiled, config: LimitsConfig, events: Events) -> Self {
        Self {
            core: Arc::new(Core {
                compiled,
                mode: config.mode,
                config,
                events,
                load: Arc::new(Load {
                    serving: AtomicUsize::new(0),
                    shed: Sampler::of_refusals(),
                }),
            }),
        }
    }

    /// Counts requests together with `running`. Only for a layer that nobody has a clone of.
    #[cfg(feature = "serde")]
    pub(crate) fn continuing(mut self, running: &Self) -> Self {
        if let Some(core) = Arc::get_mut(&mut self.core) {
            core.load = Arc::clone(&running.core.load);
        }
        self
    }

    /// Returns the mode.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.core.mode
    }

    /// Returns the configuration.
    #[must_use]
    pub fn config(&self) -> &LimitsConfig {
        &self.core.config
    }

    /// Returns how many requests are being served, by all services of this layer; 0 where nobody counts them.
    #[must_use]
    pub fn serving(&self) -> usize {
        self.core.load.serving.load(Ordering::Relaxed)
    }

    /// The limits that were switched off: for all requests, or for a route.
    pub(crate) fn dangerous(&self) -> impl Iterator<Item = (Limit, Option<&str>)> {
        let config = &self.core.config;
        let of_all = config
            .dangerous_unlimited
            .iter()
            .map(|limit| (*limit, None));
        let of_routes = config.routes.iter().flat_map(|route| {
            let limits = route.dangerous_unlimited.iter();
            limits.map(|limit| (*limit, Some(route.pattern.as_str())))
        });
        of_all.chain(of_routes)
    }
}

impl Default for LimitsLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for LimitsLayer {
    type Service = Limits<S>;

    fn layer(&self, inner: S) -> Limits<S> {
        Limits::new(inner, Arc::clone(&self.core))
    }
}

impl Core {
    /// The place of the settings for a request: 0 those of all, else one more than that of the route.
    #[inline]
    pub(super) fn route(&self, uri: &Uri, extensions: &Extensions) -> usize {
        if self.compiled.routes.is_empty() {
            return 0;
        }
        let path = whole_path(uri, extensions);
        let mut routes = self.compiled.routes.iter();
        let found = routes.position(|(template, _)| template.match_raw(path));
        found.map_or(0, |index| index.saturating_add(1))
    }

    #[inline]
    pub(super) fn settings(&self, route: usize) -> &Settings {
        let index = route.checked_sub(1);
        let route = index.and_then(|index| self.compiled.routes.get(index));
        route.map_or(&self.compiled.settings, |(_, settings)| settings)
    }

    pub(super) const fn max_concurrent(&self) -> usize {
        self.compiled.max_concurrent
    }

    /// Whether requests are counted that are being served.
    #[inline]
    pub(super) const fn counts(&self) -> bool {
        self.max_concurrent() != usize::MAX
    }

    /// Counts a request; `false` if there are as many as may be.
    #[inline]
    pub(super) fn enter(&self) -> bool {
        // Relaxed: the number protects no other memory.
        self.load.serving.fetch_add(1, Ordering::Relaxed) < self.max_concurrent()
    }

    /// Undoes [`enter`](Self::enter), whatever it said.
    #[inline]
    pub(super) fn leave(&self) {
        self.load.serving.fetch_sub(1, Ordering::Relaxed);
    }

    /// Has `Debug` hide what is secret in a request.
    #[inline]
    pub(super) fn mark_request(&self, headers: &mut HeaderMap) {
        mark(headers, &self.compiled.sensitive[0]);
    }

    /// Has `Debug` hide what is secret in an answer.
    #[inline]
    pub(super) fn mark_answer(&self, headers: &mut HeaderMap) {
        mark(headers, &self.compiled.sensitive[1]);
    }
}

fn mark(headers: &mut HeaderMap, names: &[HeaderName]) {
    for name in names {
        // An entry of what is not there makes room for it.
        if headers.contains_key(name)
            && let Ok(Entry::Occupied(mut lines)) = headers.try_entry(name)
        {
            for line in lines.iter_mut() {
                line.set_sensitive(true);
            }
        }
    }
}

/// When to come back: after 1, 2 or 3 seconds in turn, so that not all come back at once.
pub(super) fn spread_seconds() -> u64 {
    static TURN: AtomicU64 = AtomicU64::new(0);
    TURN.fetch_add(1, Ordering::Relaxed) % 3 + 1
}
