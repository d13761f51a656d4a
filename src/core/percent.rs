//! Percent-encoding (RFC 3986, section 2.1).

/// The value of the two hexadecimal digits behind a `%`; `None` without them.
pub(crate) fn escaped(digits: &mut impl Iterator<Item = u8>) -> Option<u8> {
    let mut digit = || {
        let value = char::from(digits.next()?).to_digit(16)?;
        u8::try_from(value).ok()
    };
    let high = digit()?;
    Some(high << 4 | digit()?)
}

/// The first byte of a text, unescaped, and what is behind it. A `%` without two digits stands for itself, as decoders of forms and
/// cookies read it.
pub(crate) fn first(text: &[u8]) -> Option<(u8, &[u8])> {
    let (byte, behind) = text.split_first()?;
    if *byte == b'%'
        && let Some((digits, rest)) = behind.split_at_checked(2)
        && let Some(value) = escaped(&mut digits.iter().copied())
    {
        return Some((value, rest));
    }
    Some((*byte, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_digits_make_a_byte() {
        for (text, value) in [
            (&b"00"[..], Some(0)),
            (b"5F", Some(b'_')),
            (b"5f", Some(b'_')),
            (b"fFx", Some(0xff)),
            (b"", None),
            (b"5", None),
            (b"5g", None),
            (b"+5", None),
        ] {
            assert_eq!(escaped(&mut text.iter().copied()), value);
        }
    }

    #[test]
    fn what_is_no_escape_stands_for_itself() {
        let rows: [(&[u8], Option<(u8, &[u8])>); 7] = [
            (b"", None),
            (b"a%41", Some((b'a', b"%41"))),
            (b"%41b", Some((b'A', b"b"))),
            (b"%2541", Some((b'%', b"41"))),
            (b"%", Some((b'%', b""))),
            (b"%4", Some((b'%', b"4"))),
            (b"%4g", Some((b'%', b"4g"))),
        ];
        for (text, expected) in rows {
            assert_eq!(first(text), expected);
        }
    }
}
