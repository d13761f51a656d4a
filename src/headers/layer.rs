//! The layer.

use std::sync::Arc;

use http::header::{REFERRER_POLICY, SERVER, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue};
use tower_layer::Layer;

use super::apply::Plan;
use super::config::{CachePolicy, SecurityHeadersBuilder};
use super::names::{COOP, CORP};
use super::presets::Preset;
use super::service::SecurityHeaders;
use super::settings::{Dangerous, Settings};
use super::values::Corp;
use crate::core::Mode;

/// Adds the security headers to every answer. The [module](crate::headers) has the rules, the presets and an example.
#[doc(alias = "SetResponseHeaderLayer")]
#[doc(alias = "helmet")]
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is added to a service"]
pub struct SecurityHeadersLayer {
    plan: Arc<Plan>,
}

impl SecurityHeadersLayer {
    /// Makes the layer for pages: [`Preset::Web`].
    pub fn web() -> Self {
        Self::of(Settings::of(Preset::Web))
    }

    /// Makes the layer for pages that are framed by their own origin or open windows of others: [`Preset::WebCompatible`].
    pub fn web_compatible() -> Self {
        Self::of(Settings::of(Preset::WebCompatible))
    }

    /// Makes the layer for JSON APIs: [`Preset::Api`].
    pub fn api() -> Self {
        Self::of(Settings::of(Preset::Api))
    }

    /// Makes the layer for gRPC services: [`Preset::Grpc`].
    pub fn grpc() -> Self {
        Self::of(Settings::of(Preset::Grpc))
    }

    /// Makes the layer that the OWASP Secure Headers Project recommends: [`Preset::Owasp2026`].
    pub fn owasp_2026() -> Self {
        Self::of(Settings::of(Preset::Owasp2026))
    }

    /// Makes the layer for files that caches may keep: [`Preset::StaticAssets`].
    pub fn static_assets() -> Self {
        Self::of(Settings::of(Preset::StaticAssets))
    }

    /// Starts from `nosniff` alone; [`SecurityHeadersBuilder::preset`] starts from more.
    pub fn builder() -> SecurityHeadersBuilder {
        SecurityHeadersBuilder::default()
    }

    pub(super) fn of(settings: Settings) -> Self {
        Self {
            plan: Arc::new(Plan::of(settings)),
        }
    }

    /// Returns the mode.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.plan.settings.mode
    }

    /// Returns the preset that it started from.
    #[must_use]
    pub fn preset(&self) -> Option<Preset> {
        self.plan.settings.preset
    }

    /// Returns what becomes of `Cache-Control`.
    #[must_use]
    pub fn cache_policy(&self) -> &CachePolicy {
        &self.plan.settings.cache
    }

    /// Returns the headers that every answer gets. `Cache-Control` and `Clear-Site-Data`, which depend on the request, are not among
    /// them.
    pub fn headers(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        let headers = self.plan.settings.headers.iter();
        headers.map(|pair| (&pair.name, &pair.value))
    }

    /// The headers of the preset that are left out, in lower case.
    pub(crate) fn without(&self) -> &[String] {
        &self.plan.settings.without
    }

    /// The requirements of the ASVS 5.0 for headers, and whether this layer does what each asks for.
    pub(crate) fn asvs(&self) -> [(&'static str, bool); 6] {
        let settings = &self.plan.settings;
        let writes = |name: &HeaderName| settings.headers.iter().any(|pair| pair.name == *name);
        [
            ("3.4.4", writes(&X_CONTENT_TYPE_OPTIONS)),
            ("3.4.5", writes(&REFERRER_POLICY)),
            ("3.4.8", writes(&COOP)),
            ("3.5.8", writes(&CORP)),
            ("13.4.6", settings.removed.contains(&SERVER)),
            ("14.3.2", settings.cache != CachePolicy::Untouched),
        ]
    }

    /// The `dangerous_*` methods of the builder, and whether they were called.
    pub(crate) fn dangerous(&self) -> [(&'static str, bool); 2] {
        let Dangerous {
            referrer_policy,
            unsafe_none_opener_policy,
        } = self.plan.settings.dangerous;
        [
            ("dangerous_referrer_policy", referrer_policy),
            (
                "dangerous_unsafe_none_opener_policy",
                unsafe_none_opener_policy,
            ),
        ]
    }

    /// The same layer for a service whose CORS policy lets any origin read: a preset's `Cross-Origin-Resource-Policy` would keep other
    /// sites from including what they may fetch. One that the user has chosen stays.
    pub(crate) fn beside_public_cors(&self) -> Self {
        if self.plan.settings.has_own_resource_policy {
            return self.clone();
        }
        let mut settings = self.plan.settings.clone();
        for pair in settings.headers.iter_mut().filter(|pair| pair.name == CORP) {
            pair.value = HeaderValue::from_static(Corp::CrossOrigin.as_str());
        }
        Self::of(settings)
    }
}

impl<S> Layer<S> for SecurityHeadersLayer {
    type Service = SecurityHeaders<S>;

    fn layer(&self, inner: S) -> SecurityHeaders<S> {
        SecurityHeaders::new(inner, Arc::clone(&self.plan))
    }
}

#[cfg(test)]
#[path = "layer_tests.rs"]
mod tests;
