//! Several keys (RFC 7517 section 5).

use std::sync::Arc;

use super::Jwk;

/// Keys, of which each token is verified with the one that it names. Cloning shares them.
#[derive(Clone, Debug)]
pub struct JwkSet(Arc<[Jwk]>);

impl JwkSet {
    /// Returns the keys.
    #[must_use]
    pub fn keys(&self) -> &[Jwk] {
        &self.0
    }
}

/// Why a set of keys is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwkSetError {}
