//! `CorsLayer`: which pages of other origins may read this server's answers.
//!
//! A browser keeps an answer from the page of another origin unless the server allows that origin by name (the [CORS protocol] of
//! the Fetch standard). A policy that allows too much hands the user's data to every site they visit ([CWE-942], [CWE-346]); one that
//! is told apart by loose comparison allows `https://example.com.evil.test`; one that forgets `Vary` lets caches mix up origins.
//!
//! # Decision
//!
//! 1. **Preflight**: an `OPTIONS` with both `Origin` and `Access-Control-Request-Method`. The service is not called.
//!    1. A policy that allows nothing that a preflight could ask for refuses at once.
//!    2. The origin: several lines, or none of the allowed ones: refused.
//!    3. The method: several lines, or neither `GET`, `HEAD`, `POST` nor one of the allowed ones: refused.
//!    4. The headers: one that is not allowed, or a list that no browser sends: refused.
//!    5. Success is **204** with no more than was asked for: this origin, this method, these headers. A refusal is a **403 without
//!       any CORS header**: a foreign origin does not learn what others are allowed. The reason is an event, `malicious_cors`.
//! 2. **Every other request**, any other `OPTIONS` included, reaches the service.
//!    1. Without [`any_origin`](CorsBuilder::any_origin) its answer, unless it is one to `OPTIONS`, gets `Vary: Origin`, whether it has an `Origin` or
//!       not.
//!    2. If its one `Origin` is allowed, the answer gets the headers that let the page read it. What the service has set of these
//!       itself is replaced.
//!    3. If it is not, the answer gets none, and one that the service has set is removed. With [`Refuse::PreflightAndActual`] the
//!       service is not called, and the answer is a 403 `origin_refused`, unless the origin is the server's own.
//!    4. With `any_origin` every answer gets `Access-Control-Allow-Origin: *`.
//!
//! Answers of all statuses are treated alike, so that a page can read an error. An error of the service (`Err`) is passed on as it
//! is.
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode, header::ACCESS_CONTROL_ALLOW_ORIGIN};
//! use http_body_util::Full;
//! use std::convert::Infallible;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_security::cors::CorsLayer;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let cors = CorsLayer::builder()
//!     .origins(["https://app.example.com"])
//!     .methods(["PUT"])
//!     .build()?;
//! let service = cors.layer(service_fn(|_: Request<()>| async {
//!     Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"order 1"))))
//! }));
//!
//! let request = Request::get("/orders/1").header("origin", "https://app.example.com").body(())?;
//! let answer = ServiceExt::<Request<()>>::oneshot(service.clone(), request).await?;
//! assert_eq!(answer.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], "https://app.example.com");
//!
//! let preflight = Request::options("/orders/1")
//!     .header("origin", "https://evil.example")
//!     .header("access-control-request-method", "PUT")
//!     .body(())?;
//! let answer = ServiceExt::<Request<()>>::oneshot(service, preflight).await?;
//! assert_eq!(answer.status(), StatusCode::FORBIDDEN);
//! assert!(answer.headers().is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! [CORS protocol]: https://fetch.spec.whatwg.org/#http-cors-protocol
//! [CWE-346]: https://cwe.mitre.org/data/definitions/346.html
//! [CWE-942]: https://cwe.mitre.org/data/definitions/942.html
#![doc = include_str!("guide.md")]

mod acrh;
mod builder;
mod check;
mod compile;
mod config;
mod fetch;
mod layer;
mod policy;
mod service;

pub use builder::{CorsBuilder, MaxAge, Refuse};
pub use check::{CorsRefusal, CorsVerdict, DuplicateHeader, OriginProblem};
pub use config::{CorsConfig, CorsConfigError, CorsOrigins};
pub use layer::{CorsHandle, CorsLayer};
pub use policy::CorsPolicy;
pub use service::{CorsAmendment, CorsService};
