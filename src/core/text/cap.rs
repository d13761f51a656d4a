//! The longest cleaned text of each kind of field, in bytes, the ellipsis of a cut included.

pub(crate) const METHOD: usize = 32;
pub(crate) const RULE: usize = 128;
pub(crate) const USER_AGENT: usize = 256;
pub(crate) const PATH: usize = 1_024;
pub(crate) const ROUTE: usize = 256;
pub(crate) const PRINCIPAL: usize = 128;
pub(crate) const TARGET: usize = 128;
pub(crate) const DETAIL: usize = 1_024;

/// The start of a text of at most `most` bytes, whole characters alone.
pub(crate) fn start_of(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::start_of;

    #[test]
    fn a_text_is_cut_between_characters() {
        for (most, start) in [(0, ""), (1, "a"), (2, "a"), (3, "a\u{e9}"), (9, "a\u{e9}b")] {
            assert_eq!(start_of("a\u{e9}b", most), start);
        }
    }
}
