//! Authorization by who is asking: who may call what, and the check that somebody forgot.
//!
//! For functions that not everybody may call ([OWASP API5:2023](https://owasp.org/API-Security/editions/2023/en/0xa5-broken-function-level-authorization/),
//! CWE-285, CWE-862; ASVS 5.0, 8.2.1), for a step up before what is grave (RFC 9470), and for routes that nobody thought of (ASVS 16.5.3). What is
//! asked of a principal is a [`Requirement`]. [`RequireLayer`] has one, for one route or for all; [`AccessTable`] has one for each method
//! and route; [`RequireAuthorization`], the tripwire, asks whether anybody was asked.
//!
//! # What becomes of a requirement
//!
//! 1. Nobody is logged in (no [`Principal`](crate::core::Principal) was attached, or it has expired): 401 `authentication_required`, with the
//!    challenges of the authentication layer, also where that layer lets anonymous requests pass. [`public`] alone is met by nobody, too.
//! 2. Each part of the requirement is looked at. Of what fails the client is told one thing, in this order: scope (403
//!    `insufficient_scope`, with the scopes that would do), role, method and predicate (403 `forbidden`), [`same_subject`] (404), then `acr`
//!    (401 `stronger_authentication`), age (401 `recent_authentication`) and factors (401 `stronger_authentication`).
//! 3. All is met: the request passes. A role, a predicate, [`same_subject`], and what [`decides`](Requirement::decides), is noted as a
//!    decision in the request's [ledger](crate::core::AuthzLedger), [`public`] as an exemption; to be logged in, a scope, or a recent login are
//!    not, since they are no right to any object.
//!
//! Over gRPC a 401 is `UNAUTHENTICATED` (16), a 403 `PERMISSION_DENIED` (7), a 404 `NOT_FOUND` (5), with the same challenges as metadata.
//!
//! # What a table does
//!
//! 1. It looks for the rule: by the method, with `HEAD` as `GET`, and by the template of axum's router, if there is one; by the path where
//!    there is none, where a rule is for a part of the route alone, and behind a catch-all. Such a path has to be
//!    [canonical](crate::core::CanonicalPath): else 404. The first rule that matches counts.
//! 2. Its requirement is looked at as above. A rule that was found by an escaped spelling (`/%61dmin` for `/admin`) refuses whom it refuses, and
//!    lets nobody pass: 404.
//! 3. Without a rule: 403 `forbidden`, and 401 to who is not logged in; 404 with
//!    [`unmatched_as_not_found`](AccessTableBuilder::unmatched_as_not_found). The event has the code `no_rule`.
//!
//! # What the tripwire does
//!
//! It waits for the head of the answer and reads the ledger.
//!
//! 1. A refusal of this crate passes.
//! 2. A success that nobody has allowed, exempted or restricted to what the caller may see: 500 `authorization_missing`, with nothing of the
//!    answer in it, and an event `authz_fail` of the level [`Critical`](crate::core::Level::Critical). A success is what is no error: 2xx,
//!    a redirect, 304, an upgrade (101), a stream.
//! 3. A success after a denial, which the handler has ignored: the same, and the event has the code `denial_ignored`.
//! 4. An error of a handler or of the router that nobody has decided anything for, or that follows a denial: its status, and the text that
//!    all such errors have ([`UndecidedErrors`]).
//!
//! Over gRPC an answer is an error if its status is one and stands in the head; a message before it is a success.
//!
//! # Example
//!
//! ```
//! use std::convert::Infallible;
//!
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Full;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_security::authorize::{AccessTable, authenticated, public, role, same_subject};
//! use tower_security::core::Principal;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let table = AccessTable::builder()
//!     .get("/health", public())
//!     .get("/orders", authenticated())
//!     .put("/members/{name}/email", same_subject("name"))
//!     .any_method("/admin/{*rest}", role("staff"))
//!     .role_implies("admin", ["staff"])
//!     .build()?;
//! let service = table.layer(service_fn(|_: Request<()>| async {
//!     Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"served"))))
//! }));
//!
//! // What an authentication layer does.
//! let request_of = |role: &str, path: &str| {
//!     let mut request = Request::get(path).body(())?;
//!     Principal::builder("alice").roles([role]).build().dangerous_attach(request.extensions_mut());
//!     Ok::<_, http::Error>(request)
//! };
//! for (role, path, status) in [
//!     ("customer", "/orders", StatusCode::OK),
//!     ("customer", "/admin/users", StatusCode::FORBIDDEN),
//!     ("admin", "/admin/users", StatusCode::OK),
//!     // No rule is for it.
//!     ("admin", "/internal/dump", StatusCode::FORBIDDEN),
//! ] {
//!     let answer = ServiceExt::<Request<()>>::oneshot(service.clone(), request_of(role, path)?).await?;
//!     assert_eq!(answer.status(), status, "{role} {path}");
//! }
//! let anonymous = ServiceExt::<Request<()>>::oneshot(service, Request::get("/orders").body(())?).await?;
//! assert_eq!(anonymous.status(), StatusCode::UNAUTHORIZED);
//! # Ok(())
//! # }
//! ```
#![doc = include_str!("guide.md")]

mod config;
mod error;
mod expression;
mod layer;
mod params;
mod refusal;
mod requirement;
mod roles;
mod service;
mod table;
#[cfg(test)]
mod tests;
mod tripwire;

pub use config::RequireBuilder;
pub use error::RequireConfigError;
pub use layer::RequireLayer;
pub use refusal::RequireRefusal;
pub use requirement::{
    Requirement, acr, all_roles, all_scopes, any_acr, any_role, any_scope, authenticated, deny_all,
    max_age, method, mfa, predicate, public, role, same_subject, scope,
};
pub use service::Require;
pub use table::{Access, AccessConfigError, AccessTable, AccessTableBuilder};
pub use tripwire::{RequireAuthorization, Tripwire, TripwireFuture, UndecidedErrors};
