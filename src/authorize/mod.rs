//! Authorization by who is asking: scopes, roles, strength and age of the login.
//!
//! For functions that not everybody may call ([OWASP API5:2023](https://owasp.org/API-Security/editions/2023/en/0xa5-broken-function-level-authorization/),
//! CWE-285, CWE-862) and for a step up before what is grave (RFC 9470). What is asked of a principal is a [`Requirement`]; a
//! [`RequireLayer`] has one, for one route or for all.
//!
//! # What happens to a request
//!
//! 1. Nobody is logged in (no [`Principal`](crate::core::Principal) was attached): 401 `authentication_required`, with the challenges of the
//!    authentication layer, also where that layer lets anonymous requests pass.
//! 2. Each part of the requirement is looked at. Of what fails the client is told one thing, in this order: scope (403
//!    `insufficient_scope`, with the scopes that would do), role, method and predicate (403 `forbidden`), then `acr` (401
//!    `stronger_authentication`), age (401 `recent_authentication`) and factors (401 `stronger_authentication`).
//! 3. All is met: the request passes. A role or predicate, and what [`decides`](Requirement::decides), is noted as a decision in the
//!    request's ledger; to be logged in, a scope, or a recent login are not, since they are no right to any object.
//!
//! Over gRPC a 401 is `UNAUTHENTICATED` (16), a 403 `PERMISSION_DENIED` (7), with the same challenges as metadata.
//!
//! # Defaults
//!
//! There are none: what is required has to be said, and an empty list is a mistake. Scopes, roles and `acr` values are compared exactly
//! (RFC 6749 section 3.3: case-sensitive); `orders` includes no `orders:read`, and there are no wildcards.
//!
//! # What it does not do
//!
//! It knows nothing of objects: whether order 7 is the caller's is asked elsewhere. It believes the principal, whoever has attached it.
//! A connection that stays open (WebSocket, SSE, a gRPC stream) was asked when it began and is not asked again.
//!
//! An API key proves no login in person: it says neither `auth_time` nor `acr` nor `amr`, and never meets [`max_age`], [`mfa`] or
//! [`acr`], however often its owner would follow a challenge. So it gets none, but 403 `forbidden`. Where programs are to get in too, write
//! `max_age(age).or(method(AuthMethod::ApiKey))`, or give them a route of their own.
//!
//! # In axum
//!
//! `route_layer` on a method router asks for all methods of one path that stand *before* it. What is added after it is asked for
//! nothing:
//!
//! ```
//! # #[cfg(feature = "axum")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use axum::Router;
//! use axum::routing::get;
//! use tower_security::authorize::RequireLayer;
//!
//! # async fn list() {}
//! # async fn create() {}
//! # async fn index() {}
//! let require = RequireLayer::role("admin").build()?;
//! let router: Router = Router::new()
//!     .route("/admin", get(list).post(create).route_layer(require))
//!     .route("/", get(index));
//! // Not `get(list).route_layer(require).post(create)`: everybody could create.
//! # let _ = router;
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "axum"))]
//! # fn main() {}
//! ```
//!
//! It is the same with `Router::route_layer` and `Router::layer`: routes that are added afterwards are asked for nothing.
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
//! use tower_security::authorize::RequireLayer;
//! use tower_security::core::{AuthMethod, Principal};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let service = RequireLayer::scope("orders:write").build()?.layer(service_fn(|_: Request<()>| async {
//!     Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"ordered"))))
//! }));
//!
//! // What an authentication layer does.
//! let request_of = |scope: &str| {
//!     let mut request = Request::new(());
//!     let alice = Principal::builder("alice").scopes([scope]).method(AuthMethod::Bearer).build();
//!     alice.dangerous_attach(request.extensions_mut());
//!     request
//! };
//! let allowed = ServiceExt::<Request<()>>::oneshot(service.clone(), request_of("orders:write")).await?;
//! assert_eq!(allowed.status(), StatusCode::OK);
//!
//! let refused = ServiceExt::<Request<()>>::oneshot(service, request_of("orders:read")).await?;
//! assert_eq!(refused.status(), StatusCode::FORBIDDEN);
//! assert_eq!(
//!     refused.headers()["www-authenticate"],
//!     "Bearer realm=\"api\", error=\"insufficient_scope\", \
//!      error_description=\"The access token lacks a required scope\", scope=\"orders:write\"",
//! );
//! # Ok(())
//! # }
//! ```

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
