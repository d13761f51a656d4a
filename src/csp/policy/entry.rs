//! The directives of a policy with their values.

use std::fmt;

use super::directive::Directive;
use super::keyword::Keyword;
use super::source::{Expression, Source};
use crate::csp::forms::SLOT_GROWTH;

/// One directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) directive: Directive,
    pub(super) value: Value,
    /// Something of its value could not be read, so that what is missing or alone in it says nothing.
    pub(super) is_faulty: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Sources(Vec<Source>),
    /// Flags, names and URLs.
    Words(Vec<String>),
}

impl Entry {
    pub(super) fn new(directive: Directive, value: Value) -> Self {
        Self {
            directive,
            value,
            is_faulty: false,
        }
    }

    pub(super) fn sources(&self) -> Option<&[Source]> {
        match &self.value {
            Value::Sources(sources) => Some(sources),
            Value::Words(_) => None,
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.directive.name())?;
        match &self.value {
            Value::Sources(sources) => sources.iter().try_for_each(|source| write!(f, " {source}")),
            Value::Words(words) => words.iter().try_for_each(|word| write!(f, " {word}")),
        }
    }
}

/// What a list of sources holds that changes the meaning of its other sources.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says whether one source is there"
)]
pub(super) struct Facts {
    pub(super) has_nonce: bool,
    pub(super) has_hash: bool,
    /// A hash of an element's content.
    pub(super) has_content_hash: bool,
    pub(super) has_strict_dynamic: bool,
    pub(super) has_unsafe_inline: bool,
    pub(super) has_https: bool,
}

impl Facts {
    pub(super) fn of(sources: &[Source]) -> Self {
        let mut facts = Self::default();
        for source in sources {
            match &source.0 {
                Expression::Nonce => facts.has_nonce = true,
                Expression::Hash(hash) => {
                    facts.has_hash = true;
                    facts.has_content_hash |= hash.is_of_content();
                }
                Expression::Keyword(Keyword::StrictDynamic) => facts.has_strict_dynamic = true,
                Expression::Keyword(Keyword::UnsafeInline) => facts.has_unsafe_inline = true,
                Expression::Scheme(scheme) if scheme == "https" => facts.has_https = true,
                // Nothing of these changes the others.
                Expression::Any
                | Expression::Host(_)
                | Expression::Keyword(_)
                | Expression::Scheme(_) => {}
            }
        }
        facts
    }

    /// Whether it names single scripts or styles.
    pub(super) const fn names_elements(self) -> bool {
        self.has_nonce || self.has_hash
    }

    /// Whether `'unsafe-inline'` is ignored by every browser that knows nonces (CSP3 section 6.7.3.2).
    pub(super) const fn ignores_unsafe_inline(self) -> bool {
        self.has_nonce || self.has_content_hash
    }

    /// Whether hosts, schemes and `'self'` are ignored for scripts (CSP3 section 6.7.1.1).
    pub(super) const fn ignores_hosts(self) -> bool {
        self.has_strict_dynamic && self.names_elements()
    }

    /// Whether it is a list for current browsers with a list for old ones behind it.
    pub(super) const fn has_legacy_fallback(self) -> bool {
        self.ignores_hosts() && self.has_unsafe_inline && self.has_https
    }
}

/// The directives of one policy, each at most once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entries(pub(super) Vec<Entry>);

impl Entries {
    pub(super) fn iter(&self) -> std::slice::Iter<'_, Entry> {
        self.0.iter()
    }

    pub(super) fn get(&self, directive: Directive) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.directive == directive)
    }

    pub(super) fn has(&self, directive: Directive) -> bool {
        self.get(directive).is_some()
    }

    pub(super) fn sources(&self, directive: Directive) -> Option<&[Source]> {
        self.get(directive).and_then(Entry::sources)
    }

    /// The words of a directive; none if it is not there or takes sources.
    pub(super) fn words(&self, directive: Directive) -> &[String] {
        match self.get(directive).map(|entry| &entry.value) {
            Some(Value::Words(words)) => words,
            Some(Value::Sources(_)) | None => &[],
        }
    }

    /// Replaces the value of a directive in its place; a new one goes before the first that follows it by the alphabet.
    pub(super) fn set(&mut self, directive: Directive, value: Value) {
        let new = Entry::new(directive, value);
        if let Some(entry) = self.0.iter_mut().find(|old| old.directive == directive) {
            *entry = new;
            return;
        }
        let place = self.0.iter().position(|entry| entry.directive > directive);
        self.0.insert(place.unwrap_or(self.0.len()), new);
    }

    pub(super) fn remove(&mut self, directive: Directive) {
        self.0.retain(|entry| entry.directive != directive);
    }

    pub(super) fn has_slot(&self) -> bool {
        self.iter()
            .filter_map(Entry::sources)
            .any(|sources| sources.contains(&Source::NONCE))
    }

    /// Whether the list of `directive` decides about scripts of a page.
    pub(super) fn governs_scripts(&self, directive: Directive) -> bool {
        directive.is_script() || self.falls_back(Directive::ScriptSrc, directive)
    }

    /// Whether the list of `directive` decides about styles.
    pub(super) fn governs_styles(&self, directive: Directive) -> bool {
        directive.is_style() || self.falls_back(Directive::StyleSrc, directive)
    }

    /// Whether the list of `directive` decides about workers.
    pub(super) fn governs_workers(&self, directive: Directive) -> bool {
        directive == Directive::WorkerSrc || self.falls_back(Directive::WorkerSrc, directive)
    }

    /// Whether the list of `directive` decides about plug-in content.
    pub(super) fn governs_objects(&self, directive: Directive) -> bool {
        directive == Directive::ObjectSrc || self.falls_back(Directive::ObjectSrc, directive)
    }

    /// Whether `from` is not set and takes its list from `to`.
    fn falls_back(&self, from: Directive, to: Directive) -> bool {
        self.effective(from)
            .is_some_and(|entry| entry.directive != from && entry.directive == to)
    }

    /// The directive whose list holds for `directive`: itself or the nearest it falls back to.
    pub(super) fn effective(&self, directive: Directive) -> Option<&Entry> {
        std::iter::once(&directive)
            .chain(directive.fallback())
            .find_map(|candidate| self.get(*candidate))
    }

    /// The policy as text, with or without `upgrade-insecure-requests`.
    pub(super) fn print(&self, upgrade: bool) -> String {
        let mut text = String::new();
        for entry in &self.0 {
            if !upgrade && entry.directive == Directive::UpgradeInsecureRequests {
                continue;
            }
            if !text.is_empty() {
                text.push_str("; ");
            }
            text.push_str(&entry.to_string());
        }
        text
    }

    /// The length of the header's value, with a nonce in each place of one.
    pub(super) fn header_length(&self) -> usize {
        let slots = self
            .iter()
            .filter_map(Entry::sources)
            .filter(|sources| sources.contains(&Source::NONCE))
            .count();
        self.print(true).len() + slots * SLOT_GROWTH
    }
}

impl fmt::Display for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.print(true))
    }
}
