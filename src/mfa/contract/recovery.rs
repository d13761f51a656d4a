//! What every store of recovery codes does.

use crate::core::contract::{Stores, Tasks, Violation, same, subjects, told};
use crate::mfa::{CodeDigest, RecoveryStore};

/// Tests that a [`RecoveryStore`](crate::mfa::RecoveryStore) keeps the promises of the trait, and of
/// [`AttemptStore`](crate::mfa::AttemptStore), one `#[tokio::test]` for each.
///
/// It takes what [`session_store_contract!`](crate::session_store_contract) takes.
///
/// # Example
///
/// ```
/// use tower_security::mfa::MemoryMfaStore;
///
/// tower_security::recovery_store_contract!(async || {
///     let store = MemoryMfaStore::new();
///     (store.clone(), store)
/// });
/// ```
#[macro_export]
macro_rules! recovery_store_contract {
    ($make:expr $(, #[$attribute:meta])* $(,)?) => {
        $crate::__store_contract! {
            [$($attribute)*] ($make) [$crate::mfa::contract]
            attempts_count_for_their_window
            attempts_are_charged_one_by_one
            attempts_are_forgotten_when_one_was_right
            attempts_in_the_future_count_as_now
            any_user_has_attempts_of_its_own
            a_code_is_taken_once
            of_many_one_takes_a_code
            many_take_a_code_each
            new_codes_take_the_place_of_all
            any_user_has_codes_of_its_own
        }
    };
}

/// As binary as digests are.
const fn code(number: u8) -> CodeDigest {
    let mut bytes = [0; 32];
    bytes[0] = number;
    bytes[31] = 255;
    CodeDigest::from_bytes(bytes)
}

fn codes(numbers: impl IntoIterator<Item = u8>) -> Vec<CodeDigest> {
    numbers.into_iter().map(code).collect()
}

async fn take(
    store: &impl RecoveryStore,
    user: &str,
    numbers: &[u8],
) -> Result<Option<u32>, Violation> {
    told(store.take(user, &codes(numbers.iter().copied()))).await
}

/// # Errors
///
/// What the store does else.
pub async fn a_code_is_taken_once<S: RecoveryStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    same(
        "a code of nobody",
        take(one, "alice", &[1]).await?,
        None::<u32>,
    )?;
    let left = told(one.remaining("alice")).await?;
    same("how many nobody has", left, 0)?;
    told(one.replace_all("alice", &codes(0..5))).await?;
    told(one.replace_all("bob", &codes(0..5))).await?;
    let left = told(other.remaining("alice")).await?;
    same("how many there are", left, 5)?;
    let rows: [(&[u8], Option<u32>); 8] = [
        (&[3], Some(4)),
        (&[3], None),
        // Under each pepper another one: the right one may be any of them.
        (&[200, 0], Some(3)),
        (&[200, 0], None),
        (&[], None),
        (&[1, 2], Some(2)),
        (&[4, 1, 2], Some(1)),
        (&[2], Some(0)),
    ];
    for ((numbers, expected), store) in rows.into_iter().zip([one, other].iter().cycle()) {
        let what = format!("what is left after {numbers:?} was taken");
        same(&what, take(*store, "alice", numbers).await?, expected)?;
    }
    let left = told(one.remaining("alice")).await?;
    same("how many are left", left, 0)?;
    let left = told(other.remaining("bob")).await?;
    same("how many a neighbour has", left, 5)
}

/// # Errors
///
/// What the store does else.
pub async fn of_many_one_takes_a_code<S: RecoveryStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    told(one.replace_all("alice", &codes(0..5))).await?;
    let outcomes = stores
        .at_once(|_, store| async move { take(&*store, "alice", &[3]).await })
        .await?;
    let winners: Vec<u32> = outcomes.into_iter().flatten().collect();
    same("what was left for those who got it", winners, [4])?;
    let left = told(other.remaining("alice")).await?;
    same("how many are left", left, 4)
}

/// # Errors
///
/// What the store does else.
pub async fn many_take_a_code_each<S: RecoveryStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    told(one.replace_all("alice", &codes(0..20))).await?;
    let outcomes = stores
        .at_once(|number, store| async move { take(&*store, "alice", &[number]).await })
        .await?;
    let mut left: Vec<u32> = outcomes.into_iter().flatten().collect();
    left.sort_unstable();
    same("what was left, each time", left, Vec::from_iter(0..20))?;
    let left = told(other.remaining("alice")).await?;
    same("how many are left", left, 0)
}

/// # Errors
///
/// What the store does else.
pub async fn new_codes_take_the_place_of_all<S: RecoveryStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    told(one.replace_all("alice", &codes(0..20))).await?;
    told(other.replace_all("alice", &codes(18..23))).await?;
    let left = told(one.remaining("alice")).await?;
    same("how many there are", left, 5)?;
    let gone = take(one, "alice", &[17]).await?;
    same("one of those before", gone, None::<u32>)?;
    same("a new one", take(one, "alice", &[22]).await?, Some(4))?;
    told(other.replace_all("alice", &[])).await?;
    let left = told(one.remaining("alice")).await?;
    same("how many are left of none", left, 0)?;
    let gone = take(one, "alice", &[18]).await?;
    same("one of those before", gone, None::<u32>)
}

/// # Errors
///
/// What the store does else.
pub async fn any_user_has_codes_of_its_own<S: RecoveryStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    for (number, user) in (1..).zip(subjects()) {
        told(one.replace_all(&user, &codes([number]))).await?;
    }
    for (number, user) in (1_u8..).zip(subjects()) {
        let what = format!("one of another for {user:?}");
        let taken = take(other, &user, &[number.wrapping_sub(1)]).await?;
        same(&what, taken, None::<u32>)?;
        let what = format!("that of {user:?}");
        same(&what, take(one, &user, &[number]).await?, Some(0))?;
    }
    Ok(())
}
