//! The layer.

use std::sync::Arc;

use tower_layer::Layer;

use super::check::{HttpsPolicy, Insecure};
use super::config::{self, HttpsBuilder};
use super::hsts::Hsts;
use super::service::{Bodies, Https};
use crate::core::{ConfigErrors, Events, Mode, NoopSink, SchemeSource};

/// Redirects or refuses what comes without TLS, and tells browsers to remember. The [module](crate::https) has the rules and an
/// example.
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is added to a service"]
pub struct HttpsLayer {
    core: Arc<Core>,
}

/// Everything that the services of one layer share.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) policy: HttpsPolicy,
    pub(super) mode: Mode,
    pub(super) events: Events,
    pub(super) bodies: Bodies,
}

impl HttpsLayer {
    /// Starts with where the scheme of a request is learnt from. There is no default: a wrong answer loses TLS or loops.
    pub fn builder(source: SchemeSource) -> HttpsBuilder {
        HttpsBuilder::new(source)
    }

    /// Makes a layer that only writes `Strict-Transport-Security`, to answers over TLS; no request is refused. For a service that
    /// has no plain listener, or another one in front of it that redirects.
    ///
    /// Where the scheme depends on the peer and the server attached none, no line is written, and each request is an event
    /// `peer_address_missing`.
    ///
    /// # Errors
    ///
    /// A duration of less than a second, and [`preload`](Hsts::preload) without what the list asks for.
    pub fn hsts_only(source: SchemeSource, hsts: Hsts) -> Result<Self, ConfigErrors> {
        let policy = config::hsts_only(source, hsts)?;
        Ok(Self::of(policy, Mode::default(), Events::default()))
    }

    pub(super) fn of(policy: HttpsPolicy, mode: Mode, events: Events) -> Self {
        Self {
            core: Arc::new(Core {
                policy,
                mode,
                events,
                bodies: Bodies::new(),
            }),
        }
    }

    /// Returns the rules.
    #[must_use]
    pub fn policy(&self) -> &HttpsPolicy {
        &self.core.policy
    }

    /// Returns the mode.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.core.mode
    }

    /// Returns where the scheme is learnt from.
    pub(crate) fn scheme_source(&self) -> &SchemeSource {
        &self.core.policy.source
    }

    /// The part that writes HSTS, for a place outside of everything that answers; `None` if there is none to write. It records no
    /// events: the other part does.
    pub(crate) fn hsts_part(&self) -> Option<Self> {
        let Core { policy, mode, .. } = &*self.core;
        policy.hsts.as_ref()?;
        let policy = HttpsPolicy {
            insecure: Insecure::Pass,
            allowed: None,
            ..policy.clone()
        };
        Some(Self::of(policy, *mode, Events::new(NoopSink::new())))
    }

    /// The part that redirects, refuses and judges hosts.
    pub(crate) fn without_hsts(&self) -> Self {
        let Core {
            policy,
            mode,
            events,
            ..
        } = &*self.core;
        let policy = HttpsPolicy {
            hsts: None,
            ..policy.clone()
        };
        Self::of(policy, *mode, events.clone())
    }
}

impl<S> Layer<S> for HttpsLayer {
    type Service = Https<S>;

    fn layer(&self, inner: S) -> Https<S> {
        Https::new(inner, Arc::clone(&self.core))
    }
}
