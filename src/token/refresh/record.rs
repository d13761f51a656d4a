//! A family as bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::SystemTime;

use super::super::grant::KeptClaims;
use super::family::{FamilyId, FamilyRecord, KeySpan, RevokeReason};
use crate::core::record::{Reader, Tag, Writer, corrupt, millis, time};
use crate::core::{Confirmation, StoreError};

const ID: Tag = Tag::own(0);
const GENERATION: Tag = Tag::own(1);
const CURRENT: Tag = Tag::own(2);
const PREVIOUS: Tag = Tag::own(3);
const SPANS: Tag = Tag::own(4);
const ROTATED_AT: Tag = Tag::own(5);
const CREATED_AT: Tag = Tag::own(6);
const IDLE_UNTIL: Tag = Tag::own(7);
const ABSOLUTE_UNTIL: Tag = Tag::own(8);
const CONFIRMATION: Tag = Tag::own(9);
const CLAIMS: Tag = Tag::own(10);
const LABEL: Tag = Tag::own(11);
const ADDRESS: Tag = Tag::own(12);
const REVOKED: Tag = Tag::own(13);

const ALL: [Tag; 14] = [
    ID,
    GENERATION,
    CURRENT,
    PREVIOUS,
    SPANS,
    ROTATED_AT,
    CREATED_AT,
    IDLE_UNTIL,
    ABSOLUTE_UNTIL,
    CONFIRMATION,
    CLAIMS,
    LABEL,
    ADDRESS,
    REVOKED,
];

/// What a confirmation is the digest of.
const CERTIFICATE: u8 = 1;
const JWK: u8 = 2;

impl FamilyRecord {
    /// Returns the record as bytes, for stores: dates in milliseconds, no secret. A version in it says how they are read.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new(&self.principal);
        writer.bytes(ID, self.id.as_bytes());
        writer.bytes(GENERATION, &self.generation.to_be_bytes());
        writer.bytes(CURRENT, &self.current);
        if let Some(previous) = &self.previous {
            writer.bytes(PREVIOUS, previous);
        }
        writer.bytes(SPANS, &spans_to_bytes(&self.spans));
        for (tag, date) in [
            (ROTATED_AT, self.rotated_at),
            (CREATED_AT, self.created_at),
            (IDLE_UNTIL, self.idle_until),
            (ABSOLUTE_UNTIL, self.absolute_until),
        ] {
            writer.time(tag, date);
        }
        if let Some(confirmation) = self.principal.confirmation() {
            let (kind, digest) = match confirmation {
                Confirmation::CertificateSha256(digest) => (CERTIFICATE, digest),
                Confirmation::JwkSha256(digest) => (JWK, digest),
            };
            writer.bytes(CONFIRMATION, &[&[kind], &digest[..]].concat());
        }
        writer.bytes(CLAIMS, &claims_to_bytes(&self.claims));
        if let Some(label) = &self.label {
            writer.bytes(LABEL, label.as_bytes());
        }
        match self.address {
            Some(IpAddr::V4(address)) => writer.bytes(ADDRESS, &address.octets()),
            Some(IpAddr::V6(address)) => writer.bytes(ADDRESS, &address.octets()),
            None => {}
        }
        if let Some((at, reason)) = self.revoked {
            let at = millis(at).to_be_bytes();
            writer.bytes(REVOKED, &[&at[..], reason.as_str().as_bytes()].concat());
        }
        writer.finish()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Corrupt`](crate::core::StoreErrorKind::Corrupt) for anything else, a field of a later version included.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StoreError> {
        Self::read(bytes).ok_or_else(|| corrupt("family of refresh tokens"))
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let record = Reader::new(bytes)?;
        if !record.has_only(&ALL) {
            return None;
        }
        let id = FamilyId::from_bytes(record.bytes(ID)?.try_into().ok()?);
        let absolute_until = record.time(ABSOLUTE_UNTIL)?;
        let mut principal = record
            .principal()?
            .session_id(id.session_id())
            .expires_at(absolute_until);
        if let Some(bytes) = record.optional(CONFIRMATION)? {
            principal = principal.confirmation(confirmation(bytes)?);
        }
        Some(Self {
            id,
            generation: u32::from_be_bytes(record.bytes(GENERATION)?.try_into().ok()?),
            current: record.bytes(CURRENT)?.try_into().ok()?,
            previous: match record.optional(PREVIOUS)? {
                Some(digest) => Some(digest.try_into().ok()?),
                None => None,
            },
            spans: spans(record.bytes(SPANS)?)?,
            rotated_at: record.time(ROTATED_AT)?,
            created_at: record.time(CREATED_AT)?,
            idle_until: record.time(IDLE_UNTIL)?,
            absolute_until,
            principal: principal.build(),
            claims: claims(record.bytes(CLAIMS)?)?,
            label: match record.optional(LABEL)? {
                Some(label) => Some(std::str::from_utf8(label).ok()?.into()),
                None => None,
            },
            address: match record.optional(ADDRESS)? {
                Some(bytes) => Some(address(bytes)?),
                None => None,
            },
            revoked: match record.optional(REVOKED)? {
                Some(bytes) => Some(revoked(bytes)?),
                None => None,
            },
        })
    }
}

/// Generation, length and id of each.
fn spans_to_bytes(spans: &[KeySpan]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for span in spans {
        bytes.extend_from_slice(&span.from.to_be_bytes());
        // The builder takes no longer ones.
        bytes.push(u8::try_from(span.key.len()).unwrap_or(u8::MAX));
        bytes.extend_from_slice(span.key.as_bytes());
    }
    bytes
}

fn spans(mut bytes: &[u8]) -> Option<Arc<[KeySpan]>> {
    let mut spans = Vec::new();
    while let Some((from, rest)) = bytes.split_first_chunk::<4>() {
        let (length, rest) = rest.split_first()?;
        let (key, rest) = rest.split_at_checked(usize::from(*length))?;
        spans.push(KeySpan {
            from: u32::from_be_bytes(*from),
            key: std::str::from_utf8(key).ok()?.into(),
        });
        bytes = rest;
    }
    bytes.is_empty().then(|| spans.into())
}

/// Length and name, length and JSON of each.
fn claims_to_bytes(claims: &[(Box<str>, Box<str>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for text in claims.iter().flat_map(|(name, json)| [name, json]) {
        // What is too long for an issuer is never kept.
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes
}

fn claims(mut bytes: &[u8]) -> Option<KeptClaims> {
    let mut text = || -> Option<Box<str>> {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (text, rest) = rest.split_at_checked(length)?;
        bytes = rest;
        Some(std::str::from_utf8(text).ok()?.into())
    };
    let mut claims = Vec::new();
    while let Some(name) = text() {
        claims.push((name, text()?));
    }
    bytes.is_empty().then(|| claims.into())
}

fn confirmation(bytes: &[u8]) -> Option<Confirmation> {
    let (kind, digest) = bytes.split_first()?;
    let digest = digest.try_into().ok()?;
    match *kind {
        CERTIFICATE => Some(Confirmation::CertificateSha256(digest)),
        JWK => Some(Confirmation::JwkSha256(digest)),
        // Of a later version. Taken for none, it would bind nothing.
        _ => None,
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(octets).into());
    }
    let octets = <[u8; 16]>::try_from(bytes).ok()?;
    Some(Ipv6Addr::from(octets).into())
}

fn revoked(bytes: &[u8]) -> Option<(SystemTime, RevokeReason)> {
    let (at, reason) = bytes.split_first_chunk::<8>()?;
    let reason = RevokeReason::parse(std::str::from_utf8(reason).ok()?)?;
    Some((time(at)?, reason))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::core::Principal;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_123 + seconds * 1_000)
    }

    fn full() -> FamilyRecord {
        let who = Principal::builder("alice")
            .client_id("web")
            .scopes(["a", "b"])
            .amr(["pwd"])
            .auth_time(at(0))
            .confirmation(Confirmation::JwkSha256([8; 32]))
            .build();
        let span = |from, key: &str| KeySpan {
            from,
            key: key.into(),
        };
        FamilyRecord {
            generation: 7,
            current: [1; 32],
            previous: Some([2; 32]),
            spans: [span(0, "one"), span(5, "two")].into(),
            rotated_at: at(5),
            idle_until: at(9),
            claims: [("plan".into(), "[1]".into())].into(),
            label: Some("Firefox".into()),
            address: Some(Ipv6Addr::LOCALHOST.into()),
            revoked: Some((at(6), RevokeReason::Reuse)),
            ..FamilyRecord::new(FamilyId::from_bytes([7; 16]), &who, at(1), at(10))
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let full = full();
        let bytes = full.to_bytes();
        let read = FamilyRecord::from_bytes(&bytes).unwrap();
        assert_eq!(read.to_bytes(), bytes, "one spelling");
        assert_eq!((read.id, read.generation), (full.id, 7));
        assert_eq!((read.current, read.previous), ([1; 32], Some([2; 32])));
        assert_eq!(read.spans, full.spans);
        assert_eq!((read.created_at, read.rotated_at), (at(1), at(5)));
        assert_eq!((read.idle_until, read.absolute_until), (at(9), at(10)));
        assert_eq!(read.claims, full.claims);
        assert_eq!(read.label(), Some("Firefox"));
        assert_eq!(read.client_ip(), Some(Ipv6Addr::LOCALHOST.into()));
        assert_eq!(read.revoked(), Some((at(6), RevokeReason::Reuse)));
        let who = read.principal();
        assert_eq!((who.subject(), who.client_id()), ("alice", Some("web")));
        assert_eq!(who.session_id(), full.principal().session_id());
        assert_eq!(who.expires_at(), Some(at(10)));
        assert_eq!(who.confirmation(), Some(Confirmation::JwkSha256([8; 32])));

        let bare = FamilyRecord::new(full.id, &Principal::builder("").build(), at(0), at(1));
        let read = FamilyRecord::from_bytes(&bare.to_bytes()).unwrap();
        assert_eq!(read.to_bytes(), bare.to_bytes());
        assert_eq!((read.previous, read.revoked()), (None, None));
        assert_eq!((read.label(), read.client_ip()), (None, None));
        assert_eq!(read.principal().confirmation(), None);
    }

    #[test]
    fn a_record_is_read_whole_or_not_at_all() {
        let bytes = full().to_bytes();
        // Cut between two fields, what may be missing is missing.
        let optional = [
            bytes.len() - 5 - 13,
            bytes.len() - 5 - 13 - 5 - 16,
            bytes.len() - 5 - 13 - 5 - 16 - 5 - 7,
        ];
        for end in 0..bytes.len() {
            let is_read = FamilyRecord::from_bytes(&bytes[..end]).is_ok();
            assert_eq!(is_read, optional.contains(&end), "{end}");
        }
        let with = |tail: &[u8]| [&bytes, tail].concat();
        for (tail, why) in [
            (&[64, 0, 0, 0, 0][..], "a second id"),
            (&[75, 0, 0, 0, 0], "a second label"),
            (&[78, 0, 0, 0, 0], "a field of a later version"),
        ] {
            assert!(FamilyRecord::from_bytes(&with(tail)).is_err(), "{why}");
        }
        for (field, wrong) in [
            (&[77, 0, 0, 0, 13][..], &[77, 0, 0, 0, 12][..]),
            (b"reuse", b"rouse"),
            (&[2, 8, 8], &[3, 8, 8]),
            (b"Firefox", b"Fire\xffox"),
            (&[3, b'o', b'n', b'e'], &[4, b'o', b'n', b'e']),
        ] {
            let place = bytes.windows(field.len()).position(|part| part == field);
            let place = place.unwrap();
            let mut changed = bytes.clone();
            changed[place..place + wrong.len()].copy_from_slice(wrong);
            assert!(FamilyRecord::from_bytes(&changed).is_err(), "{field:?}");
        }
    }
}
