//! What the methods of the service are made of.

use std::time::{Duration, SystemTime};

use super::super::{Grant, IssueError};
use super::classify::{Verdict, classify};
use super::context::{RefreshContext, Scopes};
use super::error::RefreshError;
use super::family::{FamilyId, FamilyRecord, RevokeReason};
use super::service::{RefreshService, TokenPair};
use super::text::{FamilySecret, RefreshToken};
use crate::core::record::date;
use crate::core::text::cap::start_of;
use crate::core::{AuthMethod, PrincipalBuilder, StoreError};

/// How much longer than the tokens of this moment an entry of a revocation lives: one may be issued while it is made, and verifiers
/// have a leeway of 300 s at most.
const MARGIN: Duration = Duration::from_secs(360);

/// Bytes.
const LONGEST_LABEL: usize = 128;

/// What a token comes to.
pub(super) enum Step<'a> {
    /// The family may have been stolen.
    Reuse(&'static str),
    /// The token that is there already, once more.
    Replay(FamilySecret, Scopes<'a>),
    Rotate(FamilySecret, Scopes<'a>),
}

impl RefreshService {
    pub(super) async fn begin(
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
            current: inner.keys.digest(&secret),
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
        let pair = self.issue(&row, &grant.with_principal(holder(&row).build()), secret)?;
        let ended = inner.store.insert(&row, inner.max_families).wait().await?;
        let mut noted = Ok(());
        for family in ended {
            const REASON: RevokeReason = RevokeReason::Limit;
            let name = family.session_id();
            let subject = row.principal.subject();
            inner
                .teller
                .revoked(&self.request, (subject, &name), REASON);
            // Those behind one that fails too: they have ended, and no other login comes back to them.
            noted = noted.and(self.end_access(&name, now).await);
        }
        if noted.is_err() {
            // Nobody gets its token: left alone, it would push out another of the subject's with each login that is tried again.
            let ended = inner.store.revoke(&row.id, RevokeReason::Limit, now);
            noted = noted.and(ended.wait().await.map(|_| ()));
        }
        noted?;
        inner.teller.issued(&self.request, &row, "tokens_issued");
        Ok(pair)
    }

    pub(super) fn now(&self) -> Result<SystemTime, RefreshError> {
        date(self.inner.clock.now()).ok_or_else(|| self.refused(None, "clock", RefreshError::Clock))
    }

    /// Tells of a refusal.
    pub(super) fn refused(
        &self,
        row: Option<&FamilyRecord>,
        rule: &'static str,
        error: RefreshError,
    ) -> RefreshError {
        self.inner.teller.refused(&self.request, row, rule, &error);
        error
    }

    pub(super) fn unknown(&self, row: Option<&FamilyRecord>, rule: &'static str) -> RefreshError {
        self.refused(row, rule, RefreshError::Unknown)
    }

    pub(super) fn told<T>(&self, answer: Result<T, StoreError>) -> Result<T, RefreshError> {
        answer.map_err(|error| self.refused(None, "store", error.into()))
    }

    pub(super) async fn find(
        &self,
        presented: &str,
    ) -> Result<(RefreshToken, FamilyRecord), RefreshError> {
        let token =
            RefreshToken::parse(presented).ok_or_else(|| self.unknown(None, "malformed"))?;
        let found = self.inner.store.get(&token.family).wait().await;
        let row = self.told(found)?;
        let row = row.ok_or_else(|| self.unknown(None, "family"))?;
        Ok((token, row))
    }

    pub(super) fn decide<'a>(
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
        type Good<'a> = fn(FamilySecret, Scopes<'a>) -> Step<'a>;
        let verdict = classify(row, token, &self.inner.keys, self.inner.grace, now);
        let (good, next): (Good<'a>, _) = match verdict {
            Verdict::Forged(rule) => return refuse(rule, RefreshError::Unknown),
            Verdict::Lost => return refuse("key", RefreshError::Unknown),
            Verdict::Reuse(rule) => return Ok(Step::Reuse(rule)),
            Verdict::Replay(next) => (Step::Replay, next),
            Verdict::Rotate(next) => (Step::Rotate, next),
        };
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
        match context.scopes(&row.principal) {
            Some(scopes) => Ok(good(next, scopes)),
            None => refuse("scope", RefreshError::ScopeWidened),
        }
    }

    pub(super) fn pair(
        &self,
        context: &RefreshContext<'_>,
        row: &FamilyRecord,
        secret: FamilySecret,
        scopes: &Scopes<'_>,
        code: &'static str,
    ) -> Result<TokenPair, RefreshError> {
        let mut who = holder(row);
        if let Scopes::These(scopes) = scopes {
            who = who.scopes(scopes);
        }
        // A family that is bound to a key is bound to this one.
        if let Some(confirmation) = context.confirmation {
            who = who.confirmation(confirmation);
        }
        let grant = Grant::of_kept(who.build(), &row.claims);
        let issued = self.issue(row, &grant, secret);
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
    pub(super) async fn stolen(
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

    pub(super) async fn end(
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

    pub(super) async fn end_all(
        &self,
        subject: &str,
        except: Option<&str>,
    ) -> Result<u64, RefreshError> {
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

    /// Ends the access tokens of a family that was revoked, if one may be left: for one that was stolen, and could not be ended
    /// altogether, nobody calls again. Its tokens are presented again.
    pub(super) async fn make_up(
        &self,
        row: &FamilyRecord,
        token: &RefreshToken,
        now: SystemTime,
    ) -> Result<(), RefreshError> {
        let inner = &*self.inner;
        let Some((at, _)) = row.revoked else {
            return Ok(());
        };
        let are_over = row.is_over(now)
            || now
                .duration_since(at)
                .is_ok_and(|since| since >= self.longest_access());
        let verdict = classify(row, token, &inner.keys, inner.grace, now);
        if are_over || matches!(verdict, Verdict::Forged(_)) {
            return Ok(());
        }
        let noted = self.end_access(&row.id.session_id(), now).await;
        self.told(noted)
    }

    /// How long verifiers may take an access token that is issued now.
    fn longest_access(&self) -> Duration {
        self.inner.issuer.access_ttl().saturating_add(MARGIN)
    }

    /// Ends the access tokens of a family.
    async fn end_access(&self, session_id: &str, now: SystemTime) -> Result<(), StoreError> {
        let Some(revocation) = &self.inner.revocation else {
            return Ok(());
        };
        let until = now.checked_add(self.longest_access()).unwrap_or(now);
        revocation.revoke_session(session_id, until).wait().await
    }
}

/// For whom access tokens of a family are: none outlives it, so that nothing is left to end when it is over.
fn holder(row: &FamilyRecord) -> PrincipalBuilder {
    row.principal.to_builder().expires_at(row.idle_until)
}
