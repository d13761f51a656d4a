use super::*;

#[test]
fn lines_are_found_wherever_they_stand() {
    for lines in [&b"a\nbb\nccc\n"[..], b"a\nbb\nccc"] {
        for (text, is_there) in [
            ("a", true),
            ("bb", true),
            ("ccc", true),
            ("", false),
            ("0", false),
            ("b", false),
            ("bbb", false),
            ("d", false),
            ("a\nbb", false),
        ] {
            assert_eq!(is_line(lines, text.as_bytes()), is_there, "{text:?}");
        }
    }
    assert!(!is_line(b"", b"") && !is_line(b"", b"a"));
}

#[test]
fn the_copy_in_lower_case_does_not_grow() {
    // The letters that grow the most: U+023A takes 2 bytes, and 3 in lower case; U+0130 becomes two characters.
    for text in [
        "\u{23a}".repeat(512),
        "\u{130}".repeat(512),
        "A".repeat(1024),
    ] {
        let lower = lower_case(&text);
        assert_eq!(lower.expose(), &text.to_lowercase());
        assert_eq!(lower.expose().capacity(), text.len() * 2);
    }
}

#[test]
fn the_list_is_sorted_and_in_lower_case() {
    let text = std::str::from_utf8(COMMON).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3000);
    assert!(
        lines
            .windows(2)
            .all(|pair| pair[0].as_bytes() < pair[1].as_bytes())
    );
    assert!(text.ends_with('\n') && !text.contains('\r'));
    let lengths = lines.iter().map(|line| line.len());
    assert_eq!(lengths.clone().min(), Some(SHORTEST_COMMON));
    assert_eq!(lengths.max(), Some(LONGEST_COMMON));
    assert!(lines.iter().all(|line| line.to_lowercase() == *line));
}
