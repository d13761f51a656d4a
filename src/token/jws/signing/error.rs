use crate::token::jws::json::JsonError;
use crate::token::jws::{Algorithm, JwkError};

/// Why a private key is not taken. No variant carries any of the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningKeyError {
    /// A JWK that fits several algorithms and names none.
    #[error("invalid key: write its `alg`, since a key signs with one algorithm")]
    AlgorithmMissing,
    /// Neither of the features `jwt` and `jwt-rust-crypto` is on.
    #[error("refused key: turn on the feature `jwt` or `jwt-rust-crypto`, which sign")]
    BackendMissing,
    /// A member of a JWK is missing or no base64url.
    #[error("invalid `{0}` of a key: write all bytes of it in base64url without padding")]
    ComponentInvalid(&'static str),
    /// An algorithm that no key is made for here.
    #[error(
        "refused new key for {0}: write `Algorithm::EdDsa`, `Es256` or `Es384`; a secret is made by whoever shares it"
    )]
    GenerateRefused(Algorithm),
    /// The public half is refused: too weak, too long, on no curve, or not for this algorithm.
    #[error(transparent)]
    Jwk(JwkError),
    /// No private key that can be read.
    #[error("invalid private key: write PKCS #8, as `openssl genpkey -algorithm ed25519` does")]
    KeyInvalid,
    /// Another kind of key, or another curve.
    #[error("invalid algorithm {algorithm} for {key}: write one that fits the key")]
    KeyMismatch {
        /// The algorithm.
        algorithm: Algorithm,
        /// The kind of key.
        key: &'static str,
    },
    /// An RSA key of fewer than 2,048 bits.
    #[error(
        "refused RSA key of fewer than 2048 bits: make a new key, for EdDSA or ES256 if you can"
    )]
    KeyTooWeak,
    /// The operating system has no randomness.
    #[error("no randomness for a new key")]
    NoRandomness,
    /// `use` is not `sig`, or `key_ops` is there without `sign`.
    #[error(
        "refused key: it is not meant for signing (`use` is not `sig`, or `key_ops` lacks `sign`)"
    )]
    NotForSigning,
    /// What it signs, its public half does not verify.
    #[error("refused key: its public part does not belong to the private one")]
    PairMismatch,
    /// Not the PEM of a private key.
    #[error(
        "invalid PEM: write a `PRIVATE KEY` without a password, an `RSA PRIVATE KEY` or an `EC PRIVATE KEY`"
    )]
    PemInvalid,
    /// The public half alone.
    #[error("invalid key: it has no private part, which is what signs")]
    PublicKey,
    /// An RSA key, and no backend that signs with it in constant time.
    #[error(
        "refused RSA key: with the feature `jwt-rust-crypto` alone the time of a signature tells of the key (RUSTSEC-2023-0071); \
         take a key for EdDSA or ES256, or turn on the feature `jwt`"
    )]
    RsaSigningRefused,
}

impl SigningKeyError {
    /// Returns the stable snake-case name of the reason, for the public half that of [`JwkError::code`].
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AlgorithmMissing => "algorithm_missing",
            Self::BackendMissing => "backend_missing",
            Self::ComponentInvalid(_) => "component_invalid",
            Self::GenerateRefused(_) => "generate_refused",
            Self::Jwk(error) => error.code(),
            Self::KeyInvalid => "key_invalid",
            Self::KeyMismatch { .. } => "key_mismatch",
            Self::KeyTooWeak => "key_too_weak",
            Self::NoRandomness => "no_randomness",
            Self::NotForSigning => "not_for_signing",
            Self::PairMismatch => "pair_mismatch",
            Self::PemInvalid => "pem_invalid",
            Self::PublicKey => "public_key",
            Self::RsaSigningRefused => "rsa_signing_refused",
        }
    }
}

impl From<JwkError> for SigningKeyError {
    fn from(error: JwkError) -> Self {
        match error {
            JwkError::NotForVerifying => Self::NotForSigning,
            error => Self::Jwk(error),
        }
    }
}

impl From<JsonError> for SigningKeyError {
    fn from(error: JsonError) -> Self {
        Self::Jwk(error.into())
    }
}
