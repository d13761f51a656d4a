//! `RedisSessions`: who logs in on one node is logged in on all.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::LazyLock;
use std::time::SystemTime;

use ::redis::Script;

use super::call::Failure;
use super::records::{
    Records, Wait, corrupt, count, decimal, digest, from_hex, hex, is_done, parse_decimal, rest,
    script,
};
use super::store::RedisStore;
use crate::auth::session::{SessionKey, SessionRecord, SessionStore};
use crate::core::record::{from_millis, millis};
use crate::core::{Lookup, StoreError, StoreErrorKind};

static SESSIONS: LazyLock<Script> = script!("sessions.lua");

/// The record, when it was seen, until when it is kept.
const FIELDS: [&str; 3] = ["r", "t", "e"];

/// Keeps sessions on a Redis server (6.2 or later), for all nodes.
///
/// Each change is one script. Sessions vanish when they are over; how long they live is counted by the server, so that its clock may
/// differ. The server holds digests of ids: a copy of it lets nobody in. All sessions live on one node of a cluster.
///
/// A request waits as long as [`RedisStoreBuilder::timeout`](super::RedisStoreBuilder::timeout) says, a login or logout 250 ms. While the
/// server is away, requests with a session get a 503, and after five failures nobody waits. It has to keep what it is given: with an
/// eviction policy other than `noeviction` users are logged out, and sessions of a subject that it has forgotten are not revoked.
///
/// # Example
///
/// ```no_run
/// use tower_security::auth::session::SessionAuth;
/// use tower_security::redis::{RedisSessions, RedisStore};
///
/// # fn sessions(store: &RedisStore) -> Result<SessionAuth, tower_security::core::ConfigErrors> {
/// SessionAuth::builder(RedisSessions::new(store)).build()
/// # }
/// ```
pub struct RedisSessions(Records);

impl RedisSessions {
    /// Keeps sessions on the server of `store`, under its prefix.
    #[must_use]
    pub fn new(store: &RedisStore) -> Self {
        Self(Records::new(store.inner(), "sessions", &SESSIONS))
    }

    fn name(&self, key: &SessionKey) -> String {
        self.0.record(&member(key))
    }
}

/// What a session is called in the set of its subject.
fn member(key: &SessionKey) -> String {
    hex(key.as_bytes())
}

/// What the script is told of a session.
fn arguments(key: &SessionKey, record: &SessionRecord) -> Vec<Vec<u8>> {
    let who = record.principal();
    let end = who.expires_at().unwrap_or_else(|| record.ends_at());
    vec![
        member(key).into_bytes(),
        record.to_bytes(),
        decimal(millis(record.seen_at())),
        decimal(millis(record.ends_at())),
        rest(record.seen_at(), record.ends_at()),
        digest(who.subject()).into_bytes(),
        decimal(millis(record.created_at())),
        rest(record.created_at(), end),
    ]
}

fn read(record: &[u8], seen_at: &[u8], ends_at: &[u8]) -> Result<SessionRecord, Failure> {
    let date = |text| {
        let date = parse_decimal(text).and_then(from_millis);
        let error = || StoreError::new(StoreErrorKind::Corrupt, "a session without its dates");
        date.ok_or_else(|| corrupt(error()))
    };
    let record = SessionRecord::from_bytes(record).map_err(corrupt)?;
    Ok(record.touched(date(seen_at)?, date(ends_at)?))
}

impl SessionStore for RedisSessions {
    fn load(&self, key: &SessionKey) -> Lookup<Result<Option<SessionRecord>, StoreError>> {
        self.0
            .fields(&self.name(key), FIELDS, |fields| match fields {
                [None, None, None] => Ok(None),
                [record, seen_at, ends_at] => {
                    // A part that is missing was not written by the script.
                    let [record, seen_at, ends_at] =
                        [record, seen_at, ends_at].map(Option::unwrap_or_default);
                    read(&record, &seen_at, &ends_at).map(Some)
                }
            })
    }

    fn create(
        &self,
        key: &SessionKey,
        record: &SessionRecord,
        most: NonZeroU32,
    ) -> Lookup<Result<(), StoreError>> {
        let subject = self.0.subject(&digest(record.principal().subject()));
        let mut arguments = arguments(key, record);
        arguments.push(decimal(most.get().into()));
        let names = vec![self.name(key), subject];
        self.0
            .run(("create", Wait::Handler), names, arguments, |answer| {
                count(answer).map(|_| ())
            })
    }

    fn touch(
        &self,
        key: &SessionKey,
        seen_at: SystemTime,
        ends_at: SystemTime,
    ) -> Lookup<Result<bool, StoreError>> {
        let arguments = vec![
            decimal(millis(seen_at)),
            decimal(millis(ends_at)),
            rest(seen_at, ends_at),
        ];
        let names = vec![self.name(key)];
        self.0
            .run(("touch", Wait::Request), names, arguments, is_done)
    }

    fn rotate(
        &self,
        old: &SessionKey,
        new: &SessionKey,
        record: &SessionRecord,
    ) -> Lookup<Result<bool, StoreError>> {
        let subject = self.0.subject(&digest(record.principal().subject()));
        let names = vec![self.name(old), self.name(new), subject];
        let mut all = vec![member(old).into_bytes()];
        all.extend(arguments(new, record));
        self.0.run(("rotate", Wait::Handler), names, all, is_done)
    }

    fn revoke(&self, key: &SessionKey) -> Lookup<Result<bool, StoreError>> {
        self.0.revoke(&member(key))
    }

    fn revoke_subject(
        &self,
        subject: &str,
        except: Option<&SessionKey>,
    ) -> Lookup<Result<u64, StoreError>> {
        self.0.forget(subject, except.map(member))
    }

    fn list(&self, subject: &str) -> Lookup<Result<Vec<(SessionKey, SessionRecord)>, StoreError>> {
        self.0
            .list(subject, FIELDS, |member, [record, seen_at, ends_at]| {
                let key = from_hex(&member).map(SessionKey::from_bytes);
                let error =
                    || StoreError::new(StoreErrorKind::Corrupt, "a session without its key");
                let key = key.ok_or_else(|| corrupt(error()))?;
                Ok((key, read(&record, &seen_at, &ends_at)?))
            })
    }

    fn purge(&self, _: SystemTime) -> Lookup<Result<u64, StoreError>> {
        Lookup::Ready(Ok(0))
    }
}

impl fmt::Debug for RedisSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSessions")
            .field("prefix", &self.0.prefix())
            .finish_non_exhaustive()
    }
}
