//! What every store of sessions does.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::task::JoinSet;
use tower_security::auth::session::{SessionKey, SessionRecord, SessionStore};
use tower_security::core::{AuthMethod, Principal};

use super::{SUBJECTS, at, told};

type Store = Arc<dyn SessionStore>;

const MANY: NonZeroU32 = NonZeroU32::new(1_000).unwrap();

/// Runs everything. No two parts use the same subject or key.
pub(crate) async fn all(one: Store, other: Store) {
    what_is_created_is_loaded(&one, &other).await;
    a_later_use_is_noted_and_an_earlier_one_is_not(&one, &other).await;
    a_session_is_rotated_once(&one, &other).await;
    what_was_revoked_stays_away(&one, &other).await;
    a_subject_has_its_own_sessions_alone(&one, &other).await;
    the_oldest_session_of_a_subject_goes(&one, &other).await;
    any_subject_and_date_is_kept(&one, &other).await;
}

fn key(group: u8, number: u8) -> SessionKey {
    let mut digest = [group; 32];
    digest[31] = number;
    SessionKey::from_bytes(digest)
}

/// Logged in so many seconds after the beginning, for an hour.
fn record(subject: &str, seconds: u64) -> SessionRecord {
    let who = Principal::builder(subject)
        .tenant("acme")
        .roles(["admin"])
        .session_id(format!("sid-{seconds}"))
        .expires_at(at(seconds + 12 * 3_600))
        .build();
    SessionRecord::new(&who, at(seconds), at(seconds + 3_600))
}

async fn is_there(store: &Store, key: &SessionKey) -> bool {
    told(store.load(key)).await.is_some()
}

async fn listed(store: &Store, subject: &str) -> Vec<SessionKey> {
    let all = told(store.list(subject)).await;
    all.into_iter().map(|(key, _)| key).collect()
}

async fn what_is_created_is_loaded(one: &Store, other: &Store) {
    let key_of = |number| key(1, number);
    assert!(!is_there(one, &key_of(1)).await);
    let made = record("created", 7);
    told(one.create(&key_of(1), &made, MANY)).await;
    for store in [one, other] {
        let found = told(store.load(&key_of(1))).await.unwrap();
        assert_eq!(found.to_bytes(), made.to_bytes());
        let who = found.principal();
        assert_eq!((who.subject(), who.tenant()), ("created", Some("acme")));
        assert_eq!(who.method(), AuthMethod::Session);
        assert_eq!(who.session_id(), Some("sid-7"));
        assert!(who.has_role("admin"));
        assert_eq!(who.expires_at(), Some(at(7 + 12 * 3_600)));
        assert_eq!((found.created_at(), found.ends_at()), (at(7), at(3_607)));
        assert!(!is_there(store, &key_of(2)).await);
    }
}

async fn a_later_use_is_noted_and_an_earlier_one_is_not(one: &Store, other: &Store) {
    let of = key(2, 1);
    assert!(!told(one.touch(&of, at(5), at(3_605))).await);
    assert!(!is_there(one, &of).await, "it does not come into being");
    told(one.create(&of, &record("touched", 0), MANY)).await;
    let dates = async || {
        let found = told(other.load(&of)).await.unwrap();
        (found.created_at(), found.seen_at(), found.ends_at())
    };
    assert_eq!(dates().await, (at(0), at(0), at(3_600)));
    assert!(told(one.touch(&of, at(60), at(3_660))).await);
    assert_eq!(dates().await, (at(0), at(60), at(3_660)));
    assert!(told(other.touch(&of, at(59), at(3_659))).await);
    assert_eq!(dates().await, (at(0), at(60), at(3_660)));
    assert!(told(other.touch(&of, at(61), at(3_661))).await);
    assert_eq!(dates().await, (at(0), at(61), at(3_661)));
    assert_eq!(listed(one, "touched").await, [of]);
}

async fn a_session_is_rotated_once(one: &Store, other: &Store) {
    let (first, second) = (key(3, 1), key(3, 2));
    told(one.create(&first, &record("rotated", 0), MANY)).await;
    told(one.create(&second, &record("rotated", 1), MANY)).await;

    let mut tasks = JoinSet::new();
    for number in 10..210 {
        let store = Arc::clone(if number % 2 == 0 { one } else { other });
        tasks.spawn(async move {
            let new = key(3, number);
            let is_mine = told(store.rotate(&first, &new, &record("rotated", 2))).await;
            (new, is_mine)
        });
    }
    let outcomes = tasks.join_all().await;
    let winners: Vec<_> = outcomes.iter().filter(|(_, is_mine)| *is_mine).collect();
    let [(winner, _)] = winners[..] else {
        panic!("{} of 200 have rotated it", winners.len());
    };
    assert!(!is_there(other, &first).await);
    for (new, is_mine) in &outcomes {
        assert_eq!(is_there(one, new).await, *is_mine);
    }
    // As old as it was among the sessions of its subject.
    assert_eq!(listed(other, "rotated").await, [*winner, second]);

    // To another subject it goes with all that belongs to it.
    let third = key(3, 250);
    assert!(told(one.rotate(winner, &third, &record("rotated too", 3))).await);
    assert_eq!(listed(other, "rotated").await, [second]);
    assert_eq!(listed(other, "rotated too").await, [third]);
    assert_eq!(told(one.revoke_subject("rotated", None)).await, 1);
    assert!(is_there(other, &third).await);
}

async fn what_was_revoked_stays_away(one: &Store, other: &Store) {
    let of = key(4, 1);
    told(one.create(&of, &record("revoked", 0), MANY)).await;
    assert!(told(other.revoke(&of)).await);
    assert!(
        !told(one.revoke(&of)).await,
        "the second time there is none"
    );
    assert!(!told(one.touch(&of, at(9), at(3_609))).await);
    assert!(!told(one.rotate(&of, &key(4, 2), &record("revoked", 9))).await);
    for store in [one, other] {
        assert!(!is_there(store, &of).await);
        assert!(!is_there(store, &key(4, 2)).await);
        assert!(listed(store, "revoked").await.is_empty());
    }
    // In its place a new one may be.
    told(one.create(&of, &record("revoked", 10), MANY)).await;
    assert_eq!(listed(other, "revoked").await, [of]);
}

async fn a_subject_has_its_own_sessions_alone(one: &Store, other: &Store) {
    for number in 1..=3 {
        let made = record("owner", number.into());
        told(one.create(&key(5, number), &made, MANY)).await;
    }
    told(one.create(&key(5, 9), &record("neighbour", 0), MANY)).await;
    let own = [key(5, 1), key(5, 2), key(5, 3)];
    assert_eq!(listed(other, "owner").await, own, "the oldest first");
    assert!(listed(other, "owne").await.is_empty());
    assert!(listed(other, "Owner").await.is_empty());

    assert_eq!(told(other.revoke_subject("nobody", None)).await, 0);
    assert_eq!(told(other.revoke_subject("owner", Some(&own[1]))).await, 2);
    assert_eq!(listed(one, "owner").await, [own[1]]);
    assert!(is_there(one, &own[1]).await && !is_there(one, &own[0]).await);
    // One that is kept has to be the subject's own.
    assert_eq!(told(one.revoke_subject("owner", Some(&key(5, 9)))).await, 1);
    assert!(listed(other, "owner").await.is_empty());
    assert_eq!(listed(other, "neighbour").await, [key(5, 9)]);
}

async fn the_oldest_session_of_a_subject_goes(one: &Store, other: &Store) {
    let three = NonZeroU32::new(3).unwrap();
    for number in 1..=5 {
        let made = record("crowd", number.into());
        told(one.create(&key(6, number), &made, three)).await;
    }
    let left = [key(6, 3), key(6, 4), key(6, 5)];
    assert_eq!(listed(other, "crowd").await, left);
    assert!(!is_there(other, &key(6, 1)).await && is_there(other, &key(6, 3)).await);
    told(other.create(&key(6, 6), &record("crowd", 6), NonZeroU32::MIN)).await;
    assert_eq!(listed(one, "crowd").await, [key(6, 6)]);
}

async fn any_subject_and_date_is_kept(one: &Store, other: &Store) {
    let long = "x".repeat(4_096);
    let subjects = SUBJECTS.into_iter().chain([long.as_str()]);
    for (number, subject) in (1..).zip(subjects.clone()) {
        told(one.create(&key(7, number), &record(subject, 0), MANY)).await;
    }
    for (number, subject) in (1..).zip(subjects.clone()) {
        let found = told(other.load(&key(7, number))).await.unwrap();
        assert_eq!(found.principal().subject(), subject);
        assert_eq!(
            listed(other, subject).await,
            [key(7, number)],
            "{subject:?}"
        );
    }
    for subject in subjects {
        assert_eq!(
            told(one.revoke_subject(subject, None)).await,
            1,
            "{subject:?}"
        );
    }

    // The last second of the year 9999, and a millisecond.
    let last = SystemTime::UNIX_EPOCH + Duration::from_millis(253_402_300_799_001);
    let who = Principal::builder("late").expires_at(last).build();
    let late = SessionRecord::new(&who, at(0), last);
    told(one.create(&key(8, 1), &late, MANY)).await;
    assert!(told(one.touch(&key(8, 1), at(1), last)).await);
    let found = told(other.load(&key(8, 1))).await.unwrap();
    assert_eq!((found.seen_at(), found.ends_at()), (at(1), last));
    assert_eq!(found.principal().expires_at(), Some(last));
}
