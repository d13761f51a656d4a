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

/// Writes what `text` stands for into `out` and returns its length. The one spelling that [`encode`] writes is read: no padding, and the
/// bits that are left over are zero. `None` as well if `out` is too short.
#[cfg(feature = "password")]
pub(crate) fn decode_into(text: &[u8], out: &mut [u8]) -> Option<usize> {
    let mut free = out.iter_mut();
    let (mut bits, mut held, mut length) = (0_u32, 0_u32, 0_usize);
    for letter in text {
        // At most 6 bits are held, so that 12 fit.
        bits = bits << 6 | value(*letter)?;
        held = held.checked_add(6)?;
        if let Some(rest) = held.checked_sub(8) {
            *free.next()? = u8::try_from(bits >> rest).ok()?;
            bits &= !(u32::MAX << rest);
            held = rest;
            length = length.checked_add(1)?;
        }
    }
    // Six bits left over are a letter of their own, which no group ends with.
    (bits == 0 && held < 6).then_some(length)
}

/// What a letter stands for.
pub(crate) fn value(letter: u8) -> Option<u32> {
    let (first, at) = match letter {
        b'A'..=b'Z' => (b'A', 0),
        b'a'..=b'z' => (b'a', 26),
        b'0'..=b'9' => (b'0', 52),
        b'+' => (b'+', 62),
        b'/' => (b'/', 63),
        _ => return None,
    };
    u32::from(letter.checked_sub(first)?).checked_add(at)
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[cfg(feature = "password")]
    #[test]
    fn what_was_encoded_is_decoded_and_no_other_spelling_is() {
        let decode = |text: &str| {
            let mut out = [0; 6];
            decode_into(text.as_bytes(), &mut out).map(|length| out[..length].to_vec())
        };
        for (raw, text) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(decode(text).as_deref(), Some(raw.as_bytes()));
        }
        assert_eq!(decode("+/+/"), Some(vec![0xfb, 0xff, 0xbf]));
        for wrong in [
            "Z", "Zg=", "Zg==", "Zh", "Zm9", "Zm9vY", "-_-_", "Zm 8", "Zm8\n",
        ] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
        assert_eq!(decode("Zm9vYmFyYg"), None, "longer than its place");
    }
}
