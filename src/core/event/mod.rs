//! Security events: what happened, said in the words of the OWASP Logging Vocabulary, and where it goes.

mod clean_text;
#[cfg(any(feature = "opaque-tokens", feature = "password", feature = "vault"))]
mod context;
mod emit;
mod name;
#[cfg(test)]
mod tests;
#[cfg(feature = "tracing")]
mod tracing_sink;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use http::StatusCode;
use http::header::USER_AGENT;
use http::request::Parts;

pub use clean_text::CleanText;
#[cfg(any(feature = "opaque-tokens", feature = "password", feature = "vault"))]
pub(crate) use context::EventContext;
pub(crate) use emit::Events;
pub(crate) use emit::guarded;
pub use emit::sink_panics;
pub use name::{EventCategory, EventName};
#[cfg(feature = "tracing")]
pub use tracing_sink::TracingSink;

use super::text::cap;
use super::{ClientIp, Principal, RequestId, route};

/// How grave an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Level {
    /// Worth keeping.
    Info,
    /// Somebody should look when there are many.
    Warn,
    /// A protection or a part of the system failed.
    Error,
    /// Somebody should look now.
    Critical,
}

impl Level {
    /// Returns the level in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

/// What became of the request that an event tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// It was served.
    Success,
    /// It was refused.
    Refused,
    /// It would have been refused; the layer only reports ([`Mode::ReportOnly`](super::Mode::ReportOnly)).
    WouldRefuse,
    /// Something inside failed.
    Fault,
}

impl Outcome {
    /// Returns the outcome in snake case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Refused => "refused",
            Self::WouldRefuse => "would_refuse",
            Self::Fault => "fault",
        }
    }
}

/// One security event, flat and borrowed from the request that caused it.
///
/// Text that a client can choose is held as [`CleanText`]: capped in length and with every control and bidirectional character
/// escaped, so that no sink can be made to write a forged line (CWE-117). Tokens, cookies, passwords, query strings and bodies
/// never stand in an event.
///
/// # Example
///
/// ```
/// use tower_security::core::{EventName, SecurityEvent};
///
/// let event = SecurityEvent::new(EventName::UserDeleted, "my_service", "account_closed")
///     .target("7\r\nlevel=info forged line");
/// assert_eq!(event.target.as_deref(), Some("7\\u{d}\\u{a}level=info forged line"));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SecurityEvent<'a> {
    /// What happened.
    pub name: EventName,
    /// How grave it is.
    pub level: Level,
    /// What became of the request.
    pub outcome: Outcome,
    /// The layer or service that tells.
    pub layer: &'static str,
    /// The stable code of the reason; for a refusal the code that the client sees.
    pub code: &'static str,
    /// When it happened. Set when the event is recorded.
    pub time: SystemTime,
    /// The id of the request.
    pub request_id: Option<&'a RequestId>,
    /// Who called.
    pub client_ip: Option<IpAddr>,
    /// Who was logged in. At most 128 bytes.
    pub principal: Option<CleanText<'a>>,
    /// The tenant of the principal. At most 128 bytes.
    pub tenant: Option<CleanText<'a>>,
    /// The request's method. At most 32 bytes.
    pub method: Option<CleanText<'a>>,
    /// The template of the route, where the router says it. At most 256 bytes.
    pub route: Option<CleanText<'a>>,
    /// The path, where there is no route template. Never the query. At most 1,024 bytes.
    pub path: Option<CleanText<'a>>,
    /// The user agent. At most 256 bytes.
    pub user_agent: Option<CleanText<'a>>,
    /// The object asked for, or the keyed hash of an attempted account. At most 128 bytes.
    pub target: Option<CleanText<'a>>,
    /// The rule, policy or finer reason. At most 128 bytes.
    pub rule: Option<CleanText<'a>>,
    /// More, as `key=value`. At most 1,024 bytes.
    pub detail: Option<CleanText<'a>>,
}

impl<'a> SecurityEvent<'a> {
    /// Starts an event of the name's own level that tells of a refusal.
    #[must_use]
    pub fn new(name: EventName, layer: &'static str, code: &'static str) -> Self {
        Self {
            name,
            level: name.default_level(),
            outcome: Outcome::Refused,
            layer,
            code,
            time: SystemTime::UNIX_EPOCH,
            request_id: None,
            client_ip: None,
            principal: None,
            tenant: None,
            method: None,
            route: None,
            path: None,
            user_agent: None,
            target: None,
            rule: None,
            detail: None,
        }
    }

    /// Takes what a request says of itself: method, route or path, user agent and, where known, id, client and principal.
    #[must_use]
    pub fn request(mut self, head: &'a Parts) -> Self {
        self.method = Some(CleanText::new(head.method.as_str(), cap::METHOD));
        match route::template(&head.extensions) {
            Some(template) => self.route = Some(CleanText::new(template, cap::ROUTE)),
            None => self.path = Some(CleanText::new(head.uri.path(), cap::PATH)),
        }
        self.user_agent = head
            .headers
            .get(USER_AGENT)
            .map(|agent| CleanText::from_bytes(agent.as_bytes(), cap::USER_AGENT));
        self.request_id = RequestId::from_extensions(&head.extensions);
        self.client_ip = ClientIp::from_extensions(&head.extensions).map(|client| client.ip());
        if let Some(who) = Principal::from_extensions(&head.extensions) {
            self.principal = Some(CleanText::new(who.subject(), cap::PRINCIPAL));
            self.tenant = who
                .tenant()
                .map(|tenant| CleanText::new(tenant, cap::PRINCIPAL));
        }
        self
    }

    /// Sets the level.
    #[must_use]
    pub fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Sets the outcome.
    #[must_use]
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// Sets the address of the client.
    #[must_use]
    pub fn client_ip(mut self, ip: IpAddr) -> Self {
        self.client_ip = Some(ip);
        self
    }

    /// Sets who was logged in, or tried to.
    #[must_use]
    pub fn principal(mut self, subject: &'a str) -> Self {
        self.principal = Some(CleanText::new(subject, cap::PRINCIPAL));
        self
    }

    /// Sets the object asked for. Never a secret.
    #[must_use]
    pub fn target(mut self, target: &'a str) -> Self {
        self.target = Some(CleanText::new(target, cap::TARGET));
        self
    }

    /// Sets the rule, policy or finer reason.
    #[must_use]
    pub fn rule(mut self, rule: &'a str) -> Self {
        self.rule = Some(CleanText::new(rule, cap::RULE));
        self
    }

    /// Sets further `key=value` text. Never a secret.
    #[must_use]
    pub fn detail(mut self, detail: &'a str) -> Self {
        self.detail = Some(CleanText::new(detail, cap::DETAIL));
        self
    }

    /// As [`rule`](Self::rule), of a text that is made for the event.
    pub(crate) fn own_rule(mut self, rule: &str) -> Self {
        self.rule = Some(CleanText::new(rule, cap::RULE).into_owned());
        self
    }

    /// As [`target`](Self::target), of a text that is made for the event.
    pub(crate) fn own_target(mut self, target: &str) -> Self {
        self.target = Some(CleanText::new(target, cap::TARGET).into_owned());
        self
    }

    /// As [`detail`](Self::detail), of a text that is made for the event.
    pub(crate) fn own_detail(mut self, detail: &str) -> Self {
        self.detail = Some(CleanText::new(detail, cap::DETAIL).into_owned());
        self
    }

    /// Sets further text that was cleaned and capped already.
    #[must_use]
    pub fn clean_detail(mut self, detail: CleanText<'a>) -> Self {
        self.detail = Some(detail);
        self
    }
}

/// Where security events go.
///
/// `record` is called inside a request: it must not block. A panic in it is caught and counted by [`sink_panics`].
///
/// Closures over `&SecurityEvent<'_>` are sinks, and so is a `Vec` of sinks.
///
/// # Example
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use tower_security::core::SecurityEvent;
/// use tower_security::cors::CorsLayer;
///
/// let seen = Arc::new(Mutex::new(Vec::new()));
/// let log = Arc::clone(&seen);
/// let layer = CorsLayer::builder()
///     .origins(["https://app.example.com"])
///     .events(move |event: &SecurityEvent<'_>| {
///         if let Ok(mut seen) = log.lock() {
///             seen.push((event.name, event.code));
///         }
///     })
///     .build()?;
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait EventSink: Send + Sync + 'static {
    /// Takes one event. Must not block.
    fn record(&self, event: &SecurityEvent<'_>);

    /// Whether an event of this name and level is wanted; one that is not is never made.
    fn wants(&self, name: EventName, level: Level) -> bool {
        let _ = (name, level);
        true
    }

    /// Hears of the status of an answer that is no event by itself. Feeds rules that count, such as many 404s of one client.
    fn status(&self, ip: Option<IpAddr>, status: StatusCode) {
        let _ = (ip, status);
    }
}

impl<F> EventSink for F
where
    F: Fn(&SecurityEvent<'_>) + Send + Sync + 'static,
{
    fn record(&self, event: &SecurityEvent<'_>) {
        self(event);
    }
}

impl EventSink for Arc<dyn EventSink> {
    fn record(&self, event: &SecurityEvent<'_>) {
        (**self).record(event);
    }

    fn wants(&self, name: EventName, level: Level) -> bool {
        (**self).wants(name, level)
    }

    fn status(&self, ip: Option<IpAddr>, status: StatusCode) {
        (**self).status(ip, status);
    }
}

impl EventSink for Vec<Arc<dyn EventSink>> {
    fn record(&self, event: &SecurityEvent<'_>) {
        for sink in self {
            // One that panics does not keep the event from those behind it.
            guarded(|| {
                if sink.wants(event.name, event.level) {
                    sink.record(event);
                }
            });
        }
    }

    fn wants(&self, name: EventName, level: Level) -> bool {
        let wants = |sink: &Arc<dyn EventSink>| guarded(|| sink.wants(name, level));
        self.iter().any(|sink| wants(sink).unwrap_or(false))
    }

    fn status(&self, ip: Option<IpAddr>, status: StatusCode) {
        for sink in self {
            guarded(|| sink.status(ip, status));
        }
    }
}

/// Wants no event.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct NoopSink;

impl NoopSink {
    /// Makes the sink.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl EventSink for NoopSink {
    fn record(&self, _: &SecurityEvent<'_>) {}

    fn wants(&self, _: EventName, _: Level) -> bool {
        false
    }
}

impl fmt::Debug for dyn EventSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<dyn EventSink>")
    }
}
