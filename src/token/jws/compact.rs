//! The compact serialisation (RFC 7515 section 7.1).

use std::fmt;

use super::header::JoseHeader;
use super::scan::first_dot;
use super::{Algorithm, Jwk, JwkSet, JwsError, base64url};

/// Bytes of a token. Work on what nobody has signed grows with it.
pub(crate) const MOST_TOKEN: usize = 8192;
/// Characters of a header.
pub(crate) const MOST_HEADER: usize = 2048;
/// Bytes of a decoded header.
pub(crate) const HEADER_BYTES: usize = MOST_HEADER / 4 * 3;

/// A token in its parts, nothing decoded.
#[derive(Clone, Copy)]
pub(crate) struct Segments<'a> {
    pub(crate) header: &'a [u8],
    pub(crate) payload: &'a [u8],
    pub(crate) signature: &'a [u8],
    /// Header and payload with the dot between them: what is signed.
    pub(crate) signing_input: &'a [u8],
}

impl<'a> Segments<'a> {
    /// Three segments, the first no longer than [`MOST_HEADER`], all together no longer than `most`. Only the payload may be empty, which
    /// is a right JWS and no right JWT.
    pub(crate) fn split(token: &'a [u8], most: usize) -> Result<Self, JwsError> {
        Self::parts(token, most).ok_or(JwsError::Structure)
    }

    fn parts(token: &'a [u8], most: usize) -> Option<Self> {
        if token.len() > most {
            return None;
        }
        let beginning = token.get(..MOST_HEADER.saturating_add(1)).unwrap_or(token);
        let first = first_dot(beginning)?;
        let (header, behind) = (token.get(..first)?, token.get(first.checked_add(1)?..)?);
        let second = first_dot(behind)?;
        let parts = Self {
            header,
            payload: behind.get(..second)?,
            signature: behind.get(second.checked_add(1)?..)?,
            signing_input: token.get(..first.checked_add(1)?.checked_add(second)?)?,
        };
        let is_right = !parts.header.is_empty()
            && !parts.signature.is_empty()
            && first_dot(parts.signature).is_none();
        is_right.then_some(parts)
    }
}

/// A JWS whose signature is right.
///
/// That says who has signed it, not what for: `typ` and the payload are for the caller to judge. For access tokens that has been done in
/// [`JwtVerifier`](crate::token::JwtVerifier).
#[non_exhaustive]
pub struct VerifiedJws<'a> {
    algorithm: Algorithm,
    header: Vec<u8>,
    typ: Option<Box<str>>,
    payload: Vec<u8>,
    key: &'a Jwk,
}

impl VerifiedJws<'_> {
    /// Returns the algorithm it is signed with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns the header: a JSON object in which no member stands twice.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// Returns the type that the header gives it (`typ`), which nothing has judged.
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// Returns what was signed: bytes, which nothing has looked into.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Returns the key that verifies it.
    #[must_use]
    pub const fn key(&self) -> &Jwk {
        self.key
    }
}

/// The payload may be a secret.
impl fmt::Debug for VerifiedJws<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedJws")
            .field("algorithm", &self.algorithm)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// Verifies the signature of a compact JWS with a key of the set.
///
/// The token may have 8,192 bytes and its header 2,048 characters. Its algorithm has to be one of `algorithms` *and* one of the key's
/// own; which key that is, [`JwkSet`] says. The key that a header brings along or points to (`jwk`, `jku`, `x5c`, `x5u`) is never used.
///
/// # Errors
///
/// [`JwsError`] says what is wrong. [`JwsError::MixedKeySet`] is a mistake of the caller: a set with public keys and secrets.
///
/// # Example
///
/// ```
/// # #[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use tower_security::core::Secret;
/// use tower_security::token::jws::{Algorithm, Jwk, JwkSet, JwsError, verify_compact};
///
/// let secret = Secret::from(b"an example: take 32 random bytes");
/// let keys = JwkSet::from_keys([Jwk::hmac(secret, Algorithm::Hs256)?]);
///
/// let token = b"eyJhbGciOiJIUzI1NiJ9.aGVsbG8.4xIfFx2UchRI4VmpfdWfi4439Dtdp2WqSkktjIqEYpI";
/// let jws = verify_compact(token, &keys, &[Algorithm::Hs256])?;
/// assert_eq!(jws.payload(), b"hello");
///
/// // `{"alg":"none"}`
/// let unsigned = b"eyJhbGciOiJub25lIn0.aGVsbG8.AA";
/// let error = verify_compact(unsigned, &keys, &[Algorithm::Hs256]).unwrap_err();
/// assert_eq!(error, JwsError::AlgorithmRefused);
/// # Ok(())
/// # }
/// # #[cfg(not(any(feature = "jwt", feature = "jwt-rust-crypto")))]
/// # fn main() {}
/// ```
pub fn verify_compact<'a>(
    token: &[u8],
    keys: &'a JwkSet,
    algorithms: &[Algorithm],
) -> Result<VerifiedJws<'a>, JwsError> {
    if keys.is_mixed() {
        return Err(JwsError::MixedKeySet);
    }
    let parts = Segments::split(token, MOST_TOKEN)?;
    let header = base64url::decode(parts.header)?;
    let JoseHeader {
        algorithm,
        kid,
        typ,
        jwk: _,
    } = JoseHeader::parse(&header)?;
    if !algorithms.contains(&algorithm) {
        return Err(JwsError::AlgorithmRefused);
    }
    let payload = base64url::decode(parts.payload)?;
    let signature = base64url::decode(parts.signature)?;
    let key = keys.select(algorithm, kid.as_deref())?;
    key.verify(algorithm, parts.signing_input, &signature)?;
    Ok(VerifiedJws {
        algorithm,
        typ: typ.map(|typ| typ.into_owned().into_boxed_str()),
        header,
        payload,
        key,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_split_at_its_two_dots() {
        let longest = MOST_HEADER;
        let of = |lengths: &[usize]| {
            let parts = lengths.iter().map(|length| "a".repeat(*length));
            parts.collect::<Vec<_>>().join(".")
        };
        let rows: &[(&[usize], bool)] = &[
            (&[1, 1, 1], true),
            (&[1, 0, 1], true),
            (&[20, 300, 43], true),
            (&[longest, 10, 1], true),
            (&[longest + 1, 10, 1], false),
            (&[longest, MOST_TOKEN - longest - 3, 1], true),
            (&[longest, MOST_TOKEN - longest - 2, 1], false),
            (&[0, 1, 1], false),
            (&[1, 1, 0], false),
            (&[0, 0, 0], false),
            (&[0], false),
            (&[9], false),
            (&[9, 9], false),
            (&[9, 9, 9, 9], false),
            (&[9, 9, 9, 0], false),
            (&[9, 0, 0, 9], false),
            (&[9, 9, 9, 9, 9], false),
        ];
        for (lengths, is_right) in rows {
            let token = of(lengths);
            let split = Segments::split(token.as_bytes(), MOST_TOKEN);
            assert_eq!(split.is_ok(), *is_right, "{lengths:?}");
            if let Ok(parts) = split {
                let input = token.len() - lengths[2] - 1;
                assert_eq!(parts.signing_input, &token.as_bytes()[..input]);
                let lengths = [parts.header, parts.payload, parts.signature].map(<[u8]>::len);
                assert_eq!(of(&lengths), token);
                assert!(!parts.signature.contains(&b'.') && !parts.payload.contains(&b'.'));
            }
        }
    }
}
