//! Why a token is not believed.

use std::fmt;

use http::HeaderValue;

/// What is wrong with a token, as far as a client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenErrorKind {
    /// What remembers used proofs is full.
    Busy,
    /// It was good once.
    Expired,
    /// It is malformed, forged, foreign, of the wrong type, revoked.
    Invalid,
    /// The proof of possession is missing or wrong (RFC 9449).
    ProofInvalid,
    /// The proof has to contain a nonce of ours.
    ProofNonce,
    /// Keys or the list of revoked tokens cannot be had.
    Unavailable,
}

/// Why a token is not believed. The client learns the kind; the precise reason is for events and logs.
#[derive(Clone)]
pub struct TokenError {
    kind: TokenErrorKind,
    reason: &'static str,
    /// `alg` and `kid` as the token has them, cut to 64 characters each and cleaned; nothing else of it.
    header: Option<Box<str>>,
    nonce: Option<HeaderValue>,
}

impl TokenError {
    /// `reason` is a fixed snake-case word: `signature`, `issuer`, `kid_unknown`.
    pub(crate) const fn new(kind: TokenErrorKind, reason: &'static str) -> Self {
        Self {
            kind,
            reason,
            header: None,
            nonce: None,
        }
    }

    pub(crate) const fn invalid(reason: &'static str) -> Self {
        Self::new(TokenErrorKind::Invalid, reason)
    }

    /// Returns what a client is told.
    #[must_use]
    pub const fn kind(&self) -> TokenErrorKind {
        self.kind
    }

    /// Returns the precise reason, a fixed word.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        self.reason
    }
}

impl fmt::Debug for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenError")
            .field("kind", &self.kind)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the token is refused: {}", self.reason)
    }
}

impl std::error::Error for TokenError {}
