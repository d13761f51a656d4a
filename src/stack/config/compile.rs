//! From data to a stack, all of it or none.

use std::sync::Arc;

use tower_layer::Identity;

use super::bans::Bans;
use super::{SecurityConfig, StackConfigError, StackParts, absent};
use crate::auth::AuthLayer;
use crate::authorize::{AccessTable, RequireAuthorization};
use crate::cookies::CookieLayer;
use crate::core::{ConfigError, ConfigErrors, Mistakes, SchemeSource, TrustedProxies};
use crate::cors::CorsLayer;
use crate::csp::CspLayer;
use crate::csrf::CsrfLayer;
use crate::error_mask::ErrorMaskLayer;
use crate::headers::SecurityHeadersLayer;
use crate::https::HttpsLayer;
use crate::ownership::OwnershipGuard;
use crate::rate_limit::{BanLayer, CheckedLayer, RateLimitConfigError, RateLimitLayer, Store};
use crate::stack::SecurityStack;
use crate::stack::posture::Posture;

#[cfg(feature = "csp-report")]
pub(super) type CspReports = crate::csp::report::CspReportLayer;
#[cfg(not(feature = "csp-report"))]
pub(super) type CspReports = Identity;
#[cfg(feature = "limits")]
pub(super) type Limits = crate::limits::LimitsLayer;
#[cfg(not(feature = "limits"))]
pub(super) type Limits = Identity;
#[cfg(feature = "sanitize")]
pub(super) type Sanitize = crate::sanitize::SanitizeLayer;
#[cfg(not(feature = "sanitize"))]
pub(super) type Sanitize = Identity;

/// The stack that every configuration makes, whatever it says.
pub(super) type Slots<St> = SecurityStack<
    SecurityHeadersLayer,
    CspLayer,
    CookieLayer,
    CorsLayer,
    ErrorMaskLayer,
    BanLayer,
    HttpsLayer,
    RateLimitLayer<St>,
    Identity,
    Limits,
    CspReports,
    CsrfLayer,
    Identity,
    AuthLayer,
    Identity,
    RateLimitLayer<St>,
    RequireAuthorization,
    AccessTable,
    Sanitize,
    OwnershipGuard,
>;

/// One configuration, ready to serve.
#[derive(Debug)]
pub(super) struct Compiled<St: Store> {
    pub(super) slots: Slots<St>,
    /// What survives.
    pub(super) bans: Option<Bans>,
    pub(super) config: SecurityConfig,
}

/// What the layers of one stack are, each if its section has no mistake.
struct Layers<St: Store> {
    proxies: Option<TrustedProxies>,
    scheme: Option<SchemeSource>,
    headers: Option<SecurityHeadersLayer>,
    csp: Option<CspLayer>,
    cookies: Option<CookieLayer>,
    cors: Option<CorsLayer>,
    error_mask: Option<ErrorMaskLayer>,
    bans: Option<BanLayer>,
    https: Option<HttpsLayer>,
    rate_limit: Option<CheckedLayer<St>>,
    limits: Option<Limits>,
    csp_reports: Option<CspReports>,
    csrf: Option<CsrfLayer>,
    auth: Option<AuthLayer>,
    rate_limit_by_principal: Option<CheckedLayer<St>>,
    require_authorization: RequireAuthorization,
    access: Option<AccessTable>,
    sanitize: Option<Sanitize>,
    ownership: Option<OwnershipGuard>,
}

/// What a section says, or what stands in its slot without one.
macro_rules! slot {
    ($mistakes:ident, $section:expr, $compile:expr, $absent:expr) => {
        match &$section {
            Some(section) => $compile(section),
            None => $mistakes.take($absent),
        }
    };
}

/// A layer that goes on counting where the one that runs in its slot does.
macro_rules! continued {
    ($layer:expr, $running:ident, $slot:ident) => {{
        let layer = $layer;
        match $running {
            Some(slots) => layer.continuing(&slots.$slot),
            None => layer,
        }
    }};
}

impl<St: Store + Clone> Compiled<St> {
    /// Checks everything and makes it. `running` is what a stack already has that this one takes over; nothing of it is changed before all
    /// is known to be right.
    pub(super) fn new(
        config: SecurityConfig,
        parts: &StackParts<St>,
        running: Option<&Self>,
    ) -> Result<Self, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        check_whole(&config, parts, &mut mistakes);
        let known = running.and_then(|running| running.bans.as_ref());
        let bans = match &config.bans {
            Some(section) => section.table(known, parts, &mut mistakes),
            // Who takes the section out and puts it back finds the bans again.
            None => known.cloned(),
        };
        let layers = Layers::new(&config, parts, bans.as_ref(), &mut mistakes);
        mistakes.finish(())?;
        match layers.stack(&config, parts, running.map(|running| &running.slots)) {
            Some(slots) => Ok(Self {
                slots,
                bans,
                config,
            }),
            // Every layer that is missing has said why.
            None => {
                let section = "of a missing layer";
                let kind = StackConfigError::MissingSection { section };
                Err(ConfigError::new("stack", kind).into())
            }
        }
    }

    pub(super) fn posture(&self, parts: &StackParts<St>) -> Posture {
        let has = |slot: &str| match slot {
            "ownership" => parts.ownership.is_some(),
            slot => self.config.fills(slot).unwrap_or(true),
        };
        self.slots.posture_of(has)
    }
}

/// What only the whole can have wrong.
fn check_whole<St: Store>(
    config: &SecurityConfig,
    parts: &StackParts<St>,
    mistakes: &mut Mistakes,
) {
    match (&config.auth, &parts.auth) {
        (Some(_), Some(_)) => mistakes.push("auth", StackConfigError::ConflictingAuth),
        (None, None) => {
            let needs = [
                (
                    "rate_limit_by_principal",
                    config.rate_limit_by_principal.is_some(),
                ),
                (
                    "require_authorization",
                    config.require_authorization.is_some(),
                ),
                ("access", config.access.is_some()),
                ("ownership", parts.ownership.is_some()),
            ];
            for (path, _) in needs.into_iter().filter(|(_, is_there)| *is_there) {
                mistakes.push(path, StackConfigError::MissingAuth);
            }
        }
        (Some(_), None) | (None, Some(_)) => {}
    }
    check_names(config, mistakes);
    if config.https.is_some() && config.scheme.is_none() {
        let section = "scheme";
        mistakes.push("https", StackConfigError::MissingSection { section });
    }
    if config.trust_cors_origins {
        let sections = [
            ("cors", config.cors.is_some()),
            ("csrf", config.csrf.is_some()),
        ];
        for (section, _) in sections.into_iter().filter(|(_, is_there)| !is_there) {
            let mistake = StackConfigError::MissingSection { section };
            mistakes.push("trust_cors_origins", mistake);
        }
    }
}

/// Both sections count in one store, where a name stands for one policy's counters.
fn check_names(config: &SecurityConfig, mistakes: &mut Mistakes) {
    let (Some(outer), Some(inner)) = (&config.rate_limit, &config.rate_limit_by_principal) else {
        return;
    };
    for (index, policy) in inner.policies.iter().enumerate() {
        if outer.policies.iter().any(|other| other.name == policy.name) {
            // One that is too long is told beside it.
            let name = policy.name.chars().take(80).collect();
            let path = format!("rate_limit_by_principal.policies[{index}]");
            mistakes.push(path, RateLimitConfigError::DuplicatePolicy { name });
        }
    }
}

impl<St: Store + Clone> Layers<St> {
    #[expect(clippy::too_many_lines, reason = "one line or two for each slot")]
    fn new(
        config: &SecurityConfig,
        parts: &StackParts<St>,
        bans: Option<&Bans>,
        mistakes: &mut Mistakes,
    ) -> Self {
        let proxies = config.client_ip.as_ref();
        let proxies = proxies.and_then(|section| section.compile(mistakes));
        let scheme = config.scheme.as_ref();
        let scheme = scheme.and_then(|section| section.compile(proxies.as_ref(), mistakes));
        let headers = slot!(
            mistakes,
            config.headers,
            |section: &super::HeadersConfig| section.compile(mistakes),
            absent::headers()
        );
        let csp = slot!(
            mistakes,
            config.csp,
            |section: &super::CspConfig| section.compile(mistakes),
            absent::csp()
        );
        let cookies = mistakes.take(match &config.cookies {
            Some(section) => section.clone().build(),
            None => absent::cookies(),
        });
        let cors = mistakes.take(match &config.cors {
            Some(section) => section.build().map(CorsLayer::new),
            None => absent::cors(),
        });
        let error_mask = slot!(
            mistakes,
            config.error_mask,
            |section: &super::ErrorMaskConfig| section.compile(mistakes),
            absent::error_mask()
        );
        let bans = slot!(
            mistakes,
            config.bans,
            |section: &super::BansConfig| section.compile(bans, parts, mistakes),
            absent::bans()
        );
        let https = match (&config.https, &scheme) {
            (Some(section), Some(scheme)) => section.compile(scheme.clone(), mistakes),
            // It was told that there is no scheme, or what is wrong with it; the rest is told beside that.
            (Some(section), None) => section.compile(SchemeSource::Tls, mistakes),
            (None, _) => mistakes.take(absent::https()),
        };
        let rate_limit = slot!(
            mistakes,
            config.rate_limit,
            |section: &super::RateLimitConfig| section.compile(parts, "rate_limit", mistakes),
            absent::rate_limit(parts.store.clone())
        );
        #[cfg(feature = "limits")]
        let limits = mistakes.take(match &config.limits {
            Some(section) => section.clone().build(),
            None => absent::limits(),
        });
        #[cfg(not(feature = "limits"))]
        let limits = Some(Identity::new());
        #[cfg(feature = "csp-report")]
        let csp_reports = match &config.csp_reports {
            Some(section) => section.compile(mistakes),
            None => Some(CspReports::absent()),
        };
        #[cfg(not(feature = "csp-report"))]
        let csp_reports = Some(Identity::new());
        let csrf = mistakes.take(match &config.csrf {
            Some(section) => section.clone().build(),
            None => absent::csrf(),
        });
        let csrf = match (csrf, &cors) {
            (Some(csrf), Some(cors))
                if config.trust_cors_origins && config.cors.is_some() && config.csrf.is_some() =>
            {
                let trusting = csrf.with_trusted(&cors.policy().origin_grant());
                mistakes.take_moved(trusting, ("csrf.trust_cors", "trust_cors_origins"))
            }
            (csrf, _) => csrf,
        };
        let auth = match (&config.auth, &parts.auth) {
            (Some(section), _) => section.compile(mistakes),
            (None, Some(layer)) => Some(layer.clone()),
            (None, None) => Some(AuthLayer::absent()),
        };
        let rate_limit_by_principal = slot!(
            mistakes,
            config.rate_limit_by_principal,
            |section: &super::RateLimitConfig| section.compile(
                parts,
                "rate_limit_by_principal",
                mistakes
            ),
            absent::rate_limit(parts.store.clone())
        );
        let require_authorization = match &config.require_authorization {
            Some(section) => section.compile(),
            None => absent::require_authorization(),
        };
        let access = slot!(
            mistakes,
            config.access,
            |section: &super::AccessConfig| section.compile(mistakes),
            absent::access()
        );
        #[cfg(feature = "sanitize")]
        let sanitize = slot!(
            mistakes,
            config.sanitize,
            |section: &super::SanitizeConfig| section.compile(mistakes),
            absent::sanitize()
        );
        #[cfg(not(feature = "sanitize"))]
        let sanitize = Some(Identity::new());
        let ownership = match &parts.ownership {
            Some(guard) => Some(guard.clone()),
            None => mistakes.take(absent::ownership()),
        };
        Self {
            proxies,
            scheme,
            headers,
            csp,
            cookies,
            cors,
            error_mask,
            bans,
            https,
            rate_limit,
            limits,
            csp_reports,
            csrf,
            auth,
            rate_limit_by_principal,
            require_authorization,
            access,
            sanitize,
            ownership,
        }
    }

    /// The stack, if every layer is there. It goes on counting where the running one does.
    fn stack(
        self,
        config: &SecurityConfig,
        parts: &StackParts<St>,
        running: Option<&Slots<St>>,
    ) -> Option<Slots<St>> {
        let mut base = SecurityStack::new();
        if let Some(proxies) = self.proxies {
            base = base.client_ip(proxies);
        }
        if let Some(scheme) = self.scheme {
            base = base.scheme(scheme);
        }
        if let Some(sink) = &parts.sink {
            base = base.events(Arc::clone(sink));
        }
        if let Some(renderer) = &parts.renderer {
            base = base.settings(|settings| settings.renderer = Some(Arc::clone(renderer)));
        }
        if let Some(clock) = &parts.clock {
            base = base.clock(Arc::clone(clock));
        }
        let context = base.context.clone();
        #[cfg(feature = "limits")]
        let limits = continued!(self.limits?, running, limits);
        #[cfg(not(feature = "limits"))]
        let limits = self.limits?;
        #[cfg(feature = "csp-report")]
        let csp_reports = continued!(self.csp_reports?, running, csp_reports);
        #[cfg(not(feature = "csp-report"))]
        let csp_reports = self.csp_reports?;
        let by_principal = running.map(|slots| &slots.rate_limit_by_principal);
        let by_principal = self.rate_limit_by_principal?.open(by_principal);
        let mut stack = base
            .headers(self.headers?)
            .csp(self.csp?)
            .cookies(self.cookies?)
            .cors(self.cors?)
            .error_mask(self.error_mask?)
            .bans(continued!(self.bans?, running, bans))
            .https(self.https?)
            .rate_limit(
                self.rate_limit?
                    .open(running.map(|slots| &slots.rate_limit)),
            )
            .limits(limits)
            .csp_reports(csp_reports)
            .csrf(self.csrf?)
            .auth(self.auth?)
            .rate_limit_by_principal(by_principal)
            .require_authorization(self.require_authorization)
            .access(self.access?)
            .sanitize(self.sanitize?)
            .ownership(self.ownership?);
        if config.https.is_none() {
            // A slot that is not filled knows of no scheme.
            stack.context = context;
        }
        Some(stack)
    }
}
