//! What can be wrong with the configuration of sessions, and with what a handler asks of them.

use std::time::Duration;

use super::super::{AuthFailure, AuthFailureKind};
use crate::core::{
    AuthMethod, ChallengeScheme, Challenges, ConfigErrorKind, ErrorClass, EventName, Rejection,
    StoreError,
};

/// A mistake in the configuration of [`SessionAuth`](super::SessionAuth).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionConfigError {
    /// Browsers would not keep the cookie, or would send it where it can be read.
    #[error("refused cookie {name:?}: {problem}")]
    CookieRefused {
        /// The name of the cookie as given.
        name: String,
        /// What is wrong with it, and what to write instead.
        problem: CookieProblem,
    },
    /// A session would be over at once, or never.
    #[error(
        "invalid lifetimes, idle {idle:?} and absolute {absolute:?}: write at least 1 s for both, idle not longer than absolute, and \
         absolute not longer than 30 days"
    )]
    LifetimeInvalid {
        /// The longest pause as given.
        idle: Duration,
        /// The longest session as given.
        absolute: Duration,
    },
    /// Nobody could log in, or one user could fill the store.
    #[error("invalid number of sessions {per_subject} for each subject: write 1 to 1000")]
    PerSubjectInvalid {
        /// The number as given.
        per_subject: u32,
    },
}

/// What is wrong with a session's cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum CookieProblem {
    /// `Domain` is no host name.
    #[error("its domain is no host name, write \"example.com\" or none")]
    Domain,
    /// The prefix binds the cookie to one host and to `/`.
    #[error(
        "\"__Host-\" permits neither a domain nor a path but \"/\", leave them out or write a name without it"
    )]
    HostPrefix,
    /// The name is no token.
    #[error("write a name of 1 to 128 of the characters A-Z a-z 0-9 ! # $ % & ' * + - . ^ _ ` | ~")]
    Name,
    /// `Path` does not begin with `/`, or would end in the middle.
    #[error("its path is not absolute, write \"/\" or \"/app\"")]
    Path,
    /// The prefix promises what a cookie without `Secure` does not keep.
    #[error(
        "a name that begins with \"__\" promises `Secure`, write one without it for plain HTTP"
    )]
    PlainPrefix,
}

impl ConfigErrorKind for SessionConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::CookieRefused { .. } => ErrorClass::Refused,
            Self::LifetimeInvalid { .. } | Self::PerSubjectInvalid { .. } => ErrorClass::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::CookieRefused { .. } => "cookie_refused",
            Self::LifetimeInvalid { .. } => "lifetime_invalid",
            Self::PerSubjectInvalid { .. } => "per_subject_invalid",
        }
    }
}

/// Why a handler could not log somebody in, renew a session or end it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The clock stands before 1970: nothing can be said of what has expired.
    #[error("the clock stands before 1970")]
    Clock,
    /// The request has no session that is valid.
    #[error("the request has no session that is valid")]
    NoSession,
    /// The operating system gives no randomness.
    #[error("no randomness for the id of a session")]
    Randomness,
    /// The store could not do it.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The subject is empty: two such users would be taken for the same.
    #[error("the subject of the session is empty")]
    SubjectEmpty,
    /// The session belongs to somebody else: log in instead of renewing.
    #[error("the session belongs to another subject")]
    SubjectMismatch,
    /// The request has more cookies of the session's name than are looked up: all but one were planted, and which one is not ended
    /// nobody can tell.
    #[error("the request has too many cookies of the session's name")]
    TooMany,
}

impl SessionError {
    /// Returns the answer to the client: 401 `session_invalid` where there is no session, 400 `credentials_ambiguous` where there are too
    /// many, 503 where the store, the clock or the system fails, 500 for the handler's own mistakes. None of them says more.
    pub fn rejection(&self) -> Rejection {
        let failure = match self {
            Self::Clock | Self::Randomness => AuthFailure::new(AuthFailureKind::Unavailable),
            Self::NoSession => AuthFailure::new(AuthFailureKind::SessionInvalid),
            Self::Store(error) => AuthFailure::from(error.clone()),
            Self::SubjectEmpty | Self::SubjectMismatch => {
                return Rejection::internal();
            }
            Self::TooMany => AuthFailure::new(AuthFailureKind::Ambiguous),
        };
        let own = Challenges::builder().add_scheme(ChallengeScheme::session());
        failure
            .with_method(AuthMethod::Session)
            .rejection(&own.build().unwrap_or_default())
    }

    /// What failed that is not the handler's doing, and how an event is called that tells of it.
    pub(super) fn fault(&self) -> Option<(EventName, AuthFailure)> {
        let unavailable =
            |reason| AuthFailure::new(AuthFailureKind::Unavailable).with_reason(reason);
        match self {
            Self::Clock => Some((EventName::SysMonitorDisabled, unavailable("clock"))),
            Self::Randomness => Some((EventName::CryptEncryptFail, unavailable("randomness"))),
            Self::Store(error) => Some((EventName::SysMonitorDisabled, error.clone().into())),
            Self::NoSession | Self::SubjectEmpty | Self::SubjectMismatch | Self::TooMany => None,
        }
    }
}

impl From<SessionError> for Rejection {
    fn from(error: SessionError) -> Self {
        error.rejection()
    }
}
