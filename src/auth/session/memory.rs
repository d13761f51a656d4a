//! Sessions in the memory of this process.
#![expect(
    clippy::disallowed_types,
    reason = "requests share the lock; who logs in, out or is noted once a minute has it alone for a few hash operations"
)]

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use super::key::SessionKey;
use super::record::SessionRecord;
use super::store::SessionStore;
use crate::core::{Lookup, StoreError, StoreErrorKind};

/// See [`MemorySessionStore::new`].
const DEFAULT: usize = 100_000;

/// Keeps sessions in the memory of this process, which are gone when it ends. Clones share them.
///
/// A session takes about 500 bytes. When there is no more room, those that are over make way, and if there are none, nobody can log in:
/// a session that is alive is never dropped for another user's. [`SessionAuthBuilder::per_subject`] bounds what one user can take.
///
/// # Example
///
/// ```
/// use tower_security::auth::session::{MemorySessionStore, SessionAuth};
///
/// let sessions = SessionAuth::builder(MemorySessionStore::with_capacity(10_000)).build()?;
/// # let _ = sessions;
/// # Ok::<(), tower_security::core::ConfigErrors>(())
/// ```
///
/// [`SessionAuthBuilder::per_subject`]: super::SessionAuthBuilder::per_subject
#[derive(Clone)]
pub struct MemorySessionStore(Arc<Shared>);

struct Shared {
    capacity: usize,
    table: RwLock<Table>,
}

#[derive(Default)]
struct Table {
    sessions: HashMap<SessionKey, SessionRecord>,
    /// The sessions of each subject, the oldest first.
    subjects: HashMap<Box<str>, Vec<SessionKey>>,
    /// No session is over before: looking for one in a full table would cost each login as much as there are.
    first_end: Option<SystemTime>,
}

impl MemorySessionStore {
    /// Has room for 100,000 sessions: about 50 MB.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(DEFAULT)
    }

    /// Has room for so many sessions. With 0 nobody can log in.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Arc::new(Shared {
            capacity,
            table: RwLock::default(),
        }))
    }

    /// Returns how many sessions there are, those among them that are over and were not purged yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read(|table| table.sessions.len())
    }

    /// Whether there is no session.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    // Nothing panics while it holds the lock: each table is whole whatever happened to another thread.
    fn read<T>(&self, look: impl FnOnce(&Table) -> T) -> T {
        look(&self.0.table.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Table) -> T) -> T {
        let mut table = self.0.table.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut table)
    }
}

impl Table {
    fn insert(&mut self, key: SessionKey, record: &SessionRecord) {
        let subject = record.principal().subject();
        match self.subjects.get_mut(subject) {
            Some(keys) => keys.push(key),
            None => {
                self.subjects.insert(subject.into(), vec![key]);
            }
        }
        self.keep(key, record);
    }

    fn keep(&mut self, key: SessionKey, record: &SessionRecord) {
        let end = record.ends_at();
        self.first_end = Some(self.first_end.map_or(end, |first| first.min(end)));
        self.sessions.insert(key, record.clone());
    }

    fn remove(&mut self, key: &SessionKey) -> bool {
        let Some(record) = self.sessions.remove(key) else {
            return false;
        };
        let subject = record.principal().subject();
        if let Some(keys) = self.subjects.get_mut(subject) {
            keys.retain(|of| of != key);
            if keys.is_empty() {
                self.subjects.remove(subject);
            }
        }
        true
    }

    fn purge(&mut self, now: SystemTime) -> usize {
        if self.first_end.is_none_or(|first| now < first) {
            return 0;
        }
        let over = self.sessions.iter();
        let over: Vec<SessionKey> = over
            .filter(|(_, record)| record.ends_at() <= now)
            .map(|(key, _)| *key)
            .collect();
        for key in &over {
            self.remove(key);
        }
        self.first_end = self.sessions.values().map(SessionRecord::ends_at).min();
        over.len()
    }

    /// Makes room among the sessions of one subject for one more.
    fn trim(&mut self, subject: &str, most: NonZeroU32, now: SystemTime) {
        let Some(keys) = self.subjects.get(subject) else {
            return;
        };
        let is_over = |key: &SessionKey| {
            let record = self.sessions.get(key);
            record.is_none_or(|record| record.ends_at() <= now)
        };
        let (over, alive): (Vec<_>, Vec<_>) = keys.iter().copied().partition(is_over);
        let most = usize::try_from(most.get()).unwrap_or(usize::MAX);
        let excess = alive.len().saturating_add(1).saturating_sub(most);
        for key in over.iter().chain(alive.iter().take(excess)) {
            self.remove(key);
        }
    }
}

impl SessionStore for MemorySessionStore {
    fn load(&self, key: &SessionKey) -> Lookup<Result<Option<SessionRecord>, StoreError>> {
        Lookup::Ready(Ok(self.read(|table| table.sessions.get(key).cloned())))
    }

    fn create(
        &self,
        key: &SessionKey,
        record: &SessionRecord,
        most: NonZeroU32,
    ) -> Lookup<Result<(), StoreError>> {
        let capacity = self.0.capacity;
        Lookup::Ready(self.change(|table| {
            let now = record.created_at();
            table.trim(record.principal().subject(), most, now);
            if table.sessions.len() >= capacity {
                table.purge(now);
            }
            if table.sessions.len() >= capacity {
                return Err(full(capacity));
            }
            table.insert(*key, record);
            Ok(())
        }))
    }

    fn touch(
        &self,
        key: &SessionKey,
        seen_at: SystemTime,
        ends_at: SystemTime,
    ) -> Lookup<Result<bool, StoreError>> {
        Lookup::Ready(Ok(self.change(|table| {
            let Some(record) = table.sessions.get_mut(key) else {
                return false;
            };
            // A request that was overtaken by a later one.
            if record.seen_at() < seen_at {
                *record = record.clone().touched(seen_at, ends_at);
            }
            true
        })))
    }

    fn rotate(
        &self,
        old: &SessionKey,
        new: &SessionKey,
        record: &SessionRecord,
    ) -> Lookup<Result<bool, StoreError>> {
        Lookup::Ready(Ok(self.change(|table| {
            let Some(before) = table.sessions.get(old) else {
                return false;
            };
            let subject = before.principal().subject();
            // It stays as old as it is among the sessions of its subject.
            let place = (subject == record.principal().subject())
                .then(|| table.subjects.get_mut(subject))
                .flatten()
                .and_then(|keys| keys.iter_mut().find(|key| *key == old));
            match place {
                Some(place) => {
                    *place = *new;
                    table.sessions.remove(old);
                    table.keep(*new, record);
                }
                None => {
                    table.remove(old);
                    table.insert(*new, record);
                }
            }
            true
        })))
    }

    fn revoke(&self, key: &SessionKey) -> Lookup<Result<bool, StoreError>> {
        Lookup::Ready(Ok(self.change(|table| table.remove(key))))
    }

    fn revoke_subject(
        &self,
        subject: &str,
        except: Option<&SessionKey>,
    ) -> Lookup<Result<u64, StoreError>> {
        Lookup::Ready(Ok(self.change(|table| {
            let keys = table.subjects.get(subject).cloned().unwrap_or_default();
            let removed = keys
                .iter()
                .filter(|key| Some(*key) != except)
                .filter(|key| table.remove(key));
            count(removed.count())
        })))
    }

    fn list(&self, subject: &str) -> Lookup<Result<Vec<(SessionKey, SessionRecord)>, StoreError>> {
        Lookup::Ready(Ok(self.read(|table| {
            let keys = table.subjects.get(subject).into_iter().flatten();
            keys.filter_map(|key| Some((*key, table.sessions.get(key)?.clone())))
                .collect()
        })))
    }

    fn purge(&self, now: SystemTime) -> Lookup<Result<u64, StoreError>> {
        Lookup::Ready(Ok(self.change(|table| count(table.purge(now)))))
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn full(capacity: usize) -> StoreError {
    StoreError::new(
        StoreErrorKind::Full,
        format!("{capacity} sessions, and none of them is over"),
    )
}

impl Default for MemorySessionStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemorySessionStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySessionStore")
            .field("capacity", &self.0.capacity)
            .field("len", &self.len())
            .finish()
    }
}
