//! Headers that are kept from logs.

use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use tower::{Layer, service_fn};

use super::*;
use crate::support::service::go;

/// What `Debug` shows of a request at the handler, and of its answer.
async fn shown(layer: &LimitsLayer, lines: &[(&'static str, &'static str)]) -> (String, String) {
    let lines = lines.to_vec();
    let fill = |headers: &mut HeaderMap| {
        for (name, value) in &lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
    };
    let mut request = Request::new(Script::default());
    fill(request.headers_mut());
    let mut prepared = Response::new(Full::<Bytes>::default());
    fill(prepared.headers_mut());
    let prepared = Arc::new(Mutex::new((Some(prepared), String::new())));
    let of_request = Arc::clone(&prepared);
    let handler = service_fn(move |request: Request<LimitedBody<Script>>| {
        let mut of_request = of_request.lock().unwrap();
        of_request.1 = format!("{:?}", request.headers());
        let answer = of_request.0.take().unwrap();
        async { Ok::<_, Infallible>(answer) }
    });
    let answer = go(layer.layer(handler), request).await;
    let of_request = std::mem::take(&mut prepared.lock().unwrap().1);
    (of_request, format!("{:?}", answer.headers()))
}

const SECRETS: [(&str, &str); 6] = [
    ("authorization", "Bearer s3cret"),
    ("cookie", "session=s3cret"),
    ("cookie", "other=s3cret"),
    ("proxy-authorization", "Basic s3cret"),
    ("set-cookie", "session=s3cret"),
    ("set-cookie", "other=s3cret"),
];

#[tokio::test]
async fn credentials_are_not_shown() {
    let (layer, _) = build(LimitsLayer::builder());
    let (request, answer) = shown(&layer, &SECRETS[..4]).await;
    assert!(!request.contains("s3cret"), "{request}");
    assert_eq!(request.matches("Sensitive").count(), 4);
    // No answer has these.
    assert!(answer.contains("s3cret"));
    let (_, answer) = shown(&layer, &SECRETS[4..]).await;
    assert!(!answer.contains("s3cret"), "{answer}");
    assert_eq!(answer.matches("Sensitive").count(), 2);
    let (request, answer) =
        shown(&layer, &[("x-api-key", "s3cret"), ("accept", "text/html")]).await;
    assert!(request.contains("s3cret") && request.contains("text/html"));
    assert!(answer.contains("s3cret"));
}

#[tokio::test]
async fn the_list_can_be_another() {
    let own = ("x-api-key", "s3cret");
    let (added, _) = build(LimitsLayer::builder().add_sensitive_headers(["X-API-Key"]));
    let (request, answer) = shown(&added, &[own]).await;
    assert!(!request.contains("s3cret") && !answer.contains("s3cret"));
    let (request, _) = shown(&added, &SECRETS[..4]).await;
    assert!(!request.contains("s3cret"));
    let (replaced, _) = build(LimitsLayer::builder().sensitive_headers(["x-api-key"]));
    let (request, _) = shown(&replaced, &[own]).await;
    assert!(!request.contains("s3cret"));
    let (request, _) = shown(&replaced, &SECRETS[..1]).await;
    assert!(request.contains("s3cret"));
}
