//! What can be wrong with a configuration.

use crate::core::{ConfigErrorKind, ErrorClass};

/// A mistake in the configuration of an [`ErrorMaskLayer`](super::ErrorMaskLayer).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorMaskConfigError {
    /// `dangerous_show_details` in a build without debug assertions.
    #[error(
        "refused dangerous_show_details: this is a release build, read the log by the id of the request"
    )]
    DetailsInRelease,
    /// A header that the answer cannot do without, or that frames the message, is to be taken off.
    #[error(
        "forbidden header {name:?}: it frames the message or says what the answer is, leave it on"
    )]
    ForbiddenHeader {
        /// The name in lower case.
        name: String,
    },
    /// The name of a header has bytes that no name has.
    #[error("invalid header name {name:?}: write the name alone, such as \"x-rate-limit-reset\"")]
    InvalidHeader {
        /// The name as given.
        name: String,
    },
    /// A header that an error must not keep: it tells which software answers, or belongs to the body that is dropped.
    #[error("refused header {name:?}: {reason}, name other ones")]
    KeepHeader {
        /// The name in lower case.
        name: String,
        /// Why not.
        reason: &'static str,
    },
}

impl ConfigErrorKind for ErrorMaskConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::InvalidHeader { .. } => ErrorClass::Invalid,
            Self::ForbiddenHeader { .. } => ErrorClass::Forbidden,
            Self::DetailsInRelease | Self::KeepHeader { .. } => ErrorClass::Refused,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::DetailsInRelease => "details_in_release",
            Self::ForbiddenHeader { .. } => "forbidden_header",
            Self::InvalidHeader { .. } => "invalid_header",
            Self::KeepHeader { .. } => "keep_header",
        }
    }
}
