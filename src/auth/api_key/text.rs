//! What an API key looks like: `<prefix>_<id>_<secret><checksum>`.
//!
//! The prefix says to people and to scanners of source code what they have found. The checksum keeps mistyped keys from the store.

use std::fmt;
use std::str::FromStr;

use zeroize::Zeroize;

use crate::core::{Secret, random};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Digits of an id: 71 bits. It is no secret.
const ID: usize = 12;
/// Digits of a secret: 190 bits.
const SECRET: usize = 32;
/// Digits of a checksum: 62^6 is more than 2^32.
const CHECKSUM: usize = 6;

/// Everything behind the prefix.
const REST: usize = 1 + ID + 1 + SECRET + CHECKSUM;

/// The public part of an API key, by which it is looked up, listed and revoked: 12 letters and digits.
///
/// # Example
///
/// ```
/// use tower_security::auth::api_key::ApiKeyId;
///
/// let id: ApiKeyId = "0a1B2c3D4e5F".parse()?;
/// assert_eq!(id.as_str(), "0a1B2c3D4e5F");
/// assert!("0a1B2c3D4e5".parse::<ApiKeyId>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiKeyId([u8; ID]);

/// A text is no id of an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id of an API key has 12 of the characters 0-9 A-Z a-z")]
#[non_exhaustive]
pub struct ApiKeyIdError;

impl ApiKeyId {
    pub(super) fn draw() -> Option<Self> {
        digits().map(Self)
    }

    /// Returns the id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Digits of the alphabet alone, which are ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    fn parse(text: &[u8]) -> Option<Self> {
        text.try_into().ok().filter(is_digits).map(Self)
    }
}

impl FromStr for ApiKeyId {
    type Err = ApiKeyIdError;

    fn from_str(text: &str) -> Result<Self, ApiKeyIdError> {
        Self::parse(text.as_bytes()).ok_or(ApiKeyIdError)
    }
}

impl fmt::Display for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKeyId({})", self.as_str())
    }
}

/// The secret part of a key.
pub(super) struct KeySecret(Secret<[u8; SECRET]>);

impl KeySecret {
    pub(super) fn draw() -> Option<Self> {
        digits().map(|drawn| Self(Secret::new(drawn)))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.expose()
    }
}

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoKey {
    /// It has another shape or prefix.
    Malformed,
    /// It is mistyped.
    Checksum,
}

impl NoKey {
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Checksum => "checksum",
        }
    }
}

/// Takes a key apart. Looks at as many bytes as a key has, however long the text is.
pub(super) fn parse(prefix: &str, text: &[u8]) -> Result<(ApiKeyId, KeySecret), NoKey> {
    if text.len() != prefix.len().saturating_add(REST) {
        return Err(NoKey::Malformed);
    }
    let parts = || {
        let (checked, checksum) = text.split_last_chunk::<CHECKSUM>()?;
        let rest = checked
            .strip_prefix(prefix.as_bytes())?
            .strip_prefix(b"_")?;
        let (id, rest) = rest.split_at_checked(ID)?;
        let secret: [u8; SECRET] = rest.strip_prefix(b"_")?.try_into().ok()?;
        let id = ApiKeyId::parse(id)?;
        (is_digits(&secret) && is_digits(checksum)).then_some((id, secret, checked, checksum))
    };
    let (id, secret, checked, checksum) = parts().ok_or(NoKey::Malformed)?;
    if checksum_of(checked) != *checksum {
        return Err(NoKey::Checksum);
    }
    Ok((id, KeySecret(Secret::new(secret))))
}

/// Puts a key together.
pub(super) fn write(prefix: &str, id: ApiKeyId, secret: &KeySecret) -> Secret<String> {
    // As long as it gets: a text that grows leaves copies behind.
    let mut text = String::with_capacity(prefix.len().saturating_add(REST));
    for part in [prefix, "_", id.as_str(), "_"] {
        text.push_str(part);
    }
    text.extend(secret.bytes().iter().copied().map(char::from));
    let checksum = checksum_of(text.as_bytes());
    text.extend(checksum.map(char::from));
    Secret::new(text)
}

/// 2 to 16 letters and digits in lower case, a letter first: what stands in a key before the first `_`.
pub(super) fn is_prefix(prefix: &str) -> bool {
    let is_inner = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    match prefix.as_bytes() {
        [first, rest @ ..] => {
            first.is_ascii_lowercase()
                && (1..=15).contains(&rest.len())
                && rest.iter().all(is_inner)
        }
        [] => false,
    }
}

fn is_digits<const N: usize>(text: &[u8; N]) -> bool {
    text.iter().all(u8::is_ascii_alphanumeric)
}

/// Random digits, each as likely as any other.
fn digits<const N: usize>() -> Option<[u8; N]> {
    /// Below it each digit stands four times.
    const EVEN: u8 = 62 * 4;
    let mut digits = [0; N];
    let mut places = digits.iter_mut();
    let mut place = places.next();
    while place.is_some() {
        let mut drawn = random::bytes::<64>()?;
        for byte in drawn.iter().filter(|byte| **byte < EVEN) {
            let Some(digit) = place.take() else {
                break;
            };
            *digit = ALPHABET.get(usize::from(byte % 62)).copied()?;
            place = places.next();
        }
        drawn.zeroize();
    }
    Some(digits)
}

/// CRC-32 of a text, in six digits. It detects every error of one character and is no protection from forgery.
fn checksum_of(text: &[u8]) -> [u8; CHECKSUM] {
    let mut rest = crc32(text);
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        let at = usize::try_from(rest % 62).unwrap_or_default();
        *digit = ALPHABET.get(at).copied().unwrap_or(b'0');
        rest /= 62;
    }
    digits
}

/// CRC-32/ISO-HDLC, as Ethernet and gzip have it (RFC 1952, section 8), four bits at a time.
fn crc32(text: &[u8]) -> u32 {
    const TABLE: [u32; 16] = [
        0x0000_0000,
        0x1db7_1064,
        0x3b6e_20c8,
        0x26d9_30ac,
        0x76dc_4190,
        0x6b6b_51f4,
        0x4db2_6158,
        0x5005_713c,
        0xedb8_8320,
        0xf00f_9344,
        0xd6d6_a3e8,
        0xcb61_b38c,
        0x9b64_c2b0,
        0x86d3_d2d4,
        0xa00a_e278,
        0xbdbd_f21c,
    ];
    let step = |crc: u32| {
        let at = usize::try_from(crc & 15).unwrap_or_default();
        TABLE.get(at).copied().unwrap_or_default() ^ (crc >> 4)
    };
    let crc = text
        .iter()
        .fold(u32::MAX, |crc, byte| step(step(crc ^ u32::from(*byte))));
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// Its checksum by Python: `zlib.crc32` in base 62.
    const KEY: &str = "sk_0a1B2c3D4e5F_abcdefghijklmnopqrstuvwxyz0123451bbxKs";

    #[test]
    fn the_checksum_is_that_of_gzip() {
        for (text, crc) in [
            ("", 0),
            ("123456789", 0xcbf4_3926),
            ("a", 0xe8b7_be43),
            ("The quick brown fox jumps over the lazy dog", 0x414f_a339),
        ] {
            assert_eq!(crc32(text.as_bytes()), crc, "{text}");
        }
        assert_eq!(checksum_of(b""), *b"000000");
    }

    #[test]
    fn a_key_is_taken_apart_and_put_together() {
        let (id, secret) = parse("sk", KEY.as_bytes()).ok().unwrap();
        assert_eq!(id.as_str(), "0a1B2c3D4e5F");
        assert_eq!(secret.bytes(), b"abcdefghijklmnopqrstuvwxyz012345");
        assert_eq!(write("sk", id, &secret).expose(), KEY);
        assert_eq!(
            format!("{id} {id:?}"),
            "0a1B2c3D4e5F ApiKeyId(0a1B2c3D4e5F)"
        );
    }

    #[test]
    fn each_wrong_character_is_noticed() {
        let why = |text: &[u8]| parse("sk", text).err();
        for at in 0..KEY.len() {
            let mut wrong = KEY.as_bytes().to_vec();
            for character in [b'0', b'z', b'_', b'-', b' ', 0xff, wrong[at] ^ 0x20] {
                if character == KEY.as_bytes()[at] {
                    continue;
                }
                wrong[at] = character;
                assert!(why(&wrong).is_some(), "{}", wrong.escape_ascii());
            }
        }
        let mistyped = KEY.replace("abc", "abx");
        assert_eq!(why(mistyped.as_bytes()), Some(NoKey::Checksum));
        let swapped = KEY.replace("abc", "bac");
        assert_eq!(why(swapped.as_bytes()), Some(NoKey::Checksum));
        let longer = format!("{KEY}0");
        let shorter = KEY.strip_suffix(|_: char| true).unwrap();
        let headless = KEY.strip_prefix('s').unwrap();
        for malformed in ["", "sk_", headless, shorter, &longer] {
            assert_eq!(
                why(malformed.as_bytes()),
                Some(NoKey::Malformed),
                "{malformed}"
            );
        }
        assert_eq!(parse("tk", KEY.as_bytes()).err(), Some(NoKey::Malformed));
    }

    #[test]
    fn drawn_keys_differ_and_use_all_digits() {
        let keys: Vec<_> = (0..200)
            .map(|_| {
                write(
                    "live",
                    ApiKeyId::draw().unwrap(),
                    &KeySecret::draw().unwrap(),
                )
            })
            .collect();
        let texts: HashSet<&str> = keys.iter().map(|key| key.expose().as_str()).collect();
        assert_eq!(texts.len(), 200);
        let digits: HashSet<char> = texts.iter().flat_map(|text| text.chars().skip(5)).collect();
        assert_eq!(digits.len(), 63, "all digits, and the separator");
        assert!(
            texts
                .iter()
                .all(|text| parse("live", text.as_bytes()).is_ok())
        );
    }

    #[test]
    fn a_prefix_has_two_to_sixteen_characters() {
        for right in ["sk", "live", "k9", "a234567890123456"] {
            assert!(is_prefix(right), "{right}");
        }
        for wrong in [
            "",
            "s",
            "SK",
            "9k",
            "s_k",
            "s-k",
            "a2345678901234567",
            "s\u{e9}",
        ] {
            assert!(!is_prefix(wrong), "{wrong}");
        }
    }
}
