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
//! 1. request context: id, client address, scheme, what the layers share
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
//! Headers and CORS stand outside everything that can refuse, so that a browser can read a 401, 429 or 500.
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
//! - **`Router::route_layer(stack)`**: for matched routes alone. A preflight (`OPTIONS`) then meets the router's 405 before
//!   `cors`: use `layer`.
//!
//! One `.layer(stack)` costs axum one boxed service; ten `.layer(..)` calls cost ten.
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

mod context;
mod posture;
mod protections;
mod slots;

use std::sync::Arc;

use tower_layer::{Identity, Layer};

use crate::core::{
    Clock, ConfigErrors, EventSink, RejectionRenderer, SchemeSource, TrustedProxies,
};
use crate::cors::CorsLayer;
use crate::csrf::CsrfLayer;

pub use context::{ContextAmendment, ContextLayer, ContextService};
pub use posture::{Posture, PostureEntry, PostureState};
pub use slots::{
    AfterAuth, BeforeAuth, EmptySlot, Innermost, Position, Protection, ProvidesPrincipal,
};
use slots::stack;

stack! {
    /// Security headers of every answer.
    headers: Headers { protection },
    /// The content security policy.
    csp: Csp { protection },
    /// Hardening of every `Set-Cookie`.
    cookies: Cookies { protection },
    /// Which origins may read answers.
    cors: Cors { protection },
    /// Replacing what must not leave the server.
    error_mask: ErrorMask { protection },
    /// Refusing clients that were banned.
    bans: Bans { protection },
    /// HTTPS alone, and the host allow-list.
    https: Https { protection },
    /// Rate limits by address.
    rate_limit: RateLimit { protection },
    /// Shedding load.
    overload: Overload { protection },
    /// Limits of size and time.
    limits: Limits { protection },
    /// The endpoint for reports of policy violations.
    csp_reports: CspReports { protection },
    /// Refusing forged cross-site requests.
    csrf: Csrf { protection },
    before_auth: Before { extra BeforeAuth },
    /// Who is asking. Fill it before the slots that need a principal.
    auth: Auth { protection, ProvidesPrincipal },
    after_auth: After { extra AfterAuth },
    /// Rate limits by principal. After `auth`.
    rate_limit_by_principal: ByPrincipal { protection; needs Auth },
    /// The tripwire for handlers that decided nothing. After `auth`.
    require_authorization: Tripwire { protection; needs Auth },
    /// Roles and scopes by route. After `auth`.
    access: Access { protection; needs Auth },
    /// Refusing what is malformed.
    sanitize: Sanitize { protection },
    /// Does this user own this resource? After `auth`.
    ownership: Ownership { protection; needs Auth },
    innermost: Inner { extra Innermost },
    /// Makes the handler's body one that a refusal can be made of. For foreign body types alone: the compiler's note on
    /// `RejectionBody` tells when.
    body_adapter: Adapter { adapter },
}
