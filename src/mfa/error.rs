//! What can be wrong with the configuration of second factors, and with a code.

use std::time::Duration;

use http::StatusCode;

use crate::core::{ConfigErrorKind, ErrorClass, Pushback, Rejection, StoreError, retry_seconds};

/// A mistake in the configuration of [`TotpService`](super::TotpService) or [`RecoveryCodes`](super::RecoveryCodes).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MfaConfigError {
    /// Recovery codes that could be guessed or run out at once, or are tried without a limit.
    #[error("refused recovery codes: {problem}")]
    RecoveryRefused {
        /// What is wrong, and what to write instead.
        problem: RecoveryProblem,
    },
    /// One-time codes that apps do not show, or that are tried without a limit.
    #[error("refused one-time codes: {problem}")]
    TotpRefused {
        /// What is wrong, and what to write instead.
        problem: TotpProblem,
    },
}

/// What is wrong with the settings of recovery codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum RecoveryProblem {
    /// Nobody could log in, or guessing is not slowed down.
    #[error("{most} attempts in {window:?}, write 1 to 20 in 1 second to 24 hours")]
    Attempts {
        /// How many as given.
        most: u32,
        /// In which time as given.
        window: Duration,
    },
    /// Guessed too easily, too long to type, or not whole groups of four characters.
    #[error("{bits} bits, write 80, 100, 120, 140 or 160")]
    Bits {
        /// How many as given.
        bits: u16,
    },
    /// Used up at once, or more than anybody keeps.
    #[error("{count} codes, write 5 to 20")]
    Count {
        /// How many as given.
        count: usize,
    },
}

/// What is wrong with the settings of one-time codes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum TotpProblem {
    /// Nobody could log in, or guessing is not slowed down.
    #[error("{most} attempts in {window:?}, write 1 to 20 in 1 second to 24 hours")]
    Attempts {
        /// How many as given.
        most: u32,
        /// In which time as given.
        window: Duration,
    },
    /// Apps show six digits, or eight.
    #[error("{digits} digits, write 6 or 8")]
    Digits {
        /// How many as given.
        digits: u8,
    },
    /// Apps could not tell it from the account, or show nothing.
    #[error(
        "issuer {issuer:?}, write 1 to 64 bytes without `:` and control characters, such as \"Shop\""
    )]
    Issuer {
        /// The issuer as given, its first 64 characters.
        issuer: String,
    },
}

impl ConfigErrorKind for MfaConfigError {
    fn class(&self) -> ErrorClass {
        ErrorClass::Refused
    }

    fn code(&self) -> &'static str {
        match self {
            Self::RecoveryRefused { .. } => "recovery_refused",
            Self::TotpRefused { .. } => "totp_refused",
        }
    }
}

/// Why a second factor was not accepted, enrolled or changed.
///
/// | variant | status | code | gRPC |
/// |---|---|---|---|
/// | `Invalid`, `Replayed` | 401 | `login_failed` | 16 |
/// | `Throttled` | 429 + `Retry-After` | `login_throttled` | 8 |
/// | `NotPending` | 404 | `not_found` | 5 |
/// | `Store`, `Clock`, `Randomness` | 503 + `Retry-After: 5` | `authentication_unavailable` | 14 |
/// | `AccountInvalid` | 422 | `account_invalid` | 3 |
/// | `UserEmpty` | 500 | `internal_error` | 13 |
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MfaError {
    /// The name of the account is empty, longer than 256 bytes, or holds `:` or a control character.
    #[error("the name of the account is no label of an app")]
    AccountInvalid,
    /// The clock stands before 1970: it has no step.
    #[error("the clock stands before 1970")]
    Clock,
    /// The code is wrong, or the user has no such factor.
    #[error("the code is wrong")]
    Invalid,
    /// No enrolment waits to be confirmed.
    #[error("no enrolment waits to be confirmed")]
    NotPending,
    /// The operating system gives no randomness.
    #[error("no randomness for a second factor")]
    Randomness,
    /// The code was right, and was used before. The client is told that it is wrong.
    #[error("the code was used before")]
    Replayed,
    /// The store could not do it.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// Too many attempts. The code was not looked at.
    #[error("too many attempts")]
    Throttled {
        /// After how long the next may be made.
        retry_after: Duration,
    },
    /// The user is empty: two such would be taken for the same.
    #[error("the user is empty")]
    UserEmpty,
}

impl MfaError {
    /// Returns the answer to the client, after the table above. It says no more: that of a wrong code has the bytes of that of a wrong
    /// password, so that who is asked for both learns of neither.
    pub fn rejection(&self) -> Rejection {
        match self {
            Self::Invalid | Self::Replayed => Rejection::login_failed(),
            Self::Throttled { retry_after } => Rejection::login_throttled()
                .retry_after(retry_seconds(*retry_after))
                .pushback(Pushback::After(*retry_after)),
            Self::Store(_) | Self::Clock | Self::Randomness => {
                Rejection::authentication_unavailable()
            }
            Self::NotPending => Rejection::not_found(),
            Self::AccountInvalid => Rejection::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "account_invalid",
                "The name of the account cannot be shown by an app",
            ),
            Self::UserEmpty => Rejection::internal(),
        }
    }
}

impl From<MfaError> for Rejection {
    fn from(error: MfaError) -> Self {
        error.rejection()
    }
}
