//! Under which key somebody is counted and banned.

use crate::core::Caller;
use crate::rate_limit::key::{KeyHash, KeyHasher, KeySeed, Prefix};

/// What tells keys of different kinds apart, in the top byte of the first word.
const MISSING: u64 = 0;
const CLIENT: u64 = 1 << 56;
const OTHER: u64 = 2 << 56;

/// The key of a client: its address, cut to `prefix`.
#[inline]
pub(super) fn client(seed: &KeySeed, prefix: &Prefix, client: &Caller) -> KeyHash {
    key(seed, |hasher| prefix.add_to(client, CLIENT, hasher))
}

/// The key of all clients that have no address.
pub(super) fn missing(seed: &KeySeed) -> KeyHash {
    key(seed, |hasher| hasher.u64(MISSING))
}

/// The key of what `write` writes, which is no client.
pub(super) fn of(seed: &KeySeed, write: impl FnOnce(&mut KeyHasher)) -> KeyHash {
    key(seed, |hasher| {
        hasher.u64(OTHER);
        write(hasher);
    })
}

#[inline]
fn key(seed: &KeySeed, write: impl FnOnce(&mut KeyHasher)) -> KeyHash {
    let mut hasher = KeyHasher::new(seed);
    write(&mut hasher);
    hasher.key()
}
