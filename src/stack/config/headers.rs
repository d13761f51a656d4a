//! What answers carry: `[headers]`, `[csp]`, `[csp_reports]`, `[error_mask]`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::{ConfigError, Mistakes, Mode};
use crate::csp::{Csp, CspBuilder, CspLayer, CspPolicy, NonceCaching, Precedence, ReportEndpoint};
use crate::error_mask::ErrorMaskLayer;
use crate::headers::{
    AgentCluster, Allow, Banner, CachePolicy, ClearSiteData, Coep, Coop, Corp, Feature,
    FrameOptions, IntegrityPolicy, PermissionsPolicy, Preset, ReferrerPolicy, SecurityHeadersLayer,
    WeakReferrerPolicy,
};

/// `[headers]`: the security headers of every answer. The fields are the setters of
/// [`SecurityHeadersLayer::builder`], with the same meaning, defaults and checks. Values are written as they are sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct HeadersConfig {
    /// What to start from: `api`, `grpc`, `owasp_2026`, `static_assets`, `web` or `web_compatible`. Default: `nosniff` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    /// `Referrer-Policy`, such as `no-referrer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referrer_policy: Option<ReferrerPolicy>,
    /// `X-Frame-Options`, such as `SAMEORIGIN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame_options: Option<FrameOptions>,
    /// `Cross-Origin-Opener-Policy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cross_origin_opener_policy: Option<Coop>,
    /// `Cross-Origin-Embedder-Policy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cross_origin_embedder_policy: Option<Coep>,
    /// `Cross-Origin-Resource-Policy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cross_origin_resource_policy: Option<Corp>,
    /// `Origin-Agent-Cluster`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin_agent_cluster: Option<AgentCluster>,
    /// `Permissions-Policy`, in place of the preset's: a feature and who may use it, as in `camera = []`, `fullscreen = ["self",
    /// "https://video.example"]` or `autoplay = ["*"]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions_policy: Option<BTreeMap<String, Vec<String>>>,
    /// `Integrity-Policy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integrity_policy: Option<IntegrityConfig>,
    /// `Document-Policy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_policy: Option<String>,
    /// `Reporting-Endpoints`: a name and its URL.
    pub reporting_endpoint: BTreeMap<String, String>,
    /// What becomes of `Cache-Control`: `"no_store"`, `"untouched"` or `{ sensitive = ["session"] }`. Default: the preset's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheConfig>,
    /// `Clear-Site-Data` on some paths.
    pub clear_site_data_on: Vec<ClearSiteDataConfig>,
    /// Headers that have no field of their own.
    pub custom: BTreeMap<String, String>,
    /// Headers of the preset that are left out.
    pub without: Vec<String>,
    /// Headers of which the handler's own line stands.
    pub if_absent: Vec<String>,
    /// Whether [`Banner::Owasp`] is taken off answers. Default: the preset's choice.
    pub remove_banners: bool,
    /// Headers that are taken off answers.
    pub remove_header: Vec<String>,
    /// The mode: `enforce` or `off`. Default: `enforce`.
    pub mode: Mode,
    /// See [`SecurityHeadersBuilder::dangerous_referrer_policy`](crate::headers::SecurityHeadersBuilder::dangerous_referrer_policy).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dangerous_referrer_policy: Option<WeakReferrerPolicy>,
    /// See [`dangerous_unsafe_none_opener_policy`](crate::headers::SecurityHeadersBuilder::dangerous_unsafe_none_opener_policy).
    pub dangerous_unsafe_none_opener_policy: bool,
}

/// `Integrity-Policy` of [`HeadersConfig`]: scripts need `integrity`. See [`IntegrityPolicy::scripts`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct IntegrityConfig {
    /// Names of reporting endpoints. Default: none.
    pub report_to: Vec<String>,
}

/// What becomes of `Cache-Control`. See [`CachePolicy`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum CacheConfig {
    /// [`CachePolicy::NoStore`].
    NoStore,
    /// [`CachePolicy::sensitive`], with the names of session cookies.
    Sensitive(Vec<String>),
    /// [`CachePolicy::Untouched`].
    Untouched,
}

/// What browsers forget with answers to some paths. See
/// [`SecurityHeadersBuilder::clear_site_data_on`](crate::headers::SecurityHeadersBuilder::clear_site_data_on).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ClearSiteDataConfig {
    /// Exact paths.
    pub paths: Vec<String>,
    /// See [`ClearSiteData::cache`]. Default: `false`.
    pub cache: bool,
    /// See [`ClearSiteData::cookies`]. Default: `false`.
    pub cookies: bool,
    /// See [`ClearSiteData::storage`]. Default: `false`.
    pub storage: bool,
}

impl ClearSiteDataConfig {
    const fn data(&self) -> ClearSiteData {
        let mut data = ClearSiteData::new();
        if self.cache {
            data = data.cache();
        }
        if self.cookies {
            data = data.cookies();
        }
        if self.storage {
            data = data.storage();
        }
        data
    }
}

/// Calls a setter if there is something to set.
macro_rules! set {
    ($builder:ident, $from:expr, $($field:ident)*) => {
        $(
            if let Some(value) = $from.$field.clone() {
                $builder = $builder.$field(value);
            }
        )*
    };
}

impl HeadersConfig {
    pub(super) fn compile(&self, mistakes: &mut Mistakes) -> Option<SecurityHeadersLayer> {
        let mut builder = SecurityHeadersLayer::builder().mode(self.mode);
        set!(builder, self, preset referrer_policy dangerous_referrer_policy frame_options
            cross_origin_opener_policy cross_origin_embedder_policy cross_origin_resource_policy
            origin_agent_cluster document_policy);
        if self.dangerous_unsafe_none_opener_policy {
            builder = builder.dangerous_unsafe_none_opener_policy();
        }
        if let Some(features) = &self.permissions_policy {
            builder = builder.permissions_policy(permissions(features));
        }
        if let Some(policy) = &self.integrity_policy {
            let names = policy.report_to.iter();
            let policy = names.fold(IntegrityPolicy::scripts(), IntegrityPolicy::report_to);
            builder = builder.integrity_policy(policy);
        }
        for (name, url) in &self.reporting_endpoint {
            builder = builder.reporting_endpoint(name, url);
        }
        if let Some(cache) = &self.cache {
            builder = builder.cache(match cache {
                CacheConfig::NoStore => CachePolicy::NoStore,
                CacheConfig::Sensitive(cookies) => CachePolicy::sensitive(cookies),
                CacheConfig::Untouched => CachePolicy::Untouched,
            });
        }
        for clear in &self.clear_site_data_on {
            builder = builder.clear_site_data_on(&clear.paths, clear.data());
        }
        for (name, value) in &self.custom {
            builder = builder.custom(name, value);
        }
        for name in &self.without {
            builder = builder.without(name);
        }
        for name in &self.if_absent {
            builder = builder.if_absent(name);
        }
        if self.remove_banners {
            builder = builder.remove(Banner::Owasp);
        }
        for name in &self.remove_header {
            builder = builder.remove_header(name);
        }
        mistakes.take(builder.build())
    }
}

fn permissions(features: &BTreeMap<String, Vec<String>>) -> PermissionsPolicy {
    let allow = |text: &String| match text.as_str() {
        "*" => Allow::Any,
        "self" => Allow::SelfOrigin,
        origin => Allow::origin(origin),
    };
    let policy = PermissionsPolicy::new();
    features.iter().fold(policy, |policy, (feature, allowed)| {
        policy.allow(Feature::custom(feature.as_str()), allowed.iter().map(allow))
    })
}

/// `[csp]`: the content security policy. The fields are the setters of [`CspLayer::builder`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CspConfig {
    /// The policy that browsers enforce. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforce: Option<CspPolicyConfig>,
    /// The policy whose violations are reported alone. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report_only: Option<CspPolicyConfig>,
    /// The path or `https` URL that violations of both are reported to, under the name `csp`. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report_to: Option<String>,
    /// Which policy is sent where the handler has set one. Default: `handler`.
    pub precedence: Precedence,
    /// The mode. Default: `enforce`.
    pub mode: Mode,
    /// Further types of documents with a nonce. Default: none.
    pub nonce_media_types: Vec<String>,
    /// What becomes of an answer with a nonce that says nothing of caching. Default: `no_store`.
    pub nonce_caching: NonceCaching,
}

/// A policy: `"strict"`, `"compatible"`, `"api"`, `"owasp_2026"` or `{ policy = "default-src 'self'; .." }`, with `'nonce-{}'` for the
/// nonce of a request. See [`Csp`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum CspPolicyConfig {
    /// [`Csp::api`].
    Api,
    /// [`Csp::compatible`].
    Compatible,
    /// [`Csp::owasp_2026`].
    #[serde(rename = "owasp_2026")]
    Owasp2026,
    /// [`Csp::parse`].
    Policy(String),
    /// [`Csp::strict`].
    Strict,
}

impl CspPolicyConfig {
    fn builder(&self) -> CspBuilder {
        match self {
            Self::Api => Csp::api(),
            Self::Compatible => Csp::compatible(),
            Self::Owasp2026 => Csp::owasp_2026(),
            Self::Policy(text) => Csp::parse(text),
            Self::Strict => Csp::strict(),
        }
    }
}

impl CspConfig {
    pub(super) fn compile(&self, mistakes: &mut Mistakes) -> Option<CspLayer> {
        let endpoint = match &self.report_to {
            None => None,
            Some(url) => {
                let endpoint = match url.starts_with('/') {
                    true => ReportEndpoint::path("csp", url),
                    false => ReportEndpoint::https("csp", url),
                };
                let endpoint =
                    endpoint.map_err(|kind| ConfigError::new("csp.report_to", kind).into());
                Some(mistakes.take(endpoint)?)
            }
        };
        let mut policy = |config: Option<&CspPolicyConfig>, path: &str| match config {
            None => Some(None),
            Some(config) => {
                let mut builder = config.builder();
                if let Some(endpoint) = &endpoint {
                    builder = builder.report_to(endpoint.clone());
                }
                let built = mistakes.take_moved(builder.build(), ("csp", path));
                built.map(Some::<CspPolicy>)
            }
        };
        let enforce = policy(self.enforce.as_ref(), "csp.enforce");
        let report_only = policy(self.report_only.as_ref(), "csp.report_only");
        let mut builder = CspLayer::builder()
            .precedence(self.precedence)
            .mode(self.mode)
            .nonce_media_types(&self.nonce_media_types)
            .nonce_caching(self.nonce_caching);
        if let Some(policy) = enforce? {
            builder = builder.enforce(policy);
        }
        if let Some(policy) = report_only? {
            builder = builder.report_only(policy);
        }
        mistakes.take(builder.build())
    }
}

/// `[csp_reports]`: the endpoint for browsers' reports. See [`CspReportLayer`](crate::csp::report::CspReportLayer).
#[cfg(feature = "csp-report")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CspReportsConfig {
    /// The path, such as `/csp-report`.
    pub path: String,
    /// Whose pages may report. Default: `same_origin`.
    #[serde(default)]
    pub cross_origin: crate::csp::report::Collect,
}

#[cfg(feature = "csp-report")]
impl CspReportsConfig {
    pub(super) fn compile(
        &self,
        mistakes: &mut Mistakes,
    ) -> Option<crate::csp::report::CspReportLayer> {
        let builder = crate::csp::report::CspReportLayer::builder().cross_origin(self.cross_origin);
        mistakes.take_moved(builder.at(&self.path), ("csp.reports", "csp_reports"))
    }
}

/// `[error_mask]`: replaces what must not leave the server. The fields are the setters of [`ErrorMaskLayer::builder`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ErrorMaskConfig {
    /// Whether what a framework says of a bad request is replaced too. Default: `false`.
    pub mask_client_errors: bool,
    /// Whether the body of every 404 and 405 is replaced. Default: `false`.
    pub mask_all_not_found: bool,
    /// Headers of a server error that go out. Default: none but `Retry-After` and `x-request-id`.
    pub keep_headers: Vec<String>,
    /// Headers that are taken off every answer, besides those of software. Default: none.
    pub strip_headers: Vec<String>,
    /// The mode. Default: `enforce`.
    pub mode: Mode,
    /// See [`ErrorMaskBuilder::dangerous_show_details`](crate::error_mask::ErrorMaskBuilder::dangerous_show_details). Default: `false`.
    pub dangerous_show_details: bool,
}

impl ErrorMaskConfig {
    pub(super) fn compile(&self, mistakes: &mut Mistakes) -> Option<ErrorMaskLayer> {
        let mut builder = ErrorMaskLayer::builder()
            .mask_client_errors(self.mask_client_errors)
            .keep_headers(&self.keep_headers)
            .strip_headers(&self.strip_headers)
            .mode(self.mode);
        if self.mask_all_not_found {
            builder = builder.mask_all_not_found();
        }
        if self.dangerous_show_details {
            builder = builder.dangerous_show_details();
        }
        mistakes.take(builder.build())
    }
}
