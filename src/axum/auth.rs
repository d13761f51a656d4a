//! Who is asking, as arguments of handlers.

use std::fmt;
use std::marker::PhantomData;

use axum::body::Body;
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;

#[cfg(feature = "_jwt")]
use crate::auth::{AuthFailure, AuthFailureKind};
use crate::authorize::{RequireBuilder, RequireLayer};
use crate::core::{
    Challenges, EventName, Events, Outcome, Principal, RefusalContext, Rejection, SecurityEvent,
    Shared,
};

const CODE: &str = "auth_layer_missing";

/// Who is asking, as an argument of a handler.
///
/// An anonymous request, which [`optional`](crate::auth::AuthBuilder::optional) lets pass, gets 401 `authentication_required` here.
/// `Option<Auth>` is `None` for it.
///
/// Without an [`AuthLayer`](crate::auth::AuthLayer) outside of the handler, or one of your own that attaches a
/// [`Principal`] or [`Challenges`], both are 500 `auth_layer_missing` and an event `sys_crash`: a handler that was written for
/// authentication and has none is a fault of the program, never anonymous.
///
/// # Example
///
/// ```
/// use axum::Router;
/// use axum::routing::get;
/// use tower_security::axum::Auth;
///
/// async fn me(Auth(principal): Auth) -> String {
///     principal.subject().to_owned()
/// }
///
/// async fn greeting(auth: Option<Auth>) -> String {
///     auth.map_or("Hello!".to_owned(), |Auth(principal)| format!("Hello, {}!", principal.subject()))
/// }
///
/// let app: Router = Router::new().route("/me", get(me)).route("/", get(greeting));
/// # let _ = app;
/// ```
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "handlers take it apart")]
pub struct Auth(pub Principal);

impl<S: Send + Sync> FromRequestParts<S> for Auth {
    type Rejection = Response;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Self, Response> {
        match caller(head)? {
            Some(principal) => Ok(Self(principal.clone())),
            None => Err(required(head)),
        }
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Auth {
    type Rejection = Response;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Option<Self>, Response> {
        Ok(caller(head)?.cloned().map(Self))
    }
}

/// The scopes that [`Scoped`] asks for, as a type.
///
/// # Example
///
/// ```
/// use tower_security::axum::ScopeSet;
///
/// struct ReadOrders;
///
/// impl ScopeSet for ReadOrders {
///     const SCOPES: &[&str] = &["orders:read"];
/// }
/// ```
pub trait ScopeSet {
    /// The scopes, all of which are needed. An empty list, or a scope that is no scope (RFC 6749, section 3.3), such as `"a b"`, does
    /// not compile where a handler uses it.
    const SCOPES: &[&str];
}

/// Who is asking, if all scopes of `S` were granted. Otherwise the handler is not called: 403 `insufficient_scope`, with the scopes
/// in the challenge, and an event `authz_fail`.
///
/// Without authentication it answers as [`Auth`] does.
///
/// # Example
///
/// ```
/// use axum::Router;
/// use axum::routing::get;
/// use tower_security::axum::{ScopeSet, Scoped};
///
/// struct ReadOrders;
///
/// impl ScopeSet for ReadOrders {
///     const SCOPES: &[&str] = &["orders:read"];
/// }
///
/// async fn orders(caller: Scoped<ReadOrders>) -> String {
///     format!("the orders of {}", caller.principal.subject())
/// }
///
/// let app: Router = Router::new().route("/orders", get(orders));
/// # let _ = app;
/// ```
///
/// Two scopes in one text are none that anybody has:
///
/// ```compile_fail,E0080
/// # use axum::Router;
/// # use axum::routing::get;
/// # use tower_security::axum::{ScopeSet, Scoped};
/// struct Orders;
///
/// impl ScopeSet for Orders {
///     const SCOPES: &[&str] = &["orders:read orders:write"];
/// }
///
/// let app: Router = Router::new().route("/orders", get(async |_: Scoped<Orders>| "orders"));
/// ```
#[non_exhaustive]
pub struct Scoped<S> {
    /// Who is asking.
    pub principal: Principal,
    scopes: PhantomData<fn() -> S>,
}

// By hand, since the scopes are a type without values, which need be neither.
impl<S> Clone for Scoped<S> {
    fn clone(&self) -> Self {
        Self {
            principal: self.principal.clone(),
            scopes: PhantomData,
        }
    }
}

impl<S> fmt::Debug for Scoped<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scoped")
            .field("principal", &self.principal)
            .finish_non_exhaustive()
    }
}

impl<S: ScopeSet, St: Send + Sync> FromRequestParts<St> for Scoped<S> {
    type Rejection = Response;

    async fn from_request_parts(head: &mut Parts, _: &St) -> Result<Self, Response> {
        const { assert!(are_scopes(S::SCOPES), "write scopes, one by one") };
        let Some(principal) = caller(head)? else {
            return Err(required(head));
        };
        if S::SCOPES.iter().all(|scope| principal.has_scope(scope)) {
            return Ok(Self {
                principal: principal.clone(),
                scopes: PhantomData,
            });
        }
        Err(unscoped(head, S::SCOPES))
    }
}

/// RFC 6749, section 3.3.
const fn are_scopes(scopes: &[&str]) -> bool {
    let mut rest = scopes;
    while let [scope, others @ ..] = rest {
        let mut bytes = scope.as_bytes();
        if bytes.is_empty() {
            return false;
        }
        while let [byte, behind @ ..] = bytes {
            if !matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e) {
                return false;
            }
            bytes = behind;
        }
        rest = others;
    }
    !scopes.is_empty()
}

/// The claims of the caller's token as a type of yours, and the caller.
///
/// A token without the members that `T` needs gets 401 `token_invalid`: for what it was made, it is of the wrong kind. So does a caller
/// without a token, such as one with a session. Without authentication it answers as [`Auth`] does.
///
/// # Example
///
/// ```
/// use axum::Router;
/// use axum::routing::get;
/// use serde::Deserialize;
/// use tower_security::axum::Claims;
///
/// #[derive(Deserialize)]
/// struct Plan {
///     plan: String,
/// }
///
/// async fn plan(Claims(claims): Claims<Plan>) -> String {
///     claims.plan
/// }
///
/// let app: Router = Router::new().route("/plan", get(plan));
/// # let _ = app;
/// ```
#[cfg(feature = "_jwt")]
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "handlers take it apart")]
pub struct Claims<T>(pub T);

#[cfg(feature = "_jwt")]
impl<T: serde::de::DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Claims<T> {
    type Rejection = Response;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Self, Response> {
        let Some(principal) = caller(head)? else {
            return Err(required(head));
        };
        match principal.claims() {
            Ok(claims) => Ok(Self(claims)),
            Err(_) => Err(misshapen(head, principal)),
        }
    }
}

/// The principal; `None` of an anonymous request.
fn caller(head: &Parts) -> Result<Option<&Principal>, Response> {
    let extensions = &head.extensions;
    match Principal::from_extensions(extensions) {
        None if Challenges::from_extensions(extensions).is_none() => Err(missing(head)),
        principal => Ok(principal),
    }
}

#[cold]
fn required(head: &Parts) -> Response {
    refuse(head, RequireLayer::authenticated())
}

#[cold]
fn unscoped(head: &Parts, scopes: &[&str]) -> Response {
    refuse(head, RequireLayer::all_scopes(scopes))
}

/// What the layer would have answered. It refuses, since nobody asks it for a request that passes.
fn refuse(head: &Parts, required: RequireBuilder) -> Response {
    let refusal = required
        .build()
        .ok()
        .and_then(|layer| layer.refusal::<Body>(head));
    refusal.unwrap_or_else(|| missing(head))
}

#[cold]
fn missing(head: &Parts) -> Response {
    const NAME: EventName = EventName::SysCrash;
    let shared = Shared::from_extensions(&head.extensions);
    Events::default().emit(shared, NAME, NAME.default_level(), || {
        SecurityEvent::new(NAME, "auth", CODE)
            .request(head)
            .outcome(Outcome::Fault)
            .detail("no AuthLayer stands outside of this handler")
    });
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    let rejection = Rejection::new(status, CODE, "This request could not be authenticated");
    rejection.into_response(&RefusalContext::new(head))
}

#[cfg(feature = "_jwt")]
#[cold]
fn misshapen(head: &Parts, principal: &Principal) -> Response {
    const NAME: EventName = EventName::AuthnLoginFail;
    let failure = AuthFailure::new(AuthFailureKind::TokenInvalid)
        .with_method(principal.method())
        .with_reason("claims");
    let shared = Shared::from_extensions(&head.extensions);
    Events::default().emit(shared, NAME, NAME.default_level(), || {
        SecurityEvent::new(NAME, "auth", failure.code())
            .request(head)
            .rule(failure.reason())
    });
    let rejection = failure.rejection(Challenges::of(&head.extensions));
    rejection
        .reason(failure)
        .into_response(&RefusalContext::new(head))
}
