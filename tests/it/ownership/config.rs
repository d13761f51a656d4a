//! What does not build, and its twin that does.

use std::time::Duration;

use http::Method;
use tower_security::core::{ConfigErrors, ErrorClass};
use tower_security::ownership::{
    AccessRequest, Action, CachedPolicy, Decision, HeaderId, IdShape, MetadataId, OwnershipGuard,
    OwnershipGuardBuilder, PathParam, PathPattern, QueryParam,
};

fn yes(_: &AccessRequest) -> Decision {
    Decision::Allow
}

fn start() -> OwnershipGuardBuilder {
    OwnershipGuard::builder()
}

fn told(errors: &ConfigErrors) -> Vec<(&str, &'static str, ErrorClass)> {
    errors
        .iter()
        .map(|error| (error.path(), error.code(), error.class()))
        .collect()
}

#[test]
fn each_mistake_has_its_code_and_class() {
    use ErrorClass::{Invalid, Refused};
    let from = |extractor: HeaderId| start().resource_from("/x", extractor, yes);
    let rpc = |path: &str| start().rpc(path, Action::Read, MetadataId::new("x-id"), yes);
    let rows: [(OwnershipGuardBuilder, &str, ErrorClass); 36] = [
        (start(), "no_rules", Refused),
        (start().deny_unmatched(), "no_rules", Refused),
        (start().resource("orders/{id}", yes), "pattern", Invalid),
        (start().resource("/orders/{id", yes), "pattern", Invalid),
        (start().resource("/orders/{}", yes), "pattern", Invalid),
        (start().resource("/orders/:id", yes), "pattern", Invalid),
        (start().resource("/orders/*", yes), "pattern", Invalid),
        (start().resource("/orders/a{id}", yes), "pattern", Invalid),
        (start().resource("/orders//{id}", yes), "pattern", Refused),
        (start().resource("/orders/{id}?x", yes), "pattern", Invalid),
        (start().resource("/orders/{id}#x", yes), "pattern", Invalid),
        (start().resource("/%6frders/{id}", yes), "pattern", Refused),
        (
            start().resource("/u/{user}/o/{order}", yes),
            "ambiguous_param",
            Refused,
        ),
        (start().resource("/orders", yes), "missing_param", Refused),
        (
            start().resource_param("/u/{user}/o/{order}", "id", yes),
            "unknown_param",
            Invalid,
        ),
        (
            start().resource("/t/{id}/o/{id}", yes),
            "duplicate_param",
            Refused,
        ),
        (
            start().resource_param("/t/{id}/o/{id}", "id", yes),
            "duplicate_param",
            Refused,
        ),
        (
            start()
                .resource("/orders/{id}", yes)
                .resource("/orders/{order}", yes),
            "duplicate_rule",
            Refused,
        ),
        (
            start().resource("/f/{*path}", yes).resource("/f/{id}", yes),
            "unreachable_rule",
            Refused,
        ),
        (
            rpc("/shop.Orders/Get").rpc(
                "/shop.Orders/Get",
                Action::Read,
                MetadataId::new("y"),
                yes,
            ),
            "duplicate_rule",
            Refused,
        ),
        (rpc("/Get"), "rpc_path", Invalid),
        (rpc("shop.Orders/Get"), "rpc_path", Invalid),
        (rpc("/shop.Orders/"), "rpc_path", Invalid),
        (rpc("/shop.Orders/*"), "rpc_path", Invalid),
        (rpc("/shop..Orders/Get"), "rpc_path", Invalid),
        (from(HeaderId::new("authorization")), "header_id", Refused),
        (from(HeaderId::new("X-Forwarded-For")), "header_id", Refused),
        (from(HeaderId::new("Cookie")), "header_id", Refused),
        (from(HeaderId::new("x id")), "header_id", Refused),
        (
            start().rpc("/s.O/G", Action::Read, MetadataId::new("x-id-bin"), yes),
            "header_id",
            Refused,
        ),
        (
            start().resource_from("/x", QueryParam::new(""), yes),
            "name",
            Invalid,
        ),
        (
            start().resource("/orders/{id}", yes).name(""),
            "name",
            Invalid,
        ),
        (
            OwnershipGuard::for_route(PathParam::new(""), yes),
            "name",
            Invalid,
        ),
        (
            start().resource_from("/a/{b}", PathParam::new("c"), yes),
            "unknown_param",
            Invalid,
        ),
        (
            start().rpc("/s.O/G", Action::Read, PathParam::new("id"), yes),
            "unknown_param",
            Invalid,
        ),
        (
            OwnershipGuard::for_route(PathPattern::new("/a/{b}", "c"), yes),
            "unknown_param",
            Invalid,
        ),
    ];
    for (index, (builder, code, class)) in rows.into_iter().enumerate() {
        let errors = builder.build().expect_err(code);
        let found: Vec<_> = errors
            .iter()
            .map(|error| (error.code(), error.class()))
            .collect();
        assert_eq!(found, [(code, class)], "row {index}: {errors}");
    }
}

#[test]
fn what_is_close_to_a_mistake_builds() {
    let builders = [
        start()
            .resource("/orders/{id}", yes)
            .shape(IdShape::U64)
            .reveal()
            .name("orders"),
        start().resource("/{id}", yes),
        start().resource("/f/{id}", yes).resource("/f/{*path}", yes),
        start()
            .resource("/orders/{id}", yes)
            .resource("/orders/{id}/", yes),
        start().resource_param("/u/{user}/o/{order}", "user", yes),
        start().resource_from("/orders", QueryParam::new("id"), yes),
        start().resource_from("/a/{b}", PathParam::new("b"), yes),
        start().resource_from("/orders", HeaderId::new("X-Order-Id"), yes),
        start().rpc("/Orders/Get", Action::Read, MetadataId::new("x-id"), yes),
        start().rpc(
            "/a.b_c.O1/Get_2",
            Action::Custom("peek"),
            MetadataId::new("x-id"),
            yes,
        ),
        start()
            .resource("/orders/{id}", yes)
            .actions([(Method::POST, Action::Update)]),
        OwnershipGuard::for_route(PathParam::new("id"), yes).shape(IdShape::Slug),
    ];
    for (index, builder) in builders.into_iter().enumerate() {
        assert!(builder.build().is_ok(), "row {index}");
    }
}

#[test]
fn all_mistakes_are_told_together_and_say_where() {
    use ErrorClass::{Invalid, Refused};
    let errors = start()
        .shape(IdShape::U64)
        .resource("/orders", yes)
        .resource("/orders/{id}", yes)
        .resource("/orders/{order}", yes)
        .resource_from("/x", HeaderId::new("host"), yes)
        .build()
        .unwrap_err();
    assert_eq!(
        told(&errors),
        [
            ("ownership", "no_rule_before", Invalid),
            ("ownership.rules[0]", "missing_param", Refused),
            ("ownership.rules[2]", "duplicate_rule", Refused),
            ("header_id", "header_id", Refused),
        ]
    );
    let text = errors.to_string();
    assert!(
        text.contains(
            "ownership.rules[0]: refused pattern \"/orders\": it has no parameter; write `/orders/{id}`, or `resource_from` with what names the object"
        ),
        "{text}"
    );
}

#[test]
fn nothing_may_stand_behind_the_rule_of_a_route() {
    let errors = OwnershipGuard::for_route(PathParam::new("id"), yes)
        .resource("/orders/{id}", yes)
        .build()
        .unwrap_err();
    assert_eq!(
        told(&errors),
        [(
            "ownership.rules[1]",
            "unreachable_rule",
            ErrorClass::Refused
        )]
    );
}

#[test]
fn kept_decisions_have_limits() {
    let cached = || CachedPolicy::builder(yes);
    let ms = Duration::from_millis;
    for (builder, is_ok) in [
        (cached(), true),
        (cached().ttl(ms(5_000)).capacity(1), true),
        (cached().ttl(ms(5_001)), false),
        (cached().ttl(Duration::ZERO), false),
        (cached().ttl(Duration::from_nanos(1)), true),
        (cached().capacity(0), false),
        (cached().capacity(1_000_000), true),
        (cached().capacity(1_000_001), false),
    ] {
        let text = format!("{builder:?}");
        let built = builder.build();
        assert_eq!(built.is_ok(), is_ok, "{text}");
        if let Err(errors) = built {
            assert!(
                errors.iter().all(|error| error.code() == "limit"),
                "{errors}"
            );
        }
    }
}

#[cfg(feature = "limits")]
#[test]
fn waiting_has_limits() {
    let rule = || start().resource("/orders/{id}", yes);
    let seconds = Duration::from_secs;
    for (wait, is_ok) in [
        (Duration::ZERO, false),
        (Duration::from_nanos(1), true),
        (seconds(2), true),
        (seconds(30), true),
        (seconds(30) + Duration::from_nanos(1), false),
    ] {
        assert_eq!(
            rule().policy_timeout(wait).build().is_ok(),
            is_ok,
            "{wait:?}"
        );
        assert_eq!(rule().deny_floor(wait).build().is_ok(), is_ok, "{wait:?}");
    }
    let errors = rule().policy_timeout(seconds(31)).build().unwrap_err();
    assert_eq!(
        errors.to_string(),
        "ownership.policy_timeout: refused policy_timeout of 31s: write more than 0 and at most 30 s; 2 s are usual"
    );
}
