//! What every store of sessions does.

use std::num::NonZeroU32;
use std::time::SystemTime;

use super::key::SessionKey;
use super::record::SessionRecord;
use super::store::SessionStore;
use crate::core::contract::{
    Stores, Tasks, Violation, at, last_date, present, same, subjects, told,
};
use crate::core::{AuthMethod, Principal};

/// Tests that a [`SessionStore`](crate::auth::session::SessionStore) keeps the promises of the trait, one `#[tokio::test]` for each.
///
/// It takes an async function, or closure, that gives two handles on one store that is empty: two clones of one in memory, two
/// connections to a database. A third part of what it gives, such as a server that was started for the test, is kept until the end
/// of that test. Attributes behind it, as in `(connect, #[ignore = "needs the database"])`, are put on each test. Write it in a module
/// of its own, in a crate whose `tokio` has the features `macros` and `rt-multi-thread`.
///
/// Dates are those of the year 2100, as if the clock of the application said so, and of the end of the year 9999: a store that removes
/// by itself what is over takes the time that is left, or the end, from the record.
///
/// # Example
///
/// ```
/// use tower_security::auth::session::MemorySessionStore;
///
/// tower_security::session_store_contract!(async || {
///     let store = MemorySessionStore::new();
///     (store.clone(), store)
/// });
/// ```
#[macro_export]
macro_rules! session_store_contract {
    ($make:expr $(, #[$attribute:meta])* $(,)?) => {
        $crate::__store_contract! {
            [$($attribute)*] ($make) [$crate::auth::session::contract]
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
    };
}

const MANY: NonZeroU32 = NonZeroU32::MAX;
const HOUR: u64 = 3_600;

fn key(number: u8) -> SessionKey {
    SessionKey::from_bytes([number; 32])
}

/// Logged in so many seconds after the beginning, for an hour.
fn record(subject: &str, seconds: u64) -> SessionRecord {
    let who = Principal::builder(subject)
        .tenant("acme")
        .roles(["admin"])
        .session_id(format!("sid-{seconds}"))
        .expires_at(at(seconds.saturating_add(12 * HOUR)))
        .build();
    SessionRecord::new(&who, at(seconds), at(seconds.saturating_add(HOUR)))
}

async fn create(
    store: &impl SessionStore,
    number: u8,
    record: &SessionRecord,
) -> Result<(), Violation> {
    told(store.create(&key(number), record, MANY)).await
}

async fn is_there(store: &impl SessionStore, number: u8) -> Result<bool, Violation> {
    Ok(told(store.load(&key(number))).await?.is_some())
}

async fn listed(store: &impl SessionStore, subject: &str) -> Result<Vec<SessionKey>, Violation> {
    let all = told(store.list(subject)).await?;
    Ok(all.into_iter().map(|(key, _)| key).collect())
}

type Dates = (SystemTime, SystemTime, SystemTime);

async fn dates(store: &impl SessionStore, number: u8) -> Result<Dates, Violation> {
    let found = told(store.load(&key(number))).await?;
    let found = present("a session that was created", found)?;
    Ok((found.created_at(), found.seen_at(), found.ends_at()))
}

/// # Errors
///
/// What the store does else.
pub async fn what_is_created_is_loaded<S: SessionStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    same(
        "there before it was created",
        is_there(one, 1).await?,
        false,
    )?;
    let made = record("alice", 7);
    create(one, 1, &made).await?;
    for store in [one, other] {
        let found = told(store.load(&key(1))).await?;
        let found = present("what was created", found)?;
        same("its bytes", found.to_bytes(), made.to_bytes())?;
        let who = found.principal();
        same("its subject", who.subject(), "alice")?;
        same("its tenant", who.tenant(), Some("acme"))?;
        same("its method", who.method(), AuthMethod::Session)?;
        same("its session id", who.session_id(), Some("sid-7"))?;
        same("its roles", who.has_role("admin"), true)?;
        let end = Some(at(12 * HOUR + 7));
        same("the end of its principal", who.expires_at(), end)?;
        same(
            "its dates",
            dates(store, 1).await?,
            (at(7), at(7), at(HOUR + 7)),
        )?;
        same("another is there", is_there(store, 2).await?, false)?;
    }
    Ok(())
}

/// # Errors
///
/// What the store does else.
pub async fn a_later_use_is_noted_and_an_earlier_one_is_not<S: SessionStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    let touch = async |store: &S, seconds: u64| {
        let end = at(seconds.saturating_add(HOUR));
        told(store.touch(&key(1), at(seconds), end)).await
    };
    same("a use of what is not there", touch(one, 5).await?, false)?;
    same("there after a use", is_there(one, 1).await?, false)?;
    create(one, 1, &record("alice", 0)).await?;
    let noted = async |seconds: u64| {
        let expected = (at(0), at(seconds), at(seconds.saturating_add(HOUR)));
        same("its dates", dates(other, 1).await?, expected)
    };
    noted(0).await?;
    same("a use", touch(one, 60).await?, true)?;
    noted(60).await?;
    same("an earlier use", touch(other, 59).await?, true)?;
    noted(60).await?;
    same("a later use", touch(other, 61).await?, true)?;
    noted(61).await?;
    stores
        .at_once(|number, store| async move {
            let seconds = u64::from(number).saturating_add(100);
            let end = at(seconds.saturating_add(HOUR));
            told(store.touch(&key(1), at(seconds), end)).await
        })
        .await?;
    // The last of 200 uses.
    noted(299).await?;
    same(
        "the sessions of alice",
        listed(one, "alice").await?,
        [key(1)],
    )
}

/// # Errors
///
/// What the store does else.
pub async fn a_session_is_rotated_once<S: SessionStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    create(one, 250, &record("alice", 0)).await?;
    create(one, 251, &record("alice", 1)).await?;
    let outcomes = stores
        .at_once(|number, store| async move {
            let renewed = record("alice", 2);
            let done = told(store.rotate(&key(250), &key(number), &renewed)).await?;
            Ok((number, done))
        })
        .await?;
    let winners: Vec<u8> = outcomes
        .iter()
        .filter_map(|(number, done)| done.then_some(*number))
        .collect();
    let [winner] = winners[..] else {
        return Err(Violation::new(format!(
            "of 200 that rotate one session: expected one winner, seen {winners:?}"
        )));
    };
    same("the old one is there", is_there(other, 250).await?, false)?;
    for (number, done) in outcomes {
        let what = "there, for who has rotated it and for who has not";
        same(what, is_there(one, number).await?, done)?;
    }
    // As old as it was among the sessions of its subject.
    let left = [key(winner), key(251)];
    same("the sessions of alice", listed(other, "alice").await?, left)
}

/// # Errors
///
/// What the store does else.
pub async fn a_session_is_rotated_or_revoked<S: SessionStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    create(one, 250, &record("alice", 0)).await?;
    let outcomes = stores
        .at_once(|number, store| async move {
            let renewed = record("alice", 2);
            let done = match number % 4 {
                0 | 1 => told(store.rotate(&key(250), &key(number), &renewed)).await?,
                _ => told(store.revoke(&key(250))).await?,
            };
            Ok((number, done))
        })
        .await?;
    let winners: Vec<u8> = outcomes
        .iter()
        .filter_map(|(number, done)| done.then_some(*number))
        .collect();
    let [winner] = winners[..] else {
        return Err(Violation::new(format!(
            "of 200 that rotate or revoke one session: expected one winner, seen {winners:?}"
        )));
    };
    let left = match winner % 4 {
        0 | 1 => vec![key(winner)],
        _ => Vec::new(),
    };
    same("the sessions of alice", listed(other, "alice").await?, left)
}

/// # Errors
///
/// What the store does else.
pub async fn a_rotated_session_goes_to_another_subject<S: SessionStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    create(one, 1, &record("guest", 0)).await?;
    create(one, 2, &record("guest", 1)).await?;
    let done = told(one.rotate(&key(1), &key(3), &record("alice", 2))).await?;
    same("it is rotated", done, true)?;
    same(
        "the sessions of guest",
        listed(other, "guest").await?,
        [key(2)],
    )?;
    same(
        "the sessions of alice",
        listed(other, "alice").await?,
        [key(3)],
    )?;
    let revoked = told(one.revoke_subject("guest", None)).await?;
    same("how many of guest are revoked", revoked, 1)?;
    same("that of alice is there", is_there(other, 3).await?, true)
}

/// # Errors
///
/// What the store does else.
pub async fn what_was_revoked_stays_away<S: SessionStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    create(one, 1, &record("alice", 0)).await?;
    same("it is revoked", told(other.revoke(&key(1))).await?, true)?;
    same(
        "it is revoked again",
        told(one.revoke(&key(1))).await?,
        false,
    )?;
    let touched = told(one.touch(&key(1), at(9), at(HOUR + 9))).await?;
    same("a use of it", touched, false)?;
    let rotated = told(one.rotate(&key(1), &key(2), &record("alice", 9))).await?;
    same("it is rotated", rotated, false)?;
    for store in [one, other] {
        same("it is there", is_there(store, 1).await?, false)?;
        same("its successor is there", is_there(store, 2).await?, false)?;
        same("the sessions of alice", listed(store, "alice").await?, [])?;
    }
    // In its place a new one may be.
    create(one, 1, &record("alice", 10)).await?;
    same(
        "the sessions of alice",
        listed(other, "alice").await?,
        [key(1)],
    )
}

/// # Errors
///
/// What the store does else.
pub async fn a_subject_has_its_own_sessions_alone<S: SessionStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    for number in [1, 2, 3] {
        create(one, number, &record("owner", number.into())).await?;
    }
    create(one, 9, &record("neighbour", 0)).await?;
    let own = [key(1), key(2), key(3)];
    let what = "the sessions of owner, the oldest first";
    same(what, listed(other, "owner").await?, own)?;
    for name in ["owne", "owners", "Owner", "*"] {
        same("the sessions of nobody", listed(other, name).await?, [])?;
    }

    let nobody = told(other.revoke_subject("nobody", None)).await?;
    same("how many of nobody are revoked", nobody, 0)?;
    let revoked = told(other.revoke_subject("owner", Some(&key(2)))).await?;
    same("how many of owner are revoked, but one", revoked, 2)?;
    same(
        "the session that is left",
        listed(one, "owner").await?,
        [key(2)],
    )?;
    same("it is there", is_there(one, 2).await?, true)?;
    same("another is there", is_there(one, 1).await?, false)?;
    // One that is kept has to be the subject's own.
    let revoked = told(one.revoke_subject("owner", Some(&key(9)))).await?;
    same("how many of owner are revoked", revoked, 1)?;
    same("the sessions of owner", listed(other, "owner").await?, [])?;
    let neighbour = listed(other, "neighbour").await?;
    same("the sessions of neighbour", neighbour, [key(9)])
}

/// # Errors
///
/// What the store does else.
pub async fn the_oldest_session_of_a_subject_goes<S: SessionStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    create(one, 9, &record("neighbour", 0)).await?;
    let three = NonZeroU32::MIN.saturating_add(2);
    for number in 1..=5 {
        let made = record("alice", number.into());
        told(one.create(&key(number), &made, three)).await?;
    }
    let left = [key(3), key(4), key(5)];
    same(
        "the last three, the oldest first",
        listed(other, "alice").await?,
        left,
    )?;
    same("the second is there", is_there(other, 2).await?, false)?;
    same("the third is there", is_there(other, 3).await?, true)?;
    told(other.create(&key(6), &record("alice", 6), NonZeroU32::MIN)).await?;
    same("the last", listed(one, "alice").await?, [key(6)])?;
    same(
        "that of the neighbour is there",
        is_there(other, 9).await?,
        true,
    )
}

/// # Errors
///
/// What the store does else.
pub async fn any_subject_is_kept<S: SessionStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    for (number, subject) in (1..).zip(subjects()) {
        create(one, number, &record(&subject, 0)).await?;
    }
    for (number, subject) in (1..).zip(subjects()) {
        let found = told(other.load(&key(number))).await?;
        let found = present(&format!("the session of {subject:?}"), found)?;
        same("its subject", found.principal().subject(), subject.as_str())?;
        let what = format!("the sessions of {subject:?}");
        same(&what, listed(other, &subject).await?, [key(number)])?;
    }
    for subject in subjects() {
        let revoked = told(one.revoke_subject(&subject, None)).await?;
        same(&format!("how many of {subject:?} are revoked"), revoked, 1)?;
    }
    Ok(())
}

/// # Errors
///
/// What the store does else.
pub async fn any_date_is_kept<S: SessionStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    let last = last_date();
    let who = Principal::builder("alice").expires_at(last).build();
    create(one, 1, &SessionRecord::new(&who, at(0), last)).await?;
    same("its dates", dates(other, 1).await?, (at(0), at(0), last))?;
    same("a use", told(one.touch(&key(1), at(1), last)).await?, true)?;
    same("its dates", dates(other, 1).await?, (at(0), at(1), last))?;
    let found = told(other.load(&key(1))).await?;
    let found = present("the session", found)?;
    let end = found.principal().expires_at();
    same("the end of its principal", end, Some(last))
}

/// # Errors
///
/// What the store does else.
pub async fn a_purge_leaves_what_is_not_over<S: SessionStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    for number in [1, 2] {
        create(one, number, &record("alice", u64::from(number))).await?;
    }
    // It was used, and lives longer.
    create(one, 3, &record("alice", 0)).await?;
    let used = told(one.touch(&key(3), at(100), at(HOUR + 100))).await?;
    same("a use", used, true)?;
    let early = told(other.purge(at(HOUR))).await?;
    same("how many are over a second before the first is", early, 0)?;
    same("those that are left", listed(one, "alice").await?.len(), 3)?;
    let removed = told(other.purge(at(HOUR + 1))).await?;
    if removed > 0 {
        same("how many are over", removed, 1)?;
        same("what is over is there", is_there(one, 1).await?, false)?;
    }
    for number in [2, 3] {
        let what = "what is not over is there";
        same(what, is_there(one, number).await?, true)?;
    }
    Ok(())
}
