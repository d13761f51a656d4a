//! What requests with a session come to.

use std::time::Duration;

use http::header::{CACHE_CONTROL, VARY, WWW_AUTHENTICATE};
use tower_security::auth::AuthLayer;
use tower_security::core::{ChallengeScheme, NoopSink, Principal};

use super::super::ways::ByHeader;
use super::{Came, Desk, NAME, alice, asked, at, cookie, head, invalid, set_cookies};

const AMBIGUOUS: Came = Err((400, "credentials_ambiguous", "cookie_twice"));
const REQUIRED: Came = Err((401, "authentication_required", "nothing_presented"));
const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

/// What no login has made, well spelt.
const UNKNOWN: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const DELETION: &str = "__Host-session=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0";

#[tokio::test]
async fn one_cookie_is_one_session() {
    for desk in [Desk::new(), Desk::late()] {
        let own = desk.login("alice").await;
        let mine = cookie(&own);
        let other = cookie(&desk.login("bob").await);
        let unknown = cookie(UNKNOWN);
        let cut = &mine[..mine.len() - 1];
        let rows: [(&[&str], Came); 22] = [
            (&[], REQUIRED),
            (&[&mine], alice()),
            (&["theme=dark", &mine], alice()),
            (&[&mine, "theme=dark"], alice()),
            (&[&format!("a=1; {mine}; b=2")], alice()),
            (&[&format!("a=1;{mine};b=2")], alice()),
            (&[&format!(" {mine} ;")], alice()),
            (&[&other], Ok(Some("bob".to_owned()))),
            // Row 100: one of two is planted.
            (&[&format!("{mine}; {other}")], AMBIGUOUS),
            (&[&mine, &other], AMBIGUOUS),
            (&[&mine, &mine], AMBIGUOUS),
            (&[&mine, &cookie("")], AMBIGUOUS),
            (&[&cookie(""), &mine], AMBIGUOUS),
            // Another name is another cookie.
            (&[&mine.replace("__Host-s", "__host-s")], REQUIRED),
            (&[&mine.replace("__Host-", "")], REQUIRED),
            (&[&mine.replace("session=", "session2=")], REQUIRED),
            (&[NAME], REQUIRED),
            // Row 101.
            (&[&unknown], invalid("unknown")),
            (&[&cookie("")], invalid("malformed")),
            (&[cut], invalid("malformed")),
            (&[&format!("{mine}=")], invalid("malformed")),
            (&[&cookie(&format!("\"{own}\""))], invalid("malformed")),
        ];
        for (lines, expected) in rows {
            assert_eq!(desk.came(lines).await, expected, "{lines:?}");
        }
    }
}

#[tokio::test]
async fn what_is_no_id_never_reaches_the_store() {
    let desk = Desk::new();
    let long = "A".repeat(1 << 20);
    for value in [
        "",
        "x",
        "' OR 1=1 --",
        "../../etc/passwd",
        &UNKNOWN[1..],
        &long,
    ] {
        assert_eq!(desk.came(&[&cookie(value)]).await, invalid("malformed"));
    }
    assert_eq!(desk.store.reads(), 0);
    assert_eq!(desk.came(&[&cookie(UNKNOWN)]).await, invalid("unknown"));
    assert_eq!(desk.store.reads(), 1);
}

#[tokio::test]
async fn a_refusal_says_how_to_log_in_and_deletes_the_cookie() {
    let desk = Desk::new();
    let (came, response) = desk.send(&[&cookie(UNKNOWN)]).await;
    assert_eq!(came, invalid("unknown"));
    assert_eq!(
        response.headers()[WWW_AUTHENTICATE],
        "Session realm=\"api\""
    );
    assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    assert_eq!(set_cookies(&response), [DELETION]);

    // Which of two is planted, nobody can tell.
    let (came, response) = desk.send(&[&cookie(UNKNOWN), &cookie(UNKNOWN)]).await;
    assert_eq!(came, AMBIGUOUS);
    assert_eq!(set_cookies(&response), [""; 0]);

    // What a session gets is its own.
    let own = desk.login("alice").await;
    let (came, response) = desk.send(&[&cookie(&own)]).await;
    assert_eq!(came, alice());
    assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    assert_eq!(response.headers()[VARY], "Cookie");
    assert_eq!(set_cookies(&response), [""; 0]);
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle() {
    for desk in [Desk::new(), Desk::late()] {
        let own = cookie(&desk.login("alice").await);
        desk.set_now(at(1_800) - MILLI);
        assert_eq!(desk.came(&[&own]).await, alice());
        // Used, it is counted from then.
        desk.set_now(at(3_600) - 2 * MILLI);
        assert_eq!(desk.came(&[&own]).await, alice());
        desk.set_now(at(5_400) - 2 * MILLI);
        let (came, response) = desk.send(&[&own]).await;
        assert_eq!(came, invalid("idle"));
        assert_eq!(set_cookies(&response), [DELETION]);
    }
}

#[tokio::test]
async fn a_session_ends_however_it_is_used() {
    for desk in [Desk::new(), Desk::late()] {
        let own = cookie(&desk.login("alice").await);
        for minutes in (20..720).step_by(20) {
            desk.set_now(at(minutes * 60));
            assert_eq!(desk.came(&[&own]).await, alice(), "{minutes}");
        }
        desk.set_now(at(12 * 3_600) - MILLI);
        assert_eq!(desk.came(&[&own]).await, alice());
        desk.set_now(at(12 * 3_600));
        assert_eq!(desk.came(&[&own]).await, invalid("over"));
    }
}

#[tokio::test]
async fn a_use_is_noted_once_in_a_thirtieth_of_the_idle_time() {
    let desk = Desk::new();
    let own = cookie(&desk.login("alice").await);
    let notes = async |seconds: Duration| {
        desk.set_now(at(0) + seconds);
        for _ in 0..3 {
            assert_eq!(desk.came(&[&own]).await, alice());
        }
        desk.store.notes()
    };
    assert_eq!(notes(Duration::ZERO).await, 0);
    assert_eq!(notes(60 * SECOND - MILLI).await, 0);
    assert_eq!(notes(60 * SECOND).await, 1);
    assert_eq!(notes(120 * SECOND - MILLI).await, 1);
    assert_eq!(notes(120 * SECOND).await, 2);
}

#[tokio::test]
async fn shorter_times_hold_for_sessions_from_before() {
    let desk = Desk::new();
    let own = cookie(&desk.login("alice").await);
    let strict = desk.beside(|builder| builder.idle(60 * SECOND).absolute(300 * SECOND));
    desk.set_now(at(60) - MILLI);
    assert_eq!(strict.came(&[&own]).await, alice());
    desk.set_now(at(120) - MILLI);
    assert_eq!(strict.came(&[&own]).await, invalid("idle"));
    assert_eq!(desk.came(&[&own]).await, alice());
    desk.set_now(at(300));
    assert_eq!(desk.came(&[&own]).await, alice());
    assert_eq!(strict.came(&[&own]).await, invalid("over"));
    // Longer ones do not.
    let lax = desk.beside(|builder| builder.absolute(24 * 3_600 * SECOND));
    desk.set_now(at(12 * 3_600));
    assert_eq!(lax.came(&[&own]).await, invalid("over"));
}

#[tokio::test]
async fn a_clock_that_goes_back_ends_nothing_and_one_before_1970_everything() {
    let desk = Desk::new();
    let own = cookie(&desk.login("alice").await);
    desk.set_now(at(0) - 3_600 * SECOND);
    assert_eq!(desk.came(&[&own]).await, alice());
    desk.set_now(std::time::SystemTime::UNIX_EPOCH - MILLI);
    let refused = Err((503, "authentication_unavailable", "clock"));
    assert_eq!(desk.came(&[&own]).await, refused);
    desk.set_now(std::time::SystemTime::UNIX_EPOCH);
    assert_eq!(desk.came(&[&own]).await, alice());
}

#[tokio::test]
async fn a_store_that_fails_is_no_unknown_session() {
    for desk in [Desk::new(), Desk::late()] {
        let own = cookie(&desk.login("alice").await);
        desk.store.fail(true);
        let (came, response) = desk.send(&[&own]).await;
        assert_eq!(
            came,
            Err((503, "authentication_unavailable", "store_timeout"))
        );
        // A browser must not lose a good session for it.
        assert_eq!(set_cookies(&response), [""; 0]);
        assert!(!response.headers().contains_key(WWW_AUTHENTICATE));
        assert_eq!(response.headers()["retry-after"], "5");
        desk.store.fail(false);
        assert_eq!(desk.came(&[&own]).await, alice());

        // One that could be read and not noted is good, and ends when it would have.
        desk.store.refuse_writes(true);
        desk.set_now(at(1_799));
        assert_eq!(desk.came(&[&own]).await, alice());
        desk.set_now(at(1_800));
        assert_eq!(desk.came(&[&own]).await, invalid("idle"));
    }
}

#[tokio::test]
async fn a_session_that_ends_between_two_questions_is_refused() {
    use super::super::stores::told;
    use std::num::NonZeroU32;
    use std::time::SystemTime;
    use tower_security::auth::session::{
        MemorySessionStore, SessionAuth, SessionKey, SessionRecord, SessionStore,
    };
    use tower_security::core::{Lookup, ManualClock, StoreError};

    /// Forgets a session as soon as it was asked for.
    struct Forgetful(MemorySessionStore);
    type Answer<T> = Lookup<Result<T, StoreError>>;

    #[rustfmt::skip]
    impl SessionStore for Forgetful {
        fn load(&self, key: &SessionKey) -> Answer<Option<SessionRecord>> {
            let found = self.0.load(key);
            let _ = self.0.revoke(key);
            found
        }
        fn create(&self, key: &SessionKey, record: &SessionRecord, most: NonZeroU32) -> Answer<()> { self.0.create(key, record, most) }
        fn touch(&self, key: &SessionKey, seen: SystemTime, ends: SystemTime) -> Answer<bool> { self.0.touch(key, seen, ends) }
        fn rotate(&self, old: &SessionKey, new: &SessionKey, record: &SessionRecord) -> Answer<bool> { self.0.rotate(old, new, record) }
        fn revoke(&self, key: &SessionKey) -> Answer<bool> { self.0.revoke(key) }
        fn revoke_subject(&self, subject: &str, except: Option<&SessionKey>) -> Answer<u64> { self.0.revoke_subject(subject, except) }
        fn list(&self, subject: &str) -> Answer<Vec<(SessionKey, SessionRecord)>> { self.0.list(subject) }
        fn purge(&self, now: SystemTime) -> Answer<u64> { self.0.purge(now) }
    }

    let store = MemorySessionStore::new();
    let clock = ManualClock::new();
    clock.set_now(at(0));
    let sessions = |store: Forgetful| {
        let builder = SessionAuth::builder(store).clock(clock.clone());
        builder.events(NoopSink::new()).build().unwrap()
    };
    let auth = sessions(Forgetful(store.clone()));
    let who = Principal::builder("alice").build();
    let line = auth.login(&head(&[]), &who).await.unwrap();
    let own = cookie(&super::value(&line));
    clock.set_now(at(60));
    let layer = AuthLayer::builder().session(auth).events(NoopSink::new());
    let came = asked(layer.build().unwrap(), &[&own]).await.0;
    assert_eq!(came, invalid("unknown"));
    assert!(told(store.list("alice")).await.is_empty());
    assert!(store.is_empty());
}

#[tokio::test]
async fn another_credential_wins_and_its_failure_is_final() {
    let desk = Desk::new();
    let own = desk.login("bob").await;
    let layer = |is_optional: bool| {
        let builder = AuthLayer::builder()
            .authenticator(ByHeader::new("x-test").scheme(ChallengeScheme::bearer()))
            .session(desk.sessions.clone())
            .events(NoopSink::new());
        let builder = if is_optional {
            builder.optional()
        } else {
            builder
        };
        builder.build().unwrap()
    };
    let came = async |is_optional, test: Option<&'static str>, cookies: &[&str]| {
        use http::Request;
        use tower::Layer;
        let seen = super::Seen::default();
        let mut request = Request::new(http_body_util::Full::<bytes::Bytes>::default());
        *request.headers_mut() = head(cookies);
        if let Some(test) = test {
            request
                .headers_mut()
                .insert("x-test", test.parse().unwrap());
        }
        let response = super::go(layer(is_optional).layer(seen.clone()), request).await;
        (response.status().as_u16(), seen.take().pop())
    };
    let mine = cookie(&own);
    let bob = Some(Some("bob".to_owned()));
    for is_optional in [false, true] {
        let alice = Some(Some("alice".to_owned()));
        assert_eq!(
            came(is_optional, Some("good"), &[&mine]).await,
            (200, alice)
        );
        // Row 99.
        assert_eq!(came(is_optional, Some("bad"), &[&mine]).await, (401, None));
        assert_eq!(came(is_optional, None, &[&mine]).await, (200, bob.clone()));
        // Row 103.
        assert_eq!(
            came(is_optional, None, &[&cookie(UNKNOWN)]).await,
            (401, None)
        );
        assert_eq!(came(is_optional, None, &[&mine, &mine]).await, (400, None));
    }
    assert_eq!(came(true, None, &[]).await, (200, Some(None)));
    assert_eq!(came(false, None, &[]).await, (401, None));
}
