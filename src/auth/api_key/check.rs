//! Whose API key a request comes with.

use std::sync::Arc;

use http::HeaderName;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::super::authorization::{Authorization, TokenScheme, has_query_token};
use super::super::{AuthFailure, AuthFailureKind, Authenticator, Decision, Presence};
use super::auth::{ApiKeyAuth, Inner};
use super::record::{ApiKeyDigest, ApiKeyRecord};
use super::text::{ApiKeyId, parse};
use crate::core::field::Lines;
use crate::core::text::cap;
use crate::core::{AuthMethod, ChallengeScheme, CleanText, Lookup, Principal, StoreError};

/// The keys in a request.
enum Found<'a> {
    None,
    One(&'a [u8]),
    /// A bearer token, which stands where one is looked for and is none.
    Wrong(AuthFailureKind),
    /// Why there is more than one.
    Several(&'static str),
}

/// Who takes bearer tokens that do not begin as a key does.
#[derive(Clone, Copy)]
enum OtherTokens {
    /// Nobody but us: they are wrong keys.
    Ours,
    /// Another way.
    Theirs,
}

impl Inner {
    fn find_in<'a>(&self, head: &'a Parts, others: OtherTokens) -> Found<'a> {
        let in_bearer = self
            .in_bearer
            .as_deref()
            .and_then(|prefix| bearer(head, prefix, others));
        match (Lines::of(&head.headers, &self.header), in_bearer) {
            (Lines::Absent, None) => Found::None,
            (Lines::Absent, Some(_)) if has_query_token(&head.uri) => Found::Several("query_token"),
            (Lines::Absent, Some(Ok(key))) => Found::One(key),
            (Lines::Absent, Some(Err(kind))) => Found::Wrong(kind),
            (Lines::One(line), None) => Found::One(line.as_bytes()),
            (Lines::One(_), Some(_)) | (Lines::Several(_), _) => Found::Several("key_twice"),
        }
    }

    fn authenticate(self: &Arc<Self>, head: &Parts, others: OtherTokens) -> Decision {
        let fail = |kind, reason| {
            let failure = AuthFailure::new(kind).with_method(AuthMethod::ApiKey);
            Decision::Denied(failure.with_reason(reason))
        };
        let key = match self.find_in(head, others) {
            Found::None => return Decision::NotPresent,
            Found::One(key) => key,
            Found::Wrong(kind) => return fail(kind, "authorization_syntax"),
            Found::Several(reason) => return fail(AuthFailureKind::Ambiguous, reason),
        };
        let (id, secret) = match parse(&self.prefix, key) {
            Ok(parts) => parts,
            Err(wrong) => return Decision::Denied(invalid(wrong.reason())),
        };
        let digest = self.digest(id, &secret);
        match self.store.find(&id) {
            Lookup::Ready(found) => self.judge(&id, &digest, found).into(),
            Lookup::Pending(found) => {
                let inner = Arc::clone(self);
                Decision::pending(async move { inner.judge(&id, &digest, found.await) })
            }
        }
    }

    fn presence(&self, head: &Parts, others: OtherTokens) -> Presence {
        match self.find_in(head, others) {
            Found::None => Presence::Absent,
            Found::One(_) | Found::Wrong(_) | Found::Several(_) => Presence::Explicit,
        }
    }

    fn judge(
        &self,
        id: &ApiKeyId,
        digest: &ApiKeyDigest,
        found: Result<Option<ApiKeyRecord>, StoreError>,
    ) -> Result<Principal, AuthFailure> {
        let record =
            found.map_err(|error| AuthFailure::from(error).with_method(AuthMethod::ApiKey))?;
        let now = self.now().ok_or_else(|| {
            let failure = AuthFailure::new(AuthFailureKind::Unavailable);
            failure.with_method(AuthMethod::ApiKey).with_reason("clock")
        })?;
        let refuse = |reason| {
            let detail = CleanText::new(&format!("key={id}"), cap::DETAIL).into_owned();
            Err(invalid(reason).with_detail(detail))
        };
        let Some(record) = record else {
            // Compared all the same, so that an id that is unknown takes as long as a secret that is wrong.
            let dummy = ApiKeyDigest::from_bytes([0; 32]);
            std::hint::black_box(dummy == *digest);
            return refuse("unknown");
        };
        if !record.accepts(digest, now) {
            return refuse("mismatch");
        }
        if record.principal().is_expired(now) {
            return refuse("expired");
        }
        Ok(record.principal().clone())
    }
}

/// The key in `Authorization`. Beside another way that reads this header, the same question as the one by which a bearer token is none
/// of that way's: exactly one of the two takes it.
fn bearer<'a>(
    head: &'a Parts,
    prefix: &str,
    others: OtherTokens,
) -> Option<Result<&'a [u8], AuthFailureKind>> {
    let is_ours = matches!(others, OtherTokens::Ours);
    match Authorization::of(&head.headers) {
        Authorization::Token(TokenScheme::Bearer, token) => {
            (is_ours || token.starts_with(prefix.as_bytes())).then_some(Ok(token))
        }
        Authorization::Malformed(TokenScheme::Bearer) => {
            is_ours.then_some(Err(AuthFailureKind::Malformed))
        }
        Authorization::Unreadable(TokenScheme::Bearer) => {
            is_ours.then_some(Err(AuthFailureKind::ApiKeyInvalid))
        }
        Authorization::Absent
        | Authorization::Malformed(TokenScheme::DPoP)
        | Authorization::Unreadable(TokenScheme::DPoP)
        | Authorization::Token(TokenScheme::DPoP, _) => None,
    }
}

/// API keys as one of the ways of a layer.
pub(in crate::auth) struct ApiKeyWay {
    keys: ApiKeyAuth,
    others: OtherTokens,
}

impl ApiKeyWay {
    /// `is_shared`: another way reads `Authorization` too.
    pub(in crate::auth) const fn new(keys: ApiKeyAuth, is_shared: bool) -> Self {
        let others = if is_shared {
            OtherTokens::Theirs
        } else {
            OtherTokens::Ours
        };
        Self { keys, others }
    }
}

impl Authenticator for ApiKeyWay {
    fn presence(&self, head: &Parts) -> Presence {
        self.keys.inner.presence(head, self.others)
    }

    fn authenticate(&self, head: &Parts) -> Decision {
        self.keys.inner.authenticate(head, self.others)
    }

    fn scheme(&self) -> ChallengeScheme {
        self.keys.scheme()
    }

    fn headers(&self) -> Vec<HeaderName> {
        self.keys.headers()
    }
}

/// Outside of [`AuthBuilder::api_key`](crate::auth::AuthBuilder::api_key) it does not know who else reads `Authorization`, and leaves
/// bearer tokens that do not begin with its prefix to others.
impl Authenticator for ApiKeyAuth {
    fn presence(&self, head: &Parts) -> Presence {
        self.inner.presence(head, OtherTokens::Theirs)
    }

    fn authenticate(&self, head: &Parts) -> Decision {
        self.inner.authenticate(head, OtherTokens::Theirs)
    }

    fn scheme(&self) -> ChallengeScheme {
        ChallengeScheme::api_key(&self.inner.header)
    }

    fn headers(&self) -> Vec<HeaderName> {
        let in_bearer = self.inner.in_bearer.as_ref().map(|_| AUTHORIZATION);
        [self.inner.header.clone()]
            .into_iter()
            .chain(in_bearer)
            .collect()
    }
}

/// One answer for all of them: which it was stands in the event alone.
fn invalid(reason: &'static str) -> AuthFailure {
    AuthFailure::new(AuthFailureKind::ApiKeyInvalid)
        .with_method(AuthMethod::ApiKey)
        .with_reason(reason)
}
