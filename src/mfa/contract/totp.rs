//! What every store of one-time codes does.

use std::time::SystemTime;

use crate::core::Secret;
use crate::core::contract::{Stores, Tasks, Violation, last_date, present, same, subjects, told};
use crate::mfa::{EnrolmentId, TotpAlgorithm, TotpSecret, TotpStore};

/// Tests that a [`TotpStore`](crate::mfa::TotpStore) keeps the promises of the trait, and of [`AttemptStore`](crate::mfa::AttemptStore),
/// one `#[tokio::test]` for each.
///
/// It takes what [`session_store_contract!`](crate::session_store_contract) takes.
///
/// # Example
///
/// ```
/// use tower_security::mfa::MemoryMfaStore;
///
/// tower_security::totp_store_contract!(async || {
///     let store = MemoryMfaStore::new();
///     (store.clone(), store)
/// });
/// ```
#[macro_export]
macro_rules! totp_store_contract {
    ($make:expr $(, #[$attribute:meta])* $(,)?) => {
        $crate::__store_contract! {
            [$($attribute)*] ($make) [$crate::mfa::contract]
            attempts_count_for_their_window
            attempts_are_charged_one_by_one
            attempts_are_forgotten_when_one_was_right
            attempts_in_the_future_count_as_now
            any_user_has_attempts_of_its_own
            an_enrolment_counts_when_it_is_confirmed
            an_enrolment_takes_the_place_of_the_one_before
            a_step_is_consumed_once
            of_many_one_consumes_a_step
            of_many_one_confirms_an_enrolment
            a_factor_that_was_deleted_stays_away
            any_user_has_a_secret_of_its_own
            any_secret_and_step_is_kept
        }
    };
}

const fn id(number: u8) -> EnrolmentId {
    EnrolmentId::from_bytes([number; 16])
}

fn secret(number: u8) -> Result<TotpSecret, Violation> {
    made(number, &[number; 20])
}

fn made(number: u8, key: &[u8]) -> Result<TotpSecret, Violation> {
    let key = Secret::from(key);
    let secret = TotpSecret::new(id(number), &key, TotpAlgorithm::Sha1, 6);
    secret.map_err(|_| Violation::new("16 to 128 bytes are a secret"))
}

async fn enrol(store: &impl TotpStore, user: &str, number: u8) -> Result<(), Violation> {
    told(store.enrol(user, &secret(number)?)).await
}

async fn confirm(
    store: &impl TotpStore,
    user: &str,
    number: u8,
    step: u64,
) -> Result<bool, Violation> {
    told(store.confirm(user, &id(number), step)).await
}

async fn consume(
    store: &impl TotpStore,
    user: &str,
    number: u8,
    step: u64,
) -> Result<bool, Violation> {
    told(store.consume(user, &id(number), step)).await
}

/// The id of the confirmed secret with its last step, and that of the one that waits.
async fn kept(
    store: &impl TotpStore,
    user: &str,
) -> Result<Option<(Option<(EnrolmentId, u64)>, Option<EnrolmentId>)>, Violation> {
    let record = told(store.load(user)).await?;
    Ok(record.map(|record| {
        let confirmed = record.confirmed();
        (
            confirmed.map(|(secret, step)| (secret.id(), step)),
            record.pending().map(TotpSecret::id),
        )
    }))
}

/// # Errors
///
/// What the store does else.
pub async fn an_enrolment_counts_when_it_is_confirmed<S: TotpStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    same("before", kept(one, "alice").await?, None)?;
    let done = confirm(one, "alice", 1, 10).await?;
    same("what is not there is confirmed", done, false)?;
    enrol(one, "alice", 1).await?;
    let found = kept(other, "alice").await?;
    same("enrolled", found, Some((None, Some(id(1)))))?;
    let done = consume(one, "alice", 1, 10).await?;
    same("a step of what waits is consumed", done, false)?;
    let done = confirm(other, "alice", 2, 10).await?;
    same("another is confirmed", done, false)?;
    let done = confirm(other, "alice", 1, 10).await?;
    same("it is confirmed", done, true)?;
    let found = kept(one, "alice").await?;
    same("confirmed", found, Some((Some((id(1), 10)), None)))?;
    let done = confirm(one, "alice", 1, 11).await?;
    same("it is confirmed again", done, false)?;
    same("a neighbour", kept(one, "bob").await?, None)
}

/// # Errors
///
/// What the store does else.
pub async fn an_enrolment_takes_the_place_of_the_one_before<S: TotpStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    enrol(one, "alice", 1).await?;
    confirm(one, "alice", 1, 10).await?;
    enrol(other, "alice", 2).await?;
    enrol(one, "alice", 3).await?;
    let found = kept(other, "alice").await?;
    same(
        "enrolled again",
        found,
        Some((Some((id(1), 10)), Some(id(3)))),
    )?;
    let done = consume(one, "alice", 1, 11).await?;
    same("a step of the confirmed one is consumed", done, true)?;
    let done = confirm(one, "alice", 2, 9).await?;
    same("one that was replaced is confirmed", done, false)?;
    let done = confirm(other, "alice", 3, 9).await?;
    same("the last one is confirmed", done, true)?;
    let found = kept(one, "alice").await?;
    same("confirmed", found, Some((Some((id(3), 9)), None)))?;
    let done = consume(one, "alice", 1, 12).await?;
    same("a step of the one before is consumed", done, false)
}

/// # Errors
///
/// What the store does else.
pub async fn a_step_is_consumed_once<S: TotpStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    let done = consume(one, "alice", 1, 10).await?;
    same("a step of nobody is consumed", done, false)?;
    enrol(one, "alice", 1).await?;
    confirm(one, "alice", 1, 9).await?;
    let rows = [
        (1, 9, false),
        (1, 10, true),
        (1, 10, false),
        (1, 9, false),
        (2, 11, false),
        (1, 100, true),
        (1, 99, false),
        (1, 101, true),
    ];
    for ((number, step, expected), store) in rows.into_iter().zip([one, other].iter().cycle()) {
        let what = format!("step {step} of enrolment {number} is consumed");
        same(
            &what,
            consume(*store, "alice", number, step).await?,
            expected,
        )?;
    }
    let found = kept(one, "alice").await?;
    same("the last step", found, Some((Some((id(1), 101)), None)))
}

/// # Errors
///
/// What the store does else.
pub async fn of_many_one_consumes_a_step<S: TotpStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, _) = stores.both();
    enrol(one, "alice", 1).await?;
    confirm(one, "alice", 1, 9).await?;
    let outcomes = stores
        .at_once(|_, store| async move { consume(&*store, "alice", 1, 10).await })
        .await?;
    let winners = outcomes.into_iter().filter(|done| *done).count();
    same("how many of 200 have consumed it", winners, 1)
}

/// # Errors
///
/// What the store does else.
pub async fn of_many_one_confirms_an_enrolment<S: TotpStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    enrol(one, "alice", 1).await?;
    let outcomes = stores
        .at_once(
            |number, store| async move { confirm(&*store, "alice", 1, u64::from(number)).await },
        )
        .await?;
    let winners = outcomes.into_iter().zip(0_u64..).filter(|(done, _)| *done);
    let winners: Vec<u64> = winners.map(|(_, step)| step).collect();
    same("how many of 200 have confirmed it", winners.len(), 1)?;
    let step = present("the one that has", winners.first().copied())?;
    let found = kept(other, "alice").await?;
    same("the last step", found, Some((Some((id(1), step)), None)))
}

/// # Errors
///
/// What the store does else.
pub async fn a_factor_that_was_deleted_stays_away<S: TotpStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    let done = told(one.delete("alice")).await?;
    same("what is not there is deleted", done, false)?;
    for user in ["alice", "bob"] {
        enrol(one, user, 1).await?;
        confirm(one, user, 1, 9).await?;
        enrol(one, user, 2).await?;
    }
    same("it is deleted", told(other.delete("alice")).await?, true)?;
    let done = told(one.delete("alice")).await?;
    same("it is deleted again", done, false)?;
    let done = consume(one, "alice", 1, 10).await?;
    same("a step of it is consumed", done, false)?;
    let done = confirm(other, "alice", 2, 10).await?;
    same("what waited is confirmed", done, false)?;
    same("what is left", kept(one, "alice").await?, None)?;
    enrol(one, "alice", 3).await?;
    same(
        "what only waits is deleted",
        told(one.delete("alice")).await?,
        true,
    )?;
    let neighbour = kept(other, "bob").await?;
    same(
        "a neighbour",
        neighbour,
        Some((Some((id(1), 9)), Some(id(2)))),
    )
}

/// # Errors
///
/// What the store does else.
pub async fn any_user_has_a_secret_of_its_own<S: TotpStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    for (number, user) in (1..).zip(subjects()) {
        enrol(one, &user, number).await?;
    }
    for (number, user) in (1..).zip(subjects()) {
        let done = confirm(other, &user, number, number.into()).await?;
        same(&format!("that of {user:?} is confirmed"), done, true)?;
    }
    for (number, user) in (1..).zip(subjects()) {
        let expected = Some((Some((id(number), u64::from(number))), None));
        same(
            &format!("that of {user:?}"),
            kept(one, &user).await?,
            expected,
        )?;
        let done = told(other.delete(&user)).await?;
        same(&format!("that of {user:?} is deleted"), done, true)?;
    }
    Ok(())
}

/// # Errors
///
/// What the store does else.
pub async fn any_secret_and_step_is_kept<S: TotpStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    // All values of a byte, in two keys.
    let low: Vec<u8> = (0..=127).collect();
    let high: Vec<u8> = (128..=255).collect();
    let last = last_date().duration_since(SystemTime::UNIX_EPOCH);
    let last = last.unwrap_or_default().as_secs() / 30;
    for (number, key) in [(0, low), (b'\n', high)] {
        let secret = made(number, &key)?;
        told(one.enrol("alice", &secret)).await?;
        let found = present("what is kept", told(other.load("alice")).await?)?;
        let pending = present("what waits", found.pending())?;
        let is_same = pending.to_bytes() == secret.to_bytes();
        same("what waits has the bytes that it had", is_same, true)?;
        for (step, done) in [(last, false), (0, true)] {
            let number = if done { number } else { 99 };
            let outcome = confirm(other, "alice", number, step).await?;
            same("it is confirmed", outcome, done)?;
        }
        for step in [1, last, last.saturating_add(1)] {
            let what = format!("step {step} is consumed");
            same(&what, consume(one, "alice", number, step).await?, true)?;
            let what = format!("step {step} is consumed again");
            same(&what, consume(other, "alice", number, step).await?, false)?;
        }
        let found = present("what is kept", told(one.load("alice")).await?)?;
        let (confirmed, step) = present("what is confirmed", found.confirmed())?;
        let is_same = confirmed.to_bytes() == secret.to_bytes();
        same("the secret has the bytes that it had", is_same, true)?;
        same("the last step", step, last.saturating_add(1))?;
    }
    Ok(())
}
