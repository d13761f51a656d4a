//! What can be wrong with a requirement.

use std::time::Duration;

use crate::core::{ConfigErrorKind, ErrorClass};

/// A mistake in a [`Requirement`](super::Requirement).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequireConfigError {
    /// An authentication context class that cannot stand in a challenge.
    #[error(
        "invalid acr {acr:?}: write one value of visible ASCII, without blanks, quotes and backslashes"
    )]
    #[non_exhaustive]
    AcrInvalid {
        /// The value as given.
        acr: String,
    },

    /// An age that nobody or everybody has.
    #[error(
        "refused max_age of {age:?}: write whole seconds, 1 s to 30 days; 300 are usual before a payment"
    )]
    #[non_exhaustive]
    AgeInvalid {
        /// The age as given.
        age: Duration,
    },

    /// A list without an entry: nobody would pass.
    #[error("invalid empty list of {what}: name at least one, or leave the requirement out")]
    #[non_exhaustive]
    EmptyList {
        /// What it is a list of.
        what: &'static str,
    },

    /// A parameter without a name.
    #[error("invalid parameter {param:?}: write its name as the pattern of the route does")]
    #[non_exhaustive]
    ParamInvalid {
        /// The name as given.
        param: String,
    },

    /// A role without a name.
    #[error("invalid role {role:?}: write the name of a role as the issuer does")]
    #[non_exhaustive]
    RoleInvalid {
        /// The role as given.
        role: String,
    },

    /// A text that is not one scope.
    #[error(
        "invalid scope {scope:?}: write one scope of visible ASCII, without blanks, quotes and backslashes; several with `all_scopes`"
    )]
    #[non_exhaustive]
    ScopeInvalid {
        /// The scope as given.
        scope: String,
    },

    /// `and` and `or` that are nested in each other too often to be read.
    #[error(
        "refused requirement: `and` and `or` are nested more than 16 deep; write a `predicate`"
    )]
    TooDeep,
}

impl ConfigErrorKind for RequireConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::AcrInvalid { .. }
            | Self::EmptyList { .. }
            | Self::ParamInvalid { .. }
            | Self::RoleInvalid { .. }
            | Self::ScopeInvalid { .. } => ErrorClass::Invalid,
            Self::AgeInvalid { .. } | Self::TooDeep => ErrorClass::Refused,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::AcrInvalid { .. } => "acr_invalid",
            Self::AgeInvalid { .. } => "age_invalid",
            Self::EmptyList { .. } => "empty_list",
            Self::ParamInvalid { .. } => "param_invalid",
            Self::RoleInvalid { .. } => "role_invalid",
            Self::ScopeInvalid { .. } => "scope_invalid",
            Self::TooDeep => "too_deep",
        }
    }
}
