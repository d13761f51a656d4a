//! `ErrorMaskLayer`: what breaks inside a service tells its clients nothing.
//!
//! A panic, the `Debug` text of a database error, a framework's words on a field it could not read: each names tables, paths, types and
//! versions to whoever provokes it ([CWE-209], [CWE-497]). OWASP calls it [mishandling of exceptional conditions]; ASVS 5.0 asks for a
//! generic answer (16.5.1), for failing closed (16.5.3) and for a handler of last resort (16.5.4). This layer is that handler: the client
//! gets a uniform answer, the log gets the words, and both have the id of the request.
//!
//! # What happens
//!
//! Of the **request** is kept how to answer it (gRPC, `HEAD`, HTML or JSON), its id, client, method and route or path. Then the service
//! is called. Panics are caught in the call, in every poll of its future, in every poll of the body and in their drops; what has
//! panicked is dropped and never polled again.
//!
//! 1. A panic before the head of the answer, or an error of the service: 500 `internal_error`, for gRPC status 13. Events `sys_crash`
//!    with code `panic` or `service_error`. An error never passes: tonic would send the message of a `Status` in it. Errors of
//!    `poll_ready` do pass, for the service is dead then.
//! 2. An interim answer (1xx, 101 too) is handed on untouched, its body included.
//! 3. `Server`, `X-Powered-By`, `X-AspNet-Version`, `X-Runtime` and `X-Debug-*` are taken off every answer and its trailers.
//!    [`strip_headers`](ErrorMaskBuilder::strip_headers) adds names.
//! 4. A refusal of this crate and a [`Problem`](crate::core::Problem) are handed on: their words were chosen. They are known by a typed
//!    extension of the response, which nothing that comes over the network can make.
//! 5. Status 5xx: the body is dropped, the status kept. `Retry-After`, `x-request-id` and
//!    [`keep_headers`](ErrorMaskBuilder::keep_headers) stay of the headers. Event `sys_crash`, code `internal_error`.
//! 6. Status 404 and 405 without a body, which is what routers answer with: the body of a refusal of this crate, so that a route that is
//!    not there looks like an object that one may not see. `Allow` and other headers stay.
//!    [`mask_all_not_found`](ErrorMaskBuilder::mask_all_not_found) is for those with a body.
//! 7. Status 4xx in `text/plain`, or with a body and no type, with [`mask_client_errors`](ErrorMaskBuilder::mask_client_errors): what a
//!    framework says of a bad request is replaced. Event `input_validation_fail`, level info, code `rejection_masked`.
//! 8. A gRPC status 2, 13, 14 or 15, in the head, in trailers or in the last frame of gRPC-Web: of the metadata stay
//!    `grpc-retry-pushback-ms` and what 5 keeps, `grpc-message` is fixed, `grpc-status-details-bin` goes. A status that is missing, stands
//!    twice or is none counts as 2. Other statuses are the handler's words. Event `sys_crash`, code `internal_error`.
//! 9. A panic or an error of a running body ends it with an **error**: the connection of HTTP/1 is cut, the stream of HTTP/2 reset. What
//!    has come never looks like the whole. Events `sys_crash` with code `body_panic` or `body_error`.
//!
//! The sink of events is told of each 404 by [`EventSink::status`](crate::core::EventSink::status).
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::{BodyExt, Full};
//! use std::convert::Infallible;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_security::ErrorMaskLayer;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let service = ErrorMaskLayer::new().layer(service_fn(|request: Request<()>| async move {
//!     let mut answer = Response::new(Full::new(Bytes::from_static(b"seven apples")));
//!     if request.uri().path() != "/orders/7" {
//!         *answer.body_mut() = Full::from("no such column: orders.total at db.rs:42");
//!         *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
//!     }
//!     Ok::<_, Infallible>(answer)
//! }));
//!
//! let order = Request::get("/orders/7").body(())?;
//! let answer = ServiceExt::<Request<()>>::oneshot(service.clone(), order).await?;
//! assert_eq!(answer.into_body().collect().await?.to_bytes(), "seven apples");
//!
//! let broken = Request::get("/orders/8").body(())?;
//! let answer = ServiceExt::<Request<()>>::oneshot(service, broken).await?;
//! assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
//! let body = answer.into_body().collect().await?.to_bytes();
//! assert_eq!(body, r#"{"title":"internal error","status":500,"code":"internal_error"}"#);
//! # Ok(())
//! # }
//! ```
#![doc = include_str!("guide.md")]
//!
//! [CWE-209]: https://cwe.mitre.org/data/definitions/209.html
//! [CWE-497]: https://cwe.mitre.org/data/definitions/497.html
//! [mishandling of exceptional conditions]: https://owasp.org/Top10/2025/A10_2025-Mishandling_of_Exceptional_Conditions/

mod body;
mod check;
mod config;
mod error;
mod grpc;
mod layer;
mod service;
#[cfg(test)]
mod tests;
mod watch;
mod web;

pub use body::{MaskedBody, MaskedBodyError};
pub use config::ErrorMaskBuilder;
pub use error::ErrorMaskConfigError;
pub use layer::ErrorMaskLayer;
pub use service::{ErrorMask, ResponseFuture};
