//! The layer.

use std::sync::Arc;
use std::time::Duration;

use tower_layer::Layer;

use super::ask::Policies;
use super::config::OwnershipGuardBuilder;
use super::rules::{Rule, Rules};
use super::service::OwnershipService;
use crate::core::{Events, Mode, Template};
use crate::ownership::{Policy, ResourceExtractor};

/// Asks a policy whether the caller may do this with that object, before the handler is called. The [module](crate::ownership) has the
/// rules and an example.
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is added to a service"]
pub struct OwnershipGuard {
    core: Arc<Core<Policies>>,
}

/// What the services of one layer share.
#[derive(Debug)]
pub(crate) struct Core<T> {
    pub(crate) rules: Rules<T>,
    /// What passes undecided although its end is what a rule is for.
    pub(crate) unowned: Box<[Template]>,
    pub(crate) events: Events,
    pub(crate) mode: Mode,
    pub(crate) denies_unmatched: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) floor: Option<Duration>,
}

impl OwnershipGuard {
    pub(super) fn of(core: Core<Policies>) -> Self {
        Self {
            core: Arc::new(core),
        }
    }

    /// Starts without rules.
    pub fn builder() -> OwnershipGuardBuilder {
        OwnershipGuardBuilder::new()
    }

    /// Starts with one rule for all requests that reach the layer: for the `route_layer` of one route.
    ///
    /// Where the id is not to be found the request is refused, also because the layer stands in a place where it cannot be: a
    /// [`PathParam`](crate::ownership::PathParam) around a whole router.
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(feature = "axum")]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use axum::Router;
    /// use axum::routing::get;
    /// use tower_security::ownership::{AccessRequest, Decision, IdShape, OwnershipGuard, PathParam};
    ///
    /// let own = |request: &AccessRequest| {
    ///     if request.id() == request.principal().subject() { Decision::Allow } else { Decision::Deny }
    /// };
    /// let guard = OwnershipGuard::for_route(PathParam::new("user"), own).shape(IdShape::Slug).build()?;
    /// let app: Router = Router::new().route("/users/{user}", get(async || "a profile").route_layer(guard));
    /// # let _ = app;
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "axum"))]
    /// # fn main() {}
    /// ```
    pub fn for_route(
        extractor: impl ResourceExtractor,
        policy: impl Policy,
    ) -> OwnershipGuardBuilder {
        OwnershipGuardBuilder::for_route(extractor, policy)
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

impl<T> Core<T> {
    pub(crate) fn labels(&self) -> impl Iterator<Item = Option<&str>> {
        self.rules.iter().map(Rule::label)
    }

    pub(crate) fn reveals(&self) -> bool {
        self.rules.iter().any(|rule| rule.manner.reveals)
    }
}

impl<S> Layer<S> for OwnershipGuard {
    type Service = OwnershipService<S, Policies>;

    fn layer(&self, inner: S) -> Self::Service {
        OwnershipService::new(inner, Arc::clone(&self.core))
    }
}
