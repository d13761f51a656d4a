//! The fields of the OWASP Logging Vocabulary, and ours.

use super::json::Json;
use super::{AuditConfig, OwnedEvent};
use crate::core::Level;

pub(super) fn write(json: &mut Json<'_>, event: &OwnedEvent, config: &AuditConfig) {
    let principal = event.principal().unwrap_or_default();
    json.text("appid", config.app_id());
    json.text("code", event.code());
    json.time("datetime", event.time());
    json.word("description", event.name().description());
    json.maybe("detail", event.detail());
    let parts = [event.name().as_str(), ":", principal, ",", event.code()];
    json.joined("event", &parts);
    json.maybe("hostname", config.hostname());
    json.text("layer", event.layer());
    json.word("level", level(event.level()));
    json.word("outcome", event.outcome().as_str());
    json.maybe("principal", event.principal());
    json.maybe("request_id", event.request_id());
    json.maybe("request_method", event.method());
    json.maybe("request_uri", event.path().or_else(|| event.route()));
    json.maybe("rule", event.rule());
    if let Some(client) = event.client() {
        json.client("source_ip", client);
    }
    json.maybe("target", event.target());
    json.maybe("tenant", event.tenant());
    json.maybe("useragent", event.user_agent());
}

/// As the vocabulary spells them.
const fn level(level: Level) -> &'static str {
    match level {
        Level::Info => "INFO",
        Level::Warn => "WARN",
        Level::Error => "ERROR",
        Level::Critical => "CRITICAL",
    }
}
