//! What can be wrong with a configuration.

use crate::core::{ConfigErrorKind, ErrorClass};
use crate::sanitize::Rule;

/// The longest body that is inspected: 64 MiB, each in memory as a whole.
pub(super) const MAX_BODY: usize = 64 << 20;

/// A mistake in the configuration of a [`SanitizeLayer`](crate::sanitize::SanitizeLayer).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SanitizeConfigError {
    /// So much would be kept in memory for each request.
    #[error(
        "refused body limit {bytes}: each request would hold as much in memory, write at most {MAX_BODY} and let larger bodies stream \
         past with `exempt_body`"
    )]
    BodyLimitRefused {
        /// The limit as given.
        bytes: usize,
    },
    /// A rule that both presets enforce is to be relaxed.
    #[error(
        "refused change of the rule \"{rule}\": what breaks it is malformed or an attack; if a client of yours needs it, write \
         `dangerous_allow(Rule::{rule:?})`"
    )]
    CoreRuleRefused {
        /// The rule.
        rule: Rule,
    },
    /// A detector would refuse requests by itself.
    #[error(
        "refused action for the detector on {field:?}: detectors take honest texts for attacks, report them, or write \
         `dangerous_block_on_detection`"
    )]
    DetectorBlockingRefused {
        /// The field as given.
        field: String,
    },
    /// A field of HTML would not be cleaned in a multipart body that streams.
    #[error(
        "invalid field of HTML {field:?}: a multipart body that streams past is not looked into, use `MultipartRules::buffered()`"
    )]
    HtmlMultipartStreaming {
        /// The field as given.
        field: String,
    },
    /// A limit is nothing, or more than there can be.
    #[error("invalid limit {name} = {value}: write a number from 1 to {most}")]
    LimitInvalid {
        /// The name of the limit.
        name: &'static str,
        /// The limit as given.
        value: usize,
        /// The highest sound one.
        most: usize,
    },
    /// No method would pass.
    #[error(
        "invalid list of methods: it is empty, list those that your service knows, such as GET, HEAD, POST, PUT, PATCH, DELETE and \
         OPTIONS"
    )]
    MethodsEmpty,
    /// A field stands twice.
    #[error("invalid field {value:?}: it stands in the list already, write it once")]
    PointerDuplicate {
        /// The field as given.
        value: String,
    },
    /// A text is no pointer.
    #[error(
        "invalid pointer {value:?}: write a JSON pointer (RFC 6901) such as \"/comments/*/body\", in which `*` is one segment, `~0` a \
         tilde and `~1` a slash"
    )]
    PointerInvalid {
        /// The pointer as given.
        value: String,
    },
    /// A rule has no switch: without it what is configured would not hold.
    #[error("refused change of the rule \"{rule}\": {reason}")]
    RuleFixed {
        /// The rule.
        rule: Rule,
        /// Why, and what to do instead.
        reason: &'static str,
    },
    /// A rule was given to another part of the request.
    #[error(
        "invalid rule \"{rule}\" in {part}: it belongs to another part, set it on the builder itself"
    )]
    RuleMisplaced {
        /// The rule.
        rule: Rule,
        /// The part that it was given to.
        part: &'static str,
    },
    /// A type of gRPC, for which there is a switch of its own.
    #[error(
        "forbidden type {value:?}: gRPC is never looked into and passes by `grpc(true)` alone, leave it out"
    )]
    TypeForbidden {
        /// The type as given.
        value: String,
    },
    /// A text is no media type.
    #[error(
        "invalid type {value:?}: write one type in full without parameters, such as \"application/octet-stream\""
    )]
    TypeInvalid {
        /// The type as given.
        value: String,
    },
}

impl ConfigErrorKind for SanitizeConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::HtmlMultipartStreaming { .. }
            | Self::LimitInvalid { .. }
            | Self::MethodsEmpty
            | Self::PointerDuplicate { .. }
            | Self::PointerInvalid { .. }
            | Self::RuleMisplaced { .. }
            | Self::TypeInvalid { .. } => ErrorClass::Invalid,
            Self::TypeForbidden { .. } => ErrorClass::Forbidden,
            Self::BodyLimitRefused { .. }
            | Self::CoreRuleRefused { .. }
            | Self::DetectorBlockingRefused { .. }
            | Self::RuleFixed { .. } => ErrorClass::Refused,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::BodyLimitRefused { .. } => "body_limit_refused",
            Self::CoreRuleRefused { .. } => "core_rule_refused",
            Self::DetectorBlockingRefused { .. } => "detector_blocking_refused",
            Self::HtmlMultipartStreaming { .. } => "html_multipart_streaming",
            Self::LimitInvalid { .. } => "limit_invalid",
            Self::MethodsEmpty => "methods_empty",
            Self::PointerDuplicate { .. } => "pointer_duplicate",
            Self::PointerInvalid { .. } => "pointer_invalid",
            Self::RuleFixed { .. } => "rule_fixed",
            Self::RuleMisplaced { .. } => "rule_misplaced",
            Self::TypeForbidden { .. } => "type_forbidden",
            Self::TypeInvalid { .. } => "type_invalid",
        }
    }
}
