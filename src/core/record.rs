//! How stores keep a principal: as bytes of a layout of their own, which needs no feature and has one spelling for each principal.
//!
//! A version, then fields of a tag, a length in four bytes and so many bytes.

use std::time::{Duration, SystemTime};

use super::{Principal, PrincipalBuilder, StoreError, StoreErrorKind};

const VERSION: u8 = 1;

/// What a field is. The tags from [`Tag::FIRST_OWN`] on belong to each kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag(u8);

impl Tag {
    const UNREADABLE: Self = Self(0);
    const SUBJECT: Self = Self(1);
    const ISSUER: Self = Self(2);
    const CLIENT_ID: Self = Self(3);
    const TENANT: Self = Self(4);
    const ACR: Self = Self(5);
    const SCOPE: Self = Self(6);
    const ROLE: Self = Self(7);
    const AMR: Self = Self(8);
    const AUTH_TIME: Self = Self(9);
    const FIRST_OWN: u8 = 64;

    pub(crate) const fn own(number: u8) -> Self {
        Self(Self::FIRST_OWN.saturating_add(number))
    }
}

/// Writes a record.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn new(who: &Principal) -> Self {
        let mut writer = Self(Vec::with_capacity(256));
        writer.0.push(VERSION);
        writer.bytes(Tag::SUBJECT, who.subject().as_bytes());
        let one = [
            (Tag::ISSUER, who.issuer()),
            (Tag::CLIENT_ID, who.client_id()),
            (Tag::TENANT, who.tenant()),
            (Tag::ACR, who.acr()),
        ];
        for (tag, text) in one {
            if let Some(text) = text {
                writer.bytes(tag, text.as_bytes());
            }
        }
        for scope in who.scopes() {
            writer.bytes(Tag::SCOPE, scope.as_bytes());
        }
        for role in who.roles() {
            writer.bytes(Tag::ROLE, role.as_bytes());
        }
        for amr in who.amr() {
            writer.bytes(Tag::AMR, amr.as_bytes());
        }
        if let Some(time) = who.auth_time() {
            writer.time(Tag::AUTH_TIME, time);
        }
        writer
    }

    pub(crate) fn bytes(&mut self, tag: Tag, bytes: &[u8]) {
        let Ok(length) = u32::try_from(bytes.len()) else {
            // More than four gigabytes. The field is one that nobody reads, so that nobody reads the record without it.
            return self.bytes(Tag::UNREADABLE, &[]);
        };
        self.0.push(tag.0);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn time(&mut self, tag: Tag, time: SystemTime) {
        self.bytes(tag, &millis(time).to_be_bytes());
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// What a record says: whose it is, and the fields of its own.
pub(crate) struct Reader<'a> {
    who: Claims<'a>,
    own: Vec<(Tag, &'a [u8])>,
}

#[derive(Default)]
struct Claims<'a> {
    subject: Option<&'a str>,
    issuer: Option<&'a str>,
    client_id: Option<&'a str>,
    tenant: Option<&'a str>,
    acr: Option<&'a str>,
    scopes: Vec<&'a str>,
    roles: Vec<&'a str>,
    amr: Vec<&'a str>,
    auth_time: Option<SystemTime>,
}

impl<'a> Reader<'a> {
    /// `None` for what no [`Writer`] of this version has written. A field that is not known may be one that restricts.
    pub(crate) fn new(record: &'a [u8]) -> Option<Self> {
        let (version, mut rest) = record.split_first()?;
        if *version != VERSION {
            return None;
        }
        let mut who = Claims::default();
        let mut own = Vec::new();
        while let Some((tag, after)) = rest.split_first() {
            let (length, after) = after.split_first_chunk::<4>()?;
            let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
            let (bytes, after) = after.split_at_checked(length)?;
            rest = after;
            if *tag >= Tag::FIRST_OWN {
                own.push((Tag(*tag), bytes));
            } else {
                who.add(Tag(*tag), bytes)?;
            }
        }
        Some(Self { who, own })
    }

    /// The principal, as far as the record says.
    pub(crate) fn principal(&self) -> Option<PrincipalBuilder> {
        let who = &self.who;
        let mut principal = Principal::builder(who.subject?)
            .scopes(&who.scopes)
            .roles(&who.roles)
            .amr(&who.amr);
        let one: [(_, fn(_, _) -> _); 4] = [
            (who.issuer, PrincipalBuilder::issuer),
            (who.client_id, PrincipalBuilder::client_id),
            (who.tenant, PrincipalBuilder::tenant),
            (who.acr, PrincipalBuilder::acr),
        ];
        for (text, set) in one {
            if let Some(text) = text {
                principal = set(principal, text);
            }
        }
        Some(match who.auth_time {
            Some(time) => principal.auth_time(time),
            None => principal,
        })
    }

    /// The bytes of a field that stands there once.
    pub(crate) fn bytes(&self, tag: Tag) -> Option<&'a [u8]> {
        self.optional(tag)?
    }

    /// The bytes of a field that may be missing; `None` if it stands there twice.
    pub(crate) fn optional(&self, tag: Tag) -> Option<Option<&'a [u8]>> {
        let mut found = self.own.iter().filter(|(known, _)| *known == tag);
        let first = found.next().map(|(_, bytes)| *bytes);
        found.next().is_none().then_some(first)
    }

    pub(crate) fn time(&self, tag: Tag) -> Option<SystemTime> {
        time(self.bytes(tag)?)
    }

    pub(crate) fn text(&self, tag: Tag) -> Option<&'a str> {
        std::str::from_utf8(self.bytes(tag)?).ok()
    }

    /// Whether no field has another tag than these.
    pub(crate) fn has_only(&self, known: &[Tag]) -> bool {
        self.own.iter().all(|(tag, _)| known.contains(tag))
    }
}

impl<'a> Claims<'a> {
    fn add(&mut self, tag: Tag, bytes: &'a [u8]) -> Option<()> {
        if tag == Tag::AUTH_TIME {
            return once(&mut self.auth_time, time(bytes)?);
        }
        let text = std::str::from_utf8(bytes).ok()?;
        match tag {
            Tag::SUBJECT => once(&mut self.subject, text)?,
            Tag::ISSUER => once(&mut self.issuer, text)?,
            Tag::CLIENT_ID => once(&mut self.client_id, text)?,
            Tag::TENANT => once(&mut self.tenant, text)?,
            Tag::ACR => once(&mut self.acr, text)?,
            Tag::SCOPE => self.scopes.push(text),
            Tag::ROLE => self.roles.push(text),
            Tag::AMR => self.amr.push(text),
            // See `Reader::new`.
            _ => return None,
        }
        Some(())
    }
}

fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

/// What a principal may do, in one of another credential. What binds the first credential to a key, or says when it ends, is left out.
pub(crate) fn granted(who: &Principal) -> PrincipalBuilder {
    let mut copy = Principal::builder(who.subject())
        .scopes(who.scopes())
        .roles(who.roles());
    let one: [(_, fn(_, _) -> _); 3] = [
        (who.issuer(), PrincipalBuilder::issuer),
        (who.client_id(), PrincipalBuilder::client_id),
        (who.tenant(), PrincipalBuilder::tenant),
    ];
    for (text, set) in one {
        if let Some(text) = text {
            copy = set(copy, text);
        }
    }
    copy
}

/// The same, and how somebody has authenticated in person.
pub(crate) fn copied(who: &Principal) -> PrincipalBuilder {
    let mut copy = granted(who).amr(who.amr());
    if let Some(acr) = who.acr() {
        copy = copy.acr(acr);
    }
    match who.auth_time() {
        Some(time) => copy.auth_time(time),
        None => copy,
    }
}

/// Milliseconds since 1970; before it 0.
pub(crate) fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

pub(crate) fn from_millis(millis: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis))
}

/// The date in whole milliseconds, as stores keep it; `None` before 1970: such a clock says nothing of what has expired.
pub(crate) fn date(now: SystemTime) -> Option<SystemTime> {
    now.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    from_millis(millis(now))
}

pub(crate) fn time(bytes: &[u8]) -> Option<SystemTime> {
    from_millis(u64::from_be_bytes(bytes.try_into().ok()?))
}

/// What a store holds is no record of this kind.
pub(crate) fn corrupt(kind: &'static str) -> StoreError {
    StoreError::new(
        StoreErrorKind::Corrupt,
        format!("a {kind} that this version has not written"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELD: Tag = Tag::own(0);

    fn full() -> Principal {
        Principal::builder("al\u{ef}ce")
            .issuer("https://id.example")
            .client_id("shop")
            .tenant("")
            .scopes(["orders:read", "", "a b"])
            .roles(["admin"])
            .acr("aal2")
            .amr(["pwd", "otp"])
            .auth_time(SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_123))
            .build()
    }

    fn said(who: &Principal) -> Vec<Option<String>> {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let mut said = vec![
            own(Some(who.subject())),
            own(who.issuer()),
            own(who.client_id()),
            own(who.tenant()),
            own(who.acr()),
            who.auth_time().map(|time| format!("{time:?}")),
        ];
        for list in [
            who.scopes().collect::<Vec<_>>(),
            who.roles().collect(),
            who.amr().collect(),
        ] {
            said.push(Some(format!("{list:?}")));
        }
        said
    }

    #[test]
    fn what_is_written_is_read_back() {
        let subjects = ["", "a\0b", ":*{}", &"x".repeat(4096)];
        let mut all = vec![full()];
        all.extend(subjects.map(|subject| Principal::builder(subject).build()));
        for who in all {
            let record = Writer::new(&who).finish();
            let read = Reader::new(&record).unwrap().principal().unwrap().build();
            assert_eq!(said(&read), said(&who));
            assert_eq!(said(&copied(&who).build()), said(&who));
            assert_eq!(Writer::new(&read).finish(), record, "one spelling");
        }
    }

    #[test]
    fn a_record_is_read_whole_or_not_at_all() {
        let mut writer = Writer::new(&full());
        writer.bytes(FIELD, b"value");
        let record = writer.finish();
        let read = Reader::new(&record).unwrap();
        assert_eq!(read.bytes(FIELD), Some(&b"value"[..]));
        assert!(read.has_only(&[FIELD]) && !read.has_only(&[]));
        for end in 0..record.len() {
            // A record that ends between two fields lacks one: its owner has asked for it.
            let cut = Reader::new(&record[..end]);
            assert!(
                cut.is_none_or(|cut| cut.principal().is_none() || cut.bytes(FIELD).is_none()),
                "{end}"
            );
        }
        let with = |tail: &[u8]| [&record, tail].concat();
        for (tail, why) in [
            (&[1, 0, 0, 0, 1, b'x'][..], "a second subject"),
            (&[6, 0, 0, 0, 1, 0xff], "no UTF-8"),
            (&[9, 0, 0, 0, 1, 0], "a date of one byte"),
            (&[0, 0, 0, 0, 0], "a field that was too long"),
            (&[10, 0, 0, 0, 0], "a field of a later version"),
            (&[6, 0, 0, 0, 2, b'x'], "a field that is cut"),
            (&[6], "a tag alone"),
        ] {
            assert!(Reader::new(&with(tail)).is_none(), "{why}");
        }
        let twice = with(&[64, 0, 0, 0, 1, b'x']);
        assert_eq!(Reader::new(&twice).unwrap().bytes(FIELD), None);
        let mut later = record.clone();
        later[0] = 2;
        assert!(Reader::new(&later).is_none(), "a later version");
        assert!(Reader::new(&with(&[6, 0, 0, 0, 1, b'x'])).is_some());
    }

    #[test]
    fn dates_are_whole_milliseconds_since_1970() {
        let epoch = SystemTime::UNIX_EPOCH;
        assert_eq!(date(epoch), Some(epoch));
        assert_eq!(
            date(epoch + Duration::from_nanos(1_999_999)),
            Some(epoch + Duration::from_millis(1))
        );
        assert_eq!(date(epoch - Duration::from_nanos(1)), None);
        assert_eq!(millis(epoch - Duration::from_secs(1)), 0);
        assert_eq!(
            from_millis(u64::MAX),
            epoch.checked_add(Duration::from_millis(u64::MAX))
        );
    }
}
