//! What does not build.

use super::directive::Directive;
use super::entry::{Entries, Entry, Facts, Value};
use super::error::CspConfigError;
use super::keyword::Keyword;
use super::problem::CspProblem;
use super::reporting::{self, ReportEndpoint};
use super::source::{Expression, Source};
use super::words;
use crate::core::{ConfigErrors, Mistakes};

/// The longest policy that is not refused: servers limit all headers of a response together, nginx to 4 or 8 KiB by default.
pub(super) const MAX_POLICY: usize = 8_192;
/// The longest policy at all, and the longest text that is read as one.
pub(super) const MAX_TEXT: usize = 65_536;
/// The most mistakes that are reported at once.
pub(super) const MAX_MISTAKES: usize = 64;

/// Mistakes with their paths below the root of the policy, such as `script-src[1]`.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults(Vec<(String, CspConfigError)>);

impl Faults {
    pub(super) fn push(&mut self, path: impl Into<String>, error: CspConfigError) {
        if self.0.len() < MAX_MISTAKES {
            self.0.push((path.into(), error));
        }
    }

    /// [`push`](Self::push), unless it is a refusal that is accepted.
    pub(super) fn push_unless(
        &mut self,
        accepted: &[CspProblem],
        path: impl Into<String>,
        error: CspConfigError,
    ) {
        if !error
            .problem()
            .is_some_and(|problem| accepted.contains(&problem))
        {
            self.push(path, error);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= MAX_MISTAKES
    }

    /// `value`, if there was no mistake.
    pub(super) fn finish<T>(self, root: &str, value: T) -> Result<T, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        for (path, error) in self.0 {
            let dot = if path.is_empty() { "" } else { "." };
            mistakes.push(format!("{root}{dot}{path}"), error);
        }
        mistakes.finish(value)
    }
}

/// Checks a whole policy, whose duplicates are folded.
pub(super) fn check(
    entries: &Entries,
    endpoint: Option<&ReportEndpoint>,
    accepted: &[CspProblem],
    faults: &mut Faults,
) {
    let mut check = Check {
        entries,
        accepted,
        faults,
    };
    check.endpoint(endpoint);
    for entry in entries.iter() {
        if check.faults.is_full() {
            return;
        }
        match &entry.value {
            Value::Sources(sources) => check.list(entry, sources),
            Value::Words(words) => check.words(entry.directive, words, endpoint),
        }
    }
    check.missing();
    check.length();
}

struct Check<'a> {
    entries: &'a Entries,
    accepted: &'a [CspProblem],
    faults: &'a mut Faults,
}

impl Check<'_> {
    fn push(&mut self, path: impl Into<String>, error: CspConfigError) {
        self.faults.push_unless(self.accepted, path, error);
    }

    fn missing(&mut self) {
        let has = |directive| self.entries.has(directive);
        let has_default = has(Directive::DefaultSrc);
        let missing = [
            (
                has_default || has(Directive::ScriptSrc),
                CspConfigError::MissingScriptSrc,
            ),
            (
                has_default || has(Directive::ObjectSrc),
                CspConfigError::MissingObjectSrc,
            ),
            (has(Directive::BaseUri), CspConfigError::MissingBaseUri),
        ];
        for (is_there, error) in missing {
            if !is_there {
                self.push("", error);
            }
        }
    }

    fn length(&mut self) {
        let length = self.entries.header_length();
        let error = CspConfigError::PolicyTooLong { length };
        if length > MAX_TEXT {
            self.faults.push("", error);
        } else if length > MAX_POLICY {
            self.push("", error);
        }
    }

    fn list(&mut self, entry: &Entry, sources: &[Source]) {
        let directive = entry.directive;
        let name = directive.name();
        let facts = Facts::of(sources);
        if !entry.is_faulty {
            if sources.is_empty() {
                self.push(name, CspConfigError::EmptyDirective { name });
            }
            if sources.len() > 1 && sources.contains(&Source::NONE) {
                self.push(name, CspConfigError::NoneWithOthers { name });
            }
        }
        for (index, source) in sources.iter().enumerate() {
            if self.faults.is_full() {
                return;
            }
            let place = source.place();
            let error = if place.holds(directive) {
                self.source(entry, source, facts)
            } else {
                Some(CspConfigError::KeywordMisplaced {
                    value: source.to_string(),
                    name,
                    places: place.names(),
                })
            };
            if let Some(error) = error {
                self.push(format!("{name}[{index}]"), error);
            }
        }
    }

    /// What is wrong with a source that stands where it means something.
    fn source(&self, entry: &Entry, source: &Source, facts: Facts) -> Option<CspConfigError> {
        let directive = entry.directive;
        let name = directive.name();
        let for_scripts = self.entries.governs_scripts(directive);
        match &source.0 {
            Expression::Any => {
                let is_refused = directive == Directive::DefaultSrc
                    || for_scripts
                    || self.entries.governs_workers(directive)
                    || self.is_for_few(directive);
                is_refused.then_some(CspConfigError::WildcardSource { name })
            }
            Expression::Scheme(scheme) => self.scheme(entry, scheme, facts),
            Expression::Host(host) => {
                let value = || source.to_string();
                if host.scheme() == Some("javascript") {
                    return Some(CspConfigError::ForbiddenScheme { value: value() });
                }
                // `ws:` stands for `http:` too (CSP3 section 6.7.2.7).
                if for_scripts && matches!(host.scheme(), Some("http" | "ws")) {
                    return Some(CspConfigError::InsecureSource { value: value() });
                }
                let is_wild = if for_scripts || self.is_for_few(directive) {
                    host.is_wild_over_public_suffix()
                } else {
                    host.is_wild_over_top_level()
                };
                is_wild.then(|| CspConfigError::WildcardSuffix { value: value() })
            }
            Expression::Keyword(Keyword::UnsafeInline) => (for_scripts
                && !facts.ignores_unsafe_inline())
            .then_some(CspConfigError::UnsafeInlineScript { name }),
            Expression::Keyword(Keyword::UnsafeEval) => Some(CspConfigError::UnsafeEval { name }),
            Expression::Keyword(Keyword::UnsafeHashes) => {
                (!facts.has_content_hash && !entry.is_faulty).then_some(CspConfigError::NoEffect {
                    value: "`'unsafe-hashes'`",
                    needs: "add the hash of each event handler, as the browser's console prints it",
                })
            }
            Expression::Keyword(Keyword::StrictDynamic) => (!facts.names_elements()
                && !entry.is_faulty)
                .then_some(CspConfigError::StrictDynamicAlone { name }),
            // Where they mean something, they are what they say.
            Expression::Hash(_) | Expression::Keyword(_) | Expression::Nonce => None,
        }
    }

    fn scheme(&self, entry: &Entry, scheme: &str, facts: Facts) -> Option<CspConfigError> {
        let directive = entry.directive;
        let value = format!("{scheme}:");
        if scheme == "javascript" {
            return Some(CspConfigError::ForbiddenScheme { value });
        }
        let for_scripts = self.entries.governs_scripts(directive);
        if for_scripts && scheme == "http" {
            return Some(CspConfigError::InsecureSource { value });
        }
        // `https:` behind a nonce and `'strict-dynamic'` speaks to browsers that do not know the latter alone.
        let is_fallback = scheme == "https" && facts.ignores_hosts();
        (self.is_for_few(directive) || for_scripts && !is_fallback).then(|| {
            CspConfigError::SchemeWide {
                value,
                name: directive.name(),
            }
        })
    }

    /// Whether strangers in the list are as good as no list: they would redirect the page's own scripts, run as its plug-ins, or frame
    /// it.
    fn is_for_few(&self, directive: Directive) -> bool {
        matches!(directive, Directive::BaseUri | Directive::FrameAncestors)
            || self.entries.governs_objects(directive)
    }

    fn endpoint(&mut self, endpoint: Option<&ReportEndpoint>) {
        if let Some(endpoint) = endpoint
            && let Err(error) = endpoint.check()
        {
            self.push("report_to", error);
        }
    }

    fn words(&mut self, directive: Directive, words: &[String], endpoint: Option<&ReportEndpoint>) {
        let name = directive.name();
        match directive {
            Directive::ReportTo => {
                if let Err(error) = words::check_report_to(words, endpoint) {
                    self.push(name, error);
                }
                return;
            }
            Directive::UpgradeInsecureRequests | Directive::Webrtc => {
                if let Err(error) = words::check_single(directive, words) {
                    self.push(name, error);
                }
                return;
            }
            Directive::Sandbox if words::escapes_sandbox(words) => {
                self.push(name, CspConfigError::SandboxEscape);
            }
            Directive::TrustedTypes
                if words.len() > 1 && words.iter().any(|word| word == "'none'") =>
            {
                self.push(name, CspConfigError::NoneWithOthers { name });
            }
            // Their words are looked at one by one, and lists of sources do not come here.
            _ => {}
        }
        if words.is_empty() && directive != Directive::Sandbox {
            self.push(name, CspConfigError::EmptyDirective { name });
        }
        for (index, word) in words.iter().enumerate() {
            let checked = match directive {
                Directive::ReportUri => match endpoint {
                    // `report_to` wrote it here, and its mistake is told already.
                    Some(endpoint) if endpoint.url() == word => Ok(()),
                    Some(_) | None => reporting::check_url(word),
                },
                _ => words::check_word(directive, word),
            };
            if let Err(error) = checked {
                self.push(format!("{name}[{index}]"), error);
            }
        }
    }
}

/// What is wrong with a policy that only reports.
pub(super) fn check_report_only(entries: &Entries, accepted: &[CspProblem]) -> Vec<CspConfigError> {
    let mut errors: Vec<_> = entries
        .iter()
        .filter(|entry| entry.directive.is_ignored_report_only())
        .map(|entry| CspConfigError::IgnoredReportOnly {
            name: entry.directive.name(),
        })
        .collect();
    let has_endpoint = entries.has(Directive::ReportTo) || entries.has(Directive::ReportUri);
    if !has_endpoint && !accepted.contains(&CspProblem::ReportOnlySilent) {
        errors.push(CspConfigError::ReportOnlySilent);
    }
    errors
}
