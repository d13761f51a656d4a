//! `LoadGuard`: the same requests as the guard's, and one load for each.

use std::future::pending;
#[cfg(feature = "limits")]
use std::time::Duration;

use http_body_util::BodyExt;
use tower_security::core::{AuthzLedger, Mode, Outcome};
use tower_security::ownership::{
    Authz, Granted, LoadGuard, Loaders, OwnershipRefusal, ResourceLoader, StepUp,
};
use tower_security::stack::SecurityStack;

use super::rows::{Must, ROWS, ask, judge};
#[cfg(feature = "axum")]
use super::rows::{TEMPLATES, on_the_wire};
use super::*;
use crate::support::service::go;
#[cfg(feature = "axum")]
use crate::support::wire::Server;

/// An order, as it was loaded.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) id: String,
    by_override: bool,
}

impl ResourceLoader for Orders {
    type Resource = Order;

    async fn load(&self, request: AccessRequest) -> Result<Order, Decision> {
        // As one that has to wait for its data base.
        tokio::task::yield_now().await;
        match self.decision(&request) {
            decision if decision.is_allowed() => Ok(Order {
                id: request.id().to_owned(),
                by_override: decision == Decision::AllowAsAdmin,
            }),
            decision => Err(decision),
        }
    }

    fn is_override(&self, _: &AccessRequest, order: &Order) -> bool {
        order.by_override
    }
}

/// Those of the guard, with a loader.
fn rules(orders: &Orders) -> OwnershipGuardBuilder<Loaders> {
    let in_tenant = {
        let orders = Arc::new(orders.clone());
        move |request: AccessRequest| {
            let orders = Arc::clone(&orders);
            async move {
                if request.param("tenant") != request.tenant() {
                    return Err(Decision::Deny);
                }
                orders.load(request).await
            }
        }
    };
    LoadGuard::builder()
        .resource("/orders/{id}", orders.clone())
        .shape(IdShape::U64)
        .resource("/orders/{id}/cancel", orders.clone())
        .shape(IdShape::U64)
        .actions([(http::Method::POST, Action::Custom("cancel"))])
        .name("cancel an order")
        .resource("/docs/{id}", orders.clone())
        .shape(IdShape::Uuid)
        // A shared loader is one.
        .resource("/notes/{name}", Arc::new(orders.clone()))
        .resource_param("/t/{tenant}/orders/{id}", "id", in_tenant)
        .shape(IdShape::U64)
        .resource_from("/export", QueryParam::new("doc"), orders.clone())
        .shape(IdShape::U64)
        .resource_from("/by-header", HeaderId::new("x-order-id"), orders.clone())
        .shape(IdShape::U64)
        .resource("/files/{*path}", orders.clone())
        .resource("/open/{id}", orders.clone())
        .reveal()
}

/// A handler that needs the object.
#[derive(Clone, Debug)]
struct Handler(Inner);

impl<B> Service<Request<B>> for Handler {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<B>>::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let order = Granted::<Order>::from_extensions(request.extensions());
        assert!(!order.expect("it was loaded").id.is_empty());
        self.0.call(request)
    }
}

#[tokio::test]
async fn plain_services_answer_by_the_table_with_one_load() {
    for row in ROWS {
        let (orders, told, inner) = (Orders::new(), Told::default(), Inner::default());
        let guard = rules(&orders)
            .deny_unmatched()
            .events(told.clone())
            .build()
            .unwrap();
        let service = Login.layer(guard.layer(Handler(inner.clone())));
        let (head, body) = go(service, ask(row)).await.into_parts();
        let refusal = head.extensions.get::<OwnershipRefusal>();
        assert_eq!(refusal.is_some(), row.5 != Must::Served, "{row:?}");
        match row.5 {
            Must::Served | Must::Revealed => assert_eq!(orders.asked(), 1, "{row:?}"),
            Must::Anonymous => assert_eq!(orders.asked(), 0, "{row:?}"),
            _ => assert!(orders.asked() <= 1, "{row:?}"),
        }
        let body = body.collect().await.unwrap().to_bytes();
        let answer = Response::from_parts(head, body);
        judge(row, false, &answer, inner.calls(), &told.codes());
    }
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn hyper_answers_by_the_table_over_both_versions() {
    let (orders, told, inner) = (Orders::new(), Told::default(), Inner::default());
    let guard = rules(&orders)
        .deny_unmatched()
        .events(told.clone())
        .build()
        .unwrap();
    let server = Server::hyper(Login.layer(guard.layer(Handler(inner.clone())))).await;
    on_the_wire(&server, false, &told, || inner.calls()).await;
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn axum_answers_by_the_table_over_both_versions() {
    use axum::Router;
    use axum::routing::any;

    let (orders, told, calls) = (
        Orders::new(),
        Told::default(),
        Arc::<AtomicUsize>::default(),
    );
    let guard = rules(&orders).events(told.clone()).build().unwrap();
    let mut router = Router::new();
    for template in TEMPLATES {
        let calls = Arc::clone(&calls);
        let handler = async move |order: Granted<Order>| {
            calls.fetch_add(1, Ordering::SeqCst);
            assert!(!order.id.is_empty());
        };
        router = router.route(template, any(handler));
    }
    let layers = tower::ServiceBuilder::new().layer(Login).layer(guard);
    let server = Server::axum(router.layer(layers)).await;
    on_the_wire(&server, true, &told, || calls.load(Ordering::SeqCst)).await;
}

fn guard_of<L: ResourceLoader>(loader: L) -> OwnershipGuardBuilder<Loaders> {
    LoadGuard::builder().resource("/orders/{id}", loader)
}

/// Row 72, and a loader that contradicts itself: what was not loaded cannot be handed over.
#[tokio::test]
async fn each_reason_has_its_answer() {
    for (decision, status, event, outcome) in [
        (Decision::Deny, 404, "object_denied", Outcome::Refused),
        (Decision::NotFound, 404, "object_absent", Outcome::Refused),
        (
            Decision::Unavailable,
            503,
            "policy_unavailable",
            Outcome::Fault,
        ),
        (Decision::Allow, 503, "policy_unavailable", Outcome::Fault),
        (
            Decision::AllowAsAdmin,
            503,
            "policy_unavailable",
            Outcome::Fault,
        ),
        (
            Decision::StepUp(StepUp::stronger()),
            401,
            "stronger_authentication",
            Outcome::Refused,
        ),
    ] {
        let (told, inner) = (Told::default(), Inner::default());
        let loader = move |_: AccessRequest| async move { Err::<u8, _>(decision) };
        let guard = guard_of(loader).events(told.clone()).build().unwrap();
        let service = Login.layer(guard.layer(inner.clone()));
        let answer = go(service, request("alice", "GET", "/orders/1")).await;
        assert_eq!(answer.status(), status, "{decision:?}");
        assert_eq!(inner.calls(), 0, "{decision:?}");
        let events = told.take();
        assert_eq!((events[0].code, events[0].outcome), (event, outcome));
    }
}

/// Row 14: whoever has it by an administrator's rights alone is told of; the owner is not, unless grants are recorded.
#[tokio::test]
async fn an_override_is_told() {
    for (who, records, expected) in [
        ("alice", false, &[][..]),
        ("alice", true, &[("sensitive_read", "object_granted")]),
        ("root", false, &[("authz_admin", "admin_override")]),
        ("root", true, &[("authz_admin", "admin_override")]),
    ] {
        let told = Told::default();
        let mut guard = rules(&Orders::new()).events(told.clone());
        if records {
            guard = guard.record_grants();
        }
        let service = Login.layer(guard.build().unwrap().layer(Handler(Inner::default())));
        let answer = go(service, request(who, "GET", "/orders/1")).await;
        assert_eq!(answer.status(), 200);
        let told: Vec<_> = told.take().iter().map(|it| (it.name, it.code)).collect();
        assert_eq!(told, expected, "{who} {records}");
    }
    // A closure never overrides.
    let told = Told::default();
    let guard = guard_of(|_: AccessRequest| async { Ok(7_u8) }).events(told.clone());
    let service = Login.layer(guard.build().unwrap().layer(Inner::default()));
    assert_eq!(
        go(service, request("root", "GET", "/orders/1"))
            .await
            .status(),
        200
    );
    assert!(told.take().is_empty());
}

/// A request with the ledger that a tripwire outside would have put there.
fn watched(who: &str, target: &str) -> (Request<Full<Bytes>>, Authz) {
    let (mut head, body) = request(who, "GET", target).into_parts();
    let authz = Authz::of_head(&mut head);
    (Request::from_parts(head, body), authz)
}

#[tokio::test]
async fn what_was_decided_is_in_the_ledger() {
    // mode, id, status, decided, denied
    for (mode, id, status, decided, denied) in [
        (Mode::Enforce, "1", 200, true, false),
        (Mode::Enforce, "2", 404, false, true),
        (Mode::ReportOnly, "1", 200, true, false),
        (Mode::ReportOnly, "2", 200, true, false),
        (Mode::Off, "1", 200, false, false),
        (Mode::Off, "2", 200, false, false),
    ] {
        let guard = rules(&Orders::new()).mode(mode).build().unwrap();
        assert_eq!(guard.mode(), mode);
        let (asked, outside) = watched("alice", &format!("/orders/{id}"));
        let service = Login.layer(guard.layer(Inner::default()));
        assert_eq!(go(service, asked).await.status(), status, "{mode:?} {id}");
        let ledger: &AuthzLedger = outside.ledger();
        assert_eq!(
            (ledger.is_decided(), ledger.is_denied()),
            (decided, denied),
            "{mode:?} {id}"
        );
    }
}

/// Who is only reported passes, without the object.
#[tokio::test]
async fn a_guard_that_reports_hands_over_what_it_would_have() {
    let told = Told::default();
    let guard = rules(&Orders::new())
        .mode(Mode::ReportOnly)
        .events(told.clone());
    let handler = tower::service_fn(|request: Request<Full<Bytes>>| async move {
        let order = Granted::<Order>::from_extensions(request.extensions());
        let text = order.map_or_else(|| "none".to_owned(), |order| order.id.clone());
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(text)))
    });
    let service = Login.layer(guard.build().unwrap().layer(handler));
    for (id, text, outcomes) in [("1", "1", &[][..]), ("2", "none", &[Outcome::WouldRefuse])] {
        let answer = go(
            service.clone(),
            request("alice", "GET", &format!("/orders/{id}")),
        );
        let body = answer.await.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, text);
        let told: Vec<_> = told.take().iter().map(|event| event.outcome).collect();
        assert_eq!(told, outcomes, "{id}");
    }
}

/// Row 73.
#[test]
fn a_client_that_goes_away_drops_the_load() {
    struct Dropped(Arc<AtomicUsize>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let (dropped, inner) = (Arc::<AtomicUsize>::default(), Inner::default());
    let count = Arc::clone(&dropped);
    let never = move |_: AccessRequest| {
        let guard = Dropped(Arc::clone(&count));
        async move {
            let _guard = guard;
            pending::<Result<u8, Decision>>().await
        }
    };
    let guard = guard_of(never).build().unwrap();
    let (asked, outside) = watched("alice", "/orders/1");
    let mut future = Box::pin(go(Login.layer(guard.layer(inner.clone())), asked));
    let mut cx = Context::from_waker(std::task::Waker::noop());
    assert!(future.as_mut().poll(&mut cx).is_pending());
    drop(future);
    assert_eq!((dropped.load(Ordering::SeqCst), inner.calls()), (1, 0));
    assert!(!outside.ledger().is_decided() && !outside.ledger().is_denied());
}

/// Row 71.
#[cfg(feature = "limits")]
#[tokio::test(start_paused = true)]
async fn a_loader_that_never_answers_is_out_of_time() {
    for (takes, status, calls) in [(49, 200, 1), (51, 503, 0)] {
        let inner = Inner::default();
        let slow = move |_: AccessRequest| async move {
            tokio::time::sleep(Duration::from_millis(takes)).await;
            Ok(1_u8)
        };
        let guard = guard_of(slow).policy_timeout(Duration::from_millis(50));
        let service = Login.layer(guard.build().unwrap().layer(inner.clone()));
        let answer = go(service, request("alice", "GET", "/orders/1")).await;
        assert_eq!((answer.status().as_u16(), inner.calls()), (status, calls));
    }
}

/// Row 74: nothing is kept from one request to the next.
#[tokio::test]
async fn a_right_that_was_taken_away_does_not_count() {
    let (orders, inner) = (Orders::new(), Inner::default());
    let guard = rules(&orders).build().unwrap();
    let service = Login.layer(guard.layer(Handler(inner.clone())));
    for (owner, status) in [("alice", 200), ("bob", 404), ("alice", 200)] {
        orders.give("1", owner);
        let answer = go(service.clone(), request("alice", "GET", "/orders/1")).await;
        assert_eq!(answer.status(), status);
    }
    assert_eq!((orders.asked(), inner.calls()), (3, 2));
}

/// Two guards around each other: each hands over its own type.
#[tokio::test]
async fn objects_of_several_guards_stand_side_by_side() {
    struct Customer(String);
    let customers = |request: AccessRequest| async move { Ok(Customer(request.id().to_owned())) };
    let outer = LoadGuard::builder()
        .resource_param(
            "/customers/{customer}/orders/{order}",
            "customer",
            customers,
        )
        .build()
        .unwrap();
    let inner = LoadGuard::builder()
        .resource_param(
            "/customers/{customer}/orders/{order}",
            "order",
            Orders::new(),
        )
        .build()
        .unwrap();
    let handler = tower::service_fn(|request: Request<Full<Bytes>>| async move {
        let customer = Granted::<Customer>::from_extensions(request.extensions()).unwrap();
        let order = Granted::<Order>::from_extensions(request.extensions()).unwrap();
        // Clones share what was loaded.
        let shared = order.clone().into_inner();
        assert!(std::ptr::eq(&*shared, &**order));
        let text = format!("{} {}", customer.0, order.id);
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(text)))
    });
    let service = Login.layer(outer.layer(inner.layer(handler)));
    let answer = go(service, request("alice", "GET", "/customers/7/orders/1")).await;
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "7 1");
}

#[test]
fn mistakes_are_reported_together() {
    let orders = Orders::new();
    let guard = LoadGuard::builder()
        .reveal()
        .resource("/users/{user}/orders/{order}", orders.clone())
        .resource("/orders", orders.clone())
        .resource_param("/orders/{id}", "order", orders.clone())
        .resource_from("/export", HeaderId::new("cookie"), orders.clone())
        .rpc("/Get", Action::Read, HeaderId::new("x-id"), orders);
    let mistakes = guard.build().unwrap_err();
    let codes: Vec<_> = mistakes.iter().map(|mistake| mistake.code()).collect();
    assert_eq!(
        codes,
        [
            "no_rule_before",
            "ambiguous_param",
            "missing_param",
            "unknown_param",
            "header_id",
            "rpc_path",
        ]
    );
    let none = LoadGuard::builder().build().unwrap_err();
    let codes: Vec<_> = none.iter().map(|mistake| mistake.code()).collect();
    assert_eq!(codes, ["no_rules"]);
}

#[tokio::test]
async fn it_stands_in_the_slot_and_says_what_it_does() {
    let guard = rules(&Orders::new()).deny_unmatched().build().unwrap();
    assert!(guard.denies_unmatched() && guard.reveals());
    assert_eq!(guard.rules().nth(1), Some(Some("cancel an order")));
    let plain = guard_of(Orders::new()).build().unwrap();
    assert!(!plain.denies_unmatched() && !plain.reveals());

    let stack = SecurityStack::new().auth(Login).ownership(guard);
    let text = stack.posture().to_string();
    for part in ["/orders/{id},cancel an order", "refused", "some 403"] {
        assert!(text.contains(part), "{text}");
    }
    let service = stack.layer(Handler(Inner::default()));
    for (id, status) in [("1", 200), ("2", 404)] {
        let asked = request("alice", "GET", &format!("/orders/{id}"));
        assert_eq!(go(service.clone(), asked).await.status(), status);
    }
}

#[cfg(feature = "axum")]
mod on_axum {
    use axum::Router;
    use axum::routing::get;
    use tower_security::ownership::PathParam;

    use super::*;

    /// A route's guard, and a route that was forgotten.
    #[tokio::test]
    async fn a_handler_without_a_guard_is_a_fault_and_not_open() {
        let told = Told::default();
        let guard = LoadGuard::for_route(PathParam::new("id"), Orders::new());
        let show = async |order: Granted<Order>| format!("order {}", order.id);
        let perhaps = async |order: Option<Granted<Order>>| format!("{}", order.is_some());
        let guarded = get(show).route_layer(guard.build().unwrap());
        let router = Router::new()
            .route("/orders/{id}", guarded)
            .route("/forgotten/{id}", get(show))
            .route("/perhaps/{id}", get(perhaps))
            .layer(SecurityStack::new().events(told.clone()).auth(Login));
        let ask = async |target: &str| {
            let asked = request("alice", "GET", target).map(axum::body::Body::new);
            let (head, body) = go(router.clone(), asked).await.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            (
                head.status.as_u16(),
                String::from_utf8(body.into()).unwrap(),
            )
        };
        assert_eq!(ask("/orders/1").await, (200, "order 1".to_owned()));
        assert_eq!(ask("/perhaps/1").await, (200, "false".to_owned()));
        assert!(told.take().is_empty());
        assert_eq!(ask("/orders/2").await.0, 404);
        assert_eq!(told.codes(), ["object_denied"]);
        let (status, body) = ask("/forgotten/1").await;
        assert_eq!(status, 500);
        assert!(body.contains(r#""code":"object_not_loaded""#), "{body}");
        let events = told.take();
        assert_eq!(
            (events[0].name, events[0].code),
            ("sys_crash", "object_not_loaded")
        );
        assert_eq!(events[0].outcome, Outcome::Fault);
    }
}
