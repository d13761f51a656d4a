//! Why a signature, a key or a set of keys is refused.

use super::Algorithm;
use super::json::JsonError;

/// Why a compact JWS is refused.
///
/// For logs: a client is told that its token is invalid and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwsError {
    /// The algorithm is unknown or not allowed.
    #[error("the algorithm is unknown or not allowed")]
    AlgorithmRefused,
    /// A segment is no strict base64url.
    #[error("a segment is not base64url")]
    Encoding,
    /// The header is no strict JSON object, or says something that is not understood; the word says what: `crit`, `kid`, `json_syntax`.
    #[error("the header is malformed or asks for what is not supported: {0}")]
    Header(&'static str),
    /// No key of the set fits the algorithm, or several do and the token names none.
    #[error("no key of the set fits, or several do")]
    KeyMismatch,
    /// No key of the set has the id of the token.
    #[error("no key of the set has the id of the token")]
    KeyUnknown,
    /// The set has public keys and secrets, which lets one be taken for the other.
    #[error("the set has public keys and secrets, which lets one be taken for the other")]
    MixedKeySet,
    /// The signature is wrong.
    #[error("the signature is wrong")]
    Signature,
    /// The token is too long, or has not three segments.
    #[error("the token is too long or has not three segments")]
    Structure,
}

impl JwsError {
    /// Returns the reason as a fixed snake-case word.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::AlgorithmRefused => "algorithm",
            Self::Encoding => "encoding",
            Self::Header(word) => word,
            Self::KeyMismatch => "key_mismatch",
            Self::KeyUnknown => "kid_unknown",
            Self::MixedKeySet => "mixed_key_set",
            Self::Signature => "signature",
            Self::Structure => "structure",
        }
    }
}

impl From<JsonError> for JwsError {
    fn from(error: JsonError) -> Self {
        Self::Header(error.reason())
    }
}

/// Why a key is not taken. No variant carries any of the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwkError {
    /// `alg` is none of the algorithms that are understood; quoted, cut to 64 characters.
    #[error("refused algorithm {0:?} of a key: leave `alg` out or write one of `Algorithm`")]
    AlgorithmRefused(Box<str>),
    /// Neither of the features `jwt` and `jwt-rust-crypto` is on.
    #[error("refused key: turn on the feature `jwt` or `jwt-rust-crypto`, which verify signatures")]
    BackendMissing,
    /// A member is missing, no base64url, too short, too long or has leading zeros.
    #[error("invalid `{0}` of a key: write all bytes of it in base64url without padding")]
    ComponentInvalid(&'static str),
    /// `crv` is none of the curves that are understood; quoted, cut to 64 characters.
    #[error("refused curve {0:?}: take `P-256`, `P-384` or `Ed25519`")]
    CurveRefused(Box<str>),
    /// An RSA exponent that is even, 1 or longer than 32 bits, or an even modulus.
    #[error("refused RSA numbers: take an odd modulus and the exponent 65537 (`AQAB`)")]
    ExponentRefused,
    /// An algorithm that this kind of key has no signatures of.
    #[error("invalid algorithm {algorithm} for {key}: write one that fits the key")]
    KeyMismatch {
        /// The algorithm.
        algorithm: Algorithm,
        /// The kind of key.
        key: &'static str,
    },
    /// An RSA key with which each check would take long, or that the backend does not read.
    #[error("refused key of {bits} bits: {most} are the most that are verified")]
    KeyTooLong {
        /// The bits of the modulus.
        bits: usize,
        /// How many there may be.
        most: usize,
    },
    /// A key that can be broken.
    #[error("refused key of {bits} bits: take {least} at least; for a new key, ES256 or EdDSA")]
    KeyTooWeak {
        /// The bits of the modulus or secret; 8 for a secret that is one byte over and over.
        bits: usize,
        /// How many there have to be.
        least: usize,
    },
    /// `kid` is no text of 1 to 256 bytes without control characters.
    #[error("invalid `kid`: write 1 to 256 bytes without control characters, or leave it out")]
    KidInvalid,
    /// Two keys of a set have this id: neither is taken, for one of them is not who it says.
    #[error("refused `kid` that stands twice in the set: give each key an id of its own")]
    KidTwice,
    /// No strict JSON object; the word says why.
    #[error("invalid key: it is no JSON object in which each member stands once ({0})")]
    NotJson(&'static str),
    /// `key_ops` is there without `verify`, or `use` is not `sig`.
    #[error(
        "refused key: it is not meant for verifying (`use` is not `sig`, or `key_ops` lacks `verify`)"
    )]
    NotForVerifying,
    /// Not the PEM of a public key.
    #[error("invalid PEM: write a `PUBLIC KEY`, or for RSA an `RSA PUBLIC KEY`")]
    PemInvalid,
    /// A point that is not on the curve, that has small order or that is not in its one full spelling.
    #[error("refused point: it is not on the curve, of small order or compressed")]
    PointRefused,
    /// The private part stands there too. Where others could read it, the key has to be replaced.
    #[error(
        "refused private key: hand over the public part alone; if it was published, replace the key"
    )]
    PrivateKey,
    /// A secret that is the text of a public key: who knows that could sign.
    #[error("refused secret: it is the text of a public key; read it with `Jwk::from_pem`")]
    PublicKeyAsSecret,
    /// A secret in a set that somebody else has published.
    #[error("refused secret (`oct`) in a set of public keys")]
    SecretPublished,
    /// `kty` is none of those that are understood; quoted, cut to 64 characters.
    #[error("refused key type {0:?}: take `EC`, `OKP`, `RSA` or `oct`")]
    TypeRefused(Box<str>),
}

impl JwkError {
    /// Returns the stable snake-case name of the reason.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AlgorithmRefused(_) => "algorithm_refused",
            Self::BackendMissing => "backend_missing",
            Self::ComponentInvalid(_) => "component_invalid",
            Self::CurveRefused(_) => "curve_refused",
            Self::ExponentRefused => "exponent_refused",
            Self::KeyMismatch { .. } => "key_mismatch",
            Self::KeyTooLong { .. } => "key_too_long",
            Self::KeyTooWeak { .. } => "key_too_weak",
            Self::KidInvalid => "kid_invalid",
            Self::KidTwice => "kid_twice",
            Self::NotForVerifying => "not_for_verifying",
            Self::NotJson(_) => "not_json",
            Self::PemInvalid => "pem_invalid",
            Self::PointRefused => "point_refused",
            Self::PrivateKey => "private_key",
            Self::PublicKeyAsSecret => "public_key_as_secret",
            Self::SecretPublished => "secret_published",
            Self::TypeRefused(_) => "type_refused",
        }
    }
}

impl From<JsonError> for JwkError {
    fn from(error: JsonError) -> Self {
        Self::NotJson(error.reason())
    }
}

/// Why a set of keys is not taken as a whole. What is wrong with a single key is said by [`RejectedKey`](super::RejectedKey).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwkSetError {
    /// A key of a strict set is refused; counted from 0.
    #[error("key {0}: {1}")]
    Key(usize, JwkError),
    /// There is no array `keys`.
    #[error("invalid set of keys: it has no array `keys`")]
    KeysMissing,
    /// No strict JSON object; the word says why.
    #[error("invalid set of keys: it is no JSON object in which each member stands once ({0})")]
    NotJson(&'static str),
    /// It has more than 256 KiB.
    #[error("refused set of {0} bytes: 262144 are the most that are read")]
    TooLong(usize),
    /// It has more than 256 keys.
    #[error("refused set of more than 256 keys: give each issuer a set of its own")]
    TooManyKeys,
}

impl JwkSetError {
    /// Returns the stable snake-case name of the reason, for a single key that of [`JwkError::code`].
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Key(_, error) => error.code(),
            Self::KeysMissing => "keys_missing",
            Self::NotJson(_) => "not_json",
            Self::TooLong(_) => "too_long",
            Self::TooManyKeys => "too_many_keys",
        }
    }
}

impl From<JsonError> for JwkSetError {
    fn from(error: JsonError) -> Self {
        Self::NotJson(error.reason())
    }
}
