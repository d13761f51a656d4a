//! The store of revocations in memory: what its contract leaves to it.

use std::time::{Duration, SystemTime};

use tower_security::core::{Clock, Lookup, ManualClock, StoreError, StoreErrorKind};
use tower_security::token::{MemoryRevocationStore, Revocation, RevocationStore, TokenRef};

mod contract {
    use super::*;

    tower_security::revocation_store_contract!(async || {
        let store = MemoryRevocationStore::new();
        (store.clone(), store)
    });
}

/// One that is almost always full.
mod small {
    use super::*;

    tower_security::revocation_store_contract!(async || {
        let store = MemoryRevocationStore::with_clock(201, ManualClock::new());
        (store.clone(), store)
    });
}

const HOUR: Duration = Duration::from_secs(3_600);

#[track_caller]
fn ready<T>(answer: Lookup<Result<T, StoreError>>) -> Result<T, StoreError> {
    match answer {
        Lookup::Ready(answer) => answer,
        Lookup::Pending(_) => panic!("memory answers at once"),
    }
}

fn is_revoked(store: &MemoryRevocationStore, token_id: &str) -> bool {
    let mut token = TokenRef::new("alice");
    token.token_id = Some(token_id);
    ready(store.check(&token)).unwrap() == Revocation::Revoked
}

#[test]
fn a_full_store_says_so_and_forgets_nothing_that_is_in_force() {
    let clock = ManualClock::new();
    let store = MemoryRevocationStore::with_clock(3, clock.clone());
    let end = clock.now() + HOUR;
    let revoke = |id: &str, until: SystemTime| ready(store.revoke_token(id, until));
    assert!(store.is_empty());
    for (id, until) in [("a", end), ("b", end + HOUR), ("c", end + HOUR)] {
        revoke(id, until).unwrap();
    }
    assert_eq!(store.len(), 3);
    let full = |outcome: Result<(), StoreError>| {
        assert_eq!(outcome.unwrap_err().kind(), StoreErrorKind::Full)
    };
    full(revoke("d", end));
    full(ready(store.revoke_session("d", end)));
    full(ready(store.revoke_subject("d", end, end)));
    assert!(["a", "b", "c"].iter().all(|id| is_revoked(&store, id)));
    assert!(!is_revoked(&store, "d"));
    // What is there already needs no room.
    revoke("b", end + HOUR).unwrap();

    clock.advance(HOUR - Duration::from_nanos(1));
    full(revoke("d", end));
    clock.advance(Duration::from_nanos(1));
    revoke("d", end + HOUR).unwrap();
    assert_eq!(store.len(), 3);
    assert!(
        !is_revoked(&store, "a"),
        "no token that it is about is good any more"
    );
    assert!(["b", "c", "d"].iter().all(|id| is_revoked(&store, id)));

    full(ready(
        MemoryRevocationStore::with_capacity(0).revoke_token("a", end),
    ));
}

#[test]
fn a_longer_revocation_outlives_the_end_of_the_first() {
    let store = MemoryRevocationStore::new();
    let end = SystemTime::UNIX_EPOCH + HOUR;
    ready(store.revoke_token("a", end)).unwrap();
    ready(store.revoke_token("a", end + HOUR)).unwrap();
    assert_eq!(store.len(), 1);
    assert_eq!(ready(store.purge(end)).unwrap(), 0);
    assert!(is_revoked(&store, "a"));
    assert_eq!(ready(store.purge(end + HOUR)).unwrap(), 1);
    assert!(!is_revoked(&store, "a"));
    assert!(store.is_empty());
}

#[test]
fn any_capacity_can_be_asked_for() {
    for capacity in [1, 15, 16, 64, 65, 100_000, usize::MAX] {
        let store = MemoryRevocationStore::with_capacity(capacity);
        ready(store.revoke_token("a", SystemTime::UNIX_EPOCH + HOUR)).unwrap();
        assert!(
            is_revoked(&store, "a") && !is_revoked(&store, "b"),
            "{capacity}"
        );
    }
}

#[test]
fn no_purge_hides_what_is_in_force() {
    let store = MemoryRevocationStore::with_capacity(10_000);
    let moment = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    ready(store.revoke_token("kept", moment(1_000_000))).unwrap();
    std::thread::scope(|scope| {
        for thread in 0_u64..2 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..5_000 {
                    let id = format!("{thread}-{number}");
                    ready(store.revoke_token(&id, moment(number))).unwrap();
                    assert!(is_revoked(store, "kept"));
                    let long = format!("long-{id}");
                    if number % 50 == 0 {
                        ready(store.revoke_token(&long, moment(1_000_000))).unwrap();
                        assert!(is_revoked(store, &long));
                        ready(store.purge(moment(number))).unwrap();
                        assert!(is_revoked(store, &long));
                    }
                }
            });
        }
    });
    ready(store.purge(moment(5_000))).unwrap();
    assert_eq!(store.len(), 201);
    for thread in 0..2 {
        for number in (0..5_000).step_by(50) {
            assert!(is_revoked(&store, &format!("long-{thread}-{number}")));
        }
    }
}

#[test]
fn a_store_that_only_checks_revokes_nothing_silently() {
    struct Nobody;

    impl RevocationStore for Nobody {
        fn check(&self, _: &TokenRef<'_>) -> Lookup<Result<Revocation, StoreError>> {
            Lookup::Ready(Ok(Revocation::Valid))
        }
    }

    let end = SystemTime::UNIX_EPOCH + HOUR;
    let store = std::sync::Arc::new(Nobody);
    for outcome in [
        store.revoke_token("a", end),
        store.revoke_session("a", end),
        store.revoke_subject("a", end, end),
    ] {
        assert_eq!(
            ready(outcome).unwrap_err().kind(),
            StoreErrorKind::Unavailable
        );
    }
    assert_eq!(ready(store.purge(end)).unwrap(), 0);
}

/// A wrapped store is the store, in each of its methods.
#[test]
fn an_arc_of_a_store_hands_everything_on() {
    let memory = MemoryRevocationStore::new();
    let store: std::sync::Arc<dyn RevocationStore> = std::sync::Arc::new(memory.clone());
    let store = std::sync::Arc::new(store);
    let end = SystemTime::UNIX_EPOCH + HOUR;
    ready(RevocationStore::revoke_token(&store, "a", end)).unwrap();
    ready(RevocationStore::revoke_session(&store, "b", end)).unwrap();
    ready(RevocationStore::revoke_subject(&store, "c", end, end)).unwrap();
    assert_eq!(memory.len(), 3);
    let mut token = TokenRef::new("bob");
    token.session_id = Some("b");
    assert_eq!(
        ready(RevocationStore::check(&store, &token)).unwrap(),
        Revocation::Revoked
    );
    assert_eq!(ready(RevocationStore::purge(&store, end)).unwrap(), 3);
}
