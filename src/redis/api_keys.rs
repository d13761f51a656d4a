//! `RedisApiKeys`: a key that is issued or revoked on one node is on all.

use std::fmt;
use std::sync::LazyLock;
use std::time::SystemTime;

use ::redis::Script;

use super::call::Failure;
use super::records::{
    Records, Wait, corrupt, decimal, digest, is_done, parse_decimal, rest, script,
};
use super::store::RedisStore;
use crate::auth::api_key::{ApiKeyDigest, ApiKeyId, ApiKeyRecord, ApiKeyStore};
use crate::core::record::{from_millis, millis};
use crate::core::{Lookup, StoreError, StoreErrorKind};

static API_KEYS: LazyLock<Script> = script!("api_keys.lua");

/// The record, the digest of the secret, that of the one before, until when that is accepted.
const FIELDS: [&str; 4] = ["r", "c", "p", "u"];

/// Keeps API keys on a Redis server (6.2 or later), for all nodes.
///
/// Each change is one script. Keys vanish when they expire; how long they live is counted by the server. It holds digests of secrets,
/// and has to keep what it is given: without persistence, a restart revokes all keys. All keys live on one node of a cluster.
///
/// A request waits as long as [`RedisStoreBuilder::timeout`](super::RedisStoreBuilder::timeout) says, a change 250 ms. While the server is
/// away, requests with a key get a 503, and after five failures nobody waits.
///
/// # Example
///
/// ```no_run
/// use tower_security::auth::api_key::ApiKeyAuth;
/// use tower_security::redis::{RedisApiKeys, RedisStore};
///
/// # fn keys(store: &RedisStore) -> Result<ApiKeyAuth, tower_security::core::ConfigErrors> {
/// ApiKeyAuth::builder(RedisApiKeys::new(store), "sk").build()
/// # }
/// ```
pub struct RedisApiKeys(Records);

impl RedisApiKeys {
    /// Keeps API keys on the server of `store`, under its prefix.
    #[must_use]
    pub fn new(store: &RedisStore) -> Self {
        Self(Records::new(store.inner(), "api_keys", &API_KEYS))
    }

    fn name(&self, id: &ApiKeyId) -> String {
        self.0.record(id.as_str())
    }
}

/// Of a record, the digests as they stand now.
fn read(
    record: &[u8],
    current: &[u8],
    previous: &[u8],
    until: &[u8],
) -> Result<ApiKeyRecord, Failure> {
    let record = ApiKeyRecord::from_bytes(record).map_err(corrupt)?;
    let error = || StoreError::new(StoreErrorKind::Corrupt, "an API key without its digest");
    let digest = |bytes: &[u8]| {
        let bytes = bytes.try_into().map_err(|_| corrupt(error()))?;
        Ok(ApiKeyDigest::from_bytes(bytes))
    };
    let current = digest(current)?;
    if previous.is_empty() && until.is_empty() {
        return Ok(record.with_digests(current, None));
    }
    let until = parse_decimal(until).and_then(from_millis);
    let until = until.ok_or_else(|| corrupt(error()))?;
    Ok(record.with_digests(current, Some((digest(previous)?, until))))
}

impl ApiKeyStore for RedisApiKeys {
    fn find(&self, id: &ApiKeyId) -> Lookup<Result<Option<ApiKeyRecord>, StoreError>> {
        self.0
            .fields(&self.name(id), FIELDS, |fields| match fields {
                [None, None, None, None] => Ok(None),
                fields => {
                    let [record, current, previous, until] = fields.map(Option::unwrap_or_default);
                    read(&record, &current, &previous, &until).map(Some)
                }
            })
    }

    fn create(&self, record: &ApiKeyRecord) -> Lookup<Result<bool, StoreError>> {
        let (id, who) = (record.id(), record.principal());
        let digest = digest(who.subject());
        let names = vec![self.name(&id), self.0.subject(&digest)];
        let mut arguments = vec![
            id.as_str().as_bytes().to_vec(),
            record.to_bytes(),
            record.digest().as_bytes().to_vec(),
            digest.into_bytes(),
            decimal(millis(record.created_at())),
        ];
        if let Some(end) = who.expires_at() {
            arguments.push(rest(record.created_at(), end));
        }
        self.0
            .run(("create", Wait::Handler), names, arguments, is_done)
    }

    fn rotate(
        &self,
        id: &ApiKeyId,
        digest: &ApiKeyDigest,
        previous_until: SystemTime,
    ) -> Lookup<Result<bool, StoreError>> {
        let arguments = vec![digest.as_bytes().to_vec(), decimal(millis(previous_until))];
        let names = vec![self.name(id)];
        self.0
            .run(("rotate", Wait::Handler), names, arguments, is_done)
    }

    fn revoke(&self, id: &ApiKeyId) -> Lookup<Result<bool, StoreError>> {
        self.0.revoke(id.as_str())
    }

    fn revoke_subject(&self, subject: &str) -> Lookup<Result<u64, StoreError>> {
        self.0.forget(subject, None)
    }

    fn list(&self, subject: &str) -> Lookup<Result<Vec<ApiKeyRecord>, StoreError>> {
        self.0
            .list(subject, FIELDS, |_, [record, current, previous, until]| {
                read(&record, &current, &previous, &until)
            })
    }

    fn purge(&self, _: SystemTime) -> Lookup<Result<u64, StoreError>> {
        Lookup::Ready(Ok(0))
    }
}

impl fmt::Debug for RedisApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisApiKeys")
            .field("prefix", &self.0.prefix())
            .finish_non_exhaustive()
    }
}
