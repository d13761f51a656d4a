//! What can be wrong with a configuration.

use super::compile::MAX_OVERRIDE_HEADERS;
use super::exempt::MAX_PATTERNS;
use crate::core::{ConfigErrorKind, ErrorClass};

/// A mistake in the configuration of a [`CsrfLayer`](super::CsrfLayer).
///
/// Mistakes in origins are [`OriginError`](crate::core::origin::OriginError)s and those in path patterns
/// [`TemplateError`](crate::core::TemplateError)s, unless they stand here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CsrfConfigError {
    /// Requests without metadata are both refused and allowed.
    #[error(
        "conflicting rules for missing metadata: `Missing::Refuse` and `dangerous_allow_missing_metadata` exclude each other, \
         choose one"
    )]
    ConflictingMissingMetadata,
    /// Same-site requests are both refused and allowed.
    #[error(
        "conflicting rules for same-site requests: `dangerous_allow_same_site` and the isolation's `refuse_same_site` exclude \
         each other, choose one"
    )]
    ConflictingSameSite,
    /// A pattern stands twice for the same method.
    #[error(
        "invalid pattern {pattern:?}: it stands in the list already for the same method, write it once"
    )]
    DuplicatePattern {
        /// The pattern as given.
        pattern: String,
    },
    /// The method of an exemption is no method, or not in the case in which clients send it.
    #[error("invalid exempt method {method:?}: write it as clients send it, such as \"POST\"")]
    InvalidExemptMethod {
        /// The method as given.
        method: String,
    },
    /// A method-override header is no header name, or one that no page can set.
    #[error(
        "invalid override header {name:?}: write the name of a header that pages can set, such as \"x-http-method-override\""
    )]
    InvalidOverrideHeader {
        /// The name as given.
        name: String,
    },
    /// Any origin would be trusted.
    #[error("refused trusted origin \"*\": trusting any origin is no protection, name the origins")]
    RefusedAnyOrigin,
    /// GET, HEAD or OPTIONS would be exempt.
    #[error(
        "refused exempt method {method:?}: it is safe and is not checked, leave the exemption out"
    )]
    RefusedExemptSafeMethod {
        /// The method as given.
        method: String,
    },
    /// `null` is the origin of every sandboxed frame.
    #[error(
        "refused origin \"null\": sandboxed frames and data: URLs of any site send it, name the origins"
    )]
    RefusedNullOrigin,
    /// Strangers can get a name that the pattern would trust.
    #[error(
        "refused pattern {value:?}: anybody can get a name under {suffix:?}, write your own domain below it"
    )]
    RefusedPublicSuffix {
        /// The pattern as given.
        value: String,
        /// The domain of the pattern.
        suffix: String,
    },
    /// There are too many method-override headers.
    #[error(
        "refused list of {count} override headers: write at most {MAX_OVERRIDE_HEADERS}, those that the framework behind reads"
    )]
    RefusedTooManyOverrideHeaders {
        /// How many there are; 65,537 stands for any greater number too.
        count: usize,
    },
    /// There are too many patterns.
    #[error(
        "refused list of {count} patterns: write at most {MAX_PATTERNS}, or set the layer's `Mode::Off` where nothing is to be checked"
    )]
    RefusedTooManyPatterns {
        /// How many there are.
        count: usize,
    },
    /// The CORS policy lets any origin read, which trusts none in particular.
    #[error(
        "refused trust in the CORS policy: it names no origin but accepts any; list the origins there, or name \
         those to be trusted with `CsrfLayer::builder().trusted_origins([..])`"
    )]
    RefusedTrustAnyOrigin,
    /// The CORS policy knows its origins by a predicate only.
    #[error(
        "refused trust in the CORS policy: it knows its origins by a predicate alone; name those to be \
         trusted with `CsrfLayer::builder().trusted_origins([..])`"
    )]
    RefusedTrustPredicate,
    /// The CORS policy trusts nobody with cookies.
    #[error(
        "refused trust in the CORS policy: it allows no credentials and so trusts nobody with cookies; name those \
         to be trusted with `CsrfLayer::builder().trusted_origins([..])`"
    )]
    RefusedTrustUncredentialed,
}

impl ConfigErrorKind for CsrfConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::ConflictingMissingMetadata
            | Self::ConflictingSameSite
            | Self::DuplicatePattern { .. }
            | Self::InvalidExemptMethod { .. }
            | Self::InvalidOverrideHeader { .. } => ErrorClass::Invalid,
            Self::RefusedAnyOrigin
            | Self::RefusedExemptSafeMethod { .. }
            | Self::RefusedNullOrigin
            | Self::RefusedPublicSuffix { .. }
            | Self::RefusedTooManyOverrideHeaders { .. }
            | Self::RefusedTooManyPatterns { .. }
            | Self::RefusedTrustAnyOrigin
            | Self::RefusedTrustPredicate
            | Self::RefusedTrustUncredentialed => ErrorClass::Refused,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::ConflictingMissingMetadata => "conflicting_missing_metadata",
            Self::ConflictingSameSite => "conflicting_same_site",
            Self::DuplicatePattern { .. } => "duplicate_pattern",
            Self::InvalidExemptMethod { .. } => "invalid_exempt_method",
            Self::InvalidOverrideHeader { .. } => "invalid_override_header",
            Self::RefusedAnyOrigin => "refused_any_origin",
            Self::RefusedExemptSafeMethod { .. } => "refused_exempt_safe_method",
            Self::RefusedNullOrigin => "refused_null_origin",
            Self::RefusedPublicSuffix { .. } => "refused_public_suffix",
            Self::RefusedTooManyOverrideHeaders { .. } => "refused_too_many_override_headers",
            Self::RefusedTooManyPatterns { .. } => "refused_too_many_patterns",
            Self::RefusedTrustAnyOrigin => "refused_trust_any_origin",
            Self::RefusedTrustPredicate => "refused_trust_predicate",
            Self::RefusedTrustUncredentialed => "refused_trust_uncredentialed",
        }
    }
}
