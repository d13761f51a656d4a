//! Sessions in memory.

use std::num::NonZeroU32;
use std::time::Duration;

use tower_security::auth::session::{MemorySessionStore, SessionKey, SessionRecord, SessionStore};
use tower_security::core::{Principal, StoreErrorKind};

use super::super::stores::{Odd, told};
use super::at;

const MANY: NonZeroU32 = NonZeroU32::new(1_000).unwrap();

fn key(number: u8) -> SessionKey {
    SessionKey::from_bytes([number; 32])
}

fn record(subject: &str, created: u64, ends: u64) -> SessionRecord {
    let who = Principal::builder(subject).build();
    SessionRecord::new(&who, at(created), at(ends))
}

mod contract {
    use super::*;

    tower_security::session_store_contract!(async || {
        let store = MemorySessionStore::new();
        (store.clone(), store)
    });
}

mod contract_of_a_late_one {
    use super::*;

    tower_security::session_store_contract!(async || {
        let store = Odd::late(MemorySessionStore::new());
        (store.clone(), store)
    });
}

#[tokio::test]
async fn what_is_over_makes_way_and_what_lives_does_not() {
    let store = MemorySessionStore::with_capacity(2);
    told(store.create(&key(1), &record("a", 0, 10), MANY)).await;
    told(store.create(&key(2), &record("b", 0, 20), MANY)).await;
    let full = async |number, created| {
        let made = record("c", created, 100);
        let answer = store.create(&key(number), &made, MANY).wait().await;
        answer.map_err(|error| error.kind())
    };
    assert_eq!(full(3, 9).await, Err(StoreErrorKind::Full));
    assert_eq!(store.len(), 2);
    assert_eq!(full(3, 10).await, Ok(()));
    assert!(told(store.load(&key(1))).await.is_none());
    assert!(told(store.list("a")).await.is_empty());
    // One that was used meanwhile lives longer.
    assert!(told(store.touch(&key(2), at(15), at(35))).await);
    assert_eq!(full(4, 34).await, Err(StoreErrorKind::Full));
    assert_eq!(full(4, 35).await, Ok(()));
    // A user's own oldest session makes way for his new one.
    let made = record("c", 36, 100);
    let two = NonZeroU32::new(2).unwrap();
    told(store.create(&key(5), &made, two)).await;
    assert_eq!(store.len(), 2);

    let none = MemorySessionStore::with_capacity(0);
    let refused = none.create(&key(1), &made, MANY).wait().await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Full);
    assert!(none.is_empty());
}

#[tokio::test]
async fn a_purge_removes_what_is_over_alone() {
    let store = MemorySessionStore::new();
    for number in 1..=9 {
        let ends = u64::from(number) * 10;
        told(store.create(&key(number), &record("a", 0, ends), MANY)).await;
    }
    assert_eq!(
        told(store.purge(at(10) - Duration::from_millis(1))).await,
        0
    );
    assert_eq!(told(store.purge(at(30))).await, 3);
    assert_eq!(told(store.purge(at(30))).await, 0);
    let left: Vec<_> = told(store.list("a"))
        .await
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    assert_eq!(left, [4, 5, 6, 7, 8, 9].map(key));
    assert_eq!(store.len(), 6);
}

#[tokio::test]
async fn many_logins_of_one_user_take_no_more_room() {
    let store = MemorySessionStore::with_capacity(1_000);
    let mut digest = [0; 32];
    let twenty = NonZeroU32::new(20).unwrap();
    let made = record("a", 0, 1_000);
    for number in 0..100_000_u32 {
        digest[..4].copy_from_slice(&number.to_le_bytes());
        told(store.create(&SessionKey::from_bytes(digest), &made, twenty)).await;
    }
    assert_eq!(store.len(), 20);
}
