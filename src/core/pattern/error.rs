use std::fmt;

use crate::core::{ConfigErrorKind, ErrorClass};

/// Why a text is not a [`Template`](super::Template).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// A character that a path has only in escaped form, or that begins something else: `?`, `#`, space, backslash, control, non-ASCII.
    #[error(
        "invalid pattern {pattern:?}: {found:?} cannot stand in it; write the path alone, in visible ASCII, without query and fragment"
    )]
    #[non_exhaustive]
    InvalidPatternByte {
        /// The pattern as given.
        pattern: String,
        /// The first such character.
        found: char,
    },

    /// `{*rest}` before the end.
    #[error(
        "invalid pattern {pattern:?}: a catch-all must be the last segment; use `{{name}}` for one segment"
    )]
    #[non_exhaustive]
    InvalidPatternCatchAll {
        /// The pattern as given.
        pattern: String,
    },

    /// Empty, or without a leading slash.
    #[error(
        "invalid pattern {pattern:?}: a pattern begins with a slash, such as `/webhooks/{{*rest}}`"
    )]
    #[non_exhaustive]
    InvalidPatternPath {
        /// The pattern as given.
        pattern: String,
    },

    /// A parameter that is not written as `{name}` or `{*name}`, alone in its segment and once in the pattern.
    #[error("invalid pattern {pattern:?}: {problem}")]
    #[non_exhaustive]
    InvalidPatternSyntax {
        /// The pattern as given.
        pattern: String,
        /// What is wrong with it.
        problem: TemplateSyntax,
    },

    /// `//`, a `.` or `..` segment, `%` or `;`: paths that servers and proxies read in different ways.
    #[error(
        "refused pattern {pattern:?}: {found:?} is read in different ways by servers and proxies; write the path as it is routed, unescaped"
    )]
    #[non_exhaustive]
    RefusedPatternAmbiguous {
        /// The pattern as given.
        pattern: String,
        /// What can be read in two ways.
        found: &'static str,
    },

    /// No literal first segment, where a pattern must not cover (nearly) every path.
    ///
    /// [`Template::parse`](super::Template::parse) says so only of `/*`; of the others the layer whose rule it is.
    #[error(
        "refused pattern {pattern:?}: it covers every path; begin with a literal segment, such as `/webhooks/{{*rest}}`"
    )]
    #[non_exhaustive]
    RefusedPatternEverything {
        /// The pattern as given.
        pattern: String,
    },
}

impl ConfigErrorKind for TemplateError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::InvalidPatternByte { .. }
            | Self::InvalidPatternCatchAll { .. }
            | Self::InvalidPatternPath { .. }
            | Self::InvalidPatternSyntax { .. } => ErrorClass::Invalid,
            Self::RefusedPatternAmbiguous { .. } | Self::RefusedPatternEverything { .. } => {
                ErrorClass::Refused
            }
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::InvalidPatternByte { .. } => "invalid_pattern_byte",
            Self::InvalidPatternCatchAll { .. } => "invalid_pattern_catch_all",
            Self::InvalidPatternPath { .. } => "invalid_pattern_path",
            Self::InvalidPatternSyntax { .. } => "invalid_pattern_syntax",
            Self::RefusedPatternAmbiguous { .. } => "refused_pattern_ambiguous",
            Self::RefusedPatternEverything { .. } => "refused_pattern_everything",
        }
    }
}

/// What is wrong with a parameter of a pattern; part of [`TemplateError::InvalidPatternSyntax`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateSyntax {
    /// `/a{id}`, `/{a}{b}`: text or a second parameter beside the braces.
    BesideParam,
    /// `/:id`, `/*rest`: the syntax of axum up to 0.7.
    FormerSyntax,
    /// `{}` or `{*}`.
    NoName,
    /// One name twice. Routers disagree on which of the two values it has.
    RepeatedName(String),
    /// `*` anywhere but as the first character within braces.
    StrayStar,
    /// A `{` without its `}`, or the other way round.
    Unbalanced,
}

impl fmt::Display for TemplateSyntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BesideParam => {
                f.write_str("a parameter must be a segment by itself: `/{name}/`, not `/a{name}/`")
            }
            Self::FormerSyntax => {
                f.write_str("write `{name}` for one segment and `{*name}` for the rest of the path")
            }
            Self::NoName => f.write_str("give the parameter a name: `{name}` or `{*name}`"),
            Self::RepeatedName(name) => write!(
                f,
                "{name:?} stands twice, and routers disagree on which value it has; rename one"
            ),
            Self::StrayStar => f.write_str("`*` stands only in `{*name}`, the rest of the path"),
            Self::Unbalanced => f.write_str("write each parameter as `{name}`; braces do not nest"),
        }
    }
}
