//! Stand-in for the policy half.

use http::HeaderValue;

use super::policy::CspPolicy;
use crate::core::ConfigErrors;

/// Presets.
#[derive(Debug)]
pub struct Csp;

const STRICT: &str = "default-src 'none'; base-uri 'none'; connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; img-src 'self' data:; manifest-src 'self'; object-src 'none'; script-src 'nonce-{}' 'strict-dynamic' 'report-sample'; style-src 'self' 'nonce-{}'; upgrade-insecure-requests";
const COMPATIBLE: &str = "default-src 'none'; base-uri 'none'; connect-src 'self'; font-src 'self' https: data:; form-action 'self'; frame-ancestors 'self'; frame-src 'self'; img-src 'self' data: https:; manifest-src 'self'; media-src 'self'; object-src 'none'; script-src 'nonce-{}' 'strict-dynamic' 'report-sample'; style-src 'self' https: 'unsafe-inline'; worker-src 'self'; upgrade-insecure-requests";
const API: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox";
const OWASP: &str = "default-src 'self'; form-action 'self'; base-uri 'self'; object-src 'none'; frame-ancestors 'none'; upgrade-insecure-requests";

#[expect(
    missing_docs,
    clippy::missing_errors_doc,
    clippy::must_use_candidate,
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::return_self_not_must_use,
    clippy::needless_pass_by_value,
    reason = "stand-in"
)]
impl Csp {
    pub fn strict() -> CspBuilder {
        CspBuilder::of(STRICT)
    }
    pub fn compatible() -> CspBuilder {
        CspBuilder::of(COMPATIBLE)
    }
    pub fn api() -> CspBuilder {
        CspBuilder::of(API)
    }
    pub fn owasp_2026() -> CspBuilder {
        CspBuilder::of(OWASP)
    }
    pub fn parse(text: &str) -> Result<CspBuilder, ConfigErrors> {
        Ok(CspBuilder::of(text))
    }
    pub(super) fn strict_policy() -> CspPolicy {
        Self::strict().build().expect("stand-in")
    }
    pub(super) fn compatible_policy() -> CspPolicy {
        Self::compatible().build().expect("stand-in")
    }
    pub(super) fn api_policy() -> CspPolicy {
        Self::api().build().expect("stand-in")
    }
    pub(super) fn owasp_2026_policy() -> CspPolicy {
        Self::owasp_2026().build().expect("stand-in")
    }
}

/// Builder.
#[derive(Clone, Debug)]
pub struct CspBuilder {
    text: String,
    endpoints: Option<HeaderValue>,
}

/// Source.
#[derive(Clone, Debug)]
pub struct Source(String);

/// Endpoint.
#[derive(Clone, Debug)]
pub struct ReportEndpoint(String, String);

#[expect(missing_docs, clippy::missing_errors_doc, reason = "stand-in")]
impl Source {
    pub fn host(text: &str) -> Result<Self, ConfigErrors> {
        Ok(Self(text.to_owned()))
    }
}

#[expect(missing_docs, clippy::missing_errors_doc, reason = "stand-in")]
impl ReportEndpoint {
    pub fn path(name: &str, path: &str) -> Result<Self, ConfigErrors> {
        Ok(Self(name.to_owned(), path.to_owned()))
    }
}

#[expect(
    missing_docs,
    clippy::missing_errors_doc,
    clippy::must_use_candidate,
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::return_self_not_must_use,
    clippy::needless_pass_by_value,
    reason = "stand-in"
)]
impl CspBuilder {
    pub(super) fn of(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            endpoints: None,
        }
    }
    fn add(mut self, list: &str, sources: impl IntoIterator<Item = Source>) -> Self {
        for source in sources {
            self.text = self.text.replace(list, &format!("{list} {}", source.0));
        }
        self
    }
    pub fn add_img_src(self, sources: impl IntoIterator<Item = Source>) -> Self {
        self.add("img-src 'self' data:", sources)
    }
    pub fn add_connect_src(self, sources: impl IntoIterator<Item = Source>) -> Self {
        self.add("connect-src 'self'", sources)
    }
    pub fn report_to(mut self, endpoint: ReportEndpoint) -> Self {
        self.text = format!(
            "{}; report-to {}; report-uri {}",
            self.text, endpoint.0, endpoint.1
        );
        self.endpoints = HeaderValue::from_str(&format!("{}=\"{}\"", endpoint.0, endpoint.1)).ok();
        self
    }
    pub fn build(self) -> Result<CspPolicy, ConfigErrors> {
        Ok(CspPolicy::new(&self.text, self.endpoints).expect("stand-in"))
    }
}
