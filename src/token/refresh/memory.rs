//! Families in the memory of this process.

use std::fmt;
use std::num::NonZeroU32;
use std::time::SystemTime;

use super::family::{FamilyId, FamilyRecord, RevokeReason};
use super::store::{RefreshStore, Replaced};
use crate::core::rows::{Row, Rows, Table};
use crate::core::{Lookup, StoreError};

/// See [`MemoryRefreshStore::new`].
const DEFAULT: usize = 100_000;

/// Keeps families of refresh tokens in the memory of this process: when it ends, all users have to log in again. Clones share them.
///
/// A family takes about 800 bytes, and what its own claims take ([`Grant::claim`]): room is counted in families, not in bytes, so that
/// 100,000 logins with 4 KB of claims each are 500 MB. Grant less, or set a lower capacity. When there is no more room, those that are over make way, and if there are none, nobody can log in: a
/// family that goes on is never dropped for another user's. [`RefreshServiceBuilder::max_families`] bounds what one user can take.
///
/// # Example
///
/// ```
/// use tower_security::token::{MemoryRefreshStore, RefreshStore};
///
/// let store = MemoryRefreshStore::with_capacity(10_000);
/// # let _: &dyn RefreshStore = &store;
/// assert!(store.is_empty());
/// ```
///
/// [`Grant::claim`]: crate::token::Grant::claim
/// [`RefreshServiceBuilder::max_families`]: super::RefreshServiceBuilder::max_families
#[derive(Clone)]
pub struct MemoryRefreshStore(Table<FamilyRecord>);

impl Row for FamilyRecord {
    type Key = FamilyId;
    const KIND: &'static str = "families";

    fn subject(&self) -> &str {
        self.principal().subject()
    }

    fn ends_at(&self) -> Option<SystemTime> {
        Some(self.ends_at())
    }
}

impl MemoryRefreshStore {
    /// Has room for 100,000 families: about 80 MB, if they have no claims of their own.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(DEFAULT)
    }

    /// Has room for so many families. With 0 nobody can log in.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Table::with_capacity(capacity))
    }

    /// Returns how many families there are, those among them that are revoked or over and were not purged yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.read(|rows| rows.len())
    }

    /// Whether there is no family.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// `None` if it is not there, or was revoked before.
fn revoke(
    rows: &mut Rows<FamilyRecord>,
    id: FamilyId,
    reason: RevokeReason,
    at: SystemTime,
) -> Option<FamilyId> {
    let row = rows.get(&id).filter(|row| row.revoked.is_none())?;
    let revoked = row.clone().into_revoked(reason, at);
    rows.replace(&id, id, &revoked).then_some(id)
}

/// Those of them that went on until now.
fn revoke_all(
    rows: &mut Rows<FamilyRecord>,
    ids: &[FamilyId],
    reason: RevokeReason,
    at: SystemTime,
) -> Vec<FamilyId> {
    let revoked = ids.iter().filter_map(|id| revoke(rows, *id, reason, at));
    revoked.collect()
}

/// Those of a subject that are over go, and of those that were revoked the oldest, until at most `most` are left.
fn forget_ended(rows: &mut Rows<FamilyRecord>, subject: &str, most: usize, now: SystemTime) {
    let ended: Vec<_> = rows
        .of(subject)
        .filter(|(_, row)| row.revoked.is_some() && !row.is_over(now))
        .map(|(id, _)| id)
        .collect();
    let first = ended.len().saturating_sub(most);
    let kept = ended.get(first..).unwrap_or_default();
    rows.remove_of(subject, |id, row| {
        !row.is_over(now) && (row.revoked.is_none() || kept.contains(id))
    });
}

impl RefreshStore for MemoryRefreshStore {
    fn insert(
        &self,
        record: &FamilyRecord,
        most: NonZeroU32,
    ) -> Lookup<Result<Vec<FamilyId>, StoreError>> {
        let now = record.created_at;
        let subject = record.principal.subject();
        let most = usize::try_from(most.get()).unwrap_or(usize::MAX);
        Lookup::Ready(self.0.change(|rows| {
            forget_ended(rows, subject, most, now);
            rows.insert(record.id, record, now)?;
            let alive: Vec<_> = rows
                .of(subject)
                .filter(|(_, row)| row.revoked.is_none())
                .map(|(id, _)| id)
                .collect();
            let excess = alive.len().saturating_sub(most);
            let oldest = alive.get(..excess).unwrap_or_default();
            Ok(revoke_all(rows, oldest, RevokeReason::Limit, now))
        }))
    }

    fn get(&self, id: &FamilyId) -> Lookup<Result<Option<FamilyRecord>, StoreError>> {
        Lookup::Ready(Ok(self.0.read(|rows| rows.get(id).cloned())))
    }

    fn replace(
        &self,
        expected: u32,
        record: &FamilyRecord,
    ) -> Lookup<Result<Replaced, StoreError>> {
        Lookup::Ready(Ok(self.0.change(|rows| {
            let Some(row) = rows.get(&record.id) else {
                return Replaced::Missing;
            };
            if row.generation != expected || row.revoked.is_some() {
                return Replaced::Conflict(Box::new(row.clone()));
            }
            rows.replace(&record.id, record.id, record);
            Replaced::Yes
        })))
    }

    fn revoke(
        &self,
        id: &FamilyId,
        reason: RevokeReason,
        at: SystemTime,
    ) -> Lookup<Result<bool, StoreError>> {
        Lookup::Ready(Ok(self
            .0
            .change(|rows| revoke(rows, *id, reason, at).is_some())))
    }

    fn revoke_subject(
        &self,
        subject: &str,
        except: Option<&FamilyId>,
        reason: RevokeReason,
        at: SystemTime,
    ) -> Lookup<Result<Vec<FamilyId>, StoreError>> {
        Lookup::Ready(Ok(self.0.change(|rows| {
            let ids = rows.of(subject).map(|(id, _)| id);
            let others: Vec<_> = ids.filter(|id| Some(id) != except).collect();
            revoke_all(rows, &others, reason, at)
        })))
    }

    fn list(&self, subject: &str) -> Lookup<Result<Vec<FamilyRecord>, StoreError>> {
        Lookup::Ready(Ok(self.0.read(|rows| {
            let own = rows.of(subject);
            own.map(|(_, row)| row.clone()).collect()
        })))
    }

    fn purge(&self, now: SystemTime) -> Lookup<Result<u64, StoreError>> {
        Lookup::Ready(Ok(self.0.change(|rows| rows.purge(now))))
    }
}

impl Default for MemoryRefreshStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryRefreshStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRefreshStore")
            .field("capacity", &self.0.read(|rows| rows.capacity()))
            .field("len", &self.len())
            .finish()
    }
}
