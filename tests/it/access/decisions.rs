//! Everybody, asked for every requirement, alone and joined.

use tower_security::authorize::{
    Requirement, acr, all_roles, all_scopes, any_role, any_scope, deny_all, method, mfa, predicate,
};
use tower_security::core::ManualClock;

use super::*;
use crate::support::service::go;

const PEOPLE: [&str; 4] = ["anonymous", "user", "staff", "admin"];

/// 2025-01-01T00:00:00Z, where a manual clock begins.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_735_689_600)
}

fn somebody(name: &str) -> Option<Principal> {
    let builder = Principal::builder(name);
    Some(match name {
        "anonymous" => return None,
        "user" => builder
            .scopes(["read"])
            .amr(["pwd"])
            .auth_time(now() - Duration::from_secs(301))
            .method(AuthMethod::Bearer)
            .build(),
        "staff" => builder
            .roles(["staff"])
            .scopes(["read", "write"])
            .amr(["pwd", "otp"])
            .acr("aal2")
            .auth_time(now())
            .method(AuthMethod::Bearer)
            .build(),
        "admin" => builder
            .roles(["admin"])
            .auth_time(now())
            .method(AuthMethod::Session)
            .build(),
        other => panic!("nobody is called {other}"),
    })
}

type Row = (fn() -> Requirement, [u16; 4]);

/// What each answers to anonymous, user, staff and admin, who is staff too.
const ROWS: [Row; 16] = [
    (public, [200, 200, 200, 200]),
    (authenticated, [401, 200, 200, 200]),
    (deny_all, [401, 403, 403, 403]),
    (|| role("staff"), [401, 403, 200, 200]),
    (|| role("admin"), [401, 403, 403, 200]),
    (|| any_role(["auditor", "staff"]), [401, 403, 200, 200]),
    (|| all_roles(["staff", "admin"]), [401, 403, 403, 200]),
    (|| scope("read"), [401, 200, 200, 403]),
    (|| any_scope(["write", "x"]), [401, 403, 200, 403]),
    (|| all_scopes(["read", "write"]), [401, 403, 200, 403]),
    (mfa, [401, 401, 200, 401]),
    (|| acr("aal2"), [401, 401, 200, 401]),
    (|| max_age(Duration::from_secs(300)), [401, 401, 200, 200]),
    (|| method(AuthMethod::Session), [401, 403, 403, 200]),
    (|| same_subject("who"), [401, 404, 200, 404]),
    (
        || predicate("long name", |who| who.subject().len() > 4),
        [401, 403, 200, 200],
    ),
];

async fn ask(requirement: Requirement) -> [u16; 4] {
    let table = AccessTable::builder()
        .any_method("/desks/{who}", requirement)
        .role_implies("admin", ["staff"])
        .clock(ManualClock::new())
        .events(Told::default());
    let inner = Inner::default();
    let service = table.build().unwrap().layer(inner.clone());
    let mut statuses = [0; 4];
    for (status, name) in statuses.iter_mut().zip(PEOPLE) {
        let mut request = request("-", "GET", "/desks/staff");
        if let Some(who) = somebody(name) {
            who.dangerous_attach(request.extensions_mut());
        }
        let before = inner.calls();
        *status = go(service.clone(), request).await.status().as_u16();
        assert_eq!(inner.calls() - before, usize::from(*status == 200));
    }
    statuses
}

#[tokio::test]
async fn each_requirement_has_its_row() {
    for (requirement, expected) in ROWS {
        assert_eq!(ask(requirement()).await, expected, "{:?}", requirement());
    }
}

#[tokio::test]
async fn and_wants_both_and_or_wants_one_of_every_pair() {
    for (one, first) in ROWS {
        for (other, second) in ROWS {
            let both = ask(one().and(other())).await;
            let either = ask(one().or(other())).await;
            for at in 0..4 {
                let (a, b) = (first[at], second[at]);
                let row = format!("{} {:?} {:?}", PEOPLE[at], one(), other());
                match (a, b) {
                    (200, 200) => assert_eq!(both[at], 200, "{row}"),
                    // One that is met says nothing.
                    (200, refused) | (refused, 200) => assert_eq!(both[at], refused, "{row}"),
                    _ => assert!(both[at] == a || both[at] == b, "{row}"),
                }
                match (a, b) {
                    (200, _) | (_, 200) => assert_eq!(either[at], 200, "{row}"),
                    // The first way is told.
                    _ => assert_eq!(either[at], a, "{row}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn roles_include_nothing_that_was_not_said() {
    let service = |table: AccessTableBuilder| {
        let table = table.events(Told::default()).build().unwrap();
        logged_in(table.layer(Inner::default()))
    };
    let rules = || AccessTable::builder().get("/desk", role("staff"));
    for (table, admin, staff) in [
        (rules(), 403, 200),
        (rules().role_implies("admin", ["staff"]), 200, 200),
        (
            rules()
                .role_implies("admin", ["chief"])
                .role_implies("chief", ["staff"]),
            200,
            200,
        ),
        (rules().role_implies("staff", ["admin"]), 403, 200),
    ] {
        let service = service(table);
        for (who, status) in [("admin", admin), ("staff", staff), ("alice", 403)] {
            let answer = go(service.clone(), request(who, "GET", "/desk")).await;
            assert_eq!(answer.status(), status, "{who}");
        }
    }
}
