//! Tables that do not build.

use tower_security::authorize::{AccessConfigError, any_role, deny_all, predicate};
use tower_security::core::ErrorClass;

use super::*;

/// Path, class, code and message of each mistake.
fn mistakes(table: AccessTableBuilder) -> Vec<(String, ErrorClass, &'static str, String)> {
    let errors = table.build().unwrap_err();
    errors
        .iter()
        .map(|it| (it.path().to_owned(), it.class(), it.code(), it.message()))
        .collect()
}

fn of(rules: impl FnOnce(AccessTableBuilder) -> AccessTableBuilder) -> AccessTableBuilder {
    rules(AccessTable::builder())
}

#[test]
fn each_mistake_has_its_code_and_its_advice() {
    use ErrorClass::{Invalid, Refused};
    let staff = || role("staff");
    let rows: Vec<(AccessTableBuilder, &str, ErrorClass, &str, &str)> = vec![
        (
            AccessTable::builder(),
            "access",
            Refused,
            "no_rules",
            "refused table without rules: it would refuse every request; add a rule",
        ),
        (
            of(|it| it.get("orders", staff())),
            "access.rules[0]",
            Invalid,
            "pattern",
            "invalid pattern \"orders\": a pattern begins with a slash, such as `/webhooks/{*rest}`",
        ),
        (
            of(|it| it.get("/t/{id}/o/{id}", staff())),
            "access.rules[0]",
            Refused,
            "duplicate_param",
            "refused pattern \"/t/{id}/o/{id}\": \"id\" stands twice, and routers disagree on which value it has; rename one",
        ),
        (
            of(|it| {
                it.get("/orders/{id}", staff())
                    .get("/orders/{order}", staff())
            }),
            "access.rules[1]",
            Refused,
            "duplicate_rule",
            "refused rule \"GET /orders/{order}\": an earlier rule has the same method and pattern; join the requirements with `and` or `or`",
        ),
        (
            of(|it| it.any_method("/a/{*rest}", staff()).get("/a/{id}", staff())),
            "access.rules[1]",
            Refused,
            "unreachable_rule",
            "refused rule \"GET /a/{id}\": the earlier rule \"/a/{*rest}\" covers it; move it up",
        ),
        (
            of(|it| it.any_method("/a", staff()).get("/a", staff())),
            "access.rules[1]",
            Refused,
            "unreachable_rule",
            "refused rule \"GET /a\": the earlier rule \"/a\" covers it; move it up",
        ),
        (
            of(|it| it.any_request(staff()).get("/a", staff())),
            "access.rules[1]",
            Refused,
            "unreachable_rule",
            "refused rule \"GET /a\": the earlier rule \"any_request\" covers it; move it up",
        ),
        (
            of(|it| it.any_request(staff()).any_request(public())),
            "access.rules[1]",
            Refused,
            "unreachable_rule",
            "refused rule \"any_request\": the earlier rule \"any_request\" covers it; move it up",
        ),
        (
            of(|it| it.rpc("/a.B/*", staff()).rpc("/a.B/C", staff())),
            "access.rules[1]",
            Refused,
            "unreachable_rule",
            "refused rule \"/a.B/C\": the earlier rule \"/a.B/*\" covers it; move it up",
        ),
        (
            of(|it| it.rule(Method::HEAD, "/a", public())),
            "access.rules[0]",
            Refused,
            "head_rule",
            "refused rule \"HEAD /a\": HEAD is decided as GET; write a rule for GET",
        ),
        (
            of(|it| it.get("/members/{name}", same_subject("nick"))),
            "access.rules[0]",
            Invalid,
            "unknown_param",
            "invalid parameter \"nick\": \"GET /members/{name}\" has no such parameter",
        ),
        (
            of(|it| it.any_request(same_subject("name"))),
            "access.rules[0]",
            Invalid,
            "unknown_param",
            "invalid parameter \"name\": \"any_request\" has no such parameter",
        ),
        (
            of(|it| it.get("/members/{name}", same_subject(""))),
            "access.rules[0][0]",
            Invalid,
            "param_invalid",
            "invalid parameter \"\": write its name as the pattern of the route does",
        ),
        (
            of(|it| it.get("/a", role(""))),
            "access.rules[0][0][0]",
            Invalid,
            "role_invalid",
            "invalid role \"\": write the name of a role as the issuer does",
        ),
        (
            of(|it| {
                it.get("/a", staff())
                    .role_implies("a", ["b"])
                    .role_implies("b", ["a"])
            }),
            "access.role_implies",
            Refused,
            "role_cycle",
            "refused roles \"a -> b -> a\": they include each other; take one of the steps out",
        ),
        (
            of(|it| it.get("/a", staff()).role_implies("a", [""])),
            "access.role_implies[0]",
            Invalid,
            "role_name",
            "invalid role \"\": write the name of a role as the issuer does",
        ),
    ];
    for (table, path, class, code, message) in rows {
        assert_eq!(
            mistakes(table),
            [(path.to_owned(), class, code, message.to_owned())]
        );
    }
}

#[test]
fn grpc_paths_name_a_method_or_a_service() {
    for path in [
        "shop.Orders/Get",
        "/Get",
        "/shop.Orders",
        "/shop.Orders/",
        "/shop.Orders/Get/",
        "/shop.Orders/G*",
        "/*/Get",
        "/shop..Orders/Get",
        "//shop.Orders/Get",
        "/shop.Orders/{method}",
        "/shop.Orders/1",
    ] {
        let told = mistakes(of(|it| it.rpc(path, public())));
        assert_eq!(told.len(), 1, "{path}");
        assert_eq!(
            (told[0].1, told[0].2),
            (ErrorClass::Invalid, "rpc_path"),
            "{path}"
        );
    }
    for path in [
        "/shop.Orders/Get",
        "/shop.Orders/*",
        "/Orders/Get",
        "/a_1.b.C/D_2",
    ] {
        assert!(of(|it| it.rpc(path, public())).build().is_ok(), "{path}");
    }
}

#[test]
fn what_only_looks_like_a_shadow_is_none() {
    let table = AccessTable::builder()
        .get("/a", public())
        .post("/a", deny_all())
        .get("/a/{id}", role("staff"))
        .get("/a/{id}/b", role("staff"))
        .any_method("/a/{id}", any_role(["staff", "admin"]))
        .any_method(
            "/a/{*rest}",
            predicate("named", |who| !who.subject().is_empty()),
        )
        .rpc("/shop.Orders/Get", public())
        .rpc("/shop.Orders/*", role("staff"))
        .any_request(authenticated())
        .role_implies("admin", ["staff", "auditor"])
        .role_implies("staff", ["auditor"]);
    assert!(table.build().is_ok());
}

#[test]
fn mistakes_are_reported_together() {
    let table = AccessTable::builder()
        .get("/:id", role(""))
        .any_request(scope("a b"))
        .get("/a", same_subject("id"))
        .role_implies("x", ["x"]);
    let told = mistakes(table);
    let told: Vec<_> = told.iter().map(|it| (&*it.0, it.2)).collect();
    assert_eq!(
        told,
        [
            ("access.role_implies", "role_cycle"),
            ("access.rules[0][0][0]", "role_invalid"),
            ("access.rules[0]", "pattern"),
            ("access.rules[1][0][0]", "scope_invalid"),
            ("access.rules[2]", "unknown_param"),
            ("access.rules[2]", "unreachable_rule"),
        ]
    );
    let errors = AccessTable::builder().build().unwrap_err();
    let error = errors.iter().next().unwrap();
    assert_eq!(
        error.downcast::<AccessConfigError>(),
        Some(&AccessConfigError::NoRules)
    );
}
