//! Where browsers send their reports.

use http::HeaderValue;

use super::advice::shown;
use super::check::MAX_POLICY;
use super::error::CspConfigError;
use crate::core::reporting::{ReportAddress, is_key};

/// A named endpoint to which browsers send their reports
/// ([Reporting API](https://www.w3.org/TR/reporting-1/#endpoint), CSP3 section 6.5).
///
/// Given to [`CspBuilder::report_to`](super::CspBuilder::report_to), which writes all that browsers old and new need.
///
/// # Example
///
/// ```
/// use tower_security::csp::{Csp, ReportEndpoint};
///
/// let policy = Csp::strict().report_to(ReportEndpoint::path("csp", "/csp-report")?).build()?;
/// assert!(policy.to_template().contains("report-to csp; report-uri /csp-report;"));
///
/// assert!(ReportEndpoint::path("CSP Main", "/csp-report").is_err());
/// assert!(ReportEndpoint::path("csp", "//other.example/r").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportEndpoint {
    name: String,
    url: String,
}

impl ReportEndpoint {
    /// Names a path of this server.
    ///
    /// Accepted: the name `csp` with the path `/csp-report`. Rejected: names with capitals or blanks, the paths `csp-report`,
    /// `//other.example/r` and `/a b`.
    ///
    /// # Errors
    ///
    /// Fails with [`InvalidReportName`](CspConfigError::InvalidReportName) or
    /// [`InvalidEndpoint`](CspConfigError::InvalidEndpoint).
    pub fn path(name: &str, path: &str) -> Result<Self, CspConfigError> {
        if !path.starts_with('/') {
            return Err(CspConfigError::InvalidEndpoint { value: shown(path) });
        }
        Self::url_of(name, path)
    }

    /// Names a URL, which may be another server's.
    ///
    /// Accepted: `https://reports.example.com/r?app=shop`. Rejected: anything that is no absolute URL of `https`; `http` is
    /// refused when the policy is built.
    ///
    /// # Errors
    ///
    /// As [`path`](Self::path).
    pub fn https(name: &str, url: &str) -> Result<Self, CspConfigError> {
        if url.starts_with('/') {
            return Err(CspConfigError::InvalidEndpoint { value: shown(url) });
        }
        Self::url_of(name, url)
    }

    fn url_of(name: &str, url: &str) -> Result<Self, CspConfigError> {
        check_name(name)?;
        match check_url(url) {
            // Left to the policy, which may accept it.
            Ok(()) | Err(CspConfigError::InsecureEndpoint { .. }) => Ok(Self {
                name: name.to_owned(),
                url: url.to_owned(),
            }),
            Err(error) => Err(error),
        }
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the path or URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn check(&self) -> Result<(), CspConfigError> {
        check_name(&self.name)?;
        check_url(&self.url)
    }

    /// The value of `Reporting-Endpoints`: a dictionary with a string (RFC 9651 section 3.2). Neither name nor URL can hold what
    /// would need escaping there.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&format!("{}=\"{}\"", self.name, self.url)).ok()
    }
}

/// Checks a name: a key of RFC 9651 section 3.1.2, which is also a token of CSP3.
pub(super) fn check_name(name: &str) -> Result<(), CspConfigError> {
    const MAX_NAME: usize = 64;
    if name.len() <= MAX_NAME && is_key(name) {
        Ok(())
    } else {
        Err(CspConfigError::InvalidReportName { value: shown(name) })
    }
}

/// Checks where reports go.
pub(super) fn check_url(url: &str) -> Result<(), CspConfigError> {
    let invalid = || CspConfigError::InvalidEndpoint { value: shown(url) };
    // They would end the directive, the policy or a source.
    if url.contains([';', ',', '\'']) {
        return Err(invalid());
    }
    match ReportAddress::of(url) {
        // Behind what cannot be accepted: a long URL may be, one that ends its directive never.
        ReportAddress::Sound | ReportAddress::Insecure if url.len() > MAX_POLICY => {
            Err(CspConfigError::PolicyTooLong { length: url.len() })
        }
        ReportAddress::Sound => Ok(()),
        ReportAddress::Insecure => Err(CspConfigError::InsecureEndpoint { value: shown(url) }),
        ReportAddress::Invalid => Err(invalid()),
    }
}
