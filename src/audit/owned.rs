//! `OwnedEvent`: an event that has left its request.

use std::time::SystemTime;

use super::privacy::AuditClient;
use crate::core::text::cap::{self, start_of};
use crate::core::{EventName, Level, Outcome, SecurityEvent};

/// The longest request id, in bytes.
const REQUEST_ID: usize = 64;

/// The texts of an event, in the order in which they stand behind each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    RequestId,
    Principal,
    Tenant,
    Method,
    Route,
    Path,
    UserAgent,
    Target,
    Rule,
    Detail,
}

impl Field {
    const ALL: [Self; 10] = [
        Self::RequestId,
        Self::Principal,
        Self::Tenant,
        Self::Method,
        Self::Route,
        Self::Path,
        Self::UserAgent,
        Self::Target,
        Self::Rule,
        Self::Detail,
    ];

    /// Bytes at most. Whoever makes a `CleanText` chooses its length; what waits in a queue is bounded nevertheless.
    const fn cap(self) -> usize {
        match self {
            Self::RequestId => REQUEST_ID,
            Self::Principal | Self::Tenant => cap::PRINCIPAL,
            Self::Method => cap::METHOD,
            Self::Route => cap::ROUTE,
            Self::Path => cap::PATH,
            Self::UserAgent => cap::USER_AGENT,
            Self::Target => cap::TARGET,
            Self::Rule => cap::RULE,
            Self::Detail => cap::DETAIL,
        }
    }
}

/// A security event that belongs to itself: what a queue keeps and an exporter writes.
///
/// Its texts stand behind each other in one allocation of at most 3,168 bytes.
///
/// # Example
///
/// ```
/// use tower_security::audit::OwnedEvent;
/// use tower_security::core::{EventName, SecurityEvent};
///
/// let event = SecurityEvent::new(EventName::AuthzFail, "ownership", "object_denied").target("7\n");
/// let kept = OwnedEvent::from(&event);
/// assert_eq!(kept.target(), Some("7\\u{a}"));
/// assert_eq!(kept.principal(), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedEvent {
    name: EventName,
    level: Level,
    outcome: Outcome,
    layer: &'static str,
    code: &'static str,
    time: SystemTime,
    client: Option<AuditClient>,
    text: Box<str>,
    /// Where each text ends, in the order of `Field`.
    ends: [u16; Field::ALL.len()],
    /// A bit for each text that is there.
    present: u16,
}

impl From<&SecurityEvent<'_>> for OwnedEvent {
    fn from(event: &SecurityEvent<'_>) -> Self {
        let texts = [
            event.request_id.map(|id| id.as_str()),
            event.principal.as_deref(),
            event.tenant.as_deref(),
            event.method.as_deref(),
            event.route.as_deref(),
            event.path.as_deref(),
            event.user_agent.as_deref(),
            event.target.as_deref(),
            event.rule.as_deref(),
            event.detail.as_deref(),
        ];
        let packed = Packed::new(texts);
        Self {
            name: event.name,
            level: event.level,
            outcome: event.outcome,
            layer: event.layer,
            code: event.code,
            time: event.time,
            client: event.client_ip.map(AuditClient::Ip),
            text: packed.text,
            ends: packed.ends,
            present: packed.present,
        }
    }
}

struct Packed {
    text: Box<str>,
    ends: [u16; Field::ALL.len()],
    present: u16,
}

impl Packed {
    fn new(mut texts: [Option<&str>; Field::ALL.len()]) -> Self {
        for (text, field) in texts.iter_mut().zip(Field::ALL) {
            *text = text.map(|text| start_of(text, field.cap()));
        }
        let length = texts.iter().flatten().map(|text| text.len()).sum();
        let mut arena = String::with_capacity(length);
        let mut ends = [0; Field::ALL.len()];
        let mut present = 0;
        for (at, (text, end)) in texts.iter().zip(&mut ends).enumerate() {
            if let Some(text) = text {
                arena.push_str(text);
                present |= 1 << at;
            }
            // The caps add up to 3,168.
            *end = u16::try_from(arena.len()).unwrap_or(u16::MAX);
        }
        Self {
            text: arena.into_boxed_str(),
            ends,
            present,
        }
    }
}

impl OwnedEvent {
    /// Returns what happened.
    #[must_use]
    pub const fn name(&self) -> EventName {
        self.name
    }

    /// Returns how grave it is.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// Returns what became of the request.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Returns the layer or service that tells.
    #[must_use]
    pub const fn layer(&self) -> &'static str {
        self.layer
    }

    /// Returns the stable code of the reason.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// Returns when it happened.
    #[must_use]
    pub const fn time(&self) -> SystemTime {
        self.time
    }

    /// Returns who called, as far as the log tells.
    #[must_use]
    pub const fn client(&self) -> Option<AuditClient> {
        self.client
    }

    /// Returns the id of the request.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.text(Field::RequestId)
    }

    /// Returns who was logged in, or the pseudonym that stands for him.
    #[must_use]
    pub fn principal(&self) -> Option<&str> {
        self.text(Field::Principal)
    }

    /// Returns the tenant of the principal.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.text(Field::Tenant)
    }

    /// Returns the method of the request.
    #[must_use]
    pub fn method(&self) -> Option<&str> {
        self.text(Field::Method)
    }

    /// Returns the template of the route.
    #[must_use]
    pub fn route(&self) -> Option<&str> {
        self.text(Field::Route)
    }

    /// Returns the path, where there is no template.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        self.text(Field::Path)
    }

    /// Returns the user agent.
    #[must_use]
    pub fn user_agent(&self) -> Option<&str> {
        self.text(Field::UserAgent)
    }

    /// Returns the object asked for, or the keyed hash of an attempted account.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.text(Field::Target)
    }

    /// Returns the rule, policy or finer reason.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        self.text(Field::Rule)
    }

    /// Returns more, as `key=value`.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.text(Field::Detail)
    }

    /// Whether a detector has found it in many events, rather than a layer in one request.
    pub(super) fn is_finding(&self) -> bool {
        self.layer == super::anomaly::LAYER
    }

    fn text(&self, field: Field) -> Option<&str> {
        let at = field as usize;
        if self.present & (1 << at) == 0 {
            return None;
        }
        let before = at.checked_sub(1).and_then(|before| self.ends.get(before));
        let start = before.copied().unwrap_or_default();
        let end = self.ends.get(at).copied()?;
        self.text.get(usize::from(start)..usize::from(end))
    }

    pub(super) const fn set_level(&mut self, level: Level) {
        self.level = level;
    }

    pub(super) const fn set_client(&mut self, client: AuditClient) {
        self.client = Some(client);
    }

    /// Puts another text in the place of one.
    #[cfg(feature = "vault")]
    pub(super) fn replace(&mut self, field: Field, text: &str) {
        let mut texts = Field::ALL.map(|field| self.text(field));
        if let Some(place) = texts.get_mut(field as usize) {
            *place = Some(text);
        }
        let packed = Packed::new(texts);
        self.text = packed.text;
        self.ends = packed.ends;
        self.present = packed.present;
    }
}
