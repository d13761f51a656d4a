//! What every store of API keys does.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::task::JoinSet;
use tower_security::auth::api_key::{ApiKeyDigest, ApiKeyId, ApiKeyRecord, ApiKeyStore};
use tower_security::core::{AuthMethod, Principal};

use super::{SUBJECTS, at, told};

type Store = Arc<dyn ApiKeyStore>;

/// Runs everything. No two parts use the same subject or id.
pub(crate) async fn all(one: Store, other: Store) {
    what_is_created_is_found_and_not_replaced(&one, &other).await;
    a_secret_and_the_one_before_are_known(&one, &other).await;
    what_was_revoked_stays_away(&one, &other).await;
    a_subject_has_its_own_keys_alone(&one, &other).await;
    any_subject_and_date_is_kept(&one, &other).await;
}

fn id(number: u32) -> ApiKeyId {
    format!("{number:012}").parse().unwrap()
}

fn digest(byte: u8) -> ApiKeyDigest {
    ApiKeyDigest::from_bytes([byte; 32])
}

fn record(number: u32, subject: &str) -> ApiKeyRecord {
    let who = Principal::builder(subject)
        .tenant("acme")
        .scopes(["orders:read"])
        .build();
    ApiKeyRecord::new(id(number), &who, at(number.into()), digest(1))
}

async fn is_there(store: &Store, number: u32) -> bool {
    told(store.find(&id(number))).await.is_some()
}

async fn listed(store: &Store, subject: &str) -> Vec<ApiKeyId> {
    let all = told(store.list(subject)).await;
    all.iter().map(ApiKeyRecord::id).collect()
}

async fn what_is_created_is_found_and_not_replaced(one: &Store, other: &Store) {
    assert!(!is_there(one, 1).await);
    let made = record(1, "created");
    assert!(told(one.create(&made)).await);
    assert!(
        !told(other.create(&record(1, "another"))).await,
        "its id is taken"
    );
    for store in [one, other] {
        let found = told(store.find(&id(1))).await.unwrap();
        assert_eq!(found.to_bytes(), made.to_bytes());
        let who = found.principal();
        assert_eq!((who.subject(), who.tenant()), ("created", Some("acme")));
        assert_eq!(who.method(), AuthMethod::ApiKey);
        assert_eq!(who.token_id(), Some("000000000001"));
        assert!(who.has_scope("orders:read"));
        assert_eq!((found.created_at(), who.expires_at()), (at(1), None));
        assert!(listed(store, "another").await.is_empty());
    }
}

async fn a_secret_and_the_one_before_are_known(one: &Store, other: &Store) {
    assert!(!told(one.rotate(&id(2), &digest(2), at(10))).await);
    assert!(!is_there(one, 2).await, "it does not come into being");
    assert!(told(one.create(&record(2, "rotated"))).await);
    assert!(told(other.rotate(&id(2), &digest(2), at(10))).await);
    let found = told(one.find(&id(2))).await.unwrap();
    assert_eq!(found.digest(), &digest(2));
    assert_eq!(found.previous(), Some(&(digest(1), at(10))));
    assert!(told(one.rotate(&id(2), &digest(3), at(20))).await);
    let found = &told(other.list("rotated")).await[0];
    assert_eq!(found.digest(), &digest(3));
    assert_eq!(found.previous(), Some(&(digest(2), at(20))));

    // Of many at the same time, each takes the place of another.
    let mut tasks = JoinSet::new();
    for byte in 10..210 {
        let store = Arc::clone(if byte % 2 == 0 { one } else { other });
        tasks.spawn(async move { told(store.rotate(&id(2), &digest(byte), at(30))).await });
    }
    assert!(tasks.join_all().await.into_iter().all(|done| done));
    let found = told(one.find(&id(2))).await.unwrap();
    let (previous, _) = found.previous().unwrap();
    assert_ne!(found.digest(), previous);
    let is_new = |of: &ApiKeyDigest| (10..210).contains(&of.as_bytes()[0]);
    assert!(is_new(found.digest()) && is_new(previous));
}

async fn what_was_revoked_stays_away(one: &Store, other: &Store) {
    assert!(told(one.create(&record(3, "revoked"))).await);
    assert!(told(other.revoke(&id(3))).await);
    assert!(
        !told(one.revoke(&id(3))).await,
        "the second time there is none"
    );
    assert!(!told(one.rotate(&id(3), &digest(2), at(10))).await);
    for store in [one, other] {
        assert!(!is_there(store, 3).await);
        assert!(listed(store, "revoked").await.is_empty());
    }
}

async fn a_subject_has_its_own_keys_alone(one: &Store, other: &Store) {
    for number in [11, 12, 13] {
        assert!(told(one.create(&record(number, "owner"))).await);
    }
    assert!(told(one.create(&record(14, "neighbour"))).await);
    let own = [id(11), id(12), id(13)];
    assert_eq!(listed(other, "owner").await, own, "the oldest first");
    assert_eq!(told(other.revoke_subject("nobody")).await, 0);
    assert_eq!(told(other.revoke_subject("owner")).await, 3);
    assert!(listed(one, "owner").await.is_empty());
    assert!(!is_there(one, 12).await && is_there(one, 14).await);
}

async fn any_subject_and_date_is_kept(one: &Store, other: &Store) {
    let long = "x".repeat(4_096);
    let subjects = SUBJECTS.into_iter().chain([long.as_str()]);
    for (number, subject) in (20..).zip(subjects.clone()) {
        assert!(told(one.create(&record(number, subject))).await);
    }
    for (number, subject) in (20..).zip(subjects.clone()) {
        assert_eq!(listed(other, subject).await, [id(number)], "{subject:?}");
    }
    for subject in subjects {
        assert_eq!(told(one.revoke_subject(subject)).await, 1, "{subject:?}");
    }

    // The last second of the year 9999, and a millisecond.
    let last = SystemTime::UNIX_EPOCH + Duration::from_millis(253_402_300_799_001);
    let who = Principal::builder("late").expires_at(last).build();
    let late = ApiKeyRecord::new(id(40), &who, at(0), digest(1));
    assert!(told(one.create(&late)).await);
    assert!(told(one.rotate(&id(40), &digest(2), last)).await);
    let found = told(other.find(&id(40))).await.unwrap();
    assert_eq!(found.principal().expires_at(), Some(last));
    assert_eq!(found.previous(), Some(&(digest(1), last)));
}
