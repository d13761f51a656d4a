//! The layer, and what the services of one layer share.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use tower_layer::Layer;

use super::config::{CspLayerBuilder, NonceCaching, Precedence};
use super::media::NonceTypes;
use super::policy::CspPolicy;
use super::service::CspService;
use crate::core::{EventName, Events, Level, Mode, Outcome, SchemeSource, SecurityEvent, Shared};

/// The name of the room in events.
pub(super) const LAYER: &str = "csp";

/// Sends a content security policy with every answer. The [module](crate::csp) has the rules and an example.
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is added to a service"]
pub struct CspLayer {
    core: Arc<Core>,
}

/// Everything that the services of one layer share.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) enforce: Option<CspPolicy>,
    pub(super) report_only: Option<CspPolicy>,
    /// Whether one of them has a place for a nonce.
    pub(super) has_slot: bool,
    pub(super) precedence: Precedence,
    pub(super) mode: Mode,
    pub(super) scheme: Option<SchemeSource>,
    pub(super) nonce_types: NonceTypes,
    pub(super) nonce_caching: NonceCaching,
    pub(super) events: Events,
    /// Whether a nonce in a page for shared caches has been told of.
    pub(super) told_cached: AtomicBool,
    /// What the stack shares, remembered for events that are due when the request is gone.
    pub(super) shared: OnceLock<Shared>,
}

impl Core {
    pub(super) fn new(enforce: Option<CspPolicy>, report_only: Option<CspPolicy>) -> Self {
        let policies = [enforce.as_ref(), report_only.as_ref()];
        let has_slot = policies.into_iter().flatten().any(CspPolicy::has_slot);
        Self {
            enforce,
            report_only,
            has_slot,
            precedence: Precedence::default(),
            mode: Mode::default(),
            scheme: None,
            nonce_types: NonceTypes::default(),
            nonce_caching: NonceCaching::default(),
            events: Events::default(),
            told_cached: AtomicBool::new(false),
            shared: OnceLock::new(),
        }
    }
}

impl CspLayer {
    /// Enforces [`Csp::strict`](super::Csp::strict): scripts with the nonce of the request and what these load, and nothing from
    /// elsewhere.
    pub fn strict() -> Self {
        Self::enforcing(CspPolicy::strict())
    }

    /// Enforces [`Csp::compatible`](super::Csp::compatible): scripts as [`strict`](Self::strict), with room for the images, fonts
    /// and styles of other sites.
    pub fn compatible() -> Self {
        Self::enforcing(CspPolicy::compatible())
    }

    /// Enforces [`Csp::api`](super::Csp::api): nothing at all, for services that send no pages. No nonce.
    pub fn api() -> Self {
        Self::enforcing(CspPolicy::api())
    }

    /// Enforces the policy of the OWASP Secure Headers project, as of July 2026. No nonce: every script of this origin runs, an
    /// uploaded one too.
    pub fn owasp_2026() -> Self {
        Self::enforcing(CspPolicy::owasp_2026())
    }

    /// Starts a layer with policies of your own.
    pub fn builder() -> CspLayerBuilder {
        CspLayerBuilder::default()
    }

    fn enforcing(policy: CspPolicy) -> Self {
        Self::of(Core::new(Some(policy), None))
    }

    pub(super) fn of(core: Core) -> Self {
        Self {
            core: Arc::new(core),
        }
    }

    /// Tells what builds and deserves a second look. No stack is known yet: only the layer's own sink can hear of it, or the default.
    pub(super) fn warn(&self) {
        const NAME: EventName = EventName::SysMonitorDisabled;
        let policies = [self.enforced(), self.report_only()];
        for lint in policies.into_iter().flatten().flat_map(CspPolicy::lints) {
            self.core.events.emit(None, NAME, Level::Info, || {
                let detail = lint.to_string();
                SecurityEvent::new(NAME, LAYER, lint.code())
                    .outcome(Outcome::Success)
                    .own_detail(&detail)
            });
        }
    }

    /// Returns the policy that browsers enforce, or only report in [`Mode::ReportOnly`].
    #[must_use]
    pub fn enforced(&self) -> Option<&CspPolicy> {
        self.core.enforce.as_ref()
    }

    /// Returns the policy that browsers only report.
    #[must_use]
    pub fn report_only(&self) -> Option<&CspPolicy> {
        self.core.report_only.as_ref()
    }

    /// Returns the mode.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.core.mode
    }

    /// Returns which policy is sent where the handler has set one.
    #[must_use]
    pub fn precedence(&self) -> Precedence {
        self.core.precedence
    }

    /// Returns what becomes of an answer with a nonce that says nothing of caching.
    #[must_use]
    pub fn nonce_caching(&self) -> NonceCaching {
        self.core.nonce_caching
    }

    /// Tells whether requests get a nonce.
    #[must_use]
    pub fn has_nonce(&self) -> bool {
        self.core.has_slot
    }
}

impl<S> Layer<S> for CspLayer {
    type Service = CspService<S>;

    fn layer(&self, inner: S) -> CspService<S> {
        CspService::new(inner, Arc::clone(&self.core))
    }
}
