//! A hash index that is built once and then only asked.

use std::fmt;
use std::hash::BuildHasher;

use super::parse::MAX_ORIGIN;

/// What is looked up by bytes.
pub(super) trait Keyed {
    fn key(&self) -> &[u8];
}

/// Finds values by key at a cost that depends neither on their number nor, beyond the longest key, on the length of the request.
///
/// The keys come from a configuration, so that a request cannot lengthen a chain: it can only walk one that is there. That is why
/// a hash of a few multiplications does (`SipHash` costs more than all the rest of a look-up); the seed is random lest a tenant
/// who registers origins builds a chain.
pub(super) struct Index<T> {
    seed: [u64; 2],
    /// The hash shifted by this is a slot.
    shift: u32,
    /// Where the entries of each slot begin and end.
    slots: Box<[[u32; 2]]>,
    /// Sorted by hash, so that the entries of a slot are neighbours.
    entries: Box<[(u64, T)]>,
    /// One bit per key length in use: most misses end here, unhashed.
    lengths: [u64; MAX_ORIGIN / 64 + 1],
    longest: usize,
}

impl<T: Keyed> Index<T> {
    /// Builds the index; values whose keys are longer than an origin are left out.
    pub(super) fn new(values: impl IntoIterator<Item = T>) -> Self {
        let random = std::hash::RandomState::new();
        Self::seeded([random.hash_one(0), random.hash_one(1)], values)
    }

    fn seeded(seed: [u64; 2], values: impl IntoIterator<Item = T>) -> Self {
        let mut entries: Vec<(u64, T)> = values
            .into_iter()
            .filter(|value| value.key().len() <= MAX_ORIGIN)
            .map(|value| (hash(seed, value.key()), value))
            .collect();
        entries.sort_by_key(|(hash, _)| *hash);
        let bits = (entries.len() * 2).next_power_of_two().max(2).ilog2();
        let shift = u64::BITS - bits;
        let mut slots = vec![[0; 2]; 1 << bits];
        for (at, (hash, _)) in (0_u32..).zip(&entries) {
            if let Some([from, to]) = usize::try_from(hash >> shift)
                .ok()
                .and_then(|slot| slots.get_mut(slot))
            {
                *from = if *from == *to { at } else { *from };
                *to = at + 1;
            }
        }
        let mut lengths = [0; MAX_ORIGIN / 64 + 1];
        for (_, value) in &entries {
            let len = value.key().len();
            if let Some(word) = lengths.get_mut(len / 64) {
                *word |= 1 << (len % 64);
            }
        }
        Self {
            seed,
            shift,
            slots: slots.into(),
            longest: entries
                .iter()
                .map(|(_, value)| value.key().len())
                .max()
                .unwrap_or(0),
            entries: entries.into(),
            lengths,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The length of the longest key.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().map(|(_, value)| value)
    }

    /// The first value of exactly this key that `fits`.
    #[inline]
    pub(super) fn find(&self, key: &[u8], fits: impl Fn(&T) -> bool) -> Option<&T> {
        let lengths = *self.lengths.get(key.len() / 64)?;
        if lengths >> (key.len() % 64) & 1 == 0 {
            return None;
        }
        let hash = hash(self.seed, key);
        let slot = usize::try_from(hash >> self.shift).ok()?;
        let &[from, to] = self.slots.get(slot)?;
        for (other, value) in self.entries.get(from as usize..to as usize)? {
            if *other == hash && value.key() == key && fits(value) {
                return Some(value);
            }
        }
        None
    }
}

impl<T: fmt::Debug + Keyed> fmt::Debug for Index<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

fn hash(seed: [u64; 2], key: &[u8]) -> u64 {
    let [a, b] = seed;
    let mut state = a ^ u64::try_from(key.len()).unwrap_or_default();
    let mut add = |block: &[u8; 16]| {
        let block = u128::from_le_bytes(*block);
        state = fold(state ^ low(block), b ^ low(block >> 64));
    };
    let (blocks, rest) = key.as_chunks::<16>();
    for block in blocks {
        add(block);
    }
    if !rest.is_empty() {
        // The last block overlaps the one before it: cheaper than padding, and keys of other lengths start from another state.
        match key.last_chunk() {
            Some(block) => add(block),
            None => {
                let mut block = [0; 16];
                for (to, from) in block.iter_mut().zip(rest) {
                    *to = *from;
                }
                add(&block);
            }
        }
    }
    state
}

/// Both halves of the product, so that each bit of the input reaches the high bits of the result.
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    low(product) ^ low(product >> 64)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half is what is asked for"
)]
const fn low(value: u128) -> u64 {
    value as u64
}

#[cfg(test)]
mod tests {
    use super::{Index, Keyed};

    impl Keyed for Vec<u8> {
        fn key(&self) -> &[u8] {
            self
        }
    }

    /// Whoever knows the seed can make keys of one hash: the product of their first half is 0 whatever the second half is.
    #[test]
    fn keys_of_one_hash_are_told_apart() {
        let seed = [7, 9];
        let colliding = |second: u64| [(7 ^ 16_u64).to_le_bytes(), second.to_le_bytes()].concat();
        let index = Index::seeded(
            seed,
            [colliding(1), colliding(2), b"https://a.example".to_vec()],
        );
        let hashes: Vec<u64> = index.entries.iter().map(|(hash, _)| *hash).collect();
        assert!(
            hashes.windows(2).any(|pair| pair[0] == pair[1]),
            "{hashes:?}"
        );
        for key in index.iter() {
            assert_eq!(index.find(key, |_| true), Some(key));
        }
        assert_eq!(index.find(&colliding(3), |_| true), None);
        assert_eq!(index.find(&colliding(2), |key| *key == colliding(1)), None);
    }
}
