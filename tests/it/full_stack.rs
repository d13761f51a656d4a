//! A stack of every layer on every kind of server: the same requests are decided in the same way, by the same layer.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, SET_COOKIE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Layer, Service};
use tower_security::auth::api_key::{ApiKeyAuth, MemoryApiKeyStore};
use tower_security::authorize::{Requirement, authenticated, role};
use tower_security::core::{
    AbuseKind, ClientIp, IpSet, ManualClock, NoopSink, Principal, ProtoHeader, SchemeSource,
    TrustedProxies,
};
use tower_security::https::OnInsecure;
use tower_security::ownership::{AccessRequest, Decision};
use tower_security::rate_limit::{Policy, Quota, key};
use tower_security::stack::SecurityStack;
use tower_security::{
    AccessTable, AuthLayer, BanLayer, CookieLayer, CorsLayer, CspReportLayer, CsrfLayer,
    HttpsLayer, LimitsLayer, OwnershipGuard, RateLimitLayer, RequireAuthorization, SanitizeLayer,
};

use crate::support::wire::Server;

/// Answers by the path, for whatever body, and counts.
#[derive(Clone, Debug, Default)]
struct Shop(Arc<AtomicUsize>);

impl<B> Service<Request<B>> for Shop {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.0.fetch_add(1, Ordering::SeqCst);
        let mut answer = Response::new(Full::from("hello"));
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        headers.insert(SET_COOKIE, HeaderValue::from_static("seen=1"));
        match request.uri().path() {
            "/broken" => {
                *answer.status_mut() = StatusCode::BAD_GATEWAY;
                *answer.body_mut() = Full::from("orders.total: no route to 10.0.0.7:5432");
            }
            "/panics" => panic!("orders.total: no route to 10.0.0.7:5432"),
            "/taken" => *answer.status_mut() = StatusCode::CONFLICT,
            _ => {}
        }
        // On HTTP/2 content after a HEAD is the handler's own reset: it sends none.
        if request.method() == Method::HEAD {
            *answer.body_mut() = Full::default();
        }
        ready(Ok(answer))
    }
}

/// The keys of two users, which the rows name `$ALICE` and `$ADMIN`.
struct Keys {
    auth: ApiKeyAuth,
    alice: String,
    admin: String,
}

impl Keys {
    async fn new() -> Self {
        let auth = ApiKeyAuth::builder(MemoryApiKeyStore::new(), "shop")
            .events(NoopSink::new())
            .build()
            .unwrap();
        let issue = async |name, roles: &[&str]| {
            let who = Principal::builder(name)
                .roles(roles.iter().copied())
                .build();
            let issued = auth.issue(&who, None).await.unwrap();
            issued.key().expose().clone()
        };
        let alice = issue("alice", &["user"]).await;
        let admin = issue("root", &["user", "admin"]).await;
        Self { auth, alice, admin }
    }
}

fn proxies() -> TrustedProxies {
    ClientIp::trusted_proxies(["127.0.0.0/8".parse().unwrap()]).unwrap()
}

/// Once an hour for this path.
fn once(name: &'static str, path: &'static str, key: key::Key) -> RateLimitLayer {
    let policy = Policy::new(name, Quota::per_hour(1))
        .key(key)
        .when(move |head| head.uri.path() == path);
    RateLimitLayer::builder()
        .policy(policy)
        .clock(ManualClock::new())
        .build()
        .unwrap()
}

fn access() -> AccessTable {
    let user = || -> Requirement { role("user") };
    AccessTable::builder()
        .any_method("/orders/{id}", authenticated())
        .any_method("/undecided", authenticated())
        .any_method("/admin", role("admin"))
        .any_method("/broken", user())
        .any_method("/panics", user())
        .any_method("/taken", user())
        .any_method("/once", user())
        .any_method("/once-each", user())
        .rpc("/shop.Orders/List", user())
        .rpc("/shop.Orders/Purge", role("admin"))
        .build()
        .unwrap()
}

fn owner(request: &AccessRequest) -> Decision {
    match (request.id(), request.principal().subject()) {
        ("7", "alice") | ("8", "bob") => Decision::Allow,
        _ => Decision::Deny,
    }
}

/// Every layer of the crate that can refuse, around the handler. A macro, since the type has two dozen parameters.
macro_rules! stack {
    ($keys:expr) => {{
        let minute = Duration::from_secs(60);
        let bans = BanLayer::builder()
            .blocklist(IpSet::new(["203.0.113.0/24".parse().unwrap()]))
            .on(AbuseKind::CsrfRefused, 3, minute, minute)
            .build()
            .unwrap();
        let scheme = SchemeSource::forwarded_proto(proxies(), ProtoHeader::XForwardedProto);
        let https = HttpsLayer::builder(scheme.unwrap())
            .on_insecure(OnInsecure::Reject)
            .allowed_hosts(["api.example.com"])
            .build()
            .unwrap();
        let cors = CorsLayer::builder()
            .origins(["https://app.example.com"])
            .credentials(true)
            .methods([Method::PUT])
            .build()
            .unwrap();
        let auth = AuthLayer::builder().api_key($keys.auth.clone());
        SecurityStack::api()
            .client_ip(proxies())
            .events(NoopSink::new())
            .cookies(CookieLayer::strict())
            .cors(cors)
            .bans(bans)
            .https(https)
            .rate_limit(once("address", "/once", key::client_ip()))
            .limits(LimitsLayer::builder().body_limit(1_024).build().unwrap())
            .csp_reports(CspReportLayer::at("/csp-report").unwrap())
            .csrf(CsrfLayer::new())
            .trust_cors_origins()
            .unwrap()
            .auth(auth.build().unwrap())
            .rate_limit_by_principal(once("principal", "/once-each", key::principal()))
            .require_authorization(RequireAuthorization::new())
            .access(access())
            .sanitize(SanitizeLayer::strict())
            .ownership(
                OwnershipGuard::builder()
                    .resource("/orders/{id}", owner)
                    .build()
                    .unwrap(),
            )
    }};
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The handler was called, and its status is that of the answer.
    Served(u16),
    /// A layer has answered in its place with this status and without content.
    Answered(u16),
    /// A layer has refused with this status and code; the handler was not called.
    Refused(u16, &'static str),
    /// The handler was called, and its answer replaced by one of this status and code.
    Replaced(u16, &'static str),
    /// A layer has refused a call of gRPC with this status.
    RefusedGrpc(&'static str),
}

use Outcome::{Answered, Refused, RefusedGrpc, Replaced, Served};

struct Row {
    name: &'static str,
    method: &'static str,
    path: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    decision: Outcome,
}

const fn row(
    name: &'static str,
    method: &'static str,
    path: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    decision: Outcome,
) -> Row {
    Row {
        name,
        method,
        path,
        headers,
        body,
        decision,
    }
}

const ALICE: (&str, &str) = ("x-api-key", "$ALICE");
const ADMIN: (&str, &str) = ("x-api-key", "$ADMIN");
const APP: (&str, &str) = ("origin", "https://app.example.com");
const EVIL: (&str, &str) = ("origin", "https://evil.example");
const CROSS: (&str, &str) = ("sec-fetch-site", "cross-site");
const PUT: (&str, &str) = ("access-control-request-method", "PUT");
const JSON: (&str, &str) = ("content-type", "application/json");
const GRPC: (&str, &str) = ("content-type", "application/grpc");
const BLOCKED: (&str, &str) = ("x-forwarded-for", "203.0.113.9");
const PLAIN: (&str, &str) = ("x-forwarded-proto", "http");
const LONG: &str = "$LONG";

/// In this order, on a server of its own.
const TABLE: &[Row] = &[
    row(
        "an own order",
        "GET",
        "/orders/7",
        &[ALICE],
        "",
        Served(200),
    ),
    row(
        "an own order, by a page",
        "GET",
        "/orders/7",
        &[ALICE, APP, CROSS],
        "",
        Served(200),
    ),
    row(
        "HEAD of an own order",
        "HEAD",
        "/orders/7",
        &[ALICE],
        "",
        Served(200),
    ),
    row(
        "a change of an own order",
        "PUT",
        "/orders/7",
        &[ALICE, JSON],
        "{\"n\":1}",
        Served(200),
    ),
    row(
        "a change by a page",
        "PUT",
        "/orders/7",
        &[ALICE, APP, CROSS, JSON],
        "{}",
        Served(200),
    ),
    row(
        "a function of an admin, by one",
        "GET",
        "/admin",
        &[ADMIN],
        "",
        Served(200),
    ),
    row(
        "words of a handler",
        "GET",
        "/taken",
        &[ALICE],
        "",
        Replaced(409, "conflict"),
    ),
    row(
        "a call of gRPC",
        "POST",
        "/shop.Orders/List",
        &[ALICE, GRPC],
        "",
        Served(200),
    ),
    row(
        "a preflight",
        "OPTIONS",
        "/orders/7",
        &[APP, PUT],
        "",
        Answered(204),
    ),
    row(
        "a foreign preflight",
        "OPTIONS",
        "/orders/7",
        &[EVIL, PUT],
        "",
        Answered(403),
    ),
    row(
        "a preflight of who is blocked",
        "OPTIONS",
        "/orders/7",
        &[APP, PUT, BLOCKED],
        "",
        Answered(204),
    ),
    row(
        "an OPTIONS that is none",
        "OPTIONS",
        "/orders/7",
        &[],
        "",
        Refused(401, "authentication_required"),
    ),
    row(
        "who is blocked",
        "GET",
        "/orders/7",
        &[ALICE, BLOCKED],
        "",
        Refused(403, "blocked"),
    ),
    row(
        "a call of who is blocked",
        "POST",
        "/shop.Orders/List",
        &[ALICE, GRPC, BLOCKED],
        "",
        RefusedGrpc("7"),
    ),
    row(
        "plain HTTP",
        "GET",
        "/orders/7",
        &[ALICE, PLAIN],
        "",
        Refused(403, "https_required"),
    ),
    row(
        "a call over plain HTTP",
        "POST",
        "/shop.Orders/List",
        &[ALICE, GRPC, PLAIN],
        "",
        RefusedGrpc("7"),
    ),
    row(
        "another host",
        "GET",
        "/orders/7",
        &[ALICE, ("host", "evil.example")],
        "",
        Refused(400, "host_refused"),
    ),
    row("once", "GET", "/once", &[ALICE], "", Served(200)),
    row(
        "twice",
        "GET",
        "/once",
        &[ALICE],
        "",
        Refused(429, "rate_limited"),
    ),
    row(
        "HEAD, too often",
        "HEAD",
        "/once",
        &[ALICE],
        "",
        Refused(429, ""),
    ),
    row(
        "twice, from elsewhere",
        "GET",
        "/once",
        &[ALICE, ("x-forwarded-for", "192.0.2.2")],
        "",
        Served(200),
    ),
    row(
        "a body that is too long",
        "POST",
        "/orders/7",
        &[ALICE, JSON],
        LONG,
        Refused(413, "body_too_large"),
    ),
    row(
        "a call that is too long",
        "POST",
        "/shop.Orders/List",
        &[ALICE, GRPC],
        LONG,
        RefusedGrpc("8"),
    ),
    row(
        "a report of a browser",
        "POST",
        "/csp-report",
        &[("content-type", "application/csp-report")],
        REPORT,
        Answered(204),
    ),
    row(
        "what is no report",
        "POST",
        "/csp-report",
        &[("content-type", "text/html")],
        REPORT,
        Refused(415, "report_type_unsupported"),
    ),
    row(
        "a forged change",
        "PUT",
        "/orders/7",
        &[ALICE, EVIL, CROSS],
        "",
        Refused(403, "csrf_refused"),
    ),
    row(
        "a forged call",
        "POST",
        "/shop.Orders/List",
        &[ALICE, GRPC, EVIL, CROSS],
        "",
        RefusedGrpc("7"),
    ),
    row(
        "nobody",
        "GET",
        "/orders/7",
        &[],
        "",
        Refused(401, "authentication_required"),
    ),
    row(
        "HEAD of nobody",
        "HEAD",
        "/orders/7",
        &[],
        "",
        Refused(401, ""),
    ),
    row(
        "a call of nobody",
        "POST",
        "/shop.Orders/List",
        &[GRPC],
        "",
        RefusedGrpc("16"),
    ),
    row(
        "a key of nobody",
        "GET",
        "/orders/7",
        &[("x-api-key", "shop_0")],
        "",
        Refused(401, "api_key_invalid"),
    ),
    row(
        "once for each",
        "GET",
        "/once-each",
        &[ALICE],
        "",
        Served(200),
    ),
    row(
        "twice for one",
        "GET",
        "/once-each",
        &[ALICE],
        "",
        Refused(429, "rate_limited"),
    ),
    row(
        "twice, by another",
        "GET",
        "/once-each",
        &[ADMIN],
        "",
        Served(200),
    ),
    row(
        "what nobody has decided",
        "GET",
        "/undecided",
        &[ALICE],
        "",
        Replaced(500, "authorization_missing"),
    ),
    row(
        "a function of an admin",
        "GET",
        "/admin",
        &[ALICE],
        "",
        Refused(403, "forbidden"),
    ),
    row(
        "a call of an admin's",
        "POST",
        "/shop.Orders/Purge",
        &[ALICE, GRPC],
        "",
        RefusedGrpc("7"),
    ),
    row(
        "what no rule is for",
        "GET",
        "/elsewhere",
        &[ADMIN],
        "",
        Refused(403, "forbidden"),
    ),
    row(
        "two keys of one name",
        "PUT",
        "/orders/7",
        &[ALICE, JSON],
        "{\"n\":1,\"n\":2}",
        Refused(400, "json_duplicate_key"),
    ),
    row(
        "another's order",
        "GET",
        "/orders/8",
        &[ALICE],
        "",
        Refused(404, "not_found"),
    ),
    row(
        "HEAD of another's order",
        "HEAD",
        "/orders/8",
        &[ALICE],
        "",
        Refused(404, ""),
    ),
    row(
        "an order that is not there",
        "DELETE",
        "/orders/9",
        &[ALICE],
        "",
        Refused(404, "not_found"),
    ),
    row(
        "what broke",
        "GET",
        "/broken",
        &[ALICE],
        "",
        Replaced(502, "bad_gateway"),
    ),
    row(
        "what panics",
        "GET",
        "/panics",
        &[ALICE],
        "",
        Replaced(500, "internal_error"),
    ),
    row(
        "still served",
        "GET",
        "/orders/7",
        &[ALICE],
        "",
        Served(200),
    ),
];

const REPORT: &str = r#"{"csp-report":{"document-uri":"https://app.example.com/","violated-directive":"script-src"}}"#;

fn request(row: &Row, keys: &Keys, is_http2: bool) -> Request<Full<Bytes>> {
    let named = |name: &str| row.headers.iter().any(|(given, _)| *given == name);
    let host = row.headers.iter().find(|(name, _)| *name == "host");
    let host = host.map_or("api.example.com", |(_, host)| *host);
    let mut request = Request::builder().method(row.method);
    request = if is_http2 {
        request.uri(format!("http://{host}{}", row.path))
    } else {
        request.uri(row.path).header("host", host)
    };
    for (name, value) in [
        ("x-forwarded-for", "192.0.2.1"),
        ("x-forwarded-proto", "https"),
    ] {
        if !named(name) {
            request = request.header(name, value);
        }
    }
    for (name, value) in row.headers.iter().filter(|(name, _)| *name != "host") {
        let value = match *value {
            "$ALICE" => &keys.alice,
            "$ADMIN" => &keys.admin,
            other => other,
        };
        request = request.header(*name, value);
    }
    let body = match row.body {
        LONG => format!("\"{}\"", "a".repeat(2_048)),
        body => body.to_owned(),
    };
    request.body(Full::from(body)).unwrap()
}

/// Reads the decision off the wire.
fn decision(row: &Row, answer: &Response<Bytes>, reached: usize) -> Outcome {
    let status = answer.status().as_u16();
    let header = |name: &str| {
        answer
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap())
    };
    let body = std::str::from_utf8(answer.body()).unwrap();
    assert!(!body.contains("10.0.0.7"), "{}: {body}", row.name);
    // What every answer has, whoever has made it.
    assert_eq!(
        header("x-content-type-options"),
        Some("nosniff"),
        "{}",
        row.name
    );
    assert_eq!(
        header("x-request-id").map(str::len),
        Some(32),
        "{}",
        row.name
    );
    if let Some(grpc) = header("grpc-status") {
        assert_eq!((status, reached), (200, 0), "{}", row.name);
        return RefusedGrpc(match grpc {
            "3" => "3",
            "7" => "7",
            "8" => "8",
            "16" => "16",
            other => panic!("{}: {other}", row.name),
        });
    }
    if row.method == "HEAD" {
        assert!(body.is_empty(), "{}", row.name);
        if reached == 0 {
            assert_ne!(header(CONTENT_LENGTH.as_str()), Some("0"), "{}", row.name);
            return Refused(status, "");
        }
    }
    if header("content-type") == Some("application/problem+json") && row.method != "HEAD" {
        let (_, code) = body.split_once("\"code\":\"").unwrap();
        let (code, _) = code.split_once('"').unwrap();
        // Literals of the table, so that the two can be compared.
        let known = |decision: &Outcome| match *decision {
            Refused(_, known) | Replaced(_, known) if known == code => Some(known),
            _ => None,
        };
        let code = TABLE.iter().find_map(|row| known(&row.decision));
        let code = code.unwrap_or_else(|| panic!("{}: {body}", row.name));
        return if reached == 0 {
            Refused(status, code)
        } else {
            Replaced(status, code)
        };
    }
    if reached == 0 {
        assert!(body.is_empty(), "{}: {body}", row.name);
        return Answered(status);
    }
    assert_eq!(
        header("set-cookie"),
        Some("seen=1; Secure; HttpOnly; SameSite=Lax"),
        "{}",
        row.name
    );
    Served(status)
}

/// Asks over one protocol; all rows that went wrong are told of together.
async fn check(server: &Server, shop: &Shop, keys: &Keys, is_http2: bool) {
    let mut wrong = Vec::new();
    for row in TABLE {
        let request = request(row, keys, is_http2);
        let answer = if is_http2 {
            let answer = server.http2(request).await;
            answer.unwrap_or_else(|error| panic!("{}: the stream was reset: {error:?}", row.name))
        } else {
            server.http1(request).await
        };
        let reached = shop.0.swap(0, Ordering::SeqCst);
        let found = decision(row, &answer, reached);
        if found != row.decision {
            wrong.push(format!("{}: {found:?}, not {:?}", row.name, row.decision));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn the_table_is_long() {
    assert!(TABLE.len() >= 40);
}

#[tokio::test]
async fn axum_decides_by_the_table() {
    for is_http2 in [false, true] {
        let (shop, keys) = (Shop::default(), Keys::new().await);
        let router = Router::new().fallback_service(shop.clone());
        let server = Server::axum(router.layer(stack!(keys))).await;
        check(&server, &shop, &keys, is_http2).await;
    }
}

#[tokio::test]
async fn hyper_decides_by_the_table() {
    for is_http2 in [false, true] {
        let (shop, keys) = (Shop::default(), Keys::new().await);
        let server = Server::hyper(stack!(keys).layer(shop.clone())).await;
        check(&server, &shop, &keys, is_http2).await;
    }
}

#[tokio::test]
async fn tonic_decides_by_the_table() {
    for is_http2 in [false, true] {
        let (shop, keys) = (Shop::default(), Keys::new().await);
        let router = Router::new().fallback_service(shop.clone());
        let server = Server::tonic(stack!(keys), tonic::service::Routes::from(router)).await;
        check(&server, &shop, &keys, is_http2).await;
    }
}
