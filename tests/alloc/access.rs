//! Allocations of a table, whatever its size, and of the tripwire.

use super::*;
use tower_security::authorize::{
    AccessTable, RequireAuthorization, public, role, same_subject, scope,
};

fn table(rules: usize) -> AccessTable {
    let mut builder = AccessTable::builder()
        .get("/health", public())
        .put("/members/{name}", same_subject("name"));
    for rule in 0..rules {
        builder = builder.any_method(format!("/api/r{rule}/{{id}}"), role("staff"));
    }
    builder
        .any_method("/files/{*path}", scope("files"))
        .role_implies("admin", ["staff"])
        .build()
        .expect("a table")
}

fn request(who: &str, method: &str, target: &str) -> Request<Full<Bytes>> {
    let mut request = Request::builder()
        .method(method)
        .uri(target)
        .body(Full::default())
        .expect("a request");
    Principal::builder(who)
        .roles(["admin"])
        .scopes(["files"])
        .build()
        .dangerous_attach(request.extensions_mut());
    request
}

fn made<L>(layer: &L, who: &str, method: &str, target: &str) -> (u16, usize)
where
    L: Layer<Bare>,
    L::Service: Service<Request<Full<Bytes>>, Response = Response<Full<Bytes>>, Error = Infallible>,
{
    let mut service = layer.layer(Bare);
    // What is made once.
    go(&mut service, request(who, method, target));
    let request = request(who, method, target);
    let (answer, count) = counted(|| go(&mut service, request));
    (answer.status().as_u16(), count)
}

/// What `layer` makes for a request that passes, besides the ledger that a tripwire outside has made.
fn with_ledger(table: &AccessTable, target: &str, method: &str) -> usize {
    let alone = made(&RequireAuthorization::new(), "alice", method, "/");
    let both = tower::layer::util::Stack::new(table.clone(), RequireAuthorization::new());
    let (status, count) = made(&both, "alice", method, target);
    // Bare decides nothing: a scope alone is refused, which is counted elsewhere.
    assert_eq!((status, alone.0), (200, 500));
    count
}

#[test]
fn a_rule_costs_none_however_many_there_are() {
    for rules in [10, 1_000] {
        let table = table(rules);
        for (method, target) in [
            ("GET", "/health"),
            ("GET", "/api/r7/1"),
            ("POST", "/api/r9/67e55044-10b1-426f-9247-bb680e5fe0c8"),
            ("PUT", "/members/alice"),
        ] {
            // The ledger of the tripwire, and its place in the extensions.
            assert_eq!(with_ledger(&table, target, method), 2, "{target}");
        }
        // A condition is no decision: nothing is noted.
        assert_eq!(made(&table, "alice", "GET", "/files/a/b"), (200, 0));
        // Without a ledger outside a decision makes one.
        assert_eq!(made(&table, "alice", "GET", "/api/r7/1"), (200, 2));
        assert_eq!(made(&table, "alice", "GET", "/api/r7/%31"), (200, 3));
    }
}

#[test]
fn a_refusal_of_the_table_costs_few() {
    let table = table(10);
    // Two extensions, and the two tables of the headers; the map of the extensions was the request's.
    assert_eq!(made(&table, "bob", "PUT", "/members/alice"), (404, 4));
    assert_eq!(made(&table, "alice", "GET", "/nowhere"), (403, 4));
}

#[test]
fn the_tripwire_costs_none_within_a_stack() {
    let stack = || SecurityStack::new().events(|_: &tower_security::core::SecurityEvent<'_>| {});
    let table = || table(10);
    let context = tower::layer::util::Stack::new(table(), stack());
    let watched = tower::layer::util::Stack::new(
        tower::layer::util::Stack::new(table(), RequireAuthorization::new()),
        stack(),
    );
    let (plain, tripwire) = (
        made(&context, "alice", "GET", "/api/r7/1"),
        made(&watched, "alice", "GET", "/api/r7/1"),
    );
    assert_eq!((plain.0, tripwire.0), (200, 200));
    assert_eq!(plain.1, tripwire.1);
}

#[test]
fn what_the_tripwire_refuses_costs_few() {
    // The ledger (2), the header tables (2), the extensions of the answer: a map and two in it, each fault and mark.
    let (status, count) = made(&RequireAuthorization::new(), "alice", "GET", "/api/r7/1");
    assert_eq!(status, 500);
    assert!(count <= 10, "{count}");
}
