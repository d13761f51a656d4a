//! The configuration as a whole.

use serde::{Deserialize, Serialize};

use super::{
    AccessConfig, AuthConfig, BansConfig, ClientIpConfig, CspConfig, ErrorMaskConfig,
    HeadersConfig, HttpsConfig, RateLimitConfig, RequireAuthorizationConfig, SchemeConfig, Stack,
    StackParts, live,
};
use crate::cookies::CookieConfig;
use crate::core::ConfigErrors;
use crate::cors::CorsConfig;
use crate::csrf::CsrfConfig;
use crate::rate_limit::Store;

/// A whole stack as data: one section for each slot, under its name. What is absent does nothing.
///
/// Reads and writes any format of `serde`. Unknown fields are errors.
///
/// # Example
///
/// ```
/// use tower_security::stack::config::{SecurityConfig, StackParts};
///
/// let config: SecurityConfig = toml::from_str(r#"
///     trust_cors_origins = true
///
///     [headers]
///     preset = "api"
///
///     [cors]
///     origins = ["https://app.example.com"]
///     credentials = true
///
///     [csrf]
///
///     [[rate_limit.policies]]
///     name = "client"
///     quota = { limit = 100, period_secs = 60 }
///     key = "client_ip"
/// "#)?;
/// let stack = config.build(StackParts::new())?;
/// assert_eq!(stack.posture().warnings(), ["https: absent", "limits: absent", "sanitize: absent"]);
///
/// let config: SecurityConfig = toml::from_str(r#"
///     [cors]
///     origins = ["https://app.example.com", "https://shop.example.com/"]
///
///     [[rate_limit.policies]]
///     name = "client"
///     quota = { limit = 0, period_secs = 60 }
///     key = "client_ip"
/// "#)?;
/// let errors = config.build(StackParts::new()).unwrap_err();
/// let paths: Vec<_> = errors.iter().map(|error| error.path()).collect();
/// assert_eq!(paths, ["cors.origins[1]", "rate_limit.policies[0].quota"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SecurityConfig {
    /// Has [`csrf`](Self::csrf) trust what [`cors`](Self::cors) grants, also after a reload. Default: `false`.
    pub trust_cors_origins: bool,
    /// Where the scheme is learnt. Default: nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<SchemeConfig>,
    /// How the client's address is found. Default: the peer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_ip: Option<ClientIpConfig>,
    /// The security headers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<HeadersConfig>,
    /// The content security policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csp: Option<CspConfig>,
    /// Hardening of cookies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cookies: Option<CookieConfig>,
    /// Which origins may read answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cors: Option<CorsConfig>,
    /// Replacing what must not leave the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_mask: Option<ErrorMaskConfig>,
    /// Refusing clients that were banned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bans: Option<BansConfig>,
    /// HTTPS alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub https: Option<HttpsConfig>,
    /// Rate limits by address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimitConfig>,
    /// Limits of size and time.
    #[cfg(feature = "limits")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<crate::limits::LimitsConfig>,
    /// The endpoint for reports of policy violations.
    #[cfg(feature = "csp-report")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csp_reports: Option<super::CspReportsConfig>,
    /// Refusing forged cross-site requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csrf: Option<CsrfConfig>,
    /// Who is asking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<AuthConfig>,
    /// Rate limits by principal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit_by_principal: Option<RateLimitConfig>,
    /// The tripwire for handlers that decided nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_authorization: Option<RequireAuthorizationConfig>,
    /// Who may call what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<AccessConfig>,
    /// Refusing what is malformed.
    #[cfg(feature = "sanitize")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sanitize: Option<super::SanitizeConfig>,
}

impl SecurityConfig {
    /// Makes the stack, whose [`handle`](Stack::handle) replaces the configuration under traffic.
    ///
    /// # Errors
    ///
    /// Fails with every mistake of every section at once, each with its path such as `cors.origins[2]`: what the builders of the layers
    /// refuse, and [`StackConfigError`](super::StackConfigError) for what only the whole can have wrong.
    pub fn build<St: Store + Clone>(
        self,
        parts: StackParts<St>,
    ) -> Result<Stack<St>, ConfigErrors> {
        live::build(self, parts)
    }

    /// Whether a slot of this name is filled by the configuration; `None` of one that is not its own.
    pub(super) fn fills(&self, slot: &str) -> Option<bool> {
        Some(match slot {
            "headers" => self.headers.is_some(),
            "csp" => self.csp.is_some(),
            "cookies" => self.cookies.is_some(),
            "cors" => self.cors.is_some(),
            "error_mask" => self.error_mask.is_some(),
            "bans" => self.bans.is_some(),
            "https" => self.https.is_some(),
            "rate_limit" => self.rate_limit.is_some(),
            #[cfg(feature = "limits")]
            "limits" => self.limits.is_some(),
            #[cfg(feature = "csp-report")]
            "csp_reports" => self.csp_reports.is_some(),
            "csrf" => self.csrf.is_some(),
            "rate_limit_by_principal" => self.rate_limit_by_principal.is_some(),
            "require_authorization" => self.require_authorization.is_some(),
            "access" => self.access.is_some(),
            #[cfg(feature = "sanitize")]
            "sanitize" => self.sanitize.is_some(),
            _ => return None,
        })
    }
}
