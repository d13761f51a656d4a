use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

fn parsed(typed: &str) -> Option<String> {
    Text::parse(typed).map(|text| String::from_utf8(text.characters().to_vec()).unwrap())
}

#[test]
fn what_is_typed_is_read_as_it_was_meant() {
    let code = "0123-4567-89AB-CDEF";
    let plain = "0123456789ABCDEF";
    for typed in [
        code,
        plain,
        "0123456789abcdef",
        "O123-4567-89ab-cdef",
        "oI23-4567-89AB-CDEF",
        "0l23-4567-89AB-CDEF",
        "0L23-4567-89AB-CDEF",
        " 0123 4567\t89AB\r\nCDEF ",
        "0-1-2-3-4-5-6-7-8-9-A-B-C-D-E-F--",
    ] {
        assert_eq!(parsed(typed).as_deref(), Some(plain), "{typed:?}");
    }
    for (typed, wrong) in [
        ("no letter U", "U123-4567-89AB-CDEF"),
        ("15 characters", "0123-4567-89AB-CDE"),
        ("17 characters", "0123-4567-89AB-CDEF-0"),
        ("33 characters", "0123456789ABCDEF0123456789ABCDEF0"),
        ("a stop", "0123.4567.89AB.CDEF"),
        ("a NUL", "0123-4567-89AB-CDEF\0"),
        ("a full-width digit", "\u{ff10}123-4567-89AB-CDEF"),
        ("nothing", ""),
        ("hyphens alone", "----------------"),
    ] {
        assert_eq!(parsed(wrong), None, "{typed}");
    }
    assert_eq!(parsed(&"01".repeat(16)).map(|text| text.len()), Some(32));
    let blanks = |count| format!("{plain}{}", " ".repeat(count));
    assert!(parsed(&blanks(112)).is_some());
    assert!(parsed(&blanks(113)).is_none());
}

#[test]
fn drawn_codes_are_grouped_differ_and_are_read_back() {
    let mut all = HashSet::new();
    let mut characters = HashSet::new();
    for _ in 0..200 {
        let drawn = Text::draw(16).unwrap();
        let shown = drawn.shown().expose().clone();
        assert_eq!(shown.len(), 19);
        assert!(shown.split('-').all(|group| group.len() == 4), "{shown}");
        assert_eq!(parsed(&shown).unwrap().as_bytes(), drawn.characters());
        characters.extend(drawn.characters().to_vec());
        assert!(all.insert(shown));
    }
    assert_eq!(characters.len(), 32, "each character is drawn");
    assert_eq!(Text::draw(32).unwrap().shown().expose().len(), 39);
}

#[test]
fn a_digest_is_of_one_user_one_code_and_one_pepper() {
    let ring = PepperRing::builder("2", b"a pepper of this year")
        .add_old("1", b"a pepper of last year")
        .build()
        .unwrap();
    let peppers = Peppers::new(&ring);
    let digests = |user: &str, typed: &str| -> Vec<[u8; 32]> {
        let code = Text::parse(typed).unwrap();
        peppers
            .digests(user, &code)
            .map(|digest| *digest.as_bytes())
            .collect()
    };
    let alice = digests("alice", "0123456789ABCDEF");
    assert_eq!(alice, digests("alice", "o123-4567-89ab-cdef"));
    let mut all: HashSet<[u8; 32]> = alice.into_iter().collect();
    all.extend(digests("alic", "E0123456789ABCDEF0123456789ABCDE"));
    all.extend(digests("alice0", "0123456789ABCDEF"));
    all.extend(digests("Alice", "0123456789ABCDEF"));
    all.extend(digests("alice", "1123456789ABCDEF"));
    assert_eq!(all.len(), 10);
    // HMAC-SHA-256 as Python's `hmac` has it: the purpose, eight bytes of length, the user, the code.
    #[rustfmt::skip]
    let expected = [
        0x27, 0x72, 0xa6, 0x70, 0x4e, 0xe4, 0xc7, 0xd1, 0xea, 0xe3, 0x0e, 0x32, 0x31, 0x8b, 0x94, 0x50,
        0xd8, 0xec, 0x98, 0x94, 0x21, 0x9b, 0xd6, 0x38, 0xdd, 0xd3, 0x9d, 0xa7, 0x2d, 0x7a, 0x23, 0xf6,
    ];
    assert_eq!(digests("alice", "0123456789ABCDEF")[0], expected);
    assert_eq!(
        format!("{:?}", CodeDigest::from_bytes([7; 32])),
        "CodeDigest(..)"
    );
}

proptest! {
    /// What is read, shown and read again is the same.
    #[test]
    fn whatever_is_typed_is_refused_or_read_back(typed in "\\PC{0,40}|[0-9A-Za-z -]{14,24}") {
        if let Some(text) = Text::parse(&typed) {
            let again = parsed(text.shown().expose()).unwrap();
            prop_assert_eq!(again.as_bytes(), text.characters());
        }
    }
}
