//! The builder.

use std::fmt;

use http::HeaderName;
#[cfg(feature = "opaque-tokens")]
use http::header::AUTHORIZATION;
use thiserror::Error;

#[cfg(feature = "opaque-tokens")]
use super::api_key::{ApiKeyAuth, ApiKeyWay};
use super::authenticator::Authenticator;
#[cfg(feature = "_jwt")]
use super::bearer::BearerAuth;
use super::check::Way;
use super::events::Teller;
use super::layer::{AuthLayer, Core, Vary};
#[cfg(feature = "opaque-tokens")]
use super::session::SessionAuth;
use crate::core::{
    AuthMethod, ChallengeScheme, Challenges, ChallengesBuilder, Clock, ConfigErrorKind,
    ConfigErrors, ErrorClass, EventSink, Events, Mistakes,
};
#[cfg(feature = "_jwt")]
use crate::token::JwtVerifiers;

/// Builds an [`AuthLayer`]. Made by [`AuthLayer::builder`].
///
/// # Example
///
/// ```
/// use tower_security::auth::AuthLayer;
///
/// let errors = AuthLayer::builder().realm("a \"b\"").build().unwrap_err();
/// let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
/// assert_eq!(codes, ["no_authenticator", "challenge_invalid"]);
/// ```
#[must_use = "a builder does nothing until `build` is called"]
pub struct AuthBuilder {
    ways: Vec<Configured>,
    is_optional: bool,
    challenges: ChallengesBuilder,
    events: Events,
}

/// One way to authenticate, and what the layer has to know of it.
struct Configured {
    way: Credential,
    method: Option<AuthMethod>,
    schemes: Vec<ChallengeScheme>,
    headers: Vec<HeaderName>,
    dangerous: Vec<(&'static str, bool)>,
    session_cookie: Option<Box<str>>,
    /// How a bearer token begins that is an API key.
    #[cfg_attr(
        not(feature = "_jwt"),
        expect(dead_code, reason = "without tokens nobody else takes it")
    )]
    bearer_prefix: Option<Box<str>>,
}

enum Credential {
    #[cfg(feature = "opaque-tokens")]
    ApiKey(ApiKeyAuth),
    #[cfg(feature = "_jwt")]
    Bearer(BearerAuth),
    Other(Box<dyn Authenticator>),
}

impl Configured {
    fn of(method: Option<AuthMethod>, authenticator: impl Authenticator) -> Self {
        Self {
            method,
            schemes: vec![authenticator.scheme()],
            headers: authenticator.headers(),
            dangerous: Vec::new(),
            session_cookie: None,
            bearer_prefix: None,
            way: Credential::Other(Box::new(authenticator)),
        }
    }

    #[cfg(feature = "opaque-tokens")]
    fn reads_authorization(&self) -> bool {
        self.headers.contains(&AUTHORIZATION)
    }
}

impl Default for AuthBuilder {
    fn default() -> Self {
        Self {
            ways: Vec::new(),
            is_optional: false,
            challenges: Challenges::builder(),
            events: Events::default(),
        }
    }
}

impl AuthBuilder {
    /// Accepts JSON Web Tokens in `Authorization`: those of one issuer, by a [`JwtVerifier`](crate::token::JwtVerifier), or of
    /// several.
    ///
    /// The scheme is `Bearer` (RFC 6750), and `DPoP` (RFC 9449) with a verifier that takes proofs. Tokens in the query or in a form
    /// are never read.
    #[cfg(feature = "_jwt")]
    pub fn bearer(mut self, verifiers: impl Into<JwtVerifiers>) -> Self {
        let bearer = BearerAuth::new(verifiers.into());
        self.ways.push(Configured {
            method: Some(AuthMethod::Bearer),
            schemes: bearer.schemes(),
            headers: bearer.headers(),
            dangerous: bearer.dangerous(),
            session_cookie: None,
            bearer_prefix: None,
            way: Credential::Bearer(bearer),
        });
        self
    }

    /// Accepts API keys in a header of their own, and as bearer tokens if they say so.
    #[cfg(feature = "opaque-tokens")]
    pub fn api_key(mut self, keys: ApiKeyAuth) -> Self {
        self.ways.push(Configured {
            method: Some(AuthMethod::ApiKey),
            schemes: vec![keys.scheme()],
            headers: keys.headers(),
            dangerous: Vec::new(),
            session_cookie: None,
            bearer_prefix: keys.bearer_prefix().map(Into::into),
            way: Credential::ApiKey(keys),
        });
        self
    }

    /// Accepts sessions in a cookie.
    #[cfg(feature = "opaque-tokens")]
    pub fn session(mut self, sessions: SessionAuth) -> Self {
        self.ways.push(Configured {
            dangerous: sessions.dangerous().to_vec(),
            session_cookie: Some(sessions.cookie_name().into()),
            ..Configured::of(Some(AuthMethod::Session), sessions)
        });
        self
    }

    /// Accepts a credential in a way of your own. Repeatable.
    pub fn authenticator(mut self, authenticator: impl Authenticator) -> Self {
        self.ways.push(Configured::of(None, authenticator));
        self
    }

    /// Lets requests without any credential pass as anonymous ones. Default: they are refused with 401, so that a route that nobody
    /// thought of is closed (ASVS 5.0, 8.2).
    ///
    /// A credential that is there and is wrong is refused all the same, and so is an `Authorization` of a scheme that nobody serves.
    pub const fn optional(mut self) -> Self {
        self.is_optional = true;
        self
    }

    /// Sets the realm of the challenges. Default: `api`, since RFC 6750 section 3 wants at least one parameter.
    ///
    /// Accepted: `orders`, `Orders of example.com`. Refused: quotes, backslashes, controls, letters beyond ASCII.
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.challenges = self.challenges.realm(realm);
        self
    }

    /// Sets the URL of the resource's metadata (RFC 9728), by which clients find the authorization server: the last parameter of
    /// the lines `Bearer` and `DPoP`. Default: none.
    pub fn resource_metadata(mut self, url: impl Into<String>) -> Self {
        self.challenges = self.challenges.resource_metadata(url);
        self
    }

    /// Sets where events go. Default: the stack's sink, else `tracing`.
    pub fn events(mut self, sink: impl EventSink) -> Self {
        self.events = self.events.with_sink(sink);
        self
    }

    /// Sets the clock of events. Default: the stack's, else that of the system. When tokens, keys and sessions expire is told by
    /// their own clocks.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.events = self.events.with_clock(clock);
        self
    }

    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// Fails with every mistake at once: [`AuthConfigError`], or [`ChallengeConfigError`](crate::core::ChallengeConfigError).
    pub fn build(self) -> Result<AuthLayer, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        check_ways(&mut mistakes, &self.ways);
        let schemes = self.ways.iter().flat_map(|configured| &configured.schemes);
        let challenges = schemes
            .cloned()
            .fold(self.challenges, ChallengesBuilder::add_scheme);
        let challenges = mistakes.take(challenges.build_at("auth"));
        let challenges = mistakes.finish(challenges)?.unwrap_or_default();

        #[cfg(feature = "_jwt")]
        let keys: Vec<Box<str>> = self
            .ways
            .iter()
            .filter_map(|configured| configured.bearer_prefix.clone())
            .collect();
        #[cfg(feature = "opaque-tokens")]
        let is_shared = self
            .ways
            .iter()
            .filter(|way| way.reads_authorization())
            .count()
            > 1;
        let mut headers = Vec::new();
        let mut dangerous = Vec::new();
        let mut session_cookies = Vec::new();
        let mut ways = Vec::new();
        for configured in self.ways {
            headers.extend(configured.headers);
            dangerous.extend(configured.dangerous);
            session_cookies.extend(configured.session_cookie);
            ways.push(Way {
                authenticator: match configured.way {
                    #[cfg(feature = "opaque-tokens")]
                    Credential::ApiKey(keys) => Box::new(ApiKeyWay::new(keys, is_shared)),
                    #[cfg(feature = "_jwt")]
                    Credential::Bearer(bearer) => Box::new(bearer.without_keys(keys.clone())),
                    Credential::Other(authenticator) => authenticator,
                },
                method: configured.method,
            });
        }
        Ok(AuthLayer::of(Core {
            ways: ways.into(),
            is_optional: self.is_optional,
            challenges,
            vary: Vary::new(headers, self.is_optional),
            teller: Teller::new(self.events),
            dangerous: dangerous.into(),
            session_cookies: session_cookies.into(),
        }))
    }
}

fn check_ways(mistakes: &mut Mistakes, ways: &[Configured]) {
    if ways.is_empty() {
        mistakes.push("auth", AuthConfigError::NoAuthenticator);
    }
    for (index, configured) in ways.iter().enumerate() {
        let Some(method) = configured.method else {
            continue;
        };
        if ways
            .iter()
            .take(index)
            .any(|before| before.method == Some(method))
        {
            mistakes.push(
                format!("auth.{method}"),
                AuthConfigError::Duplicate { method },
            );
        }
    }
}

/// What to write where somebody had two in mind.
const fn instead_of_two(method: AuthMethod) -> &'static str {
    match method {
        AuthMethod::Bearer => "; the tokens of several issuers go to one `JwtVerifiers`",
        _ => "",
    }
}

/// A mistake in the configuration of an [`AuthLayer`].
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthConfigError {
    /// One kind of credential has two authenticators: which of them would decide?
    #[error(
        "invalid second {method:?}: write `.{method}(..)` once{}", instead_of_two(*method)
    )]
    Duplicate {
        /// The kind.
        method: AuthMethod,
    },
    /// Nobody could authenticate.
    #[error(
        "invalid layer without an authenticator: write `.bearer(..)`, `.api_key(..)`, `.session(..)` or `.authenticator(..)`"
    )]
    NoAuthenticator,
}

impl ConfigErrorKind for AuthConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Duplicate { .. } | Self::NoAuthenticator => ErrorClass::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Duplicate { .. } => "duplicate",
            Self::NoAuthenticator => "no_authenticator",
        }
    }
}

impl fmt::Debug for AuthBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let methods: Vec<_> = self.ways.iter().map(|way| way.method).collect();
        f.debug_struct("AuthBuilder")
            .field("methods", &methods)
            .field("is_optional", &self.is_optional)
            .field("challenges", &self.challenges)
            .finish_non_exhaustive()
    }
}
