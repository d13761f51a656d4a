//! What can be wrong with the configuration of API keys, and with what is asked of them.

use http::HeaderName;

use super::super::{AuthFailure, AuthFailureKind};
use crate::core::{
    AuthMethod, Challenges, ConfigErrorKind, ErrorClass, EventName, Rejection, StoreError,
};

/// A mistake in the configuration of [`ApiKeyAuth`](super::ApiKeyAuth).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiKeyConfigError {
    /// The header has a meaning of its own.
    #[error(
        "refused header {header:?} for API keys: it has another meaning, write one of your own such as \"x-api-key\""
    )]
    HeaderRefused {
        /// The header as given.
        header: HeaderName,
    },
    /// The server's key can be guessed.
    #[error("refused server key of {length} bytes: write 32 random bytes or more, not all alike")]
    KeyTooWeak {
        /// How long it is.
        length: usize,
    },
    /// The prefix could not be told from what follows.
    #[error(
        "invalid prefix {prefix:?}: write 2 to 16 of the characters a-z 0-9, a letter first, such as \"sk\" or \"live\""
    )]
    PrefixInvalid {
        /// The prefix as given.
        prefix: String,
    },
}

impl ConfigErrorKind for ApiKeyConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::HeaderRefused { .. } | Self::KeyTooWeak { .. } => ErrorClass::Refused,
            Self::PrefixInvalid { .. } => ErrorClass::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::HeaderRefused { .. } => "header_refused",
            Self::KeyTooWeak { .. } => "key_too_weak",
            Self::PrefixInvalid { .. } => "prefix_invalid",
        }
    }
}

/// Why an API key could not be issued, rotated, listed or revoked.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiKeyError {
    /// The clock stands before 1970: nothing can be said of what has expired.
    #[error("the clock stands before 1970")]
    Clock,
    /// A key that has expired already, or would only beyond the end of time.
    #[error("the lifetime of the API key is zero or too long")]
    Lifetime,
    /// The operating system gives no randomness.
    #[error("no randomness for an API key")]
    Randomness,
    /// The store could not do it.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The subject is empty: two such users would be taken for the same.
    #[error("the subject of the API key is empty")]
    SubjectEmpty,
    /// There is no such key, or it has expired.
    #[error("there is no such API key")]
    Unknown,
}

impl ApiKeyError {
    /// Returns the answer to the client: 404 where there is no such key, 503 where the store, the clock or the system fails, 500 for the
    /// handler's own mistakes. None of them says more.
    pub fn rejection(&self) -> Rejection {
        let failure = match self {
            Self::Clock | Self::Randomness => AuthFailure::new(AuthFailureKind::Unavailable),
            Self::Store(error) => AuthFailure::from(error.clone()),
            Self::Unknown => return Rejection::not_found(),
            Self::Lifetime | Self::SubjectEmpty => return Rejection::internal(),
        };
        failure
            .with_method(AuthMethod::ApiKey)
            .rejection(&Challenges::default())
    }

    /// What failed that is not the handler's doing, and how an event is called that tells of it.
    pub(super) fn fault(&self) -> Option<(EventName, AuthFailure)> {
        let unavailable =
            |reason| AuthFailure::new(AuthFailureKind::Unavailable).with_reason(reason);
        match self {
            Self::Clock => Some((EventName::SysMonitorDisabled, unavailable("clock"))),
            Self::Randomness => Some((EventName::CryptEncryptFail, unavailable("randomness"))),
            Self::Store(error) => Some((EventName::SysMonitorDisabled, error.clone().into())),
            Self::Lifetime | Self::SubjectEmpty | Self::Unknown => None,
        }
    }
}

impl From<ApiKeyError> for Rejection {
    fn from(error: ApiKeyError) -> Self {
        error.rejection()
    }
}
