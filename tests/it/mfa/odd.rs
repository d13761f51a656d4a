//! A store that tells what it was asked, and fails.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use tower_security::core::{Lookup, StoreError, StoreErrorKind};
use tower_security::mfa::{
    Attempt, AttemptLimit, AttemptStore, CodeDigest, EnrolmentId, MemoryMfaStore, RecoveryStore,
    TotpRecord, TotpSecret, TotpStore,
};

/// Clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct Odd {
    inner: MemoryMfaStore,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    calls: Mutex<Vec<&'static str>>,
    fails: Mutex<Option<&'static str>>,
    is_late: AtomicBool,
}

impl Odd {
    pub(crate) fn new(inner: MemoryMfaStore) -> Self {
        Self {
            inner,
            state: Arc::default(),
        }
    }

    /// One whose answers are not there at once.
    pub(crate) fn late(inner: MemoryMfaStore) -> Self {
        let odd = Self::new(inner);
        odd.state.is_late.store(true, Ordering::SeqCst);
        odd
    }

    /// From now on calls of this method fail.
    pub(crate) fn fail(&self, method: &'static str) {
        *self.state.fails.lock().unwrap() = Some(method);
    }

    pub(crate) fn take_calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.state.calls.lock().unwrap())
    }

    fn call<T: Send + 'static>(
        &self,
        method: &'static str,
        call: impl FnOnce(&MemoryMfaStore) -> Lookup<Result<T, StoreError>>,
    ) -> Lookup<Result<T, StoreError>> {
        self.state.calls.lock().unwrap().push(method);
        if *self.state.fails.lock().unwrap() == Some(method) {
            return Lookup::Ready(Err(StoreError::new(
                StoreErrorKind::Unavailable,
                "db-7.internal",
            )));
        }
        let answer = call(&self.inner);
        if !self.state.is_late.load(Ordering::SeqCst) {
            return answer;
        }
        Lookup::pending(async move {
            tokio::task::yield_now().await;
            answer.wait().await
        })
    }
}

impl AttemptStore for Odd {
    fn begin_attempt(
        &self,
        user: &str,
        now: SystemTime,
        limit: AttemptLimit,
    ) -> Lookup<Result<Attempt, StoreError>> {
        self.call("begin_attempt", |store| {
            store.begin_attempt(user, now, limit)
        })
    }

    fn reset_attempts(&self, user: &str) -> Lookup<Result<(), StoreError>> {
        self.call("reset_attempts", |store| store.reset_attempts(user))
    }
}

impl TotpStore for Odd {
    fn load(&self, user: &str) -> Lookup<Result<Option<TotpRecord>, StoreError>> {
        self.call("load", |store| store.load(user))
    }

    fn enrol(&self, user: &str, secret: &TotpSecret) -> Lookup<Result<(), StoreError>> {
        self.call("enrol", |store| store.enrol(user, secret))
    }

    fn confirm(&self, user: &str, id: &EnrolmentId, step: u64) -> Lookup<Result<bool, StoreError>> {
        self.call("confirm", |store| store.confirm(user, id, step))
    }

    fn consume(&self, user: &str, id: &EnrolmentId, step: u64) -> Lookup<Result<bool, StoreError>> {
        self.call("consume", |store| store.consume(user, id, step))
    }

    fn delete(&self, user: &str) -> Lookup<Result<bool, StoreError>> {
        self.call("delete", |store| store.delete(user))
    }
}

impl RecoveryStore for Odd {
    fn replace_all(&self, user: &str, codes: &[CodeDigest]) -> Lookup<Result<(), StoreError>> {
        self.call("replace_all", |store| store.replace_all(user, codes))
    }

    fn take(&self, user: &str, any_of: &[CodeDigest]) -> Lookup<Result<Option<u32>, StoreError>> {
        self.call("take", |store| store.take(user, any_of))
    }

    fn remaining(&self, user: &str) -> Lookup<Result<u32, StoreError>> {
        self.call("remaining", |store| store.remaining(user))
    }
}

mod contract_of_totp {
    use super::*;

    tower_security::totp_store_contract!(async || {
        let store = Arc::new(Odd::late(MemoryMfaStore::new()));
        (Arc::clone(&store), store)
    });
}

mod contract_of_recovery {
    use super::*;

    tower_security::recovery_store_contract!(async || {
        let store: Arc<Odd> = Arc::new(Odd::late(MemoryMfaStore::new()));
        (Arc::clone(&store), store)
    });
}
