//! JSON Web Tokens of `[auth]`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{SecretRef, StackConfigError};
use crate::core::Mistakes;
use crate::token::jws::{Algorithm, Jwk, JwkSet};
use crate::token::{JwtVerifier, JwtVerifiers, Profile};

/// One issuer whose tokens are accepted. The fields are the setters of [`JwtVerifier::builder`], as far as they are data.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct BearerConfig {
    /// Whose tokens, letter by letter.
    pub issuer: String,
    /// Names by which the issuer knows this service: one of them has to be in the token.
    pub audience: Vec<String>,
    /// The keys.
    #[serde(deserialize_with = "super::secret::keys")]
    pub keys: KeysConfig,
    /// Which algorithms are accepted, such as `ES256`. Default: those that fit the keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithms: Option<Vec<String>>,
    /// What kind of token: `"access_token"`, `"plain"` or `{ custom = "example-job+jwt" }`. Default: `access_token`.
    #[serde(default)]
    pub profile: ProfileConfig,
    /// By how much clocks may differ, in seconds. Default: 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leeway_secs: Option<u64>,
    /// How old a token may be, in seconds. Default: as old as it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_token_age_secs: Option<u64>,
    /// Claims that have to be there besides those of the profile. Default: none.
    #[serde(default)]
    pub require: Vec<String>,
    /// The claim with the scopes. Default: `scope`, else `scp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope_claim: Option<String>,
    /// Where the roles stand. Default: `/roles`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles_claim: Option<String>,
    /// Where the tenant stands. Default: nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_claim: Option<String>,
}

/// Keys by reference: `{ jwks = { file = "keys.json" } }`, `{ hmac = { env = "JWT_KEY" } }`, or
/// `{ pem = { file = "id.pem" }, algorithm = "ES256" }`. Exactly one of the three.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct KeysConfig {
    /// A key set in JSON, of which every key has to be good: [`JwkSet::strict`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<SecretRef>,
    /// A secret that both sides have: [`Jwk::hmac`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hmac: Option<SecretRef>,
    /// A public key: [`Jwk::from_pem`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pem: Option<SecretRef>,
    /// The algorithm of `hmac`, by default `HS256`, and of `pem`, which has to be written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// The id of the key of `hmac` or `pem`. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
}

/// What kind of token is accepted. See [`Profile`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProfileConfig {
    /// [`Profile::AccessToken`]. The default.
    #[default]
    AccessToken,
    /// [`Profile::Custom`].
    Custom(String),
    /// [`Profile::Plain`].
    Plain,
}

/// One verifier for each, or what is wrong with any.
pub(super) fn verifiers(configs: &[BearerConfig], mistakes: &mut Mistakes) -> Option<JwtVerifiers> {
    let verifiers: Vec<_> = configs
        .iter()
        .enumerate()
        .map(|(index, config)| config.compile(&format!("auth.bearer[{index}]"), mistakes))
        .collect();
    let verifiers = verifiers.into_iter().collect::<Option<Vec<_>>>()?;
    mistakes.take_moved(
        JwtVerifiers::new(verifiers),
        ("token.verifiers", "auth.bearer"),
    )
}

fn algorithm(name: &str, path: &str, mistakes: &mut Mistakes) -> Option<Algorithm> {
    let algorithm = Algorithm::from_name(name);
    if algorithm.is_none() {
        let mistake = StackConfigError::InvalidName {
            what: "algorithm",
            value: name.to_owned(),
            instead: "ES256",
        };
        mistakes.push(path, mistake);
    }
    algorithm
}

impl BearerConfig {
    /// Accepts the tokens of one issuer.
    #[must_use]
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>, keys: KeysConfig) -> Self {
        Self {
            issuer: issuer.into(),
            audience: vec![audience.into()],
            keys,
            algorithms: None,
            profile: ProfileConfig::default(),
            leeway_secs: None,
            max_token_age_secs: None,
            require: Vec::new(),
            scope_claim: None,
            roles_claim: None,
            tenant_claim: None,
        }
    }

    fn compile(&self, path: &str, mistakes: &mut Mistakes) -> Option<JwtVerifier> {
        let keys = self.keys.compile(&format!("{path}.keys"), mistakes);
        let mut builder = JwtVerifier::builder().issuer(&self.issuer);
        for audience in &self.audience {
            builder = builder.audience(audience);
        }
        if let Some(names) = &self.algorithms {
            let path = format!("{path}.algorithms");
            let names_given = names.len();
            let names = names.iter().enumerate();
            let known: Vec<_> = names
                .filter_map(|(index, name)| algorithm(name, &format!("{path}[{index}]"), mistakes))
                .collect();
            if known.len() == names_given {
                builder = builder.algorithms(known);
            }
        }
        builder = builder.profile(match &self.profile {
            ProfileConfig::AccessToken => Profile::AccessToken,
            ProfileConfig::Custom(typ) => Profile::custom(typ),
            ProfileConfig::Plain => Profile::Plain,
        });
        if let Some(seconds) = self.leeway_secs {
            builder = builder.leeway(Duration::from_secs(seconds));
        }
        if let Some(seconds) = self.max_token_age_secs {
            builder = builder.max_token_age(Duration::from_secs(seconds));
        }
        builder = builder.require(&self.require);
        if let Some(name) = &self.scope_claim {
            builder = builder.scope_claim(name);
        }
        if let Some(name) = &self.roles_claim {
            builder = builder.roles_claim(name);
        }
        if let Some(name) = &self.tenant_claim {
            builder = builder.tenant_claim(name);
        }
        let Some(keys) = keys else {
            // It has no keys because of mistakes that were told.
            let others = builder.build().err().into_iter().flatten();
            for error in others.filter(|error| error.path() != "token.keys") {
                let _ = mistakes.take_moved(Err::<(), _>(error.into()), ("token", path));
            }
            return None;
        };
        mistakes.take_moved(builder.keys(keys).build(), ("token", path))
    }
}

impl KeysConfig {
    fn compile(&self, path: &str, mistakes: &mut Mistakes) -> Option<JwkSet> {
        let (name, place) = match (&self.jwks, &self.hmac, &self.pem) {
            (Some(place), None, None) => ("jwks", place),
            (None, Some(place), None) => ("hmac", place),
            (None, None, Some(place)) => ("pem", place),
            _ => {
                let choices = "`jwks`, `hmac` and `pem`";
                mistakes.push(path, StackConfigError::InvalidChoice { choices });
                return None;
            }
        };
        if name == "jwks" && (self.algorithm.is_some() || self.kid.is_some()) {
            // A set says both of each of its keys: what stands beside it would restrict nothing.
            let choices = "`jwks`, and `algorithm` or `kid`";
            mistakes.push(path, StackConfigError::InvalidChoice { choices });
            return None;
        }
        let at = format!("{path}.{name}");
        let secret = place.read(&at, mistakes);
        let wanted = match (name, self.algorithm.as_deref()) {
            ("jwks", _) => None,
            ("hmac", None) => Some(Algorithm::Hs256),
            (_, named) => {
                // A PEM says nothing of an algorithm: the empty name is none.
                let named = named.unwrap_or_default();
                Some(algorithm(named, &format!("{path}.algorithm"), mistakes)?)
            }
        };
        let secret = secret?;
        let keys = match (name, wanted) {
            ("hmac", Some(algorithm)) => {
                Jwk::hmac(secret, algorithm).and_then(|key| self.named(key))
            }
            (_, Some(algorithm)) => {
                Jwk::from_pem(secret.expose(), algorithm).and_then(|key| self.named(key))
            }
            (_, None) => {
                let set = JwkSet::strict(secret.expose());
                return set
                    .map_err(|error| mistakes.push(at, invalid(error.to_string())))
                    .ok();
            }
        };
        keys.map(|key| JwkSet::from_keys([key]))
            .map_err(|error| mistakes.push(at, invalid(error.to_string())))
            .ok()
    }

    fn named(&self, key: Jwk) -> Result<Jwk, crate::token::jws::JwkError> {
        match &self.kid {
            Some(kid) => key.with_kid(kid),
            None => Ok(key),
        }
    }
}

fn invalid(reason: String) -> StackConfigError {
    StackConfigError::InvalidKeys { reason }
}
