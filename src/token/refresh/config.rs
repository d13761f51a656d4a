//! The builder of `RefreshService`.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::super::{RevocationStore, TokenIssuer};
use super::error::RefreshConfigError;
use super::events::Teller;
use super::keys::{RotationKey, RotationKeys};
use super::service::{Inner, RefreshService};
use super::store::RefreshStore;
use crate::core::{
    Clock, ConfigError, ConfigErrors, EventSink, Events, Mistakes, Secret, SystemClock, is_weak_key,
};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3_600);
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3_600);
const MOST_GRACE: Duration = Duration::from_secs(60);
const MOST_FAMILIES: u32 = 1_000;
const LONGEST_KEY_ID: usize = 32;

/// The output of SHA-256: a shorter key would be the weakest part (RFC 2104, section 3).
const MIN_KEY: usize = 32;

/// Makes a [`RefreshService`]. See [`RefreshService::builder`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct RefreshServiceBuilder {
    store: Arc<dyn RefreshStore>,
    issuer: TokenIssuer,
    current: Option<(String, Secret<Vec<u8>>)>,
    old: Vec<(String, Secret<Vec<u8>>)>,
    idle: Duration,
    absolute: Duration,
    grace: Duration,
    max_families: u32,
    revocation: Revocations,
    clock: Arc<dyn Clock>,
    events: Events,
}

enum Revocations {
    In(Arc<dyn RevocationStore>),
    Nowhere,
    Undecided,
}

impl RefreshServiceBuilder {
    pub(super) fn new(store: impl RefreshStore, issuer: TokenIssuer) -> Self {
        Self {
            store: Arc::new(store),
            issuer,
            current: None,
            old: Vec::new(),
            idle: DAY.saturating_mul(14),
            absolute: DAY.saturating_mul(30),
            grace: Duration::from_secs(10),
            max_families: 20,
            revocation: Revocations::Undecided,
            clock: Arc::new(SystemClock),
            events: Events::default(),
        }
    }

    /// Sets the key that the secret of each token is derived from the one before with, and what records call it (no default).
    ///
    /// The key alone derives nothing, nor does a copy of the store: who has both, and one token of a family, has those after it.
    ///
    /// Permitted: `("2027-01", 32 random bytes or more)`, the same on every node. Refused: fewer bytes, one byte over and over; an id
    /// that is empty, longer than 32 characters or has others than visible ASCII.
    pub fn rotation_key(mut self, id: impl Into<String>, key: impl Into<Secret<Vec<u8>>>) -> Self {
        self.current = Some((id.into(), key.into()));
        self
    }

    /// Keeps a key of before (default: none): a token that was rotated with it is still told from a forged one, and repeated in the grace.
    ///
    /// To change the key, make the new one known to all nodes as an old one first, then put it in force, and drop the other after
    /// [`absolute`](Self::absolute). Without its key a token that was replaced is unknown, and its family goes on.
    pub fn add_old_rotation_key(
        mut self,
        id: impl Into<String>,
        key: impl Into<Secret<Vec<u8>>>,
    ) -> Self {
        self.old.push((id.into(), key.into()));
        self
    }

    /// Ends a family that was not used for so long (default 14 days).
    ///
    /// Permitted: 1 s to [`absolute`](Self::absolute). Refused: longer or shorter.
    pub const fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Ends a family so long after its login, however it is used (default 30 days, [NIST SP 800-63B], section 2.1.3).
    ///
    /// Permitted: 1 s to 365 days. Refused: longer or shorter.
    ///
    /// [NIST SP 800-63B]: https://pages.nist.gov/800-63-4/sp800-63b.html
    pub const fn absolute(mut self, absolute: Duration) -> Self {
        self.absolute = absolute;
        self
    }

    /// Repeats the answer to a token that was replaced not longer ago (default 10 s): two tabs ask at once, an answer gets lost, and
    /// without it each of them would log the user out as if he had been robbed. It holds for the last token that was replaced alone.
    ///
    /// A thief who asks within it gets the same token as the owner, and the next of the two who is late ends the family. `Duration::ZERO`
    /// repeats nothing: for clients that never ask twice.
    ///
    /// Permitted: 0 to 60 s. Refused: longer.
    pub const fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Keeps so many families of one subject (default 20): with one login more, the oldest is revoked. So one user does not fill the store.
    ///
    /// Permitted: 1 to 1000. Refused: 0, 1001.
    pub const fn max_families(mut self, families: u32) -> Self {
        self.max_families = families;
        self
    }

    /// Ends the access tokens of a family with it, in the store that the [`JwtVerifier`](super::super::JwtVerifier) asks.
    pub fn revocation(mut self, store: impl RevocationStore) -> Self {
        self.revocation = Revocations::In(Arc::new(store));
        self
    }

    /// Says that access tokens outlive a logout, and the end of a family that was stolen, until they expire by themselves.
    pub fn without_revocation(mut self) -> Self {
        self.revocation = Revocations::Nowhere;
        self
    }

    /// Sends events to `sink` (default: to that of the stack that the request came through, where
    /// [`for_request`](RefreshService::for_request) says it, else to `tracing`).
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

    /// Makes the service.
    ///
    /// # Errors
    ///
    /// Every mistake at once, each with a [`RefreshConfigError`]: no rotation key, one that can be guessed or whose id stands there twice;
    /// a grace or lifetimes out of bounds; no family for anybody; nothing said of revocation.
    pub fn build(self) -> Result<RefreshService, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        let keys = self.keys(&mut mistakes);
        if self.idle < SECOND || self.idle > self.absolute || self.absolute > LONGEST {
            mistakes.push(
                "token.refresh.idle",
                RefreshConfigError::LifetimeInvalid {
                    idle: self.idle,
                    absolute: self.absolute,
                },
            );
        }
        if self.grace > MOST_GRACE {
            mistakes.push(
                "token.refresh.grace",
                RefreshConfigError::GraceTooLong { grace: self.grace },
            );
        }
        let max_families =
            NonZeroU32::new(self.max_families).filter(|most| most.get() <= MOST_FAMILIES);
        if max_families.is_none() {
            mistakes.push(
                "token.refresh.max_families",
                RefreshConfigError::MaxFamiliesInvalid {
                    max_families: self.max_families,
                },
            );
        }
        let revocation = match self.revocation {
            Revocations::In(store) => Some(store),
            Revocations::Nowhere => None,
            Revocations::Undecided => {
                mistakes.push("token.refresh.revocation", RefreshConfigError::NoRevocation);
                None
            }
        };
        match (mistakes.finish(()), keys) {
            (Err(errors), _) => Err(errors),
            // Nothing that was given is wrong, so that none was.
            (Ok(()), None) => {
                let kind = RefreshConfigError::NoRotationKey;
                Err(ConfigError::new("token.refresh.rotation_key", kind).into())
            }
            (Ok(()), Some(keys)) => Ok(RefreshService::new(Inner {
                store: self.store,
                issuer: self.issuer,
                keys,
                idle: self.idle,
                absolute: self.absolute,
                grace: self.grace,
                max_families: max_families.unwrap_or(NonZeroU32::MIN),
                revocation,
                clock: self.clock,
                teller: Teller::new(self.events),
            })),
        }
    }

    fn keys(&self, mistakes: &mut Mistakes) -> Option<RotationKeys> {
        const PATH: &str = "token.refresh.rotation_key";
        let mut ids = Vec::new();
        let mut keys = Vec::new();
        for (id, key) in self.current.iter().chain(&self.old) {
            if !is_key_id(id) {
                let id = id.chars().take(LONGEST_KEY_ID).collect();
                mistakes.push(PATH, RefreshConfigError::KeyIdInvalid { id });
            } else if ids.contains(&id) {
                let id = id.clone();
                mistakes.push(PATH, RefreshConfigError::DuplicateKey { id });
            }
            ids.push(id);
            let key = key.expose();
            let is_strong = key.len() >= MIN_KEY && !is_weak_key(key);
            match RotationKey::new(id, key) {
                Some(key) if is_strong => keys.push(key),
                Some(_) | None => {
                    let length = key.len();
                    mistakes.push(PATH, RefreshConfigError::RotationKeyTooShort { length });
                }
            }
        }
        if self.current.is_none() {
            mistakes.push(PATH, RefreshConfigError::NoRotationKey);
        }
        let mut keys = keys.into_iter();
        Some(RotationKeys {
            realm: *self.issuer.realm(),
            current: keys.next()?,
            old: keys.collect(),
        })
    }
}

fn is_key_id(id: &str) -> bool {
    (1..=LONGEST_KEY_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

impl fmt::Debug for RefreshServiceBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshServiceBuilder")
            .field("idle", &self.idle)
            .field("absolute", &self.absolute)
            .field("grace", &self.grace)
            .field("max_families", &self.max_families)
            .finish_non_exhaustive()
    }
}
