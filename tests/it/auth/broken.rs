//! Stores that break one promise each, and are found out by the check of that promise.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tower_security::auth::api_key::contract as of_keys;
use tower_security::auth::api_key::{
    ApiKeyDigest, ApiKeyId, ApiKeyRecord, ApiKeyStore, MemoryApiKeyStore,
};
use tower_security::auth::session::contract as of_sessions;
use tower_security::auth::session::{MemorySessionStore, SessionKey, SessionRecord, SessionStore};
use tower_security::core::contract::{Stores, Tasks};
use tower_security::core::{Lookup, Principal, StoreError, StoreErrorKind};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    Away,
    CutsDates,
    CutsSubjects,
    ForgetsNothing,
    IsNotShared,
    KeepsTheOldest,
    ListsTheNewestFirst,
    NotesAnEarlierUse,
    OwnsWhatItKeeps,
    PurgesAll,
    RevokesAll,
    RotatesInTwoSteps,
    RotatesWhatIsNotThere,
}

struct Broken<S> {
    inner: Arc<S>,
    fault: Fault,
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

fn stores<S>(fault: Fault, new: impl Fn() -> S) -> Stores<Broken<S>, Tokio> {
    let one = Arc::new(new());
    let other = match fault {
        Fault::IsNotShared => Arc::new(new()),
        _ => Arc::clone(&one),
    };
    let broken = |inner| Broken { inner, fault };
    Stores::new(broken(one), broken(other), Tokio)
}

/// Runs all checks, and says which of them fail.
macro_rules! failing {
    ($checks:ident, $stores:expr; $($check:ident)*) => {{
        let mut failing = BTreeSet::new();
        $(
            if let Err(violation) = $checks::$check(&$stores).await {
                assert!(!violation.to_string().is_empty());
                failing.insert(stringify!($check));
            }
        )*
        failing
    }};
}

async fn of_session_store(fault: Fault) -> BTreeSet<&'static str> {
    failing! {
        of_sessions, stores(fault, MemorySessionStore::new);
        what_is_created_is_loaded
        a_later_use_is_noted_and_an_earlier_one_is_not
        a_session_is_rotated_once
        a_session_is_rotated_or_revoked
        a_rotated_session_goes_to_another_subject
        what_was_revoked_stays_away
        a_subject_has_its_own_sessions_alone
        the_oldest_session_of_a_subject_goes
        any_subject_is_kept
        any_date_is_kept
        a_purge_leaves_what_is_not_over
    }
}

async fn of_key_store(fault: Fault) -> BTreeSet<&'static str> {
    failing! {
        of_keys, stores(fault, MemoryApiKeyStore::new);
        what_is_created_is_found_and_not_replaced
        a_secret_and_the_one_before_are_known
        of_many_rotations_each_takes_the_place_of_another
        what_was_revoked_stays_away
        a_key_is_revoked_once
        a_subject_has_its_own_keys_alone
        any_subject_is_kept
        any_date_is_kept
        a_purge_leaves_what_has_not_expired
    }
}

#[tokio::test]
async fn each_promise_of_a_session_store_is_checked() {
    assert_eq!(of_session_store(Fault::None).await, BTreeSet::new());
    assert_eq!(of_session_store(Fault::Away).await.len(), 11);
    for (fault, check) in [
        (Fault::CutsDates, "any_date_is_kept"),
        (Fault::CutsSubjects, "any_subject_is_kept"),
        (Fault::ForgetsNothing, "what_was_revoked_stays_away"),
        (Fault::IsNotShared, "what_is_created_is_loaded"),
        (
            Fault::KeepsTheOldest,
            "the_oldest_session_of_a_subject_goes",
        ),
        (
            Fault::ListsTheNewestFirst,
            "a_subject_has_its_own_sessions_alone",
        ),
        (
            Fault::NotesAnEarlierUse,
            "a_later_use_is_noted_and_an_earlier_one_is_not",
        ),
        (Fault::OwnsWhatItKeeps, "what_is_created_is_loaded"),
        (Fault::PurgesAll, "a_purge_leaves_what_is_not_over"),
        (Fault::RevokesAll, "a_subject_has_its_own_sessions_alone"),
        (Fault::RotatesInTwoSteps, "a_session_is_rotated_once"),
        (Fault::RotatesInTwoSteps, "a_session_is_rotated_or_revoked"),
        (Fault::RotatesWhatIsNotThere, "what_was_revoked_stays_away"),
    ] {
        let failing = of_session_store(fault).await;
        assert!(failing.contains(check), "{fault:?}: {failing:?}");
    }
}

#[tokio::test]
async fn each_promise_of_a_key_store_is_checked() {
    assert_eq!(of_key_store(Fault::None).await, BTreeSet::new());
    assert_eq!(of_key_store(Fault::Away).await.len(), 9);
    for (fault, check) in [
        (Fault::CutsDates, "any_date_is_kept"),
        (Fault::CutsSubjects, "any_subject_is_kept"),
        (Fault::ForgetsNothing, "a_key_is_revoked_once"),
        (Fault::ForgetsNothing, "what_was_revoked_stays_away"),
        (
            Fault::IsNotShared,
            "what_is_created_is_found_and_not_replaced",
        ),
        (
            Fault::ListsTheNewestFirst,
            "a_subject_has_its_own_keys_alone",
        ),
        (
            Fault::OwnsWhatItKeeps,
            "what_is_created_is_found_and_not_replaced",
        ),
        (Fault::PurgesAll, "a_purge_leaves_what_has_not_expired"),
        (Fault::RotatesInTwoSteps, "a_key_is_revoked_once"),
        (
            Fault::RotatesInTwoSteps,
            "of_many_rotations_each_takes_the_place_of_another",
        ),
        (
            Fault::RotatesWhatIsNotThere,
            "a_secret_and_the_one_before_are_known",
        ),
    ] {
        let failing = of_key_store(fault).await;
        assert!(failing.contains(check), "{fault:?}: {failing:?}");
    }
}

#[tokio::test]
async fn a_violation_says_what_was_expected_and_what_was_seen() {
    let broken = stores(Fault::ListsTheNewestFirst, MemoryApiKeyStore::new);
    let violation = of_keys::a_subject_has_its_own_keys_alone(&broken).await;
    assert_eq!(
        violation.unwrap_err().to_string(),
        "the keys of owner, the oldest first: \
         expected [ApiKeyId(000000000011), ApiKeyId(000000000012), ApiKeyId(000000000013)], \
         seen [ApiKeyId(000000000013), ApiKeyId(000000000012), ApiKeyId(000000000011)]"
    );
    let away = stores(Fault::Away, MemoryApiKeyStore::new);
    let violation = of_keys::any_date_is_kept(&away).await.unwrap_err();
    assert_eq!(
        violation.to_string(),
        "the store did not answer in time: db-7.internal did not answer"
    );
}

type Answer<T> = Lookup<Result<T, StoreError>>;

impl<S> Broken<S> {
    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    /// A date in seconds of 32 bits.
    fn date(&self, date: SystemTime) -> SystemTime {
        if !self.has(Fault::CutsDates) {
            return date;
        }
        let seconds = date.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let cut = seconds.as_secs() & u64::from(u32::MAX);
        SystemTime::UNIX_EPOCH + Duration::from_secs(cut)
    }

    /// A subject as a string of C.
    fn subject<'a>(&self, subject: &'a str) -> &'a str {
        match subject.split_once('\0') {
            Some((before, _)) if self.has(Fault::CutsSubjects) => before,
            _ => subject,
        }
    }

    fn own(&self, who: &Principal) -> Principal {
        let subject = match self.fault {
            Fault::OwnsWhatItKeeps => "the store",
            _ => self.subject(who.subject()),
        };
        let mut own = Principal::builder(subject)
            .tenant("acme")
            .roles(who.roles())
            .scopes(who.scopes())
            .session_id(who.session_id().unwrap_or_default());
        if let Some(end) = who.expires_at() {
            own = own.expires_at(self.date(end));
        }
        own.build()
    }

    fn answer<T>(&self, answer: Answer<T>) -> Answer<T> {
        if self.has(Fault::Away) {
            let text = "db-7.internal did not answer";
            return Lookup::Ready(Err(StoreError::new(StoreErrorKind::Timeout, text)));
        }
        answer
    }

    /// Lists in the wrong order.
    fn listed<T>(&self, list: Answer<Vec<T>>) -> Answer<Vec<T>> {
        let list = self.answer(list);
        match list {
            Lookup::Ready(Ok(list)) if self.has(Fault::ListsTheNewestFirst) => {
                Lookup::Ready(Ok(list.into_iter().rev().collect()))
            }
            list => list,
        }
    }
}

impl Broken<MemorySessionStore> {
    fn record(&self, record: &SessionRecord) -> SessionRecord {
        let (seen_at, ends_at) = (self.date(record.seen_at()), self.date(record.ends_at()));
        let own = self.own(record.principal());
        SessionRecord::new(&own, self.date(record.created_at()), ends_at).touched(seen_at, ends_at)
    }
}

impl SessionStore for Broken<MemorySessionStore> {
    fn load(&self, key: &SessionKey) -> Answer<Option<SessionRecord>> {
        self.answer(self.inner.load(key))
    }

    fn create(&self, key: &SessionKey, record: &SessionRecord, most: NonZeroU32) -> Answer<()> {
        let most = match self.fault {
            Fault::KeepsTheOldest => NonZeroU32::MAX,
            _ => most,
        };
        self.answer(self.inner.create(key, &self.record(record), most))
    }

    fn touch(&self, key: &SessionKey, seen_at: SystemTime, ends_at: SystemTime) -> Answer<bool> {
        if self.has(Fault::NotesAnEarlierUse)
            && let Lookup::Ready(Ok(Some(record))) = self.inner.load(key)
        {
            return self
                .inner
                .rotate(key, key, &record.touched(seen_at, ends_at));
        }
        let (seen_at, ends_at) = (self.date(seen_at), self.date(ends_at));
        self.answer(self.inner.touch(key, seen_at, ends_at))
    }

    fn rotate(&self, old: &SessionKey, new: &SessionKey, record: &SessionRecord) -> Answer<bool> {
        let record = self.record(record);
        if self.has(Fault::RotatesWhatIsNotThere) {
            let _ = self.inner.revoke(old);
            let _ = self.inner.create(new, &record, NonZeroU32::MAX);
            return Lookup::Ready(Ok(true));
        }
        if !self.has(Fault::RotatesInTwoSteps) {
            return self.answer(self.inner.rotate(old, new, &record));
        }
        let (inner, old, new) = (Arc::clone(&self.inner), *old, *new);
        Lookup::pending(async move {
            if inner.load(&old).wait().await?.is_none() {
                return Ok(false);
            }
            tokio::task::yield_now().await;
            inner.revoke(&old).wait().await?;
            inner.create(&new, &record, NonZeroU32::MAX).wait().await?;
            Ok(true)
        })
    }

    fn revoke(&self, key: &SessionKey) -> Answer<bool> {
        if self.has(Fault::ForgetsNothing) {
            return Lookup::Ready(Ok(true));
        }
        self.answer(self.inner.revoke(key))
    }

    fn revoke_subject(&self, subject: &str, except: Option<&SessionKey>) -> Answer<u64> {
        let except = except.filter(|_| !self.has(Fault::RevokesAll));
        self.answer(self.inner.revoke_subject(self.subject(subject), except))
    }

    fn list(&self, subject: &str) -> Answer<Vec<(SessionKey, SessionRecord)>> {
        self.listed(self.inner.list(self.subject(subject)))
    }

    fn purge(&self, now: SystemTime) -> Answer<u64> {
        let all = Duration::from_secs(86_400 * 365);
        let now = if self.has(Fault::PurgesAll) {
            now + all
        } else {
            now
        };
        self.answer(self.inner.purge(now))
    }
}

impl ApiKeyStore for Broken<MemoryApiKeyStore> {
    fn find(&self, id: &ApiKeyId) -> Answer<Option<ApiKeyRecord>> {
        self.answer(self.inner.find(id))
    }

    fn create(&self, record: &ApiKeyRecord) -> Answer<bool> {
        let who = self.own(record.principal());
        let created = self.date(record.created_at());
        let own = ApiKeyRecord::new(record.id(), &who, created, record.digest().clone());
        self.answer(self.inner.create(&own))
    }

    fn rotate(&self, id: &ApiKeyId, digest: &ApiKeyDigest, until: SystemTime) -> Answer<bool> {
        if self.has(Fault::RotatesWhatIsNotThere) {
            let _ = self.inner.rotate(id, digest, until);
            return Lookup::Ready(Ok(true));
        }
        if !self.has(Fault::RotatesInTwoSteps) {
            return self.answer(self.inner.rotate(id, digest, self.date(until)));
        }
        let (inner, id, digest) = (Arc::clone(&self.inner), *id, digest.clone());
        Lookup::pending(async move {
            let Some(record) = inner.find(&id).wait().await? else {
                return Ok(false);
            };
            tokio::task::yield_now().await;
            inner.revoke(&id).wait().await?;
            inner.create(&record.rotated(digest, until)).wait().await
        })
    }

    fn revoke(&self, id: &ApiKeyId) -> Answer<bool> {
        if self.has(Fault::ForgetsNothing) {
            return Lookup::Ready(Ok(true));
        }
        self.answer(self.inner.revoke(id))
    }

    fn revoke_subject(&self, subject: &str) -> Answer<u64> {
        self.answer(self.inner.revoke_subject(self.subject(subject)))
    }

    fn list(&self, subject: &str) -> Answer<Vec<ApiKeyRecord>> {
        self.listed(self.inner.list(self.subject(subject)))
    }

    fn purge(&self, now: SystemTime) -> Answer<u64> {
        let all = Duration::from_secs(86_400 * 365);
        let now = if self.has(Fault::PurgesAll) {
            now + all
        } else {
            now
        };
        self.answer(self.inner.purge(now))
    }
}
