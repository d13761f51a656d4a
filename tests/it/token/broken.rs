//! Stores of revocations that break one promise each, and are found out by the check of that promise.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tower_security::core::contract::{Stores, Tasks};
use tower_security::core::{Lookup, StoreError, StoreErrorKind};
use tower_security::token::revocation_store_contract as contract;
use tower_security::token::{MemoryRevocationStore, Revocation, RevocationStore, TokenRef};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    Away,
    ConfusesKinds,
    CutsIds,
    CutsMoments,
    ForgetsTheLonger,
    IsNotShared,
    PurgesAll,
    RevokesLaterOnes,
    SparesTheUndated,
    WantsEarlierMoments,
}

struct Broken {
    inner: Arc<MemoryRevocationStore>,
    fault: Fault,
}

struct Tokio;

impl Tasks for Tokio {
    async fn run<T: Send + 'static>(
        &self,
        tasks: Vec<impl Future<Output = T> + Send + 'static>,
    ) -> Vec<T> {
        let mut outcomes = Vec::new();
        for task in tasks.into_iter().map(tokio::spawn).collect::<Vec<_>>() {
            outcomes.push(task.await.unwrap());
        }
        outcomes
    }
}

fn stores(fault: Fault) -> Stores<Broken, Tokio> {
    let inner = Arc::new(MemoryRevocationStore::new());
    let other = match fault {
        Fault::IsNotShared => Arc::new(MemoryRevocationStore::new()),
        _ => Arc::clone(&inner),
    };
    let [one, other] = [inner, other].map(|inner| Broken { inner, fault });
    Stores::new(one, other, Tokio)
}

impl Broken {
    fn id<'a>(&self, id: &'a str) -> &'a str {
        match self.fault {
            Fault::CutsIds => id.get(..1).unwrap_or(id),
            _ => id,
        }
    }

    fn until(&self, until: SystemTime) -> SystemTime {
        match self.fault {
            // As one that keeps what it was told last, of which nothing is left after the purge of the check.
            Fault::ForgetsTheLonger => {
                until.min(SystemTime::UNIX_EPOCH + Duration::from_secs(4_102_444_800 + 3_600))
            }
            _ => until,
        }
    }
}

impl RevocationStore for Broken {
    fn check(&self, token: &TokenRef<'_>) -> Lookup<Result<Revocation, StoreError>> {
        let mut token = *token;
        match self.fault {
            Fault::Away => {
                return Lookup::Ready(Err(StoreError::new(StoreErrorKind::Unavailable, "away")));
            }
            Fault::ConfusesKinds => token.session_id = token.token_id,
            Fault::RevokesLaterOnes => token.issued_at = Some(SystemTime::UNIX_EPOCH),
            Fault::SparesTheUndated if token.issued_at.is_none() => {
                return Lookup::Ready(Ok(Revocation::Valid));
            }
            _ => {}
        }
        token.token_id = token.token_id.map(|id| self.id(id));
        token.session_id = token.session_id.map(|id| self.id(id));
        token.subject = self.id(token.subject);
        self.inner.check(&token)
    }

    fn revoke_token(&self, token_id: &str, until: SystemTime) -> Lookup<Result<(), StoreError>> {
        self.inner
            .revoke_token(self.id(token_id), self.until(until))
    }

    fn revoke_session(
        &self,
        session_id: &str,
        until: SystemTime,
    ) -> Lookup<Result<(), StoreError>> {
        self.inner
            .revoke_session(self.id(session_id), self.until(until))
    }

    fn revoke_subject(
        &self,
        subject: &str,
        not_before: SystemTime,
        until: SystemTime,
    ) -> Lookup<Result<(), StoreError>> {
        let since = not_before.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let not_before = match self.fault {
            Fault::CutsMoments => SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs()),
            Fault::WantsEarlierMoments => not_before - Duration::from_secs(1),
            _ => not_before,
        };
        self.inner
            .revoke_subject(self.id(subject), not_before, self.until(until))
    }

    fn purge(&self, now: SystemTime) -> Lookup<Result<u64, StoreError>> {
        let now = match self.fault {
            Fault::PurgesAll => now + Duration::from_secs(1 << 40),
            _ => now,
        };
        self.inner.purge(now)
    }
}

/// Which checks find a fault out.
async fn found(fault: Fault) -> Vec<&'static str> {
    let mut found = Vec::new();
    macro_rules! check {
        ($($name:ident)*) => {$(
            if contract::$name(&stores(fault)).await.is_err() {
                found.push(stringify!($name));
            }
        )*};
    }
    check! {
        what_is_revoked_is_refused_and_nothing_else_is
        a_subject_is_revoked_until_a_moment
        ids_of_one_kind_are_not_those_of_another
        nothing_takes_a_revocation_back
        all_that_are_revoked_at_once_are
        any_id_is_revoked
        any_date_is_kept
        a_purge_leaves_what_is_in_force
    }
    found
}

#[tokio::test]
async fn each_fault_is_found_out() {
    assert_eq!(found(Fault::None).await, [""; 0]);
    assert_eq!(found(Fault::Away).await.len(), 8);
    for (fault, check) in [
        (
            Fault::ConfusesKinds,
            "ids_of_one_kind_are_not_those_of_another",
        ),
        (Fault::CutsIds, "any_id_is_revoked"),
        (Fault::CutsMoments, "a_subject_is_revoked_until_a_moment"),
        (Fault::ForgetsTheLonger, "nothing_takes_a_revocation_back"),
        (
            Fault::IsNotShared,
            "what_is_revoked_is_refused_and_nothing_else_is",
        ),
        (Fault::PurgesAll, "a_purge_leaves_what_is_in_force"),
        (Fault::RevokesLaterOnes, "nothing_takes_a_revocation_back"),
        (
            Fault::SparesTheUndated,
            "a_subject_is_revoked_until_a_moment",
        ),
        (
            Fault::WantsEarlierMoments,
            "all_that_are_revoked_at_once_are",
        ),
    ] {
        let found = found(fault).await;
        assert!(found.contains(&check), "{fault:?}: {found:?}");
    }
}
