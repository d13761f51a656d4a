//! The store in memory, and stores that break a promise.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tower_security::core::contract::{Stores, Tasks};
use tower_security::core::{Lookup, Principal, StoreError, StoreErrorKind};
use tower_security::token::refresh_store_contract as checks;
use tower_security::token::{
    FamilyId, FamilyRecord, MemoryRefreshStore, RefreshStore, Replaced, RevokeReason,
};

use super::{Desk, WEB, alice, parts, text};

mod contract {
    use super::*;

    tower_security::refresh_store_contract!(async || {
        let store = MemoryRefreshStore::new();
        (store.clone(), store)
    });
}

/// All that could be read out of a store, as text and as bytes.
pub(crate) fn holds(dump: &[u8], token: &str) -> bool {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    let (family, generation, secret) = parts(token);
    let whole = [&family[..], &generation.to_be_bytes(), &secret].concat();
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let needles = [
        token.as_bytes().to_vec(),
        token.as_bytes()[3..].to_vec(),
        whole,
        secret.to_vec(),
        hex.clone().into_bytes(),
        hex.to_uppercase().into_bytes(),
        URL_SAFE_NO_PAD.encode(secret).into_bytes(),
        STANDARD_NO_PAD.encode(secret).into_bytes(),
    ];
    needles
        .iter()
        .any(|needle| dump.windows(needle.len()).any(|part| part == needle))
}

#[tokio::test]
async fn a_dump_of_the_store_holds_nothing_that_was_issued() {
    let desk = Desk::new();
    let mut tokens = Vec::new();
    for label in ["one", "two"] {
        let pair = desk.service.login(&alice(), &WEB.label(label)).await;
        let mut token = text(pair);
        for _ in 0..20 {
            tokens.push(token.clone());
            token = desk.refresh(&token).await.unwrap();
        }
        tokens.push(token);
    }
    let rows = desk.store.list("alice").wait().await.unwrap();
    let mut dump: Vec<u8> = rows.iter().flat_map(FamilyRecord::to_bytes).collect();
    dump.extend(format!("{rows:?} {:?}", desk.store).into_bytes());
    let contains = |text: &[u8]| dump.windows(text.len()).any(|part| part == text);
    assert!(contains(b"alice") && contains(b"two"), "the dump is one");
    let family = parts(&tokens[0]).0;
    assert!(contains(&family), "and what is in it is found");
    assert_eq!(tokens.len(), 42);
    for token in &tokens {
        assert!(!holds(&dump, token));
        assert!(holds(token.as_bytes(), token));
        assert!(holds(&parts(token).2, token));
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    Away,
    CutsDates,
    CutsSubjects,
    ForgetsTheRevoked,
    IsNotShared,
    KeepsAll,
    ListsTheNewestFirst,
    PurgesAll,
    ReplacesAnyGeneration,
    ReplacesInTwoSteps,
    ReplacesTheRevoked,
    RevokesAgain,
    RevokesAll,
    RevokesTheYoungest,
}

struct Broken {
    inner: MemoryRefreshStore,
    fault: Fault,
}

impl Broken {
    /// The record as it is kept.
    fn kept(&self, record: &FamilyRecord) -> FamilyRecord {
        let who = record.principal();
        match self.fault {
            Fault::CutsSubjects if who.subject().contains('\0') => {
                let subject = who.subject().split('\0').next().unwrap();
                let cut = Principal::builder(subject).build();
                FamilyRecord::new(record.id(), &cut, record.created_at(), record.ends_at())
            }
            Fault::CutsDates if record.ends_at() > UNIX_EPOCH + Duration::from_secs(1 << 33) => {
                let end = UNIX_EPOCH + Duration::from_secs(1 << 32);
                FamilyRecord::new(record.id(), who, record.created_at(), end)
            }
            _ => record.clone(),
        }
    }

    fn away<T>(&self) -> Option<Lookup<Result<T, StoreError>>> {
        let error = StoreError::new(StoreErrorKind::Unavailable, "away");
        (self.fault == Fault::Away).then_some(Lookup::Ready(Err(error)))
    }
}

impl RefreshStore for Broken {
    fn insert(
        &self,
        record: &FamilyRecord,
        most: NonZeroU32,
    ) -> Lookup<Result<Vec<FamilyId>, StoreError>> {
        let record = &self.kept(record);
        if let Some(away) = self.away() {
            return away;
        }
        match self.fault {
            Fault::KeepsAll => self.inner.insert(record, NonZeroU32::MAX),
            Fault::RevokesTheYoungest => {
                let rows = ready(self.inner.list(record.principal().subject()));
                let alive = rows.iter().filter(|row| row.revoked().is_none());
                let alive: Vec<_> = alive.map(FamilyRecord::id).collect();
                let ended = alive.iter().skip(most.get() as usize - 1);
                for id in ended {
                    ready(
                        self.inner
                            .revoke(id, RevokeReason::Limit, record.created_at()),
                    );
                }
                self.inner.insert(record, most)
            }
            _ => self.inner.insert(record, most),
        }
    }

    fn get(&self, id: &FamilyId) -> Lookup<Result<Option<FamilyRecord>, StoreError>> {
        if let Some(away) = self.away() {
            return away;
        }
        self.inner.get(id)
    }

    fn replace(
        &self,
        expected: u32,
        record: &FamilyRecord,
    ) -> Lookup<Result<Replaced, StoreError>> {
        let record = &self.kept(record);
        let found = || ready(self.inner.get(&record.id()));
        match self.fault {
            Fault::ReplacesAnyGeneration => {
                let expected = found().map_or(expected, |row| row.generation());
                self.inner.replace(expected, record)
            }
            Fault::ReplacesTheRevoked => match found() {
                Some(row) if row.generation() == expected && row.revoked().is_some() => {
                    ready(self.inner.insert(record, NonZeroU32::MAX));
                    Lookup::Ready(Ok(Replaced::Yes))
                }
                _ => self.inner.replace(expected, record),
            },
            Fault::ReplacesInTwoSteps => {
                let before = found();
                let (inner, record) = (self.inner.clone(), record.clone());
                Lookup::pending(async move {
                    tokio::task::yield_now().await;
                    match before {
                        Some(row) if row.generation() == expected && row.revoked().is_none() => {
                            inner.insert(&record, NonZeroU32::MAX).wait().await?;
                            Ok(Replaced::Yes)
                        }
                        Some(row) => Ok(Replaced::Conflict(Box::new(row))),
                        None => Ok(Replaced::Missing),
                    }
                })
            }
            _ => self.inner.replace(expected, record),
        }
    }

    fn revoke(
        &self,
        id: &FamilyId,
        reason: RevokeReason,
        at: SystemTime,
    ) -> Lookup<Result<bool, StoreError>> {
        let revoked = self.inner.revoke(id, reason, at);
        match self.fault {
            Fault::RevokesAgain => Lookup::Ready(Ok(ready(self.inner.get(id)).is_some())),
            Fault::ForgetsTheRevoked => {
                ready(
                    self.inner
                        .purge(SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 36)),
                );
                revoked
            }
            _ => revoked,
        }
    }

    fn revoke_subject(
        &self,
        subject: &str,
        except: Option<&FamilyId>,
        reason: RevokeReason,
        at: SystemTime,
    ) -> Lookup<Result<Vec<FamilyId>, StoreError>> {
        let except = except.filter(|_| self.fault != Fault::RevokesAll);
        self.inner.revoke_subject(subject, except, reason, at)
    }

    fn list(&self, subject: &str) -> Lookup<Result<Vec<FamilyRecord>, StoreError>> {
        let mut rows = ready(self.inner.list(subject));
        if self.fault == Fault::ListsTheNewestFirst {
            rows.reverse();
        }
        Lookup::Ready(Ok(rows))
    }

    fn purge(&self, now: SystemTime) -> Lookup<Result<u64, StoreError>> {
        let century = Duration::from_secs(100 * 365 * 24 * 3_600);
        match self.fault {
            Fault::PurgesAll => self.inner.purge(now + century),
            _ => self.inner.purge(now),
        }
    }
}

fn ready<T>(answer: Lookup<Result<T, StoreError>>) -> T {
    match answer {
        Lookup::Ready(answer) => answer.unwrap(),
        Lookup::Pending(_) => panic!("it is in memory"),
    }
}

struct Tokio;

impl Tasks for Tokio {
    async fn run<T: Send + 'static>(
        &self,
        tasks: Vec<impl Future<Output = T> + Send + 'static>,
    ) -> Vec<T> {
        let begun: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
        let mut outcomes = Vec::new();
        for task in begun {
            outcomes.push(task.await.unwrap());
        }
        outcomes
    }
}

macro_rules! failing {
    ($fault:expr; $($check:ident)*) => {{
        let mut failing = BTreeSet::new();
        $(
            let inner = Arc::new(MemoryRefreshStore::new());
            let other = match $fault {
                Fault::IsNotShared => MemoryRefreshStore::new(),
                _ => (*inner).clone(),
            };
            let broken = |inner| Broken { inner, fault: $fault };
            let stores = Stores::new(broken((*inner).clone()), broken(other), Tokio);
            if let Err(violation) = checks::$check(&stores).await {
                assert!(!violation.to_string().is_empty());
                failing.insert(stringify!($check));
            }
        )*
        failing
    }};
}

async fn of(fault: Fault) -> BTreeSet<&'static str> {
    failing! {
        fault;
        what_is_inserted_is_found
        a_family_is_replaced_by_its_next_generation_alone
        of_many_replacements_one_is_made
        what_was_revoked_is_not_replaced
        a_family_is_replaced_or_revoked
        a_family_is_revoked_once
        a_subject_has_its_own_families_alone
        the_oldest_family_of_a_subject_is_revoked
        logins_of_one_subject_do_not_fill_the_store
        any_subject_is_kept
        any_date_is_kept
        a_purge_leaves_what_is_not_over
    }
}

#[tokio::test]
async fn each_promise_is_checked() {
    assert_eq!(of(Fault::None).await, BTreeSet::new());
    assert_eq!(of(Fault::Away).await.len(), 12);
    for (fault, check) in [
        (Fault::CutsDates, "any_date_is_kept"),
        (Fault::CutsSubjects, "any_subject_is_kept"),
        (Fault::ForgetsTheRevoked, "what_was_revoked_is_not_replaced"),
        (Fault::IsNotShared, "what_is_inserted_is_found"),
        (Fault::KeepsAll, "the_oldest_family_of_a_subject_is_revoked"),
        (
            Fault::KeepsAll,
            "logins_of_one_subject_do_not_fill_the_store",
        ),
        (
            Fault::ListsTheNewestFirst,
            "a_subject_has_its_own_families_alone",
        ),
        (Fault::PurgesAll, "a_purge_leaves_what_is_not_over"),
        (
            Fault::ReplacesAnyGeneration,
            "a_family_is_replaced_by_its_next_generation_alone",
        ),
        (
            Fault::ReplacesAnyGeneration,
            "of_many_replacements_one_is_made",
        ),
        (
            Fault::ReplacesInTwoSteps,
            "of_many_replacements_one_is_made",
        ),
        (Fault::ReplacesInTwoSteps, "a_family_is_replaced_or_revoked"),
        (
            Fault::ReplacesTheRevoked,
            "what_was_revoked_is_not_replaced",
        ),
        (Fault::RevokesAgain, "a_family_is_revoked_once"),
        (Fault::RevokesAll, "a_subject_has_its_own_families_alone"),
        (
            Fault::RevokesTheYoungest,
            "the_oldest_family_of_a_subject_is_revoked",
        ),
    ] {
        assert!(of(fault).await.contains(check), "{fault:?}");
    }
}
