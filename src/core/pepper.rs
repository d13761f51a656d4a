//! Keys that stored passwords and recovery codes are of no use without.
#![cfg_attr(
    not(feature = "password"),
    allow(
        dead_code,
        reason = "a stored password names its pepper; a recovery code is looked for under each"
    )
)]

use std::fmt;

use super::{ConfigErrorKind, ConfigErrors, ErrorClass, Mistakes, Secret, is_weak_key};

/// What stands in a stored hash beside it (`keyid` of PHC strings has room for no more).
const MAX_ID: usize = 8;
/// Each code that is redeemed is looked for under each of them.
const MAX_PEPPERS: usize = 16;
/// The path of mistakes.
const PATH: &str = "pepper";

/// Keys of the server that go into hashes and stand in no table: who has stolen the table alone guesses nothing ([ASVS] 11.4, RFC 9106
/// section 3.1, NIST SP 800-63B section 3.1.1.2).
///
/// New hashes are made with the current pepper, and the old ones are still accepted. To rotate, put a new one in front and the current one
/// among the old; when no hash names an old one any more, take it out. Where several nodes share a table, give the new one to all of them
/// among the old first: a node that does not have it yet takes a hash of it for none. A hash says under which it was made by the pepper's
/// id, of 1 to 8 bytes that are no secret.
///
/// Keep peppers where the database is not: in a secret store or a file of the host. Lost ones cannot be made up for: every user has to set
/// a new password, and recovery codes are void.
///
/// # Example
///
/// ```
/// use tower_security::core::{PepperRing, Secret};
///
/// # let (new, old) = (Secret::from(b"32 random bytes, read from a file"), Secret::from(b"32 random bytes of last year...."));
/// let peppers = PepperRing::builder("2026", new).add_old("2025", old).build()?;
/// # let _ = peppers;
///
/// let errors = PepperRing::builder("of last year", Secret::from(b"short")).build().unwrap_err();
/// let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
/// assert_eq!(codes, ["pepper_refused", "pepper_refused"]);
/// # Ok::<(), tower_security::core::ConfigErrors>(())
/// ```
///
/// [ASVS]: https://owasp.org/www-project-application-security-verification-standard/
#[derive(Clone)]
pub struct PepperRing {
    current: Pepper,
    old: Vec<Pepper>,
}

/// One of the keys.
#[derive(Clone)]
pub(crate) struct Pepper {
    id: Box<[u8]>,
    key: Secret<Vec<u8>>,
}

impl Pepper {
    /// What a hash says of the key that it was made with: 1 to 8 bytes.
    pub(crate) fn id(&self) -> &[u8] {
        &self.id
    }

    /// At least 16 bytes.
    pub(crate) fn key(&self) -> &[u8] {
        self.key.expose()
    }
}

impl PepperRing {
    /// Starts with the pepper of new hashes.
    ///
    /// Permitted: an id of 1 to 8 bytes, such as `2026`, and 16 bytes of key or more; 32 random ones are right. Refused: an empty id, one
    /// of 9 bytes, a key of 15, one byte over and over.
    pub fn builder(id: impl AsRef<[u8]>, key: impl Into<Secret<Vec<u8>>>) -> PepperRingBuilder {
        PepperRingBuilder(Self {
            current: Pepper::new(id.as_ref(), key.into()),
            old: Vec::new(),
        })
    }

    /// The one of new hashes.
    pub(crate) const fn current(&self) -> &Pepper {
        &self.current
    }

    /// All of them, the current one first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Pepper> {
        std::iter::once(&self.current).chain(&self.old)
    }

    /// The one that a hash names.
    pub(crate) fn find(&self, id: &[u8]) -> Option<&Pepper> {
        self.all().find(|pepper| *pepper.id == *id)
    }
}

/// Makes a [`PepperRing`]. See [`PepperRing::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct PepperRingBuilder(PepperRing);

impl PepperRingBuilder {
    /// Accepts hashes that were made with this pepper (default: with the current one alone). At most 15.
    pub fn add_old(mut self, id: impl AsRef<[u8]>, key: impl Into<Secret<Vec<u8>>>) -> Self {
        self.0.old.push(Pepper::new(id.as_ref(), key.into()));
        self
    }

    /// Makes the ring.
    ///
    /// # Errors
    ///
    /// Every mistake at once, each with a [`PepperConfigError`]: an id that is empty, too long or there twice, a key that can be guessed,
    /// more peppers than 16.
    pub fn build(self) -> Result<PepperRing, ConfigErrors> {
        let ring = self.0;
        let mut mistakes = Mistakes::default();
        let mut count: usize = 0;
        for pepper in ring.all() {
            let path = match count.checked_sub(1) {
                None => format!("{PATH}.current"),
                Some(at) => format!("{PATH}.old[{at}]"),
            };
            let same = ring.all().take(count).any(|other| other.id == pepper.id);
            for problem in pepper
                .problems()
                .chain(same.then_some(PepperProblem::IdTwice))
            {
                let id = pepper.shown_id();
                mistakes.push(&path, PepperConfigError::PepperRefused { id, problem });
            }
            count = count.saturating_add(1);
        }
        if count > MAX_PEPPERS {
            let problem = PepperProblem::TooMany { count };
            let id = ring.current.shown_id();
            mistakes.push(PATH, PepperConfigError::PepperRefused { id, problem });
        }
        mistakes.finish(ring)
    }
}

impl Pepper {
    fn new(id: &[u8], key: Secret<Vec<u8>>) -> Self {
        Self { id: id.into(), key }
    }

    fn problems(&self) -> impl Iterator<Item = PepperProblem> {
        let length = self.key().len();
        let id = match self.id.len() {
            0 => Some(PepperProblem::IdEmpty),
            1..=MAX_ID => None,
            length => Some(PepperProblem::IdTooLong { length }),
        };
        let key = is_weak_key(self.key()).then_some(PepperProblem::KeyTooWeak { length });
        id.into_iter().chain(key)
    }

    fn shown_id(&self) -> String {
        let shown = self.id.get(..MAX_ID).unwrap_or(&self.id);
        shown.escape_ascii().to_string()
    }
}

/// Shows ids, and no key.
impl fmt::Debug for PepperRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PepperRing ")?;
        f.debug_list()
            .entries(self.all().map(Pepper::shown_id))
            .finish()
    }
}

/// A mistake in a [`PepperRing`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PepperConfigError {
    /// A pepper that protects nothing, or could not be told from another.
    #[error("refused pepper \"{id}\": {problem}")]
    PepperRefused {
        /// Its id, its first 8 bytes at most, with what is not ASCII escaped.
        id: String,
        /// What is wrong with it, and what to write instead.
        problem: PepperProblem,
    },
}

/// What is wrong with a pepper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PepperProblem {
    /// The id is empty.
    #[error("its id is empty, write 1 to 8 bytes such as \"2026\"")]
    IdEmpty,
    /// The id is too long for a stored hash.
    #[error("its id has {length} bytes, write 1 to 8 such as \"2026\"")]
    IdTooLong {
        /// How long it is.
        length: usize,
    },
    /// Another pepper has the same id.
    #[error("its id is there twice, give each key its own")]
    IdTwice,
    /// The key can be guessed.
    #[error("its key of {length} bytes can be guessed, write 32 random bytes")]
    KeyTooWeak {
        /// How long it is.
        length: usize,
    },
    /// Each code would be looked for under too many.
    #[error("it is one of {count} peppers, write 16 at most")]
    TooMany {
        /// How many there are.
        count: usize,
    },
}

impl ConfigErrorKind for PepperConfigError {
    fn class(&self) -> ErrorClass {
        ErrorClass::Refused
    }

    fn code(&self) -> &'static str {
        "pepper_refused"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8; 16] = b"0123456789abcdef";

    #[test]
    fn each_mistake_is_told_and_its_twin_is_not() {
        let problems = |builder: PepperRingBuilder| -> Vec<(String, PepperProblem)> {
            let Err(errors) = builder.build() else {
                return Vec::new();
            };
            let of = |error: &crate::core::ConfigError| match error.downcast() {
                Some(PepperConfigError::PepperRefused { problem, .. }) => {
                    (error.path().to_owned(), *problem)
                }
                None => panic!("{error}"),
            };
            errors.iter().map(of).collect()
        };
        let one = |path: &str, problem| vec![(path.to_owned(), problem)];
        let ring = |id: &str, key: &[u8]| PepperRing::builder(id, key);

        assert_eq!(problems(ring("12345678", KEY)), []);
        assert_eq!(problems(ring("1", KEY)), []);
        assert_eq!(
            problems(ring("", KEY)),
            one("pepper.current", PepperProblem::IdEmpty)
        );
        assert_eq!(
            problems(ring("123456789", KEY)),
            one("pepper.current", PepperProblem::IdTooLong { length: 9 })
        );
        assert_eq!(
            problems(ring("1", &KEY[..15])),
            one("pepper.current", PepperProblem::KeyTooWeak { length: 15 })
        );
        assert_eq!(
            problems(ring("1", &[7; 32])),
            one("pepper.current", PepperProblem::KeyTooWeak { length: 32 })
        );
        assert_eq!(problems(ring("1", KEY).add_old("2", KEY)), []);
        assert_eq!(
            problems(ring("1", KEY).add_old("2", KEY).add_old("1", KEY)),
            one("pepper.old[1]", PepperProblem::IdTwice)
        );

        let many = |count: u8| (1..count).fold(ring("0", KEY), |ring, id| ring.add_old([id], KEY));
        assert_eq!(problems(many(16)), []);
        assert_eq!(
            problems(many(17)),
            one("pepper", PepperProblem::TooMany { count: 17 })
        );
    }

    #[test]
    fn peppers_are_found_by_their_id() {
        let ring = PepperRing::builder("new", b"the key of this year")
            .add_old(b"\xff", b"the key of last year")
            .build()
            .unwrap();
        assert_eq!(ring.current().id(), b"new");
        assert_eq!(ring.find(b"new").unwrap().key(), b"the key of this year");
        assert_eq!(ring.find(b"\xff").unwrap().key(), b"the key of last year");
        assert!(ring.find(b"").is_none());
        let ids: Vec<_> = ring.all().map(Pepper::id).collect();
        assert_eq!(ids, [&b"new"[..], b"\xff"]);
        assert_eq!(format!("{ring:?}"), r#"PepperRing ["new", "\\xff"]"#);
    }
}
