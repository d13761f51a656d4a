//! The layer, and the handle that changes its policy under traffic.
#![expect(
    clippy::disallowed_types,
    reason = "serialises the writers of a reload cell; requests never take it"
)]

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tower_layer::Layer;

use super::{CorsBuilder, CorsConfig, CorsPolicy, CorsService};
use crate::core::{ConfigErrors, Reload, ReloadHandle};

/// Answers preflights and adds the CORS headers to responses.
///
/// The [module](crate::cors) has the decision procedure, the defaults and examples.
#[derive(Clone, Debug)]
pub struct CorsLayer {
    source: Arc<Source>,
}

/// Where a service reads what it decides by.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) policy: Reload<CorsPolicy>,
    passthrough: Arc<AtomicBool>,
}

impl Source {
    #[inline]
    pub(super) fn is_passthrough(&self) -> bool {
        self.passthrough.load(Ordering::Relaxed)
    }
}

impl CorsLayer {
    /// Starts a policy that allows nobody yet.
    pub fn builder() -> CorsBuilder {
        CorsBuilder::new()
    }

    /// Makes a layer of a compiled policy.
    #[must_use]
    pub fn new(policy: CorsPolicy) -> Self {
        Self::of(Reload::fixed(Arc::new(policy)), Arc::default())
    }

    /// Returns the policy in force.
    #[must_use]
    pub fn policy(&self) -> Arc<CorsPolicy> {
        self.source.policy.load_full()
    }

    pub(crate) fn is_passthrough(&self) -> bool {
        self.source.is_passthrough()
    }

    /// Makes a layer whose policy the handle changes under traffic.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::cors::CorsLayer;
    ///
    /// let policy = CorsLayer::builder().origins(["https://old.example.com"]).build_policy()?;
    /// let (layer, handle) = CorsLayer::reloadable(policy);
    ///
    /// let mut config = handle.policy().to_config();
    /// config.methods.push("PUT".to_owned());
    /// handle.try_reload(&config)?;
    ///
    /// config.methods.push("TRACE".to_owned());
    /// assert!(handle.try_reload(&config).is_err());
    /// assert_eq!(handle.policy().to_config().methods, ["PUT"]);
    /// # let _ = layer;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn reloadable(policy: CorsPolicy) -> (Self, CorsHandle) {
        let (policy, cell) = Reload::shared(Arc::new(policy));
        let passthrough = Arc::<AtomicBool>::default();
        let handle = CorsHandle {
            cell,
            passthrough: Arc::clone(&passthrough),
            writing: Arc::default(),
        };
        (Self::of(policy, passthrough), handle)
    }

    fn of(policy: Reload<CorsPolicy>, passthrough: Arc<AtomicBool>) -> Self {
        Self {
            source: Arc::new(Source {
                policy,
                passthrough,
            }),
        }
    }
}

impl<S> Layer<S> for CorsLayer {
    type Service = CorsService<S>;

    fn layer(&self, inner: S) -> CorsService<S> {
        CorsService::new(Arc::clone(&self.source), inner)
    }
}

/// Changes the policy of the [`CorsLayer`] that it was made with, and of all services that this layer has made.
///
/// A request that is being answered is finished with the policy that it began with. The handle may outlive the layer, and the layer
/// the handle.
#[derive(Clone, Debug)]
pub struct CorsHandle {
    cell: ReloadHandle<CorsPolicy>,
    passthrough: Arc<AtomicBool>,
    writing: Arc<Mutex<()>>,
}

impl CorsHandle {
    /// Replaces the policy.
    pub fn reload(&self, policy: CorsPolicy) {
        self.derive(|_| policy);
    }

    /// Checks a configuration and replaces the policy by it.
    ///
    /// What only code can give stays as it was: the sink, a predicate, a public suffix list. So origins `"*"` are a mistake
    /// (`conflicting_origins`) while the policy in force has a predicate, and `*.` above a domain of its list with credentials is one;
    /// [`reload`](Self::reload) replaces these too. A set given by [`trusted_origins`](CorsBuilder::trusted_origins) is *not* kept:
    /// [`to_config`](CorsPolicy::to_config) lists its origins, and what the configuration does not list is no longer allowed.
    ///
    /// The policy in force stays when there is a mistake.
    ///
    /// # Errors
    ///
    /// Every mistake in the configuration.
    pub fn try_reload(&self, config: &CorsConfig) -> Result<(), ConfigErrors> {
        self.replace(|current| {
            CorsBuilder::from(config)
                .with_code_of(current)
                .build_policy()
        })
    }

    /// Switches [`explain_failures`](CorsBuilder::explain_failures) until the next reload.
    pub fn set_explain_failures(&self, explain: bool) {
        self.derive(|current| CorsPolicy {
            explain_failures: explain,
            ..current.clone()
        });
    }

    /// Switches the layer off (`true`) or on again. Off, every request reaches the service, preflights too, and no header is added:
    /// browsers then refuse what is cross-origin. It holds through reloads.
    pub fn set_passthrough(&self, passthrough: bool) {
        self.passthrough.store(passthrough, Ordering::Relaxed);
    }

    /// Returns the policy in force.
    #[must_use]
    pub fn policy(&self) -> Arc<CorsPolicy> {
        self.cell.load_full()
    }

    fn derive(&self, make: impl FnOnce(&CorsPolicy) -> CorsPolicy) {
        let Ok(()) = self.replace(|current| Ok::<_, Infallible>(make(current)));
    }

    /// One writer at a time: a policy that is derived from the one in force must not undo a reload that happens meanwhile.
    fn replace<E>(&self, make: impl FnOnce(&CorsPolicy) -> Result<CorsPolicy, E>) -> Result<(), E> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let policy = make(&self.cell.load_full())?;
        self.cell.store(Arc::new(policy));
        Ok(())
    }
}
