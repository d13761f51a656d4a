//! Strings of JSON, for the few objects that are written here: no text of a client comes near a general serializer.

/// A JSON string (RFC 8259, section 7). `<`, `>` and `&` are escaped too, so that a body taken for HTML holds no markup.
pub(crate) fn write_json_string(body: &mut Vec<u8>, text: &str) {
    body.push(b'"');
    let mut rest = text.as_bytes();
    // Nearly all of a text needs no escape: it is copied in runs.
    while let Some(at) = rest.iter().position(|byte| needs_escape(*byte)) {
        let (plain, special) = rest.split_at(at);
        body.extend_from_slice(plain);
        rest = &[];
        if let Some((byte, after)) = special.split_first() {
            escape(body, *byte);
            rest = after;
        }
    }
    body.extend_from_slice(rest);
    body.push(b'"');
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
}
