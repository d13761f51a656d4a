//! Tower middleware that gives any axum, tonic or hyper service defense in depth.
//!
//! Each layer is useful alone; [`SecurityStack`] composes them in the right order. A layer refuses rather than guesses: what is
//! ambiguous, missing or failed is denied, and a weak configuration does not build. A refusal is a response, never an error of the
//! service: `application/problem+json` over HTTP, a status over gRPC. A CORS preflight is refused without a body, which no page could
//! read.
//!
//! | you want | you take |
//! |---|---|
//! | to say which origins may read answers | [`CorsLayer`] |
//! | to refuse forged cross-site requests | [`CsrfLayer`] |
//! | to have browsers run the scripts of your pages alone | [`CspLayer`], [`csp::CspNonce`] |
//! | to stop sniffing, framing, leaking referrers and caching secrets | [`SecurityHeadersLayer`] |
//! | HTTPS alone, on known hosts | [`HttpsLayer`] |
//! | panics and internal errors that tell the client nothing | [`ErrorMaskLayer`] |
//! | cookies that scripts, other sites and plain HTTP do not get | [`CookieLayer`] |
//! | to refuse floods of requests | [`RateLimitLayer`], without Tower [`rate_limit::RateLimiter`] |
//! | to shut out who keeps on | [`BanLayer`] |
//! | passwords that cannot be guessed by trying | [`LoginThrottleLayer`], in a handler [`rate_limit::login::LoginThrottle`] |
//! | to know who is asking: tokens, API keys, sessions | [`AuthLayer`] |
//! | scopes, roles and a strong login for a route | [`RequireLayer`] |
//! | to say who may call what, for all routes in one place | [`AccessTable`] |
//! | to find the check that somebody forgot | [`RequireAuthorization`] |
//! | to know whose an object is | [`OwnershipGuard`], [`LoadGuard`], in a handler [`ownership::Authz`] |
//! | to log people in: passwords, second factors, tokens of your own | `password`, `mfa`, [`token`], and [`manual`] for the whole |
//! | to encrypt what a stolen database must not show | `vault` |
//! | to refuse malformed and ambiguous requests, to clean HTML | `SanitizeLayer`; in a handler `sanitize::PlainLine` and others |
//! | bodies, waits and crowds that have an end | `LimitsLayer` |
//! | to know the address of the client | [`core::ClientIpLayer`], [`core::TrustedProxies`] |
//! | all of it, in order | [`SecurityStack`] |
//! | to know how the parts stand together: order, proxies, nodes, codes, defaults, threats | the pages of the [`manual`] |
//! | to hear of attacks | [`core::EventSink`]; [`mod@audit`]: a log of them, and what no single request shows |
//! | a layer of your own that refuses in the same way | [`core::Rejection`], [`core::ResponseFuture`] |
//!
//! # Example
//!
//! A page of another site may not post, and the handler is not called:
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Full;
//! use std::convert::Infallible;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_security::{CorsLayer, CsrfLayer, SecurityStack};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let stack = SecurityStack::new()
//!     .cors(CorsLayer::builder().origins(["https://app.example.com"]).build()?)
//!     .csrf(CsrfLayer::new());
//! let service = stack.layer(service_fn(|_: Request<()>| async {
//!     Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"sent"))))
//! }));
//!
//! let forged = Request::post("/transfer").header("sec-fetch-site", "cross-site").body(())?;
//! let answer = ServiceExt::<Request<()>>::oneshot(service, forged).await?;
//! assert_eq!(answer.status(), StatusCode::FORBIDDEN);
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! | feature | brings |
//! |---|---|
//! | `tracing` (default) | the default event sink |
//! | `axum` | axum's body, peer address and route template |
//! | `tonic` | tonic's body and peer address, [`core::Rejection`] as a `Status` |
//! | `csp-hashes` | `csp::CspHashes`: hashes of the scripts and styles of static pages |
//! | `csp-report` | [`mod@csp::report`]: the endpoint for browsers' reports |
//! | `jwt` | [`token`]: JSON Web Tokens, verified and issued, with aws-lc |
//! | `jwt-rust-crypto` | the same without C; with both, aws-lc is used |
//! | `jwks` | `token::HttpsJwksFetch`: key sets of an identity provider over HTTPS |
//! | `limits` | [`mod@limits`]: sizes and times; in [`ownership`] how long a policy may take |
//! | `mfa` | [`mod@mfa`]: one-time codes and recovery codes |
//! | `password` | [`mod@password`]: Argon2id and bcrypt with bounded memory, a policy |
//! | `opaque-tokens` | API keys and cookie sessions in [`auth`] |
//! | `quanta` | the time of rate limits from the processor's counter, 20 ns less a request: [`core::SystemClock`] says what it trusts |
//! | `redis` | [`mod@redis`]: limits, bans, sessions, tokens and factors shared by several nodes |
//! | `sanitize` | [`mod@sanitize`]: malformed and ambiguous requests refused, text types that validate themselves |
//! | `sanitize-html` | `sanitize::html`: fields of HTML cleaned |
//! | `serde` | `stack::config`: the stack from a file, replaced under traffic; configuration types of single layers; [`core::Secret`] as a field of a form |
//! | `tower-governor` | `key::governor`: the key extractors of `tower_governor` |
//! | `vault` | [`mod@vault`]: fields encrypted at rest, key rotation, blind indexes; one-time-code secrets sealed; pseudonyms in [`mod@audit`] |
//! | `full` | all of the above but `jwt-rust-crypto` |
//!
//! # Naming the request type
//!
//! `stack.layer(service).oneshot(request)` makes the compiler look for the request type through every layer. Write
//! `ServiceExt::<Request<B>>::oneshot(service, request)` and it does not have to.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![warn(
    missing_docs,
    missing_debug_implementations,
    unnameable_types,
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    clippy::expect_used,
    clippy::fn_params_excessive_bools,
    clippy::get_unwrap,
    clippy::indexing_slicing,
    clippy::match_wildcard_for_single_variants,
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::needless_pass_by_ref_mut,
    clippy::needless_pass_by_value,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::return_self_not_must_use,
    clippy::string_slice,
    clippy::struct_excessive_bools,
    clippy::trivially_copy_pass_by_ref,
    clippy::unreachable,
    clippy::unused_self,
    clippy::unwrap_used
)]
#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]

pub mod audit;
pub mod auth;
pub mod authorize;
#[cfg(feature = "axum")]
pub mod axum;
pub mod cookies;
pub mod core;
pub mod cors;
pub mod csp;
pub mod csrf;
pub mod error_mask;
pub mod headers;
pub mod https;
#[cfg(feature = "limits")]
pub mod limits;
pub mod manual;
#[cfg(feature = "mfa")]
pub mod mfa;
pub mod ownership;
#[cfg(feature = "password")]
pub mod password;
pub mod rate_limit;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "sanitize")]
pub mod sanitize;
pub mod stack;
pub mod token;
#[cfg(feature = "tonic")]
pub mod tonic;
#[cfg(feature = "vault")]
pub mod vault;

pub use auth::AuthLayer;
pub use authorize::{AccessTable, RequireAuthorization, RequireLayer};
pub use cookies::CookieLayer;
pub use cors::CorsLayer;
pub use csp::CspLayer;
#[cfg(feature = "csp-report")]
pub use csp::report::CspReportLayer;
pub use csrf::CsrfLayer;
pub use error_mask::ErrorMaskLayer;
pub use headers::SecurityHeadersLayer;
pub use https::HttpsLayer;
#[cfg(feature = "limits")]
pub use limits::LimitsLayer;
pub use ownership::{LoadGuard, OwnershipGuard};
pub use rate_limit::login::LoginThrottleLayer;
pub use rate_limit::{BanLayer, RateLimitLayer};
#[cfg(feature = "sanitize")]
pub use sanitize::SanitizeLayer;
pub use stack::SecurityStack;

/// The code of the README and of the security policy compiles.
#[cfg(all(doctest, feature = "full"))]
mod documents {
    #[doc = include_str!("../README.md")]
    struct Readme;

    #[doc = include_str!("../SECURITY.md")]
    struct Security;
}
