//! Behind axum's routers: templates, nested routers, upgrades, one connection of two users.

use axum::Router;
use axum::extract::Path;
use axum::routing::{any, get};
use tokio::task::JoinSet;
use tower::ServiceBuilder;
use tower_security::ownership::{PathParam, PathPattern};

use super::*;
use crate::support::service::go;
use crate::support::wire::Server;

type Calls = Arc<AtomicUsize>;

fn handler(calls: &Calls) -> axum::routing::MethodRouter {
    let calls = Arc::clone(calls);
    any(async move || {
        calls.fetch_add(1, Ordering::SeqCst);
        "reached"
    })
}

async fn ask(router: &Router, who: &str, target: &str) -> (u16, String) {
    use http_body_util::BodyExt;
    let request = request(who, "GET", target).map(axum::body::Body::new);
    let (head, body) = go(router.clone(), request).await.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (
        head.status.as_u16(),
        String::from_utf8(body.into()).unwrap(),
    )
}

fn hidden() -> (u16, String) {
    (404, NOT_FOUND.to_owned())
}

/// Row 39: one name twice. It does not build as a pattern; as the rule of a route it is refused, and told.
#[tokio::test]
async fn a_name_that_stands_twice_is_ambiguous() {
    let (orders, told, calls) = (Orders::new(), Told::default(), Calls::default());
    let guard = OwnershipGuard::for_route(PathParam::new("id"), orders.clone())
        .events(told.clone())
        .build()
        .unwrap();
    let router = Router::new()
        .route("/t/{id}/o/{id}", handler(&calls).layer(guard.clone()))
        .route("/t/{tenant}/o2/{id}", handler(&calls).layer(guard.clone()))
        // Row 40: the same through nested routers.
        .nest(
            "/n/{id}",
            Router::new().route("/o/{id}", handler(&calls).layer(guard.clone())),
        )
        .nest(
            "/m/{tenant}",
            Router::new().route("/o/{id}", handler(&calls).layer(guard)),
        )
        .layer(Login);
    for target in ["/t/1/o/2", "/t/1/o/1", "/n/1/o/2", "/n/2/o/1"] {
        assert_eq!(ask(&router, "alice", target).await, hidden(), "{target}");
        let events = told.take();
        assert_eq!(
            (events[0].name, events[0].code),
            ("malicious_direct_reference", "reference_ambiguous")
        );
    }
    assert_eq!((calls.load(Ordering::SeqCst), orders.asked()), (0, 0));
    for target in ["/t/x/o2/1", "/m/x/o/1"] {
        assert_eq!(ask(&router, "alice", target).await.0, 200, "{target}");
        assert_eq!(ask(&router, "bob", target).await, hidden(), "{target}");
    }
}

/// Row 40, the rest: a service that is nested has a part of the path and no template.
#[tokio::test]
async fn a_nested_service_is_asked_by_what_it_sees() {
    let (orders, calls) = (Orders::new(), Calls::default());
    let guard = OwnershipGuard::builder()
        .resource("/o/{id}", orders.clone())
        .deny_unmatched()
        .build()
        .unwrap();
    let inner = Router::new().route("/o/{id}", handler(&calls));
    let router = Router::new()
        .nest_service("/api", guard.layer(inner.clone()))
        .nest_service(
            "/t/{id}",
            OwnershipGuard::for_route(PathParam::new("id"), orders.clone())
                .build()
                .unwrap()
                .layer(inner),
        )
        .layer(Login);
    assert_eq!(ask(&router, "alice", "/api/o/1").await.0, 200);
    assert_eq!(ask(&router, "alice", "/api/o/2").await, hidden());
    assert_eq!(ask(&router, "alice", "/api/%6f/2").await, hidden());
    assert_eq!(ask(&router, "alice", "/api/x/1").await, hidden());
    // Around the inner router only the outer name is known: it is that one which is asked about.
    assert_eq!(ask(&router, "alice", "/t/2/o/1").await, hidden());
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

/// Row 64.
#[tokio::test]
async fn a_nested_router_is_asked_by_the_whole_template() {
    let (orders, calls) = (Orders::new(), Calls::default());
    let guard = OwnershipGuard::builder()
        .resource("/api/v1/orders/{id}", orders.clone())
        .build()
        .unwrap();
    for is_inside in [true, false] {
        let mut orders = Router::new().route("/orders/{id}", handler(&calls));
        if is_inside {
            orders = orders.layer(guard.clone());
        }
        let mut router = Router::new().nest("/api", Router::new().nest("/v1", orders));
        if !is_inside {
            router = router.layer(guard.clone());
        }
        let router = router.layer(Login);
        assert_eq!(ask(&router, "alice", "/api/v1/orders/1").await.0, 200);
        assert_eq!(ask(&router, "alice", "/api/v1/orders/2").await, hidden());
        assert_eq!(ask(&router, "alice", "/api/v1/orders/%32").await, hidden());
    }
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

/// Row 65: a route's guard around a whole router cannot know the parameter, and refuses.
#[tokio::test]
async fn the_guard_of_a_route_fails_closed_around_a_router() {
    let (orders, calls) = (Orders::new(), Calls::default());
    let guard = OwnershipGuard::for_route(PathParam::new("id"), orders.clone())
        .build()
        .unwrap();
    let router = Router::new().route("/orders/{id}", handler(&calls));
    let around = Router::new()
        .fallback_service(guard.layer(router.clone()))
        .layer(Login);
    assert_eq!(ask(&around, "alice", "/orders/1").await, hidden());
    let other_name = OwnershipGuard::for_route(PathParam::new("order"), orders.clone())
        .build()
        .unwrap();
    let misnamed = router.clone().route_layer(other_name).layer(Login);
    assert_eq!(ask(&misnamed, "alice", "/orders/1").await, hidden());
    assert_eq!((calls.load(Ordering::SeqCst), orders.asked()), (0, 0));

    // A pattern needs no router.
    let pattern = PathPattern::new("/orders/{id}", "id");
    let guard = OwnershipGuard::for_route(pattern, orders).build().unwrap();
    let around = Router::new()
        .fallback_service(guard.layer(router))
        .layer(Login);
    assert_eq!(ask(&around, "alice", "/orders/1").await.0, 200);
    assert_eq!(ask(&around, "alice", "/orders/2").await, hidden());
}

/// A rule whose parameter is called otherwise than the route's must not be passed by.
#[tokio::test]
async fn a_template_with_other_names_is_refused_rather_than_missed() {
    let (orders, told, calls) = (Orders::new(), Told::default(), Calls::default());
    let guard = rules(&orders).events(told.clone()).build().unwrap();
    let router = Router::new()
        .route("/orders/{order_id}", handler(&calls))
        .layer(ServiceBuilder::new().layer(Login).layer(guard));
    assert_eq!(ask(&router, "alice", "/orders/1").await, hidden());
    assert_eq!(told.codes(), ["reference_missing"]);
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

/// Whatever is routed on behind a catch-all is asked by its path.
#[tokio::test]
async fn a_catch_all_does_not_hide_a_rule() {
    let (orders, calls) = (Orders::new(), Calls::default());
    let guard = rules(&orders).build().unwrap();
    let router = Router::new()
        .route("/{*rest}", handler(&calls))
        .layer(ServiceBuilder::new().layer(Login).layer(guard));
    assert_eq!(ask(&router, "alice", "/orders/2").await, hidden());
    assert_eq!(ask(&router, "alice", "/%6frders/2").await, hidden());
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    assert_eq!(ask(&router, "alice", "/orders/1").await.0, 200);
    assert_eq!(ask(&router, "alice", "/about").await.0, 200);
}

/// Within a nested router the path has lost its prefix, and the rule has not.
#[tokio::test]
async fn a_catch_all_of_a_nested_router_does_not_hide_a_rule() {
    let (orders, calls) = (Orders::new(), Calls::default());
    let guard = OwnershipGuard::builder()
        .resource("/api/orders/{id}", orders)
        .build()
        .unwrap();
    let inner = Router::new()
        .route("/{*rest}", handler(&calls))
        .layer(guard);
    let router = Router::new().nest("/api", inner).layer(Login);
    assert_eq!(ask(&router, "alice", "/api/orders/2").await, hidden());
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    assert_eq!(ask(&router, "alice", "/api/orders/1").await.0, 200);
}

/// One handler for all kinds of things, and a rule for one kind.
#[tokio::test]
async fn a_wide_route_does_not_hide_a_narrower_rule() {
    let (orders, told, calls) = (Orders::new(), Told::default(), Calls::default());
    let all = |_: &AccessRequest| Decision::Allow;
    let guard = OwnershipGuard::builder()
        .resource("/orders/{id}", orders.clone())
        .resource("/shop/orders/{id}", orders.clone())
        .resource_param("/shop/{kind}/{id}", "id", all)
        .resource("/twice/orders/{id}", all)
        .resource("/other/{id}/orders", all)
        .events(told.clone())
        .build()
        .unwrap();
    let router = Router::new()
        .route("/{kind}/{id}", handler(&calls))
        .route("/shop/{kind}/{id}", handler(&calls))
        .route("/other/{kind}/{id}", handler(&calls))
        .nest("/twice/{id}", Router::new().route("/{id}", handler(&calls)))
        .layer(ServiceBuilder::new().layer(Login).layer(guard));
    for (target, code) in [
        ("/orders/2", "object_denied"),
        ("/%6frders/2", "object_denied"),
        ("/orders/1;x", "path_not_canonical"),
        ("/shop/orders/2", "object_denied"),
        ("/shop/%6frders/2", "object_denied"),
        // The handler gets another value by that name, or two.
        ("/other/1/orders", "reference_ambiguous"),
        ("/twice/orders/1", "reference_ambiguous"),
    ] {
        assert_eq!(ask(&router, "alice", target).await, hidden(), "{target}");
        assert_eq!(told.codes(), [code], "{target}");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    for target in [
        "/orders/1",
        "/pages/2",
        "/shop/orders/1",
        "/shop/pages/2",
        "/other/pages/2",
    ] {
        assert_eq!(ask(&router, "alice", target).await.0, 200, "{target}");
    }
}

/// What the handler is called with is asked about, not what the client wrote.
#[tokio::test]
async fn a_path_that_was_rewritten_is_the_one_that_counts() {
    let (orders, calls) = (Orders::new(), Calls::default());
    let guard = rules(&orders).build().unwrap();
    let inner = Router::new()
        .route("/{*rest}", handler(&calls))
        .layer(guard);
    for (id, expected) in [("1", (200, "reached".to_owned())), ("2", hidden())] {
        let latest = http::Uri::try_from(format!("/orders/{id}")).unwrap();
        let rewrite =
            tower::util::MapRequestLayer::new(move |mut request: Request<axum::body::Body>| {
                *request.uri_mut() = latest.clone();
                request
            });
        let router = Router::new()
            .fallback_service(rewrite.layer(inner.clone()))
            .layer(Login);
        assert_eq!(ask(&router, "alice", "/latest").await, expected, "{id}");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

/// A parameter beside the id is read in one way only, too.
#[tokio::test]
async fn parameters_beside_the_id_are_canonical() {
    let seen = |request: &AccessRequest| {
        assert_eq!(request.param("tenant"), Some("t1"));
        Decision::Allow
    };
    let (told, calls) = (Told::default(), Calls::default());
    let guard = OwnershipGuard::builder()
        .resource_from("/t/{tenant}/export", QueryParam::new("doc"), seen)
        .events(told.clone())
        .build()
        .unwrap();
    let router = Router::new()
        .route("/t/{tenant}/export", handler(&calls))
        .layer(ServiceBuilder::new().layer(Login).layer(guard));
    assert_eq!(ask(&router, "alice", "/t/t1/export?doc=1").await.0, 200);
    for target in [
        "/t/t1%2f..%2ft2/export?doc=1",
        "/t/t1%00/export?doc=1",
        "/t/%2574/export?doc=1",
    ] {
        assert_eq!(ask(&router, "alice", target).await, hidden(), "{target}");
        assert_eq!(told.codes(), ["reference_malformed"]);
    }
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

/// A literal route beside the template is its own.
#[tokio::test]
async fn a_literal_route_is_not_taken_for_an_id() {
    let (orders, calls) = (Orders::new(), Calls::default());
    let guard = rules(&orders).build().unwrap();
    let router = Router::new()
        .route("/orders/{id}", handler(&calls))
        .route("/orders/latest", handler(&calls))
        .layer(ServiceBuilder::new().layer(Login).layer(guard));
    assert_eq!(ask(&router, "alice", "/orders/latest").await.0, 200);
    assert_eq!(ask(&router, "alice", "/orders/newest").await, hidden());
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

/// What was decided is what the handler gets.
#[tokio::test]
async fn the_handler_reads_the_id_that_was_decided() {
    let guard = OwnershipGuard::builder()
        .resource_param(
            "/t/{tenant}/notes/{name}",
            "name",
            |request: &AccessRequest| {
                // Every decision is about one text.
                assert_eq!(request.param("tenant"), Some("t 1"));
                if request.id() == "caf\u{e9}" {
                    Decision::Allow
                } else {
                    Decision::Deny
                }
            },
        )
        .build()
        .unwrap();
    let echo = async |Path((tenant, name)): Path<(String, String)>| format!("{tenant}/{name}");
    let router = Router::new()
        .route("/t/{tenant}/notes/{name}", get(echo))
        .layer(ServiceBuilder::new().layer(Login).layer(guard));
    for name in ["caf%C3%A9", "%63af%c3%a9"] {
        let answer = ask(&router, "alice", &format!("/t/t%201/notes/{name}")).await;
        assert_eq!(answer, (200, "t 1/caf\u{e9}".to_owned()));
    }
}

/// Rows 66 and 67: an upgrade and a stream of events are decided on the request that begins them.
#[tokio::test]
async fn upgrades_and_streams_are_decided_when_they_begin() {
    let (orders, calls) = (Orders::new(), Calls::default());
    let guard = OwnershipGuard::builder()
        .resource("/orders/{id}/ws", orders.clone())
        .resource("/orders/{id}/events", orders.clone())
        .build()
        .unwrap();
    let count = Arc::clone(&calls);
    let socket = async move |upgrade: axum::extract::WebSocketUpgrade| {
        count.fetch_add(1, Ordering::SeqCst);
        upgrade.on_upgrade(async |_| ())
    };
    let count = Arc::clone(&calls);
    let events = async move || {
        count.fetch_add(1, Ordering::SeqCst);
        ([("content-type", "text/event-stream")], "data: hello\n\n")
    };
    let router = Router::new()
        .route("/orders/{id}/ws", any(socket))
        .route("/orders/{id}/events", get(events))
        .layer(ServiceBuilder::new().layer(Login).layer(guard));
    let server = Server::axum(router).await;
    let upgrade = |id: &str| {
        format!(
            "GET /orders/{id}/ws HTTP/1.1\r\nhost: shop.example\r\nx-test: alice\r\nconnection: upgrade, close\r\n\
             upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
    };
    let refused = server.raw(upgrade("2").as_bytes()).await;
    assert!(refused.starts_with("HTTP/1.1 404 "), "{refused}");
    assert!(refused.ends_with(NOT_FOUND), "{refused}");
    let answer = server
        .http1(request("alice", "GET", "/orders/2/events"))
        .await;
    assert_eq!(
        (answer.status().as_u16(), &**answer.body()),
        (404, NOT_FOUND.as_bytes())
    );
    assert_eq!(calls.load(Ordering::SeqCst), 0);

    let answer = server
        .http1(request("alice", "GET", "/orders/1/events"))
        .await;
    assert_eq!(
        (answer.status().as_u16(), &**answer.body()),
        (200, &b"data: hello\n\n"[..])
    );
    let accepted = server.raw(upgrade("1").as_bytes()).await;
    assert!(accepted.starts_with("HTTP/1.1 101 "), "{accepted}");
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

/// Row 79: each stream of one connection has its own principal.
#[tokio::test]
async fn two_users_share_a_connection_and_nothing_else() {
    use hyper_util::rt::{TokioExecutor, TokioIo};

    let orders = Orders::new();
    let (told, later) = (Told::default(), orders.clone());
    let policy = tower_security::ownership::async_policy(move |request: &AccessRequest| {
        let decision = later.decision(request);
        async move {
            tokio::task::yield_now().await;
            decision
        }
    });
    let guard = OwnershipGuard::builder()
        .resource("/orders/{id}", policy)
        .events(told.clone())
        .build()
        .unwrap();
    let router = Router::new()
        .route("/orders/{id}", handler(&Calls::default()))
        .layer(ServiceBuilder::new().layer(Login).layer(guard));
    let server = Server::axum(router).await;
    let stream = tokio::net::TcpStream::connect(server.addr).await.unwrap();
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let driver = tokio::spawn(connection);
    let mut streams = JoinSet::new();
    for index in 0..1_000 {
        let (who, id) = [("alice", 1), ("bob", 1), ("alice", 2), ("bob", 2)][index % 4];
        let mut sender = sender.clone();
        let target = format!("http://shop.example/orders/{id}");
        let mut asked = request(who, "GET", &target);
        asked.headers_mut().remove("host");
        streams.spawn(async move {
            let status = sender.send_request(asked).await.unwrap().status();
            (who, id, status.as_u16())
        });
    }
    let answers = streams.join_all().await;
    assert_eq!(answers.len(), 1_000);
    for (who, id, status) in answers {
        let is_owner = matches!((who, id), ("alice", 1) | ("bob", 2));
        assert_eq!(status, if is_owner { 200 } else { 404 }, "{who} {id}");
    }
    assert_eq!(told.take().len(), 500);
    drop(sender);
    let _ = driver.await;
}
