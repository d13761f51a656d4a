//! Second factors in the memory of this process.
#![expect(
    clippy::disallowed_types,
    reason = "the lock is held for a few hash operations of somebody who logs in"
)]

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::attempts::{Attempt, AttemptLimit, AttemptLog};
use super::recovery::CodeDigest;
use super::secret::{EnrolmentId, TotpRecord, TotpSecret};
use super::store::{AttemptStore, RecoveryStore, TotpStore};
use crate::core::{Lookup, StoreError, StoreErrorKind};

/// See [`MemoryMfaStore::new`].
const DEFAULT: usize = 100_000;

/// Keeps one-time and recovery codes in the memory of this process, which are gone when it ends: for tests, and for users that are read
/// from a file at the start. Clones share them, and the attempts of both services count together.
///
/// When there is no more room, no further user can enrol; where it is attempts that there is no more room for, those that are over make
/// way, and if there are none, no further user can try a code.
///
/// # Example
///
/// ```
/// use tower_security::mfa::{MemoryMfaStore, TotpService};
///
/// let totp = TotpService::builder(MemoryMfaStore::new(), "Shop").build()?;
/// # let _ = totp;
/// # Ok::<(), tower_security::core::ConfigErrors>(())
/// ```
#[derive(Clone)]
pub struct MemoryMfaStore(Arc<Shared>);

struct Shared {
    capacity: usize,
    users: Mutex<Users>,
}

#[derive(Default)]
struct Users {
    factors: HashMap<Box<str>, Factors>,
    attempts: HashMap<Box<str>, AttemptLog>,
    /// Before, a look for attempts that are over is of no use.
    next_look: Option<SystemTime>,
}

#[derive(Default)]
struct Factors {
    confirmed: Option<(TotpSecret, u64)>,
    pending: Option<TotpSecret>,
    codes: Vec<CodeDigest>,
}

impl Factors {
    const fn is_empty(&self) -> bool {
        self.confirmed.is_none() && self.pending.is_none() && self.codes.is_empty()
    }
}

impl Users {
    /// Charges an attempt. Where there is no more room, what is over makes way.
    fn begin(
        &mut self,
        user: &str,
        now: SystemTime,
        limit: AttemptLimit,
        capacity: usize,
    ) -> Result<Attempt, StoreError> {
        if let Some(log) = self.attempts.get_mut(user) {
            return Ok(log.begin(now, limit));
        }
        if self.attempts.len() >= capacity && self.next_look.is_none_or(|next| next <= now) {
            self.attempts.retain(|_, log| !log.is_over(now));
            self.next_look = self.attempts.values().filter_map(AttemptLog::until).min();
        }
        if self.attempts.len() >= capacity {
            return Err(full(capacity, "attempts"));
        }
        let mut log = AttemptLog::default();
        let begun = log.begin(now, limit);
        // A window that is shorter than those of the others is over before them.
        if let (Some(next), Some(until)) = (&mut self.next_look, log.until()) {
            *next = until.min(*next);
        }
        self.attempts.insert(user.into(), log);
        Ok(begun)
    }

    /// What is kept of a user, who may be new.
    fn factors(&mut self, user: &str, capacity: usize) -> Result<&mut Factors, StoreError> {
        if !self.factors.contains_key(user) && self.factors.len() >= capacity {
            return Err(full(capacity, "second factors"));
        }
        Ok(self.factors.entry(user.into()).or_default())
    }
}

fn full(capacity: usize, what: &str) -> StoreError {
    let text = format!("{capacity} users with {what}");
    StoreError::new(StoreErrorKind::Full, text)
}

impl MemoryMfaStore {
    /// Has room for 100,000 users, and for the attempts of as many.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(DEFAULT)
    }

    /// Has room for so many users, and for the attempts of as many. With 0 nobody can enrol.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Arc::new(Shared {
            capacity,
            users: Mutex::default(),
        }))
    }

    /// Returns how many users have an app, an enrolment that waits, or recovery codes. Attempts do not count.
    #[must_use]
    pub fn len(&self) -> usize {
        self.with(|users| users.factors.len())
    }

    /// Whether nobody has an app, an enrolment that waits, or recovery codes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    // Nothing panics while it holds the lock: the rows are whole whatever happened to another thread.
    fn with<T>(&self, look: impl FnOnce(&mut Users) -> T) -> T {
        look(&mut self.0.users.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes what is kept of a user, and forgets him if that is nothing any more.
    fn change<T: Default>(&self, user: &str, change: impl FnOnce(&mut Factors) -> T) -> T {
        self.with(|users| {
            let Some(factors) = users.factors.get_mut(user) else {
                return T::default();
            };
            let changed = change(factors);
            if factors.is_empty() {
                users.factors.remove(user);
            }
            changed
        })
    }
}

impl AttemptStore for MemoryMfaStore {
    fn begin_attempt(
        &self,
        user: &str,
        now: SystemTime,
        limit: AttemptLimit,
    ) -> Lookup<Result<Attempt, StoreError>> {
        let capacity = self.0.capacity;
        Lookup::Ready(self.with(|users| users.begin(user, now, limit, capacity)))
    }

    fn reset_attempts(&self, user: &str) -> Lookup<Result<(), StoreError>> {
        self.with(|users| users.attempts.remove(user));
        Lookup::Ready(Ok(()))
    }
}

impl TotpStore for MemoryMfaStore {
    fn load(&self, user: &str) -> Lookup<Result<Option<TotpRecord>, StoreError>> {
        Lookup::Ready(Ok(self.with(|users| {
            let kept = users.factors.get(user)?;
            let is_there = kept.confirmed.is_some() || kept.pending.is_some();
            is_there.then(|| TotpRecord::new(kept.confirmed.clone(), kept.pending.clone()))
        })))
    }

    fn enrol(&self, user: &str, secret: &TotpSecret) -> Lookup<Result<(), StoreError>> {
        let capacity = self.0.capacity;
        Lookup::Ready(self.with(|users| {
            users.factors(user, capacity)?.pending = Some(secret.clone());
            Ok(())
        }))
    }

    fn confirm(&self, user: &str, id: &EnrolmentId, step: u64) -> Lookup<Result<bool, StoreError>> {
        Lookup::Ready(Ok(self.change(user, |kept| {
            let Some(secret) = kept.pending.take_if(|secret| secret.id() == *id) else {
                return false;
            };
            kept.confirmed = Some((secret, step));
            true
        })))
    }

    fn consume(&self, user: &str, id: &EnrolmentId, step: u64) -> Lookup<Result<bool, StoreError>> {
        Lookup::Ready(Ok(self.change(user, |kept| match &mut kept.confirmed {
            Some((secret, last_step)) if secret.id() == *id && *last_step < step => {
                *last_step = step;
                true
            }
            // Another enrolment has taken its place, or the code was used.
            Some(_) | None => false,
        })))
    }

    fn delete(&self, user: &str) -> Lookup<Result<bool, StoreError>> {
        Lookup::Ready(Ok(self.change(user, |kept| {
            let confirmed = kept.confirmed.take().is_some();
            kept.pending.take().is_some() || confirmed
        })))
    }
}

impl RecoveryStore for MemoryMfaStore {
    fn replace_all(&self, user: &str, codes: &[CodeDigest]) -> Lookup<Result<(), StoreError>> {
        let capacity = self.0.capacity;
        if codes.is_empty() {
            self.change(user, |kept| kept.codes = Vec::new());
            return Lookup::Ready(Ok(()));
        }
        Lookup::Ready(self.with(|users| {
            users.factors(user, capacity)?.codes = codes.to_vec();
            Ok(())
        }))
    }

    fn take(&self, user: &str, any_of: &[CodeDigest]) -> Lookup<Result<Option<u32>, StoreError>> {
        Lookup::Ready(Ok(self.change(user, |kept| {
            let mut places = any_of
                .iter()
                .filter_map(|wanted| kept.codes.iter().position(|code| code == wanted));
            let at = places.next()?;
            kept.codes.swap_remove(at);
            Some(u32::try_from(kept.codes.len()).unwrap_or(u32::MAX))
        })))
    }

    fn remaining(&self, user: &str) -> Lookup<Result<u32, StoreError>> {
        Lookup::Ready(Ok(self.with(|users| {
            let codes = users.factors.get(user).map_or(0, |kept| kept.codes.len());
            u32::try_from(codes).unwrap_or(u32::MAX)
        })))
    }
}

impl Default for MemoryMfaStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryMfaStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryMfaStore")
            .field("capacity", &self.0.capacity)
            .field("len", &self.len())
            .finish()
    }
}
