//! What a table notes as decided, in each mode.

use std::convert::Infallible;

use tower::service_fn;
use tower_security::authorize::{Requirement, predicate};
use tower_security::core::{AuthzFault, AuthzLedger, Mode, Outcome};

use super::*;
use crate::support::service::go;

/// The status, and what the handler would be told by the ledger: `None` if it was not called.
async fn noted(
    table: AccessTableBuilder,
    who: &str,
    target: &str,
) -> (u16, Option<(String, Option<AuthzFault>)>) {
    let handler = service_fn(|request: Request<Full<Bytes>>| async move {
        let mut response = Response::new(Full::<Bytes>::default());
        let ledger = AuthzLedger::from_extensions(request.extensions());
        let noted = ledger.map_or_else(
            || ("{}".to_owned(), Some(AuthzFault::Missing)),
            |ledger| (format!("{ledger:?}"), ledger.fault()),
        );
        response.extensions_mut().insert(noted);
        Ok::<_, Infallible>(response)
    });
    let table = table.events(Told::default()).build().unwrap();
    let service = logged_in(table.layer(handler));
    let answer = go(service, request(who, "GET", target)).await;
    (answer.status().as_u16(), answer.extensions().get().cloned())
}

fn table(requirement: Requirement) -> AccessTableBuilder {
    AccessTable::builder().get("/desks/{who}", requirement)
}

#[tokio::test]
async fn only_what_decides_is_noted() {
    const MISSING: Option<AuthzFault> = Some(AuthzFault::Missing);
    let staff = || role("staff");
    let rows: Vec<(Requirement, &str, Option<AuthzFault>)> = vec![
        (public(), "{Exempt}", None),
        (staff(), "{Allow}", None),
        (same_subject("who"), "{Allow}", None),
        (predicate("all", |_| true), "{Allow}", None),
        (authenticated(), "{}", MISSING),
        (scope("files").or(staff()), "{Allow}", None),
        (authenticated().or(staff()), "{}", MISSING),
        (authenticated().decides(), "{Allow}", None),
        (public().and(staff()), "{Allow}", None),
        (public().and(public()), "{Exempt}", None),
        // Nothing is public that somebody has to log in for, and to be logged in is no right.
        (public().and(authenticated()), "{}", MISSING),
        (staff().or(public()), "{Allow}", None),
        (public().or(staff()), "{Exempt}", None),
    ];
    for (requirement, bits, fault) in rows {
        let row = format!("{requirement:?}");
        let found = noted(table(requirement), "staff", "/desks/staff").await;
        assert_eq!(found, (200, Some((bits.to_owned(), fault))), "{row}");
    }
}

/// A table that only reports lets everything pass. What it would have decided needs no other decision; where it has no rule, or only a
/// condition, the tripwire still wants one.
#[tokio::test]
async fn a_report_exempts_what_would_have_been_decided_and_nothing_else() {
    let report = |requirement| table(requirement).mode(Mode::ReportOnly);
    let staff = || role("staff");
    let rows: Vec<(Requirement, &str, &str, &str)> = vec![
        (staff(), "alice", "/desks/x", "{Exempt}"),
        (staff(), "-", "/desks/x", "{Exempt}"),
        (staff(), "staff", "/desks/x", "{Allow}"),
        (same_subject("who"), "alice", "/desks/x", "{Exempt}"),
        (authenticated(), "-", "/desks/x", "{}"),
        (scope("x"), "alice", "/desks/x", "{}"),
        (scope("x").or(staff()), "alice", "/desks/x", "{}"),
        (scope("x").and(staff()), "alice", "/desks/x", "{Exempt}"),
        (scope("x").decides(), "alice", "/desks/x", "{Exempt}"),
        (staff(), "alice", "/nowhere", "{}"),
        (staff(), "-", "/nowhere", "{}"),
        (staff(), "staff", "//desks/x", "{}"),
        (public(), "-", "/desks/x", "{Exempt}"),
    ];
    for (requirement, who, target, bits) in rows {
        let row = format!("{requirement:?} {who} {target}");
        let (status, found) = noted(report(requirement), who, target).await;
        assert_eq!((status, &*found.unwrap().0), (200, bits), "{row}");
    }
}

#[tokio::test]
async fn a_mode_says_what_becomes_of_a_refusal() {
    for (mode, status, codes) in [
        (Mode::Enforce, 403, &[("forbidden", Outcome::Refused)][..]),
        (
            Mode::ReportOnly,
            200,
            &[("forbidden", Outcome::WouldRefuse)],
        ),
        (Mode::Off, 200, &[]),
    ] {
        let told = Told::default();
        let table = rules().mode(mode).events(told.clone()).build().unwrap();
        assert_eq!(table.mode(), mode);
        let service = logged_in(table.layer(Inner::default()));
        let answer = go(service, request("alice", "GET", "/reports")).await;
        assert_eq!(answer.status(), status, "{mode:?}");
        let events = told.take();
        let events: Vec<_> = events.iter().map(|it| (it.code, it.outcome)).collect();
        assert_eq!(events, codes, "{mode:?}");
    }
    let off = table(role("staff")).mode(Mode::Off);
    let (status, found) = noted(off, "staff", "/desks/x").await;
    assert_eq!((status, &*found.unwrap().0), (200, "{}"));
}

/// A refusal is noted too, for who is outside: it is no answer that somebody was allowed to.
#[tokio::test]
async fn a_denial_is_noted_and_who_is_not_logged_in_was_denied_nothing() {
    use tower_security::ownership::Authz;
    for (who, denied) in [("alice", true), ("-", false), ("staff", false)] {
        let table = table(role("staff")).events(Told::default());
        let service = table.build().unwrap().layer(Inner::default());
        let (mut head, body) = request(who, "GET", "/desks/x").into_parts();
        let ledger = Authz::of_head(&mut head).ledger().clone();
        if let Some(who) = person(who) {
            who.dangerous_attach(&mut head.extensions);
        }
        go(service, Request::from_parts(head, body)).await;
        assert_eq!(ledger.is_denied(), denied, "{who}");
    }
}
