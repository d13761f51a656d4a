//! `HttpsLayer`: redirects or refuses what comes without TLS, and has browsers remember that this host speaks HTTPS alone
//! ([CWE-319](https://cwe.mitre.org/data/definitions/319.html), [RFC 6797], [OWASP cheat sheet]).
//!
//! Whoever sits between a browser and a plain port reads cookies and tokens, changes pages, and keeps the user on plain HTTP (SSL
//! stripping). A redirect alone does not help against the last; `Strict-Transport-Security` does, from the second visit on.
//!
//! # Decision
//!
//! The first line that decides wins:
//!
//! 1. With [`allowed_hosts`](HttpsBuilder::allowed_hosts), the host cannot be read: 400 `host_invalid`. It is not in the list: 400
//!    `host_refused`. Over TLS too.
//! 2. The scheme: what the stack has found already ([`RequestScheme`]), else what the [`SchemeSource`] says. It needs the peer and
//!    there is none: 500 `peer_address_missing`. The scheme in the request itself is never read; the client writes it.
//! 3. Over TLS: **pass**, and the answer gets HSTS, unless the host is `localhost`, a name below it, an address or none.
//! 4. Exempt ([`exempt_acme`](HttpsBuilder::exempt_acme), [`exempt_path`](HttpsBuilder::exempt_path),
//!    [`allow_loopback`](HttpsBuilder::allow_loopback)): **pass**, without HSTS.
//! 5. [`OnInsecure::Reject`]: 403 `https_required`, without a location.
//! 6. [`OnInsecure::Redirect`]: what could not follow is refused as in 5: gRPC, CONNECT, a protocol in `Upgrade`, `OPTIONS *`.
//!    The host cannot be read: 400 `host_invalid`. It is not in the list of [`RedirectHost::allow`]: 400 `host_refused`. Everything
//!    else is redirected: 308, `https://`, the host, the port unless it is 443, and the path and query byte for byte.
//!
//! The host is `:authority` of HTTP/2 or the authority of an absolute target, else `Host`; where there are both, they must agree.
//! It cannot be read if it stands twice, is missing or empty, has a user name, a port that is none, or a byte that no host has.
//! `X-Forwarded-Host` is never read. Hosts are compared without case, port and final dot.
//!
//! [`HttpsPolicy::check`] is this ladder. A refusal never calls the service; its reason, an [`HttpsRefusal`], stands in the
//! extensions of the answer.
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Full;
//! use std::convert::Infallible;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_security::core::{SchemeSource, Tls};
//! use tower_security::https::{HttpsLayer, HttpsRefusal, OnInsecure, RedirectHost};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let layer = HttpsLayer::builder(SchemeSource::Tls)
//!     .on_insecure(OnInsecure::Redirect(RedirectHost::allow(["app.example.com"])))
//!     .build()?;
//! let service = layer.layer(service_fn(|_: Request<()>| async {
//!     Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"orders"))))
//! }));
//!
//! // The acceptor of the TLS port inserts `Tls` into every request.
//! let secure = Request::get("/orders").header("host", "app.example.com").extension(Tls).body(())?;
//! let answer = ServiceExt::<Request<()>>::oneshot(service.clone(), secure).await?;
//! assert_eq!(answer.headers()["strict-transport-security"], "max-age=63072000; includeSubDomains");
//!
//! let plain = Request::get("/orders?page=2").header("host", "app.example.com").body(())?;
//! let answer = ServiceExt::<Request<()>>::oneshot(service.clone(), plain).await?;
//! assert_eq!(answer.status(), StatusCode::PERMANENT_REDIRECT);
//! assert_eq!(answer.headers()["location"], "https://app.example.com/orders?page=2");
//!
//! // A cache or a link in a mail would carry a redirect to a host that the attacker wrote.
//! let forged = Request::get("/orders").header("host", "evil.example").body(())?;
//! let answer = ServiceExt::<Request<()>>::oneshot(service, forged).await?;
//! assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
//! assert_eq!(answer.extensions().get(), Some(&HttpsRefusal::HostNotAllowed));
//! # Ok(())
//! # }
//! ```
#![doc = include_str!("guide.md")]
//!
//! [`RequestScheme`]: crate::core::RequestScheme
//! [`SchemeSource`]: crate::core::SchemeSource
//! [OWASP cheat sheet]: https://cheatsheetseries.owasp.org/cheatsheets/HTTP_Strict_Transport_Security_Cheat_Sheet.html
//! [RFC 6797]: https://www.rfc-editor.org/rfc/rfc6797

mod check;
mod config;
mod error;
mod exempt;
mod host;
mod hsts;
mod layer;
mod service;

pub use check::{HttpsDecision, HttpsPolicy, HttpsRefusal};
pub use config::{HttpsBuilder, OnInsecure, RedirectHost, RedirectStatus};
pub use error::HttpsConfigError;
pub use hsts::{Hsts, HttpsAmendment};
pub use layer::HttpsLayer;
pub use service::Https;
