//! Handlers of axum that forget to ask, as people write them.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Form, Path, Request as AxumRequest, WebSocketUpgrade};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Redirect, Response as AxumResponse};
use axum::routing::{any, get, post};
use axum::{Extension, Json, Router};
use tower::ServiceBuilder;
use tower_security::SecurityStack;
use tower_security::authorize::RequireAuthorization;
use tower_security::axum::{Owned, Public};
use tower_security::core::AuthzLedger;
use tower_security::ownership::{AccessRequest, Action, Authz, Decision, LoadError, OwnedResource};

use super::*;
use crate::ownership::Login as StackLogin;
use crate::support::wire::Server;

/// Everybody may, if the request says so: what a handler for everybody writes.
async fn exempt_if_said(request: AxumRequest, next: Next) -> AxumResponse {
    if request.headers().contains_key("x-public") {
        Authz::of(request.extensions()).exempt();
    }
    next.run(request).await
}

/// An answer of a middleware that never asks the handler.
async fn cached(request: AxumRequest, next: Next) -> AxumResponse {
    if request.uri().path() == "/cached" {
        return "secret".into_response();
    }
    next.run(request).await
}

fn denies(_: &AccessRequest) -> Decision {
    Decision::Deny
}

fn routes(calls: &Arc<AtomicUsize>) -> Router {
    let count = Arc::clone(calls);
    let plain = async move || {
        count.fetch_add(1, Ordering::SeqCst);
        "secret"
    };
    let ignores = async |request: AxumRequest| {
        let authz = Authz::of(request.extensions());
        // The question mark is missing.
        let _ = authz.check(&denies, Action::Read, "7").await;
        "secret"
    };
    let by_extension = async |Extension(ledger): Extension<AuthzLedger>| {
        assert!(!ledger.is_denied());
        "secret"
    };
    let nested = Router::new().route(
        "/{id}",
        get(async |Path(id): Path<u64>| format!("secret {id}")),
    );
    Router::new()
        .route("/plain", any(plain))
        .route("/json", get(async || Json("secret")))
        .route(
            "/created",
            post(async || (http::StatusCode::CREATED, "secret")),
        )
        .route("/empty", post(async || http::StatusCode::NO_CONTENT))
        .route("/redirect", get(async || Redirect::to("/orders/secret")))
        .route(
            "/unchanged",
            get(async || (http::StatusCode::NOT_MODIFIED, [("etag", "secret")])),
        )
        .route(
            "/stream",
            get(async || {
                let (mut sender, body) =
                    http_body_util::channel::Channel::<Bytes, Infallible>::new(1);
                let frame = http_body::Frame::data(Bytes::from("secret"));
                assert!(sender.try_send(frame).is_ok());
                axum::body::Body::new(body)
            }),
        )
        .route(
            "/socket",
            any(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(async |_| ())),
        )
        .route(
            "/form",
            post(async |Form(_): Form<Vec<(String, String)>>| "secret"),
        )
        .route("/ignores", get(ignores))
        .route("/cached", get(async || "never"))
        .route("/ledger", get(by_extension))
        .nest("/nested", nested.clone())
        .nest_service("/service", nested)
        .fallback(async || (http::StatusCode::OK, "secret page"))
        .layer(from_fn(cached))
        .layer(from_fn(exempt_if_said))
}

/// Method, target, and the status of the twin that is decided.
const FORGOTTEN: &[(&str, &str, u16)] = &[
    ("GET", "/plain", 200),
    ("HEAD", "/plain", 200),
    ("OPTIONS", "/plain", 200),
    ("GET", "/json", 200),
    ("POST", "/created", 201),
    ("POST", "/empty", 204),
    ("GET", "/redirect", 303),
    ("GET", "/unchanged", 304),
    ("GET", "/stream", 200),
    ("POST", "/form", 200),
    ("GET", "/cached", 200),
    ("GET", "/nested/7", 200),
    ("GET", "/service/7", 200),
    // Row 62: the fallback of the router.
    ("GET", "/nowhere", 200),
];

fn ask(who: &str, method: &str, target: &str, is_public: bool) -> Request<Full<Bytes>> {
    let mut request = request(who, method, target);
    let headers = request.headers_mut();
    if is_public {
        headers.insert("x-public", "1".parse().unwrap());
    }
    if target == "/form" {
        let form = "application/x-www-form-urlencoded";
        headers.insert("content-type", form.parse().unwrap());
    }
    request
}

#[tokio::test]
async fn every_forgotten_check_is_caught_on_both_versions_of_http() {
    let (calls, told) = (Arc::default(), Told::default());
    let inside = RequireAuthorization::new().events(told.clone());
    let stack = SecurityStack::new()
        .events(told.clone())
        .auth(StackLogin)
        .require_authorization(RequireAuthorization::new());
    let alone = ServiceBuilder::new()
        .layer(StackLogin)
        .layer(inside)
        .into_inner();
    for router in [routes(&calls).layer(stack), routes(&calls).layer(alone)] {
        let server = Server::axum(router).await;
        for &(method, target, status) in FORGOTTEN {
            for (is_public, expected) in [(false, 500), (true, status)] {
                let row = format!("{method} {target} {is_public}");
                let first = server.http1(ask("alice", method, target, is_public)).await;
                let second = server.http2(ask("alice", method, target, is_public)).await;
                for answer in [first, second.expect("no reset")] {
                    assert_eq!(answer.status(), expected, "{row}");
                    if !is_public {
                        let body = if method == "HEAD" { "" } else { UNDECIDED };
                        let problem = text(&answer).split(",\"request_id\"").next().unwrap();
                        let body = body.strip_suffix('}').unwrap_or(body);
                        assert_eq!(problem.strip_suffix('}').unwrap_or(problem), body, "{row}");
                        for name in ["location", "etag"] {
                            assert!(!answer.headers().contains_key(name), "{row}");
                        }
                    } else if status == 200 && method == "GET" {
                        assert!(text(&answer).contains("secret"), "{row}");
                    }
                }
                let codes = told.codes();
                let expected: &[&str] = if is_public {
                    &[]
                } else {
                    &["authorization_missing", "authorization_missing"]
                };
                assert_eq!(codes, expected, "{row}");
            }
        }
    }
    // The handler was called each time: a tripwire stands behind it, and takes nothing back.
    assert!(calls.load(Ordering::SeqCst) > 0);
}

#[tokio::test]
async fn an_upgrade_that_nobody_has_decided_is_none() {
    let told = Told::default();
    let tripwire = RequireAuthorization::new().events(told.clone());
    let layer = ServiceBuilder::new()
        .layer(StackLogin)
        .layer(tripwire)
        .into_inner();
    let server = Server::axum(routes(&Arc::default()).layer(layer)).await;
    for (header, status) in [("x-private", "500"), ("x-public", "101")] {
        let upgrade = format!(
            "GET /socket HTTP/1.1\r\nhost: shop.example\r\nx-test: alice\r\n{header}: 1\r\n\
             connection: upgrade{}\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            if status == "101" { "" } else { ", close" }
        );
        let answer = server.raw(upgrade.as_bytes()).await;
        assert_eq!(answer.get(9..12), Some(status), "{answer}");
        assert_eq!(
            answer.contains("sec-websocket-accept"),
            status == "101",
            "{answer}"
        );
    }
    assert_eq!(told.codes(), ["authorization_missing"]);
}

/// Row 60.
#[tokio::test]
async fn a_denial_that_the_handler_ignores_is_caught() {
    let told = Told::default();
    let tripwire = RequireAuthorization::new().events(told.clone());
    let layer = ServiceBuilder::new()
        .layer(StackLogin)
        .layer(tripwire)
        .into_inner();
    let server = Server::axum(routes(&Arc::default()).layer(layer)).await;
    // What is public elsewhere is no answer to a denial.
    for is_public in [false, true] {
        let answer = server
            .http1(ask("alice", "GET", "/ignores", is_public))
            .await;
        assert_eq!((answer.status().as_u16(), text(&answer)), (500, UNDECIDED));
        assert_eq!(told.codes(), ["denial_ignored"]);
    }
}

/// Row 61, and the errors of axum itself: they pass, with the text of all errors of their status.
#[tokio::test]
async fn errors_of_extractors_and_of_the_router_pass() {
    let router =
        routes(&Arc::default()).route("/json-in", post(async |Json(()): Json<()>| "secret"));
    let router = router.route("/typed/{id}", get(async |Path(_): Path<u64>| "secret"));
    let layer = ServiceBuilder::new()
        .layer(StackLogin)
        .layer(RequireAuthorization::new().events(Told::default()))
        .into_inner();
    let server = Server::axum(router.layer(layer)).await;
    for (method, target, status, code) in [
        ("POST", "/json-in", 415, "unsupported_media_type"),
        ("GET", "/typed/x", 400, "bad_request"),
        ("PUT", "/json", 405, "method_not_allowed"),
        ("GET", "/service", 404, "not_found"),
    ] {
        let answer = server.http1(ask("alice", method, target, false)).await;
        assert_eq!(answer.status(), status, "{target}");
        let told = format!(r#""code":"{code}"}}"#);
        assert!(
            text(&answer).ends_with(&told),
            "{target}: {}",
            text(&answer)
        );
        let is_405 = status == 405;
        assert_eq!(
            answer
                .headers()
                .get("allow")
                .is_some_and(|it| it == "GET,HEAD"),
            is_405
        );
    }
}

/// Order 1 is alice's, order 2 is bob's.
struct Order(&'static str);

impl OwnedResource<()> for Order {
    type Id = u64;
    const PARAM: &'static str = "id";

    async fn load((): &(), id: &u64, _: &Principal) -> Result<Option<Self>, LoadError> {
        Ok(match id {
            1 => Some(Self("alice")),
            2 => Some(Self("bob")),
            _ => None,
        })
    }

    fn decide(&self, who: &Principal, _: Action) -> Decision {
        if who.subject() == self.0 {
            Decision::Allow
        } else {
            Decision::Deny
        }
    }
}

/// Row 62, and the arguments that decide: they are all that a handler needs. Row 60, of one that takes a refusal for an argument.
#[tokio::test]
async fn arguments_of_handlers_decide() {
    let told = Told::default();
    let swallows = async |order: Result<Owned<Order>, AxumResponse>| match order {
        Ok(_) => "own",
        Err(_) => "somebody's",
    };
    let list = async |authz: Authz| {
        authz.scoped();
        "own"
    };
    let router = Router::new()
        .route("/orders/{id}", get(async |_: Owned<Order>| "own"))
        .route("/swallows/{id}", get(swallows))
        .route("/orders", get(list))
        .route("/public", get(async |_: Public| "public"))
        .route("/asks-nobody", get(async |_: Authz| "secret"))
        .fallback(async || "secret");
    let layer = ServiceBuilder::new()
        .layer(StackLogin)
        .layer(RequireAuthorization::new().events(told.clone()))
        .into_inner();
    let server = Server::axum(router.layer(layer)).await;
    for (who, target, status, code) in [
        ("alice", "/orders/1", 200, None),
        ("alice", "/orders/2", 404, None),
        ("alice", "/orders/9", 404, None),
        ("-", "/orders/1", 401, None),
        ("alice", "/orders", 200, None),
        ("alice", "/public", 200, None),
        ("-", "/public", 200, None),
        ("alice", "/swallows/1", 200, None),
        ("alice", "/swallows/2", 500, Some("denial_ignored")),
        ("alice", "/swallows/9", 500, Some("denial_ignored")),
        ("-", "/swallows/1", 500, Some("authorization_missing")),
        ("alice", "/asks-nobody", 500, Some("authorization_missing")),
        ("alice", "/nowhere", 500, Some("authorization_missing")),
    ] {
        let request = || crate::ownership::request(who, "GET", target);
        let first = server.http1(request()).await;
        let second = server.http2(request()).await.expect("no reset");
        for answer in [first, second] {
            let row = format!("{who} {target}");
            assert_eq!(answer.status(), status, "{row}");
            match status {
                200 => assert!(matches!(text(&answer), "own" | "public"), "{row}"),
                404 => assert_eq!(text(&answer), NOT_FOUND, "{row}"),
                401 => assert_eq!(text(&answer), LOGIN, "{row}"),
                _ => assert_eq!(text(&answer), UNDECIDED, "{row}"),
            }
            assert!(!text(&answer).contains("secret"), "{row}");
        }
        let codes = told.codes();
        assert_eq!(codes, code.into_iter().chain(code).collect::<Vec<_>>());
    }
}
