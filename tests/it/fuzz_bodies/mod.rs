//! What the fuzz targets run, as `pub fn(&[u8])`: `fuzz/fuzz_targets` includes these files by path, `corpus` calls them with
//! inputs that are the same in every run. A file here uses nothing but the crate and the dependencies of `fuzz/Cargo.toml`.
#![expect(
    unreachable_pub,
    reason = "each file is the root of a module of a fuzz target too"
)]

#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
pub mod auth;
pub mod builders;
pub mod clean_text;
pub mod client;
pub mod cookies;
pub mod cors;
pub mod csp;
#[cfg(feature = "csp-report")]
pub mod csp_report;
pub mod csrf;
pub mod headers;
pub mod https;
#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
pub mod jws;
pub mod login;
#[cfg(feature = "mfa")]
pub mod mfa;
pub mod origin;
pub mod ownership;
#[cfg(feature = "password")]
pub mod password;
#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
pub mod refresh;
#[cfg(feature = "sanitize")]
pub mod sanitize_head;
#[cfg(feature = "sanitize-html")]
pub mod sanitize_html;
#[cfg(feature = "sanitize")]
pub mod sanitize_json;
#[cfg(feature = "sanitize")]
pub mod sanitize_multipart;
#[cfg(feature = "sanitize-html")]
pub mod sanitize_rewrite;
#[cfg(feature = "opaque-tokens")]
pub mod sessions;
#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
pub mod token;
#[cfg(feature = "vault")]
pub mod vault;
