//! Tokens that were good and are not any more.

#[doc(hidden)]
pub mod contract;
mod memory;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub use memory::MemoryRevocationStore;

use crate::core::{Lookup, StoreError, StoreErrorKind};

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

impl<'a> TokenRef<'a> {
    /// A token of which the subject is all that is known. Set what else is.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::token::TokenRef;
    ///
    /// let mut token = TokenRef::new("alice");
    /// token.token_id = Some("t-1");
    /// assert_eq!(token.session_id, None);
    /// ```
    #[must_use]
    pub const fn new(subject: &'a str) -> Self {
        Self {
            issuer: None,
            token_id: None,
            subject,
            session_id: None,
            issued_at: None,
        }
    }
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

/// Remembers tokens, sessions and subjects whose tokens are not accepted any more: in memory ([`MemoryRevocationStore`]), in Redis, in a
/// database of yours. Asked for every verified token, also for one out of the [`TokenCache`](super::TokenCache): a revocation is in
/// force with the next request.
///
/// A revocation is kept until no token can be good any more that it is about: until the end of the longest one, and the leeway of
/// verifiers. Nothing takes it back, and a second one only makes it last longer. Ids and subjects are those of one issuer: two issuers
/// that call different users the same have a store each.
///
/// A resource server that only asks implements [`check`](Self::check) alone; the others are an error then, loudly.
///
/// # Example
///
/// After a new password all tokens of the user are over, and the one that he is given now is not:
///
/// ```
/// # #[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::{Duration, SystemTime};
/// use tower_security::core::Principal;
/// use tower_security::token::jws::{Algorithm, SigningKey};
/// use tower_security::token::{Grant, KeyRing, MemoryRevocationStore, RevocationStore, TokenIssuer};
///
/// let issuer = TokenIssuer::builder()
///     .issuer("https://id.example.com/")
///     .audience("https://api.example.com")
///     .signing(KeyRing::new(SigningKey::generate(Algorithm::EdDsa)?))
///     .build()?;
/// let revoked = MemoryRevocationStore::new();
///
/// let now = SystemTime::now();
/// // Tokens live for 15 minutes, and verifiers allow for clocks that differ.
/// let end = now + Duration::from_secs(16 * 60);
/// revoked.revoke_subject("alice", now, end).wait().await?;
/// let alice = Principal::builder("alice").client_id("web").build();
/// let token = issuer.issue(&Grant::new(alice).issued_after(now))?;
/// # let _ = token;
/// # Ok(())
/// # }
/// # #[cfg(not(any(feature = "jwt", feature = "jwt-rust-crypto")))]
/// # fn main() {}
/// ```
pub trait RevocationStore: Send + Sync + 'static {
    /// Says whether a token was revoked. A store that cannot say it is an error, and the request gets a 503.
    fn check(&self, token: &TokenRef<'_>) -> Lookup<Result<Revocation, StoreError>>;

    /// Revokes the token with this id (`jti`).
    ///
    /// A store without room answers with [`StoreErrorKind::Full`], here as below: the token is good then, and nothing else was forgotten
    /// for it.
    fn revoke_token(&self, token_id: &str, until: SystemTime) -> Lookup<Result<(), StoreError>> {
        let _ = (token_id, until);
        Lookup::Ready(Err(only_checks()))
    }

    /// Revokes all tokens of a session (`sid`), whenever they are issued.
    fn revoke_session(
        &self,
        session_id: &str,
        until: SystemTime,
    ) -> Lookup<Result<(), StoreError>> {
        let _ = (session_id, until);
        Lookup::Ready(Err(only_checks()))
    }

    /// Revokes all tokens of a subject (`sub`) that were issued before a moment, and those that do not say when.
    ///
    /// A token says it in whole seconds. One of the second in which the moment lies counts as issued before, which it may have been:
    /// see [`Grant::issued_after`](super::Grant::issued_after) for one that is issued at once.
    fn revoke_subject(
        &self,
        subject: &str,
        not_before: SystemTime,
        until: SystemTime,
    ) -> Lookup<Result<(), StoreError>> {
        let _ = (subject, not_before, until);
        Lookup::Ready(Err(only_checks()))
    }

    /// Forgets what need not be kept at `now`, and says how much. A store that does so by itself answers 0.
    fn purge(&self, now: SystemTime) -> Lookup<Result<u64, StoreError>> {
        let _ = now;
        Lookup::Ready(Ok(0))
    }
}

impl<S: RevocationStore + ?Sized> RevocationStore for Arc<S> {
    fn check(&self, token: &TokenRef<'_>) -> Lookup<Result<Revocation, StoreError>> {
        (**self).check(token)
    }

    fn revoke_token(&self, token_id: &str, until: SystemTime) -> Lookup<Result<(), StoreError>> {
        (**self).revoke_token(token_id, until)
    }

    fn revoke_session(
        &self,
        session_id: &str,
        until: SystemTime,
    ) -> Lookup<Result<(), StoreError>> {
        (**self).revoke_session(session_id, until)
    }

    fn revoke_subject(
        &self,
        subject: &str,
        not_before: SystemTime,
        until: SystemTime,
    ) -> Lookup<Result<(), StoreError>> {
        (**self).revoke_subject(subject, not_before, until)
    }

    fn purge(&self, now: SystemTime) -> Lookup<Result<u64, StoreError>> {
        (**self).purge(now)
    }
}

fn only_checks() -> StoreError {
    StoreError::new(
        StoreErrorKind::Unavailable,
        "the store checks tokens and revokes none",
    )
}

/// The first whole second, since 1970, that does not lie before a moment: dates of tokens have no fractions.
pub(crate) fn first_second(moment: SystemTime) -> u64 {
    let since = moment
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let has_fraction = since > Duration::from_secs(since.as_secs());
    since.as_secs().saturating_add(u64::from(has_fraction))
}

/// The whole second, since 1970, of the date of a token.
pub(crate) fn second(date: SystemTime) -> u64 {
    let since = date.duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}
