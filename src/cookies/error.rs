//! What can be wrong with a configuration.

use super::rename::MAX_RENAMED;
use crate::core::{ConfigErrorKind, ErrorClass};

/// Why a name cannot be the name of a cookie, or of one that is renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameProblem {
    /// Another name in the list is the same, or differs in case alone.
    #[error("it stands in the list already, write it once")]
    Collision,
    /// It has a percent sign, and some readers of cookies decode names.
    #[error("readers of cookies decode \"%\" in names, write one without it")]
    Percent,
    /// It begins with a cookie prefix, or would make another one of it.
    #[error("write it without the prefix, which is added")]
    Prefixed,
    /// It is no token (RFC 9110, section 5.6.2).
    #[error("write letters, digits and \"-\", \"_\" or \".\"")]
    Token,
}

/// A mistake in the configuration of a [`CookieLayer`](super::CookieLayer).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CookieConfigError {
    /// A cookie that is skipped stands in another list too, which would have no effect.
    #[error(
        "invalid rules for {name:?}: a cookie that is skipped keeps no other rule, take it out of one of the lists"
    )]
    ConflictingRules {
        /// The name as given.
        name: String,
    },
    /// The name cannot be that of a cookie, or of one that is renamed.
    #[error("invalid cookie name {name:?}: {problem}")]
    InvalidCookieName {
        /// The name as given.
        name: String,
        /// What is wrong with it.
        problem: NameProblem,
    },
    /// A cookie that looks like a session would be readable by scripts.
    #[error(
        "refused script-readable cookie {name:?}: {}",
        if *.prefix { "browsers accept it with `HttpOnly` alone, take another name" }
        else { "one injected script would take the session, keep it `HttpOnly`, or write `dangerous_script_readable`" }
    )]
    ScriptReadableSession {
        /// The name as given.
        name: String,
        /// Whether it is refused for its prefix, which demands `HttpOnly`.
        prefix: bool,
    },
    /// A cookie that looks like a session would not be hardened.
    #[error(
        "refused skipped cookie {name:?}: it looks like a session, let it be hardened, or write `dangerous_skip`"
    )]
    SkipSession {
        /// The name as given.
        name: String,
    },
    /// There are too many names to rename.
    #[error(
        "refused list of {count} renamed cookies: each is compared with each cookie of a request, write at most {MAX_RENAMED}"
    )]
    TooManyNames {
        /// How many there are; 65,537 stands for any greater number too.
        count: usize,
    },
    /// Every cookie would be sent with requests of other sites.
    #[error(
        "refused default \"SameSite=None\": other sites' requests would carry every cookie, write `same_site_for(name, \
         SameSite::None)` for the one that needs it"
    )]
    WeakValue,
}

impl ConfigErrorKind for CookieConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::ConflictingRules { .. } | Self::InvalidCookieName { .. } => ErrorClass::Invalid,
            Self::ScriptReadableSession { .. }
            | Self::SkipSession { .. }
            | Self::TooManyNames { .. }
            | Self::WeakValue => ErrorClass::Refused,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::ConflictingRules { .. } => "conflicting_rules",
            Self::InvalidCookieName { .. } => "invalid_cookie_name",
            Self::ScriptReadableSession { .. } => "script_readable_session",
            Self::SkipSession { .. } => "skip_session",
            Self::TooManyNames { .. } => "too_many_names",
            Self::WeakValue => "weak_value",
        }
    }
}
