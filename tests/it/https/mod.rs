//! The HTTPS layer: where the scheme comes from, redirects, hosts, exemptions, HSTS.

mod config;
mod events;
#[cfg(feature = "axum")]
mod example;
mod hosts;
mod location;
#[cfg(feature = "axum")]
mod nested;
mod scheme;
#[cfg(feature = "axum")]
mod sockets;

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, LOCATION, STRICT_TRANSPORT_SECURITY};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::Layer;
use tower_security::SecurityStack;
use tower_security::core::{
    ClientIp, ClientIpLayer, PeerAddr, ProtoHeader, Refused, RequestScheme, SchemeSource, Tls,
    TrustedProxies,
};
use tower_security::https::{HttpsBuilder, HttpsLayer, HttpsRefusal, OnInsecure, RedirectHost};

use crate::support::service::{Spy, go};

const TWO_YEARS: &str = "max-age=63072000; includeSubDomains";

/// Redirects to the request's own host, which is `app.example`.
fn own(source: SchemeSource) -> HttpsBuilder {
    let hosts = RedirectHost::allow(["app.example"]);
    HttpsLayer::builder(source).on_insecure(OnInsecure::Redirect(hosts))
}

fn fixed() -> HttpsBuilder {
    let host = RedirectHost::fixed("app.example");
    HttpsLayer::builder(SchemeSource::Tls).on_insecure(OnInsecure::Redirect(host))
}

fn reject() -> HttpsBuilder {
    HttpsLayer::builder(SchemeSource::Tls).on_insecure(OnInsecure::Reject)
}

fn built(builder: HttpsBuilder) -> HttpsLayer {
    builder.build().expect("a legal configuration")
}

fn forwarded(header: ProtoHeader) -> SchemeSource {
    let nets = ["10.0.0.0/8".parse().expect("a network")];
    let proxies = ClientIp::trusted_proxies(nets).expect("legal networks");
    SchemeSource::forwarded_proto(proxies, header).expect("the proxies are named")
}

/// A plain `GET` for `app.example`.
fn get(target: &str) -> Request<Full<Bytes>> {
    request("GET", target, &[("host", "app.example")])
}

fn request(method: &str, target: &str, lines: &[(&str, &str)]) -> Request<Full<Bytes>> {
    let builder = Request::builder().method(method).uri(target);
    lines
        .iter()
        .fold(builder, |builder, (name, value)| {
            builder.header(*name, *value)
        })
        .body(Full::default())
        .expect("it is a request")
}

fn to_host(host: &str) -> Request<Full<Bytes>> {
    request("GET", "/", &[("host", host)])
}

fn over_tls(mut request: Request<Full<Bytes>>) -> Request<Full<Bytes>> {
    request.extensions_mut().insert(Tls);
    request
}

fn from(peer: &str, mut request: Request<Full<Bytes>>) -> Request<Full<Bytes>> {
    let peer: SocketAddr = peer.parse().expect("an address");
    request.extensions_mut().insert(PeerAddr::from(peer));
    request
}

/// Sends a request through the layer and says what came of it: `inner`, `inner + hsts`, a status and a location, or a status and a
/// code. What every answer of its kind must and must not have is checked here.
async fn outcome(layer: &HttpsLayer, request: Request<Full<Bytes>>) -> String {
    let spy = Spy::new();
    let answer = go(layer.layer(spy.clone()), request).await;
    let (head, body) = answer.into_parts();
    let body = body.collect().await.expect("it is whole").to_bytes();
    let hsts: Vec<_> = head
        .headers
        .get_all(STRICT_TRANSPORT_SECURITY)
        .iter()
        .collect();
    let Some(refused) = head.extensions.get::<Refused>() else {
        assert_eq!((head.status.as_u16(), spy.calls()), (200, 1));
        assert!(!head.headers.contains_key(LOCATION));
        return match *hsts {
            [] => "inner".to_owned(),
            [line] if line == TWO_YEARS => "inner + hsts".to_owned(),
            ref lines => panic!("{lines:?}"),
        };
    };
    assert_eq!(spy.calls(), 0);
    assert!(hsts.is_empty(), "HSTS is for what the service answers");
    assert_eq!(head.headers[CACHE_CONTROL], "no-store");
    let status = head.status.as_u16();
    if refused.code() == "redirect" {
        assert!(body.is_empty());
        assert!(!head.headers.contains_key(CONTENT_TYPE));
        let location = head.headers[LOCATION].as_bytes();
        return format!("{status} {}", location.escape_ascii());
    }
    assert!(!head.headers.contains_key(LOCATION));
    let reason = head.extensions.get::<HttpsRefusal>().expect("a reason");
    assert_eq!(reason.code(), refused.code());
    match head.headers.get("grpc-status") {
        Some(grpc) => format!(
            "{status} grpc {} {}",
            grpc.to_str().unwrap(),
            refused.code()
        ),
        None => format!("{status} {}", refused.code()),
    }
}

async fn assert_rows(layer: &HttpsLayer, rows: Vec<(&str, Request<Full<Bytes>>, &str)>) {
    for (name, request, expected) in rows {
        assert_eq!(outcome(layer, request).await, expected, "{name}");
    }
}

async fn answer(
    layer: &HttpsLayer,
    spy: Spy,
    request: Request<Full<Bytes>>,
) -> Response<Full<Bytes>> {
    go(layer.layer(spy), request).await
}

#[tokio::test]
async fn what_comes_over_tls_passes_and_gets_hsts_and_what_does_not_is_redirected() {
    let plain = |method| request(method, "/a?b=c", &[("host", "app.example")]);
    assert_rows(
        &built(own(SchemeSource::Tls)),
        vec![
            ("row 1", over_tls(get("/")), "inner + hsts"),
            ("row 2", get("/a?b=c"), "308 https://app.example/a?b=c"),
            (
                "row 6: HEAD",
                plain("HEAD"),
                "308 https://app.example/a?b=c",
            ),
            (
                "row 6: POST",
                plain("POST"),
                "308 https://app.example/a?b=c",
            ),
            (
                "row 6: DELETE",
                plain("DELETE"),
                "308 https://app.example/a?b=c",
            ),
            (
                "a preflight",
                plain("OPTIONS"),
                "308 https://app.example/a?b=c",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_status_of_a_redirect_is_configured() {
    use tower_security::https::RedirectStatus;

    let plain = |method| request(method, "/", &[("host", "app.example")]);
    let rows = [
        (RedirectStatus::Permanent308, "308", "308"),
        (RedirectStatus::Found301ForGet, "301", "308"),
        (RedirectStatus::Temporary307, "307", "307"),
    ];
    for (status, of_get, of_post) in rows {
        let layer = built(own(SchemeSource::Tls).status(status));
        for (method, expected) in [("GET", of_get), ("HEAD", of_get), ("POST", of_post)] {
            let outcome = outcome(&layer, plain(method)).await;
            assert_eq!(outcome, format!("{expected} https://app.example/"), "row 7");
        }
    }
}

#[tokio::test]
async fn the_path_and_the_query_stay_as_they_are() {
    let layer = built(own(SchemeSource::Tls));
    let at = |path: &str| format!("308 https://app.example{path}");
    for path in [
        "//evil.example/x",
        "/?u=https://evil",
        "/%0d%0aSet-Cookie:%20a=b",
        "/?a=%0d%0aSet-Cookie:%20a=b",
        "/a%2fb/../c;d?e?f=g&h",
        "/@evil.example",
    ] {
        assert_eq!(outcome(&layer, get(path)).await, at(path), "rows 21 and 22");
    }
    let backslash = outcome(&layer, get("/\\evil.example")).await;
    assert_eq!(
        backslash, "308 https://app.example/\\\\evil.example",
        "row 21"
    );
    let beyond_ascii = outcome(&layer, get("/caf\u{e9}")).await;
    assert_eq!(beyond_ascii, "308 https://app.example/caf\\xc3\\xa9");
    // An absolute target may have a query without a path.
    let without_path = outcome(&layer, get("http://app.example?u=.evil.example")).await;
    assert_eq!(without_path, "308 https://app.example/?u=.evil.example");
}

#[tokio::test]
async fn a_port_other_than_443_is_written() {
    let own_host = built(own(SchemeSource::Tls).https_port(8443));
    let fixed_host = built(fixed().https_port(8443));
    for layer in [own_host, fixed_host] {
        let outcome = outcome(&layer, to_host("app.example:8080")).await;
        assert_eq!(outcome, "308 https://app.example:8443/", "row 31");
    }
    let default = outcome(&built(own(SchemeSource::Tls).https_port(443)), get("/")).await;
    assert_eq!(default, "308 https://app.example/");
}

#[tokio::test]
async fn only_what_is_named_is_exempt() {
    const TOKEN: &str = "/.well-known/acme-challenge/tok-_1";
    let acme = |method, path: &str| request(method, path, &[("host", "app.example")]);
    let layer = built(own(SchemeSource::Tls).exempt_acme());
    assert_rows(
        &layer,
        vec![
            ("row 32", get(TOKEN), "inner"),
            ("row 32: HEAD", acme("HEAD", TOKEN), "inner"),
            (
                "row 32: the longest token",
                get(&format!("/.well-known/acme-challenge/{}", "a".repeat(128))),
                "inner",
            ),
        ],
    )
    .await;
    let too_long = format!("/.well-known/acme-challenge/{}", "a".repeat(129));
    for path in [
        "/.well-known/acme-challenge/",
        "/.well-known/acme-challenge",
        "/.well-known/acme-challenge/a/b",
        "/.well-known/acme-challenge/..",
        "/.well-known/acme-challenge/%2e%2e",
        "/.well-known/acme-challenge/a%2fb",
        "/.well-known/acme-challenge//a",
        "/.WELL-KNOWN/acme-challenge/a",
        "/.well-known/acme-challenge/a.b",
        "/x/.well-known/acme-challenge/a",
        &too_long,
    ] {
        let expected = format!("308 https://app.example{path}");
        assert_eq!(outcome(&layer, get(path)).await, expected, "row 33");
    }
    let posted = outcome(&layer, acme("POST", TOKEN)).await;
    assert_eq!(posted, format!("308 https://app.example{TOKEN}"), "row 33");
    let without = outcome(&built(own(SchemeSource::Tls)), get(TOKEN)).await;
    assert_eq!(without, format!("308 https://app.example{TOKEN}"));

    assert_rows(
        &built(reject().exempt_acme()),
        vec![
            ("row 34", get(TOKEN), "inner"),
            (
                "row 34: elsewhere",
                get("/x/.well-known/acme-challenge/t"),
                "403 https_required",
            ),
        ],
    )
    .await;

    assert_rows(
        &built(
            own(SchemeSource::Tls)
                .exempt_path("/livez")
                .exempt_path("/healthz"),
        ),
        vec![
            ("row 35", get("/healthz"), "inner"),
            ("row 35: another", get("/livez"), "inner"),
            (
                "row 35: slash",
                get("/healthz/"),
                "308 https://app.example/healthz/",
            ),
            ("row 35: query", get("/healthz?x"), "inner"),
            (
                "row 35: case",
                get("/HEALTHZ"),
                "308 https://app.example/HEALTHZ",
            ),
            (
                "another host",
                { request("GET", "/healthz", &[("host", "10.0.0.7")]) },
                "inner",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn loopback_is_the_peer_and_the_host() {
    const HERE: &str = "127.0.0.1:40000";
    const ELSEWHERE: &str = "203.0.113.9:40000";
    assert_rows(
        &built(fixed().allow_loopback()),
        vec![
            ("row 36", from(HERE, to_host("localhost")), "inner"),
            ("a port", from(HERE, to_host("localhost:3000")), "inner"),
            ("a name below", from(HERE, to_host("a.localhost")), "inner"),
            ("IPv4", from(HERE, to_host("127.0.0.1:3000")), "inner"),
            ("IPv6", from("[::1]:9", to_host("[::1]:3000")), "inner"),
            (
                "IPv4 in IPv6",
                from("[::ffff:127.0.0.1]:9", to_host("localhost")),
                "inner",
            ),
            (
                "row 36: another peer",
                from(ELSEWHERE, to_host("localhost")),
                "308 https://app.example/",
            ),
            (
                "another host",
                from(HERE, to_host("app.example")),
                "308 https://app.example/",
            ),
            (
                "a name that looks like it",
                from(HERE, to_host("127.0.0.1.evil.example")),
                "308 https://app.example/",
            ),
            ("no peer", to_host("localhost"), "308 https://app.example/"),
        ],
    )
    .await;
    assert_rows(
        &built(own(SchemeSource::Tls).allow_loopback()),
        vec![
            ("row 36: list", from(HERE, to_host("localhost")), "inner"),
            (
                "row 36: list, another peer",
                from(ELSEWHERE, to_host("localhost")),
                "400 host_refused",
            ),
        ],
    )
    .await;
    let without = outcome(&built(fixed()), from(HERE, to_host("localhost"))).await;
    assert_eq!(without, "308 https://app.example/");
}

#[tokio::test]
async fn what_a_local_proxy_passes_on_is_not_local() {
    let nets = ["127.0.0.1/32".parse().expect("a network")];
    let proxies = ClientIp::trusted_proxies(nets).expect("legal networks");
    let source = SchemeSource::forwarded_proto(proxies, ProtoHeader::XForwardedProto)
        .expect("the proxies are named");
    let layer = built(own(source).allow_loopback());
    assert_rows(
        &layer,
        vec![
            (
                "from the proxy",
                from("127.0.0.1:9", to_host("localhost")),
                "400 host_refused",
            ),
            (
                "from a program beside it",
                from("127.0.0.2:9", to_host("localhost")),
                "inner",
            ),
        ],
    )
    .await;
}

/// The layer itself does not know the proxy: the stack does, or what found the client.
#[tokio::test]
async fn a_local_proxy_is_known_wherever_it_was_named() {
    let proxies = || {
        let nets = ["127.0.0.1/32".parse().expect("a network")];
        ClientIp::trusted_proxies(nets).expect("legal networks")
    };
    let scheme = SchemeSource::forwarded_proto(proxies(), ProtoHeader::XForwardedProto)
        .expect("the proxies are named");
    let layer = || built(own(SchemeSource::Tls).allow_loopback());
    let stacks = [
        (SecurityStack::new().scheme(scheme), 400),
        (SecurityStack::new().client_ip(proxies()), 400),
        (SecurityStack::new(), 200),
    ];
    for (stack, from_the_proxy) in stacks {
        let service = stack.clone().https(layer()).layer(Spy::new());
        for (peer, status) in [("127.0.0.1:9", from_the_proxy), ("127.0.0.2:9", 200)] {
            let answer = go(service.clone(), from(peer, to_host("localhost"))).await;
            assert_eq!(answer.status(), status, "{peer}: {stack:?}");
        }
        // A stack inside that was told nothing of the proxy.
        let inner = SecurityStack::new().https(layer()).layer(Spy::new());
        let answer = go(
            stack.layer(inner),
            from("127.0.0.1:9", to_host("localhost")),
        )
        .await;
        assert_eq!(answer.status(), from_the_proxy);
    }
    // An address that the header should have told and did not is that of the proxy.
    let hops = std::num::NonZeroU8::new(2).expect("it is 2");
    let hops = TrustedProxies::hops(hops, ["127.0.0.1/32".parse().expect("a network")])
        .expect("legal networks");
    let service = ClientIpLayer::new(hops).layer(layer().layer(Spy::new()));
    for (peer, status) in [("127.0.0.1:9", 400), ("127.0.0.2:9", 200)] {
        let lines = [("host", "localhost"), ("x-forwarded-for", "203.0.113.9")];
        let answer = go(service.clone(), from(peer, request("GET", "/", &lines))).await;
        assert_eq!(answer.status(), status, "{peer}");
    }
}

#[tokio::test]
async fn what_cannot_follow_a_redirect_is_refused() {
    const HERE: (&str, &str) = ("host", "app.example");
    let upgrade = |protocol| request("GET", "/chat", &[HERE, ("upgrade", protocol)]);
    let grpc = || {
        request(
            "POST",
            "/a.B/C",
            &[HERE, ("content-type", "application/grpc+proto")],
        )
    };
    let redirected = "308 https://app.example/chat";
    assert_rows(
        &built(own(SchemeSource::Tls)),
        vec![
            ("row 38", grpc(), "200 grpc 7 https_required"),
            ("row 38: TLS", over_tls(grpc()), "inner + hsts"),
            (
                "row 38: to another host",
                request(
                    "POST",
                    "/a.B/C",
                    &[
                        ("host", "evil.example"),
                        ("content-type", "application/grpc"),
                    ],
                ),
                "200 grpc 7 https_required",
            ),
            ("row 39", upgrade("websocket"), "403 https_required"),
            ("a list", upgrade("h2c, websocket"), "403 https_required"),
            ("nothing", upgrade(""), "403 https_required"),
            ("Java's offer", upgrade("h2c"), redirected),
            ("Apache's offer", upgrade("TLS/1.2"), redirected),
            (
                "row 39: OPTIONS *",
                request("OPTIONS", "*", &[HERE]),
                "403 https_required",
            ),
            (
                "OPTIONS of a path",
                request("OPTIONS", "/", &[HERE]),
                "308 https://app.example/",
            ),
            (
                "row 39: CONNECT",
                request("CONNECT", "app.example:443", &[("host", "app.example:443")]),
                "403 https_required",
            ),
            (
                "row 39: over HTTP/2",
                request("CONNECT", "http://app.example/chat", &[]),
                "403 https_required",
            ),
            (
                "a WebSocket over TLS",
                over_tls(upgrade("websocket")),
                "inner + hsts",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn reject_answers_without_a_location() {
    const HERE: (&str, &str) = ("host", "app.example");
    let rows = vec![
        ("row 37", get("/"), "403 https_required"),
        (
            "row 37: a token",
            request("POST", "/", &[HERE, ("authorization", "Bearer x")]),
            "403 https_required",
        ),
        (
            "row 37: a preflight",
            request(
                "OPTIONS",
                "/",
                &[
                    HERE,
                    ("origin", "https://a.example"),
                    ("access-control-request-method", "PUT"),
                ],
            ),
            "403 https_required",
        ),
        (
            "row 38",
            request(
                "POST",
                "/a.B/C",
                &[HERE, ("content-type", "application/grpc")],
            ),
            "200 grpc 7 https_required",
        ),
        ("any host", to_host("evil.example"), "403 https_required"),
        ("TLS", over_tls(get("/")), "inner + hsts"),
    ];
    assert_rows(&built(reject()), rows).await;
}

#[tokio::test]
async fn a_refused_head_is_a_head() {
    let refused = answer(
        &built(reject()),
        Spy::new(),
        request("HEAD", "/", &[("host", "app.example")]),
    )
    .await;
    assert_eq!(refused.status(), 403);
    assert!(
        refused
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .is_empty()
    );
}

#[tokio::test]
async fn hsts_stands_on_every_answer_over_tls_but_those_of_an_upgrade() {
    let layer = built(own(SchemeSource::Tls));
    for status in [200, 204, 301, 304, 401, 404, 429, 500] {
        let spy = Spy::new().status(http::StatusCode::from_u16(status).unwrap());
        let answer = answer(&layer, spy, over_tls(get("/"))).await;
        assert_eq!(
            answer.headers()[STRICT_TRANSPORT_SECURITY],
            TWO_YEARS,
            "row 40"
        );
    }
    let head = over_tls(request("HEAD", "/", &[("host", "app.example")]));
    assert_eq!(outcome(&layer, head).await, "inner + hsts", "row 40");
    for status in [100, 101, 103] {
        let spy = Spy::new().status(http::StatusCode::from_u16(status).unwrap());
        let answer = answer(&layer, spy, over_tls(get("/"))).await;
        assert!(!answer.headers().contains_key(STRICT_TRANSPORT_SECURITY));
    }
}

#[tokio::test]
async fn hsts_is_for_names_alone() {
    let layer = built(own(SchemeSource::Tls));
    for host in [
        "127.0.0.1",
        "127.0.0.1:443",
        "192.0.2.1",
        "[::1]",
        "[2001:db8::1]:8443",
        "localhost",
        "LOCALHOST:3000",
        "localhost.",
        "a.localhost",
        "",
        ".",
    ] {
        let outcome = outcome(&layer, over_tls(to_host(host))).await;
        assert_eq!(outcome, "inner", "row 41: {host}");
    }
    assert_eq!(
        outcome(&layer, over_tls(request("GET", "/", &[]))).await,
        "inner",
        "row 41: none"
    );
    for host in [
        "app.example",
        "APP.example.:8443",
        "127.example",
        "localhost.example",
        "notlocalhost",
    ] {
        let outcome = outcome(&layer, over_tls(to_host(host))).await;
        assert_eq!(outcome, "inner + hsts", "{host}");
    }
}

#[tokio::test]
async fn there_is_one_hsts_line_and_it_is_the_layers() {
    use tower_security::https::Hsts;

    let rows = [
        (Hsts::two_years(), vec![TWO_YEARS]),
        (Hsts::disable_by_expiry(), vec!["max-age=0"]),
        (
            Hsts::two_years().preload(),
            vec!["max-age=63072000; includeSubDomains; preload"],
        ),
        (Hsts::none(), vec!["max-age=1", "max-age=2"]),
    ];
    for (hsts, expected) in rows {
        let layer = built(own(SchemeSource::Tls).hsts(hsts));
        let spy = Spy::new()
            .header(STRICT_TRANSPORT_SECURITY, "max-age=1")
            .header(STRICT_TRANSPORT_SECURITY, "max-age=2");
        let answer = answer(&layer, spy, over_tls(get("/"))).await;
        let lines = answer.headers().get_all(STRICT_TRANSPORT_SECURITY);
        assert_eq!(lines.iter().collect::<Vec<_>>(), expected, "row 42");
    }
}

#[tokio::test]
async fn a_layer_of_hsts_alone_refuses_nothing() {
    use tower_security::https::Hsts;

    let layer = HttpsLayer::hsts_only(forwarded(ProtoHeader::XForwardedProto), Hsts::two_years())
        .expect("a legal configuration");
    let says = |value| {
        request(
            "GET",
            "/",
            &[("host", "evil.example"), ("x-forwarded-proto", value)],
        )
    };
    assert_rows(
        &layer,
        vec![
            ("TLS", from("10.0.0.1:9", says("https")), "inner + hsts"),
            ("plain", from("10.0.0.1:9", says("http")), "inner"),
            ("spoofed", from("203.0.113.9:9", says("https")), "inner"),
            ("no peer", says("https"), "inner"),
            (
                "two hosts",
                {
                    let mut request = from("10.0.0.1:9", says("https"));
                    request
                        .headers_mut()
                        .append(HOST, "app.example".parse().unwrap());
                    request
                },
                "inner",
            ),
        ],
    )
    .await;
    let none = HttpsLayer::hsts_only(SchemeSource::AssumeHttps, Hsts::none()).unwrap();
    assert_eq!(outcome(&none, get("/")).await, "inner");
}

#[tokio::test]
async fn the_scheme_of_a_listener_is_that_of_all_its_requests() {
    for (scheme, expected) in [
        (RequestScheme::Http, "308 https://app.example/"),
        (RequestScheme::Https, "inner + hsts"),
    ] {
        let layer = built(own(SchemeSource::Listener(scheme)));
        for request in [get("/"), over_tls(get("/"))] {
            assert_eq!(outcome(&layer, request).await, expected, "row 8");
        }
    }
}
