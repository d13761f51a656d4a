//! Who may refresh, for how long, and what comes of it.

use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tower_security::core::{AuthMethod, Clock, Confirmation, EventName, ManualClock, Principal};
use tower_security::token::{
    Grant, IssueError, JwtVerifier, RefreshContext, RefreshError, TokenPair,
};

use super::super::issuer::{AUDIENCE, ISSUER};
use super::{Desk, WEB, alice, extensions, issuer, kind, outcome, text};

const KEY: Confirmation = Confirmation::JwkSha256([7; 32]);
const OTHER: Confirmation = Confirmation::JwkSha256([8; 32]);
const JKT: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
const OTHER_JKT: &str = "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg";
const CERTIFICATE: Confirmation = Confirmation::CertificateSha256([7; 32]);
const DAY: u64 = 24 * 3_600;

/// Whom a resource server takes the access token for.
async fn principal(desk: &Desk, pair: &TokenPair) -> Principal {
    let verifier = JwtVerifier::builder()
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .keys(issuer(desk.clock.clone()).verifying_keys())
        .tenant_claim("tenant")
        .clock(desk.clock.clone())
        .build()
        .unwrap();
    let answer = verifier.verify(pair.access_token.token().expose());
    answer.wait().await.unwrap()
}

/// The key that an access token is bound to.
fn bound_to(pair: &TokenPair) -> Option<String> {
    use base64::Engine;
    let token = pair.access_token.token().expose();
    let payload = token.split('.').nth(1).unwrap();
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let claims: serde_json::Value =
        serde_json::from_slice(&engine.decode(payload).unwrap()).unwrap();
    Some(claims.get("cnf")?["jkt"].as_str().unwrap().to_owned())
}

fn scopes(who: &Principal) -> Vec<&str> {
    who.scopes().collect()
}

#[tokio::test]
async fn access_tokens_say_what_was_granted_each_time() {
    let desk = Desk::new();
    let who = Principal::builder("alice")
        .client_id("web")
        .tenant("acme")
        .scopes(["orders:read"])
        .roles(["admin"])
        .acr("aal2")
        .amr(["pwd", "otp"])
        .session_id("another")
        .build();
    let grant = Grant::new(who).claim("plan", "gold").claim("quota", [1, 2]);
    let login_at = desk.clock.now();
    let mut pair = desk.service.login(&grant, &WEB).await.unwrap();
    let mut session = None;
    for _ in 0..3 {
        let who = principal(&desk, &pair).await;
        assert_eq!(who.subject(), "alice");
        assert_eq!(who.client_id(), Some("web"));
        assert_eq!(who.tenant(), Some("acme"));
        assert_eq!(scopes(&who), ["orders:read"]);
        assert!(who.has_role("admin"));
        assert_eq!(who.acr(), Some("aal2"));
        assert_eq!(who.amr().collect::<Vec<_>>(), ["pwd", "otp"]);
        assert_eq!(who.auth_time(), Some(login_at));
        let claims: serde_json::Value = who.claims().unwrap();
        assert_eq!(claims["plan"], "gold");
        assert_eq!(claims["quota"], serde_json::json!([1, 2]));
        // A name of its own, the same each time, which is no part of the token.
        let name = who.session_id().unwrap().to_owned();
        assert_eq!(name.len(), 22);
        assert!(!pair.refresh_token.expose().contains(&name));
        assert_eq!(*session.get_or_insert_with(|| name.clone()), name);
        let lifetime = Duration::from_secs(15 * 60);
        assert_eq!(pair.access_token.lifetime(), lifetime);
        desk.pass(60);
        let next = desk.service.refresh(pair.refresh_token.expose(), &WEB);
        pair = next.await.unwrap();
    }
}

/// `printf 'sid\x01..' | sha256sum`, half of it in base64url.
#[tokio::test]
async fn the_name_of_a_family_is_a_digest_of_its_id() {
    let desk = Desk::new();
    let pair = desk.service.login(&alice(), &WEB).await.unwrap();
    let (family, ..) = super::parts(pair.refresh_token.expose());
    use base64::Engine;
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest([b"sid", &family[..]].concat());
    let name = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&digest[..16]);
    assert_eq!(principal(&desk, &pair).await.session_id(), Some(&*name));
    let sessions = desk.service.sessions("alice").await.unwrap();
    assert_eq!(sessions[0].id(), name);
}

#[tokio::test]
async fn who_authenticated_without_a_person_has_no_time_of_a_login() {
    for (method, has_time) in [
        (AuthMethod::Custom("password"), true),
        (AuthMethod::ApiKey, false),
        (AuthMethod::Session, false),
    ] {
        let desk = Desk::new();
        let who = Principal::builder("alice").client_id("web").method(method);
        let pair = desk.service.login(&Grant::new(who.build()), &WEB).await;
        let who = principal(&desk, &pair.unwrap()).await;
        assert_eq!(who.auth_time().is_some(), has_time, "{method}");
    }
}

#[tokio::test]
async fn a_family_ends_when_it_is_not_used() {
    for (pause, is_there) in [(14 * DAY - 1, true), (14 * DAY, false)] {
        let desk = Desk::new();
        let pair = desk.service.login(&alice(), &WEB).await.unwrap();
        let end = desk.clock.now() + Duration::from_secs(14 * DAY);
        assert_eq!(pair.refresh_expires_at, end);
        desk.pass(pause);
        let next = desk.refresh(pair.refresh_token.expose()).await;
        assert_eq!(next.is_ok(), is_there);
        assert!(is_there || next == Err("expired"));
        assert_eq!(desk.sessions().await, usize::from(is_there));
    }
}

#[tokio::test]
async fn a_family_ends_however_it_is_used() {
    let desk = Desk::new();
    let mut token = desk.login().await;
    let end = desk.clock.now() + Duration::from_secs(30 * DAY);
    for days in [10, 10] {
        desk.pass(days * DAY);
        token = desk.refresh(&token).await.unwrap();
    }
    desk.pass(10 * DAY - 2);
    let pair = desk.service.refresh(&token, &WEB).await.unwrap();
    assert_eq!(pair.refresh_expires_at, end);
    assert_eq!(
        pair.access_token.expires_at(),
        end,
        "it ends with the family"
    );
    desk.pass(2);
    let last = pair.refresh_token.expose();
    assert_eq!(desk.refresh(last).await, Err("expired"));
    assert_eq!(desk.service.purge().await.unwrap(), 1);
}

#[tokio::test]
async fn a_principal_that_ends_sooner_ends_its_family() {
    let desk = Desk::new();
    let end = desk.clock.now() + Duration::from_secs(60);
    let who = Principal::builder("alice").client_id("web").expires_at(end);
    let pair = desk
        .service
        .login(&Grant::new(who.build()), &WEB)
        .await
        .unwrap();
    assert_eq!(
        (pair.refresh_expires_at, pair.access_token.expires_at()),
        (end, end)
    );
    desk.pass(59);
    let next = desk.refresh(pair.refresh_token.expose()).await.unwrap();
    desk.pass(1);
    assert_eq!(desk.refresh(&next).await, Err("expired"));
    // In its last second there is no access token left to issue, and no fault of the server's.
    let who = Principal::builder("bob").client_id("web");
    let who = who.expires_at(desk.clock.now() + Duration::from_millis(900));
    let pair = desk.service.login(&Grant::new(who.build()), &WEB).await;
    assert_eq!(outcome(pair), Err("expired"));
}

#[tokio::test]
async fn less_may_be_asked_for_and_not_more() {
    let desk = Desk::new();
    let token = desk.login().await;
    let asked = async |token: &str, scope| {
        let pair = desk.service.refresh(token, &WEB.scope(scope)).await;
        pair.map_err(|error| kind(&error))
    };
    for scope in [
        "orders:delete",
        "orders:read orders:delete",
        "orders",
        "orders:read,orders:write",
    ] {
        assert_eq!(asked(&token, scope).await.unwrap_err(), "scope", "{scope}");
        let told = desk.log.take().pop().unwrap();
        assert_eq!(
            (told.name, told.code),
            (EventName::AuthzFail, "invalid_scope")
        );
    }
    // Nothing has rotated.
    let narrow = asked(&token, "orders:read").await.unwrap();
    assert_eq!(scopes(&principal(&desk, &narrow).await), ["orders:read"]);
    // Repeated, another part of it may be asked for; and the family has all it had.
    let again = asked(&token, "orders:write").await.unwrap();
    assert_eq!(scopes(&principal(&desk, &again).await), ["orders:write"]);
    for scope in ["", " ", "orders:write  orders:read"] {
        let token = narrow.refresh_token.expose();
        let all = principal(&desk, &asked(token, scope).await.unwrap()).await;
        assert!(
            all.has_scope("orders:read") && all.has_scope("orders:write"),
            "{scope:?}"
        );
    }
}

/// However long the text is that asks for it.
#[tokio::test]
async fn what_is_asked_for_twice_is_granted_once() {
    let desk = Desk::new();
    let token = desk.login().await;
    let many = "orders:write ".repeat(100_000);
    let pair = desk.service.refresh(&token, &WEB.scope(&many)).await;
    let who = principal(&desk, &pair.unwrap()).await;
    assert_eq!(scopes(&who), ["orders:write"]);
}

#[tokio::test]
async fn another_client_ends_the_family() {
    let desk = Desk::new();
    let token = desk.login().await;
    desk.log.take();
    let from = |client| RefreshContext::new().client_id(client);
    let by = async |token: &str, context: RefreshContext<'_>| {
        outcome(desk.service.refresh(token, &context).await)
    };
    // One that does not say who it is may have forgotten it.
    assert_eq!(by(&token, RefreshContext::new()).await, Err("binding"));
    assert_eq!(
        desk.log.rules(),
        [(EventName::AuthnLoginFail, "client".to_owned())]
    );
    // A secret that is forged proves nothing, whoever sends it.
    let (family, generation, _) = super::parts(&token);
    let forged = super::made((family, generation, [0; 32]));
    assert_eq!(by(&forged, from("evil")).await, Err("unknown"));
    let next = by(&token, WEB).await.unwrap();
    assert_eq!(by(&next, from("evil")).await, Err("reused"));
    assert_eq!(by(&next, WEB).await, Err("revoked"));
}

#[tokio::test]
async fn a_token_that_is_repeated_is_the_clients_own_too() {
    let desk = Desk::new();
    let token = desk.login().await;
    let next = desk.refreshed(&token, 1).await;
    let evil = RefreshContext::new().client_id("evil");
    assert_eq!(
        outcome(desk.service.refresh(&token, &evil).await),
        Err("reused")
    );
    assert_eq!(desk.refresh(&next).await, Err("revoked"));
}

#[tokio::test]
async fn a_family_that_is_bound_needs_the_key_each_time() {
    for (own, proved) in [(Some(KEY), Some(KEY)), (Some(KEY), None), (None, Some(KEY))] {
        let desk = Desk::new();
        let mut who = Principal::builder("alice").client_id("web");
        if let Some(own) = own {
            who = who.confirmation(own);
        }
        let with = |key: Option<Confirmation>| match key {
            Some(key) => WEB.confirmation(key),
            None => WEB,
        };
        let login = desk
            .service
            .login(&Grant::new(who.build()), &with(proved))
            .await;
        let pair = login.unwrap();
        assert_eq!(bound_to(&pair), Some(JKT.to_owned()));
        let token = pair.refresh_token.expose();
        for wrong in [None, Some(OTHER), Some(CERTIFICATE)] {
            let answer = desk.service.refresh(token, &with(wrong)).await;
            assert_eq!(outcome(answer), Err("binding"), "{wrong:?}");
        }
        let pair = desk.service.refresh(token, &with(Some(KEY))).await.unwrap();
        assert_eq!(bound_to(&pair), Some(JKT.to_owned()));
        // Repeated as well.
        let answer = desk.service.refresh(token, &with(Some(OTHER))).await;
        assert_eq!(outcome(answer), Err("binding"));
        assert_eq!(desk.sessions().await, 1);
    }
}

#[tokio::test]
async fn a_family_that_is_bound_to_nothing_binds_its_access_tokens_alone() {
    let desk = Desk::new();
    let token = desk.login().await;
    let pair = desk
        .service
        .refresh(&token, &WEB.confirmation(OTHER))
        .await
        .unwrap();
    assert_eq!(bound_to(&pair), Some(OTHER_JKT.to_owned()));
    let pair = desk
        .service
        .refresh(pair.refresh_token.expose(), &WEB)
        .await
        .unwrap();
    assert_eq!(bound_to(&pair), None);
}

#[tokio::test]
async fn what_cannot_begin_does_not() {
    let desk = Desk::new();
    let login = async |grant: &Grant, context: RefreshContext<'_>| {
        desk.service.login(grant, &context).await.unwrap_err()
    };
    let nobody = Grant::new(Principal::builder("").client_id("web").build());
    assert!(matches!(
        login(&nobody, WEB).await,
        RefreshError::SubjectEmpty
    ));
    let bound = Principal::builder("alice")
        .client_id("web")
        .confirmation(KEY);
    let bound = Grant::new(bound.build());
    assert!(matches!(
        login(&bound, WEB.confirmation(OTHER)).await,
        RefreshError::BindingFailed
    ));
    let reserved = alice().claim("sub", "bob");
    desk.log.take();
    assert!(matches!(
        login(&reserved, WEB).await,
        RefreshError::Issue(IssueError::ReservedClaim { .. })
    ));
    let [told] = desk.log.take().try_into().unwrap();
    assert_eq!(told.name, EventName::SysCrash);
    assert_eq!(told.detail.as_deref(), Some("issue=reserved_claim"));
    assert!(desk.store.is_empty());
    desk.clock.set_now(UNIX_EPOCH - Duration::from_secs(1));
    assert!(matches!(login(&alice(), WEB).await, RefreshError::Clock));
    let token = "rt_AAECAwQFBgcICQoLDA0ODwAAAAAUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMw";
    // Which is unknown before the clock is looked at.
    assert_eq!(desk.refresh(token).await, Err("unknown"));
}

#[tokio::test]
async fn the_clock_is_asked_before_a_token_counts() {
    let desk = Desk::new();
    let token = desk.login().await;
    desk.clock.set_now(UNIX_EPOCH - Duration::from_secs(1));
    assert_eq!(desk.refresh(&token).await, Err("clock"));
    desk.clock.set_now(ManualClock::new().now());
    assert!(desk.refresh(&token).await.is_ok());
}

#[tokio::test]
async fn a_page_of_sessions_shows_what_leads_nowhere() {
    let desk = Desk::new();
    let at_home: IpAddr = "192.0.2.1".parse().unwrap();
    let label = "\u{e9}".repeat(100);
    let from = async |address| desk.service.for_request(&extensions(address).await);
    let token = from(at_home)
        .await
        .login(&alice(), &WEB.label(&label))
        .await;
    let token = text(token);
    let begun = desk.clock.now();
    desk.pass(60);
    let away: IpAddr = "2001:db8::1".parse().unwrap();
    let another = WEB.label("another");
    let next = text(from(away).await.refresh(&token, &another).await);
    desk.login().await;
    let sessions = desk.service.sessions("alice").await.unwrap();
    let [first, second] = &sessions[..] else {
        panic!("{sessions:?}");
    };
    assert_eq!(
        first.label(),
        Some("\u{e9}".repeat(64).as_str()),
        "128 bytes"
    );
    assert_eq!(first.client_ip(), Some(away));
    let later = begun + Duration::from_secs(60);
    assert_eq!((first.created_at(), first.refreshed_at()), (begun, later));
    let end: SystemTime = later + Duration::from_secs(14 * DAY);
    assert_eq!(first.ends_at(), end);
    assert_eq!(first.principal().client_id(), Some("web"));
    assert_eq!((second.label(), second.client_ip()), (None, None));
    assert_ne!(first.id(), second.id());
    let shown = format!("{sessions:?}");
    assert!(!shown.contains(&next[3..25]), "{shown}");
    assert!(desk.service.sessions("bob").await.unwrap().is_empty());
}
