//! `CsrfLayer`: refuses requests that another site makes a browser send with the user's cookies
//! ([CWE-352](https://cwe.mitre.org/data/definitions/352.html), [OWASP cheat sheet]), without tokens.
//!
//! A browser says in `Sec-Fetch-Site` where a request comes from, and one of before 2023 in `Origin` or `Referer`; no page can
//! forge these headers. So nothing has to be put into forms, and nothing is kept on the server.
//!
//! # Decision
//!
//! The first line that decides wins:
//!
//! 1. `Sec-Fetch-Site` is `same-origin` or `none`: **pass**. The values are compared byte by byte.
//! 2. GET, HEAD or OPTIONS, neither a WebSocket handshake nor with a method-override header: **pass** (with [`Isolation`]: see
//!    below). Every other request is *checked*.
//! 3. `Sec-Fetch-Site` stands twice: refuse. It is `same-site`, `cross-site` or unknown: **pass** if `Origin` is trusted, else
//!    refuse.
//! 4. Without `Sec-Fetch-Site`: `Origin` stands twice, is `null` or no origin: refuse. It is this server's own or trusted:
//!    **pass**. Any other: refuse.
//! 5. Without `Origin`: `Referer` stands twice: refuse. It names a page of this server or of a trusted origin: **pass**. Of any
//!    other: refuse. More than 4,096 bytes count as none.
//! 6. Without all three: refuse with a cookie, or with an `Authorization` that browsers add by themselves; else **pass**
//!    ([`Missing`]).
//! 7. Before it is refused by 3 to 6: **pass** if the path is exempt ([`CsrfBuilder::dangerous_exempt`]).
//!
//! [`CsrfPolicy::check`] is this ladder; the layer answers a refusal with 403 `csrf_refused` (gRPC: `PERMISSION_DENIED`), never
//! calls the service then, and records an event `malicious_csrf`. The reason, a [`CsrfRefusal`], stands in the extensions of
//! the answer.
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Full;
//! use std::convert::Infallible;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_security::csrf::{CsrfLayer, CsrfRefusal};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let service = CsrfLayer::new().layer(service_fn(|_: Request<()>| async {
//!     Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"sent"))))
//! }));
//!
//! let own = Request::post("/transfer").header("sec-fetch-site", "same-origin").body(())?;
//! let answer = ServiceExt::<Request<()>>::oneshot(service.clone(), own).await?;
//! assert_eq!(answer.status(), StatusCode::OK);
//!
//! let forged = Request::post("/transfer").header("sec-fetch-site", "cross-site").body(())?;
//! let answer = ServiceExt::<Request<()>>::oneshot(service, forged).await?;
//! assert_eq!(answer.status(), StatusCode::FORBIDDEN);
//! assert_eq!(answer.extensions().get(), Some(&CsrfRefusal::CrossSite));
//! # Ok(())
//! # }
//! ```
#![doc = include_str!("guide.md")]
//!
//! [OWASP cheat sheet]: https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html

mod check;
mod compile;
mod config;
mod error;
mod exempt;
mod future;
mod layer;
mod service;

pub use check::{CsrfPolicy, CsrfRefusal, Missing, Pass};
pub use config::{CsrfBuilder, CsrfConfig, ExemptMethod, Isolation};
pub use error::CsrfConfigError;
pub use future::CsrfAmendment;
pub use layer::{CsrfHandle, CsrfLayer};
pub use service::Csrf;
