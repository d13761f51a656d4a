//! What is refused when sessions are built, and what the cookie becomes.

use std::time::Duration;

use http::HeaderMap;
use tower_security::auth::AuthLayer;
use tower_security::auth::session::{
    CookieProblem, MemorySessionStore, SessionAuth, SessionAuthBuilder, SessionConfigError,
    SessionSameSite,
};
use tower_security::core::{ConfigErrors, ErrorClass, Principal};

fn builder() -> SessionAuthBuilder {
    SessionAuth::builder(MemorySessionStore::new())
}

fn mistakes(errors: &ConfigErrors) -> Vec<(&str, &'static str)> {
    let each = errors.iter();
    each.map(|error| (error.path(), error.code())).collect()
}

/// The attributes of the cookie that a login sets, and the line of a logout.
async fn lines(builder: SessionAuthBuilder) -> (String, String) {
    let sessions = builder.build().unwrap();
    let who = Principal::builder("alice").build();
    let login = sessions.login(&HeaderMap::new(), &who).await.unwrap();
    assert!(login.is_sensitive(), "kept out of the tables of HTTP/2");
    let (pair, attributes) = login.to_str().unwrap().split_once(';').unwrap();
    let (_, value) = pair.split_once('=').unwrap();
    assert_eq!(value.len(), 43);
    let logout = sessions.logout(&HeaderMap::new()).await.unwrap();
    (attributes.to_owned(), logout.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_cookie_is_as_it_was_told() {
    let rows = [
        (
            builder(),
            " Path=/; Secure; HttpOnly; SameSite=Lax",
            "__Host-session=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0",
        ),
        (
            builder()
                .same_site(SessionSameSite::Strict)
                .cookie("__Host-id"),
            " Path=/; Secure; HttpOnly; SameSite=Strict",
            "__Host-id=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0",
        ),
        (
            builder().cookie("id").domain("example.com").path("/app"),
            " Path=/app; Domain=example.com; Secure; HttpOnly; SameSite=Lax",
            "id=; Path=/app; Domain=example.com; Secure; HttpOnly; SameSite=Lax; Max-Age=0",
        ),
        (
            builder().cookie("id").dangerous_plain_cookie(),
            " Path=/; HttpOnly; SameSite=Lax",
            "id=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0",
        ),
    ];
    for (builder, attributes, deletion) in rows {
        let (login, logout) = lines(builder).await;
        assert_eq!((login.as_str(), logout.as_str()), (attributes, deletion));
    }
}

#[test]
fn a_cookie_that_browsers_refuse_or_others_read_is_refused() {
    let long = "n".repeat(128);
    let too_long = "n".repeat(129);
    for right in ["__Host-id", "__Secure-id", "session", "a", &long] {
        assert!(builder().cookie(right).build().is_ok(), "{right}");
    }
    let named = |name: &str| builder().cookie(name);
    use CookieProblem::{Domain, HostPrefix, Name, Path, PlainPrefix};
    let rows = [
        (named(""), Name),
        (named("my session"), Name),
        (named("a=b"), Name),
        (named("a;b"), Name),
        (named("s\u{e9}"), Name),
        (named(&too_long), Name),
        (builder().domain("example.com"), HostPrefix),
        (builder().path("/app"), HostPrefix),
        (named("__host-id").path("/app"), HostPrefix),
        (named("__Host-Http-id").path("/app"), HostPrefix),
        (builder().dangerous_plain_cookie(), PlainPrefix),
        (named("__Secure-id").dangerous_plain_cookie(), PlainPrefix),
        (named("__HTTP-id").dangerous_plain_cookie(), PlainPrefix),
        (named("id").domain(".example.com"), Domain),
        (named("id").domain("https://example.com"), Domain),
        (named("id").domain("example.com; Path=/x"), Domain),
        (named("id").domain(""), Domain),
        (named("id").path("app"), Path),
        (named("id").path(""), Path),
        (named("id").path("/a;b"), Path),
        (named("id").path("/a b"), Path),
    ];
    for (builder, expected) in rows {
        let shown = format!("{builder:?}");
        let errors = builder.build().unwrap_err();
        assert_eq!(
            mistakes(&errors),
            [("auth.session.cookie", "cookie_refused")],
            "{shown}"
        );
        let error = errors.iter().next().unwrap();
        assert_eq!(error.class(), ErrorClass::Refused);
        let Some(SessionConfigError::CookieRefused { problem, .. }) = error.downcast() else {
            panic!("{error}");
        };
        assert_eq!(*problem, expected, "{shown}");
    }
}

#[test]
fn lifetimes_and_numbers_have_two_sides() {
    let seconds = Duration::from_secs;
    let day = seconds(24 * 3_600);
    let nano = Duration::from_nanos(1);
    for (idle, absolute) in [
        (seconds(1), seconds(1)),
        (seconds(1_800), 30 * day),
        (30 * day, 30 * day),
    ] {
        assert!(builder().idle(idle).absolute(absolute).build().is_ok());
    }
    for (idle, absolute) in [
        (Duration::ZERO, day),
        (seconds(1) - nano, day),
        (day + nano, day),
        (day, 30 * day + nano),
        (Duration::MAX, Duration::MAX),
    ] {
        let errors = builder().idle(idle).absolute(absolute).build().unwrap_err();
        assert_eq!(
            mistakes(&errors),
            [("auth.session.idle", "lifetime_invalid")]
        );
    }
    for (most, is_right) in [(0, false), (1, true), (1_000, true), (1_001, false)] {
        let built = builder().per_subject(most).build();
        assert_eq!(built.is_ok(), is_right, "{most}");
        if let Err(errors) = built {
            let expected = [("auth.session.per_subject", "per_subject_invalid")];
            assert_eq!(mistakes(&errors), expected);
        }
    }
}

#[test]
fn all_mistakes_are_told_together() {
    let errors = builder()
        .cookie("my id")
        .path("app")
        .idle(Duration::ZERO)
        .per_subject(0)
        .build()
        .unwrap_err();
    assert_eq!(
        mistakes(&errors),
        [
            ("auth.session.cookie", "cookie_refused"),
            ("auth.session.cookie", "cookie_refused"),
            ("auth.session.idle", "lifetime_invalid"),
            ("auth.session.per_subject", "per_subject_invalid"),
        ]
    );
    assert!(errors.to_string().contains("\"my id\""), "{errors}");
}

#[test]
fn a_cookie_over_plain_http_shows_in_the_posture_of_the_layer() {
    let dangerous = |sessions: SessionAuthBuilder| {
        let layer = AuthLayer::builder().session(sessions.build().unwrap());
        layer.build().unwrap().dangerous().to_vec()
    };
    assert_eq!(dangerous(builder()), [("dangerous_plain_cookie", false)]);
    let plain = builder().cookie("id").dangerous_plain_cookie();
    assert_eq!(dangerous(plain), [("dangerous_plain_cookie", true)]);
    let twice = AuthLayer::builder()
        .session(builder().build().unwrap())
        .session(builder().build().unwrap());
    let errors = twice.build().unwrap_err();
    let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
    assert!(codes.contains(&"duplicate"), "{codes:?}");
}
