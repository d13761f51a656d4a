//! What a browser has reported, cleaned.

use std::fmt;
use std::time::Duration;

use super::address::{self, FIELD};
use crate::core::CleanText;
use crate::core::text::cap::start_of;

/// The kind of a [`BrowserReport`]: the `type` of the Reporting API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReportKind {
    /// A cross-origin embedder policy was broken.
    Coep,
    /// A cross-origin opener policy was broken.
    Coop,
    /// The page's process ended abnormally.
    Crash,
    /// A content security policy was broken.
    CspViolation,
    /// The page used what browsers will remove.
    Deprecation,
    /// A document policy was broken.
    DocumentPolicyViolation,
    /// An integrity policy was broken: a script or style without `integrity`.
    IntegrityViolation,
    /// The browser did not do what the page asked for.
    Intervention,
    /// A permissions policy was broken.
    PermissionsPolicyViolation,
}

impl ReportKind {
    /// Returns the name that browsers send, such as `csp-violation`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Coep => "coep",
            Self::Coop => "coop",
            Self::Crash => "crash",
            Self::CspViolation => "csp-violation",
            Self::Deprecation => "deprecation",
            Self::DocumentPolicyViolation => "document-policy-violation",
            Self::IntegrityViolation => "integrity-violation",
            Self::Intervention => "intervention",
            Self::PermissionsPolicyViolation => "permissions-policy-violation",
        }
    }

    pub(super) fn of(name: &str) -> Option<Self> {
        [
            Self::Coep,
            Self::Coop,
            Self::Crash,
            Self::CspViolation,
            Self::Deprecation,
            Self::DocumentPolicyViolation,
            Self::IntegrityViolation,
            Self::Intervention,
            Self::PermissionsPolicyViolation,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == name)
    }
}

/// Whether the browser blocked what it reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Disposition {
    /// It was blocked. What a report without a disposition counts as.
    #[default]
    Enforce,
    /// It was only reported: the policy was sent as report-only.
    Report,
}

/// One report of a browser, cleaned: see [the module](crate::csp::report) for what is left out.
///
/// **Anybody can send anything**: count reports and read them, and never decide by them. Every text is capped in length and has its
/// control and bidirectional characters escaped.
#[derive(Clone, PartialEq, Eq)]
pub struct BrowserReport {
    pub(super) kind: ReportKind,
    pub(super) disposition: Disposition,
    pub(super) directive: Option<&'static str>,
    pub(super) age: Duration,
    pub(super) line: Option<u32>,
    pub(super) column: Option<u32>,
    pub(super) status: Option<u16>,
    pub(super) texts: Texts,
}

/// The texts, reduced and cut, but not escaped yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Texts {
    pub(super) document: String,
    pub(super) blocked: Option<String>,
    pub(super) source_file: Option<String>,
    pub(super) referrer: Option<String>,
    pub(super) sample: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) message: Option<String>,
}

/// The code of a violation of a directive that is not known.
const UNKNOWN_DIRECTIVE: &str = "unknown_directive";

impl BrowserReport {
    /// Returns the kind.
    #[must_use]
    pub const fn kind(&self) -> ReportKind {
        self.kind
    }

    /// Returns whether the browser blocked it.
    #[must_use]
    pub const fn disposition(&self) -> Disposition {
        self.disposition
    }

    /// Returns the directive that was broken, for a violation of a content security policy. `None` for one that is not known;
    /// [`subject`](Self::subject) has its name.
    #[must_use]
    pub const fn directive(&self) -> Option<&'static str> {
        self.directive
    }

    /// Returns how long the browser kept the report before it sent it.
    #[must_use]
    pub const fn age(&self) -> Duration {
        self.age
    }

    /// Returns the address of the page, without user information, query and fragment. At most 512 bytes.
    #[must_use]
    pub fn document(&self) -> CleanText<'_> {
        CleanText::new(&self.texts.document, FIELD)
    }

    /// Returns what was blocked: an address without user information, query and fragment, or a word: `inline`, `eval`,
    /// `wasm-eval`, `data`, `blob`, `self`, `trusted-types-policy`, `trusted-types-sink`. At most 512 bytes.
    #[must_use]
    pub fn blocked(&self) -> Option<CleanText<'_>> {
        clean(self.texts.blocked.as_deref())
    }

    /// Returns the address of the script or style that caused it. At most 512 bytes.
    #[must_use]
    pub fn source_file(&self) -> Option<CleanText<'_>> {
        clean(self.texts.source_file.as_deref())
    }

    /// Returns the line in the source file.
    #[must_use]
    pub const fn line(&self) -> Option<u32> {
        self.line
    }

    /// Returns the column in the source file.
    #[must_use]
    pub const fn column(&self) -> Option<u32> {
        self.column
    }

    /// Returns the HTTP status of the page.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        self.status
    }

    /// Returns the page that led to the page. At most 512 bytes.
    #[must_use]
    pub fn referrer(&self) -> Option<CleanText<'_>> {
        clean(self.texts.referrer.as_deref())
    }

    /// Returns the first 40 characters of the blocked script or style, where the policy has `'report-sample'`.
    #[must_use]
    pub fn sample(&self) -> Option<CleanText<'_>> {
        clean(self.texts.sample.as_deref())
    }

    /// Returns what the report is about, as its kind names it: the feature or policy, the deprecated interface, the reason of a
    /// crash, the destination of a request, the unknown directive. At most 512 bytes.
    #[must_use]
    pub fn subject(&self) -> Option<CleanText<'_>> {
        clean(self.texts.subject.as_deref())
    }

    /// Returns the browser's sentence on a deprecation, an intervention or a policy. At most 512 bytes.
    #[must_use]
    pub fn message(&self) -> Option<CleanText<'_>> {
        clean(self.texts.message.as_deref())
    }

    /// The code of the event: the directive, else the kind.
    pub(super) const fn code(&self) -> &'static str {
        match (self.kind, self.directive) {
            (ReportKind::CspViolation, Some(directive)) => directive,
            (ReportKind::CspViolation, None) => UNKNOWN_DIRECTIVE,
            (kind, _) => kind.as_str(),
        }
    }

    /// Whether a browser extension, or the browser itself, is the cause.
    pub(super) fn is_noise(&self) -> bool {
        let is = |text: &Option<String>, of: fn(&str) -> bool| text.as_deref().is_some_and(of);
        // A script in the `srcdoc` of an injected frame has the source file `about`: whoever injects must not choose to be noise.
        is(&self.texts.blocked, address::is_noise)
            || is(&self.texts.source_file, address::is_extension)
    }

    /// What makes two reports the same one: code, blocked origin (or the subject of other kinds), path of the page.
    pub(super) fn identity(&self) -> (&'static str, &str, &str) {
        let blocked = self.texts.blocked.as_deref().map(address::origin);
        let what = blocked.or(self.texts.subject.as_deref());
        let page = address::path(&self.texts.document);
        (self.code(), what.unwrap_or_default(), page)
    }

    /// The details as one line, as `key=value`. An address has no blank; the sample stands last, so that all behind `sample=` is the
    /// sample.
    pub(super) fn detail(&self, repeated: u32) -> CleanText<'static> {
        use fmt::Write;
        /// So that the sample has room behind three addresses.
        const ADDRESS: usize = 256;
        const DETAIL: usize = 1_024;
        let mut line = String::new();
        // Writing to a string does not fail.
        if repeated > 0 {
            let _ = write!(line, "repeated={repeated} ");
        }
        let numbers = [
            ("status", self.status.map(u32::from)),
            ("line", self.line),
            ("column", self.column),
        ];
        for (key, value) in numbers {
            if let Some(value) = value {
                let _ = write!(line, "{key}={value} ");
            }
        }
        let texts = &self.texts;
        let addresses = [
            ("document", Some(&texts.document)),
            ("blocked", texts.blocked.as_ref()),
            ("source", texts.source_file.as_ref()),
        ];
        for (key, value) in addresses {
            if let Some(value) = value {
                let _ = write!(line, "{key}={} ", start_of(value, ADDRESS));
            }
        }
        if let Some(sample) = &texts.sample {
            let _ = write!(line, "sample={sample}");
        }
        CleanText::new(line.trim_ascii_end(), DETAIL).into_owned()
    }
}

fn clean(text: Option<&str>) -> Option<CleanText<'_>> {
    text.map(|text| CleanText::new(text, FIELD))
}

/// By the accessors: text that is not escaped yet does not get out.
impl fmt::Debug for BrowserReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |text: Option<CleanText<'_>>| text.map(|text| text.to_string());
        f.debug_struct("BrowserReport")
            .field("kind", &self.kind)
            .field("disposition", &self.disposition)
            .field("directive", &self.directive)
            .field("document", &&*self.document())
            .field("blocked", &text(self.blocked()))
            .field("source_file", &text(self.source_file()))
            .field("line", &self.line)
            .field("column", &self.column)
            .field("sample", &text(self.sample()))
            .field("subject", &text(self.subject()))
            .finish_non_exhaustive()
    }
}
