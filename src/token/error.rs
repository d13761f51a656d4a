//! Why a token is not believed.

use std::fmt;

use http::HeaderValue;

use crate::core::CleanText;

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
///
/// Neither `Display` nor `Debug` shows anything of the token.
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

    pub(crate) const fn unavailable(reason: &'static str) -> Self {
        Self::new(TokenErrorKind::Unavailable, reason)
    }

    pub(crate) const fn proof(reason: &'static str) -> Self {
        Self::new(TokenErrorKind::ProofInvalid, reason)
    }

    /// A proof without a nonce of ours, and the one that the next has to contain.
    pub(crate) const fn proof_nonce(nonce: HeaderValue) -> Self {
        Self {
            kind: TokenErrorKind::ProofNonce,
            reason: "proof_nonce",
            header: None,
            nonce: Some(nonce),
        }
    }

    /// Adds what the token says of its key.
    #[cold]
    pub(crate) fn with_header(mut self, alg: &str, kid: Option<&str>) -> Self {
        const MOST: usize = 64;
        let alg = CleanText::new(alg, MOST);
        let header = match kid {
            Some(kid) => format!("alg={alg} kid={}", CleanText::new(kid, MOST)),
            None => format!("alg={alg}"),
        };
        self.header = Some(header.into());
        self
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

    /// Returns `alg=ES256 kid=2026-01`, cleaned and cut, where the token's header could be read. For events and logs.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.header.as_deref()
    }

    /// Returns the nonce that the client's next proof has to contain: the value of `DPoP-Nonce` (RFC 9449 section 9).
    #[must_use]
    pub const fn nonce(&self) -> Option<&HeaderValue> {
        self.nonce.as_ref()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_token_says_of_its_key_is_cleaned_and_cut() {
        let error = TokenError::invalid("kid_unknown");
        assert_eq!(error.detail(), None);
        let plain = error.clone().with_header("ES256", None);
        assert_eq!(plain.detail(), Some("alg=ES256"));
        let forged = error.with_header("ES256", Some("a\r\nlevel=info"));
        assert_eq!(
            forged.detail(),
            Some("alg=ES256 kid=a\\u{d}\\u{a}level=info")
        );
        let long = TokenError::invalid("x").with_header("ES256", Some(&"k".repeat(300)));
        assert_eq!(
            long.detail().map(str::len),
            Some("alg=ES256 kid=".len() + 64)
        );
        assert_eq!(
            format!("{forged:?} {forged}"),
            "TokenError { kind: Invalid, reason: \"kid_unknown\", .. } the token is refused: kid_unknown"
        );
    }
}
