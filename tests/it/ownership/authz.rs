//! Asking from within a handler.

use http::Extensions;
use tower_security::core::{AuthzFault, AuthzLedger, EventSink, Rejection};
use tower_security::ownership::{Authz, OwnershipRefusal, async_policy};
use tower_security::stack::SecurityStack;

use super::*;
use crate::support::service::go;

fn authz(who: &str) -> Authz {
    let mut extensions = Extensions::new();
    if who != "-" {
        principal(who).dangerous_attach(&mut extensions);
    }
    Authz::of(&extensions)
}

fn code(result: Result<(), Rejection>) -> Option<(u16, &'static str)> {
    result
        .err()
        .map(|rejection| (rejection.status().as_u16(), rejection.code()))
}

#[tokio::test]
async fn a_check_is_noted_and_answered() {
    let orders = Orders::new();
    let later = {
        let orders = orders.clone();
        async_policy(move |request: &AccessRequest| {
            let decision = orders.decision(request);
            async move { decision }
        })
    };
    // who, id, refusal, decided, denied
    let rows = [
        ("alice", "1", None, true, false),
        ("alice", "2", Some((404, "not_found")), false, true),
        ("alice", "9", Some((404, "not_found")), false, true),
        ("alice", "", Some((404, "not_found")), false, true),
        ("alice", "1\0", Some((404, "not_found")), false, true),
        ("root", "2", None, true, false),
        (
            "-",
            "1",
            Some((401, "authentication_required")),
            false,
            false,
        ),
        (
            "expired",
            "1",
            Some((401, "authentication_required")),
            false,
            false,
        ),
    ];
    for (who, id, refusal, decided, denied) in rows {
        for is_late in [false, true] {
            let authz = authz(who);
            let result = if is_late {
                authz.check(&later, Action::Read, id).await
            } else {
                authz.check(&orders, Action::Read, id).await
            };
            assert_eq!(code(result), refusal, "{who} {id:?}");
            let ledger = authz.ledger();
            assert_eq!((ledger.is_decided(), ledger.is_denied()), (decided, denied));
        }
    }
    let long = "7".repeat(257);
    assert_eq!(
        code(authz("alice").check(&orders, Action::Read, &*long).await),
        Some((404, "not_found"))
    );
    let unavailable = |_: &AccessRequest| Decision::Unavailable;
    let result = authz("alice").check(&unavailable, Action::Read, "1").await;
    assert_eq!(code(result), Some((503, "authorization_unavailable")));
}

/// Row 20.
#[tokio::test]
async fn a_batch_is_decided_one_by_one_and_noted_as_restricted() {
    use Decision::{Allow, Deny, NotFound};
    let orders = Orders::new();
    let alice = authz("alice");
    let ids = ["1", "2", "9"];
    assert_eq!(
        alice.check_many(&orders, Action::Read, &ids[..2]).await,
        [Allow, Deny]
    );
    assert_eq!(
        alice.check_many(&orders, Action::Read, &ids).await,
        [Allow, Deny, NotFound]
    );
    assert_eq!(alice.ledger().fault(), None);
    assert!(
        alice
            .check_many(&orders, Action::Read, &[])
            .await
            .is_empty()
    );

    let nobody = authz("-");
    assert_eq!(
        nobody.check_many(&orders, Action::Read, &ids).await,
        [Deny; 3]
    );
    assert_eq!(nobody.ledger().fault(), Some(AuthzFault::DenialIgnored));
}

#[tokio::test]
async fn a_probe_leaves_no_trace() {
    let orders = Orders::new();
    for (who, id, decision) in [
        ("alice", "1", Decision::Allow),
        ("alice", "2", Decision::Deny),
        ("alice", "9", Decision::NotFound),
        ("-", "1", Decision::Deny),
    ] {
        let authz = authz(who);
        assert_eq!(authz.probe(&orders, Action::Read, id).await, decision);
        assert_eq!(authz.ledger().fault(), Some(AuthzFault::Missing));
    }
}

#[test]
fn a_subject_is_compared_exactly() {
    for (who, owner, refusal) in [
        ("alice", "alice", None),
        ("alice", "bob", Some((404, "not_found"))),
        ("alice", "Alice", Some((404, "not_found"))),
        ("alice", "", Some((404, "not_found"))),
        ("-", "alice", Some((401, "authentication_required"))),
        ("expired", "alice", Some((401, "authentication_required"))),
    ] {
        let authz = authz(who);
        assert_eq!(code(authz.same_subject(owner)), refusal, "{who} {owner}");
        assert_eq!(authz.ledger().is_decided(), refusal.is_none());
    }
}

/// Row 63: before a commit.
#[tokio::test]
async fn nothing_is_committed_that_nobody_has_allowed() {
    let orders = Orders::new();
    let missing = Some((500, "authorization_missing"));
    let forgotten = authz("alice");
    assert_eq!(code(forgotten.ensure()), missing);

    let ignored = authz("alice");
    let _ = ignored.check(&orders, Action::Update, "2").await;
    ignored.check(&orders, Action::Update, "1").await.unwrap();
    assert_eq!(ignored.ledger().fault(), Some(AuthzFault::DenialIgnored));
    assert_eq!(code(ignored.ensure()), missing);

    let allowed = authz("alice");
    allowed.check(&orders, Action::Update, "1").await.unwrap();
    assert_eq!(code(allowed.ensure()), None);
    let exempt = authz("-");
    exempt.exempt();
    assert_eq!(code(exempt.ensure()), None);
    let scoped = authz("alice");
    scoped.scoped();
    assert_eq!(code(scoped.ensure()), None);
}

/// What a guard has decided counts for the handler, and the other way round.
#[tokio::test]
async fn guard_handler_and_stack_share_one_ledger() {
    let orders = Orders::new();
    let handler = tower::service_fn(|request: Request<Full<Bytes>>| async move {
        let status = match Authz::of(request.extensions()).ensure() {
            Ok(()) => 200,
            Err(_) => 500,
        };
        let mut response = Response::new(Full::<Bytes>::default());
        *response.status_mut() = status.try_into().unwrap();
        Ok::<_, Infallible>(response)
    });
    let guard = rules(&orders).build().unwrap();
    let alone = Login.layer(guard.clone().layer(handler));
    assert_eq!(
        go(alone.clone(), request("alice", "GET", "/orders/1"))
            .await
            .status(),
        200
    );
    // No rule: nobody has decided.
    assert_eq!(
        go(alone, request("alice", "GET", "/about")).await.status(),
        500
    );

    let stack = SecurityStack::new().events(|_: &SecurityEvent<'_>| {});
    let inside = stack.layer(Login.layer(guard.layer(handler)));
    assert_eq!(
        go(inside, request("alice", "GET", "/orders/1"))
            .await
            .status(),
        200
    );
}

#[tokio::test]
async fn the_guard_stands_in_its_slot_and_says_what_it_does() {
    let (orders, inner) = (Orders::new(), Inner::default());
    let guard = OwnershipGuard::builder()
        .resource("/orders/{id}", orders.clone())
        .resource("/open/{id}", orders)
        .reveal()
        .name("open orders")
        .deny_unmatched();
    let posture = |guard: &OwnershipGuardBuilder| {
        let guard = guard.clone().build().unwrap();
        let stack = SecurityStack::new().auth(Login).ownership(guard);
        stack.posture().to_string()
    };
    let text = posture(&guard);
    for part in [
        "ownership",
        "/orders/{id},open orders",
        "refused",
        "some 403",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains("ownership: "), "{text}");
    let report_only = guard.clone().mode(tower_security::core::Mode::ReportOnly);
    assert!(
        posture(&report_only).contains("ownership: report"),
        "{}",
        posture(&report_only)
    );

    let stack = SecurityStack::new()
        .auth(Login)
        .ownership(guard.build().unwrap());
    let service = stack.layer(inner.clone());
    assert_eq!(
        go(service.clone(), request("alice", "GET", "/orders/2"))
            .await
            .status(),
        404
    );
    assert_eq!(inner.calls(), 0);
    assert_eq!(
        go(service, request("alice", "GET", "/orders/1"))
            .await
            .status(),
        200
    );
}

#[tokio::test]
async fn the_stack_hears_of_denials_overrides_and_faults() {
    let told = Told::default();
    let orders = Orders::new();
    let asked = orders.clone();
    let handler = tower::service_fn(move |request: Request<Full<Bytes>>| {
        let orders = asked.clone();
        async move {
            let (mut head, _) = request.into_parts();
            let authz = Authz::of_head(&mut head);
            assert!(AuthzLedger::from_extensions(&head.extensions).is_some());
            let _ = authz.check(&orders, Action::Update, "2").await;
            let _ = authz
                .check_many(&orders, Action::Read, &["1", "2", "9"])
                .await;
            let _ = authz.ensure();
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }
    });
    let sink: Arc<dyn EventSink> = Arc::new(told.clone());
    let service = SecurityStack::new()
        .events(sink)
        .layer(Login.layer(handler));
    go(service.clone(), request("alice", "GET", "/any")).await;
    let seen = told.take();
    let short: Vec<_> = seen
        .iter()
        .map(|event| {
            (
                event.name,
                event.code,
                event.target.as_deref(),
                event.detail.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        short,
        [
            (
                "authz_fail",
                "object_denied",
                Some("2"),
                Some("action=update")
            ),
            (
                "authz_fail",
                "objects_denied",
                Some("2"),
                Some("action=read refused=2 of=3")
            ),
            (
                "authz_fail",
                "denial_ignored",
                None,
                Some("before a commit")
            ),
        ]
    );
    assert!(
        seen.iter()
            .all(|event| event.principal.as_deref() == Some("alice"))
    );

    go(service, request("root", "GET", "/any")).await;
    let codes = told.codes();
    assert_eq!(
        codes,
        [
            "object_denied",
            "objects_denied",
            "admin_override",
            "denial_ignored"
        ]
    );
}

#[tokio::test]
async fn a_refusal_has_its_reason_and_looks_like_the_others() {
    use http_body_util::BodyExt;
    use tower_security::core::RefusalContext;

    let orders = Orders::new();
    let mut seen = Vec::new();
    for id in ["2", "9", ""] {
        let rejection = authz("alice")
            .check(&orders, Action::Read, id)
            .await
            .unwrap_err();
        let response: Response<Full<Bytes>> = RefusalContext::default().refuse(rejection);
        let (head, body) = response.into_parts();
        assert!(head.extensions.get::<OwnershipRefusal>().is_some());
        seen.push((
            head.status,
            head.headers,
            body.collect().await.unwrap().to_bytes(),
        ));
    }
    assert_eq!(seen[0].2, NOT_FOUND);
    assert!(seen.iter().all(|other| *other == seen[0]), "{seen:?}");
}
