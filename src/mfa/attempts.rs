//! Attempts are charged before a code is looked at, so that codes cannot be guessed by trying ([ASVS] 6.3.1, RFC 4226 section 7.3).
//!
//! [ASVS]: https://owasp.org/www-project-application-security-verification-standard/

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::error::MfaError;
use super::store::AttemptStore;
use crate::core::record::date;
use crate::core::{
    Clock, EventContext, EventName, Events, Level, Outcome, SecurityEvent, StoreError,
    StoreErrorKind,
};

/// A store remembers so many at most.
pub(super) const MOST: u32 = 20;
/// The longest window.
pub(super) const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// How many attempts an account has in which time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptLimit {
    most: NonZeroU32,
    window: Duration,
}

impl AttemptLimit {
    /// 5 in 5 minutes.
    pub(super) const DEFAULT: Self = Self {
        most: NonZeroU32::MIN.saturating_add(4),
        window: Duration::from_secs(300),
    };

    /// `None` unless 1 to 20 attempts in 1 second to 24 hours.
    #[must_use]
    pub fn new(most: u32, window: Duration) -> Option<Self> {
        let is_window = (Duration::from_secs(1)..=LONGEST).contains(&window);
        let most = NonZeroU32::new(most).filter(|most| most.get() <= MOST && is_window)?;
        Some(Self { most, window })
    }

    /// Returns how many attempts: 1 to 20.
    #[must_use]
    pub const fn most(self) -> u32 {
        self.most.get()
    }

    /// Returns in which time: 1 second to 24 hours.
    #[must_use]
    pub const fn window(self) -> Duration {
        self.window
    }
}

/// Whether an attempt may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attempt {
    /// It may, and it is charged.
    Allowed {
        /// How many were charged before it, of the same window.
        earlier: u32,
    },
    /// It must not be made now, and is not charged.
    Refused {
        /// After how long there is room for one.
        retry_after: Duration,
    },
}

/// When attempts were made: what a store keeps of a user, the latest 20 of them. For stores that hold them in memory or in a row that they
/// lock.
///
/// # Example
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use tower_security::mfa::{Attempt, AttemptLimit, AttemptLog};
///
/// let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
/// let limit = AttemptLimit::new(1, Duration::from_secs(60)).ok_or("1 to 20 attempts")?;
/// let mut log = AttemptLog::default();
/// assert_eq!(log.begin(now, limit), Attempt::Allowed { earlier: 0 });
/// let retry_after = Duration::from_secs(50);
/// assert_eq!(log.begin(now + Duration::from_secs(10), limit), Attempt::Refused { retry_after });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct AttemptLog {
    /// The latest last.
    times: Vec<SystemTime>,
    /// When all of them are forgotten.
    until: Option<SystemTime>,
}

impl AttemptLog {
    /// Charges an attempt, if there is room for one. Times that lie in the future, by a clock that was set back since, count as `now`.
    pub fn begin(&mut self, now: SystemTime, limit: AttemptLimit) -> Attempt {
        for time in &mut self.times {
            *time = now.min(*time);
        }
        // The clocks of two nodes may differ.
        self.times.sort_unstable();
        let since = |time: &SystemTime| now.duration_since(*time).unwrap_or_default();
        let counts = |time: &&SystemTime| since(time) < limit.window;
        let charged = self.times.iter().filter(counts).count();
        let most = usize::try_from(limit.most()).unwrap_or(usize::MAX);
        // The one that has to be forgotten before there is room.
        let blocking = self.times.iter().rev().nth(most.saturating_sub(1));
        if let Some(time) = blocking.filter(|_| charged >= most) {
            return Attempt::Refused {
                retry_after: limit.window.saturating_sub(since(time)),
            };
        }
        let room = usize::try_from(MOST).unwrap_or_default();
        if self.times.len() >= room {
            self.times.remove(0);
        }
        self.times.push(now);
        self.until = self.until.max(now.checked_add(limit.window));
        Attempt::Allowed {
            earlier: u32::try_from(charged).unwrap_or(u32::MAX),
        }
    }

    /// When nothing in it counts any more.
    pub(super) const fn until(&self) -> Option<SystemTime> {
        self.until
    }

    /// Whether nothing in it counts any more.
    #[must_use]
    pub fn is_over(&self, now: SystemTime) -> bool {
        self.times.is_empty() || self.until.is_some_and(|until| until <= now)
    }
}

/// What both services are made of.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) limit: AttemptLimit,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) events: Events,
}

/// What both services do for one user before and after they look at a code.
#[derive(Clone, Copy)]
pub(super) struct Desk<'a> {
    pub(super) gate: &'a Gate,
    /// The request that a handler acts for.
    pub(super) request: &'a EventContext,
    pub(super) user: &'a str,
}

impl Desk<'_> {
    /// Charges the attempt. Returns the time, and how many were charged before.
    pub(super) async fn begin<S: AttemptStore + ?Sized>(
        self,
        store: &S,
    ) -> Result<(SystemTime, u32), MfaError> {
        if self.user.is_empty() {
            return Err(MfaError::UserEmpty);
        }
        let now = date(self.gate.clock.now()).ok_or_else(|| self.fault(MfaError::Clock))?;
        let begun = store.begin_attempt(self.user, now, self.gate.limit);
        match self.told(begun.wait().await)? {
            Attempt::Allowed { earlier } => Ok((now, earlier)),
            Attempt::Refused { retry_after } => {
                self.refused(EventName::AuthnLoginFailMax, "login_throttled", "attempts");
                Err(MfaError::Throttled { retry_after })
            }
        }
    }

    /// The right code was there: what was charged is forgotten.
    pub(super) async fn succeed<S: AttemptStore + ?Sized>(
        self,
        store: &S,
        earlier: u32,
        (code, level): (&'static str, Level),
    ) {
        self.forgive(store).await;
        let name = if earlier > 0 {
            EventName::AuthnLoginSuccessAfterFail
        } else {
            EventName::AuthnLoginSuccess
        };
        self.tell(level, (name, code), |event| event);
    }

    /// Forgets what was charged.
    pub(super) async fn forgive<S: AttemptStore + ?Sized>(self, store: &S) {
        // The code is spent: that what was charged stays for its window is no reason to refuse its owner. An event tells of it.
        let _ = self.told(store.reset_attempts(self.user).wait().await);
    }

    /// The code was wrong, or used before: the client is told the same.
    pub(super) fn fail(self, error: MfaError) -> MfaError {
        let rule = match &error {
            MfaError::Replayed => "code_replayed",
            _ => "code_invalid",
        };
        self.refused(EventName::AuthnLoginFail, "login_failed", rule);
        error
    }

    /// Something of the user was changed.
    pub(super) fn changed(self, code: &'static str) {
        let name = EventName::UserUpdated;
        self.tell(name.default_level(), (name, code), |event| event);
    }

    /// What the store answered; a failure is told of.
    pub(super) fn told<T>(self, answer: Result<T, StoreError>) -> Result<T, MfaError> {
        answer.map_err(|error| self.fault(MfaError::Store(error)))
    }

    /// Tells of what failed that is neither the user's doing nor the handler's.
    pub(super) fn fault(self, error: MfaError) -> MfaError {
        let (name, rule, words) = match &error {
            MfaError::Clock => (EventName::SysMonitorDisabled, "clock", None),
            MfaError::Randomness => (EventName::CryptEncryptFail, "randomness", None),
            MfaError::Store(error) => {
                let rule = match error.kind() {
                    StoreErrorKind::Corrupt => "store_corrupt",
                    StoreErrorKind::Full => "store_full",
                    StoreErrorKind::Timeout => "store_timeout",
                    StoreErrorKind::Unavailable => "store_unavailable",
                };
                (EventName::SysMonitorDisabled, rule, Some(error.text()))
            }
            MfaError::AccountInvalid
            | MfaError::Invalid
            | MfaError::NotPending
            | MfaError::Replayed
            | MfaError::Throttled { .. }
            | MfaError::UserEmpty => return error,
        };
        let what = (name, "authentication_unavailable");
        self.tell(Level::Error, what, |event| {
            let event = event.outcome(Outcome::Fault).rule(rule);
            match words {
                Some(words) => event.own_detail(words),
                None => event,
            }
        });
        error
    }

    fn refused(self, name: EventName, code: &'static str, rule: &'static str) {
        self.tell(name.default_level(), (name, code), |event| {
            event.outcome(Outcome::Refused).rule(rule)
        });
    }

    fn tell(
        self,
        level: Level,
        (name, code): (EventName, &'static str),
        complete: impl FnOnce(SecurityEvent<'_>) -> SecurityEvent<'_>,
    ) {
        let what = (name, "mfa", code);
        self.request
            .tell_at(level, &self.gate.events, what, |event| {
                complete(event.principal(self.user))
            });
    }
}

#[cfg(test)]
#[path = "attempts_tests.rs"]
mod tests;
