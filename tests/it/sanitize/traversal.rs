//! Paths that somebody further inside could resolve to another place.

use http::Request;
use tower_security::sanitize::{PathRules, RequestRules};

/// Spellings of `..`, and those in which what follows is dropped by some.
const DOTS: [&str; 17] = [
    "..",
    ".%2e",
    "%2e.",
    "%2e%2e",
    "%2E%2e",
    "%c0%ae%c0%ae",
    "%e0%80%ae%e0%80%ae",
    "%f0%80%80%ae.",
    "%EF%BC%8E%EF%BC%8E",
    "%252e%252e",
    ".%252E",
    "%25%32%65.",
    "..;",
    "..%00",
    "..%01",
    "..%20",
    "..%3bx=1",
];
const SLASHES: [&str; 8] = ["/", "//", "%2f", "%5c", "%255c", "%252F", "\\", "/./"];
const PREFIXES: [&str; 4] = ["/", "/static/", "/a%20b/", "/files/x"];
const SUFFIXES: [&str; 3] = ["", "etc/passwd", "a.txt"];

/// Looks alike, and no decoder makes a dot of it.
const LOOKALIKE: &str = "%EF%BC%8E%EF%BC%8E";

#[test]
fn no_spelling_of_a_way_up_passes() {
    let strict = (PathRules::strict(), RequestRules::strict());
    let compatible = (PathRules::compatible(), RequestRules::compatible());
    let mut count = 0;
    for dots in DOTS {
        for slash in SLASHES {
            for depth in 1..=12 {
                let up = format!("{dots}{slash}").repeat(depth);
                for prefix in PREFIXES {
                    for suffix in SUFFIXES {
                        // What stands directly behind another name is no segment of its own.
                        let prefix = prefix.trim_end_matches('x');
                        let path = format!("{prefix}{up}{suffix}");
                        count += 1;
                        let (head, ()) = Request::get(&path)
                            .header("host", "app.example")
                            .body(())
                            .unwrap()
                            .into_parts();
                        assert!(strict.0.check(&path).is_err(), "{path}");
                        assert!(strict.1.check(&head).is_err(), "{path}");
                        // A line of separators alone, or one that is doubled, is reported.
                        let resolves = dots != LOOKALIKE || slash.contains("./") || {
                            matches!(slash, "%5c" | "%255c" | "%252F" | "\\")
                        };
                        assert_eq!(compatible.0.check(&path).is_err(), resolves, "{path}");
                        assert_eq!(compatible.1.check(&head).is_err(), resolves, "{path}");
                    }
                }
            }
        }
    }
    assert_eq!(count, 17 * 8 * 12 * 4 * 3);
}

/// Decodes escapes once, and leaves what is none.
fn decode(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = path;
    while let [first, behind @ ..] = rest {
        let digits = behind
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits
            .filter(|_| *first == b'%')
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
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

/// Whether a reader that decodes so often sees a way up: one for which `\` separates too, and which cuts a segment at `;` or a NUL.
fn goes_up(path: &[u8]) -> bool {
    path.split(|byte| matches!(byte, b'/' | b'\\'))
        .map(|segment| segment.split(|byte| matches!(byte, b';' | 0)).next())
        .any(|segment| segment == Some(b".."))
}

proptest::proptest! {
    #[test]
    fn what_becomes_a_way_up_when_it_is_decoded_is_refused(
        pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                ".", "..", "/", "\\", "%", "2", "5", "e", "f", "c", "%2e", "%2f", "%5c", "%25", "%32", "%65", "%3b", ";", "%00", "a",
                "%2E", "%252e", "%c0%ae", "x", "%20",
            ]),
            1..12,
        ),
    ) {
        let path = format!("/{}", pieces.concat());
        let once = decode(path.as_bytes());
        let twice = decode(&once);
        if [path.as_bytes(), &once, &twice].into_iter().any(goes_up) {
            proptest::prop_assert!(PathRules::strict().check(&path).is_err(), "{}", path);
            proptest::prop_assert!(PathRules::compatible().check(&path).is_err(), "{}", path);
        }
    }

    /// What is wrong is pointed at.
    #[test]
    fn a_violation_lies_within_its_path(path in "[/a.%2eE;\\\\\u{e9}\u{2028} \u{7f}]{0,24}") {
        if let Err(violation) = PathRules::strict().check(&path) {
            proptest::prop_assert!(violation.len() > 0);
            proptest::prop_assert!(violation.at() + violation.len() <= path.len(), "{} {:?}", path, violation);
        }
    }
}
