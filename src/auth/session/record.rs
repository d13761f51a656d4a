//! What a store keeps of a session.

use std::time::SystemTime;

use crate::core::record::{Reader, Tag, Writer, copied, corrupt};
use crate::core::{AuthMethod, Principal, PrincipalBuilder, StoreError};

const SID: Tag = Tag::own(0);
const EXPIRES_AT: Tag = Tag::own(1);
const CREATED_AT: Tag = Tag::own(2);
const SEEN_AT: Tag = Tag::own(3);
const ENDS_AT: Tag = Tag::own(4);

/// What a [`SessionStore`](super::SessionStore) keeps of a session: who is logged in, and since when. A clone costs one reference count.
///
/// # Example
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use tower_security::auth::session::SessionRecord;
/// use tower_security::core::Principal;
///
/// let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
/// let alice = Principal::builder("alice").session_id("s-1").build();
/// let record = SessionRecord::new(&alice, now, now + Duration::from_secs(1_800));
/// let read = SessionRecord::from_bytes(&record.to_bytes())?;
/// assert_eq!(read.principal().subject(), "alice");
/// assert_eq!(read.ends_at(), now + Duration::from_secs(1_800));
/// # Ok::<(), tower_security::core::StoreError>(())
/// ```
#[derive(Clone, Debug)]
pub struct SessionRecord {
    principal: Principal,
    created_at: SystemTime,
    seen_at: SystemTime,
    ends_at: SystemTime,
}

impl SessionRecord {
    /// Makes the record of a session that is new at `created_at` and over at `ends_at` unless it is used. For tests of a store:
    /// [`SessionAuth`](super::SessionAuth) makes those of real sessions. A principal without an end of its own gets `ends_at`, and
    /// what says how it was authenticated before is left out.
    #[must_use]
    pub fn new(principal: &Principal, created_at: SystemTime, ends_at: SystemTime) -> Self {
        let own = copied(principal)
            .session_id(principal.session_id().unwrap_or_default())
            .expires_at(principal.expires_at().unwrap_or(ends_at));
        Self::of(own, created_at).touched(created_at, ends_at)
    }

    /// Of what `copied` made of a principal, with the name and the end of the session. The end is when it is over.
    pub(super) fn of(own: PrincipalBuilder, created_at: SystemTime) -> Self {
        let principal = own.method(AuthMethod::Session).build();
        let ends_at = principal.expires_at().unwrap_or(created_at);
        Self {
            principal,
            created_at,
            seen_at: created_at,
            ends_at,
        }
    }

    /// Returns who is logged in. Its end is that of the session however often it is used.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Returns when somebody logged in.
    #[must_use]
    pub const fn created_at(&self) -> SystemTime {
        self.created_at
    }

    /// Returns when it was last used, as far as the store was told: not for every request.
    #[must_use]
    pub const fn seen_at(&self) -> SystemTime {
        self.seen_at
    }

    /// Returns until when a store keeps it, unless it is used.
    #[must_use]
    pub const fn ends_at(&self) -> SystemTime {
        self.ends_at
    }

    /// Returns the record after a use, for stores that keep these two dates by themselves.
    #[must_use]
    pub fn touched(mut self, seen_at: SystemTime, ends_at: SystemTime) -> Self {
        self.seen_at = seen_at;
        self.ends_at = ends_at;
        self
    }

    /// Returns the record as bytes, for stores: dates in milliseconds, no secret. A version in it says how they are read.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new(&self.principal);
        if let Some(sid) = self.principal.session_id() {
            writer.bytes(SID, sid.as_bytes());
        }
        if let Some(end) = self.principal.expires_at() {
            writer.time(EXPIRES_AT, end);
        }
        writer.time(CREATED_AT, self.created_at);
        writer.time(SEEN_AT, self.seen_at);
        writer.time(ENDS_AT, self.ends_at);
        writer.finish()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Corrupt`](crate::core::StoreErrorKind::Corrupt) for anything else, a field of a later version included.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StoreError> {
        Self::read(bytes).ok_or_else(|| corrupt("session"))
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let record = Reader::new(bytes)?;
        if !record.has_only(&[SID, EXPIRES_AT, CREATED_AT, SEEN_AT, ENDS_AT]) {
            return None;
        }
        let principal = record
            .principal()?
            .method(AuthMethod::Session)
            .session_id(record.text(SID)?)
            .expires_at(record.time(EXPIRES_AT)?)
            .build();
        Some(Self {
            principal,
            created_at: record.time(CREATED_AT)?,
            seen_at: record.time(SEEN_AT)?,
            ends_at: record.time(ENDS_AT)?,
        })
    }
}
