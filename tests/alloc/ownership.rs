//! Allocations of the ownership guard: none for who is allowed by a policy that answers at once.

use super::*;
use tower_security::ownership::{
    AccessRequest, Authz, Decision, IdShape, LoadGuard, OwnershipGuard, OwnershipGuardBuilder,
    QueryParam, async_policy,
};

const UUID: &str = "/docs/67e55044-10b1-426f-9247-bb680e5fe0c8";

fn owner(request: &AccessRequest) -> Decision {
    match request.principal().subject() {
        "alice" => Decision::Allow,
        _ => Decision::Deny,
    }
}

fn rules() -> OwnershipGuardBuilder {
    OwnershipGuard::builder()
        .resource("/orders/{id}", owner)
        .shape(IdShape::U64)
        .resource("/docs/{id}", owner)
        .shape(IdShape::Uuid)
        .resource("/notes/{name}", owner)
        .resource_from("/export", QueryParam::new("doc"), owner)
        .resource(
            "/later/{id}",
            async_policy(|request: &AccessRequest| {
                let decision = owner(request);
                async move { decision }
            }),
        )
}

/// A request as it comes from an authentication layer; with a ledger, as behind a stack or a tripwire.
fn request(who: &str, target: &str, has_ledger: bool) -> Request<Full<Bytes>> {
    let mut request = Request::get(target)
        .body(Full::default())
        .expect("a request");
    Principal::builder(who)
        .build()
        .dangerous_attach(request.extensions_mut());
    if !has_ledger {
        return request;
    }
    let (mut head, body) = request.into_parts();
    let _ = Authz::of_head(&mut head);
    Request::from_parts(head, body)
}

fn made(who: &str, target: &str, has_ledger: bool) -> (u16, usize) {
    let mut service = rules().build().expect("a guard").layer(Bare);
    // What is made once.
    go(&mut service, request(who, target, has_ledger));
    let request = request(who, target, has_ledger);
    let (answer, count) = counted(|| go(&mut service, request));
    (answer.status().as_u16(), count)
}

#[test]
fn who_is_allowed_at_once_costs_none() {
    for target in [
        "/orders/1",
        "/orders/18446744073709551615",
        UUID,
        "/notes/thirty-eight-characters-are-held-insid",
        "/export?page=2&doc=7",
        "/about",
        "/api/v1/about/orders",
    ] {
        assert_eq!(made("alice", target, true), (200, 0), "{target}");
    }
}

#[test]
fn a_longer_id_costs_one_and_so_does_an_escape() {
    let thirty_nine = "/notes/thirty-nine-characters-are-not-so-inside";
    assert_eq!(thirty_nine.len() - "/notes/".len(), 40);
    assert_eq!(made("alice", thirty_nine, true), (200, 1));
    assert_eq!(made("alice", "/orders/%31", true), (200, 1));
}

#[test]
fn without_a_ledger_outside_it_makes_one() {
    assert_eq!(made("alice", "/orders/1", false), (200, 2));
    assert_eq!(made("alice", "/about", false), (200, 0));
}

#[test]
fn a_policy_that_is_waited_for_costs_two() {
    assert_eq!(made("alice", "/later/1", true), (200, 2));
}

#[test]
fn denied_and_absent_cost_the_same() {
    let denied = made("bob", "/orders/1", true);
    let malformed = made("bob", "/orders/x", true);
    assert_eq!(denied, malformed);
    // Two extensions, and the two tables of the headers; the map of the extensions was the request's.
    assert_eq!(denied, (404, 4));
}

#[cfg(feature = "axum")]
#[test]
fn a_parameter_of_axum_costs_one() {
    use axum::Router;
    use axum::routing::get;
    use tower_security::core::Mode;
    use tower_security::ownership::PathParam;

    let made = |guard: OwnershipGuardBuilder, mode, target: &str| {
        let guard = guard.mode(mode).build().expect("a guard");
        let mut router = Router::new()
            .route("/orders/{id}", get(async || ()))
            .route("/export", get(async || ()))
            .layer(guard)
            .with_state(());
        go(
            &mut router,
            request("alice", target, true).map(axum::body::Body::new),
        );
        let request = request("alice", target, true).map(axum::body::Body::new);
        counted(|| go(&mut router, request)).1
    };
    let cost = |guard: fn() -> OwnershipGuardBuilder, target| {
        made(guard(), Mode::Enforce, target) - made(guard(), Mode::Off, target)
    };
    assert_eq!(cost(rules, "/orders/1"), 1, "axum clones its list");
    assert_eq!(cost(rules, "/export?doc=1"), 0);
    let of_route = || OwnershipGuard::for_route(PathParam::new("id"), owner);
    assert_eq!(
        cost(of_route, "/orders/1"),
        2,
        "and it is kept for the policy"
    );
}

/// One for the loader's future, one for the request that waits, one for the object, one for its extension.
#[test]
fn an_object_that_is_loaded_costs_four() {
    let load = |request: AccessRequest| async move {
        match request.principal().subject() {
            "alice" => Ok(7_u8),
            _ => Err(Decision::NotFound),
        }
    };
    let guard = LoadGuard::builder().resource("/orders/{id}", load);
    let mut service = guard.build().expect("a guard").layer(Bare);
    let mut made = |who| {
        go(&mut service, request(who, "/orders/1", true));
        let request = request(who, "/orders/1", true);
        let (answer, count) = counted(|| go(&mut service, request));
        (answer.status().as_u16(), count)
    };
    assert_eq!(made("alice"), (200, 4));
    // No object; four for the refusal, as above.
    assert_eq!(made("bob"), (404, 6));
}

#[cfg(feature = "axum")]
mod owned {
    use axum::Router;
    use axum::routing::get;
    use tower_security::axum::Owned;
    use tower_security::ownership::{Action, LoadError, OwnedResource};

    use super::*;

    struct Order;

    impl OwnedResource<()> for Order {
        type Id = u64;
        const PARAM: &'static str = "id";
        const SHAPE: IdShape = IdShape::U64;

        async fn load(_: &(), _: &u64, _: &Principal) -> Result<Option<Self>, LoadError> {
            Ok(Some(Self))
        }

        fn decide(&self, _: &Principal, _: Action) -> Decision {
            Decision::Allow
        }
    }

    #[test]
    fn an_object_of_a_handler_costs_the_parameters_alone() {
        let made = |path: &str| {
            let mut router = Router::new()
                .route("/plain/{id}", get(async || ()))
                .route("/owned/{id}", get(async |_: Owned<Order>| ()))
                .with_state(());
            let asked = || request("alice", path, true).map(axum::body::Body::new);
            go(&mut router, asked());
            let asked = asked();
            counted(|| go(&mut router, asked)).1
        };
        assert_eq!(made("/owned/1") - made("/plain/1"), 1);
    }
}
