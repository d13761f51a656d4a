//! The service: carries the decision out.

use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};

use http::request::Parts;
use http::{Extensions, Request, Response, StatusCode};
use tower_service::Service;

use super::layer::Core;
use super::requirement::{Term, Unmet};
use crate::core::{
    AbuseKind, AuthMethod, AuthzLedger, ChallengeFailure, Challenges, EventName, LedgerEntry,
    Level, PreparedBody, Principal, RefusalContext, Rejection, RejectionBody, ResponseFuture,
    SecurityEvent, Shared,
};

/// The service of [`RequireLayer`](super::RequireLayer). The [module](crate::authorize) has the rules and an example.
#[derive(Clone, Debug)]
pub struct Require<S> {
    inner: S,
    core: Arc<Core>,
}

/// Why a request was refused: an extension of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequireRefusal {
    /// 403 `forbidden`: the principal has not what a role, method or predicate asks for.
    Forbidden,
    /// 403 `insufficient_scope`.
    InsufficientScope,
    /// 401 `authentication_required`: nobody is logged in.
    Unauthenticated,
    /// 401 `recent_authentication`: the login was too long ago.
    RecentAuthentication,
    /// 401 `stronger_authentication`: another `acr`, or more factors.
    StrongerAuthentication,
}

impl<S> Require<S> {
    pub(super) const fn new(inner: S, core: Arc<Core>) -> Self {
        Self { inner, core }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Require<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: RejectionBody,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, S::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        match self.core.check(request.extensions()) {
            Ok(()) => ResponseFuture::inner(self.inner.call(request)),
            Err(unmet) => ResponseFuture::refused(self.core.refuse(request, unmet)),
        }
    }
}

impl Core {
    /// The answer to a request that does not meet the requirement, for who has its head alone.
    #[cfg(feature = "axum")]
    pub(super) fn refusal<B: RejectionBody>(&self, head: &Parts) -> Option<Response<B>> {
        let unmet = self.check(&head.extensions).err()?;
        let reason = RequireRefusal::of(unmet, &head.extensions);
        self.emit(head, reason, unmet);
        let rejection = self.rejection(reason, unmet, &head.extensions);
        let context = RefusalContext::new(head);
        Some(rejection.reason(reason).into_response(&context))
    }

    /// `Err(None)`: nobody is logged in.
    fn check(&self, extensions: &Extensions) -> Result<(), Option<Unmet<'_>>> {
        let ledger = || AuthzLedger::from_extensions(extensions);
        let Some(principal) = Principal::from_extensions(extensions) else {
            return Err(None);
        };
        let now = || self.events.now(Shared::from_extensions(extensions));
        match self.requirement.check(principal, &now) {
            Ok(true) => {
                if let Some(ledger) = ledger() {
                    ledger.record(LedgerEntry::Allow);
                }
                Ok(())
            }
            Ok(false) => Ok(()),
            Err(unmet) => {
                if let Some(ledger) = ledger() {
                    ledger.record(LedgerEntry::Deny);
                }
                Err(Some(unmet))
            }
        }
    }

    #[cold]
    fn refuse<ReqBody, ResBody: RejectionBody>(
        &self,
        request: Request<ReqBody>,
        unmet: Option<Unmet<'_>>,
    ) -> Response<ResBody> {
        let (head, _) = request.into_parts();
        let reason = RequireRefusal::of(unmet, &head.extensions);
        let rejection = self.rejection(reason, unmet, &head.extensions);
        self.emit(&head, reason, unmet);
        let context = RefusalContext::new(&head);
        rejection.reuse(head).reason(reason).into_response(&context)
    }

    fn rejection(
        &self,
        reason: RequireRefusal,
        unmet: Option<Unmet<'_>>,
        extensions: &Extensions,
    ) -> Rejection {
        let challenges = Challenges::of(extensions);
        let Some(Unmet(term)) = unmet else {
            return challenges.authentication_required();
        };
        let rejection = reason.rejection().prepared(reason.body());
        if reason == RequireRefusal::Forbidden {
            return rejection.abuse(AbuseKind::OwnershipRefused);
        }
        let failure = match term {
            Term::AllScopes(words) | Term::AnyScope(words) => {
                ChallengeFailure::InsufficientScope(&words.joined)
            }
            Term::Acr(words) => ChallengeFailure::StrongerAuthentication(Some(&words.joined)),
            Term::MaxAge(age) => ChallengeFailure::RecentAuthentication(*age),
            Term::Mfa => ChallengeFailure::StrongerAuthentication(self.requirement.acr_values()),
            Term::AllRoles(_)
            | Term::AnyRole(_)
            | Term::Authenticated
            | Term::Method(_)
            | Term::Nobody
            | Term::Predicate(..) => return rejection,
        };
        let method = Principal::from_extensions(extensions).map(Principal::method);
        let rejection = rejection.challenges(challenges.failure_lines(method, failure));
        match reason {
            RequireRefusal::InsufficientScope => rejection.abuse(AbuseKind::OwnershipRefused),
            _ => rejection,
        }
    }

    fn emit(&self, head: &Parts, reason: RequireRefusal, unmet: Option<Unmet<'_>>) {
        let (name, level) = match reason {
            RequireRefusal::Unauthenticated => (EventName::AuthnLoginFail, Level::Info),
            RequireRefusal::RecentAuthentication | RequireRefusal::StrongerAuthentication => {
                (EventName::AuthzFail, Level::Info)
            }
            RequireRefusal::Forbidden | RequireRefusal::InsufficientScope => {
                (EventName::AuthzFail, Level::Warn)
            }
        };
        let shared = Shared::from_extensions(&head.extensions);
        self.events.emit(shared, name, level, || {
            let event = SecurityEvent::new(name, "authorize", reason.code()).request(head);
            match unmet {
                Some(Unmet(term)) => event.own_rule(&format!("{term:?}")),
                None => event,
            }
        });
    }
}

impl RequireRefusal {
    fn of(unmet: Option<Unmet<'_>>, extensions: &Extensions) -> Self {
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
            Term::AllRoles(_)
            | Term::AnyRole(_)
            | Term::Authenticated
            | Term::Method(_)
            | Term::Nobody
            | Term::Predicate(..) => Self::Forbidden,
        }
    }

    /// Returns the stable code that clients see.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::InsufficientScope => "insufficient_scope",
            Self::Unauthenticated => "authentication_required",
            Self::RecentAuthentication => "recent_authentication",
            Self::StrongerAuthentication => "stronger_authentication",
        }
    }

    /// Returns the status over HTTP.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Forbidden | Self::InsufficientScope => StatusCode::FORBIDDEN,
            Self::Unauthenticated | Self::RecentAuthentication | Self::StrongerAuthentication => {
                StatusCode::UNAUTHORIZED
            }
        }
    }

    fn rejection(self) -> Rejection {
        Rejection::new(self.status(), self.code(), self.title())
    }

    /// The body, which is always the same.
    fn body(self) -> PreparedBody {
        type Cell = LazyLock<PreparedBody>;
        static FORBIDDEN: Cell = Cell::new(|| RequireRefusal::Forbidden.rejection().prepare());
        static SCOPE: Cell = Cell::new(|| RequireRefusal::InsufficientScope.rejection().prepare());
        static NOBODY: Cell = Cell::new(|| RequireRefusal::Unauthenticated.rejection().prepare());
        static RECENT: Cell =
            Cell::new(|| RequireRefusal::RecentAuthentication.rejection().prepare());
        static STRONGER: Cell =
            Cell::new(|| RequireRefusal::StrongerAuthentication.rejection().prepare());
        let body = match self {
            Self::Forbidden => &FORBIDDEN,
            Self::InsufficientScope => &SCOPE,
            Self::Unauthenticated => &NOBODY,
            Self::RecentAuthentication => &RECENT,
            Self::StrongerAuthentication => &STRONGER,
        };
        PreparedBody::clone(body)
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Forbidden => "This is not allowed",
            Self::InsufficientScope => "The access token lacks a required scope",
            Self::Unauthenticated => "Authentication is required",
            Self::RecentAuthentication => "A more recent authentication is required",
            Self::StrongerAuthentication => "A stronger authentication is required",
        }
    }
}
