//! What can be wrong with HTML, and with a policy.

use crate::core::{ConfigErrorKind, ErrorClass};
use crate::sanitize::Rule;

/// Why HTML was not cleaned: it is more than its [`HtmlCaps`](super::HtmlCaps) allow. Nothing of the input is in the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum HtmlError {
    /// The result has too many bytes: `html_output_too_large`.
    #[error("{}", self.rule())]
    OutputTooLarge,
    /// One tag has too many bytes: `html_tag_too_long`.
    #[error("{}", self.rule())]
    TagTooLong,
    /// Too many tags with too many formatting elements: `html_too_costly`.
    #[error("{}", self.rule())]
    TooCostly,
    /// Too many bytes: `html_too_large`.
    #[error("{}", self.rule())]
    TooLarge,
    /// One tag has too many attributes: `html_too_many_attributes`.
    #[error("{}", self.rule())]
    TooManyAttributes,
    /// Too many `&` signs and the like: `html_too_many_entities`.
    #[error("{}", self.rule())]
    TooManyEntities,
    /// Too many `<` signs: `html_too_many_tags`.
    #[error("{}", self.rule())]
    TooManyTags,
}

impl HtmlError {
    /// Returns the rule.
    #[must_use]
    pub const fn rule(self) -> Rule {
        match self {
            Self::OutputTooLarge => Rule::HtmlOutputTooLarge,
            Self::TagTooLong => Rule::HtmlTagTooLong,
            Self::TooCostly => Rule::HtmlTooCostly,
            Self::TooLarge => Rule::HtmlTooLarge,
            Self::TooManyAttributes => Rule::HtmlTooManyAttributes,
            Self::TooManyEntities => Rule::HtmlTooManyEntities,
            Self::TooManyTags => Rule::HtmlTooManyTags,
        }
    }
}

/// A mistake in an [`HtmlPolicy`](super::HtmlPolicy).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HtmlConfigError {
    /// The attribute runs scripts, loads or sends something by itself, styles, names an element for scripts to find, or is no name.
    #[error(
        "refused attribute {value:?} of {tag:?}: it can run scripts, send requests, style the page or stand in for something of the \
         page; allow one of plain data, such as \"cite\", \"datetime\" or \"align\", in lower case, and render the rest yourself"
    )]
    HtmlAttributeRefused {
        /// The tag.
        tag: String,
        /// The attribute as given.
        value: String,
    },
    /// Two parts of the policy contradict each other, or a scheme runs scripts.
    #[error("invalid policy at {value:?}: {clash}")]
    HtmlPolicyInvalid {
        /// The word as given.
        value: String,
        /// What it clashes with, and what to write instead.
        clash: &'static str,
    },
    /// The element runs scripts, embeds, sends, holds text that is no text, changes the parser, or is not of HTML.
    #[error(
        "refused tag {value:?}: scripts, styles, forms, frames, SVG, MathML, what belongs into the head, custom elements and names that \
         HTML does not have are in no policy; render it yourself around the cleaned text, or allow a plain element in lower case, such as \
         \"mark\" or \"kbd\""
    )]
    HtmlTagRefused {
        /// The tag as given.
        value: String,
    },
}

impl ConfigErrorKind for HtmlConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::HtmlAttributeRefused { .. } | Self::HtmlTagRefused { .. } => ErrorClass::Refused,
            Self::HtmlPolicyInvalid { .. } => ErrorClass::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::HtmlAttributeRefused { .. } => "html_attribute_refused",
            Self::HtmlPolicyInvalid { .. } => "html_policy_invalid",
            Self::HtmlTagRefused { .. } => "html_tag_refused",
        }
    }
}
