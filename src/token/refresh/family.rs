//! What a store keeps of a family: the tokens that came one out of the other since a login.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::super::grant::KeptClaims;
use super::keys::RotationKeys;
use super::text::FamilySecret;
use crate::core::record::copied;
use crate::core::{Principal, random};

/// How often the keys of one family may have changed so that its early tokens are still told from forged ones.
const MOST_SPANS: usize = 8;

/// The key of a family in a store: 128 random bits, a part of each of its tokens.
///
/// It opens nothing. Logs, access tokens and the pages of a user name a family by the digest of it, [`RefreshInfo::id`](super::RefreshInfo::id).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FamilyId([u8; 16]);

impl FamilyId {
    /// `None` when there is no randomness.
    pub(super) fn draw() -> Option<Self> {
        random::bytes().map(Self)
    }

    /// Takes an id as [`as_bytes`](Self::as_bytes) gave it, for a store.
    #[must_use]
    pub const fn from_bytes(id: [u8; 16]) -> Self {
        Self(id)
    }

    /// Returns the id, for a store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The `sid` of the family's access tokens, which says nothing of the id.
    pub(super) fn session_id(&self) -> String {
        let digest = Sha256::new().chain_update("sid").chain_update(self.0);
        let digest = digest.finalize();
        let half = digest.first_chunk::<16>().copied().unwrap_or_default();
        URL_SAFE_NO_PAD.encode(half)
    }
}

impl fmt::Debug for FamilyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FamilyId(..)")
    }
}

/// Why a family has ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevokeReason {
    /// The subject has too many, and this was the oldest.
    Limit,
    /// Somebody has logged out.
    Logout,
    /// A token came that had been replaced: it may have been stolen.
    Reuse,
    /// All of the subject were ended.
    Subject,
}

impl RevokeReason {
    /// Returns the name in snake case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Logout => "logout",
            Self::Reuse => "reuse",
            Self::Subject => "subject",
        }
    }

    /// The reason of this name, for a store.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Limit, Self::Logout, Self::Reuse, Self::Subject]
            .into_iter()
            .find(|reason| reason.as_str() == name)
    }
}

impl fmt::Display for RevokeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// From which generation on successors were derived with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeySpan {
    pub(super) from: u32,
    pub(super) key: Arc<str>,
}

/// What a [`RefreshStore`](super::RefreshStore) keeps of a family: whose it is, digests of the last two secrets, dates. A clone costs
/// a few reference counts.
///
/// Nothing in it is a token, and none can be made of it: not with the rotation key either.
///
/// # Example
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use tower_security::core::Principal;
/// use tower_security::token::{FamilyId, FamilyRecord};
///
/// let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
/// let alice = Principal::builder("alice").client_id("web").build();
/// let end = now + Duration::from_secs(3_600);
/// let record = FamilyRecord::new(FamilyId::from_bytes([7; 16]), &alice, now, end);
/// let read = FamilyRecord::from_bytes(&record.to_bytes())?;
/// assert_eq!(read.principal().subject(), "alice");
/// assert_eq!((read.generation(), read.ends_at()), (0, end));
/// # Ok::<(), tower_security::core::StoreError>(())
/// ```
#[derive(Clone)]
pub struct FamilyRecord {
    pub(super) id: FamilyId,
    pub(super) generation: u32,
    pub(super) current: [u8; 32],
    pub(super) previous: Option<[u8; 32]>,
    pub(super) spans: Arc<[KeySpan]>,
    pub(super) rotated_at: SystemTime,
    pub(super) created_at: SystemTime,
    pub(super) idle_until: SystemTime,
    pub(super) absolute_until: SystemTime,
    pub(super) principal: Principal,
    /// Claims of the application's, each with its JSON.
    pub(super) claims: KeptClaims,
    pub(super) label: Option<Arc<str>>,
    pub(super) address: Option<IpAddr>,
    pub(super) revoked: Option<(SystemTime, RevokeReason)>,
}

/// What is new in a family that has rotated.
pub(super) struct Rotated<'a> {
    /// The digest of the secret that was presented.
    pub(super) presented: [u8; 32],
    pub(super) next: &'a FamilySecret,
    pub(super) now: SystemTime,
    pub(super) idle: Duration,
    pub(super) address: Option<IpAddr>,
}

impl FamilyRecord {
    /// Makes the record of a family that nobody has a token of, for tests of a store: [`RefreshService`](super::RefreshService) makes
    /// those of real ones. Of `principal` is kept what a [`Grant`](super::super::Grant) holds.
    #[must_use]
    pub fn new(
        id: FamilyId,
        principal: &Principal,
        created_at: SystemTime,
        ends_at: SystemTime,
    ) -> Self {
        let mut own = copied(principal)
            .session_id(id.session_id())
            .expires_at(ends_at);
        if let Some(confirmation) = principal.confirmation() {
            own = own.confirmation(confirmation);
        }
        Self {
            id,
            generation: 0,
            current: [0; 32],
            previous: None,
            spans: Arc::default(),
            rotated_at: created_at,
            created_at,
            idle_until: ends_at,
            absolute_until: ends_at,
            principal: own.build(),
            claims: Arc::default(),
            label: None,
            address: None,
            revoked: None,
        }
    }

    /// Returns the key of the family.
    #[must_use]
    pub const fn id(&self) -> FamilyId {
        self.id
    }

    /// Returns how often it has rotated.
    #[must_use]
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// Returns for whom its tokens are, as they were granted at the login. Its session is the public name of the family, and its end the
    /// latest that the family has.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Returns when somebody logged in.
    #[must_use]
    pub const fn created_at(&self) -> SystemTime {
        self.created_at
    }

    /// Returns when it rotated last.
    #[must_use]
    pub const fn rotated_at(&self) -> SystemTime {
        self.rotated_at
    }

    /// Returns when it ends if it is not used. From then on a store need not keep it, revoked or not.
    #[must_use]
    pub const fn ends_at(&self) -> SystemTime {
        self.idle_until
    }

    /// Returns what the device was called at the login.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// Returns the address that it was used from last.
    #[must_use]
    pub const fn client_ip(&self) -> Option<IpAddr> {
        self.address
    }

    /// Returns when and why it has ended before its time.
    #[must_use]
    pub const fn revoked(&self) -> Option<(SystemTime, RevokeReason)> {
        self.revoked
    }

    /// Returns the record of the family after it was revoked. The first time counts.
    #[must_use]
    pub fn into_revoked(mut self, reason: RevokeReason, at: SystemTime) -> Self {
        self.revoked.get_or_insert((at, reason));
        self
    }

    pub(super) fn is_over(&self, now: SystemTime) -> bool {
        now >= self.idle_until || now >= self.absolute_until
    }

    /// Which key the successor of a generation was derived with.
    pub(super) fn key_of(&self, generation: u32) -> Option<&str> {
        let mut spans = self.spans.iter().rev();
        spans
            .find(|span| span.from <= generation)
            .map(|span| &*span.key)
    }

    /// The record after a rotation; `None` at the last generation that can be counted.
    pub(super) fn rotated(&self, keys: &RotationKeys, to: &Rotated<'_>) -> Option<Self> {
        let idle_until = to.now.checked_add(to.idle).unwrap_or(self.absolute_until);
        Some(Self {
            generation: self.generation.checked_add(1)?,
            current: keys.digest(to.next),
            previous: Some(to.presented),
            spans: self.spans_under(keys),
            rotated_at: to.now,
            idle_until: idle_until.min(self.absolute_until),
            address: to.address,
            ..self.clone()
        })
    }

    /// What was derived with keys that are gone cannot be followed any more, nor what came before.
    fn spans_under(&self, keys: &RotationKeys) -> Arc<[KeySpan]> {
        let current = &keys.current.id;
        if self.spans.last().is_some_and(|last| last.key == *current) {
            return Arc::clone(&self.spans);
        }
        let known = self.spans.iter().rev();
        let known = known.take_while(|span| keys.find(&span.key).is_some());
        let mut spans: Vec<_> = std::iter::once(KeySpan {
            from: self.generation,
            key: Arc::clone(current),
        })
        .chain(known.cloned())
        .take(MOST_SPANS)
        .collect();
        spans.reverse();
        spans.into()
    }
}

impl fmt::Debug for FamilyRecord {
    /// Shows whose it is: digests and ids are of no use in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FamilyRecord")
            .field("subject", &self.principal.subject())
            .field("generation", &self.generation)
            .field("revoked", &self.revoked)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::RotationKey;
    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn keys(current: &str, old: &[&str]) -> RotationKeys {
        let key = |id: &str| RotationKey::new(id, &[7; 32]).unwrap();
        RotationKeys {
            realm: [0; 32],
            current: key(current),
            old: old.iter().map(|id| key(id)).collect(),
        }
    }

    fn rotated(row: &FamilyRecord, keys: &RotationKeys) -> Option<FamilyRecord> {
        let to = Rotated {
            presented: row.current,
            next: &FamilySecret::from_bytes([9; 32]),
            now: NOW + Duration::from_secs(5),
            idle: Duration::from_secs(60),
            address: None,
        };
        row.rotated(keys, &to)
    }

    fn spans(row: &FamilyRecord) -> Vec<(u32, &str)> {
        let spans = row.spans.iter();
        spans.map(|span| (span.from, &*span.key)).collect()
    }

    fn row() -> FamilyRecord {
        let end = NOW + Duration::from_secs(30);
        let who = Principal::builder("alice").build();
        FamilyRecord::new(FamilyId::from_bytes([1; 16]), &who, NOW, end)
    }

    #[test]
    fn the_last_generation_that_can_be_counted_is_the_last() {
        let keys = keys("one", &[]);
        let mut row = row();
        row.generation = u32::MAX - 1;
        let last = rotated(&row, &keys).unwrap();
        assert_eq!(last.generation, u32::MAX);
        assert_eq!(last.previous, Some([0; 32]));
        assert_eq!(last.idle_until, row.absolute_until, "not longer than any");
        assert!(rotated(&last, &keys).is_none());
    }

    #[test]
    fn each_generation_remembers_its_key_while_that_is_known() {
        let first = rotated(&row(), &keys("one", &[])).unwrap();
        let first = rotated(&first, &keys("one", &[])).unwrap();
        assert_eq!(spans(&first), [(0, "one")]);
        let second = rotated(&first, &keys("two", &["one"])).unwrap();
        assert_eq!(spans(&second), [(0, "one"), (2, "two")]);
        let third = rotated(&second, &keys("three", &["one", "two"])).unwrap();
        let of = [0, 1, 2, 3, 4].map(|generation| third.key_of(generation).unwrap());
        assert_eq!(of, ["one", "one", "two", "three", "three"]);
        // Without the second nobody comes from the first to the third.
        let third = rotated(&second, &keys("three", &["one"])).unwrap();
        assert_eq!(spans(&third), [(3, "three")]);
        assert_eq!(third.key_of(2), None);
    }

    #[test]
    fn a_reason_has_a_name() {
        for (reason, name) in [
            (RevokeReason::Limit, "limit"),
            (RevokeReason::Logout, "logout"),
            (RevokeReason::Reuse, "reuse"),
            (RevokeReason::Subject, "subject"),
        ] {
            assert_eq!(reason.to_string(), name);
            assert_eq!(RevokeReason::parse(name), Some(reason));
        }
        assert_eq!(RevokeReason::parse("Limit"), None);
    }
}
