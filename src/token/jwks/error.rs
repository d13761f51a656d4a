//! Why keys could not be fetched, and what can be wrong with the configuration of a cache.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::core::{CleanText, ConfigErrorKind, ErrorClass};

/// The longest text of a failure, in bytes.
const TEXT: usize = 512;

/// Why a key set was not fetched, or not taken.
///
/// Told by [`JwksCache::ready`](super::JwksCache::ready) and in events. No client ever sees it: whom it concerns is answered with 401
/// or 503.
///
/// # Example
///
/// ```
/// use tower_security::token::{FetchError, FetchErrorKind};
///
/// let error = FetchError::new(FetchErrorKind::Transport, "connection refused");
/// assert_eq!(error.to_string(), "the key set was not fetched, transport: connection refused");
/// ```
#[derive(Clone)]
pub struct FetchError {
    kind: FetchErrorKind,
    text: CleanText<'static>,
}

/// What is wrong with an answer of an identity provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FetchErrorKind {
    /// It is not declared as JSON: an error page, a captive portal.
    ContentType,
    /// It is no JSON object with a list of keys.
    Malformed,
    /// No key of it can be used.
    NoKeys,
    /// The status is not 200. A redirect is not followed.
    Status,
    /// It took longer than 5 seconds.
    Timeout,
    /// It is longer than 256 KiB.
    TooLarge,
    /// It has more keys than [`max_keys`](super::JwksCacheBuilder::max_keys).
    TooManyKeys,
    /// There is none: no connection, a certificate that nobody trusts, no runtime to ask on.
    Transport,
}

impl FetchErrorKind {
    /// Returns the kind in snake case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ContentType => "content_type",
            Self::Malformed => "malformed",
            Self::NoKeys => "no_keys",
            Self::Status => "status",
            Self::Timeout => "timeout",
            Self::TooLarge => "too_large",
            Self::TooManyKeys => "too_many_keys",
            Self::Transport => "transport",
        }
    }
}

impl FetchError {
    /// Describes a failure. The text is for operators: 512 bytes at most, control characters are escaped.
    #[must_use]
    pub fn new(kind: FetchErrorKind, text: impl AsRef<str>) -> Self {
        Self {
            kind,
            text: CleanText::new(text.as_ref(), TEXT).into_owned(),
        }
    }

    /// Returns what is wrong.
    #[must_use]
    pub const fn kind(&self) -> FetchErrorKind {
        self.kind
    }

    pub(super) const fn text(&self) -> &CleanText<'static> {
        &self.text
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.as_str();
        write!(f, "the key set was not fetched, {kind}: {}", self.text)
    }
}

/// As `Display`: `fn main() -> Result<(), Box<dyn Error>>` prints errors by `Debug`, and this one is meant for people.
impl fmt::Debug for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for FetchError {}

/// A mistake in the configuration of a [`JwksCache`](super::JwksCache).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwksConfigError {
    /// Nobody fetches the keys.
    #[error(
        "invalid key cache without a fetcher: write fetch(..), with feature `jwks` fetch(HttpsJwksFetch::new()?)"
    )]
    FetchMissing,
    /// The keys of this address could be replaced on the way, or it is no address.
    #[error("refused JWKS URL {url:?}: {problem}")]
    JwksUrlRefused {
        /// The URL as given, without a user name and password.
        url: String,
        /// What is wrong with it.
        problem: JwksUrlProblem,
    },
    /// A time or a number that would let withdrawn keys live on, or keep an identity provider busy.
    #[error("refused {setting} of {value}: write {instead}")]
    TtlRefused {
        /// The name of the setting, such as `soft_ttl`.
        setting: &'static str,
        /// The value as given.
        value: String,
        /// The limits.
        instead: &'static str,
    },
}

/// What is wrong with the address of a key set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwksUrlProblem {
    /// What stands behind `#` is sent to nobody.
    #[error("leave out the fragment")]
    Fragment,
    /// Whoever is on the way could replace the keys.
    #[error(
        "write https; `dangerous_http_jwks` allows http to a loopback address, for tests and a sidecar"
    )]
    NotHttps,
    /// It is no absolute URL with a host.
    #[error("write an absolute URL, such as \"https://login.example.com/.well-known/jwks.json\"")]
    Syntax,
    /// A name and a password in a URL end in logs.
    #[error("leave out user name and password")]
    Userinfo,
}

impl JwksConfigError {
    pub(super) fn ttl(setting: &'static str, value: Duration, instead: &'static str) -> Self {
        Self::TtlRefused {
            setting,
            value: format!("{value:?}"),
            instead,
        }
    }
}

impl ConfigErrorKind for JwksConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::FetchMissing => ErrorClass::Invalid,
            Self::JwksUrlRefused { .. } | Self::TtlRefused { .. } => ErrorClass::Refused,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::FetchMissing => "fetch_missing",
            Self::JwksUrlRefused { .. } => "jwks_url_refused",
            Self::TtlRefused { .. } => "ttl_refused",
        }
    }
}
