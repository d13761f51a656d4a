//! The builder of `ApiKeyAuth`.

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit};
use http::HeaderName;
use http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN, PROXY_AUTHORIZATION};

use super::super::events::Faults;
use super::auth::{ApiKeyAuth, Inner};
use super::error::ApiKeyConfigError;
use super::store::ApiKeyStore;
use super::text::is_prefix;
use crate::core::{
    Clock, ConfigErrors, EventSink, Events, Mistakes, Secret, SystemClock, is_weak_key,
};

/// The output of SHA-256: a shorter key would be the weakest part (RFC 2104, section 3).
const MIN_KEY: usize = 32;

/// Headers that say something else, to us or to a proxy.
const FOREIGN: [HeaderName; 5] = [AUTHORIZATION, COOKIE, HOST, ORIGIN, PROXY_AUTHORIZATION];

/// Makes an [`ApiKeyAuth`]. See [`ApiKeyAuth::builder`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct ApiKeyAuthBuilder {
    store: Arc<dyn ApiKeyStore>,
    prefix: String,
    header: HeaderName,
    is_in_bearer: bool,
    server_key: Option<Secret<Vec<u8>>>,
    clock: Arc<dyn Clock>,
    events: Events,
}

impl ApiKeyAuthBuilder {
    pub(super) fn new(store: impl ApiKeyStore, prefix: String) -> Self {
        Self {
            store: Arc::new(store),
            prefix,
            header: HeaderName::from_static("x-api-key"),
            is_in_bearer: false,
            server_key: None,
            clock: Arc::new(SystemClock),
            events: Events::default(),
        }
    }

    /// Names the header that keys come in (default `x-api-key`).
    ///
    /// Permitted: `x-shop-key`. Refused: `authorization` (see [`in_bearer`](Self::in_bearer)), `cookie`, `host`, `origin`,
    /// `proxy-authorization`.
    pub fn header(mut self, name: HeaderName) -> Self {
        self.header = name;
        self
    }

    /// Takes keys as bearer tokens too: `Authorization: Bearer sk_..`, for clients that know no other header (default: not). A token that
    /// begins with the prefix and `_` is a key then, and never a JWT. Where no other way of the layer reads `Authorization`, any other
    /// bearer token is a wrong key.
    pub const fn in_bearer(mut self) -> Self {
        self.is_in_bearer = true;
        self
    }

    /// Digests secrets with HMAC-SHA-256 and `key` (default: with SHA-256, which is enough for 190 random bits): who can write to the
    /// store alone can make no key then, though he can change whom one of his own stands for. With another key no key of before is accepted.
    ///
    /// Permitted: 32 random bytes or more, the same on every node. Refused: fewer, or one byte over and over.
    pub fn server_key(mut self, key: impl Into<Secret<Vec<u8>>>) -> Self {
        self.server_key = Some(key.into());
        self
    }

    /// Sends events of keys that are issued, rotated and revoked to `sink` (default: that of the stack, where handlers say
    /// [which request](super::ApiKeyAuth::for_request) it is, else `tracing`).
    pub fn events(mut self, sink: impl EventSink) -> Self {
        self.events = self.events.with_sink(sink);
        self
    }

    /// Reads dates from `clock` (default: the system's). For tests.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(clock);
        self.clock = Arc::clone(&clock);
        self.events = self.events.with_clock(clock);
        self
    }

    /// Makes the authenticator.
    ///
    /// # Errors
    ///
    /// Every mistake at once, each with an [`ApiKeyConfigError`]: a prefix that could not be told from what follows, a header that means
    /// something else, a key that can be guessed.
    pub fn build(self) -> Result<ApiKeyAuth, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        if !is_prefix(&self.prefix) {
            mistakes.push(
                "auth.api_key.prefix",
                ApiKeyConfigError::PrefixInvalid {
                    prefix: self.prefix.chars().take(32).collect(),
                },
            );
        }
        if FOREIGN.contains(&self.header) {
            mistakes.push(
                "auth.api_key.header",
                ApiKeyConfigError::HeaderRefused {
                    header: self.header.clone(),
                },
            );
        }
        let mut mac = None;
        if let Some(key) = &self.server_key {
            let key = key.expose();
            let is_strong = key.len() >= MIN_KEY && !is_weak_key(key);
            match Hmac::new_from_slice(key) {
                Ok(keyed) if is_strong => mac = Some(keyed),
                Ok(_) | Err(_) => {
                    let length = key.len();
                    let kind = ApiKeyConfigError::KeyTooWeak { length };
                    mistakes.push("auth.api_key.server_key", kind);
                }
            }
        }
        let in_bearer = self.is_in_bearer.then(|| format!("{}_", self.prefix));
        mistakes.finish(ApiKeyAuth::new(Inner {
            store: self.store,
            prefix: self.prefix.into(),
            header: self.header,
            in_bearer: in_bearer.map(Into::into),
            mac,
            clock: self.clock,
            events: self.events,
            faults: Faults::new(),
        }))
    }
}

impl fmt::Debug for ApiKeyAuthBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyAuthBuilder")
            .field("prefix", &self.prefix)
            .field("header", &self.header)
            .field("in_bearer", &self.is_in_bearer)
            .field("server_key", &self.server_key)
            .finish_non_exhaustive()
    }
}
