//! The classes of the Open Cybersecurity Schema Framework.

use super::json::Json;
use super::timestamp::millis;
use super::{AuditConfig, OwnedEvent};
use crate::audit::AuditClient;
use crate::core::{EventName, Level, Outcome};

const VERSION: &str = "1.3.0";
const PRODUCT: &str = "tower-security";
/// What stands where an attribute is required and nothing is known.
const UNKNOWN: &str = "Unknown";

/// The class of an event, which says what attributes it has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    AccountChange,
    ApiActivity,
    ApplicationLifecycle,
    Authentication,
    DetectionFinding,
}

impl Class {
    const fn uid(self) -> u64 {
        match self {
            Self::DetectionFinding => 2004,
            Self::AccountChange => 3001,
            Self::Authentication => 3002,
            Self::ApplicationLifecycle => 6002,
            Self::ApiActivity => 6003,
        }
    }

    const fn category(self) -> u64 {
        self.uid() / 1_000
    }
}

/// An activity that the class has no number for: its name is told.
const OTHER: u64 = 99;

#[expect(
    clippy::too_many_lines,
    reason = "one attribute a line, in the order of their names"
)]
pub(super) fn write(json: &mut Json<'_>, event: &OwnedEvent, config: &AuditConfig) {
    let (class, activity) = class(event);
    let is = |other: Class| class == other;
    let has_caller = is(Class::AccountChange) || is(Class::Authentication);
    json.number("activity_id", activity);
    if activity == OTHER {
        json.word("activity_name", event.name().as_str());
    }
    if is(Class::ApiActivity) || is(Class::AccountChange) {
        json.nested("actor", |json| {
            json.nested("user", |json| user(json, event))
        });
    }
    if is(Class::ApiActivity) {
        let operation = event.route().or_else(|| event.path());
        json.nested("api", |json| {
            json.text("operation", operation.unwrap_or_else(|| event.layer()));
            json.nested("service", |json| json.text("name", config.app_id()));
        });
    }
    if is(Class::ApplicationLifecycle) {
        json.nested("app", |json| {
            json.text("name", config.app_id());
            json.word("vendor_name", UNKNOWN);
        });
    }
    json.number("category_uid", class.category());
    json.number("class_uid", class.uid());
    if is(Class::DetectionFinding) {
        json.only("evidences", |json| {
            json.nested("actor", |json| {
                json.nested("user", |json| user(json, event))
            });
            http_request(json, event);
            json.nested("src_endpoint", |json| source(json, event));
        });
        json.nested("finding_info", |json| {
            json.word("title", event.name().description());
            let time = millis(event.time()).to_string();
            let request = event.request_id().unwrap_or("-");
            let parts = [event.code(), ":", &time, ":", request];
            json.joined("uid", &parts);
        });
    }
    if is(Class::ApiActivity) || has_caller {
        http_request(json, event);
    }
    json.word("message", event.name().description());
    json.nested("metadata", |json| {
        json.maybe("correlation_uid", event.request_id());
        json.word("event_code", event.name().as_str());
        json.nested("product", |json| {
            json.word("name", PRODUCT);
            json.word("vendor_name", PRODUCT);
            json.word("version", env!("CARGO_PKG_VERSION"));
        });
        json.word("version", VERSION);
    });
    if let Some(target) = event.target()
        && (is(Class::ApiActivity) || is(Class::DetectionFinding))
    {
        json.only("resources", |json| json.text("uid", target));
    }
    if is(Class::Authentication) {
        json.nested("service", |json| json.text("name", config.app_id()));
    }
    json.number("severity_id", severity(event.level()));
    if is(Class::ApiActivity) || has_caller {
        json.nested("src_endpoint", |json| source(json, event));
    }
    json.text("status_code", event.code());
    json.maybe("status_detail", event.detail());
    json.number("status_id", status(class, event.outcome()));
    json.number("time", millis(event.time()));
    json.number("type_uid", class.uid() * 100 + activity);
    json.nested("unmapped", |json| {
        json.text("app_id", config.app_id());
        json.maybe("hostname", config.hostname());
        json.text("layer", event.layer());
        json.word("outcome", event.outcome().as_str());
        json.maybe("route", event.route());
        json.maybe("rule", event.rule());
        json.maybe("target", event.target());
        json.maybe("tenant", event.tenant());
    });
    if has_caller {
        json.nested("user", |json| user(json, event));
    }
}

/// An attempt to log in has no principal: whom it was for is the target.
fn user(json: &mut Json<'_>, event: &OwnedEvent) {
    let is_login = matches!(class(event).0, Class::Authentication);
    let target = event.target().filter(|_| is_login);
    match event.principal().or(target) {
        Some(uid) => json.text("uid", uid),
        None => json.word("name", UNKNOWN),
    }
}

fn source(json: &mut Json<'_>, event: &OwnedEvent) {
    match event.client() {
        Some(ip @ AuditClient::Ip(_)) => json.client("ip", ip),
        #[cfg(feature = "vault")]
        Some(pseudonym @ AuditClient::Pseudonym(_)) => json.client("uid", pseudonym),
        None => json.word("name", UNKNOWN),
    }
}

fn http_request(json: &mut Json<'_>, event: &OwnedEvent) {
    let Some(method) = event.method() else {
        return;
    };
    json.nested("http_request", |json| {
        json.text("http_method", method);
        json.maybe("uid", event.request_id());
        if let Some(path) = event.path() {
            json.nested("url", |json| json.text("path", path));
        }
        json.maybe("user_agent", event.user_agent());
    });
}

const fn severity(level: Level) -> u64 {
    match level {
        Level::Info => 1,
        Level::Warn => 3,
        Level::Error => 4,
        Level::Critical => 5,
    }
}

const fn status(class: Class, outcome: Outcome) -> u64 {
    const SUCCESS_OR_NEW: u64 = 1;
    const FAILURE: u64 = 2;
    match (class, outcome) {
        // Of a finding it is the state of the work on it.
        (Class::DetectionFinding, _) | (_, Outcome::Success | Outcome::WouldRefuse) => {
            SUCCESS_OR_NEW
        }
        (_, Outcome::Refused | Outcome::Fault) => FAILURE,
    }
}

/// The class, and its number of what was done.
fn class(event: &OwnedEvent) -> (Class, u64) {
    if event.is_finding() {
        return (Class::DetectionFinding, 1);
    }
    match event.name() {
        EventName::AuthnLoginSuccess
        | EventName::AuthnLoginSuccessAfterFail
        | EventName::AuthnLoginFail
        | EventName::AuthnLoginFailMax
        | EventName::SessionCreated => (Class::Authentication, 1),
        EventName::SessionExpired | EventName::SessionLogout => (Class::Authentication, 2),
        EventName::AuthnTokenCreated
        | EventName::AuthnTokenRevoked
        | EventName::AuthnTokenDelete
        | EventName::ExcessSessionsExceeded
        | EventName::SessionRenewed => (Class::Authentication, OTHER),
        EventName::UserCreated => (Class::AccountChange, 1),
        EventName::AuthnPasswordChange | EventName::AuthnPasswordChangeFail => {
            (Class::AccountChange, 3)
        }
        EventName::UserArchived => (Class::AccountChange, 5),
        EventName::UserDeleted => (Class::AccountChange, 6),
        EventName::AuthnLoginLock => (Class::AccountChange, 9),
        EventName::AuthzChange | EventName::UserUpdated => (Class::AccountChange, OTHER),
        EventName::AuthnImpossibleTravel
        | EventName::AuthnTokenReuse
        | EventName::MaliciousAttackTool
        | EventName::MaliciousCors
        | EventName::MaliciousCspViolation
        | EventName::MaliciousCsrf
        | EventName::MaliciousDirectReference
        | EventName::MaliciousExcess404
        | EventName::MaliciousExtraneous
        | EventName::MaliciousSqli
        | EventName::SequenceFail
        | EventName::SessionUseAfterExpire => (Class::DetectionFinding, 1),
        EventName::SysStartup => (Class::ApplicationLifecycle, 3),
        EventName::SysShutdown => (Class::ApplicationLifecycle, 4),
        EventName::SysRestart
        | EventName::SysCrash
        | EventName::SysMonitorDisabled
        | EventName::SysMonitorEnabled => (Class::ApplicationLifecycle, OTHER),
        EventName::SensitiveCreate | EventName::UploadComplete | EventName::UploadStored => {
            (Class::ApiActivity, 1)
        }
        EventName::SensitiveRead => (Class::ApiActivity, 2),
        EventName::PrivilegePermissionsChanged | EventName::SensitiveUpdate => {
            (Class::ApiActivity, 3)
        }
        EventName::SensitiveDelete | EventName::UploadDelete => (Class::ApiActivity, 4),
        EventName::AuthzAdmin
        | EventName::AuthzFail
        | EventName::CryptDecryptFail
        | EventName::CryptEncryptFail
        | EventName::ExcessRateLimitExceeded
        | EventName::InputValidationDiscreteFail
        | EventName::InputValidationFail
        | EventName::UploadValidation => by_method(event),
    }
}

fn by_method(event: &OwnedEvent) -> (Class, u64) {
    let activity = match event.method() {
        Some("POST") => 1,
        Some("GET" | "HEAD") => 2,
        Some("PUT" | "PATCH") => 3,
        Some("DELETE") => 4,
        // Other methods say nothing of what they do.
        _ => OTHER,
    };
    (Class::ApiActivity, activity)
}
