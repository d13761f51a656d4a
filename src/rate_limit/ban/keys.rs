//! Under which key somebody is counted and banned.

use std::net::IpAddr;

use crate::core::ClientIp;
use crate::rate_limit::key::{KeyHash, KeyHasher, KeySeed};

/// What tells keys of different kinds apart.
const MISSING: u64 = 0;
const OTHER: u64 = 1 << 40;
const V4: u64 = 4 << 40;
const V6: u64 = 6 << 40;
const DEGRADED: u64 = 1 << 32;

/// How many leading bits of an address make a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    pub(super) v4: u8,
    pub(super) v6: u8,
}

impl Prefix {
    #[inline]
    pub(super) fn key(self, seed: &KeySeed, client: ClientIp) -> KeyHash {
        let degraded = if client.is_degraded() { DEGRADED } else { 0 };
        let mut hasher = KeyHasher::new(seed);
        match client.prefix(self.v4, self.v6).network() {
            IpAddr::V4(ip) => hasher.u64(V4 | degraded | u64::from(ip.to_bits())),
            IpAddr::V6(ip) => {
                let [high, low] = halves(ip.to_bits());
                hasher.u64(V6 | degraded);
                hasher.u64(high);
                hasher.u64(low);
            }
        }
        hasher.key()
    }
}

/// The key of all clients that have no address.
pub(super) fn missing(seed: &KeySeed) -> KeyHash {
    let mut hasher = KeyHasher::new(seed);
    hasher.u64(MISSING);
    hasher.key()
}

/// The key of what `write` writes, which is no client.
pub(super) fn of(seed: &KeySeed, write: impl FnOnce(&mut KeyHasher)) -> KeyHash {
    let mut hasher = KeyHasher::new(seed);
    hasher.u64(OTHER);
    write(&mut hasher);
    hasher.key()
}

/// A key as events name it.
pub(super) fn text(key: KeyHash) -> String {
    match key.high() {
        0 => format!("{:016x}", key.low()),
        high => format!("{high:016x}{:016x}", key.low()),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the two halves")]
const fn halves(bits: u128) -> [u64; 2] {
    [(bits >> 64) as u64, bits as u64]
}
