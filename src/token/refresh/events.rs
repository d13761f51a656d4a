//! What is told of tokens.

use std::borrow::Cow;
use std::time::Duration;

use super::error::RefreshError;
use super::family::{FamilyRecord, RevokeReason};
use crate::core::sampler::Sampler;
use crate::core::{EventContext, EventName, Events, Outcome, SecurityEvent};

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
    pub(super) fn issued(&self, request: &EventContext, row: &FamilyRecord, code: &'static str) {
        let what = (EventName::AuthnTokenCreated, LAYER, code);
        request.tell(&self.events, what, |event| of_family(event, row));
    }

    /// Tells of a family that has ended.
    pub(super) fn revoked(
        &self,
        request: &EventContext,
        (subject, session_id): (&str, &str),
        reason: RevokeReason,
    ) {
        let name = match reason {
            RevokeReason::Limit => EventName::ExcessSessionsExceeded,
            RevokeReason::Logout | RevokeReason::Reuse | RevokeReason::Subject => {
                EventName::AuthnTokenRevoked
            }
        };
        let what = (name, LAYER, "refresh_token_revoked");
        let (shared, level) = (request.shared(), name.default_level());
        self.events.emit(shared, name, level, || {
            request
                .event(what)
                .outcome(Outcome::Success)
                .principal(subject)
                .own_target(session_id)
                .rule(reason.as_str())
        });
    }

    /// Tells of a token that was used before, each time: by which client, and who used the family last.
    pub(super) fn stolen(
        &self,
        request: &EventContext,
        row: &FamilyRecord,
        rule: &'static str,
        by: Option<&str>,
    ) {
        let error = RefreshError::Reused;
        let (name, level) = error.event();
        self.events.emit(request.shared(), name, level, || {
            let event = request.event((name, LAYER, error.code())).rule(rule);
            let client = row.principal.client_id();
            // What a client says of itself comes last and in quotation marks: it looks like nothing else, and cuts nothing off.
            let detail = [
                row.address.map(|address| format!("last_ip={address}")),
                client.map(|client| format!("client={client}")),
                by.map(|by| format!("presented_by={by:?}")),
            ];
            let detail: Vec<_> = detail.into_iter().flatten().collect();
            of_family(event, row).own_detail(&detail.join(" "))
        });
    }

    /// Tells of a token that was refused, or of what failed.
    pub(super) fn refused(
        &self,
        request: &EventContext,
        row: Option<&FamilyRecord>,
        rule: &'static str,
        error: &RefreshError,
    ) {
        let (name, level) = error.event();
        let shared = request.shared();
        if !self.events.wants(shared, name, level) {
            return;
        }
        let (sampler, outcome) = match error {
            RefreshError::Clock | RefreshError::Randomness | RefreshError::Store(_) => {
                (&self.faults, Outcome::Fault)
            }
            RefreshError::Issue(_) | RefreshError::SubjectEmpty => (&self.refusals, Outcome::Fault),
            RefreshError::BindingFailed
            | RefreshError::Expired
            | RefreshError::Reused
            | RefreshError::Revoked
            | RefreshError::ScopeWidened
            | RefreshError::Unknown => (&self.refusals, Outcome::Refused),
        };
        let Some(suppressed) = sampler.admit(self.events.monotonic(shared)) else {
            return;
        };
        self.events.emit(shared, name, level, || {
            let event = request.event((name, LAYER, error.code()));
            let event = event.outcome(outcome).rule(rule);
            let event = match row {
                Some(row) => of_family(event, row),
                None => event,
            };
            let words: Option<Cow<'_, str>> = match error {
                RefreshError::Issue(error) => Some(format!("issue={}", error.code()).into()),
                RefreshError::Store(error) => Some(error.text().into()),
                // The rule says it all.
                _ => None,
            };
            match (words, suppressed) {
                (None, 0) => event,
                (words, 0) => event.own_detail(&words.unwrap_or_default()),
                (words, _) => {
                    let words = words.unwrap_or_default();
                    event.own_detail(format!("suppressed={suppressed} {words}").trim_end())
                }
            }
        });
    }
}

/// Whose family it is, and its public name.
fn of_family<'a>(event: SecurityEvent<'a>, row: &'a FamilyRecord) -> SecurityEvent<'a> {
    event
        .principal(row.principal.subject())
        .target(row.principal.session_id().unwrap_or_default())
}
