//! Why a compact JWS is refused.

/// Why a compact JWS is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwsError {
    /// The algorithm is unknown or not allowed.
    #[error("the algorithm is unknown or not allowed")]
    AlgorithmRefused,
    /// A segment is no strict base64url.
    #[error("a segment is not base64url")]
    Encoding,
    /// The header is no JSON object, or says something that is not understood (`crit`, `b64`, `zip`, `enc`, `cty`).
    #[error("the header is malformed or asks for what is not supported: {0}")]
    Header(&'static str),
    /// No key of the set has this id.
    #[error("no key of the set has the id of the token")]
    KeyUnknown,
    /// No key of the set fits the algorithm, or several do and the token names none.
    #[error("no key of the set fits, or several do")]
    KeyMismatch,
    /// A set with public keys and secrets.
    #[error("the set has public keys and secrets, which lets one be taken for the other")]
    MixedKeySet,
    /// The signature is wrong.
    #[error("the signature is wrong")]
    Signature,
    /// Not three segments, or too long.
    #[error("the token is too long or has not three segments")]
    Structure,
}
