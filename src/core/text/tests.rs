use std::borrow::Cow;

use proptest::prelude::*;

use super::clean::ELLIPSIS;
use super::{cap, clean, clean_bytes};

/// Name, input, and how it stands in a log.
const HOSTILE: [(&str, &[u8], &str); 24] = [
    (
        "fake line",
        b"x\r\n2025-01-01 INFO login ok",
        r"x\u{d}\u{a}2025-01-01 INFO login ok",
    ),
    (
        "ANSI colour",
        b"\x1b[31mred\x1b[0m",
        r"\u{1b}[31mred\u{1b}[0m",
    ),
    (
        "OSC 8 link",
        b"\x1b]8;;https://evil.test\x1b\\",
        r"\u{1b}]8;;https://evil.test\u{1b}\\",
    ),
    (
        "OSC 52 clipboard",
        b"\x1b]52;c;cm0gLXJm\x07",
        r"\u{1b}]52;c;cm0gLXJm\u{7}",
    ),
    ("C1 CSI", "\u{9b}31m".as_bytes(), r"\u{9b}31m"),
    ("NUL, TAB, DEL", b"\0\t\x7f", r"\u{0}\u{9}\u{7f}"),
    (
        "last C0, first C1, last C1",
        "\u{1f}\u{80}\u{9f}".as_bytes(),
        r"\u{1f}\u{80}\u{9f}",
    ),
    (
        "line separators",
        "a\u{2028}b\u{2029}".as_bytes(),
        r"a\u{2028}b\u{2029}",
    ),
    (
        "bidi override",
        "\u{202e}gpj.exe".as_bytes(),
        r"\u{202e}gpj.exe",
    ),
    (
        "bidi embeddings",
        "\u{202a}\u{202d}".as_bytes(),
        r"\u{202a}\u{202d}",
    ),
    (
        "bidi isolates",
        "\u{2066}\u{2069}".as_bytes(),
        r"\u{2066}\u{2069}",
    ),
    (
        "bidi marks",
        "\u{61c}\u{200e}\u{200f}".as_bytes(),
        r"\u{61c}\u{200e}\u{200f}",
    ),
    ("byte-order mark", "\u{feff}a".as_bytes(), r"\u{feff}a"),
    (
        "tag characters",
        "\u{e0000}\u{e0041}\u{e007f}".as_bytes(),
        r"\u{e0000}\u{e0041}\u{e007f}",
    ),
    (
        "neighbours of the listed ones",
        "\u{a0}\u{61b}\u{200d}\u{2010}\u{2027}\u{202f}\u{2065}\u{206a}\u{e0080}".as_bytes(),
        "\u{a0}\u{61b}\u{200d}\u{2010}\u{2027}\u{202f}\u{2065}\u{206a}\u{e0080}",
    ),
    ("backslash", br"C:\temp", r"C:\\temp"),
    ("an escape sent as text", br"\u{a}", r"\\u{a}"),
    ("overlong slash", b"\xc0\xaf", r"\xc0\xaf"),
    ("lone surrogate", b"\xed\xa0\x80", r"\xed\xa0\x80"),
    ("broken at the end", b"a\xe2\x82", r"a\xe2\x82"),
    ("Latin-1", b"caf\xe9!", r"caf\xe9!"),
    (
        "printable ASCII",
        b"Mozilla/5.0 (X11; \"q\" ~)",
        "Mozilla/5.0 (X11; \"q\" ~)",
    ),
    (
        "other scripts",
        "\u{43f}\u{440} \u{65e5} \u{1f600}".as_bytes(),
        "\u{43f}\u{440} \u{65e5} \u{1f600}",
    ),
    ("nothing", b"", ""),
];

#[test]
fn hostile_text_is_spelt_out() {
    for (name, input, expected) in HOSTILE {
        assert_eq!(clean_bytes(input, 256), expected, "{name}");
        if let Ok(text) = std::str::from_utf8(input) {
            assert_eq!(clean(text, 256), expected, "{name}, as text");
        }
    }
}

#[test]
fn clean_text_is_borrowed() {
    let borrowed = ["", "curl/8.5.0", "\u{65e5}\u{672c}"];
    for text in borrowed {
        assert!(matches!(clean(text, 64), Cow::Borrowed(_)), "{text}");
        assert!(
            matches!(clean_bytes(text.as_bytes(), 64), Cow::Borrowed(_)),
            "{text}"
        );
    }
    assert!(matches!(clean("abcde", 5), Cow::Borrowed(_)));
    assert!(matches!(clean("abcdef", 5), Cow::Owned(_)));
}

#[test]
fn a_cut_falls_between_escapes_and_counts_its_ellipsis() {
    let rows: [(&str, usize, &str); 10] = [
        ("abcdefgh", 8, "abcdefgh"),
        ("abcdefghi", 8, "abcde\u{2026}"),
        // Two bytes each: a third would leave no room for the ellipsis.
        ("\u{e9}\u{e9}\u{e9}\u{e9}", 8, "\u{e9}\u{e9}\u{e9}\u{e9}"),
        ("\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}", 8, "\u{e9}\u{e9}\u{2026}"),
        // Five bytes of escape.
        ("abc\n", 8, r"abc\u{a}"),
        ("abcd\n", 8, "abcd\u{2026}"),
        ("\n\n", 8, "\\u{a}\u{2026}"),
        (r"\\\\", 8, r"\\\\\\\\"),
        (r"\\\\\", 8, "\\\\\\\\\u{2026}"),
        ("abc", 2, ""),
    ];
    for (input, cap, expected) in rows {
        assert_eq!(clean(input, cap), expected, "{input:?} at {cap}");
        assert_eq!(
            clean_bytes(input.as_bytes(), cap),
            expected,
            "bytes of {input:?} at {cap}"
        );
    }
}

#[test]
fn a_megabyte_is_cut_to_its_cap() {
    let input = "a".repeat(1 << 20);
    let cleaned = clean(&input, cap::USER_AGENT);
    assert_eq!(cleaned.len(), 256);
    assert_eq!(cleaned, format!("{}\u{2026}", "a".repeat(253)));
    assert!(
        cleaned.into_owned().capacity() <= 1_024,
        "room for a megabyte was taken"
    );
}

/// Reads the escapes back; `None` for text that the cleaner cannot have written.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(plain.as_bytes());
        rest = if let Some(after) = escape.strip_prefix('\\') {
            bytes.push(b'\\');
            after
        } else if let Some(digits) = escape.strip_prefix('x') {
            let (hex, after) = digits.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(hex, 16).ok()?);
            after
        } else {
            let (hex, after) = escape.strip_prefix("u{")?.split_once('}')?;
            let c = char::from_u32(u32::from_str_radix(hex, 16).ok()?)?;
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            after
        };
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(bytes)
}

/// The list of the specification, written a second time.
fn is_listed(c: char) -> bool {
    let ranges = [
        (0x0000, 0x001F),
        (0x007F, 0x007F),
        (0x0080, 0x009F),
        (0x2028, 0x2029),
        (0x061C, 0x061C),
        (0x200E, 0x200F),
        (0x202A, 0x202E),
        (0x2066, 0x2069),
        (0xFEFF, 0xFEFF),
        (0xE0000, 0xE007F),
    ];
    ranges
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&u32::from(c)))
}

/// Bytes that are mostly of interest: text, listed characters, backslashes, broken UTF-8.
fn hostile_bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        any::<char>().prop_map(|c| c.to_string().into_bytes()),
        "[ -~]{0,8}".prop_map(String::into_bytes),
        "[\u{0}-\u{1f}\u{7f}-\u{9f}\u{2028}-\u{202e}\u{2066}-\u{2069}\u{e0000}-\u{e007f}]"
            .prop_map(String::into_bytes),
        Just(b"\\".to_vec()),
        prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn cleaning_hides_nothing_and_lets_nothing_through(bytes in hostile_bytes(), cap in 3_usize..300) {
        let cleaned = clean_bytes(&bytes, cap);
        prop_assert!(cleaned.len() <= cap);
        prop_assert!(!cleaned.chars().any(is_listed));
        match unescape(&cleaned) {
            Some(back) if back == bytes => {}
            _ => {
                let kept = cleaned.strip_suffix(ELLIPSIS).expect("what lacks something ends in an ellipsis");
                let back = unescape(kept).expect("only whole escapes");
                prop_assert!(bytes.starts_with(&back), "{:?} is no beginning of {:?}", back, bytes);
                // The next piece, at most 9 bytes, had no room.
                prop_assert!(kept.len() + 9 + ELLIPSIS.len_utf8() > cap, "cut too early");
            }
        }
    }

    #[test]
    fn text_and_its_bytes_are_cleaned_alike(text in any::<String>(), cap in 0_usize..64) {
        prop_assert_eq!(clean(&text, cap), clean_bytes(text.as_bytes(), cap));
    }
}
