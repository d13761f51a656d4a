//! The layer.

use std::sync::Arc;

use http::{HeaderMap, Uri};
use tower_layer::Layer;

use super::check::HttpsPolicy;
use super::config::{self, HttpsBuilder};
use super::host::keeps_hsts;
use super::hsts::Hsts;
use super::service::{Bodies, Https};
use crate::core::{ConfigErrors, Events, Mode, RequestScheme, SchemeSource};

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
    /// Whether HSTS is written here. In a stack it is written further outside, on the answers of every layer.
    pub(super) writes_hsts: bool,
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
                writes_hsts: true,
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

    /// Whether the answer to this request gets HSTS, which the stack writes outside of all its layers.
    pub(crate) fn writes_hsts(
        &self,
        scheme: Option<RequestScheme>,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> bool {
        self.core.mode != Mode::Off
            && self.core.policy.hsts.is_some()
            && scheme.is_some_and(RequestScheme::is_https)
            && keeps_hsts(uri, headers)
    }

    /// The same layer where something further outside writes HSTS.
    pub(crate) fn with_hsts_outside(&self) -> Self {
        let Core {
            policy,
            mode,
            events,
            ..
        } = &*self.core;
        Self {
            core: Arc::new(Core {
                policy: policy.clone(),
                mode: *mode,
                events: events.clone(),
                bodies: Bodies::new(),
                writes_hsts: false,
            }),
        }
    }
}

impl<S> Layer<S> for HttpsLayer {
    type Service = Https<S>;

    fn layer(&self, inner: S) -> Https<S> {
        Https::new(inner, Arc::clone(&self.core))
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::super::OnInsecure;
    use super::*;

    fn writes(layer: &HttpsLayer, scheme: Option<RequestScheme>, host: &str) -> bool {
        let request = Request::get("/").header("host", host).body(()).unwrap();
        layer.writes_hsts(scheme, request.uri(), request.headers())
    }

    #[test]
    fn a_stack_writes_hsts_over_tls_alone_and_to_names_alone() {
        let https = Some(RequestScheme::Https);
        let builder = || {
            HttpsLayer::builder(SchemeSource::Tls)
                .on_insecure(OnInsecure::Reject)
                .allowed_hosts(["app.example"])
        };
        for mode in [Mode::Enforce, Mode::ReportOnly] {
            let layer = builder().mode(mode).build().unwrap();
            for layer in [&layer, &layer.with_hsts_outside()] {
                assert!(writes(layer, https, "app.example"));
                // Refusals of the stack carry it too.
                assert!(writes(layer, https, "evil.example"));
                assert!(!writes(layer, https, "localhost"));
                assert!(!writes(layer, Some(RequestScheme::Http), "app.example"));
                assert!(!writes(layer, None, "app.example"));
                assert_eq!(layer.mode(), mode);
            }
        }
        let off = builder().mode(Mode::Off).build().unwrap();
        assert!(!writes(&off, https, "app.example"));
        let none = builder().hsts(Hsts::none()).build().unwrap();
        assert!(!writes(&none, https, "app.example"));
    }

    #[test]
    fn a_posture_can_tell_what_is_set() {
        let layer = HttpsLayer::builder(SchemeSource::Tls)
            .on_insecure(OnInsecure::Reject)
            .allowed_hosts(["app.example", "*.shop.example"])
            .exempt_acme()
            .exempt_path("/healthz")
            .build()
            .unwrap();
        assert_eq!(layer.policy().on_insecure(), "reject");
        assert_eq!(layer.policy().allowed_hosts(), Some(2));
        let exempt: Vec<_> = layer.policy().exemptions().collect();
        assert_eq!(exempt, ["acme", "/healthz"]);
        assert!(matches!(layer.scheme_source(), SchemeSource::Tls));
        let alone = HttpsLayer::hsts_only(SchemeSource::Tls, Hsts::two_years()).unwrap();
        assert_eq!(alone.policy().on_insecure(), "pass");
        assert_eq!(alone.policy().allowed_hosts(), None);
    }
}
