//! `CspReportLayer`: takes what browsers report of broken policies ([CSP3, section 5], [Reporting API]) and makes security events of
//! it, so that an injection that the policy stopped, or a policy that breaks the site, is heard of.
//!
//! **Anybody can send anything here**: a report is a hint, never a ground for a decision. The endpoint is built for hostile senders: what
//! it reads, keeps and tells has fixed limits.
//!
//! # Decision
//!
//! 1. Another path: **pass**, untouched. [`CspReportService`] has no path and takes every request.
//! 2. `OPTIONS` that is a preflight, with [`Collect::AnyOrigin`]: **204** that allows `POST` with `content-type` to any origin, without
//!    credentials. Any other method but `POST`: 405 with `Allow: POST`.
//! 3. The content type is none of `application/csp-report`, `application/reports+json` and `application/json`, or stands twice: 415
//!    `report_type_unsupported`. The body is compressed: 415 `report_encoding_unsupported`.
//! 4. The body has more than 64 KiB, announced or read: 413 `report_too_large`. It is not read any further.
//! 5. The body breaks off, is no JSON, has more than eight lists and objects inside each other, or is no report: 400
//!    `report_malformed`.
//! 6. Otherwise **204**, whatever becomes of the reports.
//!
//! A refusal is `application/problem+json`, over gRPC a status, with a [`CspReportRefusal`] in the extensions of the answer; one
//! a minute becomes an event `input_validation_fail`, with the number of those in between.
//!
//! # What becomes of a report
//!
//! 1. Of one request the first 32 are looked at, and of those the kinds of [`ReportKind`].
//! 2. Addresses lose user information, query and fragment, and become a scheme alone where they hold a document (`data:`). A text
//!    has at most 512 bytes, a sample 40 characters; the policy itself is left out. Control and bidirectional characters are
//!    escaped.
//! 3. What a browser extension caused is filtered: `chrome-extension moz-extension safari-extension safari-web-extension
//!    ms-browser-extension` as blocked address or source file, `about` as blocked address.
//! 4. The same directive, blocked origin and path of a page are told once a minute; a table of 1,024 entries remembers them.
//! 5. At most 600 are told in a minute, of all kinds.
//! 6. A report that is told is handed to [`CspReportBuilder::on_report`]. A `csp-violation` or `integrity-violation` is also an event
//!    `malicious_csp_violation`: its code is the directive, its level `warn` if the browser blocked, `info` if the policy only
//!    reports.
//!
//! Everything that is not told is counted: [`CspReportStats`].
//!
//! # Defaults
//!
//! | setting | default | because |
//! |---|---|---|
//! | [`cross_origin`](CspReportBuilder::cross_origin) | [`Collect::SameOrigin`] | pages report to their own origin; nobody else's browser has to be helped to |
//! | [`events`](CspReportBuilder::events), [`clock`](CspReportBuilder::clock) | the stack's | one log, one time |
//! | [`on_report`](CspReportBuilder::on_report) | nothing | the events are enough to see an attack |
//!
//! The limits are no settings: a real report has 1 to 4 KiB and three levels, a browser sends a few a minute.
//!
//! # What it does not stop
//!
//! - Forged reports. A sender of many different ones uses up the budget of a minute, and real ones are then counted, not told: put
//!   the layer inside of a rate limit by address.
//! - Secrets in paths: `/reset/3f9c` stays in the address of the page.
//! - Slow senders. Time limits belong to the server, or to a layer outside.
//!
//! # Caveats
//!
//! - Place it inside of the rate limit and the body limit, outside of CSRF protection and of authentication: a browser reports from
//!   pages of people who are not logged in, and a report is a `POST`. Cookies and `Origin` that come along are neither read nor
//!   told.
//! - With [`Collect::AnyOrigin`] a [`CorsLayer`](crate::cors::CorsLayer) further outside answers preflights first: the other origins have to
//!   be listed there too, or the endpoint served beside it.
//! - `report-to` needs a `Reporting-Endpoints` header and is sent in batches, after up to a minute; `report-uri` at once. Browsers that
//!   know `report-to` ignore `report-uri` beside it.
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Full;
//! use std::convert::Infallible;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_security::csp::report::CspReportLayer;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let reports = CspReportLayer::at("/csp-report")?;
//! let service = reports.layer(service_fn(|_: Request<Full<Bytes>>| async {
//!     Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("page")))
//! }));
//!
//! let report = r#"{"csp-report": {"document-uri": "https://a.example/", "effective-directive": "script-src-elem",
//!     "blocked-uri": "https://evil.example/x.js"}}"#;
//! let request = Request::post("/csp-report").header("content-type", "application/csp-report").body(Full::from(report))?;
//! let answer = ServiceExt::<Request<Full<Bytes>>>::oneshot(service, request).await?;
//! assert_eq!(answer.status(), StatusCode::NO_CONTENT);
//! assert_eq!(reports.stats().told, 1);
//! # Ok(())
//! # }
//! ```
//!
//! With a collector of its own for several sites, and a request that is refused:
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, StatusCode};
//! use http_body_util::Full;
//! use tower::ServiceExt;
//! use tower_security::csp::report::{BrowserReport, Collect, CspReportRefusal, CspReportService};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let endpoint = CspReportService::builder()
//!     .cross_origin(Collect::AnyOrigin)
//!     .on_report(|report: &BrowserReport| println!("{} on {}", report.kind().as_str(), report.document()))
//!     .service();
//!
//! let request = Request::post("/").header("content-type", "application/reports+json").body(Full::<Bytes>::from("[[]]"))?;
//! let answer = ServiceExt::<Request<Full<Bytes>>>::oneshot(endpoint, request).await?;
//! assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
//! assert_eq!(answer.extensions().get(), Some(&CspReportRefusal::Shape));
//! # Ok(())
//! # }
//! ```
//!
//! [CSP3, section 5]: https://www.w3.org/TR/CSP3/#reporting
//! [Reporting API]: https://www.w3.org/TR/reporting-1/

mod address;
mod browser_report;
mod config;
mod future;
mod layer;
mod parse;
mod quota;
mod refusal;
mod service;

pub use browser_report::{BrowserReport, Disposition, ReportKind};
pub use config::{Collect, CspReportBuilder, CspReportConfigError};
pub use future::CspReportFuture;
pub use layer::{CspReportLayer, CspReportStats};
pub use refusal::CspReportRefusal;
pub use service::{CspReportService, CspReports};
