//! Private keys as DER and PEM: which kind one is, and how one is written (RFC 5958, RFC 5915, RFC 8410, RFC 7468).
//!
//! What is inside is read by the backends; here it is only told apart, so that a mistake gets a message that names it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroize as _;

use crate::core::Secret;
use crate::token::jws::Algorithm;

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OBJECT: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// 1.2.840.10045.2.1, `id-ecPublicKey`.
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// 1.2.840.10045.3.1.7.
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// 1.3.132.0.34.
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
/// 1.3.101.112.
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
/// 1.2.840.113549.1.1.1, `rsaEncryption`.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// Longer than any key that is taken.
const MOST_BYTES: usize = 16_384;

/// What a private key is, as its wrapping says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ed25519,
    Other,
    P256,
    P384,
    Rsa,
}

impl Kind {
    pub(super) const fn fits(self, algorithm: Algorithm) -> bool {
        match self {
            Self::Ed25519 => matches!(algorithm, Algorithm::EdDsa),
            Self::Other => false,
            Self::P256 => matches!(algorithm, Algorithm::Es256),
            Self::P384 => matches!(algorithm, Algorithm::Es384),
            Self::Rsa => algorithm.is_rsa(),
        }
    }

    /// For messages.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "an Ed25519 key",
            Self::Other => "a key of another kind",
            Self::P256 => "a key on P-256",
            Self::P384 => "a key on P-384",
            Self::Rsa => "an RSA key",
        }
    }
}

/// What a PKCS #8 says that it holds; `None` for what is none.
pub(super) fn kind(pkcs8: &[u8]) -> Option<Kind> {
    let (all, []) = element(SEQUENCE, pkcs8)? else {
        return None;
    };
    let (_version, rest) = element(INTEGER, all)?;
    let (algorithm, rest) = element(SEQUENCE, rest)?;
    element(OCTETS, rest)?;
    let (name, parameters) = element(OBJECT, algorithm)?;
    Some(match name {
        ED25519 => Kind::Ed25519,
        RSA => Kind::Rsa,
        EC => match element(OBJECT, parameters) {
            Some((P256, _)) => Kind::P256,
            Some((P384, _)) => Kind::P384,
            // Another curve, or one that is written out.
            Some(_) | None => Kind::Other,
        },
        _ => Kind::Other,
    })
}

/// The content of an element, and what follows it.
fn element(tag: u8, input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, rest) = input.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match *first {
        length @ 0..=0x7f => (usize::from(length), rest),
        0x81 => rest
            .split_first()
            .map(|(length, rest)| (usize::from(*length), rest))?,
        0x82 => rest
            .split_first_chunk::<2>()
            .map(|(length, rest)| (usize::from(u16::from_be_bytes(*length)), rest))?,
        // Longer than any key.
        _ => return None,
    };
    (*found == tag).then(|| rest.split_at_checked(length))?
}

/// PKCS #8 of the secret number of a key; `None` for an algorithm whose keys are no number.
pub(super) fn pkcs8(algorithm: Algorithm, number: &[u8]) -> Option<Secret<Vec<u8>>> {
    match algorithm {
        Algorithm::EdDsa => {
            let seed = written(OCTETS, &[number]);
            Some(wrapped(&written(OBJECT, &[ED25519]), seed.expose()))
        }
        Algorithm::Es256 | Algorithm::Es384 => {
            let number = written(OCTETS, &[number]);
            let key = written(SEQUENCE, &[&[INTEGER, 1, 1], number.expose()]);
            Some(of_curve(algorithm, key.expose()))
        }
        _ => None,
    }
}

/// PKCS #8 of an `ECPrivateKey` (RFC 5915), which may leave out its curve.
pub(super) fn of_curve(algorithm: Algorithm, key: &[u8]) -> Secret<Vec<u8>> {
    let curve = match algorithm {
        Algorithm::Es384 => P384,
        // ES256: callers come with no other.
        _ => P256,
    };
    let (key_type, curve) = (written(OBJECT, &[EC]), written(OBJECT, &[curve]));
    let name = Secret::new([key_type.expose().as_slice(), curve.expose()].concat());
    wrapped(&name, key)
}

fn wrapped(name: &Secret<Vec<u8>>, key: &[u8]) -> Secret<Vec<u8>> {
    let name = written(SEQUENCE, &[name.expose()]);
    let key = written(OCTETS, &[key]);
    written(SEQUENCE, &[&[INTEGER, 1, 0], name.expose(), key.expose()])
}

/// An element of these contents, written once so that nothing of it is left elsewhere.
fn written(tag: u8, contents: &[&[u8]]) -> Secret<Vec<u8>> {
    let length: usize = contents.iter().map(|content| content.len()).sum();
    // No key that is written here has as many as 2^16.
    let length = u16::try_from(length).unwrap_or(u16::MAX);
    let mut element = Vec::with_capacity(usize::from(length).saturating_add(4));
    element.push(tag);
    match length.to_be_bytes() {
        [0, length @ 0..=0x7f] => element.push(length),
        [0, length] => element.extend([0x81, length]),
        [high, low] => element.extend([0x82, high, low]),
    }
    for content in contents {
        element.extend_from_slice(content);
    }
    Secret::new(element)
}

/// Label and content of the first private key in a PEM. `openssl ecparam -genkey` writes parameters in front of it.
pub(super) fn from_pem(pem: &[u8]) -> Option<(&str, Secret<Vec<u8>>)> {
    const BEGIN: &str = "-----BEGIN ";
    if pem.len() > MOST_BYTES {
        return None;
    }
    let mut rest = std::str::from_utf8(pem).ok()?;
    while let Some((_, block)) = rest.split_once(BEGIN) {
        let (label, block) = block.split_once("-----")?;
        let end = format!("-----END {label}-----");
        let (body, after) = block.split_once(&end)?;
        if label.ends_with("KEY") {
            let mut text: Vec<u8> = Vec::with_capacity(body.len());
            text.extend(body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
            let der = STANDARD.decode(&text);
            text.zeroize();
            return Some((label, Secret::new(der.ok()?)));
        }
        rest = after;
    }
    None
}

/// A PEM of lines with 64 characters.
pub(super) fn pem(label: &str, der: &[u8]) -> Secret<String> {
    const LINE: usize = 48;
    let lines = der.len().div_ceil(LINE);
    let frame = label.len().saturating_add(32).saturating_mul(2);
    // Enough from the start: text that grows leaves its beginning behind.
    let mut text =
        String::with_capacity(lines.saturating_mul(LINE * 4 / 3 + 1).saturating_add(frame));
    for part in ["-----BEGIN ", label, "-----\n"] {
        text.push_str(part);
    }
    for line in der.chunks(LINE) {
        STANDARD.encode_string(line, &mut text);
        text.push('\n');
    }
    for part in ["-----END ", label, "-----\n"] {
        text.push_str(part);
    }
    Secret::new(text)
}
