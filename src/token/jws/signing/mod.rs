//! The private half of a key: what a token is signed with.

mod der;
mod error;
mod fields;
mod signer;
#[cfg(test)]
#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
mod tests;

use std::fmt;
use std::sync::Arc;

pub use error::SigningKeyError;
use fields::Private;
use signer::Signer;

use super::provider::Backend;
use super::{Algorithm, Jwk, base64url};
use crate::core::{Secret, random};

/// A key that signs tokens, checked when it was loaded: what it signs, its public half verifies.
///
/// It signs with one algorithm. Its id is the thumbprint of its public half (RFC 7638), so that the same key has the same id on every
/// node and no two keys share one. Cloning shares it; it is wiped when the last clone goes.
///
/// Take `EdDSA`, or `ES256` where a resource server does not know `EdDSA` yet. RSA signs far more slowly, and with the feature
/// `jwt-rust-crypto` alone not at all: the time that crate takes tells of the key ([RUSTSEC-2023-0071]).
///
/// # Example
///
/// ```
/// # #[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use tower_security::token::jws::{Algorithm, SigningKey};
///
/// // `openssl genpkey -algorithm ed25519`
/// let pem = "-----BEGIN PRIVATE KEY-----
/// MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
/// -----END PRIVATE KEY-----
/// ";
/// let key = SigningKey::from_pem(pem, Algorithm::EdDsa)?;
/// // RFC 8037, appendix A.3.
/// assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
///
/// assert!(SigningKey::from_pem(pem, Algorithm::Es256).is_err());
/// # Ok(())
/// # }
/// # #[cfg(not(any(feature = "jwt", feature = "jwt-rust-crypto")))]
/// # fn main() {}
/// ```
///
/// [RUSTSEC-2023-0071]: https://rustsec.org/advisories/RUSTSEC-2023-0071.html
#[derive(Clone)]
pub struct SigningKey(Arc<Pair>);

struct Pair {
    algorithm: Algorithm,
    signer: Signer,
    /// With the thumbprint as its id.
    public: Jwk,
    kid: Box<str>,
}

impl SigningKey {
    /// Reads a private key from PEM: `PRIVATE KEY` (PKCS #8), `RSA PRIVATE KEY` or `EC PRIVATE KEY`.
    ///
    /// What a key has to be, [`Jwk::from_json`] says: RSA of 2,048 to 8,192 bits, the curve that belongs to the algorithm.
    ///
    /// # Errors
    ///
    /// [`SigningKeyError`]; a public key, an encrypted one and an algorithm that the key does not fit are refused.
    ///
    /// # Example
    ///
    /// See [`SigningKey`].
    pub fn from_pem(pem: impl AsRef<[u8]>, algorithm: Algorithm) -> Result<Self, SigningKeyError> {
        Self::on(backend()?, &Private::from_pem(pem.as_ref(), algorithm)?)
    }

    /// Reads a private key in PKCS #8 (RFC 5958), as it stands between the lines of a PEM.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem).
    pub fn from_pkcs8(
        der: impl AsRef<[u8]>,
        algorithm: Algorithm,
    ) -> Result<Self, SigningKeyError> {
        Self::on(backend()?, &Private::from_pkcs8(der.as_ref(), algorithm)?)
    }

    /// Reads a private key from its JSON form (RFC 7517), which has `d`.
    ///
    /// An RSA key has `alg` and all its numbers (`p q dp dq qi`), a secret (`oct`) has `alg`; for the others the curve says it. `use`, if
    /// there, is `sig`; `key_ops`, if there, has `sign`. A `kid` is not taken over.
    ///
    /// # Errors
    ///
    /// [`SigningKeyError`]; a public part that does not belong to the private one is refused.
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use tower_security::token::jws::{Algorithm, SigningKey};
    ///
    /// // RFC 8037, appendix A.1.
    /// let key = SigningKey::from_jwk(
    ///     br#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    ///         "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
    /// )?;
    /// assert_eq!(key.algorithm(), Algorithm::EdDsa);
    ///
    /// let public = br#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    /// assert!(SigningKey::from_jwk(public).is_err());
    /// # Ok(())
    /// # }
    /// # #[cfg(not(any(feature = "jwt", feature = "jwt-rust-crypto")))]
    /// # fn main() {}
    /// ```
    pub fn from_jwk(json: impl AsRef<[u8]>) -> Result<Self, SigningKeyError> {
        Self::on(backend()?, &Private::from_jwk(json.as_ref())?)
    }

    /// Takes a secret that is shared with whoever verifies, who could sign too: for one application alone.
    ///
    /// The demands on the secret are those of [`Jwk::hmac`].
    ///
    /// # Errors
    ///
    /// [`SigningKeyError`] for a secret that is too short or can be guessed, or an algorithm that has none.
    pub fn hmac(
        secret: impl Into<Secret<Vec<u8>>>,
        algorithm: Algorithm,
    ) -> Result<Self, SigningKeyError> {
        Self::on(backend()?, &Private::from_secret(secret.into(), algorithm)?)
    }

    /// Makes a new key for `EdDSA`, `ES256` or `ES384`, which is gone when the process ends: for tests, and for one node whose users may
    /// log in again.
    ///
    /// # Errors
    ///
    /// [`SigningKeyError::GenerateRefused`] for another algorithm, [`SigningKeyError::NoRandomness`].
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use tower_security::token::jws::{Algorithm, SigningKey};
    ///
    /// let key = SigningKey::generate(Algorithm::EdDsa)?;
    /// assert_ne!(key.kid(), SigningKey::generate(Algorithm::EdDsa)?.kid());
    ///
    /// // A secret is made by whoever shares it.
    /// assert!(SigningKey::generate(Algorithm::Hs256).is_err());
    /// # Ok(())
    /// # }
    /// # #[cfg(not(any(feature = "jwt", feature = "jwt-rust-crypto")))]
    /// # fn main() {}
    /// ```
    pub fn generate(algorithm: Algorithm) -> Result<Self, SigningKeyError> {
        generated(algorithm).map(|(key, _)| key)
    }

    /// Makes a new key as [`generate`](Self::generate) does, as a PEM to keep where secrets are kept and to read with
    /// [`from_pem`](Self::from_pem).
    ///
    /// # Errors
    ///
    /// As [`generate`](Self::generate).
    pub fn generate_pem(algorithm: Algorithm) -> Result<Secret<String>, SigningKeyError> {
        let (_, der) = generated(algorithm)?;
        Ok(der::pem("PRIVATE KEY", der.expose()))
    }

    /// Returns the algorithm that it signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    /// Returns its id: the thumbprint of its public half with SHA-256 (RFC 7638) in base64url.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.0.kid
    }

    /// Returns what its signatures are verified with, under its id: the public half, or for HMAC the secret itself.
    #[must_use]
    pub fn verifying_key(&self) -> &Jwk {
        &self.0.public
    }

    /// The same key, signing with the other backend. For tests: with both compiled in, only one would run.
    ///
    /// # Errors
    ///
    /// As the other constructors.
    #[cfg(feature = "jwt-rust-crypto")]
    #[doc(hidden)]
    pub fn on_rust_crypto(
        pem: impl AsRef<[u8]>,
        algorithm: Algorithm,
    ) -> Result<Self, SigningKeyError> {
        Self::on(
            Backend::RustCrypto,
            &Private::from_pem(pem.as_ref(), algorithm)?,
        )
    }

    /// Signs with it; `None` when the backend fails.
    pub(crate) fn sign(&self, input: &[u8]) -> Option<Vec<u8>> {
        self.0.signer.sign(self.0.algorithm, input)
    }

    fn on(backend: Backend, private: &Private) -> Result<Self, SigningKeyError> {
        let algorithm = private.algorithm();
        let (signer, public) = Signer::new(backend, private)?;
        // A public half that is not that of the private one would lock everybody out, and with Ed25519 give the key away.
        let probe: &[u8] = b"tower-security";
        let signature = signer
            .sign(algorithm, probe)
            .ok_or(SigningKeyError::PairMismatch)?;
        public
            .verify(algorithm, probe, &signature)
            .map_err(|_| SigningKeyError::PairMismatch)?;
        if !private.has_public(&public) {
            return Err(SigningKeyError::PairMismatch);
        }
        let kid = base64url::encode(&public.thumbprint());
        let public = public.with_kid(&kid)?;
        Ok(Self(Arc::new(Pair {
            algorithm,
            signer,
            public,
            kid: kid.into(),
        })))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid())
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}

fn backend() -> Result<Backend, SigningKeyError> {
    Backend::preferred().ok_or(SigningKeyError::BackendMissing)
}

fn generated(algorithm: Algorithm) -> Result<(SigningKey, Secret<Vec<u8>>), SigningKeyError> {
    // A number that is no key of the curve is drawn once in 2^32.
    const ATTEMPTS: usize = 4;
    let backend = backend()?;
    for _ in 0..ATTEMPTS {
        let drawn = match algorithm {
            Algorithm::EdDsa | Algorithm::Es256 => random::bytes::<32>().map(Secret::from),
            Algorithm::Es384 => random::bytes::<48>().map(Secret::from),
            _ => return Err(SigningKeyError::GenerateRefused(algorithm)),
        };
        let number: Secret<Vec<u8>> = drawn.ok_or(SigningKeyError::NoRandomness)?;
        let der = der::pkcs8(algorithm, number.expose()).ok_or(SigningKeyError::NoRandomness)?;
        let private = Private::from_pkcs8(der.expose(), algorithm)?;
        if let Ok(key) = SigningKey::on(backend, &private) {
            return Ok((key, der));
        }
    }
    Err(SigningKeyError::NoRandomness)
}
