//! What a token endpoint does: log in, refresh, log out, list, revoke.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::Extensions;

use super::super::{AccessToken, Grant, RevocationStore, TokenIssuer};
use super::classify::{Verdict, classify};
use super::config::RefreshServiceBuilder;
use super::context::RefreshContext;
use super::error::RefreshError;
use super::events::Teller;
use super::family::{RevokeReason, Rotated};
use super::info::RefreshInfo;
use super::keys::RotationKeys;
use super::steps::Step;
use super::store::{RefreshStore, Replaced};
use crate::core::{Clock, EventContext, Secret, StoreError, StoreErrorKind};

/// A rotation that was overtaken is looked at again. The second time it is no rotation any more.
const ATTEMPTS: usize = 3;

/// Refresh tokens: each is good once, and gives the next. Cloning shares it. See [`mod@crate::token::refresh_tokens`].
#[derive(Clone)]
pub struct RefreshService {
    pub(super) inner: Arc<Inner>,
    /// The request that handlers act for.
    pub(super) request: EventContext,
}

pub(super) struct Inner {
    pub(super) store: Arc<dyn RefreshStore>,
    pub(super) issuer: TokenIssuer,
    pub(super) keys: RotationKeys,
    pub(super) idle: Duration,
    pub(super) absolute: Duration,
    pub(super) grace: Duration,
    pub(super) max_families: NonZeroU32,
    pub(super) revocation: Option<Arc<dyn RevocationStore>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) teller: Teller,
}

/// What a client gets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TokenPair {
    /// For the resource servers.
    pub access_token: AccessToken,
    /// For the token endpoint alone, once.
    pub refresh_token: Secret<String>,
    /// When the refresh token is of no use any more if it is not used before.
    pub refresh_expires_at: SystemTime,
}

impl RefreshService {
    /// Starts from the defaults, with the families in `store` and access tokens from `issuer`. A rotation key is needed, and a word on
    /// revocation.
    pub fn builder(store: impl RefreshStore, issuer: TokenIssuer) -> RefreshServiceBuilder {
        RefreshServiceBuilder::new(store, issuer)
    }

    pub(super) fn new(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
            request: EventContext::default(),
        }
    }

    /// Returns the same service for a handler of the request with these extensions: events of what it does go to the sink of the
    /// [`SecurityStack`](crate::SecurityStack) that the request came through, with the request's id and the client's address, which the
    /// family remembers. A sink of its own, if it [was given one](RefreshServiceBuilder::events), hears of them instead.
    ///
    /// # Example
    ///
    /// ```
    /// use http::request::Parts;
    /// use tower_security::token::{RefreshContext, RefreshError, RefreshService, TokenPair};
    ///
    /// async fn refresh(tokens: &RefreshService, head: &Parts, token: &str) -> Result<TokenPair, RefreshError> {
    ///     let context = RefreshContext::new().client_id("web");
    ///     tokens.for_request(&head.extensions).refresh(token, &context).await
    /// }
    /// ```
    #[must_use]
    pub fn for_request(&self, extensions: &Extensions) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            request: EventContext::of(extensions),
        }
    }

    /// Begins a family, and returns its first tokens. Call it when the password, or whatever it was, is right.
    ///
    /// All tokens of the family say what `grant` says. Its `sid` is a digest of the family's id, whatever session the principal names. An
    /// end of the principal's own ends the family too. The family is bound to the key of the principal, else to that which the client has
    /// proved ([`RefreshContext::confirmation`]). Where the principal says nothing of `auth_time`, it is now if its method is
    /// [`AuthMethod::Custom`](crate::core::AuthMethod::Custom): your handler has seen somebody log in.
    ///
    /// With [`max_families`](RefreshServiceBuilder::max_families) families already, the oldest is revoked.
    ///
    /// # Errors
    ///
    /// The subject is empty; the client has proved another key than the principal names; the access token cannot be issued; a store fails
    /// or is full; there is no randomness. Then nobody is logged in.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the family may be there, which nobody has a token of.
    pub async fn login(
        &self,
        grant: &Grant,
        context: &RefreshContext<'_>,
    ) -> Result<TokenPair, RefreshError> {
        let begun = self.begin(grant, context).await;
        begun.map_err(|error| self.refused(None, "login", error))
    }

    /// Takes a refresh token, and returns the next and a new access token.
    ///
    /// A token that was replaced within the [`grace`](RefreshServiceBuilder::grace) gets the same next one again. One that was replaced
    /// before ends its family.
    ///
    /// # Errors
    ///
    /// The token is unknown, expired, revoked or was used before; the client is another one, or does not prove the key that the family is
    /// bound to; it asks for more than was granted; a store fails. What to answer says [`RefreshError::rejection`].
    ///
    /// # Cancel safety
    ///
    /// Dropped, the token may have been replaced: within the grace it gets the same next one.
    pub async fn refresh(
        &self,
        presented: &str,
        context: &RefreshContext<'_>,
    ) -> Result<TokenPair, RefreshError> {
        let inner = &*self.inner;
        let (token, mut row) = self.find(presented).await?;
        for _ in 0..ATTEMPTS {
            let now = self.now()?;
            self.make_up(&row, &token, now).await?;
            match self.decide(&row, &token, context, now)? {
                Step::Reuse(rule) => return Err(self.stolen(context, &row, rule, now).await),
                Step::Replay(next, scopes) => {
                    return self.pair(context, &row, next, &scopes, "refresh_repeated");
                }
                Step::Rotate(next, scopes) => {
                    let to = Rotated {
                        presented: row.current,
                        next: &next,
                        now,
                        idle: inner.idle,
                        address: self.request.client_ip(),
                    };
                    let rotated = row.rotated(&inner.keys, &to).ok_or_else(|| {
                        self.refused(Some(&row), "generation", RefreshError::Expired)
                    })?;
                    let replaced = inner.store.replace(row.generation, &rotated).wait().await;
                    match self.told(replaced)? {
                        Replaced::Yes => {
                            return self.pair(context, &rotated, next, &scopes, "tokens_refreshed");
                        }
                        Replaced::Missing => return Err(self.unknown(None, "family")),
                        Replaced::Conflict(other) => row = *other,
                    }
                }
            }
        }
        let text = "a family that is replaced again and again";
        let error = StoreError::new(StoreErrorKind::Unavailable, text);
        Err(self.refused(Some(&row), "store", error.into()))
    }

    /// Ends the family of a refresh token and its access tokens, and says whether it went on until now: for a logout, and a revocation
    /// endpoint ([RFC 7009]), which answers 200 either way.
    ///
    /// Any token of the family does, also one that was replaced. One that is none of it does nothing.
    ///
    /// # Errors
    ///
    /// The context names another client than the one that the token is for; a store fails: then call it again.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the family may have ended or not.
    ///
    /// [RFC 7009]: https://www.rfc-editor.org/rfc/rfc7009
    pub async fn revoke_token(
        &self,
        presented: &str,
        context: &RefreshContext<'_>,
    ) -> Result<bool, RefreshError> {
        let inner = &*self.inner;
        let (token, row) = match self.find(presented).await {
            Ok(found) => found,
            Err(RefreshError::Unknown) => return Ok(false),
            Err(error) => return Err(error),
        };
        let now = self.now()?;
        if row.is_over(now) {
            return Ok(false);
        }
        if let Verdict::Forged(rule) = classify(&row, &token, &inner.keys, inner.grace, now) {
            self.unknown(Some(&row), rule);
            return Ok(false);
        }
        if let (Some(own), Some(named)) = (row.principal.client_id(), context.client_id)
            && own != named
        {
            let error = RefreshError::BindingFailed;
            return Err(self.refused(Some(&row), "client", error));
        }
        self.end(&row, RevokeReason::Logout, now).await
    }

    /// Ends one family of a subject by its public name ([`RefreshInfo::id`], the `sid` of its access tokens), and says whether it went on
    /// until now: for a page with "log out" beside each device.
    ///
    /// # Errors
    ///
    /// A store fails: then call it again.
    pub async fn revoke(&self, subject: &str, id: &str) -> Result<bool, RefreshError> {
        let inner = &*self.inner;
        let now = self.now()?;
        let all = self.told(inner.store.list(subject).wait().await)?;
        let mut named = all.iter().filter(|row| row.id.session_id() == id);
        match named.next() {
            Some(row) if !row.is_over(now) => self.end(row, RevokeReason::Logout, now).await,
            Some(_) | None => Ok(false),
        }
    }

    /// Ends all families of a subject and their access tokens, and says how many: after a password was changed or reset, a factor removed,
    /// an account disabled (ASVS 7.4.2 and 7.4.3).
    ///
    /// Access tokens that no family has issued, and cookie sessions, have to be ended beside it.
    ///
    /// # Errors
    ///
    /// A store fails: then call it again.
    pub async fn revoke_subject(&self, subject: &str) -> Result<u64, RefreshError> {
        self.end_all(subject, None).await
    }

    /// Ends all families of a subject but the one of this public name, and says how many: "log out everywhere else" (ASVS 7.4.3). The
    /// name of the one that asks is [`Principal::session_id`](crate::core::Principal::session_id).
    ///
    /// # Errors
    ///
    /// A store fails: then call it again.
    pub async fn revoke_others(&self, subject: &str, id: &str) -> Result<u64, RefreshError> {
        self.end_all(subject, Some(id)).await
    }

    /// Returns the families of a subject that go on, the oldest first. Nothing in them leads to a token.
    ///
    /// # Errors
    ///
    /// The store fails, or the clock stands before 1970.
    pub async fn sessions(&self, subject: &str) -> Result<Vec<RefreshInfo>, RefreshError> {
        let inner = &*self.inner;
        let now = self.now()?;
        let all = self.told(inner.store.list(subject).wait().await)?;
        let alive = all.into_iter();
        let alive = alive.filter(|row| row.revoked.is_none() && !row.is_over(now));
        Ok(alive.map(RefreshInfo::new).collect())
    }

    /// Removes what is over from the store, and says how much: for a task that runs once an hour. Redis does so by itself.
    ///
    /// # Errors
    ///
    /// The store fails, or the clock stands before 1970.
    pub async fn purge(&self) -> Result<u64, RefreshError> {
        let inner = &*self.inner;
        let now = self.now()?;
        self.told(inner.store.purge(now).wait().await)
    }
}

impl fmt::Debug for RefreshService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshService")
            .field("keys", &self.inner.keys)
            .field("idle", &self.inner.idle)
            .field("absolute", &self.inner.absolute)
            .field("grace", &self.inner.grace)
            .finish_non_exhaustive()
    }
}
