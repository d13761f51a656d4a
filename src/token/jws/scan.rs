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

/// Sets the top bit of each byte that ends what goes on as it is. Above the lowest of them others may be set as well.
const fn special(word: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const TOP: u64 = EACH << 7;
    /// The bytes below a limit, as far as they are ASCII.
    const fn below(word: u64, limit: u64) -> u64 {
        word.wrapping_sub(EACH.wrapping_mul(limit)) & !word & TOP
    }
    let quote = below(word ^ EACH.wrapping_mul(0x22), 1);
    let backslash = below(word ^ EACH.wrapping_mul(0x5c), 1);
    quote | backslash | below(word, 0x20)
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
}
