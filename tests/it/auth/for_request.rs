//! Handlers that act for a request: what is told of it, and how their errors are answered.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request};
use http_body_util::{BodyExt, Full};
use tower::Layer;
use tower_security::auth::api_key::{ApiKeyAuth, MemoryApiKeyStore};
use tower_security::auth::session::{MemorySessionStore, SessionAuth, SessionError};
use tower_security::core::{
    Accepts, EventSink, PeerAddr, Principal, RefusalContext, Refused, Rejection, RejectionRenderer,
    RequestId, SecurityEvent, StoreError, StoreErrorKind, TrustedProxies,
};
use tower_security::rate_limit::login::{LoginDimension, LoginRefusal};
use tower_security::stack::SecurityStack;

use super::stores::Odd;
use crate::support::service::go;

/// The code of an event, the id of its request and the address of its client.
type Told = (&'static str, Option<String>, Option<String>);

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Told>>>);

impl Log {
    fn sink(&self) -> impl EventSink {
        let log = Arc::clone(&self.0);
        move |event: &SecurityEvent<'_>| {
            let id = event.request_id.map(ToString::to_string);
            let client = event.client_ip.map(|ip| ip.to_string());
            log.lock().unwrap().push((event.code, id, client));
        }
    }

    fn take(&self) -> Vec<Told> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

struct Pages;

impl RejectionRenderer for Pages {
    fn render(
        &self,
        rejection: &Rejection,
        context: &RefusalContext,
    ) -> Option<(HeaderValue, Bytes)> {
        (context.accepts() == Accepts::Html).then(|| {
            let page = Bytes::from(format!("<h1>{}</h1>", rejection.title()));
            (HeaderValue::from_static("text/html"), page)
        })
    }
}

fn request(method: Method, path: &str, lines: &[(HeaderName, &str)]) -> Request<Full<Bytes>> {
    let peer: SocketAddr = "192.0.2.7:4711".parse().unwrap();
    let mut request = Request::new(Full::default());
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().unwrap();
    request.extensions_mut().insert(PeerAddr::from(peer));
    for (name, value) in lines {
        let value = HeaderValue::from_str(value).unwrap();
        request.headers_mut().append(name, value);
    }
    request
}

async fn text(answer: Response) -> String {
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn alice() -> Principal {
    Principal::builder("alice").build()
}

/// Does everything that is told of, and answers with the id of the request.
async fn everything(sessions: SessionAuth, keys: ApiKeyAuth, head: Parts) -> String {
    let none = HeaderMap::new();
    let line = sessions.login(&none, &alice()).await.unwrap();
    let (pair, _) = line.to_str().unwrap().split_once(';').unwrap();
    let mut own = HeaderMap::new();
    own.insert(http::header::COOKIE, HeaderValue::from_str(pair).unwrap());
    let line = sessions.renew(&own, &alice()).await.unwrap();
    let (pair, _) = line.to_str().unwrap().split_once(';').unwrap();
    own.insert(http::header::COOKIE, HeaderValue::from_str(pair).unwrap());
    sessions.login(&none, &alice()).await.unwrap();
    assert_eq!(sessions.revoke_others(&own).await.unwrap(), 1);
    sessions.logout(&own).await.unwrap();
    let issued = keys.issue(&alice(), None).await.unwrap();
    keys.rotate(issued.id(), std::time::Duration::ZERO)
        .await
        .unwrap();
    assert!(keys.revoke(issued.id()).await.unwrap());
    RequestId::from_extensions(&head.extensions)
        .unwrap()
        .to_string()
}

const CODES: [&str; 8] = [
    "session_created",
    "session_renewed",
    "session_created",
    "sessions_revoked",
    "session_logout",
    "api_key_issued",
    "api_key_rotated",
    "api_key_revoked",
];

#[tokio::test]
async fn events_of_handlers_go_where_those_of_the_stack_go() {
    let (of_stack, own) = (Log::default(), Log::default());
    let sessions = SessionAuth::builder(MemorySessionStore::new());
    let keys = ApiKeyAuth::builder(MemoryApiKeyStore::new(), "sk");
    let (sessions, keys) = (sessions.build().unwrap(), keys.build().unwrap());
    let quiet_sessions = SessionAuth::builder(MemorySessionStore::new()).events(own.sink());
    let quiet_keys = ApiKeyAuth::builder(MemoryApiKeyStore::new(), "sk").events(own.sink());
    let quiet = (quiet_sessions.build().unwrap(), quiet_keys.build().unwrap());
    let bare = (sessions.clone(), keys.clone());
    let app = Router::new()
        .route(
            "/told",
            post(async move |head: Parts| {
                let sessions = sessions.for_request(&head.extensions);
                let keys = keys.for_request(&head.extensions);
                everything(sessions, keys, head).await
            }),
        )
        .route(
            "/own",
            post(async move |head: Parts| {
                let sessions = quiet.0.for_request(&head.extensions);
                let keys = quiet.1.for_request(&head.extensions);
                everything(sessions, keys, head).await
            }),
        )
        .route(
            "/bare",
            post(async move |head: Parts| everything(bare.0, bare.1, head).await),
        );
    let app = SecurityStack::new()
        .client_ip(TrustedProxies::direct())
        .events(of_stack.sink())
        .layer(app.with_state(()));
    let ask = async |path| {
        let answer = go(app.clone(), request(Method::POST, path, &[])).await;
        assert_eq!(answer.status(), 200);
        let id = text(answer).await;
        CODES.map(|code| (code, Some(id.clone()), Some("192.0.2.7".to_owned())))
    };

    let expected = ask("/told").await;
    assert_eq!(of_stack.take(), expected);
    let expected = ask("/own").await;
    assert_eq!(own.take(), expected, "a sink of its own, and the request");
    ask("/bare").await;
    assert_eq!((of_stack.take(), own.take()), (vec![], vec![]));
}

fn errors() -> Router {
    async fn refused(context: RefusalContext) -> Response {
        context.refuse(SessionError::NoSession)
    }
    Router::new()
        .route("/session", get(refused).post(refused))
        .route(
            "/json",
            get(async || Rejection::from(SessionError::NoSession)),
        )
        .route(
            "/line",
            get(async || Ok::<_, Rejection>([(SET_COOKIE, "a=b")])),
        )
}

#[tokio::test]
async fn an_error_of_a_handler_is_answered_as_a_layer_does() {
    let app = SecurityStack::new()
        .rejections(Pages)
        .layer(errors().with_state(()));
    let ask = async |method, path, lines: &[(HeaderName, &str)]| {
        go(app.clone(), request(method, path, lines)).await
    };

    let answer = ask(Method::GET, "/session", &[]).await;
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.headers()[CONTENT_TYPE], "application/problem+json");
    assert_eq!(
        answer.headers()["www-authenticate"],
        r#"Session realm="api""#
    );
    let refused = answer.extensions().get::<Refused>().unwrap();
    assert_eq!(refused.code(), "session_invalid");
    assert!(text(answer).await.contains("\"request_id\":\""));

    let answer = ask(Method::GET, "/session", &[(ACCEPT, "text/html")]).await;
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.headers()[CONTENT_TYPE], "text/html");
    assert!(text(answer).await.starts_with("<h1>"));

    let grpc = [(CONTENT_TYPE, "application/grpc")];
    let answer = ask(Method::POST, "/session", &grpc).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["grpc-status"], "16");

    let answer = ask(Method::HEAD, "/session", &[]).await;
    assert_eq!(answer.status(), 401);
    assert_eq!(text(answer).await, "");

    // Without the request it is the default.
    let answer = ask(Method::GET, "/json", &[(ACCEPT, "text/html")]).await;
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.headers()[CONTENT_TYPE], "application/problem+json");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert!(!text(answer).await.contains("request_id"));
    let answer = ask(Method::GET, "/line", &[]).await;
    assert_eq!(answer.headers()[SET_COOKIE], "a=b");
}

#[tokio::test]
async fn each_error_becomes_its_own_refusal() {
    use tower_security::auth::api_key::ApiKeyError;

    let busy = StoreError::new(StoreErrorKind::Full, "db-7.internal");
    let throttled = LoginRefusal::Throttled {
        dimension: LoginDimension::Account,
        wait: std::time::Duration::from_secs(7),
    };
    let rows: [(Rejection, u16, &str); 5] = [
        (SessionError::NoSession.into(), 401, "session_invalid"),
        (SessionError::Store(busy.clone()).into(), 503, "busy"),
        (ApiKeyError::Unknown.into(), 404, "not_found"),
        (ApiKeyError::Store(busy).into(), 503, "busy"),
        (throttled.into(), 429, "login_throttled"),
    ];
    for (rejection, status, code) in rows {
        assert_eq!(
            (rejection.status().as_u16(), rejection.code()),
            (status, code)
        );
        let answer = IntoResponse::into_response(rejection);
        assert_eq!(answer.status(), status);
        let waits = matches!(status, 429 | 503);
        assert_eq!(
            answer.headers().contains_key("retry-after"),
            waits,
            "{code}"
        );
        assert!(!text(answer).await.contains("db-7"));
    }

    // The argument of a handler is never refused.
    let (mut head, _) = request(Method::GET, "/", &[]).into_parts();
    let found: Result<RefusalContext, Infallible> =
        RefusalContext::from_request_parts(&mut head, &()).await;
    assert!(found.unwrap().request_id().is_none());
    // What fails in a store is told to the handler, whoever it acts for.
    let store = Odd::new(MemorySessionStore::new());
    store.fail(true);
    let sessions = SessionAuth::builder(store).build().unwrap();
    let error = sessions
        .for_request(&head.extensions)
        .login(&HeaderMap::new(), &alice())
        .await
        .unwrap_err();
    assert!(matches!(error, SessionError::Store(_)));
}
