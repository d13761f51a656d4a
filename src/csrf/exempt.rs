//! Paths that are not checked.

use http::Method;

use super::error::CsrfConfigError;
use crate::core::{Mistakes, Template, TemplateError};

/// More is no list of exceptions any more, and each is compared with a refused request.
pub(super) const MAX_PATTERNS: usize = 256;

/// The compiled exemptions, each for one method or for all.
#[derive(Debug, Default)]
pub(super) struct Exemptions(Box<[(Option<Method>, Template)]>);

impl Exemptions {
    /// Whether a request that was going to be refused is exempt. Only the path as it was sent counts, never a decoded one.
    pub(super) fn cover(&self, method: &Method, path: &str) -> bool {
        self.0.iter().any(|(only, template)| {
            only.as_ref().is_none_or(|only| only == method) && template.match_raw(path)
        })
    }
}

/// Collects exemptions while a configuration is checked.
#[derive(Debug, Default)]
pub(super) struct ExemptionList(Vec<(Option<Method>, Template)>);

impl ExemptionList {
    pub(super) fn add(
        &mut self,
        mistakes: &mut Mistakes,
        path: impl Into<String>,
        method: Option<Method>,
        pattern: &str,
    ) {
        match parse(pattern) {
            Err(error) => mistakes.push(path, error),
            Ok(template) if self.has(method.as_ref(), &template) => mistakes.push(
                path,
                CsrfConfigError::DuplicatePattern {
                    pattern: pattern.to_owned(),
                },
            ),
            Ok(template) => self.0.push((method, template)),
        }
    }

    /// Whether the same paths are exempt for the same method, whatever the parameters are called.
    fn has(&self, method: Option<&Method>, template: &Template) -> bool {
        self.0.iter().any(|(only, known)| {
            (only.is_none() || method.is_none() || only.as_ref() == method)
                && are_the_same(known, template)
        })
    }

    pub(super) fn finish(self) -> Exemptions {
        Exemptions(self.0.into())
    }
}

/// Compiles the patterns of pages that any site may include.
pub(super) fn public_patterns(
    mistakes: &mut Mistakes,
    path: &str,
    patterns: &[String],
) -> Box<[Template]> {
    if is_too_long(mistakes, path, patterns.len()) {
        return Box::default();
    }
    let mut known: Vec<Template> = Vec::new();
    for (index, pattern) in patterns.iter().enumerate() {
        match parse(pattern) {
            Err(error) => mistakes.push(format!("{path}[{index}]"), error),
            Ok(template) if known.iter().any(|other| are_the_same(other, &template)) => mistakes
                .push(
                    format!("{path}[{index}]"),
                    CsrfConfigError::DuplicatePattern {
                        pattern: pattern.clone(),
                    },
                ),
            Ok(template) => known.push(template),
        }
    }
    known.into()
}

/// Reports a list that is too long, of which no single pattern is looked at then.
pub(super) fn is_too_long(mistakes: &mut Mistakes, path: &str, count: usize) -> bool {
    let is_too_long = count > MAX_PATTERNS;
    if is_too_long {
        mistakes.push(path, CsrfConfigError::RefusedTooManyPatterns { count });
    }
    is_too_long
}

/// A pattern that opens something must begin with a literal segment.
fn parse(pattern: &str) -> Result<Template, TemplateError> {
    let template = Template::parse(pattern)?;
    if template.is_everything() {
        return Err(TemplateError::RefusedPatternEverything {
            pattern: pattern.to_owned(),
        });
    }
    Ok(template)
}

fn are_the_same(one: &Template, other: &Template) -> bool {
    one.covers(other) && other.covers(one)
}
