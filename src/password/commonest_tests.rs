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
    for letter in '\0'..=char::MAX {
        let text = String::from(letter).repeat(2);
        let lower = lower_case(&text);
        assert_eq!(lower.expose().capacity(), text.len() * 3, "{letter:?}");
        let capitals = lower_case(&text.to_uppercase());
        assert_eq!(capitals.expose(), lower.expose(), "{letter:?}");
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
