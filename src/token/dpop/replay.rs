//! Proofs that were used.
#![expect(
    clippy::disallowed_types,
    reason = "a table of bounded size, one short lock for each of its parts"
)]

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

const PARTS: usize = 16;
/// Below that, parts would be of so few entries that some are full long before the whole is.
const LEAST_IN_PARTS: usize = 1024;

/// Remembers each proof for as long as it would be accepted.
pub(super) struct Replay {
    parts: Box<[Mutex<Part>]>,
    /// Entries of one part.
    most: usize,
}

#[derive(Default)]
struct Part {
    /// The last second in which each would be accepted.
    used: HashMap<Used, u64>,
    /// When it was last swept, so that a full part is not for each request.
    swept: u64,
}

/// What makes a proof one and the same. Cut to 128 bits: two of the same client that collide refuse that client alone.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Used([u8; 16]);

impl Used {
    /// `target` is in normal form: another spelling of it must not make another proof.
    pub(super) fn new(jkt: &[u8; 32], jti: &str, method: &str, target: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(jkt);
        for part in [jti, method, target] {
            // 0 stands in none of the URL and the method; the length keeps an id from reaching into them.
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        let digest: [u8; 32] = hash.finalize().into();
        let mut used = [0; 16];
        for (to, from) in used.iter_mut().zip(digest) {
            *to = from;
        }
        Self(used)
    }
}

/// What became of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    First,
    Again,
    /// It cannot be remembered, so it must not be accepted.
    Full,
}

impl Replay {
    pub(super) fn new(entries: usize) -> Self {
        let parts = if entries < LEAST_IN_PARTS { 1 } else { PARTS };
        Self {
            parts: (0..parts).map(|_| Mutex::default()).collect(),
            most: entries.div_ceil(parts),
        }
    }

    /// Notes that a proof was used, which is acceptable up to and including the second `until`.
    pub(super) fn note(&self, proof: Used, until: u64, now: u64) -> Use {
        let Used([first, ..]) = proof;
        let index = usize::from(first)
            .checked_rem(self.parts.len())
            .unwrap_or_default();
        let Some(part) = self.parts.get(index) else {
            return Use::Full;
        };
        // A map is whole after any panic.
        let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
        if part.used.get(&proof).is_some_and(|until| *until >= now) {
            return Use::Again;
        }
        if part.used.len() >= self.most && part.swept != now {
            part.swept = now;
            part.used.retain(|_, until| *until >= now);
        }
        if part.used.len() >= self.most && !part.used.contains_key(&proof) {
            return Use::Full;
        }
        part.used.insert(proof, until);
        Use::First
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay")
            .field("most", &self.most.saturating_mul(self.parts.len()))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(jti: &str) -> Used {
        Used::new(&[7; 32], jti, "GET", "https://api.example.com/")
    }

    #[test]
    fn a_proof_is_used_once_while_it_counts() {
        let replay = Replay::new(100);
        assert_eq!(replay.note(used("a"), 130, 100), Use::First);
        assert_eq!(replay.note(used("a"), 130, 100), Use::Again);
        assert_eq!(replay.note(used("a"), 130, 130), Use::Again);
        assert_eq!(replay.note(used("b"), 130, 100), Use::First);
        assert_eq!(replay.note(used("a"), 161, 131), Use::First);
    }

    #[test]
    fn key_method_and_target_make_another_proof() {
        let base = used("a");
        let url = "https://api.example.com/";
        let others = [
            Used::new(&[8; 32], "a", "GET", url),
            Used::new(&[7; 32], "b", "GET", url),
            Used::new(&[7; 32], "a", "PUT", url),
            Used::new(&[7; 32], "a", "GET", "https://api.example.com/a"),
            Used::new(&[7; 32], "aGET", "", url),
        ];
        assert!(base == Used::new(&[7; 32], "a", "GET", url));
        assert!(others.iter().all(|other| *other != base));
    }

    #[test]
    fn a_full_table_takes_no_more_until_entries_end() {
        let replay = Replay::new(2);
        assert_eq!(replay.note(used("a"), 130, 100), Use::First);
        assert_eq!(replay.note(used("b"), 140, 100), Use::First);
        assert_eq!(replay.note(used("c"), 130, 100), Use::Full);
        assert_eq!(replay.note(used("c"), 130, 130), Use::Full);
        assert_eq!(replay.note(used("c"), 160, 131), Use::First);
        assert_eq!(replay.note(used("d"), 160, 132), Use::Full);
    }

    #[test]
    fn a_flood_does_not_grow_the_table() {
        let replay = Replay::new(10_000);
        for number in 0..100_000 {
            replay.note(used(&number.to_string()), 200, 100);
        }
        let count = |part: &Mutex<Part>| part.lock().unwrap().used.len();
        assert_eq!(replay.parts.iter().map(count).sum::<usize>(), 10_000);
    }
}
