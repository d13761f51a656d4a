//! What each preset writes.

use http::header::{
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_DNS_PREFETCH_CONTROL, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue};

use super::banners::Banner;
use super::config::CachePolicy;
use super::names::{
    COEP, COOP, CORP, ORIGIN_AGENT_CLUSTER, PERMISSIONS_POLICY, X_PERMITTED_CROSS_DOMAIN_POLICIES,
};

/// What the cookies of a session are called unless the builder is told: `__Host-` is what the cookie layer of this crate makes of a
/// name, `session` and `id` are what sessions of Rust frameworks are called.
pub(super) const SESSION_COOKIES: [&str; 4] = ["__Host-session", "__Host-id", "session", "id"];

/// A set of headers to start from. The [module](crate::headers) has the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Preset {
    /// Answers for programs: JSON APIs.
    Api,
    /// gRPC services.
    Grpc,
    /// Letter for letter what the [OWASP Secure Headers Project] recommended in 2026.
    ///
    /// `cross-origin-embedder-policy: require-corp` blocks what other sites do not offer, and every feature of the browser is off.
    ///
    /// [OWASP Secure Headers Project]: https://owasp.org/www-project-secure-headers/
    #[cfg_attr(feature = "serde", serde(rename = "owasp_2026"))]
    Owasp2026,
    /// Files that caches may keep.
    StaticAssets,
    /// Pages.
    Web,
    /// Pages that are framed by their own origin, open sign-in or payment windows, or share files with sibling sub-domains.
    WebCompatible,
}

impl Preset {
    /// The name of the constructor, for the posture.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Grpc => "grpc",
            Self::Owasp2026 => "owasp_2026",
            Self::StaticAssets => "static_assets",
            Self::Web => "web",
            Self::WebCompatible => "web_compatible",
        }
    }

    /// Everything but `Cache-Control`.
    pub(super) fn headers(self) -> Vec<(HeaderName, HeaderValue)> {
        let of = |name: &HeaderName, value| (name.clone(), HeaderValue::from_static(value));
        let nosniff = nosniff();
        match self {
            Self::Api => vec![
                nosniff,
                of(&X_FRAME_OPTIONS, "DENY"),
                of(&REFERRER_POLICY, "no-referrer"),
                of(&CORP, "same-origin"),
            ],
            Self::Grpc => vec![nosniff],
            Self::Owasp2026 => vec![
                nosniff,
                of(&X_FRAME_OPTIONS, "deny"),
                of(&REFERRER_POLICY, "no-referrer"),
                of(&COOP, "same-origin"),
                of(&CORP, "same-origin"),
                of(&COEP, "require-corp"),
                of(&PERMISSIONS_POLICY, PERMISSIONS_OWASP),
                of(&X_DNS_PREFETCH_CONTROL, "off"),
                of(&X_PERMITTED_CROSS_DOMAIN_POLICIES, "none"),
            ],
            Self::StaticAssets => vec![nosniff, of(&CORP, "same-origin")],
            Self::Web => vec![
                nosniff,
                of(&X_FRAME_OPTIONS, "DENY"),
                of(&REFERRER_POLICY, "strict-origin-when-cross-origin"),
                of(&COOP, "same-origin"),
                of(&CORP, "same-origin"),
                of(&ORIGIN_AGENT_CLUSTER, "?1"),
                of(&PERMISSIONS_POLICY, PERMISSIONS_WEB),
            ],
            Self::WebCompatible => vec![
                nosniff,
                of(&X_FRAME_OPTIONS, "SAMEORIGIN"),
                of(&REFERRER_POLICY, "strict-origin-when-cross-origin"),
                of(&COOP, "same-origin-allow-popups"),
                of(&CORP, "same-site"),
                of(&ORIGIN_AGENT_CLUSTER, "?1"),
            ],
        }
    }

    pub(super) fn cache(self) -> CachePolicy {
        match self {
            Self::Api | Self::Grpc | Self::Owasp2026 => CachePolicy::NoStore,
            Self::StaticAssets => CachePolicy::Untouched,
            Self::Web | Self::WebCompatible => CachePolicy::sensitive(SESSION_COOKIES),
        }
    }

    /// What the preset writes where its cache policy says that nothing may be kept.
    pub(super) const fn no_store(self) -> HeaderValue {
        match self {
            Self::Grpc => HeaderValue::from_static("no-store"),
            Self::Api | Self::Owasp2026 | Self::StaticAssets | Self::Web | Self::WebCompatible => {
                NO_STORE
            }
        }
    }

    pub(super) const fn banner(self) -> Option<Banner> {
        match self {
            // What it would take off may be metadata of the application.
            Self::Grpc => None,
            Self::Api | Self::Owasp2026 | Self::StaticAssets | Self::Web | Self::WebCompatible => {
                Some(Banner::Owasp)
            }
        }
    }
}

/// `max-age=0` is for caches of before HTTP/1.1's `no-store` was understood by all.
pub(super) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store, max-age=0");

/// The one header that no answer is worse with.
pub(super) fn nosniff() -> (HeaderName, HeaderValue) {
    let value = HeaderValue::from_static("nosniff");
    (X_CONTENT_TYPE_OPTIONS, value)
}

/// Off is what pages rarely need; passkeys, full screen, pictures in pictures and copying stay. Chromium 156 prints no line about it.
const PERMISSIONS_WEB: &str = "accelerometer=(), autoplay=(self), browsing-topics=(), camera=(), clipboard-read=(), \
     clipboard-write=(self), display-capture=(), encrypted-media=(self), fullscreen=(self), \
     gamepad=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), local-fonts=(), \
     magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(self), \
     publickey-credentials-create=(self), publickey-credentials-get=(self), screen-wake-lock=(self), \
     serial=(), usb=(), window-management=(), xr-spatial-tracking=()";

const PERMISSIONS_OWASP: &str = "accelerometer=(), autoplay=(), camera=(), cross-origin-isolated=(), display-capture=(), \
     encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), keyboard-map=(), \
     magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(), \
     publickey-credentials-get=(), screen-wake-lock=(), sync-xhr=(self), usb=(), web-share=(), \
     xr-spatial-tracking=(), clipboard-read=(), clipboard-write=(), gamepad=(), hid=(), \
     idle-detection=(), interest-cohort=(), serial=(), unload=()";
