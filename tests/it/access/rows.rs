//! The rows of functions and routes, each on plain Tower and on both versions of HTTP.

use tower_security::authorize::RequireRefusal;
use tower_security::core::{AbuseKind, AbuseSignal, Outcome, Refused};

use super::*;
use crate::support::service::go;
#[cfg(feature = "axum")]
use crate::support::wire::Server;

/// Who, method, target, status, the code of the event.
pub(super) type Row = (
    &'static str,
    &'static str,
    &'static str,
    u16,
    Option<&'static str>,
);

pub(super) const ROWS: &[Row] = &[
    ("-", "GET", "/health", 200, None),
    ("-", "HEAD", "/health", 200, None),
    ("expired", "GET", "/health", 200, None),
    ("-", "POST", "/health", 401, Some("no_rule")),
    ("alice", "POST", "/health", 403, Some("no_rule")),
    // 49
    (
        "alice",
        "PUT",
        "/members/bob/email",
        404,
        Some("other_subject"),
    ),
    (
        "alice",
        "PUT",
        "/members/Alice/email",
        404,
        Some("other_subject"),
    ),
    (
        "admin",
        "PUT",
        "/members/alice/email",
        404,
        Some("other_subject"),
    ),
    (
        "-",
        "PUT",
        "/members/alice/email",
        401,
        Some("authentication_required"),
    ),
    ("alice", "PUT", "/members/alice/email", 200, None),
    ("alice", "PUT", "/members/%61lice/email", 200, None),
    // 50
    (
        "alice",
        "DELETE",
        "/admin/invoices/2",
        403,
        Some("forbidden"),
    ),
    (
        "staff",
        "DELETE",
        "/admin/invoices/2",
        403,
        Some("forbidden"),
    ),
    (
        "-",
        "DELETE",
        "/admin/invoices/2",
        401,
        Some("authentication_required"),
    ),
    (
        "expired",
        "DELETE",
        "/admin/invoices/2",
        401,
        Some("authentication_required"),
    ),
    ("admin", "DELETE", "/admin/invoices/2", 200, None),
    ("alice", "GET", "/admin/users", 403, Some("forbidden")),
    ("staff", "GET", "/admin/users", 200, None),
    ("admin", "GET", "/admin/users", 200, None),
    // 51
    ("alice", "HEAD", "/reports", 403, Some("forbidden")),
    (
        "-",
        "HEAD",
        "/reports",
        401,
        Some("authentication_required"),
    ),
    ("admin", "HEAD", "/reports", 200, None),
    ("admin", "GET", "/reports", 200, None),
    // 52
    ("alice", "PUT", "/reports", 403, Some("no_rule")),
    ("admin", "PUT", "/reports", 403, Some("no_rule")),
    ("-", "PUT", "/reports", 401, Some("no_rule")),
    ("admin", "FOO", "/reports", 403, Some("no_rule")),
    // 53
    ("alice", "GET", "/internal/dump", 403, Some("no_rule")),
    ("admin", "GET", "/internal/dump", 403, Some("no_rule")),
    ("-", "GET", "/internal/dump", 401, Some("no_rule")),
    ("alice", "GET", "/REPORTS", 403, Some("no_rule")),
    ("alice", "GET", "/reports/", 403, Some("no_rule")),
    ("admin", "GET", "/reports?x=/health", 200, None),
    // 57
    (
        "alice",
        "GET",
        "/files/%2e%2e/reports",
        404,
        Some("path_not_canonical"),
    ),
    (
        "alice",
        "GET",
        "/files/a%2fb",
        404,
        Some("path_not_canonical"),
    ),
    (
        "-",
        "GET",
        "/files/%2e%2e/reports",
        404,
        Some("path_not_canonical"),
    ),
    ("alice", "GET", "/files/a/b", 200, None),
    ("staff", "GET", "/files/a", 403, Some("insufficient_scope")),
    ("alice", "GET", "/orders", 200, None),
    (
        "expired",
        "GET",
        "/orders",
        401,
        Some("authentication_required"),
    ),
    (
        "alice",
        "POST",
        "/payments",
        401,
        Some("recent_authentication"),
    ),
    (
        "-",
        "POST",
        "/payments",
        401,
        Some("authentication_required"),
    ),
];

/// What a path alone tells, where there is no router.
const BY_PATH: &[Row] = &[
    // 54
    ("alice", "GET", "/%61dmin/users", 403, Some("forbidden")),
    (
        "-",
        "GET",
        "/%61dmin/users",
        401,
        Some("authentication_required"),
    ),
    // An escape never opens: a router that does not decode has another route there.
    (
        "staff",
        "GET",
        "/%61dmin/users",
        404,
        Some("path_not_canonical"),
    ),
    ("-", "GET", "/%68ealth", 404, Some("path_not_canonical")),
    ("staff", "GET", "/admin/%75sers", 200, None),
    // 55
    (
        "alice",
        "GET",
        "/admin%2fusers",
        404,
        Some("path_not_canonical"),
    ),
    (
        "staff",
        "GET",
        "/admin%2fusers",
        404,
        Some("path_not_canonical"),
    ),
    (
        "staff",
        "GET",
        "/admin/%0ausers",
        404,
        Some("path_not_canonical"),
    ),
    (
        "staff",
        "GET",
        "/admin%5cusers",
        404,
        Some("path_not_canonical"),
    ),
    (
        "staff",
        "GET",
        "//admin/users",
        404,
        Some("path_not_canonical"),
    ),
    (
        "staff",
        "GET",
        "/admin;a=b/users",
        404,
        Some("path_not_canonical"),
    ),
    (
        "alice",
        "GET",
        "/%2561dmin/users",
        404,
        Some("path_not_canonical"),
    ),
    // gRPC paths are paths.
    (
        "alice",
        "POST",
        "/shop.Admin/Delete",
        403,
        Some("forbidden"),
    ),
    ("staff", "POST", "/shop.Admin/Delete", 200, None),
    ("staff", "POST", "/shop.Admin/", 403, Some("no_rule")),
    ("staff", "POST", "/shop.admin/Delete", 403, Some("no_rule")),
];

pub(super) fn expected(method: &str, status: u16, code: Option<&str>) -> String {
    match (status, code) {
        _ if method == "HEAD" => String::new(),
        (200, _) => "reached".to_owned(),
        (401, Some("recent_authentication")) => r#"{"title":"A more recent authentication is required","status":401,"code":"recent_authentication"}"#.to_owned(),
        (401, _) => LOGIN.to_owned(),
        (403, Some("insufficient_scope")) => r#"{"title":"The access token lacks a required scope","status":403,"code":"insufficient_scope"}"#.to_owned(),
        (403, _) => FORBIDDEN.to_owned(),
        _ => NOT_FOUND.to_owned(),
    }
}

#[tokio::test]
async fn each_row_on_plain_tower() {
    let (inner, told) = (Inner::default(), Told::default());
    let table = rules().events(told.clone()).build().unwrap();
    let service = logged_in(table.layer(inner.clone()));
    for &(who, method, target, status, code) in ROWS.iter().chain(BY_PATH) {
        let row = format!("{who} {method} {target}");
        let before = inner.calls();
        let answer = whole(go(service.clone(), request(who, method, target)).await).await;
        assert_eq!(answer.status(), status, "{row}");
        assert_eq!(inner.calls() - before, usize::from(status == 200), "{row}");
        assert_eq!(text(&answer), expected(method, status, code), "{row}");
        assert_eq!(told.codes(), code.as_slice(), "{row}");
        if status != 200 {
            assert_eq!(answer.headers()["cache-control"], "no-store", "{row}");
            let refused = answer.extensions().get::<Refused>().unwrap();
            assert_eq!(refused.status(), status, "{row}");
            let abuse = (status != 401).then_some(AbuseKind::OwnershipRefused);
            assert_eq!(AbuseSignal::of(answer.extensions()), abuse, "{row}");
            let reason = answer.extensions().get::<RequireRefusal>().unwrap();
            assert_eq!(reason.status(), status, "{row}");
        }
    }
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn each_row_over_both_versions_of_http() {
    let inner = Inner::default();
    let table = rules().events(Told::default()).build().unwrap();
    let server = Server::hyper(logged_in(table.layer(inner.clone()))).await;
    for &(who, method, target, status, code) in ROWS.iter().chain(BY_PATH) {
        let row = format!("{who} {method} {target}");
        let before = inner.calls();
        let first = server.http1(request(who, method, target)).await;
        let second = server
            .http2(request(who, method, target))
            .await
            .expect("no reset");
        for answer in [first, second] {
            assert_eq!(answer.status(), status, "{row}");
            assert_eq!(text(&answer), expected(method, status, code), "{row}");
        }
        let reached = 2 * usize::from(status == 200);
        assert_eq!(inner.calls() - before, reached, "{row}");
    }
}

/// Row 55, as bytes that no client library sends.
#[cfg(feature = "axum")]
#[tokio::test]
async fn what_only_an_attacker_writes_is_not_reached() {
    let inner = Inner::default();
    let table = rules().events(Told::default()).build().unwrap();
    let server = Server::hyper(logged_in(table.layer(inner.clone()))).await;
    for target in [
        "/admin\\users",
        "/./admin/users",
        "/x/../admin/users",
        "/admin/./users",
        "/admin//users",
        "http://shop.example//admin/users",
        "/admin%00/users",
    ] {
        let bytes = format!(
            "GET {target} HTTP/1.1\r\nhost: shop.example\r\nx-test: staff\r\nconnection: close\r\n\r\n"
        );
        let answer = server.raw(bytes.as_bytes()).await;
        let status = answer.get(9..12).unwrap();
        assert!(
            matches!(status, "400" | "403" | "404"),
            "{target}: {answer}"
        );
    }
    assert_eq!(inner.calls(), 0);
}

/// Row 56.
#[tokio::test]
async fn no_header_changes_what_is_asked_for() {
    let inner = Inner::default();
    let table = rules().events(Told::default()).build().unwrap();
    let service = logged_in(table.layer(inner.clone()));
    for (name, value) in [
        ("x-original-url", "/health"),
        ("x-rewrite-url", "/health"),
        ("x-forwarded-uri", "/health"),
        ("x-middleware-subrequest", "middleware:middleware"),
        ("x-http-method-override", "GET"),
        ("x-user", "admin"),
        ("content-type", "application/grpc"),
    ] {
        let mut asked = request("alice", "GET", "/reports");
        asked.headers_mut().insert(name, value.parse().unwrap());
        let answer = go(service.clone(), asked).await;
        assert_eq!(answer.status(), 403, "{name}");

        // Nor does it keep out who may.
        let mut allowed = request("admin", "GET", "/reports");
        allowed.headers_mut().insert(name, value.parse().unwrap());
        assert_eq!(go(service.clone(), allowed).await.status(), 200, "{name}");

        let mut delete = request("-", "DELETE", "/health");
        delete.headers_mut().insert(name, value.parse().unwrap());
        assert_eq!(go(service.clone(), delete).await.status(), 401, "{name}");
    }
    assert_eq!(inner.calls(), 7);
}

#[tokio::test]
async fn challenges_say_what_would_do() {
    let table = rules().events(Told::default()).build().unwrap();
    let service = logged_in(table.layer(Inner::default()));
    for (who, method, target, line) in [
        ("-", "GET", "/orders", r#"Bearer realm="api""#),
        (
            "staff",
            "GET",
            "/files/a",
            r#"Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a required scope", scope="files""#,
        ),
        (
            "alice",
            "POST",
            "/payments",
            r#"Bearer realm="api", error="insufficient_user_authentication", error_description="A more recent authentication is required", max_age="300""#,
        ),
    ] {
        let answer = go(service.clone(), request(who, method, target)).await;
        assert_eq!(answer.headers()["www-authenticate"], line, "{who} {target}");
    }
    let forbidden = go(service, request("alice", "GET", "/reports")).await;
    assert!(!forbidden.headers().contains_key("www-authenticate"));
}

#[tokio::test]
async fn events_name_the_rule_and_what_is_not_met() {
    let told = Told::default();
    let table = rules().events(told.clone()).build().unwrap();
    let service = logged_in(table.layer(Inner::default()));
    for (who, method, target, name, principal, rule, detail) in [
        (
            "alice",
            "DELETE",
            "/admin/invoices/2",
            "authz_fail",
            Some("alice"),
            Some("role(admin)"),
            Some("of=DELETE /admin/invoices/{id}"),
        ),
        (
            "alice",
            "PUT",
            "/members/bob/email",
            "authz_fail",
            Some("alice"),
            Some("same_subject(name)"),
            Some("of=PUT /members/{name}/email"),
        ),
        (
            "-",
            "GET",
            "/admin/users",
            "authn_login_fail",
            None,
            None,
            Some("of=/admin/{*rest}"),
        ),
        ("-", "GET", "/nowhere", "authz_fail", None, None, None),
        (
            "staff",
            "GET",
            "/%61dmin/users",
            "authz_fail",
            Some("staff"),
            None,
            Some("of=/admin/{*rest}"),
        ),
    ] {
        go(service.clone(), request(who, method, target)).await;
        let [event] = &*told.take() else {
            panic!("one event of {target}");
        };
        assert_eq!(event.name, name, "{target}");
        assert_eq!(event.outcome, Outcome::Refused, "{target}");
        assert_eq!(event.principal.as_deref(), principal, "{target}");
        assert_eq!(event.rule.as_deref(), rule, "{target}");
        assert_eq!(event.detail.as_deref(), detail, "{target}");
    }
}

#[tokio::test]
async fn what_no_rule_is_for_can_be_hidden_or_given() {
    let told = Told::default();
    let hidden = rules().unmatched_as_not_found().events(told.clone());
    let service = logged_in(hidden.build().unwrap().layer(Inner::default()));
    for who in ["-", "alice", "admin"] {
        let answer = whole(go(service.clone(), request(who, "GET", "/nowhere")).await).await;
        assert_eq!((answer.status().as_u16(), text(&answer)), (404, NOT_FOUND));
        assert_eq!(told.codes(), ["no_rule"], "{who}");
        assert_eq!(AbuseSignal::of(answer.extensions()), None);
    }
    let answer = go(service, request("alice", "GET", "/reports")).await;
    assert_eq!(answer.status(), 403, "a rule is there");

    let given = rules().any_request(authenticated()).events(told);
    let service = logged_in(given.build().unwrap().layer(Inner::default()));
    for (who, target, status) in [
        ("-", "/nowhere", 401),
        ("alice", "/nowhere", 200),
        ("alice", "/admin/x", 403),
        ("alice", "//nowhere", 404),
    ] {
        let answer = go(service.clone(), request(who, "GET", target)).await;
        assert_eq!(answer.status(), status, "{who} {target}");
    }
}

#[tokio::test]
async fn the_first_rule_counts() {
    let table = AccessTable::builder()
        .get("/docs/public", public())
        .get("/docs/{name}", role("staff"))
        .any_method("/docs/{*rest}", role("admin"))
        .events(Told::default());
    let service = logged_in(table.build().unwrap().layer(Inner::default()));
    for (who, method, target, status) in [
        ("-", "GET", "/docs/public", 200),
        ("-", "PUT", "/docs/public", 401),
        ("staff", "PUT", "/docs/public", 403),
        ("admin", "PUT", "/docs/public", 200),
        ("staff", "GET", "/docs/x", 200),
        // The second rule has matched: the third is not asked.
        ("admin", "GET", "/docs/x", 403),
        ("admin", "GET", "/docs/x/y", 200),
        ("staff", "GET", "/docs/x/y", 403),
        // It would be the page that everybody may read.
        ("-", "GET", "/docs/%70ublic", 404),
    ] {
        let answer = go(service.clone(), request(who, method, target)).await;
        assert_eq!(answer.status(), status, "{who} {method} {target}");
    }
}
