//! Strings of JSON, for the few objects that are written here: no text of a client comes near a general serializer.

/// A JSON string (RFC 8259, section 7). `<`, `>` and `&` are escaped too, so that a body taken for HTML holds no markup.
pub(crate) fn write_json_string(body: &mut Vec<u8>, text: &str) {
    body.push(b'"');
    write_json_text(body, text);
    body.push(b'"');
}

/// A part of a JSON string, without the quotes.
pub(crate) fn write_json_text(body: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    // Nearly all of a text needs no escape: it is copied in runs.
    while let Some(at) = next_escape(rest) {
        let (plain, special) = rest.split_at(at);
        body.extend_from_slice(plain);
        rest = &[];
        if let Some((byte, after)) = special.split_first() {
            escape(body, *byte);
            rest = after;
        }
    }
    body.extend_from_slice(rest);
}

/// Where the first byte stands that needs an escape.
fn next_escape(text: &[u8]) -> Option<usize> {
    let (words, _) = text.as_chunks::<8>();
    let plain = words.iter().take_while(|word| is_plain(**word)).count();
    let from = plain.saturating_mul(8);
    let rest = text.get(from..).unwrap_or_default();
    let at = rest.iter().position(|byte| needs_escape(*byte))?;
    Some(from.saturating_add(at))
}

/// Whether none of eight bytes needs an escape, all of them looked at together.
const fn is_plain(word: [u8; 8]) -> bool {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGH: u64 = ONES * 0x80;
    /// Not zero if a byte is less than `limit`, which is 128 at most.
    const fn below(word: u64, limit: u64) -> u64 {
        word.wrapping_sub(ONES * limit) & !word & HIGH
    }
    let word = u64::from_ne_bytes(word);
    let found = below(word, 0x20)
        // Two pairs differ in one bit: `"` and `&`, `<` and `>`.
        | below((word | (ONES * 0x04)) ^ (ONES * 0x26), 1)
        | below((word | (ONES * 0x02)) ^ (ONES * 0x3e), 1)
        | below(word ^ (ONES * 0x5c), 1)
        | below(word ^ (ONES * 0x7f), 1);
    found == 0
}

const fn needs_escape(byte: u8) -> bool {
    matches!(byte, 0..=0x1f | b'"' | b'&' | b'<' | b'>' | b'\\' | 0x7f)
}

fn escape(body: &mut Vec<u8>, byte: u8) {
    if matches!(byte, b'"' | b'\\') {
        body.extend_from_slice(&[b'\\', byte]);
    } else {
        write_unit(body, u16::from(byte));
    }
}

/// `\u` and the four digits of a UTF-16 code unit.
pub(crate) fn write_unit(body: &mut Vec<u8>, unit: u16) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let [high, low] = unit.to_be_bytes();
    let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
    body.extend_from_slice(b"\\u");
    body.extend_from_slice(&[high >> 4, high & 15, low >> 4, low & 15].map(digit));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_end_a_string_or_begin_markup_is_escaped() {
        let rows = [
            ("", r#""""#),
            ("plain", r#""plain""#),
            ("a\"b\\c", r#""a\"b\\c""#),
            ("\0\r\n\u{1f}\u{7f}", r#""\u0000\u000d\u000a\u001f\u007f""#),
            ("<&>", r#""\u003c\u0026\u003e""#),
            ("\"", r#""\"""#),
            ("\u{e9}\u{1f600}!", "\"\u{e9}\u{1f600}!\""),
        ];
        for (text, expected) in rows {
            let mut body = Vec::new();
            write_json_string(&mut body, text);
            assert_eq!(String::from_utf8(body).unwrap(), expected, "{text:?}");
        }
    }

    #[test]
    fn eight_bytes_are_judged_as_each_of_them() {
        for byte in 0..=u8::MAX {
            for at in 0..8 {
                let mut word = *b"plain te";
                word[at] = byte;
                assert_eq!(is_plain(word), !needs_escape(byte), "{byte} at {at}");
                // Neighbours that a borrow could reach.
                let mut word = [0x80; 8];
                word[at] = byte;
                assert_eq!(is_plain(word), !needs_escape(byte), "{byte} at {at}");
            }
        }
        for at in 0..40 {
            let mut text = "a".repeat(40);
            text.replace_range(at..=at, "\"");
            assert_eq!(next_escape(text.as_bytes()), Some(at));
        }
    }
}
