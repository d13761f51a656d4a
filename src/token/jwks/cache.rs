//! The keys of an identity provider.

use std::fmt;
use std::sync::Arc;

use http::Uri;
use tokio::time::timeout;

use super::config::{JwksCacheBuilder, Settings};
use super::error::{FetchError, FetchErrorKind};
use super::refresh::LIMIT;
use super::shared::{Boarding, Shared};
use super::url;
use crate::core::Lookup;
use crate::token::source::{KeySnapshot, KeySource, KeySourceError, KeyState};

/// The keys of an identity provider, fetched by a task and kept.
///
/// Looking up a key takes no lock and waits for nobody, also while keys are fetched. Clones share the keys, and the task ends with
/// the last of them. See [`identity_provider`](crate::token::identity_provider) for how it decides.
///
/// # Example
///
/// ```
/// # #[cfg(feature = "jwks")] {
/// use tower_security::token::{HttpsJwksFetch, JwksCache};
///
/// let keys = JwksCache::builder("https://login.example.com/.well-known/jwks.json")
///     .fetch(HttpsJwksFetch::new()?)
///     .build()?;
///
/// let plain = JwksCache::builder("http://login.example.com/.well-known/jwks.json")
///     .fetch(HttpsJwksFetch::new()?)
///     .build();
/// assert!(plain.is_err());
/// # let _ = keys;
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct JwksCache(Arc<Shared>);

impl JwksCache {
    /// Starts a cache of the keys at `url`, which is what an identity provider calls its `jwks_uri`.
    ///
    /// It is written down, not discovered: a provider's answer does not choose where keys are from, and a token never does.
    pub fn builder(url: impl Into<String>) -> JwksCacheBuilder {
        JwksCacheBuilder::new(url.into())
    }

    pub(super) fn new(settings: Settings) -> Self {
        Self(Arc::new(Shared::new(settings)))
    }

    /// Fetches the keys if there are none yet. Meant for the start of a service, so that the first request does not wait and a wrong
    /// address is found at once.
    ///
    /// Without it the first token sets off the fetch.
    ///
    /// # Errors
    ///
    /// Why the keys could not be had. The cache tries on by itself, after 5 seconds, then less and less often; a service may start
    /// without them and answer 503 until it has them.
    ///
    /// # Cancel safety
    ///
    /// The fetch goes on without whoever waits for it.
    pub async fn ready(&self) -> Result<(), FetchError> {
        let shared = &self.0;
        let now = shared.now();
        if shared.live(now).is_some() {
            return Ok(());
        }
        let transport = |text| FetchError::new(FetchErrorKind::Transport, text);
        let mut landing = shared
            .join(now)
            .ok_or_else(|| transport("no Tokio runtime to fetch on"))?;
        // The fetch has a limit of its own; this one is for a runtime that does not run.
        match timeout(LIMIT.saturating_mul(2), landing.changed()).await {
            Ok(Ok(())) => landing.borrow().clone(),
            Ok(Err(_)) | Err(_) => Err(transport("the runtime that fetches does not run")),
        }
    }

    /// Returns where the keys are from.
    #[must_use]
    pub fn url(&self) -> &Uri {
        &self.0.settings.url
    }

    /// Returns which settings that weaken protection are in force.
    #[must_use]
    pub fn dangerous(&self) -> [(&'static str, bool); 1] {
        [(
            "dangerous_http_jwks",
            url::is_plain_loopback(&self.0.settings.url),
        )]
    }
}

impl KeySource for JwksCache {
    fn state(&self) -> KeyState {
        let now = self.0.now();
        self.0.keep_fresh(now);
        self.0.live(now).map_or(KeyState::Missing, KeyState::Ready)
    }

    fn refresh(&self, kid: Option<&str>) -> Lookup<Result<KeySnapshot, KeySourceError>> {
        match self.0.board(kid, self.0.now()) {
            Boarding::Found(snapshot) => Lookup::Ready(Ok(snapshot)),
            Boarding::Refused(error) => Lookup::Ready(Err(error)),
            Boarding::Waiting(seat) => Lookup::pending(seat.wait()),
        }
    }

    fn dangerous(&self) -> Vec<(&'static str, bool)> {
        Self::dangerous(self).to_vec()
    }
}

impl fmt::Debug for JwksCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let live = self.0.live(self.0.now());
        f.debug_struct("JwksCache")
            .field("host", &self.0.settings.url.host())
            .field("keys", &live.map(|snapshot| snapshot.set().keys().len()))
            .finish_non_exhaustive()
    }
}
