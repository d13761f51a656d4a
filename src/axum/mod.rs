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

mod answers;
mod csp;
