use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::JwtVerifier;
use super::compile::compile;
use crate::core::{Clock, ConfigErrors, SystemClock, collected};
use crate::token::jws::{Algorithm, Jwk, JwkSet};
use crate::token::{DpopPolicy, KeySource, Profile, RevocationStore, TokenCache};

/// What [`JwtVerifierBuilder::keys`] takes: every [`KeySource`], and a single [`Jwk`].
pub struct VerifyingKeys(Arc<dyn KeySource>);

impl<S: KeySource> From<S> for VerifyingKeys {
    fn from(source: S) -> Self {
        Self(Arc::new(source))
    }
}

impl From<Jwk> for VerifyingKeys {
    fn from(key: Jwk) -> Self {
        Self(Arc::new(JwkSet::from_keys([key])))
    }
}

impl fmt::Debug for VerifyingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKeys").finish_non_exhaustive()
    }
}

/// Builds a [`JwtVerifier`]. Made by [`JwtVerifier::builder`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct JwtVerifierBuilder {
    pub(super) issuer: String,
    pub(super) dangerous_http_issuer: bool,
    pub(super) audiences: Vec<String>,
    pub(super) keys: Arc<dyn KeySource>,
    pub(super) algorithms: Option<Vec<Algorithm>>,
    pub(super) profile: Profile,
    pub(super) leeway: Duration,
    pub(super) max_token_age: Option<Duration>,
    pub(super) required: Vec<String>,
    pub(super) scope_claim: Option<String>,
    pub(super) roles_claim: String,
    pub(super) tenant_claim: Option<String>,
    pub(super) dpop: Option<DpopPolicy>,
    pub(super) revocation: Option<Arc<dyn RevocationStore>>,
    pub(super) dangerous_accept_when_revocation_fails: bool,
    pub(super) token_cache: Option<TokenCache>,
    pub(super) clock: Arc<dyn Clock>,
}

impl JwtVerifierBuilder {
    pub(super) fn new() -> Self {
        const LEEWAY: Duration = Duration::from_secs(30);
        Self {
            issuer: String::new(),
            dangerous_http_issuer: false,
            audiences: Vec::new(),
            // A set without a usable key is refused, as is none at all.
            keys: Arc::new(JwkSet::from_keys([])),
            algorithms: None,
            profile: Profile::default(),
            leeway: LEEWAY,
            max_token_age: None,
            required: Vec::new(),
            scope_claim: None,
            roles_claim: "/roles".to_owned(),
            tenant_claim: None,
            dpop: None,
            revocation: None,
            dangerous_accept_when_revocation_fails: false,
            token_cache: None,
            clock: Arc::new(SystemClock),
        }
    }

    /// Sets whose tokens are accepted. Must be given.
    ///
    /// Compared letter by letter with `iss`: `https://id.example.com` and `https://id.example.com/` are two issuers. Accepted:
    /// `https://id.example.com/`, `accounts.example.com`. Refused: `""`, `*`, `http://id.example.com` (whoever sits in the network can
    /// give out keys in its name).
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = issuer.into();
        self.dangerous_http_issuer = false;
        self
    }

    /// Sets an issuer that is reached without TLS, instead of [`issuer`](Self::issuer).
    ///
    /// For one on the same machine. In a network, whoever sits between can replace its keys and sign whatever tokens he likes.
    pub fn dangerous_http_issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = issuer.into();
        self.dangerous_http_issuer = true;
        self
    }

    /// Adds a name by which the issuer knows this service; one at least must be given. One of the token's audiences has to be one of
    /// these, letter by letter: a token for another service is refused (RFC 8725 section 3.9).
    ///
    /// Accepted: `https://api.example.com`, `orders`. Refused: `""`, `*`.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Sets the keys: a [`Jwk`], a [`JwkSet`], or a [source](KeySource) that changes them. Must be given.
    ///
    /// Refused when built: a fixed set without a usable key; several secrets without an id; secrets beside public keys.
    pub fn keys(mut self, keys: impl Into<VerifyingKeys>) -> Self {
        self.keys = keys.into().0;
        self
    }

    /// Sets the algorithms that are accepted. Default: those that fit the keys of a fixed set; of a source that changes its keys, all
    /// but HMAC.
    ///
    /// Whatever stands here, a key is used with the algorithms it was loaded for and no other one.
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        // There are twelve.
        const MOST: usize = 64;
        self.algorithms = Some(algorithms.into_iter().take(MOST).collect());
        self
    }

    /// Sets what kind of token is accepted. Default: [`Profile::AccessToken`].
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Sets by how much the issuer's clock and this one may differ, at most 300 s. Default: 30 s: more is long against a token of 15
    /// minutes.
    ///
    /// Whole seconds count. A token is expired at `exp` plus this.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Sets how old a token may be by its `iat`, which has to be there then. Default: as old as its `exp` allows.
    pub fn max_token_age(mut self, age: Duration) -> Self {
        self.max_token_age = Some(age);
        self
    }

    /// Adds claims that have to be there besides those of the profile, such as `["jti", "sid"]`, at most 32. `null` is not there.
    pub fn require(mut self, claims: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.required.extend(collected(claims));
        self
    }

    /// Sets the claim with the scopes: one text with blanks between them, or a list. Default: `scope`, or where that is missing, `scp`.
    pub fn scope_claim(mut self, name: impl Into<String>) -> Self {
        self.scope_claim = Some(name.into());
        self
    }

    /// Sets where the list of roles stands: a name, or a JSON pointer (RFC 6901) such as `/realm_access/roles`. Default: `/roles`
    /// (RFC 9068 section 2.2.3.1). Each object on the way has at most 256 members.
    pub fn roles_claim(mut self, path: impl Into<String>) -> Self {
        self.roles_claim = path.into();
        self
    }

    /// Sets where the tenant stands: a name such as `tid`, or a JSON pointer. Default: nowhere, and principals have no tenant.
    pub fn tenant_claim(mut self, path: impl Into<String>) -> Self {
        self.tenant_claim = Some(path.into());
        self
    }

    /// Accepts tokens that are bound to a key, with a proof of its possession (RFC 9449). Default: they are refused.
    pub fn dpop(mut self, policy: DpopPolicy) -> Self {
        self.dpop = Some(policy);
        self
    }

    /// Sets who knows which tokens were revoked. Default: nobody, and a token counts until it expires.
    ///
    /// A store that cannot answer makes a 503.
    pub fn revocation(mut self, store: impl RevocationStore) -> Self {
        self.revocation = Some(Arc::new(store));
        self
    }

    /// Accepts tokens while the revocation store cannot answer.
    ///
    /// Whoever holds a revoked token and can keep the store from answering is let in again.
    pub fn dangerous_accept_when_revocation_fails(mut self) -> Self {
        self.dangerous_accept_when_revocation_fails = true;
        self
    }

    /// Remembers verified tokens for up to a minute. Default: off.
    pub fn token_cache(mut self, cache: TokenCache) -> Self {
        self.token_cache = Some(cache);
        self
    }

    /// Sets the clock. Default: [`SystemClock`].
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Makes the verifier.
    ///
    /// # Errors
    ///
    /// Every [`JwtConfigError`](super::JwtConfigError) at once.
    pub fn build(self) -> Result<JwtVerifier, ConfigErrors> {
        compile(self)
    }
}

impl fmt::Debug for JwtVerifierBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtVerifierBuilder")
            .field("issuer", &self.issuer)
            .field("audiences", &self.audiences)
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}
