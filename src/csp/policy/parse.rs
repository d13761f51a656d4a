//! A policy read from text.

use super::advice::shown;
use super::builder::CspBuilder;
use super::check::{Faults, MAX_TEXT};
use super::directive::{Directive, instead_of_dead};
use super::entry::{Entry, Value};
use super::error::CspConfigError;
use super::source::Source;
use super::words;

/// Reads a policy as browsers do (CSP3 section 2.2.1), but for what they would ignore without a word.
pub(super) fn policy(text: &str) -> CspBuilder {
    let mut builder = CspBuilder::default();
    if text.len() > MAX_TEXT {
        let length = text.len();
        builder
            .faults
            .push("", CspConfigError::PolicyTooLong { length });
        return builder;
    }
    for part in text.split(';') {
        if builder.faults.is_full() {
            break;
        }
        let part = part.trim_matches(is_blank);
        let (name, value) = part.split_once(is_blank).unwrap_or((part, ""));
        if name.is_empty() {
            continue;
        }
        match read(&mut builder.faults, name, value) {
            Some(entry) if builder.entries.has(entry.directive) => {
                let name = entry.directive.name();
                builder
                    .faults
                    .push(name, CspConfigError::DuplicateDirective { name });
            }
            Some(entry) => builder.entries.0.push(entry),
            None => {}
        }
    }
    builder
}

/// Sets one directive from text.
pub(super) fn directive(builder: &mut CspBuilder, name: &str, value: &str) {
    if value.len() > MAX_TEXT {
        let length = value.len();
        builder
            .faults
            .push("", CspConfigError::PolicyTooLong { length });
        return;
    }
    if let Some(entry) = read(&mut builder.faults, name, value) {
        let (directive, is_faulty) = (entry.directive, entry.is_faulty);
        builder.entries.set(directive, entry.value);
        if let Some(entry) = builder
            .entries
            .0
            .iter_mut()
            .find(|entry| entry.directive == directive)
        {
            entry.is_faulty = is_faulty;
        }
    }
}

/// Reads a directive; `None` if its name is none.
fn read(faults: &mut Faults, name: &str, value: &str) -> Option<Entry> {
    let Some(directive) = Directive::parse(name) else {
        let error = match instead_of_dead(name) {
            Some((name, instead)) => CspConfigError::DeadDirective { name, instead },
            None => CspConfigError::UnknownDirective {
                name: shown(name),
                nearest: Directive::nearest(name),
            },
        };
        faults.push("", error);
        return None;
    };
    let words = value.split(is_blank).filter(|word| !word.is_empty());
    if !directive.takes_sources() {
        let words = words.map(|word| words::folded(directive, word)).collect();
        return Some(Entry::new(directive, Value::Words(words)));
    }
    let mut sources = Vec::new();
    let mut is_faulty = false;
    for (index, word) in words.enumerate() {
        match Source::parse(word) {
            Ok(source) => sources.push(source),
            Err(error) => {
                is_faulty = true;
                faults.push(format!("{}[{index}]", directive.name()), error);
                if faults.is_full() {
                    break;
                }
            }
        }
    }
    Some(Entry {
        directive,
        value: Value::Sources(sources),
        is_faulty,
    })
}

/// ASCII white space as in the Infra Standard, which is what browsers split at.
fn is_blank(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\x0c' | '\r' | ' ')
}
