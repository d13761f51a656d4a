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
