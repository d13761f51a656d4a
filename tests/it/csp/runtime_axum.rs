//! The layer on axum, over real sockets.

use axum::Router;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use tower::ServiceExt;

use tower_security::core::Mode;
use tower_security::csp::{Csp, CspLayer, CspNonce, CspOverride};
use tower_security::stack::SecurityStack;

use super::runtime::{API, FULL, ROUTE, Recorder, TWIN, policy};
use crate::support::wire::Server;

async fn page(nonce: CspNonce) -> Html<String> {
    Html(nonce.to_string())
}

async fn perhaps(nonce: Option<CspNonce>) -> Html<String> {
    Html(nonce.map_or_else(|| "none".to_owned(), |nonce| nonce.to_string()))
}

async fn json() -> Response {
    ([(CONTENT_TYPE, "application/json")], "{}").into_response()
}

fn site() -> Router {
    Router::new()
        .route("/", get(page))
        .route("/perhaps", get(perhaps))
        .route("/json", get(json))
}

fn to(path: &str) -> Request<Full<Bytes>> {
    Request::get(path)
        .header("host", "app.example.com")
        .body(Full::default())
        .expect("a request")
}

#[tokio::test]
async fn a_page_says_the_nonce_of_its_header_over_either_http() {
    let app = site()
        .route(
            "/map",
            get(page).route_layer(CspOverride::replace(policy(ROUTE))),
        )
        .layer(CspLayer::strict());
    let server = Server::axum(app).await;
    let rows = [
        ("/", 200, FULL),
        ("/perhaps", 200, FULL),
        ("/map", 200, ROUTE),
        ("/json", 200, TWIN),
        // axum's own answer has no type and no body.
        ("/nowhere", 404, FULL),
    ];
    for (path, status, expected) in rows {
        let answers = [
            server.http1(to(path)).await,
            server.http2(to(path)).await.expect("no reset"),
        ];
        for answer in answers {
            let lines: Vec<_> = answer
                .headers()
                .get_all(CONTENT_SECURITY_POLICY)
                .iter()
                .collect();
            assert_eq!(lines.len(), 1, "{path}");
            let line = lines[0].to_str().expect("ASCII");
            let body = std::str::from_utf8(answer.body()).expect("ASCII");
            assert_eq!(answer.status().as_u16(), status, "{path}");
            if status == 200 && path != "/json" {
                assert_eq!(body.len(), 24, "{path}");
                assert_eq!(line.replace(body, "{}"), expected, "{path}");
                assert_eq!(answer.headers()[CACHE_CONTROL], "no-store", "{path}");
            } else {
                assert_eq!(
                    line.len(),
                    expected.replace("{}", &"-".repeat(24)).len(),
                    "{path}"
                );
            }
        }
    }
}

#[tokio::test]
async fn without_a_layer_a_page_that_needs_a_nonce_is_not_made() {
    let recorder = Recorder::default();
    let outside = || SecurityStack::new().events(recorder.sink());
    let off = CspLayer::builder()
        .enforce(Csp::strict().build().expect("it is sound"))
        .mode(Mode::Off);
    let off = off.build().expect("it is sound");
    let rows = [
        ("no layer", site().layer(outside()), false),
        (
            "no slot",
            site().layer(CspLayer::api()).layer(outside()),
            false,
        ),
        (
            "inside",
            site().layer(outside()).layer(CspLayer::strict()),
            true,
        ),
        ("off", site().layer(off).layer(outside()), true),
        (
            "a route's slot",
            site()
                .layer(CspOverride::replace(policy(ROUTE)))
                .layer(CspLayer::api())
                .layer(outside()),
            true,
        ),
    ];
    for (name, app, is_made) in rows {
        let answer = ask(&app, "/").await;
        if is_made {
            assert_eq!((answer.0, answer.1.len()), (StatusCode::OK, 24), "{name}");
            assert_eq!(recorder.told(), [""; 0], "{name}");
        } else {
            assert_eq!(answer.0, StatusCode::INTERNAL_SERVER_ERROR, "{name}");
            assert!(
                answer.1.contains("\"code\":\"csp_layer_missing\""),
                "{name}"
            );
            assert_eq!(
                recorder.take(),
                [
                    "error csp sys_crash csp_layer_missing fault no CspLayer with a nonce in its policy stands outside of this \
                     handler"
                ],
                "{name}"
            );
        }
        let perhaps = ask(&app, "/perhaps").await;
        assert_eq!(perhaps.0, StatusCode::OK, "{name}");
        assert_eq!(perhaps.1 == "none", !is_made, "{name}");
    }
}

#[tokio::test]
async fn who_asks_for_a_page_in_the_name_of_grpc_raises_no_alarm() {
    let recorder = Recorder::default();
    let app = Router::new()
        .route("/", axum::routing::post(page))
        .layer(CspLayer::strict())
        .layer(SecurityStack::new().events(recorder.sink()));
    let post = |media: &str| {
        let request = Request::post("/").header(CONTENT_TYPE, media);
        request.body(axum::body::Body::empty()).expect("a request")
    };
    let go = |request| ServiceExt::<Request<axum::body::Body>>::oneshot(app.clone(), request);
    let Ok(answer) = go(post("application/grpc")).await;
    // INTERNAL.
    assert_eq!(answer.headers()["grpc-status"], "13");
    let Ok(answer) = go(post("application/json")).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(recorder.told(), [""; 0]);
}

async fn ask(app: &Router, path: &str) -> (StatusCode, String) {
    let request = Request::get(path)
        .body(axum::body::Body::empty())
        .expect("a request");
    let Ok(answer) = ServiceExt::<Request<axum::body::Body>>::oneshot(app.clone(), request).await;
    let status = answer.status();
    let body = answer
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    (status, String::from_utf8(body.to_vec()).expect("UTF-8"))
}

#[tokio::test]
async fn a_router_inside_may_have_a_layer_of_its_own() {
    let inner = Router::new()
        .route("/", get(page))
        .layer(CspLayer::strict());
    let app = Router::new()
        .nest("/admin", inner)
        .route("/json", get(json))
        .layer(CspLayer::api());
    let server = Server::axum(app).await;
    let answer = server.http1(to("/admin")).await;
    let body = std::str::from_utf8(answer.body())
        .expect("ASCII")
        .to_owned();
    let line = answer.headers()[CONTENT_SECURITY_POLICY]
        .to_str()
        .expect("ASCII");
    assert_eq!(line.replace(&body, "{}"), FULL);
    let answer = server.http1(to("/json")).await;
    assert_eq!(answer.headers()[CONTENT_SECURITY_POLICY], API);
}

#[cfg(feature = "tonic")]
#[tokio::test]
async fn grpc_answers_are_left_alone() {
    let (_, health) = tonic_health::server::health_reporter();
    let routes = tonic::service::Routes::new(health);
    let server = Server::tonic(CspLayer::strict(), routes).await;
    // A frame of an empty `HealthCheckRequest`.
    let call = Request::post("/grpc.health.v1.Health/Check")
        .header(CONTENT_TYPE, "application/grpc")
        .header("te", "trailers")
        .body(Full::from(Bytes::from_static(&[0; 5])))
        .expect("a request");
    let answer = server.http2(call).await.expect("no reset");
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()[CONTENT_TYPE], "application/grpc");
    assert!(!answer.headers().contains_key(CONTENT_SECURITY_POLICY));
    assert!(!answer.headers().contains_key(CACHE_CONTROL));
}
