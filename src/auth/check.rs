//! The decision, over the head of a request.

use http::header::AUTHORIZATION;
use http::request::Parts;

use super::authenticator::{Authenticator, Decision, PendingDecision, Presence};
use super::failure::{AuthFailure, AuthFailureKind};
use crate::core::field::Lines;
use crate::core::{AuthMethod, Principal};

/// One way to authenticate, as a layer holds it.
pub(super) struct Way {
    pub(super) authenticator: Box<dyn Authenticator>,
    /// `None`: a way of the user's own.
    pub(super) method: Option<AuthMethod>,
}

/// A request that goes on.
pub(super) struct Admission {
    /// `None`: an anonymous client.
    pub(super) principal: Option<Principal>,
    /// Whether the credential is one that clients send unasked.
    pub(super) is_ambient: bool,
}

/// What the chosen way has found out, and what is to be known of it then.
#[derive(Clone, Copy)]
pub(super) struct Chosen {
    method: Option<AuthMethod>,
    is_ambient: bool,
}

pub(super) enum Verdict {
    Decided(Result<Admission, AuthFailure>),
    Pending(PendingDecision, Chosen),
}

/// Decides on a request.
pub(super) fn check(ways: &[Way], is_optional: bool, head: &Parts) -> Verdict {
    let (way, is_ambient) = match choose(ways, head) {
        Ok(Some(chosen)) => chosen,
        Ok(None) => return Verdict::Decided(nothing(is_optional, head)),
        Err(reason) => {
            let failure = AuthFailure::new(AuthFailureKind::Ambiguous).with_reason(reason);
            return Verdict::Decided(Err(failure));
        }
    };
    let chosen = Chosen {
        method: way.method,
        is_ambient,
    };
    let decided = match way.authenticator.authenticate(head) {
        // Also in optional mode: it was there a moment ago.
        Decision::NotPresent => {
            Err(AuthFailure::new(AuthFailureKind::Required).with_reason("not_present"))
        }
        Decision::Granted(principal) => Ok(principal),
        Decision::Denied(failure) => Err(failure),
        Decision::Pending(pending) => return Verdict::Pending(pending, chosen),
    };
    Verdict::Decided(chosen.conclude(decided))
}

/// The one way whose credential is there, and whether it is ambient. An explicit one wins over those that clients send unasked, of
/// which the first counts.
fn choose<'a>(ways: &'a [Way], head: &Parts) -> Result<Option<(&'a Way, bool)>, &'static str> {
    // Before anybody reads one of them: programs differ in which.
    if matches!(Lines::of(&head.headers, &AUTHORIZATION), Lines::Several(_)) {
        return Err("several_authorization_lines");
    }
    let mut explicit = None;
    let mut ambient = None;
    for way in ways {
        match way.authenticator.presence(head) {
            Presence::Absent => {}
            Presence::Ambient => {
                ambient.get_or_insert((way, true));
            }
            Presence::Explicit if explicit.is_none() => explicit = Some((way, false)),
            Presence::Explicit => return Err("several_transports"),
        }
    }
    Ok(explicit.or(ambient))
}

fn nothing(is_optional: bool, head: &Parts) -> Result<Admission, AuthFailure> {
    let reason = if head.headers.contains_key(AUTHORIZATION) {
        // Whoever tries to authenticate is not to be served as somebody who does not.
        "scheme_unknown"
    } else if is_optional {
        return Ok(Admission {
            principal: None,
            is_ambient: false,
        });
    } else {
        "nothing_presented"
    };
    Err(AuthFailure::new(AuthFailureKind::Required).with_reason(reason))
}

impl Chosen {
    /// What follows from the answer of the authenticator, which is final: no other one is asked.
    pub(super) fn conclude(
        self,
        decided: Result<Principal, AuthFailure>,
    ) -> Result<Admission, AuthFailure> {
        match decided {
            // Two users without a subject would be one.
            Ok(principal) if principal.subject().is_empty() => {
                Err(AuthFailure::new(self.invalid()).with_reason("subject_empty"))
            }
            Ok(principal) => Ok(Admission {
                principal: Some(principal),
                is_ambient: self.is_ambient,
            }),
            Err(failure) => Err(failure),
        }
        .map_err(|failure| match (failure.method(), self.method) {
            (None, Some(method)) => failure.with_method(method),
            (Some(_), _) | (None, None) => failure,
        })
    }

    const fn invalid(self) -> AuthFailureKind {
        match self.method {
            Some(AuthMethod::ApiKey) => AuthFailureKind::ApiKeyInvalid,
            Some(AuthMethod::Session) => AuthFailureKind::SessionInvalid,
            Some(
                AuthMethod::Bearer
                | AuthMethod::Custom(_)
                | AuthMethod::DPoP
                | AuthMethod::Introspection
                | AuthMethod::Mtls,
            )
            | None => AuthFailureKind::TokenInvalid,
        }
    }
}
