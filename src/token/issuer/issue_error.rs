//! Why a token was not issued.

use crate::core::Rejection;

/// Why no token was issued. What is quoted is the name of a claim, never what it says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// A claim of the principal or of the application that no verifier would read, or would read as something else: an empty text, a
    /// scope with a blank in it, a value that is no JSON.
    #[error(
        "invalid claim {claim:?}: write text that is not empty, scopes one by one, and values that are JSON of at most 32 levels"
    )]
    #[non_exhaustive]
    ClaimInvalid {
        /// The claim.
        claim: String,
    },
    /// A claim that access tokens have, which the principal lacks.
    #[error("missing claim {claim:?}: set it on the principal")]
    #[non_exhaustive]
    ClaimMissing {
        /// The claim.
        claim: &'static str,
    },
    /// A claim of the application that stands there twice.
    #[error("invalid claim {claim:?}: it stands there twice")]
    #[non_exhaustive]
    ClaimTwice {
        /// The claim.
        claim: String,
    },
    /// The clock stands before 1970: nothing can be said of what has expired.
    #[error("the clock stands before 1970")]
    Clock,
    /// The principal does not count any more.
    #[error("the principal has expired")]
    Expired,
    /// The operating system gives no randomness.
    #[error("no randomness for the id of a token")]
    NoRandomness,
    /// A claim of the application with a meaning of its own: `iss sub aud exp nbf iat jti client_id scope scp roles cnf sid acr amr
    /// auth_time at_hash c_hash s_hash`, and that of the tenant.
    #[error("reserved claim {claim:?}: set it on the principal, or take another name")]
    #[non_exhaustive]
    ReservedClaim {
        /// The claim.
        claim: String,
    },
    /// The backend could not sign.
    #[error("the token could not be signed")]
    Signature,
    /// More bytes than verifiers read.
    #[error("refused token of {bytes} bytes: verifiers read 8192, grant less or leave claims out")]
    #[non_exhaustive]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// More claims than verifiers read.
    #[error("refused token of {count} claims: verifiers read 64, put several into one object")]
    #[non_exhaustive]
    TooManyClaims {
        /// How many it would have.
        count: usize,
    },
}

impl IssueError {
    /// Returns the stable snake-case name of the reason.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ClaimInvalid { .. } => "claim_invalid",
            Self::ClaimMissing { .. } => "claim_missing",
            Self::ClaimTwice { .. } => "claim_twice",
            Self::Clock => "clock",
            Self::Expired => "expired",
            Self::NoRandomness => "no_randomness",
            Self::ReservedClaim { .. } => "reserved_claim",
            Self::Signature => "signature",
            Self::TooLong { .. } => "too_long",
            Self::TooManyClaims { .. } => "too_many_claims",
        }
    }

    /// Returns the answer to the client: 503 `authentication_unavailable` where the clock or the system fails, else 500, for it is this
    /// service that granted what cannot be issued.
    pub fn rejection(&self) -> Rejection {
        match self {
            Self::Clock | Self::NoRandomness | Self::Signature => {
                Rejection::authentication_unavailable()
            }
            Self::ClaimInvalid { .. }
            | Self::ClaimMissing { .. }
            | Self::ClaimTwice { .. }
            | Self::Expired
            | Self::ReservedClaim { .. }
            | Self::TooLong { .. }
            | Self::TooManyClaims { .. } => Rejection::internal(),
        }
    }
}

impl From<IssueError> for Rejection {
    fn from(error: IssueError) -> Self {
        error.rejection()
    }
}
