//! How much of a client's address makes a key.

use std::fmt;
use std::net::IpAddr;

use super::KeyHasher;
use super::hasher::halves;
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
        let degraded = if client.is_degraded { DEGRADED } else { 0 };
        let first = space | degraded;
        match client.ip {
            IpAddr::V4(v4) => {
                let network = v4.to_bits() & self.v4_mask;
                hasher.u64(first | 4 << 32 | u64::from(network));
            }
            IpAddr::V6(v6) => {
                let [high, low] = halves(v6.to_bits() & self.v6_mask);
                hasher.u64(first | 6 << 32);
                hasher.u64(high);
                if self.is_full_v6 {
                    hasher.u64(low);
                }
            }
        }
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let v6 = if self.is_full_v6 { 128 } else { self.v6 };
        write!(f, "/{} /{v6}", self.v4)
    }
}
