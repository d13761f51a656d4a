//! API keys in the memory of this process.

use std::fmt;
use std::time::SystemTime;

use super::record::{ApiKeyDigest, ApiKeyRecord};
use super::store::ApiKeyStore;
use super::text::ApiKeyId;
use crate::core::rows::{Row, Table};
use crate::core::{Lookup, StoreError};

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
pub struct MemoryApiKeyStore(Table<ApiKeyRecord>);

impl Row for ApiKeyRecord {
    type Key = ApiKeyId;
    const KIND: &'static str = "API keys";

    fn subject(&self) -> &str {
        self.principal().subject()
    }

    fn ends_at(&self) -> Option<SystemTime> {
        self.principal().expires_at()
    }
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
        Self(Table::with_capacity(capacity))
    }
}

impl ApiKeyStore for MemoryApiKeyStore {
    fn find(&self, id: &ApiKeyId) -> Lookup<Result<Option<ApiKeyRecord>, StoreError>> {
        Lookup::Ready(Ok(self.0.read(|rows| rows.get(id).cloned())))
    }

    fn create(&self, record: &ApiKeyRecord) -> Lookup<Result<bool, StoreError>> {
        Lookup::Ready(self.0.change(|rows| {
            if rows.get(&record.id()).is_some() {
                return Ok(false);
            }
            rows.insert(record.id(), record, record.created_at())?;
            Ok(true)
        }))
    }

    fn rotate(
        &self,
        id: &ApiKeyId,
        digest: &ApiKeyDigest,
        previous_until: SystemTime,
    ) -> Lookup<Result<bool, StoreError>> {
        Lookup::Ready(Ok(self.0.change(|rows| {
            let Some(record) = rows.get(id).cloned() else {
                return false;
            };
            rows.replace(id, *id, &record.rotated(digest.clone(), previous_until))
        })))
    }

    fn revoke(&self, id: &ApiKeyId) -> Lookup<Result<bool, StoreError>> {
        Lookup::Ready(Ok(self.0.change(|rows| rows.remove(id))))
    }

    fn revoke_subject(&self, subject: &str) -> Lookup<Result<u64, StoreError>> {
        let removed = self.0.change(|rows| rows.remove_of(subject, |_, _| false));
        Lookup::Ready(Ok(removed))
    }

    fn list(&self, subject: &str) -> Lookup<Result<Vec<ApiKeyRecord>, StoreError>> {
        Lookup::Ready(Ok(self.0.read(|rows| {
            let own = rows.of(subject);
            own.map(|(_, record)| record.clone()).collect()
        })))
    }

    fn purge(&self, now: SystemTime) -> Lookup<Result<u64, StoreError>> {
        Lookup::Ready(Ok(self.0.change(|rows| rows.purge(now))))
    }
}

impl Default for MemoryApiKeyStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryApiKeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (capacity, len) = self.0.read(|rows| (rows.capacity(), rows.len()));
        f.debug_struct("MemoryApiKeyStore")
            .field("capacity", &capacity)
            .field("len", &len)
            .finish()
    }
}
