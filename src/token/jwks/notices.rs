//! What operators are told.

use super::config::Settings;
use super::error::FetchError;
use super::judge::Held;
use crate::core::{EventName, Level, Outcome, SecurityEvent};
use crate::token::jws::JwkError;

/// The layer that events name.
const LAYER: &str = "jwks";

fn event<'a>(settings: &Settings, name: EventName, code: &'static str) -> SecurityEvent<'a> {
    // The host alone: the rest may hold a tenant.
    let host = settings.url.host().unwrap_or_default();
    SecurityEvent::new(name, LAYER, code)
        .outcome(Outcome::Fault)
        .own_target(host)
}

/// Keys were not fetched, or not taken. Those that are there serve on, if there are any.
pub(super) fn failed(settings: &Settings, error: &FetchError, has_keys: bool) {
    let name = EventName::SysMonitorDisabled;
    let level = if has_keys { Level::Warn } else { Level::Error };
    settings.events.emit(None, name, level, || {
        event(settings, name, "key_set_unavailable")
            .rule(error.kind().as_str())
            .clean_detail(error.text().clone())
    });
}

/// Keys were fetched.
pub(super) fn fetched(settings: &Settings, held: &Held, had: Option<&Held>, failures: u32) {
    if failures > 0 {
        let name = EventName::SysMonitorEnabled;
        settings.events.emit(None, name, Level::Info, || {
            event(settings, name, "key_set_available")
                .outcome(Outcome::Success)
                .own_detail(&format!("failures={failures}"))
        });
    }
    // Told when it is new, not every few minutes.
    let generation = had.map(|had| had.snapshot.generation());
    if generation == Some(held.snapshot.generation()) {
        return;
    }
    for key in held.snapshot.set().rejected() {
        let name = EventName::InputValidationFail;
        let level = level_of(key.error());
        settings.events.emit(None, name, level, || {
            let kid = key.kid().unwrap_or_default();
            let index = key.index();
            event(settings, name, "key_refused")
                .rule(key.error().code())
                .own_detail(&format!("index={index} kid={kid}"))
        });
    }
}

fn level_of(error: &JwkError) -> Level {
    match error {
        // Whoever has read the set can sign with it.
        JwkError::PrivateKey | JwkError::SecretPublished => Level::Error,
        // Keys for encryption stand in many sets.
        JwkError::NotForVerifying => Level::Info,
        // The rest is broken, weak or unknown: tokens that it signs will be refused.
        _ => Level::Warn,
    }
}
