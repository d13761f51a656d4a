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

#[cfg(test)]
mod tests {
    use http::Request;

    use super::super::{HttpsDecision, HttpsRefusal, OnInsecure};
    use super::*;
    use crate::core::Tls;

    fn decision(layer: &HttpsLayer, host: &str, tls: bool) -> HttpsDecision<'static> {
        let request = Request::get("/").header("host", host).body(()).unwrap();
        let mut head = request.into_parts().0;
        if tls {
            head.extensions.insert(Tls);
        }
        match layer.policy().check(&head) {
            HttpsDecision::Secure(hsts) => HttpsDecision::Secure(hsts.map(|_| &HSTS)),
            HttpsDecision::Refuse(refusal) => HttpsDecision::Refuse(refusal),
            HttpsDecision::Plain => HttpsDecision::Plain,
            other => panic!("{other:?}"),
        }
    }

    static HSTS: http::HeaderValue = http::HeaderValue::from_static("any");

    #[test]
    fn the_two_parts_together_do_what_the_whole_does() {
        let whole = HttpsLayer::builder(SchemeSource::Tls)
            .on_insecure(OnInsecure::Reject)
            .allowed_hosts(["app.example", "*.shop.example"])
            .exempt_acme()
            .exempt_path("/healthz")
            .mode(Mode::ReportOnly)
            .build()
            .unwrap();
        let outer = whole.hsts_part().unwrap();
        let inner = whole.without_hsts();
        for part in [&outer, &inner] {
            assert_eq!(part.mode(), Mode::ReportOnly);
            assert!(matches!(part.scheme_source(), SchemeSource::Tls));
        }
        use HttpsDecision::{Plain, Refuse, Secure};
        assert!(matches!(
            decision(&outer, "app.example", true),
            Secure(Some(_))
        ));
        assert!(matches!(
            decision(&outer, "evil.example", true),
            Secure(Some(_))
        ));
        assert!(matches!(decision(&outer, "app.example", false), Plain));
        assert!(matches!(
            decision(&inner, "app.example", true),
            Secure(None)
        ));
        let refused = HttpsRefusal::HostNotAllowed;
        assert!(matches!(decision(&inner, "evil.example", true), Refuse(host) if host == refused));
        let refused = HttpsRefusal::HttpsRequired;
        assert!(
            matches!(decision(&inner, "app.example", false), Refuse(plain) if plain == refused)
        );

        assert_eq!(inner.policy().on_insecure(), "reject");
        assert_eq!(outer.policy().on_insecure(), "pass");
        assert_eq!(whole.policy().allowed_hosts(), Some(2));
        assert_eq!(outer.policy().allowed_hosts(), None);
        let exempt: Vec<_> = inner.policy().exemptions().collect();
        assert_eq!(exempt, ["acme", "/healthz"]);
    }

    #[test]
    fn without_hsts_there_is_no_part_that_writes_it() {
        let layer = HttpsLayer::builder(SchemeSource::AssumeHttps)
            .hsts(Hsts::none())
            .build()
            .unwrap();
        assert!(layer.hsts_part().is_none());
        let alone = HttpsLayer::hsts_only(SchemeSource::Tls, Hsts::two_years()).unwrap();
        assert!(matches!(
            decision(&alone.without_hsts(), "a@b", true),
            HttpsDecision::Plain
        ));
    }
}
