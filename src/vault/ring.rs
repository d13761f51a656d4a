//! `KeyRing`: the keys and their states, and what is derived of them.

use std::fmt;
use std::sync::Arc;

use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use hkdf::Hkdf;
use hmac::Hmac;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::blind_index::Pseudonyms;
use super::config::KeyRingBuilder;
use super::error::{KeyWrapError, KeyWrapErrorKind, VaultConfigError, VaultError};
use super::format::{self, NONCE, Use};
use super::protector::Protector;
use super::text;
use super::wrap::KeyWrap;
use crate::core::{ConfigErrors, Events, Mistakes, Secret};

/// Bytes of a key of a ring.
pub(super) const KEY: usize = 32;

/// What a key is used for at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyState {
    /// Encrypts and decrypts. There is one.
    Active,
    /// Decrypts: it will be active, and nodes that have rotated already use it.
    Next,
    /// Decrypts what has not been rotated yet.
    Retired,
    /// Its id is refused, and the key is gone.
    Revoked,
}

/// Where nonces come from: the operating system, but in tests.
pub(super) type Nonces = fn() -> Option<[u8; NONCE]>;

/// The keys of a service, by their ids. Cloning shares them; they are wiped with the last clone.
///
/// New values are encrypted with the active key; those that are there name theirs. To rotate: add a [next](KeyRingBuilder::next) key and
/// deploy, so that every node can read it; then [make it active](Self::rotate) and the old one retired; when
/// [nothing needs rotation](Protector::needs_rotation) any more, [revoke](KeyRingBuilder::revoked) the old id.
///
/// # Example
///
/// ```
/// use tower_security::core::Secret;
/// use tower_security::vault::KeyRing;
///
/// // Once, by hand. What it prints belongs into a secret store.
/// let key = KeyRing::generate_key()?;
/// let text: Secret<String> = KeyRing::key_text(&key);
///
/// let ring = KeyRing::builder().active(2, text).revoked(1).build()?;
/// assert_eq!(ring.active_id(), 2);
///
/// let phrase = Secret::from("correct horse battery staple");
/// let errors = KeyRing::builder().active(2, phrase).build().unwrap_err();
/// let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
/// assert_eq!(codes, ["base64"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct KeyRing(Arc<Ring>);

#[derive(Clone)]
pub(super) struct Ring {
    /// Of 32 bytes each.
    pub(super) keys: Keys<Secret<Vec<u8>>>,
    pub(super) events: Events,
    pub(super) nonces: Nonces,
}

/// The keys of a ring, or what was derived of each: of what stands on the heap by itself, for a list that grows leaves a copy behind, and a
/// variant without a key whatever the stack held before.
#[derive(Clone)]
pub(super) struct Keys<K> {
    pub(super) active_id: u32,
    pub(super) active: K,
    /// In the order of their ids.
    pub(super) others: Vec<(u32, Other<K>)>,
}

/// A key that does not encrypt.
#[derive(Clone)]
pub(super) enum Other<K> {
    Next(K),
    Retired(K),
    Revoked,
}

impl<K> Other<K> {
    pub(super) const fn key(&self) -> Option<&K> {
        match self {
            Self::Next(key) | Self::Retired(key) => Some(key),
            Self::Revoked => None,
        }
    }

    const fn state(&self) -> KeyState {
        match self {
            Self::Next(_) => KeyState::Next,
            Self::Retired(_) => KeyState::Retired,
            Self::Revoked => KeyState::Revoked,
        }
    }
}

impl<K> Keys<K> {
    /// Those besides the active one, `None` for an id that nobody knows.
    pub(super) fn other(&self, id: u32) -> Option<&Other<K>> {
        let at = self.others.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.others.get(at).map(|(_, other)| other)
    }

    /// The active one first.
    pub(super) fn live(&self) -> impl Iterator<Item = (u32, &K)> {
        let others = self.others.iter();
        let others = others.filter_map(|(id, other)| Some((*id, other.key()?)));
        std::iter::once((self.active_id, &self.active)).chain(others)
    }

    pub(super) fn states(&self) -> impl Iterator<Item = (u32, KeyState)> {
        let others = self.others.iter().map(|(id, other)| (*id, other.state()));
        std::iter::once((self.active_id, KeyState::Active)).chain(others)
    }

    /// Whether `next` was a next key. It is the active one then.
    fn rotate(&mut self, next: u32) -> bool {
        let mut places = self.others.iter();
        let place = places.position(|(id, other)| *id == next && other.state() == KeyState::Next);
        let Some(place) = place else { return false };
        let (_, Other::Next(key)) = self.others.remove(place) else {
            return false;
        };
        let old = std::mem::replace(&mut self.active, key);
        let old_id = std::mem::replace(&mut self.active_id, next);
        self.others.push((old_id, Other::Retired(old)));
        self.others.sort_unstable_by_key(|(id, _)| *id);
        true
    }

    pub(super) fn map<T>(&self, derive: impl Fn(&K) -> T) -> Keys<T> {
        let other = |other: &Other<K>| match other {
            Other::Next(key) => Other::Next(derive(key)),
            Other::Retired(key) => Other::Retired(derive(key)),
            Other::Revoked => Other::Revoked,
        };
        Keys {
            active_id: self.active_id,
            active: derive(&self.active),
            others: self
                .others
                .iter()
                .map(|(id, key)| (*id, other(key)))
                .collect(),
        }
    }
}

/// Shows ids and states, and no key.
impl<K> fmt::Debug for Keys<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.states()).finish()
    }
}

impl KeyRing {
    /// Starts without a key.
    pub fn builder() -> KeyRingBuilder {
        KeyRingBuilder::new()
    }

    pub(super) fn new(ring: Ring) -> Self {
        Self(Arc::new(ring))
    }

    /// Draws a key of 32 random bytes, for [`builder`](Self::builder). [`key_text`](Self::key_text) writes it down.
    ///
    /// # Errors
    ///
    /// [`VaultError::Entropy`]: the operating system gives no randomness.
    pub fn generate_key() -> Result<Secret<[u8; KEY]>, VaultError> {
        let mut key = Zeroizing::new([0; KEY]);
        getrandom::fill(&mut *key).map_err(|_| VaultError::Entropy)?;
        Ok(Secret::new(*key))
    }

    /// Returns a key as base64, for a secret store. [`KeyRingBuilder::active`] reads it.
    #[must_use]
    pub fn key_text(key: &Secret<[u8; KEY]>) -> Secret<String> {
        text::of_key(key.expose())
    }

    /// Draws a key and returns it wrapped, after it was unwrapped again: a key that cannot be had back is data that is lost. It is to be kept
    /// beside the configuration, and [unwrapped](KeyWrap::unwrap) when a service starts.
    ///
    /// # Errors
    ///
    /// There is no randomness, `wrap` fails, or what it unwraps is not what it wrapped.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the key is lost. Nothing was encrypted with it.
    pub async fn generate_wrapped_key(wrap: &impl KeyWrap) -> Result<Vec<u8>, KeyWrapError> {
        let key = Self::generate_key()
            .map_err(|error| KeyWrapError::new(KeyWrapErrorKind::Entropy, error.to_string()))?;
        let wrapped = wrap.wrap(&key).await?;
        if wrap.unwrap(&wrapped).await? == key {
            Ok(wrapped)
        } else {
            let text = "what was unwrapped is not what was wrapped";
            Err(KeyWrapError::new(KeyWrapErrorKind::Refused, text))
        }
    }

    /// Returns the id of the key that encrypts.
    #[must_use]
    pub fn active_id(&self) -> u32 {
        self.0.keys.active_id
    }

    /// Returns the ids and their states, the active one first.
    pub fn keys(&self) -> impl Iterator<Item = (u32, KeyState)> {
        self.0.keys.states()
    }

    /// Returns a ring whose active key is `next`, and whose active one is retired. What was made of this one stays as it is: make the
    /// protectors anew.
    ///
    /// Deploy the ring with the [next](KeyRingBuilder::next) key to all nodes before one of them rotates: the others could not read what it
    /// writes.
    ///
    /// # Errors
    ///
    /// [`VaultConfigError::UnknownNext`]: the id is not that of a next key.
    pub fn rotate(&self, next: u32) -> Result<Self, ConfigErrors> {
        let mut ring = Ring::clone(&self.0);
        let mut mistakes = Mistakes::default();
        let keys = &mut ring.keys;
        if !keys.rotate(next) {
            mistakes.push("vault.rotate", VaultConfigError::UnknownNext { id: next });
        }
        mistakes.finish(Self::new(ring))
    }

    /// Derives the keys of a purpose: of a column, `&["users", "ssn"]`. What one purpose has protected, no other opens. Do it once and keep
    /// the protector.
    ///
    /// Permitted: 1 to 8 parts of 1 to 255 bytes. Refused: no part, an empty one.
    ///
    /// # Errors
    ///
    /// [`VaultConfigError::Purpose`], for each part that is wrong.
    pub fn purpose(&self, parts: &[&str]) -> Result<Protector, ConfigErrors> {
        format::check(parts)?;
        Ok(self.protector(Use::Encrypt, parts, &format::info(Use::BlindIndex, parts)))
    }

    /// As [`purpose`](Self::purpose), for the values of the cookie of this name. They have keys that no column has. Bind them to what the cookie
    /// belongs to, such as the host or the id of the session; a cookie has 4,096 bytes at most, and a value as text takes 4/3 of its length
    /// and 60 bytes.
    ///
    /// # Errors
    ///
    /// [`VaultConfigError::Purpose`]: the name is empty or longer than 255 bytes.
    pub fn cookie(&self, name: &str) -> Result<Protector, ConfigErrors> {
        let parts = ["cookie", name];
        format::check(&parts)?;
        // A purpose has no empty part: blind indexes of a cookie are not those of a column.
        let index = format::info(Use::BlindIndex, &["", "cookie", name]);
        Ok(self.protector(Use::Cookie, &parts, &index))
    }

    /// Derives the keys of pseudonyms: what stands in a log in the place of a name.
    ///
    /// # Errors
    ///
    /// [`VaultConfigError::Purpose`]: the name is empty or longer than 255 bytes.
    pub fn pseudonym(&self, name: &str) -> Result<Pseudonyms, ConfigErrors> {
        let parts = [name];
        format::check(&parts)?;
        let info = format::info(Use::Pseudonym, &parts);
        Ok(Pseudonyms::new(
            name,
            self.0.keys.map(|key| Box::new(mac(&derived(key, &info)))),
        ))
    }

    fn protector(&self, of: Use, parts: &[&str], index: &[u8]) -> Protector {
        let info = format::info(of, parts);
        let keys = self.0.keys.map(|key| {
            Box::new(SubKeys {
                cipher: XChaCha20Poly1305::new((&*derived(key, &info)).into()),
                index: mac(&derived(key, index)),
            })
        });
        Protector::new(&self.0, parts.join("/").into(), info, keys)
    }
}

/// What is derived of a key for a purpose.
pub(super) struct SubKeys {
    pub(super) cipher: XChaCha20Poly1305,
    pub(super) index: Hmac<Sha256>,
}

/// RFC 5869, without a salt: the keys of a ring are random.
#[expect(
    clippy::expect_used,
    reason = "what cannot fail must not end in a key of zeros"
)]
fn derived(key: &Secret<Vec<u8>>, info: &[u8]) -> Zeroizing<[u8; KEY]> {
    let mut derived = Zeroizing::new([0; KEY]);
    Hkdf::<Sha256>::new(None, key.expose())
        .expand(info, &mut *derived)
        .expect("32 bytes are below the 8,160 that RFC 5869 gives");
    derived
}

fn mac(key: &[u8; KEY]) -> Hmac<Sha256> {
    // RFC 2104: a key that is shorter than a block is filled up with zeros.
    let mut block = Zeroizing::new([0; 64]);
    let (start, _) = block.split_at_mut(KEY);
    start.copy_from_slice(key);
    Hmac::new((&*block).into())
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("keys", &self.0.keys)
            .field("events", &self.0.events)
            .finish()
    }
}
