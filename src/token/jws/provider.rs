//! The cryptography behind keys and signatures: the one place that names a backend.
//!
//! `jsonwebtoken` can choose for itself, once for the process, and panics when both of its backends are compiled in; any other crate
//! of the build may turn the second one on. So it is not asked: each key knows its backend, and everything in that crate that would
//! ask is left alone (`decode`, `encode`, `crypto::verify`, `Jwk::thumbprint`).

use jsonwebtoken::crypto::CryptoProvider;
use jsonwebtoken::jwk::EllipticCurve;
use jsonwebtoken::{Algorithm as Name, DecodingKey, EncodingKey};

#[cfg(feature = "jwt")]
pub(super) use super::prepared::Prepared;
use super::{Algorithm, JwsError};

/// Of the other backend nothing is kept.
#[cfg(not(feature = "jwt"))]
#[derive(Default)]
pub(super) struct Prepared(());

/// Which implementation verifies the signatures of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Backend {
    #[cfg(feature = "jwt")]
    AwsLc,
    #[cfg(feature = "jwt-rust-crypto")]
    RustCrypto,
}

impl Backend {
    /// The fastest one that is compiled in.
    #[allow(
        clippy::needless_return,
        unreachable_code,
        reason = "the features decide which statement is the last one"
    )]
    pub(super) const fn preferred() -> Option<Self> {
        #[cfg(feature = "jwt")]
        return Some(Self::AwsLc);
        #[cfg(all(feature = "jwt-rust-crypto", not(feature = "jwt")))]
        return Some(Self::RustCrypto);
        #[cfg(not(any(feature = "jwt", feature = "jwt-rust-crypto")))]
        None
    }

    fn provider(self) -> &'static CryptoProvider {
        match self {
            #[cfg(feature = "jwt")]
            Self::AwsLc => &jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER,
            #[cfg(feature = "jwt-rust-crypto")]
            Self::RustCrypto => &jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER,
        }
    }

    /// Bits of the longest RSA modulus that it verifies with.
    pub(super) const fn most_rsa_bits(self) -> usize {
        match self {
            #[cfg(feature = "jwt")]
            Self::AwsLc => 8192,
            #[cfg(feature = "jwt-rust-crypto")]
            Self::RustCrypto => 4096,
        }
    }

    /// Modulus and exponent of a PKCS#1 `RSAPublicKey`.
    pub(super) fn rsa_components(self, der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        (self.provider().key_utils.rsa_pub_components_from_public_key)(der).ok()
    }

    /// The coordinates of the public half of a PKCS #8 private key on the curve of an ECDSA algorithm.
    pub(super) fn ec_components(
        self,
        algorithm: Algorithm,
        der: &[u8],
    ) -> Option<(Vec<u8>, Vec<u8>)> {
        let (_, x, y) =
            (self.provider().key_utils.ec_pub_components_from_private_key)(der, name(algorithm))
                .ok()?;
        Some((x, y))
    }

    /// The public half of a PKCS #8 private key for Ed25519.
    pub(super) fn ed25519_component(self, der: &[u8]) -> Option<Vec<u8>> {
        let curve = EllipticCurve::Ed25519;
        (self.provider().key_utils.ed_pub_components_from_private_key)(der, &curve).ok()
    }

    /// Signs with a key that is read anew each time: what that crate makes of a key cannot be shared between threads.
    pub(super) fn sign(
        self,
        algorithm: Algorithm,
        key: &EncodingKey,
        input: &[u8],
    ) -> Option<Vec<u8>> {
        let signer = (self.provider().signer_factory)(&name(algorithm), key).ok()?;
        signer.try_sign(input).ok()
    }

    /// Whether it can make anything of a key. It may say yes and find out only when it verifies.
    pub(super) fn takes(self, algorithm: Algorithm, key: &DecodingKey) -> bool {
        (self.provider().verifier_factory)(&name(algorithm), key).is_ok()
    }

    /// `prepared` belongs to `key`.
    #[cfg_attr(
        not(feature = "jwt"),
        expect(unused_variables, reason = "only of aws-lc something is kept")
    )]
    pub(super) fn verify(
        self,
        algorithm: Algorithm,
        key: &DecodingKey,
        prepared: &Prepared,
        signing_input: &[u8],
        signature: &[u8],
    ) -> Result<(), JwsError> {
        match self {
            #[cfg(feature = "jwt")]
            Self::AwsLc => prepared.verify(algorithm, key, signing_input, signature),
            #[cfg(feature = "jwt-rust-crypto")]
            Self::RustCrypto => self.verify_once(algorithm, key, signing_input, signature),
        }
    }

    #[cfg(any(feature = "jwt-rust-crypto", all(feature = "jwt", test)))]
    pub(super) fn verify_once(
        self,
        algorithm: Algorithm,
        key: &DecodingKey,
        signing_input: &[u8],
        signature: &[u8],
    ) -> Result<(), JwsError> {
        let verifier = (self.provider().verifier_factory)(&name(algorithm), key)
            .map_err(|_| JwsError::KeyMismatch)?;
        // The trait wants a vector.
        verifier
            .verify(signing_input, &signature.to_vec())
            .map_err(|_| JwsError::Signature)
    }
}

const fn name(algorithm: Algorithm) -> Name {
    match algorithm {
        Algorithm::EdDsa => Name::EdDSA,
        Algorithm::Es256 => Name::ES256,
        Algorithm::Es384 => Name::ES384,
        Algorithm::Hs256 => Name::HS256,
        Algorithm::Hs384 => Name::HS384,
        Algorithm::Hs512 => Name::HS512,
        Algorithm::Ps256 => Name::PS256,
        Algorithm::Ps384 => Name::PS384,
        Algorithm::Ps512 => Name::PS512,
        Algorithm::Rs256 => Name::RS256,
        Algorithm::Rs384 => Name::RS384,
        Algorithm::Rs512 => Name::RS512,
    }
}
