//! The secret that an authenticator app and the server share, the codes that follow from it, and what a store keeps of both.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::SystemTime;

use totp_rs::{Algorithm, Builder, Totp};
use zeroize::Zeroizing;

use super::error::MfaError;
use crate::core::{Secret, StoreError, StoreErrorKind, random};

/// Seconds for which a code is shown (RFC 6238 section 5.2). Many apps know no other number.
pub(super) const PERIOD: u64 = 30;

const VERSION: u8 = 1;
/// The same, with what a key of the server made of the secret in its place.
pub(super) const SEALED: u8 = 2;
/// Version, hash, digits and id.
pub(super) const HEAD: usize = 19;
/// RFC 4226 section 4, R6.
const LEAST_KEY: usize = 16;
/// The block of SHA-512: HMAC would hash a longer key first, and apps might not.
const MOST_KEY: usize = 128;
/// A key, and 45 bytes of nonce, tag and the rest.
pub(super) const SEALED_LENGTHS: RangeInclusive<usize> = LEAST_KEY + 45..=MOST_KEY + 45;

/// What an app types for somebody: blanks and hyphens may stand between the digits.
const MOST_TYPED: usize = 64;

/// The hash of one-time codes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TotpAlgorithm {
    /// HMAC-SHA-1 (default): the one that every app computes. That collisions of SHA-1 can be made is no help in finding a code (RFC 4226
    /// appendix B.2).
    #[default]
    Sha1,
    /// HMAC-SHA-256. Many apps ignore that it is asked for and show wrong codes.
    Sha256,
    /// HMAC-SHA-512. As SHA-256.
    Sha512,
}

impl TotpAlgorithm {
    const fn backend(self) -> Algorithm {
        match self {
            Self::Sha1 => Algorithm::SHA1,
            Self::Sha256 => Algorithm::SHA256,
            Self::Sha512 => Algorithm::SHA512,
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::Sha1 => 1,
            Self::Sha256 => 2,
            Self::Sha512 => 3,
        }
    }

    const fn of_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Sha1),
            2 => Some(Self::Sha256),
            3 => Some(Self::Sha512),
            // Of a later version of this crate, or damaged.
            _ => None,
        }
    }
}

/// One enrolment of an app: 16 random bytes that are no secret. A store changes what belongs to this one, and not what has taken its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EnrolmentId([u8; 16]);

impl EnrolmentId {
    /// Takes the bytes of an id, for stores.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes of the id.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// A secret shared with an app, and how codes are made of it. A clone costs one reference count; the secret is wiped with the last.
///
/// To a store it may come sealed (feature `vault`): then it is of use only to a service that has the key. Stores treat both alike.
///
/// It keeps the hash and the number of digits that it was made with: another setting of the service is for enrolments to come.
///
/// # Example
///
/// ```
/// use tower_security::core::Secret;
/// use tower_security::mfa::{EnrolmentId, TotpAlgorithm, TotpSecret};
///
/// let id = EnrolmentId::from_bytes([7; 16]);
/// let key = Secret::from(b"12345678901234567890");
/// let secret = TotpSecret::new(id, &key, TotpAlgorithm::Sha1, 6)?;
/// assert_eq!(TotpSecret::from_bytes(secret.to_bytes().expose())?.id(), id);
///
/// assert!(TotpSecret::new(id, &Secret::from(b"too short"), TotpAlgorithm::Sha1, 6).is_err());
/// # Ok::<(), tower_security::core::StoreError>(())
/// ```
#[derive(Clone)]
pub struct TotpSecret(Arc<Inner>);

struct Inner {
    id: EnrolmentId,
    algorithm: TotpAlgorithm,
    digits: u8,
    key: Key,
}

pub(super) enum Key {
    Plain(Totp),
    Sealed(Box<[u8]>),
}

impl TotpSecret {
    /// Makes a secret of its parts, for a store that keeps them one by one or moves them over from another system.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Corrupt`] unless the key has 16 to 128 bytes (RFC 4226 section 4) and there are 6 or 8 digits.
    pub fn new(
        id: EnrolmentId,
        key: &Secret<Vec<u8>>,
        algorithm: TotpAlgorithm,
        digits: u8,
    ) -> Result<Self, StoreError> {
        Self::of(id, key.expose(), algorithm, digits)
            .ok_or_else(|| corrupt("a secret of 16 to 128 bytes with 6 or 8 digits"))
    }

    fn of(id: EnrolmentId, key: &[u8], algorithm: TotpAlgorithm, digits: u8) -> Option<Self> {
        if !(LEAST_KEY..=MOST_KEY).contains(&key.len()) || !is_digits(digits) {
            return None;
        }
        let totp = Builder::new()
            .with_algorithm(algorithm.backend())
            .with_digits(digits)
            .with_skew(0)
            .with_step_duration(PERIOD)
            .with_secret(key)
            .build();
        Some(Self(Arc::new(Inner {
            id,
            algorithm,
            digits,
            key: Key::Plain(totp.ok()?),
        })))
    }

    /// A new one, as long as the hash (RFC 6238 section 5.1).
    pub(super) fn draw(algorithm: TotpAlgorithm, digits: u8) -> Option<Self> {
        let id = EnrolmentId(random::bytes()?);
        match algorithm {
            TotpAlgorithm::Sha1 => Self::of_drawn::<20>(id, algorithm, digits),
            TotpAlgorithm::Sha256 => Self::of_drawn::<32>(id, algorithm, digits),
            TotpAlgorithm::Sha512 => Self::of_drawn::<64>(id, algorithm, digits),
        }
    }

    fn of_drawn<const N: usize>(
        id: EnrolmentId,
        algorithm: TotpAlgorithm,
        digits: u8,
    ) -> Option<Self> {
        let key = Zeroizing::new(random::bytes::<N>()?);
        Self::of(id, &*key, algorithm, digits)
    }

    /// What is looked at where a user has none: no code of it counts.
    pub(super) fn dummy(algorithm: TotpAlgorithm, digits: u8) -> Option<Self> {
        Self::of(EnrolmentId([0; 16]), &[0; 20], algorithm, digits)
    }

    /// Returns which enrolment it belongs to.
    #[must_use]
    pub fn id(&self) -> EnrolmentId {
        self.0.id
    }

    /// Returns the secret itself, `None` if it is sealed. Whoever has it makes codes.
    #[must_use]
    pub fn key(&self) -> Option<Secret<Vec<u8>>> {
        self.plain().map(Secret::from)
    }

    /// Whether it is of use only to who has the key that it is sealed with.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        matches!(self.0.key, Key::Sealed(_))
    }

    pub(super) fn plain(&self) -> Option<&[u8]> {
        match &self.0.key {
            Key::Plain(totp) => Some(totp.secret().as_bytes()),
            Key::Sealed(_) => None,
        }
    }

    #[cfg(feature = "vault")]
    pub(super) fn form(&self) -> &Key {
        &self.0.key
    }

    /// Returns the hash of its codes.
    #[must_use]
    pub fn algorithm(&self) -> TotpAlgorithm {
        self.0.algorithm
    }

    /// Returns how many digits its codes have.
    #[must_use]
    pub fn digits(&self) -> u8 {
        self.0.digits
    }

    /// Returns it as bytes, for stores. Unless it [is sealed](Self::is_sealed), they hold the secret. A version in front says how they are
    /// read; the 16 bytes from the fourth on are the id.
    #[must_use]
    pub fn to_bytes(&self) -> Secret<Vec<u8>> {
        let (version, key) = match &self.0.key {
            Key::Plain(totp) => (VERSION, totp.secret().as_bytes()),
            Key::Sealed(bytes) => (SEALED, &**bytes),
        };
        let mut bytes = Vec::with_capacity(HEAD.saturating_add(key.len()));
        bytes.extend_from_slice(&self.head(version));
        bytes.extend_from_slice(key);
        Secret::new(bytes)
    }

    /// What stands before the secret.
    pub(super) fn head(&self, version: u8) -> [u8; HEAD] {
        let mut head = [0; HEAD];
        let id = self.0.id.as_bytes().iter();
        let bytes = [version, self.0.algorithm.number(), self.digits()];
        for (to, byte) in head.iter_mut().zip(bytes.iter().chain(id)) {
            *to = *byte;
        }
        head
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Corrupt`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StoreError> {
        Self::read(bytes).ok_or_else(|| corrupt("a secret of one-time codes"))
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let ([version, algorithm, digits], rest) = bytes.split_first_chunk::<3>()?;
        let (id, key) = rest.split_first_chunk::<16>()?;
        let (id, algorithm) = (EnrolmentId(*id), TotpAlgorithm::of_number(*algorithm)?);
        match *version {
            VERSION => Self::of(id, key, algorithm, *digits),
            SEALED if is_digits(*digits) && SEALED_LENGTHS.contains(&key.len()) => {
                let key = Key::Sealed(key.into());
                let digits = *digits;
                Some(Self(Arc::new(Inner {
                    id,
                    algorithm,
                    digits,
                    key,
                })))
            }
            // Of a later version of this crate, or damaged.
            _ => None,
        }
    }

    /// The same secret under a key of the server.
    #[cfg(feature = "vault")]
    pub(super) fn with_sealed(&self, sealed: Vec<u8>) -> Self {
        Self(Arc::new(Inner {
            id: self.0.id,
            algorithm: self.0.algorithm,
            digits: self.0.digits,
            key: Key::Sealed(sealed.into()),
        }))
    }

    /// The same secret as it was.
    #[cfg(feature = "vault")]
    pub(super) fn with_plain(&self, key: &[u8]) -> Option<Self> {
        Self::of(self.0.id, key, self.0.algorithm, self.0.digits)
    }

    /// Which of the steps `now - window ..= now + window` a code belongs to. All are computed, so that the time does not tell which it was.
    pub(super) fn find(&self, code: &Code, now: u64, window: u64, last_step: Option<u64>) -> Found {
        let mut found = Found::Nothing;
        let steps = now.saturating_sub(window)..=now.saturating_add(window);
        for step in steps {
            let is_right = code.is_of(self, step);
            let is_new = last_step.is_none_or(|last| last < step);
            found = match (is_right, is_new) {
                (true, true) => Found::New(step),
                (true, false) if found == Found::Nothing => Found::Used,
                (true, false) | (false, _) => found,
            };
        }
        found
    }

    /// What an app reads from a picture. The secret in it is base32 without padding, as apps expect it.
    pub(super) fn uri(&self, issuer: &str, account: &str) -> Secret<String> {
        let capacity = issuer.len().saturating_mul(6);
        let capacity = capacity.saturating_add(account.len().saturating_mul(3));
        // As large as it gets: a text that grew would leave copies of the secret behind.
        let mut uri = String::with_capacity(capacity.saturating_add(320));
        uri.push_str("otpauth://totp/");
        escape(issuer, &mut uri);
        uri.push(':');
        escape(account, &mut uri);
        uri.push_str("?secret=");
        base32(self.plain().unwrap_or_default(), &mut uri);
        uri.push_str("&issuer=");
        escape(issuer, &mut uri);
        uri.push_str(match self.algorithm() {
            TotpAlgorithm::Sha1 => "&algorithm=SHA1",
            TotpAlgorithm::Sha256 => "&algorithm=SHA256",
            TotpAlgorithm::Sha512 => "&algorithm=SHA512",
        });
        uri.push_str(if self.digits() == 8 {
            "&digits=8&period=30"
        } else {
            "&digits=6&period=30"
        });
        Secret::new(uri)
    }

    /// The same secret for people without a camera.
    pub(super) fn text(&self) -> Secret<String> {
        let key = self.plain().unwrap_or_default();
        let mut text = String::with_capacity(key.len().saturating_mul(2));
        base32(key, &mut text);
        Secret::new(text)
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TotpSecret")
            .field("id", &self.0.id)
            .field("algorithm", &self.0.algorithm)
            .field("digits", &self.digits())
            .field("is_sealed", &self.is_sealed())
            .finish_non_exhaustive()
    }
}

/// What a [`TotpStore`](super::TotpStore) keeps of a user: the secret that counts, and one that waits to be confirmed.
#[derive(Clone, Debug, Default)]
pub struct TotpRecord {
    confirmed: Option<(TotpSecret, u64)>,
    pending: Option<TotpSecret>,
}

impl TotpRecord {
    /// Makes a record: the confirmed secret with the last step that a code was accepted for, and the secret of an enrolment that has not
    /// been confirmed yet.
    #[must_use]
    pub const fn new(confirmed: Option<(TotpSecret, u64)>, pending: Option<TotpSecret>) -> Self {
        Self { confirmed, pending }
    }

    /// Returns the secret that codes are checked with, and the step of the last code that was accepted: none up to it is accepted again.
    #[must_use]
    pub fn confirmed(&self) -> Option<(&TotpSecret, u64)> {
        let (secret, last_step) = self.confirmed.as_ref()?;
        Some((secret, *last_step))
    }

    /// Returns the secret that was shown and not confirmed yet.
    #[must_use]
    pub const fn pending(&self) -> Option<&TotpSecret> {
        self.pending.as_ref()
    }
}

/// What a code is found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It belongs to this step, the latest if to several.
    New(u64),
    Nothing,
    /// It is right, and was used before, or one after it was.
    Used,
}

/// The digits that somebody typed.
pub(super) struct Code {
    digits: Zeroizing<[u8; 8]>,
    len: usize,
}

impl Code {
    /// `None` for what is no code of any kind.
    pub(super) fn parse(typed: &str) -> Option<Self> {
        if typed.len() > MOST_TYPED {
            return None;
        }
        let mut code = Self {
            digits: Zeroizing::default(),
            len: 0,
        };
        for byte in typed.bytes() {
            if byte.is_ascii_whitespace() || byte == b'-' {
                continue;
            }
            if !byte.is_ascii_digit() {
                return None;
            }
            *code.digits.get_mut(code.len)? = byte;
            code.len = code.len.saturating_add(1);
        }
        Some(code)
    }

    fn is_of(&self, secret: &TotpSecret, step: u64) -> bool {
        let digits = self.digits.get(..self.len);
        let Some(text) = digits.and_then(|digits| std::str::from_utf8(digits).ok()) else {
            return false;
        };
        let Key::Plain(totp) = &secret.0.key else {
            return false;
        };
        // The backend compares in constant time, and refuses another number of digits.
        totp.check(text, step.saturating_mul(PERIOD)).is_some()
    }
}

/// Which step the clock stands in.
pub(super) fn step(now: SystemTime) -> Result<u64, MfaError> {
    let since = now.duration_since(SystemTime::UNIX_EPOCH);
    let since = since.map_err(|_| MfaError::Clock)?;
    Ok(since.as_secs() / PERIOD)
}

/// RFC 4226 section 5.3 permits 6 to 8; apps show 6 or 8.
pub(super) const fn is_digits(digits: u8) -> bool {
    matches!(digits, 6 | 8)
}

fn corrupt(expected: &str) -> StoreError {
    StoreError::new(
        StoreErrorKind::Corrupt,
        format!("expected {expected}, found something else"),
    )
}

/// RFC 4648 section 6, without padding.
fn base32(bytes: &[u8], text: &mut String) {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    for chunk in bytes.chunks(5) {
        let byte = |at: usize| u64::from(chunk.get(at).copied().unwrap_or_default());
        let group = (0..5).fold(0, |group, at| group << 8 | byte(at));
        let digits = chunk.len().saturating_mul(8).div_ceil(5);
        let shifts = [35, 30, 25, 20, 15, 10, 5, 0].into_iter().take(digits);
        text.extend(shifts.map(|shift| {
            let digit = usize::try_from(group >> shift & 31).unwrap_or_default();
            ALPHABET.get(digit).map_or('A', |digit| char::from(*digit))
        }));
    }
}

/// All but the unreserved characters of RFC 3986 section 2.3: some apps read `+` as a blank.
fn escape(text: &str, to: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |half: u8| {
        DIGITS
            .get(usize::from(half))
            .map_or('0', |digit| char::from(*digit))
    };
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            to.push(char::from(byte));
        } else {
            to.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

#[cfg(test)]
#[path = "secret_tests.rs"]
mod tests;
