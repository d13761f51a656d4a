//! What the stack knows of each layer: what it says of itself, and what it shares with another.

use super::posture::{Posture, PostureEntry, PostureState};
use super::slot::{Protection, ProvidesOrigins, TakesOrigins};
use crate::core::origin::OriginGrant;
use crate::core::{ConfigErrors, Mode};
use crate::cors::{CorsLayer, CorsOrigins};
use crate::csrf::{CsrfLayer, Missing};

impl Protection for CorsLayer {
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
        if mode != Mode::Enforce {
            posture.warn(format!("csrf: {}", PostureState::from(mode).as_str()));
        }
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
