//! Tokens of one's own: whom they are for, what signs them, and what verifiers read.

mod access_token;
mod builder;
mod document;
mod error;
mod issue_error;
mod keys;
mod ring;
mod settings;
mod write;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub use access_token::AccessToken;
pub use builder::TokenIssuerBuilder;
pub use document::JwksDocument;
pub use error::IssuerConfigError;
pub use issue_error::IssueError;
use keys::Keys;
pub use ring::KeyRing;
use settings::Settings;
use write::Stamp;

use super::claims::system_time;
use super::jws::compact::MOST_TOKEN;
use super::jws::{JwkSet, SigningKey};
use super::{Grant, KeySnapshot, KeySource, KeySourceError, KeyState};
use crate::core::{ConfigErrors, Lookup, Reload, ReloadHandle, Secret, random};

#[doc = include_str!("guide.md")]
#[derive(Clone)]
pub struct TokenIssuer(Arc<Inner>);

struct Inner {
    settings: Settings,
    keys: Reload<Keys>,
    handle: ReloadHandle<Keys>,
}

impl TokenIssuer {
    /// Begins an issuer. Issuer, audience and keys must be given.
    pub fn builder() -> TokenIssuerBuilder {
        TokenIssuerBuilder::new()
    }

    fn new(settings: Settings, keys: Keys) -> Self {
        let (keys, handle) = Reload::shared(Arc::new(keys));
        Self(Arc::new(Inner {
            settings,
            keys,
            handle,
        }))
    }

    /// Issues a token.
    ///
    /// It begins to count now and ends after [`access_ttl`](TokenIssuerBuilder::access_ttl), or with the principal of the grant if that is
    /// earlier. Its id is 128 random bits.
    ///
    /// # Errors
    ///
    /// [`IssueError`]: what the grant says cannot be said by a token, or the system fails. No token is issued that a verifier would read in
    /// another way than it was granted.
    pub fn issue(&self, grant: &Grant) -> Result<AccessToken, IssueError> {
        let settings = &self.0.settings;
        let now = settings.clock.now();
        let issued_at = grant.date(write::seconds(now).ok_or(IssueError::Clock)?);
        let mut expires_at = issued_at.saturating_add(settings.access_ttl.as_secs());
        if let Some(end) = grant.principal().expires_at() {
            let end = write::seconds(end);
            expires_at = end.map_or(expires_at, |end| end.min(expires_at));
            if grant.principal().is_expired(now) || expires_at <= issued_at {
                return Err(IssueError::Expired);
            }
        }
        let token_id = token_id()?;
        let stamp = Stamp {
            token_id: &token_id,
            issued_at,
            expires_at,
        };
        let claims = write::claims(settings, grant, &stamp)?;
        let token = self.signed(&claims)?;
        Ok(AccessToken {
            token,
            token_id: token_id.into(),
            issued_at: system_time(issued_at).ok_or(IssueError::Clock)?,
            expires_at: system_time(expires_at).ok_or(IssueError::Clock)?,
        })
    }

    /// Returns how long a token counts at most.
    #[must_use]
    pub fn access_ttl(&self) -> Duration {
        self.0.settings.access_ttl
    }

    /// What is the same for issuers whose tokens are good at the same places.
    pub(in crate::token) fn realm(&self) -> &[u8; 32] {
        &self.0.settings.realm
    }

    /// Returns the public keys as verifiers read them.
    #[must_use]
    pub fn jwks(&self) -> JwksDocument {
        self.0.keys.load().document.clone()
    }

    /// Returns the keys that tokens of this issuer are verified with, the secret of HMAC among them: for a verifier in the same process.
    ///
    /// The set is that of now. A verifier that is given the issuer itself, which is a [`KeySource`], sees each rotation.
    #[must_use]
    pub fn verifying_keys(&self) -> JwkSet {
        self.0.keys.load().snapshot.set().clone()
    }

    /// Signs with the next key of the ring from now on, and publishes `new_next` as the one after it. All clones of the issuer do so.
    ///
    /// Tokens of the key before are good until their end: it stays published for [`access_ttl`](TokenIssuerBuilder::access_ttl) and five
    /// minutes, the longest leeway of a verifier, until a later rotation drops it.
    ///
    /// # Errors
    ///
    /// [`IssuerConfigError::NextMissing`]; [`IssuerConfigError::RotationTooSoon`] while verifiers may hold a set without the next key, which
    /// is for [`jwks_max_age`](TokenIssuerBuilder::jwks_max_age) after this process has first published it; and what makes a ring
    /// invalid. Nothing has changed then.
    pub fn rotate(&self, new_next: SigningKey) -> Result<(), ConfigErrors> {
        self.change(move |keys| keys.rotated(new_next.clone(), &self.0.settings))
    }

    /// Takes another ring into use, at once and in all clones: where several nodes are given their keys, or one has leaked.
    ///
    /// Tokens of a key that the ring does not have any more are refused as soon as a verifier has read the new set. A verifier that has
    /// not read it yet refuses those of a current key that was not published before.
    ///
    /// # Errors
    ///
    /// What makes a ring invalid. Nothing has changed then.
    pub fn replace(&self, ring: KeyRing) -> Result<(), ConfigErrors> {
        self.change(move |keys| {
            let generation = keys.snapshot.generation().wrapping_add(1);
            Keys::new(ring.clone(), &self.0.settings, generation)
        })
    }

    /// Returns the settings that weaken the protection, each with whether it is on.
    #[must_use]
    pub fn dangerous(&self) -> [(&'static str, bool); 1] {
        [("dangerous_http_issuer", self.0.settings.is_http_issuer)]
    }

    fn change(
        &self,
        change: impl Fn(&Keys) -> Result<Keys, ConfigErrors>,
    ) -> Result<(), ConfigErrors> {
        let mut outcome = Ok(());
        self.0.handle.update(|keys| match change(keys) {
            Ok(changed) => {
                outcome = Ok(());
                changed
            }
            Err(errors) => {
                outcome = Err(errors);
                keys.clone()
            }
        });
        outcome
    }

    /// The token with these claims.
    fn signed(&self, claims: &[u8]) -> Result<Secret<String>, IssueError> {
        // As long as it will be: text that grows leaves copies behind.
        let keys = self.0.keys.load();
        let payload = encoded(claims.len());
        let input = keys.header.len().saturating_add(payload);
        let mut text = String::with_capacity(input);
        text.push_str(&keys.header);
        URL_SAFE_NO_PAD.encode_string(claims, &mut text);
        let signature = keys.current.sign(text.as_bytes());
        let signature = signature.ok_or(IssueError::Signature)?;
        let length = input
            .saturating_add(1)
            .saturating_add(encoded(signature.len()));
        if length > MOST_TOKEN {
            return Err(IssueError::TooLong { bytes: length });
        }
        let mut token = String::with_capacity(length);
        token.push_str(&text);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(Secret::new(token))
    }
}

/// Characters of base64url without padding.
const fn encoded(bytes: usize) -> usize {
    bytes.saturating_mul(4).div_ceil(3)
}

fn token_id() -> Result<String, IssueError> {
    let drawn = random::bytes::<16>().ok_or(IssueError::NoRandomness)?;
    Ok(URL_SAFE_NO_PAD.encode(drawn))
}

/// The keys of the issuer as they are: a verifier in the same process follows each rotation.
///
/// The keys may change, so that HMAC has to be allowed by [`algorithms`](super::JwtVerifierBuilder::algorithms).
impl KeySource for TokenIssuer {
    fn state(&self) -> KeyState {
        KeyState::Ready(self.0.keys.load().snapshot.clone())
    }

    fn refresh(&self, _: Option<&str>) -> Lookup<Result<KeySnapshot, KeySourceError>> {
        Lookup::Ready(Err(KeySourceError::NotFound))
    }
}

impl fmt::Debug for TokenIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.0.keys.load();
        f.debug_struct("TokenIssuer")
            .field("settings", &self.0.settings)
            .field("current", &keys.current)
            .finish_non_exhaustive()
    }
}
