//! Security headers of every answer.

mod answers;
mod config;
mod permissions;
mod presets;
mod request;
mod service;
#[cfg(all(feature = "axum", feature = "tonic"))]
mod sockets;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Request, Response, StatusCode};
use http_body_util::Full;
use tower::Layer;
use tower_security::headers::SecurityHeadersLayer;

use crate::support::service::{Spy, go};

/// All lines of an answer, sorted.
fn lines(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut lines = headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect::<Vec<_>>();
    lines.sort();
    lines
}

fn sorted(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let mut expected = expected.iter().map(owned).collect::<Vec<_>>();
    expected.sort();
    expected
}

/// A service that answers with these lines.
fn spy(handler: &[(&'static str, &'static str)]) -> Spy {
    handler.iter().fold(Spy::new(), |spy, (name, value)| {
        spy.header(HeaderName::from_static(name), value)
    })
}

fn get() -> Request<Full<Bytes>> {
    Request::get("/").body(Full::default()).unwrap()
}

async fn answer(
    layer: &SecurityHeadersLayer,
    handler: &[(&'static str, &'static str)],
    status: u16,
    request: Request<Full<Bytes>>,
) -> Response<Full<Bytes>> {
    let spy = spy(handler).status(StatusCode::from_u16(status).unwrap());
    let answer = go(layer.layer(spy.clone()), request).await;
    assert_eq!(spy.calls(), 1);
    assert_eq!(answer.status().as_u16(), status);
    answer
}

/// The lines of one header of the answer to a plain GET.
async fn header(
    layer: &SecurityHeadersLayer,
    handler: &[(&'static str, &'static str)],
    name: &str,
) -> Vec<String> {
    values(&answer(layer, handler, 200, get()).await, name)
}

fn values<B>(answer: &Response<B>, name: &str) -> Vec<String> {
    let lines = answer.headers().get_all(name).iter();
    lines
        .map(|line| line.to_str().unwrap().to_owned())
        .collect()
}
