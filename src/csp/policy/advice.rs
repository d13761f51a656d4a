//! What to write instead, where it depends on the mistake's place.

use crate::core::text::cap::start_of;

pub(super) fn meant(nearest: Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!(", you may mean {nearest:?}"))
}

pub(super) const fn byte_advice(character: char) -> &'static str {
    match character {
        ';' => "it would begin another directive, write one source a value (`%3B` in a path)",
        ',' => "it would begin another policy, write one source a value (`%2C` in a path)",
        ' ' => "write one source a value (`%20` in a path)",
        '\u{2018}'..='\u{201f}' | '\u{2032}' | '\u{2033}' | '\u{b4}' | '`' => {
            "write ASCII quotes as in `'self'`"
        }
        '\0'..='\x1f' | '\x7f' => "it would break the header, leave it out",
        _ => "write ASCII alone",
    }
}

const FRAMED: &str = "any site could lay this page under its own, write `'none'` or the origins";

pub(super) fn scheme_advice(name: &str, value: &str) -> &'static str {
    match (name, value) {
        ("object-src" | "base-uri", _) => "write `'none'`",
        ("frame-ancestors", _) => FRAMED,
        (_, "https:") => {
            "any server can then deliver a script, name hosts, or write `Source::NONCE` and `'strict-dynamic'`"
        }
        _ => {
            "injected text becomes a script as with `'unsafe-inline'`, write `Source::NONCE` (workers: `worker-src blob:`)"
        }
    }
}

pub(super) fn wildcard_advice(name: &str) -> &'static str {
    match name {
        "object-src" | "base-uri" => "write `'none'`",
        "frame-ancestors" => FRAMED,
        "trusted-types" => "any name could make a policy, write the names",
        "default-src" => "list the origins",
        _ => "any server could deliver a script, write `Source::NONCE` and `'strict-dynamic'`",
    }
}

/// `text` as a message may show it: without a user name and password, and cut where it is long.
pub(super) fn shown(text: &str) -> String {
    const MAX_SHOWN: usize = 160;
    let (start, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let user = rest
        .get(..authority)
        .and_then(|authority| authority.rfind('@'));
    let rest = user.and_then(|at| rest.get(at + 1..)).unwrap_or(rest);
    let mut shown = start + rest;
    if shown.len() > MAX_SHOWN {
        shown.truncate(start_of(&shown, MAX_SHOWN).len());
        shown.push_str("..");
    }
    shown
}
