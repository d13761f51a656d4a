//! Limits of single routes.

use tower::Layer;
use tower_security::limits::{Limit, RouteLimits};

use super::*;

fn with_routes() -> (LimitsLayer, Told) {
    let builder = LimitsLayer::builder()
        .body_limit(10)
        .body_idle(seconds(1))
        .response_time(seconds(2))
        .route(RouteLimits::new("/uploads/small/{name}").body_limit(5))
        .route(
            RouteLimits::new("/uploads/{*path}")
                .body_limit(100)
                .body_idle(seconds(10)),
        )
        .route(RouteLimits::new("/reports/{year}").response_time(seconds(20)))
        .route(RouteLimits::new("/raw/{*path}").dangerous_unlimited(Limit::BodyLimit));
    build(builder)
}

async fn at(path: &str, body: Script, reader: Reader) -> u16 {
    let (layer, _) = with_routes();
    let request = Request::post(path).body(body).unwrap();
    ask(layer.layer(reader), request).await.status
}

#[tokio::test(start_paused = true)]
async fn a_route_has_limits_of_its_own() {
    let rows = [
        ("/orders", 10, 200),
        ("/orders", 11, 413),
        ("/uploads/a", 100, 200),
        ("/uploads/a/b", 100, 200),
        ("/uploads/a", 101, 413),
        // The first that matches.
        ("/uploads/small/a", 5, 200),
        ("/uploads/small/a", 6, 413),
        ("/raw/a", 1_000_000, 200),
        // No room for what two programs may read in two ways.
        ("/uploads/../orders", 11, 413),
        ("/uploads/%2e%2e/orders", 11, 413),
        ("/uploads//a", 11, 413),
        ("/Uploads/a", 11, 413),
        ("/uploads", 11, 413),
        ("/%75ploads/a", 11, 413),
    ];
    for (path, size, status) in rows {
        for body in [
            Script::of([data(size)]).says(size as u64),
            Script::of([data(size)]),
        ] {
            assert_eq!(
                at(path, body, Reader::default()).await,
                status,
                "{path} {size}"
            );
        }
    }
    let pauses = || Script::of([wait(seconds(5)), data(1)]);
    assert_eq!(at("/orders", pauses(), Reader::default()).await, 408);
    assert_eq!(at("/uploads/a", pauses(), Reader::default()).await, 200);
    let thinks = || Reader {
        before: seconds(10),
        ..Reader::default()
    };
    assert_eq!(at("/orders", Script::default(), thinks()).await, 504);
    assert_eq!(at("/reports/2026", Script::default(), thinks()).await, 200);
}

/// The event names the limit of the route.
#[tokio::test]
async fn the_limit_that_is_told_is_that_of_the_route() {
    let (layer, told) = with_routes();
    for (path, limit) in [("/orders", "limit=10"), ("/uploads/a", "limit=100")] {
        let request = Request::post(path).body(Script::of([data(101)])).unwrap();
        ask(layer.layer(Reader::default()), request).await;
        assert_eq!(told.take()[0].2, limit);
    }
}

/// Inside a nested router too, which takes off the front of the path.
#[cfg(feature = "axum")]
#[tokio::test]
async fn a_nested_router_has_the_whole_path() {
    use axum::Router;
    use axum::routing::post;

    let (layer, _) = with_routes();
    let length = async |body: Bytes| body.len().to_string();
    let inner = Router::new().route("/{name}", post(length)).layer(layer);
    let router = Router::new().nest("/uploads", inner).with_state::<()>(());
    for (size, status) in [(100, 200), (101, 413)] {
        let body = axum::body::Body::from(vec![b'a'; size]);
        let request = Request::post("/uploads/a").body(body).unwrap();
        let answer = crate::support::service::go(router.clone(), request).await;
        assert_eq!(answer.status(), status);
    }
}

/// The strictest of all that a path could be of: it has nothing to gain by how it is written.
#[tokio::test]
async fn a_path_that_can_be_read_in_two_ways_gets_the_stricter_limits() {
    let (layer, _) = build(
        LimitsLayer::builder()
            .body_limit(10)
            .route(RouteLimits::new("/orders/{id}").body_limit(5))
            .route(RouteLimits::new("/files/{name}").body_limit(20))
            .route(RouteLimits::new("/files/{*path}").body_limit(3))
            .route(RouteLimits::new("/notes/{id}/{page}").body_limit(4))
            .route(RouteLimits::new("/notes/{id}").body_limit(7))
            .route(RouteLimits::new("/big/{*path}").body_limit(20)),
    );
    let rows = [
        ("/orders/1", 5),
        ("/orders/caf%C3%A9", 5),
        ("/orders/a%2Fb", 5),
        ("/orders/1;x=1", 5),
        ("/orders/%2e%2e", 5),
        ("/orders/%zz", 5),
        ("/%6frders/1", 5),
        ("/orders/1/items%2F", 10),
        // Of the second for a router, of the first for a program behind it.
        ("/notes/a%2Fb", 4),
        ("/notes/a", 7),
        ("/users/a%2Fb", 10),
        ("/files/a", 20),
        // Of the first for one program, of the second for another.
        ("/files/a%2Fb", 3),
        ("/big/a", 20),
        ("/big/a%2Fb", 10),
        ("/big//a", 10),
    ];
    for (path, most) in rows {
        for (size, status) in [(most, 200), (most + 1, 413)] {
            let request = Request::post(path).body(Script::of([data(size)])).unwrap();
            let answer = ask(layer.clone().layer(Reader::default()), request).await;
            assert_eq!(answer.status, status, "{path} {size}");
        }
    }
}

/// What really comes to a handler of axum, which finds it by the path as it was sent.
#[cfg(feature = "axum")]
#[tokio::test]
async fn no_spelling_of_a_path_that_reaches_a_handler_has_more_room() {
    use axum::Router;
    use axum::routing::post;
    use tower::ServiceExt;
    let (layer, _) = build(
        LimitsLayer::builder()
            .body_limit(100)
            .route(RouteLimits::new("/orders/{id}").body_limit(5)),
    );
    let app: Router = Router::new()
        .route("/orders/{id}", post(async |body: String| body))
        .layer(layer);
    for (path, status) in [
        ("/orders/1", 200),
        ("/orders/%31", 200),
        ("/orders/a%2Fb", 200),
        ("/orders/1;x", 200),
        ("/orders/%2e%2e", 200),
        ("/orders/..", 200),
        ("/%6frders/1", 404),
        ("/orders%2F1", 404),
        ("//orders/1", 404),
    ] {
        for (size, status) in [(5, status), (6, if status == 200 { 413 } else { status })] {
            let body = axum::body::Body::new(Script::of([data(size)]));
            let request = Request::post(path).body(body).unwrap();
            let answer = ServiceExt::<Request<axum::body::Body>>::oneshot(app.clone(), request);
            assert_eq!(answer.await.unwrap().status(), status, "{path} {size}");
        }
    }
}
