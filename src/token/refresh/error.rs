//! What can be wrong with the configuration of refresh tokens, and with a token.

use std::time::Duration;

use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};

use super::super::IssueError;
use crate::core::{
    AbuseKind, ConfigErrorKind, ErrorClass, EventName, GrpcCode, Level, Rejection, StoreError,
};

/// A mistake in the configuration of a [`RefreshService`](super::RefreshService).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshConfigError {
    /// Two rotation keys of one id: which of them a family was derived with nobody could tell.
    #[error(
        "invalid rotation keys, the id {id:?} stands there twice: give each key an id of its own"
    )]
    DuplicateKey {
        /// The id as given.
        id: String,
    },
    /// A stolen token would be of use for too long.
    #[error(
        "refused grace {grace:?}: write at most 60 s, 10 s is enough for an answer that was lost"
    )]
    GraceTooLong {
        /// The grace as given.
        grace: Duration,
    },
    /// The id of a rotation key could not be kept in a record.
    #[error(
        "invalid id {id:?} of a rotation key: write 1 to 32 visible ASCII characters, such as \"2027-01\""
    )]
    KeyIdInvalid {
        /// The beginning of the id as given.
        id: String,
    },
    /// A family would be over at once, or never.
    #[error(
        "invalid lifetimes, idle {idle:?} and absolute {absolute:?}: write at least 1 s for both, idle not longer than absolute, and \
         absolute not longer than 365 days"
    )]
    LifetimeInvalid {
        /// The longest pause as given.
        idle: Duration,
        /// The longest time as given.
        absolute: Duration,
    },
    /// Nobody could log in, or one user could fill the store.
    #[error("invalid number of families {max_families} for each subject: write 1 to 1000")]
    MaxFamiliesInvalid {
        /// The number as given.
        max_families: u32,
    },
    /// Access tokens would outlive a logout, and nobody has said that they may.
    #[error(
        "refused without a revocation store: give the one that the verifier asks to `revocation`, or call `without_revocation` to say \
         that access tokens outlive a logout"
    )]
    NoRevocation,
    /// Successors could not be derived.
    #[error(
        "refused without a rotation key: write `rotation_key(\"2027-01\", key)` with 32 random bytes"
    )]
    NoRotationKey,
    /// Who has a copy of the store and one old token could find the key by trying.
    #[error(
        "refused rotation key of {length} bytes that can be guessed: write 32 random bytes or more"
    )]
    RotationKeyTooShort {
        /// How many bytes it has.
        length: usize,
    },
}

impl ConfigErrorKind for RefreshConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::DuplicateKey { .. }
            | Self::KeyIdInvalid { .. }
            | Self::LifetimeInvalid { .. }
            | Self::MaxFamiliesInvalid { .. } => ErrorClass::Invalid,
            Self::GraceTooLong { .. }
            | Self::NoRevocation
            | Self::NoRotationKey
            | Self::RotationKeyTooShort { .. } => ErrorClass::Refused,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::DuplicateKey { .. } => "duplicate_key",
            Self::GraceTooLong { .. } => "grace_too_long",
            Self::KeyIdInvalid { .. } => "key_id_invalid",
            Self::LifetimeInvalid { .. } => "lifetime_invalid",
            Self::MaxFamiliesInvalid { .. } => "max_families_invalid",
            Self::NoRevocation => "no_revocation",
            Self::NoRotationKey => "no_rotation_key",
            Self::RotationKeyTooShort { .. } => "rotation_key_too_short",
        }
    }
}

/// Why nobody got a token, or a family was not ended.
///
/// A client is told `invalid_grant` alone by the first five: which of them it was helps who tries.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// The client did not prove that it has the key that the family is bound to, or did not say which client it is. The family goes on.
    #[error("the client did not prove that the refresh token is its own")]
    BindingFailed,
    /// Not used for too long, or as old as any may be.
    #[error("the refresh token expired")]
    Expired,
    /// A token that had been replaced. The family has ended.
    #[error("the refresh token was used before")]
    Reused,
    /// The family has ended before.
    #[error("the refresh token was revoked")]
    Revoked,
    /// No token of any family.
    #[error("the refresh token is unknown")]
    Unknown,
    /// The clock stands before 1970: nothing can be said of what has expired.
    #[error("the clock stands before 1970")]
    Clock,
    /// The access token could not be issued.
    #[error("{0}")]
    Issue(#[from] IssueError),
    /// The operating system gives no randomness.
    #[error("no randomness for a refresh token")]
    Randomness,
    /// More was asked for than was granted at the login.
    #[error("the scope exceeds what was granted")]
    ScopeWidened,
    /// A store could not do it.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The subject is empty: two such users would be taken for the same.
    #[error("the subject of the grant is empty")]
    SubjectEmpty,
}

impl RefreshError {
    /// Returns the answer of a token endpoint ([RFC 6749, section 5.2]): `{"error": ".."}`, with `Cache-Control: no-store`.
    ///
    /// | error | HTTP | `error` | gRPC |
    /// |---|---|---|---|
    /// | `BindingFailed`, `Expired`, `Reused`, `Revoked`, `Unknown` | 400 | `invalid_grant` | 16 |
    /// | `ScopeWidened` | 400 | `invalid_scope` | 3 |
    /// | `Clock`, `Randomness`, `Store` | 503, `Retry-After: 5` | `authentication_unavailable` | 14 |
    /// | `Issue` | that of [`IssueError::rejection`] | | |
    /// | `SubjectEmpty` | 500 | `internal_error` | 13 |
    ///
    /// The error itself is the typed reason in the answer's extensions.
    ///
    /// [RFC 6749, section 5.2]: https://www.rfc-editor.org/rfc/rfc6749#section-5.2
    pub fn rejection(&self) -> Rejection {
        let rejection = match self {
            Self::BindingFailed | Self::Unknown => invalid_grant().abuse(AbuseKind::AuthFailed),
            // What honest clients come with too, when their user has logged out or was robbed.
            Self::Expired | Self::Reused | Self::Revoked => invalid_grant(),
            Self::ScopeWidened => Rejection::oauth(
                StatusCode::BAD_REQUEST,
                "invalid_scope",
                "The scope exceeds what was granted",
            )
            .grpc(GrpcCode::InvalidArgument),
            Self::Clock | Self::Randomness | Self::Store(_) => Rejection::oauth(
                StatusCode::SERVICE_UNAVAILABLE,
                "authentication_unavailable",
                "Authentication is unavailable",
            )
            .grpc(GrpcCode::Unavailable)
            .retry_after(5),
            Self::Issue(error) => error.rejection(),
            Self::SubjectEmpty => Rejection::internal(),
        };
        rejection
            .header(CACHE_CONTROL, HeaderValue::from_static("no-store"))
            .reason(self.clone())
    }

    /// How events tell of it.
    pub(super) const fn event(&self) -> (EventName, Level) {
        match self {
            Self::BindingFailed | Self::Expired | Self::Revoked | Self::Unknown => {
                (EventName::AuthnLoginFail, Level::Warn)
            }
            Self::Reused => (EventName::AuthnTokenReuse, Level::Critical),
            Self::ScopeWidened => (EventName::AuthzFail, Level::Warn),
            Self::Clock | Self::Store(_) => (EventName::SysMonitorDisabled, Level::Error),
            Self::Randomness => (EventName::CryptEncryptFail, Level::Error),
            Self::Issue(_) | Self::SubjectEmpty => (EventName::SysCrash, Level::Error),
        }
    }

    /// What a client is told, and the code of the event.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::BindingFailed | Self::Expired | Self::Reused | Self::Revoked | Self::Unknown => {
                "invalid_grant"
            }
            Self::ScopeWidened => "invalid_scope",
            Self::Clock | Self::Randomness | Self::Store(_) => "authentication_unavailable",
            Self::Issue(_) | Self::SubjectEmpty => "internal_error",
        }
    }
}

impl From<RefreshError> for Rejection {
    fn from(error: RefreshError) -> Self {
        error.rejection()
    }
}

fn invalid_grant() -> Rejection {
    Rejection::oauth(
        StatusCode::BAD_REQUEST,
        "invalid_grant",
        "The refresh token is invalid",
    )
    .grpc(GrpcCode::Unauthenticated)
}
