//! The forms of a policy: whole for documents, and without nonces for what is no document.

use super::directive::Directive;
use super::entry::{Entries, Entry, Facts, Value};
use super::keyword::Keyword;
use super::source::{Expression, Source};
use crate::csp::forms::{Template, Templates};

/// The texts of the three forms. A policy without a nonce has one text for all of them.
pub(super) fn templates(entries: &Entries) -> Templates {
    let template = |entries: &Entries| Template {
        https: entries.print(true),
        http: entries.print(false),
    };
    if !entries.has_slot() {
        return Templates {
            full: template(entries),
            twin: template(entries),
            script_twin: template(entries),
        };
    }
    Templates {
        full: template(entries),
        twin: template(&twin(entries)),
        script_twin: template(&script_twin(entries)),
    }
}

/// The policy of responses that are no documents: nothing carries a nonce there, and a new one would keep them from caches.
fn twin(entries: &Entries) -> Entries {
    let without_slot = |entry: &Entry| match entry.sources() {
        Some(sources) if sources.contains(&Source::NONCE) => {
            Entry::new(entry.directive, Value::Sources(without_nonce(sources)))
        }
        _ => entry.clone(),
    };
    Entries(entries.iter().map(without_slot).collect())
}

/// The twin of scripts: a worker obeys the policy of its own response, and loads its parts by `importScripts`.
fn script_twin(entries: &Entries) -> Entries {
    let mut twin = twin(entries);
    for directive in [Directive::ScriptSrc, Directive::ScriptSrcElem] {
        let Some(entry) = entries.effective(directive) else {
            continue;
        };
        let slot_list = entry
            .sources()
            .filter(|sources| sources.contains(&Source::NONCE));
        // `script-src-elem` follows `script-src` unless it is set itself.
        if let Some(sources) = slot_list
            && (directive == Directive::ScriptSrc || entry.directive == directive)
        {
            let evals = sources.iter().filter(|source| is_eval(source)).cloned();
            let own = std::iter::once(Source::SELF).chain(evals);
            twin.set(directive, Value::Sources(own.collect()));
        }
    }
    twin
}

/// A list without its nonce and without what the nonce had switched off: it would come alive.
fn without_nonce(sources: &[Source]) -> Vec<Source> {
    let was_dynamic = Facts::of(sources).has_strict_dynamic;
    let is_left = |source: &&Source| {
        let came_alive = source.is(Keyword::UnsafeInline) || was_dynamic && source.is_place();
        **source != Source::NONCE && !source.is(Keyword::StrictDynamic) && !came_alive
    };
    let left: Vec<Source> = sources.iter().filter(is_left).cloned().collect();
    let says_nothing = |source: &Source| match source.0 {
        Expression::Keyword(keyword) => keyword.is_report(),
        _ => false,
    };
    if left.iter().all(says_nothing) {
        vec![Source::NONE]
    } else {
        left
    }
}

fn is_eval(source: &Source) -> bool {
    matches!(source.0, Expression::Keyword(keyword) if keyword.is_eval())
}

#[cfg(test)]
#[path = "twin_tests.rs"]
mod tests;
