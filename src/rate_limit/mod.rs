//! How much is too much: rate limits, bans, login attempts.
//!
//! `RateLimitLayer` refuses requests beyond a quota before they cost anything ([API4:2023], [CWE-770], [CWE-799]).
//!
//! # Decision
//!
//! 1. The layer is [`Mode::Off`](crate::core::Mode::Off), or the client's address is exempt: **pass**, nothing is charged.
//! 2. Of each policy in order: its mode, its methods and [`Policy::when`] say whether it concerns the request; then what the request
//!    costs. A cost of 0 looks and takes nothing.
//! 3. The [`key`] of the policy says whom to count. Without one, [`OnMissing`] decides: all such requests share a bucket, or 403
//!    `rate_key_missing` (gRPC: `PERMISSION_DENIED`). Either way an event says what is to be mended.
//! 4. The store charges all policies that concern the request, or none of them if one denies.
//! 5. One denies: 429 `rate_limited` (gRPC: `RESOURCE_EXHAUSTED`), event `excess_rate_limit_exceeded`. The service is not called.
//!    `Retry-After` is the longest wait among those that denied; [`RateLimited`] in the extensions of the answer names them all.
//! 6. The request costs more than a policy ever allows at once: 429 `cost_exceeds_quota`, without `Retry-After`.
//! 7. The store fails: [`OnStoreError`] of each policy. By default it counts in this process with a part of the quota; `Deny` is 503
//!    `rate_store_unavailable` (gRPC: `UNAVAILABLE`).
//! 8. All allow: **pass**. When the answer is there, a policy with [`Policy::count_when`] gives back what does not count, and one with
//!    [`Policy::charge_after`] charges the rest.
//!
//! Policies in [`Mode::ReportOnly`](crate::core::Mode::ReportOnly) are looked at apart, after the others have let a request pass, and
//! are seen in events alone.
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Full;
//! use std::convert::Infallible;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_security::RateLimitLayer;
//! use tower_security::core::ClientIp;
//! use tower_security::rate_limit::Quota;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let layer = RateLimitLayer::api(Quota::per_minute(1))?;
//! let service = layer.layer(service_fn(|_: Request<()>| async {
//!     Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"hello"))))
//! }));
//!
//! // Servers tell the layer where a request comes from; here the test does.
//! let from = |address: &str| -> Result<Request<()>, Box<dyn std::error::Error>> {
//!     let client = ClientIp::resolved_by_caller(address.parse()?);
//!     Ok(Request::get("/").extension(client).body(())?)
//! };
//! let answer = ServiceExt::<Request<()>>::oneshot(service.clone(), from("192.0.2.7")?).await?;
//! assert_eq!(answer.status(), StatusCode::OK);
//!
//! let answer = ServiceExt::<Request<()>>::oneshot(service.clone(), from("192.0.2.7")?).await?;
//! assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
//! assert_eq!(answer.headers()["retry-after"], "60");
//!
//! let answer = ServiceExt::<Request<()>>::oneshot(service, from("192.0.2.8")?).await?;
//! assert_eq!(answer.status(), StatusCode::OK);
//! # Ok(())
//! # }
//! ```
#![doc = include_str!("guide.md")]
//!
//! [API4:2023]: https://owasp.org/API-Security/editions/2023/en/0xa4-unrestricted-resource-consumption/
//! [CWE-770]: https://cwe.mitre.org/data/definitions/770.html
//! [CWE-799]: https://cwe.mitre.org/data/definitions/799.html
#![cfg_attr(
    not(test),
    warn(clippy::arithmetic_side_effects, clippy::cast_possible_truncation)
)]

mod after;
mod answer;
mod away;
mod ban;
mod booking;
mod check;
mod config;
mod error;
mod events;
mod examine;
mod fallback;
mod fields;
#[cfg(test)]
mod fields_tests;
#[doc = include_str!("from_tower_governor.md")]
pub mod from_tower_governor {}
mod future;
mod grpc;
mod items;
pub mod key;
mod layer;
mod limited;
mod limiter;
pub mod login;
mod marks;
mod memory;
mod mistakes;
#[cfg(test)]
mod mistakes_tests;
mod notices;
mod outcome;
mod policy;
mod problem;
mod quota;
mod receipts;
mod refusal;
mod rule;
mod service;
mod set;
mod several;
mod shortcut;
mod standing;
mod store;
mod table;
mod time;
mod verdict;

pub use ban::{
    Ban, BanAmendment, BanBuilder, BanConfigError, BanHandle, BanLayer, BanPolicyFault, BanRefusal,
    BanShare, BanStats, BanStatus, BanTable, BanTableBuilder, OnDegraded, WeakBanTable,
};
#[cfg(feature = "serde")]
pub(crate) use config::CheckedLayer;
pub use config::RateLimiterBuilder;
pub use error::RateLimitConfigError;
pub use fields::{Emit, HeaderStyle, IetfDraft};
pub use future::RateLimitFuture;
pub use layer::RateLimitLayer;
pub use limited::{RateLimitReason, RateLimited};
pub use limiter::{LimiterStats, RateLimiter};
pub use memory::{MemoryConfigError, MemoryCounter, MemoryStats, MemoryStore};
pub use outcome::Outcome;
pub use policy::{OnMissing, OnStoreError, Policy};
pub use quota::Quota;
pub use rule::{Gcra, Ladder, Rule};
pub use service::RateLimit;
pub use standing::{PolicyStanding, RateLimitInfo};
pub use store::{Acquire, Charge, CounterSpec, Nanos, Overflow, Receipt, Standing, Store};
pub use verdict::{Permit, RateLimitRefusal};
