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
/// When there is no more room, users of whom nothing is kept but attempts that are over make way, and if there are none, no further user
/// can enrol or try a code.
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
    rows: HashMap<Box<str>, Row>,
    /// A look for attempts that are over is of no use before.
    next_look: Option<SystemTime>,
}

#[derive(Default)]
struct Row {
    confirmed: Option<(TotpSecret, u64)>,
    pending: Option<TotpSecret>,
    codes: Vec<CodeDigest>,
    attempts: AttemptLog,
}

impl Row {
    const fn has_factor(&self) -> bool {
        self.confirmed.is_some() || self.pending.is_some() || !self.codes.is_empty()
    }
}

impl Users {
    /// The row of a user, made if there is none.
    fn row(&mut self, user: &str, capacity: usize) -> Result<&mut Row, StoreError> {
        let is_new = !self.rows.contains_key(user);
        if is_new && self.rows.len() >= capacity {
            return Err(StoreError::new(
                StoreErrorKind::Full,
                format!("{capacity} users with second factors"),
            ));
        }
        Ok(self.rows.entry(user.into()).or_default())
    }

    /// Makes room at a time that is known.
    fn make_room(&mut self, now: SystemTime, capacity: usize) {
        if self.rows.len() < capacity || self.next_look.is_some_and(|next| now < next) {
            return;
        }
        self.rows
            .retain(|_, row| row.has_factor() || !row.attempts.is_over(now));
        let rows = self.rows.values().filter(|row| !row.has_factor());
        self.next_look = rows.filter_map(|row| row.attempts.until()).min();
    }

    /// Forgets a user of whom nothing is kept.
    fn tidy(&mut self, user: &str) {
        if self
            .rows
            .get(user)
            .is_some_and(|row| !row.has_factor() && row.attempts.is_empty())
        {
            self.rows.remove(user);
        }
    }
}

impl MemoryMfaStore {
    /// Has room for 100,000 users.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(DEFAULT)
    }

    /// Has room for so many users. With 0 nobody can enrol.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Arc::new(Shared {
            capacity,
            users: Mutex::default(),
        }))
    }

    // Nothing panics while it holds the lock: the rows are whole whatever happened to another thread.
    fn with<T>(&self, look: impl FnOnce(&mut Users) -> T) -> T {
        look(&mut self.0.users.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes a user that is there.
    fn change<T: Default>(&self, user: &str, change: impl FnOnce(&mut Row) -> T) -> T {
        self.with(|users| {
            let changed = users.rows.get_mut(user).map(change).unwrap_or_default();
            users.tidy(user);
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
        Lookup::Ready(self.with(|users| {
            users.make_room(now, capacity);
            Ok(users.row(user, capacity)?.attempts.begin(now, limit))
        }))
    }

    fn reset_attempts(&self, user: &str) -> Lookup<Result<(), StoreError>> {
        self.change(user, |row| row.attempts = AttemptLog::default());
        Lookup::Ready(Ok(()))
    }
}

impl TotpStore for MemoryMfaStore {
    fn load(&self, user: &str) -> Lookup<Result<Option<TotpRecord>, StoreError>> {
        Lookup::Ready(Ok(self.with(|users| {
            let row = users.rows.get(user)?;
            let is_there = row.confirmed.is_some() || row.pending.is_some();
            is_there.then(|| TotpRecord::new(row.confirmed.clone(), row.pending.clone()))
        })))
    }

    fn enrol(&self, user: &str, secret: &TotpSecret) -> Lookup<Result<(), StoreError>> {
        let capacity = self.0.capacity;
        Lookup::Ready(self.with(|users| {
            users.row(user, capacity)?.pending = Some(secret.clone());
            Ok(())
        }))
    }

    fn confirm(&self, user: &str, id: &EnrolmentId, step: u64) -> Lookup<Result<bool, StoreError>> {
        Lookup::Ready(Ok(self.change(user, |row| {
            let Some(secret) = row.pending.take_if(|secret| secret.id() == *id) else {
                return false;
            };
            row.confirmed = Some((secret, step));
            true
        })))
    }

    fn consume(&self, user: &str, id: &EnrolmentId, step: u64) -> Lookup<Result<bool, StoreError>> {
        Lookup::Ready(Ok(self.change(user, |row| match &mut row.confirmed {
            Some((secret, last_step)) if secret.id() == *id && *last_step < step => {
                *last_step = step;
                true
            }
            _ => false,
        })))
    }

    fn delete(&self, user: &str) -> Lookup<Result<bool, StoreError>> {
        Lookup::Ready(Ok(self.change(user, |row| {
            let confirmed = row.confirmed.take().is_some();
            row.pending.take().is_some() || confirmed
        })))
    }
}

impl RecoveryStore for MemoryMfaStore {
    fn replace_all(&self, user: &str, codes: &[CodeDigest]) -> Lookup<Result<(), StoreError>> {
        let capacity = self.0.capacity;
        if codes.is_empty() {
            self.change(user, |row| row.codes = Vec::new());
            return Lookup::Ready(Ok(()));
        }
        Lookup::Ready(self.with(|users| {
            users.row(user, capacity)?.codes = codes.to_vec();
            Ok(())
        }))
    }

    fn take(&self, user: &str, any_of: &[CodeDigest]) -> Lookup<Result<Option<u32>, StoreError>> {
        Lookup::Ready(Ok(self.change(user, |row| {
            let mut places = any_of
                .iter()
                .filter_map(|wanted| row.codes.iter().position(|code| code == wanted));
            let at = places.next()?;
            row.codes.swap_remove(at);
            Some(u32::try_from(row.codes.len()).unwrap_or(u32::MAX))
        })))
    }

    fn remaining(&self, user: &str) -> Lookup<Result<u32, StoreError>> {
        Lookup::Ready(Ok(self.with(|users| {
            let codes = users.rows.get(user).map_or(0, |row| row.codes.len());
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
            .field("len", &self.with(|users| users.rows.len()))
            .finish()
    }
}
