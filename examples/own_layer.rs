//! A credential of your own beside the rules of the crate: tickets of an in-house desk, which is asked over the network.
//!
//! ```sh
//! cargo run --example own_layer --features axum
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
//! # A report, for alice, who is no auditor: 403, with code forbidden
//! curl -i http://127.0.0.1:3007/report -H 'Authorization: Ticket a11ce-5e7b'
//!
//! # The same for bob, who is one: 200, hello bob
//! curl -i http://127.0.0.1:3007/report -H 'Authorization: Ticket b0b-77f0'
//! ```

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::routing::get;
use tower_security::auth::{
    AuthFailure, AuthFailureKind, AuthLayer, Authenticator, Decision, Presence,
};
use tower_security::axum::Auth;
use tower_security::core::{AuthMethod, ChallengeScheme, Principal};
use tower_security::{RequireLayer, SecurityStack};

/// Longer than any ticket; what is longer is not carried to the desk.
const LONGEST: usize = 64;

/// The desk that has issued the tickets. In earnest a client of its HTTP interface, with a timeout.
#[derive(Debug)]
struct Desk;

/// The desk does not answer.
struct Away;

struct Employee {
    name: &'static str,
    roles: &'static [&'static str],
}

impl Desk {
    async fn holder(&self, ticket: &str) -> Result<Option<Employee>, Away> {
        tokio::task::yield_now().await;
        match ticket {
            "a11ce-5e7b" => Ok(Some(Employee {
                name: "alice",
                roles: &[],
            })),
            "b0b-77f0" => Ok(Some(Employee {
                name: "bob",
                roles: &["auditor"],
            })),
            "out-of-order" => Err(Away),
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

    fn authenticate(&self, head: &Parts) -> Decision {
        let Some(ticket) = Self::ticket(head) else {
            return Decision::NotPresent;
        };
        let refused = |kind| AuthFailure::new(kind).with_method(AuthMethod::Custom("Ticket"));
        let ticket = std::str::from_utf8(ticket).unwrap_or_default().trim();
        if ticket.is_empty() || ticket.len() > LONGEST {
            return Decision::Denied(refused(AuthFailureKind::TokenInvalid));
        }
        let (desk, ticket) = (Arc::clone(&self.0), ticket.to_owned());
        Decision::pending(async move {
            match desk.holder(&ticket).await {
                Ok(Some(employee)) => Ok(Principal::builder(employee.name)
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

async fn hello(Auth(who): Auth) -> String {
    format!("hello {}\n", who.subject())
}

pub fn app() -> Result<Router, Box<dyn Error>> {
    let auth = AuthLayer::builder()
        .authenticator(Tickets(Arc::new(Desk)))
        .realm("desk")
        .build()?;
    let report = get(hello).route_layer(RequireLayer::role("auditor").build()?);
    let stack = SecurityStack::new().auth(auth);
    Ok(Router::new()
        .route("/me", get(hello))
        .route("/report", report)
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
