//! The layer.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Uri};
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

    /// The line for an answer to this request, which the stack writes outside of all its layers.
    pub(crate) fn hsts_for(
        &self,
        scheme: Option<RequestScheme>,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Option<&HeaderValue> {
        let is_https = scheme.is_some_and(RequestScheme::is_https);
        let hsts = self.core.policy.hsts.as_ref().filter(|_| is_https)?;
        (self.core.mode != Mode::Off && keeps_hsts(uri, headers)).then_some(hsts)
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
