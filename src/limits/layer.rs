//! The layer, and what all its services share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use http::header::Entry;
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderName, Request, Response, Uri};
use tower_layer::Layer;

use super::compile::{Compiled, Settings};
use super::config::{Limit, LimitsBuilder, LimitsConfig};
use super::service::Limits;
use super::timer::{Leases, now};
use super::watch::{LAYER, LimitsRefusal, limit_of, rejection};
use crate::core::sampler::Sampler;
use crate::core::{
    CanonicalPath, Events, Mode, RefusalContext, RejectionBody, SecurityEvent, Shared, Template,
    is_exact_path, whole_path,
};

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
    /// Which of them are answers that wait for their client.
    pub(super) leases: Leases,
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
                    leases: Leases::new(),
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
    /// The place of the settings for a request: 0 those of all, then those of the routes, then those of paths that may be theirs.
    #[inline]
    pub(super) fn route(&self, uri: &Uri, extensions: &Extensions) -> usize {
        if self.compiled.routes.is_empty() {
            return 0;
        }
        let path = whole_path(uri, extensions);
        let mut routes = self.compiled.routes.iter();
        let found = routes.position(|(template, _)| template.match_raw(path));
        match found {
            Some(index) => index.saturating_add(1),
            None => self.doubtful(path),
        }
    }

    /// As [`route`](Self::route), for a path that is of none for sure. A router finds handlers by the path as it was sent, escapes or not,
    /// and another program by what it means.
    fn doubtful(&self, path: &str) -> usize {
        if is_exact_path(path) {
            return 0;
        }
        let canonical = match path.contains('%') {
            true => CanonicalPath::parse(path),
            false => None,
        };
        let may_match = |template: &Template| {
            let decoded = canonical.as_ref();
            template.is_spelt_in(path)
                || decoded.is_some_and(|decoded| template.match_canonical(decoded).is_some())
        };
        let mut routes = self.compiled.routes.iter();
        let found = routes.position(|(template, _)| may_match(template));
        found.map_or(0, |index| {
            let count = self.compiled.routes.len();
            count.saturating_add(index).saturating_add(1)
        })
    }

    #[inline]
    pub(super) fn settings(&self, route: usize) -> &Settings {
        let Compiled {
            settings,
            routes,
            doubtful,
            ..
        } = &self.compiled;
        let Some(index) = route.checked_sub(1) else {
            return settings;
        };
        match routes.get(index) {
            Some((_, settings)) => settings,
            None => {
                let index = index.saturating_sub(routes.len());
                doubtful.get(index).unwrap_or(settings)
            }
        }
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
            || self.finds_room()
    }

    /// Takes back the places of answers that nobody has read for long; whether there is room then.
    #[cold]
    fn finds_room(&self) -> bool {
        // An answer that waits for its handler is not asked for more either, until that has had its time. Who has no end to that is not waited for.
        let Compiled {
            settings, routes, ..
        } = &self.compiled;
        let times = routes.iter().map(|(_, settings)| settings.answer_idle);
        let ends = times.filter(|time| *time != Duration::MAX);
        let patience = ends.fold(settings.answer_idle, Duration::max);
        let taken = self.load.leases.take_back(now(), patience);
        if taken == 0 {
            return false;
        }
        // With this request, which was counted.
        let before = self.load.serving.fetch_sub(taken, Ordering::Relaxed);
        before.saturating_sub(taken) <= self.max_concurrent()
    }

    /// Counts the request again whose place was taken back, for somebody reads its answer after all.
    #[cold]
    pub(super) fn comes_back(&self) {
        self.load.serving.fetch_add(1, Ordering::Relaxed);
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

impl Core {
    /// Refuses a request that the handler has not seen.
    #[cold]
    pub(super) fn refuse<ReqBody, B: RejectionBody>(
        &self,
        request: Request<ReqBody>,
        refusal: LimitsRefusal,
        route: usize,
    ) -> Response<B> {
        let (head, _) = request.into_parts();
        self.tell(&head, refusal, route);
        let context = RefusalContext::new(&head);
        rejection(refusal).reuse(head).into_response(&context)
    }

    /// Tells of a request that the handler has not seen yet.
    #[cold]
    pub(super) fn tell(&self, head: &Parts, refusal: LimitsRefusal, route: usize) {
        let shared = Shared::from_extensions(&head.extensions);
        let mut suppressed = 0;
        if refusal == LimitsRefusal::Overloaded {
            // There are many, and each one makes it worse.
            match self.load.shed.admit(self.events.monotonic(shared)) {
                Some(others) => suppressed = others,
                None => return,
            }
        }
        let (name, level) = refusal.event();
        self.events.emit(shared, name, level, || {
            let mut detail = limit_of(refusal, self.settings(route));
            if refusal == LimitsRefusal::Overloaded {
                detail = format!("limit={} suppressed={suppressed}", self.max_concurrent());
            }
            SecurityEvent::new(name, LAYER, refusal.code())
                .request(head)
                .outcome(refusal.outcome(self.mode))
                .own_detail(&detail)
        });
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
