//! How far a text goes on.

/// How many bytes of a string go on as they are: up to a quotation mark, a backslash or a control character. Eight at a time: texts are
/// most of a token.
pub(super) fn ordinary(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut count: usize = 0;
    for word in words {
        let found = special(u64::from_le_bytes(*word));
        if found != 0 {
            return count.saturating_add(found.trailing_zeros() as usize / 8);
        }
        count = count.saturating_add(8);
    }
    let is_ordinary = |byte: &&u8| !matches!(**byte, b'"' | b'\\' | 0..=0x1f);
    count.saturating_add(rest.iter().take_while(is_ordinary).count())
}

/// Where the first dot stands. Many at a time, for the same reason.
pub(super) fn first_dot(bytes: &[u8]) -> Option<usize> {
    let is_dot = |byte: &u8| *byte == b'.';
    let (chunks, _) = bytes.as_chunks::<32>();
    // No branch on a byte, so that the compiler takes a vector of them.
    let has_dot = |chunk: &[u8; 32]| chunk.iter().fold(false, |found, byte| found | is_dot(byte));
    let passed = chunks.iter().take_while(|chunk| !has_dot(chunk)).count();
    let passed = passed.saturating_mul(32);
    let (words, rest) = bytes.get(passed..)?.as_chunks::<8>();
    let mut count = passed;
    for word in words {
        let found = equal(u64::from_le_bytes(*word), b'.');
        if found != 0 {
            return Some(count.saturating_add(found.trailing_zeros() as usize / 8));
        }
        count = count.saturating_add(8);
    }
    let place = rest.iter().position(is_dot)?;
    Some(count.saturating_add(place))
}

const EACH: u64 = 0x0101_0101_0101_0101;
const TOP: u64 = EACH << 7;

/// Sets the top bit of each byte that ends what goes on as it is. Above the lowest of them others may be set as well.
const fn special(word: u64) -> u64 {
    equal(word, b'"') | equal(word, b'\\') | below(word, 0x20)
}

/// Those that are `byte`; above the lowest of them others as well.
const fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ EACH.wrapping_mul(byte as u64), 1)
}

/// Those below a limit, as far as they are ASCII; above the lowest of them others as well.
const fn below(word: u64, limit: u64) -> u64 {
    word.wrapping_sub(EACH.wrapping_mul(limit)) & !word & TOP
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_ends_where_it_would_byte_by_byte() {
        let ends = |byte: u8| byte == b'"' || byte == b'\\' || byte < 0x20;
        for byte in 0..=u8::MAX {
            for place in 0..20 {
                let mut bytes = *b"abc\x7f\x80\xff!#[]a\xc3\xa9ghijklm";
                bytes[place] = byte;
                let expected = bytes.iter().position(|byte| ends(*byte)).unwrap_or(20);
                assert_eq!(ordinary(&bytes), expected, "{byte:#x} at {place}");
            }
        }
        assert_eq!(ordinary(b""), 0);
    }

    #[test]
    fn a_dot_is_found_where_it_would_be_byte_by_byte() {
        for length in [0, 1, 7, 8, 9, 31, 32, 33, 40, 63, 64, 65, 75] {
            // Neighbours of a dot, and what differs from it in the top bit.
            let text = b"-/\xae.".iter().copied().cycle().take(length);
            let bytes = text.map(|byte| if byte == b'.' { b'a' } else { byte });
            let bytes = bytes.collect::<Vec<_>>();
            assert_eq!(first_dot(&bytes), None, "of {length}");
            for place in 0..length {
                for behind in place..length {
                    let mut bytes = bytes.clone();
                    bytes[place] = b'.';
                    bytes[behind] = b'.';
                    assert_eq!(first_dot(&bytes), Some(place), "of {length}");
                }
            }
        }
    }
}
