//! Does this user own this object? Decided before the handler is called, or by it before it acts.
//!
//! Against references to other people's objects ([OWASP API1:2023], CWE-639, CWE-863; ASVS 5.0, 8.2.2, 8.3.1, 8.4.1), and against the ways in
//! which such a check is got around: an id that two programs read differently (CWE-235, CWE-436, CWE-647), an answer that tells what exists,
//! a denial that nobody heeds, a right that was taken away and still counts.
//!
//! # What happens to a request
//!
//! [`OwnershipGuard`] has rules: a pattern or a gRPC method, where the id stands, and a [`Policy`].
//!
//! 1. The rule is found by the exact path of a gRPC method; else by the template of axum's router, if there is one; by the path where there
//!    is none, where a rule is for a part of the route alone, and behind a catch-all. Such a path has to be
//!    [canonical](crate::core::CanonicalPath) (else 404). Without a rule the request passes, and nothing is noted as decided
//!    ([`deny_unmatched`](OwnershipGuardBuilder::deny_unmatched): 404). But where a rule with a literal segment is for the end of the
//!    route, `/orders/{id}` of `/api/orders/{id}`, it was written for it and would not be asked: 500 `ownership_rule_nested` and the
//!    event `sys_crash`, until the rule has the whole template, or the route is said to be [nobody's](OwnershipGuardBuilder::unowned).
//! 2. Nobody is logged in, or not any more: 401 `authentication_required`. Nobody is asked about the object.
//! 3. The id is read once and has to be of the rule's [`IdShape`]. Missing, malformed or ambiguous: 404.
//! 4. The method says which [`Action`] it is; one that says none: 404.
//! 5. The policy is asked. [`Allow`](Decision::Allow): the handler is called. [`Deny`](Decision::Deny) and
//!    [`NotFound`](Decision::NotFound): 404. [`StepUp`](Decision::StepUp): 401, with what to log in with.
//!    [`Unavailable`](Decision::Unavailable): 503 `authorization_unavailable`, for an outage neither allows nor says that something is absent.
//! 6. The decision is noted in the request's [`AuthzLedger`](crate::core::AuthzLedger), and an event tells of each refusal and of each
//!    override by an administrator.
//!
//! All these 404 are the same bytes, the headers included. Events tell them apart: `authz_fail` with the code `object_denied`,
//! `object_absent`, `reference_malformed`, `reference_missing`, `method_unmapped`, `path_not_canonical` or `no_rule`, and
//! `malicious_direct_reference` with `reference_ambiguous`. Over gRPC a 401 is `UNAUTHENTICATED` (16), a 404 `NOT_FOUND` (5), a 403
//! `PERMISSION_DENIED` (7), a 503 `UNAVAILABLE` (14).
//!
//! [`LoadGuard`] does the same and brings the object along: it has loaders in place of policies. In a handler [`Authz`] does steps 2 to 6
//! for ids that no layer can see.
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Full;
//! use std::convert::Infallible;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_security::core::Principal;
//! use tower_security::ownership::{AccessRequest, Decision, IdShape, OwnershipGuard};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let owner = |request: &AccessRequest| match request.id() {
//!     "1" if request.principal().subject() == "alice" => Decision::Allow,
//!     "1" => Decision::Deny,
//!     _ => Decision::NotFound,
//! };
//! let guard = OwnershipGuard::builder().resource("/orders/{id}", owner).shape(IdShape::U64).build()?;
//! let service = guard.layer(service_fn(|_: Request<()>| async {
//!     Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"an order"))))
//! }));
//!
//! // What an authentication layer does.
//! let request_of = |who: &str, path: &str| {
//!     let mut request = Request::get(path).body(())?;
//!     Principal::builder(who).build().dangerous_attach(request.extensions_mut());
//!     Ok::<_, http::Error>(request)
//! };
//! let own = ServiceExt::<Request<()>>::oneshot(service.clone(), request_of("alice", "/orders/1")?).await?;
//! assert_eq!(own.status(), StatusCode::OK);
//!
//! for (who, path) in [("bob", "/orders/1"), ("bob", "/orders/9"), ("alice", "/orders/01")] {
//!     let refused = ServiceExt::<Request<()>>::oneshot(service.clone(), request_of(who, path)?).await?;
//!     assert_eq!(refused.status(), StatusCode::NOT_FOUND);
//! }
//! # Ok(())
//! # }
//! ```
#![doc = include_str!("guide.md")]
//!
//! [OWASP API1:2023]: https://owasp.org/API-Security/editions/2023/en/0xa1-broken-object-level-authorization/

mod authz;
mod cache;
mod case;
mod decision;
mod extract;
mod guard;
mod load;
pub mod policy;
mod request;
mod resource;

pub use authz::Authz;
pub use cache::{CachedPolicy, CachedPolicyBuilder};
pub use case::OwnershipRefusal;
pub(crate) use case::{Case, Manner, Scene, caller};
pub use decision::{AsyncPolicy, Decision, Policy, StepUp, Verdict, async_policy};
pub use extract::{
    ExtractError, HeaderId, IdShape, MetadataId, PathParam, PathPattern, QueryParam,
    ResourceExtractor, ResourceId,
};
pub(crate) use extract::{MAX_ID, router_value};
pub use guard::{
    OwnershipConfigError, OwnershipFuture, OwnershipGuard, OwnershipGuardBuilder, OwnershipService,
};
pub use load::{LoadGuard, Loaders};
pub use request::{AccessRequest, Action};
pub(crate) use request::{Params, Place, Route, RuleRoute};
pub use resource::{Granted, LoadError, OwnedResource, ResourceLoader, Scope};
