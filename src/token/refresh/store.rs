//! What a store of refresh tokens does.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::SystemTime;

use super::family::{FamilyId, FamilyRecord, RevokeReason};
use crate::core::{Lookup, StoreError};

/// What became of a [`RefreshStore::replace`].
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "users who wrap a store match all of it, and there is no fourth way"
)]
pub enum Replaced {
    /// Another was faster, or it was revoked: nothing was written. The family as it is.
    Conflict(Box<FamilyRecord>),
    /// There is no such family: nothing was written.
    Missing,
    /// It was written.
    Yes,
}

/// Keeps families of refresh tokens: in memory ([`MemoryRefreshStore`](super::MemoryRefreshStore)), in Redis, in a database of yours.
///
/// A store looks at no clock: whether a family is over is decided by who asks. It holds no token, and nothing that one could be made of.
/// [`refresh_store_contract!`](crate::refresh_store_contract) tests one of yours.
///
/// Each method is one step: two that run at the same time have the effect of one after the other. An error is never taken for
/// "unknown": the client gets a 503.
///
/// In a table of SQL: the id as its key, the subject with an index, [`generation`](FamilyRecord::generation),
/// [`ends_at`](FamilyRecord::ends_at), the two parts of [`revoked`](FamilyRecord::revoked), and all of it as
/// [bytes](FamilyRecord::to_bytes). [`replace`](Self::replace) is `UPDATE .. WHERE id = $1 AND generation = $2 AND revoked_at IS NULL`.
pub trait RefreshStore: Send + Sync + 'static {
    /// Keeps a new family. Of its subject's families the oldest are revoked with [`RevokeReason::Limit`], so that at most `most` are left
    /// that are neither revoked nor over when this one begins; the answer says which. Of those that are revoked or over the oldest go too, so
    /// that one user does not fill the store by logging in and out: with those that go on, a subject has at most four times `most`.
    ///
    /// A store without room answers with [`StoreErrorKind::Full`](crate::core::StoreErrorKind::Full); it never makes room by dropping a
    /// family of somebody else that is alive.
    fn insert(
        &self,
        record: &FamilyRecord,
        most: NonZeroU32,
    ) -> Lookup<Result<Vec<FamilyId>, StoreError>>;

    /// Returns a family, also one that was revoked. One that is over may be returned or not.
    fn get(&self, id: &FamilyId) -> Lookup<Result<Option<FamilyRecord>, StoreError>>;

    /// Writes `record` over the family of the same id, if that is of the generation `expected` and not revoked. Of many that do so at the
    /// same time, one does.
    fn replace(&self, expected: u32, record: &FamilyRecord)
    -> Lookup<Result<Replaced, StoreError>>;

    /// Marks a family as revoked. `false` if there is none, or it was revoked before: the first time and reason stay. From then on nothing
    /// changes it.
    fn revoke(
        &self,
        id: &FamilyId,
        reason: RevokeReason,
        at: SystemTime,
    ) -> Lookup<Result<bool, StoreError>>;

    /// Marks all families of a subject but `except` as revoked, and says which were not before.
    fn revoke_subject(
        &self,
        subject: &str,
        except: Option<&FamilyId>,
        reason: RevokeReason,
        at: SystemTime,
    ) -> Lookup<Result<Vec<FamilyId>, StoreError>>;

    /// Returns the families of a subject, the oldest first, those that are revoked included. Those that are over may be among them.
    fn list(&self, subject: &str) -> Lookup<Result<Vec<FamilyRecord>, StoreError>>;

    /// Removes what is over at `now`, revoked or not, and says how much. A store that does so by itself answers 0.
    fn purge(&self, now: SystemTime) -> Lookup<Result<u64, StoreError>>;
}

impl<S: RefreshStore + ?Sized> RefreshStore for Arc<S> {
    fn insert(
        &self,
        record: &FamilyRecord,
        most: NonZeroU32,
    ) -> Lookup<Result<Vec<FamilyId>, StoreError>> {
        (**self).insert(record, most)
    }

    fn get(&self, id: &FamilyId) -> Lookup<Result<Option<FamilyRecord>, StoreError>> {
        (**self).get(id)
    }

    fn replace(
        &self,
        expected: u32,
        record: &FamilyRecord,
    ) -> Lookup<Result<Replaced, StoreError>> {
        (**self).replace(expected, record)
    }

    fn revoke(
        &self,
        id: &FamilyId,
        reason: RevokeReason,
        at: SystemTime,
    ) -> Lookup<Result<bool, StoreError>> {
        (**self).revoke(id, reason, at)
    }

    fn revoke_subject(
        &self,
        subject: &str,
        except: Option<&FamilyId>,
        reason: RevokeReason,
        at: SystemTime,
    ) -> Lookup<Result<Vec<FamilyId>, StoreError>> {
        (**self).revoke_subject(subject, except, reason, at)
    }

    fn list(&self, subject: &str) -> Lookup<Result<Vec<FamilyRecord>, StoreError>> {
        (**self).list(subject)
    }

    fn purge(&self, now: SystemTime) -> Lookup<Result<u64, StoreError>> {
        (**self).purge(now)
    }
}
