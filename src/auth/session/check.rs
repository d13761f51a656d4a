//! Whose session a request comes with.

use std::sync::Arc;
use std::time::SystemTime;

use http::HeaderName;
use http::header::COOKIE;
use http::request::Parts;

use super::super::{AuthFailure, AuthFailureKind, Authenticator, Decision, Presence};
use super::auth::{Inner, SessionAuth, Standing};
use super::cookie::Found;
use super::key::{SessionKey, SessionSecret};
use super::record::SessionRecord;
use crate::core::text::cap;
use crate::core::{AuthMethod, ChallengeScheme, CleanText, Lookup, Principal, StoreError};

/// How often in its idle time a session notes that it was used.
const NOTES: u32 = 30;

impl Authenticator for SessionAuth {
    fn presence(&self, head: &Parts) -> Presence {
        // Two of them are present too: what is absent may pass as anonymous.
        match self.inner.cookie.find(&head.headers) {
            Found::None => Presence::Absent,
            Found::One(_) | Found::Several => Presence::Ambient,
        }
    }

    fn authenticate(&self, head: &Parts) -> Decision {
        let inner = &self.inner;
        let value = match inner.cookie.find(&head.headers) {
            Found::None => return Decision::NotPresent,
            Found::One(value) => value,
            // A sibling host can plant a cookie beside the real one (cookie tossing).
            Found::Several => {
                let failure = AuthFailure::new(AuthFailureKind::Ambiguous);
                let failure = failure.with_method(AuthMethod::Session);
                return Decision::Denied(failure.with_reason("cookie_twice"));
            }
        };
        let Some(secret) = SessionSecret::parse(value) else {
            return Decision::Denied(inner.invalid("malformed"));
        };
        let key = secret.key(inner.cookie.name());
        match inner.store.load(&key) {
            Lookup::Ready(found) => inner.decide(key, found),
            Lookup::Pending(found) => {
                let inner = Arc::clone(inner);
                Decision::pending(async move {
                    match inner.judge(found.await)? {
                        Judged::Noted(principal) => Ok(principal),
                        Judged::ToNote(note) => {
                            let noted = note.send(&inner, &key).wait().await;
                            inner.noted(&noted, note.principal)
                        }
                    }
                })
            }
        }
    }

    fn scheme(&self) -> ChallengeScheme {
        ChallengeScheme::session()
    }

    fn headers(&self) -> Vec<HeaderName> {
        vec![COOKIE]
    }
}

/// A session that is valid.
enum Judged {
    /// The store knows well enough that it is used.
    Noted(Principal),
    ToNote(Note),
}

/// What a store is to be told of a use.
struct Note {
    principal: Principal,
    seen_at: SystemTime,
    ends_at: SystemTime,
}

impl Note {
    fn send(&self, inner: &Inner, key: &SessionKey) -> Lookup<Result<bool, StoreError>> {
        inner.store.touch(key, self.seen_at, self.ends_at)
    }
}

impl Inner {
    fn decide(
        self: &Arc<Self>,
        key: SessionKey,
        found: Result<Option<SessionRecord>, StoreError>,
    ) -> Decision {
        let note = match self.judge(found) {
            Err(failure) => return Decision::Denied(failure),
            Ok(Judged::Noted(principal)) => return Decision::Granted(principal),
            Ok(Judged::ToNote(note)) => note,
        };
        match note.send(self, &key) {
            Lookup::Ready(noted) => self.noted(&noted, note.principal).into(),
            Lookup::Pending(noted) => {
                let inner = Arc::clone(self);
                Decision::pending(async move { inner.noted(&noted.await, note.principal) })
            }
        }
    }

    fn judge(
        &self,
        found: Result<Option<SessionRecord>, StoreError>,
    ) -> Result<Judged, AuthFailure> {
        let record = found.map_err(unavailable)?;
        let now = self.now().ok_or_else(|| {
            let failure = AuthFailure::new(AuthFailureKind::Unavailable);
            failure
                .with_method(AuthMethod::Session)
                .with_reason("clock")
        })?;
        let record = record.ok_or_else(|| self.invalid("unknown"))?;
        let reason = match self.standing(&record, now) {
            Standing::Valid => {
                let principal = record.principal().clone();
                let unseen = now.duration_since(record.seen_at()).unwrap_or_default();
                if unseen < self.idle / NOTES {
                    return Ok(Judged::Noted(principal));
                }
                return Ok(Judged::ToNote(Note {
                    principal,
                    seen_at: now,
                    ends_at: self.ends_at(&record, now),
                }));
            }
            Standing::Idle => "idle",
            Standing::Over => "over",
        };
        let sid = record.principal().session_id().unwrap_or_default();
        let detail = CleanText::new(&format!("sid={sid}"), cap::DETAIL).into_owned();
        Err(self.invalid(reason).with_detail(detail))
    }

    /// A session that ended between the two questions is not let in. One that could not be noted is: it ends earlier for it.
    fn noted(
        &self,
        noted: &Result<bool, StoreError>,
        principal: Principal,
    ) -> Result<Principal, AuthFailure> {
        match noted {
            Ok(true) | Err(_) => Ok(principal),
            Ok(false) => Err(self.invalid("unknown")),
        }
    }

    /// The browser is told to forget the cookie: where nobody has to log in, it would keep its user out.
    fn invalid(&self, reason: &'static str) -> AuthFailure {
        let failure = AuthFailure::new(AuthFailureKind::SessionInvalid)
            .with_method(AuthMethod::Session)
            .with_reason(reason);
        match self.cookie.deletion() {
            Some(deletion) => failure.with_set_cookie(deletion.clone()),
            None => failure,
        }
    }
}

fn unavailable(error: StoreError) -> AuthFailure {
    AuthFailure::from(error).with_method(AuthMethod::Session)
}
