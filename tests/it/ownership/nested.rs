//! A rule that was written without the prefix of its route is not passed by.

use http::StatusCode;
use http_body_util::BodyExt;
use tower_security::core::{Mode, Refused};
use tower_security::ownership::{Granted, LoadGuard, OwnershipRefusal};

use super::*;
use crate::support::service::go;

const NESTED: &str = r#"{"title":"This request could not be authorized","status":500,"code":"ownership_rule_nested"}"#;

fn detail(route: &str, rule: &str) -> String {
    format!(
        "action=read cause=no rule is for {route:?}, and it ends as the rule {rule:?} does: write the whole template"
    )
}

/// What a guard without a router answers, and what it told.
async fn by_path(guard: &OwnershipGuard, who: &str, path: &str) -> (u16, String, usize) {
    let inner = Inner::default();
    let service = Login.layer(guard.layer(inner.clone()));
    let (head, body) = go(service, request(who, "GET", path)).await.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.into()).unwrap();
    (head.status.as_u16(), body, inner.calls())
}

/// Each path, and the rule that its end is.
#[tokio::test]
async fn the_end_of_a_path_is_no_way_around_a_rule() {
    let (orders, told) = (Orders::new(), Told::default());
    let guard = rules(&orders)
        .resource_param("/{any}/{thing}", "thing", orders.clone())
        .rpc(
            "/shop.Orders/Get",
            Action::Read,
            HeaderId::new("x-order-id"),
            orders.clone(),
        )
        .events(told.clone())
        .build()
        .unwrap();
    for (path, rule) in [
        ("/api/v1/orders/2", "/orders/{id}"),
        ("/api/v1/orders/1", "/orders/{id}"),
        ("/api/v1/%6frders/2", "/orders/{id}"),
        ("/api/orders/2/cancel", "/orders/{id}/cancel"),
        ("/x/t/t1/orders/2", "/orders/{id}"),
        ("/api/v1/export?doc=2", "/export"),
        ("/api/v1/x/files/a/b/c", "/files/{*path}"),
        ("/api/files/files/a/b", "/files/{*path}"),
        ("/grpc/shop.Orders/Get", "/shop.Orders/Get"),
    ] {
        let answer = by_path(&guard, "alice", path).await;
        assert_eq!(answer, (500, NESTED.to_owned(), 0), "{path}");
        let events = told.take();
        assert_eq!(events.len(), 1, "{path}");
        let event = &events[0];
        assert_eq!(
            (event.name, event.code, event.outcome),
            ("sys_crash", "ownership_rule_nested", Outcome::Fault),
            "{path}"
        );
        let route = path.split('?').next().unwrap().replace("%6f", "o");
        assert_eq!(event.detail.as_deref(), Some(&*detail(&route, rule)));
    }
    // Whoever is not logged in learns nothing else, and what no rule is the end of passes.
    assert_eq!(by_path(&guard, "-", "/api/v1/orders/1").await.0, 500);
    told.take();
    for path in [
        "/about",
        "/api/v1/orders",
        "/api/v1/orders/1/",
        "/api/v1/myorders/1",
        "/api/v1/ORDERS/1",
        "/api/orders/1/raw",
        "/api/v1/export/",
        "/api/x/files/",
        "/x/y/shop.Orders/Get/",
    ] {
        let answer = by_path(&guard, "alice", path).await;
        assert_eq!((answer.0, answer.2), (200, 1), "{path}");
    }
    assert_eq!((told.take().len(), orders.asked()), (0, 0));
}

/// A rule for the whole route ends it, and so does saying that the route is nobody's.
#[tokio::test]
async fn a_rule_for_the_whole_route_is_asked() {
    let orders = Orders::new();
    let guard = OwnershipGuard::builder()
        .resource("/orders/{id}", orders.clone())
        .resource("/api/orders/{id}", orders.clone())
        .resource("/open/orders/{id}", |_: &AccessRequest| Decision::Allow)
        .unowned("/img/{*file}")
        .build()
        .unwrap();
    for (path, status) in [
        ("/orders/1", 200),
        ("/orders/2", 404),
        ("/api/orders/1", 200),
        ("/api/orders/2", 404),
        ("/open/orders/2", 200),
        ("/img/orders/logo.png", 200),
        ("/x/img/orders/logo.png", 500),
        ("/x/orders/1", 500),
    ] {
        assert_eq!(by_path(&guard, "alice", path).await.0, status, "{path}");
    }
    assert_eq!(by_path(&guard, "-", "/img/orders/logo.png").await.0, 200);

    // What is refused anyway is refused as before.
    let told = Told::default();
    let closed = OwnershipGuard::builder()
        .events(told.clone())
        .resource("/orders/{id}", orders)
        .unowned("/img/{*file}")
        .deny_unmatched()
        .build()
        .unwrap();
    for path in ["/api/orders/1", "/img/orders/logo.png"] {
        assert_eq!(by_path(&closed, "alice", path).await.0, 404, "{path}");
    }
    // Who reads the log learns what the rule lacks, unless somebody knows.
    let details = told.take().into_iter().map(|event| event.detail);
    let details = details.map(Option::unwrap_or_default).collect::<Vec<_>>();
    assert_eq!(details.len(), 2);
    assert!(
        details[0].contains("it ends as the rule \"/orders/{id}\" does"),
        "{details:?}"
    );
    assert!(!details[1].contains("it ends as"), "{details:?}");
    let mistakes = OwnershipGuard::builder()
        .resource("/orders/{id}", |_: &AccessRequest| Decision::Allow)
        .unowned("/img/*")
        .build()
        .unwrap_err();
    let found: Vec<_> = mistakes.iter().map(|it| (it.path(), it.code())).collect();
    assert_eq!(found, [("ownership.unowned[0]", "pattern")]);
}

/// A guard that only reports passes it, and notes nothing that would satisfy the tripwire.
#[tokio::test]
async fn a_guard_that_reports_passes_it() {
    for mode in [Mode::ReportOnly, Mode::Off] {
        let told = Told::default();
        let guard = OwnershipGuard::builder()
            .resource("/orders/{id}", Orders::new())
            .mode(mode)
            .events(told.clone())
            .build()
            .unwrap();
        let answer = by_path(&guard, "alice", "/api/orders/2").await;
        assert_eq!((answer.0, answer.2), (200, 1));
        let events = told.take();
        let seen: Vec<_> = events.iter().map(|it| (it.code, it.outcome)).collect();
        let expected = [("ownership_rule_nested", Outcome::WouldRefuse)];
        assert_eq!(seen, expected[usize::from(mode == Mode::Off)..]);
    }
    let guard = OwnershipGuard::builder()
        .resource("/orders/{id}", Orders::new())
        .mode(Mode::ReportOnly)
        .build()
        .unwrap();
    let tripwire = tower_security::authorize::RequireAuthorization::new();
    let service = Login.layer(tripwire.layer(guard.layer(Inner::default())));
    let answer = go(service, request("alice", "GET", "/api/orders/2")).await;
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

/// The guard that loads, the reason in the answer, and the record of decisions.
#[tokio::test]
async fn the_guard_that_loads_does_not_pass_it_either() {
    let load = |request: AccessRequest| async move {
        match request.id() {
            "1" => Ok("an order"),
            _ => Err(Decision::NotFound),
        }
    };
    let guard = LoadGuard::builder()
        .resource("/orders/{id}", load)
        .build()
        .unwrap();
    let inner = tower::service_fn(async |request: Request<Full<Bytes>>| {
        assert!(Granted::<&str>::from_extensions(request.extensions()).is_some());
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    for (path, status) in [("/orders/1", 200), ("/api/orders/1", 500)] {
        let service = Login.layer(guard.layer(inner));
        let answer = go(service, request("alice", "GET", path)).await;
        assert_eq!(answer.status().as_u16(), status);
        let reason = answer.extensions().get::<OwnershipRefusal>();
        let nested = OwnershipRefusal::Nested;
        assert_eq!(reason.copied(), (status == 500).then_some(nested));
        let is_refused = answer.extensions().get::<Refused>().is_some();
        assert_eq!(is_refused, status == 500);
    }
}

#[cfg(feature = "axum")]
mod axum_routers {
    use axum::Router;
    use axum::routing::any;
    use tower::ServiceBuilder;

    use super::*;
    use crate::support::wire::Server;

    type Calls = Arc<AtomicUsize>;

    fn inner(calls: &Calls) -> Router {
        let calls = Arc::clone(calls);
        let handler = async move || {
            calls.fetch_add(1, Ordering::SeqCst);
            "reached"
        };
        Router::new()
            .route("/orders/{id}", any(handler.clone()))
            .route("/files/{*path}", any(handler.clone()))
            .route("/about", any(handler))
    }

    fn guard(orders: &Orders, prefix: &str, told: &Told) -> OwnershipGuard {
        OwnershipGuard::builder()
            .resource(format!("{prefix}/orders/{{id}}"), orders.clone())
            .resource(format!("{prefix}/files/{{*path}}"), orders.clone())
            .events(told.clone())
            .build()
            .unwrap()
    }

    /// The guard within the nested router, around the nest, around the whole router, and around or within a nested service; each with
    /// the rules as they stand in the inner router and with the whole templates.
    fn routers(guard: &OwnershipGuard, calls: &Calls) -> [(&'static str, Router); 5] {
        let inner = || inner(calls);
        let around = ServiceBuilder::new().layer(Login).layer(guard.clone());
        [
            (
                "within the nested router",
                Router::new()
                    .nest("/api", inner().layer(guard.clone()))
                    .layer(Login),
            ),
            (
                "around the nest",
                Router::new().nest("/api", inner()).layer(around.clone()),
            ),
            (
                "around the router",
                Router::new()
                    .fallback_service(guard.layer(Router::new().nest("/api", inner())))
                    .layer(Login),
            ),
            (
                "around the nested service",
                Router::new().nest_service("/api", inner()).layer(around),
            ),
            (
                "within the nested service",
                Router::new()
                    .nest_service("/api", guard.layer(inner()))
                    .layer(Login),
            ),
        ]
    }

    #[tokio::test]
    async fn a_nested_router_does_not_take_its_rules_off() {
        let (orders, told, calls) = (Orders::new(), Told::default(), Calls::default());
        let short = guard(&orders, "", &told);
        let whole = guard(&orders, "/api", &told);
        for (is_whole, guard) in [(false, short), (true, whole)] {
            for (place, router) in routers(&guard, &calls) {
                let ask = async |target: &str| {
                    let request = request("alice", "GET", target).map(axum::body::Body::new);
                    let (head, body) = go(router.clone(), request).await.into_parts();
                    let body = body.collect().await.unwrap().to_bytes();
                    (
                        head.status.as_u16(),
                        String::from_utf8(body.into()).unwrap(),
                    )
                };
                // Within a nested service the path has lost its prefix, and the short rules are the right ones.
                let is_within_service = place == "within the nested service";
                let is_right = is_whole != is_within_service;
                let (own, others) = if is_right {
                    let own = (200, "reached".to_owned());
                    (own, (404, NOT_FOUND.to_owned()))
                } else {
                    ((500, NESTED.to_owned()), (500, NESTED.to_owned()))
                };
                assert_eq!(ask("/api/orders/1").await, own, "{place} {is_whole}");
                assert_eq!(ask("/api/orders/2").await, others, "{place} {is_whole}");
                assert_eq!(ask("/api/files/a/x").await, others, "{place} {is_whole}");
                if !is_right {
                    let codes = told.codes();
                    assert_eq!(codes, ["ownership_rule_nested"; 3], "{place} {is_whole}");
                }
                told.take();
                assert_eq!(ask("/api/about").await.0, 200, "{place} {is_whole}");
                assert_eq!(told.codes(), [""; 0]);
            }
        }
        // Those of the right rules, and `/about` of all.
        assert_eq!(calls.load(Ordering::SeqCst), 5 + 10);
    }

    /// The rule is for a part of the paths of a route, and the route was nested.
    #[tokio::test]
    async fn a_rule_for_a_part_of_a_nested_route_is_not_passed_by() {
        let (orders, told) = (Orders::new(), Told::default());
        let guard = OwnershipGuard::builder()
            .resource("/docs/drafts/{id}", orders.clone())
            .unowned("/open/docs/{kind}/{id}")
            .events(told.clone())
            .build()
            .unwrap();
        let docs = || Router::new().route("/docs/{kind}/{id}", any(async || "reached"));
        let router = Router::new()
            .merge(docs())
            .nest("/api", docs())
            .nest("/open", docs())
            .route("/t/{tenant}/drafts/{id}", any(async || "reached"))
            .layer(ServiceBuilder::new().layer(Login).layer(guard));
        for (target, status) in [
            ("/docs/drafts/1", 200),
            ("/docs/drafts/2", 404),
            ("/docs/final/2", 200),
            ("/api/docs/drafts/1", 500),
            ("/api/docs/%64rafts/1", 500),
            ("/api/docs/final/2", 200),
            ("/open/docs/drafts/2", 200),
            // A name that a client has chosen.
            ("/t/docs/drafts/2", 200),
        ] {
            let request = request("alice", "GET", target).map(axum::body::Body::new);
            let answer = go(router.clone(), request).await;
            assert_eq!(answer.status().as_u16(), status, "{target}");
        }
        let details: Vec<_> = told.take().into_iter().filter_map(|it| it.detail).collect();
        let nested = detail("/api/docs/{kind}/{id}", "/docs/drafts/{id}");
        assert_eq!(
            details.iter().filter(|it| **it == nested).count(),
            2,
            "{details:?}"
        );
    }

    /// The template says more than the path: a parameter that happens to be called as a rule begins is none.
    #[tokio::test]
    async fn a_template_is_compared_where_there_is_one() {
        let (orders, told, calls) = (Orders::new(), Told::default(), Calls::default());
        let guard = guard(&orders, "", &told);
        let handler = any({
            let calls = Arc::clone(&calls);
            async move || {
                calls.fetch_add(1, Ordering::SeqCst);
                "reached"
            }
        });
        let router = Router::new()
            .route("/pages/{kind}/{id}", handler.clone())
            .route("/api/orders/{order}", handler.clone())
            .route("/orders/{id}/raw", handler)
            .layer(ServiceBuilder::new().layer(Login).layer(guard));
        let server = Server::axum(router).await;
        for (target, status) in [
            ("/pages/orders/2", 200),
            ("/orders/2/raw", 200),
            ("/api/orders/1", 500),
            // No route: the path alone is known.
            ("/nothing/orders/1", 500),
            ("/nothing", 404),
        ] {
            let answer = server.http1(request("alice", "GET", target)).await;
            assert_eq!(answer.status().as_u16(), status, "{target}");
        }
        assert_eq!(calls.load(Ordering::SeqCst), 2);
        let details: Vec<_> = told.take().into_iter().map(|it| it.detail).collect();
        let expected = ["/api/orders/{order}", "/nothing/orders/1"];
        assert_eq!(
            details,
            expected.map(|route| Some(detail(route, "/orders/{id}")))
        );
    }

    /// The same over the wire, without a router.
    #[tokio::test]
    async fn hyper_refuses_the_end_of_a_path() {
        let (orders, told, inner) = (Orders::new(), Told::default(), Inner::default());
        let guard = guard(&orders, "", &told);
        let server = Server::hyper(Login.layer(guard.layer(inner.clone()))).await;
        for (target, status, calls) in [
            ("/orders/1", 200, 1),
            ("/orders/2", 404, 1),
            ("/api/orders/1", 500, 1),
            ("/api/about", 200, 2),
        ] {
            let answer = server.http1(request("alice", "GET", target)).await;
            assert_eq!(
                (answer.status().as_u16(), inner.calls()),
                (status, calls),
                "{target}"
            );
        }
    }
}
