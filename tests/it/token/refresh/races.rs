//! Many at once, and what happens in between.

use std::collections::HashSet;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use tokio::task::JoinSet;
use tower_security::core::{EventName, Lookup, ManualClock, StoreError, StoreErrorKind};
use tower_security::token::{
    FamilyId, FamilyRecord, MemoryRefreshStore, RefreshService, RefreshStore, Replaced,
    RevokeReason,
};

use super::{Desk, Log, WEB, alice, builder, outcome, text};

/// Refreshes one token 100 times at once, and returns the tokens and access tokens that came of it.
pub(crate) async fn hundred(
    services: [RefreshService; 2],
    token: &str,
) -> (HashSet<String>, HashSet<String>) {
    let mut tasks = JoinSet::new();
    for number in 0..100 {
        let service = services[number % 2].clone();
        let token = token.to_owned();
        tasks.spawn(async move { service.refresh(&token, &WEB).await.unwrap() });
    }
    let pairs = tasks.join_all().await;
    assert_eq!(pairs.len(), 100);
    pairs
        .into_iter()
        .map(|pair| {
            let token = pair.refresh_token.expose().clone();
            (token, pair.access_token.into_token().expose().clone())
        })
        .unzip()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_100_refreshes_at_once_there_is_one_successor() {
    for _ in 0..20 {
        let desk = Desk::new();
        let other = builder(desk.store.clone(), &desk.clock)
            .events(desk.log.sink())
            .build()
            .unwrap();
        let first = desk.login().await;
        let (tokens, access) = hundred([desk.service.clone(), other], &first).await;
        assert_eq!(tokens.len(), 1);
        assert_eq!(access.len(), 100, "each is a token of its own");
        let told = desk.log.take();
        let created = told
            .iter()
            .filter(|told| told.name == EventName::AuthnTokenCreated);
        assert_eq!((told.len(), created.count()), (101, 101));
        let rotated = told.iter().filter(|told| told.code == "tokens_refreshed");
        assert_eq!(rotated.count(), 1);
        let row = &desk.store.list("alice").wait().await.unwrap()[0];
        assert_eq!((row.generation(), row.revoked()), (1, None));
        let [second] = tokens.into_iter().collect::<Vec<_>>().try_into().unwrap();
        assert!(desk.refresh(&second).await.is_ok());
    }
}

type Between = Box<dyn FnOnce(&MemoryRefreshStore) + Send>;

/// A store in memory that fails, or in which something happens between the look and the change. Clones share everything.
#[derive(Clone, Default)]
pub(super) struct Odd {
    pub(super) inner: MemoryRefreshStore,
    between: Arc<Mutex<Vec<Between>>>,
    fails: Arc<AtomicBool>,
    cannot_write: Arc<AtomicBool>,
    reads: Arc<AtomicUsize>,
}

impl Odd {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }

    pub(super) fn refuse_writes(&self, refuses: bool) {
        self.cannot_write.store(refuses, Ordering::SeqCst);
    }

    /// How often it was asked for a family.
    pub(super) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    fn before_replacing(&self, act: impl FnOnce(&MemoryRefreshStore) + Send + 'static) {
        self.between.lock().unwrap().push(Box::new(act));
    }

    fn read<T>(
        &self,
        ask: impl FnOnce(&MemoryRefreshStore) -> Lookup<Result<T, StoreError>>,
    ) -> Lookup<Result<T, StoreError>> {
        if self.fails.load(Ordering::SeqCst) {
            let text = "db-7.internal did not answer";
            return Lookup::Ready(Err(StoreError::new(StoreErrorKind::Timeout, text)));
        }
        ask(&self.inner)
    }

    fn write<T>(
        &self,
        ask: impl FnOnce(&MemoryRefreshStore) -> Lookup<Result<T, StoreError>>,
    ) -> Lookup<Result<T, StoreError>> {
        if self.cannot_write.load(Ordering::SeqCst) {
            let text = "read-only";
            return Lookup::Ready(Err(StoreError::new(StoreErrorKind::Unavailable, text)));
        }
        self.read(ask)
    }
}

impl RefreshStore for Odd {
    fn insert(
        &self,
        record: &FamilyRecord,
        most: NonZeroU32,
    ) -> Lookup<Result<Vec<FamilyId>, StoreError>> {
        self.write(|inner| inner.insert(record, most))
    }

    fn get(&self, id: &FamilyId) -> Lookup<Result<Option<FamilyRecord>, StoreError>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.read(|inner| inner.get(id))
    }

    fn replace(
        &self,
        expected: u32,
        record: &FamilyRecord,
    ) -> Lookup<Result<Replaced, StoreError>> {
        let act = self.between.lock().unwrap().pop();
        if let Some(act) = act {
            act(&self.inner);
        }
        self.write(|inner| inner.replace(expected, record))
    }

    fn revoke(
        &self,
        id: &FamilyId,
        reason: RevokeReason,
        at: SystemTime,
    ) -> Lookup<Result<bool, StoreError>> {
        self.write(|inner| inner.revoke(id, reason, at))
    }

    fn revoke_subject(
        &self,
        subject: &str,
        except: Option<&FamilyId>,
        reason: RevokeReason,
        at: SystemTime,
    ) -> Lookup<Result<Vec<FamilyId>, StoreError>> {
        self.write(|inner| inner.revoke_subject(subject, except, reason, at))
    }

    fn list(&self, subject: &str) -> Lookup<Result<Vec<FamilyRecord>, StoreError>> {
        self.read(|inner| inner.list(subject))
    }

    fn purge(&self, now: SystemTime) -> Lookup<Result<u64, StoreError>> {
        self.write(|inner| inner.purge(now))
    }
}

fn row(store: &MemoryRefreshStore) -> FamilyRecord {
    match store.list("alice") {
        Lookup::Ready(rows) => rows.unwrap().remove(0),
        Lookup::Pending(_) => panic!("it is in memory"),
    }
}

#[tokio::test]
async fn who_logs_out_while_a_token_rotates_is_logged_out() {
    let clock = ManualClock::new();
    let store = Odd::new();
    let log = Log::default();
    let service = builder(store.clone(), &clock)
        .events(log.sink())
        .build()
        .unwrap();
    let first = text(service.login(&alice(), &WEB).await);
    store.before_replacing(|store| {
        let row = row(store);
        let _ = store.revoke(&row.id(), RevokeReason::Logout, row.created_at());
    });
    log.take();
    assert_eq!(outcome(service.refresh(&first, &WEB).await), Err("revoked"));
    let rules = log.rules();
    assert_eq!(rules, [(EventName::AuthnLoginFail, "logout".to_owned())]);
    assert_eq!(row(&store.inner).generation(), 0);
}

#[tokio::test]
async fn a_family_that_vanishes_while_a_token_rotates_stays_away() {
    let clock = ManualClock::new();
    let store = Odd::new();
    let service = builder(store.clone(), &clock).build().unwrap();
    let first = text(service.login(&alice(), &WEB).await);
    store.before_replacing(|store| {
        let _ = store.purge(row(store).ends_at());
    });
    assert_eq!(outcome(service.refresh(&first, &WEB).await), Err("unknown"));
    assert!(store.inner.is_empty());
}

/// The one who is overtaken gets what the other got; and one who is overtaken by two rotations has an old token.
#[tokio::test]
async fn who_is_overtaken_gets_the_same_or_is_late() {
    for (overtaken, expected) in [(1, None), (2, Some("reused"))] {
        let clock = ManualClock::new();
        let store = Odd::new();
        let service = builder(store.clone(), &clock).build().unwrap();
        let first = text(service.login(&alice(), &WEB).await);
        let other = builder(store.inner.clone(), &clock).build().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (token, seen_by) = (first.clone(), Arc::clone(&seen));
        store.before_replacing(move |_| {
            let mut token = token;
            for _ in 0..overtaken {
                let pair = now_or_never(other.refresh(&token, &WEB));
                token = text(pair);
                seen_by.lock().unwrap().push(token.clone());
            }
        });
        let outcome = outcome(service.refresh(&first, &WEB).await);
        match expected {
            None => assert_eq!(outcome, Ok(seen.lock().unwrap()[0].clone())),
            Some(error) => assert_eq!(outcome, Err(error)),
        }
    }
}

/// What is in memory is not waited for.
fn now_or_never<T>(future: impl Future<Output = T>) -> T {
    use std::task::{Context, Poll, Waker};
    let mut future = std::pin::pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("it waits"),
    }
}
