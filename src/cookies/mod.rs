//! `CookieLayer`: gives every `Set-Cookie` the attributes without which a cookie is read on the way ([CWE-614]), by scripts
//! ([CWE-1004]) or sent along with other sites' requests ([CWE-1275]), and binds sessions to their host.
//!
//! # What it does
//!
//! To each line of `Set-Cookie` by itself, read as a browser reads it ([RFC 6265bis], section 5.6); the order is kept:
//!
//! 1. A cookie of [`skip`](CookieBuilder::skip): left as it is.
//! 2. Browsers would refuse it: left out, with an event ([`CookieViolation`]). With [`Violation::Report`] it is sent.
//! 3. A cookie of [`host_prefix`](CookieBuilder::host_prefix): its name gets the prefix `__Host-`, its `Domain` goes.
//! 4. `__Host-` and `__Host-Http-`: `Path=/` takes the place of any other `Path`. Prefixes have no case.
//! 5. `Secure` is added; `HttpOnly` too, unless [`script_readable`](CookieBuilder::script_readable) names the cookie and no
//!    prefix demands it. Both count by their presence: `Secure=false` is secure.
//! 6. `SameSite=Lax` takes the place of none and of an unknown one. One that the handler has chosen is kept. Of several the last
//!    counts.
//!
//! What has all of this already is not touched, and deletions get the same: a browser would not find the cookie otherwise.
//!
//! To the cookies of a request, only with `host_prefix(["session"])`:
//!
//! 1. `__Host-session` reaches the handler as `session`. Two of them: neither does.
//! 2. What else could be read as `session` or `__Host-session` is removed, with an event: a sibling host may have planted it.
//!    So are `sess%69on`, which some parsers decode, `__host-session`, `=__Host-session=1` and the like.
//! 3. Other cookies keep their order. All lines become one, as [RFC 9113], section 8.2.3, asks for.
//!
//! [`CookiePolicy`] does both without Tower.
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use http::header::SET_COOKIE;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use std::convert::Infallible;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_security::cookies::CookieLayer;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let service = CookieLayer::strict().layer(service_fn(|_: Request<()>| async {
//!     let mut answer = Response::new(Full::new(Bytes::from_static(b"welcome")));
//!     for line in ["id=42; Path=/", "__Host-a=1; Domain=example.com"] {
//!         answer.headers_mut().append(SET_COOKIE, line.parse().unwrap());
//!     }
//!     Ok::<_, Infallible>(answer)
//! }));
//!
//! let answer = ServiceExt::<Request<()>>::oneshot(service, Request::new(())).await?;
//! let lines: Vec<_> = answer.headers().get_all(SET_COOKIE).iter().collect();
//! // Browsers refuse the other one: a cookie of one host has no domain.
//! assert_eq!(lines, ["id=42; Path=/; Secure; HttpOnly; SameSite=Lax"]);
//! # Ok(())
//! # }
//! ```
#![doc = include_str!("guide.md")]
//!
//! [CWE-614]: https://cwe.mitre.org/data/definitions/614.html
//! [CWE-1004]: https://cwe.mitre.org/data/definitions/1004.html
//! [CWE-1275]: https://cwe.mitre.org/data/definitions/1275.html
//! [RFC 6265bis]: https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis
//! [RFC 9113]: https://www.rfc-editor.org/rfc/rfc9113#section-8.2.3

mod check;
mod compile;
mod config;
mod error;
mod future;
mod layer;
mod parse;
mod rename;
mod service;

pub use check::{CookiePolicy, CookieViolation, Hardened};
pub use config::{CookieBuilder, CookieConfig, Violation};
pub use error::{CookieConfigError, NameProblem};
pub use future::CookieAmendment;
pub use layer::CookieLayer;
pub use parse::SameSite;
pub use rename::Restored;
pub use service::CookieService;
