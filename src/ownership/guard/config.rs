//! The builder of the layer.

use http::Method;

use super::ask::Policies;
use super::draft::Draft;
use super::layer::OwnershipGuard;
use crate::core::{Clock, ConfigErrors, EventSink, Mode};
use crate::ownership::{Action, IdShape, Policy, ResourceExtractor};

/// Builds an [`OwnershipGuard`], or a [`LoadGuard`](crate::ownership::LoadGuard) with loaders where the other has policies.
///
/// `shape`, `actions`, `reveal` and `name` apply to the rule before them; the rest to the whole layer.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct OwnershipGuardBuilder<T = Policies> {
    pub(in crate::ownership) draft: Draft<T>,
}

impl OwnershipGuardBuilder {
    pub(super) fn for_route(extractor: impl ResourceExtractor, policy: impl Policy) -> Self {
        let mut builder = Self::new();
        builder.draft.route(extractor, Policies::new(policy));
        builder
    }

    /// Asks `policy` about the objects of a path whose only parameter is the id, such as `/orders/{id}`.
    ///
    /// The pattern is axum's: `{name}` for a segment, a final `{*name}` for the rest. Behind axum's router it is compared with the whole
    /// template of the route, elsewhere with the path.
    ///
    /// | accepted | refused | why |
    /// |---|---|---|
    /// | `/orders/{id}` | `/orders/:id`, `orders/{id}` | syntax |
    /// | `/orders/{id}/items` | `/orders` | no parameter: `resource_from` |
    /// | | `/users/{user}/orders/{order}` | two parameters: `resource_param` |
    pub fn resource(mut self, pattern: impl AsRef<str>, policy: impl Policy) -> Self {
        let policy = Policies::new(policy);
        self.draft.resource(pattern.as_ref(), None, policy);
        self
    }

    /// As [`resource`](Self::resource), of a path with several parameters, with the name of the one that is the id. Policies see the
    /// others by [`AccessRequest::param`](crate::ownership::AccessRequest::param).
    pub fn resource_param(
        mut self,
        pattern: impl AsRef<str>,
        param: impl AsRef<str>,
        policy: impl Policy,
    ) -> Self {
        let policy = Policies::new(policy);
        self.draft
            .resource(pattern.as_ref(), Some(param.as_ref()), policy);
        self
    }

    /// As [`resource`](Self::resource), of a path that does not have the id: it stands in the query or in a header.
    pub fn resource_from(
        mut self,
        pattern: impl AsRef<str>,
        extractor: impl ResourceExtractor,
        policy: impl Policy,
    ) -> Self {
        let policy = Policies::new(policy);
        self.draft
            .resource_from(pattern.as_ref(), extractor, policy);
        self
    }

    /// Asks `policy` about the object of a gRPC method, `/package.Service/Method`, whose id stands in the metadata.
    ///
    /// No layer sees the id in a message: ask in the handler by [`Authz`](crate::ownership::Authz).
    pub fn rpc(
        mut self,
        path: impl AsRef<str>,
        action: Action,
        extractor: impl ResourceExtractor,
        policy: impl Policy,
    ) -> Self {
        let policy = Policies::new(policy);
        self.draft.rpc(path.as_ref(), action, extractor, policy);
        self
    }

    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// All [`OwnershipConfigError`](crate::ownership::OwnershipConfigError)s at once.
    pub fn build(self) -> Result<OwnershipGuard, ConfigErrors> {
        self.draft.build().map(OwnershipGuard::of)
    }
}

impl<T> OwnershipGuardBuilder<T> {
    pub(in crate::ownership) fn new() -> Self {
        Self {
            draft: Draft::new(),
        }
    }

    /// Sets what the ids of the rule before look like. [`IdShape::Any`] by default.
    pub fn shape(mut self, shape: IdShape) -> Self {
        self.draft.shape(shape);
        self
    }

    /// Says what methods do by the rule before, where it is something else than [`Action::of_method`] says: a `POST` that cancels.
    ///
    /// A method that has no action is refused. Of two for one method those of the later call count. It changes nothing for a gRPC
    /// method.
    pub fn actions(mut self, actions: impl IntoIterator<Item = (Method, Action)>) -> Self {
        self.draft.actions(actions);
        self
    }

    /// Answers a denial by the rule before with 403 (gRPC 7) instead of the 404 of what does not exist. Whoever guesses ids then learns
    /// which exist: for objects whose existence everybody may know.
    pub fn reveal(mut self) -> Self {
        self.draft.reveal();
        self
    }

    /// Names the rule before in events. By default they have its pattern.
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        self.draft.name(name.as_ref());
        self
    }

    /// Says that what this pattern matches is nobody's: where no rule is for it, it passes undecided, although it ends as a rule does.
    ///
    /// Without it such a request is 500 `ownership_rule_nested`, for the rule was most likely written for it without the prefix that it
    /// is mounted at. It is for files that happen to have such a name, for what everybody may read without a login (a rule asks for
    /// one), and for what another guard has a rule for. [`deny_unmatched`](Self::deny_unmatched) refuses it like all that no rule is for.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::ownership::{AccessRequest, Decision, OwnershipGuard};
    ///
    /// let owner = |_: &AccessRequest| Decision::Deny;
    /// // `/img/orders/logo.png` is a file, `/api/orders/1` would still be a mistake.
    /// let guard = OwnershipGuard::builder().resource("/orders/{id}", owner).unowned("/img/{*file}").build()?;
    /// # let _ = guard;
    /// assert!(OwnershipGuard::builder().resource("/orders/{id}", owner).unowned("/img/*").build().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn unowned(mut self, pattern: impl AsRef<str>) -> Self {
        self.draft.unowned(pattern.as_ref());
        self
    }

    /// Answers 404 where no rule is. By default such a request passes undecided, unless its end is what a rule is for.
    pub fn deny_unmatched(mut self) -> Self {
        self.draft.denies_unmatched = true;
        self
    }

    /// Tells of what was allowed too: events `sensitive_read`, `sensitive_create`, `sensitive_update` and `sensitive_delete`. By default
    /// only of what an administrator's rights allowed.
    pub fn record_grants(mut self) -> Self {
        self.draft.records_grants = true;
        self
    }

    /// Sets what becomes of a request that is refused. [`Mode::Enforce`] by default.
    ///
    /// With [`Mode::ReportOnly`] policies are asked and events told, and every request passes; the ledger notes one that would have been
    /// refused as exempt.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.draft.mode = mode;
        self
    }

    /// Sets where events go. The stack's sink by default, without one `tracing`.
    pub fn events(mut self, sink: impl EventSink) -> Self {
        self.draft.events = self.draft.events.with_sink(sink);
        self
    }

    /// Sets the clock by which a principal expires. The stack's by default, without one the system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.draft.events = self.draft.events.with_clock(clock);
        self
    }
}
