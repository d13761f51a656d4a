//! One token after the other.

use std::time::Duration;

use tower_security::core::{EventName, ManualClock, NoopSink};
use tower_security::token::jws::{Algorithm, SigningKey};
use tower_security::token::{
    KeyRing, MemoryRefreshStore, RefreshService, RefreshStore, TokenIssuer,
};

use super::super::issuer::{AUDIENCE, ISSUER, SECRET};
use super::races::Odd;
use super::{Desk, KEY, Log, OTHER_KEY, WEB, builder, made, outcome, parts, text};

const REUSE: EventName = EventName::AuthnTokenReuse;
const REVOKED: EventName = EventName::AuthnTokenRevoked;
const FAIL: EventName = EventName::AuthnLoginFail;
const CREATED: EventName = EventName::AuthnTokenCreated;

fn told(name: EventName, rule: &str) -> (EventName, String) {
    (name, rule.to_owned())
}

#[tokio::test]
async fn each_token_gives_the_next() {
    let desk = Desk::new();
    let first = desk.login().await;
    let second = desk.refresh(&first).await.unwrap();
    let third = desk.refresh(&second).await.unwrap();
    assert_eq!(first.len(), 73);
    let [first, second, third] = [first, second, third].map(|token| parts(&token));
    assert_eq!((first.1, second.1, third.1), (0, 1, 2));
    assert_eq!((first.0, first.0), (second.0, third.0));
    assert_ne!(first.2, second.2);
    assert_ne!(second.2, third.2);
    assert_eq!(
        desk.log.rules(),
        [told(CREATED, ""), told(CREATED, ""), told(CREATED, "")]
    );
    assert_eq!(desk.sessions().await, 1);
}

#[tokio::test]
async fn an_answer_that_was_lost_is_repeated_within_the_grace() {
    for passed in [0, 10] {
        let desk = Desk::new();
        let first = desk.login().await;
        let second = desk.refresh(&first).await.unwrap();
        desk.pass(passed);
        let again = desk.refresh(&first).await.unwrap();
        assert_eq!(again, second, "after {passed} s");
        assert!(desk.refresh(&second).await.is_ok());
        assert_eq!(desk.log.rules(), vec![told(CREATED, ""); 4]);
    }
}

#[tokio::test]
async fn after_the_grace_it_is_taken_for_stolen() {
    let desk = Desk::new();
    let first = desk.login().await;
    let second = desk.refresh(&first).await.unwrap();
    desk.pass(11);
    desk.log.take();
    assert_eq!(desk.refresh(&first).await, Err("reused"));
    let rules = desk.log.rules();
    assert_eq!(rules, [told(REUSE, "replaced"), told(REVOKED, "reuse")]);
    assert_eq!(desk.refresh(&second).await, Err("revoked"));
    assert_eq!(desk.refresh(&first).await, Err("revoked"));
    let rules = desk.log.rules();
    assert_eq!(rules, [told(FAIL, "reuse"), told(FAIL, "reuse")]);
    assert_eq!(desk.sessions().await, 0);
}

#[tokio::test]
async fn the_grace_is_for_the_last_token_alone() {
    let desk = Desk::new();
    let first = desk.login().await;
    let third = desk.refreshed(&first, 2).await;
    desk.log.take();
    assert_eq!(desk.refresh(&first).await, Err("reused"));
    let rules = desk.log.rules();
    assert_eq!(rules, [told(REUSE, "ancestor"), told(REVOKED, "reuse")]);
    assert_eq!(desk.refresh(&third).await, Err("revoked"));
}

#[tokio::test]
async fn an_ancestor_is_known_50_and_4096_generations_back() {
    for (behind, expected, left) in [
        (50, "reused", 0),
        (4_096, "reused", 0),
        (4_097, "unknown", 1),
    ] {
        let desk = Desk::new();
        let first = desk.login().await;
        desk.refreshed(&first, behind).await;
        assert_eq!(desk.refresh(&first).await, Err(expected), "{behind}");
        assert_eq!(desk.sessions().await, left, "{behind}");
    }
}

#[tokio::test]
async fn without_grace_nothing_is_repeated() {
    let desk = Desk::with(|builder| builder.grace(Duration::ZERO));
    let first = desk.login().await;
    desk.refresh(&first).await.unwrap();
    assert_eq!(desk.refresh(&first).await, Err("reused"));
}

#[tokio::test]
async fn what_is_forged_ends_nothing() {
    let desk = Desk::new();
    let first = desk.login().await;
    let second = desk.refreshed(&first, 1).await;
    let (family, generation, secret) = parts(&second);
    let mut flipped = secret;
    flipped[31] ^= 1;
    let old = parts(&first).2;
    let foreign = parts(&Desk::new().login().await).0;
    desk.log.take();
    for (why, token, rule) in [
        ("a secret", (family, generation, flipped), "secret"),
        ("a secret of before", (family, 0, flipped), "secret"),
        ("another's secret", (family, generation, old), "secret"),
        ("an earlier generation", (family, 0, secret), "secret"),
        ("a later generation", (family, 2, secret), "generation"),
        (
            "the last generation",
            (family, u32::MAX, secret),
            "generation",
        ),
        ("another family", (foreign, generation, secret), "family"),
    ] {
        assert_eq!(desk.refresh(&made(token)).await, Err("unknown"), "{why}");
        assert_eq!(desk.log.rules(), [told(FAIL, rule)], "{why}");
    }
    let third = desk.refreshed(&second, 1).await;
    let fourth = desk.refreshed(&third, 1).await;
    desk.log.take();
    // Two and three generations back, where the whole way is gone.
    for generation in [0, 1] {
        let forged = made((family, generation, flipped));
        assert_eq!(desk.refresh(&forged).await, Err("unknown"));
        assert_eq!(desk.log.rules(), [told(FAIL, "secret")]);
    }
    assert!(desk.refresh(&fourth).await.is_ok());
}

#[tokio::test]
async fn what_is_no_token_is_not_looked_up() {
    let (store, log) = (Odd::new(), Log::default());
    let clock = ManualClock::new();
    let service = builder(store.clone(), &clock)
        .events(log.sink())
        .build()
        .unwrap();
    let token = text(service.login(&super::alice(), &WEB).await);
    log.take();
    for wrong in ["", "rt_", &token[..72], &token[3..], &format!("{token}=")] {
        assert_eq!(
            outcome(service.refresh(wrong, &WEB).await),
            Err("unknown"),
            "{wrong}"
        );
        assert_eq!(log.rules(), [told(FAIL, "malformed")]);
    }
    assert_eq!(store.reads(), 0);
    assert!(service.refresh(&token, &WEB).await.is_ok());
    assert_eq!(store.reads(), 1);
}

#[tokio::test]
async fn a_clock_that_is_set_back_accuses_nobody() {
    let desk = Desk::new();
    let first = desk.login().await;
    let second = desk.refresh(&first).await.unwrap();
    let before = std::time::UNIX_EPOCH + Duration::from_secs(1_000_000);
    desk.clock.set_now(before);
    assert_eq!(desk.refresh(&first).await, Ok(second.clone()));
    assert!(desk.refresh(&second).await.is_ok());
}

/// Two nodes with a store, while the rotation key is changed.
#[tokio::test]
async fn a_rotation_key_is_changed_in_the_middle_of_a_family() {
    let clock = ManualClock::new();
    let store = MemoryRefreshStore::new();
    let node = |old: Option<[u8; 32]>, current: (&str, [u8; 32])| {
        let mut builder = builder(store.clone(), &clock).rotation_key(current.0, current.1);
        if let Some(old) = old {
            builder = builder.add_old_rotation_key("one", old);
        }
        builder.build().unwrap()
    };
    let before = node(None, ("one", KEY));
    let between = node(Some(KEY), ("two", OTHER_KEY));
    let after = node(None, ("two", OTHER_KEY));
    let login = async || text(before.login(&super::alice(), &WEB).await);

    // In the grace the key of the rotation counts, wherever it comes to.
    let first = login().await;
    let second = text(before.refresh(&first, &WEB).await);
    assert_eq!(text(between.refresh(&first, &WEB).await), second);
    let third = text(between.refresh(&second, &WEB).await);
    assert_eq!(text(between.refresh(&second, &WEB).await), third);
    assert_eq!(text(after.refresh(&second, &WEB).await), third);

    // An ancestor of before the change is still one.
    let fourth = text(between.refresh(&third, &WEB).await);
    assert_eq!(outcome(between.refresh(&first, &WEB).await), Err("reused"));
    assert_eq!(
        outcome(between.refresh(&fourth, &WEB).await),
        Err("revoked")
    );

    // Where the key is gone nobody can tell: it is unknown, and the family goes on.
    let first = login().await;
    let second = text(before.refresh(&first, &WEB).await);
    assert_eq!(outcome(after.refresh(&first, &WEB).await), Err("unknown"));
    let third = text(after.refresh(&second, &WEB).await);
    assert_eq!(text(after.refresh(&second, &WEB).await), third);
    let fourth = text(after.refresh(&third, &WEB).await);
    assert_eq!(outcome(after.refresh(&first, &WEB).await), Err("unknown"));
    assert_eq!(outcome(after.refresh(&second, &WEB).await), Err("reused"));
    assert_eq!(outcome(after.refresh(&fourth, &WEB).await), Err("revoked"));

    // A node that does not know the key yet knows the last token all the same.
    let first = login().await;
    let second = text(between.refresh(&first, &WEB).await);
    assert_eq!(outcome(before.refresh(&first, &WEB).await), Err("unknown"));
    assert!(before.refresh(&second, &WEB).await.is_ok());
}

/// Nodes that disagree on the current key, such as while they are restarted one after the other.
#[tokio::test]
async fn keys_that_change_with_each_rotation_do_not_make_records_grow() {
    let clock = ManualClock::new();
    let store = MemoryRefreshStore::new();
    let node = |current: (&str, [u8; 32]), old: (&str, [u8; 32])| {
        builder(store.clone(), &clock)
            .rotation_key(current.0, current.1)
            .add_old_rotation_key(old.0, old.1)
            .build()
            .unwrap()
    };
    let nodes = [
        node(("one", KEY), ("two", OTHER_KEY)),
        node(("two", OTHER_KEY), ("one", KEY)),
    ];
    let mut tokens = vec![text(nodes[0].login(&super::alice(), &WEB).await)];
    let mut sizes = Vec::new();
    for number in 0..20 {
        let next = nodes[number % 2].refresh(&tokens[number], &WEB).await;
        tokens.push(text(next));
        let rows = store.list("alice").wait().await.unwrap();
        sizes.push(rows[0].to_bytes().len());
    }
    assert_eq!(sizes[8], sizes[19], "{sizes:?}");
    assert_eq!(
        outcome(nodes[0].refresh(&tokens[2], &WEB).await),
        Err("unknown")
    );
    // Eight changes back all keys are known.
    assert_eq!(
        outcome(nodes[0].refresh(&tokens[12], &WEB).await),
        Err("reused")
    );
}

#[tokio::test]
async fn two_services_on_one_store_are_one() {
    let clock = ManualClock::new();
    let store = MemoryRefreshStore::new();
    let node = || {
        let builder = builder(store.clone(), &clock).events(NoopSink::new());
        builder.build().unwrap()
    };
    let (one, two) = (node(), node());
    let first = text(one.login(&super::alice(), &WEB).await);
    let second = text(two.refresh(&first, &WEB).await);
    assert_eq!(text(one.refresh(&first, &WEB).await), second);
    let third = text(one.refresh(&second, &WEB).await);
    clock.advance(Duration::from_secs(11));
    assert_eq!(outcome(two.refresh(&second, &WEB).await), Err("reused"));
    assert_eq!(outcome(one.refresh(&third, &WEB).await), Err("revoked"));
}

/// Staff and customers, whose access tokens are for different resource servers.
#[tokio::test]
async fn a_token_of_one_issuer_is_none_of_another_on_the_same_store() {
    let clock = ManualClock::new();
    let store = MemoryRefreshStore::new();
    let service = |name: &str, audiences: &[&str]| {
        let key = SigningKey::hmac(SECRET, Algorithm::Hs256).unwrap();
        let issuer = TokenIssuer::builder().issuer(name).clock(clock.clone());
        let issuer = audiences
            .iter()
            .fold(issuer, |issuer, audience| issuer.audience(*audience));
        RefreshService::builder(
            store.clone(),
            issuer.signing(KeyRing::new(key)).build().unwrap(),
        )
        .rotation_key("one", KEY)
        .without_revocation()
        .events(NoopSink::new())
        .clock(clock.clone())
        .build()
        .unwrap()
    };
    let customers = service(ISSUER, &[AUDIENCE, "files"]);
    let first = text(customers.login(&super::alice(), &WEB).await);
    let second = text(customers.refresh(&first, &WEB).await);
    for (why, other) in [
        (
            "another audience",
            service(ISSUER, &["https://admin.example.com"]),
        ),
        (
            "one audience more",
            service(ISSUER, &[AUDIENCE, "files", "admin"]),
        ),
        (
            "another issuer",
            service("https://staff.example.com/", &[AUDIENCE, "files"]),
        ),
    ] {
        for token in [&second, &first] {
            assert_eq!(
                outcome(other.refresh(token, &WEB).await),
                Err("unknown"),
                "{why}"
            );
            assert!(!other.revoke_token(token, &WEB).await.unwrap(), "{why}");
        }
    }
    let same = service(ISSUER, &["files", AUDIENCE]);
    assert_eq!(text(same.refresh(&first, &WEB).await), second);
    assert!(customers.refresh(&second, &WEB).await.is_ok());
}

/// It was one of the family all the same: who logs out is logged out.
#[tokio::test]
async fn a_token_that_cannot_be_repeated_logs_out() {
    let clock = ManualClock::new();
    let store = MemoryRefreshStore::new();
    let node = |name, key| {
        builder(store.clone(), &clock)
            .rotation_key(name, key)
            .build()
            .unwrap()
    };
    let (before, after) = (node("one", KEY), node("two", OTHER_KEY));
    let first = text(before.login(&super::alice(), &WEB).await);
    let second = text(before.refresh(&first, &WEB).await);
    assert_eq!(outcome(after.refresh(&first, &WEB).await), Err("unknown"));
    let (family, generation, _) = parts(&first);
    let forged = made((family, generation, [0; 32]));
    assert!(!after.revoke_token(&forged, &WEB).await.unwrap());
    assert!(after.revoke_token(&first, &WEB).await.unwrap());
    assert_eq!(outcome(before.refresh(&second, &WEB).await), Err("revoked"));
}
