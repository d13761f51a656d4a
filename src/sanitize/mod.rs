//! `SanitizeLayer`: refuses malformed and ambiguous requests, cleans the fields of HTML that it is told of, and changes nothing else
//! ([OWASP input validation], [CWE-20](https://cwe.mitre.org/data/definitions/20.html)).
//!
//! It is three things, each for what it can do:
//!
//! - **A guard of structure.** Paths that resolve elsewhere, targets and bodies that two programs read differently, repeated names and
//!   keys, what takes too much to parse: refused, never repaired.
//! - **Fields of HTML** (feature `sanitize-html`, [`html_json`](SanitizeBuilder::html_json), or the type [`SafeHtml`](html::SafeHtml)): the
//!   few fields that are meant to hold HTML are cleaned, at a cost that is bounded.
//! - **Signals.** A [`Detector`] of your own looks at fields that you name. What it finds is reported.
//!
//! Text types that validate themselves stand beside it: [`PlainLine`], [`PlainText`], [`Identifier`], [`SafeFileName`], `SafeUrl`. They
//! need no layer.
//!
//! # Decision
//!
//! The first rule that is broken and enforced decides; [`Rule`] has all of them.
//!
//! 1. [`Mode::Off`](crate::core::Mode::Off) or an [exempt request](SanitizeBuilder::dangerous_exempt): **pass**, unread.
//! 2. The request line and the host, the path, the query, the headers: [`RequestRules::check`] is these alone. None of them is changed,
//!    so that nothing behind sees another path than the one that was checked.
//! 3. No body, the body of an [exempt route](SanitizeBuilder::exempt_body), of a CONNECT, of a call of gRPC if
//!    [it may](SanitizeBuilder::grpc): **pass**, unread.
//! 4. The type of the body, its length and its encoding, as its headers tell them. JSON, `application/x-www-form-urlencoded` and
//!    `multipart/form-data` are inspected; of other types those pass that are [allowed](SanitizeBuilder::allow_type), in the compatible
//!    preset all.
//! 5. What is inspected is read to its end, up to [`body_limit`](SanitizeBuilder::body_limit), and checked: [`JsonRules::check`],
//!    [`ParamRules::check`], [`MultipartRules::check`].
//! 6. Fields of HTML are cleaned, detectors look at theirs.
//! 7. The service is called once, with the bytes that came. Only a body in which a field of HTML changed is another.
//!
//! A refusal is answered with the status of its rule and its code, never with anything of the input; the [`Violation`] stands in the
//! extensions of the answer, and an event `input_validation_fail` tells of it. The service is not called then. The exception is
//! [`MultipartRules::streaming`]: the handler reads while the body is checked, and the refusal takes the place of its answer.
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::{BodyExt, Full};
//! use std::convert::Infallible;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_security::sanitize::{GuardedBody, Rule, SanitizeLayer, Violation};
//!
//! async fn echo(request: Request<GuardedBody<Full<Bytes>>>) -> Result<Response<Full<Bytes>>, Infallible> {
//!     let body = request.into_body().collect().await.map(|body| body.to_bytes());
//!     Ok(Response::new(Full::new(body.unwrap_or_default())))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let service = SanitizeLayer::strict().layer(service_fn(echo));
//! let post = |path: &str, body: &'static str| {
//!     Request::post(path)
//!         .header("host", "app.example")
//!         .header("content-type", "application/json")
//!         .body(Full::from(body))
//! };
//!
//! let note = post("/notes", r#"{"author": "O'Brien", "text": "1 < 2; DROP TABLE notes"}"#)?;
//! let answer = ServiceExt::<Request<Full<Bytes>>>::oneshot(service.clone(), note).await?;
//! assert_eq!(answer.into_body().collect().await?.to_bytes(), r#"{"author": "O'Brien", "text": "1 < 2; DROP TABLE notes"}"#);
//!
//! for (path, body, rule) in [
//!     ("/files/..%2f..%2fetc/passwd", "{}", Rule::PathDotSegment),
//!     ("/users?id=1&id=2", "{}", Rule::ParamDuplicate),
//!     ("/users", r#"{"role": "user", "role": "admin"}"#, Rule::JsonDuplicateKey),
//!     ("/users", r#"{"__proto__": {"admin": true}}"#, Rule::JsonProtoKey),
//! ] {
//!     let answer = ServiceExt::<Request<Full<Bytes>>>::oneshot(service.clone(), post(path, body)?).await?;
//!     assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
//!     assert_eq!(answer.extensions().get().map(Violation::rule), Some(rule));
//! }
//! # Ok(())
//! # }
//! ```
#![doc = include_str!("guide.md")]
//!
//! [OWASP input validation]: https://cheatsheetseries.owasp.org/cheatsheets/Input_Validation_Cheat_Sheet.html

mod body;
mod check;
mod config;
mod content_type;
mod decide;
mod detector;
mod fields;
mod file_name;
mod future;
#[cfg(feature = "sanitize-html")]
pub mod html;
mod json;
mod layer;
mod multipart;
mod newtype;
#[cfg(not(feature = "sanitize-html"))]
mod no_html;
mod params;
mod path;
mod report;
mod rule;
mod rule_set;
#[cfg(feature = "sanitize-html")]
mod safe_url;
mod sanitized;
mod service;
mod signed;
mod text;
mod units;

pub use body::GuardedBody;
pub use check::RequestRules;
pub use config::{
    HeaderRules, JsonRules, MultipartRules, ParamRules, PathRules, SanitizeBuilder,
    SanitizeConfigError,
};
pub use detector::{Detector, Field, Finding};
pub use file_name::{FileNameError, SafeFileName};
pub use future::SanitizeFuture;
pub use layer::SanitizeLayer;
pub use report::{Part, SanitizeReport, Violation};
pub use rule::{Action, Rule};
pub use rule_set::RuleSet;
#[cfg(feature = "sanitize-html")]
pub use safe_url::{SafeUrl, UrlError};
pub use sanitized::{Sanitize, Sanitized};
pub use service::SanitizeService;
pub use text::{Identifier, IdentifierError, PlainLine, PlainText, TextError};

#[cfg(feature = "sanitize-html")]
use html::{HtmlBudget, HtmlCleaner, HtmlError};
#[cfg(not(feature = "sanitize-html"))]
use no_html::{HtmlBudget, HtmlCleaner, HtmlError};
