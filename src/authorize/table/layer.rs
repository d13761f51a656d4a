//! The layer.

use std::sync::Arc;

use tower_layer::Layer;

use super::config::AccessTableBuilder;
use super::rules::Rules;
use super::service::Access;
use crate::authorize::Requirement;
use crate::authorize::roles::RoleTree;
use crate::core::{Events, Mode};

/// Who may call what: rules by method and route, the first that matches counts, and what no rule is for is refused. The
/// [module](crate::authorize) has the rules and an example.
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is added to a service"]
pub struct AccessTable {
    core: Arc<Core>,
}

/// What the services of one layer share.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) rules: Rules,
    pub(super) roles: RoleTree,
    pub(super) hides_unmatched: bool,
    pub(super) mode: Mode,
    pub(super) events: Events,
}

impl AccessTable {
    pub(super) fn of(core: Core) -> Self {
        Self {
            core: Arc::new(core),
        }
    }

    /// Starts without rules.
    pub fn builder() -> AccessTableBuilder {
        AccessTableBuilder::new()
    }

    /// Returns what becomes of a request that is refused.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.core.mode
    }

    /// Returns the rules in their order: what each is called in events, such as `GET /orders/{id}`, and what it requires.
    pub fn rules(&self) -> impl Iterator<Item = (&str, &Requirement)> {
        let rules = self.core.rules.iter();
        rules.map(|rule| (&*rule.label, &rule.requirement))
    }

    /// Returns what each rule is called that lets everybody pass, logged in or not.
    pub fn open(&self) -> impl Iterator<Item = &str> {
        self.rules()
            .filter_map(|(label, requirement)| requirement.is_open().then_some(label))
    }

    /// Returns what is required for what no rule is for; without it nobody may.
    #[must_use]
    pub fn any_request(&self) -> Option<&Requirement> {
        self.core.rules.rest().map(|rule| &rule.requirement)
    }

    /// Whether what no rule is for gets the 404 of what does not exist.
    #[must_use]
    pub fn hides_unmatched(&self) -> bool {
        self.core.hides_unmatched
    }
}

impl<S> Layer<S> for AccessTable {
    type Service = Access<S>;

    fn layer(&self, inner: S) -> Access<S> {
        Access::new(inner, Arc::clone(&self.core))
    }
}
