//! What can be wrong with the configuration of a hasher, with a password, and inside.

use std::ops::RangeInclusive;
use std::time::Duration;

use http::StatusCode;

use super::cost::{Argon2Cost, Ceiling};
use crate::core::{ConfigErrorKind, ErrorClass, GrpcCode, Pushback, Rejection, retry_seconds};

/// A mistake in the configuration of a [`PasswordHasher`](super::PasswordHasher).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordConfigError {
    /// A login would take too long, or too much memory.
    #[error("refused cost: {problem}")]
    CostTooHigh {
        /// What is too high, and what to write instead.
        problem: CostProblem,
    },
    /// A stolen table would be too cheap to guess at.
    #[error(
        "refused cost {cost}: write `Argon2Cost::OWASP`, or at least m=47104,t=1 or m=19456,t=2 or m=12288,t=3; in tests \
         `dangerous_test_cost()`"
    )]
    CostTooLow {
        /// The cost as given.
        cost: Argon2Cost,
    },
    /// Real passwords would be refused, or there is no limit.
    #[error("refused longest password of {length} bytes: write 64 to 4096, such as 1024")]
    LengthRefused {
        /// The length as given.
        length: usize,
    },
    /// Nobody could log in, or too many at once.
    #[error("refused pool: {problem}")]
    PoolRefused {
        /// What is wrong with it, and what to write instead.
        problem: PoolProblem,
    },
}

/// Which cost is too high.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum CostProblem {
    /// New hashes would not be accepted.
    #[error(
        "{cost} is above the ceiling {ceiling}, write `Argon2Cost::OWASP` or raise the ceiling"
    )]
    Argon2 {
        /// The cost of new hashes.
        cost: Argon2Cost,
        /// The ceiling.
        ceiling: Ceiling,
    },
    /// No bcrypt hash is accepted, or one that takes seconds.
    #[error("bcrypt costs {} to {}, write costs between 4 and 16, such as 4..=14", costs.start(), costs.end())]
    Bcrypt {
        /// The costs as given.
        costs: RangeInclusive<u32>,
    },
    /// It holds nothing back, or everything.
    #[error(
        "ceiling {ceiling}, write at most m=2097152,t=100,p=64, and 8 KiB for each lane at least"
    )]
    Ceiling {
        /// The ceiling as given.
        ceiling: Ceiling,
    },
}

/// What is wrong with the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PoolProblem {
    /// No hash at all, or more memory than 2 GiB.
    #[error("concurrency {concurrency} takes {mib} MiB of memory, write 1 to {most}")]
    Concurrency {
        /// The concurrency as given.
        concurrency: u32,
        /// The memory that this many hashes take.
        mib: u64,
        /// The most that is permitted for this cost.
        most: u32,
    },
    /// Answers would take longer than anybody waits.
    #[error("floor {floor:?} for the time of an answer, write at most 30 s")]
    Floor {
        /// The floor as given.
        floor: Duration,
    },
    /// Nobody may wait, or too many.
    #[error("a queue of {queue}, write 1 to 4096")]
    Queue {
        /// The number as given.
        queue: u32,
    },
    /// Nobody may wait, or longer than anybody does.
    #[error("a wait of {timeout:?}, write more than 0 and at most 30 s")]
    Timeout {
        /// The time as given.
        timeout: Duration,
    },
}

impl ConfigErrorKind for PasswordConfigError {
    fn class(&self) -> ErrorClass {
        ErrorClass::Refused
    }

    fn code(&self) -> &'static str {
        match self {
            Self::CostTooHigh { .. } => "cost_too_high",
            Self::CostTooLow { .. } => "cost_too_low",
            Self::LengthRefused { .. } => "length_refused",
            Self::PoolRefused { .. } => "pool_refused",
        }
    }
}

/// Why nobody is let in.
///
/// Tell the client nothing but what [`rejection`](Self::rejection) says: a text for each reason would tell who has an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Too many hashes wait already. No work was done.
    #[error("too many passwords are being checked, try again in {retry_after:?}")]
    Busy {
        /// When there should be room.
        retry_after: Duration,
    },
    /// The stored hash asks for more than the [`Ceiling`] permits. No work was done. Whoever could write it can write to the table.
    #[error("the stored hash asks for more than is permitted")]
    CostAboveCeiling,
    /// Something inside failed, and nothing is known of the password.
    #[error("{0}")]
    Internal(#[from] PasswordFault),
    /// The password is wrong, empty, or there is no such user.
    #[error("the password does not match")]
    Invalid,
    /// What is stored is no hash that is accepted: the user needs a new password. It took as long as a wrong password.
    #[error("what is stored is no hash that is accepted")]
    MalformedHash,
    /// The password is longer than any that is accepted. No work was done.
    #[error("the password is too long")]
    TooLong,
}

impl VerifyError {
    /// Returns the answer to the client.
    ///
    /// | | HTTP | code | gRPC |
    /// |---|---|---|---|
    /// | `Invalid`, `MalformedHash`, `CostAboveCeiling` | 401 | `login_failed` | 16 |
    /// | `TooLong` | 400 | `password_too_long` | 3 |
    /// | `Busy` | 503 and `Retry-After` | `busy` | 8 |
    /// | `Internal` | 500 | `internal_error` | 13 |
    pub fn rejection(&self) -> Rejection {
        match self {
            Self::Busy { retry_after } => busy(*retry_after),
            Self::CostAboveCeiling | Self::Invalid | Self::MalformedHash => {
                Rejection::login_failed()
            }
            Self::Internal(_) => Rejection::internal(),
            Self::TooLong => too_long(),
        }
    }
}

impl From<VerifyError> for Rejection {
    fn from(error: VerifyError) -> Self {
        error.rejection()
    }
}

/// Why a password could not be hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// Too many hashes wait already. No work was done.
    #[error("too many passwords are being hashed, try again in {retry_after:?}")]
    Busy {
        /// When there should be room.
        retry_after: Duration,
    },
    /// The password is empty: it would never be accepted.
    #[error("the password is empty")]
    Empty,
    /// Something inside failed.
    #[error("{0}")]
    Internal(#[from] PasswordFault),
    /// The password is longer than any that is accepted.
    #[error("the password is too long")]
    TooLong,
}

impl HashError {
    /// Returns the answer to the client: as [`VerifyError::rejection`], and 422 `password_refused` (gRPC 3) for an empty one.
    pub fn rejection(&self) -> Rejection {
        match self {
            Self::Busy { retry_after } => busy(*retry_after),
            Self::Empty => Rejection::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "password_refused",
                "The password is refused",
            ),
            Self::Internal(_) => Rejection::internal(),
            Self::TooLong => too_long(),
        }
    }
}

impl From<HashError> for Rejection {
    fn from(error: HashError) -> Self {
        error.rejection()
    }
}

/// What failed inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordFault {
    /// Argon2 or bcrypt refused what had been checked before.
    #[error("the hash could not be computed")]
    Hash,
    /// The call was made outside of a tokio runtime.
    #[error(
        "no tokio runtime: call it inside of one, or call `verify_blocking` or `hash_blocking` from a thread of your own"
    )]
    NoRuntime,
    /// The system gives no thread.
    #[error("no thread for the hash")]
    NoThread,
    /// The runtime has no timers, and a wait could not be ended.
    #[error("the tokio runtime has no timers: build it with `enable_time` or `enable_all`")]
    NoTimers,
    /// The system gives no memory.
    #[error("no memory for the hash")]
    OutOfMemory,
    /// The hash panicked. Its memory was wiped, and others may be computed.
    #[error("the hash panicked")]
    Panicked,
    /// The operating system gives no randomness.
    #[error("no randomness for a salt")]
    Randomness,
    /// The runtime was shut down before the hash began.
    #[error("the runtime was shut down")]
    ShutDown,
}

impl PasswordFault {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Hash => "hash",
            Self::NoRuntime => "no_runtime",
            Self::NoThread => "no_thread",
            Self::NoTimers => "no_timers",
            Self::OutOfMemory => "out_of_memory",
            Self::Panicked => "panicked",
            Self::Randomness => "randomness",
            Self::ShutDown => "shut_down",
        }
    }
}

pub(super) const LOGIN_FAILED: &str = "login_failed";
pub(super) const BUSY: &str = "busy";
pub(super) const TOO_LONG: &str = "password_too_long";

fn busy(retry_after: Duration) -> Rejection {
    Rejection::new(
        StatusCode::SERVICE_UNAVAILABLE,
        BUSY,
        "Try again in a moment",
    )
    .grpc(GrpcCode::ResourceExhausted)
    .retry_after(retry_seconds(retry_after))
    .pushback(Pushback::After(retry_after))
}

fn too_long() -> Rejection {
    Rejection::new(
        StatusCode::BAD_REQUEST,
        TOO_LONG,
        "The password is too long",
    )
}
