//! What is inside a [`Jwk`](super::Jwk): the key itself, parsed and checked once.

use jsonwebtoken::{AlgorithmFamily, DecodingKey, DecodingKeyKind};
use sha2::{Digest as _, Sha256};

use super::base64url;
use super::curve::{self, Curve};
use super::provider::{Backend, Prepared};
use super::{Algorithm, JwkError, JwsError};

/// Bits of an RSA modulus (NIST SP 800-131A; RFC 7518 section 3.3).
const LEAST_RSA_BITS: usize = 2048;
const MOST_RSA_BITS: usize = 8192;
/// Bits of an RSA exponent: longer ones make a check slow and are read by no backend.
const MOST_EXPONENT_BITS: usize = 32;

/// A key that a backend can verify with. Wiped when dropped.
pub(super) struct Key {
    decoding: DecodingKey,
    backend: Backend,
    prepared: Prepared,
    /// Bytes of a modulus, which is how long a signature is.
    modulus: usize,
}

impl Key {
    pub(super) fn rsa(backend: Backend, n: &[u8], e: &[u8]) -> Result<Self, JwkError> {
        let bits = bits(n).ok_or(JwkError::ComponentInvalid("n"))?;
        if bits < LEAST_RSA_BITS {
            return Err(JwkError::KeyTooWeak {
                bits,
                least: LEAST_RSA_BITS,
            });
        }
        let most = MOST_RSA_BITS.min(backend.most_rsa_bits());
        if bits > most {
            return Err(JwkError::KeyTooLong { bits, most });
        }
        let exponent_bits = self::bits(e).ok_or(JwkError::ComponentInvalid("e"))?;
        let is_odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
        // An exponent of 1 leaves the message as it is; an even one cannot be undone.
        if !is_odd(n) || !is_odd(e) || !(2..=MOST_EXPONENT_BITS).contains(&exponent_bits) {
            return Err(JwkError::ExponentRefused);
        }
        let decoding = DecodingKey::from_rsa_raw_components(n, e);
        Self::checked(backend, Algorithm::Rs256, decoding, n.len())
    }

    pub(super) fn ec(backend: Backend, curve: Curve, x: &[u8], y: &[u8]) -> Result<Self, JwkError> {
        for (name, coordinate) in [("x", x), ("y", y)] {
            if coordinate.len() != curve.width() {
                return Err(JwkError::ComponentInvalid(name));
            }
        }
        if !curve.contains(x, y) {
            return Err(JwkError::PointRefused);
        }
        let point = [&[UNCOMPRESSED], x, y].concat();
        let algorithm = match curve {
            Curve::P256 => Algorithm::Es256,
            Curve::P384 => Algorithm::Es384,
        };
        Self::checked(backend, algorithm, DecodingKey::from_ec_der(&point), 0)
    }

    pub(super) fn ed25519(backend: Backend, x: &[u8]) -> Result<Self, JwkError> {
        let x = x.try_into().map_err(|_| JwkError::ComponentInvalid("x"))?;
        if !curve::is_ed25519_key(x) {
            return Err(JwkError::PointRefused);
        }
        Self::checked(backend, Algorithm::EdDsa, DecodingKey::from_ed_der(x), 0)
    }

    /// `secret` is long enough for each algorithm that it is used with.
    pub(super) fn secret(backend: Backend, secret: &[u8]) -> Result<Self, JwkError> {
        Self::checked(
            backend,
            Algorithm::Hs256,
            DecodingKey::from_secret(secret),
            0,
        )
    }

    fn checked(
        backend: Backend,
        algorithm: Algorithm,
        decoding: DecodingKey,
        modulus: usize,
    ) -> Result<Self, JwkError> {
        if !backend.takes(algorithm, &decoding) {
            return Err(JwkError::PointRefused);
        }
        Ok(Self {
            decoding,
            backend,
            prepared: Prepared::default(),
            modulus,
        })
    }

    #[cfg(feature = "jwt-rust-crypto")]
    pub(super) fn with_backend(&self, backend: Backend) -> Self {
        Self {
            decoding: self.decoding.clone(),
            backend,
            prepared: Prepared::default(),
            modulus: self.modulus,
        }
    }

    /// The algorithm is one that this key fits.
    pub(super) fn verify(
        &self,
        algorithm: Algorithm,
        signing_input: &[u8],
        signature: &[u8],
    ) -> Result<(), JwsError> {
        // Backends differ in what they do with another length, and none of them has to.
        if signature.len() != algorithm.signature_length().unwrap_or(self.modulus) {
            return Err(JwsError::Signature);
        }
        let (key, prepared) = (&self.decoding, &self.prepared);
        self.backend
            .verify(algorithm, key, prepared, signing_input, signature)
    }

    /// RFC 7638; RFC 8037 section 2 for Ed25519.
    pub(super) fn thumbprint(&self) -> [u8; 32] {
        Sha256::digest(self.canonical()).into()
    }

    /// The members that make the key, in the order of their names.
    pub(super) fn canonical(&self) -> String {
        let text = base64url::encode;
        match (self.decoding.family(), self.decoding.kind()) {
            (_, DecodingKeyKind::RsaModulusExponent { n, e }) => {
                format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(e), text(n))
            }
            (AlgorithmFamily::Ec, DecodingKeyKind::SecretOrDer(point)) => {
                let coordinates = point.get(1..).unwrap_or_default();
                let (x, y) = coordinates.split_at(coordinates.len() / 2);
                let curve = if x.len() == Curve::P256.width() {
                    Curve::P256
                } else {
                    Curve::P384
                };
                let name = curve.name();
                let (x, y) = (text(x), text(y));
                format!(r#"{{"crv":"{name}","kty":"EC","x":"{x}","y":"{y}"}}"#)
            }
            (AlgorithmFamily::Ed, DecodingKeyKind::SecretOrDer(x)) => {
                format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text(x))
            }
            // A key of RSA has always its two numbers.
            (AlgorithmFamily::Hmac | AlgorithmFamily::Rsa, DecodingKeyKind::SecretOrDer(k)) => {
                format!(r#"{{"k":"{}","kty":"oct"}}"#, text(k))
            }
        }
    }
}

/// In front of the two coordinates of a point (SEC 1 section 2.3.3).
pub(super) const UNCOMPRESSED: u8 = 4;

/// Bits of a big-endian number without leading zeros (RFC 7518 section 2, `Base64urlUInt`).
fn bits(number: &[u8]) -> Option<usize> {
    let first = number.first().filter(|first| **first != 0)?;
    let all = number.len().checked_mul(8)?;
    // Below eight, for the first byte is not zero.
    all.checked_sub(first.leading_zeros() as usize)
}
