//! `Integrity-Policy`: scripts without integrity metadata are not run.

use http::HeaderValue;

use super::error::HeadersConfigError;
use crate::core::Mistakes;
use crate::core::reporting::is_key;

/// Which files a page loads with integrity metadata alone ([Subresource Integrity, section 3.8][sri]).
///
/// Opt-in, and worth a try in a test environment first: Chromium 156 blocks a script of the page's own origin too, without a line in the
/// console, unless it has both `integrity` and `crossorigin="anonymous"`.
///
/// [sri]: https://www.w3.org/TR/sri-2/#integrity-policy-section
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a policy does nothing until it is given to a builder"]
pub struct IntegrityPolicy {
    endpoints: Vec<String>,
}

impl IntegrityPolicy {
    /// Blocks scripts without integrity metadata: `blocked-destinations=(script)`, the one destination that browsers enforce.
    pub fn scripts() -> Self {
        Self {
            endpoints: Vec::new(),
        }
    }

    /// Reports what was blocked to an endpoint that
    /// [`reporting_endpoint`](super::SecurityHeadersBuilder::reporting_endpoint) names. Repeatable.
    pub fn report_to(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoints.push(endpoint.into());
        self
    }

    /// The value of the header, or what is wrong.
    pub(super) fn compile(
        &self,
        mistakes: &mut Mistakes,
        path: &str,
        known: &[(String, String)],
    ) -> Option<HeaderValue> {
        let mut sound = true;
        let mut wrong = |error| {
            sound = false;
            mistakes.push(path, error);
        };
        for endpoint in &self.endpoints {
            if !is_key(endpoint) {
                wrong(HeadersConfigError::InvalidReportName {
                    name: endpoint.clone(),
                });
            } else if known.iter().all(|(name, _)| name != endpoint) {
                wrong(HeadersConfigError::Inconsistent {
                    problem: "the Integrity-Policy reports to an endpoint that has no address",
                    instead: "name it by `reporting_endpoint` too",
                });
            }
        }
        if !sound {
            return None;
        }
        let mut value = "blocked-destinations=(script)".to_owned();
        if !self.endpoints.is_empty() {
            value.push_str(", endpoints=(");
            value.push_str(&self.endpoints.join(" "));
            value.push(')');
        }
        HeaderValue::try_from(value).ok()
    }
}
