//! Whose an object is, as arguments of handlers.

use std::any::type_name;
use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::Response;
use http::request::Parts;
use http::{Method, StatusCode};

use crate::core::{
    AuthzLedger, EventName, Events, LedgerEntry, Outcome, RefusalContext, Rejection, RouteParams,
    SecurityEvent, Shared, original_uri,
};
use crate::ownership::{
    Action, Authz, Case, ExtractError, Granted, Manner, OwnedResource, OwnershipRefusal, Scene,
    caller, router_value,
};

/// What a handler does, as a type, whatever the method: [`Read`], [`Create`], [`Update`], [`Delete`], or one of your own. What the
/// method says is [`ByMethod`].
///
/// # Example
///
/// ```
/// use tower_security::axum::ActionType;
/// use tower_security::ownership::Action;
///
/// struct Cancel;
///
/// impl ActionType for Cancel {
///     const ACTION: Action = Action::Custom("cancel");
/// }
/// ```
pub trait ActionType {
    /// The action.
    const ACTION: Action;
}

macro_rules! actions {
    ($($(#[$doc:meta])* $action:ident)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            #[expect(clippy::exhaustive_enums, reason = "it has no values")]
            pub enum $action {}

            impl ActionType for $action {
                const ACTION: Action = Action::$action;
            }
        )*
    };
}

actions! {
    /// [`Action::Create`] as a type.
    Create
    /// [`Action::Delete`] as a type.
    Delete
    /// [`Action::Read`] as a type.
    Read
    /// [`Action::Update`] as a type.
    Update
}

/// What the method says, as a type: [`Action::of_method`]. A method that says nothing is refused, as by the guards.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "it has no values")]
pub enum ByMethod {}

/// Which action an [`Owned`] asks about: that of an [`ActionType`], or [`ByMethod`].
pub trait OwnedAction: sealed::Sealed {
    #[doc(hidden)]
    fn for_method(method: &Method) -> Option<Action>;
}

impl<A: ActionType> OwnedAction for A {
    fn for_method(_: &Method) -> Option<Action> {
        Some(A::ACTION)
    }
}

impl OwnedAction for ByMethod {
    fn for_method(method: &Method) -> Option<Action> {
        Action::of_method(method)
    }
}

mod sealed {
    #[expect(unnameable_types, reason = "sealed")]
    pub trait Sealed {}
    impl<A: super::ActionType> Sealed for A {}
    impl Sealed for super::ByMethod {}
}

/// An object that the caller may do `A` with, by default [what the method says](ByMethod): loaded once, checked, and only then an argument of the handler.
///
/// 1. Nobody is logged in, or not any more: 401. Nothing is loaded.
/// 2. The [parameter](OwnedResource::PARAM) of the route is missing, stands there twice, or is no id: 404.
/// 3. The method says which [`Action`] it is: `GET` and `HEAD` read, `POST` creates, `PUT` and `PATCH` update, `DELETE` deletes. One that
///    says none: 404. A named action holds for every method: `Owned<Note, Read>` of a `POST` that searches, `Owned<Note, Cancel>` of one
///    that cancels.
/// 4. The object is [loaded](OwnedResource::load). None: 404. A failure: 503 `authorization_unavailable`.
/// 5. The object [decides](OwnedResource::decide): 404, 401 for a step up, 503, or the handler is called.
///
/// The answers, the events and the ledger are those of the [guards](crate::ownership). A handler cannot come by the object without the
/// check, and has no second id that it could act on: whatever stands in the body, this is the object.
///
/// It is decided before the body is read: put arguments that read the body after it.
///
/// # Example
///
/// ```
/// use axum::Router;
/// use axum::routing::get;
/// use tower_security::axum::{Owned, Read};
/// use tower_security::core::Principal;
/// use tower_security::ownership::{Action, Decision, IdShape, LoadError, OwnedResource};
///
/// struct Note {
///     owner: String,
///     text: String,
/// }
///
/// impl<S: Sync> OwnedResource<S> for Note {
///     type Id = u64;
///     const PARAM: &'static str = "note";
///     const SHAPE: IdShape = IdShape::U64;
///
///     async fn load(_: &S, id: &u64, _: &Principal) -> Result<Option<Self>, LoadError> {
///         let note = Self { owner: "alice".to_owned(), text: "milk".to_owned() };
///         Ok((*id == 1).then_some(note))
///     }
///
///     fn decide(&self, who: &Principal, action: Action) -> Decision {
///         match action {
///             Action::Read => Decision::Allow,
///             _ if self.owner == who.subject() => Decision::Allow,
///             _ => Decision::Deny,
///         }
///     }
/// }
///
/// async fn show(note: Owned<Note>) -> String {
///     note.into_inner().text
/// }
///
/// // For the owner alone: the method is `DELETE`.
/// async fn delete(note: Owned<Note>) -> String {
///     format!("{} is deleted", note.text)
/// }
///
/// // A `POST` that changes nothing.
/// async fn print(note: Owned<Note, Read>) -> String {
///     format!("{} is printed", note.text)
/// }
///
/// let app: Router = Router::new().route("/notes/{note}", get(show).delete(delete).post(print));
/// # let _ = app;
/// ```
pub struct Owned<T, A = ByMethod> {
    resource: T,
    action: PhantomData<fn() -> A>,
}

impl<T, A> Owned<T, A> {
    /// Returns the object.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.resource
    }
}

impl<T, A> Deref for Owned<T, A> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.resource
    }
}

impl<T, A> fmt::Debug for Owned<T, A> {
    /// Shows the type, never the object.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Owned<{}, {}>", type_name::<T>(), type_name::<A>())
    }
}

impl<S, T, A> FromRequestParts<S> for Owned<T, A>
where
    S: Send + Sync,
    T: OwnedResource<S>,
    A: OwnedAction,
{
    type Rejection = Response;

    async fn from_request_parts(head: &mut Parts, state: &S) -> Result<Self, Response> {
        match load::<S, T>(head, state, A::for_method(&head.method)).await {
            Ok(resource) => Ok(Self {
                resource,
                action: PhantomData,
            }),
            Err(rejection) => Err(rejection.into_response(&RefusalContext::new(head))),
        }
    }
}

async fn load<S, T: OwnedResource<S>>(
    head: &mut Parts,
    state: &S,
    action: Option<Action>,
) -> Result<T, Rejection> {
    let ledger = AuthzLedger::of(&mut head.extensions);
    let params = RouteParams::of(head);
    let (head, events) = (&*head, Events::default());
    let case = |id| Case {
        scene: Scene::Head(head),
        events: &events,
        rule: None,
        action,
        id,
        manner: Manner::default(),
    };
    let refused = |reason: OwnershipRefusal, id| case(id).refuse(reason, Some(&ledger));

    let who = caller(&head.extensions, &events).map_err(|reason| refused(reason, None))?;
    let params = params.map_err(|fault| refused(ExtractError::from(fault).into(), None))?;
    let path = original_uri(&head.uri, &head.extensions).path();
    let value = router_value(&params, T::PARAM, path);
    let value = value.map_err(|error| refused(error.into(), None))?;
    let malformed = || refused(OwnershipRefusal::Malformed, Some(value));
    let id = T::SHAPE.read(value).map_err(|_| malformed())?;
    let parsed = id.parse::<T::Id>().map_err(|_| malformed())?;
    let unmapped = || refused(OwnershipRefusal::UnmappedMethod, Some(value));
    let action = action.ok_or_else(unmapped)?;
    let case = case(Some(&id));
    match T::load(state, &parsed, who).await {
        Ok(Some(resource)) => {
            let decision = resource.decide(who, action);
            case.settle(decision, Some(&ledger)).map(|()| resource)
        }
        Ok(None) => Err(case.refuse(OwnershipRefusal::Absent, Some(&ledger))),
        Err(error) => Err(case.refuse_for(error.text(), Some(&ledger))),
    }
}

/// Notes that the handler is for everybody: nothing is decided about, and the tripwire lets its answer pass.
///
/// An exemption stands in the signature of the handler, not in a list of paths that outlives it.
///
/// # Example
///
/// ```
/// use axum::Router;
/// use axum::routing::get;
/// use tower_security::axum::Public;
///
/// async fn health(_: Public) -> &'static str {
///     "up"
/// }
///
/// let app: Router = Router::new().route("/health", get(health));
/// # let _ = app;
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Public;

impl<S: Send + Sync> FromRequestParts<S> for Public {
    type Rejection = Infallible;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Self, Infallible> {
        AuthzLedger::note(&mut head.extensions, LedgerEntry::Exempt);
        Ok(Self)
    }
}

/// For ids that stand in the body, for lists, and before a commit.
impl<S: Send + Sync> FromRequestParts<S> for Authz {
    type Rejection = Infallible;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of_head(head))
    }
}

/// Without a [`LoadGuard`](crate::ownership::LoadGuard) outside of the handler that has loaded a `T` it is 500 `object_not_loaded` and an
/// event `sys_crash`. `Option<Granted<T>>` is `None` then.
impl<S: Send + Sync, T: Send + Sync + 'static> FromRequestParts<S> for Granted<T> {
    type Rejection = Response;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Self, Response> {
        match Self::from_extensions(&head.extensions) {
            Some(granted) => Ok(granted.clone()),
            None => Err(not_loaded(head, type_name::<T>())),
        }
    }
}

/// For a guard that only reports.
impl<S: Send + Sync, T: Send + Sync + 'static> OptionalFromRequestParts<S> for Granted<T> {
    type Rejection = Infallible;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(Self::from_extensions(&head.extensions).cloned())
    }
}

#[cold]
fn not_loaded(head: &Parts, what: &str) -> Response {
    const NAME: EventName = EventName::SysCrash;
    const CODE: &str = "object_not_loaded";
    let shared = Shared::from_extensions(&head.extensions);
    Events::default().emit(shared, NAME, NAME.default_level(), || {
        SecurityEvent::new(NAME, "ownership", CODE)
            .request(head)
            .outcome(Outcome::Fault)
            .detail("no LoadGuard outside of this handler has loaded it")
            .target(what)
    });
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    let rejection = Rejection::new(status, CODE, "This request could not be authorized");
    rejection.into_response(&RefusalContext::new(head))
}
