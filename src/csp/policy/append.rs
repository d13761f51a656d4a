//! Adding to a list without taking from it, and without allowing more than was there or is added.

use super::directive::Directive;
use super::entry::{Entries, Facts, Value};
use super::keyword::Keyword;
use super::source::Source;

impl Entries {
    /// Adds to a list of sources. Where it is not set, what it falls back to is copied first: a directive that is there no longer
    /// falls back.
    pub(super) fn add(&mut self, directive: Directive, added: &[Source]) {
        if added.is_empty() {
            return;
        }
        if directive == Directive::ChildSrc {
            self.pin_workers(added);
        }
        let mut list = self.inherited(directive);
        list.extend_from_slice(added);
        // `'none'` says something only alone.
        if list.iter().any(|source| *source != Source::NONE) {
            list.retain(|source| *source != Source::NONE);
        }
        self.replace(directive, list);
    }

    /// Workers fall back to `child-src` before `script-src`: a new `child-src` would take them away from there.
    fn pin_workers(&mut self, added: &[Source]) {
        let from = self
            .effective(Directive::WorkerSrc)
            .map(|entry| entry.directive);
        if from == Some(Directive::ScriptSrc) {
            self.add(Directive::WorkerSrc, added);
        }
    }

    /// The sources that hold for `directive`, as far as they mean something in a list of its own.
    fn inherited(&self, directive: Directive) -> Vec<Source> {
        let Some(entry) = self.effective(directive) else {
            return Vec::new();
        };
        let sources = entry.sources().unwrap_or_default();
        if entry.directive == directive {
            return sources.to_vec();
        }
        // With `'strict-dynamic'`, `script-src` lets scripts start workers from everywhere a worker may come from, its own origin, and
        // ignores hosts (CSP3 section 6.1.11.1). `default-src` compares workers with hosts alone.
        let dynamic_worker = directive == Directive::WorkerSrc
            && entry.directive == Directive::ScriptSrc
            && Facts::of(sources).ignores_hosts();
        let mut copied = Vec::with_capacity(sources.len());
        for source in sources {
            if dynamic_worker && source.is(Keyword::StrictDynamic) {
                copied.push(Source::SELF);
            } else if source.place().holds(directive) && !(dynamic_worker && source.is_place()) {
                copied.push(source.clone());
            }
        }
        copied
    }

    /// Sets a list, and keeps what is known of its faults.
    fn replace(&mut self, directive: Directive, list: Vec<Source>) {
        let was_faulty = self.get(directive).is_some_and(|entry| entry.is_faulty);
        self.set(directive, Value::Sources(list));
        if let Some(entry) = self.0.iter_mut().find(|entry| entry.directive == directive) {
            entry.is_faulty = was_faulty;
        }
    }
}
