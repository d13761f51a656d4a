//! `PasswordPolicy`: which new passwords are accepted.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::{Extensions, StatusCode};

use super::commonest::{is_common, is_line, lower_case, read};
use crate::core::{
    ConfigErrorKind, ConfigErrors, ErrorClass, EventContext, EventName, EventSink, Events, Level,
    Lookup, Mistakes, Outcome, Rejection, Secret, StoreError, collected,
};

const LAYER: &str = "password";
/// A shorter word stands in too many passwords by chance.
const LEAST_WORD: usize = 4;

/// Which new passwords are accepted: long ones that others do not use. No rule asks for capitals, digits or signs, which make passwords
/// alike and no better (NIST SP 800-63B section 3.1.1.2, [ASVS] 6.2.5).
///
/// A password is refused if
///
/// 1. it is longer than 1,024 bytes: nothing else is looked at then, and nothing of it is ever cut off (ASVS 6.2.9),
/// 2. it has fewer than 15 characters where it is the only factor, or 8 beside another one (ASVS 6.2.1),
/// 3. it is one of the 3000 commonest of 8 characters or more (ASVS 6.2.4), several of them one behind the other, or stands in a
///    [file](PasswordPolicyBuilder::common_file) of yours; capitals make no difference,
/// 4. it contains the name of the service or the user, a word of an address, or another such word (ASVS 6.2.11); capitals make no
///    difference,
/// 5. a [`BreachChecker`] knows it, or cannot say (ASVS 6.2.12).
///
/// Of the 3000, seven have 15 characters: where the password is the only factor, give it a list of breached ones too.
///
/// Passwords are text as it was sent: nothing is trimmed, normalised or put in another case but for these comparisons.
///
/// # Example
///
/// ```
/// use tower_security::core::Secret;
/// use tower_security::password::{PasswordPolicy, PasswordProblem, PolicyRefusal};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = PasswordPolicy::with_mfa().context_words(["bookshop"]).build()?;
/// let user = ["alice@example.com"];
///
/// policy.check(&Secret::from("tea at 4 with the hatter"), &user).await?;
///
/// for (password, problem) in [
///     ("mad tea", PasswordProblem::TooShort { min: 8 }),
///     ("Sunshine1", PasswordProblem::Common),
///     ("my BookShop!", PasswordProblem::ContextWord),
///     ("i am alice, hello", PasswordProblem::ContextWord),
/// ] {
///     let refusal = policy.check(&Secret::from(password), &user).await;
///     assert!(matches!(refusal, Err(PolicyRefusal::Refused(problems)) if problems == [problem]));
/// }
/// # Ok(())
/// # }
/// ```
///
/// [ASVS]: https://owasp.org/www-project-application-security-verification-standard/
#[derive(Clone)]
pub struct PasswordPolicy {
    inner: Arc<Inner>,
    /// The request that handlers act for.
    request: EventContext,
}

struct Inner {
    min: usize,
    max: usize,
    words: Vec<String>,
    /// The lines of a file, sorted.
    file: Option<Box<[u8]>>,
    breaches: Option<Arc<dyn BreachChecker>>,
    events: Events,
}

/// Looks passwords up among those that were stolen somewhere.
///
/// One that asks a service over the network sends no password there, and no whole hash of one: the first 20 bits of its SHA-1 do, if the
/// service answers with all that begin with them.
pub trait BreachChecker: Send + Sync + 'static {
    /// Returns whether it is among them. An error refuses the password.
    fn contains(&self, password: &Secret<String>) -> Lookup<Result<bool, StoreError>>;
}

impl<C: BreachChecker + ?Sized> BreachChecker for Arc<C> {
    fn contains(&self, password: &Secret<String>) -> Lookup<Result<bool, StoreError>> {
        (**self).contains(password)
    }
}

/// What is wrong with a new password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordProblem {
    /// It was stolen somewhere.
    #[error("the password was stolen somewhere")]
    Breached,
    /// Many use it.
    #[error("many use the password")]
    Common,
    /// It contains the name of the service or the user, or another word that is guessed first.
    #[error("the password contains the name of the service, of the user, or a part of an address")]
    ContextWord,
    /// It is too long.
    #[error("the password has more than {max} bytes")]
    TooLong {
        /// How many bytes it may have.
        max: usize,
    },
    /// It is too short.
    #[error("the password has fewer than {min} characters")]
    TooShort {
        /// How many characters (Unicode scalar values) it has to have.
        min: usize,
    },
}

impl PasswordProblem {
    /// Returns the stable code of the rule, for clients: `breached`, `common`, `context_word`, `too_long`, `too_short`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Breached => "breached",
            Self::Common => "common",
            Self::ContextWord => "context_word",
            Self::TooLong { .. } => "too_long",
            Self::TooShort { .. } => "too_short",
        }
    }
}

/// Why a new password is not accepted.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyRefusal {
    /// It breaks these rules, one at least.
    #[error("the password is refused: {}", codes(.0).collect::<Vec<_>>().join(", "))]
    Refused(Vec<PasswordProblem>),
    /// Whether it was stolen cannot be said at the moment.
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl PolicyRefusal {
    /// Returns the answer to the client: 422 `password_refused` with the codes of the rules in the member `rules` (gRPC 3), or 503
    /// `authentication_unavailable` with `Retry-After: 5` (gRPC 14).
    pub fn rejection(&self) -> Rejection {
        match self {
            Self::Refused(problems) => Rejection::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "password_refused",
                "The password is refused",
            )
            .member("rules", codes(problems)),
            Self::Store(_) => Rejection::authentication_unavailable(),
        }
    }
}

impl From<PolicyRefusal> for Rejection {
    fn from(refusal: PolicyRefusal) -> Self {
        refusal.rejection()
    }
}

fn codes(problems: &[PasswordProblem]) -> impl Iterator<Item = &'static str> {
    problems.iter().map(|problem| problem.code())
}

impl PasswordPolicy {
    /// Starts with what holds where the password is the only factor: at least 15 characters.
    pub fn single_factor() -> PasswordPolicyBuilder {
        PasswordPolicyBuilder::new(15)
    }

    /// Starts with what holds where every login asks for a second factor: at least 8 characters.
    pub fn with_mfa() -> PasswordPolicyBuilder {
        PasswordPolicyBuilder::new(8)
    }

    /// Returns the same policy for a handler of the request with these extensions: events of what it does go to the sink of the
    /// [`SecurityStack`](crate::SecurityStack) that the request came through, with the request's id and the client's address. A sink
    /// of its own, if it [was given one](PasswordPolicyBuilder::events), hears of them instead.
    #[must_use]
    pub fn for_request(&self, extensions: &Extensions) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            request: EventContext::of(extensions),
        }
    }

    /// Accepts a new password or says what is wrong with it. `words` are those that guess first who knows the user: name, e-mail address,
    /// date of birth. Each counts as a whole, and each of its parts between signs; what is shorter than four characters is passed over.
    ///
    /// # Errors
    ///
    /// [`PolicyRefusal::Refused`] with every rule that is broken; [`PolicyRefusal::Store`] if the [`BreachChecker`] fails.
    ///
    /// # Cancel safety
    ///
    /// It changes nothing.
    pub async fn check(
        &self,
        password: &Secret<String>,
        words: &[&str],
    ) -> Result<(), PolicyRefusal> {
        let mut problems = self.problems(password, words);
        if problems.is_empty()
            && let Some(breaches) = &self.inner.breaches
        {
            match breaches.contains(password).wait().await {
                Ok(true) => problems.push(PasswordProblem::Breached),
                Ok(false) => {}
                Err(error) => {
                    let name = EventName::SysMonitorDisabled;
                    let what = (name, LAYER, "authentication_unavailable");
                    self.request
                        .tell_at(Level::Error, &self.inner.events, what, |event| {
                            event.outcome(Outcome::Fault).own_detail(error.text())
                        });
                    return Err(error.into());
                }
            }
        }
        if problems.is_empty() {
            return Ok(());
        }
        let name = EventName::AuthnPasswordChangeFail;
        let what = (name, LAYER, "password_refused");
        self.request.tell(&self.inner.events, what, |event| {
            let rules = codes(&problems).collect::<Vec<_>>().join(",");
            event.outcome(Outcome::Refused).own_rule(&rules)
        });
        Err(PolicyRefusal::Refused(problems))
    }

    /// Returns the rules that a password breaks, as far as they are known without the [`BreachChecker`]: for a form that tells while
    /// somebody types. No event is emitted.
    #[must_use]
    pub fn problems(&self, password: &Secret<String>, words: &[&str]) -> Vec<PasswordProblem> {
        let inner = &*self.inner;
        let text = password.expose();
        let max = inner.max;
        if text.len() > max {
            return vec![PasswordProblem::TooLong { max }];
        }
        let mut problems = Vec::new();
        let min = inner.min;
        if text.chars().count() < min {
            problems.push(PasswordProblem::TooShort { min });
        }
        let lower = lower_case(text);
        let lower = lower.expose();
        let in_file = || {
            let file = inner.file.as_deref();
            file.is_some_and(|lines| is_line(lines, lower.as_bytes()))
        };
        if is_common(lower.as_bytes()) || in_file() {
            problems.push(PasswordProblem::Common);
        }
        let has = |word: &str| is_word(word) && lower.contains(word);
        let of_user = |word: &&str| {
            let word = lower_case(word);
            let word = word.expose();
            has(word) || word.split(|c: char| !c.is_alphanumeric()).any(has)
        };
        if inner.words.iter().any(|word| has(word)) || words.iter().any(of_user) {
            problems.push(PasswordProblem::ContextWord);
        }
        problems
    }
}

impl fmt::Debug for PasswordPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordPolicy")
            .field("min_len", &self.inner.min)
            .field("max_len", &self.inner.max)
            .field("context_words", &self.inner.words)
            .field("common_file", &self.inner.file.is_some())
            .field("breach", &self.inner.breaches.is_some())
            .finish_non_exhaustive()
    }
}

/// Makes a [`PasswordPolicy`]. See [`PasswordPolicy::single_factor`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct PasswordPolicyBuilder {
    min: usize,
    max: usize,
    words: Vec<String>,
    file: Option<PathBuf>,
    breaches: Option<Arc<dyn BreachChecker>>,
    events: Events,
}

impl PasswordPolicyBuilder {
    fn new(min: usize) -> Self {
        Self {
            min,
            max: 1024,
            words: Vec::new(),
            file: None,
            breaches: None,
            events: Events::default(),
        }
    }

    /// Sets how many characters (Unicode scalar values) a password has at least.
    ///
    /// Permitted: 8 to 64. Refused: 7, 65.
    pub const fn min_len(mut self, characters: usize) -> Self {
        self.min = characters;
        self
    }

    /// Sets how many bytes a password has at most (default 1,024, as the hasher has it). Give both the same.
    ///
    /// Permitted: 64 to 4096. Refused: 63, 4097.
    pub const fn max_len(mut self, bytes: usize) -> Self {
        self.max = bytes;
        self
    }

    /// Refuses passwords that contain one of these words, in any case: the name of the service, of the company, of its products.
    ///
    /// Permitted: words of four characters or more, such as `bookshop`. Refused: `shp`, which stands in too many by chance.
    pub fn context_words(mut self, words: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.words = collected(words);
        self
    }

    /// Refuses the passwords of this file too, in any case: one a line, in any order, UTF-8, 64 MiB at most. It is read by
    /// [`build`](Self::build), and never again.
    ///
    /// Refused: a file that cannot be read, holds no password or NUL bytes, as UTF-16 does.
    pub fn common_file(mut self, path: impl AsRef<Path>) -> Self {
        self.file = Some(path.as_ref().to_owned());
        self
    }

    /// Asks `checker` about passwords that break no other rule (default: nobody).
    pub fn breach(mut self, checker: impl BreachChecker) -> Self {
        self.breaches = Some(Arc::new(checker));
        self
    }

    /// Sends events of refused passwords to `sink` (default: that of the stack, where handlers say
    /// [which request](PasswordPolicy::for_request) it is, else `tracing`). They name the rules and nothing of the password.
    pub fn events(mut self, sink: impl EventSink) -> Self {
        self.events = self.events.with_sink(sink);
        self
    }

    /// Makes the policy.
    ///
    /// # Errors
    ///
    /// Every mistake at once, each with a [`PolicyConfigError`]: lengths that protect nobody or refuse what is good, a word that is too
    /// short, a file that cannot be read.
    pub fn build(self) -> Result<PasswordPolicy, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        let mut refuse = |path: String, problem| {
            mistakes.push(path, PolicyConfigError::PolicyRefused { problem });
        };
        if !(8..=64).contains(&self.min) {
            let problem = PolicyProblem::MinLen { min: self.min };
            refuse("password.policy.min_len".to_owned(), problem);
        }
        if !(64..=4096).contains(&self.max) {
            let problem = PolicyProblem::MaxLen { max: self.max };
            refuse("password.policy.max_len".to_owned(), problem);
        }
        let words: Vec<String> = self
            .words
            .iter()
            .map(|word| lower_case(word).expose().clone())
            .collect();
        for (at, word) in words.iter().enumerate().filter(|(_, word)| !is_word(word)) {
            let problem = PolicyProblem::ContextWord { word: word.clone() };
            refuse(format!("password.policy.context_words[{at}]"), problem);
        }
        let mut file = None;
        if let Some(path) = self.file {
            match read(&path) {
                Ok(lines) => file = Some(lines),
                Err(error) => {
                    let (path, error) = (path.display().to_string(), error.to_string());
                    let problem = PolicyProblem::File { path, error };
                    refuse("password.policy.common_file".to_owned(), problem);
                }
            }
        }
        mistakes.finish(PasswordPolicy {
            inner: Arc::new(Inner {
                min: self.min,
                max: self.max,
                words,
                file,
                breaches: self.breaches,
                events: self.events,
            }),
            request: EventContext::default(),
        })
    }
}

impl fmt::Debug for PasswordPolicyBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordPolicyBuilder")
            .field("min_len", &self.min)
            .field("max_len", &self.max)
            .field("context_words", &self.words)
            .field("common_file", &self.file)
            .field("breach", &self.breaches.is_some())
            .finish_non_exhaustive()
    }
}

/// A mistake in a [`PasswordPolicy`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyConfigError {
    /// It protects nobody, refuses what is good, or cannot be had.
    #[error("refused password policy: {problem}")]
    PolicyRefused {
        /// What is wrong with it, and what to write instead.
        problem: PolicyProblem,
    },
}

/// What is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyProblem {
    /// It stands in too many passwords by chance.
    #[error("context word {word:?}, write one of four characters or more")]
    ContextWord {
        /// The word in lower case.
        word: String,
    },
    /// The file cannot be read.
    #[error(
        "file {path:?} of common passwords cannot be read: {error}; write the path of a text of 64 MiB at most, a password a line"
    )]
    File {
        /// The path as given.
        path: String,
        /// What the system says.
        error: String,
    },
    /// Long passwords are good ones.
    #[error("longest password of {max} bytes, write 64 to 4096, such as 1024")]
    MaxLen {
        /// The length as given.
        max: usize,
    },
    /// Short ones are guessed, and of very long ones people have one alone.
    #[error(
        "shortest password of {min} characters, write 8 to 64: 15 where it is the only factor, 8 beside another"
    )]
    MinLen {
        /// The length as given.
        min: usize,
    },
}

impl ConfigErrorKind for PolicyConfigError {
    fn class(&self) -> ErrorClass {
        ErrorClass::Refused
    }

    fn code(&self) -> &'static str {
        "policy_refused"
    }
}

fn is_word(word: &str) -> bool {
    word.chars().nth(LEAST_WORD.saturating_sub(1)).is_some()
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
