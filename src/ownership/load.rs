//! The guard that loads what it decides about.
#![expect(
    clippy::disallowed_methods,
    reason = "the pending answer of a user's loader is the one future that is boxed"
)]

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Extensions;
use tower_layer::Layer;

use super::decision::Decision;
use super::extract::ResourceExtractor;
use super::guard::{Ask, Core, Grant, OwnershipGuardBuilder, OwnershipService};
use super::request::{AccessRequest, Action};
use super::resource::{Granted, ResourceLoader};
use crate::core::{ConfigErrors, Mode};

/// Loads the object of a request for whoever may have it, before the handler is called: [`OwnershipGuard`](super::OwnershipGuard) with
/// loaders in place of policies. The [module](crate::ownership) has the rules.
///
/// The handler finds the object as a [`Granted`]. It neither parses the id nor loads again, and it cannot act on another object than
/// the one that was checked.
///
/// With [`Mode::ReportOnly`] a request that would have been refused passes without an object.
///
/// # Example
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response, StatusCode};
/// use http_body_util::Full;
/// use std::convert::Infallible;
/// use tower::{Layer, ServiceExt, service_fn};
/// use tower_security::core::Principal;
/// use tower_security::ownership::{AccessRequest, Decision, Granted, IdShape, LoadGuard};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// struct Order(&'static str);
///
/// let orders = |request: AccessRequest| async move {
///     // SELECT text FROM orders WHERE id = ? AND owner = ?
///     match (request.id(), request.principal().subject()) {
///         ("1", "alice") => Ok(Order("two books")),
///         _ => Err(Decision::NotFound),
///     }
/// };
/// let guard = LoadGuard::builder().resource("/orders/{id}", orders).shape(IdShape::U64).build()?;
/// let service = guard.layer(service_fn(|request: Request<()>| async move {
///     let order = Granted::<Order>::from_extensions(request.extensions()).map_or("", |order| order.0);
///     Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(order.as_bytes()))))
/// }));
///
/// for (who, status) in [("alice", StatusCode::OK), ("bob", StatusCode::NOT_FOUND)] {
///     let mut request = Request::get("/orders/1").body(())?;
///     Principal::builder(who).build().dangerous_attach(request.extensions_mut());
///     let answer = ServiceExt::<Request<()>>::oneshot(service.clone(), request).await?;
///     assert_eq!(answer.status(), status);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is added to a service"]
pub struct LoadGuard {
    core: Arc<Core<Loaders>>,
}

impl LoadGuard {
    /// Starts without rules.
    pub fn builder() -> OwnershipGuardBuilder<Loaders> {
        OwnershipGuardBuilder::new()
    }

    /// Starts with one rule for all requests that reach the layer, as
    /// [`OwnershipGuard::for_route`](super::OwnershipGuard::for_route) does.
    pub fn for_route(
        extractor: impl ResourceExtractor,
        loader: impl ResourceLoader,
    ) -> OwnershipGuardBuilder<Loaders> {
        let mut builder = OwnershipGuardBuilder::new();
        builder.draft.route(extractor, Loaders::new(loader));
        builder
    }

    /// Returns what becomes of a request that is refused.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.core.mode
    }

    /// Returns what each rule is called in events: its name, else its pattern or gRPC path; `None` for the rule of one route.
    pub fn rules(&self) -> impl Iterator<Item = Option<&str>> {
        self.core.labels()
    }

    /// Whether what no rule is there for is refused.
    #[must_use]
    pub fn denies_unmatched(&self) -> bool {
        self.core.denies_unmatched
    }

    /// Whether a rule tells that an object exists which the caller may not see.
    #[must_use]
    pub fn reveals(&self) -> bool {
        self.core.reveals()
    }
}

impl<S> Layer<S> for LoadGuard {
    type Service = OwnershipService<S, Loaders>;

    fn layer(&self, inner: S) -> Self::Service {
        OwnershipService::new(inner, Arc::clone(&self.core))
    }
}

impl OwnershipGuardBuilder<Loaders> {
    /// Loads the objects of a path whose only parameter is the id, such as `/orders/{id}`, by `loader`.
    ///
    /// The patterns are those of [`OwnershipGuardBuilder::resource`](OwnershipGuardBuilder#method.resource) of an
    /// [`OwnershipGuard`](super::OwnershipGuard).
    pub fn resource(mut self, pattern: impl AsRef<str>, loader: impl ResourceLoader) -> Self {
        let loader = Loaders::new(loader);
        self.draft.resource(pattern.as_ref(), None, loader);
        self
    }

    /// As [`resource`](Self::resource), of a path with several parameters, with the name of the one that is the id. Loaders see the
    /// others by [`AccessRequest::param`].
    pub fn resource_param(
        mut self,
        pattern: impl AsRef<str>,
        param: impl AsRef<str>,
        loader: impl ResourceLoader,
    ) -> Self {
        let loader = Loaders::new(loader);
        self.draft
            .resource(pattern.as_ref(), Some(param.as_ref()), loader);
        self
    }

    /// As [`resource`](Self::resource), of a path that does not have the id: it stands in the query or in a header.
    pub fn resource_from(
        mut self,
        pattern: impl AsRef<str>,
        extractor: impl ResourceExtractor,
        loader: impl ResourceLoader,
    ) -> Self {
        let loader = Loaders::new(loader);
        self.draft
            .resource_from(pattern.as_ref(), extractor, loader);
        self
    }

    /// Loads the object of a gRPC method, `/package.Service/Method`, whose id stands in the metadata.
    pub fn rpc(
        mut self,
        path: impl AsRef<str>,
        action: Action,
        extractor: impl ResourceExtractor,
        loader: impl ResourceLoader,
    ) -> Self {
        let loader = Loaders::new(loader);
        self.draft.rpc(path.as_ref(), action, extractor, loader);
        self
    }

    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// All [`OwnershipConfigError`](super::OwnershipConfigError)s at once.
    pub fn build(self) -> Result<LoadGuard, ConfigErrors> {
        let core = Arc::new(self.draft.build()?);
        Ok(LoadGuard { core })
    }
}

/// Asks loaders: what tells the builder and the service of a [`LoadGuard`] from those of an [`OwnershipGuard`](super::OwnershipGuard),
/// for whoever has to name their types.
#[derive(Clone)]
pub struct Loaders(Arc<dyn Load>);

impl Loaders {
    fn new(loader: impl ResourceLoader) -> Self {
        Self(Arc::new(loader))
    }
}

impl Ask for Loaders {
    type Grant = Loaded;
    type Pending = PendingLoad;

    fn ask(&self, request: &AccessRequest) -> Result<(Decision, Loaded), PendingLoad> {
        Err(Arc::clone(&self.0).load_whole(request.clone()))
    }
}

impl fmt::Debug for Loaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<loader>")
    }
}

/// [`ResourceLoader`] without its types.
trait Load: Send + Sync {
    fn load_whole(self: Arc<Self>, request: AccessRequest) -> PendingLoad;
}

impl<L: ResourceLoader> Load for L {
    fn load_whole(self: Arc<Self>, request: AccessRequest) -> PendingLoad {
        PendingLoad(Box::pin(async move {
            match self.load(request.clone()).await {
                Ok(resource) => {
                    let decision = if self.is_override(&request, &resource) {
                        Decision::AllowAsAdmin
                    } else {
                        Decision::Allow
                    };
                    (decision, Loaded(Some(Arc::new(resource))))
                }
                Err(decision) if decision.is_allowed() => (Decision::Unavailable, Loaded(None)),
                Err(decision) => (decision, Loaded(None)),
            }
        }))
    }
}

/// An object of whatever type, on its way to the handler.
#[doc(hidden)]
#[expect(unnameable_types, reason = "no part of the public interface")]
pub struct Loaded(Option<Arc<dyn Present>>);

trait Present: Send + Sync {
    fn present(self: Arc<Self>, extensions: &mut Extensions);
}

impl<T: Send + Sync + 'static> Present for T {
    fn present(self: Arc<Self>, extensions: &mut Extensions) {
        extensions.insert(Granted::new(self));
    }
}

impl Grant for Loaded {
    fn present(self, extensions: &mut Extensions) {
        if let Some(resource) = self.0 {
            resource.present(extensions);
        }
    }
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<object>")
    }
}

/// A loader that is waited for.
#[doc(hidden)]
#[expect(unnameable_types, reason = "no part of the public interface")]
pub struct PendingLoad(Pin<Box<dyn Future<Output = (Decision, Loaded)> + Send>>);

impl Future for PendingLoad {
    type Output = (Decision, Loaded);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for PendingLoad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<loader>")
    }
}
