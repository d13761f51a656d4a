//! What can be wrong with a guard.

use std::time::Duration;

use crate::core::{ConfigErrorKind, ErrorClass, TemplateError};

/// A mistake in the rules of an [`OwnershipGuard`](crate::ownership::OwnershipGuard), or in what they use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OwnershipConfigError {
    /// A pattern of which nobody can tell which parameter is the id.
    #[error(
        "refused pattern {pattern:?}: it has several parameters; write `resource_param(pattern, \"name\", ..)`"
    )]
    #[non_exhaustive]
    AmbiguousParam {
        /// The pattern as given.
        pattern: String,
    },

    /// One name twice in a pattern.
    #[error(
        "refused pattern {pattern:?}: {param:?} stands twice, and routers disagree on which value it has; rename one"
    )]
    #[non_exhaustive]
    DuplicateParam {
        /// The pattern as given.
        pattern: String,
        /// The name.
        param: String,
    },

    /// Two rules for the same requests.
    #[error(
        "refused rule {key:?}: an earlier rule has the same key; join the policies with `all_of` or `any_of`"
    )]
    #[non_exhaustive]
    DuplicateRule {
        /// The pattern or gRPC path as given.
        key: String,
    },

    /// A header that can name no object.
    #[error("refused header {name:?} as an id: use a header of your own, such as `x-order-id`")]
    #[non_exhaustive]
    HeaderId {
        /// The name as given.
        name: String,
    },

    /// A number outside of its range.
    #[error("refused {what} of {value}: write {range}")]
    #[non_exhaustive]
    Limit {
        /// What it limits.
        what: &'static str,
        /// The value as given.
        value: String,
        /// The values that are accepted.
        range: &'static str,
    },

    /// A pattern in which nothing can be the id.
    #[error(
        "refused pattern {pattern:?}: it has no parameter; write `/orders/{{id}}`, or `resource_from` with what names the object"
    )]
    #[non_exhaustive]
    MissingParam {
        /// The pattern as given.
        pattern: String,
    },

    /// An empty name.
    #[error("invalid name {name:?}: write the name as it stands in requests")]
    #[non_exhaustive]
    Name {
        /// The name as given.
        name: String,
    },

    /// `shape`, `actions`, `reveal` or `name` before any rule.
    #[error("invalid `{setting}`: it applies to the rule before it, and there is none")]
    #[non_exhaustive]
    NoRuleBefore {
        /// The setting.
        setting: &'static str,
    },

    /// A guard that asks nobody.
    #[error("refused guard without rules: add one with `resource`, `resource_from` or `rpc`")]
    NoRules,

    /// A text that is no pattern.
    #[error(transparent)]
    Pattern(TemplateError),

    /// A gRPC key that names no method.
    #[error("invalid gRPC path {path:?}: write `/package.Service/Method`")]
    #[non_exhaustive]
    RpcPath {
        /// The path as given.
        path: String,
    },

    /// A parameter that the pattern does not have.
    #[error("invalid parameter {param:?}: the pattern {pattern:?} has no such parameter")]
    #[non_exhaustive]
    UnknownParam {
        /// The pattern as given.
        pattern: String,
        /// The name as given.
        param: String,
    },

    /// A rule that is never asked.
    #[error("refused rule {key:?}: the earlier rule {by:?} covers it; move it up")]
    #[non_exhaustive]
    UnreachableRule {
        /// The pattern as given.
        key: String,
        /// The pattern of the earlier rule.
        by: String,
    },
}

impl OwnershipConfigError {
    pub(crate) fn limit(what: &'static str, value: Duration, range: &'static str) -> Self {
        Self::Limit {
            what,
            value: format!("{value:?}"),
            range,
        }
    }
}

impl ConfigErrorKind for OwnershipConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::AmbiguousParam { .. }
            | Self::DuplicateParam { .. }
            | Self::DuplicateRule { .. }
            | Self::HeaderId { .. }
            | Self::Limit { .. }
            | Self::MissingParam { .. }
            | Self::NoRules
            | Self::UnreachableRule { .. } => ErrorClass::Refused,
            Self::Name { .. }
            | Self::NoRuleBefore { .. }
            | Self::UnknownParam { .. }
            | Self::RpcPath { .. } => ErrorClass::Invalid,
            Self::Pattern(error) => error.class(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::AmbiguousParam { .. } => "ambiguous_param",
            Self::DuplicateParam { .. } => "duplicate_param",
            Self::DuplicateRule { .. } => "duplicate_rule",
            Self::HeaderId { .. } => "header_id",
            Self::Limit { .. } => "limit",
            Self::MissingParam { .. } => "missing_param",
            Self::Name { .. } => "name",
            Self::NoRules => "no_rules",
            Self::NoRuleBefore { .. } => "no_rule_before",
            Self::UnknownParam { .. } => "unknown_param",
            Self::Pattern(_) => "pattern",
            Self::RpcPath { .. } => "rpc_path",
            Self::UnreachableRule { .. } => "unreachable_rule",
        }
    }
}
