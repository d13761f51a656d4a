//! Policies that fail, wait, or are abandoned; modes; events.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use http_body_util::BodyExt;
use tower_security::core::{AuthzLedger, ManualClock, Mode, Outcome};
use tower_security::ownership::{OwnershipRefusal, StepUp, async_policy};

use super::*;
use crate::support::service::go;

fn guard_of(policy: impl Policy) -> OwnershipGuardBuilder {
    OwnershipGuard::builder().resource("/orders/{id}", policy)
}

fn fixed(decision: Decision) -> impl Policy {
    move |_: &AccessRequest| decision
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(std::task::Waker::noop()))
}

/// Row 70.
#[test]
fn a_policy_that_panics_reaches_no_handler() {
    let inner = Inner::default();
    let guard = guard_of(|_: &AccessRequest| -> Decision { panic!("a bug") })
        .build()
        .unwrap();
    let mut service = Login.layer(guard.layer(inner.clone()));
    let called = catch_unwind(AssertUnwindSafe(|| {
        service.call(request("alice", "GET", "/orders/1"))
    }));
    assert!(called.is_err());
    assert_eq!(inner.calls(), 0);
}

/// Row 72.
#[tokio::test]
async fn each_decision_has_its_answer_at_once_and_later() {
    let rows: [(Decision, u16, &str, &str, Option<&str>); 6] = [
        (Decision::Allow, 200, "", "", None),
        (Decision::Deny, 404, "not_found", "object_denied", None),
        (Decision::NotFound, 404, "not_found", "object_absent", None),
        (
            Decision::Unavailable,
            503,
            "authorization_unavailable",
            "policy_unavailable",
            None,
        ),
        (
            Decision::StepUp(StepUp::acr("aal2")),
            401,
            "stronger_authentication",
            "stronger_authentication",
            Some(
                r#"Bearer realm="api", error="insufficient_user_authentication", error_description="A stronger authentication is required", acr_values="aal2""#,
            ),
        ),
        (
            Decision::StepUp(StepUp::max_age(Duration::from_secs(300))),
            401,
            "recent_authentication",
            "recent_authentication",
            Some(
                r#"Bearer realm="api", error="insufficient_user_authentication", error_description="A more recent authentication is required", max_age="300""#,
            ),
        ),
    ];
    for (decision, status, code, event, challenge) in rows {
        for is_late in [false, true] {
            let (told, inner) = (Told::default(), Inner::default());
            let guard = if is_late {
                guard_of(async_policy(move |_: &AccessRequest| async move {
                    tokio::task::yield_now().await;
                    decision
                }))
            } else {
                guard_of(fixed(decision))
            };
            let guard = guard.events(told.clone()).build().unwrap();
            let service = Login.layer(guard.layer(inner.clone()));
            let (head, body) = go(service, request("alice", "GET", "/orders/1"))
                .await
                .into_parts();
            assert_eq!(head.status, status, "{decision:?}");
            assert_eq!(inner.calls(), usize::from(status == 200));
            let line = head
                .headers
                .get("www-authenticate")
                .map(|line| line.to_str().unwrap());
            assert_eq!(line, challenge);
            if status == 200 {
                assert!(told.take().is_empty());
                continue;
            }
            assert_eq!(head.headers["cache-control"], "no-store");
            let body = body.collect().await.unwrap().to_bytes();
            let text = std::str::from_utf8(&body).unwrap();
            assert!(
                text.ends_with(&format!(r#""status":{status},"code":"{code}"}}"#)),
                "{text}"
            );
            let events = told.take();
            assert_eq!(events.len(), 1);
            assert_eq!(events[0].code, event);
            let outcome = if status == 503 {
                Outcome::Fault
            } else {
                Outcome::Refused
            };
            assert_eq!(events[0].outcome, outcome);
        }
    }
}

/// An `acr` that would break out of the quotes of the challenge is not told.
#[tokio::test]
async fn a_challenge_cannot_be_broken_out_of() {
    let guard = guard_of(fixed(Decision::StepUp(StepUp::acr("a\", realm=\"x"))))
        .build()
        .unwrap();
    let answer = go(
        Login.layer(guard.layer(Inner::default())),
        request("alice", "GET", "/orders/1"),
    )
    .await;
    assert_eq!(
        answer.headers()["www-authenticate"],
        r#"Bearer realm="api", error="insufficient_user_authentication", error_description="A stronger authentication is required""#
    );
}

struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn never(dropped: &Arc<AtomicUsize>) -> impl Policy + use<> {
    let dropped = Arc::clone(dropped);
    async_policy(move |_: &AccessRequest| {
        let guard = Dropped(Arc::clone(&dropped));
        async move {
            let _guard = guard;
            pending().await
        }
    })
}

/// Row 73.
#[test]
fn a_client_that_goes_away_drops_the_question() {
    let (dropped, inner) = (Arc::default(), Inner::default());
    let guard = guard_of(never(&dropped)).build().unwrap();
    let mut asked = request("alice", "GET", "/orders/1");
    principal("alice").dangerous_attach(asked.extensions_mut());
    let tripwire = {
        // What a tripwire outside would have put.
        let mut head = asked.into_parts();
        let authz = tower_security::ownership::Authz::of_head(&mut head.0);
        asked = Request::from_parts(head.0, head.1);
        authz
    };
    let mut future = Box::pin(go(guard.layer(inner.clone()), asked));
    assert!(poll(future.as_mut()).is_pending());
    drop(future);
    assert_eq!((dropped.load(Ordering::SeqCst), inner.calls()), (1, 0));
    let ledger: &AuthzLedger = tripwire.ledger();
    assert!(!ledger.is_decided() && !ledger.is_denied());
}

/// Row 71.
#[cfg(feature = "limits")]
#[tokio::test(start_paused = true)]
async fn a_policy_that_never_answers_is_out_of_time() {
    let (told, dropped, inner) = (Told::default(), Arc::default(), Inner::default());
    let guard = guard_of(never(&dropped))
        .policy_timeout(Duration::from_millis(50))
        .events(told.clone())
        .build()
        .unwrap();
    let start = tokio::time::Instant::now();
    let answer = go(
        Login.layer(guard.layer(inner.clone())),
        request("alice", "GET", "/orders/1"),
    )
    .await;
    assert_eq!(answer.status(), 503);
    let passed = start.elapsed();
    assert!(
        passed >= Duration::from_millis(50) && passed < Duration::from_millis(60),
        "{passed:?}"
    );
    assert_eq!((dropped.load(Ordering::SeqCst), inner.calls()), (1, 0));
    assert_eq!(told.codes(), ["policy_unavailable"]);

    let in_time = async_policy(|_: &AccessRequest| async {
        tokio::time::sleep(Duration::from_millis(49)).await;
        Decision::Allow
    });
    let guard = guard_of(in_time)
        .policy_timeout(Duration::from_millis(50))
        .build()
        .unwrap();
    let answer = go(
        Login.layer(guard.layer(inner)),
        request("alice", "GET", "/orders/1"),
    )
    .await;
    assert_eq!(answer.status(), 200);
}

#[cfg(feature = "limits")]
#[tokio::test(start_paused = true)]
async fn a_floor_holds_back_what_hides_and_nothing_else() {
    let floor = Duration::from_millis(200);
    let slow = |decision| {
        async_policy(move |_: &AccessRequest| async move {
            tokio::time::sleep(Duration::from_millis(30)).await;
            decision
        })
    };
    for (decision, is_held) in [
        (Decision::Allow, false),
        (Decision::Deny, true),
        (Decision::NotFound, true),
        (Decision::Unavailable, false),
    ] {
        let at_once = guard_of(fixed(decision)).deny_floor(floor).build().unwrap();
        let later = guard_of(slow(decision)).deny_floor(floor).build().unwrap();
        for (guard, alone) in [(at_once, 0), (later, 30)] {
            let start = tokio::time::Instant::now();
            go(
                Login.layer(guard.layer(Inner::default())),
                request("alice", "GET", "/orders/1"),
            )
            .await;
            let expected = if is_held { 200 } else { alone };
            let passed = start.elapsed().as_millis();
            assert!(
                (expected..expected + 5).contains(&passed),
                "{decision:?} {passed}"
            );
        }
    }
}

#[cfg(feature = "limits")]
#[tokio::test(start_paused = true)]
async fn what_is_only_reported_is_not_held_back() {
    let guard = guard_of(fixed(Decision::Deny))
        .deny_floor(Duration::from_millis(200))
        .mode(Mode::ReportOnly)
        .build()
        .unwrap();
    let start = tokio::time::Instant::now();
    let asked = request("alice", "GET", "/orders/1");
    let answer = go(Login.layer(guard.layer(Inner::default())), asked).await;
    assert_eq!(
        (answer.status().as_u16(), start.elapsed()),
        (200, Duration::ZERO)
    );
}

/// Only the instance that was ready is called, and what stays behind is asked again.
#[tokio::test]
async fn the_ready_instance_waits_with_the_request() {
    let inner = Inner::default();
    let later = async_policy(|_: &AccessRequest| async {
        tokio::task::yield_now().await;
        Decision::Allow
    });
    let guard = guard_of(later).build().unwrap();
    let mut service = Login.layer(guard.layer(inner.clone()));
    for _ in 0..3 {
        std::future::poll_fn(|cx| Service::<Request<Full<Bytes>>>::poll_ready(&mut service, cx))
            .await
            .unwrap();
        // `Inner` panics if it was not asked whether it is ready.
        let answer = service
            .call(request("alice", "GET", "/orders/1"))
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
    }
    assert_eq!(inner.calls(), 3);
}

#[tokio::test]
async fn a_layer_that_only_reports_lets_everything_pass_and_says_so() {
    for (who, target, code, asked) in [
        ("alice", "/orders/1", None, 1),
        ("alice", "/orders/2", Some("object_denied"), 1),
        ("alice", "/orders/x", Some("reference_malformed"), 0),
        ("-", "/orders/1", Some("authentication_required"), 0),
        ("alice", "/orders/1%2f2", Some("path_not_canonical"), 0),
        ("alice", "/about", Some("no_rule"), 0),
    ] {
        let (orders, told) = (Orders::new(), Told::default());
        let handler = tower::service_fn(|request: Request<Full<Bytes>>| async move {
            let ledger = AuthzLedger::from_extensions(request.extensions());
            let decided = ledger.is_some_and(|ledger| ledger.is_decided());
            Ok::<_, Infallible>(Response::new(Full::from(decided.to_string())))
        });
        let guard = rules(&orders)
            .deny_unmatched()
            .mode(Mode::ReportOnly)
            .events(told.clone())
            .build()
            .unwrap();
        assert_eq!(guard.mode(), Mode::ReportOnly);
        let answer = go(
            Login.layer(guard.layer(handler)),
            request(who, "GET", target),
        )
        .await;
        assert_eq!(answer.status(), 200);
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let has_rule = !matches!(code, Some("no_rule" | "path_not_canonical"));
        assert_eq!(body, has_rule.to_string(), "{target}");
        let events = told.take();
        let codes: Vec<_> = events.iter().map(|event| event.code).collect();
        assert_eq!(codes, code.as_slice(), "{target}");
        assert!(
            events
                .iter()
                .all(|event| event.outcome == Outcome::WouldRefuse)
        );
        assert_eq!(orders.asked(), asked, "{target}");
    }
}

#[tokio::test]
async fn a_layer_that_is_off_asks_nobody() {
    let (orders, told) = (Orders::new(), Told::default());
    let guard = rules(&orders)
        .mode(Mode::Off)
        .events(told.clone())
        .build()
        .unwrap();
    let answer = go(
        Login.layer(guard.layer(Inner::default())),
        request("-", "GET", "/orders/2"),
    )
    .await;
    assert_eq!((answer.status().as_u16(), orders.asked()), (200, 0));
    assert!(told.take().is_empty());
}

/// Row 14, and what a denial tells.
#[tokio::test]
async fn events_say_who_wanted_what_by_which_rule() {
    let (orders, told) = (Orders::new(), Told::default());
    let guard = rules(&orders).events(told.clone()).build().unwrap();
    let service = Login.layer(guard.layer(Inner::default()));
    let rows = [
        (
            "root",
            "GET",
            "/orders/1",
            "authz_admin",
            "admin_override",
            Some("1"),
            "/orders/{id}",
            "action=read",
        ),
        (
            "alice",
            "DELETE",
            "/orders/2",
            "authz_fail",
            "object_denied",
            Some("2"),
            "/orders/{id}",
            "action=delete",
        ),
        (
            "alice",
            "GET",
            "/orders/9",
            "authz_fail",
            "object_absent",
            Some("9"),
            "/orders/{id}",
            "action=read",
        ),
        (
            "alice",
            "POST",
            "/orders/2/cancel",
            "authz_fail",
            "object_denied",
            Some("2"),
            "cancel an order",
            "action=cancel",
        ),
        (
            "alice",
            "GET",
            "/orders/01",
            "authz_fail",
            "reference_malformed",
            Some("01"),
            "/orders/{id}",
            "action=read",
        ),
        (
            "alice",
            "GET",
            "/export?doc=1&doc=2",
            "malicious_direct_reference",
            "reference_ambiguous",
            None,
            "/export",
            "action=read",
        ),
    ];
    for (who, method, target, name, code, id, rule, detail) in rows {
        go(service.clone(), request(who, method, target)).await;
        let events = told.take();
        assert_eq!(events.len(), 1, "{target}");
        let event = &events[0];
        assert_eq!((event.name, event.code), (name, code));
        assert_eq!(event.principal.as_deref(), Some(who));
        assert_eq!(event.target.as_deref(), id);
        assert_eq!(event.rule.as_deref(), Some(rule));
        assert_eq!(event.detail.as_deref(), Some(detail));
    }
}

/// Row 38: however long an id is, an event holds its start.
#[tokio::test]
async fn an_event_holds_the_start_of_an_id() {
    let (orders, told) = (Orders::new(), Told::default());
    let guard = rules(&orders).events(told.clone()).build().unwrap();
    let service = Login.layer(guard.layer(Inner::default()));
    let target = format!("/notes/{}", "a".repeat(10 * 1024));
    let answer = go(service.clone(), request("alice", "GET", &target)).await;
    assert_eq!(answer.status(), 404);
    let events = told.take();
    assert_eq!(events[0].code, "reference_malformed");
    let held = events[0].target.as_deref().unwrap();
    assert!(held.len() <= 64 && held.starts_with("aaaa"), "{held}");
    assert_eq!(orders.asked(), 0);

    // Both sides of the limit.
    for (length, code) in [(256, "object_absent"), (257, "reference_malformed")] {
        let target = format!("/notes/{}", "b".repeat(length));
        go(service.clone(), request("alice", "GET", &target)).await;
        assert_eq!(told.codes(), [code]);
    }
    let forged = go(service, request("alice", "GET", "/notes/a%E2%80%AEb")).await;
    assert_eq!(forged.status(), 404);
    assert_eq!(told.take()[0].target.as_deref(), Some("a\\u{202e}b"));
}

#[tokio::test]
async fn grants_are_told_when_they_are_asked_for() {
    let (orders, told) = (Orders::new(), Told::default());
    let guard = rules(&orders)
        .record_grants()
        .events(told.clone())
        .build()
        .unwrap();
    let service = Login.layer(guard.layer(Inner::default()));
    for (who, method, name, code) in [
        ("alice", "GET", "sensitive_read", "object_granted"),
        ("alice", "POST", "sensitive_create", "object_granted"),
        ("alice", "PATCH", "sensitive_update", "object_granted"),
        ("alice", "DELETE", "sensitive_delete", "object_granted"),
        ("root", "GET", "authz_admin", "admin_override"),
    ] {
        go(service.clone(), request(who, method, "/orders/1")).await;
        let events = told.take();
        assert_eq!(events.len(), 1);
        assert_eq!(
            (events[0].name, events[0].code, events[0].outcome),
            (name, code, Outcome::Success)
        );
    }
}

/// Row 77: each step of a walk through the ids is told.
#[tokio::test]
async fn a_walk_through_the_ids_is_seen() {
    let (orders, told) = (Orders::new(), Told::default());
    let guard = rules(&orders).events(told.clone()).build().unwrap();
    let service = Login.layer(guard.layer(Inner::default()));
    for id in 1..=10_000 {
        let target = format!("/orders/{id}");
        go(service.clone(), request("alice", "GET", &target)).await;
    }
    let codes = told.codes();
    assert_eq!(codes.len(), 9_999, "all but her own");
    assert_eq!(
        codes
            .iter()
            .filter(|code| **code == "object_denied")
            .count(),
        2
    );
}

/// Row 6, both sides of the end.
#[tokio::test]
async fn a_principal_counts_until_its_end() {
    let clock = ManualClock::new();
    let end = tower_security::core::Clock::now(&clock) + Duration::from_secs(60);
    let guard = guard_of(fixed(Decision::Allow))
        .clock(clock.clone())
        .build()
        .unwrap();
    let service = guard.layer(Inner::default());
    let ask = async || {
        let mut request = request("-", "GET", "/orders/1");
        let who = principal("alice").to_builder().expires_at(end).build();
        who.dangerous_attach(request.extensions_mut());
        let answer = go(service.clone(), request).await;
        (answer.status().as_u16(), answer.extensions().get().copied())
    };
    clock.advance(Duration::from_millis(59_999));
    assert_eq!(ask().await, (200, None));
    clock.advance(Duration::from_millis(1));
    assert_eq!(ask().await, (401, Some(OwnershipRefusal::Unauthenticated)));
}

/// Row 80: no owner is ever turned away.
#[tokio::test]
async fn two_thousand_owners_are_served() {
    let orders = Orders::new();
    let guard = rules(&orders).build().unwrap();
    let service = Login.layer(guard.layer(Inner::default()));
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..2_000 {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let (who, id) = (
            ["alice", "bob"][usize::from(seed.is_multiple_of(2))],
            (seed >> 8).to_string(),
        );
        orders.give(&id, who);
        let target = match seed >> 4 & 3 {
            0 => format!("/orders/{id}"),
            1 => format!("/t/t1/orders/{id}"),
            2 => format!("/export?page=1&doc={id}"),
            _ => format!("/notes/{id}"),
        };
        let answer = go(service.clone(), request(who, "GET", &target)).await;
        assert_eq!(answer.status(), 200, "{who} {target}");
    }
}

/// What a policy is told.
#[tokio::test]
async fn a_policy_sees_the_request() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let policy = move |request: &AccessRequest| {
        log.lock().unwrap().push((
            request.principal().subject().to_owned(),
            request.action(),
            request.id().to_owned(),
            request.route().map(str::to_owned),
            request.param("tenant").map(str::to_owned),
            request.param("id").map(str::to_owned),
            request.tenant().map(str::to_owned),
            request.method().cloned(),
        ));
        Decision::Allow
    };
    let guard = OwnershipGuard::builder()
        .resource_param("/t/{tenant}/orders/{id}", "id", policy)
        .build()
        .unwrap();
    let service = Login.layer(guard.layer(Inner::default()));
    go(service, request("alice", "PUT", "/t/t%31/orders/7")).await;
    let expected = (
        "alice".to_owned(),
        Action::Update,
        "7".to_owned(),
        Some("/t/{tenant}/orders/{id}".to_owned()),
        Some("t1".to_owned()),
        Some("7".to_owned()),
        Some("t1".to_owned()),
        Some(http::Method::PUT),
    );
    assert_eq!(*seen.lock().unwrap(), [expected]);
}
