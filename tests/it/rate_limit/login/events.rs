//! What is told, and that it never names an account.

use tower_security::rate_limit::Quota;
use tower_security::rate_limit::login::{LoginAccount, LoginThrottleLayer};

use super::*;

#[test]
fn a_failure_is_one_event_with_the_keyed_hash_of_the_account() {
    let (throttle, _, log) = throttle();
    assert_eq!(fail(&throttle, "alice", client("203.0.113.9")), Ok(()));
    assert_eq!(fail(&throttle, "Alice", client("203.0.113.9")), Ok(()));
    assert_eq!(fail(&throttle, "bob", client("203.0.113.9")), Ok(()));
    let told = log.take();
    assert_eq!(told.len(), 3);
    for told in &told {
        assert_eq!(
            (told.name, told.level),
            (EventName::AuthnLoginFail, Level::Warn)
        );
        assert_eq!(
            (told.outcome, told.code),
            (Outcome::Refused, "login_failed")
        );
        let target = told.target.as_deref().unwrap();
        assert_eq!(target.len(), 32);
        assert!(
            target.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{target}"
        );
        assert!(told.whole.contains("203.0.113.9"), "{}", told.whole);
    }
    assert_eq!(told[0].target, told[1].target);
    assert_ne!(told[0].target, told[2].target);
}

#[test]
fn a_success_is_no_event_of_this_room() {
    let (throttle, _, log) = throttle();
    succeed(&throttle, "alice", client("203.0.113.9"));
    assert_eq!(log.take(), []);
}

#[test]
fn a_refusal_names_its_dimension_and_count() {
    type Change = fn(LoginThrottleBuilder) -> LoginThrottleBuilder;
    let rows: [(Change, &str, &str); 3] = [
        (|builder| builder, "account", "count=5 suppressed=0"),
        (
            |builder| builder.hard_bound(3),
            "account_lock",
            "count=3 suppressed=0",
        ),
        (
            |builder| builder.address_failures(Quota::new(4, minutes(15))),
            "address",
            "count=4 suppressed=0",
        ),
    ];
    for (change, rule, detail) in rows {
        let (throttle, _, log) = with(change);
        while fail(&throttle, "alice", client("203.0.113.9")).is_ok() {}
        let told = log.take();
        let last = told.last().unwrap();
        assert_eq!(
            (last.name, last.code),
            (EventName::AuthnLoginFailMax, "login_throttled")
        );
        assert_eq!(last.rule.as_deref(), Some(rule));
        assert_eq!(last.detail.as_deref(), Some(detail));
        assert_eq!(last.target, told[0].target);
    }
}

#[test]
fn the_failure_that_locks_is_told_once() {
    let (throttle, clock, log) = with(|builder| builder.hard_bound(3).lock(minutes(60)));
    for number in 0..6 {
        let _ = fail(&throttle, "alice", nth_client(number));
    }
    let told = log.take();
    let codes: Vec<_> = told.iter().map(|told| told.code).collect();
    assert_eq!(
        codes[..4],
        [
            "login_failed",
            "login_failed",
            "login_failed",
            "login_locked"
        ]
    );
    assert!(!codes[4..].contains(&"login_locked"));
    assert_eq!(
        (told[3].name, told[3].level),
        (EventName::AuthnLoginLock, Level::Warn)
    );
    assert_eq!(told[3].rule.as_deref(), Some("account_lock"));
    assert_eq!(told[3].detail.as_deref(), Some("count=3"));
    // The right password at the third attempt locks nobody.
    let (throttle, _, log) = with(|builder| builder.hard_bound(3));
    let _ = (
        fail(&throttle, "alice", nth_client(0)),
        fail(&throttle, "alice", nth_client(1)),
    );
    succeed(&throttle, "alice", nth_client(2));
    assert_eq!(log.codes(), ["login_failed", "login_failed"]);
    clock.advance(minutes(60));
}

#[test]
fn a_hundred_refusals_a_second_are_told_and_the_others_counted() {
    let (throttle, clock, log) = with(|builder| {
        builder
            .free_attempts(1)
            .delays(minutes(60), minutes(60), minutes(60))
    });
    let _ = fail(&throttle, "alice", nth_client(0));
    log.take();
    for _ in 0..1_000 {
        let _ = fail(&throttle, "alice", nth_client(1));
    }
    assert_eq!(log.take().len(), 100);
    for _ in 0..1_000 {
        clock.advance(Duration::from_millis(1));
        let _ = fail(&throttle, "alice", nth_client(1));
    }
    let told = log.take();
    assert_eq!(told.len(), 100);
    assert_eq!(told[0].detail.as_deref(), Some("count=1 suppressed=909"));
    assert_eq!(told[1].detail.as_deref(), Some("count=1 suppressed=9"));
}

/// Every event and every `Debug` of an attack on one account.
#[test]
fn no_event_and_no_debug_names_an_account_or_shows_the_secret() {
    const ACCOUNT: &str = "hidden.account@example.com";
    let (throttle, clock, log) =
        with(|builder| builder.hard_bound(8).spray(2, minutes(10), minutes(15)));
    let cookie = succeed(&throttle, ACCOUNT, nth_client(0));
    let mut texts = vec![
        format!("{throttle:?} {throttle:#?}"),
        format!("{:?}", LoginThrottle::builder(&SECRET[..]).name("x")),
        format!("{:?}", LoginAccount::new(ACCOUNT)),
        format!("{:?}", LoginThrottleLayer::new(throttle.clone())),
    ];
    for number in 0..60 {
        let attempt = LoginAttempt::new(ACCOUNT)
            .ip(nth_client(number % 7))
            .device(&cookie);
        texts.push(format!("{attempt:?}"));
        let begun = throttle.begin(attempt);
        texts.push(format!("{begun:?}"));
        let begun = at_once(begun);
        texts.push(format!("{begun:?}"));
        if let Err(refusal) = &begun {
            texts.push(refusal.to_string());
        }
        drop(begun);
        let _ = fail(&throttle, &format!("{ACCOUNT}{number}"), nth_client(1));
        clock.advance(seconds(20));
    }
    let told = log.take();
    let codes: std::collections::BTreeSet<_> = told.iter().map(|told| told.code).collect();
    let all = [
        "login_failed",
        "login_locked",
        "login_spray",
        "login_throttled",
    ];
    assert_eq!(codes.into_iter().collect::<Vec<_>>(), all);
    texts.extend(told.into_iter().map(|told| told.whole));
    let secret = format!("{SECRET:?}");
    let inner = secret.trim_matches(['[', ']']);
    for text in texts {
        assert!(!text.contains("hidden") && !text.contains(inner), "{text}");
        assert!(!text.contains(&cookie), "{text}");
    }
}
