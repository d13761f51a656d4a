//! What is told of tokens.

use std::time::Duration;

use super::context::RefreshContext;
use super::error::RefreshError;
use super::family::{FamilyRecord, RevokeReason};
use crate::core::sampler::Sampler;
use crate::core::{EventName, Events, Outcome, SecurityEvent};

const LAYER: &str = "token";
const MINUTE: Duration = Duration::from_secs(60);

/// Where events go, and how many of them.
#[derive(Debug)]
pub(super) struct Teller {
    events: Events,
    refusals: Sampler,
    faults: Sampler,
}

impl Teller {
    pub(super) const fn new(events: Events) -> Self {
        Self {
            events,
            refusals: Sampler::of_refusals(),
            faults: Sampler::new(MINUTE),
        }
    }

    /// Tells of tokens that were issued.
    pub(super) fn issued(
        &self,
        context: &RefreshContext<'_>,
        row: &FamilyRecord,
        code: &'static str,
    ) {
        let name = EventName::AuthnTokenCreated;
        self.events
            .emit(context.shared(), name, name.default_level(), || {
                of_family(event(context, name, code), row).outcome(Outcome::Success)
            });
    }

    /// Tells of a family that has ended.
    pub(super) fn revoked(
        &self,
        context: &RefreshContext<'_>,
        (subject, session_id): (&str, &str),
        reason: RevokeReason,
    ) {
        let name = match reason {
            RevokeReason::Limit => EventName::ExcessSessionsExceeded,
            RevokeReason::Logout | RevokeReason::Reuse | RevokeReason::Subject => {
                EventName::AuthnTokenRevoked
            }
        };
        self.events
            .emit(context.shared(), name, name.default_level(), || {
                event(context, name, "refresh_token_revoked")
                    .outcome(Outcome::Success)
                    .principal(subject)
                    .own_target(session_id)
                    .rule(reason.as_str())
            });
    }

    /// Tells of a token that was refused, and of a family that may have been stolen each time.
    pub(super) fn refused(
        &self,
        context: &RefreshContext<'_>,
        row: Option<&FamilyRecord>,
        rule: &'static str,
        error: &RefreshError,
    ) {
        let (name, level) = error.event();
        let shared = context.shared();
        if !self.events.wants(shared, name, level) {
            return;
        }
        let (sampler, outcome) = match error {
            RefreshError::Clock | RefreshError::Randomness | RefreshError::Store(_) => {
                (Some(&self.faults), Outcome::Fault)
            }
            RefreshError::Issue(_) | RefreshError::SubjectEmpty => (None, Outcome::Fault),
            RefreshError::Reused => (None, Outcome::Refused),
            RefreshError::BindingFailed
            | RefreshError::Expired
            | RefreshError::Revoked
            | RefreshError::ScopeWidened
            | RefreshError::Unknown => (Some(&self.refusals), Outcome::Refused),
        };
        let now = || self.events.monotonic(shared);
        let Some(suppressed) = sampler.map_or(Some(0), |sampler| sampler.admit(now())) else {
            return;
        };
        self.events.emit(shared, name, level, || {
            let event = event(context, name, error.code())
                .outcome(outcome)
                .rule(rule);
            let detail = detail(context, row, error, suppressed);
            let event = match row {
                Some(row) => of_family(event, row),
                None => event,
            };
            if detail.is_empty() {
                event
            } else {
                event.own_detail(&detail)
            }
        });
    }
}

fn event<'a>(
    context: &RefreshContext<'a>,
    name: EventName,
    code: &'static str,
) -> SecurityEvent<'a> {
    let event = SecurityEvent::new(name, LAYER, code);
    let event = match context.head {
        Some(head) => event.request(head),
        None => event,
    };
    match context.client_ip {
        Some(address) => event.client_ip(address),
        None => event,
    }
}

/// Whose family it is, and its public name.
fn of_family<'a>(event: SecurityEvent<'a>, row: &'a FamilyRecord) -> SecurityEvent<'a> {
    event
        .principal(row.principal.subject())
        .own_target(&row.id.session_id())
}

fn detail(
    context: &RefreshContext<'_>,
    row: Option<&FamilyRecord>,
    error: &RefreshError,
    suppressed: u64,
) -> String {
    let mut parts = Vec::new();
    if let RefreshError::Store(error) = error {
        parts.push(error.text().to_owned());
    }
    if let RefreshError::Reused = error {
        let of_row = row.and_then(|row| row.principal.client_id());
        for (name, id) in [("client", of_row), ("presented_by", context.client_id)] {
            parts.extend(id.map(|id| format!("{name}={id}")));
        }
        let last = row.and_then(|row| row.address);
        parts.extend(last.map(|address| format!("last_ip={address}")));
    }
    if suppressed > 0 {
        parts.push(format!("suppressed={suppressed}"));
    }
    parts.join(" ")
}
