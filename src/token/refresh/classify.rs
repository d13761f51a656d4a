//! What a token means for its family: pure, without store and clock.

use std::time::{Duration, SystemTime};

use super::family::FamilyRecord;
use super::keys::RotationKeys;
use super::text::{FamilySecret, RefreshToken};
use crate::core::constant_time_eq;

/// How many generations back a token is followed to tell whether it was one of the family. A step takes 0.3 us.
const FARTHEST: u32 = 4_096;

/// What to do with a token whose family is neither revoked nor over.
pub(super) enum Verdict {
    /// It is none of the family, or nobody can tell: nothing happens to the family, so that who knows its id alone ends nothing.
    Forged(&'static str),
    /// It was replaced a moment ago, with a key that is gone: nobody can repeat it.
    Lost,
    /// It was replaced a moment ago: the answer may have been lost, or two of one client have asked at once. They get the same token.
    Replay(FamilySecret),
    /// It was replaced long ago, and there is somebody who kept it.
    Reuse(&'static str),
    /// It is the last one. Its successor.
    Rotate(FamilySecret),
}

pub(super) fn classify(
    row: &FamilyRecord,
    token: &RefreshToken,
    keys: &RotationKeys,
    grace: Duration,
    now: SystemTime,
) -> Verdict {
    let Some(behind) = row.generation.checked_sub(token.generation) else {
        return Verdict::Forged("generation");
    };
    let digest = keys.digest(&token.secret);
    let next = token.generation.saturating_add(1);
    match behind {
        0 if constant_time_eq(&digest, &row.current) => {
            Verdict::Rotate(keys.current.derive(&row.id, next, &token.secret))
        }
        1 if row
            .previous
            .is_some_and(|previous| constant_time_eq(&digest, &previous)) =>
        {
            // By the clock of another node it may have been replaced later than now.
            let since = now.duration_since(row.rotated_at).unwrap_or_default();
            if grace.is_zero() || since > grace {
                return Verdict::Reuse("replaced");
            }
            match follow(row, token, keys) {
                Some(successor) => Verdict::Replay(successor),
                None => Verdict::Lost,
            }
        }
        0 | 1 => Verdict::Forged("secret"),
        2..=FARTHEST => match follow(row, token, keys) {
            Some(_) => Verdict::Reuse("ancestor"),
            None => Verdict::Forged("secret"),
        },
        _ => Verdict::Forged("too_old"),
    }
}

/// The secret of the row, derived from that of an earlier token; `None` if that was none of the family, or a key is gone.
fn follow(row: &FamilyRecord, token: &RefreshToken, keys: &RotationKeys) -> Option<FamilySecret> {
    let mut secret = FamilySecret::from_bytes(*token.secret.as_bytes());
    for generation in token.generation..row.generation {
        let key = keys.find(row.key_of(generation)?)?;
        secret = key.derive(&row.id, generation.checked_add(1)?, &secret);
    }
    constant_time_eq(&keys.digest(&secret), &row.current).then_some(secret)
}
