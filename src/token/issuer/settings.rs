//! What an issuer says in each token, made ready once.

use std::sync::Arc;
use std::time::Duration;

use crate::core::Clock;
use crate::token::Profile;
use crate::token::jws::{SigningKey, base64url};

/// A checked configuration without its keys.
#[derive(Debug)]
pub(super) struct Settings {
    /// How each document begins: `{"iss":"..","aud":".."`.
    pub(super) beginning: Box<[u8]>,
    pub(super) is_http_issuer: bool,
    /// A digest of who issues and for whom, in whatever order that is said.
    pub(super) realm: [u8; 32],
    pub(super) profile: Profile,
    pub(super) tenant_claim: Box<str>,
    pub(super) access_ttl: Duration,
    pub(super) jwks_max_age: Duration,
    pub(super) clock: Arc<dyn Clock>,
}

impl Settings {
    /// The first segment of tokens that a key signs, and the dot behind it.
    pub(super) fn header(&self, key: &SigningKey) -> Arc<str> {
        let (alg, kid) = (key.algorithm().as_str(), key.kid());
        let typ = match &self.profile {
            Profile::AccessToken => "at+jwt",
            Profile::Custom { typ } => typ,
            Profile::Plain => "JWT",
        };
        // None of them has a character that JSON would escape: a thumbprint, a name of the registry and a token of HTTP.
        let json = format!(r#"{{"alg":"{alg}","typ":"{typ}","kid":"{kid}"}}"#);
        format!("{}.", base64url::encode(json.as_bytes())).into()
    }

    /// Whether access tokens of RFC 9068 are issued, which name their client.
    pub(super) const fn wants_client(&self) -> bool {
        matches!(self.profile, Profile::AccessToken)
    }
}
