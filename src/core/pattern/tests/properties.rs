use proptest::prelude::*;

use super::*;

/// Patterns over a small alphabet, so that they often match.
pub(super) fn some_pattern() -> impl Strategy<Value = String> {
    let literal = prop_oneof!["[ab]{1,2}", Just("a.b".to_owned())];
    let segment = prop_oneof![3 => literal.prop_map(Some), 2 => Just(None)];
    let end = prop_oneof![Just(""), Just("/"), Just("/{*rest}")];
    (prop::collection::vec(segment, 0..4), end).prop_map(|(segments, end)| {
        let mut pattern = String::new();
        for (index, segment) in segments.into_iter().enumerate() {
            pattern.push('/');
            pattern.push_str(&segment.unwrap_or_else(|| format!("{{p{index}}}")));
        }
        pattern.push_str(end);
        if pattern.is_empty() {
            "/".to_owned()
        } else {
            pattern
        }
    })
}

/// Paths of the same alphabet with all that is suspicious strewn in.
pub(super) fn some_path() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => "[ab]{1,2}",
        2 => Just(String::new()),
        4 => prop::sample::select(vec![
            "a.b", ".", "..", "%2e", "%2E.", "%61", "a%2fb", "%5c", "\\", ";", "%00", "%", "%4", "%zz", "%2561", "%ff", "%c3%a9",
            "a%20b", "100%25", "\u{e9}", "%20.", "%c0%ae", "%e0%80%ae", "%f0%80%80%ae", "%e2%82%ac", "%f0%9f%98%80", "%e2%82", "%82",
            "%ed%a0%80", "%c3\u{e9}", "%c3%a9%c3",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..5)
        .prop_map(|pieces| pieces.iter().map(|piece| format!("/{piece}")).collect())
}

/// The bytes of a path, each escape of which is whole.
fn unescaped(path: &str) -> Vec<u8> {
    let mut pieces = path.split('%');
    let mut bytes = pieces.next().unwrap().as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2).unwrap();
        bytes.push(u8::from_str_radix(digits, 16).unwrap());
        bytes.extend_from_slice(rest.as_bytes());
    }
    bytes
}

/// [`Template::match_raw`] by its definition, slow and plain.
fn naive_raw(pattern: &str, path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let dots = lower.replace("%2e", ".").replace("%20", "");
    let has_bad_escape = path.match_indices('%').any(|(at, _)| {
        let digits = path.as_bytes().get(at + 1..at + 3);
        !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    if !path.starts_with('/')
        || path.contains("//")
        || dots
            .split('/')
            .any(|segment| segment == "." || segment == "..")
        || ["%2f", "%5c", "%3b", "%3f", "%23", "%25", "%7f", "\\", ";"]
            .iter()
            .any(|bad| lower.contains(bad))
        || (0..0x20).any(|byte| lower.contains(&format!("%{byte:02x}")))
        || has_bad_escape
        || String::from_utf8(unescaped(path)).is_err()
    {
        return false;
    }
    let mut segments: Vec<_> = path.split('/').collect();
    let mut patterns: Vec<_> = pattern.split('/').collect();
    if patterns.last().is_some_and(|last| last.starts_with("{*")) {
        patterns.pop();
        if segments.len() <= patterns.len() || segments[patterns.len()].is_empty() {
            return false;
        }
        segments.truncate(patterns.len());
    }
    segments.len() == patterns.len()
        && segments.iter().zip(&patterns).all(|(segment, pattern)| {
            if pattern.starts_with('{') {
                !segment.is_empty()
            } else {
                segment == pattern
            }
        })
}

/// The match of axum's router, on a path that is decoded already.
fn routed(pattern: &str, path: &str) -> Option<Vec<(String, String)>> {
    let mut router = matchit::Router::new();
    router.insert(pattern, ()).expect(pattern);
    let matched = router.at(path).ok()?;
    Some(
        matched
            .params
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn raw_matching_agrees_with_its_definition(pattern in some_pattern(), path in some_path()) {
        prop_assert_eq!(template(&pattern).match_raw(&path), naive_raw(&pattern, &path), "{} and {}", pattern, path);
    }

    #[test]
    fn canonical_matching_agrees_with_the_router(pattern in some_pattern(), path in some_path()) {
        if let Some(canonical) = CanonicalPath::parse(&path) {
            prop_assert_eq!(params(&pattern, &path), routed(&pattern, canonical.as_str()), "{} and {}", pattern, path);
        }
    }

    #[test]
    fn what_matches_raw_and_is_canonical_matches_canonically(pattern in some_pattern(), path in some_path()) {
        if template(&pattern).match_raw(&path) && CanonicalPath::parse(&path).is_some() {
            prop_assert!(params(&pattern, &path).is_some(), "{} and {}", pattern, path);
        }
    }

    #[test]
    fn however_a_canonical_path_is_escaped_it_decodes_to_itself(path in "(/[a-c \u{e9}%.+]{3,5}){1,3}/?", mask in any::<u64>()) {
        prop_assume!(CanonicalPath::parse(&path.replace('%', "")).is_some());
        let escaped: String = path.bytes().enumerate().map(|(at, byte)| {
            let is_plain = byte == b'/' || (byte.is_ascii_alphanumeric() && mask >> (at % 64) & 1 == 0);
            if is_plain { char::from(byte).to_string() } else { format!("%{byte:02X}") }
        }).collect();
        let is_twice = path.as_bytes().windows(3).any(|w| w[0] == b'%' && w[1].is_ascii_hexdigit() && w[2].is_ascii_hexdigit());
        match CanonicalPath::parse(&escaped) {
            Some(canonical) => prop_assert_eq!(canonical.as_str(), path),
            None => prop_assert!(is_twice, "{} as {}", path, escaped),
        }
    }

    #[test]
    fn covering_means_matching_whatever_the_other_matches(one in some_pattern(), other in some_pattern(), path in some_path()) {
        if template(&one).covers(&template(&other)) && params(&other, &path).is_some() {
            prop_assert!(params(&one, &path).is_some(), "{} and {}: {}", one, other, path);
        }
    }

    #[cfg(feature = "limits")]
    #[test]
    fn whoever_decodes_a_slash_reads_a_spelling_that_is_shared(
        one in some_pattern(), other in some_pattern(), path in "(/[ab]{1,2}){1,4}", mask in any::<u8>(),
    ) {
        let slashes = path.split_inclusive('/').skip(1).enumerate();
        let spelt = slashes.fold("/".to_owned(), |spelt, (at, part)| match part.strip_suffix('/') {
            Some(part) if mask >> at & 1 == 1 => spelt + part + "%2F",
            _ => spelt + part,
        });
        if template(&one).is_spelt_in(&spelt) && params(&other, &path).is_some() {
            prop_assert!(template(&one).shares_a_spelling(&template(&other)), "{} and {}: {}", one, other, spelt);
            prop_assert!(template(&other).shares_a_spelling(&template(&one)), "{} and {}: {}", other, one, spelt);
        }
    }

    #[test]
    fn every_template_matches_its_own_text(pattern in "/[ab/{}*.:%;]{0,10}") {
        if let Ok(template) = Template::parse(&pattern) {
            prop_assert!(template.match_raw(&pattern), "{}", pattern);
            prop_assert!(params(&pattern, &pattern).is_some(), "{}", pattern);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), path in "/\\PC*") {
        if let Ok(template) = Template::parse(&text) {
            prop_assert!(text.starts_with('/'));
            prop_assert_eq!(template.match_raw(&text), true);
        }
        if let Some(path) = CanonicalPath::parse(&path) {
            prop_assert_eq!(path.as_str().matches('/').count(), path.segment_count());
        }
    }
}
