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
    /// Sent as a bearer token, and another one in the query.
    OneAndQuery,
    Several,
}

impl Inner {
    fn find_in<'a>(&self, head: &'a Parts) -> Found<'a> {
        let in_bearer = self.in_bearer.as_deref().and_then(|prefix| {
            // The same question as the one by which a bearer token is none: exactly one of the two takes it.
            match Authorization::of(&head.headers) {
                Authorization::Token(TokenScheme::Bearer, token)
                    if token.starts_with(prefix.as_bytes()) =>
                {
                    Some(token)
                }
                // Whatever else stands there is for others to judge.
                _ => None,
            }
        });
        match (Lines::of(&head.headers, &self.header), in_bearer) {
            (Lines::Absent, None) => Found::None,
            (Lines::Absent, Some(_)) if has_query_token(&head.uri) => Found::OneAndQuery,
            (Lines::Absent, Some(key)) => Found::One(key),
            (Lines::One(line), None) => Found::One(line.as_bytes()),
            (Lines::One(_), Some(_)) | (Lines::Several(_), _) => Found::Several,
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

impl Authenticator for ApiKeyAuth {
    fn presence(&self, head: &Parts) -> Presence {
        match self.0.find_in(head) {
            Found::None => Presence::Absent,
            Found::One(_) | Found::OneAndQuery | Found::Several => Presence::Explicit,
        }
    }

    fn authenticate(&self, head: &Parts) -> Decision {
        let inner = &self.0;
        let ambiguous = |reason| {
            let failure = AuthFailure::new(AuthFailureKind::Ambiguous);
            let failure = failure.with_method(AuthMethod::ApiKey);
            Decision::Denied(failure.with_reason(reason))
        };
        let key = match inner.find_in(head) {
            Found::None => return Decision::NotPresent,
            Found::One(key) => key,
            Found::OneAndQuery => return ambiguous("query_token"),
            Found::Several => return ambiguous("key_twice"),
        };
        let (id, secret) = match parse(&inner.prefix, key) {
            Ok(parts) => parts,
            Err(wrong) => return Decision::Denied(invalid(wrong.reason())),
        };
        let digest = inner.digest(&secret);
        match inner.store.find(&id) {
            Lookup::Ready(found) => inner.judge(&id, &digest, found).into(),
            Lookup::Pending(found) => {
                let inner = Arc::clone(inner);
                Decision::pending(async move { inner.judge(&id, &digest, found.await) })
            }
        }
    }

    fn scheme(&self) -> ChallengeScheme {
        ChallengeScheme::api_key(&self.0.header)
    }

    fn headers(&self) -> Vec<HeaderName> {
        let in_bearer = self.0.in_bearer.as_ref().map(|_| AUTHORIZATION);
        [self.0.header.clone()]
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
