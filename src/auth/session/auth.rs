//! What handlers do with sessions: log in, renew, log out, list, revoke.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{Extensions, HeaderMap, HeaderValue};

use super::super::events::Faults;
use super::config::SessionAuthBuilder;
use super::cookie::{Cookie, Found};
use super::error::SessionError;
use super::info::SessionInfo;
use super::key::{SessionKey, SessionSecret, draw_name};
use super::record::SessionRecord;
use super::store::SessionStore;
use crate::core::record::{copied, date};
use crate::core::{
    AuthMethod, Clock, EventContext, EventName, Events, Principal, StoreError, StoreErrorKind,
};

const LAYER: &str = "auth";

/// Cookies of one name that a login or logout looks up. Browsers send one; who sends more has planted them.
const MOST_COOKIES: usize = 16;

/// How often a session that is to end is looked for, when it is renewed at the same time again and again.
const SEARCHES: usize = 8;

/// Sessions in a cookie: an [`Authenticator`](super::super::Authenticator) for requests, and what handlers log in and out with. Cloning
/// shares it. See [`mod@crate::auth::session`].
#[derive(Clone)]
pub struct SessionAuth {
    pub(super) inner: Arc<Inner>,
    /// The request that handlers act for.
    request: EventContext,
}

pub(super) struct Inner {
    pub(super) store: Arc<dyn SessionStore>,
    pub(super) cookie: Cookie,
    pub(super) idle: Duration,
    pub(super) absolute: Duration,
    pub(super) per_subject: NonZeroU32,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) events: Events,
    pub(super) faults: Faults,
}

/// How a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It was not used for too long.
    Idle,
    /// It lasted as long as any may.
    Over,
    Valid,
}

impl Inner {
    /// By the settings that hold now: sessions from before a restart with shorter ones end by the shorter ones.
    pub(super) fn standing(&self, record: &SessionRecord, now: SystemTime) -> Standing {
        // A date in the future is by another node's clock, or from before this one was set back.
        let since = |then: SystemTime| now.duration_since(then).unwrap_or_default();
        if record.principal().is_expired(now) || since(record.created_at()) >= self.absolute {
            Standing::Over
        } else if since(record.seen_at()) >= self.idle {
            Standing::Idle
        } else {
            Standing::Valid
        }
    }

    /// Until when a store keeps a session that is used now.
    pub(super) fn ends_at(&self, record: &SessionRecord, now: SystemTime) -> SystemTime {
        let end = record.principal().expires_at();
        let idle = now.checked_add(self.idle);
        match (idle, end) {
            (Some(idle), Some(end)) => idle.min(end),
            (idle, end) => idle.or(end).unwrap_or(now),
        }
    }

    pub(super) fn now(&self) -> Option<SystemTime> {
        date(self.clock.now())
    }
}

impl SessionAuth {
    /// Starts from the defaults, with the sessions in `store`.
    pub fn builder(store: impl SessionStore) -> SessionAuthBuilder {
        SessionAuthBuilder::new(store)
    }

    pub(super) fn new(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
            request: EventContext::default(),
        }
    }

    /// Returns the same sessions for a handler of the request with these extensions: events of what it does go to the sink of the
    /// [`SecurityStack`](crate::SecurityStack) that the request came through, with the request's id and the client's address. A sink
    /// of its own, if it [was given one](SessionAuthBuilder::events), hears of them instead.
    ///
    /// # Example
    ///
    /// ```
    /// use http::HeaderValue;
    /// use http::request::Parts;
    /// use tower_security::auth::session::{SessionAuth, SessionError};
    ///
    /// async fn log_out(sessions: &SessionAuth, head: &Parts) -> Result<HeaderValue, SessionError> {
    ///     sessions.for_request(&head.extensions).logout(&head.headers).await
    /// }
    /// ```
    #[must_use]
    pub fn for_request(&self, extensions: &Extensions) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            request: EventContext::of(extensions),
        }
    }

    /// Logs `who` in, and returns the line of `Set-Cookie`. Call it when the password, or whatever it was, is right.
    ///
    /// The session has a new id. Those that the request came with end, whoever they belong to: nobody can hand a session over that he
    /// knows (session fixation, [CWE-384]). With [`per_subject`](SessionAuthBuilder::per_subject) sessions already, the oldest ends.
    ///
    /// Of `who` are kept: subject, issuer, client, tenant, scopes, roles, `acr`, `amr` and `auth_time`. Where `who` says nothing of
    /// `auth_time`, it is now if the method is [`AuthMethod::Custom`]: your handler, or an authenticator of your own, has seen somebody log
    /// in. The principal of an API key, a token, a certificate or another session proves no login in person, and its session has no
    /// `auth_time` either, so that who stole a key does not meet [`max_age`](crate::authorize::max_age).
    ///
    /// # Errors
    ///
    /// The subject is empty, the request has more than 16 cookies of the name, the store fails or is full, or there is no randomness. Then
    /// nobody is logged in.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the old session may have ended and the new one may be there, which nobody has the cookie of.
    ///
    /// [CWE-384]: https://cwe.mitre.org/data/definitions/384.html
    pub async fn login(
        &self,
        headers: &HeaderMap,
        who: &Principal,
    ) -> Result<HeaderValue, SessionError> {
        let inner = &*self.inner;
        if who.subject().is_empty() {
            return Err(SessionError::SubjectEmpty);
        }
        let now = self.now()?;
        let over = now.checked_add(inner.absolute);
        let name = self.told(draw_name().ok_or(SessionError::Randomness))?;
        let mut principal = copied(who)
            .session_id(name)
            .expires_at(self.told(over.ok_or(SessionError::Clock))?);
        if who.auth_time().is_none() && matches!(who.method(), AuthMethod::Custom(_)) {
            principal = principal.auth_time(now);
        }
        let record = SessionRecord::of(principal, now);
        let ends_at = inner.ends_at(&record, now);
        let record = record.touched(now, ends_at);
        let (key, line) = self.draw()?;
        self.end_presented(headers).await?;
        let created = inner.store.create(&key, &record, inner.per_subject);
        self.told(created.wait().await)?;
        self.tell(
            EventName::SessionCreated,
            "session_created",
            record.principal(),
        );
        Ok(line)
    }

    /// Gives the session of the request a new id, and `who`'s rights: for a second factor, another password, a role that was given or
    /// taken. Returns the line of `Set-Cookie`. The old id is dead at once ([ASVS] 7.2.4).
    ///
    /// Its name and its end stay; so does `auth_time`, if `who` has none: after a second factor, say when.
    ///
    /// # Example
    ///
    /// The handler of a second factor, which begins with the principal of the request: what it leaves out of `who` would be lost.
    ///
    /// ```
    /// use std::time::SystemTime;
    ///
    /// use http::{Extensions, HeaderMap, HeaderValue};
    /// use tower_security::auth::session::{SessionAuth, SessionError};
    /// use tower_security::core::Principal;
    ///
    /// async fn code_is_right(
    ///     sessions: &SessionAuth,
    ///     headers: &HeaderMap,
    ///     who: &Principal,
    /// ) -> Result<HeaderValue, SessionError> {
    ///     let stronger = who.to_builder().amr(["pwd", "otp"]).acr("aal2").auth_time(SystemTime::now());
    ///     sessions.renew(headers, &stronger.build()).await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The request has no valid session, or one of somebody else; the store fails; there is no randomness.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the session may be there under the new id alone, and the user has to log in again.
    ///
    /// [ASVS]: https://owasp.org/www-project-application-security-verification-standard/
    pub async fn renew(
        &self,
        headers: &HeaderMap,
        who: &Principal,
    ) -> Result<HeaderValue, SessionError> {
        let inner = &*self.inner;
        let (old, record, now) = self.current(headers).await?;
        let before = record.principal();
        if before.subject() != who.subject() {
            return Err(SessionError::SubjectMismatch);
        }
        let mut principal = copied(who).session_id(before.session_id().unwrap_or_default());
        if let Some(time) = who.auth_time().or_else(|| before.auth_time()) {
            principal = principal.auth_time(time);
        }
        if let Some(end) = before.expires_at() {
            principal = principal.expires_at(end);
        }
        let renewed = SessionRecord::of(principal, record.created_at());
        let ends_at = inner.ends_at(&renewed, now);
        let renewed = renewed.touched(now, ends_at);
        let (key, line) = self.draw()?;
        if !self.told(inner.store.rotate(&old, &key, &renewed).wait().await)? {
            return Err(SessionError::NoSession);
        }
        self.tell(
            EventName::SessionRenewed,
            "session_renewed",
            renewed.principal(),
        );
        Ok(line)
    }

    /// Ends the session of the request, and returns the line of `Set-Cookie` that deletes the cookie. Without a session it returns the
    /// same.
    ///
    /// # Errors
    ///
    /// The store fails, or the request has more than 16 cookies of the name, which a sibling host may have planted: then the session may
    /// go on, and the user has to be told.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the session may have ended or not.
    pub async fn logout(&self, headers: &HeaderMap) -> Result<HeaderValue, SessionError> {
        self.end_presented(headers).await?;
        // It is always there; without it the cookie stays, and is of no use.
        let deletion = self.inner.cookie.deletion();
        Ok(deletion.cloned().unwrap_or(HeaderValue::from_static("")))
    }

    /// Ends one session of a subject by its name, and says whether there was one: for a page with "log out" beside each device.
    ///
    /// # Errors
    ///
    /// The store fails.
    pub async fn revoke(&self, subject: &str, id: &str) -> Result<bool, SessionError> {
        self.end_named(subject, id, "session_revoked").await
    }

    /// Ends all sessions of a subject, and says how many: after a password was changed or reset, a factor removed, an account
    /// disabled (ASVS 7.4.2 and 7.4.3).
    ///
    /// # Errors
    ///
    /// The store fails.
    pub async fn revoke_subject(&self, subject: &str) -> Result<u64, SessionError> {
        self.revoke_all(subject, None).await
    }

    /// Ends all sessions of the one who asks but the one that asks, and says how many: "log out everywhere else" (ASVS 7.4.3).
    ///
    /// # Errors
    ///
    /// The request has no valid session, or the store fails.
    pub async fn revoke_others(&self, headers: &HeaderMap) -> Result<u64, SessionError> {
        let (key, record, _) = self.current(headers).await?;
        let subject = record.principal().subject();
        self.revoke_all(subject, Some(&key)).await
    }

    /// Returns the sessions of a subject that are valid, the oldest first.
    ///
    /// # Errors
    ///
    /// The store fails, or the clock stands before 1970.
    pub async fn list(&self, subject: &str) -> Result<Vec<SessionInfo>, SessionError> {
        let inner = &*self.inner;
        let now = self.now()?;
        let all = self.told(inner.store.list(subject).wait().await)?;
        let valid = all
            .into_iter()
            .map(|(_, record)| record)
            .filter(|record| inner.standing(record, now) == Standing::Valid);
        let info = |record: SessionRecord| {
            let (seen_at, ends_at) = (record.seen_at(), inner.ends_at(&record, record.seen_at()));
            SessionInfo(record.touched(seen_at, ends_at))
        };
        Ok(valid.map(info).collect())
    }

    /// Removes sessions that are over from the store, and says how many: for a task that runs once an hour. Redis does so by itself.
    ///
    /// # Errors
    ///
    /// The store fails, or the clock stands before 1970.
    pub async fn purge(&self) -> Result<u64, SessionError> {
        let now = self.now()?;
        self.told(self.inner.store.purge(now).wait().await)
    }

    async fn revoke_all(
        &self,
        subject: &str,
        except: Option<&SessionKey>,
    ) -> Result<u64, SessionError> {
        let inner = &*self.inner;
        let ended = self.told(inner.store.revoke_subject(subject, except).wait().await)?;
        if ended > 0 {
            let what = (EventName::SessionLogout, LAYER, "sessions_revoked");
            self.request.tell(&inner.events, what, |event| {
                event
                    .principal(subject)
                    .own_detail(&format!("sessions={ended}"))
            });
        }
        Ok(ended)
    }

    /// The time, which has to be one that ends can be reckoned from.
    fn now(&self) -> Result<SystemTime, SessionError> {
        self.told(self.inner.now().ok_or(SessionError::Clock))
    }

    /// What a store or the system answered; a failure is told of.
    fn told<T>(&self, answer: Result<T, impl Into<SessionError>>) -> Result<T, SessionError> {
        answer.map_err(|error| {
            let error = error.into();
            if let Some((name, failure)) = error.fault() {
                let inner = &*self.inner;
                inner
                    .faults
                    .tell(&self.request, &inner.events, (name, &failure));
            }
            error
        })
    }

    fn tell(&self, name: EventName, code: &'static str, who: &Principal) {
        let what = (name, LAYER, code);
        self.request.tell(&self.inner.events, what, |event| {
            event
                .principal(who.subject())
                .target(who.session_id().unwrap_or_default())
        });
    }

    /// A new id: the key for the store, and the line for the browser.
    fn draw(&self) -> Result<(SessionKey, HeaderValue), SessionError> {
        let secret = self.told(SessionSecret::draw().ok_or(SessionError::Randomness))?;
        let line = self.inner.cookie.line(&secret.text());
        Ok((
            secret.key(self.inner.cookie.name()),
            self.told(line.ok_or(SessionError::Randomness))?,
        ))
    }

    /// The one valid session of a request.
    async fn current(
        &self,
        headers: &HeaderMap,
    ) -> Result<(SessionKey, SessionRecord, SystemTime), SessionError> {
        let inner = &*self.inner;
        let now = self.now()?;
        let Found::One(value) = inner.cookie.find(headers) else {
            return Err(SessionError::NoSession);
        };
        let key = SessionSecret::parse(value)
            .ok_or(SessionError::NoSession)?
            .key(inner.cookie.name());
        let record = self.told(inner.store.load(&key).wait().await)?;
        let record = record.ok_or(SessionError::NoSession)?;
        match inner.standing(&record, now) {
            Standing::Valid => Ok((key, record, now)),
            Standing::Idle | Standing::Over => Err(SessionError::NoSession),
        }
    }

    /// Ends all sessions that a request came with.
    async fn end_presented(&self, headers: &HeaderMap) -> Result<(), SessionError> {
        let inner = &*self.inner;
        let name = inner.cookie.name();
        let mut keys = Vec::new();
        for secret in inner
            .cookie
            .values(headers)
            .filter_map(SessionSecret::parse)
        {
            let key = secret.key(name);
            if keys.contains(&key) {
                continue;
            }
            if keys.len() == MOST_COOKIES {
                return Err(SessionError::TooMany);
            }
            keys.push(key);
        }
        for key in keys {
            let Some(record) = self.told(inner.store.load(&key).wait().await)? else {
                continue;
            };
            let who = record.principal();
            if self.told(inner.store.revoke(&key).wait().await)? {
                self.tell(EventName::SessionLogout, "session_logout", who);
            } else {
                let name = who.session_id().unwrap_or_default();
                self.end_named(who.subject(), name, "session_logout")
                    .await?;
            }
        }
        Ok(())
    }

    /// Ends the session of this name. Renewed meanwhile, it has another key and the name that it had.
    async fn end_named(
        &self,
        subject: &str,
        name: &str,
        code: &'static str,
    ) -> Result<bool, SessionError> {
        let inner = &*self.inner;
        for _ in 0..SEARCHES {
            let all = self.told(inner.store.list(subject).wait().await)?;
            let mut named = all
                .into_iter()
                .filter(|(_, record)| record.principal().session_id() == Some(name));
            let Some((key, record)) = named.next() else {
                return Ok(false);
            };
            if self.told(inner.store.revoke(&key).wait().await)? {
                self.tell(EventName::SessionLogout, code, record.principal());
                return Ok(true);
            }
        }
        let text = "a session that is renewed again and again";
        self.told(Err(StoreError::new(StoreErrorKind::Unavailable, text)))
    }

    /// By which name browsers know the cookie.
    pub(in crate::auth) fn cookie_name(&self) -> &str {
        self.inner.cookie.name()
    }

    /// What weakens it, for the posture.
    pub(in crate::auth) fn dangerous(&self) -> [(&'static str, bool); 1] {
        [("dangerous_plain_cookie", self.inner.cookie.is_plain())]
    }
}

impl fmt::Debug for SessionAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionAuth")
            .field("cookie", &self.inner.cookie.name())
            .field("idle", &self.inner.idle)
            .field("absolute", &self.inner.absolute)
            .finish_non_exhaustive()
    }
}
