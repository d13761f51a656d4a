//! What is answered to who may not.

use std::sync::LazyLock;

use http::request::Parts;
use http::{Extensions, StatusCode};

use super::expression::{Term, Unmet};
use super::requirement::Requirement;
use crate::core::{
    AbuseKind, AuthMethod, AuthzLedger, ChallengeFailure, Challenges, EventName, Events,
    LedgerEntry, Level, Outcome, PreparedBody, Principal, Rejection, SecurityEvent, Shared,
};

/// Why a request was refused: an extension of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequireRefusal {
    /// 403 `forbidden`: the principal has not what a role, method or predicate asks for.
    Forbidden,
    /// 403 `insufficient_scope`.
    InsufficientScope,
    /// 404 `not_found`: the path can be read in more than one way.
    NotCanonical,
    /// 404 `not_found`: the path names somebody else.
    OtherSubject,
    /// 401 `authentication_required`: nobody is logged in, or not any more.
    Unauthenticated,
    /// 401 `recent_authentication`: the login was too long ago.
    RecentAuthentication,
    /// 401 `stronger_authentication`: another `acr`, or more factors.
    StrongerAuthentication,
    /// 403 `forbidden`: no rule is there for the route.
    Unmatched,
    /// 404 `not_found`: no rule is there for the route, and the table does not say so.
    UnmatchedHidden,
}

impl RequireRefusal {
    /// Of what is not met by the principal in these extensions.
    pub(super) fn of(unmet: Option<Unmet<'_>>, extensions: &Extensions) -> Self {
        let Some(Unmet(term)) = unmet else {
            return Self::Unauthenticated;
        };
        // A key is the same however its owner has logged in: whoever is asked to log in and sends it again would be asked for ever.
        let is_key = || {
            let principal = Principal::from_extensions(extensions);
            principal.is_some_and(|principal| principal.method() == AuthMethod::ApiKey)
        };
        match term {
            Term::AllScopes(_) | Term::AnyScope(_) => Self::InsufficientScope,
            Term::Acr(_) | Term::MaxAge(_) | Term::Mfa if is_key() => Self::Forbidden,
            Term::Acr(_) | Term::Mfa => Self::StrongerAuthentication,
            Term::MaxAge(_) => Self::RecentAuthentication,
            Term::SameSubject(_) => Self::OtherSubject,
            Term::AllRoles(_)
            | Term::AnyRole(_)
            | Term::Authenticated
            | Term::Method(_)
            | Term::Nobody
            | Term::Predicate(..)
            | Term::Public => Self::Forbidden,
        }
    }

    /// Returns the stable code that clients see.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Forbidden | Self::Unmatched => "forbidden",
            Self::InsufficientScope => "insufficient_scope",
            Self::NotCanonical | Self::OtherSubject | Self::UnmatchedHidden => "not_found",
            Self::Unauthenticated => "authentication_required",
            Self::RecentAuthentication => "recent_authentication",
            Self::StrongerAuthentication => "stronger_authentication",
        }
    }

    /// Returns the code that events have, which tells apart what clients must not.
    #[must_use]
    pub const fn event_code(self) -> &'static str {
        match self {
            Self::NotCanonical => "path_not_canonical",
            Self::OtherSubject => "other_subject",
            Self::Unmatched | Self::UnmatchedHidden => "no_rule",
            Self::Forbidden
            | Self::InsufficientScope
            | Self::Unauthenticated
            | Self::RecentAuthentication
            | Self::StrongerAuthentication => self.code(),
        }
    }

    /// Returns the status over HTTP.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Forbidden | Self::InsufficientScope | Self::Unmatched => StatusCode::FORBIDDEN,
            Self::NotCanonical | Self::OtherSubject | Self::UnmatchedHidden => {
                StatusCode::NOT_FOUND
            }
            Self::Unauthenticated | Self::RecentAuthentication | Self::StrongerAuthentication => {
                StatusCode::UNAUTHORIZED
            }
        }
    }

    const fn event(self) -> (EventName, Level) {
        match self {
            Self::Unauthenticated => (EventName::AuthnLoginFail, Level::Info),
            Self::RecentAuthentication | Self::StrongerAuthentication => {
                (EventName::AuthzFail, Level::Info)
            }
            Self::Forbidden
            | Self::InsufficientScope
            | Self::NotCanonical
            | Self::OtherSubject
            | Self::Unmatched
            | Self::UnmatchedHidden => (EventName::AuthzFail, Level::Warn),
        }
    }

    const fn abuse(self) -> Option<AbuseKind> {
        match self {
            Self::Forbidden
            | Self::InsufficientScope
            | Self::NotCanonical
            | Self::OtherSubject
            | Self::Unmatched => Some(AbuseKind::OwnershipRefused),
            // A page that is gone, or a wish of the browser's, is no attack; to be asked to log in is none either.
            Self::UnmatchedHidden
            | Self::Unauthenticated
            | Self::RecentAuthentication
            | Self::StrongerAuthentication => None,
        }
    }

    fn rejection(self) -> Rejection {
        match self.title() {
            Some(title) => Rejection::new(self.status(), self.code(), title),
            None => Rejection::not_found(),
        }
    }

    /// The body, which is always the same.
    fn body(self) -> PreparedBody {
        type Cell = LazyLock<PreparedBody>;
        static FORBIDDEN: Cell = Cell::new(|| RequireRefusal::Forbidden.rejection().prepare());
        static HIDDEN: Cell = Cell::new(|| RequireRefusal::OtherSubject.rejection().prepare());
        static SCOPE: Cell = Cell::new(|| RequireRefusal::InsufficientScope.rejection().prepare());
        static NOBODY: Cell = Cell::new(|| RequireRefusal::Unauthenticated.rejection().prepare());
        static RECENT: Cell =
            Cell::new(|| RequireRefusal::RecentAuthentication.rejection().prepare());
        static STRONGER: Cell =
            Cell::new(|| RequireRefusal::StrongerAuthentication.rejection().prepare());
        let body = match self {
            Self::Forbidden | Self::Unmatched => &FORBIDDEN,
            Self::InsufficientScope => &SCOPE,
            Self::NotCanonical | Self::OtherSubject | Self::UnmatchedHidden => &HIDDEN,
            Self::Unauthenticated => &NOBODY,
            Self::RecentAuthentication => &RECENT,
            Self::StrongerAuthentication => &STRONGER,
        };
        PreparedBody::clone(body)
    }

    /// `None` for what says nothing but that there is nothing.
    const fn title(self) -> Option<&'static str> {
        Some(match self {
            Self::NotCanonical | Self::OtherSubject | Self::UnmatchedHidden => return None,
            Self::Forbidden | Self::Unmatched => "This is not allowed",
            Self::InsufficientScope => "The access token lacks a required scope",
            Self::Unauthenticated => "Authentication is required",
            Self::RecentAuthentication => "A more recent authentication is required",
            Self::StrongerAuthentication => "A stronger authentication is required",
        })
    }
}

/// A request that may not, and by which rule.
#[derive(Clone, Copy)]
pub(super) struct Denial<'a> {
    pub(super) reason: RequireRefusal,
    pub(super) unmet: Option<Unmet<'a>>,
    pub(super) requirement: Option<&'a Requirement>,
    /// What the rule of a table is called.
    pub(super) rule: Option<&'a str>,
    /// No rule is there, whatever the answer says.
    pub(super) is_unmatched: bool,
}

impl<'a> Denial<'a> {
    /// Of a requirement that is not met.
    pub(super) fn of(
        requirement: &'a Requirement,
        unmet: Option<Unmet<'a>>,
        extensions: &Extensions,
    ) -> Self {
        Self {
            reason: RequireRefusal::of(unmet, extensions),
            unmet,
            requirement: Some(requirement),
            rule: None,
            is_unmatched: false,
        }
    }

    /// Of a request to which no requirement applies.
    pub(super) const fn without_rule(reason: RequireRefusal, is_unmatched: bool) -> Self {
        Self {
            reason,
            unmet: None,
            requirement: None,
            rule: None,
            is_unmatched,
        }
    }

    /// Writes it down. Who is not logged in was denied nothing.
    pub(super) fn note(&self, extensions: &Extensions) {
        if self.reason != RequireRefusal::Unauthenticated {
            AuthzLedger::note_in(extensions, LedgerEntry::Deny);
        }
    }

    /// The answer, without the reason in its extensions.
    pub(super) fn rejection(&self, extensions: &Extensions) -> Rejection {
        let challenges = Challenges::of(extensions);
        if self.reason == RequireRefusal::Unauthenticated {
            let rejection = challenges.authentication_required();
            return rejection.prepared(self.reason.body());
        }
        let mut rejection = self.reason.rejection().prepared(self.reason.body());
        if let Some(kind) = self.reason.abuse() {
            rejection = rejection.abuse(kind);
        }
        let failure = match (self.reason, self.unmet) {
            (
                RequireRefusal::InsufficientScope
                | RequireRefusal::RecentAuthentication
                | RequireRefusal::StrongerAuthentication,
                Some(Unmet(term)),
            ) => match term {
                Term::AllScopes(words) | Term::AnyScope(words) => {
                    ChallengeFailure::InsufficientScope(&words.joined)
                }
                Term::Acr(words) => ChallengeFailure::StrongerAuthentication(Some(&words.joined)),
                Term::MaxAge(age) => ChallengeFailure::RecentAuthentication(*age),
                // `mfa` alone is left.
                _ => ChallengeFailure::StrongerAuthentication(
                    self.requirement.and_then(Requirement::acr_values),
                ),
            },
            // What no login mends.
            _ => return rejection,
        };
        let method = Principal::from_extensions(extensions).map(Principal::method);
        rejection.challenges(challenges.failure_lines(method, failure))
    }

    /// Tells of it.
    pub(super) fn tell(&self, events: &Events, head: &Parts, outcome: Outcome) {
        let ((name, level), code) = if self.is_unmatched {
            let unmatched = RequireRefusal::Unmatched;
            (unmatched.event(), unmatched.event_code())
        } else {
            (self.reason.event(), self.reason.event_code())
        };
        let shared = Shared::from_extensions(&head.extensions);
        events.emit(shared, name, level, || {
            let mut event = SecurityEvent::new(name, "authorize", code)
                .request(head)
                .outcome(outcome);
            if let Some(Unmet(term)) = self.unmet {
                event = event.own_rule(&format!("{term:?}"));
            }
            match self.rule {
                Some(rule) => event.own_detail(&format!("of={rule}")),
                None => event,
            }
        });
    }
}
