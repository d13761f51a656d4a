//! How a cache of keys is set up.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;

use super::cache::JwksCache;
use super::error::JwksConfigError;
use super::fetch::JwksFetch;
use super::url;
use crate::core::{Clock, ConfigError, ConfigErrors, EventSink, Events, Mistakes, SystemClock};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
/// Withdrawn keys live at most this long while their provider is away.
const MAX_HARD: Duration = Duration::from_secs(24 * 3_600);
const MIN_INTERVAL: Duration = Duration::from_secs(10);
/// Each token is looked up among all of them.
const MAX_KEYS: usize = 256;

/// Makes a [`JwksCache`].
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use tower_security::token::JwksCache;
///
/// let errors = JwksCache::builder("http://login.example.com/jwks")
///     .soft_ttl(Duration::from_secs(5))
///     .build()
///     .unwrap_err();
/// let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
/// assert_eq!(codes, ["jwks_url_refused", "fetch_missing", "ttl_refused"]);
/// ```
#[must_use = "a builder does nothing until `build` is called"]
pub struct JwksCacheBuilder {
    url: String,
    allows_http: bool,
    fetch: Option<Box<dyn JwksFetch>>,
    soft_ttl: Duration,
    hard_ttl: Duration,
    min_interval: Duration,
    max_keys: usize,
    events: Events,
    clock: Arc<dyn Clock>,
}

/// What was checked.
pub(super) struct Settings {
    pub(super) url: Uri,
    pub(super) fetch: Box<dyn JwksFetch>,
    pub(super) soft_ttl: Duration,
    pub(super) hard_ttl: Duration,
    pub(super) min_interval: Duration,
    pub(super) max_keys: usize,
    pub(super) events: Events,
    pub(super) clock: Arc<dyn Clock>,
}

impl Settings {
    /// How long keys are fresh: as long as the provider says, within a minute and an hour.
    pub(super) fn lifetime(&self, max_age: Option<Duration>) -> Duration {
        let lifetime = max_age.map_or(self.soft_ttl, |age| age.clamp(MINUTE, HOUR));
        lifetime.min(self.hard_ttl)
    }
}

impl JwksCacheBuilder {
    pub(super) fn new(url: String) -> Self {
        Self {
            url,
            allows_http: false,
            fetch: None,
            soft_ttl: MINUTE.saturating_mul(5),
            hard_ttl: HOUR,
            min_interval: Duration::from_secs(30),
            max_keys: 64,
            events: Events::default(),
            clock: Arc::new(SystemClock),
        }
    }

    /// Sets what fetches the keys. Has to be given: `HttpsJwksFetch` (feature `jwks`) or one of your own.
    pub fn fetch(mut self, fetch: impl JwksFetch) -> Self {
        self.fetch = Some(Box::new(fetch));
        self
    }

    /// Sets after which time keys are stale whose provider does not say so by `Cache-Control: max-age`. Default: 5 minutes, within a
    /// minute and an hour, to which `max-age` is held as well.
    ///
    /// Keys are fetched anew after 80 % of it, give or take 10 %. While the provider is up, a key that it has withdrawn is accepted
    /// for that long and no longer.
    pub fn soft_ttl(mut self, soft_ttl: Duration) -> Self {
        self.soft_ttl = soft_ttl;
        self
    }

    /// Sets how long keys are used while the provider cannot be reached, or answers with nonsense; then every token gets 503. Default:
    /// an hour, at least the soft TTL and at most 24 hours.
    ///
    /// Longer bridges longer outages, and lets whoever can keep the provider from answering keep a withdrawn key alive for as long.
    pub fn hard_ttl(mut self, hard_ttl: Duration) -> Self {
        self.hard_ttl = hard_ttl;
        self
    }

    /// Sets the time that passes between two fetches that tokens with an unknown key id cause. Default: 30 seconds, at least 10.
    ///
    /// It is the most that a rotation without notice keeps new tokens out, and what bounds the fetches that a flood of made-up key
    /// ids can cause.
    pub fn min_interval(mut self, min_interval: Duration) -> Self {
        self.min_interval = min_interval;
        self
    }

    /// Sets how many keys a set may list, usable or not. A larger one is not taken, and the old one stays. Default: 64, at most 256.
    pub fn max_keys(mut self, max_keys: usize) -> Self {
        self.max_keys = max_keys;
        self
    }

    /// Lets the URL be `http` if its host is a loopback address or `localhost`: for tests, and for a sidecar that speaks TLS.
    ///
    /// Whoever can listen on that port of this machine makes the keys, and with them any token.
    pub fn dangerous_http_jwks(mut self) -> Self {
        self.allows_http = true;
        self
    }

    /// Sets where events go. Default: the `tracing` ecosystem, if that feature is on.
    pub fn events(mut self, sink: impl EventSink) -> Self {
        self.events = self.events.with_sink(sink);
        self
    }

    /// Sets the clock that ages keys. Default: [`SystemClock`].
    ///
    /// Waiting for an answer is timed by Tokio.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Makes the cache. It fetches nothing yet: [`JwksCache::ready`] does, or the first token.
    ///
    /// # Errors
    ///
    /// Every [`JwksConfigError`] at once: a URL that is not HTTPS, no fetcher, times out of bounds.
    pub fn build(self) -> Result<JwksCache, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        let url = url::parse(&self.url, self.allows_http)
            .map_err(|error| mistakes.push("jwks.url", error))
            .ok();
        if self.fetch.is_none() {
            mistakes.push("jwks.fetch", JwksConfigError::FetchMissing);
        }
        self.check_numbers(&mut mistakes);
        let cache = url.zip(self.fetch).map(|(url, fetch)| {
            JwksCache::new(Settings {
                url,
                fetch,
                soft_ttl: self.soft_ttl,
                hard_ttl: self.hard_ttl,
                min_interval: self.min_interval,
                max_keys: self.max_keys,
                events: self.events.with_clock(Arc::clone(&self.clock)),
                clock: self.clock,
            })
        });
        // Without a cache there is a mistake, so that the second error is never seen.
        mistakes
            .finish(cache)?
            .ok_or_else(|| ConfigError::new("jwks.fetch", JwksConfigError::FetchMissing).into())
    }

    fn check_numbers(&self, mistakes: &mut Mistakes) {
        if !(MINUTE..=HOUR).contains(&self.soft_ttl) {
            let error = JwksConfigError::ttl("soft_ttl", self.soft_ttl, "1 minute to 1 hour");
            mistakes.push("jwks.soft_ttl", error);
        }
        if self.hard_ttl < self.soft_ttl || self.hard_ttl > MAX_HARD {
            let instead = "at least the soft TTL and at most 24 hours";
            let error = JwksConfigError::ttl("hard_ttl", self.hard_ttl, instead);
            mistakes.push("jwks.hard_ttl", error);
        }
        if self.min_interval < MIN_INTERVAL {
            let error =
                JwksConfigError::ttl("min_interval", self.min_interval, "at least 10 seconds");
            mistakes.push("jwks.min_interval", error);
        }
        if !(1..=MAX_KEYS).contains(&self.max_keys) {
            let error = JwksConfigError::TtlRefused {
                setting: "max_keys",
                value: self.max_keys.to_string(),
                instead: "1 to 256",
            };
            mistakes.push("jwks.max_keys", error);
        }
    }
}

impl fmt::Debug for JwksCacheBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwksCacheBuilder")
            .field("fetch", &self.fetch.as_ref().map(|_| "<fetch>"))
            .field("soft_ttl", &self.soft_ttl)
            .field("hard_ttl", &self.hard_ttl)
            .field("min_interval", &self.min_interval)
            .field("max_keys", &self.max_keys)
            .finish_non_exhaustive()
    }
}
