//! What every store of API keys does.

use super::record::{ApiKeyDigest, ApiKeyRecord};
use super::store::ApiKeyStore;
use super::text::ApiKeyId;
use crate::core::contract::{
    Stores, Tasks, Violation, at, last_date, present, same, subjects, told,
};
use crate::core::{AuthMethod, Principal};

/// Tests that an [`ApiKeyStore`](crate::auth::api_key::ApiKeyStore) keeps the promises of the trait, one `#[tokio::test]` for each.
///
/// It takes what [`session_store_contract!`](crate::session_store_contract) takes.
///
/// # Example
///
/// ```
/// use tower_security::auth::api_key::MemoryApiKeyStore;
///
/// tower_security::api_key_store_contract!(async || {
///     let store = MemoryApiKeyStore::new();
///     (store.clone(), store)
/// });
/// ```
#[macro_export]
macro_rules! api_key_store_contract {
    ($make:expr $(, #[$attribute:meta])* $(,)?) => {
        $crate::__store_contract! {
            [$($attribute)*] ($make) [$crate::auth::api_key::contract]
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
    };
}

fn id(number: u8) -> Result<ApiKeyId, Violation> {
    let id = format!("{number:012}").parse();
    id.map_err(|_| Violation::new("twelve digits are an id"))
}

const fn digest(byte: u8) -> ApiKeyDigest {
    ApiKeyDigest::from_bytes([byte; 32])
}

/// Issued so many seconds after the beginning.
fn record(number: u8, subject: &str) -> Result<ApiKeyRecord, Violation> {
    let who = Principal::builder(subject)
        .tenant("acme")
        .scopes(["orders:read"])
        .build();
    let issued = at(number.into());
    Ok(ApiKeyRecord::new(id(number)?, &who, issued, digest(1)))
}

async fn create(store: &impl ApiKeyStore, number: u8, subject: &str) -> Result<(), Violation> {
    let done = told(store.create(&record(number, subject)?)).await?;
    same("a new key is kept", done, true)
}

async fn find(store: &impl ApiKeyStore, number: u8) -> Result<ApiKeyRecord, Violation> {
    present("the key", told(store.find(&id(number)?)).await?)
}

async fn is_there(store: &impl ApiKeyStore, number: u8) -> Result<bool, Violation> {
    Ok(told(store.find(&id(number)?)).await?.is_some())
}

async fn listed(store: &impl ApiKeyStore, subject: &str) -> Result<Vec<ApiKeyId>, Violation> {
    let all = told(store.list(subject)).await?;
    Ok(all.iter().map(ApiKeyRecord::id).collect())
}

/// # Errors
///
/// What the store does else.
pub async fn what_is_created_is_found_and_not_replaced<S: ApiKeyStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    same(
        "there before it was created",
        is_there(one, 1).await?,
        false,
    )?;
    let made = record(1, "robot")?;
    same("a new key is kept", told(one.create(&made)).await?, true)?;
    let taken = told(other.create(&record(1, "another")?)).await?;
    same("another with its id is kept", taken, false)?;
    for store in [one, other] {
        let found = find(store, 1).await?;
        same("its bytes", found.to_bytes(), made.to_bytes())?;
        let who = found.principal();
        same("its subject", who.subject(), "robot")?;
        same("its tenant", who.tenant(), Some("acme"))?;
        same("its method", who.method(), AuthMethod::ApiKey)?;
        same("its token id", who.token_id(), Some("000000000001"))?;
        same("its scopes", who.has_scope("orders:read"), true)?;
        same("its date", found.created_at(), at(1))?;
        same("its end", who.expires_at(), None)?;
        same("the keys of another", listed(store, "another").await?, [])?;
    }
    Ok(())
}

/// # Errors
///
/// What the store does else.
pub async fn a_secret_and_the_one_before_are_known<S: ApiKeyStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    let rotate = async |store: &S, byte: u8, seconds: u64| {
        told(store.rotate(&id(1)?, &digest(byte), at(seconds))).await
    };
    same(
        "what is not there is rotated",
        rotate(one, 2, 10).await?,
        false,
    )?;
    same("there after that", is_there(one, 1).await?, false)?;
    create(one, 1, "robot").await?;
    same("it is rotated", rotate(other, 2, 10).await?, true)?;
    let found = find(one, 1).await?;
    same("its digest", found.digest(), &digest(2))?;
    same(
        "the one before",
        found.previous(),
        Some(&(digest(1), at(10))),
    )?;
    same("it is rotated again", rotate(one, 3, 20).await?, true)?;
    let found = told(other.list("robot")).await?;
    let found = present("the key of robot", found.first())?;
    same("its digest", found.digest(), &digest(3))?;
    same(
        "the one before",
        found.previous(),
        Some(&(digest(2), at(20))),
    )
}

/// # Errors
///
/// What the store does else.
pub async fn of_many_rotations_each_takes_the_place_of_another<S: ApiKeyStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    create(one, 1, "robot").await?;
    let done = stores
        .at_once(|number, store| async move {
            let digest = digest(number.saturating_add(10));
            told(store.rotate(&id(1)?, &digest, at(30))).await
        })
        .await?;
    same("each is done", done.into_iter().all(|done| done), true)?;
    let found = find(other, 1).await?;
    let (previous, _) = present("the digest before", found.previous())?;
    same("both are the same", found.digest() == previous, false)?;
    for digest in [found.digest(), previous] {
        let is_new = digest.as_bytes().first().is_some_and(|byte| *byte >= 10);
        same("a digest is that of a rotation", is_new, true)?;
    }
    Ok(())
}

/// # Errors
///
/// What the store does else.
pub async fn what_was_revoked_stays_away<S: ApiKeyStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    create(one, 1, "robot").await?;
    same("it is revoked", told(other.revoke(&id(1)?)).await?, true)?;
    same(
        "it is revoked again",
        told(one.revoke(&id(1)?)).await?,
        false,
    )?;
    let rotated = told(one.rotate(&id(1)?, &digest(2), at(10))).await?;
    same("it is rotated", rotated, false)?;
    for store in [one, other] {
        same("it is there", is_there(store, 1).await?, false)?;
        same("the keys of robot", listed(store, "robot").await?, [])?;
    }
    Ok(())
}

/// # Errors
///
/// What the store does else.
pub async fn a_key_is_revoked_once<S: ApiKeyStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    create(one, 1, "robot").await?;
    let outcomes = stores
        .at_once(|number, store| async move {
            // Some of those that rotate it come too late, and do not bring it back.
            if number % 4 < 2 {
                told(store.rotate(&id(1)?, &digest(number), at(30))).await?;
                return Ok(false);
            }
            told(store.revoke(&id(1)?)).await
        })
        .await?;
    let winners = outcomes.into_iter().filter(|done| *done).count();
    same("how many of 100 have revoked it", winners, 1)?;
    same("it is there", is_there(other, 1).await?, false)?;
    same("the keys of robot", listed(one, "robot").await?, [])
}

/// # Errors
///
/// What the store does else.
pub async fn a_subject_has_its_own_keys_alone<S: ApiKeyStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    for number in [11, 12, 13] {
        create(one, number, "owner").await?;
    }
    create(one, 14, "neighbour").await?;
    let own = [id(11)?, id(12)?, id(13)?];
    same(
        "the keys of owner, the oldest first",
        listed(other, "owner").await?,
        own,
    )?;
    for name in ["owne", "owners", "Owner", "*"] {
        same("the keys of nobody", listed(other, name).await?, [])?;
        let revoked = told(other.revoke_subject(name)).await?;
        same("how many of nobody are revoked", revoked, 0)?;
    }
    let revoked = told(other.revoke_subject("owner")).await?;
    same("how many of owner are revoked", revoked, 3)?;
    same("the keys of owner", listed(one, "owner").await?, [])?;
    same("one of owner is there", is_there(one, 12).await?, false)?;
    same("that of neighbour is there", is_there(one, 14).await?, true)
}

/// # Errors
///
/// What the store does else.
pub async fn any_subject_is_kept<S: ApiKeyStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    for (number, subject) in (1..).zip(subjects()) {
        create(one, number, &subject).await?;
    }
    for (number, subject) in (1..).zip(subjects()) {
        let found = find(other, number).await?;
        same("its subject", found.principal().subject(), subject.as_str())?;
        let what = format!("the keys of {subject:?}");
        same(&what, listed(other, &subject).await?, [id(number)?])?;
    }
    for subject in subjects() {
        let revoked = told(one.revoke_subject(&subject)).await?;
        same(&format!("how many of {subject:?} are revoked"), revoked, 1)?;
    }
    Ok(())
}

/// # Errors
///
/// What the store does else.
pub async fn any_date_is_kept<S: ApiKeyStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    let last = last_date();
    let who = Principal::builder("robot").expires_at(last).build();
    let made = ApiKeyRecord::new(id(1)?, &who, at(0), digest(1));
    same("a new key is kept", told(one.create(&made)).await?, true)?;
    let rotated = told(one.rotate(&id(1)?, &digest(2), last)).await?;
    same("it is rotated", rotated, true)?;
    let found = find(other, 1).await?;
    same("its end", found.principal().expires_at(), Some(last))?;
    same("the one before", found.previous(), Some(&(digest(1), last)))
}

/// # Errors
///
/// What the store does else.
pub async fn a_purge_leaves_what_has_not_expired<S: ApiKeyStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    create(one, 1, "robot").await?;
    for number in [2, 3] {
        let end = at(u64::from(number).saturating_add(3_600));
        let who = Principal::builder("robot").expires_at(end).build();
        let made = ApiKeyRecord::new(id(number)?, &who, at(2), digest(1));
        same("a new key is kept", told(one.create(&made)).await?, true)?;
    }
    let early = told(other.purge(at(3_601))).await?;
    same("how many are over a second before the first is", early, 0)?;
    same("those that are left", listed(one, "robot").await?.len(), 3)?;
    let removed = told(other.purge(at(3_602))).await?;
    if removed > 0 {
        same("how many are over", removed, 1)?;
        same("what is over is there", is_there(one, 2).await?, false)?;
    }
    for number in [1, 3] {
        let what = "what is not over is there";
        same(what, is_there(one, number).await?, true)?;
    }
    Ok(())
}
