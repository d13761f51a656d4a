//! The cookie of a session: whoever is let in has the one cookie that a login has made.

use std::num::NonZeroU32;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use http::header::COOKIE;
use http::request::Parts;
use http::{HeaderValue, Request};
use tower_security::auth::session::{
    MemorySessionStore, SessionAuth, SessionKey, SessionRecord, SessionStore,
};
use tower_security::auth::{AuthFailureKind, Authenticator, Decision, Presence};
use tower_security::core::{ManualClock, NoopSink, Principal};

/// 32 bytes that count up, in base64url.
const GOOD: &[u8] = b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// `printf '__Host-session=\x00\x01..\x1f' | sha256sum`: what a store knows of it.
const DIGEST: [u8; 32] = [
    0x33, 0x56, 0xc5, 0x43, 0x30, 0xec, 0xcf, 0xd7, 0x32, 0xae, 0x64, 0xfb, 0xfe, 0x51, 0xcf, 0x31,
    0xe4, 0xf6, 0x8b, 0x3d, 0xfa, 0x0a, 0x72, 0xa1, 0xd9, 0x25, 0x16, 0x0f, 0x71, 0xca, 0x1c, 0x12,
];

static SESSIONS: LazyLock<SessionAuth> = LazyLock::new(|| {
    let store = MemorySessionStore::new();
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let hour = start + Duration::from_secs(3_600);
    let record = SessionRecord::new(&Principal::builder("alice").build(), start, hour);
    let _ = store.create(&SessionKey::from_bytes(DIGEST), &record, NonZeroU32::MIN);
    let clock = ManualClock::new();
    clock.set_now(start);
    SessionAuth::builder(store)
        .clock(clock)
        .events(NoopSink::new())
        .build()
        .expect("it is sound")
});

fn head<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Parts {
    let mut request = Request::new(());
    for line in lines {
        if let Ok(line) = HeaderValue::from_bytes(line) {
            request.headers_mut().append(COOKIE, line);
        }
    }
    request.into_parts().0
}

/// The values of the cookie, read another way: split into pieces first, then trimmed by hand.
fn values(head: &Parts) -> Vec<Vec<u8>> {
    let lines = head.headers.get_all(COOKIE).iter();
    let all: Vec<u8> = lines
        .flat_map(|line| [line.as_bytes(), b";"].concat())
        .collect();
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    all.split(|byte| *byte == b';')
        .map(|crumb| {
            let mut crumb = crumb.to_vec();
            while crumb.last().is_some_and(is_blank) {
                crumb.pop();
            }
            while crumb.first().is_some_and(is_blank) {
                crumb.remove(0);
            }
            crumb
        })
        .filter_map(|crumb| Some(crumb.strip_prefix(b"__Host-session=")?.to_vec()))
        .collect()
}

/// Each line is one of `Cookie`; and the record of a store is read, or is not.
pub fn session_cookie(data: &[u8]) {
    let head = head(data.split(|byte| *byte == b'\n').take(100));
    let values = values(&head);
    let presence = SESSIONS.presence(&head);
    assert_eq!(presence == Presence::Absent, values.is_empty());
    match (SESSIONS.authenticate(&head), &values[..]) {
        (Decision::NotPresent, []) => {}
        (Decision::Granted(who), [value]) => {
            assert_eq!(value, GOOD);
            assert_eq!(who.subject(), "alice");
        }
        (Decision::Denied(failure), [value]) => {
            assert_ne!(value, GOOD);
            assert_eq!(failure.kind(), AuthFailureKind::SessionInvalid);
        }
        (Decision::Denied(failure), [_, _, ..]) => {
            assert_eq!(failure.kind(), AuthFailureKind::Ambiguous);
        }
        (decision, values) => panic!("{} cookies: {decision:?}", values.len()),
    }

    // Whatever a store gives back: the same bytes again, or an error.
    if let Ok(record) = SessionRecord::from_bytes(data) {
        let written = record.to_bytes();
        let again = SessionRecord::from_bytes(&written).expect("it was written");
        assert_eq!(again.to_bytes(), written);
    }
}
