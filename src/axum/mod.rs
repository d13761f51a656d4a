//! Adapters for axum: its body, answers that handlers return, and what handlers take as arguments.
//!
//! With `into_make_service_with_connect_info::<SocketAddr>()` the address of the peer is found too.
//!
//! [`CspNonce`](crate::csp::CspNonce) is an argument of handlers:
//!
//! ```
//! use axum::Router;
//! use axum::response::Html;
//! use axum::routing::get;
//! use tower_security::csp::{CspLayer, CspNonce};
//!
//! async fn page(nonce: CspNonce) -> Html<String> {
//!     Html(format!("<!doctype html><script nonce=\"{nonce}\">start()</script>"))
//! }
//!
//! let app: Router = Router::new().route("/", get(page)).layer(CspLayer::strict());
//! # let _ = app;
//! ```
//!
//! So is who is asking: [`Auth`], and [`Scoped`] for whoever was granted a scope. They never take a request for anonymous because a
//! layer is missing.
//!
//! So is an object that the caller may have: [`Owned`] loads and checks it, [`Granted`](crate::ownership::Granted) was loaded by a layer,
//! [`Authz`](crate::ownership::Authz) asks about the others, and [`Public`] says that nobody has to be asked.
//!
//! And so is what a handler answers its errors with: [`RefusalContext`](crate::core::RefusalContext) makes of an error of this crate the
//! answer that a layer would give, in the rendering of the stack.
//!
//! ```
//! use std::sync::Arc;
//!
//! use axum::Router;
//! use axum::extract::State;
//! use axum::http::request::Parts;
//! use axum::response::Response;
//! use axum::routing::post;
//! use tower_security::core::RefusalContext;
//! use tower_security::rate_limit::login::{LoginAttempt, LoginThrottle};
//!
//! async fn log_in(
//!     State(throttle): State<Arc<LoginThrottle>>,
//!     context: RefusalContext,
//!     head: Parts,
//!     password: String,
//! ) -> Result<&'static str, Response> {
//!     let attempt = throttle.begin(LoginAttempt::new("alice").head(&head)).await;
//!     let guard = attempt.map_err(|refusal| context.refuse(refusal))?;
//!     // The password is looked at here.
//! #   let _ = password;
//!     let _cookie = guard.success();
//!     Ok("welcome")
//! }
//!
//! let app: Router<Arc<LoginThrottle>> = Router::new().route("/login", post(log_in));
//! # let _ = app;
//! ```
//!
//! A [`Rejection`](crate::core::Rejection) is an answer by itself too, for handlers that serve nothing but JSON.

mod answers;
mod auth;
mod csp;
mod owned;

#[cfg(feature = "_jwt")]
pub use auth::Claims;
pub use auth::{Auth, ScopeSet, Scoped};
pub use owned::{ActionType, ByMethod, Create, Delete, Owned, OwnedAction, Public, Read, Update};
