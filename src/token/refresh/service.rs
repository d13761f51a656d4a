//! What a token endpoint does: log in, refresh, log out, list, revoke.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

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
use crate::core::{AuthMethod, Clock, Secret, StoreError, StoreErrorKind};

/// A rotation that was overtaken is looked at again. The second time it is no rotation any more.
const ATTEMPTS: usize = 3;

/// How much longer than the tokens of this moment an entry of a revocation lives: one may be issued while it is made, and verifiers
/// have a leeway of 300 s at most.
const MARGIN: Duration = Duration::from_secs(360);

/// Bytes.
const LONGEST_LABEL: usize = 128;

/// Refresh tokens: each is good once, and gives the next. Cloning shares it. See [`mod@crate::token`].
#[derive(Clone)]
pub struct RefreshService(Arc<Inner>);

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
        Self(Arc::new(inner))
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
        begun.map_err(|error| self.0.refused(context, None, "login", error))
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
        let inner = &*self.0;
        let (token, mut row) = inner.find(presented, context).await?;
        for _ in 0..ATTEMPTS {
            let now = inner.now(context)?;
            match inner.decide(&row, &token, context, now)? {
                Step::Reuse(rule) => return Err(inner.stolen(context, &row, rule, now).await),
                Step::Replay(next, scopes) => {
                    return inner.pair(context, &row, next, scopes, "refresh_repeated");
                }
                Step::Rotate(next, scopes) => {
                    let to = Rotated {
                        presented: row.current,
                        next: &next,
                        now,
                        idle: inner.idle,
                        address: context.client_ip,
                    };
                    let rotated = row.rotated(&inner.keys, &to).ok_or_else(|| {
                        inner.refused(context, Some(&row), "generation", RefreshError::Expired)
                    })?;
                    let replaced = inner.store.replace(row.generation, &rotated).wait().await;
                    match inner.told(context, replaced)? {
                        Replaced::Yes => {
                            return inner.pair(context, &rotated, next, scopes, "tokens_refreshed");
                        }
                        Replaced::Missing => return Err(inner.unknown(context, None, "family")),
                        Replaced::Conflict(other) => row = *other,
                    }
                }
            }
        }
        let text = "a family that is replaced again and again";
        let error = StoreError::new(StoreErrorKind::Unavailable, text);
        Err(inner.refused(context, Some(&row), "store", error.into()))
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
        let inner = &*self.0;
        let (token, row) = match inner.find(presented, context).await {
            Ok(found) => found,
            Err(RefreshError::Unknown) => return Ok(false),
            Err(error) => return Err(error),
        };
        let now = inner.now(context)?;
        if row.is_over(now) {
            return Ok(false);
        }
        if let Verdict::Forged(rule) = classify(&row, &token, &inner.keys, inner.grace, now) {
            inner.unknown(context, Some(&row), rule);
            return Ok(false);
        }
        if let (Some(own), Some(named)) = (row.principal.client_id(), context.client_id)
            && own != named
        {
            let error = RefreshError::BindingFailed;
            return Err(inner.refused(context, Some(&row), "client", error));
        }
        inner.end(context, &row, RevokeReason::Logout, now).await
    }

    /// Ends one family of a subject by its public name ([`RefreshInfo::id`], the `sid` of its access tokens), and says whether it went on
    /// until now: for a page with "log out" beside each device.
    ///
    /// # Errors
    ///
    /// A store fails: then call it again.
    pub async fn revoke(
        &self,
        subject: &str,
        id: &str,
        context: &RefreshContext<'_>,
    ) -> Result<bool, RefreshError> {
        let inner = &*self.0;
        let now = inner.now(context)?;
        let all = inner.told(context, inner.store.list(subject).wait().await)?;
        let mut named = all.iter().filter(|row| row.id.session_id() == id);
        match named.next() {
            Some(row) if !row.is_over(now) => {
                inner.end(context, row, RevokeReason::Logout, now).await
            }
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
    pub async fn revoke_subject(
        &self,
        subject: &str,
        context: &RefreshContext<'_>,
    ) -> Result<u64, RefreshError> {
        self.0.end_all(context, subject, None).await
    }

    /// Ends all families of a subject but the one of this public name, and says how many: "log out everywhere else" (ASVS 7.4.3). The
    /// name of the one that asks is [`Principal::session_id`](crate::core::Principal::session_id).
    ///
    /// # Errors
    ///
    /// A store fails: then call it again.
    pub async fn revoke_others(
        &self,
        subject: &str,
        id: &str,
        context: &RefreshContext<'_>,
    ) -> Result<u64, RefreshError> {
        self.0.end_all(context, subject, Some(id)).await
    }

    /// Returns the families of a subject that go on, the oldest first. Nothing in them leads to a token.
    ///
    /// # Errors
    ///
    /// The store fails, or the clock stands before 1970.
    pub async fn sessions(&self, subject: &str) -> Result<Vec<RefreshInfo>, RefreshError> {
        let inner = &*self.0;
        let context = RefreshContext::new();
        let now = inner.now(&context)?;
        let all = inner.told(&context, inner.store.list(subject).wait().await)?;
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
        let inner = &*self.0;
        let context = RefreshContext::new();
        let now = inner.now(&context)?;
        inner.told(&context, inner.store.purge(now).wait().await)
    }

    async fn begin(
        &self,
        grant: &Grant,
        context: &RefreshContext<'_>,
    ) -> Result<TokenPair, RefreshError> {
        let inner = &*self.0;
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
            address: context.client_ip,
            ..FamilyRecord::new(id, &principal.build(), now, over)
        };
        // First, so that what cannot be issued does not begin.
        let pair = inner.issue(&row, &grant.with_principal(row.principal.clone()), secret)?;
        let ended = inner.store.insert(&row, inner.max_families).wait().await?;
        for family in ended {
            let name = family.session_id();
            let subject = row.principal.subject();
            inner.end_access(&name, now).await?;
            inner
                .teller
                .revoked(context, (subject, &name), RevokeReason::Limit);
        }
        inner.teller.issued(context, &row, "tokens_issued");
        Ok(pair)
    }
}

impl Inner {
    fn now(&self, context: &RefreshContext<'_>) -> Result<SystemTime, RefreshError> {
        date(self.clock.now())
            .ok_or_else(|| self.refused(context, None, "clock", RefreshError::Clock))
    }

    /// Tells of a refusal.
    fn refused(
        &self,
        context: &RefreshContext<'_>,
        row: Option<&FamilyRecord>,
        rule: &'static str,
        error: RefreshError,
    ) -> RefreshError {
        self.teller.refused(context, row, rule, &error);
        error
    }

    fn unknown(
        &self,
        context: &RefreshContext<'_>,
        row: Option<&FamilyRecord>,
        rule: &'static str,
    ) -> RefreshError {
        self.refused(context, row, rule, RefreshError::Unknown)
    }

    fn told<T>(
        &self,
        context: &RefreshContext<'_>,
        answer: Result<T, StoreError>,
    ) -> Result<T, RefreshError> {
        answer.map_err(|error| self.refused(context, None, "store", error.into()))
    }

    async fn find(
        &self,
        presented: &str,
        context: &RefreshContext<'_>,
    ) -> Result<(RefreshToken, FamilyRecord), RefreshError> {
        let token = RefreshToken::parse(presented)
            .ok_or_else(|| self.unknown(context, None, "malformed"))?;
        let found = self.store.get(&token.family).wait().await;
        let row = self.told(context, found)?;
        let row = row.ok_or_else(|| self.unknown(context, None, "family"))?;
        Ok((token, row))
    }

    fn decide<'a>(
        &self,
        row: &FamilyRecord,
        token: &RefreshToken,
        context: &RefreshContext<'a>,
        now: SystemTime,
    ) -> Result<Step<'a>, RefreshError> {
        let refuse = |rule, error| Err(self.refused(context, Some(row), rule, error));
        if let Some((_, reason)) = row.revoked {
            return refuse(reason.as_str(), RefreshError::Revoked);
        }
        if row.is_over(now) {
            return refuse("over", RefreshError::Expired);
        }
        let verdict = classify(row, token, &self.keys, self.grace, now);
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
        scopes: Option<Vec<&str>>,
        code: &'static str,
    ) -> Result<TokenPair, RefreshError> {
        let who = match (&scopes, context.confirmation) {
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
        let pair = issued.map_err(|error| self.refused(context, Some(row), "issue", error))?;
        self.teller.issued(context, row, code);
        Ok(pair)
    }

    fn issue(
        &self,
        row: &FamilyRecord,
        grant: &Grant,
        secret: FamilySecret,
    ) -> Result<TokenPair, RefreshError> {
        let access_token = self.issuer.issue(grant).map_err(|error| match error {
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
        let error = self.refused(context, Some(row), rule, RefreshError::Reused);
        match self.end(context, row, RevokeReason::Reuse, now).await {
            Ok(_) => error,
            Err(fault) => fault,
        }
    }

    async fn end(
        &self,
        context: &RefreshContext<'_>,
        row: &FamilyRecord,
        reason: RevokeReason,
        now: SystemTime,
    ) -> Result<bool, RefreshError> {
        let name = row.id.session_id();
        // Neither store is left out because the other fails; and called again, both are asked again.
        let noted = self.end_access(&name, now).await;
        let revoked = self.store.revoke(&row.id, reason, now).wait().await;
        let is_new = self.told(context, revoked)?;
        if is_new {
            let subject = row.principal.subject();
            self.teller.revoked(context, (subject, &name), reason);
        }
        self.told(context, noted)?;
        Ok(is_new)
    }

    async fn end_all(
        &self,
        context: &RefreshContext<'_>,
        subject: &str,
        except: Option<&str>,
    ) -> Result<u64, RefreshError> {
        const REASON: RevokeReason = RevokeReason::Subject;
        let now = self.now(context)?;
        let all = self.told(context, self.store.list(subject).wait().await)?;
        let is_kept = |family: &FamilyId| Some(&*family.session_id()) == except;
        let kept = all.iter().map(|row| row.id).find(is_kept);
        let revoked = self
            .store
            .revoke_subject(subject, kept.as_ref(), REASON, now);
        let revoked = self.told(context, revoked.wait().await)?;
        for family in &revoked {
            let name = family.session_id();
            self.teller.revoked(context, (subject, &name), REASON);
        }
        // Those that were revoked before as well: the first time their access tokens may have been left.
        let others = all.iter().map(|row| row.id);
        let others = others.filter(|id| Some(*id) != kept && !revoked.contains(id));
        for family in revoked.iter().copied().chain(others) {
            let noted = self.end_access(&family.session_id(), now).await;
            self.told(context, noted)?;
        }
        Ok(u64::try_from(revoked.len()).unwrap_or(u64::MAX))
    }

    /// Ends the access tokens of a family.
    async fn end_access(&self, session_id: &str, now: SystemTime) -> Result<(), StoreError> {
        let Some(revocation) = &self.revocation else {
            return Ok(());
        };
        let longest = self.issuer.access_ttl().saturating_add(MARGIN);
        let until = now.checked_add(longest).unwrap_or(now);
        revocation.revoke_session(session_id, until).wait().await
    }
}

impl fmt::Debug for RefreshService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshService")
            .field("keys", &self.0.keys)
            .field("idle", &self.0.idle)
            .field("absolute", &self.0.absolute)
            .field("grace", &self.0.grace)
            .finish_non_exhaustive()
    }
}
