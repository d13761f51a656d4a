//! `RedisRefreshTokens`: a token that one node has issued is rotated by any.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::LazyLock;
use std::time::SystemTime;

use ::redis::{Script, Value};

use super::call::{Failure, unreadable};
use super::records::{
    Records, Wait, corrupt, decimal, digest, from_hex, hex, is_done, parse_decimal, rest, script,
};
use super::store::RedisStore;
use crate::core::record::{from_millis, millis};
use crate::core::{Lookup, StoreError, StoreErrorKind};
use crate::token::{FamilyId, FamilyRecord, RefreshStore, Replaced, RevokeReason};

static FAMILIES: LazyLock<Script> = script!("refresh_tokens.lua");

/// The record, and when and why it was revoked.
const FIELDS: [&str; 2] = ["r", "x"];

/// Keeps families of refresh tokens on a Redis server (6.2 or later), for all nodes.
///
/// Each change is one script. Families vanish when they are over; how long they live is counted by the server, so that its clock may
/// differ. The server holds digests of secrets: a copy of it lets nobody in. All families live on one node of a cluster.
///
/// A refresh waits at most as long as [`RedisStoreBuilder::timeout`](super::RedisStoreBuilder::timeout) says to find its family, and 250 ms
/// to change it. While the server is away it is answered with 503, and after five failures nobody waits. The server has to keep what it is
/// given: with an eviction policy other than `noeviction` users are logged out, and with a replica that lags behind and is promoted, a token
/// that was rotated may be good again.
///
/// # Example
///
/// ```no_run
/// use tower_security::core::{ConfigErrors, Secret};
/// use tower_security::redis::{RedisRefreshTokens, RedisStore};
/// use tower_security::token::{RefreshService, RevocationStore, TokenIssuer};
///
/// # fn service(
/// #     store: &RedisStore, issuer: TokenIssuer, key: Secret<Vec<u8>>, revoked: impl RevocationStore,
/// # ) -> Result<RefreshService, ConfigErrors> {
/// RefreshService::builder(RedisRefreshTokens::new(store), issuer)
///     .rotation_key("2027-01", key)
///     .revocation(revoked)
///     .build()
/// # }
/// ```
pub struct RedisRefreshTokens(Records);

impl RedisRefreshTokens {
    /// Keeps families on the server of `store`, under its prefix.
    #[must_use]
    pub fn new(store: &RedisStore) -> Self {
        Self(Records::new(store.inner(), "refresh", &FAMILIES))
    }

    fn name(&self, id: &FamilyId) -> String {
        self.0.record(&member(id))
    }
}

/// What a family is called in the set of its subject.
fn member(id: &FamilyId) -> String {
    hex(id.as_bytes())
}

/// Record, generation, end and how long it lives from a date on.
fn written(record: &FamilyRecord, from: SystemTime) -> [Vec<u8>; 4] {
    [
        record.to_bytes(),
        decimal(record.generation().into()),
        decimal(millis(record.ends_at())),
        rest(from, record.ends_at()),
    ]
}

/// When and why, with a blank in between.
fn revocation(reason: RevokeReason, at: SystemTime) -> Vec<u8> {
    format!("{} {reason}", millis(at)).into_bytes()
}

fn read(record: &[u8], revoked: &[u8]) -> Result<FamilyRecord, Failure> {
    let record = FamilyRecord::from_bytes(record).map_err(corrupt)?;
    if revoked.is_empty() {
        return Ok(record);
    }
    let parts = || {
        let (at, reason) = std::str::from_utf8(revoked).ok()?.split_once(' ')?;
        let at = from_millis(parse_decimal(at.as_bytes())?)?;
        Some((RevokeReason::parse(reason)?, at))
    };
    let (reason, at) = parts().ok_or_else(|| unknown("the end of a family"))?;
    Ok(record.into_revoked(reason, at))
}

fn unknown(what: &str) -> Failure {
    let text = format!("{what} that this version has not written");
    corrupt(StoreError::new(StoreErrorKind::Corrupt, text))
}

fn texts(answer: Value) -> Result<Vec<Vec<u8>>, Failure> {
    ::redis::from_redis_value(answer).map_err(|error| unreadable(&error.to_string()))
}

fn ids(answer: Value) -> Result<Vec<FamilyId>, Failure> {
    let id = |member: Vec<u8>| from_hex(&member).map(FamilyId::from_bytes);
    texts(answer)?
        .into_iter()
        .map(|member| id(member).ok_or_else(|| unknown("the id of a family")))
        .collect()
}

fn replaced(answer: Value) -> Result<Replaced, Failure> {
    match &texts(answer)?[..] {
        [] => Ok(Replaced::Missing),
        [_] => Ok(Replaced::Yes),
        [record, revoked, ..] => Ok(Replaced::Conflict(Box::new(read(record, revoked)?))),
    }
}

impl RefreshStore for RedisRefreshTokens {
    fn insert(
        &self,
        record: &FamilyRecord,
        most: NonZeroU32,
    ) -> Lookup<Result<Vec<FamilyId>, StoreError>> {
        let who = record.principal();
        let begin = record.created_at();
        let subject = digest(who.subject());
        let names = vec![self.name(&record.id()), self.0.subject(&subject)];
        let end = who.expires_at().unwrap_or_else(|| record.ends_at());
        let mut arguments = vec![member(&record.id()).into_bytes()];
        arguments.extend(written(record, begin));
        arguments.extend([
            subject.into_bytes(),
            decimal(millis(begin)),
            rest(begin, end),
            decimal(most.get().into()),
            revocation(RevokeReason::Limit, begin),
        ]);
        self.0.run(("insert", Wait::Handler), names, arguments, ids)
    }

    fn get(&self, id: &FamilyId) -> Lookup<Result<Option<FamilyRecord>, StoreError>> {
        self.0
            .fields(&self.name(id), FIELDS, |[record, revoked]| match record {
                Some(record) => read(&record, &revoked.unwrap_or_default()).map(Some),
                None if revoked.is_some() => Err(unknown("a family without its record")),
                None => Ok(None),
            })
    }

    fn replace(
        &self,
        expected: u32,
        record: &FamilyRecord,
    ) -> Lookup<Result<Replaced, StoreError>> {
        let names = vec![self.name(&record.id())];
        let mut arguments = vec![decimal(expected.into())];
        arguments.extend(written(record, record.rotated_at()));
        self.0
            .run(("replace", Wait::Handler), names, arguments, replaced)
    }

    fn revoke(
        &self,
        id: &FamilyId,
        reason: RevokeReason,
        at: SystemTime,
    ) -> Lookup<Result<bool, StoreError>> {
        let names = vec![self.name(id)];
        let arguments = vec![revocation(reason, at)];
        self.0
            .run(("end", Wait::Handler), names, arguments, is_done)
    }

    fn revoke_subject(
        &self,
        subject: &str,
        except: Option<&FamilyId>,
        reason: RevokeReason,
        at: SystemTime,
    ) -> Lookup<Result<Vec<FamilyId>, StoreError>> {
        let names = vec![self.0.subject(&digest(subject))];
        let except = except.map(member).unwrap_or_default();
        let arguments = vec![revocation(reason, at), except.into_bytes()];
        self.0
            .run(("end_all", Wait::Handler), names, arguments, ids)
    }

    fn list(&self, subject: &str) -> Lookup<Result<Vec<FamilyRecord>, StoreError>> {
        self.0.list(subject, FIELDS, |_, [record, revoked]| {
            read(&record, &revoked)
        })
    }

    fn purge(&self, _: SystemTime) -> Lookup<Result<u64, StoreError>> {
        Lookup::Ready(Ok(0))
    }
}

impl fmt::Debug for RedisRefreshTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisRefreshTokens")
            .field("prefix", &self.0.prefix())
            .finish_non_exhaustive()
    }
}
