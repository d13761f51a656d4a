//! What can be wrong with an issuer's configuration, and why a token was not issued.

use std::time::Duration;

use http::StatusCode;

use crate::core::{ConfigErrorKind, ErrorClass, GrpcCode, Rejection};

/// A mistake in the configuration of a [`TokenIssuer`](super::TokenIssuer), or in its keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerConfigError {
    /// For whom tokens are is not said.
    #[error(
        "invalid audience {value:?}: write the name by which a resource server knows itself, as in \"https://api.example.com\""
    )]
    #[non_exhaustive]
    AudienceInvalid {
        /// The audience as given; empty where there is none.
        value: String,
    },
    /// A claim that means something else already.
    #[error("invalid claim {value:?}: write a name without another meaning, such as \"tenant\"")]
    #[non_exhaustive]
    ClaimInvalid {
        /// The name as given.
        value: String,
    },
    /// The same key twice, as current and next one for instance.
    #[error("invalid second key {kid:?}: give each place of the ring a key of its own")]
    #[non_exhaustive]
    DuplicateKey {
        /// Its id.
        kid: String,
    },
    /// Who issues is not said, or others on the network could do so in this name.
    #[error(
        "invalid issuer {value:?}: write a URL with https such as \"https://id.example.com/\"; one without TLS needs \
         `dangerous_http_issuer`"
    )]
    #[non_exhaustive]
    IssuerInvalid {
        /// The issuer as given; empty where there is none.
        value: String,
    },
    /// Secrets beside public keys: verifiers refuse such a set.
    #[error("refused HMAC beside public keys: make an issuer of each")]
    MixedKeyFamilies,
    /// There is no key that could become the current one.
    #[error(
        "invalid rotation: the ring has no next key, which verifiers have to know beforehand; `replace` the ring"
    )]
    NextMissing,
    /// No keys to sign with.
    #[error("invalid keys: give `signing` a key ring")]
    NoKeys,
    /// Verifiers may not know the next key yet.
    #[error(
        "refused rotation: verifiers may hold a set without the next key for another {} s", wait.as_secs().saturating_add(1)
    )]
    #[non_exhaustive]
    RotationTooSoon {
        /// How much longer.
        wait: Duration,
    },
    /// Tokens, or sets of keys, that live too long or not at all.
    #[error("refused {setting} of {} s: write {instead}", value.as_secs())]
    #[non_exhaustive]
    TtlRefused {
        /// The setting.
        setting: &'static str,
        /// Its value as given.
        value: Duration,
        /// What to write instead.
        instead: &'static str,
    },
    /// A type of tokens that others have too.
    #[error(
        "refused typ {value:?}: write a type that no other token has, as in \"example-job+jwt\" without \"application/\""
    )]
    #[non_exhaustive]
    TypRefused {
        /// The type as given.
        value: String,
    },
}

impl ConfigErrorKind for IssuerConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::AudienceInvalid { .. }
            | Self::ClaimInvalid { .. }
            | Self::DuplicateKey { .. }
            | Self::IssuerInvalid { .. }
            | Self::NextMissing
            | Self::NoKeys => ErrorClass::Invalid,
            Self::MixedKeyFamilies
            | Self::RotationTooSoon { .. }
            | Self::TtlRefused { .. }
            | Self::TypRefused { .. } => ErrorClass::Refused,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::AudienceInvalid { .. } => "audience_invalid",
            Self::ClaimInvalid { .. } => "claim_invalid",
            Self::DuplicateKey { .. } => "duplicate_key",
            Self::IssuerInvalid { .. } => "issuer_invalid",
            Self::MixedKeyFamilies => "mixed_key_families",
            Self::NextMissing => "next_missing",
            Self::NoKeys => "no_keys",
            Self::RotationTooSoon { .. } => "rotation_too_soon",
            Self::TtlRefused { .. } => "ttl_refused",
            Self::TypRefused { .. } => "typ_refused",
        }
    }
}

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
    #[must_use]
    pub fn rejection(&self) -> Rejection {
        match self {
            Self::Clock | Self::NoRandomness | Self::Signature => Rejection::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "authentication_unavailable",
                "Authentication is unavailable",
            )
            .retry_after(5)
            .grpc(GrpcCode::Unavailable),
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
