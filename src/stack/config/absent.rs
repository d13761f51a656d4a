//! The layers of slots that the configuration says nothing of: each hands everything on.

use crate::authorize::{self, AccessTable, RequireAuthorization};
use crate::cookies::{CookieConfig, CookieLayer};
use crate::core::{ConfigErrors, Mode, SchemeSource};
use crate::cors::CorsLayer;
use crate::csp::{CspLayer, CspPolicy};
use crate::csrf::{CsrfConfig, CsrfLayer};
use crate::error_mask::ErrorMaskLayer;
use crate::headers::SecurityHeadersLayer;
use crate::https::{Hsts, HttpsLayer, OnInsecure};
use crate::ownership::{AccessRequest, Decision, OwnershipGuard};
use crate::rate_limit::{
    BanLayer, BanTable, CheckedLayer, Policy, Quota, RateLimitLayer, Store, key,
};

pub(super) fn headers() -> Result<SecurityHeadersLayer, ConfigErrors> {
    SecurityHeadersLayer::builder().mode(Mode::Off).build()
}

pub(super) fn csp() -> Result<CspLayer, ConfigErrors> {
    let policy = CspPolicy::api();
    CspLayer::builder().enforce(policy).mode(Mode::Off).build()
}

pub(super) fn cookies() -> Result<CookieLayer, ConfigErrors> {
    let config = CookieConfig {
        mode: Mode::Off,
        ..CookieConfig::default()
    };
    config.build()
}

pub(super) fn cors() -> Result<CorsLayer, ConfigErrors> {
    let policy = CorsLayer::builder().any_origin().build_policy()?;
    let (layer, handle) = CorsLayer::reloadable(policy);
    handle.set_passthrough(true);
    Ok(layer)
}

pub(super) fn error_mask() -> Result<ErrorMaskLayer, ConfigErrors> {
    ErrorMaskLayer::builder().mode(Mode::Off).build()
}

pub(super) fn bans() -> Result<BanLayer, ConfigErrors> {
    let table = BanTable::builder().capacity(1 << 10).build()?;
    BanLayer::builder().table(table).mode(Mode::Off).build()
}

pub(super) fn https() -> Result<HttpsLayer, ConfigErrors> {
    HttpsLayer::builder(SchemeSource::AssumeHttps)
        .on_insecure(OnInsecure::Reject)
        .hsts(Hsts::none())
        .mode(Mode::Off)
        .build()
}

pub(super) fn rate_limit<St: Store>(store: St) -> Result<CheckedLayer<St>, ConfigErrors> {
    RateLimitLayer::builder()
        .store(store)
        .policy(
            Policy::new("absent", Quota::per_second(1))
                .key(key::global())
                .mode(Mode::Off),
        )
        .mode(Mode::Off)
        .checked()
}

#[cfg(feature = "limits")]
pub(super) fn limits() -> Result<crate::limits::LimitsLayer, ConfigErrors> {
    crate::limits::LimitsLayer::builder()
        .mode(Mode::Off)
        .build()
}

pub(super) fn csrf() -> Result<CsrfLayer, ConfigErrors> {
    let config = CsrfConfig {
        mode: Mode::Off,
        ..CsrfConfig::default()
    };
    config.build()
}

pub(super) fn require_authorization() -> RequireAuthorization {
    RequireAuthorization::new().with_mode(Mode::Off)
}

pub(super) fn access() -> Result<AccessTable, ConfigErrors> {
    AccessTable::builder()
        .any_request(authorize::deny_all())
        .mode(Mode::Off)
        .build()
}

#[cfg(feature = "sanitize")]
pub(super) fn sanitize() -> Result<crate::sanitize::SanitizeLayer, ConfigErrors> {
    crate::sanitize::SanitizeLayer::builder()
        .mode(Mode::Off)
        .build()
}

pub(super) fn ownership() -> Result<OwnershipGuard, ConfigErrors> {
    OwnershipGuard::builder()
        .resource("/{id}", |_: &AccessRequest| Decision::Deny)
        .mode(Mode::Off)
        .build()
}
