//! Where the scheme of a request is learnt from, and where it is not.

use http::{HeaderName, Request};
use tower_security::SecurityStack;
use tower_security::core::{ProtoHeader, RequestScheme, SchemeSource, TrustedProxies};
use tower_security::https::HttpsLayer;

use super::*;

const PROXY: &str = "10.0.0.1:40000";
const STRANGER: &str = "203.0.113.9:40000";
const REDIRECTED: &str = "308 https://app.example/";

fn says(lines: &[(&str, &str)]) -> Request<Full<Bytes>> {
    let mut all = vec![("host", "app.example")];
    all.extend(lines);
    request("GET", "/", &all)
}

#[tokio::test]
async fn nothing_in_a_request_makes_it_secure() {
    assert_rows(
        &built(own(SchemeSource::Tls)),
        vec![
            ("row 3", says(&[("x-forwarded-proto", "https")]), REDIRECTED),
            (
                "forwarded",
                says(&[("forwarded", "proto=https")]),
                REDIRECTED,
            ),
            ("row 4", get("https://app.example/"), REDIRECTED),
            (
                "row 5",
                request("GET", "https://app.example/", &[]),
                REDIRECTED,
            ),
            ("port 443", to_host("app.example:443"), REDIRECTED),
            (
                "front-end-https",
                says(&[("front-end-https", "on")]),
                REDIRECTED,
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn where_https_is_assumed_nothing_makes_a_request_plain() {
    let layer = built(HttpsLayer::builder(SchemeSource::AssumeHttps));
    assert_rows(
        &layer,
        vec![
            ("row 9", get("/"), "inner + hsts"),
            (
                "row 9: header",
                says(&[("x-forwarded-proto", "http")]),
                "inner + hsts",
            ),
            ("absolute form", get("http://app.example/"), "inner + hsts"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_trusted_proxy_is_believed_and_nobody_else() {
    let layer = built(own(forwarded(ProtoHeader::XForwardedProto)));
    let proto = |value| says(&[("x-forwarded-proto", value)]);
    let two = |one, other| says(&[("x-forwarded-proto", one), ("x-forwarded-proto", other)]);
    assert_rows(
        &layer,
        vec![
            ("row 10", from(PROXY, proto("https")), "inner + hsts"),
            ("row 10: case", from(PROXY, proto("HTTPS")), "inner + hsts"),
            ("row 11", from(PROXY, proto("http")), REDIRECTED),
            ("row 11: absent", from(PROXY, says(&[])), REDIRECTED),
            ("row 11: empty", from(PROXY, proto("")), REDIRECTED),
            ("row 11: on", from(PROXY, proto("on")), REDIRECTED),
            ("row 11: wss", from(PROXY, proto("wss")), REDIRECTED),
            ("row 12", from(STRANGER, proto("https")), REDIRECTED),
            (
                "row 13",
                over_tls(from(STRANGER, proto("http"))),
                "inner + hsts",
            ),
            (
                "a proxy's word against the marker",
                over_tls(from(PROXY, proto("http"))),
                REDIRECTED,
            ),
            ("row 14", from(PROXY, proto("https, http")), REDIRECTED),
            (
                "row 14: plain first",
                from(PROXY, proto("http, https")),
                REDIRECTED,
            ),
            (
                "row 14: lines",
                from(PROXY, two("https", "http")),
                REDIRECTED,
            ),
            ("row 15", from(PROXY, proto("https, https")), "inner + hsts"),
            (
                "row 15: lines",
                from(PROXY, two("https", "https")),
                "inner + hsts",
            ),
            ("row 16", proto("https"), "500 peer_address_missing"),
            ("row 16: plain", proto("http"), "500 peer_address_missing"),
            (
                "row 20",
                from("[::ffff:10.0.0.1]:9", proto("https")),
                "inner + hsts",
            ),
            (
                "another family",
                from(PROXY, says(&[("forwarded", "proto=https")])),
                REDIRECTED,
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_forwarded_header_is_read_by_its_grammar() {
    let layer = built(own(forwarded(ProtoHeader::Forwarded)));
    let line = |value| from(PROXY, says(&[("forwarded", value)]));
    assert_rows(
        &layer,
        vec![
            ("row 17", line("for=1.2.3.4;proto=https"), "inner + hsts"),
            ("row 17: quoted", line("Proto=\"https\""), "inner + hsts"),
            ("row 18", line("proto=http"), REDIRECTED),
            ("row 18: none", line("for=1.2.3.4"), REDIRECTED),
            ("row 18: quote", line("proto=\"https"), REDIRECTED),
            ("row 18: inside", line("for=\"a,proto=https\""), REDIRECTED),
            (
                "row 19",
                from(PROXY, says(&[("x-forwarded-proto", "https")])),
                REDIRECTED,
            ),
        ],
    )
    .await;
    let name = HeaderName::from_static("cloudfront-forwarded-proto");
    let custom = built(own(forwarded(ProtoHeader::Custom(name))));
    assert_rows(
        &custom,
        vec![
            (
                "its header",
                from(PROXY, says(&[("cloudfront-forwarded-proto", "https")])),
                "inner + hsts",
            ),
            (
                "another",
                from(PROXY, says(&[("x-forwarded-proto", "https")])),
                REDIRECTED,
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_was_found_further_outside_comes_first() {
    let layer = built(own(SchemeSource::Tls));
    let attached = |mut request: Request<Full<Bytes>>, scheme: RequestScheme| {
        request.extensions_mut().insert(scheme);
        request
    };
    assert_rows(
        &layer,
        vec![
            (
                "HTTPS",
                attached(get("/"), RequestScheme::Https),
                "inner + hsts",
            ),
            (
                "HTTP",
                attached(over_tls(get("/")), RequestScheme::Http),
                REDIRECTED,
            ),
        ],
    )
    .await;

    // A stack's context has found it, while the layer's own source would say that every request is plain.
    let layer = built(own(SchemeSource::Listener(RequestScheme::Http)));
    for (request, expected) in [(over_tls(get("/")), 200), (get("/"), 308)] {
        let stack = SecurityStack::new()
            .client_ip(TrustedProxies::direct())
            .scheme(SchemeSource::Tls);
        let service = stack.layer(layer.layer(Spy::new()));
        assert_eq!(go(service, request).await.status(), expected);
    }
}
