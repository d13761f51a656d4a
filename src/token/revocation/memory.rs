//! Revocations in the memory of this process.
#![expect(
    clippy::disallowed_types,
    reason = "who revokes has a shard alone for a few operations; a request takes a lock for what was revoked, and once in a hundred"
)]

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use super::{Revocation, RevocationStore, TokenRef, first_second, second};
use crate::core::{Clock, Lookup, StoreError, StoreErrorKind, SystemClock};

/// See [`MemoryRevocationStore::new`].
const DEFAULT: usize = 100_000;
/// A power of two.
const SHARDS: usize = 16;
/// Sixteen bits of the filter for each entry, of which it sets three: one look in a hundred is in vain.
const ENTRIES_A_WORD: usize = 4;
/// Of the filter of a shard: 16 MB in all, which is enough for eight million entries.
const MOST_WORDS: usize = 131_072;

/// Keeps revocations in the memory of this process, which are gone when it ends: for one node whose access tokens live for minutes.
/// Clones share them.
///
/// A revocation takes about 80 bytes, whatever its id. When there is no more room, those that need not be kept any more make way, and if
/// there are none, revoking fails: what is in force is never forgotten. A token that was not revoked costs no lock, and nobody waits.
///
/// # Example
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use tower_security::core::Lookup;
/// use tower_security::token::{MemoryRevocationStore, Revocation, RevocationStore, TokenRef};
///
/// let store = MemoryRevocationStore::with_capacity(10_000);
/// let end = SystemTime::now() + Duration::from_secs(900);
/// assert!(matches!(store.revoke_session("s-1", end), Lookup::Ready(Ok(()))));
///
/// let mut token = TokenRef::new("alice");
/// assert!(matches!(store.check(&token), Lookup::Ready(Ok(Revocation::Valid))));
/// token.session_id = Some("s-1");
/// assert!(matches!(store.check(&token), Lookup::Ready(Ok(Revocation::Revoked))));
/// ```
#[derive(Clone)]
pub struct MemoryRevocationStore(Arc<Inner>);

struct Inner {
    capacity: usize,
    /// Entries, and those that are about to be.
    len: AtomicUsize,
    shards: [Shard; SHARDS],
    /// Of two keys that nobody knows: what is alike under both is the same.
    hashers: [RandomState; 2],
    clock: Arc<dyn Clock>,
}

struct Shard {
    /// What may be in the table: no bit of an entry is ever missing. Changed by who has the table alone.
    filter: Box<[AtomicU64]>,
    table: RwLock<Table>,
}

#[derive(Default)]
struct Table {
    entries: HashMap<Name, Entry>,
    /// No entry may be forgotten before: looking for one in a full table would cost each logout as much as there are.
    first_end: Option<SystemTime>,
}

/// What was revoked, as two hashes with different keys.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Name([u64; 2]);

#[derive(Clone, Copy)]
struct Entry {
    /// The first second whose tokens are good. Those of a session never are.
    valid_from: u64,
    until: SystemTime,
}

/// What a text is: ids of tokens, sessions and subjects may be alike.
#[derive(Clone, Copy, Hash)]
enum Kind {
    Session,
    Subject,
    Token,
}

impl MemoryRevocationStore {
    /// Has room for 100,000 revocations: about 8 MB.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(DEFAULT)
    }

    /// Has room for so many revocations. With 0 nothing can be revoked.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self::with_clock(capacity, SystemClock)
    }

    /// As [`with_capacity`](Self::with_capacity), with the clock that says what need not be kept when there is no more room.
    #[must_use]
    pub fn with_clock(capacity: usize, clock: impl Clock) -> Self {
        let words = (capacity / SHARDS / ENTRIES_A_WORD).clamp(1, MOST_WORDS);
        let shard = |_| Shard {
            filter: (0..words).map(|_| AtomicU64::new(0)).collect(),
            table: RwLock::default(),
        };
        Self(Arc::new(Inner {
            capacity,
            len: AtomicUsize::new(0),
            shards: std::array::from_fn(shard),
            hashers: [RandomState::new(), RandomState::new()],
            clock: Arc::new(clock),
        }))
    }

    /// Returns how many revocations are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len.load(Ordering::Acquire)
    }

    /// Whether nothing is revoked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Inner {
    fn hash(&self, kind: Kind, text: &str) -> u64 {
        let [hasher, _] = &self.hashers;
        hasher.hash_one((kind, text))
    }

    fn name(&self, hash: u64, kind: Kind, text: &str) -> Name {
        let [_, hasher] = &self.hashers;
        Name([hash, hasher.hash_one((kind, text))])
    }

    fn shard(&self, hash: u64) -> Option<&Shard> {
        self.shards.get(place(hash, SHARDS))
    }

    /// Since when tokens of this text are good, if it was revoked.
    #[inline]
    fn valid_from(&self, kind: Kind, text: &str) -> Option<u64> {
        let hash = self.hash(kind, text);
        let shard = self.shard(hash)?;
        if !shard.may_have(hash) {
            return None;
        }
        let name = self.name(hash, kind, text);
        let table = shard.table.read().unwrap_or_else(PoisonError::into_inner);
        table.entries.get(&name).map(|entry| entry.valid_from)
    }

    fn revoke(&self, kind: Kind, text: &str, entry: Entry) -> Result<(), StoreError> {
        let hash = self.hash(kind, text);
        let name = self.name(hash, kind, text);
        let Some(shard) = self.shard(hash) else {
            return Err(self.full());
        };
        if shard.extend(name, entry) {
            return Ok(());
        }
        if !self.reserve() {
            self.purge(self.clock.now());
            if !self.reserve() {
                return Err(self.full());
            }
        }
        if !shard.insert(name, entry) {
            // Somebody else was faster.
            self.len.fetch_sub(1, Ordering::AcqRel);
        }
        Ok(())
    }

    /// Takes the room for one entry.
    fn reserve(&self) -> bool {
        let more = |len: usize| (len < self.capacity).then(|| len.saturating_add(1));
        self.len
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, more)
            .is_ok()
    }

    fn purge(&self, now: SystemTime) -> usize {
        let removed = self.shards.iter().map(|shard| {
            let removed = shard.purge(now);
            self.len.fetch_sub(removed, Ordering::AcqRel);
            removed
        });
        removed.sum()
    }

    fn full(&self) -> StoreError {
        let capacity = self.capacity;
        StoreError::new(
            StoreErrorKind::Full,
            format!("{capacity} revocations, and all of them are in force"),
        )
    }
}

/// One of so many places, by the upper half of a hash.
fn place(hash: u64, places: usize) -> usize {
    let places = u32::try_from(places).unwrap_or(u32::MAX);
    let scaled = (hash >> 32).wrapping_mul(u64::from(places)) >> 32;
    usize::try_from(scaled).unwrap_or_default()
}

/// The three bits of a word that an entry sets.
const fn bits(hash: u64) -> u64 {
    1 << (hash & 63) | 1 << (hash >> 6 & 63) | 1 << (hash >> 12 & 63)
}

impl Shard {
    /// The upper half of a hash has chosen the shard: the word is chosen by what is left of it.
    fn word(&self, hash: u64) -> Option<&AtomicU64> {
        self.filter.get(place(hash << 8, self.filter.len()))
    }

    #[inline]
    fn may_have(&self, hash: u64) -> bool {
        let bits = bits(hash);
        let word = self.word(hash);
        word.is_none_or(|word| word.load(Ordering::Acquire) & bits == bits)
    }

    /// Whether there is an entry already, which lasts longer from now on.
    fn extend(&self, name: Name, entry: Entry) -> bool {
        self.change(|table| table.extend(name, entry))
    }

    /// Whether there was none.
    fn insert(&self, name: Name, entry: Entry) -> bool {
        self.change(|table| {
            if table.extend(name, entry) {
                return false;
            }
            let end = entry.until;
            table.first_end = Some(table.first_end.map_or(end, |first| first.min(end)));
            table.entries.insert(name, entry);
            let Name([hash, _]) = name;
            if let Some(word) = self.word(hash) {
                word.fetch_or(bits(hash), Ordering::Release);
            }
            true
        })
    }

    fn purge(&self, now: SystemTime) -> usize {
        self.change(|table| {
            if table.first_end.is_none_or(|first| now < first) {
                return 0;
            }
            let before = table.entries.len();
            table.entries.retain(|_, entry| now < entry.until);
            table.first_end = table.entries.values().map(|entry| entry.until).min();
            self.sift(&table.entries);
            before.saturating_sub(table.entries.len())
        })
    }

    // Nothing panics while it holds the lock: each table is whole whatever happened to another thread.
    fn change<T>(&self, change: impl FnOnce(&mut Table) -> T) -> T {
        change(&mut self.table.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Clears the bits that nobody needs any more. Each word goes from one that has all bits of what stays to another such one.
    fn sift(&self, entries: &HashMap<Name, Entry>) {
        let mut words = vec![0; self.filter.len()];
        for Name([hash, _]) in entries.keys() {
            if let Some(word) = words.get_mut(place(hash << 8, self.filter.len())) {
                *word |= bits(*hash);
            }
        }
        for (word, bits) in self.filter.iter().zip(words) {
            word.store(bits, Ordering::Release);
        }
    }
}

impl Table {
    /// Whether there is such an entry. It may last longer than the first end says.
    fn extend(&mut self, name: Name, entry: Entry) -> bool {
        match self.entries.get_mut(&name) {
            Some(known) => {
                known.merge(entry);
                true
            }
            None => false,
        }
    }
}

impl Entry {
    /// No token is good, whenever it was issued.
    const fn all(until: SystemTime) -> Self {
        Self {
            valid_from: u64::MAX,
            until,
        }
    }

    /// Nothing takes a revocation back.
    fn merge(&mut self, other: Self) {
        self.valid_from = self.valid_from.max(other.valid_from);
        self.until = self.until.max(other.until);
    }
}

impl RevocationStore for MemoryRevocationStore {
    fn check(&self, token: &TokenRef<'_>) -> Lookup<Result<Revocation, StoreError>> {
        let inner = &*self.0;
        let is_revoked = |kind, text: &str| {
            let valid_from = inner.valid_from(kind, text);
            // A token that does not say when it was issued may be older.
            valid_from.is_some_and(|from| token.issued_at.is_none_or(|date| second(date) < from))
        };
        let is_known = !self.is_empty()
            && (token
                .token_id
                .is_some_and(|token_id| is_revoked(Kind::Token, token_id))
                || token
                    .session_id
                    .is_some_and(|session| is_revoked(Kind::Session, session))
                || is_revoked(Kind::Subject, token.subject));
        Lookup::Ready(Ok(if is_known {
            Revocation::Revoked
        } else {
            Revocation::Valid
        }))
    }

    fn revoke_token(&self, token_id: &str, until: SystemTime) -> Lookup<Result<(), StoreError>> {
        Lookup::Ready(self.0.revoke(Kind::Token, token_id, Entry::all(until)))
    }

    fn revoke_session(
        &self,
        session_id: &str,
        until: SystemTime,
    ) -> Lookup<Result<(), StoreError>> {
        Lookup::Ready(self.0.revoke(Kind::Session, session_id, Entry::all(until)))
    }

    fn revoke_subject(
        &self,
        subject: &str,
        not_before: SystemTime,
        until: SystemTime,
    ) -> Lookup<Result<(), StoreError>> {
        let entry = Entry {
            valid_from: first_second(not_before),
            until,
        };
        Lookup::Ready(self.0.revoke(Kind::Subject, subject, entry))
    }

    fn purge(&self, now: SystemTime) -> Lookup<Result<u64, StoreError>> {
        let removed = self.0.purge(now);
        Lookup::Ready(Ok(u64::try_from(removed).unwrap_or(u64::MAX)))
    }
}

impl Default for MemoryRevocationStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryRevocationStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRevocationStore")
            .field("capacity", &self.0.capacity)
            .field("len", &self.len())
            .finish()
    }
}
