//! What can be wrong with a configuration.

use std::time::Duration;

use crate::core::{ConfigErrorKind, ErrorClass};
use crate::token::jws::Algorithm;

/// A mistake in the configuration of a [`JwtVerifier`](super::JwtVerifier) or of several.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwtConfigError {
    /// No token would ever be young enough.
    #[error(
        "refused max_token_age of zero: every token is older, leave it out or write a duration such as one hour"
    )]
    AgeInvalid,
    /// An algorithm that no key can be used with, or none at all.
    #[error(
        "refused {}: write algorithms that fit the keys, or leave `algorithms` out to accept those",
        algorithm.map_or_else(|| "an empty list of algorithms".to_owned(), |algorithm| {
            format!("algorithm {:?}, which no key of the set serves", algorithm.as_str())
        })
    )]
    #[non_exhaustive]
    AlgorithmRefused {
        /// The algorithm; `None` where the list is empty.
        algorithm: Option<Algorithm>,
    },
    /// A token for whom is accepted is not said.
    #[error(
        "invalid audience {value:?}: write the name by which the issuer knows this service, as in \"https://api.example.com\"; \
         without it tokens for every other service would do"
    )]
    #[non_exhaustive]
    AudienceInvalid {
        /// The audience as given; empty where there is none.
        value: String,
    },
    /// A claim that cannot be where it is said to be, or that means something else already.
    #[error(
        "invalid claim {value:?}: write the name of a claim such as \"tid\", or a JSON pointer such as \"/realm_access/roles\", that \
         has no other meaning"
    )]
    #[non_exhaustive]
    ClaimInvalid {
        /// The name or pointer as given.
        value: String,
    },
    /// A policy of proofs that cannot work.
    #[error("invalid DPoP {setting} {value:?}: write {instead}")]
    #[non_exhaustive]
    DpopInvalid {
        /// The setting.
        setting: &'static str,
        /// Its value as given.
        value: String,
        /// What to write instead.
        instead: &'static str,
    },
    /// Two verifiers of one issuer: which of them counts?
    #[error(
        "invalid second verifier of issuer {issuer:?}: give one verifier all its audiences and keys"
    )]
    #[non_exhaustive]
    Duplicate {
        /// The issuer.
        issuer: String,
    },
    /// Whose tokens are accepted is not said, or anybody in the network could be it.
    #[error(
        "invalid issuer {value:?}: write the `iss` of its tokens, letter by letter, as in \"https://id.example.com/\"; one without TLS \
         needs `dangerous_http_issuer`"
    )]
    #[non_exhaustive]
    IssuerInvalid {
        /// The issuer as given; empty where there is none.
        value: String,
    },
    /// Several secrets of one algorithm have no id: none of them would ever verify a token, since nothing says which it is.
    #[error(
        "invalid keys: several secrets for {algorithm} have no id; give each the `kid` that its tokens have, with `Jwk::with_kid`"
    )]
    #[non_exhaustive]
    KeysAmbiguous {
        /// The algorithm that they are for.
        algorithm: Algorithm,
    },
    /// Clocks are allowed to differ by so much that expired tokens live on.
    #[error("refused leeway of {} s: write at most 300 s, and set the clocks by NTP instead", leeway.as_secs())]
    #[non_exhaustive]
    LeewayTooLong {
        /// The leeway as given.
        leeway: Duration,
    },
    /// Secrets beside public keys: one that is taken for the other lets anybody sign.
    #[error(
        "refused HMAC beside public keys: make one verifier of each and give them to `JwtVerifiers`"
    )]
    MixedKeyFamilies,
    /// No key with which a token could be verified.
    #[error(
        "invalid keys: none of them is usable{reasons}; write at least one public key, or a secret of 32 random bytes"
    )]
    #[non_exhaustive]
    NoKeys {
        /// Why each was left out, as `; kid "a": too weak`; empty where there is none.
        reasons: String,
    },
    /// No randomness for the key of nonces.
    #[error(
        "invalid nonces: the operating system has no randomness for their key, write `nonce_key` with 32 random bytes"
    )]
    NoRandomness,
    /// More required claims than anybody issues.
    #[error("invalid list of {count} required claims: write at most 32")]
    #[non_exhaustive]
    RequiredTooMany {
        /// How many there are.
        count: usize,
    },
    /// A cache that cannot hold anything, is too large, or gains nothing.
    #[error(
        "refused token cache {value}: write 1 to 1000000 entries, and leave it off for HMAC, which is as fast without"
    )]
    #[non_exhaustive]
    TokenCacheRefused {
        /// What is wrong, as `of 0 entries`.
        value: String,
    },
    /// A type of tokens that others have too.
    #[error(
        "refused typ {value:?}: write a type that no other token has, as in \"example-job+jwt\" without \"application/\"; for `JWT` and \
         `at+jwt` there are `Profile::Plain` and `Profile::AccessToken`"
    )]
    #[non_exhaustive]
    TypRefused {
        /// The type as given.
        value: String,
    },
    /// No verifier, or too many of them.
    #[error("invalid number of verifiers {count}: write one to 64")]
    #[non_exhaustive]
    VerifierCount {
        /// How many there are.
        count: usize,
    },
}

impl ConfigErrorKind for JwtConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::AudienceInvalid { .. }
            | Self::ClaimInvalid { .. }
            | Self::DpopInvalid { .. }
            | Self::Duplicate { .. }
            | Self::IssuerInvalid { .. }
            | Self::KeysAmbiguous { .. }
            | Self::NoKeys { .. }
            | Self::NoRandomness
            | Self::RequiredTooMany { .. }
            | Self::VerifierCount { .. } => ErrorClass::Invalid,
            Self::AgeInvalid
            | Self::AlgorithmRefused { .. }
            | Self::LeewayTooLong { .. }
            | Self::MixedKeyFamilies
            | Self::TokenCacheRefused { .. }
            | Self::TypRefused { .. } => ErrorClass::Refused,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::AgeInvalid => "age_invalid",
            Self::AlgorithmRefused { .. } => "algorithm_refused",
            Self::AudienceInvalid { .. } => "audience_invalid",
            Self::ClaimInvalid { .. } => "claim_invalid",
            Self::DpopInvalid { .. } => "dpop_invalid",
            Self::Duplicate { .. } => "duplicate",
            Self::IssuerInvalid { .. } => "issuer_invalid",
            Self::KeysAmbiguous { .. } => "keys_ambiguous",
            Self::LeewayTooLong { .. } => "leeway_too_long",
            Self::MixedKeyFamilies => "mixed_key_families",
            Self::NoKeys { .. } => "no_keys",
            Self::NoRandomness => "no_randomness",
            Self::RequiredTooMany { .. } => "required_too_many",
            Self::TokenCacheRefused { .. } => "token_cache_refused",
            Self::TypRefused { .. } => "typ_refused",
            Self::VerifierCount { .. } => "verifier_count",
        }
    }
}
