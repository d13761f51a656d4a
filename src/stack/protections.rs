//! What the stack knows of each layer: what it says of itself, and what it shares with another.

use http::header::COOKIE;
use http::{HeaderName, Method};

use super::posture::{Posture, PostureEntry, PostureState};
use super::slot::{Protection, ProvidesOrigins, ProvidesPrincipal, TakesOrigins, Transport};
use crate::auth::AuthLayer;
use crate::cookies::{CookieLayer, SameSite, Violation};
use crate::core::origin::OriginGrant;
use crate::core::{AuthMethod, ConfigErrors, IpSet, Mode, SchemeSource};
use crate::cors::{CorsLayer, CorsOrigins};
use crate::csp::{CspLayer, CspPolicy};
use crate::csrf::{CsrfLayer, Missing};
use crate::error_mask::ErrorMaskLayer;
use crate::headers::SecurityHeadersLayer;
use crate::https::HttpsLayer;
use crate::rate_limit::login::LoginThrottleLayer;
use crate::rate_limit::{BanLayer, Policy, RateLimitLayer, Store};

impl Protection for SecurityHeadersLayer {
    fn describe(&self, posture: &mut Posture) {
        let mut entry = PostureEntry::new("headers", self.mode().into());
        if let Some(preset) = self.preset() {
            entry = entry.setting("preset", preset.as_str());
        }
        let count = self.headers().count();
        entry = entry
            .setting("headers", count.to_string())
            .setting("cache", self.cache_policy().as_str());
        if !self.without().is_empty() {
            entry = entry.setting("without", self.without().join(","));
        }
        let unmet = self.asvs().into_iter().filter(|(_, is_met)| !is_met);
        posture.add(unmet.fold(entry, |entry, (requirement, _)| entry.unmet(requirement)));
        warn_of_mode("headers", self.mode(), posture);
        for name in self.without() {
            posture.warn(format!("headers: without {name}"));
        }
        warn_of("headers", &self.dangerous(), posture);
    }

    fn share_with_all(&mut self) {
        *self = self.beside_public_cors();
    }
}

impl Protection for CspLayer {
    fn describe(&self, posture: &mut Posture) {
        let mode = self.mode();
        let state = match (self.enforced(), mode) {
            // Nothing is enforced where all that is sent only reports.
            (None, Mode::Enforce) => PostureState::ReportOnly,
            _ => mode.into(),
        };
        let scripts = if self.has_nonce() { "nonce" } else { "static" };
        let mut entry = PostureEntry::new("csp", state).setting("scripts", scripts);
        if self.report_only().is_some() {
            entry = entry.setting("trial", "yes");
        }
        posture.add(entry);
        if state != PostureState::On {
            posture.warn(format!("csp: {}", state.as_str()));
        }
        let policies = [self.enforced(), self.report_only()].into_iter().flatten();
        let mut dangerous: Vec<_> = policies.flat_map(CspPolicy::dangerous).collect();
        dangerous.sort_unstable();
        dangerous.dedup();
        for name in dangerous {
            posture.warn(format!("csp: {name}"));
        }
    }
}

impl Protection for CookieLayer {
    fn describe(&self, posture: &mut Posture) {
        let config = self.policy().config();
        let mut entry = PostureEntry::new("cookies", self.mode().into())
            .setting("renamed", config.host_prefix.len().to_string());
        let lists = [
            ("skipped", [&config.skip, &config.dangerous_skip]),
            (
                "script_readable",
                [&config.script_readable, &config.dangerous_script_readable],
            ),
        ];
        for (name, lists) in lists {
            let count: usize = lists.iter().map(|list| list.len()).sum();
            if count > 0 {
                entry = entry.setting(name, count.to_string());
            }
        }
        if config.on_violation == Violation::Report {
            entry = entry.setting("violations", "report");
        }
        posture.add(entry);
        warn_of_mode("cookies", self.mode(), posture);
        let sent_by_all = |(_, same_site): &(_, &SameSite)| **same_site == SameSite::None;
        for (name, _) in config.same_site_for.iter().filter(sent_by_all) {
            posture.warn(format!(
                "cookies: other sites' requests carry {name} (SameSite=None)"
            ));
        }
        warn_of("cookies", &self.policy().dangerous(), posture);
    }

    fn renamed_cookies(&self) -> Vec<&str> {
        let names = &self.policy().config().host_prefix;
        match self.mode() {
            Mode::Enforce => names.iter().map(String::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

impl Protection for ErrorMaskLayer {
    fn describe(&self, posture: &mut Posture) {
        let client_errors = if self.masks_client_errors() {
            "masked"
        } else {
            "kept"
        };
        let not_found = if self.masks_all_not_found() {
            "all"
        } else {
            "empty"
        };
        posture.add(
            PostureEntry::new("error_mask", self.mode().into())
                .setting("client_errors", client_errors)
                .setting("not_found", not_found)
                .setting("kept", self.kept_headers().count().to_string())
                .setting("stripped", self.stripped_headers().to_string()),
        );
        warn_of_mode("error_mask", self.mode(), posture);
        warn_of("error_mask", &self.dangerous(), posture);
        if cfg!(panic = "abort") {
            posture.warn("error_mask: panic = \"abort\" ends the process before a panic is masked");
        }
    }
}

impl Protection for HttpsLayer {
    fn describe(&self, posture: &mut Posture) {
        let policy = self.policy();
        let hosts = match policy.allowed_hosts() {
            Some(count) => count.to_string(),
            None => "any".to_owned(),
        };
        let hsts = policy.hsts().and_then(|value| value.to_str().ok());
        let exempt: Vec<_> = policy.exemptions().collect();
        let plain = match (policy.on_insecure(), self.scheme_source()) {
            ("pass", _) => "pass",
            // No request is plain then, and what is said of plain ones meets none.
            (_, SchemeSource::AssumeHttps) => "unseen",
            (meets, _) => meets,
        };
        let mut entry = PostureEntry::new("https", self.mode().into())
            .setting("plain", plain)
            .setting("hosts", hosts)
            .setting("hsts", hsts.unwrap_or("off").to_owned());
        if !exempt.is_empty() {
            entry = entry.setting("exempt", exempt.join(","));
        }
        posture.add(entry);
        warn_of_mode("https", self.mode(), posture);
        if plain == "unseen" {
            posture.warn("https: every request passes for https (assume_https)");
        }
        match hsts {
            None => posture.warn("https: hsts off"),
            Some(hsts) if hsts.starts_with("max-age=0") => posture.warn("https: hsts expires"),
            Some(_) => {}
        }
    }

    fn take_transport(&mut self) -> Option<Transport> {
        let transport = Transport::of(self.clone());
        *self = self.with_hsts_outside();
        Some(transport)
    }
}

#[cfg(feature = "csp-report")]
impl Protection for crate::csp::report::CspReportLayer {
    fn describe(&self, posture: &mut Posture) {
        posture.add(
            PostureEntry::new("csp_reports", PostureState::On)
                .setting("path", self.path().to_owned()),
        );
    }
}

impl Protection for CorsLayer {
    fn lets_all_read(&self) -> Option<bool> {
        let is_any = || matches!(self.policy().to_config().origins, CorsOrigins::Any);
        (!self.is_passthrough()).then(is_any)
    }

    fn lets_send(&self, header: &HeaderName) -> Option<bool> {
        (!self.is_passthrough()).then(|| self.policy().allows_header(header))
    }

    fn describe(&self, posture: &mut Posture) {
        let policy = self.policy();
        let config = policy.to_config();
        let state = if self.is_passthrough() {
            PostureState::Off
        } else {
            PostureState::On
        };
        let origins = match &config.origins {
            CorsOrigins::Any => "any".to_owned(),
            CorsOrigins::List(origins) => origins.len().to_string(),
        };
        posture.add(
            PostureEntry::new("cors", state)
                .setting("origins", origins)
                .setting("credentials", config.credentials.to_string()),
        );
        if state == PostureState::Off {
            posture.warn("cors: passthrough is on");
        }
        if matches!(config.origins, CorsOrigins::Any) {
            posture.warn("cors: any origin may read answers");
        }
        if !config.dangerous_allow_public_suffix_subdomains {
            for origin in policy.open_origins() {
                let host = origin.host();
                posture.warn(format!("cors: any origin below {host} may read answers"));
            }
        }
        let dangerous = [
            (
                "dangerous_allow_insecure_origins",
                config.dangerous_allow_insecure_origins,
            ),
            (
                "dangerous_allow_public_suffix_subdomains",
                config.dangerous_allow_public_suffix_subdomains,
            ),
            ("dangerous_allow_origin_if", policy.has_predicate()),
            (
                "dangerous_allow_private_network",
                config.dangerous_allow_private_network,
            ),
            (
                "dangerous_keep_inner_cors",
                config.dangerous_keep_inner_cors,
            ),
        ];
        warn_of("cors", &dangerous, posture);
    }
}

impl Protection for CsrfLayer {
    fn describe(&self, posture: &mut Posture) {
        let config = self.policy().config();
        let mode = self.mode();
        let missing = match config.missing_metadata {
            _ if config.dangerous_allow_missing_metadata => "allow",
            Missing::Refuse => "refuse",
            Missing::RefuseWithCookie => "refuse with cookie",
        };
        let isolation = if config.isolation.is_some() {
            "on"
        } else {
            "off"
        };
        posture.add(
            PostureEntry::new("csrf", mode.into())
                .setting("missing_metadata", missing)
                .setting("isolation", isolation)
                .setting(
                    "trusted_origins",
                    self.policy().trusted_origins().len().to_string(),
                ),
        );
        warn_of_mode("csrf", mode, posture);
        let dangerous = [
            (
                "dangerous_allow_missing_metadata",
                config.dangerous_allow_missing_metadata,
            ),
            (
                "dangerous_allow_same_site",
                config.dangerous_allow_same_site,
            ),
            (
                "dangerous_allow_insecure_origins",
                config.dangerous_allow_insecure_origins,
            ),
            (
                "dangerous_skip_websocket_check",
                config.dangerous_skip_websocket_check,
            ),
            ("dangerous_exempt", !config.dangerous_exempt.is_empty()),
            (
                "dangerous_exempt_method",
                !config.dangerous_exempt_method.is_empty(),
            ),
        ];
        warn_of("csrf", &dangerous, posture);
    }
}

impl Protection for AuthLayer {
    fn describe(&self, posture: &mut Posture) {
        if self.is_absent() {
            return;
        }
        let by: Vec<_> = self
            .methods()
            .map(|method| method.map_or("own", AuthMethod::as_str))
            .collect();
        let anonymous = if self.is_optional() {
            "pass"
        } else {
            "refused"
        };
        let entry = PostureEntry::new("auth", PostureState::On)
            .setting("by", by.join(","))
            .setting("anonymous", anonymous);
        posture.add(self.session_cookies().fold(entry, |entry, name| {
            entry.setting("session_cookie", name.to_owned())
        }));
        warn_of("auth", self.dangerous(), posture);
    }

    fn credential_headers(&self) -> Vec<HeaderName> {
        let headers: Vec<_> = self.headers().collect();
        if headers.contains(&COOKIE) {
            return Vec::new();
        }
        headers
    }
}

impl ProvidesPrincipal for AuthLayer {}

impl Protection for BanLayer {
    fn describe(&self, posture: &mut Posture) {
        let counts = if self.table().is_shared() {
            "fleet"
        } else {
            "node"
        };
        let signals = if self.table().counts_signals() {
            "counted"
        } else {
            "ignored"
        };
        posture.add(
            PostureEntry::new("bans", self.mode().into())
                .setting("counts_per", counts)
                .setting("signals", signals)
                .setting("request_rules", self.request_rules().to_string())
                .setting("safelist", self.safelist().nets().len().to_string())
                .setting("blocklist", self.blocklist().nets().len().to_string()),
        );
        warn_of_wide("bans: safelist", &self.safelist(), posture);
        warn_of_mode("bans", self.mode(), posture);
        warn_of("bans", &self.dangerous(), posture);
    }
}

impl<St: Store> Protection for RateLimitLayer<St> {
    fn describe(&self, posture: &mut Posture) {
        let limiter = self.limiter();
        let counts = if limiter.store().is_shared() {
            "fleet"
        } else {
            "node"
        };
        let policies: Vec<_> = limiter.policies().iter().map(summary).collect();
        let mut entry = PostureEntry::new("rate_limit", limiter.mode().into())
            .setting("counts_per", counts)
            .setting("policies", policies.join(","));
        for policy in limiter.policies() {
            if let Some(methods) = policy.own_methods() {
                let names: Vec<_> = methods.iter().map(Method::as_str).collect();
                let told = format!("{}:{}", policy.name(), names.join("+"));
                entry = entry.setting("methods", told);
            }
        }
        let exempt = limiter.exempt();
        if !exempt.is_empty() {
            let nets: Vec<_> = exempt.nets().iter().map(ToString::to_string).collect();
            entry = entry.setting("exempt", nets.join(","));
        }
        posture.add(entry);
        warn_of_mode("rate_limit", limiter.mode(), posture);
        warn_of_wide("rate_limit: exempt", exempt, posture);
        for policy in limiter.policies() {
            let name = format!("rate_limit: {}", policy.name());
            warn_of_mode(&name, policy.own_mode(), posture);
            if let Some(percent @ 0..100) = policy.enforced_percent() {
                posture.warn(format!("{name}: enforced for {percent} % of the keys"));
            }
        }
        warn_of("rate_limit", &limiter.dangerous(), posture);
    }
}

impl<St: Store> Protection for LoginThrottleLayer<St> {
    fn describe(&self, posture: &mut Posture) {
        let throttle = self.throttle();
        let (free, hard) = throttle.attempts();
        let counts = if throttle.counts_locally() {
            "node"
        } else {
            "fleet"
        };
        posture.add(
            PostureEntry::new("login_throttle", PostureState::On)
                .setting("name", throttle.name().to_owned())
                .setting("counts_per", counts)
                .setting("free", free.to_string())
                .setting("locked_after", hard.to_string()),
        );
        warn_of("login_throttle", &throttle.dangerous(), posture);
    }
}

/// A policy in one word: `client:100/60s`.
fn summary(policy: &Policy) -> String {
    let quota = policy.quota();
    format!("{}:{}/{:?}", policy.name(), quota.limit(), quota.period())
}

/// Of ranges that hold more than one organisation has.
fn warn_of_wide(list: &str, nets: &IpSet, posture: &mut Posture) {
    for net in nets.nets() {
        let least = if net.network().is_ipv4() { 8 } else { 16 };
        if net.prefix_len() < least {
            posture.warn(format!("{list}: {net} is a large part of the Internet"));
        }
    }
}

pub(super) fn warn_of_mode(protection: &str, mode: Mode, posture: &mut Posture) {
    if mode != Mode::Enforce {
        posture.warn(format!(
            "{protection}: {}",
            PostureState::from(mode).as_str()
        ));
    }
}

fn warn_of(protection: &str, dangerous: &[(&str, bool)], posture: &mut Posture) {
    for (name, _) in dangerous.iter().filter(|(_, used)| *used) {
        posture.warn(format!("{protection}: {name}"));
    }
}

impl From<Mode> for PostureState {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Enforce => Self::On,
            Mode::ReportOnly => Self::ReportOnly,
            Mode::Off => Self::Off,
        }
    }
}

impl ProvidesOrigins for CorsLayer {
    fn grant(&self) -> OriginGrant {
        self.policy().origin_grant()
    }
}

impl TakesOrigins for CsrfLayer {
    fn trusting(&self, grant: &OriginGrant) -> Result<Self, ConfigErrors> {
        self.with_trusted(grant)
    }
}
