//! What can be wrong with a configuration.

use std::fmt;

use crate::core::{ConfigErrorKind, ErrorClass};

/// A mistake in the configuration of a [`SecurityHeadersLayer`](super::SecurityHeadersLayer).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeadersConfigError {
    /// A header that browsers no longer read, or that did harm while they did.
    #[error("refused header {name:?}: {instead}")]
    DeadHeader {
        /// The name in lower case.
        name: String,
        /// What to do instead.
        instead: &'static str,
    },
    /// A value that browsers no longer read: the header would count for nothing.
    #[error("refused value {value:?} of {name:?}: browsers ignore it, {instead}")]
    DeadValue {
        /// The name of the header.
        name: &'static str,
        /// The value as given.
        value: String,
        /// What to write instead.
        instead: &'static str,
    },
    /// Two reporting endpoints have one name.
    #[error("refused endpoint {name:?}: the name is given twice, keep one")]
    DuplicateEndpoint {
        /// The name.
        name: String,
    },
    /// A header is set twice, or set and taken off.
    #[error("refused header {name:?}: it is {how}, keep one")]
    DuplicateHeader {
        /// The name in lower case.
        name: String,
        /// What contradicts: `set twice`.
        how: &'static str,
    },
    /// A path stands in two lists for `Clear-Site-Data`.
    #[error("refused path {path:?}: it is given twice, keep one")]
    DuplicatePath {
        /// The path.
        path: String,
    },
    /// A header that belongs to the connection or frames the message.
    #[error(
        "forbidden header {name:?}: it belongs to the connection or frames the message, leave it to the server"
    )]
    ForbiddenHeader {
        /// The name in lower case.
        name: String,
    },
    /// Two settings that contradict each other.
    #[error("refused combination: {problem}, {instead}")]
    Inconsistent {
        /// What does not go together.
        problem: &'static str,
        /// What to write instead.
        instead: &'static str,
    },
    /// A reporting endpoint over plain HTTP.
    #[error("refused endpoint {url:?}: reports would go over plain HTTP, write an `https` address")]
    InsecureEndpoint {
        /// The address as given.
        url: String,
    },
    /// A session cookie's name is no token of RFC 9110.
    #[error(
        "invalid cookie name {name:?}: write the name alone, as the browser sends it, such as \"__Host-session\""
    )]
    InvalidCookieName {
        /// The name as given.
        name: String,
    },
    /// A reporting endpoint is neither an absolute path nor an `https` address.
    #[error(
        "invalid endpoint {url:?}: write an absolute path such as \"/reports\", or an `https` address"
    )]
    InvalidEndpoint {
        /// The address as given.
        url: String,
    },
    /// A feature of `Permissions-Policy`.
    #[error("invalid feature {feature:?}: {problem}")]
    InvalidFeature {
        /// The name of the feature.
        feature: String,
        /// What is wrong with it.
        problem: FeatureProblem,
    },
    /// The name or the value of a header has bytes that no header has.
    #[error(
        "invalid {part} of header {name:?}: {text:?} has bytes that none may have, such as line breaks; leave them out"
    )]
    InvalidHeader {
        /// The name as given.
        name: String,
        /// Which part: `name` or `value`.
        part: &'static str,
        /// That part, escaped.
        text: String,
    },
    /// The name of a reporting endpoint is no key of RFC 9651.
    #[error(
        "invalid endpoint name {name:?}: begin with a lower-case letter and go on with those, digits, `_`, `-` and `.`"
    )]
    InvalidReportName {
        /// The name as given.
        name: String,
    },
    /// A value that its header does not know.
    #[error("invalid {what} {value:?}: {instead}")]
    InvalidValue {
        /// What the value is of, such as `Clear-Site-Data path`.
        what: &'static str,
        /// The value as given.
        value: String,
        /// What to write instead.
        instead: &'static str,
    },
    /// `Mode::ReportOnly`: there is nothing that this layer could refuse.
    #[error(
        "refused mode ReportOnly: most of these headers have no report-only form, write `Mode::Enforce`, or send \
         \"cross-origin-opener-policy-report-only\" and the like by `custom`"
    )]
    NoReportOnly,
    /// A header that has a setter of its own, which checks the value.
    #[error("refused custom header {name:?}: write `{setter}`, which checks the value")]
    TypedHeader {
        /// The name in lower case.
        name: String,
        /// The method of the builder.
        setter: &'static str,
    },
    /// A value that gives the protection of its header up.
    #[error("refused value {value:?} of {name:?}: it protects nothing, {instead}")]
    WeakValue {
        /// The name of the header.
        name: &'static str,
        /// The value as given.
        value: String,
        /// What to write instead.
        instead: &'static str,
    },
    /// A header that another layer writes, or the handler.
    #[error("refused header {name:?}: it is the matter of {layer}")]
    WrongLayer {
        /// The name in lower case.
        name: String,
        /// Whose it is, such as the `CspLayer`.
        layer: &'static str,
    },
}

impl ConfigErrorKind for HeadersConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::InvalidCookieName { .. }
            | Self::InvalidEndpoint { .. }
            | Self::InvalidFeature { .. }
            | Self::InvalidHeader { .. }
            | Self::InvalidReportName { .. }
            | Self::InvalidValue { .. } => ErrorClass::Invalid,
            Self::ForbiddenHeader { .. } => ErrorClass::Forbidden,
            Self::DeadHeader { .. }
            | Self::DeadValue { .. }
            | Self::DuplicateEndpoint { .. }
            | Self::DuplicateHeader { .. }
            | Self::DuplicatePath { .. }
            | Self::Inconsistent { .. }
            | Self::InsecureEndpoint { .. }
            | Self::NoReportOnly
            | Self::TypedHeader { .. }
            | Self::WeakValue { .. }
            | Self::WrongLayer { .. } => ErrorClass::Refused,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::DeadHeader { .. } => "dead_header",
            Self::DeadValue { .. } => "dead_value",
            Self::DuplicateEndpoint { .. } => "duplicate_endpoint",
            Self::DuplicateHeader { .. } => "duplicate_header",
            Self::DuplicatePath { .. } => "duplicate_path",
            Self::ForbiddenHeader { .. } => "forbidden_header",
            Self::Inconsistent { .. } => "inconsistent",
            Self::InsecureEndpoint { .. } => "insecure_endpoint",
            Self::InvalidCookieName { .. } => "invalid_cookie_name",
            Self::InvalidEndpoint { .. } => "invalid_endpoint",
            Self::InvalidFeature { .. } => "invalid_feature",
            Self::InvalidHeader { .. } => "invalid_header",
            Self::InvalidReportName { .. } => "invalid_report_name",
            Self::InvalidValue { .. } => "invalid_value",
            Self::NoReportOnly => "no_report_only",
            Self::TypedHeader { .. } => "typed_header",
            Self::WeakValue { .. } => "weak_value",
            Self::WrongLayer { .. } => "wrong_layer",
        }
    }
}

/// What is wrong with a feature; part of [`HeadersConfigError::InvalidFeature`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FeatureProblem {
    /// [`Allow::Any`](super::Allow::Any) and something else.
    AnyBesideOthers,
    /// The name is none.
    Name,
    /// This is no origin.
    Origin(String),
    /// The policy names the feature twice.
    Repeated,
    /// The list names somebody twice.
    RepeatedOrigin,
}

impl fmt::Display for FeatureProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnyBesideOthers => {
                f.write_str("`Allow::Any` stands beside others, let it stand alone")
            }
            Self::Name => f.write_str(
                "begin with a lower-case letter and go on with those, digits and hyphens",
            ),
            Self::Origin(origin) => write!(
                f,
                "{origin:?} is no origin, write `Allow::SelfOrigin` or one such as \"https://a.example\", without a path: \
                 (self \"https://a.example\")"
            ),
            Self::Repeated => f.write_str("the policy names it twice, keep one or write `replace`"),
            Self::RepeatedOrigin => f.write_str("its list names somebody twice, keep one"),
        }
    }
}
