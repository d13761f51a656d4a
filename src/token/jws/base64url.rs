//! Base64 with the alphabet for URLs (RFC 4648 section 5), as a JWS has it: no padding, no other characters, no bits left over.
//!
//! A text that several encodings lead to would let one token have several spellings, and what remembers tokens by their spelling
//! would be passed by.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::JwsError;

/// Decodes into `buffer`, which has three bytes for each four characters begun.
pub(crate) fn decode_into<'b>(text: &[u8], buffer: &'b mut [u8]) -> Result<&'b [u8], JwsError> {
    let length = URL_SAFE_NO_PAD
        .decode_slice(text, buffer)
        .map_err(|_| JwsError::Encoding)?;
    buffer.get(..length).ok_or(JwsError::Encoding)
}

pub(crate) fn decode(text: &[u8]) -> Result<Vec<u8>, JwsError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| JwsError::Encoding)
}

pub(crate) fn encode(raw: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_has_one_spelling() {
        // RFC 4648 section 10, in the other alphabet; then what lenient readers take.
        let rows: &[(&[u8], Option<&[u8]>)] = &[
            (b"", Some(b"")),
            (b"Zg", Some(b"f")),
            (b"Zm8", Some(b"fo")),
            (b"Zm9v", Some(b"foo")),
            (b"-_-_", Some(b"\xfb\xff\xbf")),
            (b"Zg==", None),
            (b"Zg=", None),
            (b"Zh", None),
            (b"Zm9", None),
            (b"Z", None),
            (b"Zm9vZ", None),
            (b"+/+/", None),
            (b"Zm 9v", None),
            (b"Zm9v\n", None),
            (b" Zm9v", None),
            (b"Zm9\0", None),
            (b"Zm9\xff", None),
            (b"Zm9%", None),
        ];
        for (text, expected) in rows {
            let mut buffer = [0; 6];
            assert_eq!(decode(text).ok().as_deref(), *expected);
            assert_eq!(decode_into(text, &mut buffer).ok(), *expected);
            if let Some(raw) = expected {
                assert_eq!(encode(raw).as_bytes(), *text);
            }
        }
    }

    #[test]
    fn a_buffer_of_three_quarters_is_enough() {
        let mut buffer = [0; 3];
        for (text, raw) in [("AAAA", 3), ("AAA", 2), ("AA", 1)] {
            assert_eq!(
                decode_into(text.as_bytes(), &mut buffer).map(<[u8]>::len),
                Ok(raw)
            );
        }
        assert_eq!(decode_into(b"AAAAAA", &mut buffer), Err(JwsError::Encoding));
    }
}
