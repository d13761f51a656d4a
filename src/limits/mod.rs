//! `LimitsLayer`: sizes and times, so that nobody takes the memory, the connections or the tasks of a service
//! ([API4:2023 Unrestricted Resource Consumption], [CWE-400](https://cwe.mitre.org/data/definitions/400.html),
//! [CWE-770](https://cwe.mitre.org/data/definitions/770.html)).
//!
//! # Decision
//!
//! 1. [`Mode::Off`](crate::core::Mode::Off): **pass**, and nothing of what follows.
//! 2. The limits are those of the first [route](LimitsBuilder::route) whose pattern matches the path, else those of all.
//! 3. The body says that it is larger than [`body_limit`](LimitsBuilder::body_limit): 413 `body_too_large`, before anything is read.
//! 4. As many requests are being served as [`max_concurrent`](LimitsBuilder::max_concurrent) says: 503 `overloaded`, and no queue.
//! 5. Headers that hold secrets are [marked](LimitsBuilder::sensitive_headers), and the service is called.
//! 6. While the handler reads the body: more than `body_limit` is 413 `body_too_large`; nothing for
//!    [`body_idle`](LimitsBuilder::body_idle) is 408 `body_stalled`; more time in all than [`body_time`](LimitsBuilder::body_time)
//!    is 408 `body_too_slow`. The handler reads a [`BodyLimitError`]; what it makes of it, an error or an answer of 400 and above, is
//!    replaced by the refusal. An answer that it gives all the same, such as 200 for half an upload, is its own.
//! 7. The handler has not answered after [`response_time`](LimitsBuilder::response_time), the time not counted in which it waits for
//!    the client: 504 `response_timeout`, and it is dropped.
//! 8. The body of its answer stands still for longer than [`answer_idle`](LimitsBuilder::answer_idle), unless it is a stream: it ends
//!    with an error, so that nobody takes it for the whole. Nothing can be answered any more.
//!
//! The reason, a [`LimitsRefusal`], stands in the extensions of a refusal, and one event tells of it: `input_validation_fail` of what
//! the client sends, `excess_rate_limit_exceeded` of 503 (a hundred a second at most), `sys_crash` of a handler that takes too long. gRPC gets
//! `RESOURCE_EXHAUSTED` for 413, `DEADLINE_EXCEEDED` for 408 and 504, `UNAVAILABLE` for 503.
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::{BodyExt, Full};
//! use std::convert::Infallible;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_security::limits::{LimitedBody, LimitsLayer, LimitsRefusal};
//!
//! async fn length(request: Request<LimitedBody<Full<Bytes>>>) -> Result<Response<Full<Bytes>>, Infallible> {
//!     let read = request.into_body().collect().await;
//!     Ok(Response::new(Full::from(read.map_or(0, |body| body.to_bytes().len()).to_string())))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let service = LimitsLayer::new().layer(service_fn(length));
//! let post = |bytes: usize| Request::post("/notes").body(Full::from(vec![b'a'; bytes]));
//!
//! let answer = ServiceExt::<Request<Full<Bytes>>>::oneshot(service.clone(), post(2 << 20)?).await?;
//! assert_eq!(answer.into_body().collect().await?.to_bytes(), "2097152");
//!
//! let answer = ServiceExt::<Request<Full<Bytes>>>::oneshot(service, post((2 << 20) + 1)?).await?;
//! assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
//! assert_eq!(answer.extensions().get(), Some(&LimitsRefusal::BodyTooLarge));
//! # Ok(())
//! # }
//! ```
#![doc = include_str!("guide.md")]
//!
//! [API4:2023 Unrestricted Resource Consumption]: https://owasp.org/API-Security/editions/2023/en/0xa4-unrestricted-resource-consumption/

mod answer;
mod body;
mod compile;
mod config;
mod error;
mod layer;
mod service;
mod timer;
mod watch;

pub use answer::AnswerBody;
pub use body::{BodyLimitError, LimitedBody};
pub use config::{Limit, LimitsBuilder, LimitsConfig, RouteLimits};
pub use error::LimitsConfigError;
pub use layer::LimitsLayer;
pub use service::{Limits, LimitsFuture};
pub use watch::LimitsRefusal;
