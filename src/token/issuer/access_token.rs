use std::time::{Duration, SystemTime};

use crate::core::Secret;

/// A token that was issued. Not shown by `Debug`.
#[derive(Clone, Debug)]
pub struct AccessToken {
    pub(super) token: Secret<String>,
    pub(super) token_id: Box<str>,
    pub(super) issued_at: SystemTime,
    pub(super) expires_at: SystemTime,
}

impl AccessToken {
    /// Returns the token: what the client sends in `Authorization`.
    #[must_use]
    pub const fn token(&self) -> &Secret<String> {
        &self.token
    }

    /// Returns the token alone.
    #[must_use]
    pub fn into_token(self) -> Secret<String> {
        self.token
    }

    /// Returns its id (`jti`), by which it can be revoked.
    #[must_use]
    pub const fn token_id(&self) -> &str {
        &self.token_id
    }

    /// Returns when it was issued (`iat`), in whole seconds.
    #[must_use]
    pub const fn issued_at(&self) -> SystemTime {
        self.issued_at
    }

    /// Returns when it ends (`exp`), in whole seconds.
    #[must_use]
    pub const fn expires_at(&self) -> SystemTime {
        self.expires_at
    }

    /// Returns for how long it counts: `expires_in` of the answer (RFC 6749 section 5.1) in whole seconds.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.expires_at
            .duration_since(self.issued_at)
            .unwrap_or_default()
    }
}
