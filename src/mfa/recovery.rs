//! `RecoveryCodes`: for whoever has lost his app.

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use http::Extensions;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::attempts::{Desk, Gate};
use super::config::RecoveryCodesBuilder;
use super::error::MfaError;
use super::store::RecoveryStore;
use super::totp::Verified;
use crate::core::{EventContext, Level, PepperRing, Secret, random};

/// Crockford's base32: no letter is taken for a digit, and none of them makes a word that nobody wants to read out.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters between two hyphens.
const GROUP: usize = 4;
/// 80 bits.
const SHORTEST: usize = 16;
/// 160 bits.
const LONGEST: usize = 32;
/// What somebody types: with a blank or hyphen between any two characters, and some more.
const MOST_TYPED: usize = 128;
/// Keeps these digests apart from whatever else is made with a pepper.
const PURPOSE: &[u8] = b"tower-security recovery code 1\0";

/// The digest of a recovery code: HMAC-SHA-256 with a pepper, over the user and the code. Compared in constant time.
#[derive(Clone, PartialEq, Eq)]
pub struct CodeDigest(Secret<[u8; 32]>);

impl CodeDigest {
    /// Takes a digest as [`as_bytes`](Self::as_bytes) gave it, for a store.
    #[must_use]
    pub const fn from_bytes(digest: [u8; 32]) -> Self {
        Self(Secret::new(digest))
    }

    /// Returns the digest, for a store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.expose()
    }
}

impl fmt::Debug for CodeDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeDigest(..)")
    }
}

/// The peppers, keyed already: the current one first.
pub(super) struct Peppers(Box<[Hmac<Sha256>]>);

impl Peppers {
    pub(super) fn new(ring: &PepperRing) -> Self {
        // HMAC takes a key of any length: none is left out, and the current one stays the first.
        let keyed = ring
            .all()
            .filter_map(|pepper| Hmac::new_from_slice(pepper.key()).ok());
        Self(keyed.collect())
    }

    /// What the code of a user is called in the store, under each pepper.
    fn digests<'a>(&'a self, user: &'a str, code: &'a Text) -> impl Iterator<Item = CodeDigest> {
        self.0.iter().map(move |keyed| {
            let mut mac = keyed.clone();
            mac.update(PURPOSE);
            mac.update(&u64::try_from(user.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(user.as_bytes());
            mac.update(code.characters());
            CodeDigest::from_bytes(mac.finalize().into_bytes().into())
        })
    }
}

/// The characters of a code, without hyphens.
pub(super) struct Text {
    characters: Zeroizing<[u8; LONGEST]>,
    len: usize,
}

impl Text {
    fn draw(len: usize) -> Option<Self> {
        let mut characters = Zeroizing::new(random::bytes::<LONGEST>()?);
        for character in characters.iter_mut() {
            // Five bits of each byte: every character is as likely as any other.
            *character = *ALPHABET.get(usize::from(*character & 31))?;
        }
        Some(Self { characters, len })
    }

    /// Reads what somebody typed: in any case, O for 0, I and L for 1, hyphens and blanks anywhere. `None` for what is no code.
    fn parse(typed: &str) -> Option<Self> {
        if typed.len() > MOST_TYPED {
            return None;
        }
        let mut text = Self {
            characters: Zeroizing::default(),
            len: 0,
        };
        for byte in typed.bytes() {
            let character = match byte.to_ascii_uppercase() {
                b'-' => continue,
                blank if blank.is_ascii_whitespace() => continue,
                b'O' => b'0',
                b'I' | b'L' => b'1',
                character => character,
            };
            if !ALPHABET.contains(&character) {
                return None;
            }
            *text.characters.get_mut(text.len)? = character;
            text.len = text.len.saturating_add(1);
        }
        (text.len >= SHORTEST && text.len.is_multiple_of(GROUP)).then_some(text)
    }

    fn characters(&self) -> &[u8] {
        self.characters.get(..self.len).unwrap_or_default()
    }

    /// `ABCD-EFGH-JKMN-PQRS`.
    fn shown(&self) -> Secret<String> {
        let mut shown = String::with_capacity(LONGEST.saturating_mul(2));
        for group in self.characters().chunks(GROUP) {
            if !shown.is_empty() {
                shown.push('-');
            }
            shown.extend(group.iter().copied().map(char::from));
        }
        Secret::new(shown)
    }
}

/// Codes for whoever has lost his app: random, each good once. Cloning shares it. See [`mod@crate::mfa`].
#[derive(Clone)]
pub struct RecoveryCodes {
    inner: Arc<Inner>,
    /// The request that handlers act for.
    request: EventContext,
}

struct Inner {
    store: Arc<dyn RecoveryStore>,
    gate: Gate,
    peppers: Peppers,
    count: usize,
    /// Characters of a new code.
    length: usize,
}

/// A recovery code was right. It is of no use any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redeemed {
    verified: Verified,
    remaining: u32,
}

impl Redeemed {
    /// Returns what the session is stepped up with.
    #[must_use]
    pub const fn verified(&self) -> Verified {
        self.verified
    }

    /// Returns how many codes the user has left. Show it, and ask him to make new ones and to enrol an app before it is 0.
    #[must_use]
    pub const fn remaining(&self) -> u32 {
        self.remaining
    }
}

impl RecoveryCodes {
    /// Starts from the defaults, with the digests of codes in `store` and the keys that they are made with.
    pub fn builder(store: impl RecoveryStore, peppers: PepperRing) -> RecoveryCodesBuilder {
        RecoveryCodesBuilder::new(store, peppers)
    }

    pub(super) fn new(
        store: Arc<dyn RecoveryStore>,
        gate: Gate,
        peppers: Peppers,
        count: usize,
        length: usize,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                store,
                gate,
                peppers,
                count,
                length,
            }),
            request: EventContext::default(),
        }
    }

    /// Returns the same service for a handler of the request with these extensions: events of what it does go to the sink of the
    /// [`SecurityStack`](crate::SecurityStack) that the request came through, with the request's id and the client's address. A sink
    /// of its own, if it [was given one](RecoveryCodesBuilder::events), hears of them instead.
    #[must_use]
    pub fn for_request(&self, extensions: &Extensions) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            request: EventContext::of(extensions),
        }
    }

    fn desk<'a>(&'a self, user: &'a str) -> Desk<'a> {
        Desk {
            gate: &self.inner.gate,
            request: &self.request,
            user,
        }
    }

    /// Makes new codes for a user, to be shown to him once. Those of before are of no use any more.
    ///
    /// Ask for a second factor before, unless he has none yet.
    ///
    /// # Errors
    ///
    /// The user is empty, the store fails, or there is no randomness.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the codes of before may be gone, and nobody has the new ones.
    pub async fn generate(&self, user: &str) -> Result<Vec<Secret<String>>, MfaError> {
        let inner = &*self.inner;
        let desk = self.desk(user);
        if user.is_empty() {
            return Err(MfaError::UserEmpty);
        }
        let drawn = (0..inner.count).map(|_| Text::draw(inner.length));
        let drawn: Option<Vec<Text>> = drawn.collect();
        let drawn = drawn.ok_or_else(|| desk.fault(MfaError::Randomness))?;
        let current = |code| inner.peppers.digests(user, code).next();
        let digests: Vec<CodeDigest> = drawn.iter().filter_map(current).collect();
        let kept = inner.store.replace_all(user, &digests).wait().await;
        desk.told(kept)?;
        desk.changed("recovery_codes_generated");
        Ok(drawn.iter().map(Text::shown).collect())
    }

    /// Accepts a code of the user, once.
    ///
    /// The attempt is charged before anything is looked at. Lower case, O for 0, I and L for 1, and hyphens or blanks anywhere are as good.
    /// Tell the user by another way that a code of his was used.
    ///
    /// # Errors
    ///
    /// [`MfaError::Throttled`]: too many attempts. [`MfaError::Invalid`]: the code is wrong, was used, or was made under a pepper that is
    /// not in the ring any more. The user is empty, the clock stands before 1970, the store fails.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the attempt stays charged, and the code may be used up.
    pub async fn redeem(&self, user: &str, code: &str) -> Result<Redeemed, MfaError> {
        let inner = &*self.inner;
        let desk = self.desk(user);
        let (now, earlier) = desk.begin(&*inner.store).await?;
        let Some(code) = Text::parse(code) else {
            return Err(desk.fail(MfaError::Invalid));
        };
        let digests: Vec<CodeDigest> = inner.peppers.digests(user, &code).collect();
        let taken = inner.store.take(user, &digests).wait().await;
        let Some(remaining) = desk.told(taken)? else {
            return Err(desk.fail(MfaError::Invalid));
        };
        let told = ("recovery_code_used", Level::Warn);
        desk.succeed(&*inner.store, earlier, told).await;
        Ok(Redeemed {
            // A code from a drawer is no proof of a device: `otp` would say that it is.
            verified: Verified::new(now, &["mfa"]),
            remaining,
        })
    }

    /// Returns how many codes a user has.
    ///
    /// # Errors
    ///
    /// The store fails.
    pub async fn remaining(&self, user: &str) -> Result<u32, MfaError> {
        let remaining = self.inner.store.remaining(user).wait().await;
        self.desk(user).told(remaining)
    }

    /// Removes the codes of a user.
    ///
    /// # Errors
    ///
    /// The store fails.
    pub async fn revoke(&self, user: &str) -> Result<(), MfaError> {
        let inner = &*self.inner;
        let desk = self.desk(user);
        let removed = inner.store.replace_all(user, &[]).wait().await;
        desk.told(removed)?;
        desk.changed("recovery_codes_revoked");
        Ok(())
    }
}

impl fmt::Debug for RecoveryCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecoveryCodes")
            .field("count", &self.inner.count)
            .field("attempts", &self.inner.gate.limit)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "recovery_tests.rs"]
mod tests;
