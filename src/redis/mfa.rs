//! `RedisMfa`: a code that was used on one node was used on all.

use std::fmt;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use ::redis::{Script, Value};

use super::call::{Failure, numbers, unreadable};
use super::records::{Records, Wait, corrupt, count, decimal, digest, is_done, parse_decimal};
use super::store::RedisStore;
use crate::core::record::millis;
use crate::core::{Lookup, StoreError, StoreErrorKind};
use crate::mfa::{
    Attempt, AttemptLimit, AttemptStore, CodeDigest, EnrolmentId, RecoveryStore, TotpRecord,
    TotpSecret, TotpStore,
};

static MFA: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("mfa.lua")));

/// Keeps one-time and recovery codes on a Redis server (6.2 or later), for all nodes.
///
/// Each change is one script. Attempts of both services count together, and vanish with their window; the clocks of the nodes should
/// agree to a second or so, which one-time codes ask for anyway. All factors live on one node of a cluster.
///
/// **The secrets of one-time codes stand there as they are**: whoever can read the server makes codes of everybody. Of recovery codes it
/// holds keyed digests, which are of no use without the pepper. It has to keep what it is given: without persistence, or with an
/// eviction policy other than `noeviction`, a user's factor is gone, and an application that then asks for the password alone lets him
/// in with that. Keep in your own table of users who has a factor.
///
/// Whoever enrols or tries a code waits 250 ms at most. While the server is away, codes get a 503, and after five failures nobody waits.
///
/// # Example
///
/// ```no_run
/// use tower_security::core::PepperRing;
/// use tower_security::mfa::{RecoveryCodes, TotpService};
/// use tower_security::redis::{RedisMfa, RedisStore};
///
/// # fn factors(store: &RedisStore, peppers: PepperRing) -> Result<(TotpService, RecoveryCodes), tower_security::core::ConfigErrors> {
/// let totp = TotpService::builder(RedisMfa::new(store), "Shop").build()?;
/// let recovery = RecoveryCodes::builder(RedisMfa::new(store), peppers).build()?;
/// # Ok((totp, recovery))
/// # }
/// ```
pub struct RedisMfa(Records);

impl RedisMfa {
    /// Keeps second factors on the server of `store`, under its prefix.
    #[must_use]
    pub fn new(store: &RedisStore) -> Self {
        Self(Records::new(store.inner(), "mfa", &MFA))
    }

    fn secrets(&self, user: &str) -> String {
        self.0.record(&format!("{}:secrets", digest(user)))
    }

    fn codes(&self, user: &str) -> String {
        self.0.record(&format!("{}:codes", digest(user)))
    }

    fn attempts(&self, user: &str) -> String {
        self.0.record(&format!("{}:attempts", digest(user)))
    }

    fn run<T: Send + 'static>(
        &self,
        command: &str,
        name: String,
        arguments: Vec<Vec<u8>>,
        read: impl FnOnce(Value) -> Result<T, Failure> + Send + 'static,
    ) -> Lookup<Result<T, StoreError>> {
        let command = (command, Wait::Handler);
        self.0.run(command, vec![name], arguments, read)
    }
}

/// What the server holds of a user, as [`TotpStore::load`] wants it.
fn record(fields: [Option<Vec<u8>>; 3]) -> Result<Option<TotpRecord>, Failure> {
    let [confirmed, last_step, pending] = fields;
    let secret = |bytes: Vec<u8>| TotpSecret::from_bytes(&bytes).map_err(corrupt);
    let confirmed = match (confirmed, last_step) {
        (None, None) => None,
        (Some(bytes), Some(step)) => {
            let error =
                || StoreError::new(StoreErrorKind::Corrupt, "a last step that is no number");
            let step = parse_decimal(&step).ok_or_else(|| corrupt(error()))?;
            Some((secret(bytes)?, step))
        }
        _ => {
            let text = "a secret without its last step, or a step without its secret";
            return Err(corrupt(StoreError::new(StoreErrorKind::Corrupt, text)));
        }
    };
    let pending = pending.map(secret).transpose()?;
    let is_there = confirmed.is_some() || pending.is_some();
    Ok(is_there.then(|| TotpRecord::new(confirmed, pending)))
}

/// What the script answers to an attempt.
fn attempt(answer: Value) -> Result<Attempt, Failure> {
    let numbers = numbers(answer)?;
    let of = |number: i64| u64::try_from(number).ok();
    let attempt = match numbers.as_slice() {
        [1, earlier] => of(*earlier)
            .and_then(|earlier| u32::try_from(earlier).ok())
            .map(|earlier| Attempt::Allowed { earlier }),
        [0, wait] => of(*wait).map(|wait| Attempt::Refused {
            retry_after: Duration::from_millis(wait),
        }),
        _ => None,
    };
    attempt.ok_or_else(|| unreadable("an attempt that was neither charged nor refused"))
}

fn number(answer: Value) -> Result<u32, Failure> {
    let number = u32::try_from(count(answer)?);
    number.map_err(|_| unreadable("more codes than anybody has"))
}

fn of_enrolment(id: &EnrolmentId, step: u64) -> Vec<Vec<u8>> {
    vec![id.as_bytes().to_vec(), decimal(step)]
}

fn digests(codes: &[CodeDigest]) -> Vec<Vec<u8>> {
    codes.iter().map(|code| code.as_bytes().to_vec()).collect()
}

impl AttemptStore for RedisMfa {
    fn begin_attempt(
        &self,
        user: &str,
        now: SystemTime,
        limit: AttemptLimit,
    ) -> Lookup<Result<Attempt, StoreError>> {
        let window = u64::try_from(limit.window().as_millis()).unwrap_or(u64::MAX);
        let arguments = vec![
            decimal(millis(now)),
            decimal(limit.most().into()),
            decimal(window),
        ];
        self.run("begin", self.attempts(user), arguments, attempt)
    }

    fn reset_attempts(&self, user: &str) -> Lookup<Result<(), StoreError>> {
        self.run("reset", self.attempts(user), Vec::new(), |answer| {
            count(answer).map(|_| ())
        })
    }
}

impl TotpStore for RedisMfa {
    fn load(&self, user: &str) -> Lookup<Result<Option<TotpRecord>, StoreError>> {
        self.0.fields(&self.secrets(user), ["c", "l", "p"], record)
    }

    fn enrol(&self, user: &str, secret: &TotpSecret) -> Lookup<Result<(), StoreError>> {
        let arguments = vec![secret.to_bytes().expose().clone()];
        self.run("enrol", self.secrets(user), arguments, |answer| {
            count(answer).map(|_| ())
        })
    }

    fn confirm(&self, user: &str, id: &EnrolmentId, step: u64) -> Lookup<Result<bool, StoreError>> {
        let name = self.secrets(user);
        self.run("confirm", name, of_enrolment(id, step), is_done)
    }

    fn consume(&self, user: &str, id: &EnrolmentId, step: u64) -> Lookup<Result<bool, StoreError>> {
        let name = self.secrets(user);
        self.run("consume", name, of_enrolment(id, step), is_done)
    }

    fn delete(&self, user: &str) -> Lookup<Result<bool, StoreError>> {
        self.run("delete", self.secrets(user), Vec::new(), is_done)
    }
}

impl RecoveryStore for RedisMfa {
    fn replace_all(&self, user: &str, codes: &[CodeDigest]) -> Lookup<Result<(), StoreError>> {
        self.run("replace", self.codes(user), digests(codes), |answer| {
            count(answer).map(|_| ())
        })
    }

    fn take(&self, user: &str, any_of: &[CodeDigest]) -> Lookup<Result<Option<u32>, StoreError>> {
        self.run("take", self.codes(user), digests(any_of), |answer| {
            number(answer).map(|left| left.checked_sub(1))
        })
    }

    fn remaining(&self, user: &str) -> Lookup<Result<u32, StoreError>> {
        self.run("left", self.codes(user), Vec::new(), number)
    }
}

impl fmt::Debug for RedisMfa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisMfa")
            .field("prefix", &self.0.prefix())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Secret;
    use crate::mfa::TotpAlgorithm;

    #[test]
    fn what_the_script_does_not_write_is_corrupt() {
        let id = EnrolmentId::from_bytes([7; 16]);
        let key = Secret::from([9; 20]);
        let secret = TotpSecret::new(id, &key, TotpAlgorithm::Sha1, 6).unwrap();
        let bytes = || Some(secret.to_bytes().expose().clone());
        let text = |text: &str| Some(text.as_bytes().to_vec());

        assert!(record([None, None, None]).unwrap().is_none());
        let found = record([bytes(), text("12"), None]).unwrap().unwrap();
        assert_eq!(
            found.confirmed().map(|(secret, step)| (secret.id(), step)),
            Some((id, 12))
        );
        let found = record([None, None, bytes()]).unwrap().unwrap();
        assert!(found.confirmed().is_none() && found.pending().is_some());
        for fields in [
            [bytes(), None, None],
            [None, text("12"), None],
            [bytes(), text("-1"), None],
            [text("x"), text("12"), None],
            [bytes(), text("12"), text("x")],
        ] {
            let failure = record(fields).unwrap_err();
            assert_eq!(failure.error.kind(), StoreErrorKind::Corrupt);
            assert!(!failure.is_outage, "one user alone");
        }
    }

    #[test]
    fn an_attempt_is_charged_or_refused() {
        let list = |numbers: &[i64]| {
            Value::Array(numbers.iter().map(|number| Value::Int(*number)).collect())
        };
        assert_eq!(
            attempt(list(&[1, 4])).unwrap(),
            Attempt::Allowed { earlier: 4 }
        );
        let retry_after = Duration::from_millis(1_500);
        assert_eq!(
            attempt(list(&[0, 1_500])).unwrap(),
            Attempt::Refused { retry_after }
        );
        for numbers in [
            &[][..],
            &[1],
            &[2, 0],
            &[1, -1],
            &[0, -1],
            &[1, 1 << 40],
            &[1, 0, 0],
        ] {
            let failure = attempt(list(numbers)).unwrap_err();
            assert_eq!(failure.error.kind(), StoreErrorKind::Corrupt, "{numbers:?}");
        }
    }
}
