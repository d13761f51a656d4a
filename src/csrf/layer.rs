//! The layer and the handle that switches it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tower_layer::Layer;

use super::check::{CsrfPolicy, CsrfRefusal};
use super::compile::compile;
use super::config::{CsrfBuilder, Surroundings};
use super::service::{self, Csrf};
use crate::core::origin::OriginGrant;
use crate::core::{ConfigErrors, Events, Mode, PreparedBody};

/// Refuses forged cross-site requests. The [module](crate::csrf) has the rules and an example.
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is added to a service"]
pub struct CsrfLayer {
    core: Arc<Core>,
}

/// Everything that the services of one layer share.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) policy: CsrfPolicy,
    pub(super) mode: ModeCell,
    pub(super) events: Events,
    /// The body of every refusal over HTTP.
    pub(super) body: PreparedBody,
    /// The same, of a request that does not say where it comes from.
    pub(super) unknown_body: PreparedBody,
    around: Surroundings,
}

impl CsrfLayer {
    /// Makes the layer with its defaults: no trusted origin, the request's host as its own origin.
    pub fn new() -> Self {
        Self::of(
            CsrfPolicy::default(),
            Surroundings::default(),
            Events::default(),
        )
    }

    /// Starts from the defaults.
    pub fn builder() -> CsrfBuilder {
        CsrfBuilder::default()
    }

    pub(super) fn of(policy: CsrfPolicy, around: Surroundings, events: Events) -> Self {
        let mode = ModeCell::new(policy.config().mode);
        Self::with_mode(policy, around, events, mode)
    }

    fn with_mode(policy: CsrfPolicy, around: Surroundings, events: Events, mode: ModeCell) -> Self {
        Self {
            core: Arc::new(Core {
                policy,
                mode,
                events,
                body: service::rejection(CsrfRefusal::CrossSite).prepare(),
                unknown_body: service::rejection(CsrfRefusal::MetadataMissing).prepare(),
                around,
            }),
        }
    }

    /// Returns the rules.
    #[must_use]
    pub fn policy(&self) -> &CsrfPolicy {
        &self.core.policy
    }

    /// Returns the mode in force.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.core.mode.load()
    }

    /// Returns a handle that switches the mode of this layer and of all its services at run time.
    #[must_use]
    pub fn handle(&self) -> CsrfHandle {
        CsrfHandle {
            mode: self.core.mode.clone(),
        }
    }

    /// The same layer, switched by the same handles, that also trusts what a CORS policy grants.
    ///
    /// # Errors
    ///
    /// Fails with what [`CsrfBuilder::trust_cors`] refuses.
    pub(crate) fn with_trusted(&self, grant: &OriginGrant) -> Result<Self, ConfigErrors> {
        let mut around = self.core.around.clone();
        around.grants.push(grant.clone());
        let policy = compile(self.core.policy.config().clone(), &around)?;
        Ok(Self::with_mode(
            policy,
            around,
            self.core.events.clone(),
            self.core.mode.clone(),
        ))
    }
}

impl Default for CsrfLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for CsrfLayer {
    type Service = Csrf<S>;

    fn layer(&self, inner: S) -> Csrf<S> {
        Csrf::new(inner, Arc::clone(&self.core))
    }
}

/// Switches the [`Mode`] of a layer under traffic. Made by [`CsrfLayer::handle`].
///
/// # Example
///
/// ```
/// use tower_security::core::Mode;
/// use tower_security::csrf::CsrfLayer;
///
/// let layer = CsrfLayer::builder().mode(Mode::ReportOnly).build()?;
/// let handle = layer.handle();
/// // Once the reports show nothing but attacks:
/// handle.set_mode(Mode::Enforce);
/// assert_eq!(layer.mode(), Mode::Enforce);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct CsrfHandle {
    mode: ModeCell,
}

impl CsrfHandle {
    /// Switches the mode. Requests that arrive from now on are treated by it.
    pub fn set_mode(&self, mode: Mode) {
        self.mode.store(mode);
    }

    /// Returns the mode in force.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode.load()
    }
}

/// A [`Mode`] that threads share. Relaxed: it guards no other memory.
#[derive(Clone)]
pub(super) struct ModeCell(Arc<AtomicU8>);

impl ModeCell {
    const ENFORCE: u8 = 0;
    const REPORT_ONLY: u8 = 1;
    const OFF: u8 = 2;

    fn new(mode: Mode) -> Self {
        Self(Arc::new(AtomicU8::new(Self::encode(mode))))
    }

    #[inline]
    pub(super) fn load(&self) -> Mode {
        match self.0.load(Ordering::Relaxed) {
            Self::REPORT_ONLY => Mode::ReportOnly,
            Self::OFF => Mode::Off,
            // `ENFORCE`; nothing else is ever stored.
            _ => Mode::Enforce,
        }
    }

    fn store(&self, mode: Mode) {
        self.0.store(Self::encode(mode), Ordering::Relaxed);
    }

    const fn encode(mode: Mode) -> u8 {
        match mode {
            Mode::Enforce => Self::ENFORCE,
            Mode::ReportOnly => Self::REPORT_ONLY,
            Mode::Off => Self::OFF,
        }
    }
}

impl fmt::Debug for ModeCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.load().fmt(f)
    }
}
