//! `Mode`, and configuration errors that are all reported at once.

use std::error::Error;
use std::fmt;

/// What a layer does with a request that its rules refuse.
///
/// A mode never changes the type of a layer, so that it can come from a configuration file or be switched at run time.
///
/// # Example
///
/// ```
/// use tower_security::core::Mode;
///
/// assert_eq!(Mode::default(), Mode::Enforce);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Mode {
    /// Refuses it. The default: a layer that is there protects.
    #[default]
    Enforce,
    /// Reports what it would have refused to the event sink and lets it pass. Meant for rolling a layer out.
    ReportOnly,
    /// Lets everything pass without looking.
    Off,
}

/// Why a configuration value was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
    /// The value does not follow its syntax, or two values contradict each other.
    Invalid,
    /// The specification says no.
    Forbidden,
    /// This crate says no: the value is legal and weakens protection, or could never match.
    Refused,
}

impl ErrorClass {
    /// Returns the word that stands in messages: `invalid`, `forbidden` or `refused`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Forbidden => "forbidden",
            Self::Refused => "refused",
        }
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One kind of mistake in the configuration of one room, such as [`cors`](crate::cors)'s `CorsConfigError`.
///
/// Implemented by the error enum of each room; a layer of your own implements it to report through [`ConfigErrors`] too. The
/// message of its `Display` is lower-case, quotes the offending value (never a secret) and says what to write instead.
pub trait ConfigErrorKind: Error + Send + Sync + 'static {
    /// The class of this mistake.
    fn class(&self) -> ErrorClass;

    /// A stable snake-case name of this mistake, such as `refused_null_origin`.
    fn code(&self) -> &'static str;
}

/// One mistake in a configuration: where it stands, what it is and what to write instead.
pub struct ConfigError {
    path: String,
    kind: Box<dyn ErasedKind>,
}

/// `ConfigErrorKind` that can be taken back to its concrete type (`dyn Error::downcast_ref` needs the `dyn Error`).
trait ErasedKind: ConfigErrorKind {
    fn as_error(&self) -> &(dyn Error + 'static);
}

impl<K: ConfigErrorKind> ErasedKind for K {
    fn as_error(&self) -> &(dyn Error + 'static) {
        self
    }
}

impl ConfigError {
    /// Describes a mistake of `kind` at `path`, such as `cors.origins[2]`.
    pub fn new(path: impl Into<String>, kind: impl ConfigErrorKind) -> Self {
        Self {
            path: path.into(),
            kind: Box::new(kind),
        }
    }

    /// The same mistake where its part stands in a larger configuration: `to` in place of `from` at the start of its path.
    #[cfg(feature = "serde")]
    fn moved(mut self, from: &str, to: &str) -> Self {
        if let Some(rest) = self.path.strip_prefix(from) {
            self.path = format!("{to}{rest}");
        }
        self
    }

    /// Returns where the mistake stands, such as `cors.origins[2]`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the class of the mistake.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        self.kind.class()
    }

    /// Returns the stable snake-case name of the mistake.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// Returns the message without the path.
    #[must_use]
    pub fn message(&self) -> String {
        self.kind.to_string()
    }

    /// Gives back the room's own error, when it is a `K`.
    #[must_use]
    pub fn downcast<K: ConfigErrorKind>(&self) -> Option<&K> {
        self.kind.as_error().downcast_ref()
    }
}

impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigError")
            .field("path", &self.path)
            .field("class", &self.class())
            .field("code", &self.code())
            .field("message", &self.message())
            .finish()
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.kind)
    }
}

impl Error for ConfigError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.kind.as_error())
    }
}

/// Every mistake of a configuration, in the order of its fields. Never empty.
///
/// `build()` of each layer returns it, so that one run shows all that has to be mended.
///
/// # Example
///
/// ```
/// use tower_security::cors::CorsLayer;
///
/// let errors = CorsLayer::builder()
///     .origins(["null", "https://app.example.com/"])
///     .build()
///     .unwrap_err();
/// let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
/// assert_eq!(codes, ["refused_null_origin", "invalid_origin_path"]);
/// ```
pub struct ConfigErrors {
    first: ConfigError,
    rest: Vec<ConfigError>,
}

impl ConfigErrors {
    /// Returns the mistakes in order.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigError> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    /// Returns how many there are: at least one.
    #[must_use]
    #[expect(
        clippy::len_without_is_empty,
        reason = "never empty, so that `is_empty` would always be false"
    )]
    pub fn len(&self) -> usize {
        self.rest.len().saturating_add(1)
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(first: ConfigError) -> Self {
        Self {
            first,
            rest: Vec::new(),
        }
    }
}

/// As `Display`: `fn main() -> Result<(), Box<dyn Error>>` prints errors by `Debug`, and they are meant for people.
impl fmt::Debug for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        for error in &self.rest {
            write!(f, "\n{error}")?;
        }
        Ok(())
    }
}

impl Error for ConfigErrors {}

impl IntoIterator for ConfigErrors {
    type Item = ConfigError;
    type IntoIter = std::iter::Chain<std::iter::Once<ConfigError>, std::vec::IntoIter<ConfigError>>;

    fn into_iter(self) -> Self::IntoIter {
        std::iter::once(self.first).chain(self.rest)
    }
}

/// The texts of a list, one more at most than any list may have: a check sees that there were too many, and an endless iterator
/// ends.
pub(crate) fn collected(texts: impl IntoIterator<Item: AsRef<str>>) -> Vec<String> {
    const MAX: usize = 65_537;
    texts
        .into_iter()
        .take(MAX)
        .map(|text| text.as_ref().to_owned())
        .collect()
}

/// Gathers the mistakes of a configuration while it is checked.
#[derive(Debug, Default)]
pub(crate) struct Mistakes(Vec<ConfigError>);

impl Mistakes {
    pub(crate) fn push(&mut self, path: impl Into<String>, kind: impl ConfigErrorKind) {
        self.0.push(ConfigError::new(path, kind));
    }

    /// How many there are so far.
    #[cfg(feature = "serde")]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes over the mistakes of a part that was checked by itself.
    pub(crate) fn extend(&mut self, errors: ConfigErrors) {
        self.0.extend(errors);
    }

    /// The `Ok` value of a part, or its mistakes taken over.
    pub(crate) fn take<T>(&mut self, result: Result<T, ConfigErrors>) -> Option<T> {
        result.map_err(|errors| self.extend(errors)).ok()
    }

    /// As [`take`](Self::take), of a part that stands elsewhere in a larger configuration: `to` is where, in place of `from`.
    #[cfg(feature = "serde")]
    pub(crate) fn take_moved<T>(
        &mut self,
        result: Result<T, ConfigErrors>,
        (from, to): (&str, &str),
    ) -> Option<T> {
        let moved = |errors: ConfigErrors| errors.into_iter().map(|error| error.moved(from, to));
        result.map_err(|errors| self.0.extend(moved(errors))).ok()
    }

    /// `value` if there was no mistake.
    pub(crate) fn finish<T>(self, value: T) -> Result<T, ConfigErrors> {
        let mut errors = self.0.into_iter();
        match errors.next() {
            None => Ok(value),
            Some(first) => Err(ConfigErrors {
                first,
                rest: errors.collect(),
            }),
        }
    }
}
