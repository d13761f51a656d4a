//! What a session store does.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::SystemTime;

use super::key::SessionKey;
use super::record::SessionRecord;
use crate::core::{Lookup, StoreError};

/// Keeps sessions: in memory ([`MemorySessionStore`](super::MemorySessionStore)), in Redis, in a database of yours.
///
/// [`load`](Self::load) and [`touch`](Self::touch) are asked on the path of a request, the others by handlers that log somebody in or
/// out. A store looks at no clock: whether a session is over is decided by who asks. It holds no secret, since a key is a digest of
/// what the cookie holds.
///
/// Each method is one step: two that run at the same time have the effect of one after the other. An error is never taken for
/// "unknown": the request gets a 503, and the login or logout fails.
pub trait SessionStore: Send + Sync + 'static {
    /// Returns the session of a key. One that is over may be returned or not.
    fn load(&self, key: &SessionKey) -> Lookup<Result<Option<SessionRecord>, StoreError>>;

    /// Keeps a new session. Of its subject's sessions the oldest go, so that at most `most` are left.
    ///
    /// A store without room answers with [`StoreErrorKind::Full`](crate::core::StoreErrorKind::Full); it never makes room by dropping
    /// a session of somebody else.
    fn create(
        &self,
        key: &SessionKey,
        record: &SessionRecord,
        most: NonZeroU32,
    ) -> Lookup<Result<(), StoreError>>;

    /// Notes that a session was used, and until when it may be kept. Earlier than what is noted already, it changes nothing. `false` if
    /// there is no such session: it does not come back.
    fn touch(
        &self,
        key: &SessionKey,
        seen_at: SystemTime,
        ends_at: SystemTime,
    ) -> Lookup<Result<bool, StoreError>>;

    /// Puts a session in the place of another, which is gone from then on. `false`, and nothing is kept, if the old one is not there:
    /// of two that rotate it one wins, and one that was revoked does not come back.
    fn rotate(
        &self,
        old: &SessionKey,
        new: &SessionKey,
        record: &SessionRecord,
    ) -> Lookup<Result<bool, StoreError>>;

    /// Removes a session. `false` if there was none.
    fn revoke(&self, key: &SessionKey) -> Lookup<Result<bool, StoreError>>;

    /// Removes all sessions of a subject but `except`, and says how many.
    fn revoke_subject(
        &self,
        subject: &str,
        except: Option<&SessionKey>,
    ) -> Lookup<Result<u64, StoreError>>;

    /// Returns the sessions of a subject, the oldest first. Those that are over may be among them.
    fn list(&self, subject: &str) -> Lookup<Result<Vec<(SessionKey, SessionRecord)>, StoreError>>;

    /// Removes what is over at `now`, and says how much. A store that does so by itself answers 0.
    fn purge(&self, now: SystemTime) -> Lookup<Result<u64, StoreError>>;
}

impl<S: SessionStore + ?Sized> SessionStore for Arc<S> {
    fn load(&self, key: &SessionKey) -> Lookup<Result<Option<SessionRecord>, StoreError>> {
        (**self).load(key)
    }

    fn create(
        &self,
        key: &SessionKey,
        record: &SessionRecord,
        most: NonZeroU32,
    ) -> Lookup<Result<(), StoreError>> {
        (**self).create(key, record, most)
    }

    fn touch(
        &self,
        key: &SessionKey,
        seen_at: SystemTime,
        ends_at: SystemTime,
    ) -> Lookup<Result<bool, StoreError>> {
        (**self).touch(key, seen_at, ends_at)
    }

    fn rotate(
        &self,
        old: &SessionKey,
        new: &SessionKey,
        record: &SessionRecord,
    ) -> Lookup<Result<bool, StoreError>> {
        (**self).rotate(old, new, record)
    }

    fn revoke(&self, key: &SessionKey) -> Lookup<Result<bool, StoreError>> {
        (**self).revoke(key)
    }

    fn revoke_subject(
        &self,
        subject: &str,
        except: Option<&SessionKey>,
    ) -> Lookup<Result<u64, StoreError>> {
        (**self).revoke_subject(subject, except)
    }

    fn list(&self, subject: &str) -> Lookup<Result<Vec<(SessionKey, SessionRecord)>, StoreError>> {
        (**self).list(subject)
    }

    fn purge(&self, now: SystemTime) -> Lookup<Result<u64, StoreError>> {
        (**self).purge(now)
    }
}
