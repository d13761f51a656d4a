//! Objects that are loaded by the check itself, and queries that return only the caller's.

use std::any::type_name;
use std::error::Error;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;

use http::Extensions;

use super::decision::Decision;
use super::extract::IdShape;
use super::request::{AccessRequest, Action};
use crate::core::Principal;

/// Loads an object for whoever may have it: for [`LoadGuard`](super::LoadGuard).
///
/// Check and handler then see the same object: it is loaded once, and between the two nothing can change. A closure
/// `Fn(AccessRequest) -> impl Future<Output = Result<T, Decision>>` is a loader.
///
/// Let one query carry the owner, as below: what is somebody else's is then absent, and both take the same time.
///
/// # Example
///
/// ```
/// use tower_security::ownership::{AccessRequest, Decision, ResourceLoader};
///
/// # struct Pool;
/// # impl Pool {
/// #     async fn one(&self, _: &str, _: [&str; 2]) -> Result<Option<String>, std::io::Error> { Ok(None) }
/// # }
/// struct Notes(Pool);
///
/// impl ResourceLoader for Notes {
///     type Resource = String;
///
///     async fn load(&self, request: AccessRequest) -> Result<String, Decision> {
///         let query = "SELECT text FROM notes WHERE id = ? AND owner = ?";
///         let note = self.0.one(query, [request.id(), request.principal().subject()]);
///         match note.await {
///             Ok(note) => note.ok_or(Decision::NotFound),
///             Err(_) => Err(Decision::Unavailable),
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` loads nothing",
    note = "implement `ResourceLoader`, or write a closure `|request: AccessRequest| async move {{ .. }}` that returns `Result<T, Decision>`"
)]
pub trait ResourceLoader: Send + Sync + 'static {
    /// What the handler gets.
    type Resource: Send + Sync + 'static;

    /// Loads the object that the caller may do this with.
    ///
    /// # Errors
    ///
    /// Why not. [`Allow`](Decision::Allow) and [`AllowAsAdmin`](Decision::AllowAsAdmin) without an object are answered as
    /// [`Unavailable`](Decision::Unavailable): nobody can act on what was not loaded.
    fn load(
        &self,
        request: AccessRequest,
    ) -> impl Future<Output = Result<Self::Resource, Decision>> + Send;

    /// Whether only an administrator's rights have given what was loaded: an event `authz_admin` tells of it. `false` by default.
    fn is_override(&self, request: &AccessRequest, resource: &Self::Resource) -> bool {
        let _ = (request, resource);
        false
    }
}

impl<F, Fut, T> ResourceLoader for F
where
    F: Fn(AccessRequest) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T, Decision>> + Send,
    T: Send + Sync + 'static,
{
    type Resource = T;

    fn load(&self, request: AccessRequest) -> impl Future<Output = Result<T, Decision>> + Send {
        self(request)
    }
}

impl<L: ResourceLoader + ?Sized> ResourceLoader for Arc<L> {
    type Resource = L::Resource;

    fn load(
        &self,
        request: AccessRequest,
    ) -> impl Future<Output = Result<L::Resource, Decision>> + Send {
        (**self).load(request)
    }

    fn is_override(&self, request: &AccessRequest, resource: &L::Resource) -> bool {
        (**self).is_override(request, resource)
    }
}

/// What a [`LoadGuard`](super::LoadGuard) has loaded and the caller may have: an extension of the request that nobody else can make.
///
/// With feature `axum` it is an argument of handlers; elsewhere [`from_extensions`](Self::from_extensions) finds it. Clones share the
/// object.
///
/// Of two guards around each other that load the same type, the inner one's is found: give each kind of object its own type.
pub struct Granted<T>(Arc<T>);

impl<T: Send + Sync + 'static> Granted<T> {
    pub(super) const fn new(resource: Arc<T>) -> Self {
        Self(resource)
    }

    /// Returns what was loaded for the request with these extensions; `None` where no guard has loaded any.
    #[must_use]
    pub fn from_extensions(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    /// Returns the object, which clones of this share.
    #[must_use]
    pub fn into_inner(self) -> Arc<T> {
        self.0
    }
}

// By hand: what is shared need not be `Clone` itself.
impl<T> Clone for Granted<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Granted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Granted<T> {
    /// Shows the type, never the object.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Granted<{}>", type_name::<T>())
    }
}

/// An object that knows who may do what with it: for `Owned`, the argument of axum's handlers.
///
/// `S` is the state of the router, a pool of connections perhaps.
///
/// # Example
///
/// ```
/// use tower_security::core::Principal;
/// use tower_security::ownership::{Action, Decision, IdShape, LoadError, OwnedResource};
///
/// # #[derive(Clone)]
/// # struct Pool;
/// # impl Pool {
/// #     async fn order(&self, _: &str, _: (i64, &str)) -> Result<Option<Order>, std::io::Error> { Ok(None) }
/// # }
/// struct Order {
///     owner: String,
///     is_shipped: bool,
/// }
///
/// impl OwnedResource<Pool> for Order {
///     type Id = i64;
///     const PARAM: &'static str = "id";
///     const SHAPE: IdShape = IdShape::U64;
///
///     async fn load(pool: &Pool, id: &i64, who: &Principal) -> Result<Option<Self>, LoadError> {
///         let query = "SELECT owner, is_shipped FROM orders WHERE id = ? AND owner = ?";
///         Ok(pool.order(query, (*id, who.subject())).await?)
///     }
///
///     fn decide(&self, who: &Principal, action: Action) -> Decision {
///         match action {
///             _ if self.owner != who.subject() => Decision::Deny,
///             Action::Delete if self.is_shipped => Decision::Deny,
///             _ => Decision::Allow,
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "nobody knows how `{Self}` is loaded from `{S}` and whose it is",
    note = "implement `OwnedResource<{S}>` for `{Self}`, where `{S}` is the state of the router"
)]
pub trait OwnedResource<S>: Sized + Send + 'static {
    /// The id as the data base knows it.
    type Id: FromStr + Send + Sync;

    /// The parameter of the route that the id stands in.
    const PARAM: &'static str;

    /// What the id looks like. What looks different is answered as if it did not exist, and nothing is loaded.
    ///
    /// Give it: `FromStr` alone takes `+7` and `007` for `7`.
    const SHAPE: IdShape = IdShape::Any;

    /// Loads the object with this id; `None` if there is none, or none that `who` may know of.
    ///
    /// A query that carries the owner takes the same time for what is absent and what is somebody else's.
    ///
    /// # Errors
    ///
    /// Nobody can tell: 503.
    fn load(
        state: &S,
        id: &Self::Id,
        who: &Principal,
    ) -> impl Future<Output = Result<Option<Self>, LoadError>> + Send;

    /// Says whether `who` may do this with the object.
    fn decide(&self, who: &Principal, action: Action) -> Decision;
}

/// Why an object could not be loaded. Made of any error by `?`.
///
/// Its text is for the event sink alone and stands in neither `Display` nor `Debug`.
#[derive(Clone)]
pub struct LoadError(
    #[cfg_attr(
        not(feature = "axum"),
        expect(dead_code, reason = "its reader is an argument of axum's")
    )]
    Box<str>,
);

impl LoadError {
    /// Describes a failure; `text` reaches the event sink and nobody else.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }

    #[cfg(feature = "axum")]
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

// It is no `Error` itself, or it could not be made of all of them.
impl<E: Error> From<E> for LoadError {
    fn from(error: E) -> Self {
        Self::new(error.to_string())
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the object could not be loaded")
    }
}

impl fmt::Debug for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadError").finish_non_exhaustive()
    }
}

/// What of a list a caller may see: the condition that goes into its query.
///
/// [`Authz::scope`](super::Authz::scope) asks for it and notes that the list is restricted. To load everything and leave out what is
/// not the caller's takes the longer the more there is, and counts and pages tell of it.
///
/// # Example
///
/// ```
/// use tower_security::core::{Principal, Rejection};
/// use tower_security::ownership::{Authz, Scope};
///
/// /// All orders of a tenant for its administrators, their own for all others.
/// struct Orders;
///
/// enum OrdersOf {
///     Tenant(String),
///     Owner(String),
/// }
///
/// impl Scope for Orders {
///     type Filter = OrdersOf;
///
///     fn filter(&self, who: &Principal) -> OrdersOf {
///         match who.tenant() {
///             Some(tenant) if who.has_role("admin") => OrdersOf::Tenant(tenant.to_owned()),
///             _ => OrdersOf::Owner(who.subject().to_owned()),
///         }
///     }
/// }
///
/// async fn list(authz: Authz) -> Result<String, Rejection> {
///     let (query, value) = match authz.scope(&Orders)? {
///         OrdersOf::Tenant(tenant) => ("SELECT id FROM orders WHERE tenant = ?", tenant),
///         OrdersOf::Owner(owner) => ("SELECT id FROM orders WHERE owner = ?", owner),
///     };
///     // The query is run here, with the value bound to it.
/// #   let _ = (query, value);
///     Ok("7, 8".to_owned())
/// }
/// # let _ = list;
/// ```
pub trait Scope {
    /// The condition.
    type Filter;

    /// Returns the condition for this caller.
    fn filter(&self, who: &Principal) -> Self::Filter;
}
