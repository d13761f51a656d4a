//! What can be wrong with a configuration as a whole.

use thiserror::Error;

use crate::core::{ConfigErrorKind, ErrorClass};

/// A mistake that only a whole configuration can have. What is wrong with the values of one section is said by the error type of its
/// room, such as [`CorsConfigError`](crate::cors::CorsConfigError).
///
/// # Example
///
/// ```
/// use tower_security::core::ConfigErrorKind;
/// use tower_security::stack::config::{RequireAuthorizationConfig, SecurityConfig, StackConfigError, StackParts};
///
/// let mut config = SecurityConfig::default();
/// config.require_authorization = Some(RequireAuthorizationConfig::default());
/// let errors = config.build(StackParts::new()).unwrap_err();
/// let error = errors.iter().next().and_then(|error| error.downcast::<StackConfigError>());
/// assert_eq!(error.map(|error| error.code()), Some("missing_auth"));
/// ```
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum StackConfigError {
    /// The file and the program both say who is asking.
    #[error(
        "invalid second authentication: write the section `auth`, or give a layer by `StackParts::auth`, not both"
    )]
    ConflictingAuth,
    /// Fields of which one has to be chosen.
    #[error("invalid choice: write exactly one of {choices}")]
    InvalidChoice {
        /// The names of the fields.
        choices: &'static str,
    },
    /// A name that is none of a list.
    #[error("invalid {what} {value:?}: write one such as {instead:?}")]
    InvalidName {
        /// What it should name.
        what: &'static str,
        /// The name as given.
        value: String,
        /// One that is legal.
        instead: &'static str,
    },
    /// Keys that do not parse.
    #[error("invalid keys: {reason}")]
    InvalidKeys {
        /// Why, without the keys.
        reason: String,
    },
    /// A section that depends on who is asking, without anybody who finds out.
    #[error(
        "refused without authentication: write the section `auth`, or give a layer by `StackParts::auth`"
    )]
    MissingAuth,
    /// A section that needs another one.
    #[error("refused without the section `{section}`: write it too")]
    MissingSection {
        /// The other section.
        section: &'static str,
    },
    /// What a running stack cannot change.
    #[error(
        "refused change of what a running stack keeps: restart with it, or write what was there"
    )]
    NeedsRestart,
    /// A secret that stands in the configuration itself.
    #[error(
        "refused secret in clear: write {{ env = \"NAME\" }} or {{ file = \"path\" }}, and replace this one, for it has been read"
    )]
    SecretInClear,
    /// A secret that is not there, or cannot be read.
    #[error("invalid secret in {place}: {reason}")]
    SecretUnreadable {
        /// The name of the variable, or the path.
        place: String,
        /// Why, without the secret.
        reason: &'static str,
    },
}

impl ConfigErrorKind for StackConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::ConflictingAuth
            | Self::InvalidChoice { .. }
            | Self::InvalidKeys { .. }
            | Self::InvalidName { .. }
            | Self::SecretUnreadable { .. } => ErrorClass::Invalid,
            Self::MissingAuth
            | Self::MissingSection { .. }
            | Self::NeedsRestart
            | Self::SecretInClear => ErrorClass::Refused,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::ConflictingAuth => "conflicting_auth",
            Self::InvalidChoice { .. } => "invalid_choice",
            Self::InvalidKeys { .. } => "invalid_keys",
            Self::InvalidName { .. } => "invalid_name",
            Self::MissingAuth => "missing_auth",
            Self::MissingSection { .. } => "missing_section",
            Self::NeedsRestart => "needs_restart",
            Self::SecretInClear => "secret_in_clear",
            Self::SecretUnreadable { .. } => "secret_unreadable",
        }
    }
}
