//! What every store of revocations does.

use std::time::{Duration, SystemTime};

use super::{Revocation, RevocationStore, TokenRef};
use crate::core::contract::{Stores, Tasks, Violation, at, last_date, same, subjects, told};

/// Tests that a [`RevocationStore`](crate::token::RevocationStore) keeps the promises of the trait, one `#[tokio::test]` for each.
///
/// It takes what [`session_store_contract!`](crate::session_store_contract) takes.
///
/// # Example
///
/// ```
/// use tower_security::token::MemoryRevocationStore;
///
/// tower_security::revocation_store_contract!(async || {
///     let store = MemoryRevocationStore::new();
///     (store.clone(), store)
/// });
/// ```
#[macro_export]
macro_rules! revocation_store_contract {
    ($make:expr $(, #[$attribute:meta])* $(,)?) => {
        $crate::__store_contract! {
            [$($attribute)*] ($make) [$crate::token::revocation_store_contract]
            what_is_revoked_is_refused_and_nothing_else_is
            a_subject_is_revoked_until_a_moment
            ids_of_one_kind_are_not_those_of_another
            nothing_takes_a_revocation_back
            all_that_are_revoked_at_once_are
            any_id_is_revoked
            any_date_is_kept
            a_purge_leaves_what_is_in_force
        }
    };
}

const HOUR: u64 = 3_600;

/// A token of the subject, the session and the id `alice`, `s-1` and `t-1`, issued so many seconds after the beginning.
fn token(seconds: u64) -> TokenRef<'static> {
    let mut token = TokenRef::new("alice");
    token.issuer = Some("https://id.example.com/");
    token.token_id = Some("t-1");
    token.session_id = Some("s-1");
    token.issued_at = Some(at(seconds));
    token
}

async fn is_revoked(store: &impl RevocationStore, token: &TokenRef<'_>) -> Result<bool, Violation> {
    Ok(told(store.check(token)).await? == Revocation::Revoked)
}

/// # Errors
///
/// What the store does else.
pub async fn what_is_revoked_is_refused_and_nothing_else_is<S: RevocationStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    let mine = token(0);
    let mut second = mine;
    second.token_id = Some("t-2");
    let mut elsewhere = second;
    elsewhere.session_id = Some("s-2");
    let mut foreign = elsewhere;
    foreign.subject = "bob";
    let mut bare = TokenRef::new("bob");
    bare.issued_at = Some(at(0));
    let seen = async |expected: [bool; 5]| {
        for store in [one, other] {
            let mut seen = [false; 5];
            let tokens = [&mine, &second, &elsewhere, &foreign, &bare];
            for (token, seen) in tokens.into_iter().zip(&mut seen) {
                *seen = is_revoked(store, token).await?;
            }
            let what = "revoked of: the token, another one of its session, of its subject, of nobody, without ids";
            same(what, seen, expected)?;
        }
        Ok(())
    };
    seen([false; 5]).await?;
    told(one.revoke_token("t-1", at(HOUR))).await?;
    seen([true, false, false, false, false]).await?;
    told(one.revoke_session("s-1", at(HOUR))).await?;
    seen([true, true, false, false, false]).await?;
    told(one.revoke_subject("alice", at(1), at(HOUR))).await?;
    seen([true, true, true, false, false]).await
}

/// # Errors
///
/// What the store does else.
pub async fn a_subject_is_revoked_until_a_moment<S: RevocationStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    let after = |seconds, millis| {
        let moment = at(seconds).checked_add(Duration::from_millis(millis));
        moment.unwrap_or(SystemTime::UNIX_EPOCH)
    };
    let rows = [
        ("a whole second", after(10, 0), [true, false, false, false]),
        (
            "a fraction of one",
            after(20, 1),
            [true, true, false, false],
        ),
        ("almost a second", after(29, 999), [true, true, true, false]),
    ];
    let dates = [9, 20, 29, 30];
    for (what, moment, expected) in rows {
        told(one.revoke_subject("alice", moment, at(HOUR))).await?;
        let mut seen = [false; 4];
        for (seconds, seen) in dates.into_iter().zip(&mut seen) {
            *seen = is_revoked(other, &token(seconds)).await?;
        }
        same(what, seen, expected)?;
    }
    let mut undated = token(0);
    undated.issued_at = None;
    same(
        "a token that does not say when it was issued is revoked",
        is_revoked(other, &undated).await?,
        true,
    )
}

/// # Errors
///
/// What the store does else.
pub async fn ids_of_one_kind_are_not_those_of_another<S: RevocationStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    told(one.revoke_token("a", at(HOUR))).await?;
    told(one.revoke_session("b", at(HOUR))).await?;
    told(one.revoke_subject("c", at(10), at(HOUR))).await?;
    for (token_id, session_id, subject, expected) in [
        ("a", "-", "-", true),
        ("-", "b", "-", true),
        ("-", "-", "c", true),
        ("b", "c", "a", false),
        ("c", "a", "b", false),
    ] {
        let mut token = TokenRef::new(subject);
        token.token_id = Some(token_id);
        token.session_id = Some(session_id);
        token.issued_at = Some(at(0));
        let what = format!("jti {token_id}, sid {session_id}, sub {subject} is revoked");
        same(&what, is_revoked(other, &token).await?, expected)?;
    }
    Ok(())
}

/// # Errors
///
/// What the store does else.
pub async fn nothing_takes_a_revocation_back<S: RevocationStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    let (short, long) = (at(HOUR), at(HOUR.saturating_mul(24)));
    for until in [long, short, short] {
        told(one.revoke_token("t-1", until)).await?;
        told(other.revoke_session("s-2", until)).await?;
    }
    told(one.revoke_subject("alice", at(100), long)).await?;
    told(other.revoke_subject("alice", at(50), short)).await?;
    // A store that purges itself has gone on to the same moment.
    for store in [one, other] {
        told(store.purge(at(HOUR.saturating_mul(2)))).await?;
    }
    let mut by_token = token(200);
    by_token.subject = "bob";
    let mut by_session = by_token;
    by_session.token_id = None;
    by_session.session_id = Some("s-2");
    let mut by_subject = token(99);
    by_subject.token_id = None;
    for (what, token) in [
        ("a token", by_token),
        ("a session", by_session),
        ("a subject", by_subject),
    ] {
        let what = format!("{what} that is revoked for a shorter time is revoked");
        same(&what, is_revoked(one, &token).await?, true)?;
    }
    by_subject.issued_at = Some(at(100));
    let what = "a later token of a subject is revoked";
    same(what, is_revoked(one, &by_subject).await?, false)
}

/// # Errors
///
/// What the store does else.
pub async fn all_that_are_revoked_at_once_are<S: RevocationStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let revoked = stores
        .at_once(|number, store| async move {
            let id = format!("t-{number}");
            told(store.revoke_token(&id, at(HOUR))).await?;
            // All of them are about one subject; the latest moment counts.
            let moment = at(u64::from(number));
            told(store.revoke_subject("alice", moment, at(HOUR))).await?;
            let mut token = TokenRef::new("bob");
            token.token_id = Some(&id);
            is_revoked(&*store, &token).await
        })
        .await?;
    same("revoked by whom", revoked, vec![true; 200])?;
    let (one, other) = stores.both();
    for (seconds, expected) in [(198, true), (199, false)] {
        let mut token = token(seconds);
        (token.token_id, token.session_id) = (None, None);
        for store in [one, other] {
            let what = format!("a token of second {seconds} is revoked");
            same(&what, is_revoked(store, &token).await?, expected)?;
        }
    }
    Ok(())
}

/// # Errors
///
/// What the store does else.
pub async fn any_id_is_revoked<S: RevocationStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    for id in subjects() {
        for number in 0..3 {
            let mut token = TokenRef::new("bob");
            token.issued_at = Some(at(0));
            match number {
                0 => token.token_id = Some(&id),
                1 => token.session_id = Some(&id),
                _ => token.subject = &id,
            }
            let what = format!("{:?} is revoked as {number}", id.get(..20).unwrap_or(&id));
            same(&what, is_revoked(other, &token).await?, false)?;
            match number {
                0 => told(one.revoke_token(&id, at(HOUR))).await?,
                1 => told(one.revoke_session(&id, at(HOUR))).await?,
                _ => told(one.revoke_subject(&id, at(1), at(HOUR))).await?,
            }
            same(&what, is_revoked(other, &token).await?, true)?;
        }
    }
    Ok(())
}

/// # Errors
///
/// What the store does else.
pub async fn any_date_is_kept<S: RevocationStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    told(one.revoke_token("t-1", last_date())).await?;
    told(one.revoke_session("s-9", last_date())).await?;
    told(one.revoke_subject("carol", last_date(), last_date())).await?;
    let mut late = TokenRef::new("carol");
    late.issued_at = last_date().checked_sub(Duration::from_secs(1));
    let mut of_session = TokenRef::new("bob");
    of_session.session_id = Some("s-9");
    for token in [token(0), of_session, late] {
        let what = format!("{token:?} is revoked until the year 9999");
        same(&what, is_revoked(other, &token).await?, true)?;
    }
    Ok(())
}

/// # Errors
///
/// What the store does else.
pub async fn a_purge_leaves_what_is_in_force<S: RevocationStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    told(one.revoke_token("t-1", at(HOUR))).await?;
    told(one.revoke_session("s-1", at(HOUR.saturating_add(1)))).await?;
    told(one.revoke_subject("alice", at(1), at(HOUR.saturating_add(2)))).await?;
    let mut by_session = token(0);
    by_session.token_id = None;
    let mut by_subject = by_session;
    by_subject.session_id = None;
    for seconds in [HOUR.saturating_sub(1), HOUR, HOUR.saturating_add(1)] {
        let removed = told(other.purge(at(seconds))).await?;
        same("more than one was over", removed > 1, false)?;
        same(
            "a subject in force is revoked",
            is_revoked(one, &by_subject).await?,
            true,
        )?;
        if seconds <= HOUR {
            let what = "a session in force is revoked";
            same(what, is_revoked(one, &by_session).await?, true)?;
        }
        if seconds < HOUR {
            let what = "a token in force is revoked";
            same(what, is_revoked(one, &token(0)).await?, true)?;
        }
    }
    Ok(())
}
