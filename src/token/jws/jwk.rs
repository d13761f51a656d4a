//! One key (RFC 7517).

use std::fmt;

use super::Algorithm;

/// A key that verifies signatures, checked when it was loaded.
#[derive(Clone)]
pub struct Jwk {
    kid: Option<Box<str>>,
    algorithms: Box<[Algorithm]>,
}

impl Jwk {
    /// Returns its id.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Returns the algorithms that it may be used with.
    #[must_use]
    pub const fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
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

/// Why a key is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwkError {}
