//! The CSRF layer as a service: what passes, what is refused and how, modes, isolation, events.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, ORIGIN, UPGRADE, VARY};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full};
use tower::{Layer, Service};
use tower_security::core::{
    AbuseKind, AbuseSignal, EventName, Level, Mode, Outcome, Refused, SecurityEvent,
};
use tower_security::csrf::{CsrfLayer, CsrfRefusal, Isolation, Missing, Pass};

use crate::support::service::{Spy, go};

type Lines<'a> = &'a [(&'static str, &'static str)];

const CROSS: Lines<'_> = &[("sec-fetch-site", "cross-site")];

fn request(method: Method, target: &str, lines: Lines<'_>) -> Request<Full<Bytes>> {
    let builder = Request::builder().method(method).uri(target);
    lines
        .iter()
        .fold(builder, |builder, (name, value)| {
            builder.header(*name, *value)
        })
        .body(Full::default())
        .expect("it is a request")
}

fn post(lines: Lines<'_>) -> Request<Full<Bytes>> {
    request(Method::POST, "/orders", lines)
}

fn get(lines: Lines<'_>) -> Request<Full<Bytes>> {
    request(Method::GET, "/orders", lines)
}

fn vary(headers: &HeaderMap) -> Vec<&str> {
    let lines = headers.get_all(VARY).iter();
    lines
        .map(|line| line.to_str().expect("it is ASCII"))
        .collect()
}

/// Sends a request through the layer; on refusal the spy must not have been called.
async fn verdict<B>(layer: &CsrfLayer, request: Request<B>) -> Result<(), CsrfRefusal> {
    let spy = Spy::new();
    let answer = go(layer.layer(spy.clone()), request).await;
    match answer.extensions().get::<CsrfRefusal>() {
        Some(refusal) => {
            assert_eq!((answer.status(), spy.calls()), (StatusCode::FORBIDDEN, 0));
            Err(*refusal)
        }
        None => {
            assert_eq!((answer.status(), spy.calls()), (StatusCode::OK, 1));
            Ok(())
        }
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one table")]
async fn the_first_deciding_header_wins() {
    const OWN: &str = "https://app.example.com";
    const HERE: (&str, &str) = ("host", "app.example.com");
    let rows: &[(&str, Lines<'_>, Result<(), CsrfRefusal>)] = &[
        ("own page", &[("sec-fetch-site", "same-origin")], Ok(())),
        ("address bar", &[("sec-fetch-site", "none")], Ok(())),
        (
            "sibling",
            &[("sec-fetch-site", "same-site")],
            Err(CsrfRefusal::SameSite),
        ),
        (
            "stranger",
            &[("sec-fetch-site", "cross-site")],
            Err(CsrfRefusal::CrossSite),
        ),
        (
            "unknown",
            &[("sec-fetch-site", "same-orbit")],
            Err(CsrfRefusal::MetadataUnknown),
        ),
        (
            "upper case",
            &[("sec-fetch-site", "Same-Origin")],
            Err(CsrfRefusal::MetadataUnknown),
        ),
        (
            "metadata before origin: refused",
            &[("sec-fetch-site", "cross-site"), ("origin", OWN), HERE],
            Err(CsrfRefusal::CrossSite),
        ),
        (
            "metadata before origin: passes",
            &[("sec-fetch-site", "same-origin"), ("origin", "null"), HERE],
            Ok(()),
        ),
        (
            "empty metadata",
            &[("sec-fetch-site", ""), ("origin", OWN), HERE],
            Ok(()),
        ),
        ("origin is host", &[("origin", OWN), HERE], Ok(())),
        (
            "origin is another host",
            &[("origin", "https://evil.example"), HERE],
            Err(CsrfRefusal::OriginMismatch),
        ),
        (
            "opaque",
            &[("origin", "null"), HERE],
            Err(CsrfRefusal::OriginNull),
        ),
        (
            "no origin",
            &[("origin", "https://app.example.com/"), HERE],
            Err(CsrfRefusal::OriginInvalid),
        ),
        (
            "origin before referer",
            &[
                ("origin", "null"),
                ("referer", "https://app.example.com/"),
                HERE,
            ],
            Err(CsrfRefusal::OriginNull),
        ),
        (
            "own referer",
            &[
                ("referer", "https://app.example.com/a"),
                ("cookie", "a=1"),
                HERE,
            ],
            Ok(()),
        ),
        (
            "foreign referer",
            &[("referer", "https://evil.example/a"), HERE],
            Err(CsrfRefusal::RefererMismatch),
        ),
        ("nothing", &[HERE], Ok(())),
        (
            "nothing but a cookie",
            &[("cookie", "a=1"), HERE],
            Err(CsrfRefusal::MetadataMissing),
        ),
        (
            "bearer token",
            &[("authorization", "Bearer x"), HERE],
            Ok(()),
        ),
        (
            "basic credentials",
            &[("authorization", "Basic x"), HERE],
            Err(CsrfRefusal::MetadataMissing),
        ),
        (
            "integrated log-in",
            &[("authorization", "ntlm"), HERE],
            Err(CsrfRefusal::MetadataMissing),
        ),
    ];
    for (name, lines, expected) in rows {
        assert_eq!(
            verdict(&CsrfLayer::new(), post(lines)).await,
            *expected,
            "{name}"
        );
    }
}

#[tokio::test]
async fn only_get_head_and_options_in_upper_case_are_safe() {
    for (method, expected) in [
        ("GET", Ok(())),
        ("HEAD", Ok(())),
        ("OPTIONS", Ok(())),
        ("POST", Err(CsrfRefusal::CrossSite)),
        ("DELETE", Err(CsrfRefusal::CrossSite)),
        ("TRACE", Err(CsrfRefusal::CrossSite)),
        ("CONNECT", Err(CsrfRefusal::CrossSite)),
        ("QUERY", Err(CsrfRefusal::CrossSite)),
        ("get", Err(CsrfRefusal::CrossSite)),
    ] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let sent = request(method.clone(), "/", CROSS);
        assert_eq!(verdict(&CsrfLayer::new(), sent).await, expected, "{method}");
    }
}

#[tokio::test]
async fn the_own_host_is_compared_as_browsers_name_it() {
    for (origin, host, expected) in [
        ("https://a.example", "a.example", Ok(())),
        ("https://a.example", "A.Example", Ok(())),
        ("https://a.example", "a.example:443", Ok(())),
        ("https://a.example:443", "a.example", Ok(())),
        ("https://a.example:8443", "a.example:8443", Ok(())),
        ("https://[::1]:8443", "[::1]:8443", Ok(())),
        ("http://localhost:3000", "localhost:3000", Ok(())),
        ("http://localhost", "localhost:80", Ok(())),
        ("http://app.localhost:3000", "app.localhost:3000", Ok(())),
        ("http://127.0.0.1", "127.0.0.1", Ok(())),
        (
            "https://a.example",
            "a.example:80",
            Err(CsrfRefusal::OriginMismatch),
        ),
        (
            "https://a.example:8443",
            "a.example",
            Err(CsrfRefusal::OriginMismatch),
        ),
        (
            "https://a.example",
            "a.example.",
            Err(CsrfRefusal::OriginMismatch),
        ),
        (
            "https://a.example",
            "b.a.example",
            Err(CsrfRefusal::OriginMismatch),
        ),
        (
            "https://a.example",
            "u@a.example",
            Err(CsrfRefusal::OriginMismatch),
        ),
        (
            "https://a.example",
            "a.example/x",
            Err(CsrfRefusal::OriginMismatch),
        ),
        (
            "https://a.example",
            "a.example:",
            Err(CsrfRefusal::OriginMismatch),
        ),
        ("https://a.example", "", Err(CsrfRefusal::OriginMismatch)),
        (
            "http://127.0.0.1.nip.io",
            "127.0.0.1.nip.io",
            Err(CsrfRefusal::OriginMismatch),
        ),
        (
            "ftp://a.example",
            "a.example",
            Err(CsrfRefusal::OriginMismatch),
        ),
    ] {
        let sent = Request::post("/")
            .header(ORIGIN, origin)
            .header(HOST, host)
            .body(())
            .unwrap();
        assert_eq!(
            verdict(&CsrfLayer::new(), sent).await,
            expected,
            "{origin} at {host}"
        );
    }
}

#[tokio::test]
async fn the_request_target_counts_before_the_host_header() {
    for (target, host, expected) in [
        ("https://a.example/x", "a.example", Ok(())),
        ("https://a.example/x", "evil.example", Ok(())),
        (
            "https://evil.example/x",
            "a.example",
            Err(CsrfRefusal::OriginMismatch),
        ),
        ("http://a.example/x", "a.example", Ok(())),
        ("/x", "a.example", Ok(())),
    ] {
        let sent = Request::post(target)
            .header(ORIGIN, "https://a.example")
            .header(HOST, host)
            .body(())
            .unwrap();
        assert_eq!(
            verdict(&CsrfLayer::new(), sent).await,
            expected,
            "{target} at {host}"
        );
    }
}

#[tokio::test]
async fn configured_own_origins_replace_the_host() {
    let layer = CsrfLayer::builder()
        .self_origins(["https://www.example.com", "http://localhost:3000"])
        .build()
        .unwrap();
    for (origin, expected) in [
        ("https://www.example.com", Ok(())),
        ("https://www.example.com:443", Ok(())),
        ("http://localhost:3000", Ok(())),
        ("http://www.example.com", Err(CsrfRefusal::OriginMismatch)),
        (
            "https://www.example.com:8443",
            Err(CsrfRefusal::OriginMismatch),
        ),
        ("https://backend.internal", Err(CsrfRefusal::OriginMismatch)),
    ] {
        let sent = Request::post("/")
            .header(ORIGIN, origin)
            .header(HOST, "backend.internal")
            .body(())
            .unwrap();
        assert_eq!(verdict(&layer, sent).await, expected, "{origin}");
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one table")]
async fn each_option_changes_an_answer() {
    let builder = CsrfLayer::builder;
    let trusting = || builder().trusted_origins(["https://sso.example.com"]);
    let sibling: Lines<'_> = &[("sec-fetch-site", "same-site")];
    let from_sso: Lines<'_> = &[
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://sso.example.com"),
    ];
    let cookie: Lines<'_> = &[("cookie", "a=1")];
    let plain: Lines<'_> = &[
        ("origin", "http://intra.example"),
        ("host", "intra.example"),
    ];
    let handshake: Lines<'_> = &[("upgrade", "websocket"), ("sec-fetch-site", "cross-site")];
    let spoofed: Lines<'_> = &[("x-http-method", "PUT"), ("sec-fetch-site", "cross-site")];
    let rows = [
        ("trusted", builder(), trusting(), post(from_sso)),
        (
            "missing metadata",
            builder().missing_metadata(Missing::Refuse),
            builder(),
            post(&[]),
        ),
        (
            "dangerous_allow_missing_metadata",
            builder(),
            builder().dangerous_allow_missing_metadata(),
            post(cookie),
        ),
        (
            "dangerous_allow_same_site",
            builder(),
            builder().dangerous_allow_same_site(true),
            post(sibling),
        ),
        (
            "dangerous_allow_insecure_origins",
            builder(),
            builder().dangerous_allow_insecure_origins(true),
            post(plain),
        ),
        (
            "dangerous_skip_websocket_check",
            builder(),
            builder().dangerous_skip_websocket_check(true),
            get(handshake),
        ),
        (
            "method_override_headers",
            builder(),
            builder().method_override_headers(["x-tunnelled-verb"]),
            get(spoofed),
        ),
        (
            "dangerous_exempt",
            builder().dangerous_exempt("/orders/{id}"),
            builder().dangerous_exempt("/orders"),
            post(CROSS),
        ),
        (
            "dangerous_exempt_method",
            builder().dangerous_exempt_method(Method::PUT, "/orders"),
            builder().dangerous_exempt_method(Method::POST, "/orders"),
            post(CROSS),
        ),
        ("mode", builder(), builder().mode(Mode::Off), post(CROSS)),
        (
            "report only",
            builder(),
            builder().mode(Mode::ReportOnly),
            post(CROSS),
        ),
        (
            "isolation",
            builder().isolation(Isolation::new()),
            builder(),
            get(CROSS),
        ),
        (
            "refuse_same_site",
            builder().isolation(Isolation::new().refuse_same_site(true)),
            builder().isolation(Isolation::new()),
            get(sibling),
        ),
        (
            "public",
            builder().isolation(Isolation::new().public("/orders/{id}")),
            builder().isolation(Isolation::new().public("/orders")),
            get(CROSS),
        ),
        (
            "allow_framing",
            builder().isolation(Isolation::new()),
            builder().isolation(Isolation::new().allow_framing(true)),
            get(&[
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "iframe"),
            ]),
        ),
    ];
    for (name, refusing, passing, sent) in rows {
        let (refusing, passing) = (refusing.build().unwrap(), passing.build().unwrap());
        assert!(verdict(&refusing, sent.clone()).await.is_err(), "{name}");
        assert_eq!(verdict(&passing, sent).await, Ok(()), "{name}");
    }
}

#[tokio::test]
async fn a_compiled_set_is_trusted_as_its_texts_are() {
    let origins = ["https://sso.example.com", "https://*.apps.example.com"];
    let set = tower_security::core::origin::TrustedOrigins::builder()
        .origins(origins)
        .build()
        .unwrap();
    let layer = CsrfLayer::builder().trusted_origins(&set).build().unwrap();
    for (origin, expected) in [
        ("https://sso.example.com", Ok(())),
        ("https://shop.apps.example.com", Ok(())),
        ("https://apps.example.com", Err(CsrfRefusal::SameSite)),
        ("https://sso.example.com:8443", Err(CsrfRefusal::SameSite)),
        ("http://sso.example.com", Err(CsrfRefusal::SameSite)),
    ] {
        let sent = Request::post("/")
            .header("sec-fetch-site", "same-site")
            .header(ORIGIN, origin)
            .body(())
            .unwrap();
        assert_eq!(verdict(&layer, sent).await, expected, "{origin}");
    }
}

#[tokio::test]
async fn referers_are_read_up_to_4096_bytes() {
    let long = |length: usize| {
        let mut referer = "https://evil.example/".to_owned();
        referer.extend(std::iter::repeat_n('a', length - referer.len()));
        Request::post("/")
            .header("referer", referer)
            .body(())
            .unwrap()
    };
    let layer = CsrfLayer::new();
    assert_eq!(
        verdict(&layer, long(4096)).await,
        Err(CsrfRefusal::RefererMismatch)
    );
    // Nothing is known of it then, and it carries no cookie.
    assert_eq!(verdict(&layer, long(4097)).await, Ok(()));
}

/// A body that must not be looked at.
struct Untouched;

impl Body for Untouched {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        panic!("the body was polled");
    }
}

#[tokio::test]
async fn a_refusal_touches_neither_the_service_nor_the_body() {
    let spy = Spy::new();
    let forged = post(CROSS).map(|_| Untouched);
    let answer = go(CsrfLayer::new().layer(spy.clone()), forged).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(spy.calls(), 0);
}

/// Whatever a browser sends, any page can make it send: the ban would be that of its visitor.
#[tokio::test]
async fn only_what_no_browser_sends_is_a_sign_of_abuse() {
    const NO_BROWSER: &[Lines<'_>] = &[
        &[("sec-fetch-site", "none"), ("sec-fetch-site", "none")],
        &[
            ("origin", "https://evil.example"),
            ("origin", "https://app.example"),
        ],
    ];
    const BROWSER: &[Lines<'_>] = &[
        CROSS,
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        // Hosts of the URL standard, which are none of DNS; and a page in a file, in some browsers.
        &[("origin", "http://a!b.evil.example")],
        &[("origin", "file://")],
        // What comes after the values of today.
        &[("sec-fetch-site", "elsewhere")],
        &[("referer", "https://evil.example/")],
        &[("cookie", "session=1")],
    ];
    for (rows, sign) in [(NO_BROWSER, Some(AbuseKind::CsrfRefused)), (BROWSER, None)] {
        for lines in rows {
            let answer = go(CsrfLayer::new().layer(Spy::new()), post(lines)).await;
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{lines:?}");
            assert_eq!(AbuseSignal::of(answer.extensions()), sign, "{lines:?}");
        }
    }
}

#[tokio::test]
async fn a_refusal_says_what_and_not_why() {
    let answer = go(CsrfLayer::new().layer(Spy::new()), post(CROSS)).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(answer.headers()[CONTENT_TYPE], "application/problem+json");
    assert_eq!(answer.headers()[CACHE_CONTROL], "no-store");
    assert_eq!(vary(answer.headers()), ["Sec-Fetch-Site, Origin"]);
    // Nothing of the request's head is left.
    assert_eq!(answer.headers().len(), 3);
    let refused = answer.extensions().get::<Refused>().unwrap();
    assert_eq!(
        (refused.code(), refused.status()),
        ("csrf_refused", StatusCode::FORBIDDEN)
    );
    assert_eq!(answer.extensions().get(), Some(&CsrfRefusal::CrossSite));
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(
        body,
        r#"{"title":"This request may not come from another site","status":403,"code":"csrf_refused"}"#
    );
}

/// A program of the user's own, or an old browser: nobody has been on another site.
#[tokio::test]
async fn a_request_that_says_nothing_is_not_told_of_another_site() {
    let answer = go(
        CsrfLayer::new().layer(Spy::new()),
        post(&[("cookie", "a=b")]),
    )
    .await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(
        answer.extensions().get(),
        Some(&CsrfRefusal::MetadataMissing)
    );
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(
        body,
        r#"{"title":"This request does not say where it comes from","status":403,"code":"csrf_refused"}"#
    );
}

#[tokio::test]
async fn a_grpc_request_is_refused_with_a_grpc_status() {
    let lines: Lines<'_> = &[
        ("sec-fetch-site", "cross-site"),
        ("content-type", "application/grpc-web+proto"),
    ];
    let answer = go(CsrfLayer::new().layer(Spy::new()), post(lines)).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["grpc-status"], "7");
    assert_eq!(answer.headers()[CACHE_CONTROL], "no-store");
    assert_eq!(vary(answer.headers()), ["Sec-Fetch-Site, Origin"]);
    assert_eq!(answer.extensions().get(), Some(&CsrfRefusal::CrossSite));

    // A native client sends nothing of what a browser sends.
    let native: Lines<'_> = &[("content-type", "application/grpc"), ("te", "trailers")];
    assert_eq!(verdict(&CsrfLayer::new(), post(native)).await, Ok(()));
}

#[tokio::test]
async fn modes_switch_at_run_time_for_every_service_of_the_layer() {
    let layer = CsrfLayer::new();
    let handle = layer.handle();
    let spy = Spy::new();
    let service = layer.layer(spy.clone());
    for (mode, status, calls) in [
        (Mode::Enforce, StatusCode::FORBIDDEN, 0),
        (Mode::ReportOnly, StatusCode::OK, 1),
        (Mode::Off, StatusCode::OK, 2),
        (Mode::Enforce, StatusCode::FORBIDDEN, 2),
    ] {
        handle.set_mode(mode);
        assert_eq!((handle.mode(), layer.mode()), (mode, mode));
        assert_eq!(
            go(service.clone(), post(CROSS)).await.status(),
            status,
            "{mode:?}"
        );
        assert_eq!(spy.calls(), calls, "{mode:?}");
    }
}

/// Answers with what reached it.
#[derive(Clone)]
struct Echo;

impl Service<Request<Full<Bytes>>> for Echo {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        let (head, body) = request.into_parts();
        let mut response = Response::new(body);
        let line = format!("{} {} {:?}", head.method, head.uri, head.version);
        response.headers_mut().clone_from(&head.headers);
        response
            .headers_mut()
            .insert("x-line", line.parse().unwrap());
        *response.extensions_mut() = head.extensions;
        std::future::ready(Ok(response))
    }
}

#[tokio::test]
async fn report_only_passes_the_request_on_unchanged() {
    let layer = CsrfLayer::builder().mode(Mode::ReportOnly).build().unwrap();
    let mut sent = request(
        Method::PUT,
        "/orders/7?full",
        &[("sec-fetch-site", "cross-site"), ("x-a", "1")],
    );
    *sent.version_mut() = http::Version::HTTP_2;
    *sent.body_mut() = Full::from("content");
    sent.extensions_mut().insert(42_u8);
    let answer = go(layer.layer(Echo), sent).await;
    assert_eq!(answer.headers()["x-line"], "PUT /orders/7?full HTTP/2.0");
    assert_eq!(answer.headers()["sec-fetch-site"], "cross-site");
    assert_eq!(answer.headers()["x-a"], "1");
    assert_eq!(answer.headers().len(), 3);
    assert_eq!(answer.extensions().get(), Some(&42_u8));
    assert_eq!(
        answer.into_body().collect().await.unwrap().to_bytes(),
        "content"
    );
}

#[test]
fn a_mode_that_is_switched_under_traffic_never_gives_half_a_decision() {
    const REQUESTS: usize = 2_000;
    let layer = CsrfLayer::new();
    let handle = layer.handle();
    let spy = Spy::new();
    let passed: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let service = layer.layer(spy.clone());
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .build()
                        .unwrap();
                    runtime.block_on(async {
                        let mut passed = 0;
                        for _ in 0..REQUESTS {
                            let answer = go(service.clone(), post(CROSS)).await;
                            let refusal = answer.extensions().get::<CsrfRefusal>();
                            match answer.status() {
                                StatusCode::OK => {
                                    assert_eq!(refusal, None);
                                    passed += 1;
                                }
                                status => {
                                    assert_eq!(status, StatusCode::FORBIDDEN);
                                    assert_eq!(refusal, Some(&CsrfRefusal::CrossSite));
                                }
                            }
                            let own = post(&[("sec-fetch-site", "same-origin")]);
                            assert_eq!(go(service.clone(), own).await.status(), StatusCode::OK);
                        }
                        passed
                    })
                })
            })
            .collect();
        let modes = [Mode::ReportOnly, Mode::Enforce, Mode::Off];
        let mut turns = modes.into_iter().cycle();
        while threads.iter().any(|thread| !thread.is_finished()) {
            handle.set_mode(turns.next().unwrap_or_default());
            std::thread::yield_now();
        }
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!(spy.calls(), passed + 8 * REQUESTS);
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one table")]
async fn isolation_lets_browsers_navigate_and_refuses_what_includes() {
    let layer = CsrfLayer::builder()
        .trusted_origins(["https://sso.example.com"])
        .isolation(Isolation::new())
        .build()
        .unwrap();
    const SITE: (&str, &str) = ("sec-fetch-site", "cross-site");
    const NAVIGATE: (&str, &str) = ("sec-fetch-mode", "navigate");
    let rows: &[(&str, Lines<'_>, Result<Pass, CsrfRefusal>)] = &[
        ("old browser", &[], Ok(Pass::Safe)),
        (
            "link",
            &[SITE, NAVIGATE, ("sec-fetch-dest", "document")],
            Ok(Pass::Safe),
        ),
        (
            "own script",
            &[("sec-fetch-site", "same-origin")],
            Ok(Pass::SameOrigin),
        ),
        (
            "sibling's script",
            &[("sec-fetch-site", "same-site")],
            Ok(Pass::SameSite),
        ),
        (
            "trusted",
            &[SITE, ("origin", "https://sso.example.com")],
            Ok(Pass::Trusted),
        ),
        (
            "script",
            &[SITE, ("sec-fetch-mode", "no-cors")],
            Err(CsrfRefusal::Isolation),
        ),
        (
            "fetch",
            &[SITE, ("sec-fetch-mode", "cors")],
            Err(CsrfRefusal::Isolation),
        ),
        ("no mode", &[SITE], Err(CsrfRefusal::Isolation)),
        (
            "object",
            &[SITE, NAVIGATE, ("sec-fetch-dest", "object")],
            Err(CsrfRefusal::Isolation),
        ),
        (
            "embed",
            &[SITE, NAVIGATE, ("sec-fetch-dest", "embed")],
            Err(CsrfRefusal::Isolation),
        ),
        (
            "frame",
            &[SITE, NAVIGATE, ("sec-fetch-dest", "iframe")],
            Err(CsrfRefusal::Isolation),
        ),
        ("no destination", &[SITE, NAVIGATE], Ok(Pass::Safe)),
        (
            "destination without a value",
            &[SITE, NAVIGATE, ("sec-fetch-dest", "")],
            Ok(Pass::Safe),
        ),
        (
            "fenced frame",
            &[SITE, NAVIGATE, ("sec-fetch-dest", "fencedframe")],
            Err(CsrfRefusal::Isolation),
        ),
        (
            "frame in upper case",
            &[SITE, NAVIGATE, ("sec-fetch-dest", "IFRAME")],
            Err(CsrfRefusal::Isolation),
        ),
        (
            "document in upper case",
            &[SITE, NAVIGATE, ("sec-fetch-dest", "Document")],
            Err(CsrfRefusal::Isolation),
        ),
        (
            "frame among others",
            &[SITE, NAVIGATE, ("sec-fetch-dest", "iframe, x")],
            Err(CsrfRefusal::Isolation),
        ),
        (
            "destination of no navigation",
            &[SITE, NAVIGATE, ("sec-fetch-dest", "empty")],
            Err(CsrfRefusal::Isolation),
        ),
        (
            "destination beyond ASCII",
            &[SITE, NAVIGATE, ("sec-fetch-dest", "docum\u{e9}nt")],
            Err(CsrfRefusal::Isolation),
        ),
        (
            "unknown destination",
            &[SITE, NAVIGATE, ("sec-fetch-dest", "future-frame")],
            Err(CsrfRefusal::Isolation),
        ),
        (
            "doubled destination",
            &[
                SITE,
                NAVIGATE,
                ("sec-fetch-dest", "document"),
                ("sec-fetch-dest", "document"),
            ],
            Err(CsrfRefusal::MetadataDuplicate),
        ),
        (
            "doubled mode",
            &[SITE, NAVIGATE, NAVIGATE],
            Err(CsrfRefusal::MetadataDuplicate),
        ),
        (
            "doubled site",
            &[SITE, SITE, NAVIGATE],
            Err(CsrfRefusal::MetadataDuplicate),
        ),
        (
            "unknown site",
            &[("sec-fetch-site", "near"), NAVIGATE],
            Ok(Pass::Safe),
        ),
    ];
    for (name, lines, expected) in rows {
        for method in [Method::GET, Method::HEAD] {
            let sent = request(method, "/orders", lines);
            assert_eq!(
                layer.policy().check(&sent.into_parts().0),
                *expected,
                "{name}"
            );
        }
        assert_eq!(
            verdict(&layer, get(lines)).await,
            expected.map(|_| ()),
            "{name}"
        );
    }
    let framed = CsrfLayer::builder().isolation(Isolation::new().allow_framing(true));
    let framed = framed.build_policy().unwrap();
    for (destination, expected) in [
        ("document", Ok(Pass::Safe)),
        ("iframe", Ok(Pass::Safe)),
        ("frame", Ok(Pass::Safe)),
        ("fencedframe", Ok(Pass::Safe)),
        ("IFRAME", Err(CsrfRefusal::Isolation)),
        ("iframe, x", Err(CsrfRefusal::Isolation)),
        ("future-frame", Err(CsrfRefusal::Isolation)),
        ("object", Err(CsrfRefusal::Isolation)),
        ("embed", Err(CsrfRefusal::Isolation)),
    ] {
        let sent = get(&[SITE, NAVIGATE, ("sec-fetch-dest", destination)]);
        assert_eq!(
            framed.check(&sent.into_parts().0),
            expected,
            "{destination}"
        );
    }
    let preflight = request(
        Method::OPTIONS,
        "/orders",
        &[SITE, ("sec-fetch-mode", "navigate")],
    );
    assert_eq!(
        verdict(&layer, preflight).await,
        Err(CsrfRefusal::Isolation)
    );
}

#[tokio::test]
async fn isolation_says_what_answers_depend_on_and_doubles_nothing() {
    let isolated = |origins: &[&str]| {
        CsrfLayer::builder()
            .trusted_origins(origins)
            .isolation(Isolation::new())
            .build()
            .unwrap()
    };
    const NONE: &[&str] = &[];
    const SSO: &[&str] = &["https://sso.example.com"];
    let all = "Sec-Fetch-Site, Sec-Fetch-Mode, Sec-Fetch-Dest";
    let rows: [(&[&str], &[&'static str], &[&str]); 6] = [
        (NONE, &[], &[all]),
        (NONE, &["accept"], &["accept", all]),
        (NONE, &["*"], &["*"]),
        (
            NONE,
            &["accept, sec-fetch-mode"],
            &["accept, sec-fetch-mode", "Sec-Fetch-Site", "Sec-Fetch-Dest"],
        ),
        (SSO, &[], &[all, "Origin"]),
        (SSO, &["origin"], &["origin", all]),
    ];
    for (trusted, before, after) in rows {
        let spy = before
            .iter()
            .fold(Spy::new(), |spy, line| spy.header(VARY, line));
        let layer = isolated(trusted);
        for method in [Method::GET, Method::HEAD] {
            let sent = request(method, "/", &[]);
            let answer = go(layer.layer(spy.clone()), sent).await;
            assert_eq!(vary(answer.headers()), after, "{before:?}");
        }
        // What no cache keeps.
        let own = post(&[("sec-fetch-site", "same-origin")]);
        assert_eq!(
            vary(go(layer.layer(spy.clone()), own).await.headers()),
            before
        );
        // What a cache keeps now is served still when refusals begin; nothing depends on the headers in the last mode.
        for (mode, expected) in [(Mode::ReportOnly, after), (Mode::Off, before)] {
            layer.handle().set_mode(mode);
            for lines in [&[], CROSS] {
                let answer = go(layer.layer(spy.clone()), get(lines)).await;
                assert_eq!(answer.status(), StatusCode::OK);
                assert_eq!(vary(answer.headers()), expected, "{mode:?} {before:?}");
            }
        }
    }
    // Without isolation answers do not depend on the headers.
    assert!(
        vary(
            go(CsrfLayer::new().layer(Spy::new()), get(&[]))
                .await
                .headers()
        )
        .is_empty()
    );
    let refused = go(isolated(NONE).layer(Spy::new()), get(CROSS)).await;
    assert_eq!(
        vary(refused.headers()),
        ["Sec-Fetch-Site, Origin, Sec-Fetch-Mode, Sec-Fetch-Dest"]
    );
}

#[tokio::test]
async fn a_refused_head_request_is_answered_with_a_head_alone() {
    let layer = CsrfLayer::builder()
        .isolation(Isolation::new())
        .build()
        .unwrap();
    let answer = go(layer.layer(Spy::new()), request(Method::HEAD, "/", CROSS)).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert!(
        answer
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .is_empty()
    );
}

/// What the tests read of an event.
#[derive(Debug, PartialEq)]
struct Told {
    level: Level,
    outcome: Outcome,
    rule: String,
    detail: String,
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Told>>>);

impl Log {
    fn sink(&self) -> impl Fn(&SecurityEvent<'_>) + Send + Sync + 'static {
        let log = Arc::clone(&self.0);
        move |event| {
            assert_eq!(event.name, EventName::MaliciousCsrf);
            assert_eq!((event.layer, event.code), ("csrf", "csrf_refused"));
            assert_eq!(event.method.as_deref(), Some("POST"));
            assert_eq!(event.path.as_deref(), Some("/orders"));
            log.lock().unwrap().push(Told {
                level: event.level,
                outcome: event.outcome,
                rule: event.rule.as_deref().unwrap_or_default().to_owned(),
                detail: event.detail.as_deref().unwrap_or_default().to_owned(),
            });
        }
    }

    fn take(&self) -> Vec<Told> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

#[tokio::test]
async fn each_refusal_is_one_event_and_a_pass_is_none() {
    let log = Log::default();
    let layer = CsrfLayer::builder().events(log.sink()).build().unwrap();
    let rows: &[(Lines<'_>, Level, &str, &str)] = &[
        (
            CROSS,
            Level::Warn,
            "cross_site",
            "sec_fetch_site=cross-site",
        ),
        (
            &[
                ("sec-fetch-site", "same-site"),
                ("origin", "https://a.example"),
            ],
            Level::Warn,
            "same_site",
            "sec_fetch_site=same-site origin=https://a.example",
        ),
        (
            &[("origin", "null")],
            Level::Warn,
            "origin_null",
            "origin=null",
        ),
        (
            &[("origin", "https://a.example")],
            Level::Info,
            "origin_mismatch",
            "origin=https://a.example",
        ),
        (
            &[("cookie", "secret=1")],
            Level::Info,
            "metadata_missing",
            "",
        ),
        (
            &[("referer", "https://a.example/?token=1")],
            Level::Warn,
            "referer_mismatch",
            "",
        ),
    ];
    for (lines, level, rule, detail) in rows {
        for (mode, outcome) in [
            (Mode::Enforce, Outcome::Refused),
            (Mode::ReportOnly, Outcome::WouldRefuse),
        ] {
            layer.handle().set_mode(mode);
            go(layer.layer(Spy::new()), post(lines)).await;
            let told = Told {
                level: *level,
                outcome,
                rule: (*rule).to_owned(),
                detail: (*detail).to_owned(),
            };
            assert_eq!(log.take(), [told]);
        }
        layer.handle().set_mode(Mode::Off);
        go(layer.layer(Spy::new()), post(lines)).await;
        assert_eq!(log.take(), []);
    }
    layer.handle().set_mode(Mode::Enforce);
    go(
        layer.layer(Spy::new()),
        post(&[("sec-fetch-site", "same-origin")]),
    )
    .await;
    assert_eq!(log.take(), []);
}

#[tokio::test]
async fn an_event_tells_hostile_headers_cleaned_and_cut() {
    let log = Log::default();
    let layer = CsrfLayer::builder().events(log.sink()).build().unwrap();
    let told = async |site: &[u8], origin: &[u8]| {
        let sent = Request::post("/orders")
            .header("sec-fetch-site", site)
            .header(ORIGIN, origin)
            .body(())
            .unwrap();
        go(layer.layer(Spy::new()), sent).await;
        log.take().remove(0).detail
    };
    // Not one byte of the first may pass for the second.
    assert_eq!(
        told(b"none origin=https://own.example", b"x sec_fetch_site=none").await,
        "sec_fetch_site=none origin=x sec_fetch_site=none"
    );
    assert_eq!(
        told(b"a\xffb", b"\xe2\x80\xae\\").await,
        "sec_fetch_site=a origin=\\u{202e}\\\\"
    );
    let long = told(&[b'a'; 5_000], &[b'b'; 5_000]).await;
    assert_eq!(
        long,
        format!(
            "sec_fetch_site={} origin={}",
            "a".repeat(32),
            "b".repeat(326)
        )
    );
}

#[tokio::test]
async fn readiness_is_that_of_the_inner_service() {
    type Mock = tower_test::mock::Mock<Request<()>, Response<Full<Bytes>>>;
    let (mock, mut handle) = tower_test::mock::pair::<Request<()>, Response<Full<Bytes>>>();
    let service = CsrfLayer::new().layer(mock);
    let mut task = tower_test::mock::Spawn::new(service);
    handle.allow(0);
    assert!(task.poll_ready().is_pending());
    handle.allow(1);
    assert!(matches!(task.poll_ready(), Poll::Ready(Ok(()))));
    let answer = task.call(Request::new(()));
    let (_, respond) = handle.next_request().await.expect("it was called");
    respond.send_response(Response::new(Full::default()));
    assert_eq!(answer.await.expect("it answers").status(), StatusCode::OK);
    assert!(task.poll_ready().is_pending());
    let _: &tower_security::csrf::Csrf<Mock> = task.get_ref();
}

#[tokio::test]
async fn an_error_of_the_inner_service_passes_through() {
    let service = CsrfLayer::new().layer(tower::service_fn(|_: Request<()>| async {
        Err::<Response<Full<Bytes>>, _>("broken")
    }));
    let answer = tower::ServiceExt::<Request<()>>::oneshot(service, Request::new(())).await;
    assert_eq!(answer.unwrap_err(), "broken");
}

#[test]
fn debug_shows_no_sink_and_reasons_are_said_in_words() {
    let layer = CsrfLayer::builder()
        .events(|_: &SecurityEvent<'_>| ())
        .build()
        .unwrap();
    assert!(format!("{layer:?}").contains("<sink>"));
    let rows = [
        (CsrfRefusal::CrossSite, "cross_site", false),
        (CsrfRefusal::Isolation, "isolation", false),
        (CsrfRefusal::MetadataDuplicate, "metadata_duplicate", false),
        (CsrfRefusal::MetadataMissing, "metadata_missing", true),
        (CsrfRefusal::MetadataUnknown, "metadata_unknown", false),
        (CsrfRefusal::OriginDuplicate, "origin_duplicate", true),
        (CsrfRefusal::OriginInvalid, "origin_invalid", true),
        (CsrfRefusal::OriginMismatch, "origin_mismatch", true),
        (CsrfRefusal::OriginNull, "origin_null", true),
        (CsrfRefusal::RefererMismatch, "referer_mismatch", true),
        (CsrfRefusal::SameSite, "same_site", false),
    ];
    for (refusal, name, is_fallback) in rows {
        assert_eq!(
            (refusal.as_str(), refusal.is_fallback()),
            (name, is_fallback)
        );
        assert!(!refusal.to_string().is_empty());
    }
}

#[tokio::test]
async fn websocket_handshakes_are_checked_in_every_spelling() {
    for upgrade in [
        "websocket",
        "WebSocket",
        "h2c, websocket",
        "websocket/13",
        " websocket ",
    ] {
        let sent = Request::get("/live")
            .header(UPGRADE, upgrade)
            .header("sec-fetch-site", "cross-site")
            .body(())
            .unwrap();
        let verdict = verdict(&CsrfLayer::new(), sent).await;
        assert_eq!(verdict, Err(CsrfRefusal::CrossSite), "{upgrade}");
    }
    for upgrade in ["h2c", "websockets", "notwebsocket", ""] {
        let sent = Request::get("/live")
            .header(UPGRADE, upgrade)
            .header("sec-fetch-site", "cross-site")
            .body(())
            .unwrap();
        assert_eq!(verdict(&CsrfLayer::new(), sent).await, Ok(()), "{upgrade}");
    }
    // Browsers send the page's origin with `https`, and native clients a token.
    let own: Lines<'_> = &[
        ("upgrade", "websocket"),
        ("origin", "https://a.example"),
        ("host", "a.example"),
    ];
    let native: Lines<'_> = &[("upgrade", "websocket"), ("authorization", "Bearer x")];
    let ambient: Lines<'_> = &[("upgrade", "websocket"), ("cookie", "a=1")];
    assert_eq!(verdict(&CsrfLayer::new(), get(own)).await, Ok(()));
    assert_eq!(verdict(&CsrfLayer::new(), get(native)).await, Ok(()));
    assert_eq!(
        verdict(&CsrfLayer::new(), get(ambient)).await,
        Err(CsrfRefusal::MetadataMissing)
    );
}
