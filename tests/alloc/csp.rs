//! The content security policy.

use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use tower_security::csp::{Csp, CspLayer, CspOverride, CspPolicy};

use super::*;

/// Answers with a type and with room for further headers, so that the growth of its map is not counted as the layer's.
#[derive(Clone, Copy, Debug)]
struct Roomy {
    status: http::StatusCode,
    media: &'static str,
}

impl<B> Service<Request<B>> for Roomy {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        let mut response = Response::new(Full::default());
        *response.status_mut() = self.status;
        let media = HeaderValue::from_static(self.media);
        response.headers_mut().insert(CONTENT_TYPE, media);
        ready(Ok(response))
    }
}

/// A request whose extension map has room, as a server hands it on.
fn request() -> Request<Full<Bytes>> {
    from_peer("203.0.113.9:9")
}

fn answers(status: u16, media: &'static str) -> Roomy {
    let status = http::StatusCode::from_u16(status).expect("a status");
    Roomy { status, media }
}

fn policy(text: &str) -> CspPolicy {
    Csp::parse(text).build().expect("a good policy")
}

/// The box of the nonce in the request's extensions.
const NONCE: usize = 1;
/// The text of a policy with its nonce.
const TEXT: usize = 1;

#[test]
fn csp_sends_static_text_without_one_and_a_nonce_with_two() {
    let rows = [
        ("page", 200, "text/html; charset=utf-8", NONCE + TEXT),
        ("error page", 500, "text/html", NONCE + TEXT),
        ("JSON", 200, "application/json", NONCE),
        ("script", 200, "text/javascript", NONCE),
        ("redirect", 302, "text/html", NONCE),
        ("304", 304, "text/html", NONCE),
        ("gRPC", 200, "application/grpc", NONCE),
    ];
    for (name, status, media, with_nonce) in rows {
        let inner = answers(status, media);
        for (layer, own) in [(CspLayer::strict(), with_nonce), (CspLayer::api(), 0)] {
            let mut service = layer.layer(inner);
            // The first nonce of a thread fills its buffer of randomness.
            for _ in 0..3 {
                let request = request();
                let (answer, made) = counted(|| go(&mut service, request));
                assert_eq!(made, MAP + own, "{name}");
                let is_sent = answer.headers().contains_key(CONTENT_SECURITY_POLICY);
                let is_none = name == "gRPC" || (name == "304" && own > 0);
                assert_eq!(is_sent, !is_none, "{name}");
            }
        }
    }
}

#[test]
fn csp_lets_grpc_pass_without_one() {
    let inner = answers(200, "application/grpc");
    let slotted = "default-src 'none'; base-uri 'none'; script-src 'nonce-{}'";
    let grpc = || {
        let mut request = request();
        *request.method_mut() = http::Method::POST;
        let media = HeaderValue::from_static("application/grpc+proto");
        request.headers_mut().insert(CONTENT_TYPE, media);
        request
    };
    let mut service = CspLayer::strict().layer(inner);
    let call = grpc();
    assert_eq!(allocations(|| go(&mut service, call)), MAP);
    let mut service = CspLayer::api().layer(inner);
    let call = grpc();
    assert_eq!(allocations(|| go(&mut service, call)), MAP);
    // The rule of a route is carried, but draws nothing.
    let mut service = CspOverride::replace(policy(slotted)).layer(inner);
    let call = grpc();
    assert_eq!(allocations(|| go(&mut service, call)), MAP + 3);
}

#[test]
fn csp_without_room_in_the_request_makes_the_map_of_extensions_too() {
    /// The map and its table.
    const EXTENSIONS: usize = 2;
    let mut service = CspLayer::strict().layer(answers(200, "text/html"));
    let request = Request::new(Full::<Bytes>::default());
    let made = allocations(|| go(&mut service, request));
    assert_eq!(made, MAP + EXTENSIONS + NONCE + TEXT);
    let mut service = CspLayer::api().layer(answers(200, "text/html"));
    let request = Request::new(Full::<Bytes>::default());
    assert_eq!(allocations(|| go(&mut service, request)), MAP);
}

#[test]
fn csp_of_a_route_makes_what_carries_it() {
    /// The map of the answer's extensions, its table, and the box of the rule.
    const CARRIED: usize = 3;
    let inner = answers(200, "text/html");
    let slotted = "default-src 'none'; base-uri 'none'; script-src 'nonce-{}'";
    let unslotted = "default-src 'none'; base-uri 'none'";
    let rows = [
        (CspLayer::api(), unslotted, CARRIED),
        (CspLayer::api(), slotted, CARRIED + NONCE + TEXT),
        (CspLayer::strict(), unslotted, CARRIED + NONCE),
        (CspLayer::strict(), slotted, CARRIED + NONCE + TEXT),
    ];
    for (layer, text, own) in rows {
        let mut service = layer.layer(CspOverride::replace(policy(text)).layer(inner));
        let request = request();
        assert_eq!(
            allocations(|| go(&mut service, request)),
            MAP + own,
            "{text}"
        );
    }
}
