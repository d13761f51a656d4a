//! What can be wrong with a table.

use crate::core::{ConfigErrorKind, ErrorClass, TemplateError};

/// A mistake in the rules of an [`AccessTable`](crate::authorize::AccessTable). What is wrong with a requirement is a
/// [`RequireConfigError`](crate::authorize::RequireConfigError).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccessConfigError {
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
        "refused rule {key:?}: an earlier rule has the same method and pattern; join the requirements with `and` or `or`"
    )]
    #[non_exhaustive]
    DuplicateRule {
        /// The rule, with its method.
        key: String,
    },

    /// A rule for `HEAD` alone.
    #[error("refused rule {key:?}: HEAD is decided as GET; write a rule for GET")]
    #[non_exhaustive]
    HeadRule {
        /// The rule, with its method.
        key: String,
    },

    /// A table that refuses everybody.
    #[error("refused table without rules: it would refuse every request; add a rule")]
    NoRules,

    /// A text that is no pattern.
    #[error(transparent)]
    Pattern(TemplateError),

    /// Roles that include each other.
    #[error("refused roles {cycle:?}: they include each other; take one of the steps out")]
    #[non_exhaustive]
    RoleCycle {
        /// The roles, in order, the first once more at the end.
        cycle: String,
    },

    /// A role without a name.
    #[error("invalid role {role:?}: write the name of a role as the issuer does")]
    #[non_exhaustive]
    RoleName {
        /// The role as given.
        role: String,
    },

    /// A gRPC key that names neither a method nor a service.
    #[error(
        "invalid gRPC path {path:?}: write `/package.Service/Method`, or `/package.Service/*` for all of a service"
    )]
    #[non_exhaustive]
    RpcPath {
        /// The path as given.
        path: String,
    },

    /// A parameter that the pattern does not have.
    #[error("invalid parameter {param:?}: {key:?} has no such parameter")]
    #[non_exhaustive]
    UnknownParam {
        /// The rule, with its method.
        key: String,
        /// The name as given.
        param: String,
    },

    /// A rule that is never asked.
    #[error("refused rule {key:?}: the earlier rule {by:?} covers it; move it up")]
    #[non_exhaustive]
    UnreachableRule {
        /// The rule, with its method.
        key: String,
        /// The earlier rule.
        by: String,
    },
}

impl ConfigErrorKind for AccessConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::DuplicateParam { .. }
            | Self::DuplicateRule { .. }
            | Self::HeadRule { .. }
            | Self::NoRules
            | Self::RoleCycle { .. }
            | Self::UnreachableRule { .. } => ErrorClass::Refused,
            Self::RoleName { .. } | Self::RpcPath { .. } | Self::UnknownParam { .. } => {
                ErrorClass::Invalid
            }
            Self::Pattern(error) => error.class(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::DuplicateParam { .. } => "duplicate_param",
            Self::DuplicateRule { .. } => "duplicate_rule",
            Self::HeadRule { .. } => "head_rule",
            Self::NoRules => "no_rules",
            Self::Pattern(_) => "pattern",
            Self::RoleCycle { .. } => "role_cycle",
            Self::RoleName { .. } => "role_name",
            Self::RpcPath { .. } => "rpc_path",
            Self::UnknownParam { .. } => "unknown_param",
            Self::UnreachableRule { .. } => "unreachable_rule",
        }
    }
}
