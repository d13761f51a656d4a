//! What can be wrong with a key ring, and with what is protected or opened.

use std::fmt;

use crate::core::{ConfigErrorKind, ErrorClass};

/// A mistake in the keys of a [`KeyRing`](super::KeyRing), or in the name of a purpose. None of them shows a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VaultConfigError {
    /// Nothing could be encrypted, or it is unclear with what.
    #[error("refused keys: {count} of them are active, write `.active(..)` exactly once")]
    ActiveKey {
        /// How many are active.
        count: usize,
    },
    /// The text of a key cannot be read.
    #[error(
        "invalid key {id}: its text is not base64, write what `KeyRing::key_text` gives for `KeyRing::generate_key`"
    )]
    Base64 {
        /// The id of the key.
        id: u32,
    },
    /// One id stands for two keys.
    #[error(
        "refused key {id}: its id is there twice, give each key one of its own and never use an id again, not after it was revoked \
         either"
    )]
    DuplicateKeyId {
        /// The id.
        id: u32,
    },
    /// An index of that size is not made.
    #[error("refused blind index of {bits} bits: write 16, 24, 32, 48, 64 or 128")]
    IndexBits {
        /// How many bits as given.
        bits: u16,
    },
    /// A key of another length.
    #[error(
        "invalid key {id} of {length} bytes: write 32 random bytes, or their base64 as a `Secret<String>`"
    )]
    KeyLength {
        /// The id of the key.
        id: u32,
        /// How long it is.
        length: usize,
    },
    /// The name of a purpose.
    #[error("invalid purpose: {problem}")]
    Purpose {
        /// What is wrong, and what to write instead.
        problem: PurposeProblem,
    },
    /// A rotation that changes the name of a key alone.
    #[error("refused keys {a} and {b}: they have the same bytes, generate a new key")]
    SameKey {
        /// The id that comes first.
        a: u32,
        /// The other.
        b: u32,
    },
    /// A pass phrase.
    #[error(
        "refused key {id}: its bytes look like text, write 32 random bytes, such as `KeyRing::generate_key` makes"
    )]
    TextKey {
        /// The id of the key.
        id: u32,
    },
    /// Rotations that were never finished.
    #[error("refused {count} keys: write 64 at most, and finish a rotation before the next one")]
    TooManyKeys {
        /// How many there are, those that are revoked not counted.
        count: usize,
    },
    /// A key that not all nodes know yet.
    #[error(
        "refused to rotate to key {id}: it is no next key, write `.next({id}, ..)` first, deploy, then rotate"
    )]
    UnknownNext {
        /// The id as given.
        id: u32,
    },
    /// A key that can be guessed.
    #[error(
        "refused key {id}: its bytes are not random, write what `KeyRing::generate_key` makes (random keys have about 30 distinct bytes)"
    )]
    WeakKey {
        /// The id of the key.
        id: u32,
    },
}

/// What is wrong with the name of a purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PurposeProblem {
    /// It has no part.
    #[error("it has no part, write such as `&[\"table\", \"column\"]`")]
    Empty,
    /// A part has no text.
    #[error("part {at} is empty, write such as `&[\"table\", \"column\"]`")]
    EmptyPart {
        /// Which, from 0.
        at: usize,
    },
    /// A part is too long.
    #[error("part {at} has {length} bytes, write 255 at most")]
    PartTooLong {
        /// Which, from 0.
        at: usize,
        /// How long it is.
        length: usize,
    },
    /// It has too many parts.
    #[error("it has {count} parts, write 8 at most")]
    TooManyParts {
        /// How many there are.
        count: usize,
    },
}

impl ConfigErrorKind for VaultConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Base64 { .. } | Self::KeyLength { .. } | Self::Purpose { .. } => {
                ErrorClass::Invalid
            }
            Self::ActiveKey { .. }
            | Self::DuplicateKeyId { .. }
            | Self::IndexBits { .. }
            | Self::SameKey { .. }
            | Self::TextKey { .. }
            | Self::TooManyKeys { .. }
            | Self::UnknownNext { .. }
            | Self::WeakKey { .. } => ErrorClass::Refused,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::ActiveKey { .. } => "active_key",
            Self::Base64 { .. } => "base64",
            Self::DuplicateKeyId { .. } => "duplicate_key_id",
            Self::IndexBits { .. } => "index_bits",
            Self::KeyLength { .. } => "key_length",
            Self::Purpose { .. } => "purpose",
            Self::SameKey { .. } => "same_key",
            Self::TextKey { .. } => "text_key",
            Self::TooManyKeys { .. } => "too_many_keys",
            Self::UnknownNext { .. } => "unknown_next",
            Self::WeakKey { .. } => "weak_key",
        }
    }
}

/// Why something was not protected or not opened. It holds neither plaintext nor ciphertext.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The operating system gives no randomness. Nothing was encrypted.
    #[error("no randomness to encrypt with")]
    Entropy,
    /// The bytes are not what was protected for this purpose and context: damaged, moved from elsewhere, of a key that is unknown or
    /// revoked, or of no key at all. The event says which; who brought the bytes does not learn it.
    #[error("the protected value was rejected")]
    Rejected,
    /// The plaintext is longer than 16 MiB.
    #[error("a value to protect has 16 MiB at most")]
    TooLarge,
}

/// Why a key was not wrapped or unwrapped. See [`KeyWrap`](super::KeyWrap).
#[derive(Clone, PartialEq, Eq)]
pub struct KeyWrapError {
    kind: KeyWrapErrorKind,
    text: Box<str>,
}

/// What kind of error it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyWrapErrorKind {
    /// The operating system gives no randomness for a new key.
    Entropy,
    /// The service answered that it will not: the wrapped bytes are not of its key, or access is denied. Trying again does not help.
    Refused,
    /// The service cannot be reached, or is too slow.
    Unavailable,
}

impl KeyWrapError {
    /// Makes an error. The text is for operators; no key belongs into it.
    pub fn new(kind: KeyWrapErrorKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into().into(),
        }
    }

    /// Returns what kind of error it is.
    #[must_use]
    pub const fn kind(&self) -> KeyWrapErrorKind {
        self.kind
    }
}

impl fmt::Display for KeyWrapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            KeyWrapErrorKind::Entropy => "no randomness",
            KeyWrapErrorKind::Refused => "refused",
            KeyWrapErrorKind::Unavailable => "unavailable",
        };
        write!(f, "key wrapping {kind}: {}", self.text)
    }
}

impl fmt::Debug for KeyWrapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for KeyWrapError {}
