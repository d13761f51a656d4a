//! Protected bytes and keys as text: base64 (RFC 4648), of which one spelling is read.

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, URL_SAFE_NO_PAD};
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::format::{MOST, OVERHEAD};
use crate::core::Secret;

/// What the longest protected value has.
const MOST_TEXT: usize = (MOST + OVERHEAD).div_ceil(3) * 4;

/// Tools write keys in either alphabet, with padding or without.
const KEY: GeneralPurposeConfig = NO_PAD.with_decode_padding_mode(DecodePaddingMode::Indifferent);
const KEY_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, KEY);
const KEY_STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, KEY);

pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Two texts never stand for the same bytes: no padding, no whitespace, and the bits that are left over are zero.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    if text.len() > MOST_TEXT {
        return None;
    }
    URL_SAFE_NO_PAD.decode(text).ok()
}

pub(super) fn key(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    // A file of a key ends with a line feed.
    let text = text.trim_ascii();
    let engine = if text.contains(['-', '_']) {
        KEY_URL
    } else {
        KEY_STANDARD
    };
    // An estimate that is too small would leave a copy behind where the buffer was.
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    engine.decode_vec(text, &mut bytes).ok()?;
    Some(bytes)
}

pub(super) fn of_key(key: &[u8]) -> Secret<String> {
    // 43 characters, in a buffer that does not grow.
    let mut text = String::with_capacity(key.len().saturating_mul(2));
    URL_SAFE_NO_PAD.encode_string(key, &mut text);
    Secret::new(text)
}
