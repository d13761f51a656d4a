//! Fields that a stolen database does not show: encryption at rest with keys that are rotated, and the key ring that encrypted cookies,
//! secrets of one-time codes and pseudonyms in logs share. Against copies of a database, of a backup or of a replica ([CWE-311],
//! [CWE-312], [ASVS] 5.0 V11 and V14, A04:2025 of the OWASP Top 10), and against values that are moved to another row, column or tenant.
//!
//! A service for handlers and jobs, no layer: a [`KeyRing`] of all keys, and a [`Protector`] for each column.
//!
//! # Decision
//!
//! [`protect`](Protector::protect):
//!
//! 1. More than 16 MiB: **too large**.
//! 2. A nonce of 24 bytes from the operating system. There is none: **entropy**, and nothing takes its place.
//! 3. XChaCha20-Poly1305 with the active key's sub-key of the purpose. Authenticated beside it: the version, the id of the key, the purpose,
//!    and each part of the context with its length.
//!
//! [`unprotect`](Protector::unprotect), where the first line that decides wins:
//!
//! 1. Shorter than 45 bytes, longer than 16 MiB and these, or not of version 1: **rejected**.
//! 2. The id of its key is unknown or revoked: **rejected**.
//! 3. This one key is tried, and no other. Something is not what was protected: **rejected**.
//! 4. The plaintext, which is wiped when it is dropped.
//!
//! Who calls learns of one error; the event tells them apart.
#![doc = include_str!("guide.md")]
//!
//! # Example
//!
//! ```
//! use tower_security::core::Secret;
//! use tower_security::vault::{IndexBits, KeyRing};
//!
//! # let [key_2, key_3] = [KeyRing::key_text(&KeyRing::generate_key()?), KeyRing::key_text(&KeyRing::generate_key()?)];
//! // Base64 of 32 random bytes each, out of a secret store.
//! let ring = KeyRing::builder().active(2, key_2).next(3, key_3).revoked(1).build()?;
//! let ssn = ring.purpose(&["users", "ssn"])?;
//!
//! let stored = ssn.protect(b"123-45-6789", &["acme", "user-7"])?;
//! assert_eq!(*ssn.unprotect(&stored, &["acme", "user-7"])?, b"123-45-6789");
//!
//! // In the row of somebody else, and in another column.
//! assert!(ssn.unprotect(&stored, &["acme", "user-8"]).is_err());
//! assert!(ring.purpose(&["users", "iban"])?.unprotect(&stored, &["acme", "user-7"]).is_err());
//!
//! // To find who has a number without decrypting all of them.
//! let index = ssn.blind_index(b"123-45-6789", IndexBits::default());
//! assert_eq!(index.as_bytes().len(), 8);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A rotation, on a service and in the table, and a ring that weakens all of it, which is not built:
//!
//! ```
//! use tower_security::core::Secret;
//! use tower_security::vault::KeyRing;
//!
//! # let (old, new) = (KeyRing::generate_key()?, KeyRing::generate_key()?);
//! let before = KeyRing::builder().active(1, old).next(2, new).build()?;
//! let row = before.purpose(&["users", "ssn"])?.protect(b"123-45-6789", &["user-7"])?;
//!
//! let ssn = before.rotate(2)?.purpose(&["users", "ssn"])?;
//! assert!(ssn.needs_rotation(&row));
//! let anew = ssn.reprotect(&row, &["user-7"])?.ok_or("it was of key 1")?;
//! assert_eq!(ssn.reprotect(&anew, &["user-7"])?, None);
//! // A node that has not rotated yet reads it.
//! assert!(before.purpose(&["users", "ssn"])?.unprotect(&anew, &["user-7"]).is_ok());
//!
//! let errors = KeyRing::builder()
//!     .active(1, Secret::from(b"a pass phrase of 32 characters.."))
//!     .retired(1, Secret::new([7; 32]))
//!     .build()
//!     .unwrap_err();
//! let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
//! assert_eq!(codes, ["text_key", "duplicate_key_id", "weak_key"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [ASVS]: https://owasp.org/www-project-application-security-verification-standard/
//! [CWE-311]: https://cwe.mitre.org/data/definitions/311.html
//! [CWE-312]: https://cwe.mitre.org/data/definitions/312.html

mod blind_index;
mod config;
mod error;
mod format;
mod protector;
mod ring;
#[cfg(feature = "serde")]
mod sealed;
#[cfg(test)]
mod tests;
mod text;
mod wrap;

pub use blind_index::{BlindIndex, IndexBits, Pseudonym, Pseudonyms};
pub use config::{KeyRingBuilder, RingKey};
pub use error::{KeyWrapError, KeyWrapErrorKind, PurposeProblem, VaultConfigError, VaultError};
pub use protector::Protector;
pub use ring::{KeyRing, KeyState};
#[cfg(feature = "serde")]
pub use sealed::{Sealed, SealedValue};
pub use wrap::KeyWrap;
