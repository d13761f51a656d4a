//! Policies of routes.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{Request, Response};
use http_body_util::Full;
use std::convert::Infallible;
use tower::{Layer, Service, ServiceBuilder};

use tower_security::core::Mode;
use tower_security::csp::{
    Csp, CspLayer, CspNonce, CspOverride, CspPolicy, Precedence, ReportEndpoint, Source,
};

use super::runtime::{API, FULL, HTML, JSON, OWN, Page, ROUTE, TWIN, ask, enforcing, get, policy};

const ROUTE_TWIN: &str = "default-src 'none'; base-uri 'none'; script-src 'none'";
const OTHER: &str = "default-src 'none'; base-uri 'none'; img-src 'self'";

fn within<L, O>(layer: L, route: O) -> impl Layer<Page, Service: Answers>
where
    O: Layer<Page>,
    L: Layer<O::Service, Service: Answers>,
{
    ServiceBuilder::new().layer(layer).layer(route)
}

trait Answers: Service<Request<()>, Response = Response<Full<Bytes>>, Error = Infallible> {}

impl<S: Service<Request<()>, Response = Response<Full<Bytes>>, Error = Infallible>> Answers for S {}

#[tokio::test]
async fn a_route_sends_its_own_policy() {
    let replace = || CspOverride::replace(policy(ROUTE));
    let rows: [(&str, u16, _, &[&str]); 6] = [
        ("page", 200, HTML, &[ROUTE]),
        ("error", 500, HTML, &[ROUTE]),
        ("JSON", 200, JSON, &[ROUTE_TWIN]),
        ("redirect", 303, HTML, &[ROUTE_TWIN]),
        ("304", 304, HTML, &[]),
        ("gRPC", 200, (CONTENT_TYPE, "application/grpc"), &[]),
    ];
    for (name, status, media, expected) in rows {
        for layer in [CspLayer::strict(), CspLayer::api()] {
            let answer = get(
                within(layer, replace()),
                status,
                std::slice::from_ref(&media),
            )
            .await;
            assert_eq!(answer.enforced(), expected, "{name}");
            assert!(answer.nonce.is_some(), "{name}");
        }
    }
    // A static policy on a route of a layer with nonces.
    let plain = CspOverride::replace(policy(OTHER));
    let answer = get(within(CspLayer::strict(), plain), 304, &[HTML]).await;
    assert_eq!(answer.enforced(), [OTHER]);
}

#[tokio::test]
async fn a_route_appends_to_a_policy() {
    let base = Csp::strict().build().expect("it is sound");
    let tiles = Source::host("https://tiles.example.com").expect("a host");
    let map = CspOverride::append(&base, |policy| policy.add_img_src([tiles]));
    let map = map.expect("it is sound");
    let expected = |text: &str| {
        text.replace(
            "img-src 'self' data:",
            "img-src 'self' data: https://tiles.example.com",
        )
    };
    let answer = get(within(CspLayer::strict(), map.clone()), 200, &[HTML]).await;
    assert_eq!(answer.enforced(), [expected(FULL)]);
    let answer = get(within(CspLayer::strict(), map), 200, &[JSON]).await;
    assert_eq!(answer.enforced(), [expected(TWIN)]);
    // The routes beside it have the layer's.
    let answer = get(CspLayer::strict(), 200, &[HTML]).await;
    assert_eq!(answer.enforced(), [FULL]);
}

#[tokio::test]
async fn a_route_may_send_none() {
    let reporting = || {
        let endpoint = ReportEndpoint::path("csp", "/r").expect("it is sound");
        Csp::parse(ROUTE)
            .report_to(endpoint)
            .build()
            .expect("it is sound")
    };
    let layer = || {
        let builder = enforcing(FULL).report_only(reporting());
        builder.build().expect("it is sound")
    };
    let answer = get(within(layer(), CspOverride::remove()), 200, &[HTML]).await;
    assert_eq!(answer.response.headers().len(), 1);
    // What the handler has set stays, and a replaced policy leaves the report-only one alone.
    let own = [HTML, (CONTENT_SECURITY_POLICY, OWN)];
    let answer = get(within(layer(), CspOverride::remove()), 200, &own).await;
    assert_eq!(answer.enforced(), [OWN]);
    let answer = get(
        within(layer(), CspOverride::replace(policy(OTHER))),
        200,
        &[HTML],
    )
    .await;
    assert_eq!(answer.enforced(), [OTHER]);
    assert_eq!(
        answer.watched(),
        [
            "default-src 'none'; base-uri 'none'; report-to csp; report-uri /r; script-src 'nonce-{}'"
        ]
    );
}

#[tokio::test]
async fn the_innermost_route_counts() {
    let rows = [
        (CspOverride::replace(policy(OTHER)), &[OTHER][..]),
        (CspOverride::replace(policy(ROUTE)), &[ROUTE]),
        (CspOverride::remove(), &[]),
    ];
    for (inner, expected) in rows {
        for outer in [
            CspOverride::replace(policy(API)),
            CspOverride::replace(policy(ROUTE)),
            CspOverride::remove(),
        ] {
            for layer in [CspLayer::strict(), CspLayer::api()] {
                let routes = ServiceBuilder::new()
                    .layer(outer.clone())
                    .layer(inner.clone());
                let stack = ServiceBuilder::new().layer(layer).layer(routes);
                let answer = get(stack, 200, &[HTML]).await;
                assert_eq!(answer.enforced(), expected, "{inner:?} in {outer:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_route_policy_is_sent_as_the_layers_would_be() {
    let route = || CspOverride::replace(policy(ROUTE));
    let rows: [(Precedence, &[&str]); 3] = [
        (Precedence::Handler, &[OWN]),
        (Precedence::Layer, &[ROUTE]),
        (Precedence::Both, &[OWN, ROUTE]),
    ];
    for (precedence, expected) in rows {
        let layer = enforcing(API).precedence(precedence).build();
        let lines = [HTML, (CONTENT_SECURITY_POLICY, OWN)];
        let answer = get(within(layer.expect("it is sound"), route()), 200, &lines).await;
        assert_eq!(answer.enforced(), expected, "{precedence:?}");
    }
    let off = enforcing(API).mode(Mode::Off).build().expect("it is sound");
    let answer = get(within(off, route()), 200, &[HTML]).await;
    assert_eq!(answer.response.headers().len(), 1);
    // It takes what its routes say, and a layer outside of it keeps its policy.
    for route in [route(), CspOverride::remove()] {
        let off = enforcing(API).mode(Mode::Off).build().expect("it is sound");
        let outside = CspLayer::owasp_2026();
        let expected = outside.enforced().map(CspPolicy::to_template);
        let answer = get(within(outside, within(off, route)), 200, &[HTML]).await;
        assert_eq!(answer.enforced(), Vec::from_iter(expected));
    }

    let endpoint = ReportEndpoint::path("csp", "/r").expect("it is sound");
    let watched = Csp::parse(OTHER).report_to(endpoint).build();
    let watched = CspLayer::builder().enforce(watched.expect("it is sound"));
    let watched = watched.mode(Mode::ReportOnly).build().expect("it is sound");
    let answer = get(within(watched, route()), 200, &[HTML]).await;
    assert_eq!(
        (answer.enforced(), answer.watched()),
        (vec![], vec![ROUTE.to_owned()])
    );
}

#[tokio::test]
async fn one_request_has_one_nonce() {
    // The layer draws none: the route does, and the layer sends that one.
    let answer = get(
        within(CspLayer::api(), CspOverride::replace(policy(ROUTE))),
        200,
        &[HTML],
    )
    .await;
    assert_eq!(answer.enforced(), [ROUTE]);
    assert_eq!(answer.lines(&CACHE_CONTROL), ["no-store"]);

    // The layer draws one: the route takes it, whatever its own layers of routes say.
    let seen = std::sync::Arc::new(std::sync::Mutex::new(None));
    let between = {
        let seen = std::sync::Arc::clone(&seen);
        tower::layer::layer_fn(move |inner| Spying(std::sync::Arc::clone(&seen), inner))
    };
    let stack = ServiceBuilder::new()
        .layer(CspLayer::strict())
        .layer(between)
        .layer(CspOverride::replace(policy(ROUTE)));
    let answer = ask(stack, Page::new(200, &[HTML]), Request::new(())).await;
    assert_eq!(answer.enforced(), [ROUTE]);
    let outside = seen.lock().expect("no panic").take();
    assert_eq!(outside, answer.nonce);

    // A layer of the route inside of an override of the whole: its own policy is a handler's header.
    let stack = ServiceBuilder::new()
        .layer(CspLayer::api())
        .layer(CspOverride::replace(policy(ROUTE)))
        .layer(CspLayer::strict());
    let answer = get(stack, 200, &[HTML]).await;
    assert_eq!(answer.enforced(), [FULL]);
    let both = enforcing(API).precedence(Precedence::Both).build();
    let stack = ServiceBuilder::new()
        .layer(both.expect("it is sound"))
        .layer(CspOverride::replace(policy(ROUTE)))
        .layer(CspLayer::strict());
    let answer = get(stack, 200, &[HTML]).await;
    assert_eq!(answer.enforced(), [FULL, ROUTE]);
}

/// Looks at the nonce on its way in.
struct Spying<S>(std::sync::Arc<std::sync::Mutex<Option<String>>>, S);

impl<S: Service<Request<()>>> Service<Request<()>> for Spying<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), S::Error>> {
        self.1.poll_ready(cx)
    }

    fn call(&mut self, request: Request<()>) -> S::Future {
        let nonce = CspNonce::from_extensions(request.extensions());
        *self.0.lock().expect("no panic") = nonce.map(|nonce| nonce.to_string());
        self.1.call(request)
    }
}

#[tokio::test]
async fn without_a_layer_outside_nothing_is_sent() {
    for route in [
        CspOverride::replace(policy(ROUTE)),
        CspOverride::replace(policy(OTHER)),
        CspOverride::remove(),
    ] {
        let answer = get(route.clone(), 200, &[HTML]).await;
        assert_eq!(answer.response.headers().len(), 1, "{route:?}");
        // Nor if the layer stands inside.
        let stack = ServiceBuilder::new().layer(route).layer(CspLayer::strict());
        let answer = get(stack, 200, &[HTML]).await;
        assert_eq!(answer.enforced(), [FULL]);
    }
}

#[test]
fn an_override_tells_its_policy() {
    assert!(CspOverride::replace(policy(OTHER)).policy().is_some());
    assert!(CspOverride::remove().policy().is_none());
}
