//! Tokens that were verified a moment ago.

use std::fmt;

use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use super::claims::{Binding, Times, system_time};
use super::revocation::TokenRef;
use crate::core::Principal;

/// Seconds for which a token is remembered at most: so long a key may be taken back by means that no generation tells of.
const TTL: u64 = 60;

/// Remembers verified tokens, so that their signature is not verified again. Off unless given to
/// [`JwtVerifierBuilder::token_cache`](super::JwtVerifierBuilder::token_cache).
///
/// A token is known by the SHA-256 of all of it, for 60 seconds at most. Each time it is looked at again whether it is still in
/// time, whether the keys are still the same, whether it was revoked, and whether the proof of its possession is right. What was
/// refused is not remembered.
///
/// With it a token costs about a hundredth of an ES256 signature. Secrets (`HS256`) are as cheap without it, and refused with it.
///
/// # Example
///
/// ```
/// use tower_security::token::TokenCache;
///
/// let cache = TokenCache::default().entries(50_000);
/// # let _ = cache;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a cache does nothing until it is given to a verifier"]
pub struct TokenCache {
    entries: usize,
}

impl Default for TokenCache {
    /// 10,000 tokens.
    fn default() -> Self {
        Self { entries: 10_000 }
    }
}

impl TokenCache {
    /// The most tokens that may be remembered.
    pub(super) const MOST: usize = 1_000_000;

    /// Sets how many tokens are remembered, 1 to 1,000,000. Default: 10,000, each of about one kilobyte.
    pub const fn entries(mut self, entries: usize) -> Self {
        self.entries = entries;
        self
    }

    pub(super) const fn count(self) -> usize {
        self.entries
    }
}

/// What a token is known by.
pub(super) type TokenDigest = [u8; 32];

pub(super) fn digest(token: &[u8]) -> TokenDigest {
    Sha256::digest(token).into()
}

/// A verified token.
#[derive(Clone)]
pub(super) struct Verified {
    pub(super) principal: Principal,
    pub(super) times: Times,
    pub(super) binding: Option<Binding>,
}

impl Verified {
    pub(super) fn token_ref(&self) -> TokenRef<'_> {
        TokenRef {
            issuer: self.principal.issuer(),
            token_id: self.principal.token_id(),
            subject: self.principal.subject(),
            session_id: self.principal.session_id(),
            issued_at: self.times.iat.and_then(system_time),
        }
    }
}

#[derive(Clone)]
struct Entry {
    verified: Verified,
    since: u64,
    generation: u64,
}

pub(super) struct VerifiedCache(Cache<TokenDigest, Entry>);

impl VerifiedCache {
    pub(super) fn new(config: TokenCache) -> Self {
        Self(Cache::new(config.entries))
    }

    /// A token that was verified with keys of this generation not long ago. `now` has not to be within its times.
    pub(super) fn get(&self, token: &TokenDigest, generation: u64, now: u64) -> Option<Verified> {
        let entry = self.0.get(token)?;
        // A clock that went back makes no entry last longer.
        let age = now.checked_sub(entry.since)?;
        (entry.generation == generation && age < TTL).then_some(entry.verified)
    }

    pub(super) fn contains(&self, token: &TokenDigest) -> bool {
        self.0.contains_key(token)
    }

    pub(super) fn insert(&self, token: TokenDigest, generation: u64, now: u64, verified: Verified) {
        let entry = Entry {
            verified,
            since: now,
            generation,
        };
        self.0.insert(token, entry);
    }

    pub(super) fn clear(&self) {
        self.0.clear();
    }
}

impl fmt::Debug for VerifiedCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedCache")
            .field("tokens", &self.0.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verified(subject: &str) -> Verified {
        Verified {
            principal: Principal::builder(subject).build(),
            times: Times {
                exp: 2_000,
                nbf: None,
                iat: None,
            },
            binding: None,
        }
    }

    #[test]
    fn an_entry_lasts_a_minute_and_one_generation() {
        let cache = VerifiedCache::new(TokenCache::default());
        let (a, b) = (digest(b"a"), digest(b"b"));
        cache.insert(a, 3, 1_000, verified("alice"));
        let subject = |token, generation, now| {
            let found = cache.get(token, generation, now);
            found.map(|found| found.principal.subject().to_owned())
        };
        for now in [1_000, 1_059] {
            assert_eq!(subject(&a, 3, now).as_deref(), Some("alice"), "{now}");
        }
        for (token, generation, now) in
            [(&a, 3, 999), (&a, 3, 1_060), (&a, 4, 1_000), (&b, 3, 1_000)]
        {
            assert_eq!(subject(token, generation, now), None, "{generation} {now}");
        }
        cache.clear();
        assert_eq!(subject(&a, 3, 1_000), None);
    }

    #[test]
    fn a_cache_does_not_grow_past_its_size() {
        let cache = VerifiedCache::new(TokenCache::default().entries(100));
        for number in 0_u32..10_000 {
            cache.insert(digest(&number.to_be_bytes()), 0, 0, verified("alice"));
        }
        assert!(cache.0.len() <= 128, "{}", cache.0.len());
    }
}
