//! What is said of a request that breaks a rule.

use std::fmt;

use super::rule::Rule;
use super::rule_set::RuleSet;

/// Which part of a request broke a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// The method, the target as a whole or the host.
    Line,
    /// The path.
    Path,
    /// The query.
    Query,
    /// The headers.
    Headers,
    /// The body.
    Body,
}

impl Part {
    /// Returns the name in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Path => "path",
            Self::Query => "query",
            Self::Headers => "headers",
            Self::Body => "body",
        }
    }
}

/// A rule that a request broke, and where. It stands in the extensions of the refusal; its body names the rule alone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule}")]
pub struct Violation {
    rule: Rule,
    part: Part,
    at: usize,
    len: usize,
    field: Option<Box<str>>,
}

impl Violation {
    /// A rule broken at `at`, in bytes from the start of the part, by `len` bytes.
    pub(super) const fn new(rule: Rule, part: Part, at: usize, len: usize) -> Self {
        Self {
            rule,
            part,
            at,
            len,
            field: None,
        }
    }

    /// Names the field: a JSON pointer (RFC 6901) or the name of a parameter or part, decoded.
    pub(super) fn in_field(mut self, field: impl Into<Box<str>>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Returns the rule.
    #[must_use]
    pub const fn rule(&self) -> Rule {
        self.rule
    }

    /// Returns the part of the request.
    #[must_use]
    pub const fn part(&self) -> Part {
        self.part
    }

    /// Returns how many bytes of the part stand before it.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.at
    }

    /// Returns how long in bytes the thing is that breaks the rule; 0 where nothing can be pointed at.
    #[must_use]
    #[expect(
        clippy::len_without_is_empty,
        reason = "the length of what was found, not of a collection"
    )]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Returns the field, where one is to blame: a JSON pointer (RFC 6901) or the decoded name of a parameter or part. A client wrote
    /// it: escape it before it gets anywhere.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }
}

/// What was found in a request that went on: in its extensions, only when something was reported or changed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SanitizeReport {
    rules: RuleSet,
    changed: Vec<Box<str>>,
}

impl SanitizeReport {
    pub(super) const fn new(rules: RuleSet, changed: Vec<Box<str>>) -> Self {
        Self { rules, changed }
    }

    /// Returns the rules that the request broke and that are not enforced.
    #[must_use]
    pub const fn rules(&self) -> RuleSet {
        self.rules
    }

    /// Returns the fields of HTML that were cleaned and are other than they came: JSON pointers (RFC 6901) or names of form fields.
    pub fn changed(&self) -> impl Iterator<Item = &str> {
        self.changed.iter().map(|field| &**field)
    }
}

impl fmt::Debug for SanitizeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SanitizeReport")
            .field("rules", &self.rules)
            .field("changed", &self.changed)
            .finish()
    }
}
