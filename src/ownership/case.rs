//! One question and its answer: how it is noted, told and given, whoever asks.

use std::sync::LazyLock;

use http::request::Parts;
use http::{Extensions, StatusCode};

use super::authz::Kept;
use super::decision::{Decision, StepUp};
use super::extract::ExtractError;
use super::request::Action;
use crate::core::{
    AbuseKind, AuthzLedger, ChallengeFailure, Challenges, CleanText, EventName, Events,
    LedgerEntry, Level, Outcome, PreparedBody, Principal, Rejection, SecurityEvent, Shared,
    is_scope_token,
};

/// The longest text of an id in an event, in bytes.
const TARGET_CAP: usize = 64;

/// Why a request was refused: an extension of the response. The client sees its [`code`](Self::code) and status alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OwnershipRefusal {
    /// 404: there is no such object.
    Absent,
    /// 404: the object is named twice, or in a way that programs read differently.
    Ambiguous,
    /// 404: it is somebody else's.
    Denied,
    /// 403 `forbidden`: it is somebody else's, and the rule says so.
    Forbidden,
    /// 404: what names the object is no id.
    Malformed,
    /// 404: nothing names an object.
    Missing,
    /// 500: no rule is there for the route, though one was written for the end of it, by somebody who did not know where it is mounted.
    Nested,
    /// 404: the path can be read in more than one way.
    NotCanonical,
    /// 401 `recent_authentication` or `stronger_authentication`.
    StepUp(StepUp),
    /// 401 `authentication_required`: nobody is logged in, or not any more.
    Unauthenticated,
    /// 503 `authorization_unavailable`: nobody can tell.
    Unavailable,
    /// 404: no action is known for the method.
    UnmappedMethod,
    /// 404: no rule is there for the route.
    Unmatched,
}

impl OwnershipRefusal {
    /// What refuses; `None` if the decision allows.
    pub(crate) const fn of(decision: Decision, is_revealed: bool) -> Option<Self> {
        Some(match decision {
            Decision::Allow | Decision::AllowAsAdmin => return None,
            Decision::Deny if is_revealed => Self::Forbidden,
            Decision::Deny => Self::Denied,
            Decision::NotFound => Self::Absent,
            Decision::StepUp(step_up) => Self::StepUp(step_up),
            Decision::Unavailable => Self::Unavailable,
        })
    }

    /// Returns the stable code that clients see.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Absent
            | Self::Ambiguous
            | Self::Denied
            | Self::Malformed
            | Self::Missing
            | Self::NotCanonical
            | Self::UnmappedMethod
            | Self::Unmatched => "not_found",
            Self::Forbidden => "forbidden",
            Self::StepUp(step_up) if is_about_age(step_up) => "recent_authentication",
            Self::Nested => "ownership_rule_nested",
            Self::StepUp(_) => "stronger_authentication",
            Self::Unauthenticated => "authentication_required",
            Self::Unavailable => "authorization_unavailable",
        }
    }

    /// Returns the code that events have, which tells apart what clients must not.
    #[must_use]
    pub const fn event_code(self) -> &'static str {
        match self {
            Self::Absent => "object_absent",
            Self::Ambiguous => "reference_ambiguous",
            Self::Denied | Self::Forbidden => "object_denied",
            Self::Malformed => "reference_malformed",
            Self::Missing => "reference_missing",
            Self::NotCanonical => "path_not_canonical",
            Self::Unavailable => "policy_unavailable",
            Self::UnmappedMethod => "method_unmapped",
            Self::Unmatched => "no_rule",
            Self::Nested | Self::StepUp(_) | Self::Unauthenticated => self.code(),
        }
    }

    /// Returns the status over HTTP.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Nested => StatusCode::INTERNAL_SERVER_ERROR,
            Self::StepUp(_) | Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Absent
            | Self::Ambiguous
            | Self::Denied
            | Self::Malformed
            | Self::Missing
            | Self::NotCanonical
            | Self::UnmappedMethod
            | Self::Unmatched => StatusCode::NOT_FOUND,
        }
    }

    /// Whether the answer must not say if there is such an object.
    pub(crate) const fn hides(self) -> bool {
        matches!(self, Self::Absent | Self::Denied)
    }

    const fn event(self) -> (EventName, Level) {
        match self {
            Self::Ambiguous => (EventName::MaliciousDirectReference, Level::Critical),
            Self::Nested => (EventName::SysCrash, Level::Error),
            Self::StepUp(_) => (EventName::AuthzFail, Level::Info),
            Self::Unauthenticated => (EventName::AuthnLoginFail, Level::Info),
            Self::Unavailable => (EventName::AuthzFail, Level::Error),
            Self::Absent
            | Self::Denied
            | Self::Forbidden
            | Self::Malformed
            | Self::Missing
            | Self::NotCanonical
            | Self::UnmappedMethod
            | Self::Unmatched => (EventName::AuthzFail, Level::Warn),
        }
    }

    fn plain_rejection(self) -> Rejection {
        let title = match self.status() {
            StatusCode::NOT_FOUND => return Rejection::not_found(),
            StatusCode::FORBIDDEN => "This is not allowed",
            StatusCode::SERVICE_UNAVAILABLE => "This cannot be authorized at present",
            StatusCode::INTERNAL_SERVER_ERROR => "This request could not be authorized",
            _ => match self {
                Self::StepUp(step_up) if is_about_age(step_up) => {
                    "A more recent authentication is required"
                }
                Self::StepUp(_) => "A stronger authentication is required",
                _ => "Authentication is required",
            },
        };
        Rejection::new(self.status(), self.code(), title)
    }

    /// With the body written once. All that are 404 are the same bytes.
    fn prepared_rejection(self) -> Rejection {
        static NOT_FOUND: LazyLock<PreparedBody> =
            LazyLock::new(|| OwnershipRefusal::Absent.plain_rejection().prepare());
        let rejection = self.plain_rejection();
        if self.status() == StatusCode::NOT_FOUND {
            // The same for all that are 404: were the absent no sign of abuse, a ban would tell them apart.
            return rejection
                .prepared(PreparedBody::clone(&NOT_FOUND))
                .abuse(AbuseKind::OwnershipRefused);
        }
        match self {
            Self::Forbidden => rejection.abuse(AbuseKind::OwnershipRefused),
            _ => rejection,
        }
    }
}

impl From<ExtractError> for OwnershipRefusal {
    fn from(error: ExtractError) -> Self {
        match error {
            ExtractError::Ambiguous => Self::Ambiguous,
            ExtractError::Malformed => Self::Malformed,
            ExtractError::Missing => Self::Missing,
        }
    }
}

/// Where both are asked for, a login of the right kind is a recent one too.
const fn is_about_age(step_up: StepUp) -> bool {
    step_up.acr_value().is_none() && step_up.age().is_some()
}

/// One question, asked by a layer, an extractor or a handler: [`settle`](Self::settle) carries its answer out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case<'a> {
    pub(crate) scene: Scene<'a>,
    pub(crate) events: &'a Events,
    /// What the rule is called.
    pub(crate) rule: Option<&'a str>,
    pub(crate) action: Option<Action>,
    pub(crate) id: Option<&'a str>,
    pub(crate) manner: Manner,
}

/// How a rule answers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    /// A denial is 403, not the 404 of what is absent.
    pub(crate) reveals: bool,
    /// An event tells of what was allowed too.
    pub(crate) records_grants: bool,
}

/// What is known of the request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scene<'a> {
    /// Its head.
    Head(&'a Parts),
    /// What was kept of it for a handler.
    Kept(&'a Kept),
}

impl Case<'_> {
    /// Writes the decision down, tells of it, and makes the answer if it refuses.
    pub(crate) fn settle(
        &self,
        decision: Decision,
        ledger: Option<&AuthzLedger>,
    ) -> Result<(), Rejection> {
        if let Some(reason) = OwnershipRefusal::of(decision, self.manner.reveals) {
            return Err(self.refuse(reason, ledger));
        }
        record(ledger, LedgerEntry::Allow);
        self.tell_grant(decision);
        Ok(())
    }

    /// The answer to what is refused, noted and told.
    #[cold]
    pub(crate) fn refuse(
        &self,
        reason: OwnershipRefusal,
        ledger: Option<&AuthzLedger>,
    ) -> Rejection {
        self.note(reason, None, ledger);
        self.rejection(reason).reason(reason)
    }

    /// As [`refuse`](Self::refuse), since nobody can tell; the event says why.
    #[cfg(feature = "axum")]
    #[cold]
    pub(crate) fn refuse_for(&self, cause: &str, ledger: Option<&AuthzLedger>) -> Rejection {
        const REASON: OwnershipRefusal = OwnershipRefusal::Unavailable;
        record(ledger, LedgerEntry::Deny);
        let (name, level) = REASON.event();
        let (code, outcome) = (REASON.event_code(), outcome_of(REASON));
        self.tell_of(name, level, code, outcome, Some(cause));
        self.rejection(REASON).reason(REASON)
    }

    /// Writes the refusal down and tells of it.
    pub(crate) fn note(
        &self,
        reason: OwnershipRefusal,
        cause: Option<&str>,
        ledger: Option<&AuthzLedger>,
    ) {
        // Who is not logged in was denied nothing.
        if reason != OwnershipRefusal::Unauthenticated {
            record(ledger, LedgerEntry::Deny);
        }
        self.tell_refusal(reason, outcome_of(reason), cause);
    }

    /// Lets pass what would be refused, and says so: the layer only reports.
    #[cold]
    pub(crate) fn report(&self, reason: OwnershipRefusal, cause: Option<&str>) {
        self.tell_refusal(reason, Outcome::WouldRefuse, cause);
    }

    /// Tells of what was allowed, where that is due.
    pub(crate) fn tell_grant(&self, decision: Decision) {
        let (name, level, code) = match (decision, self.manner.records_grants) {
            (Decision::AllowAsAdmin, _) => (EventName::AuthzAdmin, Level::Warn, "admin_override"),
            (_, true) => {
                let name = match self.action {
                    Some(Action::Read) => EventName::SensitiveRead,
                    Some(Action::Create) => EventName::SensitiveCreate,
                    Some(Action::Delete) => EventName::SensitiveDelete,
                    Some(Action::Update | Action::Custom(_)) | None => EventName::SensitiveUpdate,
                };
                (name, Level::Info, "object_granted")
            }
            (_, false) => return,
        };
        self.tell_of(name, level, code, Outcome::Success, None);
    }

    fn tell_refusal(&self, reason: OwnershipRefusal, outcome: Outcome, cause: Option<&str>) {
        let (name, level) = reason.event();
        self.tell_of(name, level, reason.event_code(), outcome, cause);
    }

    fn tell_of(
        &self,
        name: EventName,
        level: Level,
        code: &'static str,
        outcome: Outcome,
        cause: Option<&str>,
    ) {
        self.events.emit(self.scene.shared(), name, level, || {
            let mut event = self
                .scene
                .describe(SecurityEvent::new(name, "ownership", code));
            event.outcome = outcome;
            event.target = self.id.map(|id| CleanText::new(id, TARGET_CAP));
            if let Some(rule) = self.rule {
                event = event.rule(rule);
            }
            match (self.action, cause) {
                (Some(action), Some(cause)) => {
                    event.own_detail(&format!("action={action} cause={cause}"))
                }
                (Some(action), None) => event.own_detail(&format!("action={action}")),
                (None, Some(cause)) => event.own_detail(&format!("cause={cause}")),
                (None, None) => event,
            }
        });
    }

    /// The answer alone.
    pub(crate) fn rejection(&self, reason: OwnershipRefusal) -> Rejection {
        let rejection = reason.prepared_rejection();
        let failure = match reason {
            OwnershipRefusal::Unauthenticated => {
                return rejection.challenges(self.scene.challenges().lines());
            }
            OwnershipRefusal::StepUp(step_up) => match (step_up.acr_value(), step_up.age()) {
                (None, Some(age)) => ChallengeFailure::RecentAuthentication(age),
                (acr, _) => ChallengeFailure::StrongerAuthentication(
                    // It is quoted as it is.
                    acr.filter(|acr| is_scope_token(acr)),
                ),
            },
            _ => return rejection,
        };
        let method = self.scene.principal().map(Principal::method);
        rejection.challenges(self.scene.challenges().failure_lines(method, failure))
    }
}

const fn outcome_of(reason: OwnershipRefusal) -> Outcome {
    match reason {
        OwnershipRefusal::Nested | OwnershipRefusal::Unavailable => Outcome::Fault,
        _ => Outcome::Refused,
    }
}

fn record(ledger: Option<&AuthzLedger>, entry: LedgerEntry) {
    if let Some(ledger) = ledger {
        ledger.record(entry);
    }
}

impl<'a> Scene<'a> {
    fn shared(self) -> Option<&'a Shared> {
        match self {
            Self::Head(head) => Shared::from_extensions(&head.extensions),
            Self::Kept(kept) => kept.shared(),
        }
    }

    fn challenges(self) -> &'a Challenges {
        match self {
            Self::Head(head) => Challenges::of(&head.extensions),
            Self::Kept(kept) => kept.challenges(),
        }
    }

    fn principal(self) -> Option<&'a Principal> {
        match self {
            Self::Head(head) => Principal::from_extensions(&head.extensions),
            Self::Kept(kept) => kept.principal(),
        }
    }

    fn describe(self, event: SecurityEvent<'a>) -> SecurityEvent<'a> {
        match self {
            Self::Head(head) => event.request(head),
            Self::Kept(kept) => kept.describe(event),
        }
    }
}

/// Who is asking, if that counts now.
pub(crate) fn caller<'a>(
    extensions: &'a Extensions,
    events: &Events,
) -> Result<&'a Principal, OwnershipRefusal> {
    let principal =
        Principal::from_extensions(extensions).ok_or(OwnershipRefusal::Unauthenticated)?;
    if principal.expires_at().is_some() {
        let now = events.now(Shared::from_extensions(extensions));
        if principal.is_expired(now) {
            return Err(OwnershipRefusal::Unauthenticated);
        }
    }
    Ok(principal)
}
