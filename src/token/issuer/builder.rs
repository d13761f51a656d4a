use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::TokenIssuer;
use super::error::IssuerConfigError;
use super::keys::Keys;
use super::ring::KeyRing;
use super::settings::Settings;
use super::write::{is_reserved, list, text};
use crate::core::{Clock, ConfigError, ConfigErrors, Mistakes, SystemClock};
use crate::token::Profile;
use crate::token::verifier::{is_name, is_plain_http};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// Builds a [`TokenIssuer`]. Made by [`TokenIssuer::builder`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct TokenIssuerBuilder {
    issuer: String,
    allows_http: bool,
    audiences: Vec<String>,
    signing: Option<KeyRing>,
    profile: Profile,
    tenant_claim: String,
    access_ttl: Duration,
    jwks_max_age: Duration,
    clock: Arc<dyn Clock>,
}

impl TokenIssuerBuilder {
    pub(super) fn new() -> Self {
        Self {
            issuer: String::new(),
            allows_http: false,
            audiences: Vec::new(),
            signing: None,
            profile: Profile::default(),
            tenant_claim: "tenant".to_owned(),
            access_ttl: MINUTE.saturating_mul(15),
            jwks_max_age: MINUTE.saturating_mul(5),
            clock: Arc::new(SystemClock),
        }
    }

    /// Sets who issues (`iss`). Must be given.
    ///
    /// Accepted: `https://id.example.com/`, `accounts.example.com`. Refused: `""`, `*`, `http://id.example.com`. Verifiers compare it letter
    /// by letter.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = issuer.into();
        self.allows_http = false;
        self
    }

    /// Sets an issuer that is reached without TLS, instead of [`issuer`](Self::issuer).
    ///
    /// For one on the same machine. In a network, whoever sits between can replace its keys and sign whatever tokens he likes.
    pub fn dangerous_http_issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = issuer.into();
        self.allows_http = true;
        self
    }

    /// Adds a resource server that the tokens are for (`aud`), by the name that it knows itself by; one at least must be given.
    ///
    /// Accepted: `https://api.example.com`, `orders`. Refused: `""`, `*`. A token for several services can be used by each of them at the
    /// others: rather make an issuer for each.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Sets the keys. Must be given.
    ///
    /// Refused: the same key at two places; secrets beside public keys.
    pub fn signing(mut self, keys: KeyRing) -> Self {
        self.signing = Some(keys);
        self
    }

    /// Sets what kind of token is issued. Default: [`Profile::AccessToken`], with `typ` `at+jwt` and a `client_id`.
    ///
    /// [`Profile::Plain`] writes `typ` `JWT`, and both it and [`Profile::Custom`] do without a client.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Sets the claim with the tenant of the principal. Default: `tenant`. A verifier reads it after
    /// [`tenant_claim`](crate::token::JwtVerifierBuilder::tenant_claim).
    ///
    /// Accepted: `tid`. Refused: `""`, and claims with a meaning of their own such as `sub`.
    pub fn tenant_claim(mut self, name: impl Into<String>) -> Self {
        self.tenant_claim = name.into();
        self
    }

    /// Sets how long a token lives. Default: 15 minutes, at most an hour: a resource server that asks no revocation store takes a token
    /// until its end. A whole number of seconds counts.
    pub fn access_ttl(mut self, ttl: Duration) -> Self {
        self.access_ttl = ttl;
        self
    }

    /// Sets for how long verifiers may keep the set of keys. Default: 5 minutes; a minute at least, a day at most.
    ///
    /// So long before it is signed with, a new key is published: see [`TokenIssuer::rotate`].
    pub fn jwks_max_age(mut self, age: Duration) -> Self {
        self.jwks_max_age = age;
        self
    }

    /// Sets the clock. Default: [`SystemClock`].
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Makes the issuer.
    ///
    /// # Errors
    ///
    /// Every [`IssuerConfigError`] at once.
    pub fn build(self) -> Result<TokenIssuer, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        if !is_name(&self.issuer) || (is_plain_http(&self.issuer) && !self.allows_http) {
            let value = self.issuer.clone();
            mistakes.push("issuer.issuer", IssuerConfigError::IssuerInvalid { value });
        }
        check_audiences(&mut mistakes, &self.audiences);
        if let Profile::Custom { typ } = &self.profile
            && !self.profile.is_sound()
        {
            let value = typ.clone();
            mistakes.push("issuer.profile", IssuerConfigError::TypRefused { value });
        }
        if self.tenant_claim.is_empty() || is_reserved(&self.tenant_claim) {
            let value = self.tenant_claim.clone();
            mistakes.push(
                "issuer.tenant_claim",
                IssuerConfigError::ClaimInvalid { value },
            );
        }
        check_ttl(&mut mistakes, self.access_ttl);
        check_max_age(&mut mistakes, self.jwks_max_age);

        let settings = Settings {
            beginning: beginning(&self.issuer, &self.audiences).into(),
            realm: realm(&self.issuer, self.audiences),
            is_http_issuer: self.allows_http,
            profile: self.profile,
            tenant_claim: self.tenant_claim.into(),
            access_ttl: self.access_ttl,
            jwks_max_age: self.jwks_max_age,
            clock: self.clock,
        };
        let no_keys = || ConfigError::new("issuer.signing", IssuerConfigError::NoKeys);
        let keys = match self.signing {
            Some(ring) => Keys::new(ring, &settings, 0),
            None => Err(no_keys().into()),
        };
        let keys = mistakes.take(keys);
        mistakes.finish(())?;
        let keys = keys.ok_or_else(no_keys)?;
        Ok(TokenIssuer::new(settings, keys))
    }
}

fn check_audiences(mistakes: &mut Mistakes, audiences: &[String]) {
    let invalid = |value: &str| IssuerConfigError::AudienceInvalid {
        value: value.to_owned(),
    };
    if audiences.is_empty() {
        mistakes.push("issuer.audience", invalid(""));
    }
    for (index, audience) in audiences.iter().enumerate() {
        if !is_name(audience) {
            mistakes.push(format!("issuer.audience[{index}]"), invalid(audience));
        }
    }
}

fn check_ttl(mistakes: &mut Mistakes, ttl: Duration) {
    if !(SECOND..=HOUR).contains(&ttl) {
        let kind = IssuerConfigError::TtlRefused {
            setting: "access_ttl",
            value: ttl,
            instead: "1 s to an hour, such as 15 minutes, and let clients refresh",
        };
        mistakes.push("issuer.access_ttl", kind);
    }
}

fn check_max_age(mistakes: &mut Mistakes, age: Duration) {
    if !(MINUTE..=DAY).contains(&age) {
        let kind = IssuerConfigError::TtlRefused {
            setting: "jwks_max_age",
            value: age,
            instead: "one minute to a day, such as 5 minutes",
        };
        mistakes.push("issuer.jwks_max_age", kind);
    }
}

fn beginning(issuer: &str, audiences: &[String]) -> Vec<u8> {
    let mut json = br#"{"iss":"#.to_vec();
    text(&mut json, issuer);
    json.extend_from_slice(br#","aud":"#);
    match audiences {
        // RFC 7519 section 4.1.3: one audience may be a text instead of a list.
        [audience] => text(&mut json, audience),
        audiences => list(&mut json, audiences.iter().map(String::as_str)),
    }
    json
}

fn realm(issuer: &str, mut audiences: Vec<String>) -> [u8; 32] {
    audiences.sort_unstable();
    audiences.dedup();
    Sha256::digest(beginning(issuer, &audiences)).into()
}

impl fmt::Debug for TokenIssuerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenIssuerBuilder")
            .field("issuer", &self.issuer)
            .field("audiences", &self.audiences)
            .field("signing", &self.signing)
            .field("profile", &self.profile)
            .field("access_ttl", &self.access_ttl)
            .finish_non_exhaustive()
    }
}
