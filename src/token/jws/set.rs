//! Several keys (RFC 7517 section 5).

use std::fmt;
use std::sync::Arc;

use super::json::{self, Array, Limits, Value};
use super::jwk::Provenance;
use super::{Algorithm, Jwk, JwkError, JwkSetError, JwsError};
use crate::core::text::clean;

/// Bytes of a set.
const MOST_BYTES: usize = 256 * 1024;
/// Keys of a set: they are looked through for each token.
const MOST_KEYS: usize = 256;
/// Characters of an id that is told.
const MOST_TOLD: usize = 64;

const LIMITS: Limits = Limits {
    members: 64,
    depth: 32,
};

/// Keys, of which each token is verified with the one that it names. Cloning shares them.
///
/// # Which key a token is verified with
///
/// 1. The token has a `kid`: the key with that id, byte for byte. A set of a single key without an id takes any.
/// 2. It has none: the one key that fits the algorithm. Where several fit, none is taken.
/// 3. The key has to fit the algorithm that the token says; no other key is tried.
///
/// # Example
///
/// A key that is broken or weak is left out, and said so; the others are taken:
///
/// ```
/// # #[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use tower_security::token::jws::JwkSet;
///
/// let json = br#"{"keys":[
///     {"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
///     {"kty":"oct","kid":"b","k":"c2VjcmV0"}
/// ]}"#;
/// let keys = JwkSet::from_json(json)?;
/// assert_eq!(keys.keys().len(), 1);
/// assert_eq!(keys.rejected()[0].kid(), Some("b"));
/// assert_eq!(keys.rejected()[0].error().code(), "key_too_weak");
///
/// assert!(JwkSet::strict(json).is_err());
/// # Ok(())
/// # }
/// # #[cfg(not(any(feature = "jwt", feature = "jwt-rust-crypto")))]
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct JwkSet(Arc<Keys>);

struct Keys {
    keys: Vec<Jwk>,
    rejected: Vec<RejectedKey>,
    is_mixed: bool,
    /// Whether secrets that everybody can guess were taken.
    is_guessable: bool,
}

impl JwkSet {
    /// Reads a set from its JSON form, and leaves out the keys that are not taken: see [`rejected`](Self::rejected).
    ///
    /// The set may have 256 KiB and 256 keys. What each key has to be, [`Jwk::from_json`] says. Of keys with the same id none is taken.
    ///
    /// # Errors
    ///
    /// [`JwkSetError`] for what is no set at all. A set of which no key is left is none: it is for the caller to refuse it.
    ///
    /// # Example
    ///
    /// See [`JwkSet`].
    pub fn from_json(text: &[u8]) -> Result<Self, JwkSetError> {
        Self::read(text, Provenance::Application)
    }

    /// As [`from_json`](Self::from_json), and the first key that is not taken is an error: for a set of one's own.
    ///
    /// # Errors
    ///
    /// [`JwkSetError`], also for a single key.
    ///
    /// # Example
    ///
    /// See [`JwkSet`].
    pub fn strict(text: &[u8]) -> Result<Self, JwkSetError> {
        let set = Self::from_json(text)?;
        match set.rejected().iter().min_by_key(|key| key.index) {
            None => Ok(set),
            Some(key) => Err(JwkSetError::Key(key.index, key.error.clone())),
        }
    }

    /// As [`from_json`](Self::from_json), and secrets that everybody can guess are taken, if they are long enough: for outside test vectors,
    /// some of which are signed with 32 zeros. Whoever guesses one signs any token.
    ///
    /// # Errors
    ///
    /// As [`from_json`](Self::from_json).
    pub fn dangerous_guessable_secrets(text: &[u8]) -> Result<Self, JwkSetError> {
        Self::read(text, Provenance::Vectors)
    }

    /// As [`from_json`](Self::from_json), for a set that somebody else has published: secrets in it are left out too.
    pub(crate) fn from_remote(text: &[u8]) -> Result<Self, JwkSetError> {
        Self::read(text, Provenance::Elsewhere)
    }

    /// Makes a set of keys. Of keys with the same id none is taken: see [`rejected`](Self::rejected).
    ///
    /// # Example
    ///
    /// See [`verify_compact`](super::verify_compact).
    #[must_use]
    pub fn from_keys(keys: impl IntoIterator<Item = Jwk>) -> Self {
        let keys = keys.into_iter().enumerate().collect::<Vec<_>>();
        Self::new(&keys, Vec::new(), Provenance::Application)
    }

    /// Returns the keys.
    #[must_use]
    pub fn keys(&self) -> &[Jwk] {
        &self.0.keys
    }

    /// Returns which keys were left out, and why.
    #[must_use]
    pub fn rejected(&self) -> &[RejectedKey] {
        &self.0.rejected
    }

    /// Whether public keys and secrets stand side by side: a token could be verified with what it was not signed for.
    pub(crate) fn is_mixed(&self) -> bool {
        self.0.is_mixed
    }

    /// Whether it was made by [`dangerous_guessable_secrets`](Self::dangerous_guessable_secrets).
    pub(crate) fn is_guessable(&self) -> bool {
        self.0.is_guessable
    }

    /// The one key with which a token of this algorithm and id is verified.
    pub(crate) fn select(&self, algorithm: Algorithm, kid: Option<&str>) -> Result<&Jwk, JwsError> {
        let Some(kid) = kid else {
            let mut fitting = self.keys().iter().filter(|key| key.fits(algorithm));
            return match (fitting.next(), fitting.next()) {
                (Some(key), None) => Ok(key),
                (None, _) | (_, Some(_)) => Err(JwsError::KeyMismatch),
            };
        };
        let named = self.keys().iter().find(|key| key.kid() == Some(kid));
        let sole = || match self.keys() {
            [key] if key.kid().is_none() => Some(key),
            _ => None,
        };
        let key = named.or_else(sole).ok_or(JwsError::KeyUnknown)?;
        if key.fits(algorithm) {
            Ok(key)
        } else {
            Err(JwsError::KeyMismatch)
        }
    }

    /// The same keys, verified with the other backend. For tests: with both compiled in, only one would run.
    #[cfg(feature = "jwt-rust-crypto")]
    #[doc(hidden)]
    #[must_use]
    pub fn on_rust_crypto(&self) -> Self {
        Self::from_keys(self.keys().iter().map(Jwk::on_rust_crypto))
    }

    fn read(text: &[u8], provenance: Provenance) -> Result<Self, JwkSetError> {
        if text.len() > MOST_BYTES {
            return Err(JwkSetError::TooLong(text.len()));
        }
        let mut listed: Option<Array<'_>> = None;
        json::object(text, LIMITS, |name, value| {
            if name == "keys" {
                match value {
                    Value::Array(keys) => listed = Some(keys),
                    _ => return Err(JwkSetError::KeysMissing),
                }
            }
            Ok(())
        })?;
        let mut keys = Vec::new();
        let mut rejected = Vec::new();
        let mut index = 0_usize;
        listed.ok_or(JwkSetError::KeysMissing)?.each(|value| {
            if index >= MOST_KEYS {
                return Err(JwkSetError::TooManyKeys);
            }
            match key(value, provenance) {
                Ok(key) => keys.push((index, key)),
                Err(error) => rejected.push(RejectedKey::new(index, told_kid(value), error)),
            }
            index = index.saturating_add(1);
            Ok(())
        })?;
        Ok(Self::new(&keys, rejected, provenance))
    }

    /// Keys with their places in the set.
    fn new(found: &[(usize, Jwk)], mut rejected: Vec<RejectedKey>, provenance: Provenance) -> Self {
        let mut keys = Vec::with_capacity(found.len());
        for (index, key) in found {
            let is_twice = |(other, twin): &(usize, Jwk)| other != index && twin.kid() == key.kid();
            if key.kid().is_some() && found.iter().any(is_twice) {
                let kid = key.kid().map(told);
                rejected.push(RejectedKey::new(*index, kid, JwkError::KidTwice));
            } else {
                keys.push(key.clone());
            }
        }
        rejected.sort_by_key(|key| key.index);
        let secrets = keys.iter().filter(|key| key.is_secret()).count();
        let is_mixed = (1..keys.len()).contains(&secrets);
        Self(Arc::new(Keys {
            keys,
            rejected,
            is_mixed,
            is_guessable: provenance == Provenance::Vectors,
        }))
    }
}

impl fmt::Debug for JwkSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwkSet")
            .field("keys", &self.0.keys)
            .field("rejected", &self.0.rejected)
            .finish()
    }
}

fn key(value: Value<'_>, provenance: Provenance) -> Result<Jwk, JwkError> {
    match value {
        Value::Object(object) => Jwk::from_object(object, provenance),
        _ => Err(JwkError::NotJson("not_an_object")),
    }
}

fn told(kid: &str) -> Box<str> {
    clean(kid, MOST_TOLD).into()
}

/// The id of a key that is not taken, as far as one can be read.
fn told_kid(value: Value<'_>) -> Option<Box<str>> {
    let Value::Object(object) = value else {
        return None;
    };
    let mut kid = None;
    let read = object.each(LIMITS, |name, value| {
        if name == "kid" {
            kid = value.text().map(|kid| told(&kid));
        }
        Ok::<_, json::JsonError>(())
    });
    kid.filter(|_| read.is_ok())
}

/// A key of a set that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedKey {
    index: usize,
    kid: Option<Box<str>>,
    error: JwkError,
}

impl RejectedKey {
    const fn new(index: usize, kid: Option<Box<str>>, error: JwkError) -> Self {
        Self { index, kid, error }
    }

    /// Returns its place in the set, counted from 0.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
    }

    /// Returns its id, made harmless for logs and cut to 64 characters.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Returns why it was left out.
    #[must_use]
    pub const fn error(&self) -> &JwkError {
        &self.error
    }
}

#[cfg(test)]
#[path = "set_tests.rs"]
mod tests;
