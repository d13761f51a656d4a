//! One key (RFC 7517).

use std::fmt;
use std::sync::Arc;

use jsonwebtoken::{DecodingKey, DecodingKeyKind};

use super::curve::Curve;
use super::fields::Fields;
use super::header::is_kid;
use super::json::{self, Limits, Object, Value};
use super::key::{Key, UNCOMPRESSED};
use super::provider::Backend;
use super::{Algorithm, JwkError, JwsError};
use crate::core::{Secret, is_weak_key, key_strength};

const LIMITS: Limits = Limits {
    members: 64,
    depth: 32,
};

/// A key that verifies signatures, checked when it was loaded: no request meets a weak or broken one.
///
/// It is bound to the algorithms that it may be used with. What a token says does not change them, which is what keeps a public RSA key
/// from being taken for an HMAC secret (RFC 8725 section 2.1). Cloning shares the key.
#[derive(Clone)]
pub struct Jwk {
    kid: Option<Arc<str>>,
    algorithms: &'static [Algorithm],
    key: Arc<Key>,
}

/// Who has handed over a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Provenance {
    /// The application: it may have secrets.
    Application,
    /// Somebody else: a secret among public keys is one that others know.
    Elsewhere,
    /// Tests: whether a secret can be guessed is not asked.
    Vectors,
}

impl Jwk {
    /// Reads a key from its JSON form (RFC 7517 section 4).
    ///
    /// | `kty` | members | algorithms, when `alg` names none |
    /// |---|---|---|
    /// | `RSA` | `n` of 2,048 to 8,192 bits (4,096 with `jwt-rust-crypto` alone), `e` odd, 3 to 32 bits | `RS256` to `RS512`, `PS256` to `PS512` |
    /// | `EC` | `crv` `P-256` or `P-384`, `x` and `y` at full length, on the curve | `ES256`, `ES384` |
    /// | `OKP` | `crv` `Ed25519`, `x` of 32 bytes and not of small order | `EdDSA` |
    /// | `oct` | `k` of 32, 48 or 64 bytes at least | `HS256`, `HS384`, `HS512`, those that it is long enough for |
    ///
    /// `alg` narrows that to one, and has to fit. `use`, if there, is `sig`; `key_ops`, if there, has `verify`. Other members, such as a
    /// certificate chain, are not read.
    ///
    /// # Errors
    ///
    /// [`JwkError`] says what is wrong, or weak. A key with a private part (`d` ...) is refused: what only verifies does not need it, and
    /// where it lies beside public keys it has leaked.
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use tower_security::token::jws::{Algorithm, Jwk};
    ///
    /// let key = Jwk::from_json(
    ///     br#"{"kty":"OKP","crv":"Ed25519","kid":"2026-11","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
    /// )?;
    /// assert_eq!(key.kid(), Some("2026-11"));
    /// assert_eq!(key.algorithms(), [Algorithm::EdDsa]);
    ///
    /// assert!(Jwk::from_json(br#"{"kty":"oct","k":"c2VjcmV0"}"#).is_err());
    /// # Ok(())
    /// # }
    /// # #[cfg(not(any(feature = "jwt", feature = "jwt-rust-crypto")))]
    /// # fn main() {}
    /// ```
    pub fn from_json(text: &[u8]) -> Result<Self, JwkError> {
        Self::read(Provenance::Application, |each| {
            json::object(text, LIMITS, each)
        })
    }

    /// A key that stands in a set or a header.
    pub(super) fn from_object(
        object: Object<'_>,
        provenance: Provenance,
    ) -> Result<Self, JwkError> {
        Self::read(provenance, |each| object.each(LIMITS, each))
    }

    /// The public key that a `DPoP` proof brings along (RFC 9449 section 4.2).
    pub(crate) fn embedded(object: Object<'_>) -> Result<Self, JwkError> {
        Self::from_object(object, Provenance::Elsewhere)
    }

    /// Takes a secret that is shared with whoever signs.
    ///
    /// The secret has as many bytes as the hash at least: 32, 48 or 64 (RFC 7518 section 3.2). A password is none, and none with zeros
    /// behind it: take random bytes.
    ///
    /// # Errors
    ///
    /// [`JwkError::KeyTooWeak`] for a secret that is too short, one byte over and over, or filled up with zeros,
    /// [`JwkError::PublicKeyAsSecret`] for what everybody may know, [`JwkError::KeyMismatch`] for an algorithm that has no secret.
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use tower_security::token::jws::{Algorithm, Jwk};
    ///
    /// let key = Jwk::hmac(b"an example: take 32 random bytes", Algorithm::Hs256)?;
    /// assert!(Jwk::hmac(b"secret", Algorithm::Hs256).is_err());
    /// # Ok(())
    /// # }
    /// # #[cfg(not(any(feature = "jwt", feature = "jwt-rust-crypto")))]
    /// # fn main() {}
    /// ```
    pub fn hmac(
        secret: impl Into<Secret<Vec<u8>>>,
        algorithm: Algorithm,
    ) -> Result<Self, JwkError> {
        let secret = secret.into();
        if !algorithm.is_hmac() {
            return Err(JwkError::KeyMismatch {
                algorithm,
                key: "a secret",
            });
        }
        let backend = Backend::preferred().ok_or(JwkError::BackendMissing)?;
        Self::from_secret(
            backend,
            secret.expose(),
            Some(algorithm),
            Provenance::Application,
        )
    }

    pub(super) fn from_secret(
        backend: Backend,
        secret: &[u8],
        algorithm: Option<Algorithm>,
        provenance: Provenance,
    ) -> Result<Self, JwkError> {
        if is_public_text(secret) {
            return Err(JwkError::PublicKeyAsSecret);
        }
        let least = algorithm
            .and_then(Algorithm::signature_length)
            .unwrap_or(LEAST_SECRET);
        let is_guessable = is_weak_key(secret) && provenance != Provenance::Vectors;
        if secret.len() < least || is_guessable {
            return Err(JwkError::KeyTooWeak {
                bits: key_strength(secret).saturating_mul(8),
                least: least.saturating_mul(8),
            });
        }
        let algorithms = match (algorithm, secret.len()) {
            (Some(algorithm), _) => algorithm.alone(),
            (None, ..48) => &[Algorithm::Hs256],
            (None, 48..64) => &[Algorithm::Hs256, Algorithm::Hs384],
            (None, 64..) => &[Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512],
        };
        Ok(Self::new(algorithms, Key::secret(backend, secret)?))
    }

    /// Reads a public key from PEM: `PUBLIC KEY` (RFC 7468 section 13), for RSA also `RSA PUBLIC KEY`.
    ///
    /// The demands on the key are those of [`from_json`](Self::from_json). A PEM says nothing of an algorithm, hence the parameter; it
    /// says nothing of an id either, see [`with_kid`](Self::with_kid).
    ///
    /// # Errors
    ///
    /// [`JwkError`]; a certificate or a private key is refused, and so is an algorithm that the key does not fit.
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use tower_security::token::jws::{Algorithm, Jwk};
    ///
    /// let pem = b"-----BEGIN PUBLIC KEY-----
    /// MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
    /// -----END PUBLIC KEY-----
    /// ";
    /// let key = Jwk::from_pem(pem, Algorithm::EdDsa)?.with_kid("2026-11")?;
    /// assert!(Jwk::from_pem(pem, Algorithm::Es256).is_err());
    /// # Ok(())
    /// # }
    /// # #[cfg(not(any(feature = "jwt", feature = "jwt-rust-crypto")))]
    /// # fn main() {}
    /// ```
    pub fn from_pem(pem: &[u8], algorithm: Algorithm) -> Result<Self, JwkError> {
        let backend = Backend::preferred().ok_or(JwkError::BackendMissing)?;
        let label = pem_label(pem).ok_or(JwkError::PemInvalid)?;
        if label.contains("PRIVATE") {
            return Err(JwkError::PrivateKey);
        }
        let is_rsa = algorithm.is_rsa();
        if label != "PUBLIC KEY" && !(is_rsa && label == "RSA PUBLIC KEY") {
            return Err(JwkError::PemInvalid);
        }
        let mismatch = |_| JwkError::KeyMismatch {
            algorithm,
            key: "this PEM",
        };
        let key = match algorithm {
            Algorithm::Es256 | Algorithm::Es384 => {
                let decoding = DecodingKey::from_ec_pem(pem).map_err(mismatch)?;
                ec_point(backend, algorithm, der(&decoding))?
            }
            Algorithm::EdDsa => {
                let decoding = DecodingKey::from_ed_pem(pem).map_err(mismatch)?;
                Key::ed25519(backend, der(&decoding))?
            }
            _ if is_rsa => {
                let decoding = DecodingKey::from_rsa_pem(pem).map_err(mismatch)?;
                let (n, e) = backend
                    .rsa_components(der(&decoding))
                    .ok_or(JwkError::PemInvalid)?;
                Key::rsa(backend, &n, &e)?
            }
            // HMAC: its secret is never a PEM.
            _ => return Err(JwkError::PublicKeyAsSecret),
        };
        Ok(Self::new(algorithm.alone(), key))
    }

    /// Gives the key an id, which tokens name it by.
    ///
    /// # Errors
    ///
    /// [`JwkError::KidInvalid`] for an id that no token could name: 1 to 256 bytes without control characters.
    ///
    /// # Example
    ///
    /// See [`from_pem`](Self::from_pem).
    pub fn with_kid(mut self, kid: impl AsRef<str>) -> Result<Self, JwkError> {
        let kid = kid.as_ref();
        if !is_kid(kid) {
            return Err(JwkError::KidInvalid);
        }
        self.kid = Some(kid.into());
        Ok(self)
    }

    /// Returns its id.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Returns the algorithms that it may be used with.
    #[must_use]
    pub const fn algorithms(&self) -> &[Algorithm] {
        self.algorithms
    }

    /// Returns its thumbprint with SHA-256 (RFC 7638), the same for every spelling of the key. That of a secret tells something about it.
    #[must_use]
    pub fn thumbprint(&self) -> [u8; 32] {
        self.key.thumbprint()
    }

    /// The same key, verified with the other backend. For tests: with both compiled in, only one would run.
    #[cfg(feature = "jwt-rust-crypto")]
    #[doc(hidden)]
    #[must_use]
    pub fn on_rust_crypto(&self) -> Self {
        Self {
            key: Arc::new(self.key.with_backend(Backend::RustCrypto)),
            ..self.clone()
        }
    }

    /// The members of the key that everybody may know (RFC 7517), under the id that it has; `None` for a secret.
    pub(crate) fn to_json(&self) -> Option<String> {
        if self.is_secret() {
            return None;
        }
        let mut json = self.key.canonical();
        // The brace that closes it.
        json.pop();
        json.push_str(r#","use":"sig""#);
        if let [algorithm] = self.algorithms {
            json.push_str(r#","alg":""#);
            json.push_str(algorithm.as_str());
            json.push('"');
        }
        if let Some(kid) = self.kid() {
            json.push_str(r#","kid":"#);
            json.push_str(&serde_json::to_string(kid).ok()?);
        }
        json.push('}');
        Some(json)
    }

    pub(crate) fn is_secret(&self) -> bool {
        self.algorithms.iter().any(|algorithm| algorithm.is_hmac())
    }

    pub(crate) fn fits(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    /// Checks a decoded signature.
    pub(crate) fn verify(
        &self,
        algorithm: Algorithm,
        signing_input: &[u8],
        signature: &[u8],
    ) -> Result<(), JwsError> {
        if !self.fits(algorithm) {
            return Err(JwsError::KeyMismatch);
        }
        self.key.verify(algorithm, signing_input, signature)
    }

    pub(super) fn new(algorithms: &'static [Algorithm], key: Key) -> Self {
        Self {
            kid: None,
            algorithms,
            key: Arc::new(key),
        }
    }

    fn read<'a>(
        provenance: Provenance,
        members: impl FnOnce(
            &mut dyn FnMut(&str, Value<'a>) -> Result<(), JwkError>,
        ) -> Result<(), JwkError>,
    ) -> Result<Self, JwkError> {
        let mut fields = Fields::default();
        members(&mut |name, value| fields.take(name, value))?;
        fields.key(provenance)
    }
}

impl fmt::Debug for Jwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwk")
            .field("kid", &self.kid)
            .field("algorithms", &self.algorithms)
            .finish_non_exhaustive()
    }
}

/// Bytes of the shortest secret, for HMAC with SHA-256.
const LEAST_SECRET: usize = 32;

/// Whether this is a public key or certificate by its text, which is known to whoever would sign with it.
fn is_public_text(secret: &[u8]) -> bool {
    let text = secret.trim_ascii_start();
    text.starts_with(b"-----BEGIN ") || text.starts_with(b"ssh-")
}

fn pem_label(pem: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(pem).ok()?.trim_ascii_start();
    let (label, rest) = text.strip_prefix("-----BEGIN ")?.split_once("-----")?;
    rest.contains("-----END ").then_some(label)
}

fn der(key: &DecodingKey) -> &[u8] {
    match key.kind() {
        DecodingKeyKind::SecretOrDer(der) => der,
        DecodingKeyKind::RsaModulusExponent { n, .. } => n,
    }
}

fn ec_point(backend: Backend, algorithm: Algorithm, point: &[u8]) -> Result<Key, JwkError> {
    let curve = match algorithm {
        Algorithm::Es384 => Curve::P384,
        _ => Curve::P256,
    };
    let coordinates = point
        .strip_prefix(&[UNCOMPRESSED])
        .ok_or(JwkError::PointRefused)?;
    match coordinates.split_at_checked(curve.width()) {
        Some((x, y)) if y.len() == curve.width() => Key::ec(backend, curve, x, y),
        Some(_) | None => Err(JwkError::KeyMismatch {
            algorithm,
            key: "a key on another curve",
        }),
    }
}

#[cfg(test)]
#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_used_with_its_own_algorithms_alone() {
        let secret =
            Secret::from(b"64 random bytes, of which this is an example and no more. ......");
        let key = Jwk::hmac(secret, Algorithm::Hs256).unwrap();
        let verify = |algorithm| key.verify(algorithm, b"signed", &[0; 64]);
        assert_eq!(verify(Algorithm::Hs256), Err(JwsError::Signature));
        // It is long enough for this one.
        assert_eq!(verify(Algorithm::Hs512), Err(JwsError::KeyMismatch));
    }
}
