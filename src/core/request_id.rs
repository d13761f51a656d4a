//! `RequestId`: the name of one request in answers, events and logs.

use std::fmt;

use http::{Extensions, HeaderValue};

use super::context::RequestContext;
use super::random;

/// The longest id that is taken over from a proxy.
const MAX: usize = 64;

/// The id of a request: 32 hexadecimal digits of randomness, or what a trusted proxy sent.
///
/// `SecurityStack` makes one for each request once any of `client_ip`, `scheme`, `https`, `events`, `rejections` or `clock` is set: it sends
/// it back as `x-request-id`, puts it into refusals and events, and into that header of the request if it is there.
///
/// # Example
///
/// ```
/// use tower_security::core::RequestId;
///
/// assert!(RequestId::parse(b"req-7.A_b").is_some());
/// assert!(RequestId::parse(b"7\nforged").is_none());
/// assert!(RequestId::parse(&[b'a'; 65]).is_none());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId {
    text: [u8; MAX],
    len: u8,
}

impl RequestId {
    /// Draws a new id. `None` when the operating system has no randomness to give.
    #[must_use]
    pub fn random() -> Option<Self> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let drawn: [u8; 16] = random::bytes()?;
        let mut text = [0; MAX];
        let nibbles = drawn.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        for (place, nibble) in text.iter_mut().zip(nibbles) {
            *place = *DIGITS.get(usize::from(nibble))?;
        }
        Some(Self { text, len: 32 })
    }

    /// Takes over an id of 1 to 64 characters `A-Z a-z 0-9 . _ -`; anything else is `None`.
    #[must_use]
    pub fn parse(id: &[u8]) -> Option<Self> {
        let mut text = [0; MAX];
        text.get_mut(..id.len())?.copy_from_slice(id);
        let legal = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        (!id.is_empty() && id.iter().all(legal)).then_some(Self {
            text,
            len: u8::try_from(id.len()).ok()?,
        })
    }

    /// Returns the id of the request that these extensions belong to.
    #[must_use]
    pub fn from_extensions(extensions: &Extensions) -> Option<&Self> {
        RequestContext::from_extensions(extensions)
            .and_then(RequestContext::request_id)
            .or_else(|| extensions.get())
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.text
            .get(..usize::from(self.len))
            .and_then(|text| std::str::from_utf8(text).ok())
            .unwrap_or_default()
    }

    pub(crate) fn header_value(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(self.as_str()).ok()
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequestId").field(&self.as_str()).finish()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_32_hexadecimal_digits_and_differ() {
        let (one, two) = (RequestId::random().unwrap(), RequestId::random().unwrap());
        assert_eq!(one.as_str().len(), 32);
        assert!(one.as_str().bytes().all(|b| b.is_ascii_hexdigit()));
        assert_ne!(one, two);
    }

    #[test]
    fn inbound_ids_keep_to_the_alphabet_and_the_length() {
        for accepted in ["a", "A-Z.0_9", &"a".repeat(64)] {
            assert_eq!(
                RequestId::parse(accepted.as_bytes()).unwrap().as_str(),
                accepted
            );
        }
        for refused in ["", "a b", "a\n", "\u{e9}", "a/b", &"a".repeat(65)] {
            assert_eq!(RequestId::parse(refused.as_bytes()), None, "{refused:?}");
        }
    }
}
