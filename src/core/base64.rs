//! Base64 with the standard alphabet (RFC 4648, section 4).

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The text of `raw`, without padding.
pub(crate) fn encode(raw: &[u8]) -> String {
    let mut text = String::with_capacity(raw.len().div_ceil(3).saturating_mul(4));
    for chunk in raw.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        let shifts = [18, 12, 6, 0].into_iter();
        text.extend(shifts.take(chunk.len().saturating_add(1)).map(|shift| {
            // Six bits are below 64.
            let letter = ALPHABET.get((group >> shift & 63) as usize);
            char::from(letter.copied().unwrap_or_default())
        }));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn the_vectors_of_the_rfc_pass() {
        // Section 10, without their padding.
        for (raw, text) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(raw.as_bytes()), text);
        }
        assert_eq!(encode(&[0xfb, 0xff, 0xbf]), "+/+/");
    }
}
