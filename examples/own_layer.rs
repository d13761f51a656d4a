//! What is your own beside the rules of the crate: a credential (tickets of an in-house desk, which is asked over the network), a policy
//! of who may see a report, and a rate limit that is counted by department.
//!
//! ```sh
//! cargo run --example own_layer --features axum,limits,sanitize
//! ```
//!
//! Then, in another terminal:
//!
//! ```sh
//! # No ticket: 401, with code authentication_required and www-authenticate: Ticket realm="desk"
//! curl -i http://127.0.0.1:3007/me
//!
//! # A ticket of alice: 200, hello alice
//! curl -i http://127.0.0.1:3007/me -H 'Authorization: Ticket a11ce-5e7b'
//!
//! # A ticket that the desk does not know: 401, with code token_invalid
//! curl -i http://127.0.0.1:3007/me -H 'Authorization: Ticket guessed'
//!
//! # Two tickets: 400, with code credentials_ambiguous
//! curl -i http://127.0.0.1:3007/me -H 'Authorization: Ticket a11ce-5e7b' -H 'Authorization: Ticket b0b-77f0'
//!
//! # A scheme that nobody serves: 401, with code authentication_required
//! curl -i http://127.0.0.1:3007/me -H 'Authorization: Basic YWxpY2U6eA=='
//!
//! # The desk is away: 503, with code authentication_unavailable and retry-after: 5
//! curl -i http://127.0.0.1:3007/me -H 'Authorization: Ticket out-of-order'
//!
//! # The ledger, for alice, who is no auditor: 403, with code forbidden
//! curl -i http://127.0.0.1:3007/ledger -H 'Authorization: Ticket a11ce-5e7b'
//!
//! # The same for bob, who is one: 200, hello bob
//! curl -i http://127.0.0.1:3007/ledger -H 'Authorization: Ticket b0b-77f0'
//!
//! # The report of her own department: 200, hello alice
//! curl -i http://127.0.0.1:3007/reports/1 -H 'Authorization: Ticket a11ce-5e7b'
//!
//! # That of another one: 404, with code not_found
//! curl -i http://127.0.0.1:3007/reports/2 -H 'Authorization: Ticket a11ce-5e7b'
//!
//! # One that is not there, which looks the same: 404, with code not_found
//! curl -i http://127.0.0.1:3007/reports/3 -H 'Authorization: Ticket a11ce-5e7b'
//!
//! # An auditor reads those of others: 200, hello bob
//! curl -i http://127.0.0.1:3007/reports/1 -H 'Authorization: Ticket b0b-77f0'
//!
//! # And changes none of them: 404, with code not_found
//! curl -i -X PUT http://127.0.0.1:3007/reports/1 -H 'Authorization: Ticket b0b-77f0'
//!
//! # The archive is away, and nobody can tell whose it is: 503, with code authorization_unavailable
//! curl -i http://127.0.0.1:3007/reports/99 -H 'Authorization: Ticket a11ce-5e7b'
//!
//! # Thirty requests an hour for a department, and alice asks for more: 429, with code rate_limited and retry-after
//! curl -i 'http://127.0.0.1:3007/me?[1-30]' -H 'Authorization: Ticket a11ce-5e7b'
//!
//! # Carol works in the same department: 429, with code rate_limited and retry-after
//! curl -i http://127.0.0.1:3007/me -H 'Authorization: Ticket ca401-31c2'
//!
//! # Bob does not: 200, hello bob
//! curl -i http://127.0.0.1:3007/me -H 'Authorization: Ticket b0b-77f0'
//! ```

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::routing::get;
use tower_security::auth::{self, AuthFailure, AuthFailureKind, Authenticator, Presence};
use tower_security::axum::Auth;
use tower_security::core::{AuthMethod, ChallengeScheme, Principal};
use tower_security::ownership::{AccessRequest, Action, Decision, Policy, Verdict};
use tower_security::rate_limit::key::{self, Key, KeyOutcome};
use tower_security::rate_limit::{self, Quota};
use tower_security::{
    AuthLayer, LimitsLayer, OwnershipGuard, RateLimitLayer, RequireLayer, SanitizeLayer,
    SecurityStack,
};

/// Longer than any ticket; what is longer is not carried to the desk.
const LONGEST: usize = 64;

/// The desk that has issued the tickets. In earnest a client of its HTTP interface, with a timeout.
#[derive(Debug)]
struct Desk;

/// The desk does not answer.
struct Away;

struct Employee {
    name: &'static str,
    department: &'static str,
    roles: &'static [&'static str],
}

impl Desk {
    async fn holder(&self, ticket: &str) -> Result<Option<Employee>, Away> {
        tokio::task::yield_now().await;
        match ticket {
            "a11ce-5e7b" => Ok(Some(Employee {
                name: "alice",
                department: "sales",
                roles: &[],
            })),
            "b0b-77f0" => Ok(Some(Employee {
                name: "bob",
                department: "audit",
                roles: &["auditor"],
            })),
            "ca401-31c2" => Ok(Some(Employee {
                name: "carol",
                department: "sales",
                roles: &[],
            })),
            "out-of-order" => Err(Away),
            _ => Ok(None),
        }
    }

    /// Which department a report is about.
    async fn department_of(&self, report: &str) -> Result<Option<&'static str>, Away> {
        tokio::task::yield_now().await;
        match report {
            "1" => Ok(Some("sales")),
            "2" => Ok(Some("stores")),
            "99" => Err(Away),
            _ => Ok(None),
        }
    }
}

/// `Authorization: Ticket <ticket>`.
struct Tickets(Arc<Desk>);

impl Tickets {
    /// What follows the scheme, if the scheme is ours. That there are two lines is seen by the layer before.
    fn ticket(head: &Parts) -> Option<&[u8]> {
        let line = head.headers.get(AUTHORIZATION)?.as_bytes();
        let end = line.iter().position(|byte| *byte == b' ');
        let (scheme, ticket) = line.split_at_checked(end.unwrap_or(line.len()))?;
        scheme.eq_ignore_ascii_case(b"Ticket").then_some(ticket)
    }
}

impl Authenticator for Tickets {
    fn presence(&self, head: &Parts) -> Presence {
        match Self::ticket(head) {
            Some(_) => Presence::Explicit,
            None => Presence::Absent,
        }
    }

    fn authenticate(&self, head: &Parts) -> auth::Decision {
        let Some(ticket) = Self::ticket(head) else {
            return auth::Decision::NotPresent;
        };
        let refused = |kind| AuthFailure::new(kind).with_method(AuthMethod::Custom("Ticket"));
        let ticket = std::str::from_utf8(ticket).unwrap_or_default().trim();
        if ticket.is_empty() || ticket.len() > LONGEST {
            return auth::Decision::Denied(refused(AuthFailureKind::TokenInvalid));
        }
        let (desk, ticket) = (Arc::clone(&self.0), ticket.to_owned());
        auth::Decision::pending(async move {
            match desk.holder(&ticket).await {
                Ok(Some(employee)) => Ok(Principal::builder(employee.name)
                    .tenant(employee.department)
                    .roles(employee.roles)
                    .method(AuthMethod::Custom("Ticket"))
                    .build()),
                Ok(None) => Err(refused(AuthFailureKind::TokenInvalid)),
                // Not a refusal: the ticket may be good, and the client shall keep it.
                Err(Away) => Err(refused(AuthFailureKind::Unavailable)),
            }
        })
    }

    fn scheme(&self) -> ChallengeScheme {
        ChallengeScheme::custom("Ticket")
    }
}

/// A report belongs to the department that it is about; auditors may read them all. To everybody else it is not there.
struct Readers(Arc<Desk>);

impl Policy for Readers {
    fn decide(&self, request: &AccessRequest) -> Verdict {
        let (desk, request) = (Arc::clone(&self.0), request.clone());
        Verdict::later(async move {
            let who = request.principal();
            let is_audit = who.has_role("auditor") && request.action() == Action::Read;
            match desk.department_of(request.id()).await {
                // Neither a yes nor a no.
                Err(Away) => Decision::Unavailable,
                Ok(None) => Decision::NotFound,
                Ok(department) if department == who.tenant() => Decision::Allow,
                Ok(_) if is_audit => Decision::AllowAsAdmin,
                Ok(_) => Decision::Deny,
            }
        })
    }
}

/// Everybody of a department together. It is what the desk says, and nothing that a client could write.
fn department() -> Key {
    key::custom(|head, hasher| {
        let who = Principal::from_extensions(&head.extensions);
        match who.and_then(Principal::tenant) {
            Some(department) => {
                hasher.str(department);
                KeyOutcome::Set
            }
            None => KeyOutcome::Missing,
        }
    })
}

async fn hello(Auth(who): Auth) -> String {
    format!("hello {}\n", who.subject())
}

pub fn app() -> Result<Router, Box<dyn Error>> {
    let desk = Arc::new(Desk);
    let auth = AuthLayer::builder()
        .authenticator(Tickets(Arc::clone(&desk)))
        .realm("desk");
    let budget = rate_limit::Policy::new("department", Quota::per_hour(30)).key(department());
    let reports = OwnershipGuard::builder().resource("/reports/{id}", Readers(desk));
    let stack = SecurityStack::api()
        .limits(LimitsLayer::new())
        .auth(auth.build()?)
        .rate_limit_by_principal(RateLimitLayer::builder().policy(budget).build()?)
        .sanitize(SanitizeLayer::strict())
        .ownership(reports.build()?);

    let auditors = RequireLayer::role("auditor").build()?;
    Ok(Router::new()
        .route("/me", get(hello))
        .route("/ledger", get(hello).route_layer(auditors))
        .route("/reports/{id}", get(hello).put(hello))
        .layer(stack))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let addr = SocketAddr::from(([127, 0, 0, 1], 3007));
    let listener = tokio::net::TcpListener::bind(addr).await?;
    println!("listening on http://{addr}");
    axum::serve(listener, app()?).await?;
    Ok(())
}
