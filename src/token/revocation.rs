//! Tokens that were good and are not any more.

use std::fmt;
use std::time::SystemTime;

use crate::core::{Lookup, StoreError};

/// What of a verified token says whether it was revoked.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct TokenRef<'a> {
    /// Who issued it (`iss`).
    pub issuer: Option<&'a str>,
    /// Its id (`jti`).
    pub token_id: Option<&'a str>,
    /// For whom (`sub`).
    pub subject: &'a str,
    /// The session it belongs to (`sid`).
    pub session_id: Option<&'a str>,
    /// When it was issued (`iat`).
    pub issued_at: Option<SystemTime>,
}

impl fmt::Debug for TokenRef<'_> {
    /// Shows whose it is: ids of tokens and sessions are of no use in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenRef")
            .field("issuer", &self.issuer)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// Whether a token was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Revocation {
    /// It is refused.
    Revoked,
    /// Nothing is known against it.
    Valid,
}

/// Remembers tokens, sessions and subjects whose tokens are not accepted any more. Asked for every verified token, also for one out
/// of the [`TokenCache`](super::TokenCache): a revocation is in force with the next request.
///
/// # Example
///
/// A store of subjects, all of whose tokens from before a moment are revoked:
///
/// ```
/// use std::collections::HashMap;
/// use std::time::SystemTime;
/// use tower_security::core::{Lookup, StoreError};
/// use tower_security::token::{Revocation, RevocationStore, TokenRef};
///
/// struct LoggedOut(HashMap<String, SystemTime>);
///
/// impl RevocationStore for LoggedOut {
///     fn check(&self, token: &TokenRef<'_>) -> Lookup<Result<Revocation, StoreError>> {
///         let is_old = self.0.get(token.subject).is_some_and(|end| {
///             // A token that does not say when it was issued may be older.
///             token.issued_at.is_none_or(|issued| issued <= *end)
///         });
///         Lookup::Ready(Ok(if is_old { Revocation::Revoked } else { Revocation::Valid }))
///     }
/// }
/// ```
pub trait RevocationStore: Send + Sync + 'static {
    /// Says whether a token was revoked. A store that cannot say it is an error, and the request gets a 503.
    fn check(&self, token: &TokenRef<'_>) -> Lookup<Result<Revocation, StoreError>>;
}
