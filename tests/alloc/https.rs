//! The HTTPS layer: nothing for what passes, little for what does not.

use http::header::{HOST, LOCATION, STRICT_TRANSPORT_SECURITY};
use tower_security::core::{NoopSink, ProtoHeader, SchemeSource, Tls};
use tower_security::https::{HttpsBuilder, HttpsLayer, OnInsecure, RedirectHost};

use super::*;

fn layer(source: SchemeSource) -> HttpsBuilder {
    let hosts = RedirectHost::allow(["app.example.com", "*.shop.example.com"]);
    HttpsLayer::builder(source)
        .on_insecure(OnInsecure::Redirect(hosts))
        .events(NoopSink::new())
}

fn request(host: &'static str) -> Request<Full<Bytes>> {
    let mut request = from_peer("10.0.0.1:9");
    *request.uri_mut() = http::Uri::from_static("/orders?page=2");
    let headers = request.headers_mut();
    headers.reserve(8);
    headers.insert(HOST, HeaderValue::from_static(host));
    let proto = HeaderValue::from_static("https");
    headers.insert("x-forwarded-proto", proto);
    request
}

fn over_tls(host: &'static str) -> Request<Full<Bytes>> {
    let mut request = request(host);
    request.extensions_mut().insert(Tls);
    request
}

/// What the first header of an answer costs the answer: its map.
const FIRST_HEADER: usize = 2;

#[test]
fn tls_passes_without_any() {
    let nets = ["10.0.0.0/8".parse().expect("a network")];
    let proxies = ClientIp::trusted_proxies(nets).expect("legal networks");
    let forwarded = SchemeSource::forwarded_proto(proxies, ProtoHeader::XForwardedProto);
    let layers = [
        layer(SchemeSource::Tls),
        layer(SchemeSource::Tls).allowed_hosts(["app.example.com", "*.shop.example.com"]),
        layer(forwarded.expect("the proxies are named")),
    ];
    for built in layers {
        let built = built.build().expect("it builds");
        let mut service = built.layer(Bare);
        for host in ["app.example.com", "a.shop.example.com:8443"] {
            let request = over_tls(host);
            let (answer, made) = counted(|| go(&mut service, request));
            assert!(answer.headers().contains_key(STRICT_TRANSPORT_SECURITY));
            assert_eq!(made, FIRST_HEADER);
        }
    }
}

#[test]
fn without_a_header_to_write_there_is_none() {
    let built = layer(SchemeSource::Tls).build().expect("it builds");
    let mut service = built.layer(Bare);
    let request = over_tls("localhost:8443");
    let (answer, made) = counted(|| go(&mut service, request));
    assert!(answer.headers().is_empty());
    assert_eq!((answer.status().as_u16(), made), (200, 0));
}

#[test]
fn an_exempt_request_makes_none() {
    let built = layer(SchemeSource::Tls)
        .exempt_path("/orders")
        .exempt_acme()
        .build();
    let mut service = built.expect("it builds").layer(Bare);
    let request = request("app.example.com");
    let (answer, made) = counted(|| go(&mut service, request));
    assert_eq!((answer.status().as_u16(), made), (200, 0));
}

#[test]
fn a_redirect_makes_its_location_and_its_mark() {
    let built = layer(SchemeSource::Tls).build().expect("it builds");
    let mut service = built.layer(Bare);
    let request = request("app.example.com");
    let (answer, made) = counted(|| go(&mut service, request));
    let location = &answer.headers()[LOCATION];
    assert_eq!(location, "https://app.example.com/orders?page=2");
    assert_eq!(made, 2);
}

#[test]
fn a_refusal_makes_its_mark_and_its_reason() {
    let built = layer(SchemeSource::Tls).build().expect("it builds");
    let mut service = built.layer(Bare);
    // The first clone of a prepared body makes it shared.
    go(&mut service, request("evil.example"));
    let request = request("evil.example");
    let (answer, made) = counted(|| go(&mut service, request));
    assert_eq!((answer.status().as_u16(), made), (400, 2));
}
