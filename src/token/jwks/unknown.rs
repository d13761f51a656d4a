//! Key ids that the provider does not have.
#![expect(
    clippy::disallowed_types,
    reason = "a table of fixed size, locked for a look; only tokens with an unknown key id come here"
)]

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::core::nanos;

/// How long an id that was asked for in vain is not asked for again.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30);

const SETS: usize = 256;
const WAYS: usize = 4;

/// Ids that were looked for in vain, as hashes under a key that nobody knows: 1,024 of them, then the oldest of four gives way.
pub(super) struct UnknownKids {
    hasher: RandomState,
    sets: Mutex<Box<[[Entry; WAYS]]>>,
}

#[derive(Clone, Copy)]
struct Entry {
    hash: u64,
    /// Nanoseconds; 0 if it is empty.
    until: u64,
}

impl UnknownKids {
    pub(super) fn new() -> Self {
        const EMPTY: Entry = Entry { hash: 0, until: 0 };
        Self {
            hasher: RandomState::new(),
            sets: Mutex::new(vec![[EMPTY; WAYS]; SETS].into_boxed_slice()),
        }
    }

    pub(super) fn contains(&self, kid: &str, now: u64) -> bool {
        let hash = self.hasher.hash_one(kid);
        let mut sets = self.sets();
        let set = set(&mut sets, hash);
        set.is_some_and(|set| {
            set.iter()
                .any(|entry| entry.hash == hash && now < entry.until)
        })
    }

    pub(super) fn insert(&self, kid: &str, now: u64) {
        let hash = self.hasher.hash_one(kid);
        let until = now.saturating_add(nanos(FORGOTTEN_AFTER));
        let mut sets = self.sets();
        let oldest = set(&mut sets, hash).and_then(|set| {
            set.iter_mut().min_by_key(|entry| match entry.hash == hash {
                // The id itself, if it is there.
                true => 0,
                false => entry.until,
            })
        });
        if let Some(entry) = oldest {
            *entry = Entry { hash, until };
        }
    }

    fn sets(&self) -> MutexGuard<'_, Box<[[Entry; WAYS]]>> {
        // An entry is two plain values, written at once.
        self.sets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn set(sets: &mut [[Entry; WAYS]], hash: u64) -> Option<&mut [Entry; WAYS]> {
    // The lowest byte, of which there are 256.
    let [at, ..] = hash.to_le_bytes();
    sets.get_mut(usize::from(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn an_id_is_known_to_be_unknown_for_30_seconds() {
        let unknown = UnknownKids::new();
        assert!(!unknown.contains("a", 0));
        unknown.insert("a", SECOND);
        assert!(unknown.contains("a", SECOND));
        assert!(unknown.contains("a", 31 * SECOND - 1));
        assert!(!unknown.contains("a", 31 * SECOND));
        assert!(!unknown.contains("A", SECOND));
        unknown.insert("a", 20 * SECOND);
        assert!(unknown.contains("a", 50 * SECOND - 1));
    }

    #[test]
    fn a_million_ids_take_no_more_room_than_1024() {
        let unknown = UnknownKids::new();
        for id in 0..1_000_000 {
            unknown.insert(&format!("kid-{id}"), SECOND + id);
        }
        let known = (0..1_000_000)
            .filter(|id| unknown.contains(&format!("kid-{id}"), 2 * SECOND))
            .count();
        assert_eq!(known, 1_024);
        assert!(unknown.contains("kid-999999", 2 * SECOND), "the newest");
    }

    #[test]
    fn one_id_takes_one_entry() {
        let unknown = UnknownKids::new();
        for now in 0..10_000 {
            unknown.insert("a", now);
        }
        let sets = unknown.sets.lock().unwrap();
        let taken = sets.iter().flatten().filter(|entry| entry.until > 0);
        assert_eq!(taken.count(), 1);
    }
}
