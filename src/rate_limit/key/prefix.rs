//! How much of a client's address makes a key.

use std::fmt;

use super::hasher::halves;
use super::{KeyHash, KeyHasher, KeySeed};
use crate::core::{Caller, Mistakes};
use crate::rate_limit::error::RateLimitConfigError;

/// Set in the first word of an address that could not be read up to the client.
const DEGRADED: u64 = 1 << 48;

/// The leading bits by which clients are told apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::rate_limit) struct Prefix {
    v4: u8,
    v6: u8,
    v4_mask: u32,
    v6_mask: u128,
    is_full_v6: bool,
}

impl Prefix {
    /// One IPv4 host, one IPv6 subscriber.
    pub(in crate::rate_limit) const SUBSCRIBER: Self = Self::of(32, 64, false);

    /// These many bits; of IPv6 all, if that was asked for.
    pub(in crate::rate_limit) const fn widths(self, v4: u8, v6: u8) -> Self {
        Self::of(v4, v6, self.is_full_v6)
    }

    /// Each IPv6 address by itself, whatever the width.
    pub(in crate::rate_limit) const fn full_v6(self) -> Self {
        Self::of(self.v4, self.v6, true)
    }

    pub(in crate::rate_limit) const fn is_full_v6(self) -> bool {
        self.is_full_v6
    }

    /// The widths as they were given.
    pub(super) const fn given(self) -> (u8, u8) {
        (self.v4, self.v6)
    }

    #[expect(
        clippy::arithmetic_side_effects,
        reason = "at most the width itself, and a shift by all bits is none"
    )]
    const fn of(v4: u8, v6: u8, is_full_v6: bool) -> Self {
        let short = if v4 > 32 { 32 } else { v4 as u32 };
        let long = if v6 > 128 || is_full_v6 {
            128
        } else {
            v6 as u32
        };
        Self {
            v4,
            v6,
            v4_mask: match u32::MAX.checked_shl(32 - short) {
                Some(mask) => mask,
                None => 0,
            },
            v6_mask: match u128::MAX.checked_shl(128 - long) {
                Some(mask) => mask,
                None => 0,
            },
            is_full_v6,
        }
    }

    /// Records widths by which strangers fall together, or one host has many keys.
    pub(in crate::rate_limit) fn check(&self, path: &str, mistakes: &mut Mistakes) {
        let Self { v4, v6, .. } = *self;
        if !matches!(v4, 8..=32) || !(matches!(v6, 32..=64) || self.is_full_v6) {
            mistakes.push(path, RateLimitConfigError::PrefixWidth { v4, v6 });
        }
    }

    /// Writes the network of a client. `space` sets it apart from other keys in the top byte of the first word.
    #[inline]
    pub(in crate::rate_limit) fn add_to(
        &self,
        client: &Caller,
        space: u64,
        hasher: &mut KeyHasher,
    ) {
        match client.bits() {
            Ok(v4) => hasher.u64(self.v4_word(v4, client, space)),
            Err(v6) => {
                let [high, low] = halves(v6 & self.v6_mask);
                hasher.u64(space | degraded(client) | 6 << 32);
                hasher.u64(high);
                if self.is_full_v6 {
                    hasher.u64(low);
                }
            }
        }
    }

    /// What [`add_to`](Self::add_to) makes of a new hasher, without what longer keys need.
    #[inline]
    pub(super) fn key_of(&self, client: &Caller, space: u64, seed: &KeySeed) -> KeyHash {
        match client.bits() {
            Ok(v4) => seed.key_of(self.v4_word(v4, client, space)),
            Err(_) => {
                let mut hasher = KeyHasher::new(seed);
                self.add_to(client, space, &mut hasher);
                hasher.key()
            }
        }
    }

    #[inline]
    fn v4_word(&self, v4: u32, client: &Caller, space: u64) -> u64 {
        space | degraded(client) | 4 << 32 | u64::from(v4 & self.v4_mask)
    }
}

#[inline]
const fn degraded(client: &Caller) -> u64 {
    if client.is_degraded { DEGRADED } else { 0 }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let v6 = if self.is_full_v6 { 128 } else { self.v6 };
        write!(f, "/{} /{v6}", self.v4)
    }
}
