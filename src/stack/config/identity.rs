//! Who is asking, and what for: `[auth]`, `[require_authorization]`, `[access]`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::StackConfigError;
use super::limiting::method;
use crate::auth::AuthLayer;
use crate::authorize::{self, AccessTable, RequireAuthorization, Requirement, UndecidedErrors};
use crate::core::{Mistakes, Mode};

/// `[auth]`: JSON Web Tokens by issuer, audience and keys. Whoever authenticates in another way gives a layer by
/// [`StackParts::auth`](super::StackParts::auth) and writes no such section.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct AuthConfig {
    /// Whether requests without any credential pass as anonymous ones. Default: `false`.
    pub optional: bool,
    /// The realm of challenges. Default: `api`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub realm: Option<String>,
    /// The URL of the resource's metadata. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_metadata: Option<String>,
    /// One verifier for each issuer.
    #[cfg(feature = "_jwt")]
    pub bearer: Vec<super::BearerConfig>,
}

impl AuthConfig {
    pub(super) fn compile(&self, mistakes: &mut Mistakes) -> Option<AuthLayer> {
        let mut builder = AuthLayer::builder();
        if self.optional {
            builder = builder.optional();
        }
        if let Some(realm) = &self.realm {
            builder = builder.realm(realm);
        }
        if let Some(url) = &self.resource_metadata {
            builder = builder.resource_metadata(url);
        }
        #[cfg(feature = "_jwt")]
        if !self.bearer.is_empty() {
            match super::bearer::verifiers(&self.bearer, mistakes) {
                Some(verifiers) => builder = builder.bearer(verifiers),
                None => {
                    // It has no way to authenticate because of mistakes that were told.
                    let others = builder.build().err().into_iter().flatten();
                    let others = others.filter(|error| error.code() != "no_authenticator");
                    others.for_each(|error| mistakes.extend(error.into()));
                    return None;
                }
            }
        }
        mistakes.take(builder.build())
    }
}

/// `[require_authorization]`: the tripwire for handlers that decided nothing. See [`RequireAuthorization`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RequireAuthorizationConfig {
    /// The mode. Default: `enforce`.
    pub mode: Mode,
    /// What becomes of errors of a handler that nothing was decided for. Default: `strip`.
    pub undecided_errors: UndecidedErrors,
}

impl RequireAuthorizationConfig {
    pub(super) fn compile(&self) -> RequireAuthorization {
        RequireAuthorization::new()
            .with_mode(self.mode)
            .undecided_errors(self.undecided_errors)
    }
}

/// `[access]`: who may call what. See [`AccessTable`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct AccessConfig {
    /// The rules, the first that matches decides.
    pub rules: Vec<AccessRuleConfig>,
    /// What holds where no rule is. Default: nobody may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub any_request: Option<RequirementConfig>,
    /// Roles that include others.
    pub role_implies: BTreeMap<String, Vec<String>>,
    /// Whether 404 is answered where no rule is. Default: `false`.
    pub unmatched_as_not_found: bool,
    /// The mode. Default: `enforce`.
    pub mode: Mode,
}

/// One rule: `{ method = "DELETE", path = "/orders/{id}", require = { role = "admin" } }`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AccessRuleConfig {
    /// The method. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The pattern of the path.
    pub path: String,
    /// What it takes.
    pub require: RequirementConfig,
}

/// What it takes: the name of a function of [`authorize`], as in `"authenticated"`, `{ scope = "orders:read" }` or
/// `{ all_of = ["mfa", { any_role = ["admin", "support"] }] }`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RequirementConfig {
    /// [`authorize::acr`].
    Acr(String),
    /// All of them, by [`Requirement::and`]. At least one.
    AllOf(Vec<Self>),
    /// [`authorize::all_roles`].
    AllRoles(Vec<String>),
    /// [`authorize::all_scopes`].
    AllScopes(Vec<String>),
    /// [`authorize::any_acr`].
    AnyAcr(Vec<String>),
    /// One of them, by [`Requirement::or`]. At least one.
    AnyOf(Vec<Self>),
    /// [`authorize::any_role`].
    AnyRole(Vec<String>),
    /// [`authorize::any_scope`].
    AnyScope(Vec<String>),
    /// [`authorize::authenticated`].
    Authenticated,
    /// [`authorize::deny_all`].
    DenyAll,
    /// [`authorize::max_age`], in seconds.
    MaxAgeSecs(u64),
    /// [`authorize::mfa`].
    Mfa,
    /// [`authorize::public`].
    Public,
    /// [`authorize::role`].
    Role(String),
    /// [`authorize::same_subject`].
    SameSubject(String),
    /// [`authorize::scope`].
    Scope(String),
}

impl RequirementConfig {
    fn compile(&self, path: &str, mistakes: &mut Mistakes) -> Requirement {
        let mut joined = |list: &[Self], join: fn(Requirement, Requirement) -> Requirement| {
            let requirements = list.iter().map(|one| one.compile(path, mistakes));
            let requirements: Vec<_> = requirements.collect();
            let joined = requirements.into_iter().reduce(join);
            joined.unwrap_or_else(|| {
                let choices = "one requirement or more";
                mistakes.push(path, StackConfigError::InvalidChoice { choices });
                authorize::deny_all()
            })
        };
        match self {
            Self::Acr(value) => authorize::acr(value),
            Self::AllOf(list) => joined(list, Requirement::and),
            Self::AllRoles(roles) => authorize::all_roles(roles),
            Self::AllScopes(scopes) => authorize::all_scopes(scopes),
            Self::AnyAcr(values) => authorize::any_acr(values),
            Self::AnyOf(list) => joined(list, Requirement::or),
            Self::AnyRole(roles) => authorize::any_role(roles),
            Self::AnyScope(scopes) => authorize::any_scope(scopes),
            Self::Authenticated => authorize::authenticated(),
            Self::DenyAll => authorize::deny_all(),
            Self::MaxAgeSecs(seconds) => authorize::max_age(Duration::from_secs(*seconds)),
            Self::Mfa => authorize::mfa(),
            Self::Public => authorize::public(),
            Self::Role(role) => authorize::role(role),
            Self::SameSubject(param) => authorize::same_subject(param),
            Self::Scope(scope) => authorize::scope(scope),
        }
    }
}

impl AccessConfig {
    pub(super) fn compile(&self, mistakes: &mut Mistakes) -> Option<AccessTable> {
        let mut builder = AccessTable::builder().mode(self.mode);
        for (index, rule) in self.rules.iter().enumerate() {
            let path = format!("access.rules[{index}]");
            let require = rule.require.compile(&format!("{path}.require"), mistakes);
            builder = match &rule.method {
                None => builder.any_method(&rule.path, require),
                Some(name) => match method(name, &format!("{path}.method"), mistakes) {
                    Some(method) => builder.rule(method, &rule.path, require),
                    None => builder,
                },
            };
        }
        if let Some(require) = &self.any_request {
            let require = require.compile("access.any_request", mistakes);
            builder = builder.any_request(require);
        }
        for (role, included) in &self.role_implies {
            builder = builder.role_implies(role, included);
        }
        if self.unmatched_as_not_found {
            builder = builder.unmatched_as_not_found();
        }
        mistakes.take(builder.build())
    }
}
