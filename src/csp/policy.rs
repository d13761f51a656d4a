//! Stand-in for the policy half: text in, three forms out, no checks.

use std::sync::Arc;

use http::HeaderValue;

use super::config::CspBuilder;
use super::error::CspConfigError;
use super::forms::{Forms, Template, Templates};
use crate::core::ConfigErrors;

/// A checked policy.
#[derive(Clone, Debug)]
pub struct CspPolicy(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    text: String,
    forms: Forms,
    endpoints: Option<HeaderValue>,
}

const UPGRADE: &str = "; upgrade-insecure-requests";

impl CspPolicy {
    pub(super) fn new(text: &str, endpoints: Option<HeaderValue>) -> Option<Self> {
        let template = |text: String| Template {
            http: text.replace(UPGRADE, ""),
            https: text,
        };
        let forms = Forms::new(&Templates {
            full: template(text.to_owned()),
            twin: template(twin(text, "'none'")),
            script_twin: template(twin(text, "'self'")),
        })?;
        Some(Self(Arc::new(Compiled {
            text: text.to_owned(),
            forms,
            endpoints,
        })))
    }

    /// Appends.
    ///
    /// # Errors
    ///
    /// None.
    pub fn append(&self, add: impl FnOnce(CspBuilder) -> CspBuilder) -> Result<Self, ConfigErrors> {
        add(CspBuilder::of(&self.0.text)).build()
    }

    pub(super) fn forms(&self) -> &Forms {
        &self.0.forms
    }

    pub(super) fn has_slot(&self) -> bool {
        self.0.text.contains("'nonce-{}'")
    }

    pub(super) fn reporting_endpoints(&self) -> Option<&HeaderValue> {
        self.0.endpoints.as_ref()
    }

    pub(super) fn check_report_only(&self) -> Vec<CspConfigError> {
        let mut mistakes = Vec::new();
        if self.0.text.contains(UPGRADE) || self.0.text.contains("sandbox") {
            mistakes.push(CspConfigError::IgnoredReportOnly);
        }
        if !self.0.text.contains("report-uri") {
            mistakes.push(CspConfigError::ReportOnlySilent);
        }
        mistakes
    }
}

fn twin(text: &str, scripts: &str) -> String {
    text.replace(
        "script-src 'nonce-{}' 'strict-dynamic' 'report-sample'",
        &format!("script-src {scripts}"),
    )
    .replace("script-src 'nonce-{}'", &format!("script-src {scripts}"))
    .replace(" 'nonce-{}'", "")
}
