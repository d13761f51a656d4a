//! Tokens that were good and are not any more.

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

/// Whether a token was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Revocation {
    /// It is refused.
    Revoked,
    /// Nothing is known against it.
    Valid,
}

/// Remembers tokens, sessions and subjects whose tokens are not accepted any more. Asked for every verified token.
pub trait RevocationStore: Send + Sync + 'static {
    /// Says whether a token was revoked. A store that cannot say it is an error, and the request gets a 503.
    fn check(&self, token: &TokenRef<'_>) -> Lookup<Result<Revocation, StoreError>>;
}
