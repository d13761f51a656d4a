//! JSON Web Signatures in their compact form ([RFC 7515]), verified strictly: who has signed this, and is it unchanged? And the keys
//! that sign.
//!
//! Stops forged tokens: no signature or one by another algorithm or key than the one that is due ([RFC 8725], CWE-347), keys that come
//! with the token, and texts that two readers understand in two ways.
//!
//! # Decision
//!
//! [`verify_compact`] refuses a token when
//!
//! 1. the set has public keys beside secrets ([`JwsError::MixedKeySet`]);
//! 2. it has more than 8,192 bytes, not three segments, or a header of more than 2,048 characters;
//! 3. a segment is not base64url to the last bit: padding, blanks, other characters, bits left over;
//! 4. the header is not one JSON object with each member once, at most 32 of them, and nothing behind it;
//! 5. `alg` is not a name of [`Algorithm`] or not allowed by the caller; `kid` is not 1 to 256 bytes without control characters; `crit`,
//!    `b64`, `zip`, `enc` or `cty` is there, whatever it says;
//! 6. no key, or not exactly one, is due: see [`JwkSet`];
//! 7. the signature does not have the length that it must have, or is wrong.
//!
//! `jku`, `x5u`, `x5c` and `jwk` are never read, and nothing is fetched. What is signed is handed back as bytes.
//!
//! # Keys
//!
//! A [`Jwk`] is checked when it is loaded, and bound to its algorithms then. Weak and broken keys are refused: HMAC secrets shorter than
//! the hash ([RFC 7518] section 3.2), RSA below 2,048 bits or above 8,192, exponents that are even or 1, points that are not on their
//! curve, Ed25519 keys of small order, keys that are meant for something else (`use`, `key_ops`), and private ones.
//!
//! | feature | verifies with | RSA up to |
//! |---|---|---|
//! | `jwt` | aws-lc | 8,192 bits |
//! | `jwt-rust-crypto` | the crates of `RustCrypto` | 4,096 bits |
//!
//! With both features the keys are verified with aws-lc; with neither, every key is refused.
//!
//! The private half is a [`SigningKey`], with which a [`TokenIssuer`](crate::token::TokenIssuer) signs.
//!
//! # Does not stop
//!
//! - A token that is used for something else than it was signed for: `typ`, issuer, audience and times are claims, and judged by
//!   [`JwtVerifier`](crate::token::JwtVerifier).
//! - A signer whose private key has leaked, or one who signs with a secret of few possibilities: the length of a secret says nothing of
//!   how it was chosen.
//! - An Ed25519 key that is no point of its curve loads with aws-lc; it verifies nothing.
//! - Encrypted tokens (JWE), unencoded payloads (RFC 7797), the JSON serialisations, `ES512`, `ES256K`, Ed448 and ML-DSA are not
//!   supported, hence refused.
//!
//! # Example
//!
//! A token of another signer is refused:
//!
//! ```
//! # #[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use tower_security::token::jws::{Algorithm, JwkSet, JwsError, verify_compact};
//!
//! // RFC 8037, appendix A.
//! let keys = JwkSet::strict(
//!     br#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
//! )?;
//! let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
//!     hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
//! let jws = verify_compact(token.as_bytes(), &keys, &[Algorithm::EdDsa])?;
//! assert_eq!(jws.payload(), b"Example of Ed25519 signing");
//!
//! let forged = token.replace("Jzln", "Jzlo");
//! let error = verify_compact(forged.as_bytes(), &keys, &[Algorithm::EdDsa]).unwrap_err();
//! assert_eq!(error, JwsError::Signature);
//! # Ok(())
//! # }
//! # #[cfg(not(any(feature = "jwt", feature = "jwt-rust-crypto")))]
//! # fn main() {}
//! ```
//!
//! [RFC 7515]: https://www.rfc-editor.org/rfc/rfc7515
//! [RFC 7518]: https://www.rfc-editor.org/rfc/rfc7518
//! [RFC 8725]: https://www.rfc-editor.org/rfc/rfc8725

#![cfg_attr(
    not(test),
    warn(clippy::arithmetic_side_effects, clippy::cast_possible_truncation)
)]

mod algorithm;
pub(crate) mod base64url;
pub(crate) mod compact;
mod curve;
mod error;
mod fields;
pub(crate) mod header;
pub(crate) mod json;
mod jwk;
mod key;
mod names;
#[cfg(feature = "jwt")]
mod prepared;
mod provider;
mod scan;
mod set;
mod signing;

pub use algorithm::Algorithm;
pub use compact::{VerifiedJws, verify_compact};
pub use error::{JwkError, JwkSetError, JwsError};
pub use jwk::Jwk;
pub use set::{JwkSet, RejectedKey};
pub use signing::{SigningKey, SigningKeyError};
