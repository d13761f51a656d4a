//! The layer.

use std::sync::Arc;

use tower_layer::Layer;

use super::check::CookiePolicy;
use super::config::{CookieBuilder, CookieConfig};
use super::service::CookieService;
use crate::core::{Events, Mode};

/// Hardens every `Set-Cookie`. The [module](crate::cookies) has the rules and an example.
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is added to a service"]
pub struct CookieLayer {
    core: Arc<Core>,
}

/// Everything that the services of one layer share.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) policy: CookiePolicy,
    pub(super) events: Events,
}

impl CookieLayer {
    /// Makes the layer with its defaults: `Secure`, `HttpOnly` and `SameSite=Lax` on every cookie, and no cookie renamed.
    pub fn strict() -> Self {
        Self::of(CookiePolicy::default(), Events::default())
    }

    /// Starts from the defaults of [`strict`](Self::strict).
    pub fn builder() -> CookieBuilder {
        CookieBuilder::default()
    }

    pub(super) fn of(policy: CookiePolicy, events: Events) -> Self {
        Self {
            core: Arc::new(Core { policy, events }),
        }
    }

    /// Returns the rules.
    #[must_use]
    pub fn policy(&self) -> &CookiePolicy {
        &self.core.policy
    }

    /// Returns the mode in force.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.core.policy.config.mode
    }
}

impl CookiePolicy {
    /// Returns the configuration that it was made of.
    #[must_use]
    pub const fn config(&self) -> &CookieConfig {
        &self.config
    }

    /// Returns the cookies that are renamed, by the names that the handler knows.
    pub fn renamed(&self) -> impl Iterator<Item = &str> {
        self.renamed.iter().map(|name| &**name)
    }

    /// The `dangerous_*` methods of the builder, and whether they were called.
    pub(crate) fn dangerous(&self) -> [(&'static str, bool); 3] {
        [
            (
                "dangerous_insecure_on_plain_http",
                self.plain_http.is_some(),
            ),
            (
                "dangerous_script_readable",
                !self.config.dangerous_script_readable.is_empty(),
            ),
            ("dangerous_skip", !self.config.dangerous_skip.is_empty()),
        ]
    }
}

impl Default for CookieLayer {
    fn default() -> Self {
        Self::strict()
    }
}

impl<S> Layer<S> for CookieLayer {
    type Service = CookieService<S>;

    fn layer(&self, inner: S) -> CookieService<S> {
        CookieService::new(inner, Arc::clone(&self.core))
    }
}
