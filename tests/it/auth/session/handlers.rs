//! What handlers do: log in, renew, log out, list and revoke.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode};
use tower::Layer;
use tower_security::auth::AuthLayer;
use tower_security::auth::session::{MemorySessionStore, SessionError, SessionInfo};
use tower_security::authorize::RequireLayer;
use tower_security::core::{AuthMethod, Confirmation, Principal, SecurityEvent};

use super::super::stores::Odd;
use super::super::ways::{Seen, get};
use super::{Came, Desk, alice, at, cookie, head, invalid, value, with};
use crate::support::service::go;

fn who(subject: &str) -> Principal {
    Principal::builder(subject).build()
}

fn ids(sessions: &[SessionInfo]) -> Vec<&str> {
    sessions.iter().map(SessionInfo::id).collect()
}

#[tokio::test]
async fn a_login_says_who_and_since_when() {
    let desk = Desk::new();
    let who = Principal::builder("alice")
        .issuer("https://id.example")
        .client_id("shop")
        .tenant("acme")
        .scopes(["orders:read"])
        .roles(["admin"])
        .acr("aal1")
        .amr(["pwd"])
        .method(AuthMethod::Custom("password"))
        .token_id("t-1")
        .session_id("theirs")
        .expires_at(at(5))
        .confirmation(Confirmation::JwkSha256([7; 32]))
        .build();
    desk.sessions.login(&HeaderMap::new(), &who).await.unwrap();
    let all = desk.sessions.list("alice").await.unwrap();
    let [session] = &all[..] else {
        panic!("{all:?}");
    };
    let kept = session.principal();
    assert_eq!(kept.subject(), "alice");
    assert_eq!(kept.issuer(), Some("https://id.example"));
    assert_eq!(
        (kept.client_id(), kept.tenant()),
        (Some("shop"), Some("acme"))
    );
    assert!(kept.has_scope("orders:read") && kept.has_role("admin"));
    assert_eq!(
        (kept.acr(), kept.amr().collect()),
        (Some("aal1"), vec!["pwd"])
    );
    // Now, since nothing else was said.
    assert_eq!(kept.auth_time(), Some(at(0)));
    // It is another credential: not bound to the key of the first, and with an end of its own.
    assert_eq!(kept.method(), AuthMethod::Session);
    assert_eq!((kept.token_id(), kept.confirmation()), (None, None));
    assert_eq!(kept.expires_at(), Some(at(12 * 3_600)));
    assert_eq!(session.id().len(), 22);
    assert_ne!(session.id(), "theirs");
    assert_eq!((session.created_at(), session.seen_at()), (at(0), at(0)));
    assert_eq!(session.ends_at(), at(1_800));

    let remembered = Principal::builder("bob")
        .auth_time(at(0) - Duration::from_secs(9))
        .build();
    desk.sessions
        .login(&HeaderMap::new(), &remembered)
        .await
        .unwrap();
    let bob = &desk.sessions.list("bob").await.unwrap()[0];
    assert_eq!(bob.principal().auth_time(), remembered.auth_time());
}

#[tokio::test]
async fn a_credential_that_logs_in_is_no_login_in_person() {
    let desk = Desk::new();
    let said = at(0) - Duration::from_secs(9);
    for (method, expected) in [
        (AuthMethod::ApiKey, None),
        (AuthMethod::Bearer, None),
        (AuthMethod::DPoP, None),
        (AuthMethod::Introspection, None),
        (AuthMethod::Mtls, None),
        (AuthMethod::Session, None),
        (AuthMethod::Custom("custom"), Some(at(0))),
        (AuthMethod::Custom("password"), Some(at(0))),
    ] {
        let subject = method.as_str();
        let silent = Principal::builder(subject).method(method);
        let dated = Principal::builder(subject).method(method).auth_time(said);
        for (who, expected) in [(silent.build(), expected), (dated.build(), Some(said))] {
            let line = desk.sessions.login(&HeaderMap::new(), &who).await.unwrap();
            let kept = desk.sessions.list(subject).await.unwrap().remove(0);
            assert_eq!(kept.principal().auth_time(), expected, "{method}");

            // Renewed by the same principal, it is no login either.
            desk.wait(1);
            let cookie = with(&value(&line));
            desk.sessions.renew(&cookie, &who).await.unwrap();
            let kept = desk.sessions.list(subject).await.unwrap().remove(0);
            assert_eq!(kept.principal().auth_time(), expected, "{method}");
            desk.sessions.revoke_subject(subject).await.unwrap();
            desk.set_now(at(0));
        }
    }
}

#[tokio::test]
async fn the_session_of_a_key_does_not_meet_max_age() {
    let desk = Desk::new();
    for (method, expected) in [
        (AuthMethod::ApiKey, StatusCode::UNAUTHORIZED),
        (AuthMethod::Custom("password"), StatusCode::OK),
    ] {
        let who = Principal::builder("robot").method(method).build();
        let line = desk.sessions.login(&HeaderMap::new(), &who).await.unwrap();
        let auth = AuthLayer::builder().session(desk.sessions.clone());
        let recent = RequireLayer::max_age(Duration::from_secs(60)).clock(desk.clock.clone());
        let service = auth
            .build()
            .unwrap()
            .layer(recent.build().unwrap().layer(Seen::default()));
        let mut request = get(&[]);
        *request.headers_mut() = with(&value(&line));
        let answer = go(service, request).await;
        assert_eq!(answer.status(), expected, "{method}");
    }
}

#[tokio::test]
async fn each_login_has_an_id_of_its_own_and_ends_what_came_with_it() {
    for desk in [Desk::new(), Desk::late()] {
        let first = desk.login("alice").await;
        let again = desk
            .sessions
            .login(&with(&first), &who("alice"))
            .await
            .unwrap();
        let second = value(&again);
        assert_ne!(first, second);
        assert_eq!(desk.came(&[&cookie(&first)]).await, invalid("unknown"));
        assert!(desk.knows(&second).await);

        // Session fixation: whose session it was does not matter.
        let planted = desk.login("mallory").await;
        let line = desk
            .sessions
            .login(&with(&planted), &who("bob"))
            .await
            .unwrap();
        assert!(!desk.knows(&planted).await);
        assert!(desk.sessions.list("mallory").await.unwrap().is_empty());
        assert_ne!(value(&line), planted);

        // Nor does one that nobody has made come into being.
        const INVENTED: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
        let line = desk
            .sessions
            .login(&with(INVENTED), &who("bob"))
            .await
            .unwrap();
        assert_ne!(value(&line), INVENTED);
        assert!(!desk.knows(INVENTED).await);

        // Of two in a request both end.
        let (one, two) = (desk.login("eve").await, desk.login("eve").await);
        let both = head(&[&cookie(&one), &cookie(&two)]);
        desk.sessions.login(&both, &who("eve")).await.unwrap();
        assert!(!desk.knows(&one).await && !desk.knows(&two).await);
    }
}

#[tokio::test]
async fn ids_are_drawn() {
    let desk = Desk::with(Odd::new(MemorySessionStore::new()), |b| {
        b.per_subject(1_000)
    });
    let mut drawn = HashSet::new();
    for _ in 0..200 {
        drawn.insert(desk.login("alice").await);
    }
    let all = desk.sessions.list("alice").await.unwrap();
    drawn.extend(ids(&all).into_iter().map(str::to_owned));
    assert_eq!(drawn.len(), 400, "of the cookies, and of the names");
}

#[tokio::test]
async fn renewed_a_session_has_a_new_id_and_its_old_end() {
    for desk in [Desk::new(), Desk::late()] {
        let old = desk.login("alice").await;
        let before = desk.sessions.list("alice").await.unwrap().remove(0);
        desk.wait(600);
        let stronger = Principal::builder("alice")
            .roles(["admin"])
            .acr("aal2")
            .auth_time(at(600))
            .build();
        let line = desk.sessions.renew(&with(&old), &stronger).await.unwrap();
        let new = value(&line);
        assert_ne!(old, new);
        // Dead at once.
        assert_eq!(desk.came(&[&cookie(&old)]).await, invalid("unknown"));
        assert_eq!(desk.came(&[&cookie(&new)]).await, alice());
        let after = desk.sessions.list("alice").await.unwrap();
        assert_eq!(after.len(), 1);
        let (after, kept) = (&after[0], after[0].principal());
        assert_eq!(after.id(), before.id());
        assert_eq!(
            (kept.acr(), kept.auth_time()),
            (Some("aal2"), Some(at(600)))
        );
        assert!(kept.has_role("admin"));
        assert_eq!((after.created_at(), after.seen_at()), (at(0), at(600)));
        assert_eq!(
            kept.expires_at(),
            Some(at(12 * 3_600)),
            "no longer than before"
        );

        // Without a date of its own the old one stays: a role that is given is no login.
        let line = desk
            .sessions
            .renew(&with(&new), &who("alice"))
            .await
            .unwrap();
        let weaker = desk.sessions.list("alice").await.unwrap().remove(0);
        assert_eq!(weaker.principal().auth_time(), Some(at(600)));
        assert_eq!(
            (weaker.principal().acr(), weaker.principal().roles().count()),
            (None, 0)
        );

        // Renewed again and again it ends all the same.
        let mut last = value(&line);
        for minutes in (20..720).step_by(20) {
            desk.set_now(at(minutes * 60));
            let line = desk
                .sessions
                .renew(&with(&last), &who("alice"))
                .await
                .unwrap();
            last = value(&line);
        }
        desk.set_now(at(12 * 3_600));
        assert_eq!(desk.came(&[&cookie(&last)]).await, invalid("over"));
    }
}

#[tokio::test]
async fn only_a_valid_session_of_the_same_subject_is_renewed() {
    let desk = Desk::new();
    let own = desk.login("alice").await;
    let renew = async |headers: &HeaderMap, subject: &str| {
        desk.sessions.renew(headers, &who(subject)).await
    };
    let cut = &own[1..];
    for headers in [
        HeaderMap::new(),
        with(""),
        with(cut),
        head(&[&cookie(&own), &cookie(&own)]),
    ] {
        let error = renew(&headers, "alice").await.unwrap_err();
        assert!(
            matches!(error, SessionError::NoSession),
            "{headers:?}: {error}"
        );
    }
    let error = renew(&with(&own), "bob").await.unwrap_err();
    assert!(matches!(error, SessionError::SubjectMismatch), "{error}");
    assert!(desk.knows(&own).await);

    desk.wait(1_800);
    let error = renew(&with(&own), "alice").await.unwrap_err();
    assert!(matches!(error, SessionError::NoSession), "{error}");

    // Of two at the same time one wins.
    let own = desk.login("alice").await;
    let headers = with(&own);
    let alice = who("alice");
    let (one, two) = tokio::join!(
        desk.sessions.renew(&headers, &alice),
        desk.sessions.renew(&headers, &alice),
    );
    assert!(one.is_ok() != two.is_ok());
}

#[tokio::test]
async fn a_logout_ends_the_session_and_deletes_the_cookie() {
    const DELETION: &str = "__Host-session=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0";
    for desk in [Desk::new(), Desk::late()] {
        let own = desk.login("alice").await;
        let other = desk.login("alice").await;
        assert_eq!(desk.sessions.logout(&with(&own)).await.unwrap(), DELETION);
        assert!(!desk.knows(&own).await);
        assert!(desk.knows(&other).await);
        for headers in [with(&own), with("x"), HeaderMap::new()] {
            assert_eq!(desk.sessions.logout(&headers).await.unwrap(), DELETION);
        }
        let two = [desk.login("bob").await, desk.login("eve").await];
        let both = head(&[&cookie(&two[0]), &cookie(&two[1])]);
        desk.sessions.logout(&both).await.unwrap();
        assert!(!desk.knows(&two[0]).await && !desk.knows(&two[1]).await);
    }
}

#[tokio::test]
async fn planted_cookies_keep_no_session_alive_at_a_logout() {
    let invented = |number: usize| cookie(&format!("{number:02}{}", "A".repeat(41)));
    for desk in [Desk::new(), Desk::late()] {
        let own = desk.login("alice").await;
        let ended = async |planted: Vec<String>| {
            let mut lines: Vec<&str> = planted.iter().map(String::as_str).collect();
            let own = cookie(&own);
            lines.push(&own);
            desk.sessions.logout(&head(&lines)).await
        };
        // So many that not all of them are looked up: whoever logs out is told that he is not logged out.
        let error = ended((0..99).map(invented).collect()).await.unwrap_err();
        assert!(matches!(error, SessionError::TooMany), "{error}");
        assert_eq!(error.rejection().status(), StatusCode::BAD_REQUEST);
        assert!(desk.knows(&own).await);
        // One cookie over and over, and what is none, count for nothing.
        let noise = (0..99).map(|number| cookie(&"x".repeat(number)));
        let same = std::iter::repeat_n(invented(0), 99);
        let planted = noise.chain(same).chain((1..9).map(invented)).collect();
        ended(planted).await.unwrap();
        assert!(!desk.knows(&own).await);
    }
}

#[tokio::test]
async fn a_session_that_is_renewed_meanwhile_ends_all_the_same() {
    let desk = Desk::new();
    let own = desk.login("alice").await;
    desk.store.renew_first();
    desk.sessions.logout(&with(&own)).await.unwrap();
    assert!(desk.sessions.list("alice").await.unwrap().is_empty());

    desk.login("alice").await;
    let name = desk.sessions.list("alice").await.unwrap()[0]
        .id()
        .to_owned();
    desk.store.renew_first();
    assert!(desk.sessions.revoke("alice", &name).await.unwrap());
    assert!(desk.sessions.list("alice").await.unwrap().is_empty());
    assert!(!desk.sessions.revoke("alice", &name).await.unwrap());
}

#[tokio::test]
async fn a_session_is_one_of_the_cookie_that_it_was_made_for() {
    let customers = Desk::new();
    let staff = customers.beside(|builder| builder.cookie("__Host-staff"));
    let value = customers.login("alice").await;
    let line = format!("__Host-staff={value}");
    assert_eq!(staff.came(&[&line]).await, invalid("unknown"));
    assert_eq!(customers.came(&[&cookie(&value)]).await, alice());
    let error = staff.sessions.renew(&head(&[&line]), &who("alice")).await;
    assert!(matches!(error, Err(SessionError::NoSession)));
}

#[tokio::test]
async fn sessions_are_listed_and_revoked() {
    let desk = Desk::new();
    let mut own = Vec::new();
    for _ in 0..3 {
        own.push(desk.login("alice").await);
        desk.wait(10);
    }
    let neighbour = desk.login("bob").await;
    let all = desk.sessions.list("alice").await.unwrap();
    let dates: Vec<SystemTime> = all.iter().map(SessionInfo::created_at).collect();
    assert_eq!(dates, [at(0), at(10), at(20)]);

    // By its name, and only its owner's.
    let name = all[1].id();
    assert!(!desk.sessions.revoke("bob", name).await.unwrap());
    assert!(desk.sessions.revoke("alice", name).await.unwrap());
    assert!(!desk.sessions.revoke("alice", name).await.unwrap());
    assert!(!desk.knows(&own[1]).await && desk.knows(&own[0]).await);

    // All but this one.
    let error = desk
        .sessions
        .revoke_others(&HeaderMap::new())
        .await
        .unwrap_err();
    assert!(matches!(error, SessionError::NoSession));
    assert_eq!(
        desk.sessions.revoke_others(&with(&own[2])).await.unwrap(),
        1
    );
    assert!(desk.knows(&own[2]).await && !desk.knows(&own[0]).await);

    assert_eq!(desk.sessions.revoke_subject("alice").await.unwrap(), 1);
    assert_eq!(desk.sessions.revoke_subject("alice").await.unwrap(), 0);
    assert!(desk.sessions.list("alice").await.unwrap().is_empty());
    assert!(desk.knows(&neighbour).await);

    // What is over is not listed, and is removed when somebody asks for it.
    desk.wait(1_800);
    assert!(desk.sessions.list("bob").await.unwrap().is_empty());
    assert_eq!(desk.sessions.purge().await.unwrap(), 1);
    assert_eq!(desk.sessions.purge().await.unwrap(), 0);
}

#[tokio::test]
async fn one_login_more_ends_the_oldest_session_of_the_user() {
    let desk = Desk::with(Odd::new(MemorySessionStore::new()), |b| b.per_subject(2));
    let neighbour = desk.login("bob").await;
    let own = [desk.login("alice").await, desk.login("alice").await];
    assert!(desk.knows(&own[0]).await);
    let third = desk.login("alice").await;
    assert!(!desk.knows(&own[0]).await);
    assert!(desk.knows(&own[1]).await && desk.knows(&third).await);
    assert!(desk.knows(&neighbour).await);
}

#[tokio::test]
async fn what_fails_is_told_and_logs_nobody_in_or_out() {
    for desk in [Desk::new(), Desk::late()] {
        let own = desk.login("alice").await;
        desk.store.fail(true);
        let headers = with(&own);
        let alice = who("alice");
        let errors = [
            desk.sessions.login(&headers, &alice).await.unwrap_err(),
            desk.sessions.renew(&headers, &alice).await.unwrap_err(),
            desk.sessions.logout(&headers).await.unwrap_err(),
            desk.sessions.revoke("alice", "x").await.unwrap_err(),
            desk.sessions.revoke_others(&headers).await.unwrap_err(),
            desk.sessions.revoke_subject("alice").await.unwrap_err(),
            desk.sessions.list("alice").await.unwrap_err(),
            desk.sessions.purge().await.unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, SessionError::Store(_)), "{error}");
            let rejection = error.rejection();
            assert_eq!(rejection.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(rejection.code(), "authentication_unavailable");
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("db-7.internal"), "{shown}");
        }
        desk.store.fail(false);
        // The old session could not be ended: nobody is logged in beside it.
        desk.store.refuse_writes(true);
        assert!(desk.sessions.login(&headers, &alice).await.is_err());
        desk.store.refuse_writes(false);
        assert!(desk.knows(&own).await);
        assert_eq!(desk.sessions.list("alice").await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn an_empty_subject_and_a_clock_before_1970_log_nobody_in() {
    let desk = Desk::new();
    let error = desk
        .sessions
        .login(&HeaderMap::new(), &who(""))
        .await
        .unwrap_err();
    assert!(matches!(error, SessionError::SubjectEmpty), "{error}");
    assert_eq!(
        error.rejection().status(),
        StatusCode::INTERNAL_SERVER_ERROR
    );
    desk.set_now(SystemTime::UNIX_EPOCH - Duration::from_nanos(1));
    let error = desk
        .sessions
        .login(&HeaderMap::new(), &who("alice"))
        .await
        .unwrap_err();
    assert!(matches!(error, SessionError::Clock), "{error}");
    assert_eq!(error.rejection().status(), StatusCode::SERVICE_UNAVAILABLE);
    desk.set_now(SystemTime::UNIX_EPOCH);
    assert!(
        desk.sessions
            .login(&HeaderMap::new(), &who("alice"))
            .await
            .is_ok()
    );

    let gone = SessionError::NoSession.rejection();
    assert_eq!(
        (gone.status(), gone.code()),
        (StatusCode::UNAUTHORIZED, "session_invalid")
    );
}

#[tokio::test]
async fn events_name_the_subject_and_the_session_and_no_secret() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&told);
    let desk = Desk::with(Odd::new(MemorySessionStore::new()), |builder| {
        builder.events(move |event: &SecurityEvent<'_>| {
            let who = event.principal.as_deref().map(str::to_owned);
            let target = event.target.as_deref().map(str::to_owned);
            log.lock()
                .unwrap()
                .push((event.name.as_str(), event.code, who, target));
        })
    });
    let first = desk.login("alice").await;
    let name = desk.sessions.list("alice").await.unwrap()[0]
        .id()
        .to_owned();
    let line = desk
        .sessions
        .renew(&with(&first), &who("alice"))
        .await
        .unwrap();
    desk.sessions.logout(&with(&value(&line))).await.unwrap();
    let second = desk.login("alice").await;
    let other = desk.sessions.list("alice").await.unwrap()[0]
        .id()
        .to_owned();
    desk.sessions.revoke("alice", &other).await.unwrap();
    let third = desk.login("alice").await;
    desk.sessions.revoke_subject("alice").await.unwrap();

    let told = told.lock().unwrap().clone();
    let codes: Vec<_> = told.iter().map(|(name, code, ..)| (*name, *code)).collect();
    let created = ("session_created", "session_created");
    assert_eq!(
        codes,
        [
            created,
            ("session_renewed", "session_renewed"),
            ("session_logout", "session_logout"),
            created,
            ("session_logout", "session_revoked"),
            created,
            ("session_logout", "sessions_revoked"),
        ]
    );
    assert!(
        told.iter()
            .all(|(_, _, who, _)| who.as_deref() == Some("alice"))
    );
    assert!(
        told[..3]
            .iter()
            .all(|(.., target)| target.as_ref() == Some(&name))
    );
    let shown = format!("{told:?}");
    for secret in [first, second, third] {
        assert!(!shown.contains(&secret));
    }
}

#[tokio::test]
async fn nothing_that_is_printed_shows_a_cookie() {
    let desk = Desk::new();
    let own = desk.login("alice").await;
    let session = desk.sessions.list("alice").await.unwrap().remove(0);
    let shown = format!("{:?} {:?} {:?}", desk.sessions, session, desk.store);
    assert!(!shown.contains(&own) && shown.contains("alice"), "{shown}");
    let came: Came = desk.came(&[&cookie(&own)]).await;
    assert_eq!(came, alice());
}
