//! Behind axum's routers: templates, nested routers, methods that a route does not have.

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::routing::{any, get, post, put};
use tower::util::MapRequestLayer;
use tower_security::authorize::RequireLayer;

use super::rows::{ROWS, expected};
use super::*;
use crate::support::service::go;
use crate::support::wire::Server;

fn reached() -> axum::routing::MethodRouter {
    any(async |method: Method| {
        if method == Method::HEAD {
            ""
        } else {
            "reached"
        }
    })
}

/// Believes the header `x-test`, for all routes.
fn behind_login(router: Router) -> Router {
    router.layer(MapRequestLayer::new(
        login::<Body> as fn(Request<Body>) -> Request<Body>,
    ))
}

fn routes() -> Router {
    Router::new()
        .route("/health", get(async || "reached"))
        .route("/reports", get(async || "reached"))
        .route("/admin/invoices/{id}", reached())
        .route("/admin/users", reached())
        .route("/members/{name}/email", put(async || "reached"))
        .route("/files/{*path}", reached())
        .route("/orders", get(async || "reached").post(async || "reached"))
        .route("/payments", post(async || "reached"))
        .route("/internal/dump", reached())
}

async fn ask(router: &Router, who: &str, method: &str, target: &str) -> Response<Bytes> {
    let request = request(who, method, target).map(Body::new);
    whole(go(router.clone(), request).await).await
}

#[tokio::test]
async fn each_row_behind_a_router() {
    let told = Told::default();
    let table = rules().events(told.clone()).build().unwrap();
    let inside = behind_login(routes().layer(table.clone()));
    let around = behind_login(Router::new().fallback_service(table.layer(routes())));
    for router in [inside.clone(), around] {
        for &(who, method, target, status, code) in ROWS {
            let row = format!("{who} {method} {target}");
            let answer = ask(&router, who, method, target).await;
            assert_eq!(answer.status(), status, "{row}");
            assert_eq!(text(&answer), expected(method, status, code), "{row}");
            assert_eq!(told.codes(), code.as_slice(), "{row}");
        }
    }
    let server = Server::axum(inside).await;
    for &(who, method, target, status, _) in ROWS {
        let row = format!("{who} {method} {target}");
        let first = server.http1(request(who, method, target)).await;
        let second = server.http2(request(who, method, target)).await;
        assert_eq!(first.status(), status, "{row}");
        assert_eq!(second.expect("no reset").status(), status, "{row}");
    }
}

/// A rule is found by the route, not by how its path is spelt, where the route says enough.
#[tokio::test]
async fn a_template_of_the_routers_is_the_key() {
    let table = AccessTable::builder()
        .get("/notes/{name}", role("staff"))
        .get("/pages/{page}", role("staff"))
        .get("/pages/start", public())
        .events(Told::default());
    // The earlier of the two covers the later.
    assert!(table.build().is_err());

    let table = AccessTable::builder()
        .get("/notes/{name}", role("staff"))
        .get("/pages/start", public())
        .get("/pages/{page}", role("staff"))
        .events(Told::default());
    let table = table.build().unwrap();
    let echo = async |Path(name): Path<String>| name;
    let routes = Router::new()
        .route("/notes/{note}", get(echo))
        .route("/pages/{page}", get(echo));
    let router = behind_login(routes.clone().layer(table.clone()));
    let with_start = behind_login(
        routes
            .route("/pages/start", get(async || "start"))
            .layer(table),
    );
    // No rule is for a part of these notes: an id with a slash in it is the handler's.
    let answer = ask(&router, "staff", "GET", "/notes/a%2Fb").await;
    assert_eq!((answer.status().as_u16(), text(&answer)), (200, "a/b"));
    assert_eq!(
        ask(&router, "alice", "GET", "/notes/a%2Fb").await.status(),
        403
    );

    // One of these pages has a rule of its own, which the path tells.
    for (router, target, who, status) in [
        (&router, "/pages/start", "-", 200),
        (&router, "/pages/other", "-", 401),
        (&router, "/pages/other", "staff", 200),
        // It is another page of the same handler, or the same to another server.
        (&router, "/pages/%73tart", "-", 404),
        (&router, "/pages/a%2Fb", "staff", 404),
        (&with_start, "/pages/start", "-", 200),
        // axum takes it for the other route.
        (&with_start, "/pages/%73tart", "-", 404),
        (&with_start, "/pages/%73tart", "staff", 404),
    ] {
        let answer = ask(router, who, "GET", target).await;
        assert_eq!(answer.status(), status, "{who} {target}");
    }
}

#[tokio::test]
async fn a_wide_rule_holds_for_all_routes_below() {
    let table = AccessTable::builder()
        .any_method("/admin/{*rest}", role("staff"))
        .any_request(authenticated())
        .events(Told::default());
    let routes = Router::new()
        .route("/admin/users", reached())
        .route("/admin/users/{id}", reached())
        .nest("/admin/nested", Router::new().route("/{x}/y", reached()))
        .nest_service(
            "/admin/service",
            Router::new()
                .route("/a", reached())
                .fallback(async || "reached"),
        )
        .route("/about", reached());
    let router = behind_login(routes.layer(table.build().unwrap()));
    for target in [
        "/admin/users",
        "/admin/users/7",
        "/admin/users/a%2Fb",
        "/admin/nested/x/y",
        "/admin/service/a",
        "/admin/service/b/c",
        "/admin/nothing",
    ] {
        let answer = ask(&router, "alice", "GET", target).await;
        assert_eq!(answer.status(), 403, "{target}");
        let answer = ask(&router, "-", "GET", target).await;
        assert_eq!(answer.status(), 401, "{target}");
    }
    assert_eq!(ask(&router, "alice", "GET", "/about").await.status(), 200);
    for target in ["/admin/users", "/admin/nested/x/y", "/admin/service/a"] {
        let answer = ask(&router, "staff", "GET", target).await;
        assert_eq!(text(&answer), "reached", "{target}");
    }
}

/// One table for all routes of a router, and inside a nested one too.
#[tokio::test]
async fn nested_routers_are_asked_by_the_whole_template() {
    let table = AccessTable::builder()
        .get("/api/v1/reports", role("staff"))
        .put("/api/v1/members/{name}", same_subject("name"))
        .events(Told::default())
        .build()
        .unwrap();
    let inner = Router::new()
        .route("/reports", get(async || "reached"))
        .route("/members/{name}", put(async || "reached"));
    let inside = Router::new().nest("/api/v1", inner.clone().layer(table.clone()));
    let outside = Router::new().nest("/api/v1", inner).layer(table);
    for router in [behind_login(inside), behind_login(outside)] {
        for (who, method, target, status) in [
            ("staff", "GET", "/api/v1/reports", 200),
            ("alice", "GET", "/api/v1/reports", 403),
            ("alice", "PUT", "/api/v1/members/alice", 200),
            ("alice", "PUT", "/api/v1/members/%61lice", 200),
            ("alice", "PUT", "/api/v1/members/bob", 404),
            ("alice", "PUT", "/api/v1/members/x%2f..%2falice", 404),
        ] {
            let answer = ask(&router, who, method, target).await;
            assert_eq!(answer.status(), status, "{who} {target}");
        }
    }
}

/// The subject is compared with the parameter that handlers get, or with none.
#[tokio::test]
async fn a_subject_is_named_by_one_parameter() {
    let table = AccessTable::builder()
        .get("/t/{name}/o/{other}", same_subject("name"))
        .get("/n/{name}", same_subject("name"))
        .events(Told::default())
        .build()
        .unwrap();
    let router = Router::new()
        // The name stands twice: handlers disagree on which of the two it is.
        .nest("/t/{name}", Router::new().route("/o/{name}", reached()))
        // It is called otherwise.
        .route("/n/{id}", reached())
        .layer(table);
    let router = behind_login(router);
    for target in [
        "/t/alice/o/bob",
        "/t/bob/o/alice",
        "/t/alice/o/alice",
        "/n/alice",
    ] {
        let answer = ask(&router, "alice", "GET", target).await;
        assert_eq!(answer.status(), 404, "{target}");
    }
}

#[tokio::test]
async fn a_layer_for_one_route_compares_its_parameter() {
    let require = RequireLayer::same_subject("name")
        .or(role("staff"))
        .events(Told::default())
        .build()
        .unwrap();
    let router = Router::new()
        .route("/members/{name}", reached().layer(require.clone()))
        .route("/people/{id}", reached().layer(require.clone()))
        .route("/all", reached().layer(require));
    let router = behind_login(router);
    for (who, target, status) in [
        ("alice", "/members/alice", 200),
        ("alice", "/members/%61lice", 200),
        ("alice", "/members/bob", 404),
        ("staff", "/members/bob", 200),
        ("-", "/members/alice", 401),
        ("alice", "/people/alice", 404),
        ("alice", "/all", 404),
        ("staff", "/all", 200),
    ] {
        let answer = ask(&router, who, "GET", target).await;
        assert_eq!(answer.status(), status, "{who} {target}");
    }
}

/// A path that somebody has written over between two routers is not the route's any more.
#[tokio::test]
async fn a_path_that_was_rewritten_is_not_guessed() {
    let table = AccessTable::builder()
        .get("/pages/start", public())
        .get("/admin/{page}", role("staff"))
        .get("/admin/help", public())
        .events(Told::default());
    assert!(table.build().is_err(), "help is covered");
    let table = AccessTable::builder()
        .get("/admin/help", public())
        .get("/admin/{page}", role("staff"))
        .events(Told::default())
        .build()
        .unwrap();
    let inner = Router::new().route("/admin/{page}", reached()).layer(table);
    let rewritten = MapRequestLayer::new(|mut request: Request<Body>| {
        *request.uri_mut() = http::Uri::from_static("/admin/users");
        request
    });
    let as_it_is = behind_login(Router::new().fallback_service(inner.clone()));
    let rewritten = behind_login(Router::new().fallback_service(rewritten.layer(inner)));
    // The client wrote the path of the page that is public, and came to another one.
    for (who, status) in [("-", 401), ("alice", 403), ("staff", 200)] {
        for target in ["/admin/help", "/other/help"] {
            let answer = ask(&rewritten, who, "GET", target).await;
            assert_eq!(answer.status(), status, "{who} {target}");
        }
    }
    let answer = ask(&as_it_is, "-", "GET", "/admin/help").await;
    assert_eq!(answer.status(), 200);
}

/// A layer between the router and the table writes the path over: it is no path of the route any more, whose handler is called.
#[tokio::test]
async fn a_path_that_is_not_of_the_route_decides_nothing() {
    let table = AccessTable::builder()
        .get("/health", public())
        .get("/pages/start", public())
        .get("/pages/{page}", role("staff"))
        .events(Told::default())
        .build()
        .unwrap();
    let rewrite = MapRequestLayer::new(|mut request: Request<Body>| {
        *request.uri_mut() = http::Uri::from_static("/health");
        request
    });
    let routes = || {
        Router::new()
            .route("/pages/{page}", reached())
            .layer(table.clone())
    };
    let rewritten = behind_login(routes().layer(rewrite));
    for who in ["-", "staff"] {
        let answer = ask(&rewritten, who, "GET", "/pages/7").await;
        assert_eq!(answer.status(), 404, "{who}");
    }
    let router = behind_login(routes());
    for (who, status) in [("-", 401), ("staff", 200)] {
        assert_eq!(ask(&router, who, "GET", "/pages/7").await.status(), status);
    }
}

/// Where a nested router has no template, the path is the whole one too: what is public elsewhere is not public there.
#[tokio::test]
async fn a_nested_service_is_asked_by_the_whole_path() {
    let table = AccessTable::builder()
        .get("/health", public())
        .any_method("/admin/{*rest}", role("staff"))
        .put("/team/{name}", same_subject("name"))
        .events(Told::default())
        .build()
        .unwrap();
    let service = Router::new().fallback(async || "reached");
    let nested = Router::new()
        .nest_service("/deep", table.layer(service.clone()))
        .fallback_service(table.layer(service.clone()));
    let router = behind_login(
        Router::new()
            .nest("/admin", nested)
            .nest_service("/team", table.layer(service.clone()))
            .fallback_service(table.layer(service)),
    );
    for (who, method, target, status) in [
        ("-", "GET", "/health", 200),
        ("-", "GET", "/admin/health", 401),
        ("alice", "GET", "/admin/health", 403),
        ("alice", "GET", "/admin/deep/health", 403),
        ("staff", "GET", "/admin/health", 200),
        ("staff", "GET", "/admin/deep/health", 200),
        ("alice", "PUT", "/team/alice", 200),
        ("alice", "PUT", "/team/bob", 404),
    ] {
        let answer = ask(&router, who, method, target).await;
        assert_eq!(answer.status(), status, "{who} {target}");
    }
}

/// `Layer::layer` runs once for each route, on one table.
#[tokio::test]
async fn routes_share_one_table() {
    let table = rules().events(Told::default()).build().unwrap();
    let services = [table.clone().layer(()), table.layer(()), table.layer(())];
    let texts = services.map(|service| format!("{service:?}"));
    assert_eq!(texts[0], texts[2]);
    assert!(texts[0].contains("GET /reports"), "{}", texts[0]);
}
