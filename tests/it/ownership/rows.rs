//! Adversarial requests, each with its allowed twin, on plain Tower and on the servers.

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body_util::{BodyExt, Full};
use tower::Layer;
use tower_security::core::{Outcome, Refused};
use tower_security::ownership::OwnershipRefusal;

use super::*;
use crate::support::service::go;
#[cfg(feature = "axum")]
use crate::support::wire::Server;

/// What must become of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Must {
    Served,
    /// 401, and nobody was asked.
    Anonymous,
    /// The 404 of what does not exist, with this code in the event.
    Hidden(&'static str),
    /// The same, and whether it is the path or the id that nobody can read is the server's matter.
    Unreadable,
    /// No route of a router. Without a router it is hidden.
    NotRouted,
    /// 403.
    Revealed,
}
use Must::*;

const DENIED: Must = Hidden("object_denied");
const ABSENT: Must = Hidden("object_absent");
const MALFORMED: Must = Hidden("reference_malformed");
const AMBIGUOUS: Must = Hidden("reference_ambiguous");
const MISSING: Must = Hidden("reference_missing");
const UNMAPPED: Must = Hidden("method_unmapped");

pub(super) type Row = (
    u32,
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    Must,
);

const FORGED: &[(&str, &str)] = &[
    ("x-user", "alice"),
    ("x-principal", "alice"),
    ("x-forwarded-user", "alice"),
];
const OVERRIDE: &[(&str, &str)] = &[("x-http-method-override", "GET")];
const REWRITE: &[(&str, &str)] = &[
    ("x-original-url", "/orders/1"),
    ("x-rewrite-url", "/orders/1"),
    ("x-middleware-subrequest", "middleware"),
];
const GRPC: &[(&str, &str)] = &[("content-type", "application/grpc")];

/// Number of the attack, who, method, target, further headers, what must become of it.
pub(super) const ROWS: &[Row] = &[
    // Who, and what they want to do.
    (1, "alice", "GET", "/orders/1", &[], Served),
    (2, "alice", "GET", "/orders/2", &[], DENIED),
    (3, "alice", "GET", "/orders/9", &[], ABSENT),
    (4, "-", "GET", "/orders/1", &[], Anonymous),
    (5, "-", "GET", "/orders/9", &[], Anonymous),
    (6, "expired", "GET", "/orders/1", &[], Anonymous),
    (7, "-", "GET", "/orders/1", FORGED, Anonymous),
    (8, "alice", "PUT", "/orders/2", &[], DENIED),
    (8, "alice", "PATCH", "/orders/2", &[], DENIED),
    (8, "alice", "DELETE", "/orders/2", &[], DENIED),
    (8, "bob", "DELETE", "/orders/2", &[], Served),
    (9, "alice", "POST", "/orders/2/cancel", &[], DENIED),
    (9, "bob", "POST", "/orders/2/cancel", &[], Served),
    (10, "alice", "HEAD", "/orders/2", &[], DENIED),
    (11, "alice", "HEAD", "/orders/1", &[], Served),
    (12, "alice", "OPTIONS", "/orders/1", &[], UNMAPPED),
    (12, "alice", "TRACE", "/orders/1", &[], UNMAPPED),
    (12, "alice", "FOO", "/orders/1", &[], UNMAPPED),
    (13, "root", "POST", "/orders/1", OVERRIDE, DENIED),
    (14, "root", "GET", "/orders/1", &[], Served),
    (15, "root", "DELETE", "/orders/1", &[], DENIED),
    (16, "carol", "GET", "/orders/1", &[], DENIED),
    (16, "carol", "GET", "/orders/3", &[], Served),
    (17, "alice", "GET", "/t/t2/orders/3", &[], DENIED),
    (17, "alice", "GET", "/t/t2/orders/1", &[], DENIED),
    (17, "alice", "GET", "/t/t1/orders/1", &[], Served),
    // How an id is written.
    (21, "alice", "GET", "/orders/%31", &[], Served),
    (22, "bob", "GET", "/orders/%31", &[], DENIED),
    (23, "alice", "GET", "/orders/%2531", &[], Unreadable),
    (24, "alice", "GET", "/orders/1%00", &[], Unreadable),
    (24, "alice", "GET", "/orders/1%0a", &[], Unreadable),
    (24, "alice", "GET", "/orders/%201", &[], MALFORMED),
    (24, "alice", "GET", "/notes/mine%00", &[], Unreadable),
    (25, "alice", "GET", "/orders/1%2f..%2f2", &[], Unreadable),
    (25, "alice", "GET", "/orders/..%2f2", &[], Unreadable),
    (25, "alice", "GET", "/notes/x%2fmine", &[], Unreadable),
    (25, "alice", "GET", "/notes/x%5cmine", &[], Unreadable),
    (26, "alice", "GET", "/orders/%ff", &[], Unreadable),
    (26, "alice", "GET", "/orders/%c0%b1", &[], Unreadable),
    (26, "alice", "GET", "/notes/caf%C3%A9", &[], Served),
    (27, "alice", "GET", "/orders/1/", &[], NotRouted),
    (27, "alice", "GET", "//orders/1", &[], NotRouted),
    (27, "alice", "GET", "/orders//1", &[], NotRouted),
    (28, "alice", "GET", "/./orders/1", &[], NotRouted),
    (28, "alice", "GET", "/x/../orders/2", &[], NotRouted),
    (28, "alice", "GET", "/orders/1/../2", &[], NotRouted),
    (29, "alice", "GET", "/orders/1;x=2", &[], Unreadable),
    (29, "alice", "GET", "/notes/mine;x=2", &[], Unreadable),
    (29, "alice", "GET", "/orders;/1", &[], NotRouted),
    (30, "alice", "GET", "/ORDERS/1", &[], NotRouted),
    (31, "alice", "GET", "/orders/01", &[], MALFORMED),
    (31, "alice", "GET", "/orders/+1", &[], MALFORMED),
    (31, "alice", "GET", "/orders/-1", &[], MALFORMED),
    (32, "alice", "GET", "/orders/1.0", &[], MALFORMED),
    (32, "alice", "GET", "/orders/1e0", &[], MALFORMED),
    (32, "alice", "GET", "/orders/0x1", &[], MALFORMED),
    (32, "alice", "GET", "/orders/1_0", &[], MALFORMED),
    (32, "alice", "GET", "/orders/%EF%BC%91", &[], MALFORMED),
    (
        33,
        "alice",
        "GET",
        "/orders/18446744073709551617",
        &[],
        MALFORMED,
    ),
    (
        33,
        "alice",
        "GET",
        "/orders/18446744073709551615",
        &[],
        ABSENT,
    ),
    (
        34,
        "alice",
        "GET",
        "/docs/67E55044-10B1-426F-9247-BB680E5FE0C8",
        &[],
        Served,
    ),
    (
        34,
        "bob",
        "GET",
        "/docs/67E55044-10B1-426F-9247-BB680E5FE0C8",
        &[],
        DENIED,
    ),
    (
        34,
        "alice",
        "GET",
        "/docs/67e55044-10b1-426f-9247-bb680e5fe0c8",
        &[],
        Served,
    ),
    (
        35,
        "alice",
        "GET",
        "/docs/%7B67e55044-10b1-426f-9247-bb680e5fe0c8%7D",
        &[],
        MALFORMED,
    ),
    (
        35,
        "alice",
        "GET",
        "/docs/urn:uuid:67e55044-10b1-426f-9247-bb680e5fe0c8",
        &[],
        MALFORMED,
    ),
    (
        35,
        "alice",
        "GET",
        "/docs/67e5504410b1426f9247bb680e5fe0c8",
        &[],
        MALFORMED,
    ),
    (36, "alice", "GET", "/notes/meeting%20notes", &[], DENIED),
    (36, "bob", "GET", "/notes/meeting%20notes", &[], Served),
    (36, "alice", "GET", "/notes/mine", &[], Served),
    (37, "alice", "GET", "/orders/", &[], NotRouted),
    // Two ids at once.
    (41, "alice", "GET", "/export?doc=1&doc=2", &[], AMBIGUOUS),
    (41, "alice", "GET", "/export?doc=1&doc=1", &[], AMBIGUOUS),
    (42, "alice", "GET", "/export?doc=1&%64oc=2", &[], AMBIGUOUS),
    (42, "alice", "GET", "/export?%64%6f%63=1", &[], Served),
    (43, "alice", "GET", "/export?doc[]=1", &[], MISSING),
    (43, "alice", "GET", "/export?doc[0]=1", &[], MISSING),
    (43, "alice", "GET", "/export?DOC=1", &[], MISSING),
    (43, "alice", "GET", "/export", &[], MISSING),
    (44, "alice", "GET", "/export?doc=1;doc=2", &[], AMBIGUOUS),
    (44, "alice", "GET", "/export?doc=1;x=2", &[], AMBIGUOUS),
    (44, "alice", "GET", "/export?x=2;doc=1", &[], AMBIGUOUS),
    (44, "alice", "GET", "/export?doc=", &[], MALFORMED),
    (44, "alice", "GET", "/export?doc", &[], MALFORMED),
    (44, "alice", "GET", "/export?doc=%zz", &[], MALFORMED),
    (45, "alice", "GET", "/export?doc=2", &[], DENIED),
    (45, "bob", "GET", "/export?page=3&doc=2", &[], Served),
    (
        46,
        "alice",
        "GET",
        "/by-header",
        &[("x-order-id", "1"), ("x-order-id", "2")],
        AMBIGUOUS,
    ),
    (
        46,
        "alice",
        "GET",
        "/by-header",
        &[("x-order-id", "1, 2")],
        AMBIGUOUS,
    ),
    (
        46,
        "alice",
        "GET",
        "/by-header",
        &[("x-order-id", "2")],
        DENIED,
    ),
    (
        46,
        "alice",
        "GET",
        "/by-header",
        &[("x-order-id", "1")],
        Served,
    ),
    (46, "alice", "GET", "/by-header", &[], MISSING),
    // What must have no effect.
    (56, "alice", "GET", "/orders/2", REWRITE, DENIED),
    (56, "alice", "POST", "/orders/2", GRPC, DENIED),
    (57, "alice", "GET", "/files/a/%2e%2e/b", &[], Unreadable),
    (57, "alice", "GET", "/files/../b", &[], Unreadable),
    (57, "alice", "GET", "/files/a/b", &[], Served),
    (57, "bob", "GET", "/files/a/b", &[], DENIED),
    // A condition is no way to learn that there is an object.
    (
        68,
        "alice",
        "GET",
        "/orders/2",
        &[("if-none-match", "\"v1\"")],
        DENIED,
    ),
    (
        68,
        "alice",
        "GET",
        "/orders/2",
        &[("range", "bytes=0-0")],
        DENIED,
    ),
    (
        69,
        "alice",
        "PUT",
        "/orders/2",
        &[("if-match", "\"v1\"")],
        DENIED,
    ),
    // Where the rule says so.
    (81, "alice", "GET", "/open/2", &[], Revealed),
    (81, "alice", "GET", "/open/9", &[], ABSENT),
    (81, "alice", "GET", "/open/1", &[], Served),
];

pub(super) fn ask(row: &Row) -> Request<Full<Bytes>> {
    let (_, who, method, target, headers, _) = row;
    let mut asked = request(who, method, target);
    for (name, value) in *headers {
        asked.headers_mut().append(*name, value.parse().unwrap());
    }
    asked
}

/// The routes of a router that has them.
#[cfg(feature = "axum")]
pub(super) const TEMPLATES: [&str; 9] = [
    "/orders/{id}",
    "/orders/{id}/cancel",
    "/docs/{id}",
    "/notes/{name}",
    "/t/{tenant}/orders/{id}",
    "/export",
    "/by-header",
    "/files/{*path}",
    "/open/{id}",
];

fn is_grpc(row: &Row) -> bool {
    row.4 == GRPC
}

/// Compares an answer with what must become of the request.
pub(super) fn judge(
    row: &Row,
    has_router: bool,
    answer: &Response<Bytes>,
    reached: usize,
    codes: &[&str],
) {
    let (number, .., must) = *row;
    let is_head = row.2 == "HEAD";
    let body = |text: &'static str| if is_head { "" } else { text };
    assert_eq!(reached, usize::from(must == Served), "{row:?}");
    if is_grpc(row) {
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["grpc-status"]),
            (200, &"5".parse().unwrap())
        );
        assert_eq!(codes, ["object_denied"]);
        return;
    }
    let status = answer.status().as_u16();
    match must {
        Served => {
            assert_eq!(
                (status, codes.len()),
                (200, usize::from(number == 14)),
                "{row:?} {codes:?}"
            );
            return;
        }
        Anonymous => {
            assert_eq!(
                (status, &**answer.body()),
                (401, body(LOGIN).as_bytes()),
                "{row:?}"
            );
            assert_eq!(
                answer.headers()["www-authenticate"],
                r#"Bearer realm="api""#
            );
            assert_eq!(codes, ["authentication_required"], "{row:?}");
            return;
        }
        Revealed => {
            assert_eq!(status, 403, "{row:?}");
            assert_eq!(
                answer.body(),
                r#"{"title":"This is not allowed","status":403,"code":"forbidden"}"#
            );
            assert_eq!(codes, ["object_denied"], "{row:?}");
            return;
        }
        // What no router would take is refused before it is asked.
        NotRouted if has_router && codes.is_empty() => {
            assert_eq!((status, answer.body().len()), (404, 0), "{row:?}");
            return;
        }
        Hidden(code) => assert_eq!(codes, [code], "{row:?}"),
        Unreadable => assert!(
            codes == ["reference_malformed"] || codes == ["path_not_canonical"],
            "{row:?} {codes:?}"
        ),
        NotRouted => assert!(
            codes == ["no_rule"] || codes == ["path_not_canonical"],
            "{row:?} {codes:?}"
        ),
    }
    assert_eq!(
        (status, &**answer.body()),
        (404, body(NOT_FOUND).as_bytes()),
        "{row:?}"
    );
    assert_eq!(
        hidden_headers(answer.headers()),
        hidden_headers(&expected_headers()),
        "{row:?}"
    );
}

fn expected_headers() -> HeaderMap {
    [
        ("cache-control", "no-store"),
        ("content-type", "application/problem+json"),
        ("content-length", "53"),
    ]
    .into_iter()
    .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
    .collect()
}

/// What a client can tell two answers apart by. The date is the server's.
fn hidden_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut lines: Vec<_> = headers
        .iter()
        .filter(|(name, _)| *name != "date" && *name != "content-length")
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    lines.sort();
    lines
}

#[test]
fn there_are_enough_of_them() {
    let refused = ROWS.iter().filter(|row| row.5 != Served).count();
    assert!(refused >= 60, "{refused}");
    let served = ROWS.len() - refused;
    assert!(served >= 15, "{served}");
}

#[tokio::test]
async fn plain_services_answer_by_the_table() {
    for row in ROWS {
        let (orders, told, inner) = (Orders::new(), Told::default(), Inner::default());
        let guard = rules(&orders)
            .deny_unmatched()
            .events(told.clone())
            .build()
            .unwrap();
        let service = Login.layer(guard.layer(inner.clone()));
        let (head, body) = go(service, ask(row)).await.into_parts();
        if row.5 == Anonymous {
            assert_eq!(orders.asked(), 0);
        }
        let refusal = head.extensions.get::<OwnershipRefusal>();
        assert_eq!(refusal.is_some(), row.5 != Served, "{row:?}");
        if let Some(refusal) = refusal {
            let mark = head
                .extensions
                .get::<Refused>()
                .expect("the mark of a refusal");
            assert_eq!(
                (mark.code(), mark.status()),
                (refusal.code(), refusal.status())
            );
        }
        let codes: Vec<_> = told
            .take()
            .iter()
            .inspect(|event| {
                let outcome = if row.5 == Served {
                    Outcome::Success
                } else {
                    Outcome::Refused
                };
                assert_eq!(event.outcome, outcome);
            })
            .map(|event| event.code)
            .collect();
        let body = body.collect().await.unwrap().to_bytes();
        judge(
            row,
            false,
            &Response::from_parts(head, body),
            inner.calls(),
            &codes,
        );
    }
}

/// Row 3 and 5: not one byte tells a denied object from an absent one.
#[tokio::test]
async fn denied_and_absent_are_the_same_bytes() {
    for who in ["alice", "-"] {
        let mut seen = Vec::new();
        for target in ["/orders/2", "/orders/9", "/orders/x"] {
            let orders = Orders::new();
            let guard = rules(&orders).build().unwrap();
            let answer = go(
                Login.layer(guard.layer(Inner::default())),
                request(who, "GET", target),
            );
            let (head, body) = answer.await.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            seen.push((head.status, head.version, head.headers, body));
        }
        assert!(seen.iter().all(|other| *other == seen[0]), "{seen:?}");
    }
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn hyper_answers_by_the_table_over_both_versions() {
    let (orders, told, inner) = (Orders::new(), Told::default(), Inner::default());
    let guard = rules(&orders)
        .deny_unmatched()
        .events(told.clone())
        .build()
        .unwrap();
    let server = Server::hyper(Login.layer(guard.layer(inner.clone()))).await;
    on_the_wire(&server, false, &told, || inner.calls()).await;
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn axum_answers_by_the_table_over_both_versions() {
    use axum::Router;
    use axum::routing::any;
    use tower::ServiceBuilder;

    let (orders, told, calls) = (
        Orders::new(),
        Told::default(),
        Arc::new(AtomicUsize::new(0)),
    );
    let guard = rules(&orders).events(told.clone()).build().unwrap();
    let mut router = Router::new();
    for template in TEMPLATES {
        let calls = Arc::clone(&calls);
        let handler = async move || {
            calls.fetch_add(1, Ordering::SeqCst);
            "reached"
        };
        router = router.route(template, any(handler));
    }
    let router = router.layer(ServiceBuilder::new().layer(Login).layer(guard));
    let server = Server::axum(router).await;
    on_the_wire(&server, true, &told, || calls.load(Ordering::SeqCst)).await;
}

#[cfg(feature = "axum")]
pub(super) async fn on_the_wire(
    server: &Server,
    has_router: bool,
    told: &Told,
    calls: impl Fn() -> usize,
) {
    for row in ROWS {
        for version in [1, 2] {
            let before = calls();
            told.take();
            let answer = if version == 1 {
                server.http1(ask(row)).await
            } else {
                server.http2(ask(row)).await.expect("no reset")
            };
            let codes = told.codes();
            judge(row, has_router, &answer, calls() - before, &codes);
        }
    }
}
