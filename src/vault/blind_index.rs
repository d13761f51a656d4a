//! What equal values have in common without showing them: blind indexes for look-ups, pseudonyms for logs.

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::error::VaultConfigError;
use super::ring::Keys;
use crate::core::{ConfigError, ConfigErrors, constant_time_eq};

/// What is left of HMAC-SHA-256 at most.
const MOST: usize = 16;

/// How many bits a blind index has (default 64).
///
/// Fewer say less about which values are equal, and find more rows that are not meant: one in 2^bits, to be sorted out after decryption.
/// From 64 on nobody will see one; 16 to 32 blur.
///
/// # Example
///
/// ```
/// use tower_security::vault::IndexBits;
///
/// assert_eq!(IndexBits::new(32)?.get(), 32);
/// assert_eq!(IndexBits::default().get(), 64);
/// assert!(IndexBits::new(20).is_err());
/// # Ok::<(), tower_security::core::ConfigErrors>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IndexBits(u8);

impl IndexBits {
    /// Permitted: 16, 24, 32, 48, 64, 128. Refused: anything else.
    ///
    /// # Errors
    ///
    /// [`VaultConfigError::IndexBits`].
    pub fn new(bits: u16) -> Result<Self, ConfigErrors> {
        match bits {
            16 => Ok(Self(16)),
            24 => Ok(Self(24)),
            32 => Ok(Self(32)),
            48 => Ok(Self(48)),
            64 => Ok(Self(64)),
            128 => Ok(Self(128)),
            bits => {
                let kind = VaultConfigError::IndexBits { bits };
                Err(ConfigError::new("vault.blind_index.bits", kind).into())
            }
        }
    }

    /// Returns how many bits.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl Default for IndexBits {
    fn default() -> Self {
        Self(64)
    }
}

/// What equal values of a purpose have in common, and others do not (but by chance, where it is short). Made by
/// [`Protector::blind_index`](super::Protector::blind_index).
///
/// Compared in constant time, and not printed: who sees many of them counts values.
#[derive(Clone, Copy)]
pub struct BlindIndex {
    key_id: u32,
    digest: [u8; MOST],
    bits: IndexBits,
}

impl BlindIndex {
    pub(super) fn new(key_id: u32, key: &Hmac<Sha256>, value: &[u8], bits: IndexBits) -> Self {
        Self {
            key_id,
            digest: digest(key, value),
            bits,
        }
    }

    /// Returns the bytes, for a column: 2 to 16 of them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        let length = usize::from(self.bits.0 / 8);
        self.digest.get(..length).unwrap_or(&self.digest)
    }

    /// Returns the id of the key that it is made with, for a column beside it.
    #[must_use]
    pub const fn key_id(&self) -> u32 {
        self.key_id
    }
}

impl PartialEq for BlindIndex {
    fn eq(&self, other: &Self) -> bool {
        self.key_id == other.key_id && constant_time_eq(self.as_bytes(), other.as_bytes())
    }
}

impl Eq for BlindIndex {}

impl fmt::Debug for BlindIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlindIndex")
            .field("key_id", &self.key_id)
            .field("bits", &self.bits.0)
            .finish_non_exhaustive()
    }
}

/// Makes pseudonyms: what stands in a log in the place of a name. Cloning shares it. Made by
/// [`KeyRing::pseudonym`](super::KeyRing::pseudonym).
///
/// # Example
///
/// ```
/// use tower_security::vault::KeyRing;
///
/// let ring = KeyRing::builder().active(7, KeyRing::generate_key()?).build()?;
/// let users = ring.pseudonym("users")?;
/// let alice = users.of(b"alice@example.com").to_string();
/// assert!(alice.starts_with("7."));
/// assert_eq!(alice, users.of(b"alice@example.com").to_string());
/// assert_ne!(alice, users.of(b"bob@example.com").to_string());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Pseudonyms(Arc<Inner>);

struct Inner {
    name: Box<str>,
    keys: Keys<Box<Hmac<Sha256>>>,
}

impl Pseudonyms {
    pub(super) fn new(name: &str, keys: Keys<Box<Hmac<Sha256>>>) -> Self {
        let name = name.into();
        Self(Arc::new(Inner { name, keys }))
    }

    /// Returns the pseudonym of a value, made with the active key. Normalize the value before.
    #[must_use]
    pub fn of(&self, value: &[u8]) -> Pseudonym {
        let keys = &self.0.keys;
        Pseudonym::new(keys.active_id, &keys.active, value)
    }

    /// Returns the pseudonym under each key that decrypts, that of the active one first: for a search through what was written before a
    /// rotation.
    #[must_use]
    pub fn all_of(&self, value: &[u8]) -> Vec<Pseudonym> {
        let live = self.0.keys.live();
        live.map(|(id, key)| Pseudonym::new(id, key, value))
            .collect()
    }
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pseudonyms")
            .field("name", &self.0.name)
            .field("keys", &self.0.keys)
            .finish()
    }
}

/// A pseudonym, printed as the id of its key and 128 bits: `7.9f86d081884c7d659a2feaa0c55ad015`. Who does not have the key can neither make
/// nor undo one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pseudonym {
    key_id: u32,
    digest: [u8; MOST],
}

impl Pseudonym {
    fn new(key_id: u32, key: &Hmac<Sha256>, value: &[u8]) -> Self {
        let digest = digest(key, value);
        Self { key_id, digest }
    }
}

impl fmt::Display for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{:032x}",
            self.key_id,
            u128::from_be_bytes(self.digest)
        )
    }
}

/// As `Display`: it is made to be seen.
impl fmt::Debug for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn digest(key: &Hmac<Sha256>, value: &[u8]) -> [u8; MOST] {
    let mut mac = key.clone();
    mac.update(value);
    let whole: [u8; 32] = mac.finalize().into_bytes().into();
    let (digest, _) = whole.split_first_chunk().unwrap_or((&[0; MOST], &[]));
    *digest
}
