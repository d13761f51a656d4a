//! What every store of refresh tokens does.

use std::num::NonZeroU32;

use super::family::{FamilyId, FamilyRecord, RevokeReason};
use super::store::{RefreshStore, Replaced};
use crate::core::contract::{
    Stores, Tasks, Violation, at, last_date, present, same, subjects, told,
};
use crate::core::{Confirmation, Principal};

/// Tests that a [refresh store](crate::token::RefreshStore) keeps the promises of the trait, one `#[tokio::test]` for each.
///
/// What it takes, and what it needs, is said at [`session_store_contract!`](crate::session_store_contract).
///
/// # Example
///
/// ```
/// use tower_security::token::MemoryRefreshStore;
///
/// tower_security::refresh_store_contract!(async || {
///     let store = MemoryRefreshStore::new();
///     (store.clone(), store)
/// });
/// ```
#[macro_export]
macro_rules! refresh_store_contract {
    ($make:expr $(, #[$attribute:meta])* $(,)?) => {
        $crate::__store_contract! {
            [$($attribute)*] ($make) [$crate::token::refresh_store_contract]
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
    };
}

const MANY: NonZeroU32 = NonZeroU32::MAX;
const HOUR: u64 = 3_600;

fn id(number: u8) -> FamilyId {
    FamilyId::from_bytes([number; 16])
}

/// Begun so many seconds after the beginning, for an hour.
fn record(number: u8, subject: &str, seconds: u64) -> FamilyRecord {
    let who = Principal::builder(subject)
        .client_id("web")
        .tenant("acme")
        .scopes(["orders:read", "orders:write"])
        .roles(["admin"])
        .acr("aal2")
        .amr(["pwd", "otp"])
        .auth_time(at(seconds))
        .confirmation(Confirmation::JwkSha256([9; 32]))
        .build();
    let end = at(seconds.saturating_add(HOUR));
    FamilyRecord::new(id(number), &who, at(seconds), end)
}

/// The family as it is after a rotation so many seconds after the beginning.
fn next(of: &FamilyRecord, digest: u8, seconds: u64) -> FamilyRecord {
    FamilyRecord {
        generation: of.generation.saturating_add(1),
        previous: Some(of.current),
        current: [digest; 32],
        rotated_at: at(seconds),
        idle_until: at(seconds.saturating_add(HOUR)),
        absolute_until: at(12 * HOUR),
        ..of.clone()
    }
}

async fn insert(store: &impl RefreshStore, record: &FamilyRecord) -> Result<(), Violation> {
    let ended = told(store.insert(record, MANY)).await?;
    same("families that were revoked for it", ended, Vec::new())
}

async fn get(store: &impl RefreshStore, number: u8) -> Result<FamilyRecord, Violation> {
    let found = told(store.get(&id(number))).await?;
    present("a family that was inserted", found)
}

async fn replace(
    store: &impl RefreshStore,
    expected: u32,
    record: &FamilyRecord,
) -> Result<&'static str, Violation> {
    Ok(match told(store.replace(expected, record)).await? {
        Replaced::Conflict(_) => "conflict",
        Replaced::Missing => "missing",
        Replaced::Yes => "replaced",
    })
}

/// The families of a subject, and which of them go on.
async fn listed(
    store: &impl RefreshStore,
    subject: &str,
) -> Result<Vec<(FamilyId, bool)>, Violation> {
    let all = told(store.list(subject)).await?;
    let families = all.iter().map(|row| (row.id, row.revoked.is_none()));
    Ok(families.collect())
}

/// # Errors
///
/// What the store does else.
pub async fn what_is_inserted_is_found<S: RefreshStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    let before = told(one.get(&id(1))).await?;
    same("there before it was inserted", before.is_some(), false)?;
    let made = record(1, "alice", 7);
    insert(one, &made).await?;
    for store in [one, other] {
        let found = get(store, 1).await?;
        same("its bytes", found.to_bytes(), made.to_bytes())?;
        let who = found.principal();
        same("its subject", who.subject(), "alice")?;
        same("its client", who.client_id(), Some("web"))?;
        let bound = Some(Confirmation::JwkSha256([9; 32]));
        same("its key", who.confirmation(), bound)?;
        same("its beginning", found.created_at(), at(7))?;
        same("its end", found.ends_at(), at(HOUR + 7))?;
        same("whether it was revoked", found.revoked(), None)?;
        let foreign = told(store.get(&id(2))).await?;
        same("another family", foreign.is_some(), false)?;
    }
    Ok(())
}

/// # Errors
///
/// What the store does else.
pub async fn a_family_is_replaced_by_its_next_generation_alone<S: RefreshStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    let first = record(1, "alice", 0);
    let second = next(&first, 2, 60);
    same(
        "replacing nothing",
        replace(one, 0, &second).await?,
        "missing",
    )?;
    let before = told(other.get(&id(1))).await?;
    same("there by a replacement", before.is_some(), false)?;
    insert(one, &first).await?;
    same(
        "a later generation",
        replace(one, 1, &second).await?,
        "conflict",
    )?;
    same("the row", get(other, 1).await?.to_bytes(), first.to_bytes())?;
    same(
        "the generation",
        replace(one, 0, &second).await?,
        "replaced",
    )?;
    same(
        "the row",
        get(other, 1).await?.to_bytes(),
        second.to_bytes(),
    )?;
    let third = next(&second, 3, 120);
    match told(other.replace(0, &third)).await? {
        Replaced::Conflict(row) => {
            same("the row of a conflict", row.to_bytes(), second.to_bytes())?
        }
        Replaced::Missing | Replaced::Yes => {
            return Err(Violation::new("an earlier generation was no conflict"));
        }
    }
    same(
        "the generation",
        replace(other, 1, &third).await?,
        "replaced",
    )?;
    same("the row", get(one, 1).await?.to_bytes(), third.to_bytes())?;
    same("the list", listed(one, "alice").await?, [(id(1), true)])
}

/// # Errors
///
/// What the store does else.
pub async fn of_many_replacements_one_is_made<S: RefreshStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    let first = record(1, "alice", 0);
    insert(one, &first).await?;
    let outcomes = stores
        .at_once(|number, store| {
            let row = next(&first, number, 60);
            async move {
                let replaced = told(store.replace(0, &row)).await?;
                Ok((number, replaced))
            }
        })
        .await?;
    let won = |outcome: &&(u8, Replaced)| matches!(outcome.1, Replaced::Yes);
    let mut winners = outcomes.iter().filter(won).map(|(number, _)| *number);
    let winner = present("one of 200 that has replaced it", winners.next())?;
    same("further ones", winners.count(), 0)?;
    let left = get(other, 1).await?;
    same("the digest that is left", left.current, [winner; 32])?;
    for (number, replaced) in &outcomes {
        match replaced {
            Replaced::Yes => {}
            Replaced::Conflict(row) => {
                same("the row of a conflict", row.current, [winner; 32])?;
            }
            Replaced::Missing => {
                return Err(Violation::new(format!("the family is gone for {number}")));
            }
        }
    }
    Ok(())
}

/// # Errors
///
/// What the store does else.
pub async fn what_was_revoked_is_not_replaced<S: RefreshStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    let first = record(1, "alice", 0);
    insert(one, &first).await?;
    let revoked = told(other.revoke(&id(1), RevokeReason::Reuse, at(60))).await?;
    same("whether it went on", revoked, true)?;
    let second = next(&first, 2, 61);
    match told(one.replace(0, &second)).await? {
        Replaced::Conflict(row) => {
            let why = Some((at(60), RevokeReason::Reuse));
            same("the row of a conflict", row.revoked(), why)?;
        }
        Replaced::Missing | Replaced::Yes => {
            return Err(Violation::new("what was revoked is no conflict"));
        }
    }
    for store in [one, other] {
        let found = get(store, 1).await?;
        same("the generation", found.generation, 0)?;
        let why = Some((at(60), RevokeReason::Reuse));
        same("when and why", found.revoked(), why)?;
    }
    same("the list", listed(one, "alice").await?, [(id(1), false)])
}

/// # Errors
///
/// What the store does else.
pub async fn a_family_is_replaced_or_revoked<S: RefreshStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    let first = record(1, "alice", 0);
    insert(one, &first).await?;
    let outcomes = stores
        .at_once(|number, store| {
            let row = next(&first, 2, 60);
            async move {
                if number == 100 {
                    return told(store.revoke(&id(1), RevokeReason::Logout, at(60))).await;
                }
                let replaced = told(store.replace(0, &row)).await?;
                Ok(matches!(replaced, Replaced::Yes))
            }
        })
        .await?;
    same("whether it was revoked", outcomes.get(100), Some(&true))?;
    let made = outcomes.iter().filter(|done| **done).count();
    let found = get(other, 1).await?;
    let generation = u32::from(made == 2);
    same("replacements beside it", made.saturating_sub(1) <= 1, true)?;
    same("the generation", found.generation, generation)?;
    let why = Some((at(60), RevokeReason::Logout));
    same("when and why", found.revoked(), why)?;
    let third = next(&found, 3, 61);
    same(
        "afterwards",
        replace(one, generation, &third).await?,
        "conflict",
    )
}

/// # Errors
///
/// What the store does else.
pub async fn a_family_is_revoked_once<S: RefreshStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    let nothing = told(one.revoke(&id(1), RevokeReason::Logout, at(1))).await?;
    same("revoking nothing", nothing, false)?;
    insert(one, &record(1, "alice", 0)).await?;
    let outcomes = stores
        .at_once(|_, store| async move {
            told(store.revoke(&id(1), RevokeReason::Logout, at(60))).await
        })
        .await?;
    let done = outcomes.iter().filter(|done| **done).count();
    same("how many of 200 have revoked it", done, 1)?;
    let again = told(other.revoke(&id(1), RevokeReason::Reuse, at(61))).await?;
    same("once more", again, false)?;
    let again = told(one.revoke_subject("alice", None, RevokeReason::Subject, at(62))).await?;
    same("with its subject", again, Vec::new())?;
    let why = Some((at(60), RevokeReason::Logout));
    same("when and why", get(other, 1).await?.revoked(), why)
}

/// # Errors
///
/// What the store does else.
pub async fn a_subject_has_its_own_families_alone<S: RefreshStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    for (number, seconds) in [(1, 0), (2, 1), (3, 2)] {
        insert(one, &record(number, "owner", seconds)).await?;
    }
    insert(one, &record(9, "neighbour", 0)).await?;
    let own = [(id(1), true), (id(2), true), (id(3), true)];
    same("the oldest first", listed(other, "owner").await?, own)?;
    for subject in ["owne", "Owner", "owner "] {
        same("another subject", listed(other, subject).await?, [])?;
    }
    let revoke = async |store: &S, subject: &str, except: Option<u8>| {
        let except = except.map(id);
        let revoked = store.revoke_subject(subject, except.as_ref(), RevokeReason::Subject, at(60));
        let mut revoked = told(revoked).await?;
        revoked.sort_unstable();
        Ok(revoked)
    };
    same("nobody's", revoke(other, "nobody", None).await?, [])?;
    let two = revoke(other, "owner", Some(2)).await?;
    same("all but one", two, [id(1), id(3)])?;
    let left = [(id(1), false), (id(2), true), (id(3), false)];
    same("what is left", listed(one, "owner").await?, left)?;
    let why = Some((at(60), RevokeReason::Subject));
    same("when and why", get(one, 1).await?.revoked(), why)?;
    // One that is kept has to be the subject's own.
    let last = revoke(one, "owner", Some(9)).await?;
    same("the last", last, [id(2)])?;
    same(
        "the neighbour's",
        listed(other, "neighbour").await?,
        [(id(9), true)],
    )
}

/// # Errors
///
/// What the store does else.
pub async fn the_oldest_family_of_a_subject_is_revoked<S: RefreshStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    let three = NonZeroU32::MIN.saturating_add(2);
    insert(one, &record(9, "neighbour", 0)).await?;
    for (number, seconds) in [(1, 0), (2, 1), (3, 2)] {
        let ended = told(one.insert(&record(number, "crowd", seconds), three)).await?;
        same("while there is room", ended, [])?;
    }
    let ended = told(other.insert(&record(4, "crowd", 3), three)).await?;
    same("the oldest", ended, [id(1)])?;
    let why = Some((at(3), RevokeReason::Limit));
    same("when and why", get(one, 1).await?.revoked(), why)?;
    same("the second", get(one, 2).await?.revoked(), None)?;
    // What has ended takes no place.
    told(other.revoke(&id(3), RevokeReason::Logout, at(4))).await?;
    let ended = told(one.insert(&record(5, "crowd", 5), three)).await?;
    same("with one that was revoked", ended, [])?;
    let mut ended = told(one.insert(&record(6, "crowd", 6), NonZeroU32::MIN)).await?;
    ended.sort_unstable();
    same("all but the new one", ended, [id(2), id(4), id(5)])?;
    // Nor what is over.
    let later = record(7, "crowd", 2 * HOUR);
    let ended = told(one.insert(&later, NonZeroU32::MIN)).await?;
    same("with one that is over", ended, [])?;
    same(
        "the neighbour's",
        listed(other, "neighbour").await?,
        [(id(9), true)],
    )
}

/// # Errors
///
/// What the store does else.
pub async fn logins_of_one_subject_do_not_fill_the_store<S: RefreshStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    let two = NonZeroU32::MIN.saturating_add(1);
    for number in 0..100 {
        let made = record(number, "busy", number.into());
        told(one.insert(&made, two)).await?;
        told(other.revoke(&id(number), RevokeReason::Logout, at(number.into()))).await?;
    }
    let left = listed(other, "busy").await?;
    same("at most 8 of 100 are kept", left.len() <= 8, true)?;
    same("the last is kept", left.last(), Some(&(id(99), false)))
}

/// # Errors
///
/// What the store does else.
pub async fn any_subject_is_kept<S: RefreshStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    for (number, subject) in (1..).zip(subjects()) {
        insert(one, &record(number, &subject, 0)).await?;
    }
    for (number, subject) in (1..).zip(subjects()) {
        let found = get(other, number).await?;
        same("its subject", found.principal().subject(), subject.as_str())?;
        let own = listed(other, &subject).await?;
        same(&format!("those of {subject:?}"), own, [(id(number), true)])?;
    }
    for (number, subject) in (1..).zip(subjects()) {
        let revoked = one.revoke_subject(&subject, None, RevokeReason::Subject, at(1));
        same("revoked", told(revoked).await?, [id(number)])?;
    }
    Ok(())
}

/// # Errors
///
/// What the store does else.
pub async fn any_date_is_kept<S: RefreshStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    let who = Principal::builder("late").auth_time(last_date()).build();
    let first = FamilyRecord::new(id(1), &who, at(0), last_date());
    insert(one, &first).await?;
    let second = FamilyRecord {
        generation: u32::MAX,
        rotated_at: at(1),
        ..first.clone()
    };
    same("the first", replace(other, 0, &second).await?, "replaced")?;
    let found = get(one, 1).await?;
    same("its bytes", found.to_bytes(), second.to_bytes())?;
    let third = next(&first, 3, 1);
    same(
        "the last",
        replace(one, u32::MAX, &third).await?,
        "replaced",
    )?;
    told(other.revoke(&id(1), RevokeReason::Logout, last_date())).await?;
    let why = Some((last_date(), RevokeReason::Logout));
    same("when and why", get(one, 1).await?.revoked(), why)
}

/// # Errors
///
/// What the store does else.
pub async fn a_purge_leaves_what_is_not_over<S: RefreshStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    insert(one, &record(1, "alice", 0)).await?;
    insert(one, &record(2, "alice", 0)).await?;
    let used = next(&record(2, "alice", 0), 2, 60);
    same("the second", replace(one, 0, &used).await?, "replaced")?;
    insert(one, &record(3, "alice", 1)).await?;
    insert(one, &record(4, "alice", 2)).await?;
    told(one.revoke(&id(4), RevokeReason::Logout, at(3))).await?;
    let purged = told(other.purge(at(HOUR))).await?;
    same("at most what is over", purged <= 1, true)?;
    for number in [2, 3, 4] {
        get(one, number).await?;
    }
    let left = listed(one, "alice").await?;
    let left: Vec<_> = left.into_iter().filter(|(of, _)| *of != id(1)).collect();
    same(
        "the list",
        left,
        [(id(2), true), (id(3), true), (id(4), false)],
    )
}
