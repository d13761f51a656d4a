//! The builder of `SessionAuth`.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::super::events::Faults;
use super::auth::{Inner, SessionAuth};
use super::cookie::{CookieSettings, SessionSameSite};
use super::error::SessionConfigError;
use super::store::SessionStore;
use crate::core::{Clock, ConfigErrors, EventSink, Events, Mistakes, SystemClock};

const SECOND: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3_600);
const MOST: u32 = 1_000;

/// Makes a [`SessionAuth`]. See [`SessionAuth::builder`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct SessionAuthBuilder {
    store: Arc<dyn SessionStore>,
    cookie: CookieSettings,
    idle: Duration,
    absolute: Duration,
    per_subject: u32,
    clock: Arc<dyn Clock>,
    events: Events,
}

impl SessionAuthBuilder {
    pub(super) fn new(store: impl SessionStore) -> Self {
        Self {
            store: Arc::new(store),
            cookie: CookieSettings::default(),
            idle: Duration::from_secs(30 * 60),
            absolute: Duration::from_secs(12 * 3_600),
            per_subject: 20,
            clock: Arc::new(SystemClock),
            events: Events::default(),
        }
    }

    /// Names the cookie (default `__Host-session`, which no other host can set).
    ///
    /// Behind a [`CookieLayer`](crate::CookieLayer) that renames it, write the bare name.
    ///
    /// Permitted: `__Host-id`, `__Secure-id`, `session`. Refused: the empty name, `my session`, 129 characters.
    pub fn cookie(mut self, name: impl Into<String>) -> Self {
        self.cookie.name = name.into();
        self
    }

    /// Sends the cookie to all hosts below `domain` too (default: to the host that set it alone).
    ///
    /// Each of these hosts reads and sets it: one that is taken over has all sessions. Needs a name without `__Host-`.
    ///
    /// Permitted: `example.com`. Refused: `.example.com`, `https://example.com`.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.cookie.domain = Some(domain.into());
        self
    }

    /// Sends the cookie below `path` alone (default `/`). It protects from nobody on the same host. Needs a name without `__Host-`.
    ///
    /// Permitted: `/app`. Refused: `app`, `/a;b`.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.cookie.path = path.into();
        self
    }

    /// With which requests of other sites browsers send the cookie (default [`SessionSameSite::Lax`]).
    pub const fn same_site(mut self, same_site: SessionSameSite) -> Self {
        self.cookie.same_site = same_site;
        self
    }

    /// Ends a session that was not used for so long (default 30 min, the [OWASP] cheat sheet's for low-value applications; 2 to 5 min
    /// for those where money moves).
    ///
    /// It is noted at most once in a thirtieth of it that a session was used, so that it may end that much earlier.
    ///
    /// Permitted: 1 s to [`absolute`](Self::absolute). Refused: longer or shorter.
    ///
    /// [OWASP]: https://cheatsheetseries.owasp.org/cheatsheets/Session_Management_Cheat_Sheet.html#session-expiration
    pub const fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Ends a session so long after its login, however it is used (default 12 h, [NIST SP 800-63B], section 2.3.3).
    ///
    /// Permitted: 1 s to 30 days. Refused: longer or shorter.
    ///
    /// [NIST SP 800-63B]: https://pages.nist.gov/800-63-4/sp800-63b.html
    pub const fn absolute(mut self, absolute: Duration) -> Self {
        self.absolute = absolute;
        self
    }

    /// Keeps so many sessions of one subject (default 20): with one login more, the oldest ends. So one user does not fill the store.
    ///
    /// Permitted: 1 to 1000. Refused: 0, 1001.
    pub const fn per_subject(mut self, sessions: u32) -> Self {
        self.per_subject = sessions;
        self
    }

    /// Sends the cookie over plain HTTP too: everybody on the way can take the session over. For a network of your own without TLS, and
    /// for browsers that take no `Secure` cookie from localhost. Needs a name without `__Host-` and `__Secure-`.
    pub const fn dangerous_plain_cookie(mut self) -> Self {
        self.cookie.is_plain = true;
        self
    }

    /// Sends events of logins and logouts to `sink` (default: that of the stack, where handlers say
    /// [which request](super::SessionAuth::for_request) it is, else `tracing`).
    pub fn events(mut self, sink: impl EventSink) -> Self {
        self.events = self.events.with_sink(sink);
        self
    }

    /// Reads dates from `clock` (default: the system's). For tests.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(clock);
        self.clock = Arc::clone(&clock);
        self.events = self.events.with_clock(clock);
        self
    }

    /// Makes the authenticator.
    ///
    /// # Errors
    ///
    /// Every mistake at once, each with a [`SessionConfigError`]: a cookie that browsers would not keep or that could be read,
    /// lifetimes out of bounds, no session for anybody.
    pub fn build(self) -> Result<SessionAuth, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        for problem in self.cookie.problems() {
            mistakes.push(
                "auth.session.cookie",
                SessionConfigError::CookieRefused {
                    name: self.cookie.name.chars().take(128).collect(),
                    problem,
                },
            );
        }
        if self.idle < SECOND || self.idle > self.absolute || self.absolute > LONGEST {
            mistakes.push(
                "auth.session.idle",
                SessionConfigError::LifetimeInvalid {
                    idle: self.idle,
                    absolute: self.absolute,
                },
            );
        }
        let per_subject = NonZeroU32::new(self.per_subject).filter(|most| most.get() <= MOST);
        if per_subject.is_none() {
            mistakes.push(
                "auth.session.per_subject",
                SessionConfigError::PerSubjectInvalid {
                    per_subject: self.per_subject,
                },
            );
        }
        mistakes.finish(SessionAuth::new(Inner {
            store: self.store,
            cookie: self.cookie.compile(),
            idle: self.idle,
            absolute: self.absolute,
            per_subject: per_subject.unwrap_or(NonZeroU32::MIN),
            clock: self.clock,
            events: self.events,
            faults: Faults::new(),
        }))
    }
}

impl fmt::Debug for SessionAuthBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionAuthBuilder")
            .field("cookie", &self.cookie)
            .field("idle", &self.idle)
            .field("absolute", &self.absolute)
            .field("per_subject", &self.per_subject)
            .finish_non_exhaustive()
    }
}
