//! The stack from a configuration file, and its replacement under traffic (feature `serde`).
//!
//! A security setting that needs a release to change is changed too late; one that a file can weaken without a word is worse
//! ([OWASP A02:2025](https://owasp.org/Top10/2025/A02_2025-Security_Misconfiguration/)). So a file goes through the same builders as code,
//! all of it or none.
//!
//! # From text to a stack
//!
//! 1. A format of `serde` reads a [`SecurityConfig`]: one section for each slot of [`SecurityStack`](crate::SecurityStack), under its name
//!    and with the names of its setters. Unknown fields are errors.
//! 2. [`SecurityConfig::build`] completes it by [`StackParts`], what a file cannot say: who authenticates in another way, whose an object
//!    is, where counters live, where events go.
//! 3. Every value passes through the builder that code would use. All mistakes come at once, each with its path: `cors.origins[2]`,
//!    `rate_limit.policies[0].quota`.
//! 4. What the compiler refuses of code is an error here: a section that depends on who is asking, without authentication.
//! 5. The [`Stack`] is one type whatever the file says. An absent section hands everything on; [`Stack::posture`] does not list it.
//!
//! # Reload
//!
//! [`StackHandle::reload`] does all of that again, and puts the result into force by replacing one pointer. A request takes it once and
//! passes through these layers from the outermost to the innermost, so that no answer mixes two configurations; requests under way finish
//! with theirs. On any error nothing changes: no counter is opened and no table set up before all of it is known to be right.
//!
//! What holds state outlives a reload, so that nobody gains by one: counters of policies that keep their name and key, also those of this
//! process while the store is away; bans; the requests that `limits.max_concurrent` counts; how many events of rate limits, bans, limits
//! and reports were told, and which reports; and all of [`StackParts`]. Anew begin, where the section `auth` is used, its cache of verified
//! tokens and the count of its events: a layer given by [`StackParts::auth`] keeps them. A change of how bans are
//! counted (`bans.on`, `escalation`, `client_prefix`, `capacity`) is refused with `needs_restart`, since the table that has them
//! cannot follow.
//!
//! # Secrets
//!
//! Are named and not written: `{ env = "JWT_KEY" }` or `{ file = "/run/secrets/jwt" }`, see [`SecretRef`]. They are read when the stack is
//! built and at each reload. One in clear is refused, and the error does not repeat it.
//!
//! The format that reads the file does not know what is secret: the errors of `toml` show the line that they are about, with what stands in
//! it, be it a key under a name that is none. Log `toml::de::Error::message` and the number of the line, as `examples/config_file.rs` does,
//! and not the error as a whole. A message repeats the names of fields, and values that are of the wrong type, but never one of `keys`.
//!
//! # What it does not do
//!
//! - It watches no file and handles no signal: the program decides when to reload, and what to do with an error. `examples/config_file.rs`
//!   asks for the time of the last change.
//! - It does not check who may write the file. Who can, can write `mode = "off"`; the posture tells of it and of every `dangerous_*`.
//! - `.extra(..)`, `overload` and the body adapter are no part of it: put layers of your own around the stack, or around the service that
//!   the stack is given.
//!
//! # Caveats
//!
//! - With the features `limits` and `sanitize` the service inside gets their bodies, whether the file has the sections or not: on plain
//!   hyper, write it generic over the body. axum and tonic do not notice.
//! - The inner service is cloned once for each request, which on axum is one allocation. A [`SecurityStack`](crate::SecurityStack) of code
//!   does not do that, and pays nothing for what is here.
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Full;
//! use std::convert::Infallible;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_security::stack::config::{SecurityConfig, StackParts};
//!
//! # async fn handler<B>(_: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
//! #     Ok(Response::new(Full::default()))
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let strict: SecurityConfig = toml::from_str("[headers]\npreset = \"api\"\n[csrf]\n")?;
//! let stack = strict.build(StackParts::new())?;
//! let service = stack.layer(service_fn(handler));
//!
//! let post = || Request::post("/transfer").header("sec-fetch-site", "cross-site").body(Full::<Bytes>::default());
//! let answer = ServiceExt::<Request<Full<Bytes>>>::oneshot(service.clone(), post()?).await?;
//! assert_eq!(answer.status(), StatusCode::FORBIDDEN);
//!
//! stack.handle().reload(toml::from_str("[csrf]\nmode = \"report_only\"\n")?)?;
//! let answer = ServiceExt::<Request<Full<Bytes>>>::oneshot(service, post()?).await?;
//! assert_eq!(answer.status(), StatusCode::OK);
//! # Ok(())
//! # }
//! ```

mod absent;
mod bans;
#[cfg(feature = "_jwt")]
mod bearer;
mod client;
mod compile;
mod error;
mod headers;
mod identity;
#[cfg(feature = "sanitize")]
mod input;
mod limiting;
mod live;
mod parts;
#[cfg(feature = "_jwt")]
mod secret;
mod sections;

pub use bans::{BanRuleConfig, BansConfig, EscalationConfig, Signal};
#[cfg(feature = "_jwt")]
pub use bearer::{BearerConfig, KeysConfig, ProfileConfig};
pub use client::{ClientIpConfig, HstsConfig, HttpsConfig, OnInsecureConfig, SchemeConfig};
pub use error::StackConfigError;
#[cfg(feature = "csp-report")]
pub use headers::CspReportsConfig;
pub use headers::{
    CacheConfig, ClearSiteDataConfig, CspConfig, CspPolicyConfig, ErrorMaskConfig, HeadersConfig,
    IntegrityConfig,
};
pub use identity::{
    AccessConfig, AccessRuleConfig, AuthConfig, RequireAuthorizationConfig, RequirementConfig,
};
#[cfg(feature = "sanitize")]
pub use input::{SanitizeConfig, SanitizePreset};
pub use limiting::{
    CountWhen, EmitConfig, HeaderStyleConfig, KeyConfig, PolicyConfig, QuotaConfig, RateLimitConfig,
};
pub use live::{Stack, StackHandle, StackService};
pub use parts::StackParts;
#[cfg(feature = "_jwt")]
pub use secret::SecretRef;
pub use sections::SecurityConfig;
