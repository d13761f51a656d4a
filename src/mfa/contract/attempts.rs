//! What every store of attempts does.

use std::time::{Duration, SystemTime};

use crate::core::contract::{Stores, Tasks, Violation, at, last_date, same, subjects, told};
use crate::mfa::{Attempt, AttemptLimit, AttemptStore};

fn limit(most: u32, seconds: u64) -> Result<AttemptLimit, Violation> {
    let limit = AttemptLimit::new(most, Duration::from_secs(seconds));
    limit.ok_or_else(|| Violation::new("1 to 20 attempts are a limit"))
}

const fn allowed(earlier: u32) -> Attempt {
    Attempt::Allowed { earlier }
}

const fn refused(seconds: u64) -> Attempt {
    Attempt::Refused {
        retry_after: Duration::from_secs(seconds),
    }
}

async fn begin(
    store: &impl AttemptStore,
    user: &str,
    now: SystemTime,
    (most, seconds): (u32, u64),
) -> Result<Attempt, Violation> {
    told(store.begin_attempt(user, now, limit(most, seconds)?)).await
}

/// # Errors
///
/// What the store does else.
pub async fn attempts_count_for_their_window<S: AttemptStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    let rows = [
        (0, (3, 300), allowed(0)),
        (100, (3, 300), allowed(1)),
        (200, (3, 300), allowed(2)),
        (200, (3, 300), refused(100)),
        (299, (3, 300), refused(1)),
        // With another limit the same attempts count.
        (299, (4, 300), allowed(3)),
        (299, (1, 60), refused(60)),
        (299, (2, 100), refused(1)),
        // The first has left the window; what was refused was not charged.
        (300, (3, 300), refused(100)),
        (400, (3, 300), allowed(2)),
        (401, (20, 3_600), allowed(5)),
        // A short window forgets nothing that a long one counts.
        (500, (1, 1), allowed(0)),
        (501, (20, 3_600), allowed(7)),
        (4_101, (1, 3_600), allowed(0)),
    ];
    for ((seconds, limit, expected), store) in rows.into_iter().zip([one, other].iter().cycle()) {
        let what = format!("an attempt after {seconds} s, limit {limit:?}");
        let begun = begin(*store, "alice", at(seconds), limit).await?;
        same(&what, begun, expected)?;
    }
    Ok(())
}

/// # Errors
///
/// What the store does else.
pub async fn attempts_are_charged_one_by_one<S: AttemptStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let outcomes = stores
        .at_once(|_, store| async move { begin(&*store, "alice", at(0), (7, 300)).await })
        .await?;
    let mut earlier: Vec<u32> = Vec::new();
    for outcome in outcomes {
        match outcome {
            Attempt::Allowed { earlier: before } => earlier.push(before),
            outcome @ Attempt::Refused { .. } => {
                same("an attempt that is too many", outcome, refused(300))?;
            }
        }
    }
    earlier.sort_unstable();
    same("those that may", earlier, [0, 1, 2, 3, 4, 5, 6])
}

/// # Errors
///
/// What the store does else.
pub async fn attempts_are_forgotten_when_one_was_right<S: AttemptStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    told(one.reset_attempts("alice")).await?;
    for store in [one, other] {
        for user in ["alice", "bob"] {
            begin(store, user, at(0), (2, 300)).await?;
        }
    }
    told(other.reset_attempts("alice")).await?;
    let begun = begin(one, "alice", at(1), (2, 300)).await?;
    same("the first after that", begun, allowed(0))?;
    let begun = begin(one, "bob", at(1), (2, 300)).await?;
    same("one of a neighbour", begun, refused(299))
}

/// # Errors
///
/// What the store does else.
pub async fn attempts_in_the_future_count_as_now<S: AttemptStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    let begun = begin(one, "alice", at(9_000), (1, 300)).await?;
    same("the first", begun, allowed(0))?;
    let begun = begin(other, "alice", at(1_000), (1, 300)).await?;
    same("one after the clock was set back", begun, refused(300))?;
    let begun = begin(one, "alice", at(1_299), (1, 300)).await?;
    same("one within the window of that", begun, refused(1))?;
    let begun = begin(one, "alice", at(1_300), (1, 300)).await?;
    same("one after it", begun, allowed(0))
}

/// # Errors
///
/// What the store does else.
pub async fn any_user_has_attempts_of_its_own<S: AttemptStore>(
    stores: &Stores<S, impl Tasks>,
) -> Result<(), Violation> {
    let (one, other) = stores.both();
    let now = last_date();
    for (store, expected) in [(one, allowed(0)), (other, refused(300))] {
        for user in subjects() {
            let begun = begin(store, &user, now, (1, 300)).await?;
            same(&format!("an attempt of {user:?}"), begun, expected)?;
        }
    }
    Ok(())
}
