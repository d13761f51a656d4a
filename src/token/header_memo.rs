//! Headers of tokens that were good: almost all tokens of an issuer have the same one, byte by byte.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::jws::Algorithm;

/// Headers remembered. An issuer has a few keys and a few clients' types; one that signs each token under a header of its own fills
/// the memo and costs no more than that.
const MOST: usize = 64;

/// What a header leads to: an algorithm, and the place of the key in the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) algorithm: Algorithm,
    pub(super) key: usize,
}

/// Knows headers by their encoded bytes. Only those of tokens that were verified get in, so that nobody else can fill it.
pub(super) struct HeaderMemo(ArcSwap<Entries>);

#[derive(Clone, Default)]
struct Entries {
    /// That of the keys: with another one, all is forgotten.
    generation: u64,
    headers: Vec<(Arc<[u8]>, Known)>,
}

impl HeaderMemo {
    pub(super) fn new() -> Self {
        Self(ArcSwap::from_pointee(Entries::default()))
    }

    pub(super) fn get(&self, header: &[u8], generation: u64) -> Option<Known> {
        let entries = self.0.load();
        if entries.generation != generation {
            return None;
        }
        let mut headers = entries.headers.iter();
        headers
            .find(|(known, _)| **known == *header)
            .map(|(_, known)| *known)
    }

    #[cold]
    pub(super) fn insert(&self, header: &[u8], generation: u64, known: Known) {
        self.0.rcu(|entries| {
            let is_same = entries.generation == generation;
            let is_known = entries.headers.iter().any(|(of, _)| **of == *header);
            if is_same && (is_known || entries.headers.len() >= MOST) {
                return Arc::clone(entries);
            }
            let mut headers = Vec::new();
            if is_same {
                headers.clone_from(&entries.headers);
            }
            headers.push((header.into(), known));
            Arc::new(Entries {
                generation,
                headers,
            })
        });
    }

    /// Whether one more would be remembered: a memo that is full is not copied for nothing.
    pub(super) fn is_open(&self, generation: u64) -> bool {
        let entries = self.0.load();
        entries.generation != generation || entries.headers.len() < MOST
    }
}

impl fmt::Debug for HeaderMemo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeaderMemo")
            .field("headers", &self.0.load().headers.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ES256: Known = Known {
        algorithm: Algorithm::Es256,
        key: 1,
    };

    #[test]
    fn a_header_is_known_byte_by_byte_and_for_one_generation() {
        let memo = HeaderMemo::new();
        assert_eq!(memo.get(b"abc", 0), None);
        memo.insert(b"abc", 7, ES256);
        assert_eq!(memo.get(b"abc", 7), Some(ES256));
        for (header, generation) in [(&b"abC"[..], 7), (b"ab", 7), (b"abcd", 7), (b"abc", 8)] {
            assert_eq!(memo.get(header, generation), None);
        }
        memo.insert(b"xyz", 8, ES256);
        assert_eq!(memo.get(b"abc", 7), None);
        assert_eq!(memo.get(b"abc", 8), None);
        assert_eq!(memo.get(b"xyz", 8), Some(ES256));
    }

    #[test]
    fn no_more_than_64_are_remembered() {
        let memo = HeaderMemo::new();
        for number in 0_u8..=100 {
            memo.insert(&[number], 0, ES256);
            memo.insert(&[number], 0, ES256);
        }
        assert_eq!(memo.0.load().headers.len(), 64);
        assert!(!memo.is_open(0));
        assert!(memo.is_open(1));
        assert_eq!(memo.get(&[63], 0), Some(ES256));
        assert_eq!(memo.get(&[64], 0), None);
    }
}
