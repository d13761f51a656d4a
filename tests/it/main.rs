//! Tests of the crate from outside, in one binary.

mod access;
mod architecture;
mod audit;
mod auth;
#[cfg(all(feature = "axum", feature = "tonic"))]
mod authorize;
#[cfg(feature = "axum")]
mod chromium;
#[cfg(feature = "serde")]
mod config;
mod cookies;
mod corpus;
mod cors;
mod cors_config;
mod cors_oracle;
mod cors_reload;
mod cors_traps;
mod csp;
mod csrf;
mod csrf_config;
mod csrf_model;
mod csrf_traps;
#[cfg(all(
    feature = "csp-hashes",
    feature = "jwks",
    feature = "limits",
    feature = "opaque-tokens",
    feature = "sanitize"
))]
mod dangerous;
mod error_mask;
#[cfg(all(
    feature = "axum",
    feature = "csp-report",
    feature = "limits",
    feature = "opaque-tokens",
    feature = "sanitize",
    feature = "tonic"
))]
mod full_stack;
mod fuzz_bodies;
#[cfg(all(feature = "axum", feature = "tonic"))]
mod grpc_web;
mod headers;
#[cfg(feature = "sanitize-html")]
mod html;
mod https;
#[cfg(feature = "limits")]
mod limits;
#[cfg(all(
    feature = "axum",
    feature = "jwt",
    feature = "mfa",
    feature = "password"
))]
mod login;
mod manual;
#[cfg(feature = "mfa")]
mod mfa;
#[cfg(feature = "full")]
mod orders_api;
mod ownership;
#[cfg(feature = "password")]
mod password;
#[cfg(feature = "password")]
mod password_policy;
mod posture;
mod presets;
#[cfg(all(feature = "axum", feature = "tonic"))]
mod presets_servers;
mod rate_limit;
#[cfg(feature = "axum")]
mod readme;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sanitize")]
mod sanitize;
#[cfg(all(feature = "axum", feature = "tonic"))]
mod servers;
#[cfg(all(feature = "axum", feature = "sanitize"))]
mod sql_injection;
mod stack;
mod support;
mod token;
#[cfg(all(
    feature = "limits",
    feature = "opaque-tokens",
    feature = "sanitize",
    feature = "tonic"
))]
mod tonic_grpc;
mod traits;
#[cfg(feature = "vault")]
mod vault;
