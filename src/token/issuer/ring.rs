//! The keys of an issuer, as it is given them.

use std::fmt;

use crate::token::jws::{Jwk, SigningKey};

/// The keys of an issuer: the one it signs with, the one that will be next, and those that tokens under way were signed with.
///
/// All of them are published. The next key is known to verifiers before the first token is signed with it, and a previous one until the
/// last token that it has signed is over.
///
/// # Example
///
/// ```
/// # #[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use tower_security::token::KeyRing;
/// use tower_security::token::jws::{Algorithm, SigningKey};
///
/// let [current, next] = [SigningKey::generate(Algorithm::EdDsa)?, SigningKey::generate(Algorithm::EdDsa)?];
/// let ring = KeyRing::new(current).next(next);
/// # let _ = ring;
/// # Ok(())
/// # }
/// # #[cfg(not(any(feature = "jwt", feature = "jwt-rust-crypto")))]
/// # fn main() {}
/// ```
#[derive(Clone)]
#[must_use = "a ring does nothing until an issuer is built with it"]
pub struct KeyRing {
    pub(super) current: SigningKey,
    pub(super) next: Option<SigningKey>,
    pub(super) previous: Vec<Jwk>,
}

impl KeyRing {
    /// Signs with this key.
    pub const fn new(current: SigningKey) -> Self {
        Self {
            current,
            next: None,
            previous: Vec::new(),
        }
    }

    /// Publishes the key that will be signed with next.
    pub fn next(mut self, next: SigningKey) -> Self {
        self.next = Some(next);
        self
    }

    /// Publishes a key that tokens were signed with which are not over yet. The public half is enough.
    ///
    /// It keeps its id, so that it may be one that another issuer has given it; without one it gets its thumbprint.
    pub fn add_previous(mut self, previous: Jwk) -> Self {
        self.previous.push(previous);
        self
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("current", &self.current)
            .field("next", &self.next)
            .field("previous", &self.previous)
            .finish()
    }
}
