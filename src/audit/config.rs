//! What every line of a log says of its service, and what it keeps to itself.

use std::sync::Arc;

use super::error::AuditConfigError;
use super::owned::OwnedEvent;
use super::privacy::{IpPrivacy, PrincipalPrivacy, Privacy};
use crate::core::text::{cap, clean};
use crate::core::{ConfigErrors, EventName, Level, Mistakes};

const MAX_APP_ID: usize = 64;
/// The longest name of the domain name system (RFC 1035, section 2.3.4, less the root).
const MAX_HOSTNAME: usize = 253;

/// What a log says of the service that writes it, and how it treats personal data. Cloning shares it.
///
/// | setting | default | why |
/// |---|---|---|
/// | app id | `tower-security` | each service of a shared log store should have its own |
/// | hostname | none | it is not read from the environment |
/// | principal | plain | who reads the log has to find the user |
/// | client address | whole | who bans an address has to know it |
/// | levels | those of the layers | one denial is a typo, ten are an attack |
///
/// # Example
///
/// ```
/// use tower_security::audit::{AuditConfig, IpPrivacy};
/// use tower_security::core::{EventName, Level};
///
/// let config = AuditConfig::builder("shop")
///     .hostname("node-1.internal")
///     .client_ip(IpPrivacy::Truncated)
///     .level(EventName::AuthzFail, Level::Critical)
///     .build()?;
/// assert_eq!(config.app_id(), "shop");
///
/// let errors = AuditConfig::builder("shop\n").build().unwrap_err();
/// let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
/// assert_eq!(codes, ["app_id"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct AuditConfig(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    app_id: String,
    hostname: Option<String>,
    privacy: Privacy,
    levels: Vec<(EventName, Level)>,
}

impl AuditConfig {
    /// Starts from the defaults, with the name of the service in its log.
    ///
    /// Permitted: 1 to 64 characters that are printable. Rejected: nothing, control characters, a backslash.
    pub fn builder(app_id: impl Into<String>) -> AuditConfigBuilder {
        AuditConfigBuilder {
            app_id: app_id.into(),
            hostname: None,
            principal: PrincipalPrivacy::default(),
            client_ip: IpPrivacy::default(),
            levels: Vec::new(),
        }
    }

    /// Returns the name of the service.
    #[must_use]
    pub fn app_id(&self) -> &str {
        &self.0.app_id
    }

    /// Returns the name of the host.
    #[must_use]
    pub fn hostname(&self) -> Option<&str> {
        self.0.hostname.as_deref()
    }

    /// Returns how the user and the address of the client are written: `plain`, `truncated` or `pseudonym`.
    #[must_use]
    pub fn privacy(&self) -> [&'static str; 2] {
        self.0.privacy.names()
    }

    /// Replaces what this configuration keeps to itself, and sets the level of the event. A [`QueueSink`](super::QueueSink) does it
    /// to every event before its exporter sees it.
    pub fn redact(&self, event: &mut OwnedEvent) {
        event.set_level(self.level_of(event.name(), event.level()));
        self.0.privacy.apply(event);
    }

    /// The level that events of this name have here.
    pub(super) fn level_of(&self, name: EventName, level: Level) -> Level {
        let levels = &self.0.levels;
        let own = levels.iter().rev().find(|(of, _)| *of == name);
        own.map_or(level, |(_, level)| *level)
    }
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self(Arc::new(Inner {
            app_id: "tower-security".to_owned(),
            hostname: None,
            privacy: Privacy::default(),
            levels: Vec::new(),
        }))
    }
}

/// Makes an [`AuditConfig`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct AuditConfigBuilder {
    app_id: String,
    hostname: Option<String>,
    principal: PrincipalPrivacy,
    client_ip: IpPrivacy,
    levels: Vec<(EventName, Level)>,
}

impl AuditConfigBuilder {
    /// Names the host in every line. By default no line names it.
    pub fn hostname(mut self, name: impl Into<String>) -> Self {
        self.hostname = Some(name.into());
        self
    }

    /// Sets how users stand in the log. By default as the subject that the service knows.
    pub fn principal(mut self, principal: PrincipalPrivacy) -> Self {
        self.principal = principal;
        self
    }

    /// Sets how addresses stand in the log. By default whole.
    pub fn client_ip(mut self, ip: IpPrivacy) -> Self {
        self.client_ip = ip;
        self
    }

    /// Gives events of a name another level than the layers do. The last call for a name counts.
    ///
    /// The OWASP vocabulary calls each `authz_fail` critical; the layers say `warn`, and leave the alarm to the
    /// [`AnomalyDetector`](super::AnomalyDetector).
    pub fn level(mut self, name: EventName, level: Level) -> Self {
        self.levels.push((name, level));
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// All mistakes together, each an [`AuditConfigError`].
    pub fn build(self) -> Result<AuditConfig, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        if !is_printable(&self.app_id, MAX_APP_ID) {
            let id = shown(&self.app_id);
            mistakes.push("audit.app_id", AuditConfigError::AppId { id });
        }
        if let Some(name) = &self.hostname
            && !is_printable(name, MAX_HOSTNAME)
        {
            let name = shown(name);
            mistakes.push("audit.hostname", AuditConfigError::Hostname { name });
        }
        let privacy = Privacy {
            principal: self.principal,
            ip: self.client_ip,
        };
        mistakes.finish(()).map(|()| {
            AuditConfig(Arc::new(Inner {
                app_id: self.app_id,
                hostname: self.hostname,
                privacy,
                levels: self.levels,
            }))
        })
    }
}

/// Whether a text stands in every format as it is. The cleaner is the judge of that.
fn is_printable(text: &str, most: usize) -> bool {
    let is_long = text.chars().count() > most;
    !text.trim().is_empty() && !is_long && clean(text, usize::MAX) == text
}

fn shown(text: &str) -> String {
    cap::start_of(text, MAX_APP_ID).to_owned()
}
