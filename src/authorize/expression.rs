//! The expression behind a requirement, and what of it fails.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::params::Params;
use super::roles::RoleTree;
use crate::core::{AuthMethod, LedgerEntry, Principal};

/// How deep `and` and `or` may be nested in each other. A chain of the same word is one level.
pub(super) const MAX_DEPTH: usize = 16;

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
    Public,
    /// The parameter of the path that names the subject.
    SameSubject(Box<str>),
}

/// Texts, and how a challenge tells them: separated by blanks.
#[derive(Clone)]
pub(super) struct Words {
    pub(super) list: Vec<Box<str>>,
    pub(super) joined: Box<str>,
}

/// Who is asked, and what is known beside.
pub(super) struct Asked<'a> {
    pub(super) principal: &'a Principal,
    pub(super) now: &'a dyn Fn() -> SystemTime,
    pub(super) roles: &'a RoleTree,
    pub(super) params: &'a Params<'a>,
}

/// What is decided by a requirement that is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Met {
    /// It is a condition, and no decision.
    Nothing,
    /// Whoever meets it may do what the route does.
    Allow,
    /// Everybody may.
    Exempt,
}

impl Met {
    /// How it is noted.
    pub(super) const fn entry(self) -> Option<LedgerEntry> {
        match self {
            Self::Nothing => None,
            Self::Allow => Some(LedgerEntry::Allow),
            Self::Exempt => Some(LedgerEntry::Exempt),
        }
    }

    /// Of two that are both met.
    const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Allow, _) | (_, Self::Allow) => Self::Allow,
            (Self::Exempt, Self::Exempt) => Self::Exempt,
            // Public, if something: what is left is the condition.
            _ => Self::Nothing,
        }
    }
}

/// A term that is not met.
#[derive(Clone, Copy)]
pub(super) struct Unmet<'a>(pub(super) &'a Term);

/// Joins two expressions by one word. What was joined by the same word before takes the other in, so that a chain is flat.
pub(super) fn join(
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

    /// Whether it is met by who is not logged in.
    pub(super) fn is_open(&self) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(Self::is_open),
            Self::Any(parts) => parts.iter().any(Self::is_open),
            Self::Term(term) => matches!(term, Term::Public),
            Self::TooDeep => false,
        }
    }

    pub(super) fn always_decides(&self) -> bool {
        match self {
            Self::All(parts) => {
                parts.iter().any(Self::always_decides) || parts.iter().all(Self::is_open)
            }
            Self::Any(parts) => parts.iter().all(Self::always_decides),
            Self::Term(term) => term.meaning() != Met::Nothing,
            Self::TooDeep => false,
        }
    }

    pub(super) fn check<'r>(&'r self, asked: &Asked<'_>) -> Result<Met, Unmet<'r>> {
        match self {
            Self::All(parts) => {
                let mut met: Option<Met> = None;
                let mut first: Option<Unmet<'r>> = None;
                for part in parts {
                    match part.check(asked) {
                        Ok(part) => met = Some(met.map_or(part, |met| met.and(part))),
                        Err(unmet) if first.is_none_or(|first| unmet.rank() < first.rank()) => {
                            first = Some(unmet);
                        }
                        Err(_) => {}
                    }
                }
                match first {
                    Some(unmet) => Err(unmet),
                    None => Ok(met.unwrap_or(Met::Nothing)),
                }
            }
            Self::Any(parts) => {
                let mut first = None;
                for part in parts {
                    match part.check(asked) {
                        Ok(met) => return Ok(met),
                        Err(unmet) => first = first.or(Some(unmet)),
                    }
                }
                Err(first.unwrap_or(Unmet(&NOBODY)))
            }
            Self::Term(term) => term.check(asked),
            Self::TooDeep => Err(Unmet(&NOBODY)),
        }
    }
}

/// What nobody meets.
static NOBODY: Term = Term::Nobody;

impl Term {
    /// What is decided for who meets it.
    const fn meaning(&self) -> Met {
        match self {
            Self::AllRoles(_) | Self::AnyRole(_) | Self::Predicate(..) | Self::SameSubject(_) => {
                Met::Allow
            }
            Self::Public => Met::Exempt,
            Self::Acr(_)
            | Self::AllScopes(_)
            | Self::AnyScope(_)
            | Self::Authenticated
            | Self::MaxAge(_)
            | Self::Method(_)
            | Self::Mfa
            | Self::Nobody => Met::Nothing,
        }
    }

    fn check(&self, asked: &Asked<'_>) -> Result<Met, Unmet<'_>> {
        let principal = asked.principal;
        let is_met = match self {
            Self::Acr(values) => principal.acr().is_some_and(|acr| values.has(acr)),
            Self::AllRoles(roles) => roles.all(|role| asked.roles.holds(principal, role)),
            Self::AllScopes(scopes) => scopes.all(|scope| principal.has_scope(scope)),
            Self::AnyRole(roles) => {
                let mut roles = roles.list.iter();
                roles.any(|role| asked.roles.holds(principal, role))
            }
            Self::AnyScope(scopes) => principal.scopes().any(|scope| scopes.has(scope)),
            Self::Authenticated | Self::Public => true,
            Self::MaxAge(age) => is_recent(principal.auth_time(), (asked.now)(), *age),
            Self::Method(method) => principal.method() == *method,
            Self::Mfa => has_factors(principal),
            Self::Nobody => false,
            Self::Predicate(_, is_met) => is_met(principal),
            Self::SameSubject(param) => asked.params.names(param, principal.subject()),
        };
        if is_met {
            Ok(self.meaning())
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
    pub(super) fn new(words: impl IntoIterator<Item: AsRef<str>>) -> Self {
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
            Term::SameSubject(_) => 4,
            // Nobody fails either.
            Term::Authenticated | Term::Public => 5,
            Term::Acr(_) => 6,
            Term::MaxAge(_) => 7,
            Term::Mfa => 8,
        }
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
            Self::Public => f.write_str("public"),
            Self::SameSubject(param) => write!(f, "same_subject({param})"),
        }
    }
}
