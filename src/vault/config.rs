//! The builder of `KeyRing`.

use std::fmt;

use super::error::VaultConfigError;
use super::format::NONCE;
use super::ring::{KEY, KeyRing, KeyState, Keys, Nonces, Other, Ring};
use super::text;
use crate::core::{ConfigErrors, EventSink, Events, Mistakes, Secret};

const PATH: &str = "vault.keys";
/// At one rotation a quarter, sixteen years of them.
const MOST_KEYS: usize = 64;
/// Of 32 random bytes 30 are distinct on average, and fewer than 16 never.
const LEAST_DISTINCT: usize = 16;

/// A key of a ring as it is given: 32 random bytes, or their base64 (either alphabet, padded or not).
///
/// Made of a `Secret<[u8; 32]>` or a `Secret<Vec<u8>>`, which hold the bytes themselves, and of a `Secret<String>`, which holds base64.
#[derive(Clone)]
pub struct RingKey(Given);

#[derive(Clone)]
enum Given {
    Raw(Secret<Vec<u8>>),
    Text(Secret<String>),
}

impl From<Secret<[u8; KEY]>> for RingKey {
    fn from(key: Secret<[u8; KEY]>) -> Self {
        Self(Given::Raw(Secret::from(key.expose())))
    }
}

impl From<Secret<Vec<u8>>> for RingKey {
    fn from(key: Secret<Vec<u8>>) -> Self {
        Self(Given::Raw(key))
    }
}

impl From<Secret<String>> for RingKey {
    fn from(text: Secret<String>) -> Self {
        Self(Given::Text(text))
    }
}

impl RingKey {
    fn read(&self, id: u32) -> Result<Secret<Vec<u8>>, VaultConfigError> {
        let decoded;
        let bytes: &[u8] = match &self.0 {
            Given::Raw(bytes) => bytes.expose(),
            Given::Text(text) => {
                decoded = text::key(text.expose()).ok_or(VaultConfigError::Base64 { id })?;
                &decoded
            }
        };
        let length = bytes.len();
        let key: &[u8; KEY] = bytes
            .try_into()
            .map_err(|_| VaultConfigError::KeyLength { id, length })?;
        if key.iter().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(VaultConfigError::TextKey { id });
        }
        if is_weak(key) {
            return Err(VaultConfigError::WeakKey { id });
        }
        Ok(Secret::from(key))
    }
}

impl fmt::Debug for RingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// One byte over and over, a sequence that counts, or too few different bytes.
fn is_weak(key: &[u8; KEY]) -> bool {
    let mut seen = [false; 256];
    for byte in key {
        if let Some(seen) = seen.get_mut(usize::from(*byte)) {
            *seen = true;
        }
    }
    let distinct = seen.iter().filter(|seen| **seen).count();
    let mut steps = key.iter().zip(key.iter().skip(1));
    let mut step = steps.clone().map(|(a, b)| b.wrapping_sub(*a));
    let first = step.next();
    let counts = steps.all(|(a, b)| Some(b.wrapping_sub(*a)) == first);
    distinct < LEAST_DISTINCT || counts
}

/// Makes a [`KeyRing`]. See [`KeyRing::builder`].
#[derive(Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct KeyRingBuilder {
    keys: Vec<(u32, KeyState, Option<RingKey>)>,
    events: Events,
    nonces: Nonces,
}

impl KeyRingBuilder {
    pub(super) fn new() -> Self {
        Self {
            keys: Vec::new(),
            events: Events::default(),
            nonces: drawn,
        }
    }

    /// Encrypts and decrypts with this key. Exactly one key is active; 90 days are a good age to rotate it at.
    ///
    /// Permitted: 32 random bytes, as [`KeyRing::generate_key`] makes them, or their base64 in a `Secret<String>`. Refused: another length,
    /// text such as a pass phrase, bytes that follow a pattern, an id or a key that is there twice.
    pub fn active(self, id: u32, key: impl Into<RingKey>) -> Self {
        self.add(id, KeyState::Active, Some(key.into()))
    }

    /// Decrypts with this key, which will be active (default: none). Give it to all nodes before one of them [rotates](KeyRing::rotate).
    pub fn next(self, id: u32, key: impl Into<RingKey>) -> Self {
        self.add(id, KeyState::Next, Some(key.into()))
    }

    /// Decrypts with this key, which was active (default: none), until nothing [needs rotation](super::Protector::needs_rotation) any more.
    pub fn retired(self, id: u32, key: impl Into<RingKey>) -> Self {
        self.add(id, KeyState::Retired, Some(key.into()))
    }

    /// Refuses what names this id, with an event of its own (default: none). What is still encrypted with the key is lost to the service:
    /// keep the key elsewhere until you are sure.
    pub fn revoked(self, id: u32) -> Self {
        self.add(id, KeyState::Revoked, None)
    }

    /// Sends events to `sink` (default: that of the stack, where handlers say [which request](super::Protector::for_request) it is, else
    /// `tracing`).
    pub fn events(mut self, sink: impl EventSink) -> Self {
        self.events = self.events.with_sink(sink);
        self
    }

    #[cfg(test)]
    pub(super) fn nonces(mut self, nonces: Nonces) -> Self {
        self.nonces = nonces;
        self
    }

    fn add(mut self, id: u32, state: KeyState, key: Option<RingKey>) -> Self {
        self.keys.push((id, state, key));
        self
    }

    /// Makes the ring.
    ///
    /// # Errors
    ///
    /// Every mistake at once, each with a [`VaultConfigError`]: no active key or several, keys of another length, that can be guessed or are
    /// there twice, ids that are there twice, more than 64 keys.
    pub fn build(self) -> Result<KeyRing, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        let actives = self.keys.iter();
        let count = actives
            .filter(|(_, state, _)| *state == KeyState::Active)
            .count();
        if count != 1 {
            mistakes.push(PATH, VaultConfigError::ActiveKey { count });
        }
        let count = self.keys.iter().filter(|(_, _, key)| key.is_some()).count();
        if count > MOST_KEYS {
            mistakes.push(PATH, VaultConfigError::TooManyKeys { count });
        }
        let mut ids = Vec::new();
        let mut read: Vec<(u32, Secret<Vec<u8>>)> = Vec::new();
        let mut active = None;
        let mut others = Vec::new();
        for (at, (id, state, key)) in self.keys.iter().enumerate() {
            let (id, path) = (*id, format!("{PATH}[{at}]"));
            if ids.contains(&id) {
                mistakes.push(&path, VaultConfigError::DuplicateKeyId { id });
            }
            ids.push(id);
            let Some(key) = key else {
                others.push((id, Other::Revoked));
                continue;
            };
            let key = match key.read(id) {
                Ok(key) => key,
                Err(error) => {
                    mistakes.push(&path, error);
                    continue;
                }
            };
            if let Some((a, _)) = read.iter().find(|(_, other)| *other == key) {
                mistakes.push(&path, VaultConfigError::SameKey { a: *a, b: id });
            }
            read.push((id, key.clone()));
            match state {
                KeyState::Active => active = Some((id, key)),
                KeyState::Next => others.push((id, Other::Next(key))),
                KeyState::Retired => others.push((id, Other::Retired(key))),
                KeyState::Revoked => others.push((id, Other::Revoked)),
            }
        }
        others.sort_unstable_by_key(|(id, _)| *id);
        // Without one there is a mistake, and the ring is not handed out.
        let (active_id, active) = active.unwrap_or_else(|| (0, Secret::new(Vec::new())));
        mistakes.finish(KeyRing::new(Ring {
            keys: Keys {
                active_id,
                active,
                others,
            },
            events: self.events,
            nonces: self.nonces,
        }))
    }
}

/// Each from the operating system: a pool of randomness would give a process and its fork the same nonces, and two messages under one
/// nonce show each other.
pub(super) fn drawn() -> Option<[u8; NONCE]> {
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce).ok()?;
    Some(nonce)
}

/// Shows ids and states, and no key.
impl fmt::Debug for KeyRingBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.keys.iter().map(|(id, state, _)| (id, state));
        f.debug_struct("KeyRingBuilder")
            .field("keys", &keys.collect::<Vec<_>>())
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}
