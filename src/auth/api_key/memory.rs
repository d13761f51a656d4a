//! API keys in the memory of this process.
#![expect(
    clippy::disallowed_types,
    reason = "requests share the lock; who issues or revokes a key has it alone for a few hash operations"
)]

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use super::record::{ApiKeyDigest, ApiKeyRecord};
use super::store::ApiKeyStore;
use super::text::ApiKeyId;
use crate::core::{Lookup, StoreError, StoreErrorKind};

/// See [`MemoryApiKeyStore::new`].
const DEFAULT: usize = 100_000;

/// Keeps API keys in the memory of this process, which are gone when it ends: for tests, and for keys that are read from a file at the
/// start. Clones share them.
///
/// When there is no more room, keys that have expired make way, and if there are none, none can be issued.
///
/// # Example
///
/// ```
/// use tower_security::auth::api_key::{ApiKeyAuth, MemoryApiKeyStore};
///
/// let keys = ApiKeyAuth::builder(MemoryApiKeyStore::new(), "sk").build()?;
/// # let _ = keys;
/// # Ok::<(), tower_security::core::ConfigErrors>(())
/// ```
#[derive(Clone)]
pub struct MemoryApiKeyStore(Arc<Shared>);

struct Shared {
    capacity: usize,
    table: RwLock<Table>,
}

#[derive(Default)]
struct Table {
    keys: HashMap<ApiKeyId, ApiKeyRecord>,
    /// The keys of each subject, the oldest first.
    subjects: HashMap<Box<str>, Vec<ApiKeyId>>,
}

impl MemoryApiKeyStore {
    /// Has room for 100,000 keys.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(DEFAULT)
    }

    /// Has room for so many keys. With 0 none can be issued.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Arc::new(Shared {
            capacity,
            table: RwLock::default(),
        }))
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
    fn insert(&mut self, record: &ApiKeyRecord) {
        let subject = record.principal().subject();
        match self.subjects.get_mut(subject) {
            Some(ids) => ids.push(record.id()),
            None => {
                self.subjects.insert(subject.into(), vec![record.id()]);
            }
        }
        self.keys.insert(record.id(), record.clone());
    }

    fn remove(&mut self, id: &ApiKeyId) -> bool {
        let Some(record) = self.keys.remove(id) else {
            return false;
        };
        let subject = record.principal().subject();
        if let Some(ids) = self.subjects.get_mut(subject) {
            ids.retain(|of| of != id);
            if ids.is_empty() {
                self.subjects.remove(subject);
            }
        }
        true
    }

    fn remove_all(&mut self, ids: &[ApiKeyId]) -> u64 {
        let removed = ids.iter().filter(|id| self.remove(id)).count();
        u64::try_from(removed).unwrap_or(u64::MAX)
    }

    fn purge(&mut self, now: SystemTime) -> u64 {
        let over: Vec<ApiKeyId> = self
            .keys
            .values()
            .filter(|record| record.principal().is_expired(now))
            .map(ApiKeyRecord::id)
            .collect();
        self.remove_all(&over)
    }
}

impl ApiKeyStore for MemoryApiKeyStore {
    fn find(&self, id: &ApiKeyId) -> Lookup<Result<Option<ApiKeyRecord>, StoreError>> {
        Lookup::Ready(Ok(self.read(|table| table.keys.get(id).cloned())))
    }

    fn create(&self, record: &ApiKeyRecord) -> Lookup<Result<bool, StoreError>> {
        let capacity = self.0.capacity;
        Lookup::Ready(self.change(|table| {
            if table.keys.contains_key(&record.id()) {
                return Ok(false);
            }
            if table.keys.len() >= capacity {
                table.purge(record.created_at());
            }
            if table.keys.len() >= capacity {
                return Err(StoreError::new(
                    StoreErrorKind::Full,
                    format!("{capacity} API keys, and none of them has expired"),
                ));
            }
            table.insert(record);
            Ok(true)
        }))
    }

    fn rotate(
        &self,
        id: &ApiKeyId,
        digest: &ApiKeyDigest,
        previous_until: SystemTime,
    ) -> Lookup<Result<bool, StoreError>> {
        Lookup::Ready(Ok(self.change(|table| {
            let Some(record) = table.keys.get_mut(id) else {
                return false;
            };
            *record = record.clone().rotated(digest.clone(), previous_until);
            true
        })))
    }

    fn revoke(&self, id: &ApiKeyId) -> Lookup<Result<bool, StoreError>> {
        Lookup::Ready(Ok(self.change(|table| table.remove(id))))
    }

    fn revoke_subject(&self, subject: &str) -> Lookup<Result<u64, StoreError>> {
        Lookup::Ready(Ok(self.change(|table| {
            let ids = table.subjects.get(subject).cloned().unwrap_or_default();
            table.remove_all(&ids)
        })))
    }

    fn list(&self, subject: &str) -> Lookup<Result<Vec<ApiKeyRecord>, StoreError>> {
        Lookup::Ready(Ok(self.read(|table| {
            let ids = table.subjects.get(subject).into_iter().flatten();
            ids.filter_map(|id| table.keys.get(id).cloned()).collect()
        })))
    }

    fn purge(&self, now: SystemTime) -> Lookup<Result<u64, StoreError>> {
        Lookup::Ready(Ok(self.change(|table| table.purge(now))))
    }
}

impl Default for MemoryApiKeyStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryApiKeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryApiKeyStore")
            .field("capacity", &self.0.capacity)
            .field("len", &self.read(|table| table.keys.len()))
            .finish()
    }
}
