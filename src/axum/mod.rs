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

mod answers;
mod auth;
mod csp;

#[cfg(feature = "_jwt")]
pub use auth::Claims;
pub use auth::{Auth, ScopeSet, Scoped};
