//! Who asks too often: `[rate_limit]`, `[rate_limit_by_principal]`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde::{Deserialize, Serialize};

use super::client::nets;
use super::{StackConfigError, StackParts};
use crate::core::{Mistakes, Mode};
use crate::rate_limit::key::{self, Key};
use crate::rate_limit::{
    CheckedLayer, Emit, HeaderStyle, IetfDraft, OnMissing, Outcome, Overflow, Policy, Quota,
    RateLimitLayer, Store,
};

/// `[rate_limit]`, `[rate_limit_by_principal]`: limits of requests. The fields are the setters of
/// [`RateLimitLayer::builder`]; where counters live is given by [`StackParts::store`](super::StackParts::store).
///
/// Counters survive a reload when a policy keeps its name and its key, also under another quota. Both sections count in one store: a name
/// that stands in both is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RateLimitConfig {
    /// The policies, 1 to 8.
    pub policies: Vec<PolicyConfig>,
    /// Ranges of clients without a limit. Default: none.
    pub exempt: Vec<String>,
    /// See [`HeaderStyle`]. Default: `ietf`.
    pub headers: HeaderStyleConfig,
    /// See [`Emit`]: `"on_refusal"`, `"always"` or `{ below = 20 }`. Default: `on_refusal`.
    pub emit: EmitConfig,
    /// See [`retry_jitter`](crate::rate_limit::RateLimiterBuilder::retry_jitter). Default: that of the builder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_jitter: Option<u8>,
    /// See [`expose_info`](crate::rate_limit::RateLimiterBuilder::expose_info). Default: that of the builder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expose_info: Option<bool>,
    /// The mode. Default: `enforce`.
    pub mode: Mode,
}

/// In which fields a client is told its limits. See [`HeaderStyle`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HeaderStyleConfig {
    /// [`HeaderStyle::Both`].
    Both,
    /// [`HeaderStyle::Ietf`]. The default.
    #[default]
    Ietf,
    /// [`HeaderStyle::LegacyX`].
    LegacyX,
    /// [`HeaderStyle::None`].
    None,
}

/// Which answers carry the fields. See [`Emit`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EmitConfig {
    /// [`Emit::Always`].
    Always,
    /// [`Emit::Below`], a percentage.
    Below(u8),
    /// [`Emit::OnRefusal`]. The default.
    #[default]
    OnRefusal,
}

/// One limit. The fields are the setters of [`Policy`], as far as they are data.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PolicyConfig {
    /// The name in response fields and events. Counters belong to it.
    pub name: String,
    /// How much.
    pub quota: QuotaConfig,
    /// For whom.
    pub key: KeyConfig,
    /// The methods that are limited. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub methods: Option<Vec<String>>,
    /// Units of a request. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<u32>,
    /// Which answers count. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count_when: Option<CountWhen>,
    /// The mode. Default: `enforce`.
    #[serde(default)]
    pub mode: Mode,
    /// For which share of the keys it is enforced. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enforce_percent: Option<u8>,
    /// What becomes of a request without a key. Default: `shared_bucket`.
    #[serde(default)]
    pub on_missing: OnMissing,
    /// What a full store does for a new key. Default: `evict`.
    #[serde(default)]
    pub overflow: Overflow,
    /// See [`Policy::dangerous_skip_missing`]. Default: `false`.
    #[serde(default)]
    pub dangerous_skip_missing: bool,
    /// See [`Policy::dangerous_allow_on_store_error`]. Default: `false`.
    #[serde(default)]
    pub dangerous_allow_on_store_error: bool,
}

/// How much: `{ limit = 100, period_secs = 60 }`, with `burst = 20` or `strict = true`. See [`Quota`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct QuotaConfig {
    /// Requests in each period.
    pub limit: u32,
    /// The period in seconds.
    pub period_secs: u64,
    /// How many a quiet key may make at once. Default: the limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
    /// See [`Quota::strict`]. Default: `false`.
    #[serde(default)]
    pub strict: bool,
}

impl QuotaConfig {
    const fn compile(self) -> Quota {
        let period = Duration::from_secs(self.period_secs);
        let quota = match self.strict {
            true => Quota::strict(self.limit, period),
            false => Quota::new(self.limit, period),
        };
        match self.burst {
            Some(burst) => quota.burst(burst),
            None => quota,
        }
    }
}

/// Which answers count. See [`Policy::count_when`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CountWhen {
    /// [`Outcome::is_client_error`].
    ClientError,
    /// [`Outcome::is_denial`].
    Denial,
    /// [`Outcome::is_failure`].
    Failure,
}

/// Whom a policy counts: the name of a function of [`key`], as in `"client_ip"`, `{ client_prefix = [24, 56] }` or
/// `{ all = ["client_ip", "route"] }`; `{ custom = "tenant" }` is what [`StackParts::key`](super::StackParts::key) has named so.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KeyConfig {
    /// [`key::all`].
    All(Vec<Self>),
    /// [`key::client_ip`]; `ip` is the same.
    #[serde(alias = "ip")]
    ClientIp,
    /// [`key::client_prefix`].
    ClientPrefix(u8, u8),
    /// A key of [`StackParts::key`](super::StackParts::key).
    Custom(String),
    /// [`key::dangerous_full_v6`].
    DangerousFullV6,
    /// [`key::dangerous_header`].
    DangerousHeader(String),
    /// [`key::global`].
    Global,
    /// [`key::principal`].
    Principal,
    /// [`key::principal_only`].
    PrincipalOnly,
    /// [`key::route`].
    Route,
}

impl KeyConfig {
    fn compile(
        &self,
        keys: &BTreeMap<String, Key>,
        path: &str,
        mistakes: &mut Mistakes,
    ) -> Option<Key> {
        Some(match self {
            Self::All(parts) => {
                let parts = parts.iter().enumerate().map(|(index, part)| {
                    part.compile(keys, &format!("{path}.all[{index}]"), mistakes)
                });
                // Pairs in pairs, since a list of any length is no key of code.
                let parts = parts.collect::<Option<Vec<_>>>()?;
                let joined = parts
                    .into_iter()
                    .reduce(|left, right| key::all((left, right)));
                if joined.is_none() {
                    let choices = "two keys or more";
                    mistakes.push(path, StackConfigError::InvalidChoice { choices });
                }
                joined?
            }
            Self::ClientIp => key::client_ip(),
            Self::ClientPrefix(v4, v6) => key::client_prefix(*v4, *v6),
            Self::Custom(name) => match keys.get(name) {
                Some(key) => key.clone(),
                None => {
                    let mistake = StackConfigError::InvalidName {
                        what: "key of `StackParts::key`",
                        value: name.clone(),
                        instead: "client_ip",
                    };
                    mistakes.push(path, mistake);
                    return None;
                }
            },
            Self::DangerousFullV6 => key::dangerous_full_v6(),
            Self::DangerousHeader(name) => key::dangerous_header(name),
            Self::Global => key::global(),
            Self::Principal => key::principal(),
            Self::PrincipalOnly => key::principal_only(),
            Self::Route => key::route(),
        })
    }
}

impl PolicyConfig {
    /// Limits `key` by `quota`.
    #[must_use]
    pub fn new(name: impl Into<String>, quota: QuotaConfig, key: KeyConfig) -> Self {
        Self {
            name: name.into(),
            quota,
            key,
            methods: None,
            cost: None,
            count_when: None,
            mode: Mode::Enforce,
            enforce_percent: None,
            on_missing: OnMissing::SharedBucket,
            overflow: Overflow::Evict,
            dangerous_skip_missing: false,
            dangerous_allow_on_store_error: false,
        }
    }

    fn compile(&self, keys: &BTreeMap<String, Key>, path: &str, mistakes: &mut Mistakes) -> Policy {
        let key = self.key.compile(keys, &format!("{path}.key"), mistakes);
        let methods = self.methods.as_ref().map(|names| {
            let names = names.iter().enumerate();
            names
                .filter_map(|(index, name)| {
                    method(name, &format!("{path}.methods[{index}]"), mistakes)
                })
                .collect::<Vec<_>>()
        });
        let mut policy = Policy::new(self.name.clone(), self.quota.compile())
            .mode(self.mode)
            .on_missing(self.on_missing)
            .overflow(self.overflow);
        // A wrong key was told: another mistake of the same policy is told beside it.
        policy = policy.key(key.unwrap_or_else(key::client_ip));
        if let Some(methods) = methods {
            policy = policy.methods(methods);
        }
        if let Some(cost) = self.cost {
            policy = policy.cost(cost);
        }
        if let Some(percent) = self.enforce_percent {
            policy = policy.enforce_percent(percent);
        }
        policy = match self.count_when {
            None => policy,
            Some(CountWhen::ClientError) => policy.count_when(Outcome::is_client_error),
            Some(CountWhen::Denial) => policy.count_when(Outcome::is_denial),
            Some(CountWhen::Failure) => policy.count_when(Outcome::is_failure),
        };
        if self.dangerous_skip_missing {
            policy = policy.dangerous_skip_missing();
        }
        if self.dangerous_allow_on_store_error {
            policy = policy.dangerous_allow_on_store_error();
        }
        policy
    }
}

/// A method as it is written in a request, or a mistake.
pub(super) fn method(name: &str, path: &str, mistakes: &mut Mistakes) -> Option<Method> {
    // Methods are compared byte by byte: a rule for `post` would never hold.
    let is_upper = !name.bytes().any(|byte| byte.is_ascii_lowercase());
    let method = Method::from_bytes(name.as_bytes()).ok();
    let method = method.filter(|_| is_upper);
    if method.is_none() {
        let mistake = StackConfigError::InvalidName {
            what: "method",
            value: name.to_owned(),
            instead: "GET",
        };
        mistakes.push(path, mistake);
    }
    method
}

impl RateLimitConfig {
    pub(super) fn compile<St: Store + Clone>(
        &self,
        parts: &StackParts<St>,
        path: &str,
        mistakes: &mut Mistakes,
    ) -> Option<CheckedLayer<St>> {
        let keys = &parts.keys;
        let mut builder = RateLimitLayer::builder()
            .store(parts.store.clone())
            .mode(self.mode);
        if let Some(clock) = &parts.clock {
            builder = builder.clock(Arc::clone(clock));
        }
        for (index, policy) in self.policies.iter().enumerate() {
            let path = format!("{path}.policies[{index}]");
            builder = builder.policy(policy.compile(keys, &path, mistakes));
        }
        let draft = IetfDraft::Draft10;
        let style = match self.headers {
            HeaderStyleConfig::Both => HeaderStyle::Both(draft),
            HeaderStyleConfig::Ietf => HeaderStyle::Ietf(draft),
            HeaderStyleConfig::LegacyX => HeaderStyle::LegacyX,
            HeaderStyleConfig::None => HeaderStyle::None,
        };
        let emit = match self.emit {
            EmitConfig::Always => Emit::Always,
            EmitConfig::Below(percent) => Emit::Below(percent),
            EmitConfig::OnRefusal => Emit::OnRefusal,
        };
        builder = builder.headers(style, emit).exempt(nets(
            &self.exempt,
            &format!("{path}.exempt"),
            mistakes,
        ));
        if let Some(percent) = self.retry_jitter {
            builder = builder.retry_jitter(percent);
        }
        if let Some(expose) = self.expose_info {
            builder = builder.expose_info(expose);
        }
        mistakes.take_moved(builder.checked(), ("rate_limit", path))
    }
}
