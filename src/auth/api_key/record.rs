//! What a store keeps of an API key.

use std::fmt;
use std::time::SystemTime;

use super::text::ApiKeyId;
use crate::core::record::{Reader, Tag, Writer, corrupt, granted, time};
use crate::core::{AuthMethod, Principal, Secret, StoreError};

const ID: Tag = Tag::own(0);
const EXPIRES_AT: Tag = Tag::own(1);
const CREATED_AT: Tag = Tag::own(2);
const PREVIOUS: Tag = Tag::own(3);
const PREVIOUS_UNTIL: Tag = Tag::own(4);
/// Written last: a record that was cut has none.
const DIGEST: Tag = Tag::own(5);

/// The digest of a key's secret: HMAC-SHA-256 with the server's key, or SHA-256. Compared in constant time.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeyDigest(Secret<[u8; 32]>);

impl ApiKeyDigest {
    /// Takes a digest as [`as_bytes`](Self::as_bytes) gave it, for a store.
    #[must_use]
    pub const fn from_bytes(digest: [u8; 32]) -> Self {
        Self(Secret::new(digest))
    }

    /// Returns the digest, for a store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.expose()
    }
}

impl fmt::Debug for ApiKeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeyDigest(..)")
    }
}

/// What an [`ApiKeyStore`](super::ApiKeyStore) keeps of a key: whom it stands for, and the digests of its secrets.
///
/// # Example
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use tower_security::auth::api_key::{ApiKeyDigest, ApiKeyRecord};
/// use tower_security::core::Principal;
///
/// let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
/// let robot = Principal::builder("robot").scopes(["orders:read"]).build();
/// let digest = ApiKeyDigest::from_bytes([7; 32]);
/// let record = ApiKeyRecord::new("0a1B2c3D4e5F".parse()?, &robot, now, digest.clone());
/// let read = ApiKeyRecord::from_bytes(&record.to_bytes())?;
/// assert_eq!((read.id().as_str(), read.digest()), ("0a1B2c3D4e5F", &digest));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ApiKeyRecord {
    id: ApiKeyId,
    principal: Principal,
    created_at: SystemTime,
    digest: ApiKeyDigest,
    previous: Option<(ApiKeyDigest, SystemTime)>,
}

impl ApiKeyRecord {
    /// Makes the record of a key that was issued at `created_at`. For tests of a store:
    /// [`ApiKeyAuth::issue`](super::ApiKeyAuth::issue) makes those of real keys.
    ///
    /// What the principal says of an authentication in person (`acr`, `amr`, `auth_time`) is left out: a key proves none.
    #[must_use]
    pub fn new(
        id: ApiKeyId,
        principal: &Principal,
        created_at: SystemTime,
        digest: ApiKeyDigest,
    ) -> Self {
        let own = granted(principal)
            .method(AuthMethod::ApiKey)
            .token_id(id.as_str());
        let own = match principal.expires_at() {
            Some(end) => own.expires_at(end),
            None => own,
        };
        Self {
            id,
            principal: own.build(),
            created_at,
            digest,
            previous: None,
        }
    }

    /// Returns the id.
    #[must_use]
    pub const fn id(&self) -> ApiKeyId {
        self.id
    }

    /// Returns whom the key stands for. Its end is that of the key.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Returns when the key was issued.
    #[must_use]
    pub const fn created_at(&self) -> SystemTime {
        self.created_at
    }

    /// Returns the digest of the secret.
    #[must_use]
    pub const fn digest(&self) -> &ApiKeyDigest {
        &self.digest
    }

    /// Returns the digest of the secret before, and until when it is accepted.
    #[must_use]
    pub const fn previous(&self) -> Option<&(ApiKeyDigest, SystemTime)> {
        self.previous.as_ref()
    }

    /// Returns the record with another secret. The one that it had is accepted until `previous_until`, the one before not any more.
    #[must_use]
    pub fn rotated(self, digest: ApiKeyDigest, previous_until: SystemTime) -> Self {
        Self {
            previous: Some((self.digest, previous_until)),
            digest,
            ..self
        }
    }

    /// The record with the digests that a store keeps by themselves.
    #[cfg(feature = "redis")]
    pub(crate) fn with_digests(
        self,
        digest: ApiKeyDigest,
        previous: Option<(ApiKeyDigest, SystemTime)>,
    ) -> Self {
        Self {
            digest,
            previous,
            ..self
        }
    }

    /// Whether the digest is that of a secret that is accepted at `now`. Takes the same steps for every digest.
    pub(super) fn accepts(&self, digest: &ApiKeyDigest, now: SystemTime) -> bool {
        let is_previous = self
            .previous
            .as_ref()
            .is_some_and(|(previous, until)| (previous == digest) & (now < *until));
        (self.digest == *digest) | is_previous
    }

    /// Returns the record as bytes, for stores: dates in milliseconds, digests and no secret. A version in it says how they are read.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new(&self.principal);
        writer.bytes(ID, self.id.as_str().as_bytes());
        if let Some(end) = self.principal.expires_at() {
            writer.time(EXPIRES_AT, end);
        }
        writer.time(CREATED_AT, self.created_at);
        if let Some((previous, until)) = &self.previous {
            writer.bytes(PREVIOUS, previous.as_bytes());
            writer.time(PREVIOUS_UNTIL, *until);
        }
        writer.bytes(DIGEST, self.digest.as_bytes());
        writer.finish()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Corrupt`](crate::core::StoreErrorKind::Corrupt) for anything else, a field of a later version included.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StoreError> {
        Self::read(bytes).ok_or_else(|| corrupt("API key"))
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let record = Reader::new(bytes)?;
        let known = [ID, EXPIRES_AT, CREATED_AT, PREVIOUS, PREVIOUS_UNTIL, DIGEST];
        if !record.has_only(&known) {
            return None;
        }
        let id: ApiKeyId = record.text(ID)?.parse().ok()?;
        let mut principal = record.principal()?;
        if let Some(end) = record.optional(EXPIRES_AT)? {
            principal = principal.expires_at(time(end)?);
        }
        let digest = |bytes: &[u8]| bytes.try_into().ok().map(ApiKeyDigest::from_bytes);
        let until = record.optional(PREVIOUS_UNTIL)?;
        let previous = match (record.optional(PREVIOUS)?, until) {
            (Some(previous), Some(until)) => Some((digest(previous)?, time(until)?)),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return None,
        };
        let own = digest(record.bytes(DIGEST)?)?;
        let created_at = record.time(CREATED_AT)?;
        Some(Self {
            previous,
            ..Self::new(id, &principal.build(), created_at, own)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_record_is_read_back_whole_or_not_at_all() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let who = Principal::builder("robot")
            .tenant("acme")
            .scopes(["orders:read"])
            .acr("aal2")
            .amr(["otp"])
            .auth_time(at(1))
            .expires_at(at(9))
            .build();
        let id: ApiKeyId = "0a1B2c3D4e5F".parse().unwrap();
        let digest = |byte| ApiKeyDigest::from_bytes([byte; 32]);
        let record = ApiKeyRecord::new(id, &who, at(2), digest(1)).rotated(digest(2), at(5));
        let bytes = record.to_bytes();
        let read = ApiKeyRecord::from_bytes(&bytes).unwrap();
        let who = read.principal();
        assert_eq!((who.subject(), who.tenant()), ("robot", Some("acme")));
        assert_eq!(who.method(), AuthMethod::ApiKey);
        assert_eq!(who.token_id(), Some("0a1B2c3D4e5F"));
        assert!(who.has_scope("orders:read"));
        assert_eq!(
            (who.acr(), who.auth_time(), who.amr().count()),
            (None, None, 0)
        );
        assert_eq!(who.expires_at(), Some(at(9)));
        assert_eq!((read.digest(), read.created_at()), (&digest(2), at(2)));
        assert_eq!(read.previous(), Some(&(digest(1), at(5))));

        for end in 0..bytes.len() {
            assert!(ApiKeyRecord::from_bytes(&bytes[..end]).is_err(), "{end}");
        }
        for (tag, length, why) in [
            (65, 8, "two ends"),
            (67, 32, "two digests"),
            (70, 1, "unknown"),
        ] {
            let mut field = vec![tag, 0, 0, 0, length];
            field.resize(5 + usize::from(length), 0);
            let more = [&bytes[..], &field].concat();
            assert!(ApiKeyRecord::from_bytes(&more).is_err(), "{why}");
        }
        assert!(!format!("{record:?}").contains("1, 1"));
    }

    #[test]
    fn two_secrets_are_accepted_at_most() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let digest = |byte| ApiKeyDigest::from_bytes([byte; 32]);
        let who = Principal::builder("robot").build();
        let id = "0a1B2c3D4e5F".parse().unwrap();
        let record = ApiKeyRecord::new(id, &who, at(0), digest(1)).rotated(digest(2), at(10));
        let accepted = |record: &ApiKeyRecord, now| {
            [1, 2, 3].map(|byte| record.accepts(&digest(byte), at(now)))
        };
        assert_eq!(accepted(&record, 9), [true, true, false]);
        assert_eq!(accepted(&record, 10), [false, true, false]);
        let again = record.rotated(digest(3), at(20));
        assert_eq!(accepted(&again, 9), [false, true, true]);
        assert_eq!(accepted(&again, 20), [false, false, true]);
    }
}
