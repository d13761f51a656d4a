//! `CspPolicy`: a policy that has been checked.

use std::fmt;
use std::sync::Arc;

use http::HeaderValue;

use super::builder::CspBuilder;
use super::check::{Faults, check_report_only};
use super::config::Csp;
use super::directive::Directive;
use super::entry::{Entries, Entry, Facts};
use super::error::CspConfigError;
use super::keyword::Keyword;
use super::lint::CspLint;
use super::problem::CspProblem;
use super::reporting::ReportEndpoint;
use super::source::Source;
use super::twin;
use crate::core::ConfigErrors;
use crate::csp::forms::{Forms, SLOT};

/// A content security policy that has been checked and compiled. Made by [`CspBuilder::build`]; a clone shares it.
///
/// Two policies are equal when they send the same directives in the same order to the same endpoint.
///
/// # Example
///
/// ```
/// use tower_security::csp::Csp;
///
/// let policy = Csp::parse("default-src 'none'; base-uri 'none'; script-src 'nonce-{}'").build()?;
/// assert_eq!(Csp::parse(&policy.to_template()).build()?, policy);
///
/// assert!(Csp::parse("default-src 'none'; base-uri 'none'; script-src 'nonce-abc123'").build().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct CspPolicy(Arc<Compiled>);

struct Compiled {
    entries: Entries,
    endpoint: Option<ReportEndpoint>,
    reporting_endpoints: Option<HeaderValue>,
    accepted: Vec<CspProblem>,
    lints: Vec<CspLint>,
    dangerous: Vec<&'static str>,
    forms: Forms,
}

impl CspPolicy {
    /// Returns the policy of [`Csp::strict`] as it is.
    #[must_use]
    pub fn strict() -> Self {
        Self::preset(Csp::strict())
    }

    /// Returns the policy of [`Csp::compatible`] as it is.
    #[must_use]
    pub fn compatible() -> Self {
        Self::preset(Csp::compatible())
    }

    /// Returns the policy of [`Csp::api`] as it is.
    #[must_use]
    pub fn api() -> Self {
        Self::preset(Csp::api())
    }

    /// Returns the policy of [`Csp::owasp_2026`] as it is.
    #[must_use]
    pub fn owasp_2026() -> Self {
        Self::preset(Csp::owasp_2026())
    }

    #[expect(
        clippy::expect_used,
        reason = "called with the four constants above, and a test builds each of them"
    )]
    fn preset(builder: CspBuilder) -> Self {
        builder.build().expect("a preset has no mistakes")
    }

    /// Compiles directives that have been checked.
    pub(super) fn compile(
        entries: Entries,
        endpoint: Option<ReportEndpoint>,
        accepted: Vec<CspProblem>,
        lints: Vec<CspLint>,
    ) -> Result<Self, ConfigErrors> {
        // Every byte of a source or word has been checked to be one of a header.
        let forms = Forms::new(&twin::templates(&entries)).ok_or_else(|| {
            let length = entries.header_length();
            ConfigErrors::from(CspConfigError::PolicyTooLong { length })
        })?;
        // An endpoint that `report-to` does not name gets nothing.
        let endpoint = endpoint.filter(|_| entries.has(Directive::ReportTo));
        Ok(Self(Arc::new(Compiled {
            reporting_endpoints: endpoint.as_ref().and_then(ReportEndpoint::header),
            dangerous: dangerous(&entries, &accepted),
            entries,
            endpoint,
            accepted,
            lints,
            forms,
        })))
    }

    /// Returns what builds and deserves a second look, up to 64 warnings.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::csp::{Csp, CspLint, Source};
    ///
    /// let policy = Csp::strict().img_src([Source::dangerous_any()]).build()?;
    /// let codes: Vec<_> = policy.lints().iter().map(CspLint::code).collect();
    /// assert_eq!(codes, ["no_reporting", "wide_source"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn lints(&self) -> &[CspLint] {
        &self.0.lints
    }

    /// Returns the policy as text, with `'nonce-{}'` where the nonce of a request goes.
    ///
    /// [`Csp::parse`] reads it back; an endpoint is declared by a header of its own and is no part of the text.
    #[must_use]
    pub fn to_template(&self) -> String {
        self.0.entries.to_string()
    }

    /// Returns the policy as a `<meta>` element, for pages that no server adds headers to. It has to stand before every script.
    ///
    /// # Errors
    ///
    /// Fails for each of `frame-ancestors`, `sandbox`, `report-to`, `report-uri` and for a nonce: browsers ignore the first four
    /// there, and a nonce in a file is the same for everybody.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::csp::{Csp, CspPolicy};
    ///
    /// let policy = Csp::parse("default-src 'none'; base-uri 'none'; img-src 'self'").build()?;
    /// assert_eq!(
    ///     policy.to_meta()?,
    ///     "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; base-uri 'none'; img-src 'self'\">"
    /// );
    /// assert!(CspPolicy::strict().to_meta().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_meta(&self) -> Result<String, ConfigErrors> {
        let mut faults = Faults::default();
        for entry in self.0.entries.iter() {
            let name = entry.directive.name();
            if entry.directive.is_ignored_in_meta() {
                faults.push(name, CspConfigError::IgnoredInMeta { name });
            }
        }
        if self.has_slot() {
            faults.push("", CspConfigError::IgnoredInMeta { name: SLOT });
        }
        faults.finish("csp.meta", ())?;
        // No source holds `"`, `<` or `>`; a path may hold `&`.
        let content = self.to_template().replace('&', "&amp;");
        Ok(format!(
            "<meta http-equiv=\"Content-Security-Policy\" content=\"{content}\">"
        ))
    }

    /// Makes a policy that differs from this one by what `change` does to it, usually by its `add_*` methods.
    ///
    /// An `add_*` method keeps every source that holds already, nonces too. What this policy accepts
    /// ([`CspBuilder::dangerous_accept`]) is accepted again, its endpoint is kept.
    ///
    /// # Errors
    ///
    /// Fails with every mistake of the result, under the path `csp.override`.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::csp::{CspPolicy, Source};
    ///
    /// let maps = Source::host("https://maps.example.com")?;
    /// let policy = CspPolicy::strict().append(|csp| csp.add_frame_src([maps]))?;
    /// assert!(policy.to_template().contains("frame-src https://maps.example.com;"));
    ///
    /// assert!(policy.append(|csp| csp.add_script_src([Source::DATA])).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn append(
        &self,
        change: impl FnOnce(CspBuilder) -> CspBuilder,
    ) -> Result<Self, ConfigErrors> {
        change(CspBuilder {
            entries: self.0.entries.clone(),
            endpoint: self.0.endpoint.clone(),
            accepted: self.0.accepted.clone(),
            root: "csp.override",
            ..CspBuilder::default()
        })
        .build()
    }

    /// The compiled header values.
    pub(in crate::csp) fn forms(&self) -> &Forms {
        &self.0.forms
    }

    /// Whether a nonce goes into the policy.
    pub(in crate::csp) fn has_slot(&self) -> bool {
        self.0.forms.has_slot()
    }

    /// The value of `Reporting-Endpoints`.
    pub(in crate::csp) fn reporting_endpoints(&self) -> Option<&HeaderValue> {
        self.0.reporting_endpoints.as_ref()
    }

    /// What is wrong with the policy when it only reports.
    pub(in crate::csp) fn check_report_only(&self) -> Vec<CspConfigError> {
        check_report_only(&self.0.entries, &self.0.accepted)
    }

    /// The `dangerous_*` functions that it was made by, and the codes of accepted refusals.
    pub(crate) fn dangerous(&self) -> &[&'static str] {
        &self.0.dangerous
    }
}

fn dangerous(entries: &Entries, accepted: &[CspProblem]) -> Vec<&'static str> {
    let mut names: Vec<_> = accepted.iter().map(|problem| problem.code()).collect();
    for sources in entries.iter().filter_map(Entry::sources) {
        let ignores_inline = Facts::of(sources).ignores_unsafe_inline();
        let of_effect = |source: &&Source| !(ignores_inline && source.is(Keyword::UnsafeInline));
        let sources = sources.iter().filter(of_effect);
        names.extend(sources.filter_map(Source::dangerous));
    }
    names.sort_unstable();
    names.dedup();
    names
}

impl PartialEq for CspPolicy {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || self.0.entries == other.0.entries && self.0.endpoint == other.0.endpoint
    }
}

impl Eq for CspPolicy {}

impl fmt::Debug for CspPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CspPolicy")
            .field(&self.to_template())
            .finish()
    }
}

#[cfg(test)]
#[path = "compiled_tests.rs"]
mod tests;
