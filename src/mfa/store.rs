//! What stores of second factors do.

use std::sync::Arc;
use std::time::SystemTime;

use super::attempts::{Attempt, AttemptLimit};
use super::recovery::CodeDigest;
use super::secret::{EnrolmentId, TotpRecord, TotpSecret};
use crate::core::{Lookup, StoreError};

/// Counts attempts. A store that is both a [`TotpStore`] and a [`RecoveryStore`] counts those of both together: who tries a code of one
/// kind has not a second set of attempts with the other.
///
/// Each method is one step: two that run at the same time have the effect of one after the other. Users are told apart byte by byte.
pub trait AttemptStore: Send + Sync + 'static {
    /// Charges an attempt of a user, or refuses it without a charge, as [`AttemptLog::begin`](super::AttemptLog::begin) does: those of the
    /// last [`window`](AttemptLimit::window) before `now` count, known user or not.
    fn begin_attempt(
        &self,
        user: &str,
        now: SystemTime,
        limit: AttemptLimit,
    ) -> Lookup<Result<Attempt, StoreError>>;

    /// Forgets the attempts of a user: one of them was right.
    fn reset_attempts(&self, user: &str) -> Lookup<Result<(), StoreError>>;
}

/// Keeps the secrets of one-time codes: in memory ([`MemoryMfaStore`](super::MemoryMfaStore)), in Redis, in a database of yours.
///
/// Each method is one step. A user has one confirmed secret at most, and at most one that waits to be confirmed. A store looks at no clock.
/// An error is never taken for "not enrolled": the client gets a 503.
pub trait TotpStore: AttemptStore {
    /// Returns what is kept of a user, `None` where it is nothing.
    fn load(&self, user: &str) -> Lookup<Result<Option<TotpRecord>, StoreError>>;

    /// Keeps a secret that has to be confirmed yet, in place of another such. The confirmed one stays.
    fn enrol(&self, user: &str, secret: &TotpSecret) -> Lookup<Result<(), StoreError>>;

    /// Makes the secret of this enrolment the confirmed one, with `step` as its last, if it still waits. The one before is gone.
    fn confirm(&self, user: &str, id: &EnrolmentId, step: u64) -> Lookup<Result<bool, StoreError>>;

    /// Sets the last step of the confirmed secret to `step`, if it is that of this enrolment and its last step is below. `false`, and
    /// nothing is changed, if not: of two that bring the same code one is told so.
    fn consume(&self, user: &str, id: &EnrolmentId, step: u64) -> Lookup<Result<bool, StoreError>>;

    /// Removes both secrets of a user. `false` if there was none.
    fn delete(&self, user: &str) -> Lookup<Result<bool, StoreError>>;
}

/// Keeps digests of recovery codes.
///
/// Each method is one step. An error is never taken for "no such code".
pub trait RecoveryStore: AttemptStore {
    /// Keeps these in place of all that the user had. With none the user has none.
    fn replace_all(&self, user: &str, codes: &[CodeDigest]) -> Lookup<Result<(), StoreError>>;

    /// Removes the first of these that the user has, and returns how many codes are left; `None` if the user has none of them. Of two that
    /// bring the same code, one gets it.
    fn take(&self, user: &str, any_of: &[CodeDigest]) -> Lookup<Result<Option<u32>, StoreError>>;

    /// Returns how many codes the user has.
    fn remaining(&self, user: &str) -> Lookup<Result<u32, StoreError>>;
}

impl<S: AttemptStore + ?Sized> AttemptStore for Arc<S> {
    fn begin_attempt(
        &self,
        user: &str,
        now: SystemTime,
        limit: AttemptLimit,
    ) -> Lookup<Result<Attempt, StoreError>> {
        (**self).begin_attempt(user, now, limit)
    }

    fn reset_attempts(&self, user: &str) -> Lookup<Result<(), StoreError>> {
        (**self).reset_attempts(user)
    }
}

impl<S: TotpStore + ?Sized> TotpStore for Arc<S> {
    fn load(&self, user: &str) -> Lookup<Result<Option<TotpRecord>, StoreError>> {
        (**self).load(user)
    }

    fn enrol(&self, user: &str, secret: &TotpSecret) -> Lookup<Result<(), StoreError>> {
        (**self).enrol(user, secret)
    }

    fn confirm(&self, user: &str, id: &EnrolmentId, step: u64) -> Lookup<Result<bool, StoreError>> {
        (**self).confirm(user, id, step)
    }

    fn consume(&self, user: &str, id: &EnrolmentId, step: u64) -> Lookup<Result<bool, StoreError>> {
        (**self).consume(user, id, step)
    }

    fn delete(&self, user: &str) -> Lookup<Result<bool, StoreError>> {
        (**self).delete(user)
    }
}

impl<S: RecoveryStore + ?Sized> RecoveryStore for Arc<S> {
    fn replace_all(&self, user: &str, codes: &[CodeDigest]) -> Lookup<Result<(), StoreError>> {
        (**self).replace_all(user, codes)
    }

    fn take(&self, user: &str, any_of: &[CodeDigest]) -> Lookup<Result<Option<u32>, StoreError>> {
        (**self).take(user, any_of)
    }

    fn remaining(&self, user: &str) -> Lookup<Result<u32, StoreError>> {
        (**self).remaining(user)
    }
}
