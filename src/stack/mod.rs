//! `SecurityStack`: every layer in the right place, whatever the order in which it was named.
//!
//! A layer that stands in the wrong place protects less than it seems to: a 429 that lacks its CORS headers is unreadable for
//! the page that caused it, and a rate limiter inside authentication counts nothing of a password attack. The stack has one
//! typed slot for each layer and applies them in one fixed order.
//!
//! # Order
//!
//! From the outside to the handler:
//!
//! 1. request context: id, client address, scheme, what the layers share; HSTS, if `https` is filled
//! 2. `headers`, `csp`, `cookies`
//! 3. `cors`
//! 4. `error_mask`
//! 5. `bans`, `https`
//! 6. `rate_limit`, `overload`
//! 7. `limits`, `csp_reports`
//! 8. `csrf`
//! 9. `.extra(BeforeAuth, ..)`, `auth`, `.extra(AfterAuth, ..)`
//! 10. `rate_limit_by_principal`
//! 11. `require_authorization`
//! 12. `access`
//! 13. `sanitize`
//! 14. `ownership`
//! 15. `.extra(Innermost, ..)`, the body adapter, the handler
//!
//! Headers and CORS stand outside everything that can refuse, so that a browser can read a 401, 429 or 500. Why each stands where it
//! stands, and what it sees there, is told in the [manual](crate::manual::order).
//!
//! [`SecurityStack::web`], [`api`](SecurityStack::api) and [`grpc`](SecurityStack::grpc) start with some slots filled.
//!
//! # What the layers do for each other
//!
//! - `https` tells all others where the scheme is learnt, unless `.scheme(..)` says so, and its HSTS is written in place 1: on the
//!   answers of every layer.
//! - Beside a `cors` policy for any origin, a preset's `Cross-Origin-Resource-Policy` becomes `cross-origin`: what every page may read
//!   it may also include. One that was chosen by hand stays.
//! - `csrf` trusts the origins of `cors` when told to: [`SecurityStack::trust_cors_origins`].
//!
//! # What does not compile
//!
//! A slot that is filled twice, a value that is no protection, and `ownership`, `access`, `require_authorization` or
//! `rate_limit_by_principal` before `auth`:
//!
//! ```compile_fail,E0277
//! use tower_security::csrf::CsrfLayer;
//! use tower_security::stack::SecurityStack;
//!
//! let stack = SecurityStack::new().csrf(CsrfLayer::new()).csrf(CsrfLayer::new());
//! ```
//!
//! # What it does not do
//!
//! It owns no router, no server and no database. Each layer works without it. It cannot protect what never passes through it: a
//! route added to the router after `.layer(stack)`, a second listener.
//!
//! # Where to put it
//!
//! - **Around the whole service** (`stack.layer(router)`, hyper): before routing. It sees every request, also those that match no
//!   route, and no route template.
//! - **`Router::layer(stack)`** (axum): after routing, for each route and for the fallback. It sees the route template.
//! - **`Router::route_layer(stack)`**: for matched routes alone, so that the router's 404 lacks the headers and cannot be read by
//!   a page. On a single method, `get(handler).route_layer(stack)`, preflights (`OPTIONS`) meet the router's 405 instead.
//!
//! What writes paths anew (trailing slashes taken off, lower case) stands outside of the stack, and on axum around the router:
//! `NormalizePathLayer::trim_trailing_slash().layer(router)`. Inside, rules were decided about another path than the handler gets.
//!
//! One `.layer(stack)` costs axum one boxed service; ten `.layer(..)` calls cost ten.
//!
//! With the feature `serde` a stack can come from a file and be replaced while it runs: `stack::config`.
//!
//! A stack around a service that has a stack inside: the inner one uses the request context of the outer one.
//!
//! # Example
//!
//! A page of another site may not post:
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Full;
//! use std::convert::Infallible;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_security::cors::CorsLayer;
//! use tower_security::csrf::CsrfLayer;
//! use tower_security::stack::SecurityStack;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let stack = SecurityStack::new()
//!     .csrf(CsrfLayer::new())
//!     .cors(CorsLayer::builder().origins(["https://app.example.com"]).build()?);
//! let service = stack.layer(service_fn(|_: Request<()>| async {
//!     Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"done"))))
//! }));
//!
//! let forged = Request::post("/transfer").header("sec-fetch-site", "cross-site").body(())?;
//! let answer = ServiceExt::<Request<()>>::oneshot(service.clone(), forged).await?;
//! assert_eq!(answer.status(), StatusCode::FORBIDDEN);
//!
//! let own = Request::post("/transfer").header("sec-fetch-site", "same-origin").body(())?;
//! let answer = ServiceExt::<Request<()>>::oneshot(service, own).await?;
//! assert_eq!(answer.status(), StatusCode::OK);
//! # Ok(())
//! # }
//! ```

mod answers;
mod builder;
#[cfg(feature = "serde")]
pub mod config;
mod context;
#[cfg(feature = "limits")]
mod limits;
mod permissions;
mod posture;
mod presets;
mod protections;
#[cfg(feature = "sanitize")]
mod sanitize;
mod slot;

pub use answers::Answers;
pub use builder::SecurityStack;
pub use context::{ContextAmendment, ContextLayer, ContextService};
pub use posture::{Posture, PostureEntry, PostureState};
pub use slot::{
    AfterAuth, BeforeAuth, EmptySlot, Extra, Innermost, Position, Protection, ProvidesOrigins,
    ProvidesPrincipal, TakesOrigins,
};
