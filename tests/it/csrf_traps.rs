//! What other implementations let pass: each a test of ours, and of theirs where it is the rival's own.

use std::convert::Infallible;

use bytes::Bytes;
use http::header::{HOST, ORIGIN, VARY};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::ext::Protocol;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tower::Layer;
use tower_http::csrf as rival;
use tower_security::core::{Mode, Refused, SecurityEvent};
use tower_security::csrf::{CsrfLayer, CsrfRefusal, Pass};

use crate::support::service::{Spy, go};

const OWN: &str = "https://a.example";
const FOREIGN: &str = "https://evil.example";

fn request(method: &Method, lines: &[(&str, &str)]) -> Request<()> {
    let builder = Request::builder()
        .method(method)
        .uri("/")
        .header(HOST, "a.example");
    lines
        .iter()
        .fold(builder, |builder, (name, value)| {
            builder.header(*name, *value)
        })
        .body(())
        .expect("it is a request")
}

fn ours(method: &Method, lines: &[(&str, &str)]) -> Result<Pass, CsrfRefusal> {
    let (head, ()) = request(method, lines).into_parts();
    CsrfLayer::new().policy().check(&head)
}

async fn theirs(method: &Method, lines: &[(&str, &str)]) -> bool {
    let service = rival::CsrfLayer::new().layer(Spy::new());
    let answer: Response<_> = go(service, request(method, lines)).await;
    answer.status() == StatusCode::OK
}

/// Theirs passes, ours refuses; ours passes the honest twin.
async fn gap(
    method: &Method,
    forged: &[(&str, &str)],
    refusal: CsrfRefusal,
    honest: &[(&str, &str)],
) {
    assert!(
        theirs(method, forged).await,
        "the rival mended it: {forged:?}"
    );
    assert_eq!(ours(method, forged), Err(refusal), "{forged:?}");
    assert!(ours(method, honest).is_ok(), "{honest:?}");
}

#[tokio::test]
async fn trap_01_the_first_of_two_metadata_lines_wins() {
    let site = |value| ("sec-fetch-site", value);
    let forged = [site("same-origin"), site("cross-site")];
    let honest = [site("same-origin")];
    gap(
        &Method::POST,
        &forged,
        CsrfRefusal::MetadataDuplicate,
        &honest,
    )
    .await;
}

#[tokio::test]
async fn trap_02_the_first_of_two_origin_lines_wins() {
    let forged = [("origin", OWN), ("origin", FOREIGN)];
    gap(
        &Method::POST,
        &forged,
        CsrfRefusal::OriginDuplicate,
        &[("origin", OWN)],
    )
    .await;
}

#[tokio::test]
async fn trap_03_an_http_page_posts_to_an_https_service() {
    let forged = [("origin", "http://a.example")];
    gap(
        &Method::POST,
        &forged,
        CsrfRefusal::OriginMismatch,
        &[("origin", OWN)],
    )
    .await;
}

#[tokio::test]
async fn trap_04_a_cookie_without_metadata_passes_even_from_a_foreign_page() {
    let cookie = ("cookie", "session=1");
    let token = [("authorization", "Bearer x")];
    gap(
        &Method::POST,
        &[cookie],
        CsrfRefusal::MetadataMissing,
        &token,
    )
    .await;
    let page = |address| [cookie, ("referer", address)];
    let (forged, honest) = (
        page("https://evil.example/"),
        page("https://a.example/form"),
    );
    gap(
        &Method::POST,
        &forged,
        CsrfRefusal::RefererMismatch,
        &honest,
    )
    .await;
    let strict = CsrfLayer::builder()
        .missing_metadata(tower_security::csrf::Missing::Refuse)
        .build_policy()
        .unwrap();
    let (head, ()) = request(&Method::POST, &token).into_parts();
    assert_eq!(strict.check(&head), Err(CsrfRefusal::MetadataMissing));
}

#[tokio::test]
async fn trap_05_a_websocket_is_opened_from_another_site() {
    let handshake = |origin| {
        [
            ("upgrade", "websocket"),
            ("connection", "upgrade"),
            ("origin", origin),
        ]
    };
    let (forged, honest) = (handshake(FOREIGN), handshake(OWN));
    gap(&Method::GET, &forged, CsrfRefusal::OriginMismatch, &honest).await;
}

/// RFC 8441: a WebSocket over HTTP/2 is a CONNECT with `:protocol`, and has no `Upgrade`.
#[tokio::test]
async fn trap_05_a_websocket_is_opened_over_http_2() {
    let hello = tower::service_fn(async |request: Request<Incoming>| {
        let protocol = request.extensions().get::<Protocol>();
        assert_eq!(protocol.map(Protocol::as_str), Some("websocket"));
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let (near, far) = tokio::io::duplex(64 * 1024);
    let service = TowerToHyperService::new(CsrfLayer::new().layer(hello));
    let server = tokio::spawn(
        hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .enable_connect_protocol()
            .serve_connection(TokioIo::new(far), service),
    );
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(near))
            .await
            .unwrap();
    let driver = tokio::spawn(connection);
    // A refused POST, so that the server's settings have arrived: without them no client may ask for a protocol.
    let forged = Request::post("https://a.example/").header(ORIGIN, FOREIGN);
    let answer = client.send_request(forged.body(Full::<Bytes>::default()).unwrap());
    assert_eq!(answer.await.unwrap().status(), StatusCode::FORBIDDEN);
    for (name, value, status) in [
        ("origin", OWN, StatusCode::OK),
        ("origin", FOREIGN, StatusCode::FORBIDDEN),
        ("sec-fetch-site", "same-origin", StatusCode::OK),
        ("sec-fetch-site", "cross-site", StatusCode::FORBIDDEN),
    ] {
        let handshake = Request::connect("https://a.example/socket")
            .extension(Protocol::from_static("websocket"))
            .header(name, value)
            .body(Full::default())
            .unwrap();
        let answer = client.send_request(handshake).await.unwrap();
        assert_eq!(answer.status(), status, "{name}: {value}");
    }
    drop(client);
    driver.abort();
    server.abort();
}

#[tokio::test]
async fn trap_06_a_get_names_another_method() {
    for header in [
        "x-http-method-override",
        "X-HTTP-Method",
        "x-method-override",
    ] {
        let spoofed = |site| [(header, "DELETE"), ("sec-fetch-site", site)];
        let (forged, honest) = (spoofed("cross-site"), spoofed("same-origin"));
        gap(&Method::GET, &forged, CsrfRefusal::CrossSite, &honest).await;
    }
}

#[tokio::test]
async fn trap_07_an_origin_with_a_path_matches_the_host() {
    let forged = [("origin", "https://a.example/path")];
    gap(
        &Method::POST,
        &forged,
        CsrfRefusal::OriginInvalid,
        &[("origin", OWN)],
    )
    .await;
}

#[tokio::test]
async fn trap_08_another_spelling_of_the_own_host_is_refused() {
    for host in ["a.example:443", "A.Example"] {
        let sent = || {
            let request = Request::post("/").header(HOST, host).header(ORIGIN, OWN);
            request.body(()).unwrap()
        };
        let answer = go(rival::CsrfLayer::new().layer(Spy::new()), sent()).await;
        assert_eq!(
            answer.status(),
            StatusCode::FORBIDDEN,
            "the rival mended it: {host}"
        );
        let verdict = CsrfLayer::new().policy().check(&sent().into_parts().0);
        assert_eq!(verdict, Ok(Pass::SameOrigin), "{host}");
    }
}

#[test]
fn trap_09_trusted_origins_that_no_browser_sends_are_accepted() {
    for (dead, code) in [
        ("https://App.example.com", "invalid_origin_uppercase"),
        ("HTTPS://app.example.com", "invalid_origin_uppercase"),
        ("https://app.example.com:443", "refused_default_port"),
        ("https://app.example.com:0", "invalid_origin_port"),
        ("https://user@app.example.com", "invalid_origin_userinfo"),
        ("https://app.example.com:", "invalid_origin_port"),
        ("https://*", "invalid_pattern_wildcard"),
    ] {
        let accepted = rival::CsrfLayer::new().add_trusted_origin(dead).is_ok();
        assert!(accepted, "the rival mended it: {dead}");
        let errors = CsrfLayer::builder()
            .trusted_origins([dead])
            .build()
            .unwrap_err();
        assert_eq!(errors.iter().next().unwrap().code(), code, "{dead}");
    }
}

#[test]
fn trap_10_http_origins_are_trusted_silently() {
    let plain = ["http://app.example.com"];
    assert!(rival::CsrfLayer::new().add_trusted_origin(plain[0]).is_ok());
    let errors = CsrfLayer::builder()
        .trusted_origins(plain)
        .build()
        .unwrap_err();
    assert_eq!(
        errors.iter().next().unwrap().code(),
        "refused_insecure_origin"
    );
    let named = CsrfLayer::builder()
        .trusted_origins(plain)
        .dangerous_allow_insecure_origins(true);
    assert!(named.build().is_ok());
}

#[tokio::test]
async fn trap_11_nobody_hears_of_a_refusal_and_caches_may_keep_it() {
    let forged = [("sec-fetch-site", "cross-site")];
    let answer = go(
        rival::CsrfLayer::new().layer(Spy::new()),
        request(&Method::POST, &forged),
    )
    .await;
    assert!(!answer.headers().contains_key(VARY), "the rival mended it");

    let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = std::sync::Arc::clone(&count);
    let layer = CsrfLayer::builder()
        .mode(Mode::ReportOnly)
        .events(move |_: &SecurityEvent<'_>| {
            counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        })
        .build()
        .unwrap();
    let answer = go(layer.layer(Spy::new()), request(&Method::POST, &forged)).await;
    assert_eq!(answer.status(), StatusCode::OK);
    layer.handle().set_mode(Mode::Enforce);
    let answer = go(layer.layer(Spy::new()), request(&Method::POST, &forged)).await;
    assert_eq!(answer.headers()[VARY], "Sec-Fetch-Site, Origin");
    assert_eq!(
        answer.extensions().get::<Refused>().map(Refused::code),
        Some("csrf_refused")
    );
    assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), 2);
}

#[test]
fn trap_12_a_second_exemption_replaces_the_first() {
    let policy = CsrfLayer::builder()
        .dangerous_exempt("/a")
        .dangerous_exempt_method(Method::POST, "/b")
        .build_policy()
        .unwrap();
    for (method, path, expected) in [
        (Method::POST, "/a", Ok(Pass::Exempt)),
        (Method::PUT, "/a", Ok(Pass::Exempt)),
        (Method::POST, "/b", Ok(Pass::Exempt)),
        (Method::PUT, "/b", Err(CsrfRefusal::CrossSite)),
        (Method::POST, "/c", Err(CsrfRefusal::CrossSite)),
    ] {
        let sent = Request::builder().method(&method).uri(path);
        let sent = sent
            .header("sec-fetch-site", "cross-site")
            .body(())
            .unwrap();
        assert_eq!(
            policy.check(&sent.into_parts().0),
            expected,
            "{method} {path}"
        );
    }
}

/// Trap 13, an `Origin` that is parsed although it decides nothing, is counted in `tests/alloc`; here, that it is not read.
#[test]
fn trap_13_an_origin_is_read_although_the_metadata_decides() {
    for origin in ["null", "not an origin", OWN, FOREIGN] {
        let lines = [("sec-fetch-site", "same-origin"), ("origin", origin)];
        assert_eq!(
            ours(&Method::POST, &lines),
            Ok(Pass::SameOrigin),
            "{origin}"
        );
    }
}

/// Go 1.25.0 exempted what its router redirected elsewhere.
#[test]
fn cve_2025_47910_an_exemption_covers_another_path() {
    let policy = CsrfLayer::builder()
        .dangerous_exempt("/hooks")
        .build_policy()
        .unwrap();
    for (path, expected) in [
        ("/hooks", Ok(Pass::Exempt)),
        ("/hooks/", Err(CsrfRefusal::CrossSite)),
        ("//hooks", Err(CsrfRefusal::CrossSite)),
        ("/a/../hooks", Err(CsrfRefusal::CrossSite)),
    ] {
        let sent = Request::post(path)
            .header("sec-fetch-site", "cross-site")
            .body(())
            .unwrap();
        assert_eq!(policy.check(&sent.into_parts().0), expected, "{path}");
    }
}

/// gorilla/csrf looked at the referer only if the request's target had a scheme, which it has on no server.
#[test]
fn cve_2025_24358_a_foreign_referer_passes_because_the_target_has_no_scheme() {
    for target in ["/", "https://a.example/", "http://a.example/"] {
        let sent = |page| {
            let request = Request::post(target)
                .header(HOST, "a.example")
                .header("referer", page);
            request.body(()).unwrap().into_parts().0
        };
        let policy = CsrfLayer::new();
        let policy = policy.policy();
        assert_eq!(
            policy.check(&sent("https://evil.example/")),
            Err(CsrfRefusal::RefererMismatch)
        );
        assert_eq!(
            policy.check(&sent("https://a.example/")),
            Ok(Pass::Referer),
            "{target}"
        );
    }
}

/// gorilla/csrf and nosurf compared trusted origins by their host alone.
#[test]
fn cve_2025_47909_and_46721_scheme_and_port_of_a_trusted_origin_do_not_count() {
    let policy = CsrfLayer::builder()
        .trusted_origins(["https://sso.example.com", "https://*.apps.example.com"])
        .build_policy()
        .unwrap();
    for (origin, is_trusted) in [
        ("https://sso.example.com", true),
        ("http://sso.example.com", false),
        ("https://sso.example.com:8443", false),
        ("https://shop.apps.example.com", true),
        ("http://shop.apps.example.com", false),
        ("https://shop.apps.example.com:8443", false),
    ] {
        let sent = |name: Option<&str>| {
            let request = Request::post("/").header(ORIGIN, origin);
            let request = name.into_iter().fold(request, |request, site| {
                request.header("sec-fetch-site", site)
            });
            request.body(()).unwrap().into_parts().0
        };
        assert_eq!(policy.check(&sent(None)).is_ok(), is_trusted, "{origin}");
        assert_eq!(
            policy.check(&sent(Some("cross-site"))).is_ok(),
            is_trusted,
            "{origin}"
        );
    }
}
