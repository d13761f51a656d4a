//! What a client is told, and what an operator is.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use tower_security::core::{
    AbuseKind, EventName, GrpcCode, Level, Lookup, ManualClock, RefusalContext, Refused,
    StoreError, StoreErrorKind,
};
use tower_security::token::{
    IssueError, RefreshContext, RefreshError, Revocation, RevocationStore, TokenRef,
};

use super::races::Odd;
use super::{Desk, Log, Told, WEB, alice, builder, extensions, kind, made, outcome, parts, text};

const ALICE: Option<&str> = Some("alice");

async fn answer(error: &RefreshError) -> (StatusCode, HeaderMap, Bytes, Option<&'static str>) {
    let (head, ()) = Request::post("/token").body(()).unwrap().into_parts();
    let response = error
        .rejection()
        .into_response::<Full<Bytes>>(&RefusalContext::new(&head));
    let (head, body) = response.into_parts();
    let reason = head.extensions.get::<RefreshError>().map(kind);
    let body = body.collect().await.unwrap().to_bytes();
    assert!(head.extensions.get::<Refused>().is_some());
    (head.status, head.headers, body, reason)
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one table")]
async fn each_error_has_its_answer() {
    let fault = StoreError::new(StoreErrorKind::Timeout, "db-7.internal did not answer");
    let grant = r#"{"error":"invalid_grant"}"#;
    let away = r#"{"error":"authentication_unavailable"}"#;
    let (tries, honest) = (Some(AbuseKind::AuthFailed), None);
    for (error, status, body, grpc, abuse) in [
        (
            RefreshError::BindingFailed,
            400,
            grant,
            GrpcCode::Unauthenticated,
            tries,
        ),
        (
            RefreshError::Expired,
            400,
            grant,
            GrpcCode::Unauthenticated,
            honest,
        ),
        (
            RefreshError::Reused,
            400,
            grant,
            GrpcCode::Unauthenticated,
            honest,
        ),
        (
            RefreshError::Revoked,
            400,
            grant,
            GrpcCode::Unauthenticated,
            honest,
        ),
        (
            RefreshError::Unknown,
            400,
            grant,
            GrpcCode::Unauthenticated,
            tries,
        ),
        (
            RefreshError::ScopeWidened,
            400,
            r#"{"error":"invalid_scope"}"#,
            GrpcCode::InvalidArgument,
            honest,
        ),
        (
            RefreshError::Clock,
            503,
            away,
            GrpcCode::Unavailable,
            honest,
        ),
        (
            RefreshError::Randomness,
            503,
            away,
            GrpcCode::Unavailable,
            honest,
        ),
        (
            RefreshError::Store(fault),
            503,
            away,
            GrpcCode::Unavailable,
            honest,
        ),
    ] {
        let rejection = error.rejection();
        assert_eq!(
            (rejection.grpc_code(), rejection.abuse_kind()),
            (grpc, abuse)
        );
        let (seen, headers, text, reason) = answer(&error).await;
        assert_eq!(seen, status, "{error}");
        assert_eq!(text, body, "{error}");
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["content-type"], "application/json");
        let retry = headers
            .get("retry-after")
            .map(|value| value.to_str().unwrap());
        assert_eq!(retry, (status == 503).then_some("5"));
        assert!(reason.is_some());
    }
    for (error, status, code) in [
        (RefreshError::SubjectEmpty, 500, "internal_error"),
        (
            RefreshError::Issue(IssueError::Signature),
            503,
            "authentication_unavailable",
        ),
        (
            RefreshError::Issue(IssueError::Expired),
            500,
            "internal_error",
        ),
    ] {
        let (seen, headers, text, _) = answer(&error).await;
        assert_eq!(seen, status, "{error}");
        assert!(std::str::from_utf8(&text).unwrap().contains(code));
        assert_eq!(headers["cache-control"], "no-store");
    }
}

fn plain(name: EventName, code: &'static str) -> Told {
    Told {
        name,
        level: name.default_level(),
        code,
        rule: None,
        principal: None,
        target: None,
        detail: None,
        client_ip: None,
    }
}

#[tokio::test]
async fn a_theft_is_told_with_all_that_is_known() {
    let desk = Desk::new();
    let (owner, thief): (IpAddr, IpAddr) =
        ("192.0.2.1".parse().unwrap(), "203.0.113.9".parse().unwrap());
    let from = async |address| desk.service.for_request(&extensions(address).await);
    let first = text(from(owner).await.login(&alice(), &WEB).await);
    let name = desk.service.sessions("alice").await.unwrap()[0]
        .id()
        .to_owned();
    text(from(owner).await.refresh(&first, &WEB).await);
    desk.pass(11);
    desk.log.take();
    let answer = from(thief).await.refresh(&first, &WEB).await;
    assert_eq!(outcome(answer), Err("reused"));
    let of_family = |told: Told| Told {
        principal: ALICE.map(str::to_owned),
        target: Some(name.clone()),
        client_ip: Some(thief),
        ..told
    };
    let reused = Told {
        rule: Some("replaced".to_owned()),
        detail: Some("last_ip=192.0.2.1 client=web presented_by=\"web\"".to_owned()),
        level: Level::Critical,
        ..plain(EventName::AuthnTokenReuse, "invalid_grant")
    };
    let revoked = Told {
        rule: Some("reuse".to_owned()),
        level: Level::Info,
        ..plain(EventName::AuthnTokenRevoked, "refresh_token_revoked")
    };
    assert_eq!(desk.log.take(), [of_family(reused), of_family(revoked)]);
}

#[tokio::test]
async fn what_went_well_is_told_too_and_no_token_is() {
    let desk = Desk::new();
    let first = desk.login().await;
    let second = desk.refresh(&first).await.unwrap();
    desk.refresh(&first).await.unwrap();
    let third = desk.refresh(&second).await.unwrap();
    let told = desk.log.take();
    let codes: Vec<_> = told.iter().map(|told| told.code).collect();
    let refreshed = "tokens_refreshed";
    assert_eq!(
        codes,
        ["tokens_issued", refreshed, "refresh_repeated", refreshed]
    );
    for told in &told {
        assert_eq!(
            (told.name, told.level),
            (EventName::AuthnTokenCreated, Level::Info)
        );
        assert_eq!(told.principal.as_deref(), ALICE);
    }
    let shown = format!("{told:?}");
    for token in [first, second, third] {
        assert!(!shown.contains(&token[3..20]));
        let (family, _, secret) = parts(&token);
        use base64::Engine;
        let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        assert!(!shown.contains(&engine.encode(family)));
        assert!(!shown.contains(&engine.encode(secret)));
    }
}

#[tokio::test]
async fn a_request_lends_its_events_sink_id_and_address() {
    use tower::{Layer, Service, ServiceExt, service_fn};
    use tower_security::SecurityStack;
    use tower_security::core::{PeerAddr, SecurityEvent, TrustedProxies};
    // The service has no sink of its own: that of the stack takes its events.
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let stack = SecurityStack::new()
        .client_ip(TrustedProxies::direct())
        .events(move |event: &SecurityEvent<'_>| {
            log.lock().unwrap().push((
                event.name,
                event.layer,
                event.client_ip,
                event.request_id.is_some(),
            ));
        });
    let clock = ManualClock::new();
    let service = tower_security::token::RefreshService::builder(
        tower_security::token::MemoryRefreshStore::new(),
        super::issuer(clock.clone()),
    )
    .rotation_key("one", super::KEY)
    .without_revocation()
    .clock(clock)
    .build()
    .unwrap();
    let mut endpoint = stack.layer(service_fn(move |request: Request<()>| {
        let service = service.clone();
        async move {
            let (head, ()) = request.into_parts();
            let context = RefreshContext::new().client_id("web");
            let error = service
                .for_request(&head.extensions)
                .refresh("rt_", &context)
                .await
                .unwrap_err();
            Ok::<_, std::convert::Infallible>(
                error
                    .rejection()
                    .into_response::<Full<Bytes>>(&RefusalContext::new(&head)),
            )
        }
    }));
    let address: std::net::SocketAddr = "192.0.2.7:5000".parse().unwrap();
    let mut request = Request::post("/token").body(()).unwrap();
    request.extensions_mut().insert(PeerAddr::Ip(address));
    let ready = ServiceExt::<Request<()>>::ready(&mut endpoint)
        .await
        .unwrap();
    let response = ready.call(request).await.unwrap();
    assert_eq!(response.status(), 400);
    let fail = EventName::AuthnLoginFail;
    let expected = (fail, "token", Some(address.ip()), true);
    assert!(
        seen.lock().unwrap().contains(&expected),
        "{:?}",
        seen.lock()
    );
}

/// Says that everything is good, and cannot note what is not.
#[derive(Clone, Default)]
struct Deaf(Arc<AtomicBool>, Arc<AtomicUsize>);

impl Deaf {
    fn fail(&self, fails: bool) {
        self.0.store(fails, Ordering::SeqCst);
    }

    /// How often it could.
    fn noted(&self) -> usize {
        self.1.load(Ordering::SeqCst)
    }
}

impl RevocationStore for Deaf {
    fn check(&self, _: &TokenRef<'_>) -> Lookup<Result<Revocation, StoreError>> {
        Lookup::Ready(Ok(Revocation::Valid))
    }

    fn revoke_session(&self, _: &str, _: SystemTime) -> Lookup<Result<(), StoreError>> {
        Lookup::Ready(if self.0.load(Ordering::SeqCst) {
            Err(StoreError::new(
                StoreErrorKind::Timeout,
                "db-8.internal did not answer",
            ))
        } else {
            self.1.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
    }
}

#[tokio::test]
async fn a_store_that_fails_is_no_store_that_knows_nothing() {
    let clock = ManualClock::new();
    let (store, log) = (Odd::new(), Log::default());
    let service = builder(store.clone(), &clock)
        .events(log.sink())
        .build()
        .unwrap();
    let token = text(service.login(&alice(), &WEB).await);
    log.take();
    store.fail(true);
    for number in 0..2 {
        let failed = |error: RefreshError| assert_eq!(kind(&error), "store");
        failed(service.refresh(&token, &WEB).await.unwrap_err());
        failed(service.login(&alice(), &WEB).await.unwrap_err());
        failed(service.revoke_token(&token, &WEB).await.unwrap_err());
        failed(service.revoke("alice", "x").await.unwrap_err());
        failed(service.revoke_subject("alice").await.unwrap_err());
        failed(service.revoke_others("alice", "x").await.unwrap_err());
        failed(service.sessions("alice").await.unwrap_err());
        failed(service.purge().await.unwrap_err());
        let told = log.take();
        // Once a minute: every request hits upon it.
        assert_eq!(told.len(), usize::from(number == 0), "{told:?}");
        for told in told {
            assert_eq!(
                (told.name, told.level),
                (EventName::SysMonitorDisabled, Level::Error)
            );
            assert_eq!(told.code, "authentication_unavailable");
            assert_eq!(told.detail.as_deref(), Some("db-7.internal did not answer"));
        }
    }
    store.fail(false);
    assert!(service.refresh(&token, &WEB).await.is_ok());
}

#[tokio::test]
async fn a_store_that_cannot_write_gives_no_successor() {
    let clock = ManualClock::new();
    let store = Odd::new();
    let service = builder(store.clone(), &clock).build().unwrap();
    let token = text(service.login(&alice(), &WEB).await);
    store.refuse_writes(true);
    assert_eq!(outcome(service.refresh(&token, &WEB).await), Err("store"));
    store.refuse_writes(false);
    let next = text(service.refresh(&token, &WEB).await);
    assert_eq!(parts(&next).1, 1);
}

/// Neither of the two stores is left out because the other fails, and what was left is made up for.
#[tokio::test]
async fn a_theft_is_told_and_its_family_ended_whatever_fails() {
    let deaf = Deaf::default();
    deaf.fail(true);
    let revocation = deaf.clone();
    let desk = Desk::with(|builder| builder.revocation(revocation));
    let first = desk.login().await;
    let second = desk.refresh(&first).await.unwrap();
    desk.pass(11);
    desk.log.take();
    assert_eq!(desk.refresh(&first).await, Err("store"));
    let told: Vec<_> = desk.log.take().into_iter().map(|told| told.name).collect();
    let expected = [
        EventName::AuthnTokenReuse,
        EventName::AuthnTokenRevoked,
        EventName::SysMonitorDisabled,
    ];
    assert_eq!(told, expected);
    assert_eq!(desk.refresh(&second).await, Err("store"));
    // A logout that failed is tried again, though its family has ended.
    let revoke = async || desk.service.revoke_token(&second, &WEB).await;
    assert_eq!(kind(&revoke().await.unwrap_err()), "store");
    deaf.fail(false);
    assert!(!revoke().await.unwrap());
    deaf.fail(true);
    let all = desk.service.revoke_subject("alice").await;
    assert_eq!(
        kind(&all.unwrap_err()),
        "store",
        "those that ended before too"
    );
}

/// Nobody calls again for a family that was stolen: each of its tokens that comes does.
#[tokio::test]
async fn access_tokens_of_a_stolen_family_that_were_left_end_with_the_next_token_that_comes() {
    for (comes, ends) in [
        ("the thief", true),
        ("the owner", true),
        ("a forger", false),
    ] {
        let deaf = Deaf::default();
        let revocation = deaf.clone();
        let desk = Desk::with(|builder| builder.revocation(revocation));
        let first = desk.login().await;
        let second = desk.refresh(&first).await.unwrap();
        desk.pass(11);
        deaf.fail(true);
        assert_eq!(desk.refresh(&first).await, Err("store"));
        let (family, generation, _) = parts(&second);
        let token = match comes {
            "the thief" => first,
            "the owner" => second,
            _ => made((family, generation, [0; 32])),
        };
        let expected = if ends { "store" } else { "revoked" };
        assert_eq!(desk.refresh(&token).await, Err(expected), "{comes}");
        deaf.fail(false);
        assert_eq!(desk.refresh(&token).await, Err("revoked"), "{comes}");
        assert_eq!(deaf.noted(), usize::from(ends), "{comes}");
    }
}

/// Who logs in again and again while revocations cannot be noted does not push out the families that he has.
#[tokio::test]
async fn a_login_that_fails_takes_nobodys_place() {
    let deaf = Deaf::default();
    let revocation = deaf.clone();
    let desk = Desk::with(|builder| builder.revocation(revocation).max_families(3));
    let mut tokens = Vec::new();
    for _ in 0..3 {
        tokens.push(desk.login().await);
        desk.pass(1);
    }
    deaf.fail(true);
    let login = async || outcome(desk.service.login(&alice(), &WEB).await);
    assert_eq!(login().await, Err("store"));
    assert_eq!(desk.sessions().await, 2, "the oldest has made room");
    assert!(login().await.is_ok(), "for this one");
    assert_eq!(desk.sessions().await, 3);
    // What was left of it ends when somebody comes with its token.
    assert_eq!(desk.refresh(&tokens[0]).await, Err("store"));
    deaf.fail(false);
    assert_eq!(desk.refresh(&tokens[0]).await, Err("revoked"));
    assert_eq!(deaf.noted(), 1);
    for token in &tokens[1..] {
        assert!(desk.refresh(token).await.is_ok());
    }
}

/// What a client calls itself looks like nothing else that is told, and leaves it room.
#[tokio::test]
async fn a_client_tells_nothing_about_others() {
    for name in ["evil last_ip=198.51.100.7 client=web", &"x".repeat(10_000)] {
        let desk = Desk::new();
        let owner = "192.0.2.1".parse().unwrap();
        let service = desk.service.for_request(&extensions(owner).await);
        let first = text(service.login(&alice(), &WEB).await);
        desk.log.take();
        let context = RefreshContext::new().client_id(name);
        assert_eq!(
            outcome(desk.service.refresh(&first, &context).await),
            Err("reused")
        );
        let detail = desk.log.take().remove(0).detail.unwrap();
        let told = detail.split(" presented_by=").next().unwrap();
        assert_eq!(told, "last_ip=192.0.2.1 client=web", "{detail}");
        let quoted = detail.split(" presented_by=\"").nth(1).unwrap();
        assert!(
            name.starts_with(quoted.trim_end_matches(['"', '.', '\u{2026}'])),
            "{detail}"
        );
    }
}

#[tokio::test]
async fn a_flood_of_forged_tokens_is_no_flood_of_events() {
    let desk = Desk::new();
    let forged = made(([1; 16], 0, [2; 32]));
    for _ in 0..1_000 {
        assert_eq!(desk.refresh(&forged).await, Err("unknown"));
    }
    assert_eq!(desk.log.take().len(), 100);
    desk.pass(1);
    assert_eq!(desk.refresh(&forged).await, Err("unknown"));
    let told = desk.log.take();
    assert_eq!(told[0].detail.as_deref(), Some("suppressed=900"));
}
