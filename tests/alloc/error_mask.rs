//! The error mask: nothing for what passes, little for what does not.

use http::header::{ACCEPT, CONTENT_TYPE, HOST};
use http::{Method, StatusCode};
use http_body::Body;
use tower_security::core::NoopSink;
use tower_security::{CspLayer, ErrorMaskLayer, SecurityHeadersLayer};

use super::*;

fn mask() -> ErrorMaskLayer {
    let builder = ErrorMaskLayer::builder().mask_client_errors(true);
    builder.events(NoopSink::new()).build().expect("it builds")
}

/// Answers with a status and a content type.
#[derive(Clone, Copy, Debug)]
struct Answers(u16, Option<&'static str>);

impl<B> Service<Request<B>> for Answers {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        let body = match self.0 {
            404 => Bytes::new(),
            _ => Bytes::from_static(b"no such table: users"),
        };
        let mut answer = Response::new(Full::new(body));
        *answer.status_mut() = StatusCode::from_u16(self.0).expect("a status");
        if let Some(content_type) = self.1 {
            let value = HeaderValue::from_static(content_type);
            answer.headers_mut().insert(CONTENT_TYPE, value);
        }
        ready(Ok(answer))
    }
}

fn request(method: Method, content_type: &'static str) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    *request.method_mut() = method;
    *request.uri_mut() = http::Uri::from_static("/orders/7?page=2");
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::from_static("app.example.com"));
    let accept = "text/html,application/xhtml+xml,*/*;q=0.8";
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    request
}

/// What the mask makes above the service, for the answer and for all of its body.
fn above(service: Answers, method: Method, content_type: &'static str) -> usize {
    let ask = || request(method.clone(), content_type);
    let mut bare = service;
    let bare_request = ask();
    let floor = allocations(|| read(go(&mut bare, bare_request)));
    let mut masked = mask().layer(service);
    // The first clone of what was prepared allocates.
    read(go(&mut masked, ask()));
    let masked_request = ask();
    allocations(|| read(go(&mut masked, masked_request))) - floor
}

fn read<B: Body<Data = Bytes>>(answer: Response<B>) -> Response<()> {
    let (head, body) = answer.into_parts();
    let mut body = pin!(body);
    let mut task = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(_)) = body.as_mut().poll_frame(&mut task) {}
    Response::from_parts(head, ())
}

#[test]
fn what_passes_makes_none() {
    for (status, content_type) in [
        (200, Some("application/json")),
        (200, None),
        (204, None),
        (304, None),
        (409, Some("application/json")),
    ] {
        let made = above(
            Answers(status, content_type),
            Method::GET,
            "application/json",
        );
        assert_eq!(made, 0, "{status} {content_type:?}");
    }
    let grpc = Answers(200, Some("application/grpc"));
    assert_eq!(above(grpc, Method::POST, "application/grpc"), 0);
    // What reads the frames of gRPC-Web.
    let web = Answers(200, Some("application/grpc-web"));
    assert_eq!(above(web, Method::POST, "application/grpc-web"), 1);
}

/// A map of extensions and the mark in it: its box, its table and the mark's box.
const REPLACED: usize = 3;

#[test]
fn a_server_error_makes_few() {
    let json = Answers(500, Some("application/json"));
    assert_eq!(above(json, Method::GET, "application/json"), REPLACED);
    let empty = Answers(404, Some("application/json"));
    assert_eq!(above(empty, Method::GET, "application/json"), REPLACED);
    // Its body is written: the object and its owner.
    let busy = Answers(503, Some("application/json"));
    assert_eq!(above(busy, Method::GET, "application/json"), REPLACED + 2);
    let grpc = above(json, Method::POST, "application/grpc");
    assert!(grpc <= 4, "{grpc}");
    let client = Answers(422, Some("text/plain"));
    assert_eq!(above(client, Method::GET, "application/json"), REPLACED + 2);
}

#[test]
fn in_a_stack_the_mask_makes_none_of_its_own() {
    let with = |masked: bool| {
        let stack = SecurityStack::new().events(NoopSink::new());
        let service = Answers(200, Some("application/json"));
        let ask = request(Method::GET, "application/json");
        if masked {
            let mut service = stack.error_mask(mask()).layer(service);
            go(&mut service, request(Method::GET, "application/json"));
            allocations(|| read(go(&mut service, ask)))
        } else {
            let mut service = stack.layer(service);
            go(&mut service, request(Method::GET, "application/json"));
            allocations(|| read(go(&mut service, ask)))
        }
    };
    assert_eq!(with(true), with(false));
}

/// The layers of `api()` but the mask.
macro_rules! unmasked_api {
    () => {
        SecurityStack::new()
            .headers(SecurityHeadersLayer::api())
            .csp(CspLayer::api())
    };
}

#[test]
fn a_preset_makes_none_for_its_mask() {
    fn made<S, B>(mut service: S) -> usize
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible>,
        B: Body<Data = Bytes>,
    {
        read(go(&mut service, request(Method::GET, "application/json")));
        let ask = request(Method::GET, "application/json");
        allocations(|| read(go(&mut service, ask)))
    }
    let service = Answers(200, Some("application/json"));
    let without = made(unmasked_api!().layer(service));
    assert_eq!(made(SecurityStack::api().layer(service)), without);
}

/// axum boxes each type of body that is not its own.
#[cfg(feature = "axum")]
#[test]
fn on_axum_the_mask_of_a_preset_costs_one() {
    use axum::Router;
    use axum::routing::get;

    let made = |router: Router| {
        let mut router = router.with_state(());
        let ask = || request(Method::GET, "application/json").map(axum::body::Body::new);
        read(go(&mut router, ask()));
        let ask = ask();
        allocations(|| read(go(&mut router, ask)))
    };
    let router = || Router::new().route("/orders/7", get(async || "seven apples"));
    let without = made(router().layer(unmasked_api!()));
    assert_eq!(made(router().layer(SecurityStack::api())), without + 1);
}
