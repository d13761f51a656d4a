//! `CspLayer`: a content security policy with every answer, against injected script ([CWE-79]), foreign framing ([CWE-1021]) and
//! what else injected markup can load or send ([CSP3], [OWASP cheat sheet]).
//!
//! A policy says which scripts run. The safest one trusts no place but a *nonce*: a random word that the header of an answer says
//! and each of its script tags repeats. What an attacker injects cannot know it.
//!
//! # Decision
//!
//! Of a request:
//!
//! 1. A policy of the layer has a place for a nonce: one is drawn, and [`CspNonce`] is put into the request's extensions in place of
//!    any other. A gRPC call gets none. No policy has one, and neither has the request: nothing is drawn.
//! 2. The system has no randomness to give: the handler gets no nonce, the answer the form without (step 4.3 below). The event is
//!    `crypt_encrypt_fail`, code `nonce_unavailable`.
//!
//! Of an answer, whatever its status and method, because an error page is a page:
//!
//! 1. `1xx` and gRPC (one type, `application/grpc*`): untouched.
//! 2. Which policy: that of a [`CspOverride`] around the route, else the layer's.
//! 3. The handler has set the header itself: [`Precedence`] says whether it stays, is replaced, or gets the layer's beside it. The
//!    enforced and the report-only header are decided each by itself.
//! 4. Which form of it:
//!    1. **304**: a policy with a nonce is not sent, and no line of the handler's that would take its place in a cache: the browser
//!       shows the body that it has stored, with the nonce and the header of then. A policy without a nonce is sent.
//!    2. **Documents** get the policy with the nonce: `text/html`, `application/xhtml+xml`, `multipart/x-mixed-replace`, what has no
//!       type, several (browsers take the last) or none that a browser can read, and what
//!       [`nonce_media_types`](CspLayerBuilder::nonce_media_types) adds.
//!    3. **Everything else**, and 204, 205 and redirects, gets the *twin*: without the nonce, and without what the nonce had switched
//!       off, such as `'unsafe-inline'` for old browsers. A list that is left empty is `'none'`. It is never looser.
//!    4. **JavaScript** gets the *script twin*, in which `script-src` is `'self'`: a worker obeys the policy of its own script, and
//!       under `'none'` it could not import any.
//! 5. `upgrade-insecure-requests` is left out if the request is known to have come over plain HTTP ([`CspLayerBuilder::scheme`]).
//! 6. A nonce is sent, and the handler has set no `Cache-Control`: `Cache-Control: no-store` ([`NonceCaching`]).
//! 7. `Reporting-Endpoints` is added to documents, beside the handler's own.
//!
//! The layer refuses nothing at run time and asks nothing of the body. What is wrong with a policy is refused when it is built.
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response, header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE}};
//! use http_body_util::Full;
//! use std::convert::Infallible;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_security::csp::{CspLayer, CspNonce};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let page = service_fn(|request: Request<()>| async move {
//!     let nonce = CspNonce::from_extensions(request.extensions()).map(|nonce| nonce.to_string());
//!     let page = format!("<!doctype html><script nonce=\"{}\">start()</script>", nonce.unwrap_or_default());
//!     let page = Response::builder().header(CONTENT_TYPE, "text/html; charset=utf-8").body(Full::new(Bytes::from(page)));
//!     Ok::<_, Infallible>(page.unwrap_or_default())
//! });
//! let answer = ServiceExt::<Request<()>>::oneshot(CspLayer::strict().layer(page), Request::new(())).await?;
//!
//! let policy = answer.headers()[CONTENT_SECURITY_POLICY].to_str()?;
//! assert!(policy.starts_with("default-src 'none'; base-uri 'none'; connect-src 'self'; "));
//! assert!(policy.contains("; script-src 'nonce-"));
//! assert_eq!(answer.headers()[CACHE_CONTROL], "no-store");
//! # Ok(())
//! # }
//! ```
#![doc = include_str!("guide.md")]
//!
//! [CSP3]: https://www.w3.org/TR/CSP3/
//! [CWE-79]: https://cwe.mitre.org/data/definitions/79.html
//! [CWE-1021]: https://cwe.mitre.org/data/definitions/1021.html
//! [OWASP cheat sheet]: https://cheatsheetseries.owasp.org/cheatsheets/Content_Security_Policy_Cheat_Sheet.html

mod config;
mod forms;
mod future;
#[cfg(feature = "csp-hashes")]
mod hashes;
mod layer;
mod media;
mod nonce;
mod policy;
#[cfg(feature = "csp-report")]
pub mod report;
mod route;
mod service;
#[cfg(test)]
mod tests;

pub use config::{CspLayerBuilder, CspLayerConfigError, NonceCaching, Precedence};
pub use future::{CspAmendment, CspFuture};
#[cfg(feature = "csp-hashes")]
pub use hashes::{CspHashes, CspHashesBuilder, CspHashesError};
pub use layer::CspLayer;
pub use nonce::CspNonce;
pub use policy::{
    Csp, CspBuilder, CspConfigError, CspLint, CspPolicy, CspProblem, ReportEndpoint, SandboxFlag,
    Source, TrustedTypes, Webrtc,
};
pub use route::{CspOverride, CspOverrideAmendment, CspOverrideService};
pub use service::CspService;
