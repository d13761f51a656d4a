//! The layer around a service: order, modes, plain HTTP, events.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Layer, Service, service_fn};
use tower_security::SecurityStack;
use tower_security::cookies::{CookieBuilder, CookieLayer, SameSite, Violation};
use tower_security::core::{
    ClientIp, EventName, Level, Mode, Outcome, PeerAddr, ProtoHeader, RequestScheme, SchemeSource,
    SecurityEvent, Tls, TrustedProxies,
};
use tower_security::stack::Innermost;

use crate::support::service::{Spy, go};

/// Events as text: code, rule, target, outcome, level, detail.
#[derive(Clone, Debug, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn sink(&self) -> impl Fn(&SecurityEvent<'_>) + Send + Sync + 'static {
        let heard = Arc::clone(&self.0);
        move |event: &SecurityEvent<'_>| {
            assert_eq!(event.name, EventName::InputValidationFail);
            assert_eq!(event.layer, "cookies");
            let outcome = match event.outcome {
                Outcome::Refused => "refused",
                Outcome::WouldRefuse => "would_refuse",
                Outcome::Success => "success",
                _ => "other",
            };
            let level = match event.level {
                Level::Info => "info",
                Level::Warn => "warn",
                _ => "other",
            };
            let text = |text: Option<&str>| text.unwrap_or("-").to_owned();
            heard.lock().unwrap().push(format!(
                "{} {} {} {outcome} {level} {}",
                event.code,
                text(event.rule.as_deref()),
                text(event.target.as_deref()),
                text(event.detail.as_deref()),
            ));
        }
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// A handler that sets these cookies and says which ones it got.
fn handler<B: Send + 'static>(
    lines: &'static [&'static str],
) -> impl Service<Request<B>, Response = Response<Full<Bytes>>, Error = Infallible, Future: Send> + Clone
{
    service_fn(move |request: Request<B>| {
        let mut response = Response::new(Full::default());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
        for line in lines {
            headers.append(SET_COOKIE, HeaderValue::from_static(line));
        }
        for line in request.headers().get_all(COOKIE) {
            headers.append("x-seen", line.clone());
        }
        headers.insert("x-last", HeaderValue::from_static("1"));
        std::future::ready(Ok::<_, Infallible>(response))
    })
}

fn lines(headers: &HeaderMap, name: &str) -> Vec<String> {
    let lines = headers.get_all(name).iter();
    lines
        .map(|line| line.to_str().unwrap().to_owned())
        .collect()
}

async fn ask(
    builder: CookieBuilder,
    set: &'static [&'static str],
    request: Request<()>,
) -> (Vec<String>, Vec<String>) {
    let service = builder.build().unwrap().layer(handler(set));
    let answer = go(service, request).await;
    assert_eq!(answer.headers()[CONTENT_TYPE], "text/html");
    assert_eq!(answer.headers()["x-last"], "1");
    (
        lines(answer.headers(), "set-cookie"),
        lines(answer.headers(), "x-seen"),
    )
}

fn with_cookie(line: &'static str) -> Request<()> {
    Request::get("/page?q=1")
        .header(COOKIE, line)
        .body(())
        .unwrap()
}

#[tokio::test]
async fn each_line_is_hardened_by_itself_and_the_order_kept() {
    const SET: &[&str] = &[
        "a=1",
        "b=1; Secure; HttpOnly; SameSite=Lax",
        "__Host-x=1; Domain=a.example",
        "a=2; SameSite=None",
        "=",
        "c=1; HttpOnly",
    ];
    let (set, _) = ask(CookieLayer::builder(), SET, Request::new(())).await;
    assert_eq!(
        set,
        [
            "a=1; Secure; HttpOnly; SameSite=Lax",
            "b=1; Secure; HttpOnly; SameSite=Lax",
            "a=2; SameSite=None; Secure; HttpOnly",
            "c=1; HttpOnly; Secure; SameSite=Lax",
        ]
    );
    let (set, _) = ask(CookieLayer::builder(), &["="], Request::new(())).await;
    assert_eq!(set, [""; 0]);
}

#[tokio::test]
async fn every_status_and_grpc_answers_are_hardened() {
    let spy = Spy::new().header(SET_COOKIE, "a=1");
    for status in [200, 204, 301, 304, 401, 404, 500, 503] {
        let status = StatusCode::from_u16(status).unwrap();
        let service = CookieLayer::strict().layer(spy.clone().status(status));
        let answer = go(service, Request::new(())).await;
        assert_eq!(answer.status(), status);
        assert_eq!(
            lines(answer.headers(), "set-cookie"),
            ["a=1; Secure; HttpOnly; SameSite=Lax"]
        );
    }
    let grpc = spy.header(CONTENT_TYPE, "application/grpc-web+proto");
    let request = Request::post("/a.B/C").header(CONTENT_TYPE, "application/grpc-web+proto");
    let answer = go(CookieLayer::strict().layer(grpc), request.body(()).unwrap()).await;
    assert_eq!(
        lines(answer.headers(), "set-cookie"),
        ["a=1; Secure; HttpOnly; SameSite=Lax"]
    );
}

/// The body has no bound: not even `RejectionBody`.
#[tokio::test]
async fn any_body_passes() {
    struct Opaque;
    let inner = service_fn(|_: Request<Opaque>| async {
        Ok::<_, Infallible>(
            Response::builder()
                .header(SET_COOKIE, "a=1")
                .body(Opaque)
                .unwrap(),
        )
    });
    let answer = go(CookieLayer::strict().layer(inner), Request::new(Opaque)).await;
    assert_eq!(
        answer.headers()[SET_COOKIE],
        "a=1; Secure; HttpOnly; SameSite=Lax"
    );
}

#[tokio::test]
async fn an_error_of_the_service_is_handed_on() {
    let inner = service_fn(|_: Request<()>| async { Err::<Response<()>, _>("broken") });
    let mut service = CookieLayer::strict().layer(inner);
    assert_eq!(service.call(Request::new(())).await.unwrap_err(), "broken");
}

#[tokio::test]
async fn readiness_is_that_of_the_service() {
    let (mut service, mut handle) =
        tower_test::mock::spawn_layer::<Request<()>, Response<()>, _>(CookieLayer::strict());
    handle.allow(0);
    assert!(service.poll_ready().is_pending());
    handle.allow(1);
    assert!(service.poll_ready().is_ready());
    handle.send_error("closed");
    assert!(matches!(service.poll_ready(), Poll::Ready(Err(_))));
}

#[tokio::test]
async fn a_session_goes_out_and_comes_back() {
    let builder = || CookieLayer::builder().host_prefix(["session"]);
    const LOG_IN: &[&str] = &["session=v; Domain=a.example; Path=/app", "theme=dark"];
    let (set, _) = ask(builder(), LOG_IN, Request::new(())).await;
    assert_eq!(
        set,
        [
            "__Host-session=v; Path=/; Secure; HttpOnly; SameSite=Lax",
            "theme=dark; Secure; HttpOnly; SameSite=Lax"
        ]
    );
    let back = with_cookie("theme=dark; session=evil; __Host-session=v");
    // It reads the jar and writes it back.
    let (set, seen) = ask(builder(), &["session=v", "session=w"], back).await;
    assert_eq!(seen, ["theme=dark; session=v"]);
    assert_eq!(
        set,
        [
            "__Host-session=v; Path=/; Secure; HttpOnly; SameSite=Lax",
            "__Host-session=w; Path=/; Secure; HttpOnly; SameSite=Lax"
        ]
    );
    let (_, seen) = ask(builder(), &[], with_cookie("session=evil")).await;
    assert_eq!(seen, [""; 0]);
}

const ROWS: &[&str] = &["a=1", "__Host-a=1; Domain=a.example", "session=1"];

#[tokio::test]
async fn off_does_nothing_and_report_only_says_what_it_would_do() {
    let heard = Heard::default();
    let builder = |mode| {
        CookieLayer::builder()
            .host_prefix(["session"])
            .mode(mode)
            .events(heard.sink())
    };
    let request = || with_cookie("session=evil; __Host-session=v");

    let (set, seen) = ask(builder(Mode::Off), ROWS, request()).await;
    assert_eq!(set, ROWS);
    assert_eq!(seen, ["session=evil; __Host-session=v"]);
    assert_eq!(heard.take(), [""; 0]);

    let (set, seen) = ask(builder(Mode::ReportOnly), ROWS, request()).await;
    assert_eq!(set, ROWS);
    assert_eq!(seen, ["session=evil; __Host-session=v"]);
    assert_eq!(
        heard.take(),
        [
            "cookie_changed hardened a would_refuse info -",
            "cookie_rejected prefix_domain __Host-a would_refuse warn -",
            "cookie_changed hardened session would_refuse info -",
        ]
    );

    let (set, seen) = ask(builder(Mode::Enforce), ROWS, request()).await;
    assert_eq!(
        set,
        [
            "a=1; Secure; HttpOnly; SameSite=Lax",
            "__Host-session=1; Path=/; Secure; HttpOnly; SameSite=Lax"
        ]
    );
    assert_eq!(seen, ["session=v"]);
    assert_eq!(
        heard.take(),
        [
            "cookie_rejected bare_name session refused info removed=1",
            "cookie_rejected prefix_domain __Host-a refused warn -",
        ]
    );
}

#[tokio::test]
async fn what_browsers_refuse_is_an_event_in_either_case() {
    let heard = Heard::default();
    for (violation, outcome) in [
        (Violation::Drop, "refused"),
        (Violation::Report, "would_refuse"),
    ] {
        let builder = CookieLayer::builder()
            .on_violation(violation)
            .events(heard.sink());
        const SET: &[&str] = &["__Host-a=1; Domain=a.example", "=__Host-secret=hush", ""];
        let (set, _) = ask(builder, SET, Request::new(())).await;
        assert_eq!(set.len(), if violation == Violation::Drop { 0 } else { 3 });
        assert_eq!(
            heard.take(),
            [
                format!("cookie_rejected prefix_domain __Host-a {outcome} warn -"),
                format!("cookie_rejected nameless_prefix - {outcome} warn -"),
                format!("cookie_rejected empty - {outcome} warn -"),
            ]
        );
    }
}

#[tokio::test]
async fn planted_cookies_are_told_once_for_each_name() {
    let heard = Heard::default();
    let builder = || {
        CookieLayer::builder()
            .host_prefix(["session", "id"])
            .events(heard.sink())
    };
    let rows: &[(&'static str, &[&str])] = &[
        ("__Host-session=1; a=1", &[]),
        (
            "session=1; session=2",
            &["cookie_rejected bare_name session refused info removed=2"],
        ),
        (
            "session=1; sess%69on=2",
            &["cookie_rejected look_alike session refused warn removed=2"],
        ),
        (
            "__Host-session=hush; __Host-session=hush; session=hush; id=hush",
            &[
                "cookie_rejected duplicate session refused warn removed=3",
                "cookie_rejected bare_name id refused info removed=1",
            ],
        ),
    ];
    for (line, expected) in rows {
        ask(builder(), &[], with_cookie(line)).await;
        assert_eq!(heard.take(), *expected, "{line}");
    }
}

#[tokio::test]
async fn a_lost_domain_is_told() {
    let heard = Heard::default();
    let builder = || {
        CookieLayer::builder()
            .host_prefix(["session"])
            .events(heard.sink())
    };
    ask(
        builder(),
        &["session=1; Domain=a.example"],
        Request::new(()),
    )
    .await;
    assert_eq!(
        heard.take(),
        ["cookie_changed domain_removed session success info -"]
    );
    ask(builder(), &["session=1; Domain="], Request::new(())).await;
    assert_eq!(heard.take(), [""; 0]);
}

/// Nor does any event hold what could forge a line of a log.
#[tokio::test]
async fn no_event_holds_a_value() {
    let events = Arc::new(Mutex::new(String::new()));
    let log = Arc::clone(&events);
    let layer = CookieLayer::builder()
        .host_prefix(["session"])
        .events(move |event: &SecurityEvent<'_>| {
            log.lock().unwrap().push_str(&format!("{event:?}\n"));
        })
        .build()
        .unwrap();
    let long = format!("{}=hush; Path=/", "n".repeat(5_000));
    let inner = service_fn(move |_: Request<()>| {
        let answer = Response::builder()
            .header(SET_COOKIE, "__Host-a=hush; Domain=a.example")
            .header(SET_COOKIE, "=__Host-hush=hush")
            .header(SET_COOKIE, "__Host-hush")
            .header(SET_COOKIE, "session=hush; Domain=a.example")
            .header(SET_COOKIE, "==hush=hush")
            .header(SET_COOKIE, &long)
            .header(
                SET_COOKIE,
                &b"__Host-\xe2\x80\xae=hush; Domain=a.example"[..],
            )
            .body(())
            .unwrap();
        async { Ok::<_, Infallible>(answer) }
    });
    let request = Request::get("/?hush")
        .header(
            COOKIE,
            "session=hush; =session=hush; __Host-session; __host-session=hush",
        )
        .body(())
        .unwrap();
    go(layer.layer(inner), request).await;
    let events = events.lock().unwrap();
    assert_eq!(events.lines().count(), 8, "{events}");
    assert!(!events.contains("hush"), "{events}");
    assert!(!events.contains('\u{202e}'), "{events}");
    assert!(events.contains(&"n".repeat(100)), "{events}");
    assert!(!events.contains(&"n".repeat(129)), "{events}");
    assert!(events.contains("path: Some(CleanText(\"/\"))"), "{events}");
}

#[tokio::test]
async fn events_say_whose_request_it_was() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let sink = move |event: &SecurityEvent<'_>| {
        let ip = event.client_ip.map(|ip| ip.to_string());
        log.lock()
            .unwrap()
            .push((event.code, ip, event.request_id.is_some()));
    };
    let layer = CookieLayer::builder()
        .host_prefix(["session"])
        .build()
        .unwrap();
    let stack = SecurityStack::new()
        .events(sink)
        .client_ip(TrustedProxies::direct())
        .extra(Innermost, layer);
    let peer: std::net::SocketAddr = "203.0.113.9:9".parse().unwrap();
    let request = Request::builder()
        .header(COOKIE, "session=evil")
        .extension(PeerAddr::from(peer))
        .body(())
        .unwrap();
    let service = stack.layer(handler(&["__Host-a=1; Domain=a.example"]));
    go(service, request).await;
    let ip = Some("203.0.113.9".to_owned());
    let expected = ("cookie_rejected", ip, true);
    assert_eq!(*seen.lock().unwrap(), [expected.clone(), expected]);
}

/// Asks for two cookies, one of them renamed, by a request of which a source says how it came.
async fn assert_exposed(
    name: &str,
    source: Option<SchemeSource>,
    extend: impl FnOnce(&mut Request<()>),
    is_exposed: bool,
) {
    const COOKIES: &str = "session=1; __Host-session=2";
    let mut builder = CookieLayer::builder().host_prefix(["session"]);
    if let Some(source) = source {
        builder = builder.dangerous_insecure_on_plain_http(source);
    }
    let mut request = with_cookie(COOKIES);
    extend(&mut request);
    let (set, seen) = ask(builder, &["a=1", "session=1"], request).await;
    let (expected, expected_seen) = if is_exposed {
        let exposed = [
            "a=1; HttpOnly; SameSite=Lax",
            "session=1; HttpOnly; SameSite=Lax",
        ];
        (exposed, COOKIES)
    } else {
        let secured = [
            "a=1; Secure; HttpOnly; SameSite=Lax",
            "__Host-session=1; Path=/; Secure; HttpOnly; SameSite=Lax",
        ];
        (secured, "session=2")
    };
    assert_eq!(set, expected, "{name}");
    assert_eq!(seen, [expected_seen], "{name}");
}

#[tokio::test]
async fn over_plain_http_secure_is_added_unless_it_is_said_otherwise() {
    let nothing = |_: &mut Request<()>| {};
    let tls = |request: &mut Request<()>| {
        request.extensions_mut().insert(Tls);
    };
    let attached = |scheme: RequestScheme| {
        move |request: &mut Request<()>| {
            request.extensions_mut().insert(scheme);
        }
    };
    let (http, https) = (RequestScheme::Http, RequestScheme::Https);
    let by_tls = Some(SchemeSource::Tls);
    let listener = |scheme| Some(SchemeSource::Listener(scheme));

    assert_exposed("no source", None, nothing, false).await;
    assert_exposed("no source, attached", None, attached(http), false).await;
    assert_exposed("plain", by_tls.clone(), nothing, true).await;
    assert_exposed("TLS", by_tls.clone(), tls, false).await;
    assert_exposed("a layer knows better", by_tls, attached(https), false).await;
    assert_exposed("and the other way", listener(https), attached(http), true).await;
    assert_exposed("listener", listener(http), tls, true).await;
    assert_exposed("TLS listener", listener(https), nothing, false).await;
    let assumed = Some(SchemeSource::AssumeHttps);
    assert_exposed("assumed", assumed, nothing, false).await;
}

#[tokio::test]
async fn a_proxy_says_what_is_plain_http() {
    let proxies = ClientIp::trusted_proxies(["10.0.0.0/8".parse().unwrap()]).unwrap();
    let source = SchemeSource::forwarded_proto(proxies, ProtoHeader::XForwardedProto).unwrap();
    let from = |peer: &'static str, proto: &'static str| {
        move |request: &mut Request<()>| {
            let peer: std::net::SocketAddr = peer.parse().unwrap();
            request.extensions_mut().insert(PeerAddr::from(peer));
            let proto = HeaderValue::from_static(proto);
            request.headers_mut().insert("x-forwarded-proto", proto);
        }
    };
    let source = || Some(source.clone());
    let (proxy, stranger) = ("10.0.0.1:9", "203.0.113.9:9");
    assert_exposed("https", source(), from(proxy, "https"), false).await;
    assert_exposed("http", source(), from(proxy, "http"), true).await;
    assert_exposed("a stranger", source(), from(stranger, "https"), true).await;
    assert_exposed("nobody knows", source(), |_| {}, false).await;
}

/// Browsers would not take them otherwise.
#[tokio::test]
async fn over_plain_http_some_are_secure_all_the_same() {
    let builder = CookieLayer::builder()
        .same_site_for("sso", SameSite::None)
        .dangerous_insecure_on_plain_http(SchemeSource::Tls);
    const SET: &[&str] = &[
        "a=1; Secure",
        "a=1; SameSite=None",
        "sso=1",
        "a=1; Partitioned",
        "__Secure-a=1",
        "__Host-a=1",
        "__Http-a=1",
        "a=1; SameSite=Strict",
    ];
    let (set, _) = ask(builder, SET, Request::new(())).await;
    assert_eq!(
        set,
        [
            "a=1; Secure; HttpOnly; SameSite=Lax",
            "a=1; SameSite=None; Secure; HttpOnly",
            "sso=1; Secure; HttpOnly; SameSite=None",
            "a=1; Partitioned; Secure; HttpOnly; SameSite=Lax",
            "__Secure-a=1; Secure; HttpOnly; SameSite=Lax",
            "__Host-a=1; Path=/; Secure; HttpOnly; SameSite=Lax",
            "__Http-a=1; Secure; HttpOnly; SameSite=Lax",
            "a=1; SameSite=Strict; HttpOnly",
        ]
    );
}

#[test]
fn the_layer_says_what_it_does() {
    let strict = CookieLayer::default();
    assert_eq!(strict.mode(), Mode::Enforce);
    assert_eq!(strict.policy().renamed().count(), 0);
    assert_eq!(warnings(strict), [""; 0]);

    let layer = CookieLayer::builder()
        .host_prefix(["session", "id"])
        .mode(Mode::ReportOnly)
        .dangerous_skip(["sid"])
        .build()
        .unwrap();
    assert_eq!(layer.mode(), Mode::ReportOnly);
    assert_eq!(
        layer.policy().renamed().collect::<Vec<_>>(),
        ["session", "id"]
    );
    assert_eq!(layer.policy().config().dangerous_skip, ["sid"]);
    assert_eq!(
        warnings(layer),
        ["cookies: report-only", "cookies: dangerous_skip"]
    );
    let readable = CookieLayer::builder().dangerous_script_readable(["sid"]);
    assert_eq!(
        warnings(readable.build().unwrap()),
        ["cookies: dangerous_script_readable"]
    );
    let exposed = CookieLayer::builder().dangerous_insecure_on_plain_http(SchemeSource::Tls);
    assert_eq!(
        warnings(exposed.build().unwrap()),
        ["cookies: dangerous_insecure_on_plain_http"]
    );
}

fn warnings(layer: CookieLayer) -> Vec<String> {
    let posture = SecurityStack::new().cookies(layer).posture();
    let warnings = crate::support::posture::warnings(&posture);
    warnings.into_iter().map(str::to_owned).collect()
}
