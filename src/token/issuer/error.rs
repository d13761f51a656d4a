//! What can be wrong with an issuer's configuration.

use std::time::Duration;

use crate::core::{ConfigErrorKind, ErrorClass};

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
