//! Text for logs: harmless, within its limit, and without loss.

use tower_security::core::CleanText;

/// The first byte is the limit, the others are the text.
pub fn clean_text(data: &[u8]) {
    let Some((&cap, text)) = data.split_first() else {
        return;
    };
    let cap = usize::from(cap);

    let cut = CleanText::from_bytes(text, cap);
    assert!(cut.len() <= cap, "{} bytes of {cap}", cut.len());
    assert_harmless(&cut);

    // The longest escape of one byte is `\u{1b}`.
    let whole = CleanText::from_bytes(text, text.len() * 6);
    assert_harmless(&whole);
    assert_eq!(decode(&whole), text, "{whole}");

    if let Ok(text) = std::str::from_utf8(text) {
        assert_eq!(CleanText::new(text, cap), cut);
    }
}

fn assert_harmless(text: &str) {
    for character in text.chars() {
        let reorders = matches!(
            u32::from(character),
            0x061c | 0x200e | 0x200f | 0x2028..=0x202e | 0x2066..=0x2069
        );
        assert!(!character.is_control() && !reorders, "{character:?}");
    }
}

fn decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        bytes.extend(plain.bytes());
        rest = if let Some(behind) = escape.strip_prefix('\\') {
            bytes.push(b'\\');
            behind
        } else if let Some(hex) = escape.strip_prefix('x') {
            bytes.push(u8::from_str_radix(&hex[..2], 16).expect("two digits"));
            &hex[2..]
        } else {
            let hex = escape.strip_prefix("u{").expect("no other escape");
            let (number, behind) = hex.split_once('}').expect("it is closed");
            let number = u32::from_str_radix(number, 16).expect("hexadecimal digits");
            let character = char::from_u32(number).expect("a character");
            bytes.extend(character.encode_utf8(&mut [0; 4]).bytes());
            behind
        };
    }
    bytes.extend(rest.bytes());
    bytes
}
