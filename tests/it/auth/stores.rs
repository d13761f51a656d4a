//! Stores that answer late, fail, or tell how often they were asked.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use tower_security::auth::api_key::{
    ApiKeyDigest, ApiKeyId, ApiKeyRecord, ApiKeyStore, MemoryApiKeyStore,
};
use tower_security::auth::session::{MemorySessionStore, SessionKey, SessionRecord, SessionStore};
use tower_security::core::{Lookup, StoreError, StoreErrorKind};

/// So many seconds after a day in 2027.
pub(crate) fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
}

/// The answer of a store that is there.
pub(crate) async fn told<T>(lookup: Lookup<Result<T, StoreError>>) -> T {
    lookup.wait().await.unwrap()
}

/// A store in memory whose every answer may be late or fail. Clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct Odd<S> {
    inner: S,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    is_late: bool,
    fails: AtomicBool,
    /// Fails when it is to note or change something.
    cannot_write: AtomicBool,
    /// Of sessions: the next one that is to end gets another key first.
    renews: AtomicBool,
    reads: AtomicUsize,
    notes: AtomicUsize,
}

pub(crate) type OddSessions = Odd<MemorySessionStore>;
pub(crate) type OddKeys = Odd<MemoryApiKeyStore>;

impl<S> Odd<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self {
            inner,
            state: Arc::default(),
        }
    }

    /// One whose answers are not there at once.
    pub(crate) fn late(inner: S) -> Self {
        let state = State {
            is_late: true,
            ..State::default()
        };
        Self {
            inner,
            state: Arc::new(state),
        }
    }

    pub(crate) fn fail(&self, fails: bool) {
        self.state.fails.store(fails, Ordering::SeqCst);
    }

    pub(crate) fn refuse_writes(&self, refuses: bool) {
        self.state.cannot_write.store(refuses, Ordering::SeqCst);
    }

    /// Gives the next session that is to end another key first, as a request that renews it at the same time does.
    pub(crate) fn renew_first(&self) {
        self.state.renews.store(true, Ordering::SeqCst);
    }

    /// How often it was asked for a record.
    pub(crate) fn reads(&self) -> usize {
        self.state.reads.load(Ordering::SeqCst)
    }

    /// How often it was told that a session is used.
    pub(crate) fn notes(&self) -> usize {
        self.state.notes.load(Ordering::SeqCst)
    }

    fn read<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&S) -> Lookup<Result<T, StoreError>>,
    ) -> Lookup<Result<T, StoreError>> {
        self.state.reads.fetch_add(1, Ordering::SeqCst);
        self.answer(self.state.fails.load(Ordering::SeqCst), ask)
    }

    fn write<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&S) -> Lookup<Result<T, StoreError>>,
    ) -> Lookup<Result<T, StoreError>> {
        let fails = self.state.fails.load(Ordering::SeqCst);
        self.answer(fails || self.state.cannot_write.load(Ordering::SeqCst), ask)
    }

    fn answer<T: Send + 'static>(
        &self,
        fails: bool,
        ask: impl FnOnce(&S) -> Lookup<Result<T, StoreError>>,
    ) -> Lookup<Result<T, StoreError>> {
        let answer = if fails {
            let error = StoreError::new(StoreErrorKind::Timeout, "db-7.internal did not answer");
            Lookup::Ready(Err(error))
        } else {
            ask(&self.inner)
        };
        if self.state.is_late {
            Lookup::pending(async move {
                tokio::task::yield_now().await;
                answer.wait().await
            })
        } else {
            answer
        }
    }
}

impl SessionStore for OddSessions {
    fn load(&self, key: &SessionKey) -> Lookup<Result<Option<SessionRecord>, StoreError>> {
        self.read(|inner| inner.load(key))
    }

    fn create(
        &self,
        key: &SessionKey,
        record: &SessionRecord,
        most: NonZeroU32,
    ) -> Lookup<Result<(), StoreError>> {
        self.write(|inner| inner.create(key, record, most))
    }

    fn touch(
        &self,
        key: &SessionKey,
        seen_at: SystemTime,
        ends_at: SystemTime,
    ) -> Lookup<Result<bool, StoreError>> {
        self.state.notes.fetch_add(1, Ordering::SeqCst);
        self.write(|inner| inner.touch(key, seen_at, ends_at))
    }

    fn rotate(
        &self,
        old: &SessionKey,
        new: &SessionKey,
        record: &SessionRecord,
    ) -> Lookup<Result<bool, StoreError>> {
        self.write(|inner| inner.rotate(old, new, record))
    }

    fn revoke(&self, key: &SessionKey) -> Lookup<Result<bool, StoreError>> {
        if self.state.renews.swap(false, Ordering::SeqCst)
            && let Lookup::Ready(Ok(Some(record))) = self.inner.load(key)
        {
            let renewed = SessionKey::from_bytes([7; 32]);
            let _done = self.inner.rotate(key, &renewed, &record);
        }
        self.write(|inner| inner.revoke(key))
    }

    fn revoke_subject(
        &self,
        subject: &str,
        except: Option<&SessionKey>,
    ) -> Lookup<Result<u64, StoreError>> {
        self.write(|inner| inner.revoke_subject(subject, except))
    }

    fn list(&self, subject: &str) -> Lookup<Result<Vec<(SessionKey, SessionRecord)>, StoreError>> {
        self.read(|inner| inner.list(subject))
    }

    fn purge(&self, now: SystemTime) -> Lookup<Result<u64, StoreError>> {
        self.write(|inner| inner.purge(now))
    }
}

impl ApiKeyStore for OddKeys {
    fn find(&self, id: &ApiKeyId) -> Lookup<Result<Option<ApiKeyRecord>, StoreError>> {
        self.read(|inner| inner.find(id))
    }

    fn create(&self, record: &ApiKeyRecord) -> Lookup<Result<bool, StoreError>> {
        self.write(|inner| inner.create(record))
    }

    fn rotate(
        &self,
        id: &ApiKeyId,
        digest: &ApiKeyDigest,
        previous_until: SystemTime,
    ) -> Lookup<Result<bool, StoreError>> {
        self.write(|inner| inner.rotate(id, digest, previous_until))
    }

    fn revoke(&self, id: &ApiKeyId) -> Lookup<Result<bool, StoreError>> {
        self.write(|inner| inner.revoke(id))
    }

    fn revoke_subject(&self, subject: &str) -> Lookup<Result<u64, StoreError>> {
        self.write(|inner| inner.revoke_subject(subject))
    }

    fn list(&self, subject: &str) -> Lookup<Result<Vec<ApiKeyRecord>, StoreError>> {
        self.read(|inner| inner.list(subject))
    }

    fn purge(&self, now: SystemTime) -> Lookup<Result<u64, StoreError>> {
        self.write(|inner| inner.purge(now))
    }
}
