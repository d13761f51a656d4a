//! Security headers of every answer.

use super::*;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderName};
use tower_security::core::{Mode, RequestScheme, SchemeSource};
use tower_security::headers::{ClearSiteData, Preset, SecurityHeadersLayer};

/// Answers with a map that was made before.
#[derive(Debug)]
struct Made(Option<HeaderMap>);

impl<B> Service<Request<B>> for Made {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        let mut response = Response::new(Full::default());
        *response.headers_mut() = self.0.take().expect("it is called once");
        ready(Ok(response))
    }
}

fn handler(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    let line = |(name, value): &(&'static str, &'static str)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    let mut headers = HeaderMap::new();
    for (name, value) in lines.iter().map(line) {
        headers.append(name, value);
    }
    headers
}

/// What a layer makes for an answer of these lines.
fn made(layer: &SecurityHeadersLayer, headers: HeaderMap, request: Request<Full<Bytes>>) -> usize {
    let mut service = layer.layer(Made(Some(headers)));
    let (answer, made) = counted(|| go(&mut service, request));
    drop(answer);
    made
}

fn get() -> Request<Full<Bytes>> {
    Request::new(Full::default())
}

#[test]
fn headers_are_written_without_an_allocation_but_for_the_map() {
    let six = [
        ("content-type", "text/html"),
        ("content-length", "2"),
        ("vary", "accept"),
        ("etag", "\"1\""),
        ("x-request-id", "1"),
        ("location", "/"),
    ];
    let layers = [
        SecurityHeadersLayer::web(),
        SecurityHeadersLayer::web_compatible(),
        SecurityHeadersLayer::owasp_2026(),
    ];
    for layer in &layers {
        // The map of an answer without headers has not been made yet.
        assert_eq!(made(layer, HeaderMap::new(), get()), MAP);
        assert_eq!(made(layer, handler(&six[..1]), get()), MAP);
        assert_eq!(made(layer, handler(&six[..3]), get()), MAP);
        // One growth of both tables.
        assert_eq!(made(layer, handler(&six), get()), MAP);
    }
    // Room for six is there already.
    assert_eq!(
        made(&SecurityHeadersLayer::api(), handler(&six[..1]), get()),
        0
    );
    let assets = SecurityHeadersLayer::static_assets();
    assert_eq!(made(&assets, handler(&six[..3]), get()), 0);
    let grpc = handler(&[("content-type", "application/grpc"), ("grpc-status", "0")]);
    assert_eq!(made(&SecurityHeadersLayer::grpc(), grpc, get()), 0);
}

#[test]
fn a_map_with_room_does_not_grow() {
    let mut headers = HeaderMap::with_capacity(64);
    for index in 0..40 {
        let name = HeaderName::try_from(format!("x-own-{index}")).expect("a name");
        headers.insert(name, HeaderValue::from_static("1"));
    }
    assert_eq!(made(&SecurityHeadersLayer::owasp_2026(), headers, get()), 0);
}

/// The names are made at run time: to clone one for the first time allocates.
#[test]
fn banners_are_taken_off_without_one() {
    let mut headers = HeaderMap::with_capacity(32);
    for name in ["server", "x-powered-by", "x-aspnet-version", "x-generator"] {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        headers.insert(name, HeaderValue::from_static("1"));
    }
    let before = headers.clone();
    assert_eq!(made(&SecurityHeadersLayer::api(), headers, get()), 0);
    let mut service = SecurityHeadersLayer::api().layer(Made(Some(before)));
    assert_eq!(go(&mut service, get()).headers().len(), 5);
}

#[test]
fn what_depends_on_the_request_makes_none() {
    let with = |lines: &[(HeaderName, &'static str)]| {
        let mut request = get();
        for (name, value) in lines {
            request
                .headers_mut()
                .append(name, HeaderValue::from_static(value));
        }
        request
    };
    let web = SecurityHeadersLayer::web();
    let html = || handler(&[("content-type", "text/html")]);
    let rows = [
        ("nobody", with(&[])),
        ("a token", with(&[(AUTHORIZATION, "Bearer a")])),
        ("cookies", with(&[(COOKIE, "a=1; b=2; __Host-session=3")])),
        ("crumbs", with(&[(COOKIE, "a=1"), (COOKIE, "session=3")])),
    ];
    for (name, request) in rows {
        assert_eq!(made(&web, html(), request), MAP, "{name}");
    }
    let cookie = handler(&[("content-type", "text/html"), ("set-cookie", "a=1")]);
    assert_eq!(made(&web, cookie, get()), MAP);

    let clearing = SecurityHeadersLayer::builder()
        .preset(Preset::Api)
        .clear_site_data_on(["/logout"], ClearSiteData::logout())
        .scheme(SchemeSource::Listener(RequestScheme::Https))
        .build()
        .expect("it is sound");
    let mut logout = get();
    *logout.uri_mut() = http::Uri::from_static("/logout");
    let mut roomy = HeaderMap::with_capacity(24);
    roomy.insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    roomy.insert(SET_COOKIE, HeaderValue::from_static("a=; Max-Age=0"));
    roomy.insert("x-a", HeaderValue::from_static("1"));
    assert_eq!(made(&clearing, roomy, logout), 0);
}

#[test]
fn off_makes_none() {
    let off = SecurityHeadersLayer::builder()
        .preset(Preset::Owasp2026)
        .mode(Mode::Off)
        .build()
        .expect("it is sound");
    assert_eq!(made(&off, HeaderMap::new(), get()), 0);
}
