//! What Chromium really sends, and what it lets a page read.
//!
//! The names of localhost stand in for sites: browsers treat them as trustworthy over plain HTTP and send `Sec-Fetch-*` there.
//! `app.localhost` and `evil.app.localhost` are one site, `127.0.0.1` is another. Run with `--nocapture` to see what is sent.

mod cookies;
mod cors;
#[cfg(all(feature = "csp-report", feature = "limits", feature = "sanitize"))]
mod csp;
#[cfg(all(feature = "csp-hashes", feature = "csp-report"))]
mod csp_edge;
mod csrf;
#[cfg(feature = "sanitize-html")]
mod html;
mod isolation;
#[cfg(feature = "opaque-tokens")]
mod sessions;
mod site;
