//! The default sink: the `tracing` ecosystem.

use super::{EventCategory, EventName, EventSink, Level, SecurityEvent};

/// Hands events to the `tracing` subscriber that is in force.
///
/// The message is always `security event`, all data stands in fields, and the target is `security::` and the category of the
/// name, such as `security::authn`. `Level::Critical` is an `ERROR` whose field `level` says `critical`.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct TracingSink;

impl TracingSink {
    /// Makes the sink.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

/// One call site for each target and level, as `tracing` wants both to be constants.
macro_rules! per_call_site {
    ($category:expr, $level:expr, $call:ident $arguments:tt) => {
        per_call_site!(@targets $category, $level, $call $arguments;
            Authn "security::authn", Authz "security::authz", Crypt "security::crypt", Excess "security::excess",
            Upload "security::upload", Input "security::input", Malicious "security::malicious",
            Privilege "security::privilege", Sensitive "security::sensitive", Sequence "security::sequence",
            Session "security::session", Sys "security::sys", User "security::user")
    };
    (@targets $category:expr, $level:expr, $call:ident $arguments:tt; $($variant:ident $target:literal),*) => {
        match $category {
            $( EventCategory::$variant => per_call_site!(@levels $target, $level, $call $arguments), )*
        }
    };
    (@levels $target:literal, $level:expr, $call:ident $arguments:tt) => {
        match $level {
            Level::Info => $call!($target, tracing::Level::INFO, $arguments),
            Level::Warn => $call!($target, tracing::Level::WARN, $arguments),
            Level::Error | Level::Critical => $call!($target, tracing::Level::ERROR, $arguments),
        }
    };
}

macro_rules! enabled {
    ($target:literal, $level:expr, ()) => {
        tracing::enabled!(target: $target, $level)
    };
}

macro_rules! record {
    ($target:literal, $level:expr, ($event:expr)) => {
        tracing::event!(
            target: $target,
            $level,
            event = $event.name.as_str(),
            level = $event.level.as_str(),
            outcome = $event.outcome.as_str(),
            layer = $event.layer,
            code = $event.code,
            request_id = $event.request_id.map(|id| id.as_str()),
            client_ip = $event.client_ip.map(tracing::field::display),
            principal = $event.principal.as_deref(),
            tenant = $event.tenant.as_deref(),
            method = $event.method.as_deref(),
            route = $event.route.as_deref(),
            path = $event.path.as_deref(),
            user_agent = $event.user_agent.as_deref(),
            target_id = $event.target.as_deref(),
            rule = $event.rule.as_deref(),
            detail = $event.detail.as_deref(),
            "security event"
        )
    };
}

impl EventSink for TracingSink {
    fn record(&self, event: &SecurityEvent<'_>) {
        record_event(event);
    }

    fn wants(&self, name: EventName, level: Level) -> bool {
        let severity = match level {
            Level::Info => tracing::Level::INFO,
            Level::Warn => tracing::Level::WARN,
            Level::Error | Level::Critical => tracing::Level::ERROR,
        };
        severity <= tracing::level_filters::LevelFilter::current() && is_enabled(name, level)
    }
}

fn record_event(event: &SecurityEvent<'_>) {
    per_call_site!(event.name.category(), event.level, record(event));
}

fn is_enabled(name: EventName, level: Level) -> bool {
    per_call_site!(name.category(), level, enabled())
}
