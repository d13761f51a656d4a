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
