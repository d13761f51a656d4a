//! The fields of the Elastic Common Schema.

use super::json::Json;
use super::{AuditConfig, OwnedEvent};
use crate::core::{EventCategory, EventName, Outcome};

const VERSION: &str = "8.17.0";

pub(super) fn write(json: &mut Json<'_>, event: &OwnedEvent, config: &AuditConfig) {
    let kind = if event.is_finding() { "alert" } else { "event" };
    json.time("@timestamp", event.time());
    json.word("ecs.version", VERSION);
    json.word("event.action", event.name().as_str());
    json.list("event.category", &[category(event.name())]);
    json.word("event.kind", kind);
    json.word("event.outcome", outcome(event.outcome()));
    json.text("event.provider", event.layer());
    json.text("event.reason", event.code());
    json.list("event.type", types(event));
    json.maybe("host.hostname", config.hostname());
    json.maybe("http.request.id", event.request_id());
    json.maybe("http.request.method", event.method());
    json.maybe("labels.detail", event.detail());
    json.word("labels.outcome", event.outcome().as_str());
    json.maybe("labels.route", event.route());
    json.maybe("labels.target", event.target());
    json.word("log.level", event.level().as_str());
    json.word("message", event.name().description());
    json.maybe("organization.id", event.tenant());
    json.maybe("rule.name", event.rule());
    json.text("service.name", config.app_id());
    if let Some(client) = event.client() {
        json.client("source.address", client);
        if client.ip().is_some() {
            json.client("source.ip", client);
        }
    }
    json.maybe("trace.id", event.request_id());
    json.maybe("url.path", event.path());
    json.maybe("user.id", event.principal());
    json.maybe("user_agent.original", event.user_agent());
}

/// `success`, `failure` or `unknown` are all that there is: what was let pass succeeded.
const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success | Outcome::WouldRefuse => "success",
        Outcome::Refused | Outcome::Fault => "failure",
    }
}

/// One of the allowed values of `event.category`.
const fn category(name: EventName) -> &'static str {
    match name.category() {
        EventCategory::Authn => match name {
            EventName::AuthnPasswordChange | EventName::AuthnPasswordChangeFail => "iam",
            _ => "authentication",
        },
        EventCategory::Authz => match name {
            EventName::AuthzChange => "iam",
            _ => "api",
        },
        EventCategory::Crypt | EventCategory::Input | EventCategory::Sensitive => "api",
        EventCategory::Excess => match name {
            EventName::ExcessSessionsExceeded => "session",
            _ => "api",
        },
        EventCategory::Upload => "file",
        EventCategory::Malicious | EventCategory::Sequence => "intrusion_detection",
        EventCategory::Privilege | EventCategory::User => "iam",
        EventCategory::Session => "session",
        EventCategory::Sys => match name {
            EventName::SysMonitorDisabled | EventName::SysMonitorEnabled => "configuration",
            _ => "process",
        },
    }
}

/// The values of `event.type`, of those that the schema allows for the category.
fn types(event: &OwnedEvent) -> &'static [&'static str] {
    const IS_REFUSED: &[&str] = &["access", "denied"];
    match event.name() {
        EventName::AuthnLoginSuccess
        | EventName::AuthnLoginSuccessAfterFail
        | EventName::AuthnLoginFail
        | EventName::SessionCreated
        | EventName::SysStartup
        | EventName::SysRestart => &["start"],
        EventName::SessionLogout | EventName::SessionExpired | EventName::SysShutdown => &["end"],
        EventName::AuthnPasswordChange
        | EventName::AuthnPasswordChangeFail
        | EventName::UserUpdated
        | EventName::UserArchived => &["user", "change"],
        EventName::UserCreated => &["user", "creation"],
        EventName::UserDeleted => &["user", "deletion"],
        EventName::AuthzChange | EventName::PrivilegePermissionsChanged => &["admin", "change"],
        EventName::AuthzAdmin => &["admin", "allowed"],
        EventName::AuthzFail
        | EventName::ExcessRateLimitExceeded
        | EventName::InputValidationFail
        | EventName::InputValidationDiscreteFail => match event.outcome() {
            Outcome::Refused => IS_REFUSED,
            Outcome::Success | Outcome::WouldRefuse => &["access", "allowed"],
            Outcome::Fault => &["access", "info"],
        },
        EventName::SensitiveCreate | EventName::UploadComplete | EventName::UploadStored => {
            &["creation"]
        }
        EventName::SensitiveRead => &["access"],
        EventName::SensitiveUpdate
        | EventName::SysMonitorDisabled
        | EventName::SysMonitorEnabled => &["change"],
        EventName::SensitiveDelete | EventName::UploadDelete => &["deletion"],
        name if name.category() == EventCategory::Malicious => match event.outcome() {
            Outcome::Refused => &["denied"],
            Outcome::Success | Outcome::WouldRefuse => &["allowed"],
            Outcome::Fault => &["info"],
        },
        // Names that only say that something was so.
        _ => &["info"],
    }
}
