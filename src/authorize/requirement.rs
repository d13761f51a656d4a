//! What a principal has to have, as it is written.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::expression::{Asked, Expression, Met, Term, Unmet, Words, join};
use crate::core::{AuthMethod, Principal};

/// What a principal has to have, made by the functions of this room and joined by [`and`](Self::and) and [`or`](Self::or).
///
/// Scopes, roles and `acr` values are compared exactly: in the same case, without wildcards, and `orders` includes no `orders:read`.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use tower_security::authorize::{RequireLayer, max_age, mfa, role, scope};
///
/// let support = role("support").and(scope("orders:read"));
/// let admin = role("admin").and(mfa()).and(max_age(Duration::from_secs(300)));
/// assert!(RequireLayer::new(support.or(admin)).build().is_ok());
///
/// assert!(RequireLayer::new(scope("orders:read orders:write")).build().is_err(), "two scopes in one text");
/// ```
#[derive(Clone)]
#[must_use = "a requirement does nothing until a layer has it"]
pub struct Requirement {
    pub(super) expression: Expression,
    decides: bool,
}

/// Nothing: everybody may, logged in or not. It is noted as an exemption.
///
/// # Example
///
/// ```
/// use http::Method;
/// use tower_security::authorize::{AccessTable, public, role};
///
/// let table = AccessTable::builder()
///     .get("/health", public())
///     .any_method("/admin/{*rest}", role("admin"))
///     .build()?;
/// # let _ = table;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn public() -> Requirement {
    Requirement::of(Term::Public)
}

/// What nobody has: a route that is closed, to administrators too.
pub fn deny_all() -> Requirement {
    Requirement::of(Term::Nobody)
}

/// Being logged in, whoever it is.
pub fn authenticated() -> Requirement {
    Requirement::of(Term::Authenticated)
}

/// This scope (RFC 6749 section 3.3): what the user has allowed the client to do.
pub fn scope(scope: impl AsRef<str>) -> Requirement {
    all_scopes([scope])
}

/// One of these scopes.
pub fn any_scope(scopes: impl IntoIterator<Item: AsRef<str>>) -> Requirement {
    Requirement::of(Term::AnyScope(Words::new(scopes)))
}

/// All of these scopes.
pub fn all_scopes(scopes: impl IntoIterator<Item: AsRef<str>>) -> Requirement {
    Requirement::of(Term::AllScopes(Words::new(scopes)))
}

/// This role.
pub fn role(role: impl AsRef<str>) -> Requirement {
    all_roles([role])
}

/// One of these roles.
pub fn any_role(roles: impl IntoIterator<Item: AsRef<str>>) -> Requirement {
    Requirement::of(Term::AnyRole(Words::new(roles)))
}

/// All of these roles.
pub fn all_roles(roles: impl IntoIterator<Item: AsRef<str>>) -> Requirement {
    Requirement::of(Term::AllRoles(Words::new(roles)))
}

/// This authentication context class (`acr`), such as `urn:example:aal2`. Who has another one is asked to log in with it
/// (RFC 9470).
pub fn acr(value: impl AsRef<str>) -> Requirement {
    any_acr([value])
}

/// One of these authentication context classes, the preferred one first.
pub fn any_acr(values: impl IntoIterator<Item: AsRef<str>>) -> Requirement {
    Requirement::of(Term::Acr(Words::new(values)))
}

/// More than one factor: the issuer says `mfa` among the methods (`amr`, RFC 8176), or names two of different kinds, such as `pwd` and
/// `otp`. What fails is asked for the `acr` of the same requirement, if it has one.
pub fn mfa() -> Requirement {
    Requirement::of(Term::Mfa)
}

/// Having logged in in person no longer ago than this. A principal that does not say when (`auth_time`), or in the future, fails.
///
/// From one second to 30 days; whole seconds are told to the client.
pub fn max_age(age: Duration) -> Requirement {
    Requirement::of(Term::MaxAge(age))
}

/// This kind of credential.
pub fn method(method: AuthMethod) -> Requirement {
    Requirement::of(Term::Method(method))
}

/// Being the one whom this parameter of the path names: its value is the subject of the principal, compared exactly. Everybody else gets
/// the 404 of what does not exist.
///
/// In an [`AccessTable`](super::AccessTable) the pattern of the rule has to have the parameter. For a
/// [`RequireLayer`](super::RequireLayer) it is one of axum's router; on other servers no layer for a route knows parameters, and nobody
/// meets it. A subject is unique within its issuer: where several issuers are believed, compare both in a policy.
///
/// # Example
///
/// ```
/// use tower_security::authorize::{AccessTable, role, same_subject};
///
/// let table = AccessTable::builder()
///     .put("/members/{name}/email", same_subject("name").or(role("support")))
///     .build()?;
/// # let _ = table;
///
/// let misspelt = AccessTable::builder().put("/members/{name}/email", same_subject("nick"));
/// assert!(misspelt.build().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn same_subject(param: impl AsRef<str>) -> Requirement {
    Requirement::of(Term::SameSubject(param.as_ref().into()))
}

/// What a function of yours says. `name` stands in events, never in answers.
pub fn predicate(
    name: &'static str,
    is_met: impl Fn(&Principal) -> bool + Send + Sync + 'static,
) -> Requirement {
    Requirement::of(Term::Predicate(name, Arc::new(is_met)))
}

impl Requirement {
    fn of(term: Term) -> Self {
        Self {
            expression: Expression::Term(term),
            decides: false,
        }
    }

    /// Requires both.
    ///
    /// What the client is told is the first that fails of: scope, role, method, predicate (403), then `acr`, age, factors (401): it is
    /// not sent to log in again for something that it may not do anyway.
    pub fn and(self, other: Self) -> Self {
        Self {
            decides: self.decides || other.decides,
            expression: join(
                self.expression,
                other.expression,
                Expression::All,
                |joined| match joined {
                    Expression::All(parts) => Ok(parts),
                    other => Err(other),
                },
            ),
        }
    }

    /// Requires one of the two. What the client is told, when neither is met, is what fails of the first.
    pub fn or(self, other: Self) -> Self {
        Self {
            decides: self.decides && other.decides,
            expression: join(
                self.expression,
                other.expression,
                Expression::Any,
                |joined| match joined {
                    Expression::Any(parts) => Ok(parts),
                    other => Err(other),
                },
            ),
        }
    }

    /// Says that whoever meets this may do what the route does, whatever the object: nothing else has to decide.
    ///
    /// Roles and predicates say so by themselves. To be logged in, to have a scope or to have logged in lately is no right to an object,
    /// and a handler behind it still has to ask for one.
    pub const fn decides(mut self) -> Self {
        self.decides = true;
        self
    }

    /// Whether somebody meets it, and what that decides; `Err(None)`: nobody is logged in.
    pub(super) fn check<'r>(&'r self, asked: Option<&Asked<'_>>) -> Result<Met, Option<Unmet<'r>>> {
        let Some(asked) = asked else {
            let is_open = self.expression.is_open();
            return is_open.then_some(Met::Exempt).ok_or(None);
        };
        match self.expression.check(asked) {
            Ok(Met::Nothing) if self.decides => Ok(Met::Allow),
            Ok(met) => Ok(met),
            Err(unmet) => Err(Some(unmet)),
        }
    }

    /// Whether everybody who meets it was allowed by it, so that nothing else has to decide.
    pub(super) fn always_decides(&self) -> bool {
        self.decides || self.expression.always_decides()
    }

    /// Whether it is met by who is not logged in.
    pub(super) fn is_open(&self) -> bool {
        self.expression.is_open()
    }

    pub(super) fn compares_params(&self) -> bool {
        self.params().next().is_some()
    }

    /// The parameters of the path that it compares.
    pub(super) fn params(&self) -> impl Iterator<Item = &str> {
        self.expression.terms().filter_map(|term| match term {
            Term::SameSubject(param) => Some(&**param),
            _ => None,
        })
    }

    /// What a client that lacks a factor is told to log in with.
    pub(super) fn acr_values(&self) -> Option<&str> {
        self.expression.terms().find_map(|term| match term {
            Term::Acr(words) => Some(&*words.joined),
            _ => None,
        })
    }
}

impl fmt::Debug for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expression.fmt(f)
    }
}
