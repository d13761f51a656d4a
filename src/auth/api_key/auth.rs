//! What handlers do with API keys: issue, rotate, list, revoke.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hmac::{Hmac, Mac};
use http::{Extensions, HeaderName};
use sha2::{Digest, Sha256};

use super::super::events::Faults;
use super::config::ApiKeyAuthBuilder;
use super::error::ApiKeyError;
use super::record::{ApiKeyDigest, ApiKeyRecord};
use super::store::ApiKeyStore;
use super::text::{ApiKeyId, KeySecret, write};
use crate::core::record::{date, granted};
use crate::core::{Clock, EventContext, EventName, Events, Principal, Secret};

const LAYER: &str = "auth";

/// Two keys with one id are drawn once in 2^71 times; a store that says so again and again is broken.
const DRAWS: usize = 3;

/// API keys: an [`Authenticator`](super::super::Authenticator) for requests, and what handlers manage keys with. Cloning shares it. See
/// [`mod@crate::auth::api_key`].
#[derive(Clone)]
pub struct ApiKeyAuth {
    pub(super) inner: Arc<Inner>,
    /// The request that handlers act for.
    request: EventContext,
}

pub(super) struct Inner {
    pub(super) store: Arc<dyn ApiKeyStore>,
    pub(super) prefix: Box<str>,
    pub(super) header: HeaderName,
    /// How a bearer token begins that is a key.
    pub(super) in_bearer: Option<Box<str>>,
    /// Keyed with the server's key. `None`: digests are plain.
    pub(super) mac: Option<Hmac<Sha256>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) events: Events,
    pub(super) faults: Faults,
}

impl Inner {
    pub(super) fn now(&self) -> Option<SystemTime> {
        date(self.clock.now())
    }

    /// Of all of the key but its checksum: a secret is good with its own prefix and id alone, also where keys of two kinds share a store.
    pub(super) fn digest(&self, id: ApiKeyId, secret: &KeySecret) -> ApiKeyDigest {
        let parts = [
            self.prefix.as_bytes(),
            b"_",
            id.as_str().as_bytes(),
            b"_",
            secret.bytes(),
        ];
        let digest = match &self.mac {
            Some(mac) => {
                let mut mac = mac.clone();
                parts.iter().for_each(|part| mac.update(part));
                mac.finalize().into_bytes()
            }
            None => parts
                .iter()
                .fold(Sha256::new(), Sha256::chain_update)
                .finalize(),
        };
        ApiKeyDigest::from_bytes(digest.into())
    }
}

/// A key that was just made. It is shown to its owner now, and never again: the store holds a digest of it.
#[derive(Clone, Debug)]
pub struct IssuedApiKey {
    id: ApiKeyId,
    key: Secret<String>,
}

impl IssuedApiKey {
    /// Returns the public part, by which the key is listed and revoked.
    #[must_use]
    pub const fn id(&self) -> ApiKeyId {
        self.id
    }

    /// Returns the whole key.
    #[must_use]
    pub const fn key(&self) -> &Secret<String> {
        &self.key
    }
}

/// A key as its owner may see it: no secret, and no digest.
#[derive(Clone, Debug)]
pub struct ApiKeyInfo {
    id: ApiKeyId,
    principal: Principal,
    created_at: SystemTime,
    previous_until: Option<SystemTime>,
}

impl ApiKeyInfo {
    /// Returns the id.
    #[must_use]
    pub const fn id(&self) -> ApiKeyId {
        self.id
    }

    /// Returns whom the key stands for, and what it may do. Its end is that of the key.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Returns when it was issued.
    #[must_use]
    pub const fn created_at(&self) -> SystemTime {
        self.created_at
    }

    /// Returns until when the secret before the last rotation is accepted, if it is.
    #[must_use]
    pub const fn previous_until(&self) -> Option<SystemTime> {
        self.previous_until
    }
}

impl ApiKeyAuth {
    /// Starts from the defaults, with the keys in `store`. `prefix` says in each key what it is: `sk`, `live`.
    ///
    /// Permitted: `[a-z][a-z0-9]{1,15}`. Refused: `s`, `SK`, `my_key`.
    pub fn builder(store: impl ApiKeyStore, prefix: impl Into<String>) -> ApiKeyAuthBuilder {
        ApiKeyAuthBuilder::new(store, prefix.into())
    }

    pub(super) fn new(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
            request: EventContext::default(),
        }
    }

    /// Returns the same keys for a handler of the request with these extensions: events of what it does go to the sink of the
    /// [`SecurityStack`](crate::SecurityStack) that the request came through, with the request's id and the client's address. A sink
    /// of its own, if it [was given one](ApiKeyAuthBuilder::events), hears of them instead.
    #[must_use]
    pub fn for_request(&self, extensions: &Extensions) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            request: EventContext::of(extensions),
        }
    }

    /// Makes a key that stands for `who` for so long, or with `None` until it is revoked.
    ///
    /// Of `who` are kept: subject, issuer, client, tenant, scopes and roles. Give a key no more than it needs, and never more than its
    /// maker has. What says how somebody has authenticated in person is left out.
    ///
    /// # Errors
    ///
    /// The subject is empty, the lifetime is zero or endless, the store fails or is full, or there is no randomness.
    ///
    /// # Cancel safety
    ///
    /// Dropped, there may be a key that nobody has.
    pub async fn issue(
        &self,
        who: &Principal,
        lifetime: Option<Duration>,
    ) -> Result<IssuedApiKey, ApiKeyError> {
        let inner = &*self.inner;
        if who.subject().is_empty() {
            return Err(ApiKeyError::SubjectEmpty);
        }
        let now = self.now()?;
        let mut principal = granted(who);
        if let Some(lifetime) = lifetime {
            let end = now.checked_add(lifetime).and_then(date);
            let end = end.filter(|end| *end > now);
            principal = principal.expires_at(end.ok_or(ApiKeyError::Lifetime)?);
        }
        let principal = principal.build();
        for _ in 0..DRAWS {
            let id = self.told(ApiKeyId::draw().ok_or(ApiKeyError::Randomness))?;
            let secret = self.told(KeySecret::draw().ok_or(ApiKeyError::Randomness))?;
            let record = ApiKeyRecord::new(id, &principal, now, inner.digest(id, &secret));
            if self.told(inner.store.create(&record).wait().await)? {
                let name = EventName::AuthnTokenCreated;
                self.tell(name, "api_key_issued", Some(who.subject()), id.as_str());
                return Ok(IssuedApiKey {
                    id,
                    key: write(&inner.prefix, id, &secret),
                });
            }
        }
        self.told(Err(ApiKeyError::Randomness))
    }

    /// Gives a key another secret; what it may do, its id and its end stay. The secret that it had is accepted for `overlap` more, so
    /// that clients are changed one by one; with [`Duration::ZERO`] it is dead at once. The one before it is dead: two at most are
    /// accepted.
    ///
    /// # Errors
    ///
    /// There is no such key, or it has expired; the store fails; there is no randomness.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the key may have a new secret that nobody has; the one that it had is accepted for `overlap`.
    pub async fn rotate(
        &self,
        id: ApiKeyId,
        overlap: Duration,
    ) -> Result<IssuedApiKey, ApiKeyError> {
        let inner = &*self.inner;
        let now = self.now()?;
        let until = if overlap.is_zero() {
            // A date that no clock comes back to: that of another node may be slow.
            SystemTime::UNIX_EPOCH
        } else {
            let until = now.checked_add(overlap).and_then(date);
            until.ok_or(ApiKeyError::Lifetime)?
        };
        let record = self.told(inner.store.find(&id).wait().await)?;
        let record = record.filter(|record| !record.principal().is_expired(now));
        let record = record.ok_or(ApiKeyError::Unknown)?;
        let secret = self.told(KeySecret::draw().ok_or(ApiKeyError::Randomness))?;
        let rotated = inner.store.rotate(&id, &inner.digest(id, &secret), until);
        if !self.told(rotated.wait().await)? {
            return Err(ApiKeyError::Unknown);
        }
        let subject = record.principal().subject();
        self.tell(
            EventName::AuthnTokenCreated,
            "api_key_rotated",
            Some(subject),
            id.as_str(),
        );
        Ok(IssuedApiKey {
            id,
            key: write(&inner.prefix, id, &secret),
        })
    }

    /// Ends a key at once, and says whether there was one.
    ///
    /// It looks at no owner: a handler that lets users revoke their own keys looks the id up in [`list`](Self::list) first.
    ///
    /// # Errors
    ///
    /// The store fails.
    pub async fn revoke(&self, id: ApiKeyId) -> Result<bool, ApiKeyError> {
        let was_there = self.told(self.inner.store.revoke(&id).wait().await)?;
        if was_there {
            self.tell(
                EventName::AuthnTokenRevoked,
                "api_key_revoked",
                None,
                id.as_str(),
            );
        }
        Ok(was_there)
    }

    /// Ends all keys of a subject, and says how many.
    ///
    /// # Errors
    ///
    /// The store fails.
    pub async fn revoke_subject(&self, subject: &str) -> Result<u64, ApiKeyError> {
        let inner = &*self.inner;
        let ended = self.told(inner.store.revoke_subject(subject).wait().await)?;
        if ended > 0 {
            let (name, code) = (EventName::AuthnTokenRevoked, "api_keys_revoked");
            self.tell(name, code, Some(subject), "");
        }
        Ok(ended)
    }

    /// Returns the keys of a subject that have not expired, the oldest first.
    ///
    /// # Errors
    ///
    /// The store fails, or the clock stands before 1970.
    pub async fn list(&self, subject: &str) -> Result<Vec<ApiKeyInfo>, ApiKeyError> {
        let now = self.now()?;
        let all = self.told(self.inner.store.list(subject).wait().await)?;
        let valid = all
            .into_iter()
            .filter(|record| !record.principal().is_expired(now));
        let info = |record: ApiKeyRecord| ApiKeyInfo {
            id: record.id(),
            principal: record.principal().clone(),
            created_at: record.created_at(),
            previous_until: record
                .previous()
                .map(|(_, until)| *until)
                .filter(|until| now < *until),
        };
        Ok(valid.map(info).collect())
    }

    /// Removes keys that have expired from the store, and says how many. Redis does so by itself.
    ///
    /// # Errors
    ///
    /// The store fails, or the clock stands before 1970.
    pub async fn purge(&self) -> Result<u64, ApiKeyError> {
        let now = self.now()?;
        self.told(self.inner.store.purge(now).wait().await)
    }

    /// The time, which has to be one that ends can be reckoned from.
    fn now(&self) -> Result<SystemTime, ApiKeyError> {
        self.told(self.inner.now().ok_or(ApiKeyError::Clock))
    }

    /// What a store or the system answered; a failure is told of.
    fn told<T>(&self, answer: Result<T, impl Into<ApiKeyError>>) -> Result<T, ApiKeyError> {
        answer.map_err(|error| {
            let error = error.into();
            if let Some((name, failure)) = error.fault() {
                let inner = &*self.inner;
                inner
                    .faults
                    .tell(&self.request, &inner.events, (name, &failure));
            }
            error
        })
    }

    fn tell(&self, name: EventName, code: &'static str, subject: Option<&str>, id: &str) {
        let what = (name, LAYER, code);
        self.request.tell(&self.inner.events, what, |event| {
            let event = event.target(id);
            match subject {
                Some(subject) => event.principal(subject),
                None => event,
            }
        });
    }

    /// How a bearer token begins that is a key, if any is.
    pub(in crate::auth) fn bearer_prefix(&self) -> Option<&str> {
        self.inner.in_bearer.as_deref()
    }
}

impl fmt::Debug for ApiKeyAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyAuth")
            .field("prefix", &self.inner.prefix)
            .field("header", &self.inner.header)
            .field("in_bearer", &self.inner.in_bearer.is_some())
            .finish_non_exhaustive()
    }
}
