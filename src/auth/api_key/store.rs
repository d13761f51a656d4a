//! What a store of API keys does.

use std::sync::Arc;
use std::time::SystemTime;

use super::record::{ApiKeyDigest, ApiKeyRecord};
use super::text::ApiKeyId;
use crate::core::{Lookup, StoreError};

/// Keeps API keys: in memory ([`MemoryApiKeyStore`](super::MemoryApiKeyStore)), in Redis, in a database of yours.
///
/// [`find`](Self::find) is asked on the path of a request, the others by whoever manages keys. A store looks at no clock: whether a key
/// has expired is decided by who asks. It holds digests, never a secret.
///
/// Each method is one step: two that run at the same time have the effect of one after the other. An error is never taken for
/// "unknown": the request gets a 503.
pub trait ApiKeyStore: Send + Sync + 'static {
    /// Returns the key with this id. One that has expired may be returned or not.
    fn find(&self, id: &ApiKeyId) -> Lookup<Result<Option<ApiKeyRecord>, StoreError>>;

    /// Keeps a new key. `false`, and nothing is changed, if there is one with its id.
    fn create(&self, record: &ApiKeyRecord) -> Lookup<Result<bool, StoreError>>;

    /// Gives a key another secret, as [`ApiKeyRecord::rotated`] does: the one that it had is accepted until `previous_until`, which is
    /// 1970 where it is dead at once. `false` if there is no such key: it does not come back.
    fn rotate(
        &self,
        id: &ApiKeyId,
        digest: &ApiKeyDigest,
        previous_until: SystemTime,
    ) -> Lookup<Result<bool, StoreError>>;

    /// Removes a key. `false` if there was none.
    fn revoke(&self, id: &ApiKeyId) -> Lookup<Result<bool, StoreError>>;

    /// Removes all keys of a subject, and says how many.
    fn revoke_subject(&self, subject: &str) -> Lookup<Result<u64, StoreError>>;

    /// Returns the keys of a subject, the oldest first. Those that have expired may be among them.
    fn list(&self, subject: &str) -> Lookup<Result<Vec<ApiKeyRecord>, StoreError>>;

    /// Removes what has expired at `now`, and says how much. A store that does so by itself answers 0.
    fn purge(&self, now: SystemTime) -> Lookup<Result<u64, StoreError>>;
}

impl<S: ApiKeyStore + ?Sized> ApiKeyStore for Arc<S> {
    fn find(&self, id: &ApiKeyId) -> Lookup<Result<Option<ApiKeyRecord>, StoreError>> {
        (**self).find(id)
    }

    fn create(&self, record: &ApiKeyRecord) -> Lookup<Result<bool, StoreError>> {
        (**self).create(record)
    }

    fn rotate(
        &self,
        id: &ApiKeyId,
        digest: &ApiKeyDigest,
        previous_until: SystemTime,
    ) -> Lookup<Result<bool, StoreError>> {
        (**self).rotate(id, digest, previous_until)
    }

    fn revoke(&self, id: &ApiKeyId) -> Lookup<Result<bool, StoreError>> {
        (**self).revoke(id)
    }

    fn revoke_subject(&self, subject: &str) -> Lookup<Result<u64, StoreError>> {
        (**self).revoke_subject(subject)
    }

    fn list(&self, subject: &str) -> Lookup<Result<Vec<ApiKeyRecord>, StoreError>> {
        (**self).list(subject)
    }

    fn purge(&self, now: SystemTime) -> Lookup<Result<u64, StoreError>> {
        (**self).purge(now)
    }
}
