//! The keys of an issuer, and what becomes of them when they change.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::document::JwksDocument;
use super::error::IssuerConfigError;
use super::settings::Settings;
use crate::core::{ConfigErrors, Mistakes};
use crate::token::KeySnapshot;
use crate::token::jws::{Jwk, JwkSet, SigningKey, base64url};

/// How far the clocks of verifiers may be behind: the longest leeway that one of ours has.
const MOST_LEEWAY: Duration = Duration::from_secs(300);

/// The keys of an issuer: the one it signs with, the one that will be next, and those that tokens under way were signed with.
///
/// All of them are published. The next key is known to verifiers before the first token is signed with it, and a previous one until the
/// last token that it has signed is over.
///
/// # Example
///
/// ```
/// # #[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use tower_security::token::KeyRing;
/// use tower_security::token::jws::{Algorithm, SigningKey};
///
/// let [current, next] = [SigningKey::generate(Algorithm::EdDsa)?, SigningKey::generate(Algorithm::EdDsa)?];
/// let ring = KeyRing::new(current).next(next);
/// # let _ = ring;
/// # Ok(())
/// # }
/// # #[cfg(not(any(feature = "jwt", feature = "jwt-rust-crypto")))]
/// # fn main() {}
/// ```
#[derive(Clone)]
#[must_use = "a ring does nothing until an issuer is built with it"]
pub struct KeyRing {
    current: SigningKey,
    next: Option<SigningKey>,
    previous: Vec<Jwk>,
}

impl KeyRing {
    /// Signs with this key.
    pub const fn new(current: SigningKey) -> Self {
        Self {
            current,
            next: None,
            previous: Vec::new(),
        }
    }

    /// Publishes the key that will be signed with next.
    pub fn next(mut self, next: SigningKey) -> Self {
        self.next = Some(next);
        self
    }

    /// Publishes a key that tokens were signed with which are not over yet. The public half is enough.
    ///
    /// It keeps its id, so that it may be one that another issuer has given it; without one it gets its thumbprint.
    pub fn add_previous(mut self, previous: Jwk) -> Self {
        self.previous.push(previous);
        self
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("current", &self.current)
            .field("next", &self.next)
            .field("previous", &self.previous)
            .finish()
    }
}

/// A key that nothing is signed with any more.
#[derive(Clone)]
struct Retired {
    key: Jwk,
    /// When its last token is over, by the monotonic clock. `None` for one that the ring was given: it stays.
    until: Option<Duration>,
}

/// A ring that is in use, and all that follows from it.
#[derive(Clone)]
pub(super) struct Keys {
    pub(super) current: SigningKey,
    /// The first segment of each token, with its dot.
    pub(super) header: Arc<str>,
    next: Option<SigningKey>,
    /// Since when `next` is published, by the monotonic clock.
    next_since: Duration,
    previous: Vec<Retired>,
    pub(super) document: JwksDocument,
    pub(super) snapshot: KeySnapshot,
}

impl Keys {
    /// Takes a ring into use.
    pub(super) fn new(
        ring: KeyRing,
        settings: &Settings,
        generation: u64,
    ) -> Result<Self, ConfigErrors> {
        let mut previous = Vec::with_capacity(ring.previous.len());
        for key in ring.previous {
            let key = match key.kid() {
                Some(_) => key,
                None => {
                    let kid = base64url::encode(&key.thumbprint());
                    // Which is short, and of no strange characters.
                    key.clone().with_kid(kid).unwrap_or(key)
                }
            };
            previous.push(Retired { key, until: None });
        }
        let now = settings.clock.monotonic();
        Self::of(
            ring.current,
            (ring.next, now),
            previous,
            settings,
            generation,
        )
    }

    /// The next key becomes the current one, and `next` the next.
    pub(super) fn rotated(
        &self,
        next: SigningKey,
        settings: &Settings,
    ) -> Result<Self, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        let now = settings.clock.monotonic();
        let known_for = now.saturating_sub(self.next_since);
        let wait = settings.jwks_max_age.saturating_sub(known_for);
        let Some(current) = self.next.clone() else {
            mistakes.push("issuer.rotate", IssuerConfigError::NextMissing);
            return mistakes.finish(self.clone());
        };
        if !wait.is_zero() {
            mistakes.push("issuer.rotate", IssuerConfigError::RotationTooSoon { wait });
            return mistakes.finish(self.clone());
        }
        let mut previous = self.previous.clone();
        previous.retain(|retired| retired.until.is_none_or(|until| now < until));
        let lifetime = settings.access_ttl.saturating_add(MOST_LEEWAY);
        previous.push(Retired {
            key: self.current.verifying_key().clone(),
            until: Some(now.saturating_add(lifetime)),
        });
        let generation = self.snapshot.generation().wrapping_add(1);
        Self::of(current, (Some(next), now), previous, settings, generation)
    }

    fn of(
        current: SigningKey,
        (next, next_since): (Option<SigningKey>, Duration),
        previous: Vec<Retired>,
        settings: &Settings,
        generation: u64,
    ) -> Result<Self, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        let mut all = vec![current.verifying_key().clone()];
        all.extend(next.as_ref().map(|next| next.verifying_key().clone()));
        all.extend(previous.iter().map(|retired| retired.key.clone()));
        for (index, key) in all.iter().enumerate() {
            if all.iter().take(index).any(|other| other.kid() == key.kid()) {
                let kid = key.kid().unwrap_or_default().to_owned();
                mistakes.push("issuer.signing", IssuerConfigError::DuplicateKey { kid });
            }
        }
        let set = JwkSet::from_keys(all);
        if set.is_mixed() {
            mistakes.push("issuer.signing", IssuerConfigError::MixedKeyFamilies);
        }
        let header = settings.header(&current);
        let document = JwksDocument::new(&set, settings.jwks_max_age);
        mistakes.finish(Self {
            current,
            header,
            next,
            next_since,
            previous,
            document,
            snapshot: KeySnapshot::new(set, generation),
        })
    }
}
