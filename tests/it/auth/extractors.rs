//! Who is asking, as arguments of axum's handlers.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::{get, post};
use bytes::Bytes;
use http::header::WWW_AUTHENTICATE;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower_security::auth::AuthLayer;
use tower_security::axum::{Auth, ScopeSet, Scoped};
use tower_security::core::{AbuseKind, Challenges, EventName, Principal, Refused, SecurityEvent};
use tower_security::stack::SecurityStack;

use super::ways::{builder, get as ask, grpc};
use crate::support::service::go;

struct Read;

impl ScopeSet for Read {
    const SCOPES: &[&str] = &["orders:read"];
}

struct ReadAndWrite;

impl ScopeSet for ReadAndWrite {
    const SCOPES: &[&str] = &["orders:read", "orders:write"];
}

fn site() -> Router {
    Router::new()
        .route(
            "/orders",
            get(async |Auth(who): Auth| who.subject().to_owned()),
        )
        .route(
            "/perhaps",
            get(async |auth: Option<Auth>| {
                auth.map_or_else(|| "nobody".to_owned(), |Auth(who)| who.subject().to_owned())
            }),
        )
        .route(
            "/read",
            get(async |scoped: Scoped<Read>| scoped.principal.subject().to_owned()),
        )
        .route("/write", get(async |_: Scoped<ReadAndWrite>| "written"))
        .route("/write", post(async |_: Scoped<ReadAndWrite>| "written"))
}

fn to(path: &'static str, test: Option<&'static str>) -> Request<Full<Bytes>> {
    let mut request = match test {
        Some(test) => ask(&[("x-test", test)]),
        None => ask(&[]),
    };
    *request.uri_mut() = http::Uri::from_static(path);
    request
}

async fn body<B>(answer: Response<B>) -> String
where
    B: http_body::Body<Data = Bytes, Error: std::fmt::Debug>,
{
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn optional() -> AuthLayer {
    builder().optional().build().unwrap()
}

#[tokio::test]
async fn handlers_get_the_caller() {
    let app = site().layer(optional());
    let rows = [
        ("/orders", Some("good"), 200, "alice"),
        ("/perhaps", Some("good"), 200, "alice"),
        ("/perhaps", Some("slow"), 200, "alice"),
        ("/perhaps", None, 200, "nobody"),
        ("/read", Some("good"), 200, "alice"),
    ];
    for (path, test, status, expected) in rows {
        let answer = go(app.clone(), to(path, test)).await;
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(body(answer).await, expected, "{path}");
    }
}

#[tokio::test]
async fn handlers_that_need_somebody_refuse_the_anonymous() {
    let app = site().layer(builder().optional().realm("orders").build().unwrap());
    for path in ["/orders", "/read", "/write"] {
        let answer = go(app.clone(), to(path, None)).await;
        assert_eq!(answer.status(), 401, "{path}");
        let line = &answer.headers()[WWW_AUTHENTICATE];
        assert_eq!(line, r#"Bearer realm="orders""#, "{path}");
        let marker = answer.extensions().get::<Refused>().unwrap();
        assert_eq!(
            (marker.code(), marker.abuse()),
            ("authentication_required", None)
        );
    }
}

#[tokio::test]
async fn handlers_that_need_a_scope_refuse_who_lacks_it() {
    let app = site().layer(optional());
    let answer = go(app.clone(), to("/write", Some("good"))).await;
    assert_eq!(answer.status(), 403);
    assert_eq!(
        answer.headers()[WWW_AUTHENTICATE],
        r#"Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a required scope", scope="orders:read orders:write""#
    );
    let marker = answer.extensions().get::<Refused>().unwrap();
    let expected = ("insufficient_scope", Some(AbuseKind::OwnershipRefused));
    assert_eq!((marker.code(), marker.abuse()), expected);

    let mut call = grpc("application/grpc", "good");
    *call.uri_mut() = http::Uri::from_static("/write");
    let answer = go(app, call).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["grpc-status"], "7");
}

/// Never anonymous: not even for `Option<Auth>`.
#[tokio::test]
async fn without_a_layer_it_is_a_fault() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&told);
    let stack = SecurityStack::new().events(move |event: &SecurityEvent<'_>| {
        log.lock().unwrap().push((event.name, event.code));
    });
    let app = site().layer(stack);
    for path in ["/orders", "/perhaps", "/read", "/write"] {
        let answer = go(app.clone(), to(path, Some("good"))).await;
        assert_eq!(answer.status(), 500, "{path}");
        assert_eq!(answer.headers().get(WWW_AUTHENTICATE), None);
        let marker = answer.extensions().get::<Refused>().unwrap();
        assert_eq!(marker.code(), "auth_layer_missing");
        let expected = [(EventName::SysCrash, "auth_layer_missing")];
        assert_eq!(std::mem::take(&mut *told.lock().unwrap()), expected);
    }
    let mut call = grpc("application/grpc", "good");
    *call.uri_mut() = http::Uri::from_static("/write");
    let answer = go(app, call).await;
    assert_eq!(answer.headers()["grpc-status"], "13");
}

/// A layer of one's own attaches somebody, or says by challenges that nobody is there.
#[tokio::test]
async fn a_layer_of_ones_own_counts() {
    let alice = |mut request: Request<_>| {
        let alice = Principal::builder("alice").build();
        alice.dangerous_attach(request.extensions_mut());
        request
    };
    let nobody = |mut request: Request<_>| {
        Challenges::default().attach(request.extensions_mut());
        request
    };
    let somebody = go(site(), alice(to("/perhaps", None))).await;
    assert_eq!(body(somebody).await, "alice");
    let anonymous = go(site(), nobody(to("/perhaps", None))).await;
    assert_eq!(body(anonymous).await, "nobody");
    let refused = go(site(), nobody(to("/orders", None))).await;
    assert_eq!(refused.status(), 401);
}

#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
#[tokio::test]
async fn handlers_read_the_claims_of_a_token() {
    use super::bearer::{GOOD, bearer, to as to_uri};
    use tower_security::auth::AuthFailure;
    use tower_security::axum::Claims;

    #[derive(serde::Deserialize)]
    struct Plan {
        plan: String,
    }

    #[derive(Debug, serde::Deserialize)]
    struct Seats {
        #[expect(dead_code, reason = "no token has it")]
        seats: u32,
    }

    let site = || {
        Router::new()
            .route(
                "/plan",
                get(async |Claims(claims): Claims<Plan>| claims.plan),
            )
            .route("/seats", get(async |_: Claims<Seats>| "seats"))
    };
    let app = site().layer(bearer().optional().build().unwrap());
    let authorization = format!("Bearer {GOOD}");
    let lines = [("authorization", authorization.as_str())];
    let gold = go(app.clone(), to_uri("/plan", &lines)).await;
    assert_eq!(body(gold).await, "gold");

    let misshapen = go(app.clone(), to_uri("/seats", &lines)).await;
    assert_eq!(misshapen.status(), 401);
    assert_eq!(
        misshapen.headers()[WWW_AUTHENTICATE],
        r#"Bearer realm="api", error="invalid_token", error_description="The access token is invalid""#
    );
    let failure = misshapen.extensions().get::<AuthFailure>().unwrap();
    assert_eq!(
        (failure.code(), failure.reason()),
        ("token_invalid", "claims")
    );

    let anonymous = go(app, to_uri("/plan", &[])).await;
    assert_eq!(anonymous.status(), 401);
    // Somebody without a token has no claims, and nobody at all is a fault.
    let own = go(
        site().layer(builder().build().unwrap()),
        to("/plan", Some("good")),
    )
    .await;
    assert_eq!(own.status(), 401);
    assert_eq!(go(site(), to_uri("/plan", &lines)).await.status(), 500);
}
