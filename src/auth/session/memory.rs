//! Sessions in the memory of this process.

use std::fmt;
use std::num::NonZeroU32;
use std::time::SystemTime;

use super::key::SessionKey;
use super::record::SessionRecord;
use super::store::SessionStore;
use crate::core::rows::{Row, Table};
use crate::core::{Lookup, StoreError};

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
pub struct MemorySessionStore(Table<SessionRecord>);

impl Row for SessionRecord {
    type Key = SessionKey;
    const KIND: &'static str = "sessions";

    fn subject(&self) -> &str {
        self.principal().subject()
    }

    fn ends_at(&self) -> Option<SystemTime> {
        Some(self.ends_at())
    }
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
        Self(Table::with_capacity(capacity))
    }

    /// Returns how many sessions there are, those among them that are over and were not purged yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.read(|rows| rows.len())
    }

    /// Whether there is no session.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl SessionStore for MemorySessionStore {
    fn load(&self, key: &SessionKey) -> Lookup<Result<Option<SessionRecord>, StoreError>> {
        Lookup::Ready(Ok(self.0.read(|rows| rows.get(key).cloned())))
    }

    fn create(
        &self,
        key: &SessionKey,
        record: &SessionRecord,
        most: NonZeroU32,
    ) -> Lookup<Result<(), StoreError>> {
        Lookup::Ready(self.0.change(|rows| {
            let now = record.created_at();
            rows.trim(record.principal().subject(), most, now);
            rows.insert(*key, record, now)
        }))
    }

    fn touch(
        &self,
        key: &SessionKey,
        seen_at: SystemTime,
        ends_at: SystemTime,
    ) -> Lookup<Result<bool, StoreError>> {
        Lookup::Ready(Ok(self.0.change(|rows| {
            let Some(record) = rows.get(key) else {
                return false;
            };
            // A request that was overtaken by a later one.
            if record.seen_at() >= seen_at {
                return true;
            }
            let touched = record.clone().touched(seen_at, ends_at);
            rows.replace(key, *key, &touched)
        })))
    }

    fn rotate(
        &self,
        old: &SessionKey,
        new: &SessionKey,
        record: &SessionRecord,
    ) -> Lookup<Result<bool, StoreError>> {
        Lookup::Ready(Ok(self.0.change(|rows| rows.replace(old, *new, record))))
    }

    fn revoke(&self, key: &SessionKey) -> Lookup<Result<bool, StoreError>> {
        Lookup::Ready(Ok(self.0.change(|rows| rows.remove(key))))
    }

    fn revoke_subject(
        &self,
        subject: &str,
        except: Option<&SessionKey>,
    ) -> Lookup<Result<u64, StoreError>> {
        let stays = |key: &SessionKey, _: &SessionRecord| Some(key) == except;
        Lookup::Ready(Ok(self.0.change(|rows| rows.remove_of(subject, stays))))
    }

    fn list(&self, subject: &str) -> Lookup<Result<Vec<(SessionKey, SessionRecord)>, StoreError>> {
        Lookup::Ready(Ok(self.0.read(|rows| {
            let own = rows.of(subject);
            own.map(|(key, record)| (key, record.clone())).collect()
        })))
    }

    fn purge(&self, now: SystemTime) -> Lookup<Result<u64, StoreError>> {
        Lookup::Ready(Ok(self.0.change(|rows| rows.purge(now))))
    }
}

impl Default for MemorySessionStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemorySessionStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySessionStore")
            .field("capacity", &self.0.read(|rows| rows.capacity()))
            .field("len", &self.len())
            .finish()
    }
}
