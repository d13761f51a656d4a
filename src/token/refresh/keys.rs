//! The keys that the secret of a generation is derived from the one before with.

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::family::FamilyId;
use super::text::FamilySecret;

/// What a derived secret is for: another use of the same key would begin otherwise.
const PURPOSE: &[u8] = b"rt1";

/// The key in force, those that were, and what the secrets are for.
pub(super) struct RotationKeys {
    /// That of the issuer: on one store, a token is one of the service whose access tokens it was made for.
    pub(super) realm: [u8; 32],
    pub(super) current: RotationKey,
    pub(super) old: Vec<RotationKey>,
}

pub(super) struct RotationKey {
    pub(super) id: Arc<str>,
    mac: Hmac<Sha256>,
}

impl RotationKey {
    pub(super) fn new(id: &str, key: &[u8]) -> Option<Self> {
        Some(Self {
            id: id.into(),
            mac: Hmac::new_from_slice(key).ok()?,
        })
    }

    /// The secret of a generation, from that of the one before: the same each time, and without the key and that secret unknown.
    pub(super) fn derive(
        &self,
        family: &FamilyId,
        generation: u32,
        before: &FamilySecret,
    ) -> FamilySecret {
        let mut mac = self.mac.clone();
        mac.update(PURPOSE);
        mac.update(family.as_bytes());
        mac.update(&generation.to_be_bytes());
        mac.update(before.as_bytes());
        FamilySecret::from_bytes(mac.finalize().into_bytes().into())
    }
}

impl RotationKeys {
    /// What a store knows of a secret.
    pub(super) fn digest(&self, secret: &FamilySecret) -> [u8; 32] {
        secret.digest(&self.realm)
    }

    pub(super) fn find(&self, id: &str) -> Option<&RotationKey> {
        let mut all = std::iter::once(&self.current).chain(&self.old);
        all.find(|key| *key.id == *id)
    }
}

impl fmt::Debug for RotationKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let old = self.old.iter().map(|key| &key.id);
        f.debug_struct("RotationKeys")
            .field("current", &self.current.id)
            .field("old", &old.collect::<Vec<_>>())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_successor_is_the_hmac_of_all_that_it_belongs_to() {
        // `printf 'rt1<16 x 01><00000002><32 x 03>' | openssl dgst -sha256 -mac HMAC -macopt hexkey:<32 x 04>`.
        let key = RotationKey::new("k", &[4; 32]).unwrap();
        let family = FamilyId::from_bytes([1; 16]);
        let before = FamilySecret::from_bytes([3; 32]);
        let next = key.derive(&family, 2, &before);
        let hex: String = next
            .as_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(
            hex,
            "cb6cb6df100bef2c7405ae0cee20da5dad41e95fb74ff7d11ae44f010a9f87d1"
        );

        let differs = |other: &FamilySecret| other.as_bytes() != next.as_bytes();
        assert!(differs(&key.derive(&family, 3, &before)));
        assert!(differs(&key.derive(
            &FamilyId::from_bytes([2; 16]),
            2,
            &before
        )));
        assert!(differs(&key.derive(&family, 2, &next)));
        let other = RotationKey::new("k", &[5; 32]).unwrap();
        assert!(differs(&other.derive(&family, 2, &before)));
    }
}
