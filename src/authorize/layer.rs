//! The layer.

use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "axum")]
use http::{Response, request::Parts};
use tower_layer::Layer;

use super::config::RequireBuilder;
use super::requirement::{self, Requirement};
use super::roles::RoleTree;
use super::service::Require;
#[cfg(feature = "axum")]
use crate::core::RejectionBody;
use crate::core::{Events, Principal};

/// Lets a request pass if its principal meets a requirement. The [module](crate::authorize) has the rules and an example.
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is added to a service"]
pub struct RequireLayer {
    core: Arc<Core>,
}

/// What the services of one layer share.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) requirement: Requirement,
    pub(super) compares_params: bool,
    /// None: what roles include is said to a table.
    pub(super) roles: RoleTree,
    pub(super) events: Events,
}

impl RequireLayer {
    pub(super) fn of(requirement: Requirement, events: Events) -> Self {
        Self {
            core: Arc::new(Core {
                compares_params: requirement.compares_params(),
                requirement,
                roles: RoleTree::default(),
                events,
            }),
        }
    }

    /// Starts from a requirement.
    #[expect(clippy::new_ret_no_self, reason = "what is required may be wrong")]
    pub fn new(requirement: Requirement) -> RequireBuilder {
        RequireBuilder::new(requirement)
    }

    /// Requires to be logged in.
    pub fn authenticated() -> RequireBuilder {
        Self::new(requirement::authenticated())
    }

    /// Requires this scope.
    pub fn scope(scope: impl AsRef<str>) -> RequireBuilder {
        Self::new(requirement::scope(scope))
    }

    /// Requires one of these scopes.
    pub fn any_scope(scopes: impl IntoIterator<Item: AsRef<str>>) -> RequireBuilder {
        Self::new(requirement::any_scope(scopes))
    }

    /// Requires all of these scopes.
    pub fn all_scopes(scopes: impl IntoIterator<Item: AsRef<str>>) -> RequireBuilder {
        Self::new(requirement::all_scopes(scopes))
    }

    /// Requires this role.
    pub fn role(role: impl AsRef<str>) -> RequireBuilder {
        Self::new(requirement::role(role))
    }

    /// Requires one of these roles.
    pub fn any_role(roles: impl IntoIterator<Item: AsRef<str>>) -> RequireBuilder {
        Self::new(requirement::any_role(roles))
    }

    /// Requires this authentication context class.
    pub fn acr(value: impl AsRef<str>) -> RequireBuilder {
        Self::new(requirement::acr(value))
    }

    /// Requires one of these authentication context classes.
    pub fn any_acr(values: impl IntoIterator<Item: AsRef<str>>) -> RequireBuilder {
        Self::new(requirement::any_acr(values))
    }

    /// Requires more than one factor.
    pub fn mfa() -> RequireBuilder {
        Self::new(requirement::mfa())
    }

    /// Requires a login no longer ago than this.
    pub fn max_age(age: Duration) -> RequireBuilder {
        Self::new(requirement::max_age(age))
    }

    /// Requires to be the one whom this parameter of axum's router names; see [`same_subject`](super::same_subject).
    pub fn same_subject(param: impl AsRef<str>) -> RequireBuilder {
        Self::new(requirement::same_subject(param))
    }

    /// Requires what a function of yours says.
    pub fn predicate(
        name: &'static str,
        is_met: impl Fn(&Principal) -> bool + Send + Sync + 'static,
    ) -> RequireBuilder {
        Self::new(requirement::predicate(name, is_met))
    }

    /// The answer to a request that does not meet the requirement, for an extractor.
    #[cfg(feature = "axum")]
    pub(crate) fn refusal<B: RejectionBody>(&self, head: &Parts) -> Option<Response<B>> {
        self.core.refusal(head)
    }

    /// Returns what is required.
    pub fn requirement(&self) -> &Requirement {
        &self.core.requirement
    }
}

impl<S> Layer<S> for RequireLayer {
    type Service = Require<S>;

    fn layer(&self, inner: S) -> Require<S> {
        Require::new(inner, Arc::clone(&self.core))
    }
}
