//! What the stores asked on the request path answer.
#![expect(
    clippy::disallowed_methods,
    reason = "the pending answer of a user's store is the one future that is boxed"
)]

use std::error::Error;
use std::fmt;
use std::pin::Pin;

/// The answer of a store: at hand, or still to be waited for.
///
/// A store in memory answers at once and costs neither a box nor a wait; one behind a network gives a future. What is looked up is
/// a `Result<_, StoreError>`, so that a broken store is never mistaken for an empty one.
///
/// # Example
///
/// ```
/// use tower_security::core::{Lookup, StoreError};
///
/// fn is_revoked(token_id: &'static str, in_memory: bool) -> Lookup<Result<bool, StoreError>> {
///     if in_memory {
///         return Lookup::Ready(Ok(token_id == "t-1"));
///     }
///     Lookup::pending(async move { Ok(token_id == "t-1") })
/// }
/// assert!(matches!(is_revoked("t-1", true), Lookup::Ready(Ok(true))));
/// assert!(matches!(is_revoked("t-1", false), Lookup::Pending(_)));
/// ```
#[expect(
    clippy::exhaustive_enums,
    reason = "there is no third way to answer, and users who wrap a store match both"
)]
pub enum Lookup<T> {
    /// The answer.
    Ready(T),
    /// A future of the answer. Dropped when the client goes away.
    Pending(Pin<Box<dyn Future<Output = T> + Send + 'static>>),
}

impl<T> Lookup<T> {
    /// Makes a [`Lookup::Pending`] of a future.
    pub fn pending(answer: impl Future<Output = T> + Send + 'static) -> Self {
        Self::Pending(Box::pin(answer))
    }

    /// Returns the answer, waited for where it has to be.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it drops the question; whether a store has carried out a change by then is the store's matter.
    pub async fn wait(self) -> T {
        match self {
            Self::Ready(answer) => answer,
            Self::Pending(answer) => answer.await,
        }
    }
}

impl<T> fmt::Debug for Lookup<T> {
    /// Shows which of the two it is, never the answer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready(_) => "Ready(..)",
            Self::Pending(_) => "Pending(..)",
        })
    }
}

/// Why a store could not answer.
///
/// The kind decides what a client is told; the text (host names, the database's own words) is for the event sink alone and stands in
/// neither `Display` nor `Debug`.
///
/// # Example
///
/// ```
/// use tower_security::core::{StoreError, StoreErrorKind};
///
/// let error = StoreError::new(StoreErrorKind::Timeout, "redis-2.internal:6379 did not answer");
/// assert_eq!(error.kind(), StoreErrorKind::Timeout);
/// assert_eq!(error.to_string(), "the store did not answer in time");
/// ```
#[derive(Clone)]
pub struct StoreError {
    kind: StoreErrorKind,
    text: Box<str>,
}

/// What is wrong with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// It answered with something that cannot be read.
    Corrupt,
    /// It takes no more entries.
    Full,
    /// It did not answer in time.
    Timeout,
    /// It cannot be reached or refuses to serve.
    Unavailable,
}

impl StoreErrorKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Corrupt => "the store answered with something that cannot be read",
            Self::Full => "the store is full",
            Self::Timeout => "the store did not answer in time",
            Self::Unavailable => "the store is unavailable",
        }
    }
}

impl StoreError {
    /// Describes a failure; `text` reaches the event sink and nobody else.
    pub fn new(kind: StoreErrorKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into().into_boxed_str(),
        }
    }

    /// Returns what is wrong.
    #[must_use]
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// The store's own words, for the event sink.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.as_str())
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreError")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl Error for StoreError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_an_error_is_not_printed() {
        let error = StoreError::new(StoreErrorKind::Unavailable, "redis-2.internal");
        assert_eq!(error.to_string(), "the store is unavailable");
        assert_eq!(format!("{error:?}"), "StoreError { kind: Unavailable, .. }");
        assert_eq!(error.text(), "redis-2.internal");
        assert!(error.source().is_none());
    }

    #[tokio::test]
    async fn a_pending_answer_arrives() {
        let answer = match Lookup::pending(async { 7 }) {
            Lookup::Ready(_) => panic!("nobody has polled it"),
            Lookup::Pending(future) => future.await,
        };
        assert_eq!(answer, 7);
        assert_eq!(Lookup::pending(async { 8 }).wait().await, 8);
        assert_eq!(Lookup::Ready(9).wait().await, 9);
    }

    #[test]
    fn debug_does_not_show_the_answer() {
        assert_eq!(format!("{:?}", Lookup::Ready("secret")), "Ready(..)");
        assert_eq!(format!("{:?}", Lookup::pending(async {})), "Pending(..)");
    }
}
