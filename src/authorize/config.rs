//! The builder of the layer.

use std::time::Duration;

use super::error::RequireConfigError;
use super::expression::{Term, Words};
use super::layer::RequireLayer;
use super::requirement::Requirement;
use crate::core::{Clock, ConfigErrors, EventSink, Events, Mistakes, is_scope_token};

const LONGEST_AGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Builds a [`RequireLayer`]. Made by [`RequireLayer::new`] and the constructors named after what they require.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct RequireBuilder {
    requirement: Requirement,
    events: Events,
}

impl RequireBuilder {
    pub(super) fn new(requirement: Requirement) -> Self {
        Self {
            requirement,
            events: Events::default(),
        }
    }

    /// Requires this as well; see [`Requirement::and`].
    pub fn and(mut self, other: Requirement) -> Self {
        self.requirement = self.requirement.and(other);
        self
    }

    /// Lets this do as well; see [`Requirement::or`].
    pub fn or(mut self, other: Requirement) -> Self {
        self.requirement = self.requirement.or(other);
        self
    }

    /// Says that this is all that has to be decided; see [`Requirement::decides`].
    pub fn decides(mut self) -> Self {
        self.requirement = self.requirement.decides();
        self
    }

    /// Sets where refusals are told. The stack's sink by default, without one `tracing`.
    pub fn events(mut self, sink: impl EventSink) -> Self {
        self.events = self.events.with_sink(sink);
        self
    }

    /// Sets the clock by which the age of a login is measured. The stack's by default, without one the system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.events = self.events.with_clock(clock);
        self
    }

    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// All [`RequireConfigError`]s at once.
    pub fn build(self) -> Result<RequireLayer, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        check_requirement(&self.requirement, "require", &mut mistakes);
        mistakes.finish(RequireLayer::of(self.requirement, self.events))
    }
}

/// Finds what is wrong with a requirement that stands at `path`.
pub(super) fn check_requirement(requirement: &Requirement, path: &str, mistakes: &mut Mistakes) {
    for (index, term) in requirement.expression.terms().enumerate() {
        check(term, &format!("{path}[{index}]"), mistakes);
    }
    if requirement.expression.is_too_deep() {
        mistakes.push(path, RequireConfigError::TooDeep);
    }
}

fn check(term: &Term, path: &str, mistakes: &mut Mistakes) {
    match term {
        Term::Acr(words) => check_words(words, "acr values", path, mistakes, |acr| {
            (!is_scope_token(acr)).then(|| RequireConfigError::AcrInvalid {
                acr: acr.to_owned(),
            })
        }),
        Term::AllRoles(words) | Term::AnyRole(words) => {
            check_words(words, "roles", path, mistakes, |role| {
                role.is_empty().then(|| RequireConfigError::RoleInvalid {
                    role: role.to_owned(),
                })
            });
        }
        Term::AllScopes(words) | Term::AnyScope(words) => {
            check_words(words, "scopes", path, mistakes, |scope| {
                (!is_scope_token(scope)).then(|| RequireConfigError::ScopeInvalid {
                    scope: scope.to_owned(),
                })
            });
        }
        Term::MaxAge(age) => {
            // What is told to the client are whole seconds: a fraction would be refused again.
            if *age > LONGEST_AGE || age.as_secs() == 0 || age.subsec_nanos() != 0 {
                mistakes.push(path, RequireConfigError::AgeInvalid { age: *age });
            }
        }
        Term::SameSubject(param) => {
            if param.is_empty() {
                let param = String::new();
                mistakes.push(path, RequireConfigError::ParamInvalid { param });
            }
        }
        Term::Authenticated
        | Term::Method(_)
        | Term::Mfa
        | Term::Nobody
        | Term::Predicate(..)
        | Term::Public => {}
    }
}

fn check_words(
    words: &Words,
    what: &'static str,
    path: &str,
    mistakes: &mut Mistakes,
    fault: impl Fn(&str) -> Option<RequireConfigError>,
) {
    if words.list.is_empty() {
        mistakes.push(path, RequireConfigError::EmptyList { what });
    }
    for (index, word) in words.list.iter().enumerate() {
        if let Some(fault) = fault(word) {
            mistakes.push(format!("{path}[{index}]"), fault);
        }
    }
}
