//! What a token endpoint does: log in, refresh, log out, list, revoke.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::Extensions;

use super::super::{AccessToken, Grant, IssueError, RevocationStore, TokenIssuer};
use super::classify::{Verdict, classify};
use super::config::RefreshServiceBuilder;
use super::context::RefreshContext;
use super::error::RefreshError;
use super::events::Teller;
use super::family::{FamilyId, FamilyRecord, RevokeReason, Rotated};
use super::info::RefreshInfo;
use super::keys::RotationKeys;
use super::store::{RefreshStore, Replaced};
use super::text::{FamilySecret, RefreshToken};
use crate::core::record::date;
use crate::core::text::cap::start_of;
use crate::core::{AuthMethod, Clock, EventContext, Secret, StoreError, StoreErrorKind};

/// A rotation that was overtaken is looked at again. The second time it is no rotation any more.
const ATTEMPTS: usize = 3;

/// How much longer than the tokens of this moment an entry of a revocation lives: one may be issued while it is made, and verifiers
/// have a leeway of 300 s at most.
const MARGIN: Duration = Duration::from_secs(360);

/// Bytes.
const LONGEST_LABEL: usize = 128;

/// Refresh tokens: each is good once, and gives the next. Cloning shares it. See [`mod@crate::token`].
#[derive(Clone)]
pub struct RefreshService {
    inner: Arc<Inner>,
    /// The request that handlers act for.
    request: EventContext,
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

/// What a token comes to.
enum Step<'a> {
    /// The family may have been stolen.
    Reuse(&'static str),
    /// The token that is there already, once more.
    Replay(FamilySecret, Option<Vec<&'a str>>),
    Rotate(FamilySecret, Option<Vec<&'a str>>),
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
    /// [`AuthMethod::Custom`]: your handler has seen somebody log in.
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
            match self.decide(&row, &token, context, now)? {
                Step::Reuse(rule) => return Err(self.stolen(context, &row, rule, now).await),
                Step::Replay(next, scopes) => {
                    return self.pair(context, &row, next, scopes.as_deref(), "refresh_repeated");
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
                            return self.pair(
                                context,
                                &rotated,
                                next,
                                scopes.as_deref(),
                                "tokens_refreshed",
                            );
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

    async fn begin(
        &self,
        grant: &Grant,
        context: &RefreshContext<'_>,
    ) -> Result<TokenPair, RefreshError> {
        let inner = &*self.inner;
        let who = grant.principal();
        if who.subject().is_empty() {
            return Err(RefreshError::SubjectEmpty);
        }
        let now = date(inner.clock.now()).ok_or(RefreshError::Clock)?;
        let over = now.checked_add(inner.absolute).ok_or(RefreshError::Clock)?;
        let over = who.expires_at().map_or(over, |end| end.min(over));
        let mut principal = who.to_builder();
        if who.auth_time().is_none() && matches!(who.method(), AuthMethod::Custom(_)) {
            principal = principal.auth_time(now);
        }
        match (who.confirmation(), context.confirmation) {
            (Some(own), Some(proved)) if own != proved => return Err(RefreshError::BindingFailed),
            (None, Some(proved)) => principal = principal.confirmation(proved),
            (Some(_), Some(_)) | (_, None) => {}
        }
        let id = FamilyId::draw().ok_or(RefreshError::Randomness)?;
        let secret = FamilySecret::draw().ok_or(RefreshError::Randomness)?;
        let row = FamilyRecord {
            current: secret.digest(),
            idle_until: now
                .checked_add(inner.idle)
                .map_or(over, |idle| idle.min(over)),
            claims: grant.kept(),
            label: context
                .label
                .map(|label| start_of(label, LONGEST_LABEL).into()),
            address: self.request.client_ip(),
            ..FamilyRecord::new(id, &principal.build(), now, over)
        };
        // First, so that what cannot be issued does not begin.
        let pair = self.issue(&row, &grant.with_principal(row.principal.clone()), secret)?;
        let ended = inner.store.insert(&row, inner.max_families).wait().await?;
        for family in ended {
            let name = family.session_id();
            let subject = row.principal.subject();
            self.end_access(&name, now).await?;
            inner
                .teller
                .revoked(&self.request, (subject, &name), RevokeReason::Limit);
        }
        inner.teller.issued(&self.request, &row, "tokens_issued");
        Ok(pair)
    }
}

/// What methods have in common.
impl RefreshService {
    fn now(&self) -> Result<SystemTime, RefreshError> {
        date(self.inner.clock.now()).ok_or_else(|| self.refused(None, "clock", RefreshError::Clock))
    }

    /// Tells of a refusal.
    fn refused(
        &self,
        row: Option<&FamilyRecord>,
        rule: &'static str,
        error: RefreshError,
    ) -> RefreshError {
        self.inner.teller.refused(&self.request, row, rule, &error);
        error
    }

    fn unknown(&self, row: Option<&FamilyRecord>, rule: &'static str) -> RefreshError {
        self.refused(row, rule, RefreshError::Unknown)
    }

    fn told<T>(&self, answer: Result<T, StoreError>) -> Result<T, RefreshError> {
        answer.map_err(|error| self.refused(None, "store", error.into()))
    }

    async fn find(&self, presented: &str) -> Result<(RefreshToken, FamilyRecord), RefreshError> {
        let token =
            RefreshToken::parse(presented).ok_or_else(|| self.unknown(None, "malformed"))?;
        let found = self.inner.store.get(&token.family).wait().await;
        let row = self.told(found)?;
        let row = row.ok_or_else(|| self.unknown(None, "family"))?;
        Ok((token, row))
    }

    fn decide<'a>(
        &self,
        row: &FamilyRecord,
        token: &RefreshToken,
        context: &RefreshContext<'a>,
        now: SystemTime,
    ) -> Result<Step<'a>, RefreshError> {
        let refuse = |rule, error| Err(self.refused(Some(row), rule, error));
        if let Some((_, reason)) = row.revoked {
            return refuse(reason.as_str(), RefreshError::Revoked);
        }
        if row.is_over(now) {
            return refuse("over", RefreshError::Expired);
        }
        let verdict = classify(row, token, &self.inner.keys, self.inner.grace, now);
        match &verdict {
            Verdict::Forged(rule) => return refuse(rule, RefreshError::Unknown),
            Verdict::Reuse(rule) => return Ok(Step::Reuse(rule)),
            Verdict::Replay(_) | Verdict::Rotate(_) => {}
        }
        match (row.principal.client_id(), context.client_id) {
            (Some(own), Some(named)) if own != named => return Ok(Step::Reuse("client")),
            (Some(_), None) | (None, Some(_)) => {
                return refuse("client", RefreshError::BindingFailed);
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        let bound = row.principal.confirmation();
        if bound.is_some() && bound != context.confirmation {
            return refuse("key", RefreshError::BindingFailed);
        }
        let scopes = context.scopes();
        let mut asked = scopes.iter().flatten();
        if !asked.all(|scope| row.principal.has_scope(scope)) {
            return refuse("scope", RefreshError::ScopeWidened);
        }
        Ok(match verdict {
            Verdict::Replay(next) => Step::Replay(next, scopes),
            Verdict::Rotate(next) => Step::Rotate(next, scopes),
            Verdict::Forged(rule) | Verdict::Reuse(rule) => Step::Reuse(rule),
        })
    }

    fn pair(
        &self,
        context: &RefreshContext<'_>,
        row: &FamilyRecord,
        secret: FamilySecret,
        scopes: Option<&[&str]>,
        code: &'static str,
    ) -> Result<TokenPair, RefreshError> {
        let who = match (scopes, context.confirmation) {
            (None, None) => row.principal.clone(),
            (scopes, confirmation) => {
                let mut who = row.principal.to_builder();
                if let Some(scopes) = scopes {
                    who = who.scopes(scopes);
                }
                // A family that is bound to a key is bound to this one.
                if let Some(confirmation) = confirmation {
                    who = who.confirmation(confirmation);
                }
                who.build()
            }
        };
        let issued = self.issue(row, &Grant::of_kept(who, &row.claims), secret);
        let pair = issued.map_err(|error| self.refused(Some(row), "issue", error))?;
        self.inner.teller.issued(&self.request, row, code);
        Ok(pair)
    }

    fn issue(
        &self,
        row: &FamilyRecord,
        grant: &Grant,
        secret: FamilySecret,
    ) -> Result<TokenPair, RefreshError> {
        let access_token = self
            .inner
            .issuer
            .issue(grant)
            .map_err(|error| match error {
                // The family ends within this second.
                IssueError::Expired => RefreshError::Expired,
                other => RefreshError::Issue(other),
            })?;
        let token = RefreshToken {
            family: row.id,
            generation: row.generation,
            secret,
        };
        Ok(TokenPair {
            access_token,
            refresh_token: token.text(),
            refresh_expires_at: row.idle_until,
        })
    }

    /// Ends a family that may have been stolen.
    async fn stolen(
        &self,
        context: &RefreshContext<'_>,
        row: &FamilyRecord,
        rule: &'static str,
        now: SystemTime,
    ) -> RefreshError {
        // Told whatever the stores say.
        self.inner
            .teller
            .stolen(&self.request, row, rule, context.client_id);
        match self.end(row, RevokeReason::Reuse, now).await {
            Ok(_) => RefreshError::Reused,
            Err(fault) => fault,
        }
    }

    async fn end(
        &self,
        row: &FamilyRecord,
        reason: RevokeReason,
        now: SystemTime,
    ) -> Result<bool, RefreshError> {
        let name = row.id.session_id();
        // Neither store is left out because the other fails; and called again, both are asked again.
        let noted = self.end_access(&name, now).await;
        let revoked = self.inner.store.revoke(&row.id, reason, now).wait().await;
        let is_new = self.told(revoked)?;
        if is_new {
            let subject = row.principal.subject();
            self.inner
                .teller
                .revoked(&self.request, (subject, &name), reason);
        }
        self.told(noted)?;
        Ok(is_new)
    }

    async fn end_all(&self, subject: &str, except: Option<&str>) -> Result<u64, RefreshError> {
        const REASON: RevokeReason = RevokeReason::Subject;
        let now = self.now()?;
        let all = self.told(self.inner.store.list(subject).wait().await)?;
        let is_kept = |family: &FamilyId| Some(&*family.session_id()) == except;
        let kept = all.iter().map(|row| row.id).find(is_kept);
        let revoked = self
            .inner
            .store
            .revoke_subject(subject, kept.as_ref(), REASON, now);
        let revoked = self.told(revoked.wait().await)?;
        for family in &revoked {
            let name = family.session_id();
            self.inner
                .teller
                .revoked(&self.request, (subject, &name), REASON);
        }
        // Those that were revoked before as well: the first time their access tokens may have been left.
        let others = all.iter().map(|row| row.id);
        let others = others.filter(|id| Some(*id) != kept && !revoked.contains(id));
        for family in revoked.iter().copied().chain(others) {
            let noted = self.end_access(&family.session_id(), now).await;
            self.told(noted)?;
        }
        Ok(u64::try_from(revoked.len()).unwrap_or(u64::MAX))
    }

    /// Ends the access tokens of a family.
    async fn end_access(&self, session_id: &str, now: SystemTime) -> Result<(), StoreError> {
        let Some(revocation) = &self.inner.revocation else {
            return Ok(());
        };
        let longest = self.inner.issuer.access_ttl().saturating_add(MARGIN);
        let until = now.checked_add(longest).unwrap_or(now);
        revocation.revoke_session(session_id, until).wait().await
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
