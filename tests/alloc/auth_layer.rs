//! Allocations of authentication, without those of a way to authenticate.

use super::*;
use http::HeaderName;
use http::request::Parts;
use tower_security::auth::{AuthBuilder, AuthLayer, Authenticator, Decision, Presence};
use tower_security::core::ChallengeScheme;

/// Grants what was made before, so that each allocation counted is the layer's.
struct Granted {
    principal: Principal,
    presence: Presence,
    header: HeaderName,
}

impl Granted {
    fn new(presence: Presence, header: &'static str) -> Self {
        Self {
            principal: Principal::builder("alice").build(),
            presence,
            header: HeaderName::from_static(header),
        }
    }
}

impl Authenticator for Granted {
    fn presence(&self, head: &Parts) -> Presence {
        if head.headers.contains_key(&self.header) {
            self.presence
        } else {
            Presence::Absent
        }
    }

    fn authenticate(&self, _: &Parts) -> Decision {
        Decision::Granted(self.principal.clone())
    }

    fn scheme(&self) -> ChallengeScheme {
        ChallengeScheme::bearer()
    }

    fn headers(&self) -> Vec<HeaderName> {
        vec![self.header.clone()]
    }
}

fn builder() -> AuthBuilder {
    AuthLayer::builder()
        .authenticator(Granted::new(Presence::Explicit, "authorization"))
        .authenticator(Granted::new(Presence::Ambient, "cookie"))
}

/// What the layer makes of requests, after the first of which its values are shared.
fn measured(layer: &AuthLayer, request: impl Fn() -> Request<Full<Bytes>>) -> usize {
    let mut service = layer.layer(Bare);
    go(&mut service, request());
    let request = request();
    allocations(|| go(&mut service, request))
}

fn with(header: &'static str) -> impl Fn() -> Request<Full<Bytes>> {
    move || {
        let mut request = from_peer("192.0.2.7:9");
        let value = HeaderValue::from_static("Bearer t");
        request.headers_mut().insert(header, value);
        request
    }
}

fn without_extensions() -> Request<Full<Bytes>> {
    let mut request = with("authorization")();
    *request.extensions_mut() = Extensions::new();
    request
}

#[test]
fn who_is_admitted_costs_an_extension() {
    let bearer = AuthLayer::builder()
        .authenticator(Granted::new(Presence::Explicit, "authorization"))
        .build()
        .expect("it is sound");
    assert_eq!(measured(&bearer, with("authorization")), 1);
    // The map of extensions, its table, and the extension.
    assert_eq!(measured(&bearer, without_extensions), 3);

    let optional = AuthLayer::builder()
        .authenticator(Granted::new(Presence::Explicit, "authorization"))
        .optional()
        .build()
        .expect("it is sound");
    // The map of the answer for `Vary`.
    assert_eq!(measured(&optional, with("x-other")), 1 + 2);
}

#[test]
fn what_caches_are_told_costs_the_map_of_the_answer() {
    let layer = builder().build().expect("it is sound");
    assert_eq!(measured(&layer, with("authorization")), 1 + 2);
    assert_eq!(measured(&layer, with("cookie")), 1 + 2);
}

#[test]
fn a_handler_knows_the_caller_for_nothing() {
    let mut request = with("authorization")();
    Principal::builder("alice")
        .build()
        .dangerous_attach(request.extensions_mut());
    let subject = || {
        let who = Principal::from_extensions(request.extensions());
        who.map_or(0, |who| who.subject().len())
    };
    assert_eq!(counted(subject), (5, 0));
}
