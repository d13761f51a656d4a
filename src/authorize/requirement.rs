//! What a principal has to have: the expression, and what of it fails.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::core::{AuthMethod, Principal};

/// How deep `and` and `or` may be nested in each other. A chain of the same word is one level.
pub(super) const MAX_DEPTH: usize = 16;

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

#[derive(Clone)]
pub(super) enum Expression {
    All(Vec<Self>),
    Any(Vec<Self>),
    Term(Term),
    /// What was nested deeper than [`MAX_DEPTH`]. Nobody meets it, and it is not built.
    TooDeep,
}

/// One thing that is asked of a principal.
#[derive(Clone)]
pub(super) enum Term {
    Acr(Words),
    AllRoles(Words),
    AllScopes(Words),
    AnyRole(Words),
    AnyScope(Words),
    Authenticated,
    MaxAge(Duration),
    Method(AuthMethod),
    Mfa,
    Nobody,
    Predicate(&'static str, Arc<dyn Fn(&Principal) -> bool + Send + Sync>),
}

/// Texts, and how a challenge tells them: separated by blanks.
#[derive(Clone)]
pub(super) struct Words {
    pub(super) list: Vec<Box<str>>,
    pub(super) joined: Box<str>,
}

/// A term that is not met.
#[derive(Clone, Copy)]
pub(super) struct Unmet<'a>(pub(super) &'a Term);

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

    /// Whether `principal` meets it at `now`; `Ok(true)` if that is all that has to be decided.
    pub(super) fn check<'a>(
        &'a self,
        principal: &Principal,
        now: &dyn Fn() -> SystemTime,
    ) -> Result<bool, Unmet<'a>> {
        let decided = self.expression.check(principal, now)?;
        Ok(decided || self.decides)
    }

    /// What a client that lacks a factor is told to log in with.
    pub(super) fn acr_values(&self) -> Option<&str> {
        self.expression.terms().find_map(|term| match term {
            Term::Acr(words) => Some(&*words.joined),
            _ => None,
        })
    }
}

/// Joins two expressions by one word. What was joined by the same word before takes the other in, so that a chain is flat.
fn join(
    one: Expression,
    other: Expression,
    word: fn(Vec<Expression>) -> Expression,
    parts: fn(Expression) -> Result<Vec<Expression>, Expression>,
) -> Expression {
    let mut joined = parts(one).unwrap_or_else(|one| vec![one]);
    joined.extend(parts(other).unwrap_or_else(|other| vec![other]));
    let joined = word(joined);
    if joined.depth() > MAX_DEPTH {
        return Expression::TooDeep;
    }
    joined
}

impl Expression {
    fn depth(&self) -> usize {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                let deepest = parts.iter().map(Self::depth).max().unwrap_or(0);
                deepest.saturating_add(1)
            }
            Self::Term(_) | Self::TooDeep => 0,
        }
    }

    /// All terms, from left to right.
    pub(super) fn terms(&self) -> Box<dyn Iterator<Item = &Term> + '_> {
        match self {
            Self::All(parts) | Self::Any(parts) => Box::new(parts.iter().flat_map(Self::terms)),
            Self::Term(term) => Box::new(std::iter::once(term)),
            Self::TooDeep => Box::new(std::iter::empty()),
        }
    }

    pub(super) fn is_too_deep(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::is_too_deep),
            Self::Term(_) => false,
            Self::TooDeep => true,
        }
    }

    fn check<'a>(
        &'a self,
        principal: &Principal,
        now: &dyn Fn() -> SystemTime,
    ) -> Result<bool, Unmet<'a>> {
        match self {
            Self::All(parts) => {
                let mut decides = false;
                let mut first: Option<Unmet<'a>> = None;
                for part in parts {
                    match part.check(principal, now) {
                        Ok(decided) => decides |= decided,
                        Err(unmet) if first.is_none_or(|first| unmet.rank() < first.rank()) => {
                            first = Some(unmet);
                        }
                        Err(_) => {}
                    }
                }
                first.map_or(Ok(decides), Err)
            }
            Self::Any(parts) => {
                let mut first = None;
                for part in parts {
                    match part.check(principal, now) {
                        Ok(decided) => return Ok(decided),
                        Err(unmet) => first = first.or(Some(unmet)),
                    }
                }
                Err(first.unwrap_or(Unmet(&NOBODY)))
            }
            Self::Term(term) => term.check(principal, now),
            Self::TooDeep => Err(Unmet(&NOBODY)),
        }
    }
}

/// What nobody meets.
static NOBODY: Term = Term::Nobody;

impl Term {
    fn check(
        &self,
        principal: &Principal,
        now: &dyn Fn() -> SystemTime,
    ) -> Result<bool, Unmet<'_>> {
        let (is_met, decides) = match self {
            Self::Acr(values) => (principal.acr().is_some_and(|acr| values.has(acr)), false),
            Self::AllRoles(roles) => (roles.all(|role| principal.has_role(role)), true),
            Self::AllScopes(scopes) => (scopes.all(|scope| principal.has_scope(scope)), false),
            Self::AnyRole(roles) => (principal.roles().any(|role| roles.has(role)), true),
            Self::AnyScope(scopes) => (principal.scopes().any(|scope| scopes.has(scope)), false),
            Self::Authenticated => (true, false),
            Self::MaxAge(age) => (is_recent(principal.auth_time(), now(), *age), false),
            Self::Method(method) => (principal.method() == *method, false),
            Self::Mfa => (has_factors(principal), false),
            Self::Nobody => (false, false),
            Self::Predicate(_, is_met) => (is_met(principal), true),
        };
        if is_met {
            Ok(decides)
        } else {
            Err(Unmet(self))
        }
    }
}

/// A login in the future is no login: the clock of one of the two is wrong, or the claim is.
fn is_recent(at: Option<SystemTime>, now: SystemTime, age: Duration) -> bool {
    at.and_then(|at| now.duration_since(at).ok())
        .is_some_and(|since| since <= age)
}

/// RFC 8176 section 2: `mfa`, or methods of two kinds.
fn has_factors(principal: &Principal) -> bool {
    const KNOWN: [&str; 3] = ["kba", "pin", "pwd"];
    const HELD: [&str; 7] = ["hwk", "otp", "pop", "sc", "sms", "swk", "tel"];
    const INHERENT: [&str; 5] = ["face", "fpt", "iris", "retina", "vbm"];
    if principal.amr().any(|method| method == "mfa") {
        return true;
    }
    let has = |kind: &[&str]| principal.amr().any(|method| kind.contains(&method));
    [has(&KNOWN), has(&HELD), has(&INHERENT)]
        .into_iter()
        .filter(|has| *has)
        .count()
        > 1
}

impl Words {
    fn new(words: impl IntoIterator<Item: AsRef<str>>) -> Self {
        let list: Vec<Box<str>> = words.into_iter().map(|word| word.as_ref().into()).collect();
        Self {
            joined: list.join(" ").into(),
            list,
        }
    }

    /// By the name that one word is asked for with, or several.
    fn named(&self, f: &mut fmt::Formatter<'_>, one: &str, several: &str) -> fmt::Result {
        let name = if self.list.len() == 1 { one } else { several };
        write!(f, "{name}({})", self.joined)
    }

    fn has(&self, word: &str) -> bool {
        self.list.iter().any(|known| **known == *word)
    }

    /// Of nothing nobody has all: an empty list is a mistake and lets nobody pass.
    fn all(&self, is_met: impl Fn(&str) -> bool) -> bool {
        !self.list.is_empty() && self.list.iter().all(|word| is_met(word))
    }
}

impl Unmet<'_> {
    /// What is told first. Two of one kind: the one that was written first.
    const fn rank(self) -> u8 {
        match self.0 {
            Term::AllScopes(_) | Term::AnyScope(_) => 0,
            Term::AllRoles(_) | Term::AnyRole(_) => 1,
            Term::Method(_) | Term::Nobody => 2,
            Term::Predicate(..) => 3,
            Term::Authenticated => 4,
            Term::Acr(_) => 5,
            Term::MaxAge(_) => 6,
            Term::Mfa => 7,
        }
    }
}

impl fmt::Debug for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expression.fmt(f)
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = |word: &str, parts: &[Self]| {
            let mut tuple = f.debug_tuple(word);
            parts.iter().for_each(|part| {
                tuple.field(part);
            });
            tuple.finish()
        };
        match self {
            Self::All(parts) => list("all", parts),
            Self::Any(parts) => list("any", parts),
            Self::Term(term) => term.fmt(f),
            Self::TooDeep => f.write_str("too_deep"),
        }
    }
}

impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Acr(words) => write!(f, "acr({})", words.joined),
            Self::AllRoles(words) => words.named(f, "role", "all_roles"),
            Self::AllScopes(words) => words.named(f, "scope", "all_scopes"),
            Self::AnyRole(words) => write!(f, "any_role({})", words.joined),
            Self::AnyScope(words) => write!(f, "any_scope({})", words.joined),
            Self::Authenticated => f.write_str("authenticated"),
            Self::MaxAge(age) => write!(f, "max_age({})", age.as_secs()),
            Self::Method(method) => write!(f, "method({method})"),
            Self::Mfa => f.write_str("mfa"),
            Self::Nobody => f.write_str("nobody"),
            Self::Predicate(name, _) => write!(f, "predicate({name})"),
        }
    }
}
