//! What a misspelt word was meant to be.

/// No word of a policy is longer; what is much longer than any is none of them misspelt.
const MAX_WORD: usize = 48;

/// The word of `known` that `text` is spelt most like, if it is spelt like one at all. Letters count in lower case.
pub(super) fn nearest(
    text: &str,
    known: impl IntoIterator<Item = &'static str>,
) -> Option<&'static str> {
    if text.len() > MAX_WORD {
        return None;
    }
    let text = text.to_ascii_lowercase();
    known
        .into_iter()
        .map(|word| (distance(text.as_bytes(), word.as_bytes()), word))
        .filter(|(distance, word)| *distance <= word.len().div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// How many letters have to be changed, added or left out to make `b` of `a`.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (before, letter) in a.iter().enumerate() {
        let mut diagonal = before;
        let mut left = before.saturating_add(1);
        let mut cells = row.iter_mut();
        if let Some(first) = cells.next() {
            *first = left;
        }
        for (cell, other) in cells.zip(b) {
            let above = *cell;
            let changed = diagonal.saturating_add(usize::from(letter != other));
            left = changed.min(above.min(left).saturating_add(1));
            diagonal = above;
            *cell = left;
        }
    }
    row.pop().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn the_nearest_word_is_found() {
        let known = ["'self'", "'none'", "script-src", "default-src"];
        for (text, expected) in [
            ("'slef'", Some("'self'")),
            ("'SELF", Some("'self'")),
            ("\"self\"", Some("'self'")),
            ("scripts-src", Some("script-src")),
            ("defaultSrc", Some("default-src")),
            ("x", None),
            ("", None),
            ("object-source-of-everything", None),
        ] {
            assert_eq!(nearest(text, known), expected, "{text}");
        }
        assert_eq!(nearest(&"s".repeat(100_000), known), None);
    }

    #[test]
    fn distances_are_those_of_levenshtein() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
            ("same", "same", 0),
        ] {
            assert_eq!(
                distance(a.as_bytes(), b.as_bytes()),
                expected,
                "{a:?} {b:?}"
            );
        }
    }
}
