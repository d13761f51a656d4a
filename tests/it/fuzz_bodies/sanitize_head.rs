//! Paths and parameters, against what a reader makes of them that knows no rule.

use std::collections::HashSet;

use tower_security::core::CanonicalPath;
use tower_security::sanitize::{ParamRules, PathRules};

/// Decodes escapes once, and leaves what is none.
fn decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = text;
    while let [first, behind @ ..] = rest {
        let digits = behind
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let byte = digits.filter(|_| *first == b'%');
        match byte.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                rest = &behind[2..];
            }
            None => {
                decoded.push(*first);
                rest = behind;
            }
        }
    }
    decoded
}

/// Whether a reader goes up for which `\` separates too.
fn goes_up(path: &[u8]) -> bool {
    path.split(|byte| matches!(byte, b'/' | b'\\'))
        .any(|segment| segment == b"..")
}

pub fn path(data: &[u8]) {
    let Ok(path) = std::str::from_utf8(data) else {
        return;
    };
    let (strict, compatible) = (PathRules::strict(), PathRules::compatible());
    for violation in [strict.check(path), compatible.check(path)]
        .into_iter()
        .filter_map(Result::err)
    {
        assert!(violation.len() > 0, "{path:?} {violation:?}");
        assert!(
            violation.at() + violation.len() <= path.len(),
            "{path:?} {violation:?}"
        );
    }
    if compatible.check(path).is_ok() {
        let once = decode(path.as_bytes());
        let twice = decode(&once);
        for read in [path.as_bytes(), &once, &twice] {
            assert!(!goes_up(read), "{path:?}");
        }
        assert!(std::str::from_utf8(&once).is_ok(), "{path:?}");
        assert!(!once.contains(&0), "{path:?}");
    }
    if strict.check(path).is_ok() {
        assert!(compatible.check(path).is_ok(), "{path:?}");
        // What a strict reader takes is read in one way alone.
        if path.starts_with('/') && !path.contains(['?', '#']) {
            let canonical = CanonicalPath::parse(path).map(|path| path.as_str().to_owned());
            let read = String::from_utf8(decode(path.as_bytes())).ok();
            assert!(canonical.is_some(), "{path:?}");
            assert_eq!(canonical, read, "{path:?}");
        }
    }
}

/// Names and values as the URL standard reads them.
fn pairs(text: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    text.split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let plus = |text: &[u8]| {
                let spaced: Vec<u8> = text
                    .iter()
                    .map(|byte| if *byte == b'+' { b' ' } else { *byte })
                    .collect();
                decode(&spaced)
            };
            let end = pair.iter().position(|byte| *byte == b'=');
            let (name, value) = pair.split_at(end.unwrap_or(pair.len()));
            (plus(name), plus(value.strip_prefix(b"=").unwrap_or(value)))
        })
        .collect()
}

pub fn params(data: &[u8]) {
    let (strict, compatible) = (ParamRules::strict(), ParamRules::compatible());
    let answer = compatible.check(data);
    if let Err(violation) = &answer {
        assert!(violation.at() + violation.len() <= data.len());
    }
    let pairs = pairs(data);
    let is_sound = |text: &[u8]| std::str::from_utf8(text).is_ok() && !text.contains(&0);
    let accepted = answer.is_ok();
    if accepted {
        assert!(pairs.len() <= 1_000);
        for (name, value) in &pairs {
            assert!(is_sound(name) && is_sound(value) && name.len() <= 1_024);
            let steps = name.split(|byte| b"[].".contains(byte));
            assert!(!steps.into_iter().any(|step| step == b"__proto__"));
        }
    }
    if strict.check(data).is_ok() {
        assert!(accepted);
        let mut known = HashSet::new();
        for (name, value) in &pairs {
            assert!(value.len() <= 8 * 1_024);
            assert!(name.ends_with(b"[]") || known.insert(name), "{name:?}");
        }
    }
}
