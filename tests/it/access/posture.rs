//! Table and tripwire in their slots.

use tower_security::SecurityStack;
use tower_security::authorize::{RequireAuthorization, UndecidedErrors};
use tower_security::core::Mode;

use super::*;
use crate::ownership::Login;
use crate::support::service::go;

#[test]
fn a_stack_says_what_table_and_tripwire_do() {
    let posture = |table: AccessTableBuilder, tripwire: RequireAuthorization| {
        let stack = SecurityStack::new()
            .auth(Login)
            .require_authorization(tripwire)
            .access(table.build().unwrap());
        stack.posture().to_string()
    };
    let strict = posture(rules(), RequireAuthorization::new());
    for line in [
        "require_authorization    on          undecided_errors=strip\n",
        "access                   on          rules=10 rest=refused public=GET /health\n",
    ] {
        assert!(strict.contains(line), "{strict}");
    }
    assert!(!strict.contains("access: "), "{strict}");
    assert!(!strict.contains("require_authorization: "), "{strict}");

    let hidden = rules().unmatched_as_not_found().mode(Mode::ReportOnly);
    let keep = RequireAuthorization::report_only().undecided_errors(UndecidedErrors::Keep);
    let lenient = posture(hidden, keep);
    for line in [
        "require_authorization    report-only undecided_errors=keep\n",
        "access                   report-only rules=10 rest=404 public=GET /health\n",
        "warning: require_authorization: report-only\n",
        "warning: access: report-only\n",
    ] {
        assert!(lenient.contains(line), "{lenient}");
    }

    let open = AccessTable::builder()
        .get("/a", role("staff"))
        .any_request(public());
    let open = posture(open, RequireAuthorization::new().with_mode(Mode::Off));
    for line in [
        "access                   on          rules=2 rest=public public=any_request\n",
        "warning: access: what no rule is for is public\n",
        "warning: require_authorization: off\n",
    ] {
        assert!(open.contains(line), "{open}");
    }
    let closed = AccessTable::builder().any_request(authenticated());
    let closed = posture(closed, RequireAuthorization::new());
    assert!(closed.contains("rules=1 rest=authenticated\n"), "{closed}");
}

/// The tripwire stands outside of the table, whatever the order of the calls.
#[tokio::test]
async fn the_tripwire_hears_of_the_table() {
    let told = Told::default();
    let inner = Inner::default();
    let stack = SecurityStack::new()
        .events(told.clone())
        .auth(Login)
        .access(rules().build().unwrap())
        .require_authorization(RequireAuthorization::new());
    let service = stack.layer(inner.clone());
    for (who, method, target, status, code) in [
        // A role decides, a login does not.
        ("root", "GET", "/reports", 200, None),
        ("-", "GET", "/health", 200, None),
        ("alice", "OPTIONS", "/orders", 200, None),
        (
            "alice",
            "GET",
            "/orders",
            500,
            Some("authorization_missing"),
        ),
        // What the table has refused stays refused.
        ("alice", "GET", "/reports", 403, Some("forbidden")),
        ("-", "GET", "/reports", 401, Some("authentication_required")),
        (
            "alice",
            "PUT",
            "/members/bob/email",
            404,
            Some("other_subject"),
        ),
        ("alice", "PUT", "/members/alice/email", 200, None),
    ] {
        let request = crate::ownership::request(who, method, target);
        let answer = go(service.clone(), request).await;
        assert_eq!(answer.status(), status, "{who} {target}");
        assert_eq!(told.codes(), code.as_slice(), "{who} {target}");
    }
    assert_eq!(inner.calls(), 5);
}
