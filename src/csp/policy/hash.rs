//! Hash sources, and the base64 in which they are written.

use std::fmt;

use super::advice::shown;
use super::error::CspConfigError;
use crate::core::base64;

/// A digest of a script or style, of its URL, or of text that a script evaluates.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Hash {
    target: Target,
    algorithm: Algorithm,
    /// In padded base64: browsers compare it as text with what they compute (CSP3 section 6.7.3.3).
    digest: Box<str>,
}

/// What is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Target {
    /// The text between the tags, or the file that `integrity` names.
    Content,
    Url,
    Eval,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Algorithm {
    Sha256,
    Sha384,
    Sha512,
}

impl Algorithm {
    const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    const fn bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

impl Hash {
    pub(super) fn new(target: Target, algorithm: Algorithm, digest: &[u8]) -> Self {
        Self {
            target,
            algorithm,
            digest: encode(digest).into(),
        }
    }

    /// Whether it names the content of an element: only such a hash switches `'unsafe-inline'` off.
    pub(super) fn is_of_content(&self) -> bool {
        self.target == Target::Content
    }

    /// Reads `sha256-...` without quotes. `None`: it is no hash at all.
    pub(super) fn parse(text: &str) -> Option<Result<Self, CspConfigError>> {
        let (target, rest) = match text.split_at_checked(4) {
            Some((start, rest)) if start.eq_ignore_ascii_case("url-") => (Target::Url, rest),
            _ => match text.split_at_checked(5) {
                Some((start, rest)) if start.eq_ignore_ascii_case("eval-") => (Target::Eval, rest),
                _ => (Target::Content, text),
            },
        };
        let (name, digest) = rest.split_once('-')?;
        let Some(algorithm) = Algorithm::ALL
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
        else {
            return is_algorithm(name)
                .then(|| Err(CspConfigError::UnknownHash { value: shown(text) }));
        };
        Some(Self::read(text, target, algorithm, digest))
    }

    fn read(
        text: &str,
        target: Target,
        algorithm: Algorithm,
        digest: &str,
    ) -> Result<Self, CspConfigError> {
        let bytes =
            decode(digest).ok_or_else(|| CspConfigError::HashEncoding { value: shown(text) })?;
        if bytes.len() != algorithm.bytes() {
            return Err(CspConfigError::HashLength {
                value: shown(text),
                expected: algorithm.bytes(),
                length: bytes.len(),
            });
        }
        Ok(Self::new(target, algorithm, &bytes))
    }
}

/// Whether a word names an algorithm that somebody may take for one of CSP's.
fn is_algorithm(name: &str) -> bool {
    ["sha", "md", "blake"].iter().any(|family| {
        name.get(..family.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(family))
    })
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = match self.target {
            Target::Content => "",
            Target::Url => "url-",
            Target::Eval => "eval-",
        };
        write!(f, "'{target}{}-{}'", self.algorithm.name(), self.digest)
    }
}

/// Base64 with padding (RFC 4648 section 4).
fn encode(bytes: &[u8]) -> String {
    let mut text = base64::encode(bytes);
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

/// Reads base64 and base64url (RFC 4648 sections 4 and 5), with all padding or none. `None` for anything else, and for text whose
/// last bits say nothing: an encoder does not write it, so browsers would compare it with nothing equal.
fn decode(text: &str) -> Option<Vec<u8>> {
    let body = text.trim_end_matches('=');
    let padding = text.len() - body.len();
    if padding != 0 && padding != (4 - body.len() % 4) % 4 {
        return None;
    }
    let mut bytes = Vec::with_capacity(body.len() / 4 * 3 + 2);
    for chunk in body.as_bytes().chunks(4) {
        let mut group = 0_u32;
        for letter in chunk {
            group = group << 6 | sextet(*letter)?;
        }
        let count = match chunk.len() {
            4 => 3,
            3 => 2,
            2 => 1,
            _ => return None,
        };
        let [_, group @ ..] = (group << (6 * (4 - chunk.len()))).to_be_bytes();
        let (whole, rest) = group.split_at_checked(count)?;
        if rest.iter().any(|byte| *byte != 0) {
            return None;
        }
        bytes.extend_from_slice(whole);
    }
    Some(bytes)
}

fn sextet(letter: u8) -> Option<u32> {
    Some(u32::from(match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    /// RFC 4648 section 10.
    const VECTORS: [(&str, &str); 7] = [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ];

    #[test]
    fn the_vectors_of_the_rfc_pass() {
        for (plain, text) in VECTORS {
            assert_eq!(encode(plain.as_bytes()), text);
            assert_eq!(decode(text).as_deref(), Some(plain.as_bytes()), "{text}");
            let bare = text.trim_end_matches('=');
            assert_eq!(decode(bare).as_deref(), Some(plain.as_bytes()), "{bare}");
        }
        assert_eq!(decode("-_-_"), decode("+/+/"));
        assert_eq!(decode("+/+/").as_deref(), Some(&[0xfb, 0xff, 0xbf][..]));
    }

    #[test]
    fn what_no_encoder_writes_is_not_read() {
        for wrong in [
            "Zg=", "Zg===", "Zm8==", "Zm9v=", "Zm9v====", "Z", "Zm9vY", "Zh==", "Zm9=", "Zm 9v",
            "!!", "=", "Zg==Zg==",
        ] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
