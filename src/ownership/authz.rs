//! Asking from within a handler.

use std::fmt;
use std::net::IpAddr;

use http::request::Parts;
use http::{Extensions, Method, Uri};

use super::case::{Case, Manner, OwnershipRefusal, Scene};
use super::decision::{Decision, Policy};
use super::extract::{IdShape, ResourceId};
use super::request::{AccessRequest, Action, Params, Place, Route};
use super::resource::Scope;
use crate::core::text::cap;
use crate::core::{
    AuthzLedger, Challenges, CleanText, ClientIp, EventName, Events, LedgerEntry, Level, Outcome,
    Principal, Rejection, RequestContext, RouteTemplate, SecurityEvent, Shared,
};

/// Asks policies from within a handler, and notes what was decided.
///
/// For ids that stand in a message or a body, which no layer can see, and for lists. [`of`](Self::of) makes it of the extensions of a
/// request (tonic, hyper); with feature `axum` it is an argument of handlers.
///
/// Every refusal is a [`Rejection`], which axum takes for an answer and tonic for a `Status`. A denial that the handler does not hand on
/// stays in the request's [`AuthzLedger`]: [`ensure`](Self::ensure) and the tripwire answer 500.
///
/// # Example
///
/// ```
/// use http::Extensions;
/// use tower_security::core::{Principal, Rejection};
/// use tower_security::ownership::{AccessRequest, Action, Authz, Decision};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// async fn rename(extensions: &Extensions, order: &str) -> Result<(), Rejection> {
///     let policy = |request: &AccessRequest| match request.id() {
///         "1" if request.principal().subject() == "alice" => Decision::Allow,
///         _ => Decision::Deny,
///     };
///     let authz = Authz::of(extensions);
///     authz.check(&policy, Action::Update, order).await?;
///     // The order is changed here.
///     authz.ensure()
/// }
///
/// let mut extensions = Extensions::new();
/// Principal::builder("alice").build().dangerous_attach(&mut extensions);
/// assert!(rename(&extensions, "1").await.is_ok());
/// assert_eq!(rename(&extensions, "2").await.unwrap_err().status(), 404);
/// # }
/// ```
#[derive(Clone)]
pub struct Authz {
    kept: Kept,
    ledger: AuthzLedger,
    events: Events,
}

/// What is kept of a request for who asks later.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    principal: Option<Principal>,
    challenges: Challenges,
    context: Option<RequestContext>,
    client_ip: Option<IpAddr>,
    template: Option<RouteTemplate>,
    /// Where the head was at hand.
    target: Option<(Method, Uri)>,
}

impl Authz {
    /// Takes what it needs out of the extensions of a request.
    ///
    /// Without a stack, a guard or a tripwire outside of the handler it notes decisions for itself and its clones alone.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Self {
        Self {
            kept: Kept::of(extensions),
            ledger: AuthzLedger::from_extensions(extensions).unwrap_or_else(AuthzLedger::own),
            events: Events::default(),
        }
    }

    /// As [`of`](Self::of), of a whole head: policies and events learn the method and the path too, and all who ask for the same request
    /// share one ledger.
    #[must_use]
    pub fn of_head(head: &mut Parts) -> Self {
        let ledger = AuthzLedger::of(&mut head.extensions);
        let mut kept = Kept::of(&head.extensions);
        kept.target = Some((head.method.clone(), head.uri.clone()));
        Self {
            kept,
            ledger,
            events: Events::default(),
        }
    }

    /// Asks whether the caller may do this with the object, and notes the answer.
    ///
    /// # Errors
    ///
    /// 401 without a caller, 404 for what is denied or absent or has an id that cannot be one, 401 for a step up, 503 if nobody can tell.
    /// Hand it on: it is the answer.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it drops the question, and nothing is noted.
    pub async fn check<P: Policy + ?Sized>(
        &self,
        policy: &P,
        action: Action,
        id: impl Into<ResourceId>,
    ) -> Result<(), Rejection> {
        let id = id.into();
        let decided = match self.request(action, &id) {
            Ok(request) => Ok(policy.decide(&request).wait().await),
            Err(reason) => Err(reason),
        };
        let case = self.case(Some(action), Some(&id));
        match decided {
            Ok(decision) => case.settle(decision, Some(&self.ledger)),
            Err(reason) => Err(case.refuse(reason, Some(&self.ledger))),
        }
    }

    /// Asks about each of these objects, in order, for a list that shows those that are allowed. The request is noted as restricted to
    /// what the caller may see.
    ///
    /// Without a caller all are denied, and so is an id that cannot be one. One event tells of all that was not allowed.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it drops the question at hand, and nothing is noted.
    pub async fn check_many<P: Policy + ?Sized>(
        &self,
        policy: &P,
        action: Action,
        ids: &[&str],
    ) -> Vec<Decision> {
        let mut decisions = Vec::with_capacity(ids.len());
        for id in ids {
            decisions.push(self.decide(policy, action, &(*id).into()).await);
        }
        if self.kept.principal.is_none() && !ids.is_empty() {
            self.ledger.record(LedgerEntry::Deny);
        } else {
            self.ledger.record(LedgerEntry::Scoped);
        }
        self.tell_many(action, ids, &decisions);
        decisions
    }

    /// Asks and notes nothing: whether to show a button, not whether to do what it does.
    ///
    /// Without a caller, or with an id that cannot be one, the answer is [`Decision::Deny`].
    ///
    /// # Cancel safety
    ///
    /// Dropped, it drops the question.
    pub async fn probe<P: Policy + ?Sized>(
        &self,
        policy: &P,
        action: Action,
        id: impl Into<ResourceId>,
    ) -> Decision {
        self.decide(policy, action, &id.into()).await
    }

    /// Allows it if the caller is `owner`, compared exactly, and notes the answer.
    ///
    /// A subject is unique within its issuer: where several issuers are believed, write a policy that compares both.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn same_subject(&self, owner: &str) -> Result<(), Rejection> {
        let case = self.case(None, Some(owner));
        let ledger = Some(&self.ledger);
        match self.caller() {
            Err(reason) => Err(case.refuse(reason, ledger)),
            Ok(caller) if !owner.is_empty() && caller.subject() == owner => {
                case.settle(Decision::Allow, ledger)
            }
            Ok(_) => case.settle(Decision::Deny, ledger),
        }
    }

    /// Returns the condition for the query of a list, of which the caller sees only a part, and notes that it is restricted.
    ///
    /// # Errors
    ///
    /// 401 without a caller.
    pub fn scope<T: Scope + ?Sized>(&self, scope: &T) -> Result<T::Filter, Rejection> {
        match self.caller() {
            Ok(caller) => {
                let filter = scope.filter(caller);
                self.scoped();
                Ok(filter)
            }
            Err(reason) => Err(self.case(None, None).refuse(reason, Some(&self.ledger))),
        }
    }

    /// Notes that the query itself returns only what the caller may see. [`scope`](Self::scope) does it along with the condition.
    pub fn scoped(&self) {
        self.ledger.record(LedgerEntry::Scoped);
    }

    /// Notes that nobody has to be asked. Say why beside the call.
    pub fn exempt(&self) {
        self.ledger.record(LedgerEntry::Exempt);
    }

    /// Makes sure that somebody has allowed it, before what cannot be taken back: the `COMMIT` of a transaction.
    ///
    /// # Errors
    ///
    /// 500 `authorization_missing` if nothing was decided or a denial was ignored: a fault of the program, with an event of the level
    /// [`Level::Critical`].
    pub fn ensure(&self) -> Result<(), Rejection> {
        let Some(fault) = self.ledger.fault() else {
            return Ok(());
        };
        const NAME: EventName = EventName::AuthzFail;
        self.events
            .emit(self.kept.shared(), NAME, Level::Critical, || {
                self.kept
                    .describe(SecurityEvent::new(NAME, "ownership", fault.code()))
                    .outcome(Outcome::Fault)
                    .detail("before a commit")
            });
        Err(fault.rejection())
    }

    /// Returns who is asking, if that counts now.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        self.caller().ok()
    }

    /// Returns what was decided for the request so far.
    #[must_use]
    pub const fn ledger(&self) -> &AuthzLedger {
        &self.ledger
    }

    fn caller(&self) -> Result<&Principal, OwnershipRefusal> {
        let principal = self.kept.principal();
        let principal = principal.ok_or(OwnershipRefusal::Unauthenticated)?;
        if principal.expires_at().is_some()
            && principal.is_expired(self.events.now(self.kept.shared()))
        {
            return Err(OwnershipRefusal::Unauthenticated);
        }
        Ok(principal)
    }

    fn request(&self, action: Action, id: &ResourceId) -> Result<AccessRequest, OwnershipRefusal> {
        let caller = self.caller()?.clone();
        let id = IdShape::Any.read(id)?;
        let route = self.kept.template.clone();
        Ok(AccessRequest {
            principal: caller,
            action,
            id,
            method: self.kept.target.as_ref().map(|(method, _)| method.clone()),
            client_ip: self.kept.client_ip,
            place: Place {
                route: route.map_or(Route::Unknown, Route::Router),
                params: Params::None,
            },
        })
    }

    async fn decide<P: Policy + ?Sized>(
        &self,
        policy: &P,
        action: Action,
        id: &ResourceId,
    ) -> Decision {
        match self.request(action, id) {
            Ok(request) => policy.decide(&request).wait().await,
            Err(_) => Decision::Deny,
        }
    }

    const fn case<'a>(&'a self, action: Option<Action>, id: Option<&'a str>) -> Case<'a> {
        Case {
            scene: Scene::Kept(&self.kept),
            events: &self.events,
            rule: None,
            action,
            id,
            manner: Manner {
                reveals: false,
                records_grants: false,
            },
        }
    }

    fn tell_many(&self, action: Action, ids: &[&str], decisions: &[Decision]) {
        const NAME: EventName = EventName::AuthzFail;
        let count = |is: fn(Decision) -> bool| decisions.iter().filter(|it| is(**it)).count();
        let unavailable = count(|it| it == Decision::Unavailable);
        let refused = count(|it| !it.is_allowed());
        let first_of = |is: fn(Decision) -> bool| {
            let mut both = ids.iter().zip(decisions);
            both.find_map(|(id, decision)| is(*decision).then_some(*id))
        };
        if let Some(first) = first_of(|it| !it.is_allowed()) {
            let (level, code) = if unavailable > 0 {
                (Level::Error, "policy_unavailable")
            } else {
                (Level::Warn, "objects_denied")
            };
            self.events.emit(self.kept.shared(), NAME, level, || {
                let detail = format!("action={action} refused={refused} of={}", ids.len());
                let event = SecurityEvent::new(NAME, "ownership", code);
                self.kept.describe(event).target(first).own_detail(&detail)
            });
        }
        if let Some(first) = first_of(|it| it == Decision::AllowAsAdmin) {
            self.case(Some(action), Some(first))
                .tell_grant(Decision::AllowAsAdmin);
        }
    }
}

impl fmt::Debug for Authz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authz")
            .field("principal", &self.kept.principal)
            .field("ledger", &self.ledger)
            .finish_non_exhaustive()
    }
}

impl Kept {
    fn of(extensions: &Extensions) -> Self {
        Self {
            principal: Principal::from_extensions(extensions).cloned(),
            challenges: Challenges::of(extensions).clone(),
            context: RequestContext::from_extensions(extensions).cloned(),
            client_ip: ClientIp::from_extensions(extensions).map(|client| client.ip()),
            template: RouteTemplate::of(extensions),
            target: None,
        }
    }

    pub(super) fn shared(&self) -> Option<&Shared> {
        self.context.as_ref().map(RequestContext::shared)
    }

    pub(super) const fn challenges(&self) -> &Challenges {
        &self.challenges
    }

    pub(super) const fn principal(&self) -> Option<&Principal> {
        self.principal.as_ref()
    }

    /// As [`SecurityEvent::request`], of what was kept.
    pub(super) fn describe<'a>(&'a self, mut event: SecurityEvent<'a>) -> SecurityEvent<'a> {
        event.request_id = self.context.as_ref().and_then(RequestContext::request_id);
        event.client_ip = self.client_ip;
        event.route = self
            .template
            .as_ref()
            .map(|template| CleanText::new(template.as_str(), cap::ROUTE));
        if let Some((method, uri)) = &self.target {
            event.method = Some(CleanText::new(method.as_str(), cap::METHOD));
            if event.route.is_none() {
                event.path = Some(CleanText::new(uri.path(), cap::PATH));
            }
        }
        if let Some(who) = &self.principal {
            event.tenant = who
                .tenant()
                .map(|tenant| CleanText::new(tenant, cap::PRINCIPAL));
            event = event.principal(who.subject());
        }
        event
    }
}
